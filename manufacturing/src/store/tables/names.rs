//! Subjects by number, so that indices are small.

use std::collections::{HashMap, HashSet};

use records::{Kind as SubjectKind, Subject};

use super::TENANT;
use crate::store::sql::{self, Connection, Insert, Kind, Param, Row};

const SUBJECT: Insert = Insert {
    table: "subject",
    columns: &[("tenant", Kind::Text), ("kind", Kind::Text), ("name", Kind::Text), ("scope", Kind::Text)],
    conflict: " ON CONFLICT DO NOTHING",
};

/// A subject from columns of kind, name and scope, the first of which has this index.
pub fn subject(row: &Row<'_>, first: usize) -> sql::Result<Subject> {
    let word = row.text(first)?;
    let kind = SubjectKind::from_word(&word).ok_or_else(|| sql::Error::value("a kind of subject", "another word"))?;
    Ok(Subject { kind, id: row.get(first + 1)?, scope: row.get(first + 2)? })
}

/// Numbers that one transaction has looked up.
#[derive(Default)]
pub struct Names {
    known: HashMap<Subject, i64>,
    /// Those that were given now: nothing is stored about them yet.
    fresh: HashSet<i64>,
}

impl Names {
    /// The numbers of these subjects, given to them now where they have none.
    pub fn number<'s>(
        &mut self,
        connection: &Connection,
        subjects: impl IntoIterator<Item = &'s Subject>,
    ) -> sql::Result<()> {
        let unknown = self.unknown(subjects);
        let mut added = Vec::new();
        connection.insert_returning(&SUBJECT, "id, kind, name, scope", &values(&unknown), |row| {
            added.push((subject(row, 1)?, row.get(0)?));
            Ok(())
        })?;
        self.fresh.extend(added.iter().map(|(_, id)| *id));
        self.known.extend(added);
        self.find(connection, unknown)
    }

    /// Looks up these subjects. Some may have no number: no record names them.
    pub fn find<'s>(
        &mut self,
        connection: &Connection,
        subjects: impl IntoIterator<Item = &'s Subject>,
    ) -> sql::Result<()> {
        let sql = "SELECT id FROM subject WHERE tenant = ? AND kind = ? AND name = ? AND scope = ?";
        self.find_with(connection, subjects, sql, |_, _| Ok(()))
    }

    /// Sends ahead what [`Names::find_with`] asks of one subject.
    pub fn ahead(connection: &Connection, subject: &Subject, sql: &str) -> sql::Result<()> {
        connection.ahead_each(sql, &[Kind::Text; 4], &values(&[subject]))
    }

    /// As [`Names::find`], and reads more with it: `sql` is given tenant, kind, name and scope, and its first column is the
    /// number. `read` gets that and the row.
    pub fn find_with<'s>(
        &mut self,
        connection: &Connection,
        subjects: impl IntoIterator<Item = &'s Subject>,
        sql: &str,
        mut read: impl FnMut(i64, &Row<'_>) -> sql::Result<()>,
    ) -> sql::Result<()> {
        let unknown = self.unknown(subjects);
        let known = &mut self.known;
        connection.query_each(sql, &[Kind::Text; 4], &values(&unknown), |n, row| {
            let id = row.get(0)?;
            known.insert(unknown[n].clone(), id);
            read(id, row)
        })
    }

    /// The number of a subject that was looked up.
    pub fn get(&self, subject: &Subject) -> Option<i64> {
        self.known.get(subject).copied()
    }

    /// Was this number given now?
    pub fn is_fresh(&self, id: i64) -> bool {
        self.fresh.contains(&id)
    }

    /// From now on something is stored about each of them.
    pub fn stored(&mut self) {
        self.fresh.clear();
    }

    /// Each once, in the order in which they come.
    fn unknown<'s>(&self, subjects: impl IntoIterator<Item = &'s Subject>) -> Vec<&'s Subject> {
        let mut seen = HashSet::new();
        subjects.into_iter().filter(|subject| !self.known.contains_key(*subject) && seen.insert(*subject)).collect()
    }
}

/// Tenant, kind, name and scope of each.
pub fn values<'s>(subjects: &[&'s Subject]) -> Vec<Param<'s>> {
    let value = |subject: &&'s Subject| {
        [Param::Text(TENANT), Param::Text(subject.kind.word()), Param::Text(&subject.id), Param::Text(&subject.scope)]
    };
    subjects.iter().flat_map(value).collect()
}
