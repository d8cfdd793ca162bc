use proptest::prelude::*;
use rusqlite::{Connection, params};

use super::*;

const LINES: u64 = 40;

fn line(seq: u64) -> Vec<u8> {
    format!("{{\"v\":1,\"seq\":{seq},\"text\":\"a \\\"unit\\\" {}\"}}", "x".repeat(seq as usize % 100 * 7)).into_bytes()
}

/// A store with a log of one transaction a line, closed as by a power cut.
fn store(folder: &std::path::Path) -> (Vec<u8>, Vec<u8>) {
    let path = folder.join("store.db");
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "PRAGMA locking_mode = exclusive; PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = 0;
             CREATE TABLE record (seq INTEGER PRIMARY KEY, line BLOB NOT NULL, crc INTEGER NOT NULL, stored INTEGER NOT NULL) STRICT",
        )
        .unwrap();
    for seq in 1..=LINES {
        let line = line(seq);
        let crc = crc32c::crc32c(&line);
        connection.execute("INSERT INTO record VALUES (?1, ?2, ?3, 1773)", params![seq, line, crc]).unwrap();
    }
    let log = std::fs::read(folder.join("store.db-wal")).unwrap();
    drop(connection);
    (std::fs::read(path).unwrap(), log)
}

/// The file and nothing else.
struct Alone<'a>(&'a [u8]);

impl Pages for Alone<'_> {
    fn sizes(&self) -> &[usize] {
        &[4096]
    }

    fn page(&self, number: u32, size: usize, of_log: bool) -> Option<Vec<u8>> {
        let begin = (number as usize).checked_sub(1)? * size;
        self.0.get(begin..begin + size).filter(|_| !of_log).map(<[u8]>::to_vec)
    }
}

fn rows(bytes: &[u8]) -> Vec<Row> {
    let mut found = Vec::new();
    super::rows(bytes, &Alone(bytes), |row| found.push(row));
    // Those whose checksum agrees, as it is without a series.
    found.retain(|row| row.tag == 0);
    found
}

fn unread_rows(log: &[u8]) -> Vec<Row> {
    unread(log).map(|unread| rows(&log[unread])).unwrap_or_default()
}

fn seqs(rows: &[Row]) -> std::collections::BTreeSet<u64> {
    rows.iter().map(|row| row.seq).collect()
}

#[test]
fn every_line_of_a_store_and_of_its_log_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let (database, log) = store(folder.path());
    for bytes in [database, log] {
        let found = rows(&bytes);
        assert_eq!(seqs(&found), (1..=LINES).collect());
        assert!(found.iter().all(|row| row.line == line(row.seq)));
    }
}

#[test]
fn checksums_and_lines_of_every_length_are_found_in_every_table() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE record (seq INTEGER PRIMARY KEY, line BLOB, crc INTEGER, stored INTEGER, refusal INTEGER);
             CREATE TABLE carried (n INTEGER PRIMARY KEY, series BLOB, seq INTEGER, line BLOB, crc INTEGER)",
        )
        .unwrap();
    let crcs = [2_u32, 0, 1, 127, 128, 255, 256, 32_767, 32_768, 65_536, 8_388_607, 8_388_608, 2_147_483_648, u32::MAX];
    let mut expected = std::collections::BTreeMap::new();
    for (seq, (crc, length)) in crcs.iter().flat_map(|crc| [20, 800, 4054, 5000, 20_000].map(|l| (crc, l))).enumerate()
    {
        let seq = seq as u64 * 997;
        let line = format!("{{\"v\":1,\"seq\":{seq},\"text\":\"{}\"}}", "y".repeat(length)).into_bytes();
        let refusal = (length < 1000).then_some(length);
        connection
            .execute("INSERT INTO record VALUES (?1, ?2, ?3, 1700000000, ?4)", params![seq, line, crc, refusal])
            .unwrap();
        let series = [7_u8; 16];
        connection
            .execute(
                "INSERT INTO carried (series, seq, line, crc) VALUES (?1, ?2, ?3, ?4)",
                params![series, seq, line, crc],
            )
            .unwrap();
        expected.insert(seq, (crc32c::crc32c(&line) ^ crc, line));
    }
    drop(connection);
    let bytes = std::fs::read(path).unwrap();
    let mut count = 0;
    let mut seen = std::collections::BTreeSet::new();
    super::rows(&bytes, &Alone(&bytes), |row| {
        let (tag, line) = &expected[&row.seq];
        assert_eq!((row.tag, &row.line), (*tag, line), "{}", row.seq);
        count += 1;
        seen.insert(row.seq);
    });
    // Of some there are copies on pages that were split.
    assert!(count >= 2 * expected.len() && seen.iter().eq(expected.keys()), "{count}");
}

