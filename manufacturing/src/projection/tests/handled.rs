//! Which stations handled a device and when, and what it is a part of.

use super::*;
use crate::projection::happened::Trust;
use crate::testkit::{assembled, component_subject, contradicted, scrapped};

/// The memberships of one dimension, as [`groups`] tells them.
fn of(view: &DeviceView, dimension: &str) -> Vec<String> {
    let seconds = |mark: &Mark| mark.at.duration_since(at(0)).as_secs();
    let of_it = view.memberships.iter().filter(|m| m.dimension == dimension);
    let shown = |m: &Membership| {
        let until = m.until.as_ref().map(|mark| seconds(mark).to_string()).unwrap_or_default();
        format!("{}{} {}..{until}", if m.corrected { "!" } else { "" }, m.value, seconds(&m.since))
    };
    of_it.map(shown).collect()
}

#[test]
fn a_station_that_did_something_with_a_device_handled_it_and_who_only_speaks_of_it_did_not() {
    let (mut a, mut b, mut c) = (Station::new("a", 1), Station::new("b", 2), Station::new("c", 3));
    a.write(1, packed("S", "P1", &[]));
    b.write(2, closed("P1", "U1"));
    a.write(3, moved("S", "P1", "P2"));
    let wrong = b.write(4, scrapped("S"));
    for event in [Event::Refused, Event::Held, Event::Released] {
        c.write(5, Draft::new(event, Subject::device("S")));
    }
    c.write(5, contradicted("S", "not-tested"));
    let all = view(&[&a, &b, &c], "S");
    assert_eq!(of(&all, STATION), ["a 1..3", "b 4..4"]);
    assert_eq!(of(&all, DAY), ["2026-03-01 1..4"]);
    let handled: Vec<(&str, Event)> = all.handled.iter().map(|one| (&*one.station, one.event)).collect();
    assert_eq!(handled, [("a", Event::Packed), ("a", Event::Moved), ("b", Event::Scrapped)]);
    // It was another unit that was scrapped.
    b.write(6, voided(Subject::device("S"), wrong));
    let corrected = view(&[&a, &b, &c], "S");
    assert_eq!(of(&corrected, STATION), ["a 1..3", "!b 4..6"]);
    assert_eq!((of(&corrected, DAY), corrected.handled.len()), (vec!["2026-03-01 1..3".to_owned()], 2));
}

#[test]
fn a_stay_reaches_from_its_earliest_border_to_its_latest() {
    let (mut a, mut b) = (Station::new("a", 1), Station::new("b", 2));
    a.write(10, packed("S", "P1", &[]));
    b.write(86_400, moved("S", "P1", "P2"));
    let mut facts = facts(&[&a, &b]);
    let free = |seconds: (i64, i64)| Happened {
        earliest: at(seconds.0),
        latest: at(seconds.1),
        likely: at(seconds.1).as_microsecond(),
        trust: Trust::Bounded,
    };
    // The second record's clock followed nothing: it was at any time of two days.
    for fact in &mut facts {
        fact.happened = Some(if fact.id.station == "b" { free((-5, 200_000)) } else { free((10, 11)) });
        if let Some(record) = fact.reading.record.as_mut() {
            record.at.synchronised = false;
        }
    }
    let view = fold(&Subject::device("S"), &facts.iter().collect::<Vec<_>>(), Dimensions::none()).unwrap();
    let day = |value: &str| view.memberships.iter().find(|m| m.dimension == DAY && m.value == value).unwrap();
    let days: Vec<&str> = view.memberships.iter().filter(|m| m.dimension == DAY).map(|m| &*m.value).collect();
    assert_eq!(days, ["2026-03-01", "2026-03-02", "2026-03-03"]);
    let both = day("2026-03-01");
    assert_eq!(both.since.borders.0, at(-5).as_microsecond(), "not before, of all its records");
    assert_eq!(both.until.as_ref().unwrap().borders.1, at(200_000).as_microsecond());
}

#[test]
fn a_component_is_part_of_every_device_above_it_for_as_long_as_it_was() {
    let mut a = Station::new("a", 1);
    let device = |id: &str| Joined { kind: records::Kind::Device, id: id.into(), scope: String::new(), level: None };
    a.write(1, assembled("CELL", "L7", "PACK"));
    a.write(2, Draft { into: vec![device("S")], ..Draft::new(Event::Assembled, Subject::device("PACK")) });
    a.write(3, packed("S", "P1", &[]));
    let out = a.write(4, Draft { from: vec![device("S")], ..Draft::new(Event::TakenOut, Subject::device("PACK")) });
    let of_cell = |a: &Station| {
        let facts = facts(&[a]);
        let view = fold(&component_subject("CELL"), &facts.iter().collect::<Vec<_>>(), Dimensions::none()).unwrap();
        (of(&view, "partOf"), view.attributes.contains_key("partOf"))
    };
    assert_eq!(of_cell(&a), (vec!["PACK 1..".to_owned(), "S 2..4".to_owned()], false));
    a.write(5, voided(Subject::device("PACK"), out));
    assert_eq!(of_cell(&a).0, ["PACK 1..", "S 2.."]);
    assert_eq!(of(&view(&[&a], "S"), "partOf"), Vec::<String>::new(), "what has parts is no part");
    // What is inside a component is told apart by its scope.
    let into = Joined { scope: "component:battery".into(), ..device("CELL") };
    a.write(6, Draft { into: vec![into], ..Draft::new(Event::Assembled, Subject::device("CHIP")) });
    assert_eq!(of(&view(&[&a], "CHIP"), "partOf"), ["CELL@component:battery 6..", "PACK 6..", "S 6.."]);
}

#[test]
fn circles_and_parts_of_themselves_do_no_harm() {
    let mut a = Station::new("a", 1);
    let device = |id: &str| Joined { kind: records::Kind::Device, id: id.into(), scope: String::new(), level: None };
    let into = |part: &str, whole: &str| Draft {
        into: vec![device(whole)],
        ..Draft::new(Event::Assembled, Subject::device(part))
    };
    a.write(1, into("A", "A"));
    assert!(!Reading::of(&a.lines[0]).conforming, "said of itself, it is shown as what it is");
    assert_eq!(of(&view(&[&a], "A"), "partOf"), Vec::<String>::new());
    assert_eq!(view(&[&a], "A").part_of, None);
    a.write(2, into("A", "B"));
    a.write(3, into("B", "C"));
    a.write(4, into("C", "A"));
    assert!(Reading::of(&a.lines[1]).conforming);
    assert_eq!(of(&view(&[&a], "A"), "partOf"), ["B 2..", "C 3.."]);
    assert_eq!(of(&view(&[&a], "B"), "partOf"), ["A 4..", "C 3.."]);
    assert_eq!(view(&[&a], "A").part_of.as_deref(), Some("B"));
}
