use records::{Draft, FixedBytes, Hash, Joined, Level, Place, RecordId, Stamp, Subject};

use super::*;
use crate::journal::{MIGRATIONS, Marks, Opened};

fn connection(migrations: usize) -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    for migration in &MIGRATIONS[..migrations] {
        connection.execute_batch(migration.sql).unwrap();
    }
    connection
}

const PRESENT: SeriesId = FixedBytes([1; 16]);
const BEFORE: SeriesId = FixedBytes([2; 16]);

fn full() -> Known {
    Known {
        seq: 7,
        series: Some(BEFORE),
        package: Some("P".into()),
        state: UnitState::Packed,
        test: Some(Tested { passed: false, attempts: 3, at: Some(5) }),
        work_order: Some("WO".into()),
        lot: Some("L".into()),
        unchecked: true,
        held: true,
    }
}

#[test]
fn a_row_reads_back_whatever_it_says() {
    let connection = connection(MIGRATIONS.len());
    let out = Known { seq: 9, state: UnitState::Out, ..Known::default() };
    for known in [full(), out, Known::packed(3, "P")] {
        put(&connection, "s", "A", &known, PRESENT).unwrap();
        assert_eq!(read(&connection, "s", "A", PRESENT).unwrap(), Some(known));
        assert_eq!(damaged(&connection).unwrap(), []);
    }
    // What was written in this series is of a series before once another one begins.
    let later = read(&connection, "s", "A", BEFORE).unwrap().unwrap();
    assert_eq!((later.seq, later.series), (3, Some(PRESENT)));
    let set = Known { series: Some(PRESENT), ..full() };
    put(&connection, "s", "A", &set, PRESENT).unwrap();
    assert_eq!(read(&connection, "s", "A", PRESENT).unwrap().unwrap().series, None);
}

#[test]
fn units_from_before_are_known_with_their_checksums() {
    for (before, series) in [(None, Some(BEFORE)), (Some([3_u8; 16]), None)] {
        let connection = connection(5);
        connection
            .execute(
                "INSERT INTO station (id, name, series, state, settled, answered, before) VALUES (1, 'a', ?1, '{}', 0, 0, ?2)",
                params![BEFORE.0, before],
            )
            .unwrap();
        let crc = crc32c::crc32c(b"\0A\x007\0P");
        let old = "INSERT INTO known (scope, serial, seq, package, crc) VALUES ('', ?1, 7, 'P', ?2)";
        connection.execute(old, params!["A", crc]).unwrap();
        connection.execute(old, params!["no checksum", None::<u32>]).unwrap();
        connection.execute(old, params!["damaged", crc]).unwrap();
        let of_old = of_wreck(&connection);
        for migration in &MIGRATIONS[5..] {
            connection.execute_batch(migration.sql).unwrap();
        }
        assert_eq!(damaged(&connection).unwrap(), [(vec![], b"damaged".to_vec())]);
        let known = read(&connection, "", "A", PRESENT).unwrap().unwrap();
        let seq = if series.is_some() { 7 } else { 0 };
        assert_eq!(known, Known { seq, series, ..Known::packed(7, "P") });
        for wreck in [of_old, of_wreck(&connection)] {
            let serials: Vec<_> = wreck.iter().map(|row| (row.serial.as_str(), row.known.seq)).collect();
            assert_eq!(serials, [("A", 7), ("no checksum", 7)], "also from a file that was never brought up to date");
        }
    }
}

#[test]
fn every_column_counts_for_the_checksum() {
    let connection = connection(MIGRATIONS.len());
    put(&connection, "s", "A", &full(), PRESENT).unwrap();
    for change in [
        "seq = 8",
        "package = 'Q'",
        "era = 5",
        "state = 3",
        "tests = 3",
        "work_order = ''",
        "unchecked = 0",
        "lot = 'M'",
        "at = 6",
    ] {
        connection.execute_batch(&format!("SAVEPOINT a; UPDATE unit SET {change}")).unwrap();
        assert_eq!(damaged(&connection).unwrap().len(), 1, "{change}");
        connection.execute_batch("ROLLBACK TO a").unwrap();
    }
}

#[test]
fn records_alone_say_where_a_unit_is() {
    let connection = connection(MIGRATIONS.len());
    let mut seq = 0;
    let mut record = |event, into: &[&str], attributes: &[(&str, serde_json::Value)]| {
        seq += 1;
        let mut draft = Draft::new(event, Subject::device("A"));
        draft.into = into.iter().map(|id| Joined::container(*id, Level::Package)).collect();
        draft.attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        draft.corrects = Some(RecordId { station: "a".into(), series: PRESENT, seq: 1 });
        let at = Stamp { wall: jiff::Timestamp::UNIX_EPOCH, synchronised: true, boot: "b".into(), since_boot: 0 };
        let place = Place { seq, prev: Hash::ZERO, rules: Hash::ZERO, at };
        learn(&connection, PRESENT, seq, &Record::new(draft, place)).unwrap();
        read(&connection, "", "A", PRESENT).unwrap()
    };
    let packed = record(Event::Packed, &["P"], &[("workOrder", "WO".into())]).unwrap();
    assert_eq!((packed.package.as_deref(), packed.work_order.as_deref()), (Some("P"), Some("WO")));
    assert_eq!(record(Event::Voided, &[], &[]), None);
    let failed = record(Event::Tested, &[], &[("result", "fail".into()), ("attempt", 2.into())]).unwrap();
    assert_eq!((failed.state, failed.test), (UnitState::Seen, Some(Tested { passed: false, attempts: 2, at: None })));
    record(Event::Packed, &["P"], &[]);
    assert_eq!(record(Event::Moved, &["Q"], &[]).unwrap().package.as_deref(), Some("Q"));
    assert_eq!(record(Event::Voided, &[], &[]).unwrap().state, UnitState::Seen, "its test is known still");
    assert_eq!(record(Event::TakenOut, &[], &[]).unwrap().state, UnitState::Out);
    let scrapped = record(Event::Scrapped, &[], &[]).unwrap();
    assert_eq!((scrapped.state, scrapped.package), (UnitState::Scrapped, None));
}

#[test]
fn units_of_a_container_and_unchecked_ones_are_told() {
    let folder = tempfile::tempdir().unwrap();
    Marks::enter(folder.path(), 0).unwrap();
    let Opened { journal, .. } = Journal::open_on("m", folder.path(), "a", 1 << 20, 0).unwrap();
    for (scope, serial, package, unchecked) in
        [("", "B", "P", false), ("", "A", "P", true), ("", "C", "Q", true), ("component:x", "D", "P", false)]
    {
        let known = Known { unchecked, ..Known::packed(1, package) };
        put(&journal.connection, scope, serial, &known, PRESENT).unwrap();
    }
    assert_eq!(units_in(&journal.connection, "P").unwrap(), ["A", "B"]);
    assert_eq!(units_in(&journal.connection, "").unwrap(), [""; 0]);
    assert_eq!(journal.unchecked_after(&Default::default(), 10).unwrap().len(), 2);
}
