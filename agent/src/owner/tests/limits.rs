//! Holds, refusals beyond their room, and what could not be written, through the owner and its journal.

use records::wire::Holds;
use records::{Event, Record};

use super::*;

fn report(handle: &Handle) -> Report {
    handle.ask_blocking(Request::Report).unwrap().unwrap()
}

/// Tries until it is so, for a while.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let found = (0..200).find_map(|_| {
        std::thread::sleep(Duration::from_millis(50));
        look()
    });
    found.unwrap_or_else(|| panic!("waited in vain for: {what}"))
}

/// The refusals on record, and what they say.
fn refusals(handle: &Handle) -> Vec<Record> {
    handle
        .look(|journal| {
            let lines = (1..=journal.position().last).filter_map(|seq| journal.line(seq).unwrap());
            let records = lines.map(|line| serde_json::from_slice::<Record>(&line).unwrap());
            records.filter(|record| record.event == Event::Refused).collect()
        })
        .unwrap()
}

/// The service stores everything.
fn settle(handle: &Handle) {
    let receipt = handle.look(|journal| {
        let last = journal.position().last;
        let hash = chain::hash_line(&journal.line(last).unwrap().unwrap());
        Receipt::stored("pack-1", journal.series(), last, hash)
    });
    handle.submit(Request::Receipt(receipt.unwrap())).unwrap();
}

/// An owner whose clock the test moves.
fn with_clock(folder: &std::path::Path, quota: u64) -> (Owner, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH, "boot"));
    let mut owner = owner(folder, quota);
    owner.clock = clock.clone();
    (owner, clock)
}

#[test]
fn a_hold_blocks_packing_at_once_and_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (handle, thread) = owner(folder.path(), 8 << 20).spawn().unwrap();
    ask(&handle, "WO:1");
    let holds = |revision, serials: &[&str]| {
        let serials = serials.iter().map(|serial| (*serial).to_owned()).collect();
        Request::Holds(Holds { revision, serials, lots: vec!["L1".into()], ..Holds::default() })
    };
    handle.submit(holds(3, &["A1", "A2"])).unwrap();
    assert_eq!(ask(&handle, "A1").code, Code::OnHold);
    handle.submit(holds(2, &[])).unwrap();
    assert_eq!(ask(&handle, "A2").code, Code::OnHold, "an older revision changes nothing");
    assert_eq!(ask(&handle, "A3").code, Code::Packed);
    stop(&handle, thread);
    let (handle, thread) = owner(folder.path(), 8 << 20).spawn().unwrap();
    assert_eq!(ask(&handle, "A1").code, Code::OnHold, "kept");
    let kept = report(&handle).capacity.holds.unwrap();
    assert_eq!((kept.revision, kept.ids), (3, 3));
    handle.submit(holds(4, &["A2"])).unwrap();
    assert_eq!(ask(&handle, "A1").code, Code::Packed, "released");
    let codes: Vec<_> = refusals(&handle).iter().map(|record| record.attributes["code"].clone()).collect();
    assert!(codes.iter().all(|code| code == "on-hold") && !codes.is_empty());
    stop(&handle, thread);
}

#[test]
fn holds_that_the_disk_does_not_take_count_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (owner, clock) = with_clock(folder.path(), 1 << 20);
    let (handle, thread) = owner.spawn().unwrap();
    ask(&handle, "WO:1");
    let many = (0..40_000).map(|number| format!("SERIAL-NUMBER-{number:020}"));
    let holds = Holds { revision: 1, serials: many.chain(["A1".to_owned()]).collect(), ..Holds::default() };
    handle.submit(Request::Holds(holds)).unwrap();
    assert_eq!(ask(&handle, "A1").code, Code::OnHold);
    assert_eq!(report(&handle).capacity.holds, None, "they are not kept yet");
    let holds = Holds { revision: 2, serials: vec!["A2".to_owned()], ..Holds::default() };
    handle.submit(Request::Holds(holds)).unwrap();
    assert_eq!(ask(&handle, "A2").code, Code::OnHold);
    clock.advance(2_000);
    assert_eq!(until("the newer ones", || report(&handle).capacity.holds).revision, 2);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(ask(&handle, "A1").code, Code::Packed, "the older ones that waited do not come back");
    stop(&handle, thread);
}

#[test]
fn refusals_take_at_most_their_part_of_the_quota_and_none_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let (mut owner, clock) = with_clock(folder.path(), 4 << 20);
    owner.keep = Duration::ZERO;
    let (handle, thread) = owner.spawn().unwrap();
    let most = (4 << 20) / 20;
    for number in 0..2_000 {
        assert_eq!(ask(&handle, &format!("rubbish {number}")).code, Code::NoRule);
    }
    let records = refusals(&handle);
    let bytes: usize = records.iter().map(|record| record.to_line().unwrap().len()).sum();
    assert!(bytes <= most && bytes > most / 2, "{bytes} of {most}");
    let unrecorded = report(&handle).capacity.refusals_unrecorded;
    assert_eq!(records.len() as u64 + unrecorded, 2_000);
    assert_eq!(ask(&handle, "WO:1").code, Code::WorkOrderStarted, "everything else goes on");

    settle(&handle);
    let summary = until("a summary", || {
        clock.advance(61_000);
        refusals(&handle).into_iter().find(|record| record.attributes.contains_key("unrecorded"))
    });
    assert_eq!((&summary.attributes["code"], &summary.attributes["count"]), (&"no-rule".into(), &unrecorded.into()));
    assert_eq!(report(&handle).capacity.refusals_unrecorded, 0);
    stop(&handle, thread);
}

#[test]
fn what_could_not_be_written_is_counted_shown_and_one_record_when_there_is_space() {
    let folder = tempfile::tempdir().unwrap();
    let (owner, clock) = with_clock(folder.path(), 1 << 20);
    let (handle, thread) = owner.spawn().unwrap();
    ask(&handle, "WO:1");
    let mut number = 0;
    while ask(&handle, &format!("A{number}")).code != Code::NotDurable {
        number += 1;
    }
    (0..9).for_each(|_| assert_eq!(ask(&handle, &format!("A{number}")).code, Code::NotDurable));
    clock.advance(60_000);
    let capacity = report(&handle).capacity;
    assert_eq!((capacity.not_durable, capacity.not_recorded.len()), (10, 1));
    assert_eq!((capacity.not_recorded[0].lane.as_str(), capacity.not_recorded[0].count), ("main", 10));
    let notice = until("a notice", || report(&handle).capacity.quota_notice);
    assert_eq!(notice.level, QuotaLevel::Alarm);

    // Nobody scans: it goes on record by itself when there is space.
    settle(&handle);
    until("a record of it", || {
        clock.advance(11_000);
        report(&handle).capacity.not_recorded.is_empty().then_some(())
    });
    let summary = refusals(&handle).pop().unwrap();
    let told = ["code", "count", "unrecorded"].map(|name| summary.attributes[name].clone());
    assert_eq!(told, [serde_json::json!("not-durable"), 10.into(), true.into()]);
    assert_eq!(summary.lane.as_deref(), Some("main"));
    assert_eq!(ask(&handle, &format!("A{number}")).code, Code::Packed);
    let capacity = report(&handle).capacity;
    assert_eq!((capacity.not_durable, capacity.not_recorded.len()), (10, 0), "since the start");
    until("the notice to go", || {
        clock.advance(2_000);
        report(&handle).capacity.quota_notice.is_none().then_some(())
    });
    stop(&handle, thread);
}
