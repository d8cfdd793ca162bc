//! The embedded engine.

use std::path::Path;
use std::time::Duration;

use base::sqlite::{Migration, Profile};
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql, params_from_iter};

use super::{Column, Error, Insert, Param, Purpose, Result, Row};

const WRITER_CACHE_KIB: u32 = 64 << 10;
const READER_CACHE_KIB: u32 = 16 << 10;
/// A command such as `rebuild` may hold the lock for a moment.
const PATIENCE: Duration = Duration::from_secs(10);
/// More than there are statements in the store.
const STATEMENTS: usize = 160;

pub fn open_writer(path: &Path, migrations: &[Migration]) -> Result<Connection> {
    writer(base::sqlite::open(path, &Profile::writer(WRITER_CACHE_KIB, PATIENCE))?, migrations)
}

/// Makes a connection the one that writes.
pub fn writer(mut connection: Connection, migrations: &[Migration]) -> Result<Connection> {
    base::sqlite::migrate(&mut connection, migrations)?;
    keep_statements(&connection)?;
    // Otherwise REPLACE would remove rows without asking the triggers that keep them.
    connection.pragma_update(None, "recursive_triggers", true)?;
    Ok(connection)
}

pub fn open_reader(path: &Path) -> Result<Connection> {
    let connection = base::sqlite::open(path, &Profile::reader(READER_CACHE_KIB, PATIENCE))?;
    keep_statements(&connection)?;
    Ok(connection)
}

/// Keeps statements as they were planned once. Otherwise SQLite plans some of them anew at each use, in case the values
/// make another plan better (<https://www.sqlite.org/c3ref/c_dbconfig_defensive.html>, ENABLE_QPSG).
fn keep_statements(connection: &Connection) -> Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

pub fn begin(connection: &Connection, purpose: Purpose) -> Result<()> {
    let sql = match purpose {
        Purpose::Read => "BEGIN DEFERRED",
        // The lock is taken at once: one that is taken later can fail.
        Purpose::Write => "BEGIN IMMEDIATE",
    };
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}

pub fn execute(connection: &Connection, sql: &str, params: &[Param<'_>]) -> Result<()> {
    connection.prepare_cached(sql)?.execute(params_from_iter(params))?;
    Ok(())
}

/// One row after the other: there is no way to a server that would have to be spared.
pub fn insert(connection: &Connection, into: &Insert, values: &[Param<'_>]) -> Result<()> {
    let mut statement = connection.prepare_cached(&statement(into, ""))?;
    for row in values.chunks_exact(into.columns.len()) {
        statement.execute(params_from_iter(row))?;
    }
    Ok(())
}

pub fn insert_returning(
    connection: &Connection,
    into: &Insert,
    returning: &str,
    values: &[Param<'_>],
    read: &mut dyn FnMut(&Row<'_>) -> Result<()>,
) -> Result<()> {
    let mut statement = connection.prepare_cached(&statement(into, &format!(" RETURNING {returning}")))?;
    for row in values.chunks_exact(into.columns.len()) {
        let mut rows = statement.query(params_from_iter(row))?;
        while let Some(row) = rows.next()? {
            read(&Row::Sqlite(row))?;
        }
    }
    Ok(())
}

fn statement(into: &Insert, end: &str) -> String {
    let marks = vec!["?"; into.columns.len()].join(", ");
    format!("INSERT INTO {} ({}) VALUES ({marks}){}{end}", into.table, into.names(), into.conflict)
}

pub fn each(
    connection: &Connection,
    sql: &str,
    params: &[Param<'_>],
    read: &mut dyn FnMut(&Row<'_>) -> Result<()>,
) -> Result<()> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params_from_iter(params))?;
    while let Some(row) = rows.next()? {
        read(&Row::Sqlite(row))?;
    }
    Ok(())
}

pub fn close(connection: &Connection) -> Result<()> {
    Ok(connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
}

/// A column of a row.
pub fn column<'r>(row: &'r rusqlite::Row<'_>, index: usize) -> Result<Column<'r>> {
    Ok(match row.get_ref(index)? {
        ValueRef::Null => Column::Null,
        ValueRef::Integer(int) => Column::Int(int),
        ValueRef::Text(text) => Column::Text(
            std::str::from_utf8(text).map_err(|_| Error::value("a text", "bytes that are no UTF-8"))?.into(),
        ),
        ValueRef::Blob(bytes) => Column::Bytes(bytes),
        ValueRef::Real(_) => return Err(Error::value("a whole number", "a fraction")),
    })
}

/// The bytes of a column, whatever they are; none of a number.
pub fn raw<'r>(row: &'r rusqlite::Row<'_>, index: usize) -> &'r [u8] {
    row.get_ref(index).ok().and_then(|value| value.as_bytes().ok()).unwrap_or_default()
}

impl ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Param::Null => ValueRef::Null,
            Param::Int(int) => ValueRef::Integer(*int),
            Param::Text(text) => ValueRef::Text(text.as_bytes()),
            Param::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
