//! What else happens at a line: moves, tests, assemblies, despatch, and what cannot all be true.

use super::*;
use crate::testkit::{
    assembled, component_subject, contradicted, despatched, moved_by_mistake, scrapped, taken_out, tested,
};

fn container(stations: &[&Station], id: &str) -> Option<ContainerView> {
    let facts = facts(stations);
    fold_container(&Subject::container(id), &facts.iter().collect::<Vec<_>>())
}

pub fn codes(view: &DeviceView) -> Vec<(&str, Vec<&str>)> {
    view.contradictions.iter().map(|c| (&*c.code, c.stations.iter().map(|s| &**s).collect())).collect()
}

#[test]
fn a_move_by_mistake_takes_the_place_back_and_leaves_the_rest_true() {
    let mut a = Station::new("a", 1);
    let wrong = a.write(1, packed("S", "P1", &[("lotCode", "L")]));
    a.write(2, closed("P1", "U1"));
    a.write(3, moved_by_mistake("S", "P1", "P2", wrong.clone()));
    let view_s = view(&[&a], "S");
    assert_eq!(groups(&view_s), ["lotCode=L 1..", "!packageId=P1 1..3", "packageId=P2 3..", "!palletId=U1 2..3"]);
    assert!(view_s.state == State::Packed && view_s.attributes["packageId"] == "P2");
    let facts = facts(&[&a]);
    let told = tell(&Subject::device("S"), &facts.iter().collect::<Vec<_>>());
    let told: Vec<(u64, bool)> = told.iter().map(|told| (facts[told.index].id.seq, told.corrected)).collect();
    assert_eq!(told, [(1, true), (3, false)], "the pallet never concerned it");
    // A move without a mistake does not take anything back.
    let mut b = Station::new("b", 1);
    let right = b.write(1, packed("S", "P1", &[]));
    b.write(3, Draft { reason: Some("wrong box".into()), ..moved_by_mistake("S", "P1", "P2", right) });
    assert_eq!(groups(&view(&[&b], "S")), ["packageId=P1 1..3", "packageId=P2 3.."]);
    // The mistake was itself one: its own place was never true, what it says of P1 stands unless it is voided whole.
    let second = a.write(4, moved_by_mistake("S", "P2", "P3", RecordId { seq: 3, ..wrong }));
    assert_eq!(
        groups(&view(&[&a], "S")),
        ["lotCode=L 1..", "!packageId=P1 1..3", "!packageId=P2 3..4", "packageId=P3 4..", "!palletId=U1 2..3"]
    );
    a.write(5, voided(Subject::device("S"), second));
    assert_eq!(groups(&view(&[&a], "S"))[1..4], ["!packageId=P1 1..3", "packageId=P2 3..", "!packageId=P3 4..5"]);
}

#[test]
fn a_move_that_was_a_mistake_does_not_end_the_place_before() {
    let history = |second: (&str, &str), then: &[Draft]| {
        let mut a = Station::new("a", 1);
        a.write(1, packed("S", "P1", &[]));
        let wrong = a.write(2, moved("S", "P1", "P2"));
        a.write(3, moved_by_mistake("S", second.0, second.1, wrong));
        for (draft, seconds) in then.iter().zip(4..) {
            a.write(seconds, draft.clone());
        }
        let view = view(&[&a], "S");
        assert!(!view.contested);
        groups(&view)
    };
    assert_eq!(history(("P2", "P1"), &[]), ["packageId=P1 1..", "!packageId=P2 2..3"], "it was there all the time");
    assert_eq!(history(("P2", "P3"), &[]), ["packageId=P1 1..3", "!packageId=P2 2..3", "packageId=P3 3.."]);
    let away = [moved("S", "P1", "P4"), moved("S", "P4", "P1")];
    assert_eq!(
        history(("P2", "P1"), &away),
        ["packageId=P1 1..4", "packageId=P1 5..", "!packageId=P2 2..3", "packageId=P4 4..5"]
    );
    // Moved on from where it never was, before anyone saw the mistake.
    let mut a = Station::new("a", 1);
    a.write(1, packed("S", "P1", &[]));
    let wrong = a.write(2, moved("S", "P1", "P2"));
    a.write(3, moved("S", "P2", "P4"));
    a.write(4, moved_by_mistake("S", "P2", "P4", wrong.clone()));
    assert_eq!(groups(&view(&[&a], "S")), ["packageId=P1 1..3", "!packageId=P2 2..3", "packageId=P4 3.."]);
    // The correction was a mistake, too, and then all is as it was said to be corrected at last.
    let mut a = Station::new("a", 1);
    a.write(1, packed("S", "P1", &[]));
    a.write(2, moved("S", "P1", "P2"));
    let second = a.write(3, moved_by_mistake("S", "P2", "P3", wrong));
    a.write(4, moved_by_mistake("S", "P3", "P1", second));
    assert_eq!(groups(&view(&[&a], "S")), ["packageId=P1 1..", "!packageId=P2 2..3", "!packageId=P3 3..4"]);
}

