//! A real client behind the wire, and a broker of the test before it.

use std::time::Duration;

use base::mqtt::scripted::{Broker, ConnAck, Packet, Peer};
use base::mqtt::{self, Client, Event, Message, PublishError};
use tokio::sync::mpsc::Receiver;

use super::*;

struct Rig {
    broker: Broker,
    wire: FaultyWire,
    client: Client,
    events: Receiver<Event>,
}

impl Rig {
    async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    async fn start_with(change: impl FnOnce(&mut mqtt::Settings)) -> Self {
        let broker = Broker::start().await.unwrap();
        let wire = FaultyWire::start(([127, 0, 0, 1], broker.port()).into()).unwrap();
        let mut settings = broker.settings("c");
        settings.port = wire.address().port();
        settings.subscriptions = vec!["receipts".to_owned()];
        change(&mut settings);
        let (client, events) = mqtt::start(settings);
        Self { broker, wire, client, events }
    }

    async fn peer(&mut self) -> Peer {
        let peer = self.broker.welcome(false, true).await.unwrap();
        while !matches!(self.events.recv().await.unwrap(), Event::Connected { .. }) {}
        peer
    }

    fn publish(&self, topic: &str) -> tokio::task::JoinHandle<Result<mqtt::Delivered, PublishError>> {
        let (client, topic) = (self.client.clone(), topic.to_owned());
        let message = Message { topic, payload: vec![7; 100], retain: false };
        tokio::spawn(async move { client.publish(message).await })
    }

    async fn received(&mut self) -> Vec<u8> {
        loop {
            if let Event::Message(message, ack) = self.events.recv().await.unwrap() {
                ack.send();
                return message.payload;
            }
        }
    }
}

async fn taken(peer: &mut Peer) -> u16 {
    match peer.next().await.unwrap() {
        Packet::Publish { packet_id: Some(id), .. } => id,
        other => panic!("{other:?}"),
    }
}

fn receipt(text: &str) -> Message {
    Message { topic: "receipts".to_owned(), payload: text.as_bytes().to_vec(), retain: false }
}

#[tokio::test]
async fn a_cut_before_hides_the_message_and_a_cut_after_hides_its_acknowledgement() {
    let mut rig = Rig::start().await;
    let mut peer = rig.peer().await;
    rig.wire.add(Rule::new(Toward::Broker, "records", Fault::CutBefore));
    let sending = rig.publish("records");
    assert_eq!(peer.next().await.unwrap(), Packet::Closed);
    assert_eq!(sending.await.unwrap(), Err(PublishError::SessionLost));
    let mut peer = rig.peer().await;
    rig.wire.add(Rule::new(Toward::Broker, "records", Fault::CutAfter));
    let sending = rig.publish("records");
    let id = taken(&mut peer).await;
    peer.puback(id, 0).await.unwrap();
    assert_eq!(sending.await.unwrap(), Err(PublishError::SessionLost));
    let counts = rig.wire.counts();
    assert_eq!((counts.cut_before, counts.cut_after, counts.to_broker), (1, 1, 1));
}

#[tokio::test]
async fn reason_codes_reach_the_publisher_and_not_the_broker() {
    let mut rig = Rig::start().await;
    let mut peer = rig.peer().await;
    for code in [0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99] {
        rig.wire.add(Rule::new(Toward::Broker, "records", Fault::Refuse(code)));
        let answer = rig.publish("records").await.unwrap();
        assert!(matches!(answer, Err(PublishError::Refused { code: said, .. }) if said == code), "{answer:?}");
    }
    let sending = rig.publish("records");
    let id = taken(&mut peer).await;
    peer.puback(id, 0).await.unwrap();
    assert!(sending.await.unwrap().is_ok(), "nothing else came between");
}

#[tokio::test]
async fn receipts_are_lost_doubled_held_back_and_forged() {
    let mut rig = Rig::start().await;
    let mut peer = rig.peer().await;
    let rule = |fault| Rule::new(Toward::Client, "receipts", fault);
    rig.wire.add(rule(Fault::Lose));
    rig.wire.add(rule(Fault::Duplicate));
    rig.wire.add(rule(Fault::Hold { overtaken_by: 1, longest: Duration::from_secs(9) }));
    for (id, text) in ["lost", "twice", "late", "soon"].into_iter().enumerate() {
        peer.publish(&receipt(text), Some(id as u16 + 1)).await.unwrap();
    }
    for text in ["twice", "twice", "soon", "late"] {
        assert_eq!(rig.received().await, text.as_bytes());
    }
    for id in [1, 2, 4, 3] {
        assert_eq!(peer.next().await.unwrap(), Packet::PubAck { packet_id: id }, "one for each that was sent");
    }
    assert_eq!(rig.wire.inject(Toward::Client, "receipts", b"forged"), 1);
    assert_eq!(rig.received().await, b"forged");
}

#[tokio::test]
async fn a_half_open_connection_is_given_up_and_the_next_one_passes() {
    let mut rig = Rig::start_with(|settings| settings.ack_timeout = Duration::from_millis(200)).await;
    let mut peer = rig.peer().await;
    rig.wire.stall();
    let sending = rig.publish("records");
    assert_eq!(peer.next().await.unwrap(), Packet::Closed);
    assert_eq!(sending.await.unwrap(), Err(PublishError::TimedOut(Duration::from_millis(200))));
    rig.peer().await;
    assert_eq!((rig.wire.counts().stalled, rig.wire.counts().connections), (1, 2));
}

#[tokio::test]
async fn an_unplugged_wire_refuses_and_a_greeting_is_changed() {
    let mut rig = Rig::start().await;
    let mut peer = rig.peer().await;
    rig.wire.unplug();
    assert_eq!(peer.next().await.unwrap(), Packet::Closed);
    loop {
        if let Some(Event::Disconnected { reason }) = rig.events.recv().await
            && reason.contains("nothing listens")
        {
            break;
        }
    }
    rig.wire.greet(Greeting { forget_session: true, largest_packet: Some(64) });
    rig.wire.plug().unwrap();
    let mut peer = rig.broker.connection().await.unwrap();
    peer.connack(ConnAck { session_present: true, ..ConnAck::default() }).await.unwrap();
    let Packet::Subscribe { packet_id, .. } = peer.next().await.unwrap() else { panic!("no subscription") };
    peer.suback(packet_id, &[1]).await.unwrap();
    let connected = loop {
        if let Event::Connected { session_present } = rig.events.recv().await.unwrap() {
            break session_present;
        }
    };
    assert!(!connected);
    let answer = rig.publish("records").await.unwrap();
    assert!(matches!(answer, Err(PublishError::TooLarge { largest: 64, .. })), "{answer:?}");
    assert_eq!(rig.wire.counts().greetings, 1);
}

#[tokio::test]
async fn bytes_that_are_not_mqtt_end_the_connection() {
    let mut rig = Rig::start().await;
    let mut peer = rig.peer().await;
    peer.raw(&[0x30, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]).await.unwrap();
    assert_eq!(peer.next().await.unwrap(), Packet::Closed);
    assert_eq!(rig.wire.counts().unreadable, 1);
}
