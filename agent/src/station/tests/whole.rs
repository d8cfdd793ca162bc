//! A refusal that comes late leaves nothing behind; what is allowed is decided with all that is known.

use super::moves::{container, full_pallet};
use super::*;

#[test]
fn a_refusal_after_something_was_opened_leaves_nothing_of_it() {
    let mut bench = Bench::with_work_order();
    bench.state.sscc_reserved = 1;
    let before = bench.records.len();
    assert_eq!(bench.device("A1").code, Code::NoSscc, "the pallet has an SSCC, and the package has none");
    let [refused] = &bench.records[before..] else { panic!("{:?}", bench.records) };
    assert_eq!((refused.event, bench.containers.len(), bench.state.sscc_next), (Event::Refused, 0, 0));
    assert!(bench.state.lane("main").open.is_empty());
}

#[test]
fn what_is_allowed_is_decided_with_what_is_known_of_the_unit() {
    let mut bench = Bench::with_work_order();
    bench.line.rules.people.supervisors = BTreeSet::from(["boss".to_owned()]);
    bench.line.rules.people.allows = [Code::FailedTest].into();
    let rules = LaneRules { requires_test: true, ..bench.line.rules.lane("main") };
    bench.line.rules.lanes.insert("main".into(), rules);
    let unit = (String::new(), "A1".to_owned());
    let test = Some(Tested { passed: false, attempts: 2, at: None });
    bench.known.insert(unit.clone(), Known { state: UnitState::Seen, test, ..Known::default() });
    assert_eq!(bench.device("A1").code, Code::FailedTest);
    let badge = Reading::Badge { person: "boss".into(), supervisor: true };
    assert_eq!(bench.scan(Ok(badge)).code, Code::Packed);
    assert_eq!(bench.known[&unit].test, test);
}

#[test]
fn a_pallet_with_a_package_that_is_open_again_does_not_leave() {
    let (mut bench, first, _, pallet) = full_pallet();
    let rules = LaneRules { roles: vec![Role::Pack, Role::Palletise, Role::Despatch], ..LaneRules::default() };
    bench.line.rules.lanes.insert("main".into(), rules);
    bench.command(Command::Reopen);
    assert_eq!(bench.scan(container(&first)).code, Code::Reopened);
    bench.command(Command::Role(Role::Despatch));
    bench.scan(Ok(Reading::Consignee { id: "ACME".into() }));
    bench.scan(Ok(Reading::DespatchNote { id: "DN".into() }));
    assert_eq!(bench.scan(container(&pallet)).code, Code::ContainerOpen);
    bench.command(Command::Role(Role::Pack));
    bench.command(Command::ClosePackage);
    bench.command(Command::Role(Role::Despatch));
    assert_eq!(bench.scan(container(&pallet)).code, Code::DespatchRecorded);
}
