//! What a damaged journal still gives: rows are looked up one by one, so that a damaged page hides only what is on it.

use std::path::{Path, PathBuf};

use base::sqlite::{self, Profile};
use records::{FixedBytes, PublicKey, SeriesId};
use rusqlite::Connection;

use super::group::known_crc;
use super::series::state_of;
use super::{JournalError, query};
use crate::station::State;

/// Most sequences that are looked up: a damaged number must not make this endless.
const MOST: u64 = 50_000_000;

/// A damaged journal, opened to be read.
pub(super) struct Wreck {
    connection: Connection,
    /// The row of the station, where it can be read and its checksum agrees.
    pub station: Option<StationRow>,
    /// Its series, where at least that can be read.
    pub series: Option<SeriesId>,
}

/// What the row of the station says.
pub(super) struct StationRow {
    pub name: String,
    pub series: SeriesId,
    pub state: State,
    pub settled: u64,
    pub service_key: Option<PublicKey>,
}

/// A unit that was known.
pub(super) struct KnownRow {
    pub scope: String,
    pub serial: String,
    pub seq: u64,
    pub package: String,
}

impl Wreck {
    /// Opens a file that was set aside. Changes nothing in it.
    ///
    /// # Errors
    /// When it cannot be opened as a database at all.
    pub fn open(file: &Path) -> Result<Self, JournalError> {
        let connection = sqlite::open(file, &Profile::reader(1024, std::time::Duration::from_secs(1)))?;
        let station = station(&connection);
        let series = connection.query_row("SELECT series FROM station", [], |row| row.get(0).map(FixedBytes)).ok();
        Ok(Self { connection, station, series })
    }

    /// The journals of a data folder that were set aside, the newest first.
    pub fn set_aside(journal: &Path) -> Vec<PathBuf> {
        let numbered = |number: u32| {
            let mut name = journal.as_os_str().to_owned();
            name.push(format!(".damaged-{number}"));
            PathBuf::from(name)
        };
        let mut found: Vec<PathBuf> = (1..).map(numbered).take_while(|path| path.exists()).collect();
        found.reverse();
        found
    }

    /// The lowest and the highest sequence that may be found.
    ///
    /// # Errors
    /// When neither end can be told.
    pub fn ends(&self) -> Result<Option<(u64, u64)>, JournalError> {
        let bound = |sql| self.connection.query_row(sql, [], |row| row.get::<_, Option<u64>>(0));
        // Either end may be on a damaged page; the row of the station knows the last sequence as well.
        let first = bound("SELECT min(seq) FROM record").ok().flatten().unwrap_or(1);
        let last = match &self.station {
            Some(row) => Some(row.state.last_seq),
            None => bound("SELECT max(seq) FROM record").map_err(query("read"))?,
        };
        Ok(last.filter(|last| *last >= first).map(|last| (first, last.min(first + MOST))))
    }

    /// One line, and whether its checksum agrees; `None` where it cannot be read.
    pub fn line(&self, seq: u64) -> Option<(Vec<u8>, bool)> {
        let row = self
            .connection
            .prepare_cached("SELECT line, crc FROM record WHERE seq = ?1")
            .and_then(|mut row| row.query_row([seq], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, u32>(1)?))));
        row.ok().map(|(line, crc)| (crc32c::crc32c(&line) == crc, line)).map(|(intact, line)| (line, intact))
    }

    /// The known units whose checksum agrees, read from both ends up to a damaged page. Some may be there twice.
    pub fn known(&self) -> Vec<KnownRow> {
        let mut found = Vec::new();
        for order in ["ASC", "DESC"] {
            let sql =
                format!("SELECT scope, serial, seq, package, crc FROM known ORDER BY scope {order}, serial {order}");
            let Ok(mut statement) = self.connection.prepare(&sql) else { continue };
            let Ok(mut rows) = statement.query([]) else { continue };
            loop {
                match rows.next() {
                    Ok(Some(row)) => found.extend(known_row(row)),
                    Ok(None) => return found, // to the end without a fault
                    Err(_) => break,
                }
            }
        }
        found
    }
}

fn known_row(row: &rusqlite::Row<'_>) -> Option<KnownRow> {
    let (scope, serial): (String, String) = (row.get(0).ok()?, row.get(1).ok()?);
    let (seq, package): (u64, String) = (row.get(2).ok()?, row.get(3).ok()?);
    let crc: Option<u32> = row.get(4).ok()?;
    crc.is_none_or(|crc| crc == known_crc(&scope, &serial, seq, &package)).then_some(KnownRow {
        scope,
        serial,
        seq,
        package,
    })
}

fn station(connection: &Connection) -> Option<StationRow> {
    let (name, series, json, crc, settled, service_key) = connection
        .query_row("SELECT name, series, state, state_crc, settled, service_key FROM station", [], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, [u8; 16]>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, Option<u32>>(3)?,
                row.get::<_, u64>(4)?,
                row.get::<_, Option<[u8; 32]>>(5)?,
            ))
        })
        .ok()?;
    let state = state_of(&json, crc)?;
    let plausible = settled <= state.last_seq;
    let (series, service_key) = (FixedBytes(series), service_key.map(FixedBytes));
    plausible.then_some(StationRow { name, series, state, settled, service_key })
}
