//! Another series, and what is said of this one.

use records::enrolment;
use records::wire::Fork;

use super::*;

#[tokio::test(start_paused = true)]
async fn what_the_service_asks_for_and_is_gone_is_told() {
    let mut rig = Rig::new(9, "").await;
    rig.connect().await;
    let Mark { series, last, head, settled, .. } = rig.mark();
    assert_eq!(settled, last);
    // All but the last are forgotten, as after a week.
    rig.look(|journal| {
        journal.save_settled(0).unwrap();
        journal.forget(i64::MAX, Duration::ZERO).unwrap()
    })
    .await;
    rig.came.clear();
    let receipt = Receipt { resend: vec![(2, 3), (4, last)], ..Receipt::stored("pack-1", series, last, head) };
    rig.say(&receipt);
    rig.settle().await;
    assert_eq!(rig.came, [Came { at: 0, first: last, last }]);
    rig.pass(Duration::from_secs(1), 2).await;
    assert_eq!(rig.statuses.last().unwrap().not_held, [(2, last - 1)]);
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_token_of_its_file_is_shown_as_a_proof() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("enrol.token");
    std::fs::write(&file, "one-time-token\n").unwrap();
    let mut rig = Rig::new(0, &format!("enrol_token_file = {file:?}")).await;
    rig.connect().await;
    let key = SigningKey::from_seed(FixedBytes([1; 32])).public();
    let proof = enrolment::token_proof("one-time-token", "pack-1", &key);
    assert_eq!(rig.statuses.last().unwrap().token, Some(proof));
    // It is gone, and nothing else has changed.
    std::fs::remove_file(&file).unwrap();
    rig.uplink.disconnect(None);
    rig.connect().await;
    assert_eq!((rig.statuses.last().unwrap().token, rig.trouble()), (None, String::new()));
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_fork_stays_told_and_receipts_for_other_series_have_no_effect() {
    let mut rig = Rig::new(2, "").await;
    rig.service = false;
    rig.connect().await;
    rig.service = true;
    rig.connect().await;
    let Mark { series, last, head, .. } = rig.mark();
    rig.say(&Receipt {
        fork: Some(Fork { seq: 2, held: Hash::ZERO }),
        ..Receipt::stored("pack-1", series, last, head)
    });
    rig.settle().await;
    let told = rig.trouble();
    assert!(told.contains("another record 2 of") && told.contains("where the other copy runs"), "{told}");
    rig.uplink.disconnect(None);
    rig.connect().await;
    assert_eq!(rig.trouble(), told, "a connection does not mend it");
    rig.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_fork_that_was_answered_names_both_series() {
    let rig = Rig::new(0, "").await;
    let (mut before, mut now) = (rig.mark(), rig.mark());
    rig.end().await;
    (before.series, now.series) = (FixedBytes([4; 16]), FixedBytes([5; 16]));
    let told = forked(&before, &now).await;
    assert!(told.contains("another record 2 of series 04040404"), "{told}");
    assert!(told.contains("from now on series 05050505") && told.contains("where the other copy runs"), "{told}");
}

/// What is said after the service told of a fork in the first series, and the second one began.
async fn forked(before: &Mark, now: &Mark) -> String {
    let rig = Rig::new(0, "").await;
    let setup = Forwarder {
        first_word: FirstWord::given(),
        station: "pack-1".to_owned(),
        key: Arc::new(SigningKey::from_seed(FixedBytes([1; 32]))),
        lanes: Vec::new(),
        broker: Settings::parse("t.toml".as_ref(), CONFIG).unwrap().broker,
        trusted: Some(rig.key.public()),
        owner: rig.handle.clone(),
        board: Board::default(),
        retry: Arc::default(),
    };
    let board = setup.board.clone();
    let mut running = Running::new(setup, FakeUplink::new(|_| Reply::Acknowledged).0);
    running.begin_series(before);
    let receipt = Receipt {
        fork: Some(Fork { seq: 2, held: Hash::ZERO }),
        ..Receipt::stored("pack-1", before.series, 0, Hash::ZERO)
    };
    let payload = signed::seal(&rig.key, &receipt).unwrap();
    let message = Message { topic: topics().name(Topic::Receipts("pack-1")), payload, retain: false };
    running.incoming(&message).await.unwrap();
    running.not_held.insert(1, 1);
    running.begin_series(now);
    assert_eq!((running.series, running.not_held.to_vec()), (now.series, vec![]));
    // Now it is a receipt for another series, and changes nothing.
    let told = board.read().uplink.trouble;
    running.incoming(&message).await.unwrap();
    assert_eq!(board.read().uplink.trouble, told);
    drop(running);
    rig.end().await;
    told
}
