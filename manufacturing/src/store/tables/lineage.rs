//! How the series of a station follow each other, as their records say.

use std::collections::BTreeMap;

use crate::store::sql::{self, Connection, Row, params};
use jiff::Timestamp;
use records::wire::Status;
use records::{Event, FixedBytes, Kind, Record, RecordId, SeriesId, Stamp};

use super::{TENANT, int, number, time};
use crate::lineage::{LastRecord, Lineage, Runs, Said, Successor, sound, union};
use crate::projection::{Reading, former};

/// Longest way back from a series to the ones before it. A circle ends here as well.
const MOST_BEFORE: usize = 1024;

/// Notes what a line carries over from another series.
pub fn carry_over(connection: &Connection, id: &RecordId, reading: &Reading) -> sql::Result<()> {
    match former(id, reading).filter(|former| former.seq > 0 && i64::try_from(former.seq).is_ok()) {
        Some(former) => carry(connection, former),
        None => Ok(()),
    }
}

/// What record 1 of a series says of its beginning.
pub struct Succession {
    station: String,
    series: SeriesId,
    before: Option<SeriesId>,
    last_before: Option<i64>,
    why: Option<String>,
}

impl Succession {
    /// What a line says, where it is such a record.
    pub fn of(id: &RecordId, reading: &Reading) -> Option<Self> {
        let said = |record: &&Record| record.event == Event::SeriesStarted && record.subject.kind == Kind::Station;
        let record = reading.record.as_ref().filter(said)?;
        // Record 1 speaks of its own series, also where it was written again in a later one.
        let origin = former(id, reading).unwrap_or(id);
        let text = |name: &str| record.attributes.get(name).and_then(serde_json::Value::as_str);
        let before: Option<SeriesId> = text("seriesBefore").and_then(|before| before.parse().ok());
        let last_before = record.attributes.get("lastBefore");
        let last_before: Option<u64> =
            last_before.and_then(|last| last.as_u64().or_else(|| last.as_str()?.parse().ok()));
        (origin.seq == 1).then(|| Self {
            station: origin.station.clone(),
            series: origin.series,
            before: before.filter(|before| *before != origin.series),
            last_before: last_before.and_then(|last| i64::try_from(last).ok()),
            why: text("why").map(str::to_owned),
        })
    }

    /// Writes it; the first that was said of a series stays.
    pub fn write(&self, connection: &Connection, position: i64) -> sql::Result<()> {
        let Self { station, series, before, last_before, why } = self;
        connection.execute(
            "INSERT INTO successor (tenant, station, series, before, last_before, why, position)
             VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            params![TENANT, station, series.0, before.map(|before| before.0), last_before, why, position],
        )
    }
}

