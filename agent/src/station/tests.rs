use proptest::prelude::*;
use records::attributes::Attributes;
use records::wire::WorkOrderMessage;
use records::{Event, FixedBytes, Hash, Joined, Level, Record, Stamp};
use std::collections::{BTreeMap, BTreeSet};

use super::*;
use bench::Bench;

mod adopt;
mod again;
mod bench;
mod elsewhere;
mod holds;
mod limits;
mod lots;
mod mistakes;
mod moves;
mod roles;
mod whole;

fn line() -> Line {
    Line {
        station: "pack-1".into(),
        series: FixedBytes([1; 16]),
        packing: packing(),
        labels: vec![],
        printers: vec![],
        rules: Default::default(),
    }
}

fn packing() -> Packing {
    Packing::two(2, 2, gs1::SsccRange::new(0, "9521234".parse().unwrap(), 0, 1_000_000).unwrap())
}

/// Packages that take so many units.
fn of_size(size: u32) -> Packing {
    let mut packing = packing();
    packing.levels[0].size = size;
    packing
}

fn stamp(millis: u64) -> Stamp {
    let wall = jiff::Timestamp::from_millisecond(1_800_000_000_000 + i64::try_from(millis).unwrap()).unwrap();
    Stamp { wall, synchronised: true, boot: "boot".into(), since_boot: millis }
}

#[test]
fn units_fill_packages_and_packages_fill_pallets() {
    let mut bench = Bench::with_work_order();
    let first = bench.device("A1");
    assert_eq!((first.outcome, first.code), (Outcome::Accepted, Code::Packed));
    assert_eq!(first.package.unwrap().count, 1);
    let full = bench.device("A2");
    assert_eq!(full.text, "A2 packed, package full and closed");
    assert_eq!(full.pallet.unwrap().count, 1);
    bench.device("A3");
    assert_eq!(bench.device("A4").text, "A4 packed, package and pallet full and closed");
    use Event::{Closed, Opened, Packed, WorkOrderStarted};
    assert_eq!(
        bench.events(),
        [WorkOrderStarted, Opened, Opened, Packed, Packed, Closed, Opened, Packed, Packed, Closed, Closed]
    );
    let (pallet, package) = (bench.records[1].subject.id.clone(), bench.records[2].subject.id.clone());
    assert_eq!(bench.records[3].into, [Joined::container(&package, Level::Package)]);
    assert_eq!(bench.records[5].into, [Joined::container(&pallet, Level::Pallet)], "the package joins its pallet");
    assert_eq!(bench.records[10].attributes["count"], 2);
    let ids: std::collections::BTreeSet<_> =
        bench.records.iter().filter(|d| d.event == Opened).map(|d| d.subject.id.clone()).collect();
    assert_eq!(ids.len(), 3);
    assert!(ids.iter().all(|id| id.parse::<gs1::Sscc>().is_ok()));
    assert_eq!((bench.state.counters.accepted, bench.state.counters.packages, bench.state.counters.pallets), (4, 2, 1));
}

#[test]
fn every_refusal_has_its_code_and_changes_nothing_else() {
    let mut bench = Bench::new(line());
    assert_eq!(bench.device("A1").code, Code::NoWorkOrder);
    let device = |serial: &str| {
        Ok(Reading::Device { serial: serial.into(), scope: String::new(), attributes: Attributes::new() })
    };
    bench.work_order("WO-1");
    (1..4).for_each(|number| drop(bench.device(&format!("A{number}"))));
    bench.holds.insert(Hold::Serial("A8".into()));
    let before = (bench.state.lanes.clone(), bench.known.clone());
    let attributes = Attributes::from([("workOrder".to_owned(), "WO-2".into())]);
    let wrong = Ok(Reading::Device { serial: "A9".into(), scope: String::new(), attributes });
    for (reading, code) in [
        (device("A1"), Code::Duplicate),
        (device("A8"), Code::OnHold),
        (wrong, Code::OtherThanWorkOrder),
        (
            Ok(Reading::WorkOrder { id: "WO-2".into(), attributes: Attributes::new(), terms: Default::default() }),
            Code::PackageOpen,
        ),
        (Ok(Reading::Command(Command::ClosePallet)), Code::PackageOpen),
        (Err(Unread::NoRule), Code::NoRule),
        (Err(Unread::TwoRules(vec!["a".into(), "b".into()])), Code::TwoRules),
        (Err(Unread::NotText), Code::NotText),
        (Err(Unread::NoRead), Code::NoRead),
        (Err(Unread::Gs1("GS lost: scanner programming".into())), Code::Gs1),
        (Err(Unread::Noise("rubbish".into())), Code::Noise),
        (Err(Unread::NoCode { text: "found no code".into(), help: "Show it again.".into() }), Code::NoCode),
        (Err(Unread::Picture { text: "half.png is cut off".into(), help: "Show it again.".into() }), Code::Picture),
        (Err(Unread::BadValue("serial".into(), "is empty".into())), Code::BadValue),
        (Err(Unread::CheckDigit("imei".into(), "serialNumber".into(), "luhn")), Code::CheckDigit),
    ] {
        let answer = bench.scanned(reading, &format!("{code:?}"));
        assert_eq!((answer.outcome, answer.code), (Outcome::Refused, code));
        assert!(!answer.text.is_empty() && !answer.help.is_empty(), "{code:?} says what to do");
    }
    assert_eq!((bench.state.lanes.clone(), bench.known.clone()), before);
    assert_eq!(bench.state.counters.refused, 16);
    let refused = bench.records.iter().filter(|draft| draft.event == Event::Refused);
    assert!(refused.clone().count() == 15 && refused.clone().all(|draft| draft.attributes["scanner"] == "hand"));
}

