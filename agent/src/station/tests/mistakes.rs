//! The mistakes people make, terms of work orders, permissions, people, time-outs, the service.

use records::wire::{Terms, UnderRun};

use super::moves::{container, unit};
use super::*;

impl Bench {
    pub(super) fn order_with(&mut self, id: &str, terms: Terms) -> Answer {
        self.scan(Ok(Reading::WorkOrder { id: id.into(), attributes: Attributes::new(), terms }))
    }

    pub(super) fn badge(&mut self, person: &str, supervisor: bool) -> Answer {
        self.scan(Ok(Reading::Badge { person: person.into(), supervisor }))
    }

    pub(super) fn reason(&mut self, text: &str) -> Answer {
        self.scan(Ok(Reading::Reason { text: text.into() }))
    }
}

pub(super) fn supervised(allows: &[Code], reasons: &[&str]) -> Bench {
    let mut line = line();
    line.rules.people.supervisors = BTreeSet::from(["boss".to_owned()]);
    line.rules.people.allows = allows.iter().copied().collect();
    line.rules.reasons = reasons.iter().map(|reason| (*reason).to_owned()).collect();
    Bench::new(line)
}

#[test]
fn the_terms_of_a_work_order_let_through_what_belongs_to_it() {
    let mut bench = Bench::new(line());
    let terms = Terms {
        quantity: Some(3),
        over_run: 1,
        package_size: Some(3),
        serial_pattern: Some("A[0-9]+".into()),
        serial_first: Some("A1".into()),
        serial_last: Some("A8".into()),
        ..Terms::default()
    };
    bench.order_with("WO-1", terms);
    assert_eq!(bench.records.last().unwrap().attributes["terms"]["quantity"], 3);
    assert_eq!(bench.device("B1").code, Code::WrongPattern);
    assert_eq!(bench.device("A9").code, Code::NotInRange);
    assert_eq!(bench.device("A12").code, Code::NotInRange);
    assert_eq!(bench.device("A1").package.unwrap().size, 3);
    bench.device("A2");
    assert_eq!(bench.device("A3").text, "A3 packed, package full and closed");
    assert_eq!(bench.device("A4").code, Code::Packed, "one more is allowed");
    let refused = bench.device("A5");
    assert_eq!(refused.text, "Work order WO-1 has all its 4 units, over-run included");
    bench.command(Command::VoidLast);
    assert_eq!(bench.device("A5").code, Code::Packed);
    // Another order and back again: what was done of it is known still.
    bench.command(Command::ClosePackage);
    bench.work_order("WO-2");
    assert!(bench.orders.contains_key("WO-1") && !bench.state.orders.contains_key("WO-1"));
    bench.order_with("WO-1", Terms { quantity: Some(4), ..Terms::default() });
    assert_eq!(bench.device("C1").code, Code::QuantityReached);
}

#[test]
fn wrong_product_and_wrong_lot_are_told_apart() {
    let mut bench = Bench::new(line());
    let attributes = [("lotCode", "L1"), ("partNumber", "P1")].map(|(k, v)| (k.to_owned(), v.into()));
    bench.scan(Ok(Reading::WorkOrder { id: "W".into(), attributes: attributes.into(), terms: Terms::default() }));
    assert_eq!(bench.labelled("A1", &[("lotCode", "L2")]).code, Code::WrongLot);
    assert_eq!(bench.labelled("A1", &[("partNumber", "P2")]).code, Code::WrongProduct);
    assert_eq!(bench.labelled("A1", &[("workOrder", "V")]).code, Code::OtherThanWorkOrder);
    assert_eq!(bench.labelled("A1", &[("partNumber", "P1")]).code, Code::Packed);
}

#[test]
fn a_supervisor_allows_what_the_configuration_lets_and_the_record_says_so() {
    let mut bench = supervised(&[Code::WrongLot, Code::WrongPattern], &["checked by hand"]);
    let attributes = Attributes::from([("lotCode".to_owned(), "L1".into())]);
    let terms = Terms { serial_pattern: Some("A.*".into()), ..Terms::default() };
    bench.scan(Ok(Reading::WorkOrder { id: "W".into(), attributes, terms }));
    bench.badge("ann", false);
    assert_eq!(bench.labelled("B1", &[("lotCode", "L2")]).code, Code::WrongLot);
    assert_eq!(bench.badge("boss", true).code, Code::Waiting);
    assert_eq!(bench.reason("checked by hand").code, Code::WrongPattern, "the next rule refuses it, too");
    bench.badge("boss", true);
    let packed = bench.reason("checked by hand");
    assert_eq!((packed.outcome, packed.code), (Outcome::Accepted, Code::Packed));
    let draft = bench.records.last().unwrap();
    let allowed = draft.allowed.clone().unwrap();
    assert_eq!((allowed.code.as_str(), allowed.by.as_str()), ("wrong-lot,wrong-pattern", "boss"));
    assert_eq!((allowed.reason.as_str(), draft.actor.as_deref()), ("checked by hand", Some("ann")));
    assert_eq!(draft.attributes["lotCode"], "L2", "what stands on the unit is what it is");
    assert_eq!(bench.state.lane("main").person.as_deref(), Some("ann"), "the supervisor did not sign on");
    assert!(bench.records.iter().filter(|draft| draft.allowed.is_some()).count() == 1);
}

