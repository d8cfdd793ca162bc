mod disputed;
mod handled;
mod line;

use records::attributes::{DAY, STATION};
use records::{Draft, Event, Joined, Level, Subject};

use super::happened::Trust;
use super::*;
use crate::testkit::{Station, at, closed, moved, packed, voided};

/// Everything that the stations wrote, as facts, the last written first: the order must not matter.
fn facts(stations: &[&Station]) -> Vec<Fact> {
    let lines = stations.iter().flat_map(|station| {
        station.lines.iter().zip(1..).map(|(line, seq)| {
            let id = RecordId { station: station.name.clone(), series: station.series, seq };
            Fact { id, position: seq, received: at(0), reading: Reading::of(line), happened: None }
        })
    });
    let mut facts: Vec<Fact> = lines.collect();
    facts.reverse();
    facts
}

fn folded(stations: &[&Station], serial: &str) -> Option<DeviceView> {
    let facts = facts(stations);
    fold(&Subject::device(serial), &facts.iter().collect::<Vec<_>>(), Dimensions::none())
}

/// The sequences of the history.
fn told(stations: &[&Station], serial: &str) -> Vec<u64> {
    let facts = facts(stations);
    let told = tell(&Subject::device(serial), &facts.iter().collect::<Vec<_>>());
    told.into_iter().map(|told| facts[told.index].id.seq).collect()
}

fn view(stations: &[&Station], serial: &str) -> DeviceView {
    folded(stations, serial).unwrap()
}

/// Dimension, value, seconds since, seconds until; `!` before what was corrected.
fn groups(view: &DeviceView) -> Vec<String> {
    let seconds = |mark: &Mark| mark.at.duration_since(at(0)).as_secs();
    let shown = |m: &Membership| {
        let until = m.until.as_ref().map(|mark| seconds(mark).to_string()).unwrap_or_default();
        let flag = if m.corrected { "!" } else { "" };
        format!("{flag}{}={} {}..{until}", m.dimension, m.value, seconds(&m.since))
    };
    view.memberships.iter().filter(|m| ![STATION, DAY].contains(&&*m.dimension)).map(shown).collect()
}

#[test]
fn a_device_is_where_its_packages_are_and_only_while_it_is_in_them() {
    let mut a = Station::new("a", 1);
    a.write(1, packed("S", "P1", &[("lotCode", "L")]));
    a.write(2, closed("P1", "U1"));
    a.write(3, moved("S", "P1", "P2"));
    a.write(4, closed("P2", "U2"));
    let view = view(&[&a], "S");
    assert_eq!(
        groups(&view),
        ["lotCode=L 1..", "packageId=P1 1..3", "packageId=P2 3..", "palletId=U1 2..3", "palletId=U2 4.."]
    );
    assert_eq!((view.attributes["packageId"].as_str(), view.attributes["palletId"].as_str()), (Some("P2"), Some("U2")));
    assert!(!view.contested && view.state == State::Packed);
    assert_eq!((view.first_seen, view.last_seen, view.records), (at(1), at(3), 2));
}

#[test]
fn two_packages_at_once_are_contested_and_both_count() {
    let mut a = Station::new("a", 1);
    let mut b = Station::new("b", 2);
    a.write(1, packed("S", "P1", &[]));
    b.write(2, packed("S", "P2", &[]));
    let both = view(&[&a, &b], "S");
    assert!(both.contested);
    assert_eq!(groups(&both), ["packageId=P1 1..", "packageId=P2 2.."]);
    // A package inside a package is no contradiction.
    let nested = Draft {
        into: vec![Joined::container("P2", Level::Package)],
        ..Draft::new(Event::Closed, Subject::container("P1"))
    };
    a.write(3, nested);
    assert!(!view(&[&a, &b], "S").contested);
}

