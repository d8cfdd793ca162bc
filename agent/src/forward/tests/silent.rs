//! Who is silent: the service, the broker, the network.

use super::*;

const TEN: Duration = Duration::from_secs(10);

#[tokio::test(start_paused = true)]
async fn a_service_that_is_silent_for_a_day_gets_everything_when_it_answers() {
    let mut rig = Rig::new(3, "").await;
    rig.service = false;
    rig.connect().await;
    let first = rig.came.clone();
    let last = rig.mark().last;
    assert_eq!(first, [Came { at: 0, first: 1, last }], "everything, once");
    assert_eq!(rig.trouble(), "");
    rig.pass(TEN, 1).await;
    let trouble = rig.trouble();
    assert!(trouble.contains("the service sends no receipts") && trouble.contains("confirm = \"broker\""), "{trouble}");
    // Units all day: each is sent once, beside the repetitions of the oldest segment.
    rig.pass(2 * TEN, 15).await; // 310 s
    let hours = 24 * 3600 / 640;
    for unit in 0..hours {
        rig.scan(format!("B{unit}")).await;
        rig.settle().await;
        rig.pass(16 * TEN, 4).await;
    }
    let (again, new): (Vec<Came>, Vec<Came>) = rig.came.iter().skip(1).copied().partition(|came| came.first == 1);
    assert_eq!(new.len() as u64, hours);
    let at: Vec<u64> = again.iter().map(|came| came.at).collect();
    let expected: Vec<u64> = [10, 30, 70, 150].into_iter().chain((310..=86_400 + 310).step_by(160)).collect();
    assert_eq!(at, expected, "{} repetitions in a day", at.len());
    assert_eq!((rig.mark().settled, rig.board.read().uplink.service_seen), (0, false));
    // It answers.
    rig.service = true;
    rig.came.clear();
    rig.connect().await;
    assert_eq!((rig.mark().settled, rig.mark().last), (last + hours, last + hours));
    assert_eq!((rig.came.len(), rig.trouble()), (2, String::new()));
    // What was never seen is not proposed to who has seen receipts.
    rig.service = false;
    rig.scan("C1".to_owned()).await;
    rig.settle().await;
    rig.pass(TEN, 1).await;
    let trouble = rig.trouble();
    assert!(trouble.contains("sends no receipts") && !trouble.contains("confirm"), "{trouble}");
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_session_puts_back_what_has_no_receipt() {
    let mut rig = Rig::new(2, "").await;
    rig.service = false;
    rig.connect().await;
    let last = rig.mark().last;
    rig.uplink.disconnect(None);
    rig.settle().await;
    assert!(rig.trouble().contains("the script ended the connection"), "{}", rig.trouble());
    rig.scan("A9".to_owned()).await;
    rig.pass(TEN, 10).await;
    assert_eq!(rig.came.len(), 1, "nothing is sent without a session");
    rig.service = true;
    rig.connect().await;
    assert_eq!(rig.came[1..], [Came { at: 100, first: 1, last: last + 1 }]);
    assert_eq!((rig.mark().settled, rig.trouble()), (last + 1, String::new()));
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_puback_that_never_comes_ends_the_session_and_the_next_one_brings_everything() {
    let mut rig = Rig::new(2, "").await;
    rig.broker(|_| Reply::Never);
    rig.connect().await;
    rig.pass(TEN, 5).await;
    assert!(rig.uplink.is_connected() && rig.came.len() == 1);
    rig.pass(TEN, 1).await;
    assert!(!rig.uplink.is_connected(), "given up after a minute");
    rig.broker(|_| Reply::Acknowledged);
    rig.connect().await;
    assert_eq!((rig.came.len(), rig.mark().settled), (2, rig.mark().last));
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_brokers_word_frees_where_it_is_enough() {
    let mut rig = Rig::new(2, "confirm = \"broker\"").await;
    rig.service = false;
    rig.broker(|_| Reply::NoSubscribers);
    rig.connect().await;
    assert_eq!((rig.mark().settled, rig.came.len()), (0, 1));
    assert!(rig.trouble().contains("nobody is subscribed"), "{}", rig.trouble());
    rig.pass(TEN, 1).await;
    assert_eq!((rig.mark().settled, rig.came.len()), (0, 2), "kept and sent again");
    assert!(!rig.trouble().contains("receipts"), "{}", rig.trouble());
    rig.broker(|_| Reply::Acknowledged);
    rig.pass(TEN, 2).await;
    assert_eq!((rig.mark().settled, rig.trouble()), (rig.mark().last, String::new()));
    // Receipts are of no account, not even such that would free more.
    rig.broker(|_| Reply::Never);
    rig.scan("A9".to_owned()).await;
    rig.settle().await;
    let Mark { series, last, head, settled, .. } = rig.mark();
    let hello = ServiceHello { versions: vec![records::WIRE_VERSION], instance: FixedBytes([3; 16]) };
    let payload = signed::seal(&rig.key, &hello).unwrap();
    rig.uplink.say(Message { topic: topics().name(Topic::Service), payload, retain: true });
    rig.say(&Receipt::stored("pack-1", series, last, head));
    rig.settle().await;
    assert_eq!((rig.mark().settled, rig.board.read().uplink.service_seen), (settled, true));
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn live_records_reach_the_service_before_the_backlog_is_through() {
    for live_first in [true, false] {
        let mut rig = Rig::new(400, &format!("live_first = {live_first}")).await;
        // A broker that takes a segment each ten seconds.
        rig.broker(|_| Reply::Never);
        rig.connect().await;
        let backlog = rig.mark().last;
        assert_eq!(rig.came.len(), if live_first { 3 } else { 4 });
        rig.scan("B1".to_owned()).await;
        rig.settle().await;
        let live = rig.came.iter().any(|came| came.first == backlog + 1);
        assert_eq!(live, live_first);
        rig.end().await;
    }
}

/// Receipts are heard by the owner of the journal first, which may have forgotten the records when the sender still wants to
/// send them again.
#[tokio::test(start_paused = true)]
async fn what_was_forgotten_with_its_receipt_does_not_take_the_rest_of_the_queue_with_it() {
    let mut rig = Rig::new(300, "").await;
    rig.broker(|_| Reply::NoSubscribers);
    rig.connect().await;
    let (series, last) = (rig.mark().series, rig.mark().last);
    rig.came.clear();
    rig.broker(|_| Reply::Acknowledged);
    rig.held.entry(series).or_default().extend((1..=100).map(|seq| (seq, (Hash::ZERO, 0))));
    let retry = rig.retry.clone();
    rig.look(move |journal| {
        journal.settle(100);
        journal.save_settled(last).unwrap();
        assert_eq!(journal.forget(1_000_000, Duration::ZERO).unwrap(), 100);
        // The sender begins again with what it knows, before it hears of that.
        retry.notify_one();
        std::thread::sleep(Duration::from_millis(100));
    })
    .await;
    rig.settle().await;
    assert_eq!(rig.came.iter().map(|came| came.first).min(), Some(101), "{:?}", rig.came);
    assert_eq!((rig.mark().settled, rig.mark().last), (last, last));
    rig.end().await;
}

/// Of a segment that is sent anew, and longer than before, the PUBACK of the first one says nothing.
#[tokio::test(start_paused = true)]
async fn the_broker_s_word_for_a_shorter_segment_is_none_for_a_longer_one() {
    let mut rig = Rig::new(3, "confirm = \"broker\"").await;
    rig.broker(|_| Reply::AcknowledgedAfter(TEN));
    rig.connect().await;
    let sent = rig.mark().last;
    for unit in 0..4 {
        rig.scan(format!("B{unit}")).await;
    }
    rig.broker(|_| Reply::Never);
    rig.retry.notify_one();
    rig.settle().await;
    let last = rig.mark().last;
    assert_eq!(rig.came.iter().map(|came| came.last).max(), Some(last));
    rig.pass(TEN, 1).await;
    assert_eq!(rig.mark().settled, 0, "{sent} were acknowledged, and those are on their way again");
    rig.broker(|_| Reply::Acknowledged);
    rig.uplink.disconnect(None);
    rig.settle().await;
    rig.connect().await;
    assert_eq!(rig.mark().settled, last);
    rig.end().await;
}

/// The station ends although its owner is held up.
#[tokio::test(start_paused = true)]
async fn a_good_bye_does_not_wait_for_the_owner() {
    let mut rig = Rig::new(1, "").await;
    rig.connect().await;
    let (go_on, held) = std::sync::mpsc::channel::<()>();
    let hold = Request::Journal(Box::new(move |_| held.recv().unwrap_or(())));
    rig.handle.submit(hold).unwrap();
    rig.stop.send_replace(true);
    for _ in 0..1000 {
        tokio::task::yield_now().await;
        tokio::time::advance(Duration::from_millis(10)).await;
    }
    assert!(rig.forwarding.is_finished());
    drop(go_on);
    rig.end().await;
}
