mod lineage;
mod postgres;

use records::wire::{Fork, Receipt, Rejected};
use records::{Draft, Event, Hash, Subject};

use super::*;
use crate::testkit::{Station, at, closed, packed, stamp};

/// A station with `count` packed devices.
fn station(count: usize) -> Station {
    let mut station = Station::new("a", 1);
    for n in 1..=count {
        station.write(n as i64, packed(&format!("S{n}"), "P1", &[("lotCode", "L")]));
    }
    station
}

fn one(writer: &mut Writer, work: Work) -> Receipt {
    let mut committed = writer.commit(&[work], at(100)).unwrap();
    assert_eq!(committed.receipts.len(), 1);
    assert!(committed.refused.is_empty());
    committed.receipts.remove(0)
}

fn records(writer: &Writer) -> i64 {
    writer.connection.query_row("SELECT count(*) FROM record", params![], |row| row.get(0)).unwrap()
}

#[test]
fn a_receipt_names_what_is_stored_and_the_same_again_changes_nothing() {
    let a = station(4);
    let mut writer = Writer::in_memory();
    let receipt = one(&mut writer, a.work(1, 3));
    assert_eq!(receipt, Receipt::stored("a", a.series, 3, records::chain::hash_line(&a.lines[2])));
    assert_eq!(one(&mut writer, a.work(1, 3)), receipt);
    assert_eq!(one(&mut writer, a.work(2, 3)), receipt);
    assert_eq!(records(&writer), 3);
    assert_eq!(one(&mut writer, a.work(2, 4)).up_to, 4);
    let stored: Vec<u8> =
        writer.connection.query_row("SELECT line FROM record WHERE seq = 4", params![], |row| row.get(0)).unwrap();
    assert_eq!(stored, a.lines[3], "byte for byte");
}

#[test]
fn holes_stay_and_close() {
    let a = station(9);
    let hash = |seq: usize| records::chain::hash_line(&a.lines[seq - 1]);
    let mut writer = Writer::in_memory();
    let receipt = one(&mut writer, a.work(5, 6));
    assert_eq!((receipt.up_to, receipt.hash), (0, Hash::ZERO));
    assert_eq!((receipt.also[0].first, receipt.also[0].last, receipt.also[0].hash), (5, 6, hash(6)));
    let also: Vec<u64> = one(&mut writer, a.work(8, 9)).also.iter().map(|run| run.first).collect();
    assert_eq!(also, [5, 8]);
    let receipt = one(&mut writer, a.work(1, 4));
    assert_eq!((receipt.up_to, receipt.hash, receipt.also.len()), (6, hash(6), 1));
    let receipt = one(&mut writer, a.work(6, 8));
    assert_eq!(receipt, Receipt::stored("a", a.series, 9, hash(9)));
}

