//! One way to ask SQL of two engines: the embedded SQLite, and PostgreSQL.
//!
//! Statements are written once, in what both accept: parameters are `?` or `?1`, counted as SQLite does; `ON CONFLICT`
//! names its columns; numbers are 64 bits, truths 0 and 1, texts are compared byte for byte. What differs is in one file
//! for each engine.

mod dialect;
mod error;
pub mod pages;
mod postgres;
mod sqlite;
mod value;

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Deref;
use std::path::PathBuf;

use base::sqlite::Migration;

pub use error::{Error, Result};
pub use pages::Pages;
use postgres::Session;
pub use postgres::{Said, Target};
pub(crate) use value::params;
pub use value::{Column, FromColumn, Insert, Kind, Param, Row, ToParam};

/// A connection to a store.
pub struct Connection(Engine);

enum Engine {
    Sqlite(rusqlite::Connection),
    Postgres(Box<Session>),
}

/// Where a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a file of its own.
    Sqlite(PathBuf),
    /// At a PostgreSQL server.
    Postgres(Box<Target>),
}

impl Place {
    /// Whether several instances of the service can share it.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            Self::Postgres(target) => target.fmt(f),
        }
    }
}

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// One consistent view; others write on beside it.
    Read,
    /// Changes.
    Write,
}

/// A transaction: undone when it is dropped without [`Transaction::commit`].
pub struct Transaction<'c> {
    connection: &'c Connection,
    open: bool,
}

impl Connection {
    /// A connection that writes a store. Its tables are made where there are none, and brought up to date.
    ///
    /// # Errors
    /// The file cannot be opened or is damaged, the server cannot be reached or is not durable, or a newer program wrote
    /// the store.
    pub fn open_writer(place: &Place, migrations: &[Migration]) -> Result<Self> {
        Ok(Self(match place {
            Place::Sqlite(path) => Engine::Sqlite(sqlite::open_writer(path, migrations)?),
            Place::Postgres(target) => {
                let session = Session::open(target)?;
                session.must_be_durable()?;
                session.migrate(migrations)?;
                Engine::Postgres(Box::new(session))
            }
        }))
    }

    /// A connection that only reads a store.
    ///
    /// # Errors
    /// The file cannot be opened, or the server cannot be reached.
    pub fn open_reader(place: &Place) -> Result<Self> {
        Ok(Self(match place {
            Place::Sqlite(path) => Engine::Sqlite(sqlite::open_reader(path)?),
            Place::Postgres(target) => Engine::Postgres(Box::new(Session::open(target)?)),
        }))
    }

    /// Whether other instances of the service may write at the same time.
    pub fn is_shared(&self) -> bool {
        matches!(self.0, Engine::Postgres(_))
    }

    /// Whether it can be used no more: its server ended, or does not answer.
    pub fn is_lost(&self) -> bool {
        match &self.0 {
            Engine::Sqlite(_) => false,
            Engine::Postgres(session) => session.is_lost(),
        }
    }

    /// A store that is gone when it is dropped.
    #[cfg(test)]
    pub fn in_memory(migrations: &[Migration]) -> Self {
        Self::of_test(rusqlite::Connection::open_in_memory().unwrap(), migrations)
    }

    /// A store that a test has prepared.
    #[cfg(test)]
    pub fn of_test(connection: rusqlite::Connection, migrations: &[Migration]) -> Self {
        Self(Engine::Sqlite(sqlite::writer(connection, migrations).unwrap()))
    }

