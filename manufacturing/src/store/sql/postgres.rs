//! PostgreSQL, and engines that speak its protocol.

mod pending;
mod said;
mod values;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use base::sqlite::Migration;
use base::tls::Tls;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::config::SslMode;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Error, Insert, Kind, Param, Purpose, Result, Row, dialect};
use pending::{Answered, Pending, Sent};
pub use said::Said;
use said::failed;
pub use values::column;
use values::{Owned, Value, arrays, columns, values};

/// The longest wait for a connection.
const PATIENCE: Duration = Duration::from_secs(10);
/// What every session is set to. Plans go by the indices that there are, also while a table is new and small, and each
/// statement is planned once: planning it again for each record costs more than the record. A machine that vanished is
/// noticed, so that it holds no lock for hours; and nobody waits for a lock for ever.
const SESSION: &str = "SET enable_seqscan = off; SET jit = off; SET plan_cache_mode = force_generic_plan; \
                       SET tcp_keepalives_idle = 20; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 4; \
                       SET lock_timeout = '30s'; SET client_min_messages = warning";
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
    /// The file with the CA that has signed the server's certificate; where it is named TLS is used, as with
    /// `sslmode=require` in the URL, which without the file trusts whom the system trusts.
    pub ca_file: Option<PathBuf>,
}

impl FromStr for Target {
    type Err = tokio_postgres::Error;

    fn from_str(url: &str) -> std::result::Result<Self, Self::Err> {
        let mut config: Config = url.parse()?;
        config.application_name("lotline-manufacturing").connect_timeout(PATIENCE);
        Ok(Self { config, password_file: None, ca_file: None })
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

/// A session with a server. One thread uses it. It waits for the answers to questions; a change is sent, and its answer is
/// looked at with that of the next question. What will be asked can be sent ahead. The way to the server and back costs
/// more than most statements.
pub struct Session {
    /// Runs the connection, as long as somebody waits for an answer. There until it is dropped.
    runtime: Option<Runtime>,
    client: Arc<Client>,
    /// What was sent and not yet answered.
    pending: RefCell<Pending>,
    statements: RefCell<HashMap<String, Statement>>,
    /// Names that were locked before, and so have a row.
    locks: RefCell<HashSet<String>>,
}

async fn run(connection: impl Future<Output = std::result::Result<(), tokio_postgres::Error>>) {
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection to PostgreSQL ended");
    }
}

impl Session {
    pub fn open(target: &Target) -> Result<Self> {
        let mut config = target.config.clone();
        if let Some(path) = &target.password_file {
            let password = base::files::read_optional(path)?.unwrap_or_default();
            config.password(password.trim_ascii_end());
        }
        let runtime = Builder::new_current_thread().enable_all().build().map_err(Error::Runtime)?;
        let with_tls = target.ca_file.is_some() || config.get_ssl_mode() == SslMode::Require;
        let client = if with_tls {
            // Whoever asks for TLS wants to know whom it is talking to: a name that nobody has checked is none.
            config.ssl_mode(SslMode::Require);
            let tls = Tls { ca: target.ca_file.clone(), identity: None }.config()?;
            let connector = MakeRustlsConnect::new(Arc::unwrap_or_clone(tls));
            let (client, connection) = runtime.block_on(config.connect(connector)).map_err(failed)?;
            runtime.spawn(run(connection));
            client
        } else {
            let (client, connection) = runtime.block_on(config.connect(NoTls)).map_err(failed)?;
            runtime.spawn(run(connection));
            client
        };
        let session = Self {
            runtime: Some(runtime),
            client: Arc::new(client),
            pending: RefCell::new(Pending::new(Purpose::Write)),
            statements: RefCell::default(),
            locks: RefCell::default(),
        };
        session.batch(SESSION)?;
        Ok(session)
    }

    /// Waits for an answer, and for all before it. The first fault counts: those after it only follow from it.
    fn wait<T>(&self, answer: impl Future<Output = Answered<T>>) -> Result<T> {
        let runtime = self.runtime.as_ref().ok_or(Error::Ended)?;
        runtime.block_on(self.pending.borrow_mut().wait(answer)).map_err(failed)
    }

    /// Sends something, and looks at the answer later.
    fn send(&self, statement: Sent) -> Result<()> {
        self.pending.borrow_mut().send(statement).map_err(failed)
    }

