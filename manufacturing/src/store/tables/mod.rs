//! What is kept in which tables, in SQL that every engine of [`super::sql`] takes: one writer and many readers.

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
mod recalls;
mod runs;
mod schemas;
mod seals;
mod select;
mod snapshot;
mod spelling;
mod sscc;
mod stations;
mod strangers;
#[cfg(test)]
mod tests;
mod unread;
mod work_orders;

use std::path::Path;
use std::time::Duration;

use base::sqlite::Migration;
use jiff::Timestamp;

pub use containers::Container;
pub use holds::{Hold, MOST_HOLDS};
pub use keys::{StationKey, token_ends};
pub use member::{Unit, unit_of};
pub use own::Own;
pub use project::{Group, Kept, shown};
pub use rebuild::Rebuilt;
pub use recalls::StoredRecall;
pub use select::{Matched, Source};
pub use snapshot::{DeviceName, Snapshot};
pub use stations::SeriesState;
pub use strangers::Stranger;
pub use unread::Unread;
pub use work_orders::StoredOrder;

use super::sql::{self, Connection, Place, Purpose, params};
use super::work::{Committed, Work};
use append::Append;
use schemas::Dimensioned;

/// The one tenant.
const TENANT: &str = "";

const MIGRATIONS: [Migration; 14] = [
    Migration { number: 1, sql: include_str!("schema.sql") },
    Migration { number: 2, sql: include_str!("schema-2.sql") },
    Migration { number: 3, sql: include_str!("lineage.sql") },
    Migration { number: 4, sql: include_str!("clock-again.sql") },
    Migration { number: 5, sql: include_str!("contradiction.sql") },
    Migration { number: 6, sql: include_str!("work_orders.sql") },
    Migration { number: 7, sql: include_str!("instances.sql") },
    Migration { number: 8, sql: include_str!("hold-revision.sql") },
    Migration { number: 9, sql: include_str!("schemas.sql") },
    Migration { number: 10, sql: include_str!("recalls.sql") },
    Migration { number: 11, sql: include_str!("member-state.sql") },
    Migration { number: 12, sql: include_str!("unread.sql") },
    Migration { number: 13, sql: include_str!("seals.sql") },
    Migration { number: 14, sql: include_str!("order-revision.sql") },
];

/// The way of reading by which projections are made. It grows with each change of what they say; a store that was made
/// by an older one makes them anew when it is opened. The last were that a group attribute is read in one way wherever it
/// is read, and that a place that is reached through several records is not reached before all of them can have been.
const PROJECTION: i64 = 9;

/// The lock of the positions: whoever has it gives the next ones.
const POSITIONS: &str = "positions";
/// How often a transaction is tried that others are in the way of, and the pause after the first attempt.
const ATTEMPTS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(5);

/// The one connection that writes.
pub struct Writer {
    connection: Connection,
    /// Where it is; `None` of a store in memory.
    place: Option<Place>,
    own: Option<Own>,
    /// What devices are recalled by, as far as this writer has heard.
    known: Dimensioned,
}

impl Writer {
    /// Opens the store, or makes it where there is no file, without the service's key: no new key of a station can come in.
    ///
    /// # Errors
    /// The file cannot be opened, is damaged, or was written by a newer program.
    pub fn open(path: &Path) -> sql::Result<Self> {
        Self::open_at(&Place::Sqlite(path.to_owned()))
    }

    /// As [`Writer::open`], wherever the store is.
    ///
    /// # Errors
    /// As there; or the server cannot be reached, or does not keep what it says it keeps.
    pub fn open_at(place: &Place) -> sql::Result<Self> {
        let mut writer = Self::with(Connection::open_writer(place, &MIGRATIONS)?)?;
        writer.place = Some(place.clone());
        Ok(writer)
    }

    /// As [`Writer::open`], for the service. The keys that signed a series before keys were enrolled are enrolled.
    ///
    /// # Errors
    /// As there.
    pub fn open_as(place: &Place, own: Own, now: Timestamp) -> sql::Result<Self> {
        Self::open_at(place)?.owned(own, now)
    }

    /// With what the service needs to decide.
    pub fn owned(mut self, own: Own, now: Timestamp) -> sql::Result<Self> {
        if self.connection.is_shared() {
            let transaction = self.connection.transaction(Purpose::Write)?;
            own::agree(&transaction, &own)?;
            transaction.commit()?;
        }
        self.own = Some(own);
        self.transact(now, |append| append.adopt())?;
        Ok(self)
    }

