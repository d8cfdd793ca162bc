//! How much of the quota is taken, and by what.

use rusqlite::{Connection, OptionalExtension};

use super::{Group, Journal, JournalError, query};

/// `refusal` holds the length of the line where the record is a refusal, so that their sum is read from the index alone;
/// all other records stay out of the index and cost nothing. The last two tables are those of `holds`.
pub(super) const TABLES: &str = "
    ALTER TABLE record ADD COLUMN refusal INTEGER;
    UPDATE record SET refusal = length(line) WHERE instr(line, CAST('\"event\":\"refused\"' AS BLOB)) > 0;
    CREATE INDEX record_refusal ON record (refusal) WHERE refusal IS NOT NULL;
    CREATE TABLE hold (kind TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (kind, id)) STRICT, WITHOUT ROWID;
    CREATE TABLE holds (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL, ids INTEGER NOT NULL) STRICT;";

/// Records of refusals take at most this part of the quota, in percent.
const REFUSALS_PERCENT: u64 = 5;
/// Bytes that the refusals of one decision can take, with what was counted before them: this much must be left.
const ONE_DECISION: u64 = 24 << 10;
/// Bytes that a record takes beside its line.
const BESIDE_A_LINE: u64 = 24;
/// From so many lines the length of a record is estimated.
const SAMPLE: u64 = 32;
/// While less than this part of the quota is in use, in percent, nobody needs to know what could be forgotten.
const ROOMY_PERCENT: u64 = 70;

/// Bytes that records of refusals take.
pub(super) fn refusals(connection: &Connection) -> Result<u64, JournalError> {
    connection
        .prepare_cached("SELECT coalesce(sum(refusal), 0) FROM record WHERE refusal IS NOT NULL")
        .and_then(|mut sum| sum.query_row([], |row| row.get(0)))
        .map_err(query("measure"))
}

fn is_room(taken: u64, quota: u64) -> bool {
    taken.saturating_add(ONE_DECISION) <= quota / 100 * REFUSALS_PERCENT
}

impl Journal {
    /// Is there room for records of refusals? They take at most 5 % of the quota.
    #[must_use]
    pub fn has_room_for_refusals(&self) -> bool {
        is_room(self.refusals, self.quota)
    }

    /// Bytes that may still be written before the quota is reached.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn left(&self) -> Result<u64, JournalError> {
        Ok(self.quota.saturating_sub(self.used()?))
    }

    /// The quota in bytes.
    #[must_use]
    pub fn quota(&self) -> u64 {
        self.quota
    }

    /// Bytes in use that no time frees: records without a receipt, and what the station knows. Records that have their
    /// receipt are forgotten as soon as the room is needed, so they do not count. While much is free, an upper bound; near
    /// the quota an estimate from the length of some records.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn used_until_receipts(&self) -> Result<u64, JournalError> {
        let used = self.used()?;
        if used < self.quota / 100 * ROOMY_PERCENT {
            return Ok(used);
        }
        let first: Option<u64> = self
            .connection
            .prepare_cached("SELECT min(seq) FROM record")
            .and_then(|mut first| first.query_row([], |row| row.get(0)))
            .map_err(query("measure"))?;
        let last = self.settled.min(self.position.last.saturating_sub(1));
        let Some(first) = first.filter(|first| *first <= last) else { return Ok(used) };
        let count = last - first + 1;
        let (mut found, mut bytes) = (0, 0);
        for step in 0..SAMPLE.min(count) {
            let seq = first + count * step / SAMPLE.min(count);
            let length: Option<u64> = self
                .connection
                .prepare_cached("SELECT length(line) FROM record WHERE seq = ?1")
                .and_then(|mut line| line.query_row([seq], |row| row.get(0)).optional())
                .map_err(query("measure"))?;
            found += u64::from(length.is_some());
            bytes += length.map_or(0, |length| length + BESIDE_A_LINE);
        }
        Ok(used.saturating_sub(bytes.saturating_mul(count).checked_div(found).unwrap_or(0)))
    }
}

impl Group<'_> {
    /// Is there room for records of refusals, those of this group counted?
    #[must_use]
    pub fn has_room_for_refusals(&self) -> bool {
        is_room(self.refusals, self.quota)
    }
}

#[cfg(test)]
mod tests;
