use std::ops::ControlFlow;

use serde_json::json;

use super::*;
use crate::store::tables::Writer;
use crate::store::{Answer, Ask, Denied, DeviceName, Enrolment, Work};
use crate::testkit::{self, Station, at, packed, tested};

fn document(properties: Value) -> Box<Document> {
    let whole = json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "properties": properties});
    Box::new(Document::of(whole).unwrap())
}

fn asked(id: &str, properties: Value) -> (Work, Answer) {
    testkit::ask(Ask::Schema { id: id.into(), document: document(properties), checked: Default::default() })
}

fn add(writer: &mut Writer, id: &str, properties: Value) -> Result<(), Denied> {
    let (work, answer) = asked(id, properties);
    writer.commit(&[work], at(50)).unwrap();
    answer.get().unwrap().clone()
}

fn members(writer: &mut Writer, dimension: &str, value: &str) -> Vec<String> {
    let mut serials = Vec::new();
    let snapshot = writer.snapshot().unwrap();
    let each = |unit: crate::store::Unit| {
        serials.push(unit.serial);
        ControlFlow::Continue(())
    };
    snapshot.units(dimension, &[value.to_owned()], None, false, each).unwrap();
    serials
}

fn running(writer: &mut Writer) -> Vec<(String, u8)> {
    let backfills = writer.snapshot().unwrap().backfills().unwrap();
    backfills.into_iter().map(|one| (one.dimension, one.percent)).collect()
}

/// Devices with a colour.
fn painted(colours: &[&str]) -> Station {
    let mut a = Station::new("a", 1);
    for (n, colour) in colours.iter().enumerate() {
        a.write(1, packed(&format!("S{n}"), "P", &[("colour", colour)]));
    }
    a
}

fn colour() -> Value {
    json!({"colour": {"type": "string", "x-group": true}})
}

#[test]
fn what_comes_is_in_the_new_dimension_at_once_and_what_was_there_step_by_step() {
    let mut writer = Writer::in_memory_as(Enrolment::FirstUse);
    let mut a = painted(&["red", "red", "blue", "red", "red"]);
    writer.commit(&[a.all()], at(10)).unwrap();
    assert_eq!(add(&mut writer, "paint", colour()), Ok(()));
    assert_eq!((members(&mut writer, "colour", "red").len(), running(&mut writer).len()), (0, 1));
    a.write(2, packed("S9", "P", &[("colour", "red")]));
    writer.commit(&[a.work(6, 6)], at(60)).unwrap();
    assert_eq!(members(&mut writer, "colour", "red"), ["S9"]);
    let mut percent = 0;
    let mut steps = 0;
    while let Some((_, now)) = running(&mut writer).first() {
        assert!(steps == 0 || *now > percent, "every step gets further");
        percent = *now;
        writer.commit(&[Work::Backfill], at(61)).unwrap();
        steps += 1;
    }
    assert_eq!(steps, 3, "two devices with each step");
    assert_eq!(members(&mut writer, "colour", "red"), ["S0", "S1", "S3", "S4", "S9"]);
    writer.commit(&[Work::Backfill], at(62)).unwrap();
    assert_eq!(writer.rebuild(|_| ()).unwrap().differing, 0);
    assert_eq!(members(&mut writer, "colour", "red").len(), 5);
}

#[test]
fn what_was_begun_goes_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let writer = Writer::open(&folder.path().join("store.db")).unwrap();
        writer.owned(testkit::own(Enrolment::FirstUse), at(0)).unwrap()
    };
    let mut writer = open();
    writer.commit(&[painted(&["red"; 5]).all()], at(10)).unwrap();
    add(&mut writer, "paint", colour()).unwrap();
    writer.commit(&[Work::Backfill], at(61)).unwrap();
    let begun = running(&mut writer);
    drop(writer);
    let mut writer = open();
    assert!(begun.len() == 1 && running(&mut writer) == begun);
    let mut a = painted(&["red"; 5]);
    a.write(2, packed("S9", "P", &[("colour", "red")]));
    writer.commit(&[a.work(6, 6)], at(62)).unwrap();
    assert!(members(&mut writer, "colour", "red").contains(&"S9".to_owned()), "it knows the dimension");
    (0..2).for_each(|_| drop(writer.commit(&[Work::Backfill], at(63)).unwrap()));
    assert_eq!((running(&mut writer), members(&mut writer, "colour", "red").len()), (Vec::new(), 6));
}

#[test]
fn two_dimensions_are_filled_in_one_go_and_a_rebuild_ends_it() {
    let mut writer = Writer::in_memory_as(Enrolment::FirstUse);
    let a = painted(&["red"; 5]);
    writer.commit(&[a.all()], at(10)).unwrap();
    add(&mut writer, "paint", colour()).unwrap();
    writer.commit(&[Work::Backfill], at(61)).unwrap();
    add(&mut writer, "size", json!({"size": {"type": "integer", "x-group": true}})).unwrap();
    let [(one, zero), (two, some)] = &running(&mut writer)[..] else { panic!("two of them") };
    assert!((&**one, &**two, *zero) == ("size", "colour", 0) && *some > 0);
    // The one behind catches up; neither goes back.
    writer.commit(&[Work::Backfill], at(62)).unwrap();
    let percents: BTreeSet<u8> = running(&mut writer).into_iter().map(|(_, percent)| percent).collect();
    assert_eq!(percents.len(), 1);
    writer.rebuild(|_| ()).unwrap();
    assert_eq!((running(&mut writer), members(&mut writer, "colour", "red").len()), (Vec::new(), 5));
    // An empty store has nothing to take in.
    let mut empty = Writer::in_memory_as(Enrolment::FirstUse);
    add(&mut empty, "paint", colour()).unwrap();
    assert_eq!(running(&mut empty), []);
}

