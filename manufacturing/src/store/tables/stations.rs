//! What stations say of themselves, beside what is stored of them.

use std::collections::BTreeMap;

use crate::store::sql::{self, Connection, params};
use jiff::Timestamp;
use records::wire::Status;
use records::{FixedBytes, PublicKey, SeriesId};

use super::strangers::{self, Stranger};
use super::unread::{self, Unread};
use super::{TENANT, lineage, micros, runs, time};
use crate::lineage::Lineage;
use crate::store::work::Heard;

/// Most stations, and most series of which nothing but a status is known: both come from messages that anyone who may
/// use the broker can send.
const MOST_STATIONS: i64 = 4096;

/// One series of one station, as far as it is known here.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesState {
    /// The station.
    pub station: String,
    /// The series; `None` for a station of which nothing but its connection is known.
    pub series: Option<SeriesId>,
    /// What is stored.
    pub runs: Vec<(u64, u64)>,
    /// Its last status and when it was heard, where it was signed by the key of the records.
    pub status: Option<(Status, Timestamp)>,
    /// There is a status, and no record says whose key it bears.
    pub unverified: bool,
    /// Records that came with other bytes.
    pub conflicts: u64,
    /// Signed records that cannot be read.
    pub rejections: u64,
    /// Stored records that this program cannot wholly read.
    pub unread: u64,
    /// Those of them that nobody has written off; the first hundred.
    pub unread_named: Vec<Unread>,
    /// Whether the station has a connection, where it has said so, and when.
    pub online: Option<(bool, Timestamp)>,
    /// What other series say of it.
    pub lineage: Lineage,
    /// Of a station without a series: since when a key of it counts.
    pub enrolled: Option<Timestamp>,
    /// What signs in its name and nobody has enrolled; on a state without a series.
    pub strangers: Vec<Stranger>,
}

/// Notes whether a station has a connection.
pub fn online(connection: &Connection, station: &str, online: bool, now: Timestamp) -> sql::Result<()> {
    connection.execute(
        "INSERT INTO station (tenant, name, online, heard_at) SELECT ?1, ?2, ?3, ?4
             WHERE (SELECT count(*) FROM station) < ?5 OR EXISTS (SELECT 1 FROM station WHERE tenant = ?1 AND name = ?2)
             ON CONFLICT (tenant, name) DO UPDATE SET online = excluded.online, heard_at = excluded.heard_at",
        params![TENANT, station, online, micros(now), MOST_STATIONS],
    )
}

/// Keeps the status of a series where it is newer than the one that is kept. Says whether it was.
pub fn status(connection: &Connection, heard: &Heard) -> sql::Result<bool> {
    let status = &heard.status;
    let pinned = key(connection, &status.station, status.series)?;
    if pinned.is_some_and(|pinned| pinned != heard.key) {
        tracing::warn!(station = status.station, "a status came with another key than the records of its series");
        return Ok(false);
    }
    if let Some((known, known_key, _)) = kept(connection, &status.station, status.series)? {
        let trusted = pinned.is_none() || known_key == heard.key;
        if trusted && !is_newer(status, &known) {
            return Ok(false);
        }
    } else if pinned.is_none() && total(connection)? >= MOST_STATIONS {
        return Ok(false);
    }
    let body = serde_json::to_string(status)?;
    connection.execute(
        "INSERT INTO status (tenant, station, series, key, body, heard_at) VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT (tenant, station, series) DO UPDATE SET key = excluded.key, body = excluded.body,
                 heard_at = excluded.heard_at",
        params![TENANT, status.station, status.series.0, heard.key.0, body, micros(heard.at)],
    )?;
    Ok(true)
}

/// Was `new` said after `old`? An old status that is sent again must not pass for a sign of life.
fn is_newer(new: &Status, old: &Status) -> bool {
    if new.at.boot == old.at.boot {
        new.at.since_boot > old.at.since_boot
    } else {
        new.last >= old.last && (new.at.wall > old.at.wall || new.last > old.last)
    }
}

fn total(connection: &Connection) -> sql::Result<i64> {
    connection.query_row("SELECT count(*) FROM status", params![], |row| row.get(0))
}

