//! The labels that are to be printed, and those that were: one row each, in the same transaction as the records.

use std::collections::BTreeMap;

use records::Level;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Group, Journal, JournalError, query};
use crate::station::{Job, JobChange, JobDraft, JobState};

pub(super) const TABLES: &str = "
    CREATE TABLE template (digest TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE label (id INTEGER PRIMARY KEY AUTOINCREMENT, sscc TEXT NOT NULL, level TEXT NOT NULL, lane TEXT NOT NULL,
                        printer TEXT NOT NULL, template TEXT NOT NULL, data TEXT NOT NULL, copies INTEGER NOT NULL,
                        state TEXT NOT NULL, picture TEXT, why TEXT NOT NULL, prints INTEGER NOT NULL, at INTEGER NOT NULL) STRICT;
    CREATE INDEX label_open ON label (state, printer, id) WHERE state <> 'printed';";

const COLUMNS: &str = "id, sscc, level, lane, printer, template, data, copies, state, picture, why, prints, at";

/// Most labels that one call of [`Journal::forget_labels`] forgets.
const FORGET_AT_ONCE: usize = 1000;

/// The labels at a glance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    /// How many there are of each state but `printed`.
    pub counts: BTreeMap<JobState, u64>,
    /// Doubtful and failed ones, oldest first.
    pub attention: Vec<Job>,
    /// The newest, newest first.
    pub latest: Vec<Job>,
}

impl Labels {
    /// Most labels of a kind in one answer.
    pub const ATTENTION: usize = 20;
    /// How many of the newest are shown.
    pub const LATEST: usize = 6;
}

impl Group<'_> {
    /// A label, as this group sees it.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn label(&self, id: u64) -> Result<Option<Job>, JournalError> {
        one(&self.transaction, "id = ?1", [id])
    }

    pub(super) fn change_label(&self, change: &JobChange, at: i64) -> Result<(), JournalError> {
        let written = match change {
            JobChange::New(draft) => self
                .transaction
                .prepare_cached(
                    "INSERT INTO label (sscc, level, lane, printer, template, data, copies, state, why, prints, at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, '', 0, ?9)",
                )
                .and_then(|mut insert| {
                    let JobDraft { sscc, level, lane, printer, template, data, copies } = draft;
                    let data = serde_json::json!(data).to_string();
                    let level = level_word(*level);
                    insert.execute(params![sscc, level, lane, printer, template, data, copies, JobState::Waiting, at])
                }),
            JobChange::Set(job) => self
                .transaction
                .prepare_cached("UPDATE label SET state = ?2, picture = ?3, why = ?4, prints = ?5 WHERE id = ?1")
                .and_then(|mut update| update.execute(params![job.id, job.state, job.picture, job.why, job.prints])),
        };
        written.map(drop).map_err(query("write"))
    }
}

