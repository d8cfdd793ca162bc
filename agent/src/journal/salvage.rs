//! Reading what can be read of a journal that was set aside.

use std::collections::BTreeSet;
use std::path::Path;

use base::sqlite;
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
/// When the file is no database, and has no record in it.
pub fn salvage(file: &Path) -> Result<(Vec<Salvaged>, u64), JournalError> {
    let wreck = Wreck::open(file, None)?;
    let (seqs, mut found) = (wreck.seqs(), Vec::new());
    for &seq in &seqs {
        let (lines, intact) = wreck.lines(seq);
        let text = |line: &Vec<u8>| String::from_utf8_lossy(line).into_owned();
        found.extend(lines.iter().map(|line| Salvaged { seq, intact, line: text(line) }));
    }
    if found.is_empty() && !wreck.is_store() {
        return Err(sqlite::Error::Damaged { path: file.to_owned(), found: "no record can be read".to_owned() }.into());
    }
    let read = found.iter().map(|row| row.seq).collect::<BTreeSet<_>>().len() as u64;
    let missing = seqs.first().zip(seqs.last()).map_or(0, |(first, last)| last - first + 1 - read);
    Ok((found, missing))
}
