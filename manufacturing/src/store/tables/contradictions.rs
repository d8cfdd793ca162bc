//! What cannot all be true, of all devices.

use records::Subject;

use super::{TENANT, micros};
use crate::projection::Contradiction;
use crate::store::sql::{self, Connection, params};

/// Stands for all stations.
const ALL: &str = "";

/// A device with something that cannot all be true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradicted {
    /// Its serial number.
    pub serial: String,
    /// What keeps it apart from others with that serial.
    pub scope: String,
    /// In one word.
    pub code: String,
    /// In a sentence.
    pub text: String,
    /// Since when, in microseconds since 1970.
    pub since: i64,
}

/// Replaces the rows of a device.
pub fn replace(
    connection: &Connection,
    device: &Subject,
    old: &[Contradiction],
    new: &[Contradiction],
) -> sql::Result<()> {
    if old == new {
        return Ok(());
    }
    for (n, station, _) in rows(old) {
        connection.execute(
            "DELETE FROM contradiction WHERE tenant = ? AND station = ? AND serial = ? AND scope = ? AND n = ?",
            params![TENANT, station, device.id, device.scope, n],
        )?;
    }
    for (n, station, one) in rows(new) {
        connection.execute(
            "INSERT INTO contradiction (tenant, station, serial, scope, n, code, text, since)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            params![TENANT, station, device.id, device.scope, n, one.code, one.text, micros(one.at)],
        )?;
    }
    Ok(())
}

/// One row for each station, and one for all.
fn rows(of: &[Contradiction]) -> impl Iterator<Item = (i64, &str, &Contradiction)> {
    (0..).zip(of).flat_map(|(n, one)| {
        let stations = one.stations.iter().map(String::as_str).chain([ALL]);
        stations.map(move |station| (n, station, one))
    })
}

/// Those in which a station has part, or all; by serial and scope, at most so many.
pub fn of(connection: &Connection, station: Option<&str>, most: u32) -> sql::Result<Vec<Contradicted>> {
    connection.query(
        "SELECT serial, scope, code, text, since FROM contradiction WHERE tenant = ? AND station = ?
         ORDER BY serial, scope, n LIMIT ?",
        params![TENANT, station.unwrap_or(ALL), i64::from(most)],
        |row| {
            Ok(Contradicted {
                serial: row.get(0)?,
                scope: row.get(1)?,
                code: row.get(2)?,
                text: row.get(3)?,
                since: row.get(4)?,
            })
        },
    )
}

/// How many there are.
pub fn count(connection: &Connection, station: Option<&str>) -> sql::Result<u64> {
    connection.query_row(
        "SELECT count(*) FROM contradiction WHERE tenant = ? AND station = ?",
        params![TENANT, station.unwrap_or(ALL)],
        |row| row.get(0),
    )
}
