//! Subjects by number, so that indices are small.

use std::collections::HashMap;

use records::{Kind, Subject};
use rusqlite::{Connection, OptionalExtension, params};

use super::TENANT;

/// The number of a subject; `None` where no record names it.
pub fn find(connection: &Connection, subject: &Subject) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT id FROM subject WHERE tenant = ? AND kind = ? AND name = ? AND scope = ?")?
        .query_row(params![TENANT, subject.kind.word(), subject.id, subject.scope], |row| row.get(0))
        .optional()
}

/// The subject with a number.
pub fn name(connection: &Connection, id: i64) -> rusqlite::Result<Subject> {
    connection.prepare_cached("SELECT kind, name, scope FROM subject WHERE id = ?")?.query_row([id], |row| {
        let word: String = row.get(0)?;
        let kind = Kind::from_word(&word).ok_or(rusqlite::Error::InvalidQuery)?;
        Ok(Subject { kind, id: row.get(1)?, scope: row.get(2)? })
    })
}

/// Numbers that one transaction has looked up.
#[derive(Default)]
pub struct Names {
    known: HashMap<Subject, i64>,
}

impl Names {
    /// The number of a subject, given to it now where it has none.
    pub fn number(&mut self, connection: &Connection, subject: &Subject) -> rusqlite::Result<i64> {
        if let Some(&id) = self.known.get(subject) {
            return Ok(id);
        }
        let id = match find(connection, subject)? {
            Some(id) => id,
            None => {
                connection
                    .prepare_cached("INSERT INTO subject (tenant, kind, name, scope) VALUES (?, ?, ?, ?)")?
                    .execute(params![TENANT, subject.kind.word(), subject.id, subject.scope])?;
                connection.last_insert_rowid()
            }
        };
        self.known.insert(subject.clone(), id);
        Ok(id)
    }
}
