//! The labels that are to be printed, and those that were: one row each, in the same transaction as the records.

use std::collections::BTreeMap;
use std::time::Duration;

use records::Level;
use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Group, Journal, JournalError, query};
use crate::station::{Job, JobChange, JobDraft, JobState};

pub(super) const TABLES: &str = "
    CREATE TABLE template (digest TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE label (id INTEGER PRIMARY KEY AUTOINCREMENT, sscc TEXT NOT NULL, level TEXT NOT NULL, lane TEXT NOT NULL,
                        printer TEXT NOT NULL, template TEXT NOT NULL, data TEXT NOT NULL, copies INTEGER NOT NULL,
                        state TEXT NOT NULL, picture TEXT, why TEXT NOT NULL, prints INTEGER NOT NULL, at INTEGER NOT NULL) STRICT;
    CREATE INDEX label_open ON label (state, printer, id) WHERE state <> 'printed';
    CREATE INDEX label_printed ON label (at) WHERE state = 'printed';
    CREATE INDEX label_lane ON label (lane, id);";

const COLUMNS: &str = "id, sscc, level, lane, printer, template, data, copies, state, picture, why, prints, at";

/// Most labels that one call of [`Journal::forget_labels`] forgets.
const FORGET_AT_ONCE: usize = 1000;

/// The labels at a glance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    /// How many there are of each state but `printed`.
    pub counts: BTreeMap<JobState, u64>,
    /// Doubtful and failed ones, the oldest of each lane, oldest first.
    pub attention: Vec<Job>,
    /// How many of them there are, by lane.
    pub attention_by_lane: BTreeMap<String, u64>,
    /// The newest of each lane, newest first.
    pub latest: Vec<Job>,
}

impl Labels {
    /// Most doubtful and failed labels of a lane in one answer.
    pub const ATTENTION: usize = 20;
    /// How many of the newest of a lane.
    pub const LATEST: usize = 6;
}

impl Group<'_> {
    /// A label, as this group sees it.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn label(&self, id: u64) -> Result<Option<Job>, JournalError> {
        by_number(&self.transaction, id)
    }

    /// The newest label of a container, as this group sees it.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn newest_label(&self, container: &str) -> Result<Option<Job>, JournalError> {
        one(&self.transaction, "sscc = ?1 ORDER BY id DESC LIMIT 1", [container])
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
                .prepare_cached(
                    "UPDATE label SET state = ?2, picture = ?3, why = ?4, prints = ?5, printer = ?6, template = ?7,
                            copies = ?8
                     WHERE id = ?1",
                )
                .and_then(|mut update| {
                    let JobDraft { printer, template, copies, .. } = &job.draft;
                    let Job { id, state, picture, why, prints, .. } = job;
                    update.execute(params![id, state, picture, why, prints, printer, template, copies])
                }),
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
        one(&self.connection, NEXT, params![JobState::Waiting, printer])
    }

    /// One label.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn label(&self, id: u64) -> Result<Option<Job>, JournalError> {
        by_number(&self.connection, id)
    }

    /// The newest labels, newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn newest_labels(&self, most: usize) -> Result<Vec<Job>, JournalError> {
        many(&self.connection, "true ORDER BY id DESC LIMIT ?1", [most])
    }

    /// Labels that wait or are being sent, oldest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn unfinished_labels(&self) -> Result<Vec<Job>, JournalError> {
        let which = "state <> 'printed' AND state IN (?1, ?2) ORDER BY id";
        many(&self.connection, which, [JobState::Waiting, JobState::Sending])
    }

    /// How many labels of this printer wait for a person's decision.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn doubtful_labels(&self, printer: &str) -> Result<u64, JournalError> {
        self.connection
            .prepare_cached("SELECT count(*) FROM label WHERE state <> 'printed' AND state = ?1 AND printer = ?2")
            .and_then(|mut count| count.query_row(params![JobState::Doubtful, printer], |row| row.get(0)))
            .map_err(query("read"))
    }

    /// The labels at a glance, the newest of these lanes among them.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn labels<'a>(&self, lanes: impl IntoIterator<Item = &'a String>) -> Result<Labels, JournalError> {
        let counts = self
            .connection
            .prepare_cached("SELECT state, count(*) FROM label WHERE state <> 'printed' GROUP BY state")
            .and_then(|mut counts| counts.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
            .map_err(query("read"))?;
        let attention_by_lane = self
            .connection
            .prepare_cached(
                "SELECT lane, count(*) FROM label WHERE state <> 'printed' AND state IN (?1, ?2) GROUP BY lane",
            )
            .and_then(|mut lanes| {
                let states = [JobState::Doubtful, JobState::Failed];
                lanes.query_map(states, |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
            })
            .map_err(query("read"))?;
        let mut labels = Labels { counts, attention_by_lane, ..Labels::default() };
        for lane in labels.attention_by_lane.keys() {
            let which = params![lane, JobState::Doubtful, JobState::Failed, Labels::ATTENTION];
            labels.attention.extend(many(&self.connection, ATTENTION, which)?);
        }
        labels.attention.sort_by_key(|job| job.id);
        for lane in lanes {
            let newest = params![lane, Labels::LATEST];
            labels.latest.extend(many(&self.connection, "lane = ?1 ORDER BY id DESC LIMIT ?2", newest)?);
        }
        labels.latest.sort_by_key(|job| std::cmp::Reverse(job.id));
        Ok(labels)
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

    /// Forgets printed labels of containers that were closed longer than `keep` ago, and the oldest printed ones when the
    /// journal has filled three quarters of its quota. At most so many that a scan never waits for long.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn forget_labels(&self, now_seconds: i64, keep: Duration) -> Result<usize, JournalError> {
        let before = self.kept_since(now_seconds, keep)?;
        self.connection
            .prepare_cached(
                "DELETE FROM label WHERE id IN (SELECT id FROM label WHERE state = 'printed' AND at < ?1 ORDER BY at LIMIT ?2)",
            )
            .and_then(|mut delete| delete.execute(params![before, FORGET_AT_ONCE]))
            .map_err(query("forget labels of"))
    }
}

