//! What is not waited for any more: stations that are retired and records that were given up.

use crate::store::sql::{self, Connection, params};
use jiff::Timestamp;
use records::{Event, FixedBytes, Record, SeriesId};

use super::{TENANT, int, micros, number, time};
use crate::lapses::{Lapses, WriteOff};

/// Enters what a record says.
pub fn learn(connection: &Connection, position: i64, record: &Record) -> sql::Result<()> {
    let (station, at) = (&record.subject.id, micros(record.at.wall));
    let reason = record.reason.as_deref().unwrap_or_default();
    if record.event == Event::StationRetired {
        connection.execute(
            "INSERT INTO retired (tenant, station, since, reason) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            params![TENANT, station, at, reason],
        )?;
        return Ok(());
    }
    let series = record.attributes.get("series").and_then(|series| series.as_str()?.parse::<SeriesId>().ok());
    let Some(series) = series else { return Ok(()) };
    let sequence = |name: &str| record.attributes.get(name).and_then(serde_json::Value::as_u64).map(int);
    connection.execute(
        "INSERT INTO write_off (position, tenant, station, series, first, last, at, reason, actor)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            position,
            TENANT,
            station,
            series.0,
            sequence("first").unwrap_or(1),
            sequence("last"),
            at,
            reason,
            record.actor
        ],
    )?;
    Ok(())
}

/// A station is not retired any more.
pub fn works_again(connection: &Connection, station: &str) -> sql::Result<()> {
    connection.execute("DELETE FROM retired WHERE tenant = ? AND station = ?", params![TENANT, station]).map(drop)
}

/// Since when, and why, a station is retired.
pub fn retired(connection: &Connection, station: &str) -> sql::Result<Option<(Timestamp, String)>> {
    connection.query_optional(
        "SELECT since, reason FROM retired WHERE tenant = ? AND station = ?",
        params![TENANT, station],
        |row| Ok((time(row.get(0)?), row.get(1)?)),
    )
}

const RETIRED: &str = "SELECT station, since, reason FROM retired WHERE tenant = ?";

fn write_offs() -> String {
    let count = |table: &str| {
        format!(
            "(SELECT count(*) FROM {table} x JOIN series s ON s.id = x.series_id
              WHERE s.tenant = w.tenant AND s.station = w.station AND s.series = w.series
                AND x.seq >= w.first AND (w.last IS NULL OR x.seq <= w.last)
                AND NOT EXISTS (SELECT 1 FROM write_off e WHERE e.tenant = w.tenant
                    AND e.station = w.station AND e.series = w.series
                    AND x.seq >= e.first AND (e.last IS NULL OR x.seq <= e.last)
                    AND CASE WHEN e.last IS NULL THEN w.last IS NULL AND e.position > w.position
                        ELSE w.last IS NULL OR e.position < w.position END))"
        )
    };
    format!(
        "SELECT station, series, first, last, at, reason, {}, {}, {}, actor FROM write_off w WHERE tenant = ? ORDER BY position",
        count("conflict"),
        count("rejection"),
        count("unread")
    )
}

/// Sends ahead what [`all`] asks.
pub fn ahead(connection: &Connection) -> sql::Result<()> {
    connection.ahead(RETIRED, params![TENANT])?;
    connection.ahead(&write_offs(), params![TENANT])
}

/// Everything that is not waited for. What came twice or cannot be read counts for the first that gave it up by its number;
/// where none did, for the last of those without an end, which stands as long as any of them.
pub fn all(connection: &Connection) -> sql::Result<Lapses> {
    let retired =
        connection.query(RETIRED, params![TENANT], |row| Ok((row.get(0)?, (time(row.get(1)?), row.get(2)?))))?;
    let write_offs = connection.query(&write_offs(), params![TENANT], |row| {
        Ok(WriteOff {
            station: row.get(0)?,
            series: FixedBytes(row.get(1)?),
            first: number(row.get(2)?),
            last: row.get::<Option<i64>>(3)?.map(number),
            at: time(row.get(4)?),
            reason: row.get(5)?,
            conflicts: row.get(6)?,
            rejections: row.get(7)?,
            unread: row.get(8)?,
            actor: row.get(9)?,
        })
    })?;
    Ok(Lapses { retired: retired.into_iter().collect(), write_offs })
}

#[cfg(test)]
mod tests;
