//! Records that the broker did not take were set aside; a person lets them be sent once more, when the broker's limits were
//! raised. Until they have arrived they stay in the table: a restart knows them as set aside.

use records::wire::Receipt;
use rusqlite::params;

use super::series::put_line;
use super::{Journal, JournalError, query};

/// So the reason of such a record begins.
pub(super) const REFUSED: &str = "the broker does not take it";

impl Journal {
    /// Lets what the broker has refused be sent once more; what is damaged or was rejected by the service stays where it is.
    /// Tells the sequences, lowest first.
    ///
    /// # Errors
    /// When the journal cannot be read, or does not take what was forgotten since.
    pub fn retry_refused(&mut self) -> Result<Vec<u64>, JournalError> {
        let series = self.row.series;
        let sql =
            "SELECT seq, line FROM quarantine WHERE series = ?1 AND substr(reason, 1, length(?2)) = ?2 ORDER BY seq";
        let refused: Vec<(u64, Vec<u8>)> = self
            .connection
            .prepare_cached(sql)
            .and_then(|mut rows| {
                rows.query_map(params![series.0, REFUSED], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
            })
            .map_err(query("read"))?;
        for (seq, line) in &refused {
            if self.line(*seq)?.is_none() {
                let stored = stored_at(line);
                put_line(&self.connection, series, *seq, line, stored, None)?;
            }
        }
        self.retried = refused.iter().map(|(seq, _)| *seq).collect();
        self.read_quarantined()?;
        Ok(self.retried.iter().copied().collect())
    }

    /// The broker has refused one of them again.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn refused_again(&mut self, seq: u64) -> Result<(), JournalError> {
        self.retried.remove(&seq);
        self.read_quarantined()
    }

    /// One of them has arrived: it is not set aside any more.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn retried_is_there(&mut self, seq: u64) -> Result<(), JournalError> {
        if !self.retried.contains(&seq) {
            return Ok(());
        }
        let sql = "DELETE FROM quarantine WHERE series = ?1 AND seq = ?2";
        self.connection.execute(sql, params![self.row.series.0, seq]).map_err(query("write"))?;
        self.retried.remove(&seq);
        Ok(())
    }

    /// A receipt for what was sent once more: only a hash that agrees counts.
    pub(super) fn retried_arrived(&mut self, receipt: &Receipt) -> Result<(), JournalError> {
        if self.retried.is_empty() || !self.agrees(receipt.up_to, receipt.hash)? {
            return Ok(());
        }
        let arrived: Vec<u64> = self.retried.range(..=receipt.up_to).copied().collect();
        arrived.into_iter().try_for_each(|seq| self.retried_is_there(seq))
    }
}

/// When a record happened, in seconds since 1970: that is how old it is in the queue.
fn stored_at(line: &[u8]) -> i64 {
    serde_json::from_slice::<records::Record>(line).map_or(0, |record| record.at.wall.as_second())
}

#[cfg(test)]
mod tests {
    use records::{Draft, Event, Hash, Stamp, Subject, chain};

    use super::*;
    use crate::journal::Opened;
    use crate::station::{Decision, State};

    fn open(folder: &tempfile::TempDir) -> Opened {
        Journal::open(folder.path(), "pack-1", 4 << 20, 0).unwrap()
    }

    fn filled(folder: &tempfile::TempDir) -> Journal {
        let mut journal = open(folder).journal;
        let at = Stamp { wall: jiff::Timestamp::UNIX_EPOCH, synchronised: true, boot: "b".into(), since_boot: 0 };
        let drafts = (0..6).map(|n| Draft::new(Event::Packed, Subject::device(format!("S{n}")))).collect();
        let state = State { last_seq: 6, ..State::default() };
        let decision = Decision { drafts, ..Decision::of(state) };
        let mut group = journal.group().unwrap();
        group.add(&decision, Hash::ZERO, &at).unwrap();
        group.commit(&decision.next, 6).unwrap();
        journal
    }

    fn receipt(journal: &Journal, up_to: u64) -> Receipt {
        let hash = chain::hash_line(&journal.line(up_to).unwrap().unwrap());
        let said = serde_json::json!({"station": "pack-1", "series": journal.series(), "upTo": up_to, "hash": hash});
        serde_json::from_value(said).unwrap()
    }

    #[test]
    fn what_the_broker_refused_is_sent_once_more_and_stays_known_until_it_has_arrived() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = filled(&folder);
        let series = journal.series();
        journal.set_aside_refused(series, 2, "too large").unwrap();
        journal.quarantine(4, 4, "the line is damaged on this station's disk").unwrap();
        journal.settle(1);
        journal.settle(6);
        assert_eq!((journal.settled(), journal.set_aside()), (6, vec![(2, 2), (4, 4)]));
        // Its bytes were forgotten since.
        journal.connection.execute("DELETE FROM record WHERE seq <= 3", []).unwrap();
        assert_eq!(journal.retry_refused().unwrap(), [2], "what is damaged is not sent");
        let run = journal.queued(2, 1, 1 << 20).unwrap().unwrap();
        assert_eq!((run.first, run.lines.len(), journal.set_aside()), (2, 1, vec![(4, 4)]));
        // Refused again, or not arrived before the next start, it is set aside as before.
        journal.refused_again(2).unwrap();
        assert_eq!(journal.set_aside(), [(2, 2), (4, 4)]);
        journal.retry_refused().unwrap();
        journal.close(6).unwrap();
        let mut journal = open(&folder).journal;
        assert_eq!(journal.set_aside(), [(2, 2), (4, 4)]);
        journal.retry_refused().unwrap();
        let wrong = Receipt { hash: Hash::ZERO, ..receipt(&journal, 6) };
        journal.apply(&wrong).unwrap();
        assert_eq!(journal.quarantined().unwrap().len(), 2, "that receipt says nothing");
        let below = receipt(&journal, 2);
        journal.apply(&below).unwrap();
        let aside: Vec<u64> = journal.quarantined().unwrap().iter().map(|row| row.seq).collect();
        assert_eq!((aside, journal.set_aside()), (vec![4], vec![(4, 4)]));
        assert_eq!(journal.retry_refused().unwrap(), [0; 0]);
    }
}
