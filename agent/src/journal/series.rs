//! A new series in a journal that goes on: after a fork, in another place, with another key, or after damage.
//!
//! Two steps, each of which can be cut off by a power failure at any moment. First the lines without a receipt are put into
//! `carried` and the new series is there, still empty; then, once its record 1 is written, [`Journal::carry`] writes them
//! again, each naming its first identity, before anything new is decided.

use records::{Event, Record, RecordId, SeriesId, chain, keys};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use serde::{Deserialize, Serialize};

use super::aside::DAMAGED;
use super::{Journal, JournalError, Position, Row, query, room, sums};
use crate::station::State;

pub(super) const TABLES: &str = "
    ALTER TABLE station ADD COLUMN state_crc INTEGER;
    ALTER TABLE station ADD COLUMN place BLOB;
    ALTER TABLE station ADD COLUMN key BLOB;
    ALTER TABLE station ADD COLUMN why TEXT;
    ALTER TABLE station ADD COLUMN before BLOB;
    ALTER TABLE station ADD COLUMN last_before INTEGER;
    ALTER TABLE known ADD COLUMN crc INTEGER;
    CREATE TABLE carried (n INTEGER PRIMARY KEY, series BLOB NOT NULL, seq INTEGER NOT NULL, line BLOB NOT NULL,
                          crc INTEGER NOT NULL) STRICT;
    ALTER TABLE quarantine RENAME TO quarantine_of_one_series;
    CREATE TABLE quarantine (series BLOB NOT NULL, seq INTEGER NOT NULL, line BLOB NOT NULL, reason TEXT NOT NULL,
                             PRIMARY KEY (series, seq)) STRICT;
    INSERT INTO quarantine SELECT series, seq, line, reason FROM quarantine_of_one_series, station;
    DROP TABLE quarantine_of_one_series;";

/// Lines that are moved at once.
const AT_ONCE: usize = 1000;

/// Why a series began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Why {
    /// The journal before it is gone.
    Replaced,
    /// The journal before it was damaged.
    Damaged,
    /// The service holds other records under the identities of the series before.
    Forked,
    /// The journal found itself in another place than it was made.
    Moved,
    /// The station has a new key.
    KeyChanged,
}

impl Why {
    const ALL: [Self; 5] = [Self::Replaced, Self::Damaged, Self::Forked, Self::Moved, Self::KeyChanged];

    /// The word in records and tables.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Replaced => "replaced",
            Self::Damaged => "damaged",
            Self::Forked => "forked",
            Self::Moved => "moved",
            Self::KeyChanged => "keyChanged",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|why| why.word() == word)
    }
}

/// How a series began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Began {
    /// Why; `None` for the first one of a station.
    pub why: Option<Why>,
    /// The series before it, where known.
    pub before: Option<SeriesId>,
    /// The highest sequence that was written in that one, where known.
    pub last_before: Option<u64>,
}

/// Puts a line in the queue of those that are written again.
pub(super) fn put_carried(
    connection: &Connection,
    series: SeriesId,
    seq: u64,
    line: &[u8],
) -> Result<(), JournalError> {
    connection
        .prepare_cached("INSERT INTO carried (series, seq, line, crc) VALUES (?1, ?2, ?3, ?4)")
        .and_then(|mut put| put.execute(params![series.0, seq, line, sums::of_line(series, line)]))
        .map_err(query("carry a record over in"))?;
    Ok(())
}

impl Journal {
    /// Begins a new series. What has no receipt waits to be written again in it; the state goes on. Unless only the key
    /// changed, another copy of this journal may have written since: then its mark of SSCCs is not to be trusted, what is
    /// open is not gone on with, and of labels that wait nobody knows whether the other one printed them. Tells the ids of
    /// the containers that were open.
    ///
    /// # Errors
    /// When the disk does not take it; the journal is then as before.
    pub fn renew(&mut self, why: Why, state: &mut State) -> Result<Vec<String>, JournalError> {
        let (before, settled) = (self.row.series, self.settled);
        let began = match self.position.last {
            // A series without a record was never seen by anybody: only its number changes.
            0 => Began { why: self.row.began.why.or(Some(why)), ..self.row.began },
            last => Began { why: Some(why), before: Some(before), last_before: Some(last) },
        };
        let series: SeriesId = keys::random()?;
        let mut next = state.clone();
        next.leave_series(before);
        let is_copy = why != Why::KeyChanged;
        next.sscc_lost |= is_copy;
        let abandoned = if is_copy { next.abandon_open() } else { Vec::new() };
        let row = Row { series, settled: 0, answered: 0, key: None, began, ..self.row.clone() };
        let (row, json) = row.with_state(&next)?;
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(query("begin a transaction in"))?;
        transaction.execute("DELETE FROM record WHERE seq <= ?1", [settled]).map_err(query("begin a series in"))?;
        while move_lines(&transaction, before)? {}
        if why == Why::Moved {
            // At the start, labels that were being sent become doubtful.
            transaction
                .execute("UPDATE label SET state = 'sending' WHERE state = 'waiting'", [])
                .map_err(query("begin a series in"))?;
        }
        row.write(&transaction, Some(&json))?;
        transaction.commit().map_err(query("commit to"))?;
        *state = next;
        self.row = row;
        self.position = Position { last: 0, head: chain::BEFORE_THE_FIRST };
        self.settled = 0;
        self.quarantined.clear();
        self.retried.clear();
        self.refusals = 0;
        Ok(abandoned)
    }