/// The condition on `state` is said again, so that SQLite sees that the partial index will do.
const NEXT: &str = "state <> 'printed' AND state = ?1 AND printer = ?2 ORDER BY id LIMIT 1";

/// The `+` keeps SQLite from the index of lanes: it would read all labels of a lane, a week of them, for the few that are
/// open.
const ATTENTION: &str = "+lane = ?1 AND state <> 'printed' AND state IN (?2, ?3) ORDER BY id LIMIT ?4";

/// No label has a number that SQLite cannot hold.
fn by_number(connection: &Connection, id: u64) -> Result<Option<Job>, JournalError> {
    let Ok(id) = i64::try_from(id) else { return Ok(None) };
    one(connection, "id = ?1", [id])
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

/// A row that is damaged reads as a label that failed: it must not stop the others.
fn read(row: &Row<'_>) -> rusqlite::Result<Job> {
    let level = match row.get_ref(2)?.as_str()? {
        "pallet" => Level::Pallet,
        _ => Level::Package,
    };
    let data = serde_json::from_str(row.get_ref(6)?.as_str()?).ok();
    let (state, why) = match data {
        Some(_) => (row.get(8)?, row.get(10)?),
        None => (JobState::Failed, "what should stand on it is damaged on this station's disk".to_owned()),
    };
    let (sscc, lane, printer) = (row.get(1)?, row.get(3)?, row.get(4)?);
    Ok(Job {
        id: row.get(0)?,
        draft: JobDraft {
            sscc,
            level,
            lane,
            printer,
            template: row.get(5)?,
            data: data.unwrap_or_default(),
            copies: row.get(7)?,
        },
        state,
        picture: row.get(9)?,
        why,
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
        // A damaged word reads as failed, as a damaged row does.
        Ok(STATES.iter().find_map(|(state, word)| (*word == text).then_some(*state)).unwrap_or(JobState::Failed))
    }
}

#[cfg(test)]
mod tests;