/// Notes that this record is stored under another identity, and joins what now touches.
fn carry(connection: &Connection, former: &RecordId) -> sql::Result<()> {
    let RecordId { station, series, seq } = former;
    let one = int(*seq);
    let touching: Vec<(i64, i64)> = connection.query(
        "SELECT first, last FROM carried
             WHERE tenant = ?1 AND station = ?2 AND series = ?3 AND first <= ?4 + 1 AND last >= ?4 - 1",
        params![TENANT, station, series.0, one],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let (mut low, mut high) = (one, one);
    for (first, last) in touching {
        (low, high) = (low.min(first), high.max(last));
        connection.execute(
            "DELETE FROM carried WHERE tenant = ? AND station = ? AND series = ? AND first = ?",
            params![TENANT, station, series.0, first],
        )?;
    }
    connection.execute(
        "INSERT INTO carried (tenant, station, series, first, last) VALUES (?, ?, ?, ?, ?)",
        params![TENANT, station, series.0, low, high],
    )
}

/// The records of a series that are stored under another identity, lowest first.
fn carried(connection: &Connection, station: &str, series: SeriesId) -> sql::Result<Runs> {
    connection
        .query(CARRIED_OF, params![TENANT, station, series.0], |row| Ok((number(row.get(0)?), number(row.get(1)?))))
}

const CARRIED_OF: &str =
    "SELECT first, last FROM carried WHERE tenant = ? AND station = ? AND series = ? ORDER BY first";

/// Sends ahead what [`will_not_come`] asks.
pub fn ahead_carried(connection: &Connection, station: &str, series: SeriesId) -> sql::Result<()> {
    connection.ahead(CARRIED_OF, params![TENANT, station, series.0])
}

/// Sequences of a series that will not come, and for which it makes no sense to ask: stored under another identity, set
/// aside or no longer held.
pub fn will_not_come(
    connection: &Connection,
    station: &str,
    series: SeriesId,
    verified: Option<&(Status, Timestamp)>,
) -> sql::Result<Runs> {
    let carried = carried(connection, station, series)?;
    Ok(match verified {
        Some((status, _)) => {
            let named = union(&sound(&status.set_aside), &sound(&status.not_held));
            union(&carried, &named)
        }
        None => carried,
    })
}

/// Record 1 of a series, where it is stored and says that the series started.
pub fn began(connection: &Connection, station: &str, series: SeriesId) -> sql::Result<Option<Said>> {
    let began = connection.query_optional(
        "SELECT line, stored_at FROM successor JOIN record USING (position)
             WHERE tenant = ? AND station = ? AND series = ?",
        params![TENANT, station, series.0],
        said,
    )?;
    Ok(began.flatten())
}

/// The series before this one, the one before that, and so on.
pub fn ancestors(connection: &Connection, station: &str, series: SeriesId) -> sql::Result<Vec<SeriesId>> {
    let mut found = Vec::new();
    let mut next = before(connection, station, series)?;
    while let Some(ancestor) = next.filter(|next| found.len() < MOST_BEFORE && !found.contains(next)) {
        found.push(ancestor);
        next = before(connection, station, ancestor)?;
    }
    Ok(found)
}

fn before(connection: &Connection, station: &str, series: SeriesId) -> sql::Result<Option<SeriesId>> {
    let before: Option<Option<[u8; 16]>> = connection.query_optional(
        "SELECT before FROM successor WHERE tenant = ? AND station = ? AND series = ?",
        params![TENANT, station, series.0],
        |row| row.get(0),
    )?;
    Ok(before.flatten().map(FixedBytes))
}

/// Line and time of storing, as columns 0 and 1.
fn said(row: &Row<'_>) -> sql::Result<Option<Said>> {
    let stamp = Reading::of(row.bytes(0)?).record.map(|record| record.at);
    let heard: Timestamp = time(row.get(1)?);
    Ok(stamp.map(|stamp: Stamp| Said { stamp, heard }))
}

const CARRIED: &str =
    "SELECT station, series, first, last FROM carried WHERE tenant = ? ORDER BY station, series, first";
const FOLLOWING: &str = "SELECT line, stored_at, station, series, before, last_before, why
     FROM successor JOIN record USING (position) WHERE tenant = ? AND before IS NOT NULL ORDER BY station, series";
/// Of the series that another one follows.
const LAST: &str =
    "SELECT r.line, r.stored_at, r.seq, s.station, s.series FROM series s JOIN record r ON r.series_id = s.id
     WHERE s.tenant = ?1 AND r.seq = (SELECT max(seq) FROM record WHERE series_id = s.id)
         AND EXISTS (SELECT 1 FROM successor
             WHERE successor.tenant = ?1 AND successor.station = s.station AND before = s.series)";

/// Sends ahead what [`all`] asks.
pub fn ahead(connection: &Connection) -> sql::Result<()> {
    [CARRIED, FOLLOWING, LAST].into_iter().try_for_each(|sql| connection.ahead(sql, params![TENANT]))
}

/// Every series of which other series say something, by station and series.
pub fn all(connection: &Connection) -> sql::Result<BTreeMap<(String, SeriesId), Lineage>> {
    let mut all: BTreeMap<(String, SeriesId), Lineage> = BTreeMap::new();
    let carried = connection.query(CARRIED, params![TENANT], |row| {
        Ok(((row.get(0)?, FixedBytes(row.get(1)?)), (number(row.get(2)?), number(row.get(3)?))))
    })?;
    for (key, run) in carried {
        all.entry(key).or_default().carried.push(run);
    }
    type Following = (String, SeriesId, SeriesId, Option<u64>, Option<String>, Option<Said>);
    let following: Vec<Following> = connection.query(FOLLOWING, params![TENANT], |row| {
        let last_before = row.get::<Option<i64>>(5)?.map(number);
        let (series, before) = (FixedBytes(row.get(3)?), FixedBytes(row.get(4)?));
        Ok((row.get(2)?, series, before, last_before, row.get(6)?, said(row)?))
    })?;
    for (station, series, before, last_before, why, began) in following {
        let lineage = all.entry((station.clone(), series)).or_default();
        (lineage.before, lineage.why) = (Some(before), why);
        let Some(began) = began else { continue };
        all.entry((station, before)).or_default().successors.push(Successor { series, last_before, began });
    }
    type Last = ((String, SeriesId), Option<LastRecord>);
    let last: Vec<Last> = connection.query(LAST, params![TENANT], |row| {
        let seq = number(row.get(2)?);
        Ok(((row.get(3)?, FixedBytes(row.get(4)?)), said(row)?.map(|said| LastRecord { seq, said })))
    })?;
    for (key, last) in last {
        if let Some(lineage) = all.get_mut(&key).filter(|lineage| !lineage.successors.is_empty()) {
            lineage.last = last;
        }
    }
    Ok(all)
}
