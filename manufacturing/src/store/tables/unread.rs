//! Stored lines that this program cannot wholly read: an answer may lack what they say, so it names them.

use records::RecordId;

use super::{int, number};
use crate::projection::Reading;
use crate::store::sql::{self, Connection, Insert, Kind, Param, params};

/// Most of a series that are named one by one.
const MOST_NAMED: u32 = 100;

/// A stored line that cannot wholly be read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Unread {
    /// Its sequence.
    pub seq: u64,
    /// Since which position it is stored.
    pub position: u64,
    /// The fields that cannot be read.
    pub what: String,
}

const UNREAD: Insert = Insert {
    table: "unread",
    columns: &[("series_id", Kind::Int), ("seq", Kind::Int), ("position", Kind::Int), ("what", Kind::Text)],
    conflict: " ON CONFLICT DO NOTHING",
};

/// Notes which of these lines, each with its series, identity and position, cannot wholly be read.
pub fn learn<'l>(
    connection: &Connection,
    lines: impl Iterator<Item = (i64, &'l RecordId, i64, &'l Reading)>,
) -> sql::Result<()> {
    let unread: Vec<(i64, u64, i64, String)> = lines
        .filter(|(_, _, _, reading)| !reading.unread.is_empty())
        .map(|(series, id, position, reading)| (series, id.seq, position, reading.unread.join(", ")))
        .collect();
    let rows: Vec<Param<'_>> = unread
        .iter()
        .flat_map(|(series, seq, position, what)| {
            [Param::Int(*series), int(*seq).into(), Param::Int(*position), what.as_str().into()]
        })
        .collect();
    if rows.is_empty() { Ok(()) } else { connection.insert(&UNREAD, &rows) }
}

/// Those of a series that nobody has written off, lowest first; the first hundred. Whether a write-off without an end
/// stands, the store does not know: what it names is among these.
pub fn of(connection: &Connection, series: i64) -> sql::Result<Vec<Unread>> {
    connection.query(
        "SELECT u.seq, u.position, u.what FROM unread u JOIN series s ON s.id = u.series_id
         WHERE u.series_id = ? AND NOT EXISTS (SELECT 1 FROM write_off w WHERE w.tenant = s.tenant
             AND w.station = s.station AND w.series = s.series
             AND u.seq BETWEEN w.first AND w.last)
         ORDER BY u.seq LIMIT ?",
        params![series, MOST_NAMED],
        |row| Ok(Unread { seq: number(row.get(0)?), position: number(row.get(1)?), what: row.get(2)? }),
    )
}

#[cfg(test)]
mod tests;
