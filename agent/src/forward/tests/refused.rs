//! Segments that the broker does not take.

use super::*;

const TEN: Duration = Duration::from_secs(10);

#[tokio::test(start_paused = true)]
async fn a_fault_of_the_brokers_configuration_is_named_and_nothing_is_lost_or_set_aside() {
    for (code, says) in [(0x87, "access rules"), (0x90, "`prefix`"), (0x97, "limits"), (0x80, "log of the broker")] {
        let mut rig = Rig::new(1, "").await;
        rig.broker(move |_| Reply::Refused(code));
        rig.connect().await;
        assert!(rig.trouble().contains(says), "{}", rig.trouble());
        rig.pass(TEN, 31).await;
        let tried: Vec<u64> = rig.came.iter().map(|came| came.at).collect();
        assert_eq!(tried, [0, 10, 30, 70, 150, 310], "{code:#x}");
        assert_eq!((rig.mark().settled, rig.look(|journal| journal.set_aside()).await), (0, vec![]));
        rig.broker(|_| Reply::Acknowledged);
        rig.pass(TEN, 16).await;
        assert_eq!((rig.mark().settled, rig.trouble()), (rig.mark().last, String::new()));
        rig.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn one_record_that_is_too_large_is_set_aside_and_the_others_arrive() {
    let bad = 7;
    let has = move |segment: &Segment| segment.lines.iter().any(|line| line.seq == bad);
    for reply in [Reply::TooLarge(70_000, 60_000), Reply::Refused(0x99), Reply::Refused(0x95), Reply::Ends(Some(0x95))]
    {
        let mut rig = Rig::new(20, "").await;
        let (to_bad, reason) = (reply.clone(), format!("{reply:?}"));
        rig.broker(move |segment| if has(segment) { to_bad.clone() } else { Reply::Acknowledged });
        rig.connect().await;
        for _ in 0..20 {
            if !rig.uplink.is_connected() {
                rig.connect().await;
            }
            rig.pass(Duration::from_secs(5), 1).await; // alone it is tried again after a while
        }
        rig.scan("B1".to_owned()).await;
        rig.settle().await;
        assert_eq!(rig.look(|journal| journal.set_aside()).await, [(bad, bad)], "{reason}");
        // The service does not know of it yet: it receipts up to the hole, and the station says what is set aside.
        let held: Vec<u64> = rig.held.values().flat_map(|held| held.keys().copied()).collect();
        let all: Vec<u64> = (1..=rig.mark().last).filter(|seq| *seq != bad).collect();
        assert_eq!(held, all, "{reason}");
        rig.pass(Duration::from_secs(1), 2).await;
        assert_eq!(rig.statuses.last().unwrap().set_aside, [(bad, bad)]);
        let why = rig.look(|journal| journal.quarantined().unwrap().remove(0).reason).await;
        assert!(why.starts_with("the broker does not take it"), "{why}");
        rig.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_the_disk_has_lost_is_named_and_the_others_arrive() {
    for confirm in ["", "confirm = \"broker\""] {
        let mut rig = Rig::new(20, confirm).await;
        rig.look(|journal| journal.lose(7)).await;
        rig.connect().await;
        rig.scan("B1".to_owned()).await;
        rig.settle().await;
        rig.pass(Duration::from_secs(1), 2).await;
        let last = rig.mark().last;
        let held: Vec<u64> = rig.held.values().flat_map(|held| held.keys().copied()).collect();
        assert_eq!(held, (1..=last).filter(|seq| *seq != 7).collect::<Vec<_>>());
        // This service receipts up to the hole, which the mark has passed.
        assert_eq!(rig.mark().settled, if confirm.is_empty() { 7 } else { last }, "{confirm}");
        assert_eq!(rig.statuses.last().unwrap().set_aside, [(7, 7)], "{confirm}");
        rig.end().await;
    }
}