#[test]
fn the_same_identity_with_other_bytes_is_kept_apart_and_answered_with_a_fork() {
    let a = station(4);
    let mut other = Station::new("a", 1);
    other.lines = a.lines[..2].to_vec();
    other.write(3, packed("X3", "P9", &[]));
    other.write(4, packed("X4", "P9", &[]));
    other.write(5, packed("X5", "P9", &[]));
    let hash = |seq: usize| records::chain::hash_line(&a.lines[seq - 1]);

    let mut writer = Writer::in_memory();
    one(&mut writer, a.work(1, 3));
    let before: String =
        writer.connection.query_row("SELECT group_concat(view) FROM device", params![], |r| r.get(0)).unwrap();
    // At a sequence of its own.
    let receipt = one(&mut writer, other.work(2, 4));
    assert_eq!((receipt.fork, receipt.up_to), (Some(Fork { seq: 3, held: hash(3) }), 3));
    assert!(receipt.resend.is_empty());
    // At the neighbour before.
    assert_eq!(one(&mut writer, other.work(4, 5)).fork, Some(Fork { seq: 3, held: hash(3) }));
    // At the neighbour after.
    let mut writer_of_later = Writer::in_memory();
    one(&mut writer_of_later, a.work(4, 4));
    assert_eq!(one(&mut writer_of_later, other.work(1, 3)).fork, Some(Fork { seq: 3, held: hash(3) }));

    let kept: Vec<(i64, Vec<u8>)> = writer
        .connection
        .query("SELECT seq, line FROM conflict ORDER BY seq", params![], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert_eq!(kept, [(3, other.lines[2].clone()), (4, other.lines[3].clone()), (5, other.lines[4].clone())]);
    let after: String =
        writer.connection.query_row("SELECT group_concat(view) FROM device", params![], |r| r.get(0)).unwrap();
    assert_eq!((records(&writer), after), (3, before));
    // The branch that was there first goes on.
    assert_eq!(one(&mut writer, a.work(4, 4)), Receipt::stored("a", a.series, 4, hash(4)));
}

#[test]
fn another_key_is_refused_without_a_word_to_the_station() {
    let a = station(2);
    let mut thief = Station::new("a", 7);
    thief.series = a.series;
    thief.lines = a.lines.clone();
    thief.write(9, packed("X", "P9", &[]));
    let mut writer = Writer::in_memory();
    one(&mut writer, a.all());
    let committed = writer.commit(&[thief.all()], at(100)).unwrap();
    assert!(committed.receipts.is_empty());
    assert_eq!(committed.refused[0].station, "a");
    assert_eq!(records(&writer), 2);
}

#[test]
fn a_signed_line_that_cannot_be_read_is_a_named_hole_and_the_others_come_in() {
    let mut a = station(2);
    a.write_line(b"{\"seq\":".to_vec());
    let broken = a.head();
    let place = records::Place { seq: 4, prev: broken, rules: Hash::ZERO, at: stamp(4) };
    let draft = packed("S4", "P1", &[]);
    a.write_line(records::Record::new(draft, place).to_line().unwrap());
    let mut writer = Writer::in_memory();
    let Work::Unreadable(unreadable) = a.all() else { panic!("readable") };
    let receipt = one(&mut writer, Work::Unreadable(unreadable));
    let [Rejected { first: 3, last: 3, reason }] = &receipt.rejected[..] else { panic!("{receipt:?}") };
    assert!(reason.contains("cannot be read"), "{reason}");
    one(&mut writer, a.work(1, 2));
    let receipt = one(&mut writer, a.work(4, 4));
    assert_eq!((receipt.up_to, receipt.also[0].first), (2, 4));
    assert!(receipt.resend.is_empty(), "asking again would bring the same again");
    assert_eq!(writer.snapshot().unwrap().stations().unwrap()[0].rejections, 1);
}

#[test]
fn no_path_changes_or_removes_a_stored_line() {
    let a = station(2);
    let mut writer = Writer::in_memory();
    one(&mut writer, a.all());
    for statement in [
        "UPDATE record SET line = x'00'",
        "DELETE FROM record WHERE seq = 1",
        "UPDATE segment SET head = x'00'",
        "DELETE FROM segment",
        "INSERT INTO conflict (series_id, seq, hash, line, stored_at) VALUES (1, 1, x'00', x'00', 0); DELETE FROM conflict",
        "INSERT OR REPLACE INTO record SELECT position, series_id, seq, hash, x'00', 0 FROM record",
    ] {
        let error = writer.connection.batch(statement).unwrap_err().to_string();
        assert!(error.contains("stored"), "{statement}: {error}");
    }
}

#[test]
fn a_status_that_shows_a_loss_here_asks_for_it_and_an_old_one_counts_for_nothing() {
    let a = station(6);
    let mut writer = Writer::in_memory();
    one(&mut writer, a.work(1, 3));
    // Two of six wait for a receipt, so the station has one for record 4, and here it is missing.
    assert_eq!(one(&mut writer, a.status(10, 2)).resend, [(4, 4)]);
    assert!(writer.commit(&[a.status(11, 3)], at(11)).unwrap().receipts.is_empty());
    assert!(writer.commit(&[a.status(10, 0)], at(99)).unwrap().receipts.is_empty());
    let state = writer.snapshot().unwrap().stations().unwrap().remove(0);
    assert_eq!(state.status.unwrap().1, at(11));
    assert!(!state.unverified);
}

#[test]
fn a_status_before_the_first_record_is_verified_when_its_series_comes() {
    let a = station(2);
    let mut thief = Station::new("a", 7);
    (thief.series, thief.lines) = (a.series, a.lines.clone());
    let mut writer = Writer::in_memory();
    writer.commit(&[thief.status(50, 0)], at(50)).unwrap();
    assert!(writer.snapshot().unwrap().stations().unwrap()[0].unverified);
    one(&mut writer, a.all());
    let state = writer.snapshot().unwrap().stations().unwrap().remove(0);
    assert!(state.unverified && state.status.is_none());
    // The true one counts, although the other claimed to be later; that one no longer does.
    writer.commit(&[a.status(10, 0), thief.status(60, 0)], at(60)).unwrap();
    let state = writer.snapshot().unwrap().stations().unwrap().remove(0);
    assert_eq!((state.unverified, state.status.unwrap().1), (false, at(10)));
}

#[test]
fn only_what_is_inside_now_is_counted() {
    let mut a = station(2);
    a.write(3, closed("P1", "U1"));
    let wrong = a.write(4, packed("S3", "P2", &[]));
    let mut writer = Writer::in_memory();
    one(&mut writer, a.all());
    let stored = |writer: &mut Writer| {
        let stored = writer.snapshot().unwrap().stored().unwrap();
        (stored.devices, stored.packages, stored.pallets, stored.position)
    };
    assert_eq!(stored(&mut writer), (3, 2, 1, 4));
    a.write(5, crate::testkit::voided(Subject::device("S3"), wrong));
    one(&mut writer, a.work(5, 5));
    assert_eq!(stored(&mut writer), (2, 1, 1, 5));
}

#[test]
fn what_is_no_record_is_stored_all_the_same() {
    let mut a = Station::new("a", 1);
    a.write_line(format!(r#"{{"v":1,"seq":1,"prev":"{}","colour":"red"}}"#, Hash::ZERO).into_bytes());
    let newer = Draft { event: Event::Unknown, ..packed("S2", "P1", &[("lotCode", "L")]) };
    a.write(2, newer);
    let mut writer = Writer::in_memory();
    assert_eq!(one(&mut writer, a.all()).up_to, 2);
    let snapshot = writer.snapshot().unwrap();
    assert_eq!(snapshot.devices("S2", true).unwrap().len(), 1, "an unknown event still joins its group");
}

#[test]
fn stores_that_cannot_be_used_are_named_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.db");
    std::fs::write(&path, vec![7; 20_000]).unwrap();
    let error = Writer::open(&path).err().unwrap().to_string();
    assert!(error.contains("m.db") && error.contains("damaged"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), vec![7; 20_000]);

    let newer = folder.path().join("newer.db");
    drop(Writer::open(&newer).unwrap());
    rusqlite::Connection::open(&newer).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(Writer::open(&newer), Err(sql::Error::File(base::sqlite::Error::Newer { found: 99, .. }))));
}

#[test]
fn a_rebuild_says_how_many_rows_were_changed_by_hand_and_mends_them() {
    let a = station(3);
    let mut writer = Writer::in_memory();
    one(&mut writer, a.all());
    for (change, differing) in [
        ("SELECT 1", 0),
        ("UPDATE member SET since = 0 WHERE dimension = 'lotCode' AND serial = 'S2'", 2),
        ("DELETE FROM about WHERE position = 1; DELETE FROM tally", 3),
        ("INSERT INTO inside (parent, child) VALUES (77, 78)", 1),
        ("INSERT INTO subject (tenant, kind, name, scope) VALUES ('', 'device', 'X', '')", 1),
    ] {
        let before = writer.snapshot().unwrap().stored().unwrap();
        writer.connection.batch(change).unwrap();
        assert_eq!(writer.rebuild(|_| ()).unwrap(), Rebuilt { devices: 3, differing }, "{change}");
        assert_eq!(writer.snapshot().unwrap().stored().unwrap(), before);
        assert_eq!(writer.rebuild(|_| ()).unwrap().differing, 0);
    }
}

#[test]
fn a_segment_of_another_series_with_the_same_number_is_another_record() {
    let a = station(1);
    let mut b = Station::new("a", 2);
    b.write(1, packed("S1", "P1", &[]));
    let mut writer = Writer::in_memory();
    one(&mut writer, a.all());
    assert!(one(&mut writer, b.all()).fork.is_none());
    assert_eq!(records(&writer), 2);
}