    /// A store that is gone when it is dropped.
    #[cfg(test)]
    pub fn in_memory() -> Self {
        Self::with(Connection::in_memory(&MIGRATIONS)).unwrap()
    }

    fn with(connection: Connection) -> sql::Result<Self> {
        let mut writer = Self { connection, place: None, own: None, known: Dimensioned::default() };
        writer.renew()?;
        writer.known = schemas::dimensions(&writer.connection)?;
        Ok(writer)
    }

    /// Makes the projections anew where an older program made them.
    fn renew(&mut self) -> sql::Result<()> {
        let version: i64 =
            self.connection
                .query_row("SELECT coalesce(max(version), 0) FROM projected", params![], |row| row.get(0))?;
        if version >= PROJECTION {
            return Ok(());
        }
        let rebuilt = self.rebuild(|lines| tracing::info!(lines, "the projections are made anew"))?;
        tracing::debug!(devices = rebuilt.devices, "the projections are up to date");
        Ok(())
    }

    /// Stores a batch in one transaction. When this returns, everything in it is durable.
    ///
    /// # Errors
    /// What the store says; nothing of the batch is then stored.
    pub fn commit(&mut self, batch: &[Work], now: Timestamp) -> sql::Result<Committed> {
        let committed = self.transact(now, |append| append.take_all(batch))?;
        for (answer, decided) in &committed.decided {
            // The first answer stands; nobody asks twice with one question.
            drop(answer.set(decided.clone()));
        }
        Ok(committed)
    }

    fn transact(
        &mut self,
        now: Timestamp,
        fill: impl Fn(&mut Append<'_>) -> sql::Result<()>,
    ) -> sql::Result<Committed> {
        if let Some(place) = self.place.as_ref().filter(|_| self.connection.is_lost()) {
            tracing::warn!(%place, "the connection to the store was lost; there is a new one");
            self.connection = Connection::open_writer(place, &MIGRATIONS)?;
        }
        for attempt in 1..ATTEMPTS {
            match self.attempt(now, &fill) {
                Err(sql::Error::NewSchema) => self.known = schemas::dimensions(&self.connection)?,
                Err(error) if error.is_conflict() => {
                    tracing::debug!(%error, attempt, "another transaction was in the way");
                    std::thread::sleep(PAUSE * attempt);
                }
                done => return done,
            }
        }
        self.attempt(now, &fill)
    }

    fn attempt(
        &mut self,
        now: Timestamp,
        fill: &impl Fn(&mut Append<'_>) -> sql::Result<()>,
    ) -> sql::Result<Committed> {
        let transaction = self.connection.transaction(Purpose::Write)?;
        let mut append = Append::new(&transaction, self.own.as_ref(), self.known.clone(), now);
        fill(&mut append)?;
        let (committed, known) = append.finish()?;
        transaction.commit()?;
        self.known = known;
        Ok(committed)
    }

    /// Writes the log back into the store, so that its file alone is the whole store.
    ///
    /// # Errors
    /// What the store says; the log then stays beside the file, and nothing is lost.
    pub fn close(self) -> sql::Result<()> {
        self.connection.close()
    }

    /// Makes every projection anew from the stored lines.
    ///
    /// # Errors
    /// What the store says; the projections are then as they were.
    pub fn rebuild(&mut self, progress: impl FnMut(u64)) -> sql::Result<Rebuilt> {
        let transaction = self.connection.transaction(Purpose::Write)?;
        transaction.lock(&[POSITIONS])?;
        let rebuilt = rebuild::rebuild(&transaction, progress)?;
        transaction.commit()?;
        Ok(rebuilt)
    }

    /// The same for a service.
    #[cfg(test)]
    pub fn in_memory_as(enrolment: crate::store::Enrolment) -> Self {
        Self::in_memory().owned(crate::testkit::own(enrolment), crate::testkit::at(0)).unwrap()
    }

    /// What is stored, as a reader sees it.
    ///
    /// # Errors
    /// What the store says.
    #[cfg(test)]
    pub fn snapshot(&mut self) -> sql::Result<Snapshot<'_>> {
        Snapshot::of(&mut self.connection)
    }
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