impl Journal {
    /// The oldest label that waits for this printer.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn next_label(&self, printer: &str) -> Result<Option<Job>, JournalError> {
        one(&self.connection, "state = ?1 AND printer = ?2 ORDER BY id LIMIT 1", params![JobState::Waiting, printer])
    }

    /// One label.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn label(&self, id: u64) -> Result<Option<Job>, JournalError> {
        one(&self.connection, "id = ?1", [id])
    }

    /// The newest labels, newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn newest_labels(&self, most: usize) -> Result<Vec<Job>, JournalError> {
        many(&self.connection, "true ORDER BY id DESC LIMIT ?1", [most])
    }

    /// Labels of which bytes may have gone out, and nothing was heard since.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn labels_being_sent(&self) -> Result<Vec<Job>, JournalError> {
        many(&self.connection, "state = ?1 ORDER BY id", [JobState::Sending])
    }

    /// The labels at a glance.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn labels(&self) -> Result<Labels, JournalError> {
        let counts = self
            .connection
            .prepare_cached("SELECT state, count(*) FROM label WHERE state <> 'printed' GROUP BY state")
            .and_then(|mut counts| counts.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
            .map_err(query("read"))?;
        let attention = "state <> 'printed' AND state IN (?1, ?2) ORDER BY id LIMIT ?3";
        let attention =
            many(&self.connection, attention, params![JobState::Doubtful, JobState::Failed, Labels::ATTENTION])?;
        Ok(Labels { counts, attention, latest: self.newest_labels(Labels::LATEST)? })
    }

    /// Keeps the text of a template, so that a label can be drawn again as it was.
    ///
    /// # Errors
    /// When the disk or the quota is full.
    pub fn keep_template(&self, digest: &str, text: &str) -> Result<(), JournalError> {
        self.connection
            .prepare_cached("INSERT OR IGNORE INTO template (digest, text) VALUES (?1, ?2)")
            .and_then(|mut insert| insert.execute([digest, text]))
            .map(drop)
            .map_err(query("write"))
    }

    /// The text of a template.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn template(&self, digest: &str) -> Result<Option<String>, JournalError> {
        self.connection
            .prepare_cached("SELECT text FROM template WHERE digest = ?1")
            .and_then(|mut text| text.query_row([digest], |row| row.get(0)).optional())
            .map_err(query("read"))
    }

    /// Forgets printed labels of containers that were closed before `before`, in seconds since 1970.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn forget_labels(&self, before: i64) -> Result<usize, JournalError> {
        let oldest = "SELECT id FROM label WHERE id IN (SELECT id FROM label ORDER BY id LIMIT ?2) AND state = 'printed' AND at < ?1";
        self.connection
            .prepare_cached(&format!("DELETE FROM label WHERE id IN ({oldest})"))
            .and_then(|mut delete| delete.execute(params![before, FORGET_AT_ONCE]))
            .map_err(query("write"))
    }
}

fn one(connection: &Connection, which: &str, parameters: impl rusqlite::Params) -> Result<Option<Job>, JournalError> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM label WHERE {which}"))
        .and_then(|mut label| label.query_row(parameters, read).optional())
        .map_err(query("read"))
}

fn many(connection: &Connection, which: &str, parameters: impl rusqlite::Params) -> Result<Vec<Job>, JournalError> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM label WHERE {which}"))
        .and_then(|mut labels| labels.query_map(parameters, read)?.collect())
        .map_err(query("read"))
}

fn read(row: &Row<'_>) -> rusqlite::Result<Job> {
    let level = match row.get_ref(2)?.as_str()? {
        "pallet" => Level::Pallet,
        _ => Level::Package,
    };
    let data = serde_json::from_str(row.get_ref(6)?.as_str()?)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(6, rusqlite::types::Type::Text, Box::new(error)))?;
    let (sscc, lane, printer) = (row.get(1)?, row.get(3)?, row.get(4)?);
    Ok(Job {
        id: row.get(0)?,
        draft: JobDraft { sscc, level, lane, printer, template: row.get(5)?, data, copies: row.get(7)? },
        state: row.get(8)?,
        picture: row.get(9)?,
        why: row.get(10)?,
        prints: row.get(11)?,
        at: row.get(12)?,
    })
}

fn level_word(level: Level) -> &'static str {
    match level {
        Level::Package => "package",
        Level::Pallet => "pallet",
    }
}

const STATES: [(JobState, &str); 5] = [
    (JobState::Waiting, "waiting"),
    (JobState::Sending, "sending"),
    (JobState::Printed, "printed"),
    (JobState::Doubtful, "doubtful"),
    (JobState::Failed, "failed"),
];

impl ToSql for JobState {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let word = STATES.iter().find_map(|(state, word)| (state == self).then_some(*word));
        Ok(ToSqlOutput::from(word.unwrap_or_default()))
    }
}

impl FromSql for JobState {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let text = value.as_str()?;
        STATES.iter().find_map(|(state, word)| (*word == text).then_some(*state)).ok_or(FromSqlError::InvalidType)
    }
}
