mod offline;
mod random;

use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::export::tests::{folder, station, stored_in, works};
use crate::store::FILE;

/// Changes the store behind the service's back.
fn edit(folder: &TempDir, sql: &str) {
    let connection = Connection::open(folder.path().join(FILE)).unwrap();
    let triggers: Vec<String> = connection
        .prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    connection.pragma_update(None, "foreign_keys", false).unwrap();
    for trigger in triggers {
        connection.execute_batch(&format!("DROP TRIGGER {trigger}")).unwrap();
    }
    connection.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// What is found in the store.
fn live(folder: &TempDir) -> Report {
    let mut connection = export::open(&stored_in(folder.path())).unwrap();
    store(&export::snapshot(&mut connection).unwrap(), drop).unwrap()
}

/// Faults as `station first-last what`.
fn found(report: &Report) -> Vec<String> {
    assert_eq!(report.faults.len() as u64, report.fault_count);
    let place = |fault: &Fault| match (fault.first, fault.last) {
        (Some(first), Some(last)) if first == last => format!(" {first}"),
        (Some(first), Some(last)) => format!(" {first}-{last}"),
        _ => String::new(),
    };
    let line =
        |fault: &Fault| format!("{}{} {}", fault.station.as_deref().unwrap_or("*"), place(fault), fault.what.word());
    report.faults.iter().map(line).collect()
}

/// What an edit of the store of [`works`] shows.
fn after(sql: &str) -> Vec<String> {
    let folder = folder(&works());
    edit(&folder, sql);
    found(&live(&folder))
}

const A: &str = "series_id = (SELECT id FROM series WHERE station = 'a')";

#[test]
fn nothing_is_found_where_nothing_was_done() {
    let folder = folder(&works());
    let report = live(&folder);
    assert_eq!(found(&report), Vec::<String>::new());
    assert_eq!((report.series, report.records, report.envelopes, report.apart), (2, 13, 5, 1));
    let holes: Vec<(&str, u64, u64, export::Why)> =
        report.holes.iter().map(|hole| (&*hole.station, hole.first, hole.last, hole.why)).collect();
    assert_eq!(holes, [("b", 3, 4, export::Why::NotCome)]);
    edit(&folder, "SELECT 1");
    assert!(live(&folder).is_sound(), "the triggers themselves are no evidence");
}

#[test]
fn a_changed_line_is_found() {
    let change = "line = CAST(replace(CAST(line AS TEXT), 'S5', 'X5') AS BLOB)";
    assert_eq!(after(&format!("UPDATE record SET {change} WHERE {A} AND seq = 5")), ["a 5 changed"]);
    // Under the head of an envelope, and below everything that an envelope then reaches.
    for seq in 1..=9 {
        let folder = folder(&works());
        let connection = Connection::open(folder.path().join(FILE)).unwrap();
        let line: Vec<u8> = connection
            .query_row(&format!("SELECT line FROM record WHERE {A} AND seq = {seq}"), [], |r| r.get(0))
            .unwrap();
        let line = String::from_utf8(line).unwrap().replace("\"boot\":\"boot\"", "\"boot\":\"BOOT\"");
        let hash = records::chain::hash_line(line.as_bytes());
        let line = line.replace('\'', "''");
        edit(
            &folder,
            &format!("UPDATE record SET line = CAST('{line}' AS BLOB), hash = x'{hash}' WHERE {A} AND seq = {seq}"),
        );
        let faults = found(&live(&folder));
        assert!(faults.contains(&format!("a {seq} changed")), "{faults:?}");
        // An envelope ends at 4, 6 and 9; what it does not reach any more is told.
        let below = match seq {
            2 | 8 => vec![format!("a {} uncovered", seq - 1)],
            3 => vec!["a 1-2 uncovered".to_owned()],
            9 => vec!["a 7-8 uncovered".to_owned()],
            // 3 and 4 are under two envelopes.
            4 => vec!["a 1-3 uncovered".to_owned()],
            6 => vec!["a 5 uncovered".to_owned()],
            _ => vec![],
        };
        assert_eq!(faults.len(), 1 + below.len(), "{seq}: {faults:?}");
        assert!(below.iter().all(|fault| faults.contains(fault)), "{seq}: {faults:?}");
    }
    assert_eq!(after(&format!("UPDATE record SET hash = zeroblob(32) WHERE {A} AND seq = 5")), ["a 5 changed"]);
    assert_eq!(after(&format!("UPDATE record SET line = x'7b' WHERE {A} AND seq = 5")), ["a 5 changed"]);
}

#[test]
fn a_removed_line_is_found() {
    let numbers = "* missing";
    assert_eq!(after(&format!("DELETE FROM record WHERE {A} AND seq = 5")), ["a 5 missing", numbers]);
    let run =
        format!("UPDATE run SET last = 4 WHERE {A}; INSERT INTO run SELECT id, 6, 9 FROM series WHERE station = 'a'");
    assert_eq!(after(&format!("DELETE FROM record WHERE {A} AND seq = 5; {run}")), ["a 5 missing", numbers]);
    // At the end, with its envelope and the note that it is stored: the station has a receipt.
    let tail = format!("DELETE FROM record WHERE {A} AND seq > 6; DELETE FROM segment WHERE {A} AND first = 7");
    let told = format!("{tail}; UPDATE run SET last = 6 WHERE {A}");
    assert_eq!(after(&told), ["a 7-9 missing", numbers]);
    assert_eq!(after(&tail), ["a 7-9 missing", numbers]);
    // And the positions made good.
    let numbered = "UPDATE record SET position = position - 3 WHERE position > 9";
    assert_eq!(after(&format!("{told}; {numbered}")), ["a 7-9 missing"]);
    // A series of which nothing is left but the last status.
    let whole = format!(
        "DELETE FROM record WHERE {A}; DELETE FROM segment WHERE {A}; DELETE FROM run WHERE {A}; \
                         DELETE FROM series WHERE station = 'a'; UPDATE record SET position = position - 9"
    );
    assert_eq!(after(&whole), ["a 1-9 missing"]);
    assert_eq!(after("DELETE FROM series WHERE station = 'a'"), ["a 1-9 missing", "* missing", "* missing"]);
}

#[test]
fn an_inserted_line_is_found() {
    let copy = |seq: u64, position: u64| {
        format!(
            "INSERT INTO record SELECT {position}, series_id, {seq}, hash, line, stored_at FROM record WHERE {A} AND seq = 9"
        )
    };
    assert_eq!(after(&copy(10, 14)), ["a 10 inserted"]);
    // Noted as stored: nothing signs it.
    let a = station("a", 1, 10);
    let line = String::from_utf8(a.lines[9].clone()).unwrap();
    let hash = records::chain::hash_line(line.as_bytes());
    let forged = format!(
        "INSERT INTO record SELECT 14, id, 10, x'{hash}', CAST('{line}' AS BLOB), 0 FROM series \
                          WHERE station = 'a'; UPDATE run SET last = 10 WHERE {A}"
    );
    assert_eq!(after(&forged), ["a 10 uncovered"]);
    // Into a hole.
    let hole = "INSERT INTO record SELECT 14, series_id, 3, hash, line, stored_at FROM record WHERE position = 1";
    let into_b = format!(
        "{hole}; UPDATE record SET series_id = (SELECT id FROM series WHERE station = 'b') WHERE position = 14"
    );
    assert_eq!(after(&into_b.replace("series_id, 3,", "series_id, 30,")), ["b 30 inserted"]);
    let b = "(SELECT id FROM series WHERE station = 'b')";
    let hole = format!("INSERT INTO record SELECT 14, {b}, 3, hash, line, stored_at FROM record WHERE position = 1");
    assert_eq!(after(&hole), ["b 3 inserted", "b 3 re-ordered"]);
    assert_eq!(after(&format!("UPDATE run SET last = 5 WHERE {A}")), ["a 6-9 inserted"]);
}

#[test]
fn exchanged_and_moved_lines_are_found() {
    let swap = |columns: &str| {
        format!(
            "CREATE TEMP TABLE t AS SELECT seq, hash, line FROM record WHERE {A} AND seq IN (4, 5);
                 UPDATE record SET {columns} WHERE {A} AND seq IN (4, 5)"
        )
    };
    let line = "line = (SELECT line FROM t WHERE t.seq = 9 - record.seq)";
    let hash = "hash = (SELECT hash FROM t WHERE t.seq = 9 - record.seq)";
    for columns in [line.to_owned(), format!("{line}, {hash}")] {
        let faults = after(&swap(&columns));
        assert!(
            faults.contains(&"a 4 re-ordered".to_owned()) && faults.contains(&"a 5 re-ordered".to_owned()),
            "{faults:?}"
        );
    }
    let b = "(SELECT id FROM series WHERE station = 'b')";
    let moved = after(&format!("UPDATE record SET series_id = {b}, seq = 7 WHERE {A} AND seq = 9"));
    assert_eq!(moved, ["a 9 missing", "a 7-8 uncovered", "b 7 inserted"]);
}

#[test]
fn a_changed_or_removed_envelope_is_found() {
    for change in [
        "head = zeroblob(32)",
        "prev = zeroblob(32)",
        "sig = zeroblob(64)",
        "v = 2",
        "sig = CAST(sig || x'00' AS BLOB)",
        "v = 257",
    ] {
        let faults = after(&format!("UPDATE segment SET {change} WHERE {A} AND first = 7"));
        assert_eq!(faults, ["a 7-9 signature", "a 7-9 uncovered"], "{change}");
    }
    assert_eq!(
        after(&format!("UPDATE segment SET last = 8 WHERE {A} AND first = 7")),
        ["a 7-8 signature", "a 7-9 uncovered"]
    );
    assert_eq!(after(&format!("UPDATE segment SET last = 9999 WHERE {A} AND first = 7")).len(), 2);
    assert_eq!(after(&format!("DELETE FROM segment WHERE {A} AND first = 7")), ["a 7-9 uncovered"]);
    assert_eq!(after(&format!("DELETE FROM segment WHERE {A} AND first = 3")), ["a 5-6 uncovered"]);
    // An envelope that says more than is there.
    let b = station("b", 2, 6);
    let crate::store::Work::Segment(four) = b.work(4, 6) else { panic!() };
    let records::segment::Envelope { prev, head, sig, .. } = four.envelope;
    let said = format!(
        "INSERT INTO segment SELECT id, 4, 6, 1, x'{prev}', x'{head}', x'{sig}', 1 FROM series WHERE station = 'b'"
    );
    assert_eq!(after(&said), ["b 4 missing"]);
}

#[test]
fn keys_names_and_statuses_are_checked() {
    let other = station("x", 9, 1).key.public();
    let faults = after(&format!("UPDATE series SET key = x'{other}' WHERE station = 'a'"));
    assert!(faults.contains(&"a 1 key".to_owned()) && faults.contains(&"a 1-4 signature".to_owned()), "{faults:?}");
    let faults = after("UPDATE series SET station = 'z' WHERE station = 'a'");
    assert!(faults.contains(&"z 1-4 signature".to_owned()), "{faults:?}");
    let head = station("a", 1, 9).head();
    let said = format!("UPDATE status SET body = replace(body, '{head}', '{other}') WHERE station = 'a'");
    assert_eq!(after(&said), ["a 9 changed"]);
    assert_eq!(after("UPDATE status SET body = '{' WHERE station = 'a'"), ["a changed"]);
    assert_eq!(after("UPDATE conflict SET line = x'7b7d'"), ["b 6 changed"]);
    // Record 1 that names no key.
    let mut silent = crate::testkit::Station::new("s", 5);
    silent.write(1, crate::testkit::packed("S1", "P1", &[]));
    assert_eq!(found(&live(&folder(&[silent.all()]))), ["s 1 key"]);
}

/// A station whose journal was copied speaks of its other history; that is known, and no fault of the store.
#[test]
fn a_fork_is_no_fault() {
    let a = station("a", 1, 3);
    let mut other = station("a", 1, 2);
    other.write(3, crate::testkit::packed("OTHER", "P9", &[]));
    let folder = folder(&[a.all(), other.work(3, 3), other.status(10, 0)]);
    assert_eq!(found(&live(&folder)), Vec::<String>::new());
    edit(&folder, "DELETE FROM conflict");
    assert_eq!(found(&live(&folder)), ["a 3 changed"]);
}