fn key(connection: &Connection, station: &str, series: SeriesId) -> sql::Result<Option<PublicKey>> {
    connection.query_optional(
        "SELECT key FROM series WHERE tenant = ? AND station = ? AND series = ?",
        params![TENANT, station, series.0],
        |row| row.get(0).map(FixedBytes),
    )
}

type Said = (Status, PublicKey, Timestamp);

fn kept(connection: &Connection, station: &str, series: SeriesId) -> sql::Result<Option<Said>> {
    connection.query_optional(
        "SELECT body, key, heard_at FROM status WHERE tenant = ? AND station = ? AND series = ?",
        params![TENANT, station, series.0],
        said,
    )
}

/// The number of a series, where this is its key.
pub fn number(connection: &Connection, station: &str, series: SeriesId, key: &PublicKey) -> sql::Result<Option<i64>> {
    connection.query_optional(
        "SELECT id FROM series WHERE tenant = ? AND station = ? AND series = ? AND key = ?",
        params![TENANT, station, series.0, key.0],
        |row| row.get(0),
    )
}

/// The last status of a series and when it was heard, where the key of its records signed it.
pub fn verified(connection: &Connection, station: &str, series: SeriesId) -> sql::Result<Option<(Status, Timestamp)>> {
    let kept = connection.query_optional(VERIFIED, params![TENANT, station, series.0], said)?;
    Ok(kept.map(|(status, _, heard)| (status, heard)))
}

const VERIFIED: &str = "SELECT body, status.key, heard_at FROM status JOIN series ON series.tenant = status.tenant
         AND series.station = status.station AND series.series = status.series AND series.key = status.key
     WHERE status.tenant = ? AND status.station = ? AND status.series = ?";

/// Sends ahead what [`verified`] asks.
pub fn ahead_verified(connection: &Connection, station: &str, series: SeriesId) -> sql::Result<()> {
    connection.ahead(VERIFIED, params![TENANT, station, series.0])
}

/// The series of a station of which something is stored.
pub fn series_of(connection: &Connection, station: &str) -> sql::Result<Vec<SeriesId>> {
    connection.query("SELECT series FROM series WHERE tenant = ? AND station = ?", params![TENANT, station], |row| {
        row.get(0).map(FixedBytes)
    })
}

fn said(row: &sql::Row<'_>) -> sql::Result<Said> {
    let body = &row.text(0)?;
    let status = serde_json::from_str(body)?;
    Ok((status, FixedBytes(row.get(1)?), time(row.get(2)?)))
}

const ONLINE: &str = "SELECT name, online, heard_at FROM station WHERE tenant = ?";
const SERIES: &str = "SELECT id, station, series, key, (SELECT count(*) FROM conflict WHERE series_id = series.id),
         (SELECT count(*) FROM rejection WHERE series_id = series.id),
         (SELECT count(*) FROM unread WHERE series_id = series.id)
     FROM series WHERE tenant = ? AND id NOT IN (SELECT series_id FROM own) ORDER BY station, series";
const STATUS: &str = "SELECT body, key, heard_at FROM status WHERE tenant = ?1
         AND NOT EXISTS (SELECT 1 FROM series JOIN own ON series_id = id
             WHERE tenant = ?1 AND series.station = status.station AND series.series = status.series)";

const ENROLLED: &str = "SELECT station, min(CASE WHEN revoked_at IS NULL THEN since END) FROM station_key
     WHERE tenant = ? GROUP BY station";

/// Sends ahead what [`all`] asks.
pub fn ahead(connection: &Connection) -> sql::Result<()> {
    for sql in [ONLINE, SERIES, STATUS, ENROLLED, strangers::ALL] {
        connection.ahead(sql, params![TENANT])?;
    }
    runs::ahead(connection)?;
    lineage::ahead(connection)
}

