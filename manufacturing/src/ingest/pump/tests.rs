use base::mqtt::scripted::{Broker, Packet, Peer};
use records::wire::{Holds, WorkOrderMessage};
use records::{FixedBytes, Hash};

use super::*;

/// Reason codes of MQTT 5: `Quota exceeded` and `Not authorized`.
const REFUSALS: [u8; 2] = [0x97, 0x87];

async fn connected() -> (Broker, Peer, Client, mpsc::Receiver<Event>) {
    let broker = Broker::start().await.unwrap();
    let (client, mut events) = mqtt::start(broker.settings("service"));
    let peer = broker.welcome(false, false).await.unwrap();
    assert!(matches!(events.recv().await, Some(Event::Connected { .. })));
    (broker, peer, client, events)
}

/// With one station and one lane.
fn outlet() -> Arc<Outlet> {
    let lane = LaneName { station: "a".into(), lane: "main".into() };
    let order = WorkOrderMessage {
        revision: 1,
        work_order: Some("WO".into()),
        attributes: Default::default(),
        terms: Default::default(),
    };
    Arc::new(Outlet {
        outbox: Arc::default(),
        board: Arc::new(Board::new(Holds::default(), ["a".to_owned()])),
        lanes: Arc::new(Lanes::new([(lane, order)])),
        topics: Topics::new("lotline/v1").unwrap(),
        key: SigningKey::from_seed(FixedBytes([7; 32])),
        instance: SeriesId::ZERO,
        pause: Duration::from_millis(20),
    })
}

async fn published(peer: &mut Peer) -> (u16, Message) {
    match peer.next().await.unwrap() {
        Packet::Publish { packet_id: Some(id), message, .. } => (id, message),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_the_broker_refuses_is_told_again_after_a_pause() {
    let (_broker, mut peer, client, _events) = connected().await;
    let outlet = outlet();
    for topic in ["lotline/v1/a/holds", "lotline/v1/a/work-order/main"] {
        let telling = match topic.ends_with("holds") {
            true => tokio::spawn(outlet.clone().tell_holds(client.clone())),
            false => tokio::spawn(outlet.clone().tell_lanes(client.clone())),
        };
        match topic.ends_with("holds") {
            true => outlet.board.again(),
            false => outlet.lanes.again(),
        }
        let mut told = Vec::new();
        for code in REFUSALS.into_iter().chain([0]) {
            let (id, message) = published(&mut peer).await;
            peer.puback(id, code).await.unwrap();
            told.push(message);
        }
        assert!(told.iter().all(|message| *message == told[0] && message.topic == topic && message.retain), "{told:?}");
        telling.abort();
    }
}

#[tokio::test]
async fn receipts_do_not_wait_for_the_acknowledgement_of_each_other() {
    let (_broker, mut peer, client, _events) = connected().await;
    let outlet = outlet();
    let stored = |station: usize| Receipt::stored(&format!("s{station:02}"), SeriesId::ZERO, 1, Hash::ZERO);
    (0..AT_ONCE + 2).for_each(|station| outlet.outbox.put(stored(station)));
    let telling = tokio::spawn(outlet.clone().tell(client));
    let mut waiting = Vec::new();
    for _ in 0..AT_ONCE {
        waiting.push(published(&mut peer).await);
    }
    let silent = tokio::time::timeout(Duration::from_millis(50), peer.next()).await;
    assert!(silent.is_err(), "no more than so many at once: {silent:?}");
    for n in 0..2 {
        peer.puback(waiting[n].0, 0).await.unwrap();
        waiting.push(published(&mut peer).await);
    }
    let mut topics: Vec<String> = waiting.into_iter().map(|(_, message)| message.topic).collect();
    topics.sort();
    let each: Vec<String> = (0..AT_ONCE + 2).map(|station| format!("lotline/v1/s{station:02}/receipts")).collect();
    assert_eq!(topics, each);
    telling.abort();
}
