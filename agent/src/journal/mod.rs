//! The journal: every record, what waits for a receipt, what the station knows, and its state, in one SQLite file.
//!
//! One transaction for each group of decisions, durable when it returns. The queue needs no rows of its own: it is the
//! records above `settled`, the mark up to which every record has a receipt that agrees, or was rejected and set aside.
//!
//! | table | what |
//! |---|---|
//! | `record(seq, line, crc, stored)` | the lines; `crc` is CRC-32C, `stored` seconds since 1970, for the age of the queue |
//! | `known(scope, serial, seq, package)` | units packed here; outlives the records |
//! | `quarantine(seq, line, reason)` | records that the service rejected or that are damaged |
//! | `receipted(series, seq, at)` | since when records have had their receipt, now and then |
//! | `label(id, sscc, …, state, …)` | labels to be printed, and how far they are |
//! | `template(digest, text)` | what their templates said, so that a label can be drawn again as it was |
//! | `station` | one row: name, series, state as JSON, `settled`, `answered`, the service's key |

mod ballast;
mod group;
mod kept;
mod labels;
mod marks;
mod queue;
mod salvage;
mod storage;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use base::sqlite::{self, Migration};
use records::{Hash, PublicKey, SeriesId, chain, keys};
use rusqlite::{Connection, OptionalExtension, params};

use crate::station::State;
pub use ballast::Ballast;
pub use group::Group;
pub use labels::Labels;
pub use marks::Marks;
pub use queue::{Applied, Depth, FORGET_AT_ONCE, Quarantined, Queued};
pub use salvage::{Salvaged, salvage};
pub use storage::Storage;

const FILE: &str = "journal.db";

const MIGRATIONS: [Migration; 3] = [Migration {
    number: 1,
    sql: "
        CREATE TABLE record (seq INTEGER PRIMARY KEY, line BLOB NOT NULL, crc INTEGER NOT NULL, stored INTEGER NOT NULL) STRICT;
        CREATE TABLE known (scope TEXT NOT NULL, serial TEXT NOT NULL, seq INTEGER NOT NULL, package TEXT NOT NULL,
                            PRIMARY KEY (scope, serial)) STRICT, WITHOUT ROWID;
        CREATE TABLE quarantine (seq INTEGER PRIMARY KEY, line BLOB NOT NULL, reason TEXT NOT NULL) STRICT;
        CREATE TABLE station (id INTEGER PRIMARY KEY CHECK (id = 1), name TEXT NOT NULL, series BLOB NOT NULL,
                              state TEXT NOT NULL, settled INTEGER NOT NULL, answered INTEGER NOT NULL, service_key BLOB) STRICT;",
}, Migration { number: 2, sql: labels::TABLES }, Migration { number: 3, sql: kept::TABLES }];

/// The journal could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The store could not be opened or brought up to date.
    #[error(transparent)]
    Store(#[from] sqlite::Error),
    /// A mark file could not be read or written.
    #[error(transparent)]
    File(#[from] base::files::Error),
    /// The mark file is not what this program writes.
    #[error(
        "`{path}` cannot be read, and no journal knows which SSCCs are used: restore it, or remove it after raising `first` of \
         [sscc] above every SSCC that this station has used"
    )]
    Marks {
        /// The file.
        path: PathBuf,
        /// What the reader says.
        source: serde_json::Error,
    },
    /// A statement failed.
    #[error("cannot {action} the journal")]
    Query {
        /// What was tried, as a verb.
        action: &'static str,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The journal is that of another station.
    #[error(
        "the journal in `{path}` is that of station `{found}`, the configuration says `{configured}`: give each station its own data folder"
    )]
    OtherStation {
        /// The journal.
        path: PathBuf,
        /// Whose it is.
        found: String,
        /// Whose it should be.
        configured: String,
    },
    /// The state in the journal is from software that this program does not know.
    #[error("the state in the journal cannot be read: install the newer program again")]
    State(#[source] serde_json::Error),
    /// A record cannot be written.
    #[error(transparent)]
    NotWritable(#[from] records::NotWritable),
    /// No random bytes for a series.
    #[error(transparent)]
    NoRandomness(#[from] keys::NoRandomness),
}

impl JournalError {
    /// Is the disk, or the quota, full?
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Query { source, .. } if sqlite::is_full(source))
    }
}

fn query(action: &'static str) -> impl FnOnce(rusqlite::Error) -> JournalError {
    move |source| JournalError::Query { action, source }
}

