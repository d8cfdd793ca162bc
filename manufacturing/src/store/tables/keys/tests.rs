use proptest::prelude::*;
use records::enrolment::{SERVICE, endorse};
use records::segment::Segment;
use records::{Event, FixedBytes, PublicKey, SeriesId, SigningKey, Subject};

use crate::store::sql::{self, Connection, params};
use crate::store::tables::{MIGRATIONS, TENANT, Writer, own};
use crate::store::work::Committed;
use crate::store::{Ask, Denied, Enrolment, Work};
use crate::testkit::{self, Station, at, packed};

/// A station with two packed devices; stations with one name and other numbers have other keys and series.
fn station(name: &str, number: u8) -> Station {
    let mut station = Station::new(name, number);
    station.write(1, packed(&format!("{name}{number}-1"), "P1", &[]));
    station.write(2, packed(&format!("{name}{number}-2"), "P1", &[]));
    station
}

fn decide(writer: &mut Writer, ask: Ask, seconds: i64) -> Result<(), Denied> {
    let (work, answer) = testkit::ask(ask);
    writer.commit(&[work], at(seconds)).unwrap();
    answer.get().unwrap().clone()
}

fn enrol(writer: &mut Writer, station: &Station) -> Result<(), Denied> {
    decide(writer, Ask::Enrol { station: station.name.clone(), key: station.key.public() }, 5)
}

fn revoke(writer: &mut Writer, station: &Station) -> Result<(), Denied> {
    let reason = "the card was stolen".to_owned();
    decide(writer, Ask::Revoke { station: station.name.clone(), key: station.key.public(), reason }, 6)
}

fn token(writer: &mut Writer, station: &str, token: &str, seconds: i64) -> Result<(), Denied> {
    decide(writer, Ask::Token { station: station.into(), token: token.into() }, seconds)
}

/// Taken: a receipt and nothing refused.
fn is_taken(committed: &Committed) -> bool {
    assert_eq!(committed.receipts.is_empty(), !committed.refused.is_empty(), "{committed:?}");
    committed.refused.is_empty()
}

fn sends(writer: &mut Writer, station: &Station) -> bool {
    is_taken(&writer.commit(&[station.all()], at(100)).unwrap())
}

/// Station, key and how of each key that counts, and "revoked" of the others.
fn keys(writer: &mut Writer) -> Vec<(String, PublicKey, String)> {
    let keys = writer.snapshot().unwrap().keys().unwrap();
    keys.into_iter()
        .map(|key| (key.station, key.key, if key.revoked.is_some() { "revoked".into() } else { key.how }))
        .collect()
}

fn records_of(writer: &Writer, station: &str) -> i64 {
    let sql = "SELECT count(*) FROM record JOIN series ON id = series_id WHERE station = ?";
    writer.connection.query_row(sql, params![station], |row| row.get(0)).unwrap()
}

/// The service's lines with their envelopes, as they could be exported.
fn own_segments(writer: &Writer) -> Vec<Vec<u8>> {
    let segment = |row: &sql::Row<'_>| {
        let hex32 = |n| row.get(n).map(|bytes| FixedBytes::<32>(bytes).to_string());
        let (first, last): (i64, i64) = (row.get(1)?, row.get(2)?);
        let mut text = serde_json::json!({
            "v": row.get::<i64>(3)?, "station": SERVICE, "series": FixedBytes::<16>(row.get(0)?).to_string(), "first": first,
            "last": last, "prev": hex32(4)?, "head": hex32(5)?, "key": hex32(6)?, "sig": FixedBytes::<64>(row.get(7)?).to_string(),
        })
        .to_string()
        .into_bytes();
        text.push(b'\n');
        let of: i64 = row.get(8)?;
        let sql = "SELECT line FROM record WHERE series_id = ? AND seq BETWEEN ? AND ? ORDER BY seq";
        for line in writer.connection.query(sql, params![of, first, last], |row| row.get::<Vec<u8>>(0))? {
            text.extend(line);
            text.push(b'\n');
        }
        Ok(text)
    };
    let sql =
        "SELECT series, first, last, v, prev, head, key, sig, series_id FROM segment JOIN series ON id = series_id
         WHERE station = 'service' ORDER BY series_id, first";
    writer.connection.query(sql, params![], segment).unwrap()
}

