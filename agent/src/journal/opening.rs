//! Opening a journal, whatever is found.

use std::collections::BTreeSet;
use std::path::Path;

use base::sqlite;
use records::{SeriesId, chain, keys};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::remains::{before, mend_containers, mend_known, take_over};
use super::wreck::Wreck;
use super::{
    Began, Filter, Journal, JournalError, MIGRATIONS, Marks, Opened, Position, Row, Storage, Why, place, query, room,
    row, sums,
};
use crate::station::State;

/// Where a station keeps its journal, and what it may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Home<'a> {
    pub folder: &'a Path,
    pub station: &'a str,
    pub machine: &'a str,
}

impl Journal {
    /// Opens the journal of `station` in `folder`, or makes a new one with a new series. A damaged one is set aside, never
    /// deleted, and what it still gives goes on in the new one. A journal that finds itself in another place begins a new
    /// series.
    ///
    /// SSCCs go on at the higher mark of journal and second file, and from `sscc_first` at the least. Where both marks are
    /// lost, or this is a copy, the state says that it has no mark to be trusted.
    ///
    /// # Errors
    /// [`JournalError`]; among them that another process has it open.
    pub fn open(
        folder: &Path,
        station: &str,
        storage: impl Into<Storage>,
        sscc_first: u64,
    ) -> Result<Opened, JournalError> {
        Self::open_on(&place::machine(), folder, station, storage, sscc_first)
    }

    /// The same on a machine with this id.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub fn open_on(
        machine: &str,
        folder: &Path,
        station: &str,
        storage: impl Into<Storage>,
        sscc_first: u64,
    ) -> Result<Opened, JournalError> {
        let storage = storage.into();
        base::files::ensure_folder(folder, 0o750)?;
        let home = Home { folder, station, machine };
        let path = Self::file(folder);
        let (mut damaged, mut alarms) = (None, Vec::new());
        let opened = Wreck::check_log(&path).and_then(|()| Self::connect(&path, &storage));
        let mut connection = match opened.and_then(|connection| sound(connection, &path)) {
            Err(JournalError::Store(sqlite::Error::Damaged { found, .. })) => {
                damaged = Some((sqlite::set_aside(&path)?, found));
                Self::connect(&path, &storage)?
            }
            other => other?,
        };
        let marks = read_marks(folder, &mut alarms)?;
        if is_empty(&connection)? {
            make(&mut connection, &home, marks.as_ref(), sscc_first, damaged.is_some(), &mut alarms)?;
        }
        let (mut journal, mut state, answered) = Self::load(connection, &path, station, storage.quota)?;
        mend_known(&journal.connection, journal.series(), &mut alarms)?;
        mend_containers(&journal.connection, journal.series(), &mut alarms)?;
        // From here on units are written by groups alone.
        journal.filter = Some(Filter::of(&journal.connection).map_err(query("read"))?);
        let unanswered = journal.lines_after(answered)?;
        journal.make_durable();
        let here = place::of(&path, machine);
        let made = journal.row.place;
        if made.is_some() && made != here {
            tracing::error!(
                "the journal was made in another place: this folder is a copy, or came from another machine"
            );
            let open = journal.renew(Why::Moved, &mut state)?;
            alarms.push(format!(
                "This journal was made in another place: the folder is a copy, or came from another machine. A new series \
                 begins, and SSCCs are given out again when the service has said from where on. {}Find out whether another \
                 copy is still in use",
                not_gone_on(&open)
            ));
        }
        if made != here {
            journal.change(|row| row.place = here)?;
        }
        reconcile(&journal, &mut state, marks, folder)?;
        Ok(Opened { journal, state, unanswered, alarms, damaged })
    }

    /// Opens a journal that is there, to read and mend its queue while no daemon runs. Sets nothing aside and begins nothing.
    ///
    /// # Errors
    /// [`JournalError`]; among them that it is damaged, or in use.
    pub fn open_existing(folder: &Path, station: &str, quota: u64) -> Result<Self, JournalError> {
        let path = Self::file(folder);
        let connection = Self::connect(&path, &quota.into()).and_then(|connection| sound(connection, &path))?;
        Ok(Self::load(connection, &path, station, quota)?.0)
    }

    pub(super) fn connect(path: &Path, storage: &Storage) -> Result<Connection, JournalError> {
        let mut connection = sqlite::open(path, &storage.profile())?;
        sqlite::quick_check(&connection)?;
        check_version(&connection, path)?;
        sqlite::migrate(&mut connection, &MIGRATIONS)?;
        check_tables(&connection, path)?;
        note_version(&connection)?;
        Ok(connection)
    }

    fn load(
        connection: Connection,
        path: &Path,
        station: &str,
        quota: u64,
    ) -> Result<(Self, State, u64), JournalError> {
        let (row, _) = Row::read(&connection)
            .and_then(|row| row.ok_or(rusqlite::Error::QueryReturnedNoRows))
            .map_err(query("read"))?;
        let json: String =
            connection.query_row("SELECT state FROM station", [], |row| row.get(0)).map_err(query("read"))?;
        if row.name != station {
            let (path, configured) = (path.to_owned(), station.to_owned());
            return Err(JournalError::OtherStation { path, found: row.name, configured });
        }
        let state: State = serde_json::from_str(&json).map_err(JournalError::State)?;
        let head = connection
            .query_row("SELECT line FROM record WHERE seq = ?1", [state.last_seq], |row| row.get::<_, Vec<u8>>(0))
            .optional()
            .map_err(query("read"))?
            .map_or(chain::BEFORE_THE_FIRST, |line| chain::hash_line(&line));
        let answered = row.answered;
        let mut journal = Self {
            position: Position { last: state.last_seq, head },
            settled: row.settled,
            row,
            quarantined: Vec::new(),
            retried: BTreeSet::new(),
            refusals: room::refusals(&connection)?,
            filter: None,
            connection,
            quota,
        };
        journal.read_quarantined()?;
        Ok((journal, state, answered))
    }
}

