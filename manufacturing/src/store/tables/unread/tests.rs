use records::{Draft, Event, Subject};
use serde_json::{Value, json};

use crate::completeness::{Completeness, Moment, judge};
use crate::store::sql::params;
use crate::store::tables::Writer;
use crate::store::{Ask, Denied, Enrolment};
use crate::testkit::{self, Station, at, packed};

/// Writes a record with something else in one place of it.
fn odd(station: &mut Station, seconds: i64, draft: Draft, path: &str, value: Value) {
    station.write(seconds, draft);
    let mut line: Value = serde_json::from_slice(&station.lines.pop().unwrap()).unwrap();
    match path.rsplit_once('/') {
        Some((within, name)) => line.pointer_mut(within).unwrap()[name] = value,
        None => line = value,
    }
    station.write_line(line.to_string().into_bytes());
}

/// Five units; of the second a permission says more than is known, the others cannot wholly be read.
fn station() -> Station {
    let mut a = Station::new("a", 1);
    let allowed = records::Allowed { code: "not-tested".into(), by: "p".into(), reason: "old".into() };
    let of = |serial: &str| packed(serial, "P1", &[("lotCode", "L1")]);
    a.write(1, of("S1"));
    odd(&mut a, 2, Draft { allowed: Some(allowed), ..of("S2") }, "/allowed/colour", json!("red"));
    odd(&mut a, 3, of("S3"), "/into/0/kind", json!("vessel"));
    odd(&mut a, 4, of("S4"), "/at/wall", json!("noon"));
    odd(&mut a, 5, of("S5"), "/subject/kind", json!("vessel"));
    a
}

fn judged(writer: &mut Writer) -> Completeness {
    let snapshot = writer.snapshot().unwrap();
    let moment = Moment { now: at(20), as_of: None, connected: true };
    judge(&snapshot.stations().unwrap(), &snapshot.lapses().unwrap(), moment)
}

fn members(writer: &mut Writer, by: &str, value: &str) -> Vec<String> {
    let mut serials = Vec::new();
    let each = |unit: crate::store::Unit| {
        serials.push(unit.serial);
        std::ops::ControlFlow::Continue(())
    };
    writer.snapshot().unwrap().units(by, &[value.to_owned()], None, false, each).unwrap();
    serials
}

fn write_off(writer: &mut Writer, range: (u64, u64)) -> Result<(), Denied> {
    let (work, answer) = testkit::ask(Ask::WriteOff {
        station: "a".into(),
        series: None,
        range: Some(range),
        reason: "looked at by hand".into(),
        actor: "qa".into(),
    });
    writer.commit(&[work], at(11)).unwrap();
    answer.get().unwrap().clone()
}

fn named_until_it_is_settled(writer: Writer) {
    let mut writer = writer.owned(testkit::own(Enrolment::FirstUse), at(0)).unwrap();
    let a = station();
    writer.commit(&[a.all(), a.status(10, 0)], at(10)).unwrap();
    assert_eq!(members(&mut writer, "lotCode", "L1"), ["S1", "S2", "S3"], "what can be read of them counts");
    assert_eq!(members(&mut writer, "packageId", "P1"), ["S1", "S2"]);
    let before = judged(&mut writer);
    // The key of the station was enrolled by the first two records of the service.
    let why = |seq: u64, what: &str| {
        format!("record {seq}, stored at position {}, cannot wholly be read by this program: {what}", seq + 2)
    };
    assert_eq!(before.stations[0].why, [why(3, "into"), why(4, "at"), why(5, "subject")]);
    assert!(!before.complete && before.stations[0].unread_count == 3 && before.stations[0].unread.len() == 3);
    assert_eq!(writer.rebuild(|_| ()).unwrap().differing, 0);
    assert_eq!(judged(&mut writer), before);

    write_off(&mut writer, (4, 4)).unwrap();
    assert_eq!(judged(&mut writer).stations[0].why, [why(3, "into"), why(5, "subject")]);
    write_off(&mut writer, (1, 5)).unwrap();
    let after = judged(&mut writer);
    assert!(after.complete && after.written_off.len() == 2, "{after:?}");
    assert_eq!(after.written_off[0].actor.as_deref(), Some("qa"));
    assert!(matches!(write_off(&mut writer, (1, 5)), Err(Denied::NothingMissing { .. })));

    // As a program before this one, which could not read what this one can.
    let series: i64 =
        writer.connection.query_row("SELECT id FROM series WHERE station = 'a'", params![], |row| row.get(0)).unwrap();
    writer.connection.execute("DELETE FROM write_off", params![]).unwrap();
    let older = "INSERT INTO unread (series_id, seq, position, what) VALUES (?, 1, 3, 'into')";
    writer.connection.execute(older, params![series]).unwrap();
    assert_eq!(judged(&mut writer).stations[0].unread_count, 4);
    assert_eq!(writer.rebuild(|_| ()).unwrap().differing, 3, "the line that can be read, and both write-offs");
    assert_eq!(judged(&mut writer), after);
}

