//! Making every projection anew from the stored lines.

use rusqlite::Connection;

use super::append::index;
use super::clocks::Learned;
use super::load::{self, Facts};
use super::names::{self, Names};
use super::own;
use super::project::{Tallies, refold};
use super::{PROJECTION, lineage};

/// Lines and devices between two reports, and after which what was remembered is let go.
const STRIDE: i64 = 10_000;

/// Drops and makes anew all that follows from the lines. Returns the number of devices.
pub fn rebuild(connection: &Connection, mut progress: impl FnMut(u64)) -> rusqlite::Result<u64> {
    connection.execute_batch(
        "DELETE FROM subject; DELETE FROM about; DELETE FROM inside; DELETE FROM device; DELETE FROM member; DELETE FROM tally;
         DELETE FROM contradiction;
         DELETE FROM carried; DELETE FROM successor; DELETE FROM projected;
         DELETE FROM clock_anchor; DELETE FROM clock_span; DELETE FROM clock_free; DELETE FROM clock_again;",
    )?;
    connection.execute_batch(own::FORGET)?;
    let last: i64 = connection.query_row("SELECT coalesce(max(position), 0) FROM record", [], |row| row.get(0))?;
    let mut lines = connection.prepare(
        "SELECT position, station, series, seq, line, stored_at, series_id IN (SELECT series_id FROM own)
         FROM record JOIN series ON series.id = series_id WHERE position BETWEEN ? AND ? ORDER BY position",
    )?;
    for first in (1..=last).step_by(STRIDE as usize) {
        let (mut names, mut learned) = (Names::default(), Learned::default());
        let mut rows = lines.query([first, first + STRIDE - 1])?;
        while let Some(row) = rows.next()? {
            let (position, fact) = (row.get(0)?, load::fact(row)?);
            index(connection, &mut names, position, &fact.reading)?;
            lineage::note(connection, position, &fact.id, &fact.reading)?;
            learned.note(position, &fact.id, &fact.reading);
            if let Some(record) = fact.reading.record.as_ref().filter(|_| row.get(6) == Ok(true)) {
                own::learn(connection, position, record)?;
            }
        }
        learned.insert(connection)?;
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
    connection.execute("INSERT INTO projected (version) VALUES (?)", [PROJECTION])?;
    connection.query_row("SELECT count(*) FROM device", [], |row| row.get(0))
}
