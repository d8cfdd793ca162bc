//! Making every projection anew from the stored lines.

use crate::store::sql::{self, Connection, params};

use super::append::index;
use super::clocks::Learned;
use super::load::{self, Facts};
use super::names::{self, Names};
use super::own;
use super::project::{Tallies, refold};
use super::{PROJECTION, lineage};

/// Lines and devices after which what was remembered is let go.
const STRIDE: i64 = 1000;
/// Lines between two reports.
const REPORT: i64 = 10_000;

/// Drops and makes anew all that follows from the lines. Returns the number of devices.
pub fn rebuild(connection: &Connection, mut progress: impl FnMut(u64)) -> sql::Result<u64> {
    connection.batch(
        "DELETE FROM subject; DELETE FROM about; DELETE FROM inside; DELETE FROM device; DELETE FROM member; DELETE FROM tally;
         DELETE FROM contradiction;
         DELETE FROM carried; DELETE FROM successor; DELETE FROM projected;
         DELETE FROM clock_anchor; DELETE FROM clock_span; DELETE FROM clock_free; DELETE FROM clock_again;",
    )?;
    connection.batch(own::FORGET)?;
    let last: i64 =
        connection.query_row("SELECT coalesce(max(position), 0) FROM record", params![], |row| row.get(0))?;
    for first in (1..=last).step_by(STRIDE as usize) {
        let (mut names, mut learned) = (Names::default(), Learned::default());
        let lines = connection.query(
            "SELECT position, station, series, seq, line, stored_at, series_id IN (SELECT series_id FROM own)
             FROM record JOIN series ON series.id = series_id WHERE position BETWEEN ? AND ? ORDER BY position",
            params![first, first + STRIDE - 1],
            |row| Ok((row.get::<i64>(0)?, load::fact(row)?, row.get::<bool>(6)?)),
        )?;
        for (position, fact, own) in lines {
            index(connection, &mut names, position, &fact.reading)?;
            lineage::note(connection, position, &fact.id, &fact.reading)?;
            learned.note(position, &fact.id, &fact.reading);
            if let Some(record) = fact.reading.record.as_ref().filter(|_| own) {
                own::learn(connection, position, record)?;
            }
        }
        learned.insert(connection)?;
        if first % REPORT == 1 {
            progress(super::number(first));
        }
    }
    let mut after: i64 = 0;
    loop {
        let (mut names, mut facts, mut tallies) = (Names::default(), Facts::default(), Tallies::default());
        let devices = connection.query(
            "SELECT id, kind, name, scope FROM subject WHERE kind = 'device' AND id > ? ORDER BY id LIMIT ?",
            params![after, STRIDE],
            |row| Ok((row.get(0)?, names::subject(row, 1)?)),
        )?;
        let Some((last, _)) = devices.last() else { break };
        after = *last;
        for (id, device) in &devices {
            refold(connection, &mut names, &mut facts, &mut tallies, *id, device)?;
        }
        tallies.write(connection)?;
    }
    connection.execute("INSERT INTO projected (version) VALUES (?)", params![PROJECTION])?;
    connection.query_row("SELECT count(*) FROM device", params![], |row| row.get(0))
}