/// The version of the tables has no checksum: it is noted a second time, in a number that says as well whose file this is.
/// Without that one changed bit would have tables made twice, or be taken for the work of newer software.
const APPLICATION: i64 = 0x4c4c_0000;

fn check_version(connection: &Connection, path: &Path) -> Result<(), JournalError> {
    let (version, noted) = versions(connection)?;
    // Journals from before it was noted have 0.
    if noted == 0 || noted == APPLICATION + version {
        return Ok(());
    }
    let found = format!("the version of its tables is {version}, and was noted as {noted:#x}");
    Err(sqlite::Error::Damaged { path: path.to_owned(), found }.into())
}

/// A changed byte in what the file says of its own tables leaves a sound file with other tables.
fn check_tables(connection: &Connection, path: &Path) -> Result<(), JournalError> {
    let mut new = Connection::open_in_memory().map_err(query("read"))?;
    sqlite::migrate(&mut new, &MIGRATIONS)?;
    if tables(connection).map_err(query("read"))? == tables(&new).map_err(query("read"))? {
        return Ok(());
    }
    let found = "what it says of its tables".to_owned();
    Err(sqlite::Error::Damaged { path: path.to_owned(), found }.into())
}

/// The tables and indices, each as it was made; as bytes, since a damaged text may be none.
fn tables(connection: &Connection) -> rusqlite::Result<Vec<[Option<Vec<u8>>; 3]>> {
    connection
        .prepare(
            "SELECT CAST(name AS BLOB), CAST(tbl_name AS BLOB), CAST(sql AS BLOB) FROM sqlite_schema ORDER BY name",
        )?
        .query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?
        .collect()
}

fn note_version(connection: &Connection) -> Result<(), JournalError> {
    let (version, noted) = versions(connection)?;
    match noted == APPLICATION + version {
        true => Ok(()),
        false => connection.pragma_update(None, "application_id", APPLICATION + version).map_err(query("write")),
    }
}

fn versions(connection: &Connection) -> Result<(i64, i64), JournalError> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get(0)).map_err(query("read"));
    Ok((number("user_version")?, number("application_id")?))
}

/// Looks at what the structure check of SQLite does not see, and what the chain and the queue stand on: the row of the
/// station, and the last line, to which the next one is chained.
fn sound(connection: Connection, path: &Path) -> Result<Connection, JournalError> {
    let damaged = |found: &str| sqlite::Error::Damaged { path: path.to_owned(), found: found.to_owned() };
    let row = Row::read(&connection).map_err(|error| damaged(&format!("the row of the station: {error}")))?;
    let Some((row, intact)) = row else { return Ok(connection) };
    if !intact {
        return Err(damaged("the row of the station: its checksum is wrong").into());
    }
    let state = row::state(&connection).map_err(|error| damaged(&format!("the state of the station: {error}")))?;
    let state = state.ok_or_else(|| damaged("the state of the station cannot be read"))?;
    if row.settled > state.last_seq {
        return Err(damaged("the mark of receipts is beyond the last record").into());
    }
    if state.last_seq > 0 {
        let line = connection
            .query_row("SELECT line, crc FROM record WHERE seq = ?1", [state.last_seq], |row| {
                Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, u32>(1)?))
            })
            .optional()
            .map_err(|error| damaged(&format!("the last record: {error}")))?;
        if line.is_none_or(|(line, crc)| !sums::is_line(row.series, &line, crc)) {
            return Err(damaged("the last record, to which the next one would be chained").into());
        }
    }
    Ok(connection)
}