#[test]
fn the_first_key_of_a_station_counts_and_no_other_and_that_is_on_record() {
    let (a, thief) = (station("a", 1), station("a", 7));
    let mut writer = Writer::in_memory_as(Enrolment::FirstUse);
    let committed = writer.commit(&[a.work(1, 1), thief.all(), a.work(2, 2), thief.status(50, 0)], at(100)).unwrap();
    assert_eq!(committed.receipts.len(), 1, "the service gives itself none");
    assert_eq!((&*committed.receipts[0].station, committed.receipts[0].up_to), ("a", 2));
    assert_eq!((committed.refused.len(), records_of(&writer, "a")), (2, 2));
    assert!(committed.refused[0].reason.contains("station enrol a "), "{:?}", committed.refused[0]);
    let key = |station: &Station| station.key.public();
    let states = writer.snapshot().unwrap().stations().unwrap();
    let strangers: Vec<_> = states.iter().flat_map(|state| &state.strangers).collect();
    assert_eq!((strangers.len(), strangers[0].key, strangers[0].count), (1, key(&thief), 2));
    assert_eq!(keys(&mut writer), [("a".into(), key(&a), "firstUse".into())]);
    assert!(
        writer
            .snapshot()
            .unwrap()
            .stations()
            .unwrap()
            .iter()
            .all(|state| state.station == "a" && state.status.is_none())
    );
    let segments = own_segments(&writer);
    let read: Vec<Segment> = segments.iter().map(|segment| Segment::parse(segment).unwrap()).collect();
    let lines: Vec<&[u8]> = read.iter().flat_map(|segment| &segment.lines).map(|line| &*line.bytes).collect();
    let records: Vec<records::Record> = lines.iter().map(|line| serde_json::from_slice(line).unwrap()).collect();
    assert_eq!(
        records.iter().map(|record| record.event).collect::<Vec<_>>(),
        [Event::SeriesStarted, Event::KeyEnrolled]
    );
    assert_eq!((&*records[0].at.boot, records[1].at.wall, &records[1].actor), ("service", at(100), &None));
}

#[test]
fn without_first_use_a_person_enrols() {
    for mode in [Enrolment::Closed, Enrolment::Token] {
        let a = station("a", 1);
        let mut writer = Writer::in_memory_as(mode);
        assert!(!sends(&mut writer, &a));
        let status = writer.commit(&[a.status(9, 0)], at(9)).unwrap();
        let states = writer.snapshot().unwrap().stations().unwrap();
        assert_eq!((status.refused.len(), states.len(), states[0].series), (1, 1, None));
        assert_eq!((states[0].strangers[0].key, states[0].strangers[0].count), (a.key.public(), 2));
        assert_eq!(enrol(&mut writer, &a), Ok(()));
        assert!(sends(&mut writer, &a));
        assert!(writer.snapshot().unwrap().stations().unwrap().iter().all(|state| state.strangers.is_empty()));
        assert!(matches!(enrol(&mut writer, &a), Err(Denied::Enrolled { .. })));
        assert!(!sends(&mut writer, &station("b", 1)), "a key counts for its station alone");
    }
}

#[test]
fn an_unreadable_line_is_named_for_an_enrolled_key_only() {
    let (mut a, mut thief) = (station("a", 1), station("a", 7));
    a.write_line(b"rubbish".to_vec());
    thief.write_line(b"rubbish".to_vec());
    let mut writer = Writer::in_memory_as(Enrolment::FirstUse);
    assert!(is_taken(&writer.commit(&[a.work(2, 3)], at(1)).unwrap()));
    assert!(!is_taken(&writer.commit(&[thief.work(2, 3)], at(1)).unwrap()));
}

#[test]
fn a_token_lets_in_one_key_of_its_station_once() {
    let (a, second, b) = (station("a", 1), station("a", 2), station("b", 3));
    let mut writer = Writer::in_memory_as(Enrolment::Token);
    token(&mut writer, "a", "secret", 0).unwrap();
    let status =
        |writer: &mut Writer, work: Work, seconds| writer.commit(&[work], at(seconds)).unwrap().refused.is_empty();
    assert!(!status(&mut writer, b.status_with_token(10, "secret"), 10), "it is for another station");
    assert!(!status(&mut writer, a.status_with_token(10, "Secret"), 10));
    assert!(status(&mut writer, a.status_with_token(11, "secret"), 11));
    assert!(!status(&mut writer, second.status_with_token(12, "secret"), 12), "it is spent");
    assert!(sends(&mut writer, &a) && !sends(&mut writer, &second));
    assert_eq!(keys(&mut writer), [("a".into(), a.key.public(), "token".into())]);

    token(&mut writer, "b", "late", 0).unwrap();
    let day = 24 * 3600;
    assert!(!status(&mut writer, b.status_with_token(7 * day, "late"), 7 * day), "after 7 days it is void");
    let many: Vec<_> = (0..17).map(|n| token(&mut writer, "b", &format!("t{n}"), 8 * day)).collect();
    assert!(many[..16].iter().all(Result::is_ok) && matches!(many[16], Err(Denied::TooManyTokens { .. })));
    assert_eq!(token(&mut Writer::in_memory_as(Enrolment::Closed), "a", "t", 0), Err(Denied::NoTokens));
}