#[test]
fn a_permission_is_for_the_last_refusal_and_for_a_minute() {
    let mut bench = supervised(&[Code::WrongPattern], &[]);
    bench.order_with("W", Terms { serial_pattern: Some("A.*".into()), quantity: Some(1), ..Terms::default() });
    bench.device("B1");
    bench.now += 60_000;
    assert_eq!(bench.badge("boss", true).code, Code::SignedOn, "too late");
    bench.device("B1");
    assert_eq!(bench.badge("boss", true).code, Code::Packed);
    assert_eq!(bench.records.last().unwrap().actor.as_deref(), Some("boss"));
    bench.device("A2");
    assert_eq!(bench.badge("boss", true).code, Code::SignedOn, "nobody may allow more units");
    assert_eq!(bench.device("A2").code, Code::QuantityReached);
    bench.device("A2");
    assert_eq!(bench.device("B2").code, Code::WrongPattern);
    assert_eq!(bench.badge("eve", false).code, Code::SignedOn, "who is no supervisor allows nothing");
}

#[test]
fn after_a_sign_off_a_supervisor_signs_on_and_allows_nothing() {
    let mut bench = supervised(&[Code::WrongPattern], &[]);
    bench.line.rules.lanes.insert("main".into(), LaneRules { operator_required: true, ..LaneRules::default() });
    bench.badge("ann", false);
    bench.order_with("W", Terms { serial_pattern: Some("A.*".into()), ..Terms::default() });
    assert_eq!(bench.device("B1").code, Code::WrongPattern);
    bench.command(Command::SignOff);
    assert_eq!(bench.badge("boss", true).code, Code::SignedOn);
    assert_eq!(bench.badge("boss", true).code, Code::SignedOn, "who signed off has set the unit aside");
    assert_eq!(bench.device("B1").code, Code::WrongPattern);
    assert_eq!(bench.badge("boss", true).code, Code::Packed);
    assert_eq!(bench.records.last().unwrap().actor.as_deref(), Some("boss"));
}

#[test]
fn where_an_operator_is_required_nothing_goes_without_one() {
    let mut line = line();
    line.rules.lanes.insert("main".into(), LaneRules { operator_required: true, ..LaneRules::default() });
    let mut bench = Bench::new(line);
    assert_eq!(bench.work_order("WO-1").code, Code::NoOperator);
    assert_eq!(bench.command(Command::ClosePackage).code, Code::NoOperator);
    assert_eq!(bench.badge("ann", false).code, Code::SignedOn);
    bench.work_order("WO-1");
    bench.device("A1");
    assert!(bench.records.iter().skip(2).all(|draft| draft.actor.as_deref() == Some("ann")), "{:?}", bench.records);
    bench.badge("bob", false);
    use Event::{SignedOff, SignedOn};
    let [.., off, on] = bench.records.as_slice() else { panic!() };
    assert_eq!(
        (off.event, off.actor.as_deref(), on.event, on.actor.as_deref()),
        (SignedOff, Some("ann"), SignedOn, Some("bob"))
    );
    assert_eq!(bench.command(Command::SignOff).code, Code::SignedOff);
    assert_eq!(bench.device("A2").code, Code::NoOperator);
    assert_eq!(bench.counts["refused:no-operator"], 3);
}