#[test]
fn the_series_beside_a_line_and_before_a_state_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let connection = Connection::open(&path).unwrap();
    let series = FixedBytes([9; 16]);
    let crc = sums::of_line(series, &line(5));
    connection
        .execute_batch(
            "CREATE TABLE station (id INTEGER PRIMARY KEY, name TEXT, series BLOB, state TEXT);
             CREATE TABLE carried (n INTEGER PRIMARY KEY, series BLOB, seq INTEGER, line BLOB, crc INTEGER)",
        )
        .unwrap();
    let state = serde_json::to_string(&crate::station::State::default()).unwrap();
    connection.execute("INSERT INTO station VALUES (1, 'pack-1', ?1, ?2)", params![series.0, state]).unwrap();
    connection
        .execute("INSERT INTO carried (series, seq, line, crc) VALUES (?1, 5, ?2, ?3)", params![series.0, line(5), crc])
        .unwrap();
    drop(connection);
    let bytes = std::fs::read(path).unwrap();
    assert_eq!(super::series(&bytes), [series]);
    let mut found = Vec::new();
    super::rows(&bytes, &Alone(&bytes), |row| found.push((row.seq, row.tag, row.series)));
    assert_eq!(found, [(5, sums::tag(series), Some(series))]);
}

#[test]
fn a_sound_log_has_nothing_unread_and_a_damaged_one_has_what_follows() {
    let folder = tempfile::tempdir().unwrap();
    let (_, log) = store(folder.path());
    assert_eq!(unread_rows(&log), []);
    assert_eq!(unread_rows(&[]), []);
    let frame = FRAME_HEADER + 4096;
    let middle = LOG_HEADER + (log.len() - LOG_HEADER) / frame / 2 * frame;
    let mut flipped = log.clone();
    flipped[middle + FRAME_HEADER + 9] ^= 1;
    assert!(seqs(&unread_rows(&flipped)).contains(&LINES), "the newest line is behind the damaged frame");
    // What another program reads of it ends before.
    // As the store was before anything of its log was written back: an empty file would have no log at all.
    let before = Connection::open(folder.path().join("cut.db")).unwrap();
    before.execute_batch("PRAGMA journal_mode = wal").unwrap();
    drop(before);
    std::fs::write(folder.path().join("cut.db-wal"), &flipped).unwrap();
    let connection = Connection::open(folder.path().join("cut.db")).unwrap();
    let last: u64 = connection.query_row("SELECT max(seq) FROM record", [], |row| row.get(0)).unwrap();
    assert!(last < LINES);
    let mut header = log.clone();
    header[17] ^= 1;
    assert_eq!(seqs(&unread_rows(&header)), (1..=LINES).collect());
    // A log that ends early has nothing behind its end.
    assert_eq!(unread_rows(&log[..middle + 77]), []);
}

/// A store with a log of one transaction a line and then one of many lines, as a kill leaves it that cuts off so many of
/// its last frames. Then the lines of `next` are written, and the log is as the next kill leaves it.
fn killed_twice(folder: &std::path::Path, cut: usize, next: u64) -> (Vec<u8>, Vec<u8>) {
    let (database, _) = store(folder);
    let path = folder.join("store.db");
    let put = |connection: &Connection, lines: std::ops::RangeInclusive<u64>| {
        connection.execute_batch("BEGIN").unwrap();
        for seq in lines {
            let line = line(seq);
            let crc = crc32c::crc32c(&line);
            connection.execute("INSERT INTO record VALUES (?1, ?2, ?3, 1773)", params![seq, line, crc]).unwrap();
        }
        connection.execute_batch("COMMIT").unwrap();
    };
    let open = || {
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("PRAGMA locking_mode = exclusive; PRAGMA wal_autocheckpoint = 0").unwrap();
        connection
    };
    std::fs::write(&path, &database).unwrap();
    let connection = open();
    put(&connection, 1001..=1001);
    put(&connection, 1002..=1400);
    let log = std::fs::read(folder.join("store.db-wal")).unwrap();
    drop(connection);
    std::fs::write(&path, &database).unwrap();
    std::fs::write(folder.join("store.db-wal"), &log[..log.len() - cut * (FRAME_HEADER + 4096)]).unwrap();
    let connection = open();
    put(&connection, 1002..=1001 + next);
    let after = std::fs::read(folder.join("store.db-wal")).unwrap();
    drop(connection);
    (log, after)
}

