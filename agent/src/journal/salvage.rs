//! Reading what can be read of a journal that was set aside.

use std::path::Path;

use base::sqlite::{self, Profile};
use serde::Serialize;

use super::{JournalError, query};

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
    let bound = |sql| connection.query_row(sql, [], |row| row.get::<_, Option<u64>>(0)).map_err(query("read"));
    let (first, last) = (bound("SELECT min(seq) FROM record")?, bound("SELECT max(seq) FROM record")?);
    let (Some(first), Some(last)) = (first, last) else { return Ok((found, 0)) };
    let mut missing = 0;
    for seq in first..=last {
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
