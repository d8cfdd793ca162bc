//! The journal: every record, what waits for a receipt, what the station knows, and its state, in one SQLite file.
//!
//! One transaction for each group of decisions, durable when it returns. The queue needs no rows of its own: it is the
//! records above `settled`, the mark up to which every record has a receipt that agrees, or was rejected and set aside.
//!
//! | table | what |
//! |---|---|
//! | `record(seq, line, crc, stored, refusal)` | the lines; `crc` is CRC-32C, `stored` seconds since 1970, for the age of the queue, `refusal` the length of a refusal's line |
//! | `unit(scope, serial, seq, package, era, state, tests, …, crc)` | units known here; outlives the records |
//! | `inside(container, kind, scope, id)` | what is in which container |
//! | `unchecked(scope, serial)` | units and containers accepted without an answer of the service |
//! | `era(n, series)` | which series the records were of that units name |
//! | `container(id, body, crc)`, `work_order(id, body, crc)` | containers known here, and what was done of work orders |
//! | `tally(hour, lane, person, work_order, what, count)` | counts for the report of a shift, for 40 days |
//! | `quarantine(series, seq, line, reason)` | records that the service rejected or that are damaged |
//! | `carried(n, series, seq, line)` | records of a series before, to be written again in this one |
//! | `receipted(series, seq, at)` | since when records have had their receipt, now and then |
//! | `label(id, sscc, …, state, …)` | labels to be printed, and how far they are |
//! | `template(digest, text)` | what their templates said, so that a label can be drawn again as it was |
//! | `hold(kind, id)`, `holds` | what is on hold by the service's word and at this line, and the revision of the former |
//! | `station` | one row: name, series and how it began, the place of the file, state as JSON, `settled`, `answered`, keys |
//!
//! Lines, the row of the station, its state and known units carry a CRC-32C, because SQLite does not check what is on its
//! pages. That of a line also says which series the line is of (see `sums`).

mod aside;
mod ballast;
mod containers;
mod error;
mod filter;
mod finds;
mod group;
mod held;
mod holds;
mod kept;
mod labels;
mod logsum;
mod marks;
mod opening;
mod place;
mod queue;
mod raw;
mod remains;
mod retry;
mod room;
mod row;
mod salvage;
mod series;
mod storage;
mod sums;
#[cfg(test)]
mod tests;
mod units;
mod wreck;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use base::sqlite::Migration;
use records::{Hash, PublicKey, SeriesId};
use rusqlite::Connection;

use crate::station::State;
pub use aside::Quarantined;
pub use ballast::Ballast;
pub use containers::Counted;
pub use error::JournalError;
use error::query;
pub use filter::Filter;
pub use group::Group;
pub use held::{Inside, InsideUnit};
pub use holds::HoldsKept;
pub use labels::Labels;
pub use marks::Marks;
pub(crate) use opening::not_gone_on;
pub use queue::{Applied, Depth, FORGET_AT_ONCE, Queued};
use row::Row;
pub use salvage::{Salvaged, salvage};
pub use series::{Began, Why};
pub use storage::Storage;

const FILE: &str = "journal.db";

/// Bytes by which the quota gives way for the mark of receipts: the row of the station is far shorter.
const GRACE: u64 = 64 << 10;

const MIGRATIONS: [Migration; 9] = [
    Migration {
        number: 1,
        sql: "
        CREATE TABLE record (seq INTEGER PRIMARY KEY, line BLOB NOT NULL, crc INTEGER NOT NULL, stored INTEGER NOT NULL) STRICT;
        CREATE TABLE known (scope TEXT NOT NULL, serial TEXT NOT NULL, seq INTEGER NOT NULL, package TEXT NOT NULL,
                            PRIMARY KEY (scope, serial)) STRICT, WITHOUT ROWID;
        CREATE TABLE quarantine (seq INTEGER PRIMARY KEY, line BLOB NOT NULL, reason TEXT NOT NULL) STRICT;
        CREATE TABLE station (id INTEGER PRIMARY KEY CHECK (id = 1), name TEXT NOT NULL, series BLOB NOT NULL,
                              state TEXT NOT NULL, settled INTEGER NOT NULL, answered INTEGER NOT NULL, service_key BLOB) STRICT;",
    },
    Migration { number: 2, sql: labels::TABLES },
    Migration { number: 3, sql: series::TABLES },
    Migration { number: 4, sql: room::TABLES },
    Migration { number: 5, sql: kept::TABLES },
    Migration { number: 6, sql: units::TABLES },
    Migration { number: 7, sql: containers::TABLES },
    Migration { number: 8, sql: row::TABLES },
    Migration { number: 9, sql: held::TABLES },
];

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
    /// The row of the station as it is on disk.
    row: Row,
    position: Position,
    /// The mark of receipts; the one on disk may be behind it.
    settled: u64,
    quarantined: Vec<u64>,
    /// Of the records that were set aside because the broker did not take them, those that are sent once more.
    retried: BTreeSet<u64>,
    quota: u64,
    /// Bytes that records of refusals take.
    refusals: u64,
    /// Which units may be known; `None` where the table is always read.
    filter: Option<Filter>,
}

