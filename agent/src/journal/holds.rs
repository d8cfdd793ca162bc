//! What is on hold, as the service said it last. It outlives a restart and blocks packing without a network.

use std::collections::BTreeSet;

use records::wire::Holds;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::{Group, Journal, JournalError, query};
use crate::station::Hold;

const SERIAL: &str = "serial";
const LOT: &str = "lot";
/// What is under recall has a row of each kind.
const RECALLED: [&str; 2] = ["recalled serial", "recalled lot"];

/// The holds that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldsKept {
    /// Their revision.
    pub revision: u64,
    /// How many serials and lots are on hold.
    pub ids: u64,
}

impl Journal {
    /// The holds that are kept; `None` where the service has never said any.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn holds(&self) -> Result<Option<HoldsKept>, JournalError> {
        kept(&self.connection).map_err(query("read"))
    }

    /// Keeps these holds instead of the ones before; durable when it returns. Tells whether they are newer than those.
    /// Only what differs is written.
    ///
    /// # Errors
    /// When the disk does not take them; the holds before then stay.
    pub fn keep_holds(&mut self, holds: &Holds) -> Result<bool, JournalError> {
        let transaction = self.connection.transaction().map_err(query("begin a transaction in"))?;
        if kept(&transaction).map_err(query("read"))?.is_some_and(|kept| holds.revision <= kept.revision) {
            return Ok(false);
        }
        replace(&transaction, holds).map_err(query("write holds to"))?;
        transaction.commit().map_err(query("commit to"))?;
        Ok(true)
    }
}

impl Group<'_> {
    /// Is this on hold?
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn is_held(&self, hold: &Hold) -> Result<bool, JournalError> {
        self.is_kept(key(hold))
    }

    /// Is this on hold because it is under recall?
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn is_recalled(&self, hold: &Hold) -> Result<bool, JournalError> {
        self.is_kept(match hold {
            Hold::Serial(id) => [RECALLED[0], id],
            Hold::Lot(id) => [RECALLED[1], id],
        })
    }

    fn is_kept(&self, key: [&str; 2]) -> Result<bool, JournalError> {
        self.transaction
            .prepare_cached("SELECT 1 FROM hold WHERE kind = ?1 AND id = ?2")
            .and_then(|mut held| held.exists(key))
            .map_err(query("read"))
    }
}

fn key(hold: &Hold) -> [&str; 2] {
    match hold {
        Hold::Serial(id) => [SERIAL, id],
        Hold::Lot(id) => [LOT, id],
    }
}

fn kept(connection: &Connection) -> rusqlite::Result<Option<HoldsKept>> {
    connection
        .prepare_cached("SELECT revision, ids FROM holds")?
        .query_row([], |row| Ok(HoldsKept { revision: row.get(0)?, ids: row.get(1)? }))
        .optional()
}

fn replace(connection: &Connection, holds: &Holds) -> rusqlite::Result<()> {
    let mut wanted = BTreeSet::new();
    let mut want = |kind: &str, ids: &[String]| wanted.extend(ids.iter().map(|id| (kind.to_owned(), id.clone())));
    want(SERIAL, &holds.serials);
    want(LOT, &holds.lots);
    // What is under recall is on hold, whatever else is said of it.
    want(SERIAL, &holds.recalled_serials);
    want(LOT, &holds.recalled_lots);
    want(RECALLED[0], &holds.recalled_serials);
    want(RECALLED[1], &holds.recalled_lots);
    let ids = wanted.iter().filter(|(kind, _)| kind == SERIAL || kind == LOT).count();
    let before: BTreeSet<(String, String)> = connection
        .prepare("SELECT kind, id FROM hold WHERE kind NOT IN ('here', 'told')")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut released = connection.prepare("DELETE FROM hold WHERE kind = ?1 AND id = ?2")?;
    before.difference(&wanted).try_for_each(|hold| released.execute(params![hold.0, hold.1]).map(drop))?;
    let mut held = connection.prepare("INSERT INTO hold (kind, id) VALUES (?1, ?2)")?;
    wanted.difference(&before).try_for_each(|hold| held.execute(params![hold.0, hold.1]).map(drop))?;
    super::held::told(connection)?;
    connection
        .execute("INSERT OR REPLACE INTO holds (id, revision, ids) VALUES (1, ?1, ?2)", params![holds.revision, ids])
        .map(drop)
}

#[cfg(test)]
mod tests;