#[test]
fn what_became_of_a_device_follows_from_its_last_records() {
    let mut a = Station::new("a", 1);
    let state = |a: &Station| view(&[a], "S").state;
    a.write(1, tested("S", false, "1.0"));
    assert_eq!(state(&a), State::Tested);
    a.write(2, packed("S", "P1", &[]));
    assert_eq!(state(&a), State::Packed);
    let out = a.write(3, taken_out("S", "P1"));
    assert_eq!(
        (state(&a), groups(&view(&[&a], "S"))),
        (State::Unpacked, ["fwVersion=1.0 1..1", "packageId=P1 2..3"].map(str::to_owned).to_vec())
    );
    a.write(4, voided(Subject::device("S"), out));
    assert_eq!(state(&a), State::Packed);
    a.write(5, closed("P1", "U1"));
    a.write(6, despatched("U1", "ACME"));
    let gone = view(&[&a], "S");
    assert_eq!(gone.state, State::Despatched);
    let despatch = gone.despatch.unwrap();
    assert_eq!((&*despatch.container, despatch.consignee.as_deref(), despatch.at), ("U1", Some("ACME"), at(6)));
    a.write(7, Draft::new(Event::Reopened, Subject::container("U1")));
    assert_eq!((state(&a), view(&[&a], "S").despatch), (State::Packed, None));
    a.write(8, Draft { from: vec![Joined::container("P1", Level::Package)], ..scrapped("S") });
    let end = view(&[&a], "S");
    assert_eq!((end.state, end.contradictions.len()), (State::Scrapped, 0));
    let ever = ["fwVersion=1.0 1..1", "packageId=P1 2..8", "palletId=U1 5..8"];
    assert_eq!(groups(&end), ever, "it stays in every group that it ever was in");
}

#[test]
fn a_number_names_the_same_firmware_whatever_came_of_the_test() {
    let mut a = Station::new("a", 1);
    for (second, passed) in [(1, false), (2, true)] {
        let mut draft = tested("S", passed, "");
        draft.attributes.insert("fwVersion".to_owned(), 7.into());
        a.write(second, draft);
    }
    assert_eq!(groups(&view(&[&a], "S")), ["fwVersion=7 2..", "fwVersion=7 1..1"]);
}

#[test]
fn the_firmware_of_a_test_is_the_device_s_on_a_pass_alone() {
    let mut a = Station::new("a", 1);
    a.write(1, tested("S", false, "1.0"));
    let failed = view(&[&a], "S");
    assert!(failed.attributes.is_empty() && groups(&failed) == ["fwVersion=1.0 1..1"]);
    let test = failed.test.unwrap();
    assert_eq!((test.passed, test.attempts, test.rig.as_deref()), (false, 1, Some("rig-1")));
    a.write(2, tested("S", true, "1.1"));
    let passed = view(&[&a], "S");
    assert_eq!(groups(&passed), ["fwVersion=1.0 1..1", "fwVersion=1.1 2.."]);
    assert_eq!(passed.attributes.keys().collect::<Vec<_>>(), ["fwVersion"]);
    assert_eq!(passed.test.map(|test| (test.passed, test.attempts)), Some((true, 2)));
    a.write(3, tested("S", false, "1.2"));
    let again = view(&[&a], "S");
    assert_eq!(again.attributes["fwVersion"], "1.1", "a failed test says nothing of the device");
    assert_eq!(again.test.as_ref().map(|test| (test.passed, test.attempts)), Some((false, 3)));
    // It has run that firmware all the same, as long as anyone knows.
    assert_eq!(groups(&again), ["fwVersion=1.0 1..1", "fwVersion=1.1 2..", "fwVersion=1.2 3..3"]);
    let last = a.write(5, tested("S", false, "1.2"));
    assert_eq!(groups(&view(&[&a], "S"))[2], "fwVersion=1.2 3..5");
    a.write(6, voided(Subject::device("S"), last));
    assert_eq!(groups(&view(&[&a], "S"))[2], "fwVersion=1.2 3..3");
    let other = a.write(7, tested("S", false, "1.3"));
    a.write(8, voided(Subject::device("S"), other));
    assert_eq!(groups(&view(&[&a], "S"))[3], "!fwVersion=1.3 7..8", "that reading was never true");
    a.write(9, tested("S", true, "1.2"));
    assert_eq!(groups(&view(&[&a], "S"))[1..4], ["fwVersion=1.1 2..9", "fwVersion=1.2 9..", "fwVersion=1.2 3..3"]);
}

