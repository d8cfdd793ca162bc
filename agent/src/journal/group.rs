//! One transaction for a group of decisions.

use records::{Event, Hash, Place, PublicKey, Record, SeriesId, Stamp, chain};
use rusqlite::{Transaction, params};

use super::series::put_line;
use super::{Filter, Journal, JournalError, Position, query};
use crate::station::{Decision, State};

/// An open group. Dropped without [`Group::commit`], nothing of it has happened.
pub struct Group<'j> {
    pub(super) transaction: Transaction<'j>,
    pub(super) series: SeriesId,
    position: Position,
    journal_position: &'j mut Position,
    settled: u64,
    settled_on_disk: &'j mut u64,
    key: Option<PublicKey>,
    journal_key: &'j mut Option<PublicKey>,
    /// Bytes that records of refusals take, those of this group counted.
    pub(super) refusals: u64,
    journal_refusals: &'j mut u64,
    pub(super) filter: &'j mut Option<Filter>,
    pub(super) quota: u64,
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
            series: self.series,
            position: self.position,
            journal_position: &mut self.position,
            settled: self.settled,
            settled_on_disk: &mut self.settled_on_disk,
            key: self.key,
            journal_key: &mut self.key,
            refusals: self.refusals,
            journal_refusals: &mut self.refusals,
            filter: &mut self.filter,
            quota: self.quota,
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
            put_line(&self.transaction, self.position.last + 1, &line, at.wall.as_second(), refusal)?;
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
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn claim(&mut self, key: PublicKey) -> Result<(), JournalError> {
        self.transaction.execute("UPDATE station SET key = ?1", [key.0]).map_err(query("write"))?;
        self.key = Some(key);
        Ok(())
    }

    /// Commits. When it returns, everything in the group is durable; before, nothing of it is true.
    /// `answered` is the last sequence whose answer has been given by now.
    ///
    /// # Errors
    /// When the disk or the quota is full; the journal is then as before the group.
    pub fn commit(self, state: &State, answered: u64) -> Result<(), JournalError> {
        debug_assert_eq!(state.last_seq, self.position.last, "decisions and lines count alike");
        let json = serde_json::to_string(state).map_err(JournalError::State)?;
        self.transaction
            .prepare_cached("UPDATE station SET state = ?1, settled = ?2, answered = ?3, state_crc = ?4")
            .and_then(|mut update| {
                update.execute(params![json, self.settled, answered, crc32c::crc32c(json.as_bytes())])
            })
            .map_err(query("write"))?;
        self.transaction.commit().map_err(query("commit to"))?;
        *self.journal_position = self.position;
        *self.settled_on_disk = self.settled;
        *self.journal_key = self.key;
        *self.journal_refusals = self.refusals;
        Ok(())
    }
}
