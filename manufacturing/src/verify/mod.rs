//! `verify`: is what is stored what the stations have signed? It asks the live store, or an export alone
//! ([`crate::export`] has its format).
//!
//! # What is checked
//! - each line against the hash beside it (store) and against the next line, which carries its hash;
//! - the sequence of each series: no gap but the named holes, nothing twice, nothing out of its place;
//! - each envelope: its signature with the key of its series, the line before its first, its last line;
//! - each line is reached by a signature: from the head of an envelope down the chain;
//! - record 1 names the key of its series;
//! - what the stations have last said of themselves: the hash of their highest record, and that no record is missing for
//!   which they have a receipt;
//! - the table of stored runs: a hole is named by it and nothing else (store);
//! - the positions, which the store gives without a gap (store);
//! - all bytes against the SHA-256 of the end, and its signature (export).
//!
//! # What cannot be found
//! - In the store: who can write its file can remove the newest records with their envelopes, or a whole series, if he
//!   also corrects the stored runs, the status of the station, and the positions of all later records. No signature of a
//!   station says that there is nothing more. Against that helps an export that is kept elsewhere, whose end the service
//!   has signed.
//! - In the store: the signature of a status is checked when it comes and not kept, so an edited status that agrees with
//!   the records is not found; nor are edited times of storing, or two positions that were exchanged. Nobody has signed them.
//! - In an export: who has made an end of his own with a key of his own. That is why the result names the key, and
//!   `--key` pins it.
//! - In both: what the station's key has signed is taken for the station's word. A stolen key, or a station that never
//!   wrote down what happened, cannot be seen here.
//! - In the store: an envelope that was removed while others reach all of its lines. Nothing is unproved by that.
//! - Of lines kept apart and of rejected ones no envelope is kept: of the first the hash is checked, of the second there are
//!   no bytes.

mod align;
mod check;
mod read;
mod report;
mod series;
#[cfg(test)]
mod tests;

use std::io::BufRead;

use records::{Hash, PublicKey};
use serde::Deserialize;

use crate::export::{self, Error};
use crate::store::Connection;
use crate::store::sql::params;
use check::Checker;
pub use read::Refused;

pub use report::{Fault, Hole, Report, What};

/// What the chain needs of a line, whatever else it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
struct LineHead {
    seq: u64,
    prev: Hash,
}

impl LineHead {
    fn of(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }
}

/// Verifies what a snapshot of the store has. `progress` is told the number of records so far.
///
/// # Errors
/// What the store says.
pub fn store(snapshot: &Connection, mut progress: impl FnMut(u64)) -> Result<Report, Error> {
    let mut checker = Checker::default();
    export::walk(snapshot, &mut |item| {
        checker.take(item);
        progress(checker.report.records);
        Ok(())
    })?;
    let mut report = checker.report;
    let (rows, low, high): (u64, i64, i64) = snapshot.query_row(
        "SELECT count(*), coalesce(min(position), 1), coalesce(max(position), 0) FROM record",
        params![],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    if low != 1 || u64::try_from(high) != Ok(rows) {
        let why = format!("the store numbers its records {low} to {high} in the order of storing, and has {rows}");
        report.fault(None, None, What::Missing, why);
    }
    let envelopes: u64 = snapshot.query_row("SELECT count(*) FROM segment", params![], |row| row.get(0))?;
    for (name, stored, seen) in [("records", rows, report.records), ("envelopes", envelopes, report.envelopes)] {
        if stored != seen {
            let why = format!("{} {name} belong to no series", stored.abs_diff(seen));
            report.fault(None, None, What::Missing, why);
        }
    }
    Ok(report)
}

/// Verifies an export, from nothing but its bytes. `pinned` is the key that its end must bear; `progress` is told the number
/// of bytes so far.
///
/// # Errors
/// [`Refused`] where it is no export that can be read here.
pub fn file(input: impl BufRead, pinned: Option<PublicKey>, progress: impl FnMut(u64)) -> Result<Report, Refused> {
    read::read(input, pinned, progress)
}