#[test]
fn a_full_pallet_waits_for_its_command() {
    let mut packing = packing();
    packing.levels.iter_mut().for_each(|level| level.close = Close::Command);
    let mut bench = Bench::new(Line { packing, ..line() });
    bench.work_order("WO-1");
    bench.device("A1");
    bench.device("A2");
    assert_eq!(bench.device("A3").code, Code::PackageFull);
    assert_eq!(bench.command(Command::ClosePackage).code, Code::PackageClosed);
    bench.device("A3");
    bench.command(Command::ClosePackage);
    assert_eq!(bench.device("A4").code, Code::PalletFull);
    assert_eq!(bench.command(Command::ClosePallet).code, Code::PalletClosed);
    assert_eq!(bench.device("A4").code, Code::Packed);
    assert_eq!(bench.command(Command::ClosePallet).code, Code::PackageOpen);
}

#[test]
fn the_last_package_and_pallet_are_closed_by_command() {
    let mut bench = Bench::with_work_order();
    assert_eq!(bench.command(Command::ClosePackage).code, Code::NothingToClose);
    assert_eq!(bench.command(Command::ClosePallet).code, Code::NothingToClose);
    bench.device("A1");
    let closed = bench.command(Command::ClosePackage);
    assert_eq!(closed.package.unwrap().count, 1);
    assert_eq!(closed.pallet.unwrap().count, 1);
    assert_eq!(bench.command(Command::ClosePallet).code, Code::PalletClosed);
    assert_eq!(bench.command(Command::ClosePallet).code, Code::NothingToClose);
}

#[test]
fn void_last_takes_back_unit_by_unit_and_names_the_record() {
    let mut bench = Bench::new(Line { packing: of_size(3), ..line() });
    bench.work_order("WO-1");
    bench.device("A1");
    let packed = bench.device("A2").records.unwrap().0;
    let voided = bench.command(Command::VoidLast);
    assert_eq!((voided.code, voided.serial.as_deref()), (Code::Voided, Some("A2")));
    let draft = bench.records.last().unwrap();
    assert_eq!(draft.corrects.as_ref().unwrap().seq, packed);
    assert_eq!((draft.event, draft.reason.as_deref()), (Event::Voided, Some("mistake")));
    assert_eq!(bench.device("A2").code, Code::Packed, "it may be packed again");
    assert_eq!(bench.command(Command::VoidLast).serial.as_deref(), Some("A2"));
    assert_eq!(bench.command(Command::VoidLast).serial.as_deref(), Some("A1"));
    assert_eq!(bench.command(Command::VoidLast).code, Code::NothingToVoid);
    assert_eq!(bench.command(Command::ClosePackage).code, Code::NothingToClose, "an empty package is not closed");
    for serial in ["B1", "B2", "B3"] {
        bench.device(serial);
    }
    assert_eq!(bench.command(Command::VoidLast).code, Code::NothingToVoid, "the package is closed");
}

#[test]
fn a_retained_work_order_counts_once_and_waits_for_the_open_package() {
    let mut bench = Bench::new(line());
    assert_eq!(bench.message(3, Some("WO-1")), Some(Code::WorkOrderStarted));
    assert_eq!(bench.message(3, Some("WO-1")), None, "a revision once applied is ignored");
    assert_eq!(bench.message(2, Some("WO-0")), None);
    bench.device("A1");
    assert_eq!(bench.message(4, Some("WO-2")), Some(Code::WorkOrderWaits));
    assert_eq!(bench.message(4, Some("WO-2")), None);
    bench.device("A2");
    assert_eq!(bench.state.lane("main").work_order.unwrap().id, "WO-2", "it began when the package was closed");
    assert_eq!(bench.message(5, None), Some(Code::WorkOrderEnded));
    assert_eq!(bench.device("A3").code, Code::NoWorkOrder);
}

