//! Containers and work orders that this station knows, and what is counted for the report of a shift.

pub(super) mod mend;

use std::collections::BTreeMap;

use records::SeriesId;
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Group, Journal, JournalError, query, units};
use crate::station::{Count, Decision, KnownContainer, OrderCount};

pub(super) const TABLES: &str = "
    CREATE TABLE container (id TEXT PRIMARY KEY, body TEXT NOT NULL, crc INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE INDEX label_sscc ON label (sscc, id);
    CREATE TABLE work_order (id TEXT PRIMARY KEY, body TEXT NOT NULL, crc INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE tally (hour INTEGER NOT NULL, lane TEXT NOT NULL, person TEXT NOT NULL, work_order TEXT NOT NULL,
                        what TEXT NOT NULL, count INTEGER NOT NULL,
                        PRIMARY KEY (hour, lane, person, work_order, what)) STRICT, WITHOUT ROWID;";

/// Containers around containers are followed so far: more levels no configuration has.
const DEEPEST: usize = 12;
/// Most containers of a container that are told.
const MOST_TOLD: usize = 100_000;
/// Counts are kept so many hours.
const KEPT_HOURS: i64 = 40 * 24;

/// Counted in one hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// The hour, in hours since 1970.
    pub hour: i64,
    /// Of what.
    pub of: Count,
    /// How often.
    pub count: u64,
}

impl Group<'_> {
    /// These containers with those around them, as far as they are known here.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn containers(&self, ids: &[String]) -> Result<BTreeMap<String, KnownContainer>, JournalError> {
        let mut found = BTreeMap::new();
        for id in ids {
            let mut next = Some(id.clone());
            for _ in 0..DEEPEST {
                let Some(id) = next.take().filter(|id| !found.contains_key(id)) else { break };
                let Some(container) = self.container(&id)? else { break };
                next.clone_from(&container.parent);
                found.insert(id, container);
            }
        }
        Ok(found)
    }

    fn container(&self, id: &str) -> Result<Option<KnownContainer>, JournalError> {
        let sql = "SELECT body, crc FROM container WHERE id = ?1";
        let container: Option<KnownContainer> = body(&self.transaction, sql, id).map_err(query("read"))?;
        Ok(container.map(|mut container| {
            container.joined = container.joined.map(|(seq, series)| (seq, series.filter(|s| *s != self.series)));
            container
        }))
    }

    /// Ids of the containers directly in a container, at most 100,000 of them.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn containers_in(&self, container: &str) -> Result<Vec<String>, JournalError> {
        self.transaction
            .prepare_cached("SELECT id FROM inside WHERE container = ?1 AND kind = 1 ORDER BY id LIMIT ?2")
            .and_then(|mut ids| ids.query_map(params![container, MOST_TOLD], |row| row.get(0))?.collect())
            .map_err(query("read"))
    }

    /// What was counted of a work order that no lane works on.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn order(&self, id: &str) -> Result<Option<OrderCount>, JournalError> {
        body(&self.transaction, "SELECT body, crc FROM work_order WHERE id = ?1", id).map_err(query("read"))
    }

    /// Writes what a decision changes in containers, work orders and counts.
    pub(super) fn change_containers(&mut self, decision: &Decision, at: i64) -> rusqlite::Result<()> {
        for container in &decision.containers {
            put_container(&self.transaction, container, self.series)?;
        }
        for (id, count) in &decision.orders {
            put_body(
                &self.transaction,
                "INSERT OR REPLACE INTO work_order (id, body, crc) VALUES (?1, ?2, ?3)",
                id,
                count,
            )?;
        }
        for count in &decision.counts {
            *self.counts.entry((at.div_euclid(3600), count.clone())).or_default() += 1;
        }
        Ok(())
    }

    /// Writes what was counted, once for the group.
    pub(super) fn write_counts(&mut self) -> rusqlite::Result<()> {
        for ((hour, Count { lane, person, work_order, what }), count) in std::mem::take(&mut self.counts) {
            self.transaction
                .prepare_cached(
                    "INSERT INTO tally (hour, lane, person, work_order, what, count) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                     ON CONFLICT DO UPDATE SET count = count + ?6",
                )?
                .execute(params![hour, lane, person, work_order, what, count])?;
        }
        Ok(())
    }
}

impl Journal {
    /// What was counted from one hour to another, both in hours since 1970 and inclusive, in their order.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn counted(&self, first: i64, last: i64) -> Result<Vec<Counted>, JournalError> {
        let read = |row: &rusqlite::Row<'_>| {
            let of = Count { lane: row.get(1)?, person: row.get(2)?, work_order: row.get(3)?, what: row.get(4)? };
            Ok(Counted { hour: row.get(0)?, of, count: row.get(5)? })
        };
        self.connection
            .prepare_cached(
                "SELECT hour, lane, person, work_order, what, count FROM tally WHERE hour BETWEEN ?1 AND ?2
                 ORDER BY hour, lane, person, work_order, what",
            )
            .and_then(|mut rows| rows.query_map([first, last], read)?.collect())
            .map_err(query("read"))
    }

    /// Forgets counts that are older than 40 days.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn forget_counts(&self, now_seconds: i64) -> Result<(), JournalError> {
        let before = now_seconds.div_euclid(3600) - KEPT_HOURS;
        let old: bool = self
            .connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM tally WHERE hour < ?1)")
            .and_then(|mut old| old.query_row([before], |row| row.get(0)))
            .map_err(query("read"))?;
        match old {
            false => Ok(()),
            true => self
                .connection
                .execute("DELETE FROM tally WHERE hour < ?1", [before])
                .map(drop)
                .map_err(query("forget counts in")),
        }
    }
}

