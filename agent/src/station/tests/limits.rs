//! Where the station comes to a limit: refusals beyond their room, what could not be written, holds, the last unit again.

use super::*;

#[test]
fn repeated_refusals_are_counted_in_one_record() {
    let mut bench = Bench::with_work_order();
    let before = bench.records.len();
    for _ in 0..1000 {
        bench.scanned(Err(Unread::NoRule), "same");
        bench.now += 10;
    }
    assert_eq!(bench.records.len(), before + 1);
    bench.scanned(Err(Unread::NoRule), "other");
    assert_eq!(bench.records.len(), before + 2);
    bench.now += 120_000;
    assert!(bench.state.tick_is_due(&stamp(bench.now), true));
    bench.decide(Input::Tick { room: true });
    assert!(!bench.state.tick_is_due(&stamp(bench.now), true));
    let counts: Vec<u64> = bench.records[before..].iter().map(|d| d.attributes["count"].as_u64().unwrap()).collect();
    assert_eq!(counts, [1, 1, 999]);
    assert_eq!(bench.state.counters.refused, 1001);
    for different in 0..100 {
        bench.scanned(Err(Unread::NoRule), &format!("mark {different}"));
    }
    assert_eq!(bench.records.len(), before + 103, "each different one is on record");
}

/// All counts of refusals on record.
fn recorded(bench: &Bench) -> u64 {
    let refused = bench.records.iter().filter(|draft| draft.event == Event::Refused);
    refused.map(|draft| draft.attributes["count"].as_u64().unwrap()).sum()
}

/// When windows have ended and there is room, the records count what was refused: no refusal is lost, none counts twice.
pub(super) fn every_refusal_is_counted_once(bench: &mut Bench) -> Result<(), TestCaseError> {
    bench.now += 1_000_000;
    while bench.state.tick_is_due(&stamp(bench.now), true) {
        bench.decide(Input::Tick { room: true });
    }
    prop_assert_eq!(recorded(bench), bench.state.counters.refused);
    prop_assert!(bench.state.unrecorded.is_empty());
    Ok(())
}

#[test]
fn without_room_refusals_are_counted_and_become_one_record_for_each_lane_and_code() {
    let mut bench = Bench::with_work_order();
    bench.scanned(Err(Unread::NoRule), "before");
    let before = bench.records.len();
    bench.room = false;
    bench.now = 1_000;
    for number in 0..500 {
        bench.now += 1;
        assert_eq!(bench.scanned(Err(Unread::NoRule), &format!("{number}")).outcome, Outcome::Refused);
        bench.scanned(Err(Unread::NotText), &format!("{number}"));
    }
    bench.now += 70_000;
    assert!(bench.state.tick_is_due(&stamp(bench.now), false), "windows end without room, too");
    bench.decide(Input::Tick { room: false });
    assert!(!bench.state.tick_is_due(&stamp(bench.now), false));
    assert_eq!((bench.records.len(), bench.state.unrecorded.total()), (before, 1000));
    assert!(serde_json::to_string(&bench.state.unrecorded).unwrap().len() < 1000, "bounded: two tallies");

    assert!(bench.state.tick_is_due(&stamp(bench.now), true));
    bench.decide(Input::Tick { room: true });
    let summaries = &bench.records[before..];
    assert_eq!(summaries.len(), 2);
    let lines: Vec<String> = summaries.iter().map(|draft| serde_json::to_string(&draft.attributes).unwrap()).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    {"code":"no-rule","count":500,"first":{"boot":"boot","sinceBoot":1001,"synchronised":true,"wall":"2027-01-15T08:00:01.001Z"},"last":{"boot":"boot","sinceBoot":1500,"synchronised":true,"wall":"2027-01-15T08:00:01.5Z"},"unrecorded":true}
    {"code":"not-text","count":500,"first":{"boot":"boot","sinceBoot":1001,"synchronised":true,"wall":"2027-01-15T08:00:01.001Z"},"last":{"boot":"boot","sinceBoot":1500,"synchronised":true,"wall":"2027-01-15T08:00:01.5Z"},"unrecorded":true}
    "#);
    assert!(summaries.iter().all(|draft| draft.lane.as_deref() == Some("main")));
    bench.room = true;
    bench.scanned(Err(Unread::NoRule), "after");
    assert_eq!(bench.records.len(), before + 3, "and each by itself again");
}

#[test]
fn what_could_not_be_written_is_one_record_when_something_can() {
    let mut bench = Bench::with_work_order();
    let before = bench.records.len();
    let tally =
        |lane: &str, count| Tally { lane: lane.into(), code: Code::NotDurable, count, first: stamp(5), last: stamp(9) };
    bench.decide(Input::NotRecorded { tallies: vec![tally("main", 40), tally("left", 2)], room: true });
    let summaries = &bench.records[before..];
    let told: Vec<_> = summaries.iter().map(|d| (d.lane.clone().unwrap(), d.attributes["count"].clone())).collect();
    assert_eq!(told, [("main".to_owned(), 40.into()), ("left".to_owned(), 2.into())]);
    assert!(summaries.iter().all(|d| d.attributes["code"] == "not-durable" && d.attributes["unrecorded"] == true));
    assert_eq!(bench.state.counters.refused, 42);
    bench.decide(Input::NotRecorded { tallies: vec![tally("main", 3)], room: false });
    assert_eq!((bench.records.len(), bench.state.unrecorded.total()), (before + 2, 3), "it waits like all refusals");
}

