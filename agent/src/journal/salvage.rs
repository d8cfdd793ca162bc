//! Reading what can be read of a journal that was set aside.

use std::path::Path;

use base::sqlite::{self, Profile};
use serde::Serialize;

use super::{JournalError, query};
use crate::station::State;

/// Most sequences that are looked up.
const MOST: u64 = 50_000_000;

/// A line found in a damaged journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Salvaged {
    /// Its sequence.
    pub seq: u64,
    /// Does its checksum agree?
    pub intact: bool,
    /// The line.
    pub line: String,
}

/// Reads every line that the file still gives, from both ends of each damaged place, and says how many sequences between
/// the lowest and the highest are missing. Changes nothing.
///
/// # Errors
/// When the file cannot be opened as a database at all.
pub fn salvage(file: &Path) -> Result<(Vec<Salvaged>, u64), JournalError> {
    let connection = sqlite::open(file, &Profile::reader(1024, std::time::Duration::from_secs(1)))?;
    let mut found = Vec::new();
    // One row at a time by key: a damaged page ends a scan, but not a look-up beside it.
    let bound = |sql| connection.query_row(sql, [], |row| row.get::<_, Option<u64>>(0));
    let last_of_state = || -> Option<u64> {
        let json: String = connection.query_row("SELECT state FROM station", [], |row| row.get(0)).ok()?;
        Some(serde_json::from_str::<State>(&json).ok()?.last_seq)
    };
    // Either end may be on a damaged page; the row of the station knows the last sequence as well.
    let first = bound("SELECT min(seq) FROM record").ok().flatten().unwrap_or(1);
    let last = last_of_state()
        .map_or_else(|| bound("SELECT max(seq) FROM record").map_err(query("read")), |last| Ok(Some(last)))?;
    let Some(last) = last.filter(|last| *last >= first) else { return Ok((found, 0)) };
    let mut missing = 0;
    // A damaged number must not make this endless.
    for seq in first..=last.min(first + MOST) {
        let row = connection
            .prepare_cached("SELECT line, crc FROM record WHERE seq = ?1")
            .and_then(|mut row| row.query_row([seq], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, u32>(1)?))));
        match row {
            Ok((line, crc)) => found.push(Salvaged {
                seq,
                intact: crc32c::crc32c(&line) == crc,
                line: String::from_utf8_lossy(&line).into_owned(),
            }),
            Err(_) => missing += 1,
        }
    }
    Ok((found, missing))
}