/// Looks at what the structure check of SQLite does not see, and what the chain and the queue stand on: the row of the
/// station, and the last line, to which the next one is chained.
fn sound(connection: Connection, path: &Path) -> Result<Connection, JournalError> {
    let damaged = |found: &str| sqlite::Error::Damaged { path: path.to_owned(), found: found.to_owned() };
    let row = connection
        .query_row("SELECT state, settled FROM station", [], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, u64>(1)?))
        })
        .optional()
        .map_err(|error| damaged(&format!("the row of the station: {error}")))?;
    let Some((json, settled)) = row else { return Ok(connection) };
    let state: State = serde_json::from_str(&json).map_err(|_| damaged("the state of the station cannot be read"))?;
    if settled > state.last_seq {
        return Err(damaged("the mark of receipts is beyond the last record").into());
    }
    if state.last_seq > 0 {
        let line = connection
            .query_row("SELECT line, crc FROM record WHERE seq = ?1", [state.last_seq], |row| {
                Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, u32>(1)?))
            })
            .optional()
            .map_err(|error| damaged(&format!("the last record: {error}")))?;
        if line.is_none_or(|(line, crc)| crc32c::crc32c(&line) != crc) {
            return Err(damaged("the last record, to which the next one would be chained").into());
        }
    }
    Ok(connection)
}

/// Where the chain of lines stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The sequence of the last record; 0 in a new series.
    pub last: u64,
    /// The hash of its line.
    pub head: Hash,
}

/// An open journal. Its owner alone writes and reads it.
pub struct Journal {
    connection: Connection,
    series: SeriesId,
    position: Position,
    settled: u64,
    settled_on_disk: u64,
    quarantined: Vec<u64>,
    service_key: Option<PublicKey>,
    quota: u64,
}

/// What was found on opening.
pub struct Opened {
    /// The journal.
    pub journal: Journal,
    /// The state that the last group left.
    pub state: State,
    /// Records that are stored, but whose answer nobody may have seen: the last group before an unclean end.
    pub unanswered: Vec<Vec<u8>>,
    /// The series before this one, where this journal replaces another.
    pub series_before: Option<SeriesId>,
    /// Where a damaged journal was put, and what was found wrong with it.
    pub damaged: Option<(PathBuf, String)>,
}

impl Journal {
    /// The file of the journal in a data folder.
    #[must_use]
    pub fn file(folder: &Path) -> PathBuf {
        folder.join(FILE)
    }

