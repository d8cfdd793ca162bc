//! What must not be packed, as the service's records say.

use crate::store::sql::{self, Connection, Row, params};
use jiff::Timestamp;
use records::wire::Holds;
use records::{Event, Kind, Record, RecordId, Subject};

use super::{TENANT, int, micros, number, recalls, time};
use crate::projection::{Reading, former};

/// Most devices and lots on hold at once: they are told to each station in one message, of at most
/// 1,200 KiB.
pub const MOST_HOLDS: usize = 1000;

/// A hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The device or lot.
    pub what: Subject,
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub reason: String,
    /// The recall that it belongs to.
    pub recall: Option<String>,
}

/// A hold from columns of kind, name, since, reason and recall.
pub fn row(row: &Row<'_>) -> sql::Result<Hold> {
    let kind = Kind::from_word(&row.text(0)?).ok_or_else(|| sql::Error::value("a kind of subject", "another word"))?;
    let what = Subject::new(kind, row.get::<String>(1)?);
    Ok(Hold { what, since: time(row.get(2)?), reason: row.get(3)?, recall: row.get(4)? })
}

/// Enters what a record says: the last word on a device or lot counts.
pub fn learn(connection: &Connection, position: i64, record: &Record) -> sql::Result<()> {
    if !matches!(record.subject.kind, Kind::Device | Kind::Lot) {
        return Ok(());
    }
    connection
        .execute(
            "INSERT INTO hold (tenant, kind, name, held, since, reason, position, revision) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (tenant, kind, name) DO UPDATE SET held = excluded.held, since = excluded.since,
                 reason = excluded.reason, position = excluded.position, revision = excluded.revision",
            params![
                TENANT,
                record.subject.kind.word(),
                record.subject.id,
                record.event == Event::Held,
                micros(record.at.wall),
                record.reason.as_deref().unwrap_or_default(),
                position,
                revision_after(connection, micros(record.at.wall))?
            ],
        )
        .map(drop)
}

/// Enters a hold that quality has put on something at a line, until the service releases it. The last word counts in the
/// order in which it came: a person releases what is known. Tells whether anything was entered.
pub fn learn_of_station(connection: &Connection, position: i64, id: &RecordId, reading: &Reading) -> sql::Result<bool> {
    let Some(record) = reading.record.as_ref().filter(|record| record.event == Event::Held) else { return Ok(false) };
    // What was written again in another series is no new hold: it may have been released since.
    if !matches!(record.subject.kind, Kind::Device | Kind::Lot) || is_stored(connection, former(id, reading), position)?
    {
        return Ok(false);
    }
    let what = Subject::new(record.subject.kind, record.subject.id.as_str());
    if count(connection)? >= MOST_HOLDS && find(connection, &what)?.is_none() {
        tracing::error!(station = id.station, hold = what.id, "ALARM: more is on hold than the stations can be told");
        return Ok(false);
    }
    learn(connection, position, record)?;
    Ok(true)
}

/// Is the record with this identity stored before a position?
fn is_stored(connection: &Connection, id: Option<&RecordId>, before: i64) -> sql::Result<bool> {
    let Some(id) = id else { return Ok(false) };
    connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM record JOIN series ON series.id = series_id
             WHERE tenant = ? AND station = ? AND series = ? AND seq = ? AND position < ?)",
        params![TENANT, id.station, id.series.0, int(id.seq), before],
        |row| row.get(0),
    )
}

/// The hold on a device or lot.
pub fn find(connection: &Connection, what: &Subject) -> sql::Result<Option<Hold>> {
    connection.query_optional(
        "SELECT kind, name, since, reason, NULL FROM hold WHERE tenant = ? AND kind = ? AND name = ? AND held <> 0",
        params![TENANT, what.kind.word(), what.id],
        row,
    )
}

/// Everything that keeps this from being packed: its hold, and the recalls that it is under.
pub fn of(connection: &Connection, what: &Subject) -> sql::Result<Vec<Hold>> {
    let mut found: Vec<Hold> = find(connection, what)?.into_iter().collect();
    found.extend(recalls::of(connection, what)?);
    Ok(found)
}

/// All holds, by kind and name, and then those of recalls.
pub fn all(connection: &Connection) -> sql::Result<Vec<Hold>> {
    let mut found = connection.query(
        "SELECT kind, name, since, reason, NULL FROM hold WHERE tenant = ? AND held <> 0 ORDER BY kind, name",
        params![TENANT],
        row,
    )?;
    found.extend(recalls::holds(connection, None)?);
    Ok(found)
}

/// How many there are, those of recalls among them.
pub fn count(connection: &Connection) -> sql::Result<usize> {
    let sql = "SELECT count(*) FROM hold WHERE tenant = ? AND held <> 0";
    let own: usize = connection.query_row(sql, params![TENANT], |row| row.get(0))?;
    Ok(own + recalls::count(connection)?)
}

/// The revision of what is on hold: higher with each change.
fn revision(connection: &Connection) -> sql::Result<i64> {
    connection.query_row(
        "SELECT coalesce(max(revision), 0) FROM (SELECT max(revision) AS revision FROM hold
             UNION ALL SELECT max(revision) AS revision FROM recall_hold) AS kept",
        params![],
        |row| row.get(0),
    )
}

/// The revision of a change at a time. Stations take no lower one: it goes by the clock, so that a store from a backup is
/// not below what they have.
pub fn revision_after(connection: &Connection, at: i64) -> sql::Result<i64> {
    Ok((revision(connection)? + 1).max(at))
}

/// As the stations are told.
pub fn message(connection: &Connection) -> sql::Result<Holds> {
    let mut message = Holds { revision: number(revision(connection)?), ..Holds::default() };
    for hold in all(connection)? {
        let (all, recalled) = match hold.what.kind {
            Kind::Lot => (&mut message.lots, &mut message.recalled_lots),
            _ => (&mut message.serials, &mut message.recalled_serials),
        };
        if hold.recall.is_some() {
            recalled.push(hold.what.id.clone());
        }
        all.push(hold.what.id);
    }
    // One thing can be on hold and under several recalls.
    for list in [&mut message.serials, &mut message.lots, &mut message.recalled_serials, &mut message.recalled_lots] {
        list.sort();
        list.dedup();
    }
    Ok(message)
}

#[cfg(test)]
mod tests;
