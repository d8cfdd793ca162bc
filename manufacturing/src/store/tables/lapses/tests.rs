use crate::completeness::{Completeness, Moment, judge};
use crate::store::tables::Writer;
use crate::store::{Ask, Denied, Enrolment};
use crate::testkit::{self, Station, at, packed};

fn station(name: &str, number: u8, count: i64) -> Station {
    let mut station = Station::new(name, number);
    for n in 1..=count {
        station.write(n, packed(&format!("{name}{number}-{n}"), "P1", &[]));
    }
    station
}

fn decide(writer: &mut Writer, ask: Ask, seconds: i64) -> Result<(), Denied> {
    let (work, answer) = testkit::ask(ask);
    writer.commit(&[work], at(seconds)).unwrap();
    answer.get().unwrap().clone()
}

fn write_off(
    writer: &mut Writer,
    series: Option<&Station>,
    range: Option<(u64, u64)>,
    seconds: i64,
) -> Result<(), Denied> {
    let series = series.map(|station| station.series);
    decide(
        writer,
        Ask::WriteOff { station: "a".into(), series, range, reason: "the card burnt".into(), actor: "qa".into() },
        seconds,
    )
}

fn judged(writer: &mut Writer, now: i64, as_of: Option<i64>) -> Completeness {
    let snapshot = writer.snapshot().unwrap();
    let moment = Moment { now: at(now), as_of: as_of.map(at), connected: true };
    judge(&snapshot.stations().unwrap(), &snapshot.lapses().unwrap(), moment)
}

/// Complete or not, every reason, and what was given up: series by its first digit, from, to, missing.
fn said(writer: &mut Writer, now: i64, as_of: Option<i64>) -> (bool, Vec<String>, Vec<String>) {
    let judged = judged(writer, now, as_of);
    let off = judged.written_off.iter().map(|off| {
        let last = off.last.map_or("end".to_owned(), |last| last.to_string());
        format!("{} {}-{last} {}", &off.series.to_string()[..2], off.first, off.missing)
    });
    (judged.complete, judged.stations.iter().flat_map(|series| series.why.clone()).collect(), off.collect())
}

#[test]
fn a_retired_station_is_not_waited_for_from_then_on() {
    let (a, b) = (station("a", 1, 2), station("b", 2, 2));
    let mut writer = Writer::in_memory_as(Enrolment::FirstUse);
    writer.commit(&[a.all(), b.all(), a.status(10, 0), b.status(10, 0)], at(10)).unwrap();
    writer.commit(&[b.status(1000, 0)], at(1000)).unwrap();
    assert_eq!(said(&mut writer, 1000, None).1, ["no status for 990 seconds"]);
    let retire = |writer: &mut Writer, name: &str| {
        decide(writer, Ask::Retire { station: name.into(), reason: "line 2 is gone".into() }, 900)
    };
    assert_eq!(retire(&mut writer, "z"), Err(Denied::UnknownStation("z".into())));
    retire(&mut writer, "a").unwrap();
    assert!(matches!(retire(&mut writer, "a"), Err(Denied::Retired { .. })));
    assert_eq!(said(&mut writer, 1000, None), (true, vec![], vec![]));
    assert_eq!(judged(&mut writer, 1000, None).as_of, at(1000), "it holds nothing up");
    assert!(said(&mut writer, 1000, Some(950)).0);
    assert!(!said(&mut writer, 1000, Some(899)).0, "before that it is waited for");
    // A hole that it left stays named.
    writer.commit(&[station("a", 1, 5).status(1001, 0)], at(1001)).unwrap();
    assert_eq!(said(&mut writer, 1001, None).1, ["records 3 to 5 are missing"]);
    // A person lets it work again.
    decide(&mut writer, Ask::Enrol { station: "a".into(), key: a.key.public() }, 2000).unwrap();
    assert!(said(&mut writer, 2000, None).1[0].contains("no status for"));
}

