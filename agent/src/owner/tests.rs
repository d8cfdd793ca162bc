use records::wire::Receipt;
use records::{FixedBytes, chain};

use super::*;
use crate::clock::ManualClock;
use crate::journal::{Marks, Opened};
use crate::settings::Settings;
use crate::station::Code;

mod label;
mod limits;

const CONFIG: &str = r#"
station = "pack-1"
[packing]
package_size = 2
pallet_size = 2
[sscc]
company_prefix = "9521234"
[[rule]]
name = "serial"
pattern = '(?<serialNumber>[A-Z][0-9]+)'
[[rule]]
name = "work order"
reads = "work-order"
pattern = 'WO:(?<workOrder>[0-9]+)'
"#;

fn owner(folder: &std::path::Path, quota: u64) -> Owner {
    let mut settings = Settings::parse("t.toml".as_ref(), CONFIG).unwrap();
    folder.clone_into(&mut settings.data);
    Marks::enter(folder, 0).unwrap();
    let Opened { journal, state, .. } = Journal::open(folder, "pack-1", quota, 0).unwrap();
    let clock = Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH, "boot"));
    let mut owner = Owner::new(&settings, journal, state, clock);
    owner.begin(&settings, FixedBytes([1; 32]), None).unwrap();
    owner
}

fn scan(text: &str, reply: Option<tokio::sync::oneshot::Sender<Answer>>) -> Request {
    let data = text.as_bytes().to_vec();
    let scan = drivers::Scan { source: "hand".into(), symbology: None, data, at: std::time::Instant::now() };
    Request::Scan(ScanRequest { reply, ..ScanRequest::new("main", scan) })
}

/// Scans and waits for the answer.
fn ask(handle: &Handle, text: &str) -> Answer {
    let (reply, answer) = tokio::sync::oneshot::channel();
    handle.submit(scan(text, Some(reply))).unwrap();
    answer.blocking_recv().unwrap()
}

fn stop(handle: &Handle, thread: std::thread::JoinHandle<()>) {
    handle.submit(Request::Stop).unwrap();
    thread.join().unwrap();
}

#[test]
fn an_answer_is_given_only_for_what_another_opener_finds_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let (handle, thread) = owner(folder.path(), 8 << 20).spawn().unwrap();
    assert_eq!(ask(&handle, "WO:1").code, Code::WorkOrderStarted);
    let green = ask(&handle, "A1");
    assert_eq!(green.code, Code::Packed);
    assert_eq!(ask(&handle, "A1").code, Code::AlreadyRecorded);
    stop(&handle, thread);
    let opened = Journal::open(folder.path(), "pack-1", 8 << 20, 0).unwrap();
    let (_, last) = green.records.unwrap();
    let line = String::from_utf8(opened.journal.line(last).unwrap().unwrap()).unwrap();
    assert!(line.contains(r#""id":"A1""#), "{line}");
    assert!(opened.unanswered.is_empty());
}

#[test]
fn what_was_recorded_last_and_taken_by_nobody_is_named_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let (handle, thread) = owner(folder.path(), 8 << 20).spawn().unwrap();
    ask(&handle, "WO:1");
    ask(&handle, "A1");
    let halted = handle.answers();
    ask(&handle, "A2");
    stop(&handle, thread);
    drop(halted);
    let unanswered = Journal::open(folder.path(), "pack-1", 8 << 20, 0).unwrap().unanswered;
    let first = String::from_utf8(unanswered.first().unwrap().clone()).unwrap();
    assert!(first.contains(r#""id":"A2""#), "{first}");
}

#[test]
fn many_scans_at_once_are_each_answered_once_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (handle, thread) = owner(folder.path(), 8 << 20).spawn().unwrap();
    let mut answers = handle.answers();
    handle.submit(scan("WO:1", None)).unwrap();
    for number in 0..500 {
        handle.submit(scan(&format!("A{number}"), None)).unwrap();
    }
    assert_eq!(answers.blocking_recv().unwrap().code, Code::WorkOrderStarted);
    let mut sequence = 0;
    for number in 0..500 {
        let answer = answers.blocking_recv().unwrap();
        assert_eq!(answer.serial, Some(format!("A{number}")));
        let (first, last) = answer.records.unwrap();
        assert!(first > sequence);
        sequence = last;
    }
    stop(&handle, thread);
    let opened = Journal::open(folder.path(), "pack-1", 8 << 20, 0).unwrap();
    assert_eq!((opened.state.counters.accepted, opened.state.counters.packages), (500, 250));
    assert!(opened.state.sscc_reserved >= opened.state.sscc_next);
}

#[test]
fn when_the_disk_is_full_the_group_is_red_and_nothing_of_it_happened() {
    let folder = tempfile::tempdir().unwrap();
    let (handle, thread) = owner(folder.path(), 1 << 20).spawn().unwrap();
    ask(&handle, "WO:1");
    let mut number = 0;
    let red = loop {
        number += 1;
        let answer = ask(&handle, &format!("A{number}"));
        if answer.code == Code::NotDurable {
            break answer;
        }
        assert_eq!(answer.outcome, crate::station::Outcome::Accepted);
    };
    assert!(red.text.contains("disk is full") && !red.help.is_empty());
    // A receipt frees the queue even now, and the line goes on by itself.
    let (reply, report) = tokio::sync::oneshot::channel();
    handle.submit(Request::Report(reply)).unwrap();
    let mark = report.blocking_recv().unwrap().unwrap().mark;
    let (reply, hash) = std::sync::mpsc::channel();
    let ask_hash = Box::new(move |journal: &mut Journal| {
        reply.send(chain::hash_line(&journal.line(mark.last).unwrap().unwrap())).unwrap();
    });
    handle.submit(Request::Journal(ask_hash)).unwrap();
    let mut receipt = Receipt::stored("pack-1", FixedBytes([0; 16]), mark.last, hash.recv().unwrap());
    let (reply, report) = tokio::sync::oneshot::channel();
    handle.submit(Request::Report(reply)).unwrap();
    receipt.series = report.blocking_recv().unwrap().unwrap().mark.series;
    handle.submit(Request::Receipt(receipt)).unwrap();
    let again = (0..100).find_map(|_| {
        std::thread::sleep(Duration::from_millis(50));
        Some(ask(&handle, &format!("A{number}"))).filter(|answer| answer.code == Code::Packed)
    });
    assert!(again.is_some(), "the unit that was red is packed once there is space");
    stop(&handle, thread);
}

#[test]
fn the_first_service_key_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (handle, thread) = owner(folder.path(), 8 << 20).spawn().unwrap();
    let pin = |byte| {
        let (reply, trusted) = tokio::sync::oneshot::channel();
        handle.submit(Request::PinService { key: FixedBytes([byte; 32]), reply }).unwrap();
        trusted.blocking_recv().unwrap()
    };
    assert_eq!(pin(1), FixedBytes([1; 32]));
    assert_eq!(pin(2), FixedBytes([1; 32]));
    stop(&handle, thread);
    let opened = Journal::open(folder.path(), "pack-1", 8 << 20, 0).unwrap();
    assert_eq!(opened.journal.service_key(), Some(FixedBytes([1; 32])));
}

