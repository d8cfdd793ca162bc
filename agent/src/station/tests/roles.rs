//! What the other roles do with a scan.

use super::moves::{container, unit};
use super::*;

pub(super) fn with_roles(roles: &[Role]) -> Bench {
    let mut line = line();
    let rules = LaneRules { roles: roles.to_vec(), components: vec!["board".into()], ..LaneRules::default() };
    line.rules.lanes.insert("main".into(), LaneRules { most_tests: Some(2), requires_test: true, ..rules });
    Bench::new(line)
}

fn component(serial: &str) -> Result<Reading, Unread> {
    let attributes = Attributes::from([("lotCode".to_owned(), "C1".into())]);
    Ok(Reading::Component { serial: serial.into(), kind: "board".into(), scope: "component:board".into(), attributes })
}

impl Bench {
    pub(super) fn rig(&mut self, serial: &str, passed: bool) -> Answer {
        self.rig_of(None, serial, passed)
    }

    /// The rig says of which test its result is.
    pub(super) fn rig_of(&mut self, test: Option<u64>, serial: &str, passed: bool) -> Answer {
        let result = RigResult {
            serial: serial.into(),
            scope: String::new(),
            passed,
            rig: "bench-3".into(),
            test,
            measurements: [("volts".to_owned(), 3.3.into())].into_iter().collect(),
            attributes: Attributes::from([("fwVersion".to_owned(), "1.2".into())]),
        };
        let facts = self.facts(&Wanted::of_result(&self.state, "main", &result));
        self.decide(Input::Result { lane: "main".into(), result: Ok(result), facts }).unwrap()
    }
}

#[test]
fn a_unit_is_tested_and_packed_only_when_it_has_passed() {
    let mut bench = with_roles(&[Role::Pack, Role::Palletise, Role::Test]);
    bench.work_order("WO-1");
    assert_eq!(bench.device("A1").code, Code::NotTested);
    assert_eq!(bench.rig("A1", true).code, Code::NoTest);
    bench.command(Command::Role(Role::Test));
    assert_eq!(bench.device("A1").code, Code::TestStarted);
    assert_eq!(bench.state.lane("main").testing.unwrap().serial, "A1");
    assert_eq!(bench.device("A2").code, Code::Busy);
    assert_eq!(bench.rig("A2", true).code, Code::OtherUnit);
    let failed = bench.rig("A1", false);
    assert_eq!((failed.outcome, failed.code), (Outcome::Refused, Code::TestFailed));
    assert!(failed.records.is_some(), "a failed test is on record");
    assert_eq!(bench.rig("A1", true).code, Code::NoTest, "a rig says its result once");
    bench.device("A3");
    let result = Err(NoResult { why: "it hung".to_owned(), test: None });
    let silent = Input::Result { lane: "main".into(), result, facts: Facts::default() };
    assert_eq!(bench.decide(silent.clone()).unwrap().code, Code::RigFailed);
    assert_eq!(bench.decide(silent).unwrap().code, Code::NoTest);
    bench.command(Command::Role(Role::Pack));
    assert_eq!(bench.device("A1").code, Code::FailedTest);
    bench.command(Command::Role(Role::Test));
    bench.device("A1");
    assert_eq!(bench.rig("A1", true).code, Code::TestPassed);
    let tested: Vec<_> = bench.records.iter().filter(|draft| draft.event == Event::Tested).collect();
    let said = |draft: &records::Draft| (draft.attributes["result"].clone(), draft.attributes["attempt"].clone());
    assert_eq!(said(tested[0]), ("fail".into(), 1.into()));
    assert_eq!(said(tested[1]), ("pass".into(), 2.into()));
    assert_eq!(
        (&tested[1].attributes["measurements"]["volts"], &tested[1].attributes["rig"]),
        (&3.3.into(), &"bench-3".into())
    );
    assert_eq!(bench.device("A1").code, Code::RetestLimit);
    bench.command(Command::Role(Role::Pack));
    assert_eq!(bench.device("A1").code, Code::Packed);
    assert_eq!(bench.state.orders["WO-1"].failed, 1);
    assert_eq!((bench.counts["passed"], bench.counts["failed"]), (1, 1));
}

#[test]
fn a_unit_that_is_taken_back_keeps_its_test() {
    let mut bench = with_roles(&[Role::Pack, Role::Palletise, Role::Test]);
    bench.work_order("WO-1");
    bench.command(Command::Role(Role::Test));
    bench.device("A1");
    bench.rig("A1", true);
    bench.command(Command::Role(Role::Pack));
    bench.device("A1");
    bench.command(Command::VoidLast);
    let known = &bench.known[&(String::new(), "A1".to_owned())];
    assert_eq!((known.state, known.test.unwrap().passed), (UnitState::Seen, true));
    assert_eq!(bench.device("A1").code, Code::Packed);
    assert_eq!(bench.state.orders["WO-1"].packed, 1);
}

