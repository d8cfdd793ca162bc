//! What a damaged journal still gives: rows are looked up one by one, so that a damaged page hides only what is on it, and
//! lines that nothing leads to any more are found on their pages. Each line says by its checksum which series it is of.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use base::sqlite::{self, Profile};
use records::{Event, Record, SeriesId, chain};
use rusqlite::Connection;

use super::finds::{Finds, Look, is_empty};
use super::queue::prev_of;
use super::units::{self, UnitRow};
use super::{JournalError, Row, row, sums};
use crate::station::State;

/// A damaged journal, opened to be read.
pub(super) struct Wreck {
    connection: Option<Connection>,
    /// The row of the station, where it can be read and its checksum agrees.
    pub row: Option<Row>,
    /// The state, where it can be read and its checksum agrees.
    pub state: Option<State>,
    /// What is on the pages.
    finds: Finds,
    /// The series that the tables are of, as far as can be told.
    base: Option<SeriesId>,
    /// Series that came after it, of which the tables say nothing: the log that began them is damaged.
    later: Vec<SeriesId>,
}

/// A line of a table beside that of the records.
pub(super) struct Beside {
    pub series: SeriesId,
    pub seq: u64,
    pub line: Vec<u8>,
}

impl Wreck {
    /// Opens a file that was set aside. Changes nothing in it. `hint` is the series that the second file names.
    pub fn open(file: &Path, hint: Option<SeriesId>) -> Result<Self, JournalError> {
        Self::look(file, hint, Look::Everywhere)
    }

    fn look(file: &Path, hint: Option<SeriesId>, look: Look) -> Result<Self, JournalError> {
        let mut finds = Finds::of(file, look)?;
        // SQLite deletes the log of an empty store, unread.
        let reader = Profile::reader(1024, std::time::Duration::from_secs(1));
        let connection = (!is_empty(file)).then(|| sqlite::open(file, &reader).ok()).flatten();
        let read = connection.as_ref().and_then(|connection| Row::read(connection).ok().flatten());
        let state = connection.as_ref().and_then(|connection| row::state(connection).ok().flatten());
        let (named, sound) = read.map_or((None, false), |(row, sound)| (Some(row), sound));
        let before = named.as_ref().and_then(|row| row.began.before);
        let ids = [named.as_ref().map(|row| row.series), hint, before];
        finds.name(ids.into_iter().flatten());
        let written = |id: &SeriesId| finds.count(*id) > 0;
        let base = match &named {
            Some(row) if sound => Some(row.series),
            _ => ids[..2].iter().flatten().copied().find(written).or_else(|| finds.largest()).or(hint).or(ids[0]),
        };
        if let Some(base) = base {
            finds.is_base(base);
        }
        let last = state.as_ref().map_or(u64::MAX, |state| state.last_seq);
        let row = named.filter(|row| sound && row.settled <= last);
        let mut wreck = Self { connection, row, state, finds, base, later: Vec::new() };
        wreck.find_later();
        Ok(wreck)
    }

    /// A series names in its first record the one before it.
    fn find_later(&mut self) {
        let before = |record: &Record| -> Option<SeriesId> {
            let is_first = record.event == Event::SeriesStarted && record.former.is_none();
            record.attributes.get("seriesBefore").filter(|_| is_first)?.as_str()?.parse().ok()
        };
        let mut known: Vec<SeriesId> = self.base.into_iter().collect();
        while let Some(last) = known.last().copied() {
            let comes_after = |id: &SeriesId| {
                let firsts = self.finds.lines(*id, 1);
                firsts
                    .iter()
                    .filter_map(|line| before(&serde_json::from_slice(line).ok()?))
                    .any(|before| before == last)
            };
            match self.finds.series().find(|id| !known.contains(id) && comes_after(id)) {
                Some(next) => known.push(next),
                None => break,
            }
        }
        self.later = known.into_iter().skip(1).collect();
    }

    /// The series that was written last.
    pub fn series(&self) -> Option<SeriesId> {
        self.later.last().copied().or(self.base)
    }

    /// Series that came after the one that the tables are of.
    pub fn later(&self) -> &[SeriesId] {
        &self.later
    }

    /// The series that the tables are of.
    pub fn base(&self) -> Option<SeriesId> {
        self.base
    }

