//! Making every projection anew from the stored lines.

use rusqlite::Connection;

use super::append::index;
use super::load::{self, Facts};
use super::names::{self, Names};
use super::own;
use super::project::{Tallies, refold};

/// Lines and devices between two reports, and after which what was remembered is let go.
const STRIDE: i64 = 10_000;

/// Drops and makes anew all that follows from the lines. Returns the number of devices.
pub fn rebuild(connection: &Connection, mut progress: impl FnMut(u64)) -> rusqlite::Result<u64> {
    connection.execute_batch(
        "DELETE FROM subject; DELETE FROM about; DELETE FROM inside; DELETE FROM device; DELETE FROM member; DELETE FROM tally;",
    )?;
    connection.execute_batch(own::FORGET)?;
    let last: i64 = connection.query_row("SELECT coalesce(max(position), 0) FROM record", [], |row| row.get(0))?;
    let mut lines = connection.prepare(
        "SELECT position, station, series, seq, line, series_id IN (SELECT series_id FROM own)
         FROM record JOIN series ON series.id = series_id WHERE position BETWEEN ? AND ? ORDER BY position",
    )?;
    for first in (1..=last).step_by(STRIDE as usize) {
        let mut names = Names::default();
        let mut rows = lines.query([first, first + STRIDE - 1])?;
        while let Some(row) = rows.next()? {
            let reading = load::fact(row)?.reading;
            index(connection, &mut names, row.get(0)?, &reading)?;
            if let Some(record) = reading.record.as_ref().filter(|_| row.get(5) == Ok(true)) {
                own::learn(connection, row.get(0)?, record)?;
            }
        }
        progress(super::number(first));
    }
    let mut devices = connection
        .prepare("SELECT id, kind, name, scope FROM subject WHERE kind = 'device' AND id > ? ORDER BY id LIMIT ?")?;
    let mut after = 0;
    loop {
        let (mut names, mut facts, mut tallies) = (Names::default(), Facts::default(), Tallies::default());
        let mut rows = devices.query([after, STRIDE])?;
        let before = after;
        while let Some(row) = rows.next()? {
            after = row.get(0)?;
            refold(connection, &mut names, &mut facts, &mut tallies, after, &names::subject(row, 1)?)?;
        }
        tallies.write(connection)?;
        if after == before {
            break;
        }
    }
    connection.query_row("SELECT count(*) FROM device", [], |row| row.get(0))
}
