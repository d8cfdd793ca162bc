//! Making every projection anew from the stored lines.

use std::collections::BTreeMap;

use records::{Event, Joined, Subject};

use super::append::{ABOUT, INSIDE};
use super::clocks::{Cache, Learned};
use super::lineage::{self, Succession};
use super::load::{self, Facts};
use super::names::{self, Names};
use super::project::refold;
use super::{PROJECTION, holds, own, schemas, seals, unread};
use crate::projection::Fact;
use crate::store::sql::{self, Connection, Param, params};

/// Lines and devices after which what was remembered is let go.
const STRIDE: i64 = 1000;
/// Lines between two reports.
const REPORT: i64 = 10_000;
/// What follows from the lines. The numbers of subjects are kept: they are the order in which they were first heard of.
const TABLES: [&str; 24] = [
    "about",
    "inside",
    "device",
    "member",
    "tally",
    "contradiction",
    "carried",
    "successor",
    "clock_anchor",
    "clock_span",
    "clock_free",
    "clock_again",
    "station_key",
    "retired",
    "write_off",
    "hold",
    "planned_order",
    "lane_order",
    "json_schema",
    "dimension",
    "recall",
    "recall_hold",
    "drill",
    "unread",
];

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rebuilt {
    /// How many devices there are.
    pub devices: u64,
    /// How many rows were there before and are no more, or were not there: none, unless somebody changed the store, or
    /// another version of this program made them.
    pub differing: u64,
}

/// Drops and makes anew all that follows from the lines.
pub fn rebuild(connection: &Connection, mut progress: impl FnMut(u64)) -> sql::Result<Rebuilt> {
    for table in TABLES {
        connection.batch(&format!("CREATE TEMP TABLE was_{table} AS SELECT * FROM {table}; DELETE FROM {table}"))?;
    }
    // What was counted of seals is counted again.
    connection.batch("DELETE FROM seal; DELETE FROM projected")?;
    let last: i64 =
        connection.query_row("SELECT coalesce(max(position), 0) FROM record", params![], |row| row.get(0))?;
    for first in (1..=last).step_by(STRIDE as usize) {
        lines(connection, first)?;
        if first % REPORT == 1 {
            progress(super::number(first));
        }
    }
    keep_revisions(connection)?;
    let known = schemas::dimensions(connection)?.dimensions;
    // Every device is folded by all of them now.
    connection.batch("DELETE FROM backfill")?;
    let mut after: i64 = 0;
    loop {
        let devices: BTreeMap<i64, Subject> = connection
            .query(
                "SELECT id, kind, name, scope FROM subject WHERE kind = 'device' AND id > ? ORDER BY id LIMIT ?",
                params![after, STRIDE],
                |row| Ok((row.get(0)?, names::subject(row, 1)?)),
            )?
            .into_iter()
            .collect();
        let Some((last, _)) = devices.last_key_value() else { break };
        after = *last;
        refold(connection, &mut Names::default(), &mut Facts::default(), &devices, &known)?.write(connection)?;
    }
    let differing = differing(connection)?;
    connection.execute("INSERT INTO projected (version) VALUES (?)", params![PROJECTION])?;
    let devices = connection.query_row("SELECT count(*) FROM device", params![], |row| row.get(0))?;
    Ok(Rebuilt { devices, differing })
}

/// Lanes have been told these revisions: a higher one for the same change would be a new order to them. Stores of programs
/// that went by the position have others than follow from the lines.
fn keep_revisions(connection: &Connection) -> sql::Result<()> {
    let keys = [
        ("planned_order", "told.name = planned_order.name"),
        ("lane_order", "told.station = lane_order.station AND told.lane = lane_order.lane"),
    ];
    for (table, key) in keys {
        let told = format!(
            "FROM was_{table} AS told
             WHERE told.tenant = {table}.tenant AND {key} AND told.position = {table}.position"
        );
        connection.batch(&format!(
            "UPDATE {table} SET revision = (SELECT told.revision {told}) WHERE EXISTS (SELECT 1 {told})"
        ))?;
    }
    Ok(())
}

