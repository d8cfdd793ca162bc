//! What is done twice, late, or after something else.

use records::wire::{Terms, UnderRun};

use super::mistakes::{answer, supervised};
use super::moves::{container, unit};
use super::roles::{packed, with_roles};
use super::*;

fn share(bench: &mut Bench, order: &str) -> OrderCount {
    bench.state.orders.get(order).or(bench.orders.get(order)).copied().unwrap()
}

#[test]
fn a_unit_that_fails_and_is_scrapped_counts_with_its_order_on_the_record() {
    let mut bench = with_roles(&[Role::Test, Role::Pack, Role::Palletise]);
    let attributes = Attributes::from([("lotCode".to_owned(), "L1".into())]);
    bench.scan(Ok(Reading::WorkOrder { id: "WO-7".into(), attributes, terms: Terms::default() }));
    bench.device("A1");
    bench.rig("A1", false);
    bench.command(Command::Scrap);
    assert_eq!(bench.scan(unit("A1")).code, Code::ScrapRecorded);
    let said = &bench.last().attributes;
    assert_eq!((&said["workOrder"], &said["lotCode"]), (&"WO-7".into(), &"L1".into()));
    assert_eq!(share(&mut bench, "WO-7").scrapped, 1);
    // One of which nobody knows an order counts nowhere, and names none.
    bench.command(Command::Scrap);
    bench.scan(unit("N1"));
    assert!(bench.last().attributes.is_empty());
    // One that has passed, was packed and taken back is of its order still.
    bench.device("A2");
    bench.rig("A2", true);
    bench.command(Command::Role(Role::Pack));
    bench.device("A2");
    bench.command(Command::VoidLast);
    bench.command(Command::Scrap);
    bench.scan(unit("A2"));
    assert_eq!(bench.last().attributes["workOrder"], "WO-7");
    assert_eq!(share(&mut bench, "WO-7").scrapped, 2);
}

#[test]
fn packed_again_and_taken_back_a_unit_is_taken_out_as_before() {
    let mut bench = Bench::with_work_order();
    bench.device("A1");
    bench.command(Command::TakeOut);
    bench.scan(unit("A1"));
    assert_eq!(share(&mut bench, "WO-1"), OrderCount { taken_out: 1, ..OrderCount::default() });
    bench.device("A1");
    assert_eq!(share(&mut bench, "WO-1"), OrderCount { packed: 1, ..OrderCount::default() });
    assert_eq!(bench.command(Command::VoidLast).code, Code::Voided);
    assert_eq!(share(&mut bench, "WO-1"), OrderCount { taken_out: 1, ..OrderCount::default() });
    assert_eq!(bench.known[&(String::new(), "A1".to_owned())].state, UnitState::Out);
    // Also where it was another order's.
    bench.work_order("WO-2");
    bench.device("A1");
    bench.command(Command::VoidLast);
    assert_eq!((share(&mut bench, "WO-1").taken_out, share(&mut bench, "WO-2").packed), (1, 0));
}

#[test]
fn a_permission_is_not_for_what_was_refused_before_something_else() {
    let refused = || {
        let mut bench = supervised(&[Code::WrongPattern], &[]);
        bench.order_with("W", Terms { serial_pattern: Some("A.*".into()), ..Terms::default() });
        assert_eq!(bench.device("B1").code, Code::WrongPattern);
        bench
    };
    let mut bench = refused();
    bench.scanned(Err(Unread::NoRead), "no read");
    assert_eq!(bench.badge("boss", true).code, Code::Packed, "a badge that could not be read is scanned again");
    for after in ["a unit", "a command", "signed on", "signed off", "another code", "at once"] {
        let mut bench = refused();
        match after {
            "a unit" => drop(bench.device("A2")),
            "a command" => drop(bench.command(Command::Role(Role::Pack))),
            "signed on" => drop(bench.badge("ann", false)),
            "another code" => drop(bench.scanned(Err(Unread::NoRule), "rubbish")),
            "at once" => {
                let commanded = Commanded { command: Command::ClosePackage, subject: None, into: None, reason: None };
                let facts = bench.facts(&Wanted::of_command(&bench.state, "main", &commanded));
                drop(bench.decide(Input::Commanded { lane: "main".into(), commanded, facts }));
            }
            _ => {
                bench.badge("ann", false);
                bench.device("B1");
                bench.command(Command::SignOff);
            }
        }
        assert_eq!(bench.badge("boss", true).code, Code::SignedOn, "{after}");
        assert!(!bench.known.contains_key(&(String::new(), "B1".to_owned())), "{after}");
    }
}