#[test]
fn components_go_into_one_unit_each_and_none_may_lack() {
    let mut bench = with_roles(&[Role::Assemble]);
    assert_eq!(bench.scan(component("C1")).code, Code::Busy, "into which unit?");
    assert_eq!(bench.device("A1").code, Code::Waiting);
    assert_eq!(bench.device("A2").code, Code::Incomplete);
    assert_eq!(bench.scan(component("C1")).code, Code::Assembled);
    let draft = bench.records.last().unwrap();
    assert_eq!(
        (draft.event, draft.into[0].id.as_str(), draft.subject.scope.as_str()),
        (Event::Assembled, "A1", "component:board")
    );
    assert_eq!(bench.device("A2").code, Code::Waiting, "the next unit ends a complete one");
    assert_eq!(bench.scan(component("C1")).code, Code::InAnotherUnit);
    bench.command(Command::TakeOut);
    assert_eq!(bench.scan(component("C1")).code, Code::TakenOut);
    assert_eq!(
        (bench.records.last().unwrap().from[0].kind, bench.records.last().unwrap().from[0].id.as_str()),
        (records::Kind::Device, "A1")
    );
    assert_eq!(bench.scan(component("C1")).code, Code::Assembled);
    assert_eq!(bench.command(Command::Finish).code, Code::AssemblyComplete);
    assert_eq!(bench.command(Command::Finish).code, Code::NothingWaits);
}

/// A lane that can do everything, with a closed package of two units; its id and its pallet's.
pub(super) fn packed() -> (Bench, String, String) {
    let mut bench = with_roles(&[Role::Pack, Role::Palletise, Role::Despatch, Role::Recount, Role::Check]);
    bench.line.rules.lanes.get_mut("main").unwrap().requires_test = false;
    bench.work_order("WO-1");
    ["A1", "A2"].into_iter().for_each(|serial| drop(bench.device(serial)));
    let package = bench.known[&(String::new(), "A1".to_owned())].package.clone().unwrap();
    bench.command(Command::ClosePallet);
    let pallet = bench.containers[&package].parent.clone().unwrap();
    (bench, package, pallet)
}

#[test]
fn a_pallet_leaves_once_with_consignee_and_despatch_note() {
    let (mut bench, package, pallet) = packed();
    bench.command(Command::Role(Role::Despatch));
    assert_eq!(bench.scan(container(&pallet)).code, Code::DespatchMissing);
    bench.scan(Ok(Reading::Consignee { id: "ACME".into() }));
    assert_eq!(bench.scan(container(&pallet)).text, "There is no despatch note");
    bench.scan(Ok(Reading::DespatchNote { id: "DN-7".into() }));
    assert_eq!(bench.scan(container(&package)).code, Code::OnAnotherPallet);
    assert_eq!(bench.scan(container("nowhere")).code, Code::UnknownContainer);
    assert_eq!(bench.scan(container(&pallet)).code, Code::DespatchRecorded);
    let draft = bench.records.last().unwrap();
    assert_eq!((&draft.attributes["consignee"], &draft.attributes["despatchNote"]), (&"ACME".into(), &"DN-7".into()));
    assert_eq!(bench.scan(container(&pallet)).code, Code::AlreadyRecorded);
    bench.command(Command::Finish);
    bench.command(Command::Role(Role::Pack));
    bench.command(Command::Reopen);
    assert_eq!(bench.scan(container(&package)).code, Code::Despatched, "it has left with its pallet");
    bench.command(Command::TakeOut);
    assert_eq!(bench.scan(unit("A1")).code, Code::Despatched);
}

#[test]
fn a_recount_names_what_is_missing_and_what_is_too_much() {
    let (mut bench, package, pallet) = packed();
    bench.device("B1");
    bench.command(Command::Role(Role::Recount));
    assert_eq!(bench.scan(container(&package)).code, Code::Recounting);
    assert_eq!(bench.device("A1").code, Code::Found);
    assert_eq!(bench.device("A1").outcome, Outcome::Known);
    assert_eq!(bench.device("B1").code, Code::InAnotherPackage);
    assert_eq!(bench.device("X1").code, Code::CountDiffers);
    let before = bench.known.clone();
    let counted = bench.command(Command::Finish);
    assert_eq!(counted.text, format!("{package}: 1 missing: A2; 2 too much: B1, X1"));
    let draft = bench.records.last().unwrap();
    assert_eq!((draft.event, &draft.attributes["missing"]), (Event::Counted, &serde_json::json!(["A2"])));
    assert_eq!(
        (&draft.attributes["expected"], &draft.attributes["found"], &draft.attributes["extraCount"]),
        (&2.into(), &3.into(), &2.into())
    );
    assert_eq!(bench.known, before, "it changes nothing");
    bench.scan(container(&pallet));
    assert_eq!(bench.scan(container(&package)).code, Code::Found);
    assert_eq!(bench.command(Command::Finish).code, Code::Counted);
    bench.scan(container(&package));
    assert_eq!(bench.command(Command::Role(Role::Pack)).code, Code::Busy);
    assert_eq!(bench.command(Command::Cancel).code, Code::Cancelled);
}