#[test]
fn a_range_moved_upwards_is_used_from_its_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let mut owner = owner(folder.path(), 8 << 20);
    (owner.state.sscc_next, owner.state.sscc_reserved) = (20, 100);
    owner.line.packing.sscc = gs1::SsccRange::new(0, "9521234".parse().unwrap(), 5000, 6000).unwrap();
    let first = owner.line.packing.sscc.sscc(5000).unwrap().to_string();
    let (handle, thread) = owner.spawn().unwrap();
    ask(&handle, "WO:1");
    let answer = ask(&handle, "A1");
    assert_eq!((answer.code, answer.pallet.unwrap().id), (Code::Packed, first));
    stop(&handle, thread);
}

#[test]
fn a_work_order_that_comes_while_the_disk_is_full_counts_when_there_is_space() {
    let folder = tempfile::tempdir().unwrap();
    let (handle, thread) = owner(folder.path(), 1 << 20).spawn().unwrap();
    ask(&handle, "WO:1");
    let mut number = 0;
    while ask(&handle, &format!("A{number}")).code != Code::NotDurable {
        number += 1;
    }
    let message = records::wire::WorkOrderMessage {
        revision: 1,
        work_order: Some("WO-9".into()),
        attributes: Default::default(),
        terms: Default::default(),
    };
    handle.submit(Request::WorkOrder { lane: "main".into(), message }).unwrap();
    let receipt = {
        let (reply, answer) = std::sync::mpsc::channel();
        let look = Box::new(move |journal: &mut Journal| {
            let last = journal.position().last;
            let hash = chain::hash_line(&journal.line(last).unwrap().unwrap());
            reply.send(Receipt::stored("pack-1", journal.series(), last, hash)).unwrap();
        });
        handle.submit(Request::Journal(look)).unwrap();
        answer.recv().unwrap()
    };
    handle.submit(Request::Receipt(receipt)).unwrap();
    let current = (0..100).find_map(|_| {
        std::thread::sleep(Duration::from_millis(50));
        let (reply, report) = tokio::sync::oneshot::channel();
        handle.submit(Request::Report(reply)).unwrap();
        let lane = report.blocking_recv().unwrap().unwrap().lanes["main"].clone();
        let waiting = lane.waiting.and_then(|waiting| waiting.work_order);
        [lane.work_order.map(|order| order.id), waiting].into_iter().flatten().find(|id| id == "WO-9")
    });
    assert!(current.is_some());
    stop(&handle, thread);
}

#[test]
fn a_start_that_found_no_room_goes_on_record_when_there_is_some() {
    let folder = tempfile::tempdir().unwrap();
    let mut owner = owner(folder.path(), 8 << 20);
    // As after a start on a full disk: no ballast, and rules that are not on record.
    let later = folder.path().join("later");
    owner.ballast = Ballast::new(&later);
    let (rules, configuration) = (FixedBytes([7; 32]), serde_json::json!({ "other": true }));
    owner.late_start = Some(Start { rules, configuration, unfinished: vec![] });
    let before = owner.state.last_seq;
    let (handle, thread) = owner.spawn().unwrap();
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(handle.mark().borrow().last, before, "there is no room yet");
    std::fs::create_dir(&later).unwrap();
    let written = (0..200).find(|_| {
        std::thread::sleep(Duration::from_millis(50));
        handle.mark().borrow().last > before
    });
    assert!(written.is_some());
    stop(&handle, thread);
    let opened = Journal::open(folder.path(), "pack-1", 8 << 20, 0).unwrap();
    assert_eq!(opened.state.rules, rules);
}