#[test]
fn a_result_counts_for_its_own_test() {
    let mut bench = with_roles(&[Role::Test]);
    bench.line.rules.lanes.get_mut("main").unwrap().most_tests = None;
    bench.work_order("WO-1");
    bench.device("A1");
    let test = |bench: &Bench| bench.state.lane("main").testing.map(|dut| dut.test);
    let first = test(&bench);
    assert_eq!(bench.rig_of(first, "A1", false).code, Code::TestFailed);
    // The rig did not hear the answer, and says it again: before the next test, and in it.
    assert_eq!(bench.rig_of(first, "A1", false).code, Code::AlreadyRecorded);
    bench.device("A1");
    let tested = |bench: &Bench| bench.records.iter().filter(|draft| draft.event == Event::Tested).count();
    for test in [first, None] {
        let again = bench.rig_of(test, "A1", false);
        assert_eq!((again.code, again.outcome), (Code::AlreadyRecorded, Outcome::Known), "{test:?}");
    }
    assert_eq!(bench.rig_of(first, "A1", true).code, Code::LateResult, "something else of the test before");
    assert_eq!((tested(&bench), test(&bench).is_some()), (1, true), "the test still runs");
    let second = test(&bench);
    assert_eq!(bench.rig_of(second, "A1", false).code, Code::TestFailed, "the same result of its own test");
    assert_eq!(tested(&bench), 2);
    // A program that was too late for a test that was given up ends no other one.
    bench.device("A1");
    let gone = test(&bench);
    bench.command(Command::Cancel);
    bench.device("A2");
    let late = Err(NoResult { why: "it hung".into(), test: gone });
    let late = Input::Result { lane: "main".into(), result: late, facts: Facts::default() };
    assert_eq!(bench.decide(late).unwrap().code, Code::NoTest);
    assert_eq!(bench.state.lane("main").testing.unwrap().serial, "A2");
}

#[test]
fn the_later_test_counts_and_else_a_failure() {
    let wall = |millis: u64| stamp(millis).wall.as_millisecond();
    let mut outcomes = Vec::new();
    for (here, synchronised, remote) in [
        // Passed here, failed there: later, earlier, at an unknown time.
        (true, true, (false, Some(wall(900_000)), 2)),
        (true, true, (false, Some(wall(0)), 2)),
        (true, true, (false, None, 2)),
        (true, false, (false, Some(wall(900_000)), 2)),
        // The service has not heard of the test here.
        (true, false, (false, Some(wall(900_000)), 0)),
        // Failed here, passed there.
        (false, true, (true, Some(wall(900_000)), 2)),
        (false, true, (true, Some(wall(0)), 2)),
        (false, true, (true, None, 2)),
    ] {
        let mut bench = with_roles(&[Role::Pack]);
        let interlock = Interlock { asked: Interlocked::Preferred, ..Interlock::default() };
        bench.line.rules.lanes.get_mut("main").unwrap().interlock = interlock;
        bench.work_order("WO-1");
        let at = synchronised.then(|| wall(500_000));
        let known =
            Known { state: UnitState::Seen, test: Some(Tested { passed: here, attempts: 1, at }), ..Known::default() };
        bench.known.insert((String::new(), "A1".into()), known);
        let (passed, tested_at, attempts) = remote;
        let unit =
            RemoteUnit { state: UnitState::Seen, passed: Some(passed), tested_at, attempts, ..RemoteUnit::default() };
        bench.service = answer(0, Some(unit));
        outcomes.push(bench.device("A1").code == Code::Packed);
    }
    assert_eq!(outcomes, [false, true, false, false, true, true, false, false]);
}

#[test]
fn the_last_unit_of_a_lane_is_recorded_already_also_where_it_filled_its_package() {
    let mut bench = Bench::new(Line { packing: of_size(1), ..line() });
    bench.work_order("WO-1");
    assert_eq!(bench.device("A1").text, "A1 packed, package full and closed");
    let again = bench.device("A1");
    assert_eq!((again.code, again.outcome), (Code::AlreadyRecorded, Outcome::Known));
    bench.device("A2");
    assert_eq!(bench.device("A1").code, Code::Duplicate, "not the last one any more");
    assert_eq!(bench.device("A2").code, Code::AlreadyRecorded);
    // Taken out it is somewhere else, and is packed again.
    bench.command(Command::TakeOut);
    bench.scan(unit("A2"));
    assert_eq!(bench.device("A2").code, Code::Packed);
    bench.command(Command::Hold);
    bench.scan(unit("A2"));
    assert_eq!(bench.device("A2").code, Code::OnHold);
}