#[test]
fn a_station_for_which_a_token_waits_is_not_open_to_whoever_comes_first() {
    let (a, thief) = (station("a", 1), station("a", 7));
    let mut writer = Writer::in_memory_as(Enrolment::FirstUse);
    token(&mut writer, "a", "secret", 0).unwrap();
    assert!(!sends(&mut writer, &thief));
    assert!(writer.commit(&[a.status_with_token(10, "secret")], at(10)).unwrap().refused.is_empty());
    assert!(sends(&mut writer, &a) && !sends(&mut writer, &thief));
}

/// A series of `number` that bears the word of `by` for this station, series and key.
fn endorsed(number: u8, by: &SigningKey, name: &str, series: SeriesId, key: &PublicKey) -> Station {
    let mut station = Station::new("a", number);
    station.begin_after(by.public(), endorse(by, name, series, key));
    station.write(2, packed(&format!("E{number}"), "P1", &[]));
    station
}

#[test]
fn a_new_key_comes_in_with_the_word_of_an_enrolled_one_and_a_forged_word_does_not() {
    let (a, thief, other) = (station("a", 1), station("a", 7), station("b", 3));
    let mut writer = Writer::in_memory_as(Enrolment::FirstUse);
    assert!(sends(&mut writer, &a) && sends(&mut writer, &other));
    let new = Station::new("a", 2);
    let (series, key) = (new.series, new.key.public());
    for (forged, why) in [
        (endorsed(2, &thief.key, "a", series, &key), "by a key that is not enrolled"),
        (endorsed(2, &other.key, "a", series, &key), "by a key of another station"),
        (endorsed(2, &a.key, "b", series, &key), "for another station"),
        (endorsed(2, &a.key, "a", a.series, &key), "for another series"),
        (endorsed(2, &a.key, "a", series, &thief.key.public()), "for another key"),
    ] {
        assert!(!sends(&mut writer, &forged), "{why}");
    }
    let mut stolen = Station::new("a", 2);
    stolen.begin_after(a.key.public(), endorse(&thief.key, "a", series, &key));
    assert!(!sends(&mut writer, &stolen), "signed by another key than it names");
    let good = endorsed(2, &a.key, "a", series, &key);
    assert!(!is_taken(&writer.commit(&[good.work(2, 2)], at(9)).unwrap()), "record 1 has the word");
    assert!(sends(&mut writer, &good));
    assert!(keys(&mut writer).contains(&("a".into(), key, "endorsed".into())));

    revoke(&mut writer, &good).unwrap();
    let after = Station::new("a", 4);
    assert!(!sends(&mut writer, &endorsed(4, &good.key, "a", after.series, &after.key.public())), "by a revoked key");
    assert!(
        !sends(&mut writer, &endorsed(2, &a.key, "a", series, &key)),
        "a revoked key stays out, whoever endorses it"
    );
}

#[test]
fn what_a_revoked_key_signs_is_refused_and_what_is_stored_stays() {
    let mut a = station("a", 1);
    let mut writer = Writer::in_memory_as(Enrolment::FirstUse);
    assert!(sends(&mut writer, &a));
    a.write(3, packed("late", "P1", &[]));
    let (asked, answer) =
        testkit::ask(Ask::Revoke { station: "a".into(), key: a.key.public(), reason: "the card was stolen".into() });
    // In one transaction: what comes after the decision is refused.
    let committed = writer.commit(&[a.work(2, 2), asked, a.work(3, 3), a.status(20, 0)], at(20)).unwrap();
    assert_eq!((answer.get(), committed.refused.len(), committed.receipts[0].up_to), (Some(&Ok(())), 2, 2));
    assert_eq!(records_of(&writer, "a"), 2);
    assert!(!sends(&mut writer, &a), "not even a receipt for what is stored");
    assert!(matches!(enrol(&mut writer, &a), Err(Denied::Revoked { .. })));
    assert!(matches!(revoke(&mut writer, &a), Err(Denied::Revoked { .. })));
    assert!(!sends(&mut writer, &station("a", 2)), "who lost one key cannot come in as new with another");
    assert!(matches!(revoke(&mut writer, &station("a", 3)), Err(Denied::UnknownKey { .. })));
    assert_eq!(revoke(&mut writer, &station("a", 2)), Ok(()), "a person says that it is none of the station's");
    assert!(matches!(enrol(&mut writer, &station("a", 2)), Err(Denied::Revoked { .. })));
    assert_eq!(revoke(&mut writer, &station("z", 2)), Err(Denied::UnknownStation("z".into())));
}

