//! Subjects by number, so that indices are small.

use std::collections::HashMap;

use crate::store::sql::{self, Connection, Row, params};
use records::{Kind, Subject};

use super::TENANT;

/// A subject from columns of kind, name and scope, the first of which has this index.
pub fn subject(row: &Row<'_>, first: usize) -> sql::Result<Subject> {
    let word = &row.text(first)?;
    let kind = Kind::from_word(word).ok_or_else(|| sql::Error::value("a kind of subject", "another word"))?;
    Ok(Subject { kind, id: row.get(first + 1)?, scope: row.get(first + 2)? })
}

/// Numbers that one transaction has looked up.
#[derive(Default)]
pub struct Names {
    known: HashMap<Subject, i64>,
}

impl Names {
    /// The number of a subject, given to it now where it has none.
    pub fn number(&mut self, connection: &Connection, subject: &Subject) -> sql::Result<i64> {
        if let Some(id) = self.find(connection, subject)? {
            return Ok(id);
        }
        let id = connection.query_row(
            "INSERT INTO subject (tenant, kind, name, scope) VALUES (?, ?, ?, ?) RETURNING id",
            params![TENANT, subject.kind.word(), subject.id, subject.scope],
            |row| row.get(0),
        )?;
        self.known.insert(subject.clone(), id);
        Ok(id)
    }

    /// The number of a subject; `None` where no record names it.
    pub fn find(&mut self, connection: &Connection, subject: &Subject) -> sql::Result<Option<i64>> {
        if let Some(&id) = self.known.get(subject) {
            return Ok(Some(id));
        }
        let id: Option<i64> = connection.query_optional(
            "SELECT id FROM subject WHERE tenant = ? AND kind = ? AND name = ? AND scope = ?",
            params![TENANT, subject.kind.word(), subject.id, subject.scope],
            |row| row.get(0),
        )?;
        self.known.extend(id.map(|id| (subject.clone(), id)));
        Ok(id)
    }
}