#[test]
fn a_command_waits_for_its_scans_and_gives_up_after_a_minute() {
    let mut bench = supervised(&[], &["damaged"]);
    bench.work_order("WO-1");
    bench.device("A1");
    assert_eq!(bench.command(Command::Scrap).code, Code::Waiting);
    assert_eq!(bench.reason("damaged").code, Code::NotHere, "the reason comes last");
    assert_eq!(bench.scan(unit("A1")).text, "Scan the reason");
    assert_eq!(bench.scan(unit("A1")).code, Code::NotHere);
    assert_eq!(bench.reason("damaged").code, Code::ScrapRecorded);
    assert_eq!(bench.records.last().unwrap().reason.as_deref(), Some("damaged"));
    bench.command(Command::Move);
    assert!(!bench.state.tick_is_due(&stamp(bench.now + 59_000), true));
    bench.now += 60_000;
    assert!(bench.state.tick_is_due(&stamp(bench.now), true));
    let given_up = bench.decide(Input::Tick { room: true }).unwrap();
    assert_eq!((given_up.code, given_up.text.as_str()), (Code::Cancelled, "MOVE was given up: nothing came"));
    assert_eq!(bench.device("A2").code, Code::Packed);
    bench.command(Command::TakeOut);
    bench.now += 60_000;
    assert_eq!(bench.device("A3").code, Code::Packed, "also before anybody has looked at the clock");
}

#[test]
fn what_is_asked_for_at_once_is_done_at_once() {
    let mut bench = supervised(&[], &["damaged"]);
    bench.work_order("WO-1");
    bench.device("A1");
    let mut ask = |command, subject: Option<Result<Reading, Unread>>, reason: Option<&str>| {
        let subject = subject.map(Result::unwrap);
        let commanded = Commanded { command, subject, into: None, reason: reason.map(Into::into) };
        let facts = bench.facts(&Wanted::of_command(&bench.state, "main", &commanded));
        bench.decide(Input::Commanded { lane: "main".into(), commanded, facts }).unwrap().code
    };
    assert_eq!(ask(Command::TakeOut, Some(unit("A1")), Some("damaged")), Code::TakenOut);
    assert_eq!(ask(Command::TakeOut, Some(unit("A1")), Some("damaged")), Code::NotInside);
    assert_eq!(ask(Command::Scrap, Some(unit("A1")), None), Code::Waiting, "a reason is asked for");
    assert_eq!(ask(Command::Cancel, None, None), Code::Cancelled);
    assert_eq!(ask(Command::ClosePackage, None, Some("end of shift")), Code::NothingToClose);
}

#[test]
fn part_filled_is_closed_with_a_reason_where_that_is_asked_for() {
    let mut bench = supervised(&[], &["end of shift"]);
    bench.line.packing.part_filled_reason = true;
    bench.work_order("WO-1");
    bench.device("A1");
    assert_eq!(bench.command(Command::ClosePackage).code, Code::Waiting);
    assert_eq!(bench.reason("end of shift").code, Code::PackageClosed);
    let closed = bench.records.iter().find(|draft| draft.event == Event::Closed).unwrap();
    assert_eq!((closed.reason.as_deref(), &closed.attributes["count"]), (Some("end of shift"), &1.into()));
}

#[test]
fn another_work_order_closes_the_package_where_that_is_so_configured() {
    let mut bench = Bench::new(line());
    bench.line.packing.order_change = OrderChange::Close;
    bench.work_order("WO-1");
    bench.device("A1");
    let changed = bench.work_order("WO-2");
    assert!(changed.text.contains("closed with 1 units"), "{changed:?}");
    let closed = bench.records.iter().find(|draft| draft.event == Event::Closed).unwrap();
    assert_eq!(closed.reason.as_deref(), Some("another work order"));
    bench.device("B1");
    assert_eq!(bench.message(1, Some("WO-3")), Some(Code::WorkOrderStarted));
    assert_eq!(bench.state.lane("main").package(), None);
}

#[test]
fn a_share_is_sealed_once_and_a_small_one_with_a_reason() {
    let mut bench = supervised(&[], &["no more parts"]);
    let seal = |bench: &mut Bench| {
        bench.command(Command::Seal);
        bench.work_order("WO-1")
    };
    bench.order_with("WO-1", Terms { quantity: Some(5), under_run: UnderRun::Reason, ..Terms::default() });
    bench.device("A1");
    assert_eq!(seal(&mut bench).code, Code::Waiting);
    assert_eq!(bench.reason("no more parts").code, Code::PackageOpen);
    bench.command(Command::Cancel);
    bench.command(Command::ClosePackage);
    seal(&mut bench);
    assert_eq!(bench.reason("no more parts").code, Code::Sealed);
    let sealed = bench.records.iter().find(|draft| draft.event == Event::Sealed).unwrap();
    assert_eq!((&sealed.attributes["packed"], sealed.reason.as_deref()), (&1.into(), Some("no more parts")));
    assert_eq!(bench.device("A2").code, Code::NoWorkOrder, "it has ended here");
    assert_eq!(seal(&mut bench).code, Code::OrderSealed);
    bench.command(Command::Cancel);
    bench.work_order("WO-1");
    assert_eq!(bench.device("A2").code, Code::OrderSealed);
}