#[test]
fn attributes_come_from_work_order_and_label() {
    let mut bench = Bench::new(line());
    let attributes = Attributes::from([("lotCode".to_owned(), "L1".into())]);
    let message =
        WorkOrderMessage { revision: 1, work_order: Some("WO-1".into()), attributes, terms: Default::default() };
    bench.decide(Input::WorkOrder { lane: "main".into(), message, facts: Facts { room: true, ..Facts::default() } });
    bench.labelled("A1", &[("fwVersion", "1.2")]);
    let packed = bench.records.last().unwrap();
    assert_eq!(packed.attributes["workOrder"], "WO-1");
    assert_eq!(packed.attributes["lotCode"], "L1");
    assert_eq!(packed.attributes["fwVersion"], "1.2");
    assert_eq!(bench.labelled("A2", &[("lotCode", "L2")]).code, Code::WrongLot);
    assert_eq!(bench.labelled("A2", &[("lotCode", "L1")]).code, Code::Packed);
}

#[test]
fn without_ssccs_nothing_is_opened() {
    let mut bench = Bench::with_work_order();
    bench.state.sscc_reserved = 1; // enough for the pallet, not for its package
    let before = bench.state.sscc_next;
    assert_eq!(bench.device("A1").code, Code::NoSscc);
    assert_eq!(bench.state.sscc_next, before, "refused whole");
    assert!(bench.state.lane("main").pallet().is_none());
    assert_eq!(bench.records.last().unwrap().event, Event::Refused);
    bench.decide(Input::SsccReserved { next: 1, mark: 101 });
    assert_eq!(bench.device("A1").code, Code::Packed);
}

#[test]
fn the_start_is_put_on_record_once_for_each_configuration() {
    let mut bench = Bench::new(line());
    let start = |rules| {
        Input::Started(Start {
            rules: FixedBytes([rules; 32]),
            configuration: serde_json::json!({ "packing": {} }),
            unfinished: vec![],
        })
    };
    bench.decide(start(1));
    bench.decide(start(1));
    bench.decide(start(2));
    assert_eq!(bench.events(), [Event::Configured, Event::Configured]);
}

#[test]
fn record_1_says_whose_series_it_is_and_what_was_before() {
    let mut bench = Bench::new(line());
    bench.decide(Input::SeriesBegan(SeriesStart {
        key: FixedBytes([9; 32]),
        before: Some(FixedBytes([2; 16])),
        last_before: Some(70),
        why: Some("forked"),
        endorsed: Some((FixedBytes([3; 32]), FixedBytes([4; 64]))),
    }));
    let first = &bench.records[0];
    assert_eq!((bench.state.last_seq, first.event), (1, Event::SeriesStarted));
    let text = |name: &str| first.attributes[name].as_str().unwrap().to_owned();
    assert_eq!((text("key"), text("seriesBefore")), ("09".repeat(32), "02".repeat(16)));
    assert_eq!((text("why").as_str(), &first.attributes["lastBefore"]), ("forked", &serde_json::json!(70)));
    assert_eq!((text("keyBefore"), text("endorsement")), ("03".repeat(32), "04".repeat(64)));
}

#[test]
fn without_a_mark_no_package_is_opened_until_somebody_says_from_where_on() {
    let mut bench = Bench::new(line());
    bench.state.sscc_lost = true;
    let mark = (bench.state.sscc_next, bench.state.sscc_reserved);
    bench.work_order("WO-1");
    let refused = bench.device("S1");
    assert!(refused.code == Code::NoSscc && refused.help.contains("sscc enter"), "{refused:?}");
    assert_eq!((bench.state.sscc_next, bench.state.sscc_reserved), mark);
    bench.decide(Input::SsccMark { mark: 0 });
    assert_eq!(
        (bench.state.sscc_next, bench.state.sscc_reserved),
        (mark.1, mark.1),
        "its own block may have been used"
    );
    bench.decide(Input::SsccReserved { next: mark.1, mark: mark.1 + 100 });
    assert_eq!(bench.device("S1").code, Code::Packed);
}

#[test]
fn what_was_packed_before_a_new_series_is_taken_back_by_its_own_identity() {
    let mut bench = Bench::new(line());
    bench.work_order("WO-1");
    bench.device("S1");
    let packed = bench.state.last_seq;
    bench.state.leave_series(FixedBytes([8; 16]));
    bench.command(Command::VoidLast);
    let corrects = bench.records.last().unwrap().corrects.clone().unwrap();
    assert_eq!((corrects.series, corrects.seq), (FixedBytes([8; 16]), packed));
}

