//! The whole service against a broker that does what the test says.

use base::mqtt::Message;
use base::mqtt::scripted::{Broker, Packet, Peer};
use records::wire::signed;
use records::wire::{Holds, Receipt, ServiceHello, Topic, Topics};
use records::{PublicKey, SigningKey};
use serde_json::Value;
use tokio::task::JoinHandle;

use super::*;
use crate::clock;
use crate::testkit::{Station, packed};

struct Running {
    address: SocketAddr,
    end: oneshot::Sender<()>,
    served: JoinHandle<Result<(), ServiceError>>,
}

fn settings(data: &Path, port: u16) -> Settings {
    let mut settings = Settings::defaults().unwrap();
    settings.listen = ([127, 0, 0, 1], 0).into();
    settings.data = data.to_owned();
    settings.broker.access.url.port = port;
    settings
}

async fn start(settings: Settings) -> Running {
    let (announcing, announced) = oneshot::channel();
    let (end, ended) = oneshot::channel();
    let announce = |address| announcing.send(address).unwrap();
    let served = tokio::spawn(serve(settings, clock::system(), announce, async { drop(ended.await) }));
    Running { address: announced.await.unwrap(), end, served }
}

impl Running {
    async fn get(&self, path: &str) -> Value {
        let client = base::http::client(None).unwrap();
        client.get(format!("http://{}{path}", self.address)).send().await.unwrap().json().await.unwrap()
    }

    async fn end(self) {
        self.end.send(()).unwrap();
        self.served.await.unwrap().unwrap();
    }
}