#[test]
fn no_station_can_speak_as_the_service() {
    let (a, false_one) = (station("a", 1), station(SERVICE, 7));
    let mut writer = Writer::in_memory_as(Enrolment::FirstUse);
    assert!(sends(&mut writer, &a));
    let online = Work::Online { station: SERVICE.into(), online: true };
    let before = records_of(&writer, SERVICE);
    let committed = writer.commit(&[false_one.all(), false_one.status(9, 0), online], at(9)).unwrap();
    assert_eq!((committed.refused.len(), committed.receipts.len()), (3, 0));
    // Not even with its key: what it has not written, it has not said.
    let mut forged = Station::new(SERVICE, 99);
    forged.write(1, super::enrolled("a", &false_one.key.public(), super::How::Person));
    assert_eq!(writer.commit(&[forged.all()], at(9)).unwrap().refused.len(), 1);
    forged.series = Segment::parse(&own_segments(&writer)[0]).unwrap().envelope.series;
    assert_eq!(writer.commit(&[forged.all()], at(9)).unwrap().refused.len(), 1, "nor in its series");
    for segment in own_segments(&writer) {
        let crate::ingest::Verdict::Segment(checked) = crate::ingest::check(SERVICE, &segment) else {
            panic!("refused")
        };
        let again = writer.commit(&[Work::Segment(checked)], at(9)).unwrap();
        assert!(again.refused.is_empty() && again.receipts.is_empty(), "its own records come back and change nothing");
    }
    assert_eq!(records_of(&writer, SERVICE), before);
    assert_eq!(keys(&mut writer).len(), 1);
    assert!(
        writer.snapshot().unwrap().stations().unwrap().iter().all(|state| state.station != SERVICE),
        "it is never silent"
    );
}

#[test]
fn a_store_of_before_takes_over_the_keys_that_it_knows() {
    let (a, b) = (station("a", 1), station("b", 2));
    let mut connection = rusqlite::Connection::open_in_memory().unwrap();
    base::sqlite::migrate(&mut connection, &MIGRATIONS[..1]).unwrap();
    for (station, id) in [(&a, 1), (&b, 2)] {
        let row = rusqlite::params![id, TENANT, station.name, station.series.0, station.key.public().0];
        connection
            .execute("INSERT INTO series (id, tenant, station, series, key) VALUES (?, ?, ?, ?, ?)", row)
            .unwrap();
    }
    let mut writer = Writer::with(Connection::of_test(connection, &MIGRATIONS))
        .unwrap()
        .owned(testkit::own(Enrolment::Closed), at(0))
        .unwrap();
    let all = [("a".into(), a.key.public(), "firstUse".into()), ("b".into(), b.key.public(), "firstUse".into())];
    assert_eq!(keys(&mut writer), all);
    assert!(sends(&mut writer, &a) && !sends(&mut writer, &station("a", 9)));
    let written = records_of(&writer, SERVICE);
    let mut writer = writer.owned(testkit::own(Enrolment::Closed), at(1)).unwrap();
    assert_eq!((records_of(&writer, SERVICE), keys(&mut writer)), (written, all.to_vec()), "once");
}

#[test]
fn a_service_with_another_key_goes_on_in_another_series() {
    let mut writer = Writer::in_memory_as(Enrolment::Closed);
    enrol(&mut writer, &station("a", 1)).unwrap();
    let own = own::Own { key: SigningKey::from_seed(FixedBytes([98; 32])), ..testkit::own(Enrolment::Closed) };
    let mut writer = writer.owned(own, at(1)).unwrap();
    enrol(&mut writer, &station("b", 1)).unwrap();
    let segments = own_segments(&writer);
    let [first, second] = &segments[..] else { panic!("{}", segments.len()) };
    let (first, second) = (Segment::parse(first).unwrap(), Segment::parse(second).unwrap());
    let started: records::Record = serde_json::from_slice(&second.lines[0].bytes).unwrap();
    assert_eq!(started.attributes["seriesBefore"], first.envelope.series.to_string());
    assert_eq!((&started.attributes["lastBefore"], &started.attributes["why"]), (&2.into(), &"replaced".into()));
    assert_eq!(keys(&mut writer).len(), 2, "what was decided with the old key holds");
}

