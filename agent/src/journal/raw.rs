//! Records in the raw bytes of a journal and its write-ahead log, for when SQLite does not give them any more. Pure.
//!
//! SQLite ends its log at the first frame whose checksum is wrong, without a word, and drops what was durable behind it; a
//! damaged page of a table hides the pages below it. The lines themselves stand whole on their page, each followed by its
//! own checksum, so they can be found without any of that. A line that does not fit on one page is not found.
//!
//! Formats: <https://www.sqlite.org/fileformat2.html>, sections 1.6, 2.1 and 4.

/// What every line of a record begins with.
const BEGIN: &[u8] = b"{\"v\":";
/// Bytes of the header of a log, and of each of its frames.
const LOG_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// A line that is intact, with the sequence that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// Its sequence.
    pub seq: u64,
    /// The line.
    pub line: Vec<u8>,
}

/// The intact lines in these bytes, in the order in which they stand there; one can be there several times, and forgotten
/// ones may be among them.
pub(super) fn rows(bytes: &[u8]) -> Vec<Row> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = find(bytes, BEGIN, from) {
        from = match row(&bytes[at..]) {
            Some(row) => {
                let end = at + row.line.len();
                found.push(row);
                end
            }
            None => at + BEGIN.len(),
        };
    }
    found
}

/// The intact lines in that part of a write-ahead log that SQLite will not read although it belongs to the log: frames of
/// the present log at and behind the first one whose checksum is wrong. A power cut leaves at most lines of a group there
/// that nobody was told of; a damaged disk leaves lines that were green.
pub(super) fn unread_rows(log: &[u8]) -> Vec<Row> {
    let Some(unread) = unread(log) else { return Vec::new() };
    rows(unread)
}

/// The bytes from the first frame that SQLite will not read up to the last that belongs to the present log.
fn unread(log: &[u8]) -> Option<&[u8]> {
    if log.len() < LOG_HEADER {
        return None;
    }
    let word = |at: usize| Some(u32::from_be_bytes(log.get(at..at + 4)?.try_into().ok()?));
    // Checksums are of words in the order of the computer that made the log.
    let little = match word(0)? {
        0x377f_0682 => true,
        0x377f_0683 => false,
        // Not even the header can be read, and with it no page size: whatever lines there are.
        _ => return Some(log),
    };
    let page = usize::try_from(word(8)?).ok().filter(|page| page.is_power_of_two() && (512..=1 << 16).contains(page));
    let Some(page) = page else { return Some(log) };
    let mut sum = checksum(little, [0; 2], &log[..24]);
    if Some(sum[0]) != word(24) || Some(sum[1]) != word(28) {
        return Some(log);
    }
    let salt = &log[16..24];
    let frames = log.get(LOG_HEADER..)?.chunks_exact(FRAME_HEADER + page);
    let mut first_bad = None;
    let mut end = None;
    for (number, frame) in frames.enumerate() {
        let begin = LOG_HEADER + number * (FRAME_HEADER + page);
        let ours = &frame[8..16] == salt;
        if first_bad.is_none() {
            sum = checksum(little, sum, &frame[..8]);
            sum = checksum(little, sum, &frame[FRAME_HEADER..]);
            let sound = ours && frame[16..20] == sum[0].to_be_bytes() && frame[20..24] == sum[1].to_be_bytes();
            if sound {
                continue;
            }
            first_bad = Some(begin);
        }
        if ours {
            end = Some(begin + FRAME_HEADER + page);
        }
    }
    log.get(first_bad?..end?)
}

/// Section 4.2 of the format.
fn checksum(little: bool, [mut first, mut second]: [u32; 2], bytes: &[u8]) -> [u32; 2] {
    let read = |word: &[u8]| {
        let word = [word[0], word[1], word[2], word[3]];
        if little { u32::from_le_bytes(word) } else { u32::from_be_bytes(word) }
    };
    for two in bytes.chunks_exact(8) {
        first = first.wrapping_add(read(&two[..4])).wrapping_add(second);
        second = second.wrapping_add(read(&two[4..])).wrapping_add(first);
    }
    [first, second]
}

fn find(bytes: &[u8], what: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.windows(what.len()).position(|window| window == what).map(|at| from + at)
}

/// The row that begins here, if it is whole: one JSON object with a sequence, and behind it the checksum of its bytes.
fn row(bytes: &[u8]) -> Option<Row> {
    #[derive(serde::Deserialize)]
    struct Line {
        seq: u64,
    }
    let mut objects = serde_json::Deserializer::from_slice(bytes).into_iter::<Line>();
    let seq = objects.next()?.ok()?.seq;
    let (line, rest) = bytes.split_at(objects.byte_offset());
    // SQLite stores an integer in as few bytes as its value needs: a checksum takes 4, or 6 from 2^31 on, or fewer.
    let crc = crc32c::crc32c(line).to_be_bytes();
    let zeros = crc.iter().take_while(|byte| **byte == 0).count();
    let stored = match crc[0] {
        0x80.. => [&[0, 0], &crc[..]].concat(),
        _ => shortest(&crc, zeros),
    };
    rest.starts_with(&stored).then(|| Row { seq, line: line.to_vec() })
}

/// A positive number in 1, 2, 3 or 4 bytes, with a place for its sign.
fn shortest(crc: &[u8; 4], zeros: usize) -> Vec<u8> {
    let sign = usize::from(crc.get(zeros).is_some_and(|byte| *byte >= 0x80));
    crc[zeros.min(3).saturating_sub(sign)..].to_vec()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rusqlite::{Connection, params};

    use super::*;

    const LINES: u64 = 40;

    fn line(seq: u64) -> Vec<u8> {
        format!("{{\"v\":1,\"seq\":{seq},\"text\":\"a \\\"unit\\\" {}\"}}", "x".repeat(seq as usize * 7)).into_bytes()
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
    fn checksums_of_every_length_are_known() {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(folder.path().join("a.db")).unwrap();
        connection.execute_batch("CREATE TABLE n (id INTEGER PRIMARY KEY, mark BLOB, value INTEGER)").unwrap();
        for value in [2_u32, 127, 128, 255, 256, 32_767, 32_768, 65_535, 65_536, 8_388_607, 8_388_608, 2_147_483_647] {
            let mark = format!("<{value}>").into_bytes();
            connection.execute("INSERT INTO n (mark, value) VALUES (?1, ?2)", params![mark, value]).unwrap();
            let bytes = std::fs::read(folder.path().join("a.db")).unwrap();
            let at = find(&bytes, &mark, 0).unwrap() + mark.len();
            let crc = value.to_be_bytes();
            let zeros = crc.iter().take_while(|byte| **byte == 0).count();
            assert!(bytes[at..].starts_with(&shortest(&crc, zeros)), "{value}: {:?}", &bytes[at..at + 6]);
        }
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
}