#[test]
fn a_look_up_writes_nothing() {
    let (mut bench, package, _) = packed();
    bench.command(Command::Role(Role::Check));
    let (records, state) = (bench.records.len(), bench.state.clone());
    assert_eq!(bench.device("A1").text, format!("A1 is packed, in package {package}, work order WO-1"));
    assert!(bench.scan(container(&package)).text.contains("is closed with 2"));
    assert_eq!(bench.device("Z9").text, "Z9 is not known here");
    assert_eq!((bench.records.len(), &bench.state), (records, &state));
}

#[test]
fn a_lane_that_only_palletises_takes_packages_of_other_stations() {
    let mut bench = with_roles(&[Role::Palletise]);
    assert_eq!(bench.device("A1").code, Code::WrongLevel);
    assert_eq!(bench.scan(container("P1")).code, Code::Stacked);
    assert_eq!(bench.scan(container("P1")).code, Code::AlreadyThere);
    let full = bench.scan(container("P2"));
    assert!(full.text.ends_with("; pallet full and closed"), "{full:?}");
    assert_eq!(bench.scan(container("P1")).code, Code::OnAnotherPallet);
    bench.service = Service::Answer {
        age_ms: 0,
        unit: None,
        container: Some(RemoteContainer {
            parent: Some("elsewhere".into()),
            station: Some("b".into()),
            count: 4,
            ..RemoteContainer::new(Level::Package, ContainerState::Closed)
        }),
    };
    assert_eq!(bench.scan(container("P3")).code, Code::OnAnotherPallet);
}

#[test]
fn a_lane_that_only_packs_leaves_its_packages_to_others() {
    let mut bench = with_roles(&[Role::Pack]);
    bench.line.rules.lanes.get_mut("main").unwrap().requires_test = false;
    bench.line.rules.lanes.insert("end".into(), LaneRules { roles: vec![Role::Palletise], ..LaneRules::default() });
    bench.work_order("WO-1");
    ["A1", "A2"].into_iter().for_each(|serial| drop(bench.device(serial)));
    let package = bench.known[&(String::new(), "A1".to_owned())].package.clone().unwrap();
    assert!(bench.records.last().unwrap().into.is_empty() && bench.state.lane("main").pallet().is_none());
    let stacked = bench.scanned_on("end", container(&package), "x");
    assert_eq!(stacked.code, Code::Stacked);
    let pallet = bench.state.lane("end").pallet().unwrap().clone();
    assert_eq!((pallet.count, pallet.units, pallet.common["workOrder"].clone()), (1, Some(2), "WO-1".into()));
}

#[test]
fn a_label_is_printed_for_a_unit_that_has_passed_and_is_on_its_record() {
    let mut bench = with_roles(&[Role::Test]);
    let rule = LabelRule {
        level: Level::Package,
        on_pass: true,
        lane: None,
        name: None,
        printer: "p".into(),
        template: "t".into(),
        copies: 1,
    };
    bench.line.labels = vec![rule];
    bench.line.printers = vec!["p".into()];
    bench.work_order("WO-1");
    bench.device("A1");
    bench.rig("A1", false);
    assert!(bench.labels.is_empty(), "a failed unit gets no label");
    bench.device("A1");
    bench.rig("A1", true);
    let job = bench.labels["A1"].clone();
    assert_eq!((job.draft.unit(), job.draft.data["serialNumber"].as_str()), (Some(""), "A1"));
    bench.decide(Input::Printing { job, printing: Printing::Begun { picture: "p1".into() } });
    let job = bench.labels["A1"].clone();
    bench.decide(Input::Printing { job, printing: Printing::Printed });
    let printed = bench.records.last().unwrap();
    assert_eq!((printed.event, printed.subject.kind), (Event::LabelPrinted, records::Kind::Device));
    assert!(!printed.attributes.contains_key("level"), "a unit has no level");
}
