//! One transaction for a group of decisions.

use std::collections::BTreeMap;

use records::{Event, Hash, Place, PublicKey, Record, SeriesId, Stamp, chain};
use rusqlite::Transaction;

use super::series::put_line;
use super::{Filter, Journal, JournalError, Position, Row, query};
use crate::station::{Count, Decision, State};

/// An open group. Dropped without [`Group::commit`], nothing of it has happened.
pub struct Group<'j> {
    pub(super) transaction: Transaction<'j>,
    pub(super) series: SeriesId,
    position: Position,
    journal_position: &'j mut Position,
    row: Row,
    journal_row: &'j mut Row,
    /// Bytes that records of refusals take, those of this group counted.
    pub(super) refusals: u64,
    journal_refusals: &'j mut u64,
    pub(super) filter: &'j mut Option<Filter>,
    pub(super) quota: u64,
    /// What was counted for the report of a shift, by hour: a row for each, however often a scanner fires.
    pub(super) counts: BTreeMap<(i64, Count), u64>,
}

impl Journal {
    /// Begins a group.
    ///
    /// # Errors
    /// When SQLite cannot begin a transaction.
    pub fn group(&mut self) -> Result<Group<'_>, JournalError> {
        let transaction = self
            .connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .map_err(query("begin a transaction in"))?;
        Ok(Group {
            transaction,
            series: self.row.series,
            position: self.position,
            journal_position: &mut self.position,
            row: Row { settled: self.settled, ..self.row.clone() },
            journal_row: &mut self.row,
            refusals: self.refusals,
            journal_refusals: &mut self.refusals,
            filter: &mut self.filter,
            quota: self.quota,
            counts: BTreeMap::new(),
        })
    }
}

impl Group<'_> {
    /// Writes the records of a decision, and what it changes in the known serials and in the labels.
    ///
    /// # Errors
    /// When the disk or the quota is full, or a line cannot be written.
    pub fn add(&mut self, decision: &Decision, rules: Hash, at: &Stamp) -> Result<(), JournalError> {
        for draft in &decision.drafts {
            let place = Place { seq: self.position.last + 1, prev: self.position.head, rules, at: at.clone() };
            let line = Record::new(draft.clone(), place).to_line()?;
            let refusal = (draft.event == Event::Refused).then_some(line.len() as u64);
            let series = self.row.series;
            put_line(&self.transaction, series, self.position.last + 1, &line, at.wall.as_second(), refusal)?;
            self.refusals += refusal.unwrap_or(0);
            self.position = Position { last: self.position.last + 1, head: chain::hash_line(&line) };
        }
        for change in &decision.known {
            self.change_known(change).map_err(query("write"))?;
        }
        self.change_containers(decision, at.wall.as_second()).map_err(query("write"))?;
        decision.jobs.iter().try_for_each(|change| self.change_label(change, at.wall.as_second()))
    }

    /// From here on the series is signed with this key.
    pub fn claim(&mut self, key: PublicKey) {
        self.row.key = Some(key);
    }

    /// Commits. When it returns, everything in the group is durable; before, nothing of it is true.
    /// `answered` is the last sequence whose answer has been given by now.
    ///
    /// # Errors
    /// When the disk or the quota is full; the journal is then as before the group.
    pub fn commit(mut self, state: &State, answered: u64) -> Result<(), JournalError> {
        self.write_counts().map_err(query("write"))?;
        debug_assert_eq!(state.last_seq, self.position.last, "decisions and lines count alike");
        self.row.answered = answered;
        let (row, json) = self.row.with_state(state)?;
        row.write(&self.transaction, Some(&json))?;
        self.transaction.commit().map_err(query("commit to"))?;
        *self.journal_position = self.position;
        *self.journal_row = row;
        *self.journal_refusals = self.refusals;
        Ok(())
    }
}
