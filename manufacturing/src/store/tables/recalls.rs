//! Recalls and drills, as the service's records say.

use jiff::Timestamp;
use records::{Draft, Event, Kind, Record, Subject};
use serde_json::{Map, Value};

use super::holds::{self, Hold, revision_after};
use super::{TENANT, int, micros, time};
use crate::store::sql::{self, Connection, Row, params};

/// The attribute that names the recall.
pub const RECALL: &str = "recall";

/// A recall as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRecall {
    /// Its number.
    pub id: String,
    /// What its record says.
    pub opened: Map<String, Value>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// What the record says that closed it, and when.
    pub closed: Option<(Map<String, Value>, Timestamp)>,
}

/// A timed mock recall.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredDrill {
    /// When.
    pub at: Timestamp,
    /// What its record says.
    pub what: Map<String, Value>,
}

const COLUMNS: &str = "name, opened, opened_at, closed, closed_at";

fn object(text: &str) -> sql::Result<Map<String, Value>> {
    Ok(serde_json::from_str(text)?)
}

fn row(row: &Row<'_>) -> sql::Result<StoredRecall> {
    let closed: Option<String> = row.get(3)?;
    let at: Option<i64> = row.get(4)?;
    let closed = match closed.zip(at) {
        Some((text, at)) => Some((object(&text)?, time(at))),
        None => None,
    };
    Ok(StoredRecall { id: row.get(0)?, opened: object(&row.text(1)?)?, opened_at: time(row.get(2)?), closed })
}

/// What a record says, with its reason and who it was.
fn said(record: &Record) -> sql::Result<String> {
    let mut said: Map<String, Value> = record.attributes.clone().into_iter().collect();
    said.remove(RECALL);
    for (name, text) in [("reason", &record.reason), ("actor", &record.actor)] {
        said.extend(text.iter().map(|text| (name.to_owned(), text.as_str().into())));
    }
    Ok(serde_json::to_string(&said)?)
}

/// The recall that a record of the service is about.
pub fn named(record: &Record) -> Option<&str> {
    record.attributes.get(RECALL)?.as_str()
}

/// Enters what a record says.
pub fn learn(connection: &Connection, position: i64, record: &Record) -> sql::Result<()> {
    let at = micros(record.at.wall);
    match (record.event, named(record)) {
        (Event::RecallOpened, Some(name)) => connection.execute(
            "INSERT INTO recall (tenant, name, opened, opened_at, closed, closed_at, position) VALUES (?, ?, ?, ?, NULL, NULL, ?)
             ON CONFLICT (tenant, name) DO NOTHING",
            params![TENANT, name, said(record)?, at, position],
        ),
        (Event::RecallClosed, Some(name)) => connection.execute(
            "UPDATE recall SET closed = ?, closed_at = ?, position = ? WHERE tenant = ? AND name = ?",
            params![said(record)?, at, position, TENANT, name],
        ),
        (Event::Drilled, _) => connection.execute(
            "INSERT INTO drill (position, tenant, at, what) VALUES (?, ?, ?, ?)",
            params![position, TENANT, at, said(record)?],
        ),
        (Event::Held | Event::Released, Some(name)) => hold(connection, name, record),
        _ => Ok(()),
    }
}

/// Enters that a recall keeps something from being packed, or does so no more.
fn hold(connection: &Connection, recall: &str, record: &Record) -> sql::Result<()> {
    if !matches!(record.subject.kind, Kind::Device | Kind::Lot) {
        return Ok(());
    }
    let at = micros(record.at.wall);
    connection.execute(
        "INSERT INTO recall_hold (tenant, recall, kind, name, held, since, reason, revision) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (tenant, recall, kind, name) DO UPDATE SET held = excluded.held, since = excluded.since,
             reason = excluded.reason, revision = excluded.revision",
        params![
            TENANT,
            recall,
            record.subject.kind.word(),
            record.subject.id,
            record.event == Event::Held,
            at,
            record.reason.as_deref().unwrap_or_default(),
            revision_after(connection, at)?
        ],
    )
}

/// One of them.
pub fn find(connection: &Connection, name: &str) -> sql::Result<Option<StoredRecall>> {
    let query = format!("SELECT {COLUMNS} FROM recall WHERE tenant = ? AND name = ?");
    connection.query_optional(&query, params![TENANT, name], row)
}

/// Those that were opened or closed last, newest first; the open or the closed ones, or both.
pub fn newest(connection: &Connection, open: Option<bool>, most: u64) -> sql::Result<Vec<StoredRecall>> {
    let which = match open {
        Some(true) => "AND closed IS NULL",
        Some(false) => "AND closed IS NOT NULL",
        None => "",
    };
    let query = format!("SELECT {COLUMNS} FROM recall WHERE tenant = ? {which} ORDER BY position DESC LIMIT ?");
    connection.query(&query, params![TENANT, int(most)], row)
}

/// The newest drills, newest first.
pub fn drills(connection: &Connection, most: u64) -> sql::Result<Vec<StoredDrill>> {
    connection.query(
        "SELECT at, what FROM drill WHERE tenant = ? ORDER BY position DESC LIMIT ?",
        params![TENANT, int(most)],
        |row| Ok(StoredDrill { at: time(row.get(0)?), what: object(&row.text(1)?)? }),
    )
}

/// What recalls keep from being packed, by kind and name: one alone, or all.
pub fn holds(connection: &Connection, recall: Option<&str>) -> sql::Result<Vec<Hold>> {
    let which = if recall.is_some() { "recall = ?2" } else { "?2 = ''" };
    let query = format!(
        "SELECT kind, name, since, reason, recall FROM recall_hold WHERE tenant = ?1 AND {which} AND held <> 0
         ORDER BY kind, name, recall"
    );
    connection.query(&query, params![TENANT, recall.unwrap_or_default()], holds::row)
}

/// The recalls that keep this from being packed.
pub fn of(connection: &Connection, what: &Subject) -> sql::Result<Vec<Hold>> {
    connection.query(
        "SELECT kind, name, since, reason, recall FROM recall_hold WHERE kind = ? AND name = ? AND tenant = ? AND held <> 0
         ORDER BY recall",
        params![what.kind.word(), what.id, TENANT],
        holds::row,
    )
}

/// How much recalls keep from being packed.
pub fn count(connection: &Connection) -> sql::Result<usize> {
    let sql = "SELECT count(*) FROM recall_hold WHERE tenant = ? AND held <> 0";
    connection.query_row(sql, params![TENANT], |row| row.get(0))
}

/// A hold or release in the name of a recall.
pub fn draft(event: Event, what: Subject, recall: &str, reason: &str) -> Draft {
    let attributes = [(RECALL.to_owned(), recall.into())].into();
    Draft { attributes, reason: Some(reason.to_owned()), ..Draft::new(event, what) }
}

#[cfg(test)]
mod tests;