#[test]
fn a_mistake_was_never_true_for_the_device_and_for_all_that_was_inside() {
    let mut a = Station::new("a", 1);
    let wrong = a.write(1, packed("S", "P1", &[("lotCode", "L1")]));
    let pallet = a.write(2, closed("P1", "U1"));
    let packing = voided(Subject::device("S"), wrong.clone());
    a.write(3, packing);
    let view_s = view(&[&a], "S");
    assert_eq!(groups(&view_s), ["!lotCode=L1 1..3", "!packageId=P1 1..3", "!palletId=U1 2..3"]);
    assert!(view_s.state == State::Voided && view_s.attributes.is_empty());
    // Packed again with another lot: a member of what is true, and the mistake stays told.
    a.write(4, packed("S", "P1", &[("lotCode", "L2")]));
    let again = view(&[&a], "S");
    assert_eq!(groups(&again), ["!lotCode=L1 1..3", "lotCode=L2 4..", "packageId=P1 4..", "palletId=U1 4.."]);
    // The package was never on that pallet.
    a.write(5, voided(Subject::container("P1"), pallet));
    assert_eq!(groups(&view(&[&a], "S"))[3..], ["!palletId=U1 2..3".to_owned()]);
}

#[test]
fn a_correction_counts_for_its_own_subject_alone_and_can_itself_be_corrected() {
    let mut a = Station::new("a", 1);
    let packing = a.write(1, packed("S", "P1", &[]));
    a.write(2, voided(Subject::device("OTHER"), packing.clone()));
    assert_eq!(view(&[&a], "S").state, State::Packed);
    let correction = a.write(3, voided(Subject::device("S"), packing));
    assert_eq!(view(&[&a], "S").state, State::Voided);
    a.write(4, voided(Subject::device("S"), correction));
    assert_eq!(groups(&view(&[&a], "S")), ["packageId=P1 1.."]);
}

#[test]
fn a_correction_reaches_a_record_that_was_written_again_after_a_fork() {
    let mut a = Station::new("a", 1);
    let former = RecordId { station: "a".into(), series: records::FixedBytes([9; 16]), seq: 4 };
    a.write(1, Draft { former: Some(former.clone()), ..packed("S", "P1", &[]) });
    a.write(2, voided(Subject::device("S"), former));
    assert_eq!(view(&[&a], "S").state, State::Voided);
}

#[test]
fn circles_end() {
    let mut a = Station::new("a", 1);
    a.write(1, packed("S", "P1", &[]));
    a.write(2, closed("P1", "U1"));
    a.write(
        3,
        Draft {
            into: vec![Joined::container("P1", Level::Package)],
            ..Draft::new(Event::Closed, Subject::container("U1"))
        },
    );
    assert_eq!(groups(&view(&[&a], "S")), ["packageId=P1 1..", "palletId=U1 2.."]);
}

#[test]
fn a_refused_scan_makes_no_device_and_is_told() {
    let mut a = Station::new("a", 1);
    a.write(1, Draft { event: Event::Refused, ..packed("S", "P1", &[("lotCode", "L")]) });
    assert_eq!(folded(&[&a], "S"), None);
    assert_eq!(told(&[&a], "S"), [1]);
}

#[test]
fn a_wrong_clock_does_not_turn_a_series_around() {
    let mut a = Station::new("a", 1);
    a.write(100, packed("S", "P1", &[("fwVersion", "1")]));
    a.write(5, moved("S", "P1", "P2"));
    let mut b = Station::new("b", 2);
    b.write(
        50,
        Draft {
            attributes: [("fwVersion".to_owned(), "2".into())].into(),
            ..Draft::new(Event::Packed, Subject::device("S"))
        },
    );
    // b's record first, then a's two in their own order.
    let view = view(&[&a, &b], "S");
    assert_eq!(groups(&view), ["fwVersion=1 100..", "fwVersion=2 50..100", "packageId=P1 100..5", "packageId=P2 5.."]);
}

#[test]
fn a_container_concerns_the_device_while_it_is_inside() {
    let mut a = Station::new("a", 1);
    a.write(1, Draft::new(Event::Opened, Subject::container("P1")));
    a.write(2, packed("S", "P1", &[]));
    a.write(3, closed("P1", "U1"));
    a.write(4, moved("S", "P1", "P2"));
    a.write(5, Draft::new(Event::Closed, Subject::container("P1")));
    assert_eq!(told(&[&a], "S"), [2, 3, 4]);
}

#[test]
fn a_lot_or_work_order_can_be_joined_as_well() {
    let mut a = Station::new("a", 1);
    let lot = Joined { kind: Kind::Lot, id: "L7".into(), scope: String::new(), level: None };
    a.write(1, Draft { into: vec![lot], ..Draft::new(Event::Packed, Subject::device("S")) });
    let view = view(&[&a], "S");
    assert_eq!(groups(&view), ["lotCode=L7 1.."]);
    assert_eq!(view.attributes["lotCode"], "L7");
}