    /// Records of series before that wait to be written again.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn to_carry(&self) -> Result<u64, JournalError> {
        self.connection.query_row("SELECT count(*) FROM carried", [], |row| row.get(0)).map_err(query("read"))
    }

    /// Writes some of the records of series before again in this one. To be called until it tells 0, before anything new
    /// is decided: they happened earlier. Tells how many it took off the queue.
    ///
    /// # Errors
    /// When the disk does not take them; nothing of this call has then happened.
    pub fn carry(&mut self, station: &str, state: &mut State) -> Result<usize, JournalError> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(query("begin a transaction in"))?;
        let mut position = self.position;
        let mut taken = 0;
        while taken < AT_ONCE
            && let Some((n, series, seq, line, crc)) = next_carried(&transaction)?
        {
            let id = RecordId { station: station.to_owned(), series, seq };
            let intact = crc.is_some_and(|crc| sums::is_line(series, &line, crc));
            let record = serde_json::from_slice::<Record>(&line).ok().filter(|_| intact);
            match record {
                Some(record) => {
                    let (stored, refused) = (record.at.wall.as_second(), record.event == Event::Refused);
                    let line = record.again(id, position.last + 1, position.head).to_line()?;
                    let refusal = refused.then_some(line.len() as u64);
                    put_line(&transaction, self.row.series, position.last + 1, &line, stored, refusal)?;
                    position = Position { last: position.last + 1, head: chain::hash_line(&line) };
                }
                None => set_aside(&transaction, series, seq, &line, DAMAGED)?,
            }
            transaction.execute("DELETE FROM carried WHERE n = ?1", [n]).map_err(query("carry a record over in"))?;
            taken += 1;
        }
        if taken == 0 {
            return Ok(0);
        }
        let mut next = state.clone();
        next.last_seq = position.last;
        let (row, json) = Row { answered: position.last, ..self.row.clone() }.with_state(&next)?;
        row.write(&transaction, Some(&json))?;
        transaction.commit().map_err(query("commit to"))?;
        self.row = row;
        self.position = position;
        self.refusals = room::refusals(&self.connection)?;
        *state = next;
        Ok(taken)
    }
}

/// Moves some lines of the series before into the queue of those that are written again; whether there were any.
fn move_lines(transaction: &Transaction<'_>, series: SeriesId) -> Result<bool, JournalError> {
    let rows: Vec<(u64, Vec<u8>, Option<u32>, bool)> = transaction
        .prepare_cached(
            "SELECT seq, line, crc, EXISTS (SELECT 1 FROM quarantine WHERE series = ?1 AND quarantine.seq = record.seq)
             FROM record ORDER BY seq LIMIT ?2",
        )
        .and_then(|mut rows| {
            // A damaged column can have any type and any value.
            let read = |row: &rusqlite::Row<'_>| {
                Ok((row.get(0)?, row.get(1).unwrap_or_default(), row.get(2).ok(), row.get(3)?))
            };
            rows.query_map(params![series.0, AT_ONCE], read)?.collect()
        })
        .map_err(query("read"))?;
    let Some((last, ..)) = rows.last() else { return Ok(false) };
    let last = *last;
    for (seq, line, crc, aside) in &rows {
        match crc.is_some_and(|crc| sums::is_line(series, line, crc)) {
            _ if *aside => {}
            true => put_carried(transaction, series, *seq, line)?,
            false => set_aside(transaction, series, *seq, line, DAMAGED)?,
        }
    }
    transaction.execute("DELETE FROM record WHERE seq <= ?1", [last]).map_err(query("begin a series in"))?;
    Ok(true)
}

/// Where it stands, the series and sequence that it had, the line and its checksum.
type Carried = (i64, SeriesId, u64, Vec<u8>, Option<u32>);

fn next_carried(transaction: &Transaction<'_>) -> Result<Option<Carried>, JournalError> {
    transaction
        .prepare_cached("SELECT n, series, seq, line, crc FROM carried ORDER BY n LIMIT 1")
        .and_then(|mut next| {
            let row = next.query_row([], |row| {
                let (series, seq) = (row.get(1).unwrap_or_default(), row.get(2).unwrap_or_default());
                Ok((row.get(0)?, records::FixedBytes(series), seq, row.get(3).unwrap_or_default(), row.get(4).ok()))
            });
            row.optional()
        })
        .map_err(query("read"))
}

pub(super) fn put_line(
    connection: &Connection,
    series: SeriesId,
    seq: u64,
    line: &[u8],
    stored: i64,
    refusal: Option<u64>,
) -> Result<(), JournalError> {
    connection
        .prepare_cached("INSERT INTO record (seq, line, crc, stored, refusal) VALUES (?1, ?2, ?3, ?4, ?5)")
        .and_then(|mut insert| insert.execute(params![seq, line, sums::of_line(series, line), stored, refusal]))
        .map_err(query("write"))?;
    Ok(())
}

pub(super) fn set_aside(
    connection: &Connection,
    series: SeriesId,
    seq: u64,
    line: &[u8],
    reason: &str,
) -> Result<(), JournalError> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO quarantine (series, seq, line, reason) VALUES (?1, ?2, ?3, ?4)")
        .and_then(|mut insert| insert.execute(params![series.0, seq, line, reason]))
        .map_err(query("set a record aside in"))?;
    Ok(())
}