/// What was found on opening.
pub struct Opened {
    /// The journal.
    pub journal: Journal,
    /// The state that the last group left.
    pub state: State,
    /// Records that are stored, but whose answer nobody may have seen: the last group before an unclean end.
    pub unanswered: Vec<Vec<u8>>,
    /// What a person should know of what was found, a sentence each.
    pub alarms: Vec<String>,
    /// Where a damaged journal was put, and what was found wrong with it.
    pub damaged: Option<(PathBuf, String)>,
}

impl Journal {
    /// The file of the journal in a data folder.
    #[must_use]
    pub fn file(folder: &Path) -> PathBuf {
        folder.join(FILE)
    }

    /// The series that this journal writes.
    #[must_use]
    pub fn series(&self) -> SeriesId {
        self.row.series
    }

    /// How the series began.
    #[must_use]
    pub fn began(&self) -> Began {
        self.row.began
    }

    /// The key that this series is signed with; `None` before its first record.
    #[must_use]
    pub fn key(&self) -> Option<PublicKey> {
        self.row.key
    }

    /// Where the chain stands.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// The service's key, once it was seen.
    #[must_use]
    pub fn service_key(&self) -> Option<PublicKey> {
        self.row.service_key
    }

    /// Notes the key of a series from before journals knew their key.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn claim(&mut self, key: PublicKey) -> Result<(), JournalError> {
        self.change(|row| row.key = Some(key))
    }

    /// Keeps the key of the service that this station trusts from now on.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn pin_service_key(&mut self, key: PublicKey) -> Result<(), JournalError> {
        self.change(|row| row.service_key = Some(key))
    }

    /// Changes the row of the station, but for the state.
    fn change(&mut self, edit: impl FnOnce(&mut Row)) -> Result<(), JournalError> {
        let mut row = self.row.clone();
        edit(&mut row);
        row.write(&self.connection, None)?;
        self.row = row;
        Ok(())
    }

    /// The daemon ends in order: the answers up to this sequence have been seen.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn close(mut self, answered: u64) -> Result<(), JournalError> {
        self.save_marks(answered.min(self.position.last))
    }

    fn save_marks(&mut self, answered: u64) -> Result<(), JournalError> {
        let settled = self.settled;
        let marks = |row: &mut Row| (row.settled, row.answered) = (settled, answered);
        match self.change(marks) {
            // The row is longer than a page, and takes other pages before it gives its own back. At the quota there are none,
            // and without the mark of receipts there would never be: for this one write the quota gives way.
            Err(error) if error.is_full() => {
                self.limit(GRACE)?;
                let written = self.change(marks);
                self.limit(0)?;
                written
            }
            other => other,
        }
    }

    /// Sets the quota, with some bytes beyond. A journal that is larger already keeps its size.
    fn limit(&self, beyond: u64) -> Result<(), JournalError> {
        let size: u64 =
            self.connection.pragma_query_value(None, "page_size", |row| row.get(0)).map_err(query("measure"))?;
        let pages = i64::try_from((self.quota + beyond) / size.max(1)).unwrap_or(i64::MAX);
        // The pragma answers with what holds now.
        self.connection
            .pragma_update_and_check(None, "max_page_count", pages, |row| row.get::<_, i64>(0))
            .map(drop)
            .map_err(query("measure"))
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
