//! Records of two stations of which nobody can say which came first.

use super::line::codes;
use super::*;
use crate::testkit::taken_out;

/// Facts of which those of one station happened at any time between two seconds.
fn some_time(stations: &[&Station], (name, from, to): (&str, i64, i64)) -> Vec<Fact> {
    let mut facts = facts(stations);
    for fact in facts.iter_mut().filter(|fact| fact.id.station == name) {
        let Some(record) = &mut fact.reading.record else { continue };
        record.at.synchronised = false;
        let likely = record.at.wall.as_microsecond();
        fact.happened = Some(Happened { earliest: at(from), latest: at(to), trust: Trust::Bounded, likely });
    }
    facts
}

fn of(facts: &[Fact]) -> DeviceView {
    fold(&Subject::device("S"), &facts.iter().collect::<Vec<_>>(), Dimensions::none()).unwrap()
}

fn lot(value: &str) -> Draft {
    let mut draft = Draft::new(Event::Tested, Subject::device("S"));
    draft
        .attributes
        .extend([("result", "pass"), ("lotCode", value)].map(|(name, said)| (name.to_owned(), said.into())));
    draft
}

#[test]
fn what_two_stations_say_at_times_that_overlap_holds_both_until_somebody_comes_later() {
    let (mut a, mut b) = (Station::new("a", 1), Station::new("b", 2));
    a.write(10, lot("L1"));
    b.write(20, lot("L2"));
    let after = of(&some_time(&[&a, &b], ("a", 0, 15)));
    assert_eq!((groups(&after), after.contested), (vec!["lotCode=L1 10..20".into(), "lotCode=L2 20..".into()], false));
    let both = of(&some_time(&[&a, &b], ("a", 0, 100)));
    assert_eq!((groups(&both), both.contested), (vec!["lotCode=L1 10..".into(), "lotCode=L2 20..".into()], true));
    assert_eq!(both.attributes["lotCode"], "L2", "the one that most likely was said last");
    assert_eq!(codes(&both), [("unordered", vec!["a", "b"])]);
    assert_eq!(
        both.contradictions[0].text,
        "lotCode L1, says station a; lotCode L2, says station b; which of the two came last is not known"
    );
    let touching = of(&some_time(&[&a, &b], ("a", 0, 20)));
    assert!(touching.contested, "both can have been at the same moment");
    // Who comes after both settles it, whatever is said; who comes after one of them does not.
    let mut c = Station::new("c", 3);
    c.write(60, lot("L2"));
    assert!(of(&some_time(&[&a, &b, &c], ("a", 0, 100))).contested);
    c.write(200, lot("L1"));
    let settled = of(&some_time(&[&a, &b, &c], ("a", 0, 100)));
    assert_eq!(
        (groups(&settled), settled.contested),
        (vec!["lotCode=L1 10..".into(), "lotCode=L2 20..200".into()], false)
    );
    // To say the same is no dispute, and a station is in order by itself.
    let mut same = Station::new("b", 2);
    same.write(20, lot("L1"));
    assert!(!of(&some_time(&[&a, &same], ("a", 0, 100))).contested);
    a.write(30, lot("L3"));
    let alone = of(&some_time(&[&a], ("a", 0, 100)));
    assert_eq!((groups(&alone), alone.contested), (vec!["lotCode=L1 10..30".into(), "lotCode=L3 30..".into()], false));
}

#[test]
fn what_was_put_in_and_taken_out_at_times_that_overlap_counts_and_is_contested() {
    let (mut a, mut b) = (Station::new("a", 1), Station::new("b", 2));
    a.write(50, packed("S", "P1", &[]));
    b.write(20, taken_out("S", "P1"));
    let both = of(&some_time(&[&a, &b], ("b", 0, 100)));
    assert_eq!((groups(&both), both.contested), (vec!["packageId=P1 50..".into()], true));
    assert_eq!(
        both.contradictions[0].text,
        "put into P1, says station a; taken out of it, says station b; which of the two came last is not known"
    );
    assert!(!of(&some_time(&[&a, &b], ("b", 0, 40))).contested, "it was packed again");
    // What is taken out of there is named, so that it was put in before.
    let mut later = Station::new("b", 2);
    later.write(60, taken_out("S", "P1"));
    let out = of(&some_time(&[&a, &later], ("b", 0, 100)));
    assert_eq!((groups(&out), out.contested), (vec!["packageId=P1 50..60".into()], false));
    // Seen there again, by somebody who came after that.
    a.write(150, packed("S", "P1", &[]));
    assert!(!of(&some_time(&[&a, &b], ("b", 0, 100))).contested);
}

/// Dimension and value, and before which second it was not in there.
fn earliest(view: &DeviceView) -> Vec<String> {
    let second = |m: &Membership| (m.since.borders.0 - at(0).as_microsecond()) / 1_000_000;
    let places = view.memberships.iter().filter(|m| ["packageId", "palletId"].contains(&&*m.dimension));
    places.map(|m| format!("{}={} {}", m.dimension, m.value, second(m))).collect()
}

#[test]
fn a_place_is_reached_with_the_last_record_of_the_way_and_with_the_first_way() {
    let (mut a, mut b) = (Station::new("a", 1), Station::new("b", 2));
    a.write(60, packed("S", "P1", &[]));
    b.write(70, closed("P1", "U1"));
    let of_b = |a: &Station, b: &Station| earliest(&of(&some_time(&[a, b], ("b", 0, 100))));
    assert_eq!(of_b(&a, &b), ["packageId=P1 60", "palletId=U1 60"]);
    // The other way round the pallet is what is known to the second.
    assert_eq!(earliest(&of(&some_time(&[&a, &b], ("a", 0, 100)))), ["packageId=P1 0", "palletId=U1 70"]);
    // Who says the same, or puts it there in another way, may have done so before.
    let mut again = Station::new("b", 2);
    again.write(65, packed("S", "P1", &[]));
    again.write(70, closed("P1", "U1"));
    assert_eq!(of_b(&a, &again), ["packageId=P1 0", "palletId=U1 0"]);
    b.write(80, packed("S", "P2", &[]));
    b.write(81, closed("P2", "U1"));
    assert_eq!(of_b(&a, &b), ["packageId=P1 60", "packageId=P2 0", "palletId=U1 0"]);
    // A mistake is told as it was said.
    let wrong = a.write(90, closed("P3", "U3"));
    a.write(91, moved("S", "P1", "P3"));
    a.write(92, voided(Subject::container("P3"), wrong));
    assert!(of_b(&a, &b).contains(&"palletId=U3 91".to_owned()));
}