#[derive(Debug, Clone)]
enum Op {
    Send(u8, u8),
    Ask(Ask),
}

fn op() -> impl Strategy<Value = Op> {
    let (name, reason) = (|n: u8| format!("s{n}"), || "r".to_owned());
    let key = |n: u8| SigningKey::from_seed(FixedBytes([n; 32])).public();
    let lot = |n: u8| Subject::new(records::Kind::Lot, format!("L{n}"));
    prop_oneof![
        3 => (0..2u8, 1..4u8).prop_map(|(station, key)| Op::Send(station, key)),
        2 => (0..2u8, 1..4u8).prop_map(move |(s, k)| Op::Ask(Ask::Enrol { station: name(s), key: key(k) })),
        2 => (0..2u8, 1..4u8).prop_map(move |(s, k)| Op::Ask(Ask::Revoke { station: name(s), key: key(k), reason: reason() })),
        1 => (0..2u8).prop_map(move |s| Op::Ask(Ask::Retire { station: name(s), reason: reason() })),
        1 => (0..2u8).prop_map(move |s| Op::Ask(Ask::WriteOff { station: name(s), series: None, range: None, reason: reason() })),
        1 => (0..2u8).prop_map(move |n| Op::Ask(Ask::Hold { what: lot(n), reason: reason() })),
        1 => (0..2u8).prop_map(move |n| Op::Ask(Ask::Release { what: lot(n), reason: reason() })),
    ]
}

fn decided(writer: &Writer) -> Vec<String> {
    let queries = [
        "SELECT station || hex(key) || how || since || coalesce(revoked_at, '-') || coalesce(reason, '-') FROM station_key ORDER BY 1",
        "SELECT station || since || reason FROM retired ORDER BY 1",
        "SELECT position || station || hex(series) || first || coalesce(last, '-') || at || reason FROM write_off ORDER BY 1",
        "SELECT kind || name || held || since || reason || position FROM hold ORDER BY 1",
    ];
    let rows = |sql| writer.connection.query(sql, params![], |row| row.get::<String>(0)).unwrap();
    queries.into_iter().flat_map(rows).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// However it came about: what is decided follows from the records, a rebuild gives the same, and nothing of a key that
    /// does not count at that moment is stored.
    #[test]
    fn what_is_decided_follows_from_the_records(ops in prop::collection::vec(op(), 1..30), group in 1..4usize) {
        let mut writer = Writer::in_memory_as(Enrolment::FirstUse);
        let [mut counts, mut gone, mut strange] = [const { std::collections::BTreeSet::new() }; 3];
        for (n, ops) in ops.chunks(group).enumerate() {
            let mut works = Vec::new();
            let mut expected = std::collections::BTreeSet::new();
            for op in ops {
                match op {
                    Op::Send(station, key) => {
                        let name = format!("s{station}");
                        let mut sender = self::station(&name, *key);
                        sender.write(9, packed("X", "P1", &[]));
                        let id = (name.clone(), sender.key.public());
                        if !counts.iter().chain(&gone).any(|(of, _)| *of == name) {
                            counts.insert(id.clone());
                        }
                        if counts.contains(&id) {
                            expected.insert((name, sender.series));
                        } else {
                            strange.insert(id);
                        }
                        works.push(sender.work(2, 3));
                    }
                    Op::Ask(ask) => {
                        match ask {
                            Ask::Enrol { station, key } if !gone.contains(&(station.clone(), *key)) => {
                                counts.insert((station.clone(), *key));
                            }
                            // A person may also say that a key which was refused is none of the station's.
                            Ask::Revoke { station, key, .. } => {
                                let id = (station.clone(), *key);
                                if counts.remove(&id) || strange.contains(&id) {
                                    gone.insert(id);
                                }
                            }
                            _ => {}
                        }
                        works.push(testkit::ask(ask.clone()).0);
                    }
                }
            }
            let committed = writer.commit(&works, at(n as i64)).unwrap();
            let taken = committed.receipts.iter().map(|receipt| (receipt.station.clone(), receipt.series)).collect();
            prop_assert_eq!(expected, taken);
        }
        let before = decided(&writer);
        writer.rebuild(|_| ()).unwrap();
        prop_assert_eq!(decided(&writer), before);
    }
}
