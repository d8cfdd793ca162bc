//! What is scanned after a start waits for the service's first word, and not for long.

use records::wire::Fork;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn the_answer_to_the_first_status_is_the_first_word() {
    let word = FirstWord::awaited();
    let mut rig = Rig::with(2, "", word.clone()).await;
    assert!(word.is_awaited());
    rig.connect().await;
    assert!(!word.is_awaited());
    assert!(rig.statuses[0].asks);
    rig.pass(SECOND, 61).await;
    assert!(!rig.statuses.last().unwrap().asks, "once is enough");
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn without_a_connection_or_a_service_nobody_waits_for_long() {
    let word = FirstWord::awaited();
    let mut rig = Rig::with(0, "", word.clone()).await;
    rig.pass(SECOND, 1).await;
    assert!(word.is_awaited());
    rig.pass(SECOND, 2).await;
    assert!(!word.is_awaited(), "no connection");
    rig.end().await;

    let word = FirstWord::awaited();
    let mut rig = Rig::with(0, "", word.clone()).await;
    rig.service = false;
    rig.pass(SECOND, 1).await;
    rig.connect().await;
    rig.pass(SECOND, 2).await;
    assert!(word.is_awaited(), "a connection is worth more time");
    rig.pass(SECOND, 2).await;
    assert!(!word.is_awaited(), "no service");
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_older_copy_writes_another_series_before_anything_is_packed() {
    let word = FirstWord::awaited();
    let mut rig = Rig::with(2, "", word.clone()).await;
    let before = rig.mark();
    rig.service = false; // its answers are said here
    let hello = ServiceHello { versions: vec![records::WIRE_VERSION], instance: FixedBytes([3; 16]) };
    let payload = signed::seal(&rig.key, &hello).unwrap();
    rig.uplink.connect();
    rig.uplink.say(Message { topic: topics().name(Topic::Service), payload, retain: true });
    rig.settle().await;
    assert!(word.is_awaited());
    let fork = Some(Fork { seq: before.last + 5, held: FixedBytes([8; 32]) });
    rig.say(&Receipt { fork, ..Receipt::stored("pack-1", before.series, 0, Hash::ZERO) });
    while word.is_awaited() {
        tokio::task::yield_now().await;
    }
    assert_ne!(rig.mark().series, before.series, "by then the new series has begun");
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_mark_of_sscc_s_is_said_when_it_moves_and_at_the_end() {
    let mut rig = Rig::new(0, "").await;
    rig.connect().await;
    let said = rig.statuses.len();
    let entered = rig.handle.ask(|reply| Request::SsccMark { mark: 500, reply }).await.unwrap();
    assert_eq!(entered, Ok(500));
    rig.settle().await;
    rig.pass(Duration::from_millis(2), 1).await;
    assert_eq!(rig.statuses.len(), said + 1, "at once, not after a second");
    assert_eq!(rig.statuses.last().unwrap().sscc_mark, rig.mark().sscc_mark);
    for (serial, more) in [("A1", 2), ("A2", 2)] {
        rig.scan(serial.to_owned()).await; // the first one opens containers, from a new block
        rig.settle().await;
        rig.pass(Duration::from_millis(2), 1).await;
        assert_eq!(rig.statuses.len(), said + more, "{serial}: a unit alone can wait");
    }
    let (last, uplink) = (rig.mark().last, rig.uplink.clone());
    rig.end().await;
    let status = uplink.take_published().into_iter().find_map(|message| signed::open::<Status>(&message.payload).ok());
    assert_eq!(status.map(|(_, status)| status.last), Some(last));
}