fn is_empty(connection: &Connection) -> Result<bool, JournalError> {
    connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM station)", [], |row| row.get(0)).map_err(query("read"))
}

/// The marks; none where they cannot be read: they are put aside, and whoever needs them does without.
fn read_marks(folder: &Path, alarms: &mut Vec<String>) -> Result<Option<Marks>, JournalError> {
    match Marks::load(folder) {
        Err(JournalError::Marks { path }) => {
            let aside = base::files::rename_aside(&path)?;
            tracing::error!(aside = %aside.display(), "the marks of this station were damaged and are written anew");
            alarms.push("The second file with the mark of SSCCs was damaged and is written anew".to_owned());
            Ok(None)
        }
        other => other,
    }
}

/// Makes the one row of a new journal, in one transaction with all that the journal before it still gives.
fn make(
    connection: &mut Connection,
    home: &Home<'_>,
    marks: Option<&Marks>,
    sscc_first: u64,
    damaged_now: bool,
    alarms: &mut Vec<String>,
) -> Result<(), JournalError> {
    let wreck = before(home, marks, damaged_now);
    let mut state = wreck.as_ref().and_then(|wreck| wreck.state.clone()).unwrap_or_default();
    // Everything below the mark counts as used: the journal that knew better is gone.
    let mark = marks.map_or(sscc_first, |marks| marks.sscc_reserved).max(sscc_first).max(state.sscc_reserved);
    (state.sscc_next, state.sscc_reserved) = (mark, mark);
    state.sscc_lost = marks.is_none();
    let before = wreck.as_ref().and_then(Wreck::series).or(marks.and_then(|marks| marks.series));
    let last_before = wreck.as_ref().and_then(Wreck::last);
    let why = match (&wreck, before) {
        (Some(_), _) => Some(Why::Damaged),
        (None, Some(_)) => Some(Why::Replaced),
        (None, None) => None,
    };
    let series: SeriesId = keys::random()?;
    if let Some(before) = before {
        state.leave_series(before);
    }
    if wreck.as_ref().is_some_and(Wreck::goes_on) {
        // What is open in it was closed, perhaps, by records that came after it.
        for lane in state.lanes.values_mut() {
            (lane.open, lane.spare) = (Vec::new(), Vec::new());
            lane.scan_back.clear();
        }
    }
    let service_key = wreck.as_ref().and_then(|wreck| wreck.row.as_ref()?.service_key);
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(query("begin a transaction in"))?;
    if let Some(wreck) = &wreck {
        alarms.push(take_over(&transaction, wreck)?);
    }
    if matches!(why, Some(Why::Replaced)) {
        alarms.push(
            "The journal of this station was gone, and a new one begins. Units packed before are not known here any more, and \
             what had no receipt is only in the old one: look for it"
                .to_owned(),
        );
    }
    state.last_seq = 0;
    let row = Row {
        name: home.station.to_owned(),
        series,
        state_crc: None,
        settled: 0,
        answered: 0,
        service_key,
        key: None,
        place: place::of(&Journal::file(home.folder), home.machine),
        began: Began { why, before, last_before },
    };
    let (row, json) = row.with_state(&state)?;
    row.write(&transaction, Some(&json))?;
    transaction.commit().map_err(query("commit to"))
}

/// Brings the marks of the journal and of the second file together.
fn reconcile(journal: &Journal, state: &mut State, marks: Option<Marks>, folder: &Path) -> Result<(), JournalError> {
    let known = marks.as_ref().map_or(0, |marks| marks.sscc_reserved);
    // This journal is older than the marks, or the last block was never put on record: what is below counts as used.
    if known > state.sscc_reserved {
        (state.sscc_next, state.sscc_reserved) = (known, known);
    }
    if state.sscc_lost && marks.as_ref().is_some_and(|marks| marks.entered) {
        (state.sscc_next, state.sscc_lost) = (state.sscc_reserved, false);
    }
    let true_now = Marks { series: Some(journal.series()), sscc_reserved: state.sscc_reserved, entered: false };
    if marks.as_ref() != Some(&true_now) && !state.sscc_lost {
        true_now.store(folder)?;
    }
    Ok(())
}

/// Which containers a copy does not go on with, as a sentence with a blank behind it.
pub(crate) fn not_gone_on(open: &[String]) -> String {
    match open {
        [] => String::new(),
        open => format!("Put nothing more into {}, which were open in this copy. ", open.join(", ")),
    }
}