#[test]
fn codes_of_one_label_come_in_any_order() {
    let mut line = line();
    let codes = LabelCodes {
        codes: vec!["serial".into(), "mac".into()],
        timeout: std::time::Duration::from_secs(10),
        scope: None,
    };
    line.rules.label_codes.insert("box".into(), codes);
    let mut bench = Bench::new(line);
    bench.work_order("WO-1");
    let part = |rule: &str, name: &str, value: &str| {
        let attributes = Attributes::from([(name.to_owned(), value.into())]);
        Ok(Reading::Part { set: "box".into(), rule: rule.into(), attributes })
    };
    let serial = || part("serial", "serialNumber", "A1");
    assert_eq!(bench.scan(part("mac", "connhexId", "m1")).code, Code::PartTaken);
    let packed = bench.scan(serial());
    assert_eq!((packed.code, packed.serial.as_deref()), (Code::Packed, Some("A1")));
    assert_eq!(bench.records.last().unwrap().attributes["connhexId"], "m1");
    bench.scan(serial());
    assert_eq!(bench.scan(part("mac", "connhexId", "m2")).outcome, Outcome::Known, "the last unit again");
    bench.device("A2");
    bench.scan(serial());
    assert_eq!(bench.scan(part("mac", "connhexId", "m1")).code, Code::Duplicate);
    assert!(bench.state.lane("main").collecting.is_none(), "the next label begins anew");
}

pub(super) fn asked(interlocked: Interlocked, offline: Offline) -> Bench {
    let mut line = line();
    let interlock = Interlock { asked: interlocked, offline, ..Interlock::default() };
    line.rules.lanes.insert("main".into(), LaneRules { interlock, ..LaneRules::default() });
    let mut bench = Bench::new(line);
    bench.work_order("WO-1");
    bench
}

pub(super) fn answer(age_ms: u64, unit: Option<RemoteUnit>) -> Service {
    Service::Answer { age_ms, unit, container: None }
}

fn elsewhere(work_order: &str) -> RemoteUnit {
    RemoteUnit {
        state: UnitState::Packed,
        package_id: Some("P9".into()),
        station: Some("pack-2".into()),
        work_order: Some(work_order.into()),
        ..RemoteUnit::default()
    }
}

#[test]
fn every_policy_of_the_interlock_has_its_answer() {
    use Interlocked::{Off, Preferred, Required};
    let (fresh, old) = (|unit| answer(1_000, unit), |unit| answer(61_000, unit));
    let there = || Some(elsewhere("WO-9"));
    for (asked_as, offline, service, code, unchecked) in [
        (Off, Offline::Refuse, fresh(there()), Code::Packed, false),
        (Off, Offline::Refuse, Service::Unreachable, Code::Packed, false),
        (Preferred, Offline::Refuse, fresh(there()), Code::DuplicateElsewhere, false),
        (Preferred, Offline::Refuse, old(there()), Code::DuplicateElsewhere, false),
        (Preferred, Offline::Refuse, Service::Unreachable, Code::Packed, true),
        (Required, Offline::Refuse, fresh(None), Code::Packed, false),
        (Required, Offline::Refuse, fresh(Some(elsewhere("WO-1"))), Code::DuplicateOrder, false),
        (Required, Offline::Refuse, old(None), Code::ServiceSilent, false),
        (Required, Offline::Refuse, Service::Unreachable, Code::ServiceSilent, false),
        (Required, Offline::Accept, old(there()), Code::Packed, true),
        (Required, Offline::Hold, Service::Unreachable, Code::ServiceSilent, true),
    ] {
        let mut bench = asked(asked_as, offline);
        bench.service = service.clone();
        assert_eq!(bench.device("A1").code, code, "{asked_as:?} {offline:?} {service:?}");
        let known = bench.known.get(&(String::new(), "A1".to_owned()));
        assert_eq!(known.is_some_and(|known| known.unchecked), unchecked, "{asked_as:?} {offline:?} {service:?}");
    }
}