#[test]
fn the_pallet_that_left_last_is_recorded_already() {
    let (mut bench, _, pallet) = packed();
    bench.command(Command::Role(Role::Despatch));
    bench.scan(Ok(Reading::Consignee { id: "ACME".into() }));
    bench.scan(Ok(Reading::DespatchNote { id: "DN-7".into() }));
    bench.scan(container(&pallet));
    let again = bench.scan(container(&pallet));
    assert_eq!((again.code, again.outcome), (Code::AlreadyRecorded, Outcome::Known));
    bench.command(Command::Finish);
    bench.scan(Ok(Reading::Consignee { id: "ACME".into() }));
    bench.scan(Ok(Reading::DespatchNote { id: "DN-8".into() }));
    assert_eq!(bench.scan(container(&pallet)).code, Code::Despatched, "that is another despatch");
}

#[test]
fn an_order_that_no_lane_works_on_any_more_is_sealed_with_a_reason_as_well() {
    let mut bench = supervised(&[], &["no more parts"]);
    bench.order_with("WO-1", Terms { quantity: Some(5), under_run: UnderRun::Reason, ..Terms::default() });
    bench.device("A1");
    bench.command(Command::ClosePackage);
    bench.work_order("WO-2");
    bench.command(Command::Seal);
    assert_eq!(bench.work_order("WO-1").code, Code::Waiting);
    assert_eq!(bench.reason("no more parts").code, Code::Sealed);
    assert_eq!(
        (bench.last().attributes["packed"].clone(), bench.last().reason.as_deref()),
        (1.into(), Some("no more parts"))
    );
}

#[test]
fn a_package_has_units_of_one_work_order_also_when_it_is_opened_again() {
    let mut bench = Bench::new(Line { packing: of_size(3), ..line() });
    bench.work_order("WO-1");
    bench.device("A1");
    let first = bench.package_of("A1");
    bench.command(Command::ClosePackage);
    bench.work_order("WO-2");
    bench.device("B1");
    bench.command(Command::ClosePackage);
    bench.command(Command::Reopen);
    assert_eq!(bench.scan(container(&first)).code, Code::Reopened);
    let refused = bench.device("B2");
    assert_eq!(
        (refused.code, refused.text),
        (Code::PackageOpen, format!("Package {first} is open with units of work order WO-1"))
    );
    bench.command(Command::Move);
    bench.scan(unit("B1"));
    assert_eq!(bench.scan(container(&first)).code, Code::OtherThanWorkOrder);
    bench.command(Command::Cancel);
    assert_eq!(bench.work_order("WO-1").code, Code::WorkOrderStarted, "it is the package's own");
    assert_eq!(bench.device("A2").code, Code::Packed);
    assert_eq!(bench.work_order("WO-2").code, Code::PackageOpen);
}

#[test]
fn a_package_of_another_order_is_not_taken_over() {
    let mut bench = Bench::with_work_order();
    let told = RemoteContainer {
        serials: vec!["X1".into()],
        count: 1,
        common: Attributes::from([("workOrder".to_owned(), "WO-2".into())]),
        ..RemoteContainer::new(Level::Package, ContainerState::Open)
    };
    bench.service = Service::Answer { age_ms: 0, unit: None, container: Some(told) };
    let commanded =
        Commanded { command: Command::Adopt, subject: Some(container("OLD").unwrap()), into: None, reason: None };
    let adopt = |bench: &mut Bench| {
        let wanted = Wanted::of_command(&bench.state, "main", &commanded).with(&bench.state, "main", &bench.service);
        assert_eq!(wanted.units.len(), 1, "what is in it is looked up");
        let (facts, commanded) = (bench.facts(&wanted), commanded.clone());
        bench.decide(Input::Commanded { lane: "main".into(), commanded, facts }).unwrap()
    };
    let refused = adopt(&mut bench);
    assert_eq!(refused.text, "What this lane packs is of work order WO-1, and OLD of WO-2");
    bench.work_order("WO-2");
    assert_eq!(
        adopt(&mut bench).code,
        Code::Adopted,
        "by what the service says, also where it is asked for all at once"
    );
    assert_eq!(bench.last().attributes["how"], "service");
}
