//! Which sequences of a series are stored: runs without holes.

use std::collections::BTreeMap;

use records::{FixedBytes, Hash};

use super::{int, number};
use crate::store::sql::{self, Connection, Insert, Kind, Param, params};

const RUN: Insert = Insert {
    table: "run",
    columns: &[("series_id", Kind::Int), ("first", Kind::Int), ("last", Kind::Int)],
    conflict: " ON CONFLICT (series_id, first) DO UPDATE SET last = excluded.last",
};

/// The stored runs of a series, lowest first.
pub fn of(connection: &Connection, series: i64) -> sql::Result<Vec<(u64, u64)>> {
    connection.query(OF, params![series], |row| Ok((number(row.get(0)?), number(row.get(1)?))))
}

const OF: &str = "SELECT first, last FROM run WHERE series_id = ? ORDER BY first";

/// Sends ahead what [`of`] asks.
pub fn ahead_of(connection: &Connection, series: i64) -> sql::Result<()> {
    connection.ahead(OF, params![series])
}

const ALL: &str = "SELECT series_id, first, last FROM run ORDER BY series_id, first";

/// Sends ahead what [`all`] asks.
pub fn ahead(connection: &Connection) -> sql::Result<()> {
    connection.ahead(ALL, params![])
}

/// The stored runs of every series, lowest first.
pub fn all(connection: &Connection) -> sql::Result<BTreeMap<i64, Vec<(u64, u64)>>> {
    let mut all: BTreeMap<i64, Vec<(u64, u64)>> = BTreeMap::new();
    let runs =
        connection.query(ALL, params![], |row| Ok((row.get::<i64>(0)?, (number(row.get(1)?), number(row.get(2)?)))))?;
    for (series, run) in runs {
        all.entry(series).or_default().push(run);
    }
    Ok(all)
}

/// Writes the runs of a series, which were others before.
pub fn write(connection: &Connection, series: i64, was: &[(u64, u64)], now: &[(u64, u64)]) -> sql::Result<()> {
    for (first, _) in was.iter().filter(|(first, _)| now.binary_search_by_key(first, |(first, _)| *first).is_err()) {
        connection.execute("DELETE FROM run WHERE series_id = ? AND first = ?", params![series, int(*first)])?;
    }
    let changed = now.iter().filter(|run| was.binary_search(run).is_err());
    let rows: Vec<Param<'_>> =
        changed.flat_map(|(first, last)| [Param::Int(series), int(*first).into(), int(*last).into()]).collect();
    connection.insert(&RUN, &rows)
}

/// The hash of a stored line.
pub fn hash(connection: &Connection, series: i64, seq: u64) -> sql::Result<Option<Hash>> {
    connection.query_optional(
        "SELECT hash FROM record WHERE series_id = ? AND seq = ?",
        params![series, int(seq)],
        |row| row.get(0).map(FixedBytes),
    )
}

/// Is it known why this hole cannot be filled? Asking again would bring the same again.
pub fn is_known(connection: &Connection, series: i64, (first, last): (u64, u64)) -> sql::Result<bool> {
    connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM rejection WHERE series_id = ?1 AND seq BETWEEN ?2 AND ?3)
             OR EXISTS (SELECT 1 FROM conflict WHERE series_id = ?1 AND seq BETWEEN ?2 AND ?3)",
        params![series, int(first), int(last)],
        |row| row.get(0),
    )
}