#[test]
fn what_was_accepted_offline_is_contradicted_later() {
    let mut bench = asked(Interlocked::Preferred, Offline::Refuse);
    bench.service = Service::Unreachable;
    ["A1", "A2", "A3"].into_iter().for_each(|serial| drop(bench.device(serial)));
    let mut check = |serial: &str, service: Service| {
        let known = bench.known[&(String::new(), serial.to_owned())].clone();
        let (lane, scope, serial) = ("main".into(), String::new(), serial.into());
        bench.decide(Input::Checked { lane, scope, serial, known, service })
    };
    assert_eq!(check("A1", Service::Unreachable), None);
    assert_eq!(check("A1", answer(0, None)), None, "nothing speaks against it");
    assert!(bench.known[&(String::new(), "A1".to_owned())].unchecked, "and the service has not got its record yet");
    let place = bench.known[&(String::new(), "A1".to_owned())].package.clone().unwrap();
    let ours = RemoteUnit { places: vec![place], station: Some("pack-1".into()), ..elsewhere("WO-1") };
    let mut check = |serial: &str, service: Service| {
        let known = bench.known[&(String::new(), serial.to_owned())].clone();
        let (lane, scope, serial) = ("main".into(), String::new(), serial.into());
        bench.decide(Input::Checked { lane, scope, serial, known, service })
    };
    assert_eq!(check("A1", answer(0, Some(ours.clone()))), None, "now it has");
    let contradictions = vec![RemoteContradiction { code: "in-another-package".into(), text: "in P1 and P2".into() }];
    let contested = RemoteUnit { contradictions, ..ours };
    assert_eq!(check("A1", answer(0, Some(contested.clone()))), None, "once it was asked about it is not again");
    let late = check("A3", answer(0, Some(contested))).unwrap();
    assert!(late.code == Code::Contradicted && late.text.contains("in P1 and P2"), "{late:?}");
    let late = check("A2", answer(0, Some(elsewhere("WO-9")))).unwrap();
    assert_eq!((late.code, late.serial.as_deref()), (Code::Contradicted, Some("A2")));
    assert_eq!(check("A2", answer(0, Some(elsewhere("WO-9")))), None, "once");
    let draft = bench.records.last().unwrap();
    assert_eq!((draft.event, &draft.attributes["code"]), (Event::Contradicted, &"duplicate-elsewhere".into()));
    assert!(bench.known.values().all(|known| !known.unchecked));
}

#[test]
fn a_scrap_at_the_service_or_on_hold_there_is_not_packed() {
    let mut bench = asked(Interlocked::Preferred, Offline::Refuse);
    bench.service = answer(0, Some(RemoteUnit { state: UnitState::Scrapped, ..RemoteUnit::default() }));
    assert_eq!(bench.device("A1").code, Code::Scrapped);
    let held = RemoteUnit { held: true, state: UnitState::Seen, ..RemoteUnit::default() };
    bench.service = answer(0, Some(held.clone()));
    assert_eq!(bench.device("A1").code, Code::OnHold);
    bench.service = answer(0, Some(RemoteUnit { recalled: true, ..held }));
    assert_eq!(bench.device("A1").code, Code::Recall);
}

#[test]
fn a_recall_is_said_before_a_hold() {
    let mut bench = Bench::with_work_order();
    bench.holds.extend([Hold::Serial("A1".into()), Hold::Lot("L1".into())]);
    assert_eq!(bench.labelled("A1", &[("lotCode", "L1")]).code, Code::OnHold);
    bench.recalled.insert(Hold::Lot("L1".into()));
    let refused = bench.labelled("A1", &[("lotCode", "L1")]);
    assert_eq!((refused.code, refused.text.as_str()), (Code::Recall, "Lot L1 of A1 is under recall"));
}

#[test]
fn a_state_of_the_first_version_is_read() {
    let old = r#"{"last_seq":7,"rules":"0000000000000000000000000000000000000000000000000000000000000000","sscc_next":2,
        "sscc_reserved":100,"lanes":{"main":{"work_order":{"id":"WO-1","attributes":{}},"revision":null,"waiting":null,
        "package":{"id":"P","count":1,"recent":[{"serial":"A1","seq":6}]},"pallet":{"id":"Q","count":1,"units":2}}},
        "refusals":[],"counters":{"accepted":1,"refused":0,"packages":0,"pallets":0}}"#;
    let state: State = serde_json::from_str(old).unwrap();
    let lane = state.lane("main");
    assert_eq!((lane.package().unwrap().count, lane.pallet().unwrap().units), (1, Some(2)));
    let mut bench = Bench::new(line());
    bench.state = state;
    let full = bench.device("A2");
    assert_eq!(full.text, "A2 packed, package and pallet full and closed");
    assert_eq!(bench.records.last().unwrap().subject.id, "Q");
    assert_eq!(bench.containers["P"].parent.as_deref(), Some("Q"), "from here on it is known");
    bench.scan(container("P"));
}
