//! What is on hold does not leave, and is released.

use super::mistakes::supervised;
use super::moves::{container, unit};
use super::roles::packed;
use super::*;

fn hold(bench: &mut Bench, serial: &str) {
    bench.command(Command::Hold);
    assert_eq!(bench.scan(unit(serial)).code, Code::HoldRecorded);
}

#[test]
fn the_service_releases_what_was_put_on_hold_at_the_line() {
    let mut bench = Bench::with_work_order();
    hold(&mut bench, "A1");
    let release = |bench: &mut Bench| {
        let known = bench.known[&(String::new(), "A1".to_owned())].clone();
        bench.decide(Input::Released { lane: "main".into(), scope: String::new(), serial: "A1".into(), known })
    };
    let records = bench.records.len();
    let released = release(&mut bench).unwrap();
    assert_eq!((released.code, released.serial.as_deref()), (Code::HoldReleased, Some("A1")));
    assert_eq!(bench.records.len(), records, "the service's own record says so");
    assert_eq!(release(&mut bench), None, "once");
    assert_eq!(bench.device("A1").code, Code::Packed);
}

#[test]
fn a_supervisor_releases_at_the_line_with_a_reason() {
    let mut bench = supervised(&[], &["looked at"]);
    bench.work_order("WO-1");
    bench.command(Command::Hold);
    bench.scan(unit("A1"));
    bench.reason("looked at");
    assert_eq!(bench.device("A1").code, Code::OnHold);
    bench.command(Command::Release);
    assert_eq!(bench.scan(unit("A1")).text, "Scan the reason");
    assert_eq!(bench.badge("boss", true).code, Code::ReasonMissing);
    assert_eq!(bench.reason("looked at").text, "Scan a supervisor's badge");
    assert_eq!(bench.badge("ann", false).code, Code::NoOperator, "not everybody may");
    let released = bench.badge("boss", true);
    assert_eq!((released.code, bench.last().event), (Code::HoldReleased, Event::Released));
    let allowed = bench.last().allowed.clone().unwrap();
    assert_eq!((allowed.by.as_str(), allowed.reason.as_str(), allowed.code.as_str()), ("boss", "looked at", "on-hold"));
    assert_eq!(bench.device("A1").code, Code::Packed);
    // Who is signed on already needs no second badge; what the service holds is not released here.
    bench.badge("boss", true);
    bench.command(Command::Release);
    bench.scan(unit("A1"));
    assert_eq!(bench.reason("looked at").code, Code::NotHeld);
    bench.holds.insert(Hold::Serial("A2".into()));
    bench.command(Command::Cancel);
    bench.command(Command::Release);
    bench.scan(unit("A2"));
    assert_eq!(bench.reason("looked at").text, "A2 is on hold at the service");
    let mut nobody = Bench::with_work_order();
    hold(&mut nobody, "A1");
    nobody.command(Command::Release);
    assert_eq!(nobody.scan(unit("A1")).code, Code::NoOperator, "nobody is a supervisor here");
}

#[test]
fn what_is_held_at_the_line_is_not_moved() {
    let mut bench = Bench::new(Line { packing: of_size(3), ..line() });
    bench.work_order("WO-1");
    bench.device("A1");
    let first = bench.package_of("A1");
    bench.command(Command::ClosePackage);
    bench.device("A2");
    let second = bench.package_of("A2");
    hold(&mut bench, "A1");
    bench.command(Command::Move);
    bench.scan(unit("A1"));
    assert_eq!(bench.scan(container(&second)).code, Code::OnHold);
    assert_eq!(bench.package_of("A1"), first);
}

fn ready() -> (Bench, String, String) {
    let (mut bench, package, pallet) = packed();
    bench.command(Command::Role(Role::Despatch));
    bench.scan(Ok(Reading::Consignee { id: "ACME".into() }));
    bench.scan(Ok(Reading::DespatchNote { id: "DN-7".into() }));
    (bench, package, pallet)
}

