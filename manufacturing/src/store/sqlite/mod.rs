//! The embedded store: one SQLite file with one writer and many readers.

mod append;
mod clocks;
mod containers;
mod contradictions;
mod holds;
mod keys;
mod lapses;
mod lineage;
mod load;
mod member;
mod names;
mod own;
mod project;
#[cfg(test)]
mod property;
mod rebuild;
mod runs;
mod snapshot;
mod spelling;
mod sscc;
mod stations;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

use base::sqlite::{Migration, Profile};
use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior};

pub use containers::Container;
pub use holds::Hold;
pub use keys::{StationKey, token_ends};
pub use member::Unit;
pub use own::Own;
pub use project::{Kept, shown};
pub use snapshot::{DeviceName, Snapshot};
pub use stations::SeriesState;

use super::work::{Committed, Work};
use append::Append;

/// The one tenant.
const TENANT: &str = "";

const MIGRATIONS: [Migration; 5] = [
    Migration { number: 1, sql: include_str!("schema.sql") },
    Migration { number: 2, sql: include_str!("schema-2.sql") },
    Migration { number: 3, sql: include_str!("lineage.sql") },
    Migration { number: 4, sql: include_str!("clock-again.sql") },
    Migration { number: 5, sql: include_str!("contradiction.sql") },
];

/// The way of reading by which projections are made. It grows with each change of what they say; a store that was made
/// by an older one makes them anew when it is opened.
const PROJECTION: i64 = 2;

const WRITER_CACHE_KIB: u32 = 64 << 10;
const READER_CACHE_KIB: u32 = 16 << 10;
/// A command such as `rebuild` may hold the lock for a moment.
const PATIENCE: Duration = Duration::from_secs(10);
/// More than there are statements in this room.
const STATEMENTS: usize = 96;

/// The one connection that writes.
pub struct Writer {
    connection: Connection,
    own: Option<Own>,
}

impl Writer {
    /// Opens the store, or makes it where there is no file, without the service's key: no new key of a station can come in.
    ///
    /// # Errors
    /// The file cannot be opened, is damaged, or was written by a newer program.
    pub fn open(path: &Path) -> Result<Self, base::sqlite::Error> {
        let mut connection = base::sqlite::open(path, &Profile::writer(WRITER_CACHE_KIB, PATIENCE))?;
        base::sqlite::migrate(&mut connection, &MIGRATIONS)?;
        Self::with(connection).map_err(set_up)
    }

    /// As [`Writer::open`], for the service. The keys that signed a series before keys were enrolled are enrolled.
    ///
    /// # Errors
    /// As there.
    pub fn open_as(path: &Path, own: Own, now: Timestamp) -> Result<Self, base::sqlite::Error> {
        Self::open(path)?.owned(own, now).map_err(set_up)
    }

    /// With what the service needs to decide.
    pub fn owned(mut self, own: Own, now: Timestamp) -> rusqlite::Result<Self> {
        self.own = Some(own);
        self.transact(now, |append| append.adopt())?;
        Ok(self)
    }

    /// A store that is gone when it is dropped.
    #[cfg(test)]
    pub fn in_memory() -> Self {
        let mut connection = Connection::open_in_memory().unwrap();
        base::sqlite::migrate(&mut connection, &MIGRATIONS).unwrap();
        Self::with(connection).unwrap()
    }

    fn with(connection: Connection) -> rusqlite::Result<Self> {
        keep_statements(&connection)?;
        // Otherwise REPLACE would remove rows without asking the triggers that keep them.
        connection.pragma_update(None, "recursive_triggers", true)?;
        let mut writer = Self { connection, own: None };
        writer.renew()?;
        Ok(writer)
    }

    /// Makes the projections anew where an older program made them.
    fn renew(&mut self) -> rusqlite::Result<()> {
        let version: i64 =
            self.connection.query_row("SELECT coalesce(max(version), 0) FROM projected", [], |row| row.get(0))?;
        if version >= PROJECTION {
            return Ok(());
        }
        let devices = self.rebuild(|lines| tracing::info!(lines, "the projections are made anew"))?;
        tracing::debug!(devices, "the projections are up to date");
        Ok(())
    }

    /// Stores a batch in one transaction. When this returns, everything in it is durable.
    ///
    /// # Errors
    /// What SQLite says; nothing of the batch is then stored.
    pub fn commit(&mut self, batch: &[Work], now: Timestamp) -> rusqlite::Result<Committed> {
        let committed = self.transact(now, |append| batch.iter().try_for_each(|work| append.take(work)))?;
        for (answer, decided) in &committed.decided {
            // The first answer stands; nobody asks twice with one question.
            drop(answer.set(decided.clone()));
        }
        Ok(committed)
    }

    fn transact(
        &mut self,
        now: Timestamp,
        fill: impl FnOnce(&mut Append<'_>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<Committed> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut append = Append::new(&transaction, self.own.as_ref(), now)?;
        fill(&mut append)?;
        let committed = append.finish()?;
        transaction.commit()?;
        Ok(committed)
    }

    /// Writes the log back into the store, so that its file alone is the whole store.
    ///
    /// # Errors
    /// What SQLite says; the log then stays beside the file, and nothing is lost.
    pub fn close(self) -> rusqlite::Result<()> {
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    }

    /// Makes every projection anew from the stored lines.
    ///
    /// # Errors
    /// What SQLite says; the projections are then as they were.
    pub fn rebuild(&mut self, progress: impl FnMut(u64)) -> rusqlite::Result<u64> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let devices = rebuild::rebuild(&transaction, progress)?;
        transaction.commit()?;
        Ok(devices)
    }

    /// The same for a service.
    #[cfg(test)]
    pub fn in_memory_as(enrolment: crate::store::Enrolment) -> Self {
        Self::in_memory().owned(crate::testkit::own(enrolment), crate::testkit::at(0)).unwrap()
    }

    /// What is stored, as a reader sees it.
    ///
    /// # Errors
    /// What SQLite says.
    #[cfg(test)]
    pub fn snapshot(&mut self) -> rusqlite::Result<Snapshot<'_>> {
        Snapshot::of(&mut self.connection)
    }
}

/// A connection that only reads.
///
/// # Errors
/// The file cannot be opened.
pub fn reader(path: &Path) -> Result<Connection, base::sqlite::Error> {
    let connection = base::sqlite::open(path, &Profile::reader(READER_CACHE_KIB, PATIENCE))?;
    keep_statements(&connection).map_err(set_up)?;
    Ok(connection)
}

/// Keeps statements as they were planned once. Otherwise SQLite plans some of them anew at each use, in case the values
/// make another plan better (<https://www.sqlite.org/c3ref/c_dbconfig_defensive.html>, ENABLE_QPSG).
fn keep_statements(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(|_| ())
}

fn set_up(source: rusqlite::Error) -> base::sqlite::Error {
    base::sqlite::Error::Query { action: "set up", source }
}

/// Microseconds since 1970, as times are stored.
fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// A stored time.
fn time(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A sequence or position as SQLite stores it. What ingest lets in fits.
fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A stored sequence or position.
fn number(int: i64) -> u64 {
    u64::try_from(int).unwrap_or_default()
}