    /// Other series of which there are lines on the pages: older ones.
    pub fn older(&self) -> Vec<SeriesId> {
        self.finds.series().filter(|id| Some(*id) != self.base && !self.later.contains(id)).collect()
    }

    /// The mark of receipts, where it can be trusted.
    pub fn settled(&self) -> u64 {
        self.row.as_ref().map_or(0, |row| row.settled)
    }

    /// The highest sequence of the series that was written last, where the state of the station says it.
    pub fn last(&self) -> Option<u64> {
        let state = self.state.as_ref().filter(|_| self.later.is_empty())?;
        Some(state.last_seq.max(self.unread().unwrap_or(0)))
    }

    /// Are there records behind the last one that the state of the station knows? What it says is open is then of before.
    pub fn goes_on(&self) -> bool {
        let last = self.state.as_ref().map_or(0, |state| state.last_seq);
        !self.later.is_empty() || self.unread().is_some_and(|unread| unread > last)
    }

    /// The highest sequence behind a damaged place of the write-ahead log, where SQLite does not look.
    fn unread(&self) -> Option<u64> {
        self.finds.highest_unread(self.base?)
    }

    /// Refuses a journal whose write-ahead log is damaged in front of records that were durable. SQLite ends such a log at
    /// the damage, without a word, and writes over what is behind it.
    ///
    /// # Errors
    /// [`sqlite::Error::Damaged`]; the log cannot be read.
    pub fn check_log(journal: &Path) -> Result<(), JournalError> {
        let damaged = |found: &str| sqlite::Error::Damaged { path: journal.to_owned(), found: found.to_owned() };
        if !Finds::has_unread(journal)? {
            return Ok(());
        }
        if is_empty(journal) {
            // There is a file to be set aside then, and the log with it, before SQLite deletes it.
            base::files::write_atomic(journal, &[], 0o640)?;
            return Err(damaged("the file is gone or empty, and its write-ahead log is there").into());
        }
        // What cannot even be opened is for the one who opens it to say.
        match Self::look(journal, None, Look::InLog) {
            Ok(wreck) if wreck.row.is_some() && wreck.goes_on() => {
                Err(damaged("its write-ahead log, in front of records that are intact").into())
            }
            _ => Ok(()),
        }
    }

    /// The journals of a data folder that were set aside, the newest first.
    pub fn set_aside(journal: &Path) -> Vec<PathBuf> {
        let numbered = |number: u32| {
            let mut name = journal.as_os_str().to_owned();
            name.push(format!(".damaged-{number}"));
            PathBuf::from(name)
        };
        let mut found: Vec<PathBuf> = (1..).map(numbered).take_while(|path| path.exists()).collect();
        found.reverse();
        found
    }

    /// The sequences of the table of records that may be read, read from both ends up to a damaged page, and those that are
    /// only on pages. Of these none that the tables are beyond: a group that a power cut ended is no record, and what is
    /// forgotten had its receipt.
    pub fn seqs(&self) -> BTreeSet<u64> {
        let (mut found, read) = self.seqs_in_table();
        let whole = read && self.is_sound("record");
        let base = self.base.unwrap_or_default();
        let last = self.last().unwrap_or(u64::MAX);
        let first = match &self.row {
            Some(row) if whole => row.settled + 1,
            // What was forgotten had its receipt.
            None if whole => found.first().copied().unwrap_or(1),
            _ => 1,
        };
        found.extend(self.finds.seqs(base).filter(|seq| (first..=last).contains(seq)));
        found
    }

    fn seqs_in_table(&self) -> (BTreeSet<u64>, bool) {
        let mut found = BTreeSet::new();
        for order in ["ASC", "DESC"] {
            let read = |row: &rusqlite::Row<'_>| found.extend(row.get::<_, u64>(0).ok());
            if self.each(&format!("SELECT seq FROM record ORDER BY seq {order}"), read) {
                return (found, true);
            }
        }
        (found, false)
    }

    /// Can it be read as a store?
    pub fn is_store(&self) -> bool {
        self.each("SELECT 1 FROM sqlite_schema", |_| ())
    }

    /// A damaged page of a table can also hide rows without a word.
    fn is_sound(&self, table: &str) -> bool {
        let mut said = Vec::new();
        let all = self.each(&format!("PRAGMA quick_check({table})"), |row| said.push(row.get::<_, String>(0).ok()));
        all && said == [Some("ok".to_owned())]
    }

