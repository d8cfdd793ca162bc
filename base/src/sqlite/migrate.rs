//! Bringing the tables of a store to the version of this program.

use rusqlite::{Connection, TransactionBehavior};

use super::Error;

/// One step of the tables. A step that was released is never changed; a new one is added.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// The version that the store has after it. Counted from 1 without gaps.
    pub number: u32,
    /// The statements, without BEGIN and COMMIT.
    pub sql: &'static str,
}

/// The version of the tables (`PRAGMA user_version`), 0 for a new store.
///
/// # Errors
/// [`Error::Query`].
pub fn schema_version(connection: &Connection) -> Result<u32, Error> {
    connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(|source| Error::Query { action: "read the version of", source })
}

/// Applies the migrations that the store does not have yet, each in its own transaction.
///
/// # Errors
/// [`Error::Newer`] when the store has a version above the last migration, [`Error::Migration`]; the store is then as it
/// was before the failed migration.
pub fn migrate(connection: &mut Connection, migrations: &[Migration]) -> Result<(), Error> {
    let found = schema_version(connection)?;
    let known = migrations.last().map_or(0, |migration| migration.number);
    if found > known {
        return Err(Error::Newer { found, known });
    }
    for migration in migrations.iter().filter(|migration| migration.number > found) {
        apply(connection, migration).map_err(|source| Error::Migration { number: migration.number, source })?;
    }
    Ok(())
}

fn apply(connection: &mut Connection, migration: &Migration) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(migration.sql)?;
    transaction.pragma_update(None, "user_version", migration.number)?;
    transaction.commit()
}