/// Takes up the lines from a position on.
fn lines(connection: &Connection, first: i64) -> sql::Result<()> {
    let (mut names, mut learned) = (Names::default(), Learned::default());
    let lines: Vec<(i64, Fact, Option<i64>)> = connection.query(
        "SELECT position, station, series, seq, line, stored_at,
                CASE WHEN series_id IN (SELECT series_id FROM own) THEN NULL ELSE series_id END
         FROM record JOIN series ON series.id = series_id WHERE position BETWEEN ? AND ? ORDER BY position",
        params![first, first + STRIDE - 1],
        |row| Ok((row.get(0)?, load::fact(row)?, row.get(6)?)),
    )?;
    let joined: Vec<Vec<Subject>> = lines.iter().map(|(_, fact, _)| joined(fact)).collect();
    let subjects =
        lines.iter().zip(&joined).filter_map(|((_, fact, _), into)| Some((fact.reading.subject.as_ref()?, into)));
    names.number(connection, subjects.flat_map(|(subject, into)| [subject].into_iter().chain(into)))?;
    let (mut about, mut inside) = (Vec::new(), Vec::new());
    let others =
        lines.iter().filter_map(|(position, fact, series)| Some(((*series)?, &fact.id, *position, &fact.reading)));
    unread::learn(connection, others)?;
    seals::learn(connection, lines.iter().filter_map(|(_, fact, series)| Some(((*series)?, &fact.id, &fact.reading))))?;
    for ((position, fact, series), into) in lines.iter().zip(&joined) {
        if let Some(id) = fact.reading.subject.as_ref().and_then(|subject| names.get(subject)) {
            about.extend([Param::Int(id), Param::Int(*position)]);
            inside.extend(
                into.iter().filter_map(|parent| names.get(parent)).flat_map(|p| [Param::Int(p), Param::Int(id)]),
            );
        }
        lineage::carry_over(connection, &fact.id, &fact.reading)?;
        if let Some(succession) = Succession::of(&fact.id, &fact.reading) {
            succession.write(connection, *position)?;
        }
        learned.note(position - first + 1, &fact.id, &fact.reading);
        if series.is_some() {
            holds::learn_of_station(connection, *position, &fact.id, &fact.reading)?;
        } else if let Some(record) = &fact.reading.record {
            own::learn(connection, *position, record)?;
        }
    }
    connection.insert(&ABOUT, &about)?;
    connection.insert(&INSIDE, &inside)?;
    learned.insert(connection, &mut Cache::default())?;
    learned.store(connection, first - 1)
}

fn joined(fact: &Fact) -> Vec<Subject> {
    let record = fact.reading.record.as_ref().filter(|record| record.event != Event::Refused);
    record.into_iter().flat_map(|record| &record.into).map(Joined::subject).collect()
}

/// How many rows are others than before; and subjects that no line speaks of go.
fn differing(connection: &Connection) -> sql::Result<u64> {
    let stray = "FROM subject WHERE NOT EXISTS (SELECT 1 FROM about WHERE subject = id)
                     AND NOT EXISTS (SELECT 1 FROM inside WHERE parent = id)";
    let mut differing: u64 = connection.query_row(&format!("SELECT count(*) {stray}"), params![], |row| row.get(0))?;
    connection.batch(&format!("DELETE {stray}"))?;
    for table in TABLES {
        for (one, other) in [(format!("was_{table}"), table.to_owned()), (table.to_owned(), format!("was_{table}"))] {
            let sql = format!("SELECT count(*) FROM (SELECT * FROM {one} EXCEPT SELECT * FROM {other}) AS others");
            let rows: u64 = connection.query_row(&sql, params![], |row| row.get(0))?;
            differing += rows;
        }
        connection.batch(&format!("DROP TABLE was_{table}"))?;
    }
    Ok(differing)
}