    /// Sends a question that is put later in the transaction, unless something is changed or locked before that: then it
    /// is asked anew.
    pub fn ahead(&self, sql: &str, params: &[Param<'_>]) -> Result<()> {
        let (statement, client) = (self.statement(sql)?, self.client.clone());
        self.pending.borrow_mut().ahead(sql, params, |values| {
            Box::pin(async move { client.query(&statement, &pending::borrowed(&values)).await })
        });
        Ok(())
    }

    /// As [`Session::ahead`], for [`Session::query_each`].
    pub fn ahead_each(&self, sql: &str, kinds: &[Kind], keys: &[Param<'_>]) -> Result<()> {
        let sql = dialect::each(sql, kinds);
        let (statement, client, arrays) = (self.statement(&sql)?, self.client.clone(), arrays(kinds, keys));
        self.pending
            .borrow_mut()
            .ahead(&sql, keys, |_| Box::pin(async move { client.query(&statement, &pending::boxed(&arrays)).await }));
        Ok(())
    }

    /// Writes what was sent to the server, and does not wait for an answer.
    pub fn flush(&self) {
        if let Some(runtime) = &self.runtime {
            // The task of the connection is the only other one.
            runtime.block_on(tokio::task::yield_now());
        }
    }

    /// Whether the connection is lost.
    pub fn is_lost(&self) -> bool {
        self.client.is_closed()
    }

    pub fn begin(&self, purpose: Purpose) -> Result<()> {
        let sql = match purpose {
            Purpose::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            // Rows are locked before they are read: see `lock`.
            Purpose::Write => "BEGIN ISOLATION LEVEL READ COMMITTED",
        };
        // What an earlier transaction left behind is none of this one.
        *self.pending.borrow_mut() = Pending::new(purpose);
        self.send_batch(sql)
    }

    fn send_batch(&self, sql: &'static str) -> Result<()> {
        let client = self.client.clone();
        self.send(Box::pin(async move { client.batch_execute(sql).await }))
    }

    /// Undoes a transaction. Nobody waits for the end of one that has only read.
    pub fn undo(&self) -> Result<()> {
        // The rows that it has made for names went with it: without its row a name locks nothing.
        self.locks.borrow_mut().clear();
        if !self.pending.borrow().is_reading() {
            return self.batch("ROLLBACK");
        }
        *self.pending.borrow_mut() = Pending::new(Purpose::Read);
        self.send_batch("ROLLBACK")?;
        self.flush();
        Ok(())
    }

    pub fn batch(&self, sql: &str) -> Result<()> {
        self.pending.borrow_mut().changes();
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

    pub fn execute(&self, sql: &str, params: &[Param<'_>]) -> Result<()> {
        let statement = self.statement(sql)?;
        self.send_with(statement, params.iter().map(|param| Box::new(Owned::from(param)) as Value).collect())
    }

    fn send_with(&self, statement: Statement, values: Vec<Value>) -> Result<()> {
        let client = self.client.clone();
        self.send(Box::pin(async move { client.execute(&statement, &pending::boxed(&values)).await.map(drop) }))
    }

    pub fn insert(&self, into: &Insert, values: &[Param<'_>]) -> Result<()> {
        let statement = self.statement(&dialect::insert(into))?;
        let kinds: Vec<Kind> = into.columns.iter().map(|(_, kind)| *kind).collect();
        self.send_with(statement, arrays(&kinds, values))
    }

    pub fn insert_returning(
        &self,
        into: &Insert,
        returning: &str,
        values: &[Param<'_>],
        read: &mut dyn FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let statement = self.statement(&format!("{} RETURNING {returning}", dialect::insert(into)))?;
        let kinds: Vec<Kind> = into.columns.iter().map(|(_, kind)| *kind).collect();
        let arrays = columns(&kinds, values);
        let arrays: Vec<&(dyn ToSql + Sync)> = arrays.iter().map(|array| -> &(dyn ToSql + Sync) { array }).collect();
        self.pending.borrow_mut().changes();
        let rows = self.wait(self.client.query(&statement, &arrays))?;
        rows.iter().try_for_each(|row| read(&Row::Postgres(row)))
    }

    pub fn query_each(
        &self,
        sql: &str,
        kinds: &[Kind],
        keys: &[Param<'_>],
        read: &mut dyn FnMut(usize, &Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let sql = dialect::each(sql, kinds);
        let asked = self.pending.borrow_mut().asked(&sql, keys);
        let rows = match asked {
            Some(asked) => self.wait(asked)?,
            None => {
                let (statement, arrays) = (self.statement(&sql)?, columns(kinds, keys));
                let arrays: Vec<&(dyn ToSql + Sync)> =
                    arrays.iter().map(|array| -> &(dyn ToSql + Sync) { array }).collect();
                self.wait(self.client.query(&statement, &arrays))?
            }
        };
        for row in &rows {
            let number: i64 = row.try_get(row.len() - 1).map_err(failed)?;
            read(usize::try_from(number - 1).unwrap_or_default(), &Row::Postgres(row))?;
        }
        Ok(())
    }

    /// Locks rows by their numbers.
    pub fn lock_rows(&self, table: &str, ids: &BTreeSet<i64>) -> Result<()> {
        let sql = format!("SELECT id FROM {table} WHERE id = ANY(?) ORDER BY id FOR UPDATE");
        let (statement, client) = (self.statement(&sql)?, self.client.clone());
        let ids: Vec<i64> = ids.iter().copied().collect();
        self.send(Box::pin(async move { client.query(&statement, &[&ids]).await.map(drop) }))
    }

    pub fn each(&self, sql: &str, params: &[Param<'_>], read: &mut dyn FnMut(&Row<'_>) -> Result<()>) -> Result<()> {
        let asked = self.pending.borrow_mut().asked(sql, params);
        let rows = match asked {
            Some(asked) => self.wait(asked)?,
            None => {
                let statement = self.statement(sql)?;
                self.wait(self.client.query(&statement, &values(params)))?
            }
        };
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
        let (client, names): (_, Vec<String>) = (self.client.clone(), names.iter().map(|n| (*n).to_owned()).collect());
        self.send(Box::pin(async move { client.query(&select, &[&names]).await.map(drop) }))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_shown_without_its_password() {
        let target: Target = "postgres://lotline:secret@db.example:5433/plant".parse().unwrap();
        assert_eq!(target.to_string(), "postgres://db.example/plant");
        assert!(!format!("{target:?}").contains("secret"));
    }
}
