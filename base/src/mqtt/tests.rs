mod tls;

use std::time::Instant;

use super::scripted::{Broker, ConnAck, Packet, Peer};
use super::*;

const SOON: Duration = Duration::from_secs(5);

fn message(payload: &str) -> Message {
    Message { topic: "hall/1/data".to_owned(), payload: payload.into(), retain: false }
}

async fn next(events: &mut mpsc::Receiver<Event>) -> Event {
    tokio::time::timeout(SOON, events.recv()).await.expect("an event comes").expect("the session runs")
}

async fn connected(events: &mut mpsc::Receiver<Event>) -> bool {
    match next(events).await {
        Event::Connected { session_present } => session_present,
        other => panic!("{other:?}"),
    }
}

async fn disconnected(events: &mut mpsc::Receiver<Event>) -> String {
    match next(events).await {
        Event::Disconnected { reason } => reason,
        other => panic!("{other:?}"),
    }
}

async fn packet(peer: &mut Peer) -> Packet {
    tokio::time::timeout(SOON, peer.next()).await.expect("a packet comes").unwrap()
}

async fn published(peer: &mut Peer) -> (u16, String) {
    match packet(peer).await {
        Packet::Publish { packet_id: Some(id), message, .. } => (id, String::from_utf8(message.payload).unwrap()),
        other => panic!("{other:?}"),
    }
}

/// Publishes in a task of its own.
fn publish(client: &Client, payload: &str) -> tokio::task::JoinHandle<Result<Delivered, PublishError>> {
    let (client, message) = (client.clone(), message(payload));
    tokio::spawn(async move { client.publish(message).await })
}

#[tokio::test]
async fn each_message_ends_with_its_own_acknowledgement() {
    let broker = Broker::start().await.unwrap();
    let (client, mut events) = start(broker.settings("a"));
    let mut peer = broker.welcome(false, false).await.unwrap();
    assert!(!connected(&mut events).await);
    assert!(client.is_connected());
    let first = publish(&client, "first");
    let (first_id, text) = published(&mut peer).await;
    assert_eq!(text, "first");
    let second = publish(&client, "second");
    let third = publish(&client, "third");
    let (second_id, _) = published(&mut peer).await;
    let (third_id, _) = published(&mut peer).await;
    // Out of order: the second is refused, the third has no reader, the first stays open.
    peer.puback(third_id, 0x10).await.unwrap();
    peer.puback(second_id, 0x97).await.unwrap();
    let (second, third) = (second.await.unwrap(), third.await.unwrap());
    // Tasks may have sent the two in either order.
    let delivered = Ok(Delivered { no_subscribers: true });
    let refused = Err(PublishError::Refused { code: 0x97, reason: "quota exceeded (0x97)".to_owned() });
    assert!(
        (second == refused && third == delivered) || (second == delivered && third == refused),
        "{second:?} {third:?}"
    );
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!first.is_finished());
    peer.puback(first_id, 0).await.unwrap();
    assert_eq!(first.await.unwrap(), Ok(Delivered { no_subscribers: false }));
}

