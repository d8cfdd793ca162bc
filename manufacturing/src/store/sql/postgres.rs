//! PostgreSQL, and engines that speak its protocol.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::error::Error as StdError;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use base::sqlite::Migration;
use bytes::BytesMut;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Config, NoTls, Statement};

use super::{Column, Error, Param, Purpose, Result, Row, dialect};

/// The longest wait for a connection.
const PATIENCE: Duration = Duration::from_secs(10);
/// What every session is set to. Plans go by the indices that there are, also while a table is new and small. A machine
/// that vanished is noticed, so that it holds no lock for hours; and nobody waits for a lock for ever.
const SESSION: &str = "SET enable_seqscan = off; SET jit = off; SET tcp_keepalives_idle = 20; \
                       SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 4; SET lock_timeout = '30s'; \
                       SET client_min_messages = warning";
/// A setting of the server that the promise of a receipt needs, and what it must not be.
const DURABLE: [(&str, &str); 3] = [("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off")];
/// Two instances may make the tables at the same time: one of them finds that it is done.
const ATTEMPTS: u32 = 5;

/// Where a PostgreSQL server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    config: Config,
    /// The file with the password, where it is not in the URL.
    pub password_file: Option<PathBuf>,
}

impl FromStr for Target {
    type Err = tokio_postgres::Error;

    fn from_str(url: &str) -> std::result::Result<Self, Self::Err> {
        let mut config: Config = url.parse()?;
        config.application_name("lotline-manufacturing").connect_timeout(PATIENCE);
        Ok(Self { config, password_file: None })
    }
}

/// Without a password.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = match self.config.get_hosts().first() {
            Some(tokio_postgres::config::Host::Tcp(name)) => name.clone(),
            Some(tokio_postgres::config::Host::Unix(path)) => path.display().to_string(),
            None => "localhost".to_owned(),
        };
        write!(f, "postgres://{host}/{}", self.config.get_dbname().unwrap_or_default())
    }
}

/// A session with a server. One thread uses it, and waits for each answer.
pub struct Session {
    /// Runs the connection, as long as somebody waits for an answer. There until it is dropped.
    runtime: Option<Runtime>,
    client: Client,
    statements: RefCell<HashMap<String, Statement>>,
    /// Names that were locked before, and so have a row.
    locks: RefCell<HashSet<String>>,
}

