//! What waits for a receipt, and what a receipt frees.

use std::time::Duration;

use records::wire::Receipt;
use records::{Hash, SeriesId, chain};
use rusqlite::{OptionalExtension, params};

use super::{Journal, JournalError, query, room, sums};

/// Most records that one call of [`Journal::forget`] forgets, so that a scan never waits for long.
pub const FORGET_AT_ONCE: usize = 1000;

/// A run of lines to be sent in one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// The series.
    pub series: SeriesId,
    /// Sequence of the first line.
    pub first: u64,
    /// Hash of the line before it.
    pub prev: Hash,
    /// The lines.
    pub lines: Vec<Vec<u8>>,
}

/// What waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    /// Records without a receipt.
    pub records: u64,
    /// When the oldest of them was stored, in seconds since 1970 by the clock of that time.
    pub oldest: Option<i64>,
    /// Records set aside.
    pub quarantined: u64,
}

/// What a receipt did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// The mark moved up to this sequence.
    Settled(u64),
    /// Nothing new.
    Nothing,
    /// It has no effect, and why.
    Ignored(String),
}

impl Journal {
    /// The mark up to which the service has every record, or has rejected it.
    #[must_use]
    pub fn settled(&self) -> u64 {
        self.settled
    }

    /// What waits.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn depth(&self) -> Result<Depth, JournalError> {
        let above = self.quarantined.iter().filter(|seq| **seq > self.settled).count() as u64;
        let oldest = self
            .connection
            .prepare_cached("SELECT stored FROM record WHERE seq > ?1 ORDER BY seq LIMIT 1")
            .and_then(|mut oldest| oldest.query_row([self.settled], |row| row.get(0)).optional())
            .map_err(query("read"))?;
        let records = self.position.last - self.settled - above;
        let quarantined = self
            .connection
            .prepare_cached("SELECT count(*) FROM quarantine")
            .and_then(|mut count| count.query_row([], |row| row.get(0)))
            .map_err(query("read"))?;
        Ok(Depth { records, oldest, quarantined })
    }

    /// Up to `most` lines from `first` on that follow each other, at most `bytes` long together, but at least one.
    /// Records that were set aside are left out: a segment ends before them and the next begins after. A line whose
    /// checksum is wrong is set aside here, and so is a record without a receipt that is not there any more.
    ///
    /// # Errors
    /// When the journal cannot be read or written.
    pub fn queued(&mut self, first: u64, most: usize, bytes: usize) -> Result<Option<Queued>, JournalError> {
        let mut next = first;
        let mut run: Option<Queued> = None;
        let mut size = 0;
        while run.as_ref().is_none_or(|run| run.lines.len() < most) {
            let mut intact = None;
            if self.quarantined.binary_search(&next).is_err() {
                match self.line_and_crc(next)? {
                    Some((line, crc)) if sums::is_line(self.row.series, &line, crc) => intact = Some(line),
                    Some((_, crc)) => self.set_damaged_aside(next, crc)?,
                    None if self.settled < next && next <= self.position.last => self.set_lost_aside(next)?,
                    None => break,
                }
            }
            let Some(line) = intact else {
                if run.is_some() {
                    break;
                }
                // Also past one that could not be set aside: the owner must not look at it for ever.
                next += 1;
                continue;
            };
            size += line.len() + 1;
            if run.is_some() && size > bytes {
                break;
            }
            let series = self.row.series;
            let run =
                run.get_or_insert_with(|| Queued { series, first: next, prev: prev_of(&line), lines: Vec::new() });
            run.lines.push(line);
            next += 1;
        }
        Ok(run)
    }

    pub(super) fn line_and_crc(&self, seq: u64) -> Result<Option<(Vec<u8>, u32)>, JournalError> {
        self.connection
            .prepare_cached("SELECT line, crc FROM record WHERE seq = ?1")
            .and_then(|mut line| line.query_row([seq], |row| Ok((row.get(0)?, row.get(1)?))).optional())
            .map_err(query("read"))
    }

    /// One line; `None` where it is not held any more.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn line(&self, seq: u64) -> Result<Option<Vec<u8>>, JournalError> {
        Ok(self.line_and_crc(seq)?.map(|(line, _)| line))
    }

    /// What a receipt of the trusted service frees. Only a hash that agrees with the line here counts.
    ///
    /// # Errors
    /// When the journal cannot be read, or cannot set rejected records aside.
    pub fn apply(&mut self, receipt: &Receipt) -> Result<Applied, JournalError> {
        if receipt.series != self.row.series {
            return Ok(Applied::Ignored(format!("it is for series {}", receipt.series)));
        }
        if receipt.up_to > self.position.last {
            return Ok(Applied::Ignored(format!("record {} was never written here", receipt.up_to)));
        }
        if receipt.up_to > self.settled && !self.agrees(receipt.up_to, receipt.hash)? {
            return Ok(Applied::Ignored(format!("its hash of record {} is not the one here", receipt.up_to)));
        }
        self.retried_arrived(receipt)?;
        for rejected in &receipt.rejected {
            // Never more than is held: the numbers come from outside.
            let last = rejected.last.min(self.position.last);
            self.quarantine(rejected.first.max(self.settled + 1), last, &rejected.reason)?;
        }
        let mut settled = self.settled.max(receipt.up_to);
        loop {
            let next = settled + 1;
            if self.quarantined.binary_search(&next).is_ok() {
                settled = next;
                continue;
            }
            let run = receipt.also.iter().find(|run| run.first <= next && next <= run.last);
            match run {
                Some(run) if run.last <= self.position.last && self.agrees(run.last, run.hash)? => settled = run.last,
                _ => break,
            }
        }
        if settled == self.settled {
            return Ok(Applied::Nothing);
        }
        self.settled = settled;
        Ok(Applied::Settled(settled))
    }

    /// Everything up to `up_to` counts as delivered, by another word than a receipt. Never beyond what was written; records
    /// that were set aside do not hold the mark back.
    pub fn settle(&mut self, up_to: u64) {
        self.settled = self.settled.max(up_to.min(self.position.last));
        while self.quarantined.binary_search(&(self.settled + 1)).is_ok() {
            self.settled += 1;
        }
    }

    /// The lowest sequence from `first` on that is held, in the queue or set aside.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn held_from(&self, first: u64) -> Result<Option<u64>, JournalError> {
        self.connection
            .prepare_cached(
                "SELECT min(seq) FROM (SELECT min(seq) AS seq FROM record WHERE seq >= ?1
                 UNION ALL SELECT min(seq) FROM quarantine WHERE seq >= ?1 AND series = ?2)",
            )
            .and_then(|mut held| held.query_row(params![first, self.row.series.0], |row| row.get(0)))
            .map_err(query("read"))
    }

    /// Is this the hash of a record here? That of a damaged line stands in the line after it; where that one is damaged as
    /// well, nothing here contradicts the service, and a queue that waits for more would wait for ever.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn agrees(&self, seq: u64, hash: Hash) -> Result<bool, JournalError> {
        let intact = |(line, crc): &(Vec<u8>, u32)| sums::is_line(self.row.series, line, *crc);
        let Some(here) = self.line_and_crc(seq)? else { return Ok(false) };
        if intact(&here) {
            return Ok(chain::hash_line(&here.0) == hash);
        }
        let next = self.line_and_crc(seq + 1)?.filter(intact);
        Ok(next.is_none_or(|(line, _)| prev_of(&line) == hash))
    }

    /// Makes the mark durable if it moved since the last group. Losing it costs only a repetition, so it may wait.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn save_settled(&mut self, answered: u64) -> Result<(), JournalError> {
        if self.settled == self.row.settled { Ok(()) } else { self.save_marks(answered) }
    }

    /// Forgets the bytes of records that have had their receipt for longer than `keep`, and of the oldest such records
    /// when the journal has filled three quarters of its quota. At most [`FORGET_AT_ONCE`]. What the station knows stays.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn forget(&mut self, now_seconds: i64, keep: Duration) -> Result<usize, JournalError> {
        let everything = keep.is_zero() || self.is_nearly_full()?;
        let up_to = if everything { self.row.settled } else { self.receipted_for(now_seconds, keep)? };
        // The last line stays: the next one is chained to it.
        let up_to = up_to.min(self.position.last.saturating_sub(1));
        let forgotten = self
            .connection
            .execute(
                "DELETE FROM record WHERE seq IN (SELECT seq FROM record WHERE seq <= ?1 ORDER BY seq LIMIT ?2)",
                params![up_to, FORGET_AT_ONCE],
            )
            .map_err(query("forget records of"))?;
        if forgotten > 0 && self.refusals > 0 {
            self.refusals = room::refusals(&self.connection)?;
        }
        Ok(forgotten)
    }

    /// Has the journal filled three quarters of its quota?
    fn is_nearly_full(&self) -> Result<bool, JournalError> {
        Ok(self.used()? > self.quota / 4 * 3)
    }

    /// What was stored before this time is not kept, in seconds since 1970.
    pub(super) fn kept_since(&self, now_seconds: i64, keep: Duration) -> Result<i64, JournalError> {
        let keep = i64::try_from(keep.as_secs()).unwrap_or(i64::MAX);
        Ok(if self.is_nearly_full()? { i64::MAX } else { now_seconds.saturating_sub(keep) })
    }

    /// Bytes inside the file that forgotten records have left free: they can be written to even on a full disk.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn free_inside(&self) -> Result<u64, JournalError> {
        let number = |name| self.connection.pragma_query_value(None, name, |row| row.get::<_, u64>(0));
        number("freelist_count").and_then(|pages| Ok(pages * number("page_size")?)).map_err(query("measure"))
    }

    /// Bytes in use of the quota.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn used(&self) -> Result<u64, JournalError> {
        let number = |name| self.connection.pragma_query_value(None, name, |row| row.get::<_, u64>(0));
        let size = number("page_count").and_then(|pages| Ok(pages * number("page_size")?)).map_err(query("measure"))?;
        Ok(size.saturating_sub(self.free_inside()?))
    }
}

/// The hash that a line carries of the line before it.
pub(super) fn prev_of(line: &[u8]) -> Hash {
    #[derive(serde::Deserialize)]
    struct Head {
        prev: Hash,
    }
    serde_json::from_slice::<Head>(line).map_or(Hash::ZERO, |head| head.prev)
}