#[test]
fn a_component_is_where_its_device_is_and_of_its_own_lot() {
    let mut a = Station::new("a", 1);
    a.write(1, assembled("B1", "L7", "S"));
    a.write(2, packed("S", "P1", &[("lotCode", "L")]));
    let facts = facts(&[&a]);
    let of =
        |facts: &[Fact]| fold(&component_subject("B1"), &facts.iter().collect::<Vec<_>>(), Dimensions::none()).unwrap();
    let battery = of(&facts);
    assert_eq!(groups(&battery), ["lotCode=L7 1..", "packageId=P1 2..", "partOf=S 1.."]);
    assert_eq!((battery.state, battery.part_of.as_deref()), (State::Assembled, Some("S")));
    assert_eq!(battery.attributes["packageId"], "P1");
    let told = tell(&component_subject("B1"), &facts.iter().collect::<Vec<_>>());
    assert_eq!(told.len(), 2, "what happened to its device concerns it");
    assert_eq!(view(&[&a], "S").attributes["lotCode"], "L", "the device is of its own lot");
    // In two devices at once it cannot be.
    let mut b = Station::new("b", 2);
    b.write(3, assembled("B1", "L7", "T"));
    let both = of(&super::facts(&[&a, &b]));
    assert!(both.contested);
    assert_eq!(codes(&both), [("in-another-device", vec!["a", "b"])]);
    let device = Joined { kind: Kind::Device, id: "S".into(), scope: String::new(), level: None };
    a.write(4, Draft { from: vec![device], ..Draft::new(Event::TakenOut, component_subject("B1")) });
    assert!(!of(&super::facts(&[&a, &b])).contested);
}

#[test]
fn the_innermost_package_is_the_one_that_a_device_is_in() {
    let mut a = Station::new("a", 1);
    a.write(1, packed("S", "P1", &[]));
    let into = |inner: &str, outer: &str| Draft {
        into: vec![Joined::container(outer, Level::Package)],
        ..Draft::new(Event::Closed, Subject::container(inner))
    };
    a.write(2, into("P1", "P2"));
    a.write(3, into("P2", "P3"));
    a.write(4, closed("P3", "U1"));
    let nested = view(&[&a], "S");
    assert_eq!((&nested.attributes["packageId"], &nested.attributes["palletId"]), (&"P1".into(), &"U1".into()));
    assert!(!nested.contested);
    assert_eq!(groups(&nested), ["packageId=P1 1..", "packageId=P2 2..", "packageId=P3 3..", "palletId=U1 4.."]);
}