#[derive(Debug, Clone)]
enum Act {
    Device(u8),
    WorkOrder(u8),
    Message(u8, Option<u8>),
    Command(Command),
    Unread,
    Reserve,
    Restart,
    Room(bool),
    Wait(u32),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => any::<u8>().prop_map(Act::Device),
        1 => (0..3u8).prop_map(Act::WorkOrder),
        1 => (any::<u8>(), proptest::option::of(0..3u8)).prop_map(|(revision, id)| Act::Message(revision, id)),
        2 => prop_oneof![Just(Command::ClosePackage), Just(Command::ClosePallet), Just(Command::VoidLast)].prop_map(Act::Command),
        1 => Just(Act::Unread),
        1 => Just(Act::Reserve),
        1 => Just(Act::Restart),
        1 => any::<bool>().prop_map(Act::Room),
        1 => any::<u32>().prop_map(|wait| Act::Wait(wait % 100_000)),
    ]
}

/// What the records alone say: the units of each package, the packages of each pallet.
fn told(records: &[records::Draft]) -> (BTreeMap<String, Vec<String>>, BTreeMap<String, Vec<String>>) {
    let (mut packages, mut pallets) = (BTreeMap::<_, Vec<String>>::new(), BTreeMap::<_, Vec<String>>::new());
    for draft in records {
        match (draft.event, draft.into.first()) {
            (Event::Packed, Some(into)) => packages.entry(into.id.clone()).or_default().push(draft.subject.id.clone()),
            (Event::Closed, Some(into)) => pallets.entry(into.id.clone()).or_default().push(draft.subject.id.clone()),
            (Event::Voided, _) => {
                packages.values_mut().for_each(|units| units.retain(|unit| *unit != draft.subject.id))
            }
            _ => {}
        }
    }
    (packages, pallets)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn whatever_happens_on_a_shift_the_records_agree(acts in proptest::collection::vec(act(), 0..200)) {
        let mut bench = Bench::new(line());
        for act in acts {
            bench.now += 7;
            match act {
                Act::Device(serial) => drop(bench.device(&format!("S{serial}"))),
                Act::WorkOrder(id) => drop(bench.work_order(&format!("WO-{id}"))),
                Act::Message(revision, id) => {
                    bench.message(u64::from(revision), id.map(|id| format!("WO-{id}")).as_deref());
                }
                Act::Command(command) => drop(bench.command(command)),
                Act::Room(room) => bench.room = room,
                Act::Unread => drop(bench.scanned(Err(Unread::NoRule), "x")),
                Act::Reserve => {
                    let (next, mark) = (bench.state.sscc_next, bench.state.sscc_reserved + 100);
                    bench.decide(Input::SsccReserved { next, mark });
                }
                // The snapshot is all that a restart has.
                Act::Restart => {
                    let json = serde_json::to_string(&bench.state).unwrap();
                    let read: State = serde_json::from_str(&json).unwrap();
                    prop_assert_eq!(&read, &bench.state);
                    bench.state = read;
                }
                Act::Wait(millis) => {
                    bench.now += u64::from(millis);
                    bench.decide(Input::Tick { room: bench.room });
                }
            }
        }
        let (packages, pallets) = told(&bench.records);
        let mut units: Vec<_> = packages.values().flatten().cloned().collect();
        let known: Vec<_> = bench.known.keys().map(|(_, serial)| serial.clone()).collect();
        units.sort();
        prop_assert_eq!(units, known, "no unit in two packages, none forgotten");
        prop_assert!(packages.values().all(|units| units.len() <= 2));
        prop_assert!(pallets.values().all(|packages| packages.len() <= 2));
        let opened: Vec<_> = bench.records.iter().filter(|d| d.event == Event::Opened).map(|d| &d.subject.id).collect();
        let distinct: std::collections::BTreeSet<_> = opened.iter().collect();
        prop_assert_eq!(distinct.len(), opened.len(), "an SSCC was handed out twice");
        let packed = bench.records.iter().filter(|d| d.event == Event::Packed).count() as u64;
        prop_assert_eq!(packed, bench.state.counters.accepted);
        limits::every_refusal_is_counted_once(&mut bench)?;
        // What is written reads back.
        for draft in bench.records {
            let place = records::Place { seq: 1, prev: Hash::ZERO, rules: Hash::ZERO, at: stamp(0) };
            let record = Record::new(draft, place);
            prop_assert_eq!(&serde_json::from_slice::<Record>(&record.to_line().unwrap()).unwrap(), &record);
        }
    }
}