/// Every known series of every known station, by station and series.
pub fn all(connection: &Connection) -> sql::Result<Vec<SeriesState>> {
    let mut online: BTreeMap<String, (bool, Timestamp)> = connection
        .query(ONLINE, params![TENANT], |row| Ok((row.get(0)?, (row.get(1)?, time(row.get(2)?)))))?
        .into_iter()
        .collect();
    let connected = online.clone();
    let mut lineages = lineage::all(connection)?;
    let mut states = Vec::new();
    type Known = (i64, String, SeriesId, PublicKey, [u64; 3]);
    let known: Vec<Known> = connection.query(SERIES, params![TENANT], |row| {
        let (series, key) = (FixedBytes(row.get(2)?), FixedBytes(row.get(3)?));
        Ok((row.get(0)?, row.get(1)?, series, key, [row.get(4)?, row.get(5)?, row.get(6)?]))
    })?;
    let mut runs = runs::all(connection)?;
    let mut said: BTreeMap<(String, SeriesId), Said> = connection
        .query(STATUS, params![TENANT], said)?
        .into_iter()
        .map(|said| ((said.0.station.clone(), said.0.series), said))
        .collect();
    for (id, station, series, key, [conflicts, rejections, unread]) in known {
        let status = said.remove(&(station.clone(), series));
        states.push(SeriesState {
            series: Some(series),
            runs: runs.remove(&id).unwrap_or_default(),
            unverified: status.as_ref().is_some_and(|(_, by, _)| *by != key),
            status: status.filter(|(_, by, _)| *by == key).map(|(status, _, at)| (status, at)),
            conflicts,
            rejections,
            unread,
            unread_named: if unread > 0 { unread::of(connection, id)? } else { Vec::new() },
            online: connected.get(&station).copied(),
            lineage: lineages.remove(&(station.clone(), series)).unwrap_or_default(),
            enrolled: None,
            strangers: Vec::new(),
            station: station.clone(),
        });
        online.remove(&station);
    }
    // Of these nothing is stored.
    for (status, _, at) in said.into_values() {
        online.remove(&status.station);
        states.push(SeriesState {
            unverified: true,
            online: connected.get(&status.station).copied(),
            lineage: lineages.remove(&(status.station.clone(), status.series)).unwrap_or_default(),
            ..SeriesState::unknown(status.station.clone(), Some(status.series), Some((status, at)))
        });
    }
    // Nothing of these has come; other series name them.
    for ((station, series), lineage) in lineages {
        online.remove(&station);
        let online = connected.get(&station).copied();
        states.push(SeriesState { online, lineage, ..SeriesState::unknown(station, Some(series), None) });
    }
    states.extend(without_series(connection, online, &connected, &states)?);
    states.sort_by(|a, b| (&a.station, a.series).cmp(&(&b.station, b.series)));
    Ok(states)
}

/// Stations of which no series is known, by their connection, by their keys, or by what signs in their name; the last of
/// others, too.
fn without_series(
    connection: &Connection,
    online: BTreeMap<String, (bool, Timestamp)>,
    connected: &BTreeMap<String, (bool, Timestamp)>,
    states: &[SeriesState],
) -> sql::Result<Vec<SeriesState>> {
    let mut found: BTreeMap<String, SeriesState> = BTreeMap::new();
    let unknown = |station: String| {
        let online = connected.get(&station).copied();
        (station.clone(), SeriesState { online, ..SeriesState::unknown(station, None, None) })
    };
    found.extend(online.into_keys().map(unknown));
    let enrolled: Vec<(String, Option<Timestamp>)> =
        connection.query(ENROLLED, params![TENANT], |row| Ok((row.get(0)?, row.get::<Option<i64>>(1)?.map(time))))?;
    for (station, since) in enrolled {
        if states.iter().all(|state| state.station != station) {
            let (name, state) = unknown(station);
            found.insert(name, SeriesState { enrolled: since, ..state });
        }
    }
    for stranger in strangers::all(connection)? {
        let (name, state) = unknown(stranger.station.clone());
        found.entry(name).or_insert(state).strangers.push(stranger);
    }
    Ok(found.into_values().collect())
}

impl SeriesState {
    /// The highest stored sequence; 0 where nothing is stored.
    pub fn highest_stored(&self) -> u64 {
        self.runs.last().map_or(0, |(_, last)| *last)
    }

    /// Of a station without stored records.
    pub fn unknown(station: String, series: Option<SeriesId>, status: Option<(Status, Timestamp)>) -> Self {
        Self {
            station,
            series,
            runs: Vec::new(),
            status,
            unverified: false,
            conflicts: 0,
            rejections: 0,
            unread: 0,
            unread_named: Vec::new(),
            online: None,
            lineage: Lineage::default(),
            enrolled: None,
            strangers: Vec::new(),
        }
    }
}