#[test]
fn a_pallet_does_not_leave_while_a_unit_on_it_is_on_hold() {
    let (mut bench, _, pallet) = ready();
    bench.holds.insert(Hold::Serial("A2".into()));
    let refused = bench.scan(container(&pallet));
    assert_eq!((refused.code, refused.text), (Code::OnHold, format!("A2 in {pallet} is on hold")));
    bench.holds.clear();
    hold(&mut bench, "A1");
    assert_eq!(bench.scan(container(&pallet)).code, Code::OnHold, "held at the line");
    bench.known.get_mut(&(String::new(), "A1".to_owned())).unwrap().held = false;
    assert_eq!(bench.scan(container(&pallet)).code, Code::DespatchRecorded);
}

#[test]
fn a_pallet_does_not_leave_while_a_lot_on_it_is_under_recall_but_where_a_supervisor_may_allow_it() {
    let (mut bench, _, pallet) = packed();
    bench.labelled("B1", &[("lotCode", "L7")]);
    bench.labelled("B2", &[("lotCode", "L8")]);
    let mixed = bench.package_of("B1");
    bench.command(Command::ClosePallet);
    let pallets = [pallet, bench.containers[&mixed].parent.clone().unwrap()];
    bench.command(Command::Role(Role::Despatch));
    bench.scan(Ok(Reading::Consignee { id: "ACME".into() }));
    bench.scan(Ok(Reading::DespatchNote { id: "DN-7".into() }));
    bench.holds.insert(Hold::Lot("L7".into()));
    bench.recalled.insert(Hold::Lot("L7".into()));
    assert_eq!(bench.scan(container(&pallets[0])).code, Code::DespatchRecorded, "another lot");
    bench.line.rules.people.supervisors = BTreeSet::from(["boss".to_owned()]);
    bench.line.rules.people.allows = BTreeSet::from([Code::Recall]);
    let refused = bench.scan(container(&pallets[1]));
    assert_eq!((refused.code, refused.text), (Code::Recall, format!("B1 in {} is under recall", pallets[1])));
    assert_eq!(bench.badge("boss", true).code, Code::DespatchRecorded);
    assert_eq!(bench.last().allowed.as_ref().unwrap().code, "recall");
}

#[test]
fn what_the_service_says_to_be_in_a_container_of_elsewhere_is_looked_at_as_well() {
    let (mut bench, ..) = ready();
    let told = |change: &dyn Fn(&mut RemoteContainer)| {
        let mut container = RemoteContainer::new(Level::Pallet, ContainerState::Closed);
        (container.count, container.serials) = (2, vec!["X1".into(), "X2".into()]);
        change(&mut container);
        Service::Answer { age_ms: 0, unit: None, container: Some(container) }
    };
    bench.holds.extend([Hold::Serial("X2".into()), Hold::Lot("L9".into())]);
    bench.service = told(&|_| ());
    assert_eq!(bench.scan(container("FAR")).text, "X2 in FAR is on hold");
    bench.service = told(&|it| {
        it.serials.clear();
        it.common.insert("lotCode".into(), "L9".into());
    });
    assert_eq!(bench.scan(container("FAR")).text, "FAR has units of lot L9, which is on hold");
    bench.service = told(&|it| (it.held, it.recalled) = (vec!["Y1".into(), "Y2".into()], true));
    let refused = bench.scan(container("FAR"));
    assert_eq!(
        (refused.code, refused.text.as_str()),
        (Code::Recall, "3 units in FAR are under recall, the first is X2")
    );
    bench.holds.clear();
    bench.service = told(&|_| ());
    assert_eq!(bench.scan(container("FAR")).code, Code::DespatchRecorded);
}

#[test]
fn a_package_with_a_unit_on_hold_goes_on_no_pallet() {
    let mut bench = super::roles::with_roles(&[Role::Pack]);
    bench.line.rules.lanes.get_mut("main").unwrap().requires_test = false;
    bench.line.rules.lanes.insert("end".into(), LaneRules { roles: vec![Role::Palletise], ..LaneRules::default() });
    bench.work_order("WO-1");
    ["A1", "A2"].into_iter().for_each(|serial| drop(bench.device(serial)));
    let package = bench.package_of("A1");
    bench.holds.insert(Hold::Serial("A1".into()));
    assert_eq!(bench.scanned_on("end", container(&package), "x").code, Code::OnHold);
    bench.holds.clear();
    assert_eq!(bench.scanned_on("end", container(&package), "x").code, Code::Stacked);
}
