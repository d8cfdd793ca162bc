use records::{Kind, Subject};

use crate::store::tables::Writer;
use crate::store::{Ask, Denied, Enrolment};
use crate::testkit::{self, Station, at, packed};

fn decide(writer: &mut Writer, ask: Ask) -> (Result<(), Denied>, Option<records::wire::Holds>) {
    let (work, answer) = testkit::ask(ask);
    let committed = writer.commit(&[work], at(9)).unwrap();
    (answer.get().unwrap().clone(), committed.holds)
}

fn hold(what: &Subject) -> Ask {
    Ask::Hold { what: what.clone(), reason: "cracked housings".into() }
}

fn release(what: &Subject) -> Ask {
    Ask::Release { what: what.clone(), reason: "sorted".into() }
}

#[test]
fn the_last_word_counts_and_each_change_has_a_higher_revision() {
    let (device, lot) = (Subject::device("S1"), Subject::new(Kind::Lot, "S1"));
    let mut writer = Writer::in_memory_as(Enrolment::FirstUse);
    assert_eq!(decide(&mut writer, release(&device)), (Err(Denied::NotHeld(device.clone())), None));
    let mut revision = 0;
    let mut told = |holds: Option<records::wire::Holds>| {
        let holds = holds.unwrap();
        assert!(std::mem::replace(&mut revision, holds.revision) < holds.revision);
        (holds.serials.join(" "), holds.lots.join(" "))
    };
    assert_eq!(told(decide(&mut writer, hold(&device)).1), ("S1".to_owned(), String::new()));
    assert!(matches!(decide(&mut writer, hold(&device)), (Err(Denied::Held { .. }), None)));
    assert_eq!(told(decide(&mut writer, hold(&lot)).1), ("S1".to_owned(), "S1".to_owned()));
    assert_eq!(told(decide(&mut writer, release(&device)).1), (String::new(), "S1".to_owned()));
    assert_eq!(told(decide(&mut writer, hold(&device)).1), ("S1".to_owned(), "S1".to_owned()));
    assert_eq!(told(decide(&mut writer, release(&device)).1), (String::new(), "S1".to_owned()));
    let message = writer.snapshot().unwrap().holds_message().unwrap();
    writer.rebuild(|_| ()).unwrap();
    assert_eq!(writer.snapshot().unwrap().holds_message().unwrap(), message);
    assert_eq!(message.revision, revision, "a release is remembered, too");
}

#[test]
fn a_hold_makes_no_device_and_takes_none_away() {
    let mut a = Station::new("a", 1);
    let mut writer = Writer::in_memory_as(Enrolment::FirstUse);
    decide(&mut writer, hold(&Subject::device("S1"))).0.unwrap();
    assert!(writer.snapshot().unwrap().devices("S1", true).unwrap().is_empty());
    a.write(1, packed("S1", "P1", &[]));
    writer.commit(&[a.all()], at(10)).unwrap();
    let snapshot = writer.snapshot().unwrap();
    let device = snapshot.devices("S1", true).unwrap().remove(0);
    let kept = snapshot.kept(&device).unwrap().unwrap();
    assert_eq!((kept.first_seen, kept.text("packageId")), (at(1).as_microsecond(), Some("P1")));
}

#[test]
fn no_more_are_held_than_the_stations_can_be_told() {
    let mut writer = Writer::in_memory_as(Enrolment::FirstUse);
    let works: Vec<_> =
        (0..=super::MOST_HOLDS).map(|n| testkit::ask(hold(&Subject::device(format!("S{n}"))))).collect();
    let (batch, answers): (Vec<_>, Vec<_>) = works.into_iter().unzip();
    let holds = writer.commit(&batch, at(9)).unwrap().holds.unwrap();
    assert_eq!(holds.serials.len(), super::MOST_HOLDS);
    assert_eq!(answers.last().unwrap().get(), Some(&Err(Denied::TooManyHolds(super::MOST_HOLDS))));
}
