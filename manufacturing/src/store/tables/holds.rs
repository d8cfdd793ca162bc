//! What must not be packed, as the service's records say.

use crate::store::sql::{self, Connection, Row, params};
use jiff::Timestamp;
use records::wire::Holds;
use records::{Event, Kind, Record, Subject};

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

fn row(row: &Row<'_>) -> sql::Result<Hold> {
    let kind = Kind::from_word(&row.text(0)?).ok_or_else(|| sql::Error::value("a kind of subject", "another word"))?;
    Ok(Hold { what: Subject::new(kind, row.get::<String>(1)?), since: time(row.get(2)?), reason: row.get(3)? })
}

/// Enters what a record says: the last word on a device or lot counts.
pub fn learn(connection: &Connection, position: i64, record: &Record) -> sql::Result<()> {
    if !matches!(record.subject.kind, Kind::Device | Kind::Lot) {
        return Ok(());
    }
    connection
        .execute(
            "INSERT INTO hold (tenant, kind, name, held, since, reason, position) VALUES (?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (tenant, kind, name) DO UPDATE SET held = excluded.held, since = excluded.since,
                 reason = excluded.reason, position = excluded.position",
            params![
                TENANT,
                record.subject.kind.word(),
                record.subject.id,
                record.event == Event::Held,
                micros(record.at.wall),
                record.reason.as_deref().unwrap_or_default(),
                position
            ],
        )
        .map(drop)
}

/// The hold on a device or lot.
pub fn find(connection: &Connection, what: &Subject) -> sql::Result<Option<Hold>> {
    connection.query_optional(
        "SELECT kind, name, since, reason FROM hold WHERE tenant = ? AND kind = ? AND name = ? AND held <> 0",
        params![TENANT, what.kind.word(), what.id],
        row,
    )
}

/// All holds, by kind and name.
pub fn all(connection: &Connection) -> sql::Result<Vec<Hold>> {
    connection.query(
        "SELECT kind, name, since, reason FROM hold WHERE tenant = ? AND held <> 0 ORDER BY kind, name",
        params![TENANT],
        row,
    )
}

/// How many there are.
pub fn count(connection: &Connection) -> sql::Result<usize> {
    connection.query_row("SELECT count(*) FROM hold WHERE tenant = ? AND held <> 0", params![TENANT], |row| row.get(0))
}

/// As the stations are told. The revision is the position of the last record that changed it.
pub fn message(connection: &Connection) -> sql::Result<Holds> {
    let revision: i64 =
        connection.query_row("SELECT coalesce(max(position), 0) FROM hold", params![], |row| row.get(0))?;
    let mut message = Holds { revision: number(revision), ..Holds::default() };
    for hold in all(connection)? {
        let list = if hold.what.kind == Kind::Lot { &mut message.lots } else { &mut message.serials };
        list.push(hold.what.id);
    }
    Ok(message)
}

#[cfg(test)]
mod tests;
