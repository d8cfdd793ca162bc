//! Records that were set aside: rejected by the service, refused by the broker, damaged on this disk or lost there.

use records::SeriesId;
use records::wire::Status;
use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::{Journal, JournalError, query, sums};

/// Why a line whose checksum is wrong is set aside.
pub(super) const DAMAGED: &str = "the line is damaged on this station's disk";

/// Why a record that is not there any more is set aside.
const LOST: &str = "lost on this station's disk";

/// A record that was set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// Its sequence.
    pub seq: u64,
    /// Why.
    pub reason: String,
    /// Its line; empty where it is lost.
    pub line: String,
}

impl Journal {
    /// Sets a record of this series aside that the broker does not take.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn set_aside_refused(&mut self, series: SeriesId, seq: u64, reason: &str) -> Result<(), JournalError> {
        if series == self.row.series && seq > self.settled {
            self.retried.remove(&seq);
            self.quarantine(seq, seq, &format!("{}: {reason}", super::retry::REFUSED))?;
            self.settle(self.settled);
        }
        Ok(())
    }

    /// Sets a record aside whose line is damaged. One that was set aside before and whose copy there is intact gets its line
    /// back from it.
    pub(super) fn set_damaged_aside(&mut self, seq: u64, crc: u32) -> Result<(), JournalError> {
        tracing::error!(seq, "a record is set aside: its line is damaged on this disk");
        self.retried.remove(&seq);
        let series = self.row.series;
        let copy: Option<Vec<u8>> = self
            .connection
            .prepare_cached("SELECT line FROM quarantine WHERE series = ?1 AND seq = ?2")
            .and_then(|mut copy| copy.query_row(params![series.0, seq], |row| row.get(0)).optional())
            .map_err(query("read"))?;
        match copy.filter(|copy| sums::is_line(series, copy, crc)) {
            Some(copy) => {
                let sql = "UPDATE record SET line = ?2 WHERE seq = ?1";
                self.connection.execute(sql, params![seq, copy]).map_err(query("mend a record in"))?;
                self.read_quarantined()
            }
            None => self.quarantine(seq, seq, DAMAGED),
        }
    }

    /// Sets the records from `first` on aside that are not there, although they have no receipt: a disk can give an older page
    /// back, and nothing else says so. The mark of receipts would wait for them for ever, or pass them without a word.
    pub(super) fn set_lost_aside(&mut self, first: u64) -> Result<(), JournalError> {
        self.retried.remove(&first);
        let held = self.held_from(first)?.unwrap_or(self.position.last + 1);
        if first < held {
            tracing::error!(first, last = held - 1, "records are set aside: they are lost on this disk");
            self.connection
                .execute(
                    "WITH RECURSIVE lost (seq) AS (SELECT ?1 UNION ALL SELECT seq + 1 FROM lost WHERE seq < ?2)
                     INSERT INTO quarantine (series, seq, line, reason) SELECT ?4, seq, x'', ?3 FROM lost",
                    params![first, held - 1, LOST, self.row.series.0],
                )
                .map_err(query("set a record aside in"))?;
        }
        self.read_quarantined()?;
        self.settle(self.settled);
        Ok(())
    }

    /// Sets the records from `first` to `last` aside. A row from before that has another line would not count: it gives way.
    pub(super) fn quarantine(&mut self, first: u64, last: u64, reason: &str) -> Result<(), JournalError> {
        self.connection
            .execute(
                "INSERT INTO quarantine (series, seq, line, reason)
                 SELECT ?4, seq, line, ?3 FROM record WHERE seq BETWEEN ?1 AND ?2
                 ON CONFLICT DO UPDATE SET line = excluded.line, reason = excluded.reason WHERE line <> excluded.line",
                params![first, last, reason, self.row.series.0],
            )
            .map_err(query("set a record aside in"))?;
        self.read_quarantined()
    }

    /// Reads which records of this series are set aside. Such a row has no checksum: one that has another line than the
    /// record does not keep it from being sent.
    pub(super) fn read_quarantined(&mut self) -> Result<(), JournalError> {
        self.quarantined = self
            .connection
            .prepare_cached(
                "SELECT seq FROM quarantine WHERE series = ?1 AND NOT EXISTS
                     (SELECT 1 FROM record WHERE record.seq = quarantine.seq AND record.line <> quarantine.line)
                 ORDER BY seq",
            )
            .and_then(|mut all| {
                all.query_map([self.row.series.0], |row| row.get(0))?.collect::<rusqlite::Result<Vec<u64>>>()
            })
            .map_err(query("read"))?;
        self.quarantined.retain(|seq| !self.retried.contains(seq));
        Ok(())
    }

    /// The sequences that were set aside, as runs, lowest first; as many as a status takes.
    #[must_use]
    pub fn set_aside(&self) -> Vec<(u64, u64)> {
        let mut runs: Vec<(u64, u64)> = Vec::new();
        for &seq in &self.quarantined {
            let count = runs.len();
            match runs.last_mut() {
                Some((_, last)) if *last + 1 == seq => *last = seq,
                _ if count == Status::MOST_RUNS => break,
                _ => runs.push((seq, seq)),
            }
        }
        runs
    }

    /// The records that were set aside, those of this series first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn quarantined(&self) -> Result<Vec<Quarantined>, JournalError> {
        self.connection
            .prepare("SELECT seq, reason, line FROM quarantine ORDER BY series <> ?1, series, seq LIMIT 1000")
            .and_then(|mut all| {
                all.query_map([self.row.series.0], |row| {
                    let line: Vec<u8> = row.get(2)?;
                    Ok(Quarantined {
                        seq: row.get(0)?,
                        reason: row.get(1)?,
                        line: String::from_utf8_lossy(&line).into_owned(),
                    })
                })?
                .collect()
            })
            .map_err(query("read"))
    }

    /// Takes a row away, as a disk does that gives an older page back.
    #[cfg(test)]
    pub(crate) fn lose(&mut self, seq: u64) {
        self.connection.execute("DELETE FROM record WHERE seq = ?1", [seq]).unwrap();
    }
}
