use crate::completeness::{Completeness, Moment, judge};
use crate::store::sql::params;
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
    assert_eq!(said(&mut writer, 12, None), (true, vec![], vec!["01 4-4 1".into(), "01 1-8 2".into()]), "each once");
    assert!(matches!(write_off(&mut writer, None, None, 13), Err(Denied::NothingMissing { .. })));
    status(&mut writer, 9, 14);
    assert_eq!(said(&mut writer, 14, None).1, ["record 9 is missing"], "lost after the decision");
    assert_eq!(judged(&mut writer, 14, None).stations[0].missing, 1);
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
    assert_eq!(said(&mut writer, 510, None), (true, vec![], vec!["01 4-end 0".into()]));
    assert_eq!(said(&mut writer, 510, Some(400)).1, Vec::<String>::new());
    assert_eq!(said(&mut writer, 900, None).1, ["no status for 400 seconds"], "the one that goes on is waited for");
    // It was not lost after all: what it had later nobody has given up, neither then nor when it is lost once more.
    writer.commit(&[station("a", 1, 5).status(910, 0)], at(910)).unwrap();
    let missing = "records 4 to 5 are missing";
    assert!(said(&mut writer, 920, None).1.contains(&missing.to_owned()));
    writer.commit(&[new.status(930, 0)], at(930)).unwrap();
    let (complete, why, off) = said(&mut writer, 940, None);
    assert!(!complete && off.is_empty() && why.len() == 2, "{why:?}");
    assert!(why[0].contains(&format!("had records after {}", at(910))) && why[1] == missing, "{why:?}");
    write_off(&mut writer, None, None, 950).unwrap();
    assert_eq!(said(&mut writer, 960, None), (true, vec![], vec!["01 1-5 2".into(), "01 6-end 0".into()]));
}

/// Of `a`, 1 to 5 are stored, and 8 were announced when it was retired.
fn retired(writer: Writer) -> Writer {
    let mut writer = writer.owned(testkit::own(Enrolment::FirstUse), at(0)).unwrap();
    writer.commit(&[station("a", 1, 5).all(), station("a", 1, 8).status(10, 0)], at(10)).unwrap();
    retire(&mut writer, 20);
    assert_eq!(said(&mut writer, 20, None).1, ["records 6 to 8 are missing"]);
    writer
}

fn retire(writer: &mut Writer, seconds: i64) {
    decide(writer, Ask::Retire { station: "a".into(), reason: "line 2 is gone".into() }, seconds).unwrap();
}

/// A person lets it work again, and it goes on up to 20.
fn goes_on(writer: &mut Writer) {
    let key = station("a", 1, 0).key.public();
    decide(writer, Ask::Enrol { station: "a".into(), key }, 50).unwrap();
    writer.commit(&[station("a", 1, 20).status(60, 0)], at(60)).unwrap();
}

/// Keeps record `seq` of `a` a second time, with other bytes.
fn again(writer: &mut Writer, whole: &Station, seq: usize) {
    let mut other = Station::new("a", 1);
    other.lines = whole.lines[..seq - 1].to_vec();
    other.write(9, packed("Y", "P9", &[]));
    writer.commit(&[other.work(seq, seq)], at(65)).unwrap();
}

fn what_is_lost_later_is_named(writer: Writer) {
    let mut writer = retired(writer);
    write_off(&mut writer, None, None, 21).unwrap();
    let given_up = |beyond: u64| vec!["01 1-8 3".to_owned(), format!("01 9-end {beyond}")];
    assert_eq!(said(&mut writer, 30, None), (true, vec![], given_up(0)));
    writer.commit(&[station("a", 1, 10).status(40, 0)], at(40)).unwrap();
    assert_eq!(said(&mut writer, 41, None), (true, vec![], given_up(2)), "whatever it had");
    goes_on(&mut writer);
    let missing = (false, vec!["records 9 to 20 are missing".to_owned()], vec!["01 1-8 3".to_owned()]);
    assert_eq!(said(&mut writer, 61, None), missing);
    retire(&mut writer, 62);
    assert_eq!(said(&mut writer, 63, None), missing, "of this time nobody has decided");
    // What came twice and what cannot wholly be read, too.
    let mut whole = station("a", 1, 20);
    let line = String::from_utf8(whole.lines.pop().unwrap()).unwrap();
    whole.write_line(line.replace("\"container\"", "\"vessel\"").into_bytes());
    writer.commit(&[whole.work(9, 20)], at(64)).unwrap();
    again(&mut writer, &whole, 12);
    let why = said(&mut writer, 65, None).1;
    assert!(why.len() == 2 && why[0].contains("came twice") && why[1].starts_with("record 20, stored"), "{why:?}");
    write_off(&mut writer, None, None, 66).unwrap();
    let given_up = ["01 1-8 3", "01 1-20 0", "01 21-end 0"].map(str::to_owned).to_vec();
    assert_eq!(said(&mut writer, 67, None), (true, vec![], given_up));
}

/// As it was written before: without an end, whatever was known.
fn without_an_end(writer: &mut Writer, position: i64, seconds: i64) {
    let series = Station::new("a", 1).series;
    let sql = "INSERT INTO write_off (position, tenant, station, series, first, last, at, reason)
                   VALUES (?, '', 'a', ?, 1, NULL, ?, 'r')";
    writer.connection.execute(sql, params![position, series.0, at(seconds).as_microsecond()]).unwrap();
}

fn what_was_written_off_without_an_end_stands_until_it_goes_on(writer: Writer) {
    let mut writer = retired(writer);
    let whole = station("a", 1, 5);
    again(&mut writer, &whole, 4);
    without_an_end(&mut writer, 1000, 21);
    assert_eq!(said(&mut writer, 30, None), (true, vec![], vec!["01 1-end 3".into()]));
    goes_on(&mut writer);
    let why = ["records 6 to 20 are missing", "1 records came twice with different content"].map(str::to_owned);
    assert_eq!(said(&mut writer, 61, None), (false, why.to_vec(), vec![]));
    without_an_end(&mut writer, 1001, 62);
    assert!(!said(&mut writer, 63, None).0, "it goes on");
    retire(&mut writer, 62);
    assert_eq!(said(&mut writer, 63, None), (true, vec![], vec!["01 1-end 15".into()]));
}

#[test]
fn what_a_series_loses_when_it_goes_on_is_not_given_up_with_its_end() {
    what_is_lost_later_is_named(Writer::in_memory());
    what_was_written_off_without_an_end_stands_until_it_goes_on(Writer::in_memory());
}

#[test]
fn the_same_on_postgresql() {
    let Some(server) = testkit::postgres("write-offs on PostgreSQL") else { return };
    what_is_lost_later_is_named(server.fresh());
    what_was_written_off_without_an_end_stands_until_it_goes_on(server.fresh());
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