#[test]
fn what_a_kill_has_left_of_a_group_is_no_part_of_the_log() {
    for (cut, next) in [(1, 1), (1, 5), (3, 40), (1, 350)] {
        let folder = tempfile::tempdir().unwrap();
        let (first, log) = killed_twice(folder.path(), cut, next);
        assert_eq!(log.len() + cut * (FRAME_HEADER + 4096), first.len(), "frames of the first group stand behind");
        assert!(seqs(&rows(&log)).iter().any(|seq| *seq > 1001 + next), "and lines in them: {cut} {next}");
        assert_eq!(unread_rows(&log), [], "{cut} {next}");
    }
}

/// Of a group that was given up frames stand behind, and the next one was torn in the frame that would have committed it.
#[test]
fn a_torn_group_in_front_of_one_that_was_given_up_is_no_damage() {
    let folder = tempfile::tempdir().unwrap();
    let (_, mut log) = killed_twice(folder.path(), 1, 5);
    let page = FRAME_HEADER + 4096;
    let salt = log[16..24].to_vec();
    let frames = (log.len() - LOG_HEADER) / page;
    let begin = |number: usize| LOG_HEADER + number * page;
    let commits =
        |log: &[u8], n: usize| log[begin(n) + 4..begin(n) + 8] != [0; 4] && log[begin(n) + 8..begin(n) + 16] == salt;
    let last = (0..frames).rev().find(|n| commits(&log, *n)).unwrap();
    assert!(last + 2 < frames, "frames of the group before stand behind");
    log.copy_within(LOG_HEADER + FRAME_HEADER..LOG_HEADER + page, begin(last) + FRAME_HEADER);
    assert_eq!(unread_rows(&log), []);
}

#[test]
fn a_flip_anywhere_in_the_last_group_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = killed_twice(folder.path(), 1, 1);
    let last = log.len() - (FRAME_HEADER + 4096);
    // Of the header of the last frame, which commits, and of its page.
    for at in (0..FRAME_HEADER).chain([FRAME_HEADER + 100, FRAME_HEADER + 4000]) {
        for with in [1, 0x80, log[last + at]] {
            let mut flipped = log.clone();
            flipped[last + at] ^= with;
            if with != 0 {
                assert!(!unread_rows(&flipped).is_empty(), "byte {at} ^ {with}");
            }
        }
    }
}

proptest! {
    #[test]
    fn any_flip_leaves_every_line_of_the_other_frames(at in any::<prop::sample::Index>(), with in 1_u8..) {
        thread_local! {
            static LOG: Vec<u8> = store(tempfile::tempdir().unwrap().path()).1;
        }
        LOG.with(|log| {
            let mut flipped = log.clone();
            let at = at.index(flipped.len());
            flipped[at] ^= with;
            let read: std::collections::BTreeSet<u64> = seqs(&rows(&flipped));
            let hit = (at.saturating_sub(LOG_HEADER)) / (FRAME_HEADER + 4096);
            let without: Vec<u8> = log
                .get(LOG_HEADER..)
                .unwrap()
                .chunks_exact(FRAME_HEADER + 4096)
                .enumerate()
                .filter(|(number, _)| *number != hit)
                .flat_map(|(_, frame)| frame.to_vec())
                .collect();
            prop_assert!(seqs(&rows(&without)).is_subset(&read));
            Ok(())
        })?;
    }

    #[test]
    fn bytes_of_any_kind_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..9000), header in any::<bool>()) {
        let mut bytes = bytes;
        if header && bytes.len() > 40 {
            bytes[..4].copy_from_slice(&0x377f_0682_u32.to_be_bytes());
            bytes[8..12].copy_from_slice(&512_u32.to_be_bytes());
        }
        drop(rows(&bytes));
        drop(unread_rows(&bytes));
    }
}