    /// Reads rows up to the first one that cannot be reached; whether that was all.
    fn each(&self, sql: &str, mut read: impl FnMut(&rusqlite::Row<'_>)) -> bool {
        let Some(mut statement) = self.connection.as_ref().and_then(|connection| connection.prepare(sql).ok()) else {
            return false;
        };
        let Ok(mut rows) = statement.query([]) else { return false };
        loop {
            match rows.next() {
                Ok(Some(row)) => read(row),
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    }

    /// The lines of a sequence of the series that the tables are of, and whether their checksum agrees; several only where
    /// nothing tells which of them was durable.
    pub fn lines(&self, seq: u64) -> (Vec<Vec<u8>>, bool) {
        let read = self.in_table(seq);
        match read {
            Some((line, true)) => (vec![line], true),
            _ => match self.only_on_pages(self.base.unwrap_or_default(), seq) {
                lines if lines.is_empty() => (read.into_iter().map(|(line, _)| line).collect(), false),
                lines => (lines, true),
            },
        }
    }

    /// The lines of a sequence of any series on the pages. Of those that differ the one is taken that the next line is
    /// chained to: a power cut leaves lines that were never durable.
    pub fn only_on_pages(&self, series: SeriesId, seq: u64) -> Vec<Vec<u8>> {
        let lines = self.finds.lines(series, seq);
        if lines.len() < 2 {
            return lines;
        }
        let mut next = self.finds.lines(series, seq + 1);
        next.extend(
            self.in_table(seq + 1).filter(|(_, intact)| *intact && Some(series) == self.base).map(|(line, _)| line),
        );
        let is_before = |line: &Vec<u8>| next.iter().any(|next| prev_of(next) == chain::hash_line(line));
        match lines.iter().filter(|line| is_before(line)).cloned().collect::<Vec<_>>() {
            chained if chained.is_empty() => lines,
            chained => chained,
        }
    }

    /// The sequences of a series on the pages.
    pub fn seqs_on_pages(&self, series: SeriesId) -> Vec<u64> {
        self.finds.seqs(series).collect()
    }

    fn in_table(&self, seq: u64) -> Option<(Vec<u8>, bool)> {
        let (line, crc): (Vec<u8>, u32) = self
            .connection
            .as_ref()?
            .prepare_cached("SELECT line, crc FROM record WHERE seq = ?1")
            .and_then(|mut row| row.query_row([seq], |row| Ok((row.get(0)?, row.get(1)?))))
            .ok()?;
        let intact = self.base.map_or(crc32c::crc32c(&line) == crc, |base| sums::is_line(base, &line, crc));
        Some((line, intact))
    }

    /// Intact lines that were still to be written again, first to last; whether the table could be read whole.
    pub fn carried(&self, mut found: impl FnMut(Beside)) -> bool {
        let mut intact = true;
        let whole = self.each("SELECT series, seq, line, crc FROM carried ORDER BY n", |row| {
            let crc = row.get::<_, u32>(3).ok();
            let is_line = |row: &Beside| crc.is_some_and(|crc| sums::is_line(row.series, &row.line, crc));
            match beside(row).filter(is_line) {
                Some(row) => found(row),
                // The line may be on another page than its series.
                None => intact = false,
            }
        });
        whole && intact && self.is_sound("carried")
    }

    /// Records that were set aside, and why.
    pub fn quarantined(&self) -> Vec<(Beside, String)> {
        let mut found = Vec::new();
        self.each("SELECT series, seq, line, reason FROM quarantine", |row| {
            found.extend(beside(row).and_then(|beside| Some((beside, row.get(3).ok()?))));
        });
        found
    }

    /// The known units whose checksum agrees, read from both ends up to a damaged page. Some may be there twice.
    pub fn known(&self) -> Vec<UnitRow> {
        self.connection.as_ref().map(units::of_wreck).unwrap_or_default()
    }

    /// The file, to be read; `None` where it is no store.
    pub fn connection(&self) -> Option<&Connection> {
        self.connection.as_ref()
    }
}

fn beside(row: &rusqlite::Row<'_>) -> Option<Beside> {
    let series = records::FixedBytes(row.get(0).ok()?);
    Some(Beside { series, seq: row.get(1).ok()?, line: row.get(2).ok()? })
}