    /// Opens the journal of `station` in `folder`, or makes a new one with a new series. A damaged one is set aside, never
    /// deleted; SSCCs then go on at the mark in the second file, or at `sscc_first` where this folder is new.
    ///
    /// # Errors
    /// [`JournalError`]; among them that another process has it open.
    pub fn open(
        folder: &Path,
        station: &str,
        storage: impl Into<Storage>,
        sscc_first: u64,
    ) -> Result<Opened, JournalError> {
        let storage = storage.into();
        base::files::ensure_folder(folder, 0o750)?;
        let path = Self::file(folder);
        let mut damaged = None;
        let connection = match Self::connect(&path, &storage).and_then(|connection| sound(connection, &path)) {
            Err(JournalError::Store(sqlite::Error::Damaged { found, .. })) => {
                damaged = Some((sqlite::set_aside(&path)?, found));
                Self::connect(&path, &storage)?
            }
            other => other?,
        };
        let series_before = Self::ensure_station(&connection, folder, station, sscc_first)?;
        let (journal, mut state, answered) = Self::load(connection, &path, station, storage.quota)?;
        match Marks::load(folder) {
            // This journal is older than the marks, or the last block was never put on record: what is below counts as used.
            Ok(Some(marks)) if marks.sscc_reserved > state.sscc_reserved => {
                (state.sscc_next, state.sscc_reserved) = (marks.sscc_reserved, marks.sscc_reserved);
            }
            Ok(_) => {}
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the marks cannot be read; they are written anew from the journal"
                );
                Marks { series: journal.series, sscc_reserved: state.sscc_reserved }.store(folder)?;
            }
        }
        let unanswered = journal.lines_after(answered)?;
        journal.make_durable();
        Ok(Opened { journal, state, unanswered, series_before, damaged })
    }

    /// Opens a journal that is there, to read and mend its queue while no daemon runs. Sets nothing aside and begins nothing.
    ///
    /// # Errors
    /// [`JournalError`]; among them that it is damaged, or in use.
    pub fn open_existing(folder: &Path, station: &str, quota: u64) -> Result<Self, JournalError> {
        let path = Self::file(folder);
        let connection = Self::connect(&path, &quota.into()).and_then(|connection| sound(connection, &path))?;
        Ok(Self::load(connection, &path, station, quota)?.0)
    }

    fn connect(path: &Path, storage: &Storage) -> Result<Connection, JournalError> {
        let mut connection = sqlite::open(path, &storage.profile())?;
        sqlite::quick_check(&connection)?;
        sqlite::migrate(&mut connection, &MIGRATIONS)?;
        Ok(connection)
    }

    /// Makes the one row of a new journal. Tells the series before, if the mark file knows one.
    fn ensure_station(
        connection: &Connection,
        folder: &Path,
        station: &str,
        sscc_first: u64,
    ) -> Result<Option<SeriesId>, JournalError> {
        let rows: u64 =
            connection.query_row("SELECT count(*) FROM station", [], |row| row.get(0)).map_err(query("read"))?;
        if rows > 0 {
            return Ok(None);
        }
        // A new journal knows no SSCCs: without readable marks it must not guess.
        let marks = Marks::load(folder)?;
        let series: SeriesId = keys::random()?;
        // Everything below the mark counts as used: the journal that knew better is gone.
        let mark = marks.as_ref().map_or(sscc_first, |marks| marks.sscc_reserved.max(sscc_first));
        let state = State { sscc_next: mark, sscc_reserved: mark, ..State::default() };
        let json = serde_json::to_string(&state).map_err(JournalError::State)?;
        connection
            .execute(
                "INSERT INTO station (id, name, series, state, settled, answered) VALUES (1, ?1, ?2, ?3, 0, 0)",
                params![station, series.0, json],
            )
            .map_err(query("begin"))?;
        Marks { series, sscc_reserved: mark }.store(folder)?;
        Ok(marks.map(|marks| marks.series))
    }

    fn load(
        connection: Connection,
        path: &Path,
        station: &str,
        quota: u64,
    ) -> Result<(Self, State, u64), JournalError> {
        let (name, series, json, settled, answered, service_key) = connection
            .query_row("SELECT name, series, state, settled, answered, service_key FROM station", [], |row| {
                Ok((
                    row.get::<_, String>(0)?,
                    row.get::<_, [u8; 16]>(1)?,
                    row.get::<_, String>(2)?,
                    row.get::<_, u64>(3)?,
                    row.get::<_, u64>(4)?,
                    row.get::<_, Option<[u8; 32]>>(5)?,
                ))
            })
            .map_err(query("read"))?;
        if name != station {
            let (path, configured) = (path.to_owned(), station.to_owned());
            return Err(JournalError::OtherStation { path, found: name, configured });
        }
        let state: State = serde_json::from_str(&json).map_err(JournalError::State)?;
        let head = connection
            .query_row("SELECT line FROM record WHERE seq = ?1", [state.last_seq], |row| row.get::<_, Vec<u8>>(0))
            .optional()
            .map_err(query("read"))?
            .map_or(chain::BEFORE_THE_FIRST, |line| chain::hash_line(&line));
        let quarantined = connection
            .prepare("SELECT seq FROM quarantine ORDER BY seq")
            .and_then(|mut all| all.query_map([], |row| row.get(0))?.collect())
            .map_err(query("read"))?;
        let journal = Self {
            connection,
            series: records::FixedBytes(series),
            position: Position { last: state.last_seq, head },
            settled,
            settled_on_disk: settled,
            quarantined,
            service_key: service_key.map(records::FixedBytes),
            quota,
        };
        Ok((journal, state, answered))
    }

    /// The series that this journal writes.
    #[must_use]
    pub fn series(&self) -> SeriesId {
        self.series
    }

    /// Where the chain stands.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// The service's key, once it was seen.
    #[must_use]
    pub fn service_key(&self) -> Option<PublicKey> {
        self.service_key
    }

    /// Keeps the key of the service that this station trusts from now on.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn pin_service_key(&mut self, key: PublicKey) -> Result<(), JournalError> {
        self.connection.execute("UPDATE station SET service_key = ?1", [key.0]).map_err(query("write"))?;
        self.service_key = Some(key);
        Ok(())
    }

    /// The daemon ends in order: every answer has been given.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn close(mut self) -> Result<(), JournalError> {
        self.save_marks(self.position.last)
    }

    fn save_marks(&mut self, answered: u64) -> Result<(), JournalError> {
        self.connection
            .prepare_cached("UPDATE station SET settled = ?1, answered = ?2")
            .and_then(|mut update| update.execute([self.settled, answered]))
            .map_err(query("write"))?;
        self.settled_on_disk = self.settled;
        Ok(())
    }

    /// A program that is killed between a write and its sync leaves a group that is read here, but that the next power cut
    /// would take away again, after it was shown and sent. A checkpoint begins with a sync of the write-ahead log; writing
    /// a row as it is would write nothing. On a full disk the start goes on, since that sync came first.
    fn make_durable(&self) {
        if let Err(error) = self.connection.query_row("PRAGMA wal_checkpoint", [], |_| Ok(())) {
            tracing::error!(error = &error as &dyn std::error::Error, "the journal could not be written back whole");
        }
    }

    fn lines_after(&self, seq: u64) -> Result<Vec<Vec<u8>>, JournalError> {
        self.connection
            .prepare("SELECT line FROM record WHERE seq > ?1 ORDER BY seq LIMIT 1000")
            .and_then(|mut lines| lines.query_map([seq], |row| row.get(0))?.collect())
            .map_err(query("read"))
    }
}
