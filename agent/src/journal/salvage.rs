//! Reading what can be read of a journal that was set aside.

use std::path::Path;

use serde::Serialize;

use super::JournalError;
use super::wreck::Wreck;

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

/// Reads every line that the file still gives, and says how many sequences between the lowest and the highest are missing.
/// Changes nothing.
///
/// # Errors
/// When the file cannot be opened as a database at all.
pub fn salvage(file: &Path) -> Result<(Vec<Salvaged>, u64), JournalError> {
    let wreck = Wreck::open(file)?;
    let (mut found, mut missing) = (Vec::new(), 0);
    let Some((first, last)) = wreck.ends()? else { return Ok((found, 0)) };
    for seq in first..=last {
        match wreck.line(seq) {
            Some((line, intact)) => {
                found.push(Salvaged { seq, intact, line: String::from_utf8_lossy(&line).into_owned() });
            }
            None => missing += 1,
        }
    }
    Ok((found, missing))
}
