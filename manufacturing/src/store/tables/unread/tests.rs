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