#[test]
fn a_hole_that_is_written_off_is_listed_and_a_later_one_is_not_given_up_with_it() {
    let a = station("a", 1, 9);
    let mut writer = Writer::in_memory_as(Enrolment::FirstUse);
    writer.commit(&[a.work(1, 3), a.work(6, 7)], at(10)).unwrap();
    let status = |writer: &mut Writer, last: i64, seconds| {
        writer.commit(&[station("a", 1, last).status(seconds, 0)], at(seconds)).unwrap();
    };
    status(&mut writer, 8, 10);
    assert_eq!(said(&mut writer, 11, None).1, ["records 4 to 5 are missing", "record 8 is missing"]);
    let other = Station::new("a", 9);
    assert!(matches!(write_off(&mut writer, Some(&other), None, 11), Err(Denied::UnknownSeries { .. })));
    assert!(matches!(write_off(&mut writer, Some(&a), Some((1, 3)), 11), Err(Denied::NothingMissing { .. })));
    write_off(&mut writer, Some(&a), Some((4, 4)), 11).unwrap();
    assert_eq!(said(&mut writer, 11, None).1, ["record 5 is missing", "record 8 is missing"]);
    write_off(&mut writer, None, None, 12).unwrap();
    assert_eq!(said(&mut writer, 12, None), (true, vec![], vec!["01 4-4 1".into(), "01 1-8 3".into()]));
    assert!(matches!(write_off(&mut writer, None, None, 13), Err(Denied::NothingMissing { .. })));
    status(&mut writer, 9, 14);
    assert_eq!(said(&mut writer, 14, None).1, ["record 9 is missing"], "lost after the decision");
    // What comes after all is stored, and then nothing was given up.
    writer.commit(&[a.all()], at(15)).unwrap();
    assert_eq!(said(&mut writer, 15, None), (true, vec![], vec![]));
}

#[test]
fn a_lost_series_stays_named_until_it_is_written_off() {
    let (lost, new) = (station("a", 1, 3), station("a", 2, 2));
    let mut writer = Writer::in_memory_as(Enrolment::FirstUse);
    writer.commit(&[lost.all(), lost.status(10, 0)], at(10)).unwrap();
    decide(&mut writer, Ask::Enrol { station: "a".into(), key: new.key.public() }, 20).unwrap();
    writer.commit(&[new.all(), new.status(500, 0)], at(500)).unwrap();
    decide(&mut writer, Ask::Retire { station: "a".into(), reason: "r".into() }, 505).unwrap();
    assert_eq!(said(&mut writer, 510, None).1.len(), 1, "retired or not");
    decide(&mut writer, Ask::Enrol { station: "a".into(), key: new.key.public() }, 506).unwrap();
    let why = said(&mut writer, 510, None).1;
    assert!(why.len() == 1 && why[0].contains("a newer series of this station began"), "{why:?}");
    write_off(&mut writer, None, None, 510).unwrap();
    assert_eq!(said(&mut writer, 510, None), (true, vec![], vec!["01 1-end 0".into()]));
    assert_eq!(said(&mut writer, 510, Some(400)).1, Vec::<String>::new());
    assert_eq!(said(&mut writer, 900, None).1, ["no status for 400 seconds"], "the one that goes on is waited for");
}

#[test]
fn what_came_twice_and_what_cannot_be_read_is_settled_by_a_write_off() {
    let mut a = station("a", 1, 3);
    let mut other = Station::new("a", 1);
    other.lines = a.lines[..2].to_vec();
    other.write(3, packed("X", "P9", &[]));
    a.write_line(b"rubbish".to_vec());
    let mut writer = Writer::in_memory_as(Enrolment::FirstUse);
    writer.commit(&[a.work(1, 3), other.work(3, 3), a.work(4, 4), a.status(10, 0)], at(10)).unwrap();
    let why = ["record 4 is missing", "1 records came twice with different content", "1 records cannot be read"];
    assert_eq!(said(&mut writer, 11, None).1, why);
    write_off(&mut writer, Some(&a), Some((4, 4)), 11).unwrap();
    assert_eq!(said(&mut writer, 11, None).1, [why[1]]);
    write_off(&mut writer, None, None, 12).unwrap();
    assert!(said(&mut writer, 12, None).0);
    // What two write-offs name is settled once: a third record that came twice stays named.
    let twice = |writer: &mut Writer, seq: usize| {
        let mut other = Station::new("a", 1);
        other.lines = a.lines[..seq - 1].to_vec();
        other.write(9, packed("Y", "P9", &[]));
        writer.commit(&[other.work(seq, seq)], at(13)).unwrap();
    };
    twice(&mut writer, 2);
    assert!(said(&mut writer, 13, None).0, "in what was written off");
    let mut writer = Writer::in_memory_as(Enrolment::FirstUse);
    writer.commit(&[a.work(1, 3), station("a", 1, 3).status(10, 0)], at(10)).unwrap();
    for (seq, range) in [(3, (3, 3)), (2, (2, 3))] {
        twice(&mut writer, seq);
        write_off(&mut writer, Some(&a), Some(range), 13).unwrap();
    }
    assert!(said(&mut writer, 13, None).0);
    twice(&mut writer, 1);
    assert_eq!(said(&mut writer, 13, None).1, [why[1]]);
}