#[test]
fn what_cannot_wholly_be_read_is_named_until_it_is_settled() {
    named_until_it_is_settled(Writer::in_memory());
}

#[test]
fn the_same_on_postgresql() {
    let Some(server) = testkit::postgres("lines that cannot wholly be read, on PostgreSQL") else { return };
    named_until_it_is_settled(server.fresh());
    named_until_a_person_decides(server.fresh());
    a_group_without_a_name(server.fresh());
}

/// Of a group attribute in which no text is.
fn a_group_without_a_name(writer: Writer) {
    let mut writer = writer.owned(testkit::own(Enrolment::FirstUse), at(0)).unwrap();
    let mut a = Station::new("a", 1);
    let of = |serial: &str| packed(serial, "P1", &[("lotCode", "L1")]);
    a.write(1, of("S1"));
    odd(&mut a, 2, of("S2"), "/attributes/lotCode", json!(["L1", "L2"]));
    odd(&mut a, 3, of("S3"), "/attributes/lotCode", json!(7));
    odd(&mut a, 4, testkit::tested("S4", false, "1"), "/attributes/fwVersion", json!({"is": "1"}));
    odd(&mut a, 5, testkit::tested("S5", false, "1"), "/attributes/measurements/volts", json!([3, 4]));
    writer.commit(&[a.all(), a.status(10, 0)], at(10)).unwrap();
    assert_eq!(members(&mut writer, "lotCode", "L1"), ["S1"]);
    assert_eq!(members(&mut writer, "lotCode", "7"), ["S3"]);
    let judged = judged(&mut writer);
    let named: Vec<(u64, &str)> = judged.stations[0].unread.iter().map(|one| (one.seq, &*one.what)).collect();
    assert_eq!((judged.complete, named), (false, vec![(2, "lotCode"), (4, "fwVersion")]));
}

#[test]
fn a_group_that_nobody_can_name_is_unread() {
    a_group_without_a_name(Writer::in_memory());
}

/// Of stations that were never heard, and of keys that nobody has enrolled.
fn named_until_a_person_decides(writer: Writer) {
    let mut writer = writer.owned(testkit::own(Enrolment::FirstUse), at(0)).unwrap();
    let mut a = Station::new("a", 1);
    a.write(1, packed("S1", "P1", &[]));
    let (mut thief, b) = (Station::new("a", 9), Station::new("b", 2));
    thief.write(1, packed("S2", "P1", &[]));
    writer.commit(&[a.all(), a.status(10, 0)], at(10)).unwrap();
    assert!(judged(&mut writer).complete);
    let decide = |writer: &mut Writer, asked: Ask| {
        let (work, answer) = testkit::ask(asked);
        writer.commit(&[work], at(11)).unwrap();
        assert_eq!(answer.get(), Some(&Ok(())));
    };
    decide(&mut writer, Ask::Enrol { station: "b".into(), key: b.key.public() });
    writer.commit(&[thief.all(), thief.status(10, 0)], at(12)).unwrap();
    let why = |writer: &mut Writer| {
        let judged = judged(writer);
        let why = judged.stations.iter().flat_map(|one| one.why.iter().map(|why| format!("{}: {why}", one.station)));
        let why: Vec<String> = why.collect();
        assert_eq!(judged.complete, why.iter().all(|why| why.contains("was revoked")));
        why
    };
    let key = thief.key.public();
    let stranger = format!("a: its key {key} is not enrolled: 2 messages that it signed were refused since {}", at(12));
    let never = format!("b: it is enrolled since {}, and nothing of it was ever heard", at(11));
    assert_eq!(why(&mut writer), [stranger.clone(), never]);
    assert_eq!(writer.rebuild(|_| ()).unwrap().differing, 0);
    decide(&mut writer, Ask::Retire { station: "b".into(), reason: "never built".into() });
    assert_eq!(why(&mut writer), [stranger]);
    decide(&mut writer, Ask::Revoke { station: "a".into(), key, reason: "nobody knows it".into() });
    assert_eq!(why(&mut writer), [format!("a: its key {key} was revoked, and what it signs is refused")]);
    // Heard at last, and let in again by a person: it is waited for like any other.
    decide(&mut writer, Ask::Enrol { station: "b".into(), key: b.key.public() });
    assert_eq!(why(&mut writer).len(), 2);
}

#[test]
fn whoever_may_have_recorded_something_is_named_until_a_person_decides() {
    named_until_a_person_decides(Writer::in_memory());
}

#[test]
fn a_statement_names_the_first_of_very_many() {
    let mut a = Station::new("a", 1);
    for n in 1..=250 {
        odd(&mut a, n, Draft::new(Event::Opened, Subject::device("S1")), "/subject/kind", json!("vessel"));
    }
    let mut writer = Writer::in_memory();
    writer.commit(&[a.all(), a.status(10, 0)], at(10)).unwrap();
    let judged = &judged(&mut writer).stations[0];
    assert_eq!((judged.unread_count, judged.unread.len(), judged.why.len()), (250, 100, 4));
    assert_eq!(judged.why[3], "247 further records cannot wholly be read by this program");
}
