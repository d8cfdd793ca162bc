//! What must not be packed, as the service's records say.

use jiff::Timestamp;
use records::wire::Holds;
use records::{Event, Kind, Record, Subject};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{TENANT, micros, number, time};

/// Most devices and lots on hold at once: they are told to each station in one message, of at most 600 KiB.
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
}

fn row(row: &Row<'_>) -> rusqlite::Result<Hold> {
    let kind = Kind::from_word(row.get_ref(0)?.as_str()?).ok_or(rusqlite::Error::InvalidQuery)?;
    Ok(Hold { what: Subject::new(kind, row.get::<_, String>(1)?), since: time(row.get(2)?), reason: row.get(3)? })
}

/// Enters what a record says: the last word on a device or lot counts.
pub fn learn(connection: &Connection, position: i64, record: &Record) -> rusqlite::Result<()> {
    if !matches!(record.subject.kind, Kind::Device | Kind::Lot) {
        return Ok(());
    }
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO hold (tenant, kind, name, held, since, reason, position) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            TENANT,
            record.subject.kind.word(),
            record.subject.id,
            record.event == Event::Held,
            micros(record.at.wall),
            record.reason.as_deref().unwrap_or_default(),
            position
        ])
        .map(|_| ())
}

/// The hold on a device or lot.
pub fn find(connection: &Connection, what: &Subject) -> rusqlite::Result<Option<Hold>> {
    connection
        .prepare_cached(
            "SELECT kind, name, since, reason FROM hold WHERE tenant = ? AND kind = ? AND name = ? AND held",
        )?
        .query_row(params![TENANT, what.kind.word(), what.id], row)
        .optional()
}

/// All holds, by kind and name.
pub fn all(connection: &Connection) -> rusqlite::Result<Vec<Hold>> {
    connection
        .prepare_cached("SELECT kind, name, since, reason FROM hold WHERE tenant = ? AND held ORDER BY kind, name")?
        .query_map([TENANT], row)?
        .collect()
}

/// How many there are.
pub fn count(connection: &Connection) -> rusqlite::Result<usize> {
    connection
        .prepare_cached("SELECT count(*) FROM hold WHERE tenant = ? AND held")?
        .query_row([TENANT], |row| row.get(0))
}

/// As the stations are told. The revision is the position of the last record that changed it.
pub fn message(connection: &Connection) -> rusqlite::Result<Holds> {
    let revision: i64 =
        connection.prepare_cached("SELECT coalesce(max(position), 0) FROM hold")?.query_row([], |row| row.get(0))?;
    let mut message = Holds { revision: number(revision), ..Holds::default() };
    for hold in all(connection)? {
        let list = if hold.what.kind == Kind::Lot { &mut message.lots } else { &mut message.serials };
        list.push(hold.what.id);
    }
    Ok(message)
}

#[cfg(test)]
mod tests;