#[tokio::test]
async fn a_connection_lost_before_the_acknowledgement_is_told_and_nothing_is_sent_again() {
    for session_present in [false, true] {
        let broker = Broker::start().await.unwrap();
        let settings =
            Settings { clean_start: false, session_expiry: Duration::from_secs(600), ..broker.settings("a") };
        let (client, mut events) = start(settings);
        let mut peer = broker.welcome(false, false).await.unwrap();
        connected(&mut events).await;
        let lost = publish(&client, "lost");
        published(&mut peer).await;
        drop(peer);
        assert_eq!(lost.await.unwrap(), Err(PublishError::SessionLost));
        assert!(disconnected(&mut events).await.contains(&format!("127.0.0.1:{}", broker.port())));
        let mut peer = broker.welcome(session_present, false).await.unwrap();
        assert!(!peer.connect.clean_start && peer.connect.session_expiry == 600);
        assert_eq!(connected(&mut events).await, session_present);
        // The first message on the new connection is the one that is published now, also on a session that was kept.
        let kept = publish(&client, "kept");
        let (id, text) = published(&mut peer).await;
        assert_eq!(text, "kept");
        peer.puback(id, 0).await.unwrap();
        kept.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn messages_that_wait_for_the_brokers_window_end_with_the_connection() {
    for close in [false, true] {
        let broker = Broker::start().await.unwrap();
        let (client, mut events) = start(broker.settings("a"));
        let mut peer = broker.connection().await.unwrap();
        peer.connack(ConnAck { receive_maximum: Some(1), ..ConnAck::default() }).await.unwrap();
        connected(&mut events).await;
        let waiting: Vec<_> = (0..4).map(|number| publish(&client, &number.to_string())).collect();
        published(&mut peer).await;
        match close {
            true => client.close().await,
            false => drop(peer),
        }
        for message in waiting {
            let result = tokio::time::timeout(SOON, message).await.expect("an end before the acknowledgement time-out");
            assert_eq!(result.unwrap(), Err(PublishError::SessionLost));
        }
    }
}

#[tokio::test]
async fn a_missing_acknowledgement_gives_the_connection_up() {
    let broker = Broker::start().await.unwrap();
    let (client, mut events) = start(Settings { ack_timeout: Duration::from_millis(100), ..broker.settings("a") });
    let mut silent = broker.welcome(false, false).await.unwrap();
    connected(&mut events).await;
    let waiting = publish(&client, "never acknowledged");
    published(&mut silent).await;
    assert_eq!(waiting.await.unwrap(), Err(PublishError::TimedOut(Duration::from_millis(100))));
    assert!(disconnected(&mut events).await.contains("did not acknowledge a message within 0.1 s"));
    let mut peer = broker.welcome(false, false).await.unwrap();
    connected(&mut events).await;
    assert_eq!(packet(&mut silent).await, Packet::Closed);
    let sent = publish(&client, "again");
    let (id, _) = published(&mut peer).await;
    peer.puback(id, 0).await.unwrap();
    sent.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_refused_connection_says_what_to_check_once() {
    let broker = Broker::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let password_file = folder.path().join("password");
    std::fs::write(&password_file, "hunter2\n").unwrap();
    let settings = Settings { username: Some("me".into()), password_file: Some(password_file), ..broker.settings("a") };
    let (client, mut events) = start(settings);
    for _ in 0..3 {
        let mut peer = broker.connection().await.unwrap();
        assert_eq!(peer.connect.password.as_deref(), Some(b"hunter2".as_slice()));
        peer.connack(ConnAck { code: 0x86, ..ConnAck::default() }).await.unwrap();
    }
    let reason = disconnected(&mut events).await;
    assert!(reason.contains(&format!("127.0.0.1:{}", broker.port())), "{reason}");
    assert!(reason.contains("check user name and password") && !reason.contains("hunter2"), "{reason}");
    assert_eq!(client.publish(message("x")).await, Err(PublishError::NotConnected));
    let _peer = broker.welcome(false, false).await.unwrap();
    // Three refusals, one event.
    connected(&mut events).await;
}

#[tokio::test]
async fn a_closed_port_and_an_unknown_host_are_told() {
    let port = Broker::start().await.unwrap().port();
    let (_client, mut events) = start(Settings::new("127.0.0.1", port, "a"));
    assert!(disconnected(&mut events).await.contains(&format!("nothing listens at 127.0.0.1:{port}")));
    let (_client, mut events) = start(Settings::new("no-such-host.invalid", 1883, "a"));
    let reason = disconnected(&mut events).await;
    assert!(reason.contains("no-such-host.invalid:1883") && reason.contains("check"), "{reason}");
}

#[tokio::test]
async fn a_port_that_does_not_speak_mqtt_is_told() {
    let broker = Broker::start().await.unwrap();
    let (_client, mut events) = start(broker.settings("a"));
    let mut peer = broker.connection().await.unwrap();
    peer.raw(format!("HTTP/1.1 400 Bad Request\r\n\r\n{:100}", "").as_bytes()).await.unwrap();
    let reason = disconnected(&mut events).await;
    assert!(reason.contains("does not speak MQTT 5"), "{reason}");
    drop(broker.connection().await.unwrap());
    let reason = disconnected(&mut events).await;
    assert!(reason.contains("closed the connection") && reason.contains("a port for MQTT 5"), "{reason}");
}

#[tokio::test]
async fn a_refused_subscription_is_no_connection() {
    let broker = Broker::start().await.unwrap();
    let subscriptions = vec!["a/answers".to_owned(), "a/orders".to_owned()];
    let (client, mut events) = start(Settings { subscriptions: subscriptions.clone(), ..broker.settings("a") });
    let mut peer = broker.connection().await.unwrap();
    peer.connack(ConnAck::default()).await.unwrap();
    match packet(&mut peer).await {
        Packet::Subscribe { packet_id, filters } => {
            assert_eq!(filters, subscriptions);
            assert!(!client.is_connected());
            peer.suback(packet_id, &[1, 0x87]).await.unwrap();
        }
        other => panic!("{other:?}"),
    }
    let reason = disconnected(&mut events).await;
    assert!(reason.contains("\"a/orders\"") && reason.contains("not authorized"), "{reason}");
    // Granted without acknowledgement is not granted.
    let mut peer = broker.connection().await.unwrap();
    peer.connack(ConnAck::default()).await.unwrap();
    if let Packet::Subscribe { packet_id, .. } = packet(&mut peer).await {
        peer.suback(packet_id, &[0, 1]).await.unwrap();
    }
    assert!(disconnected(&mut events).await.contains("\"a/answers\""));
    let _peer = broker.welcome(false, true).await.unwrap();
    connected(&mut events).await;
}

#[tokio::test]
async fn a_received_message_is_acknowledged_only_when_the_reader_says_so() {
    let broker = Broker::start().await.unwrap();
    let settings = Settings { subscriptions: vec!["in/#".into()], receive_buffer: 5, ..broker.settings("a") };
    let (client, mut events) = start(settings);
    let mut peer = broker.connection().await.unwrap();
    assert_eq!(peer.connect.receive_maximum, Some(5));
    peer.connack(ConnAck { session_present: false, ..ConnAck::default() }).await.unwrap();
    let Packet::Subscribe { packet_id, .. } = packet(&mut peer).await else { panic!("no SUBSCRIBE") };
    // A message of the kept session may come before the answer to the subscription.
    peer.publish(&Message { topic: "in/1".into(), payload: b"one".to_vec(), retain: true }, Some(7)).await.unwrap();
    peer.suback(packet_id, &[1]).await.unwrap();
    peer.publish(&Message { topic: "in/2".into(), payload: vec![0, 0xFF], retain: false }, Some(8)).await.unwrap();
    peer.publish(&Message { topic: "in/3".into(), payload: vec![], retain: false }, None).await.unwrap();
    connected(&mut events).await;
    let Event::Message(first, first_ack) = next(&mut events).await else { panic!("no message") };
    assert_eq!((first.topic.as_str(), first.payload.as_slice(), first.retain), ("in/1", b"one".as_slice(), true));
    let Event::Message(second, second_ack) = next(&mut events).await else { panic!("no message") };
    assert_eq!(second.payload, [0, 0xFF]);
    let Event::Message(third, third_ack) = next(&mut events).await else { panic!("no message") };
    assert_eq!(third.topic, "in/3");
    third_ack.send();
    second_ack.send();
    assert_eq!(packet(&mut peer).await, Packet::PubAck { packet_id: 8 });
    // Publishing in the task that reads the events works.
    let answer = client.publish(message("answer"));
    let (answer, ()) = tokio::join!(answer, async {
        let (id, _) = published(&mut peer).await;
        peer.puback(id, 0).await.unwrap();
    });
    answer.unwrap();
    drop(peer);
    disconnected(&mut events).await;
    // The acknowledgement of a lost connection goes nowhere, not to the next connection.
    let mut peer = broker.welcome(false, true).await.unwrap();
    connected(&mut events).await;
    first_ack.send();
    let nothing = tokio::time::timeout(Duration::from_millis(50), peer.next()).await;
    assert!(nothing.is_err(), "{nothing:?}");
}

#[tokio::test]
async fn a_reader_that_does_not_read_does_not_stop_publishing() {
    let broker = Broker::start().await.unwrap();
    let settings = Settings { subscriptions: vec!["in".into()], receive_buffer: 4, ..broker.settings("a") };
    let (client, mut events) = start(settings);
    let mut peer = broker.welcome(false, true).await.unwrap();
    connected(&mut events).await;
    for number in 0..50u8 {
        peer.publish(&Message { topic: "in".into(), payload: vec![number], retain: false }, None).await.unwrap();
    }
    let sent = publish(&client, "meanwhile");
    let (id, _) = published(&mut peer).await;
    peer.puback(id, 0).await.unwrap();
    sent.await.unwrap().unwrap();
    // The oldest are there, what had no room is dropped: QoS 0 allows it.
    for number in 0..4u8 {
        let Event::Message(message, _ack) = next(&mut events).await else { panic!("no message") };
        assert_eq!(message.payload, [number]);
    }
}

#[tokio::test]
async fn a_message_not_handed_over_before_the_connection_was_lost_comes_once_from_the_next() {
    let broker = Broker::start().await.unwrap();
    let settings =
        Settings { subscriptions: vec!["in".into()], receive_buffer: 1, clean_start: false, ..broker.settings("a") };
    let (client, mut events) = start(settings);
    let unread = Message { topic: "in".into(), payload: vec![1], retain: false };
    let mut peer = broker.welcome(false, true).await.unwrap();
    peer.publish(&unread, Some(1)).await.unwrap();
    // The channel has room for the first event alone.
    while !client.is_connected() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    drop(peer);
    let mut peer = broker.welcome(true, true).await.unwrap();
    peer.publish(&unread, Some(1)).await.unwrap();
    connected(&mut events).await;
    disconnected(&mut events).await;
    connected(&mut events).await;
    let Event::Message(message, ack) = next(&mut events).await else { panic!("no message") };
    assert_eq!(message, unread);
    ack.send();
    assert_eq!(packet(&mut peer).await, Packet::PubAck { packet_id: 1 });
}

#[tokio::test]
async fn a_message_that_is_too_large_or_has_no_topic_is_not_sent() {
    let broker = Broker::start().await.unwrap();
    let (client, mut events) = start(broker.settings("a"));
    let mut peer = broker.connection().await.unwrap();
    peer.connack(ConnAck { max_packet: Some(100), ..ConnAck::default() }).await.unwrap();
    connected(&mut events).await;
    let error = client.publish(message(&"x".repeat(88))).await.unwrap_err();
    assert_eq!(error, PublishError::TooLarge { size: 109, largest: 100 });
    let wildcard = Message { topic: "a/#".into(), ..message("x") };
    assert_eq!(client.publish(wildcard).await, Err(PublishError::Topic(TopicError::Character('#'))));
    // The connection is the same, and the largest message that fits does.
    let sent = publish(&client, &"x".repeat(79));
    let (id, _) = published(&mut peer).await;
    peer.puback(id, 0).await.unwrap();
    sent.await.unwrap().unwrap();
}

#[tokio::test]
async fn closing_says_goodbye_so_that_the_will_is_not_published() {
    let broker = Broker::start().await.unwrap();
    let will = Message { topic: "a/online".into(), payload: b"0".to_vec(), retain: true };
    let (client, mut events) = start(Settings { last_will: Some(will.clone()), ..broker.settings("a") });
    let mut peer = broker.welcome(false, false).await.unwrap();
    assert_eq!(peer.connect.will, Some(will));
    connected(&mut events).await;
    let open = publish(&client, "open");
    published(&mut peer).await;
    let began = Instant::now();
    client.clone().close().await;
    assert!(began.elapsed() < SOON);
    assert_eq!(packet(&mut peer).await, Packet::Disconnect);
    assert_eq!(open.await.unwrap(), Err(PublishError::SessionLost));
    assert_eq!(client.publish(message("late")).await, Err(PublishError::NotConnected));
    assert!(events.recv().await.is_none());
    client.close().await;
}

#[tokio::test]
async fn a_session_that_nobody_reads_ends_without_goodbye() {
    let broker = Broker::start().await.unwrap();
    let (client, mut events) = start(broker.settings("a"));
    let mut peer = broker.welcome(false, false).await.unwrap();
    connected(&mut events).await;
    drop(events);
    assert_eq!(packet(&mut peer).await, Packet::Closed);
    assert_eq!(client.publish(message("late")).await, Err(PublishError::NotConnected));
}

#[tokio::test]
async fn a_broker_that_ends_the_connection_is_quoted() {
    let broker = Broker::start().await.unwrap();
    let (client, mut events) = start(broker.settings("twin"));
    let mut peer = broker.welcome(false, false).await.unwrap();
    connected(&mut events).await;
    let sending = publish(&client, "not acknowledged");
    published(&mut peer).await;
    peer.disconnect(0x8E).await.unwrap();
    assert_eq!(
        sending.await.unwrap(),
        Err(PublishError::Ended { code: 0x8E, reason: "session taken over, 0x8E".to_owned() })
    );
    let reason = disconnected(&mut events).await;
    assert!(reason.contains("another client uses the client id \"twin\""), "{reason}");
}