#[test]
fn what_is_stored_is_not_contradicted_and_nothing_is_half_applied() {
    let mut writer = Writer::in_memory_as(Enrolment::FirstUse);
    let mut a = painted(&["red", "green", "red", "red"]);
    a.write(2, {
        let mut draft = tested("S0", true, "1");
        draft.attributes.insert("size".into(), 7.into());
        draft
    });
    // A name with an escape is the same name.
    let line = String::from_utf8(a.lines[4].clone()).unwrap().replace("\"size\":7", "\"si\\u007ae\":8");
    let again = serde_json::from_str::<Record>(&line).unwrap();
    a.write(3, records::Draft { attributes: again.attributes, ..packed("S1", "P", &[]) });
    let escaped = String::from_utf8(a.lines.pop().unwrap()).unwrap().replace("\"size\":8", "\"si\\u007ae\":8");
    a.write_line(escaped.into_bytes());
    writer.commit(&[a.all()], at(10)).unwrap();
    let before = writer.snapshot().unwrap().stored().unwrap();
    for (properties, seq, value) in [
        (json!({"colour": {"type": "integer", "x-group": true}}), 1, "\"red\""),
        (json!({"colour": {"type": "string", "enum": ["red", "blue"]}}), 2, "\"green\""),
        (json!({"other": {}, "size": {"type": "string"}}), 5, "7"),
        (json!({"size": {"type": "integer", "maximum": 7}}), 6, "8"),
    ] {
        let Err(Denied::Stored(found)) = add(&mut writer, "paint", properties.clone()) else { panic!("{properties}") };
        assert_eq!((found.record.seq, &*found.value), (seq, value), "{found:?}");
    }
    assert_eq!(writer.snapshot().unwrap().stored().unwrap(), before);
    assert_eq!(writer.snapshot().unwrap().dimensions().unwrap(), Dimensions::default());
    let wide = json!({"colour": {"type": ["string", "integer"], "x-group": true}, "size": {"type": "integer"}});
    assert_eq!(add(&mut writer, "paint", wide), Ok(()));
    // What was looked through before is not looked through again, unless it was another question.
    let narrow = json!({"colour": {"type": ["string", "integer"], "x-group": true}, "size": {"maximum": 6}});
    for (name, refused) in [("colour", true), ("size", false)] {
        let checked = ([name.to_owned()].into(), 1_000);
        let ask = Ask::Schema { id: "paint".into(), document: document(narrow.clone()), checked };
        let (work, answer) = testkit::ask(ask);
        writer.commit(&[work], at(51)).unwrap();
        assert_eq!(matches!(answer.get(), Some(Err(Denied::Stored(_)))), refused, "{name}: {answer:?}");
    }
}

#[test]
fn a_record_conforms_from_the_schema_on_and_shows_it() {
    let mut writer = Writer::in_memory_as(Enrolment::FirstUse);
    let mut a = painted(&["red"]);
    writer.commit(&[a.all()], at(10)).unwrap();
    add(&mut writer, "paint", colour()).unwrap();
    a.write(2, packed("S0", "P2", &[("colour", "blue")]));
    a.write(3, packed("S0", "P3", &[("color", "blue")]));
    writer.commit(&[a.work(2, 3)], at(60)).unwrap();
    let conforming = |writer: &mut Writer| {
        let snapshot = writer.snapshot().unwrap();
        let device: DeviceName = snapshot.devices("S0", true).unwrap().remove(0);
        let mut facts = snapshot.facts(&device).unwrap();
        facts.retain(|fact| fact.reading.subject == Some(Subject::device("S0")));
        facts.sort_by_key(|fact| fact.position);
        facts.iter().map(|fact| fact.reading.conforming).collect::<Vec<_>>()
    };
    assert_eq!(conforming(&mut writer), [false, true, false]);
    assert_eq!(writer.rebuild(|_| ()).unwrap().differing, 0);
    assert_eq!(conforming(&mut writer), [false, true, false]);
}

#[test]
fn another_instance_hears_of_a_schema_before_it_stores_anything() {
    let Some(server) = testkit::postgres("a schema of another instance on PostgreSQL") else { return };
    let own = |name: &str| crate::store::Own { instance: name.into(), ..testkit::own(Enrolment::FirstUse) };
    let mut one = server.fresh().owned(own("one"), at(0)).unwrap();
    let mut two = Writer::open_as(&server.place(), own("two"), at(0)).unwrap();
    let mut a = painted(&["red", "red", "red"]);
    one.commit(&[a.work(1, 3)], at(10)).unwrap();
    add(&mut one, "paint", colour()).unwrap();
    // This one has not looked since.
    a.write(4, packed("S9", "P", &[("colour", "red")]));
    two.commit(&[a.work(4, 4)], at(60)).unwrap();
    assert_eq!(members(&mut two, "colour", "red"), ["S9"]);
    add(&mut one, "size", json!({"size": {"type": "integer", "x-group": true}})).unwrap();
    for n in 0..3 {
        let writer = if n == 1 { &mut one } else { &mut two };
        writer.commit(&[Work::Backfill], at(61)).unwrap();
    }
    assert_eq!((running(&mut one), members(&mut one, "colour", "red").len()), (Vec::new(), 4));
    assert_eq!(one.rebuild(|_| ()).unwrap().differing, 0);
}
