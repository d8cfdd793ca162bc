//! Which sequences of a series are stored: runs without holes.

use crate::store::sql::{self, Connection, params};
use records::wire::Run;
use records::{FixedBytes, Hash};

use super::{int, number};

/// The stored runs of a series, lowest first.
pub fn of(connection: &Connection, series: i64) -> sql::Result<Vec<(u64, u64)>> {
    connection.query("SELECT first, last FROM run WHERE series_id = ? ORDER BY first", params![series], |row| {
        Ok((number(row.get(0)?), number(row.get(1)?)))
    })
}

/// Notes that `first` to `last` are stored, and joins what now touches.
pub fn add(connection: &Connection, series: i64, first: u64, last: u64) -> sql::Result<()> {
    let (mut low, mut high) = (first, last);
    let touching: Vec<(i64, i64)> = connection.query(
        "SELECT first, last FROM run WHERE series_id = ?1 AND first <= ?3 + 1 AND last >= ?2 - 1",
        params![series, int(first), int(last)],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    for (run_first, run_last) in touching {
        (low, high) = (low.min(number(run_first)), high.max(number(run_last)));
        connection.execute("DELETE FROM run WHERE series_id = ? AND first = ?", params![series, run_first])?;
    }
    connection
        .execute("INSERT INTO run (series_id, first, last) VALUES (?, ?, ?)", params![series, int(low), int(high)])?;
    Ok(())
}

/// The hash of a stored line.
pub fn hash(connection: &Connection, series: i64, seq: u64) -> sql::Result<Option<Hash>> {
    connection.query_optional(
        "SELECT hash FROM record WHERE series_id = ? AND seq = ?",
        params![series, int(seq)],
        |row| row.get(0).map(FixedBytes),
    )
}

/// Everything up to a sequence is stored: that sequence and its hash; 0 where nothing is.
pub fn up_to(connection: &Connection, series: i64, runs: &[(u64, u64)]) -> sql::Result<(u64, Hash)> {
    match runs.first() {
        Some(&(1, last)) => Ok((last, hash(connection, series, last)?.unwrap_or(Hash::ZERO))),
        _ => Ok((0, Hash::ZERO)),
    }
}

/// The lowest runs above the first hole, with their hashes.
pub fn above(connection: &Connection, series: i64, runs: &[(u64, u64)], most: usize) -> sql::Result<Vec<Run>> {
    let above = runs.iter().filter(|(first, _)| *first > 1).take(most);
    above
        .map(|&(first, last)| Ok(Run { first, last, hash: hash(connection, series, last)?.unwrap_or(Hash::ZERO) }))
        .collect()
}