/// The next message that the service publishes, acknowledged.
async fn published(peer: &mut Peer) -> Message {
    loop {
        match peer.next().await.unwrap() {
            Packet::Publish { message, packet_id: Some(id), .. } => {
                peer.puback(id, 0).await.unwrap();
                return message;
            }
            Packet::PubAck { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

/// The next receipt, and by whom it is signed.
async fn receipt(peer: &mut Peer) -> (PublicKey, Receipt) {
    let message = loop {
        let message = published(peer).await;
        if !message.topic.ends_with("/holds") {
            break message;
        }
    };
    assert!(message.topic.ends_with("/receipts") && !message.retain, "{}", message.topic);
    signed::open(&message.payload).unwrap()
}

fn records_of(station: &str, payload: Vec<u8>) -> Message {
    let topics = Topics::new(records::wire::DEFAULT_PREFIX).unwrap();
    Message { topic: topics.name(Topic::Records(station)), payload, retain: false }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_stored_receipted_and_found_and_outlive_the_service() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::start().await.unwrap();
    let mut a = Station::new("a", 1);
    for n in 0..3 {
        a.write(n, packed(&format!("S{n}"), "P1", &[("lotCode", "L")]));
    }

    let service = start(settings(folder.path(), broker.port())).await;
    let mut peer = broker.welcome(false, true).await.unwrap();
    let hello = published(&mut peer).await;
    assert!(hello.retain && hello.topic == "lotline/v1/service");
    let (key, first_hello) = signed::open::<ServiceHello>(&hello.payload).unwrap();
    let seed = std::fs::read_to_string(folder.path().join(KEY_FILE)).unwrap();
    assert_eq!(SigningKey::from_seed(seed.trim().parse().unwrap()).public(), key);
    assert_eq!(std::fs::metadata(folder.path().join(KEY_FILE)).unwrap().permissions().mode() & 0o777, 0o600);

    // Rubbish, somebody else's records and a good segment: one receipt.
    for (n, message) in [
        records_of("a", b"rubbish".to_vec()),
        records_of("b", a.segment(1, 3)),
        Message { topic: "lotline/v1/a/online".into(), payload: b"{}".to_vec(), retain: true },
        records_of("a", a.segment(1, 2)),
    ]
    .into_iter()
    .enumerate()
    {
        peer.publish(&message, Some(n as u16 + 1)).await.unwrap();
    }
    let (signer, first) = receipt(&mut peer).await;
    assert_eq!((signer, first.up_to, &*first.station), (key, 2, "a"));
    assert_eq!(service.get("/healthz").await["devices"], 2);
    assert_eq!(service.get("/healthz").await["mqtt"], "connected");
    assert_eq!(service.get("/v1/stations").await["stations"][0]["refused"], 2);
    service.end().await;
    drop(peer);

    let service = start(settings(folder.path(), broker.port())).await;
    let mut peer = broker.welcome(false, true).await.unwrap();
    let (same_key, hello) = signed::open::<ServiceHello>(&published(&mut peer).await.payload).unwrap();
    assert_eq!(same_key, key);
    assert_ne!(hello.instance, first_hello.instance, "so that stations send again what has no receipt");
    peer.publish(&records_of("a", a.segment(1, 3)), Some(1)).await.unwrap();
    assert_eq!(receipt(&mut peer).await.1.up_to, 3);
    assert_eq!(service.get("/v1/recall?serial=S0").await["count"], 3);
    service.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_is_acknowledged_once_and_only_when_it_is_dealt_with() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::start().await.unwrap();
    let mut a = Station::new("a", 1);
    for n in 0..200 {
        a.write(n, packed(&format!("S{n}"), "P1", &[]));
    }
    let service = start(settings(folder.path(), broker.port())).await;
    let mut peer = broker.welcome(false, true).await.unwrap();
    published(&mut peer).await;
    let mut acknowledged = Vec::new();
    let mut up_to = 0;
    // No more than the service is willing to have in flight.
    for round in 0..4 {
        for n in 0..50 {
            let payload =
                if n % 5 == 4 { b"rubbish".to_vec() } else { a.segment(round * 50 + n + 1, round * 50 + n + 1) };
            peer.publish(&records_of("a", payload), Some((round * 50 + n + 1) as u16)).await.unwrap();
        }
        while acknowledged.len() < (round + 1) * 50 {
            match peer.next().await.unwrap() {
                Packet::PubAck { packet_id, .. } => acknowledged.push(usize::from(packet_id)),
                Packet::Publish { message, packet_id: Some(id), .. } => {
                    peer.puback(id, 0).await.unwrap();
                    if message.topic.ends_with("/holds") {
                        continue;
                    }
                    let (_, receipt) = signed::open::<Receipt>(&message.payload).unwrap();
                    assert!(receipt.up_to >= up_to, "receipts never go back");
                    up_to = receipt.up_to;
                }
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(acknowledged, (1..=200).collect::<Vec<_>>(), "in the order in which they came (MQTT 5.0, 4.6)");
    assert_eq!(service.get("/healthz").await["position"], 162, "the service wrote that it took the station's key");
    service.end().await;
}

#[tokio::test]
async fn what_keeps_the_service_from_running_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let fail = async |settings: Settings| {
        let served = serve(settings, clock::system(), |_| panic!("announced"), async {});
        served.await.unwrap_err()
    };
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut busy = settings(folder.path(), 1);
    busy.listen = taken.local_addr().unwrap();
    let error = fail(busy).await.to_string();
    assert!(error.contains("another program listens there"), "{error}");
    assert!(!folder.path().join(store::FILE).exists(), "nothing is made by a service that cannot start");

    std::fs::write(folder.path().join(KEY_FILE), "short").unwrap();
    let error = fail(settings(folder.path(), 1)).await.to_string();
    assert!(error.contains(KEY_FILE) && error.contains("restore it"), "{error}");
    std::fs::remove_file(folder.path().join(KEY_FILE)).unwrap();

    let path = folder.path().join(store::FILE);
    std::fs::write(&path, vec![7; 9000]).unwrap();
    let error = fail(settings(folder.path(), 1)).await;
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(error.to_string().contains("restore the folder from a backup"), "{error}");
    assert!(cause.contains(store::FILE), "{cause}");
    assert_eq!(std::fs::read(&path).unwrap(), vec![7; 9000]);
}

/// The next holds that a station is told.
async fn holds(peer: &mut Peer, station: &str) -> Holds {
    loop {
        let message = published(peer).await;
        if message.topic == format!("lotline/v1/{station}/holds") {
            assert!(message.retain);
            return signed::open::<Holds>(&message.payload).unwrap().1;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_station_is_told_what_is_on_hold_when_it_is_new_at_each_change_and_at_a_start() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::start().await.unwrap();
    let mut a = Station::new("a", 1);
    a.write(1, packed("S1", "P1", &[("lotCode", "L")]));
    let service = start(settings(folder.path(), broker.port())).await;
    let mut peer = broker.welcome(false, true).await.unwrap();
    peer.publish(&records_of("a", a.segment(1, 1)), Some(1)).await.unwrap();
    assert_eq!(holds(&mut peer, "a").await, Holds::default());
    let token = std::fs::read_to_string(folder.path().join(ADMIN_FILE)).unwrap();
    let post = async |address: SocketAddr, body: Value| {
        let client = base::http::client(None).unwrap();
        let request = client.post(format!("http://{address}/v1/holds")).bearer_auth(token.trim_end()).json(&body);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    let body = serde_json::json!({"action": "hold", "lotCode": "L", "reason": "cracked"});
    let (status, answer) = post(service.address, body).await;
    assert_eq!((status, &answer["holds"][0]["reason"]), (200, &"cracked".into()));
    let told = holds(&mut peer, "a").await;
    assert_eq!((&told.lots[..], Some(told.revision)), (&["L".to_owned()][..], answer["revision"].as_u64()));
    service.end().await;
    drop(peer);

    let service = start(settings(folder.path(), broker.port())).await;
    let mut peer = broker.welcome(false, true).await.unwrap();
    assert_eq!(holds(&mut peer, "a").await, told, "a start changes nothing");
    let body = serde_json::json!({"action": "release", "lotCode": "L", "reason": "sorted"});
    assert_eq!(post(service.address, body).await.0, 200);
    let after = holds(&mut peer, "a").await;
    assert!(after.lots.is_empty() && after.revision > told.revision);
    service.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_not_enrolled_gets_no_receipt_and_waits_for_a_person() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::start().await.unwrap();
    let mut a = Station::new("a", 1);
    a.write(1, packed("S1", "P1", &[]));
    let closed = Settings { enrolment: store::Enrolment::Closed, ..settings(folder.path(), broker.port()) };
    let service = start(closed).await;
    let mut peer = broker.welcome(false, true).await.unwrap();
    published(&mut peer).await;
    peer.publish(&records_of("a", a.segment(1, 1)), Some(1)).await.unwrap();
    assert!(matches!(peer.next().await.unwrap(), Packet::PubAck { .. }), "no receipt before it");
    let waiting = service.get("/v1/stations").await["stations"][0].clone();
    let key = a.key.public().to_string();
    assert_eq!((&waiting["station"], &waiting["waiting"][0]["key"]), (&"a".into(), &key.as_str().into()));
    let url = format!("http://{}", service.address);
    let data = folder.path().to_str().unwrap().to_owned();
    let enrolled = tokio::task::spawn_blocking(move || {
        let command = ["lotline-manufacturing", "station", "enrol", "a", &key, "--data", &data, "--url", &url];
        crate::cli::run_with(command.map(Into::into), &mut Vec::new(), &mut std::io::stderr())
    });
    assert_eq!(enrolled.await.unwrap(), 0);
    peer.publish(&records_of("a", a.segment(1, 1)), Some(2)).await.unwrap();
    assert_eq!(receipt(&mut peer).await.1.up_to, 1);
    let stations = service.get("/v1/stations").await;
    assert_eq!(
        (&stations["stations"][0]["waiting"], &stations["stations"][0]["keys"][0]["how"]),
        (&Value::Array(vec![]), &"person".into())
    );
    service.end().await;
}
