//! What the demo needs of the broker, asked with the session that both programs use.

use std::time::Duration;

use base::mqtt::{self, Client, Event, Message};
use tokio::sync::mpsc::Receiver;

use super::*;
use crate::line::ports;

const SOON: Duration = Duration::from_secs(10);

/// A broker of this process, on a port of its own; its threads end with the process.
fn broker() -> u16 {
    let port = ports::free(1).unwrap()[0].port();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    std::thread::spawn(move || serve(address));
    let begin = std::time::Instant::now();
    while std::net::TcpStream::connect(address).is_err() {
        assert!(begin.elapsed() < SOON, "the broker does not listen");
        std::thread::sleep(Duration::from_millis(10));
    }
    port
}

fn settings(port: u16, name: &str, subscriptions: &[&str]) -> mqtt::Settings {
    let mut settings = mqtt::Settings::new("127.0.0.1", port, name);
    settings.subscriptions = subscriptions.iter().map(|filter| (*filter).to_owned()).collect();
    settings.backoff_min = Duration::from_millis(20);
    settings.backoff_max = Duration::from_millis(100);
    settings
}

async fn connected(settings: mqtt::Settings) -> (Client, Receiver<Event>) {
    let (client, mut events) = mqtt::start(settings);
    match tokio::time::timeout(SOON, events.recv()).await.unwrap().unwrap() {
        Event::Connected { .. } => (client, events),
        other => panic!("{other:?}"),
    }
}

async fn message(events: &mut Receiver<Event>) -> Message {
    match tokio::time::timeout(SOON, events.recv()).await.expect("a message comes").unwrap() {
        Event::Message(message, ack) => {
            ack.send();
            message
        }
        other => panic!("{other:?}"),
    }
}

async fn nothing(events: &mut Receiver<Event>) {
    let event = tokio::time::timeout(Duration::from_millis(300), events.recv()).await;
    assert!(event.is_err(), "{event:?}");
}

fn said(topic: &str, payload: impl Into<Vec<u8>>, retain: bool) -> Message {
    Message { topic: topic.to_owned(), payload: payload.into(), retain }
}

#[tokio::test]
async fn messages_are_acknowledged_and_arrive_in_order_up_to_the_largest_segment() {
    let port = broker();
    let mut large = settings(port, "service", &["x/+/records"]);
    large.max_packet = 2 << 20;
    let (_service, mut events) = connected(large).await;
    let mut sender = settings(port, "station", &[]);
    sender.max_packet = 2 << 20;
    let (station, _events) = connected(sender).await;
    for size in [0, 1, 70_000, 1 << 20] {
        station.publish(said("x/one/records", vec![b'r'; size], false)).await.unwrap();
        let message = message(&mut events).await;
        assert_eq!((message.topic.as_str(), message.payload.len(), message.retain), ("x/one/records", size, false));
    }
    // More than the broker has in flight at once, by a reader that acknowledges late.
    for number in 0..500u32 {
        station.publish(said("x/one/records", number.to_be_bytes(), false)).await.unwrap();
    }
    for number in 0..500u32 {
        assert_eq!(message(&mut events).await.payload, number.to_be_bytes());
    }
}

#[tokio::test]
async fn what_is_retained_is_said_to_those_who_come_later_and_can_be_replaced() {
    let port = broker();
    let (service, _events) = connected(settings(port, "service", &[])).await;
    service.publish(said("x/service", "old", true)).await.unwrap();
    service.publish(said("x/service", "new", true)).await.unwrap();
    service.publish(said("x/other", "other", true)).await.unwrap();
    let (_station, mut events) = connected(settings(port, "station", &["x/one/receipts", "x/service"])).await;
    assert_eq!(message(&mut events).await, said("x/service", "new", true));
    // To those who are there it comes as a message of the moment.
    service.publish(said("x/service", "newest", true)).await.unwrap();
    assert_eq!(message(&mut events).await, said("x/service", "newest", false));
    nothing(&mut events).await;
}

#[tokio::test]
async fn the_will_of_a_lost_client_is_published_and_kept_but_not_after_a_good_bye() {
    let port = broker();
    let (_service, mut events) = connected(settings(port, "service", &["x/+/online"])).await;
    for round in 0..3 {
        let mut dying = settings(port, "station", &[]);
        dying.last_will = Some(said("x/one/online", "false", true));
        let (station, station_events) = connected(dying.clone()).await;
        station.publish(said("x/one/online", format!("true {round}"), true)).await.unwrap();
        assert_eq!(message(&mut events).await.payload, format!("true {round}").into_bytes());
        drop(station_events); // the session ends without DISCONNECT
        assert_eq!(message(&mut events).await.payload, b"false");
        let (late, mut late_events) = connected(settings(port, "late", &["x/+/online"])).await;
        assert_eq!(message(&mut late_events).await, said("x/one/online", "false", true));
        late.close().await;

        let (station, _station_events) = connected(dying).await;
        station.close().await;
        nothing(&mut events).await;
    }
}

#[tokio::test]
async fn instances_of_a_service_share_what_comes() {
    let port = broker();
    let shared = "$share/lotline/x/+/records";
    let (first, mut first_events) = connected(settings(port, "service-1", &[shared, "x/+/status"])).await;
    let (_second, mut second_events) = connected(settings(port, "service-2", &[shared, "x/+/status"])).await;
    let (station, _events) = connected(settings(port, "station", &[])).await;
    for number in 0..40u8 {
        station.publish(said("x/one/records", [number], false)).await.unwrap();
    }
    let mut seen = Vec::new();
    let mut of_first = 0;
    while seen.len() < 40 {
        tokio::select! {
            message = message(&mut first_events) => { of_first += 1; seen.push(message.payload[0]) }
            message = message(&mut second_events) => seen.push(message.payload[0]),
        }
    }
    nothing(&mut first_events).await;
    nothing(&mut second_events).await;
    seen.sort_unstable();
    assert_eq!(seen, (0..40).collect::<Vec<u8>>(), "each to exactly one");
    assert!((1..40).contains(&of_first), "{of_first}");
    // What is not shared goes to both.
    station.publish(said("x/one/status", "s", false)).await.unwrap();
    assert_eq!(message(&mut first_events).await.payload, b"s");
    assert_eq!(message(&mut second_events).await.payload, b"s");
    // The one that stays gets everything.
    first.close().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    for number in 0..10u8 {
        station.publish(said("x/one/records", [number], false)).await.unwrap();
        assert_eq!(message(&mut second_events).await.payload, [number]);
    }
}

#[tokio::test]
async fn a_service_that_comes_back_gets_what_comes_from_then_on() {
    let port = broker();
    let shared = ["$share/lotline/x/+/records", "x/+/status", "x/+/online"];
    let (station, _events) = connected(settings(port, "station", &[])).await;
    for round in 0..5u8 {
        let (service, mut events) = connected(settings(port, "service", &shared)).await;
        for number in 0..150u8 {
            station.publish(said("x/one/records", [round, number], false)).await.unwrap();
        }
        for number in 0..100u8 {
            assert_eq!(message(&mut events).await.payload, [round, number]);
        }
        // Gone with messages in flight; once by a good-bye, once without.
        if round % 2 == 0 {
            service.close().await
        } else {
            drop(events)
        }
        station.publish(said("x/one/records", "nobody is there", false)).await.unwrap();
    }
}
