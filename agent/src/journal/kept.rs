//! How long records have had their receipt.
//!
//! A record is kept for a while after its receipt, so that a service that was restored from a copy can ask again. When it
//! was stored says nothing about that: a station that was offline for long would forget at once what it has just handed
//! over. So the mark of receipts is noted with its time, now and then.

use std::time::Duration;

use rusqlite::{OptionalExtension, params};

use super::{Journal, JournalError, query};

pub(super) const TABLES: &str = "
    CREATE TABLE receipted (series BLOB NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL,
                            PRIMARY KEY (series, seq)) STRICT, WITHOUT ROWID;";

/// The mark is noted at most so often in the time for which records are kept: they are kept that much longer at the most.
const NOTES: i64 = 64;

impl Journal {
    /// Up to which record all have had their receipt on disk for `keep`, as far as was noted.
    pub(super) fn receipted_for(&self, now_seconds: i64, keep: Duration) -> Result<u64, JournalError> {
        let keep = i64::try_from(keep.as_secs()).unwrap_or(i64::MAX);
        let series = self.row.series.0;
        let newest = self
            .connection
            .prepare_cached("SELECT seq, at FROM receipted WHERE series = ?1 ORDER BY seq DESC LIMIT 1")
            .and_then(|mut newest| {
                newest.query_row([series], |row| Ok((row.get::<_, u64>(0)?, row.get::<_, i64>(1)?))).optional()
            })
            .map_err(query("read"))?;
        let (noted, at) = newest.unwrap_or((0, i64::MIN));
        if at > now_seconds {
            // The clock went back: the wait begins anew, rather than never to end.
            self.write_notes(
                "UPDATE receipted SET at = ?2 WHERE series = ?1 AND at > ?2",
                params![series, now_seconds],
            )?;
        }
        if self.row.settled > noted && at.saturating_add(keep / NOTES) <= now_seconds {
            let note = "INSERT INTO receipted (series, seq, at) VALUES (?1, ?2, ?3)";
            self.write_notes(note, params![series, self.row.settled, now_seconds])?;
        }
        let before = now_seconds.saturating_sub(keep);
        let up_to = self
            .connection
            .prepare_cached("SELECT max(seq) FROM receipted WHERE series = ?1 AND at <= ?2")
            .and_then(|mut up_to| up_to.query_row(params![series, before], |row| row.get::<_, Option<u64>>(0)))
            .map_err(query("read"))?
            .unwrap_or(0);
        let old = "SELECT count(*) FROM receipted WHERE series <> ?1 OR seq < ?2";
        let old: u64 = self
            .connection
            .prepare_cached(old)
            .and_then(|mut old| old.query_row(params![series, up_to], |row| row.get(0)))
            .map_err(query("read"))?;
        if old > 0 {
            self.write_notes("DELETE FROM receipted WHERE series <> ?1 OR seq < ?2", params![series, up_to])?;
        }
        Ok(up_to)
    }

    fn write_notes(&self, sql: &str, parameters: impl rusqlite::Params) -> Result<(), JournalError> {
        let written = self.connection.prepare_cached(sql).and_then(|mut write| write.execute(parameters));
        written.map(drop).map_err(query("write"))
    }
}
