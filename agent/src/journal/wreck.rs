//! What a damaged journal still gives: rows are looked up one by one, so that a damaged page hides only what is on it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use base::sqlite::{self, Profile};
use records::{FixedBytes, PublicKey, SeriesId};
use rusqlite::Connection;

use super::series::state_of;
use super::units::{self, UnitRow};
use super::{JournalError, query, raw};
use crate::station::State;

/// Most sequences that are looked up: a damaged number must not make this endless.
const MOST: u64 = 50_000_000;

/// Bytes of a file that are looked through at once: a multiple of every size of pages.
const RAW_AT_ONCE: usize = 1 << 20;
/// Most bytes of lines that are kept from there.
const MOST_RAW: usize = 64 << 20;

/// A damaged journal, opened to be read.
pub(super) struct Wreck {
    connection: Connection,
    /// The row of the station, where it can be read and its checksum agrees.
    pub station: Option<StationRow>,
    /// Its series, where at least that can be read.
    pub series: Option<SeriesId>,
    /// Lines behind a damaged place of the write-ahead log, where SQLite does not look.
    unread: BTreeMap<u64, Vec<u8>>,
    /// Lines on the pages of the file, for those that SQLite does not find any more.
    raw: BTreeMap<u64, Vec<u8>>,
}

/// What the row of the station says.
pub(super) struct StationRow {
    pub name: String,
    pub series: SeriesId,
    pub state: State,
    pub settled: u64,
    pub service_key: Option<PublicKey>,
}

impl Wreck {
    /// Opens a file that was set aside. Changes nothing in it.
    ///
    /// # Errors
    /// When it cannot be opened as a database at all.
    pub fn open(file: &Path) -> Result<Self, JournalError> {
        let (unread, raw) = (unread(file)?, raw_lines(file));
        let connection = sqlite::open(file, &Profile::reader(1024, std::time::Duration::from_secs(1)))?;
        let station = station(&connection);
        let series = connection.query_row("SELECT series FROM station", [], |row| row.get(0).map(FixedBytes)).ok();
        Ok(Self { connection, station, series, unread, raw })
    }

    /// The highest sequence, where the row of the station can be read.
    pub fn last(&self) -> Option<u64> {
        let unread = self.unread.last_key_value().map_or(0, |(seq, _)| *seq);
        self.station.as_ref().map(|row| row.state.last_seq.max(unread))
    }

    /// Are there records behind the last one that the row of the station knows? What it says is open is then of before.
    pub fn goes_on(&self) -> bool {
        let last = self.station.as_ref().map_or(0, |row| row.state.last_seq);
        self.unread.last_key_value().is_some_and(|(seq, _)| *seq > last)
    }

    /// Refuses a journal whose write-ahead log is damaged in front of records that were durable. SQLite ends such a log at
    /// the damage, without a word, and writes over what is behind it.
    ///
    /// # Errors
    /// [`sqlite::Error::Damaged`]; the log cannot be read.
    pub fn check_log(journal: &Path) -> Result<(), JournalError> {
        if unread(journal)?.is_empty() {
            return Ok(());
        }
        let damaged = |found: &str| sqlite::Error::Damaged { path: journal.to_owned(), found: found.to_owned() };
        if is_empty(journal) {
            // There is a file to be set aside then, and the log with it, before SQLite deletes it.
            base::files::write_atomic(journal, &[], 0o640)?;
            return Err(damaged("the file is gone or empty, and its write-ahead log is there").into());
        }
        // What cannot even be opened is for the one who opens it to say.
        match Self::open(journal) {
            Ok(wreck) if wreck.goes_on() => {
                Err(damaged("its write-ahead log, in front of records that are intact").into())
            }
            _ => Ok(()),
        }
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
            None if self.unread.is_empty() && self.raw.is_empty() => {
                bound("SELECT max(seq) FROM record").map_err(query("read"))?
            }
            None => bound("SELECT max(seq) FROM record").ok().flatten(),
        };
        let highest = |lines: &BTreeMap<u64, Vec<u8>>| lines.last_key_value().map(|(seq, _)| *seq);
        let last = match self.station {
            Some(_) => last.max(highest(&self.unread)),
            None => last.max(highest(&self.unread)).max(highest(&self.raw)),
        };
        Ok(last.filter(|last| *last >= first).map(|last| (first, last.min(first + MOST))))
    }

    /// One line, and whether its checksum agrees; `None` where it cannot be read.
    pub fn line(&self, seq: u64) -> Option<(Vec<u8>, bool)> {
        let row = self
            .connection
            .prepare_cached("SELECT line, crc FROM record WHERE seq = ?1")
            .and_then(|mut row| row.query_row([seq], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, u32>(1)?))));
        let read =
            row.ok().map(|(line, crc)| (crc32c::crc32c(&line) == crc, line)).map(|(intact, line)| (line, intact));
        let intact = read.as_ref().is_some_and(|(_, intact)| *intact);
        // What the tree of the table does not lead to any more may still stand on its page.
        let unread = self.unread.get(&seq).or_else(|| self.raw.get(&seq)).filter(|_| !intact);
        unread.map(|line| (line.clone(), true)).or(read)
    }

    /// The known units whose checksum agrees, read from both ends up to a damaged page. Some may be there twice.
    pub fn known(&self) -> Vec<UnitRow> {
        units::of_wreck(&self.connection)
    }

    /// The file, to be read.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }
}

fn unread(journal: &Path) -> Result<BTreeMap<u64, Vec<u8>>, JournalError> {
    let mut log = journal.as_os_str().to_owned();
    log.push("-wal");
    let log = base::files::read_optional(Path::new(&log))?.unwrap_or_default();
    let rows = if is_empty(journal) { raw::rows(&log) } else { raw::unread_rows(&log) };
    Ok(rows.into_iter().map(|row| (row.seq, row.line)).collect())
}

/// The intact lines on the pages of the file, whatever leads to them. A sequence of which there are two is one that two
/// series had: neither is taken. At most [`MOST_RAW`] bytes.
fn raw_lines(file: &Path) -> BTreeMap<u64, Vec<u8>> {
    use std::io::Read;
    let (mut lines, mut twice, mut bytes) = (BTreeMap::<u64, Vec<u8>>::new(), BTreeSet::new(), 0);
    let Ok(mut file) = std::fs::File::open(file) else { return lines };
    // A line is found only where it stands on one page, and pages do not cross this border.
    let mut chunk = Vec::with_capacity(RAW_AT_ONCE);
    while bytes < MOST_RAW {
        chunk.clear();
        match (&mut file).take(RAW_AT_ONCE as u64).read_to_end(&mut chunk) {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
        for row in raw::rows(&chunk) {
            bytes += row.line.len();
            match lines.get(&row.seq) {
                Some(other) if *other != row.line => drop(twice.insert(row.seq)),
                Some(_) => {}
                None => drop(lines.insert(row.seq, row.line)),
            }
        }
    }
    lines.retain(|seq, _| !twice.contains(seq));
    lines
}

/// Is the file gone or without a byte? SQLite deletes its log then, unread.
fn is_empty(journal: &Path) -> bool {
    std::fs::metadata(journal).map_or(true, |found| found.len() == 0)
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