    /// Begins a transaction. The view of one for reading is fixed by its first question.
    ///
    /// # Errors
    /// What the engine says.
    pub fn transaction(&mut self, purpose: Purpose) -> Result<Transaction<'_>> {
        match &self.0 {
            Engine::Sqlite(connection) => sqlite::begin(connection, purpose)?,
            Engine::Postgres(session) => session.begin(purpose)?,
        }
        Ok(Transaction { connection: self, open: true })
    }

    /// Waits until no other writer has one of these names locked, and locks them until the transaction ends. Nothing to
    /// wait for where there is one writer.
    ///
    /// # Errors
    /// What the engine says.
    pub fn lock(&self, names: &[&str]) -> Result<()> {
        match &self.0 {
            Engine::Sqlite(_) => Ok(()),
            Engine::Postgres(session) => session.lock(names),
        }
    }

    /// Locks these rows of a table until the transaction ends, in one order. Nothing to wait for where there is one writer.
    ///
    /// # Errors
    /// What the engine says.
    pub fn lock_rows(&self, table: &'static str, ids: &BTreeSet<i64>) -> Result<()> {
        match &self.0 {
            Engine::Sqlite(_) => Ok(()),
            Engine::Postgres(_) if ids.is_empty() => Ok(()),
            Engine::Postgres(session) => session.lock_rows(table, ids),
        }
    }

    /// Changes rows. A server may answer later: what it has against it, the next question or the end of the transaction
    /// tells.
    ///
    /// # Errors
    /// What the engine says.
    pub fn execute(&self, sql: &str, params: &[Param<'_>]) -> Result<()> {
        match &self.0 {
            Engine::Sqlite(connection) => sqlite::execute(connection, sql, params),
            Engine::Postgres(session) => session.execute(sql, params),
        }
    }

    /// Adds rows, whose values follow each other; as [`Connection::execute`]. No two of them may have one key where that
    /// is changed in a conflict.
    ///
    /// # Errors
    /// What the engine says.
    pub fn insert(&self, into: &Insert, values: &[Param<'_>]) -> Result<()> {
        match &self.0 {
            Engine::Sqlite(connection) => sqlite::insert(connection, into, values),
            Engine::Postgres(_) if values.is_empty() => Ok(()),
            Engine::Postgres(session) => session.insert(into, values),
        }
    }

    /// As [`Connection::insert`], and reads the `returning` columns of the rows that were truly added.
    ///
    /// # Errors
    /// What the engine says, and what `read` does.
    pub fn insert_returning(
        &self,
        into: &Insert,
        returning: &'static str,
        values: &[Param<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        match &self.0 {
            Engine::Sqlite(connection) => sqlite::insert_returning(connection, into, returning, values, &mut read),
            Engine::Postgres(_) if values.is_empty() => Ok(()),
            Engine::Postgres(session) => session.insert_returning(into, returning, values, &mut read),
        }
    }

    /// Asks one question for each of several keys, whose values follow each other and are of these kinds. `read` is told
    /// the number of the key with each row; rows of different keys may come in any order.
    ///
    /// # Errors
    /// What the engine says, and what `read` does.
    pub fn query_each(
        &self,
        sql: &str,
        kinds: &[Kind],
        keys: &[Param<'_>],
        mut read: impl FnMut(usize, &Row<'_>) -> Result<()>,
    ) -> Result<()> {
        match &self.0 {
            Engine::Sqlite(connection) => keys
                .chunks_exact(kinds.len())
                .enumerate()
                .try_for_each(|(n, key)| sqlite::each(connection, sql, key, &mut |row| read(n, row))),
            Engine::Postgres(_) if keys.is_empty() => Ok(()),
            Engine::Postgres(session) => session.query_each(sql, kinds, keys, &mut read),
        }
    }

    /// Runs several statements without parameters.
    ///
    /// # Errors
    /// What the engine says.
    pub fn batch(&self, sql: &str) -> Result<()> {
        match &self.0 {
            Engine::Sqlite(connection) => Ok(connection.execute_batch(sql)?),
            Engine::Postgres(session) => session.batch(sql),
        }
    }

    /// All rows of an answer, each read by `read`. Whoever asks bounds how many there can be.
    ///
    /// # Errors
    /// What the engine says, and what `read` does.
    pub fn query<T>(
        &self,
        sql: &str,
        params: &[Param<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut found = Vec::new();
        self.each(sql, params, &mut |row| {
            found.push(read(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// The one row of an answer that always has one.
    ///
    /// # Errors
    /// What the engine says, what `read` does, and where there is no row.
    pub fn query_row<T>(&self, sql: &str, params: &[Param<'_>], read: impl FnMut(&Row<'_>) -> Result<T>) -> Result<T> {
        self.query_optional(sql, params, read)?.ok_or_else(|| Error::value("a row", "none"))
    }

    /// The row of an answer that has at most one.
    ///
    /// # Errors
    /// What the engine says, and what `read` does.
    pub fn query_optional<T>(
        &self,
        sql: &str,
        params: &[Param<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut found = None;
        self.each(sql, params, &mut |row| {
            found = Some(read(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    fn each(&self, sql: &str, params: &[Param<'_>], row: &mut dyn FnMut(&Row<'_>) -> Result<()>) -> Result<()> {
        match &self.0 {
            Engine::Sqlite(connection) => sqlite::each(connection, sql, params, row),
            Engine::Postgres(session) => session.each(sql, params, row),
        }
    }

    /// Sends a question that will be put in this transaction: when it is, its answer is on its way. It is asked anew where
    /// something was changed or locked in between. Nothing is done where there is no way to a server.
    ///
    /// # Errors
    /// What the engine says of the statement; what it says of the answer, the question itself tells.
    pub fn ahead(&self, sql: &str, params: &[Param<'_>]) -> Result<()> {
        match &self.0 {
            Engine::Sqlite(_) => Ok(()),
            Engine::Postgres(session) => session.ahead(sql, params),
        }
    }

    /// As [`Connection::ahead`], for [`Connection::query_each`].
    ///
    /// # Errors
    /// As there.
    pub fn ahead_each(&self, sql: &str, kinds: &[Kind], keys: &[Param<'_>]) -> Result<()> {
        match &self.0 {
            Engine::Sqlite(_) => Ok(()),
            Engine::Postgres(_) if keys.is_empty() => Ok(()),
            Engine::Postgres(session) => session.ahead_each(sql, kinds, keys),
        }
    }

    /// Has a server begin with what was sent ahead, while something else is done here.
    pub fn flush(&self) {
        if let Engine::Postgres(session) = &self.0 {
            session.flush();
        }
    }

    /// Writes what is kept beside the store back into it.
    ///
    /// # Errors
    /// What the engine says; nothing is lost then.
    pub fn close(self) -> Result<()> {
        match self.0 {
            Engine::Sqlite(connection) => sqlite::close(&connection),
            Engine::Postgres(_) => Ok(()),
        }
    }
}

impl Transaction<'_> {
    /// Makes it durable.
    ///
    /// # Errors
    /// What the engine says; nothing of it is then stored, unless the connection was lost meanwhile and nobody knows.
    pub fn commit(mut self) -> Result<()> {
        self.open = false;
        self.connection.batch("COMMIT").inspect_err(|_| undo(self.connection))
    }
}

fn undo(connection: &Connection) {
    let undone = match &connection.0 {
        Engine::Sqlite(_) => connection.batch("ROLLBACK"),
        Engine::Postgres(session) => session.undo(),
    };
    if let Err(error) = undone {
        // SQLite may have undone it by itself, as on a full disk.
        tracing::debug!(%error, "nothing to undo");
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.open {
            undo(self.connection);
        }
    }
}

impl Deref for Transaction<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}