#[test]
fn what_cannot_all_be_true_is_named_with_the_stations_that_say_it() {
    let (mut a, mut b) = (Station::new("a", 1), Station::new("b", 2));
    a.write(1, packed("S", "P1", &[]));
    a.write(2, closed("P1", "U1"));
    b.write(3, packed("S", "P2", &[]));
    b.write(4, closed("P2", "U2"));
    let both = view(&[&a, &b], "S");
    assert_eq!(codes(&both), [("in-another-package", vec!["a", "b"])], "the pallets say nothing more");
    assert_eq!(both.contradictions[0].text, "in package P1, says station a; in package P2, says station b");
    assert_eq!(both.contradictions[0].at, at(3));
    b.write(5, taken_out("S", "P2"));
    assert_eq!(codes(&view(&[&a, &b], "S")), []);
    // One package on two pallets.
    b.write(6, closed("P1", "U2"));
    assert_eq!(codes(&view(&[&a, &b], "S")), [("on-another-pallet", vec!["a", "b"])]);
    let package = container(&[&a, &b], "P1").unwrap();
    assert!(package.contested);
    assert_eq!(package.contradictions[0].code, "on-another-pallet");
    // Scrapped by one, packed by another.
    let mut c = Station::new("c", 3);
    c.write(0, scrapped("S"));
    assert_eq!(
        codes(&view(&[&a, &c], "S")),
        [("scrapped", vec!["a", "c"])],
        "whichever came first, one of the two is wrong"
    );
}

#[test]
fn what_a_station_found_out_stands_until_somebody_looked() {
    let mut a = Station::new("a", 1);
    a.write(1, packed("S", "P1", &[]));
    a.write(2, contradicted("S", "not-tested"));
    let view_s = view(&[&a], "S");
    assert_eq!(codes(&view_s), [("not-tested", vec!["a"])]);
    assert!(!view_s.attributes.contains_key("code") && view_s.state == State::Packed && !view_s.contested);
    for settling in [
        taken_out("S", "P1"),
        moved("S", "P1", "P2"),
        tested("S", true, "1"),
        Draft { attributes: [("corrected".to_owned(), true.into())].into(), ..contradicted("S", "not-tested") },
        voided(Subject::device("S"), RecordId { station: "a".into(), series: a.series, seq: 1 }),
    ] {
        let mut later = Station::new("a", 1);
        later.lines.clone_from(&a.lines);
        later.write(3, settling.clone());
        assert_eq!(codes(&view(&[&later], "S")), [], "{settling:?}");
    }
    a.write(3, tested("S", false, "1"));
    assert_eq!(codes(&view(&[&a], "S")).len(), 1, "a failed test settles nothing");
}

#[test]
fn a_container_is_open_closed_or_gone() {
    let mut a = Station::new("a", 1);
    let mut opened = Draft::new(Event::Opened, Subject::container("P1"));
    opened.attributes.insert("level".to_owned(), "package".into());
    a.write(1, Draft { lane: Some("main".into()), ..opened });
    let state = |a: &Station| container(&[a], "P1").unwrap().state;
    let first = container(&[&a], "P1").unwrap();
    assert_eq!((first.level, first.state), (Some(Level::Package), ContainerState::Open));
    assert_eq!(first.station, Some(("a".into(), Some("main".into()))));
    let closing = a.write(2, closed("P1", "U1"));
    let shut = container(&[&a], "P1").unwrap();
    assert_eq!(
        (shut.state, &shut.parents[..]),
        (ContainerState::Closed, &[("U1".to_owned(), Some(Level::Pallet))][..])
    );
    a.write(3, despatched("U1", "ACME"));
    assert_eq!(state(&a), ContainerState::Despatched);
    a.write(4, voided(Subject::container("U1"), RecordId { seq: 3, ..closing.clone() }));
    assert_eq!(state(&a), ContainerState::Closed);
    let mut counted = Draft::new(Event::Counted, Subject::container("P1"));
    counted.attributes = [("missing".to_owned(), serde_json::json!(["S9"]))].into();
    a.write(5, counted);
    let count = container(&[&a], "P1").unwrap().counted.unwrap();
    assert_eq!((count.at, &*count.station, &count.said["missing"][0]), (at(5), "a", &"S9".into()));
    a.write(6, Draft::new(Event::Reopened, Subject::container("P1")));
    assert_eq!(state(&a), ContainerState::Open);
    a.write(7, voided(Subject::container("P1"), RecordId { seq: 6, ..closing }));
    assert_eq!(state(&a), ContainerState::Closed);
    let mut adopted = Draft::new(Event::Adopted, Subject::container("P1"));
    adopted.lane = Some("two".into());
    let mut b = Station::new("b", 2);
    b.write(8, adopted);
    let other = container(&[&a, &b], "P1").unwrap();
    assert_eq!((other.state, other.station), (ContainerState::Open, Some(("b".into(), Some("two".into())))));
    assert!(container(&[&a], "P9").is_none());
}