#[test]
fn the_last_unit_again_is_neither_green_nor_red_and_writes_nothing() {
    let mut bench = Bench::new(Line { packing: of_size(3), ..line() });
    bench.work_order("WO-1");
    bench.device("A1");
    let package = bench.device("A2").package.unwrap();
    let (records, state) = (bench.records.len(), bench.state.clone());
    for _ in 0..3 {
        let again = bench.device("A2");
        assert_eq!((again.outcome, again.code, again.records), (Outcome::Known, Code::AlreadyRecorded, None));
        assert_eq!(again.text, format!("A2 is recorded already, as the last unit of package {}", package.id));
        assert_eq!((again.package.as_ref(), again.serial.as_deref()), (Some(&package), Some("A2")));
    }
    assert_eq!((bench.records.len(), &bench.state), (records, &state));
    assert_eq!(bench.device("A1").code, Code::Duplicate, "not the last one");
    let other_scope = Ok(Reading::Device { serial: "A2".into(), scope: "P".into(), attributes: Attributes::new() });
    assert_eq!(bench.scanned(other_scope, "A2").code, Code::Packed, "another unit with this serial");
    assert_eq!(bench.device("A2").code, Code::Duplicate, "its package is closed");
}

#[test]
fn what_is_on_hold_is_not_packed() {
    let mut bench = Bench::new(line());
    bench.holds = [Hold::Serial("S1".into()), Hold::Serial("A1".into()), Hold::Lot("L9".into())].into();
    let order = |lot: &str| {
        let attributes = Attributes::from([("lotCode".to_owned(), lot.into())]);
        Ok(Reading::WorkOrder { id: format!("WO-{lot}"), attributes, terms: Default::default() })
    };
    bench.scanned(order("L1"), "order");
    let mut said = Vec::new();
    let mut say = |answer: Answer| {
        said.push(format!("{} {:?}: {} | {}", answer.lane, answer.code, answer.text, answer.help));
        answer.code
    };
    assert_eq!(say(bench.device("S1")), Code::OnHold);
    assert_eq!(bench.device("S2").code, Code::Packed);
    let refused = bench.records.iter().filter(|draft| draft.event == Event::Refused).count();
    assert_eq!((refused, bench.state.counters.refused), (1, 1), "it is on record as others are");
    bench.holds.insert(Hold::Serial("S2".into()));
    assert_eq!(say(bench.device("S2")), Code::OnHold, "even where it is the last unit");
    bench.command(Command::ClosePackage);
    assert_eq!(say(bench.scanned(order("L9"), "order")), Code::WorkOrderStarted, "it may begin, with a warning");
    assert_eq!(say(bench.device("S3")), Code::OnHold, "the lot comes from the work order");
    assert_eq!(say(bench.device("A1")), Code::OnHold);
    bench.scanned(order("L2"), "order");
    assert_eq!(say(bench.labelled("S4", &[("lotCode", "L9")])), Code::OnHold, "or from the label");
    let attributes = Attributes::from([("lotCode".to_owned(), "L9".into())]);
    let message =
        WorkOrderMessage { revision: 1, work_order: Some("WO-9".into()), attributes, terms: Default::default() };
    let facts = Facts { held: vec![Hold::Lot("L9".into())], ..Facts::default() };
    let begun = bench.decide(Input::WorkOrder { lane: "main".into(), message, facts }).unwrap();
    assert_eq!(say(begun), Code::WorkOrderStarted);
    insta::assert_snapshot!(said.join("\n"), @r#"
    main OnHold: S1 is on hold | Set the unit aside; quality has put it on hold.
    main OnHold: S2 is on hold; it is packed already, in package 095212340000000013 | Set the unit aside; quality has put it on hold.
    main WorkOrderStarted: Work order WO-L9 is current | Lot L9 is on hold: its units are refused until quality releases it.
    main OnHold: Lot L9 of S3 is on hold | Set the unit aside; quality has put it on hold.
    main OnHold: A1 is on hold, and so is its lot L9 | Set the unit aside; quality has put it on hold.
    main OnHold: Lot L9 of S4 is on hold | Set the unit aside; quality has put it on hold.
    main WorkOrderStarted: Work order WO-9 is current | Lot L9 is on hold: its units are refused until quality releases it.
    "#);
    bench.holds.clear();
    assert_eq!(bench.device("S3").code, Code::Packed, "released");
}