/// A row whose checksum is wrong, or that cannot be read, says nothing.
fn body<T: DeserializeOwned>(connection: &Connection, sql: &str, id: &str) -> rusqlite::Result<Option<T>> {
    let row = connection
        .prepare_cached(sql)?
        .query_row([id], |row| Ok((row.get::<_, String>(0)?, row.get::<_, u32>(1)?)))
        .optional()?;
    Ok(row.and_then(|(body, crc)| {
        let read = (crc == checksum(id, &body)).then(|| serde_json::from_str(&body).ok()).flatten();
        if read.is_none() {
            tracing::error!("what is known of a container or work order is damaged on this disk: it counts as unknown until the next start");
        }
        read
    }))
}

fn checksum(id: &str, body: &str) -> u32 {
    crc32c::crc32c(&[id.as_bytes(), body.as_bytes()].join(&0))
}

fn put_body(connection: &Connection, sql: &str, id: &str, body: &impl Serialize) -> rusqlite::Result<()> {
    let body = serde_json::to_string(body).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    connection.prepare_cached(sql)?.execute(params![id, body, checksum(id, &body)]).map(drop)
}

/// The record that put it into its parent is named with its series: another one may begin.
fn put_container(connection: &Connection, container: &KnownContainer, series: SeriesId) -> rusqlite::Result<()> {
    let mut container = container.clone();
    container.joined = container.joined.map(|(seq, known)| (seq, Some(known.unwrap_or(series))));
    let sql = "SELECT body, crc FROM container WHERE id = ?1";
    let before: Option<KnownContainer> = body(connection, sql, &container.id)?;
    if container.unchecked || before.as_ref().is_some_and(|before| before.unchecked) {
        super::held::note_container(connection, &container.id, container.unchecked)?;
    }
    let before = before.and_then(|before| before.parent);
    if before != container.parent {
        if let Some(before) = before {
            units::change_inside(connection, units::LEAVE, &before, units::CONTAINER, ("", &container.id))?;
        }
        if let Some(parent) = &container.parent {
            units::change_inside(connection, units::ENTER, parent, units::CONTAINER, ("", &container.id))?;
        }
    }
    let written =
        serde_json::to_string(&container).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    connection
        .prepare_cached("INSERT OR REPLACE INTO container (id, body, crc) VALUES (?1, ?2, ?3)")?
        .execute(params![container.id, written, checksum(&container.id, &written)])
        .map(drop)
}

/// Takes over what a damaged journal still gives, row by row up to the first damaged page of each table.
pub(super) fn take_over(wreck: &Connection, new: &Connection) -> rusqlite::Result<()> {
    let rows = |sql: &str, columns: usize, each: &mut dyn FnMut(&[rusqlite::types::Value]) -> rusqlite::Result<()>| {
        let Ok(mut statement) = wreck.prepare(sql) else { return Ok(()) };
        let Ok(mut rows) = statement.query([]) else { return Ok(()) };
        while let Ok(Some(row)) = rows.next() {
            let Ok(values) = (0..columns).map(|at| row.get(at)).collect::<rusqlite::Result<Vec<_>>>() else { break };
            each(&values)?;
        }
        Ok(())
    };
    // What is damaged in a row its checksum will tell.
    rows("SELECT id, body, crc FROM container", 3, &mut |row| {
        let put = "INSERT OR IGNORE INTO container (id, body, crc) VALUES (?1, ?2, ?3)";
        new.prepare_cached(put)?.execute(rusqlite::params_from_iter(row)).map(drop)
    })?;
    rows("SELECT id, body, crc FROM work_order", 3, &mut |row| {
        let put = "INSERT OR IGNORE INTO work_order (id, body, crc) VALUES (?1, ?2, ?3)";
        new.prepare_cached(put)?.execute(rusqlite::params_from_iter(row)).map(drop)
    })?;
    rows("SELECT container, kind, scope, id FROM inside WHERE kind = 1", 4, &mut |row| {
        let put = "INSERT OR IGNORE INTO inside (container, kind, scope, id) VALUES (?1, ?2, ?3, ?4)";
        new.prepare_cached(put)?.execute(rusqlite::params_from_iter(row)).map(drop)
    })?;
    rows("SELECT hour, lane, person, work_order, what, count FROM tally", 6, &mut |row| {
        let put =
            "INSERT OR IGNORE INTO tally (hour, lane, person, work_order, what, count) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        new.prepare_cached(put)?.execute(rusqlite::params_from_iter(row)).map(drop)
    })
}

#[cfg(test)]
mod tests;