impl Session {
    pub fn open(target: &Target) -> Result<Self> {
        let mut config = target.config.clone();
        if let Some(path) = &target.password_file {
            let password = base::files::read_optional(path)?.unwrap_or_default();
            config.password(password.trim_ascii_end());
        }
        let runtime = Builder::new_current_thread().enable_all().build().map_err(Error::Runtime)?;
        let (client, connection) = runtime.block_on(config.connect(NoTls)).map_err(failed)?;
        runtime.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to PostgreSQL ended");
            }
        });
        let session =
            Self { runtime: Some(runtime), client, statements: RefCell::default(), locks: RefCell::default() };
        session.batch(SESSION)?;
        Ok(session)
    }

    fn wait<T>(&self, answer: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>) -> Result<T> {
        let runtime = self.runtime.as_ref().ok_or(Error::Ended)?;
        runtime.block_on(answer).map_err(failed)
    }

    /// Whether the connection is lost.
    pub fn is_lost(&self) -> bool {
        self.client.is_closed()
    }

    pub fn begin(&self, purpose: Purpose) -> Result<()> {
        self.batch(match purpose {
            Purpose::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            // Rows are locked before they are read: see `lock`.
            Purpose::Write => "BEGIN ISOLATION LEVEL READ COMMITTED",
        })
    }

    pub fn batch(&self, sql: &str) -> Result<()> {
        self.wait(self.client.batch_execute(sql))
    }

    fn statement(&self, sql: &str) -> Result<Statement> {
        if let Some(known) = self.statements.borrow().get(sql) {
            return Ok(known.clone());
        }
        let statement = self.wait(self.client.prepare(&dialect::numbered(sql)))?;
        self.statements.borrow_mut().insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    pub fn execute(&self, sql: &str, params: &[Param<'_>]) -> Result<usize> {
        let statement = self.statement(sql)?;
        let changed = self.wait(self.client.execute(&statement, &values(params)))?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    pub fn each(&self, sql: &str, params: &[Param<'_>], read: &mut dyn FnMut(&Row<'_>) -> Result<()>) -> Result<()> {
        let statement = self.statement(sql)?;
        let rows = self.wait(self.client.query(&statement, &values(params)))?;
        rows.iter().try_for_each(|row| read(&Row::Postgres(row)))
    }

    /// Waits until no other transaction has any of these names locked, and locks them until this one ends.
    pub fn lock(&self, names: &[&str]) -> Result<()> {
        let new: Vec<&str> = names.iter().copied().filter(|name| !self.locks.borrow().contains(*name)).collect();
        if !new.is_empty() {
            let insert = self.statement("INSERT INTO locked (name) SELECT unnest(?::text[]) ON CONFLICT DO NOTHING")?;
            self.wait(self.client.execute(&insert, &[&new]))?;
        }
        // In one order, so that two transactions do not wait for each other.
        let select = self.statement("SELECT name FROM locked WHERE name = ANY(?) ORDER BY name FOR UPDATE")?;
        self.wait(self.client.query(&select, &[&names]))?;
        self.locks.borrow_mut().extend(new.into_iter().map(str::to_owned));
        Ok(())
    }

    /// Refuses a server that forgets what it has said it keeps.
    pub fn must_be_durable(&self) -> Result<()> {
        for (name, wrong) in DURABLE {
            let found: String = self.wait(self.client.query_one(&format!("SHOW {name}"), &[]))?.get(0);
            if found == wrong {
                return Err(Error::NotDurable { name });
            }
        }
        Ok(())
    }

    /// Brings the tables up to date.
    pub fn migrate(&self, migrations: &[Migration]) -> Result<()> {
        let mut attempt = 1;
        loop {
            let tried = self.batch("BEGIN").and_then(|()| self.missing(migrations)).and_then(|()| self.batch("COMMIT"));
            let Err(error) = tried else { return Ok(()) };
            self.batch("ROLLBACK")?;
            if attempt == ATTEMPTS || matches!(error, Error::File(_)) {
                return Err(error);
            }
            attempt += 1;
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn missing(&self, migrations: &[Migration]) -> Result<()> {
        // A role that may make no tables does not need to, once they are there.
        let there = "SELECT count(*) FROM information_schema.tables
             WHERE table_schema = current_schema() AND table_name IN ('migrated', 'locked')";
        if self.wait(self.client.query_one(there, &[]))?.get::<_, i64>(0) < 2 {
            self.batch(
                "CREATE TABLE IF NOT EXISTS migrated (number BIGINT PRIMARY KEY);
             CREATE TABLE IF NOT EXISTS locked (name TEXT COLLATE \"C\" PRIMARY KEY)",
            )?;
        }
        let found = self.wait(self.client.query_one("SELECT coalesce(max(number), 0) FROM migrated", &[]))?;
        let found = u32::try_from(found.get::<_, i64>(0)).unwrap_or(u32::MAX);
        let known = migrations.last().map_or(0, |migration| migration.number);
        if found > known {
            return Err(base::sqlite::Error::Newer { found, known }.into());
        }
        if found == 0 {
            self.batch(dialect::REFUSE)?;
        }
        for Migration { number, sql } in migrations.iter().filter(|migration| migration.number > found) {
            for statement in dialect::tables(sql) {
                self.batch(&statement)?;
            }
            self.batch(&format!("INSERT INTO migrated (number) VALUES ({number})"))?;
        }
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A runtime that is dropped waits for its threads, which nobody may do who answers others.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn values<'p>(params: &'p [Param<'_>]) -> Vec<&'p (dyn ToSql + Sync)> {
    params.iter().map(|param| -> &(dyn ToSql + Sync) { param }).collect()
}

/// What the server says.
#[derive(Debug)]
pub struct Said(tokio_postgres::Error);

fn failed(error: tokio_postgres::Error) -> Error {
    Error::Postgres(Said(error))
}

impl Said {
    fn is(&self, states: &[SqlState]) -> bool {
        self.0.code().is_some_and(|code| states.contains(code))
    }

    /// Another transaction was in the way: the same input again may do.
    pub fn is_conflict(&self) -> bool {
        self.is(&[SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED])
    }

    /// A page or an index is damaged.
    pub fn is_damage(&self) -> bool {
        self.is(&[SqlState::DATA_CORRUPTED, SqlState::INDEX_CORRUPTED])
    }

    /// The server's disk is full.
    pub fn is_full(&self) -> bool {
        self.is(&[SqlState::DISK_FULL])
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(said) = self.0.as_db_error() {
            return write!(f, "PostgreSQL: {} (SQLSTATE {})", said.message(), said.code().code());
        }
        write!(f, "PostgreSQL: {}", self.0)?;
        let causes = std::iter::successors(self.0.source(), |&cause| cause.source());
        causes.into_iter().try_for_each(|cause| write!(f, ": {cause}"))
    }
}

impl StdError for Said {}

/// PostgreSQL has no text with a NUL, and a station may have scanned one. U+0000 is stored as U+0001 U+0001 and U+0001 as
/// U+0001 U+0002, which keeps the order of texts.
fn escaped(text: &str) -> Cow<'_, str> {
    match text.contains(['\0', '\u{1}']) {
        true => text.replace('\u{1}', "\u{1}\u{2}").replace('\0', "\u{1}\u{1}").into(),
        false => text.into(),
    }
}

fn unescaped(text: &str) -> Cow<'_, str> {
    match text.contains('\u{1}') {
        true => text.replace("\u{1}\u{1}", "\0").replace("\u{1}\u{2}", "\u{1}").into(),
        false => text.into(),
    }
}

type Converted<T> = std::result::Result<T, Box<dyn StdError + Sync + Send>>;

impl ToSql for Param<'_> {
    fn to_sql(&self, of: &Type, out: &mut BytesMut) -> Converted<IsNull> {
        match (self, of) {
            (Param::Null, _) => Ok(IsNull::Yes),
            (Param::Int(int), &Type::INT4) => i32::try_from(*int)?.to_sql(of, out),
            (Param::Int(int), &Type::BOOL) => (*int != 0).to_sql(of, out),
            (Param::Int(int), &Type::INT8) => int.to_sql(of, out),
            (Param::Text(text), &Type::TEXT | &Type::VARCHAR) => escaped(text).to_sql(of, out),
            (Param::Bytes(bytes), &Type::BYTEA) => bytes.to_sql(of, out),
            (other, _) => Err(format!("{other:?} is given for a value of the type {of}").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'r> FromSql<'r> for Column<'r> {
    fn from_sql(of: &Type, raw: &'r [u8]) -> Converted<Self> {
        Ok(match *of {
            Type::INT8 => Column::Int(i64::from_sql(of, raw)?),
            Type::INT4 => Column::Int(i32::from_sql(of, raw)?.into()),
            Type::BOOL => Column::Int(bool::from_sql(of, raw)?.into()),
            Type::BYTEA => Column::Bytes(raw),
            _ => Column::Text(unescaped(<&str>::from_sql(of, raw)?)),
        })
    }

    fn from_sql_null(_: &Type) -> Converted<Self> {
        Ok(Column::Null)
    }

    fn accepts(of: &Type) -> bool {
        [Type::INT8, Type::INT4, Type::BOOL, Type::BYTEA, Type::TEXT, Type::VARCHAR].contains(of)
    }
}

/// A column of a row.
pub fn column(row: &tokio_postgres::Row, index: usize) -> Result<Column<'_>> {
    row.try_get(index).map_err(failed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_text_can_be_stored_and_keeps_its_order(a in "[\\x00-\\x03a]{0,6}", b in "[\\x00-\\x03a]{0,6}") {
            prop_assert!(!escaped(&a).contains('\0'));
            let stored = escaped(&a);
            prop_assert_eq!(unescaped(&stored), a.as_str());
            prop_assert_eq!(escaped(&a).cmp(&escaped(&b)), a.cmp(&b));
        }
    }

    #[test]
    fn a_target_is_shown_without_its_password() {
        let target: Target = "postgres://lotline:secret@db.example:5433/plant".parse().unwrap();
        assert_eq!(target.to_string(), "postgres://db.example/plant");
        assert!(!format!("{target:?}").contains("secret"));
    }
}
