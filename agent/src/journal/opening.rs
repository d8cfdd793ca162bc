//! Opening a journal, whatever is found.

use std::path::{Path, PathBuf};

use base::sqlite;
use records::{FixedBytes, Hash, Record, SeriesId, chain, keys};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::series::{put_carried, state_of};
use super::wreck::Wreck;
use super::{
    Began, FILE, Filter, Journal, JournalError, MIGRATIONS, Marks, Opened, Position, Storage, Why, containers, place, query,
    room, units,
};
use crate::station::State;

/// Where a station keeps its journal, and what it may be.
#[derive(Debug, Clone, Copy)]
struct Home<'a> {
    folder: &'a Path,
    station: &'a str,
    machine: &'a str,
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
        mend_known(&journal.connection, journal.series, &mut alarms)?;
        // From here on units are written by groups alone.
        journal.filter = Some(Filter::of(&journal.connection).map_err(query("read"))?);
        let unanswered = journal.lines_after(answered)?;
        journal.make_durable();
        let here = place::of(&path, machine);
        let made = journal.place()?;
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
            journal.set_place(here)?;
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
        sqlite::migrate(&mut connection, &MIGRATIONS)?;
        Ok(connection)
    }

    fn load(
        connection: Connection,
        path: &Path,
        station: &str,
        quota: u64,
    ) -> Result<(Self, State, u64), JournalError> {
        let (name, series, json, settled, answered, service_key, key, why, before, last_before) = connection
            .query_row(
                "SELECT name, series, state, settled, answered, service_key, key, why, before, last_before FROM station",
                [],
                |row| {
                    Ok((
                        row.get::<_, String>(0)?,
                        row.get::<_, [u8; 16]>(1)?,
                        row.get::<_, String>(2)?,
                        row.get::<_, u64>(3)?,
                        row.get::<_, u64>(4)?,
                        row.get::<_, Option<[u8; 32]>>(5)?,
                        row.get::<_, Option<[u8; 32]>>(6)?,
                        row.get::<_, Option<String>>(7)?,
                        row.get::<_, Option<[u8; 16]>>(8)?,
                        row.get::<_, Option<u64>>(9)?,
                    ))
                },
            )
            .map_err(query("read"))?;
        if name != station {
            let (path, configured) = (path.to_owned(), station.to_owned());
            return Err(JournalError::OtherStation { path, found: name, configured });
        }
        let state: State = serde_json::from_str(&json).map_err(JournalError::State)?;
        let head = connection
            .query_row("SELECT line FROM record WHERE seq = ?1", [state.last_seq], |row| row.get::<_, Vec<u8>>(0))
            .optional()
            .map_err(query("read"))?
            .map_or(chain::BEFORE_THE_FIRST, |line| chain::hash_line(&line));
        let mut journal = Self {
            series: FixedBytes(series),
            position: Position { last: state.last_seq, head },
            settled,
            settled_on_disk: settled,
            quarantined: Vec::new(),
            service_key: service_key.map(FixedBytes),
            key: key.map(FixedBytes),
            began: Began { why: why.as_deref().and_then(Why::from_word), before: before.map(FixedBytes), last_before },
            refusals: room::refusals(&connection)?,
            filter: None,
            connection,
            quota,
        };
        journal.read_quarantined()?;
        Ok((journal, state, answered))
    }

    fn place(&self) -> Result<Option<Hash>, JournalError> {
        let place: Option<[u8; 32]> =
            self.connection.query_row("SELECT place FROM station", [], |row| row.get(0)).map_err(query("read"))?;
        Ok(place.map(FixedBytes))
    }

    fn set_place(&self, place: Option<Hash>) -> Result<(), JournalError> {
        let place = place.map(|place| place.0);
        self.connection.execute("UPDATE station SET place = ?1", [place]).map_err(query("write"))?;
        Ok(())
    }
}

/// Looks at what the structure check of SQLite does not see, and what the chain and the queue stand on: the row of the
/// station, and the last line, to which the next one is chained.
fn sound(connection: Connection, path: &Path) -> Result<Connection, JournalError> {
    let damaged = |found: &str| sqlite::Error::Damaged { path: path.to_owned(), found: found.to_owned() };
    let row = connection
        .query_row("SELECT state, state_crc, settled FROM station", [], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, Option<u32>>(1)?, row.get::<_, u64>(2)?))
        })
        .optional()
        .map_err(|error| damaged(&format!("the row of the station: {error}")))?;
    let Some((json, crc, settled)) = row else { return Ok(connection) };
    let state = state_of(&json, crc).ok_or_else(|| damaged("the state of the station cannot be read"))?;
    if settled > state.last_seq {
        return Err(damaged("the mark of receipts is beyond the last record").into());
    }
    if state.last_seq > 0 {
        let line = connection
            .query_row("SELECT line, crc FROM record WHERE seq = ?1", [state.last_seq], |row| {
                Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, u32>(1)?))
            })
            .optional()
            .map_err(|error| damaged(&format!("the last record: {error}")))?;
        if line.is_none_or(|(line, crc)| crc32c::crc32c(&line) != crc) {
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
    let row = wreck.as_ref().and_then(|wreck| wreck.station.as_ref());
    let mut state = row.map(|row| row.state.clone()).unwrap_or_default();
    // Everything below the mark counts as used: the journal that knew better is gone.
    let mark = marks.map_or(sscc_first, |marks| marks.sscc_reserved).max(sscc_first).max(state.sscc_reserved);
    (state.sscc_next, state.sscc_reserved) = (mark, mark);
    state.sscc_lost = marks.is_none();
    let before = wreck.as_ref().and_then(|wreck| wreck.series).or(marks.and_then(|marks| marks.series));
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
            (lane.package, lane.pallet) = (None, None);
        }
    }
    let service_key = row.and_then(|row| row.service_key).map(|key| key.0);
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(query("begin a transaction in"))?;
    if let Some(wreck) = &wreck {
        alarms.push(take_over(&transaction, wreck, before.unwrap_or_default())?);
    }
    if matches!(why, Some(Why::Replaced)) {
        alarms.push(
            "The journal of this station was gone, and a new one begins. Units packed before are not known here any more, and \
             what had no receipt is only in the old one: look for it"
                .to_owned(),
        );
    }
    state.last_seq = 0;
    let json = serde_json::to_string(&state).map_err(JournalError::State)?;
    transaction
        .execute(
            "INSERT INTO station (id, name, series, state, state_crc, settled, answered, service_key, place, why, before,
                                  last_before)
             VALUES (1, ?1, ?2, ?3, ?4, 0, 0, ?5, ?6, ?7, ?8, ?9)",
            params![
                home.station,
                series.0,
                json,
                crc32c::crc32c(json.as_bytes()),
                service_key,
                place::of(&Journal::file(home.folder), home.machine).map(|place| place.0),
                why.map(Why::word),
                before.map(|before| before.0),
                last_before
            ],
        )
        .map_err(query("begin"))?;
    transaction.commit().map_err(query("commit to"))
}

/// The journal before this one, where it was damaged and set aside: now, or at an earlier start that did not get so far.
fn before(home: &Home<'_>, marks: Option<&Marks>, damaged_now: bool) -> Option<Wreck> {
    let newest: PathBuf = Wreck::set_aside(&home.folder.join(FILE)).into_iter().next()?;
    let wreck = Wreck::open(&newest).ok()?;
    let is_it = match &wreck.station {
        Some(row) => row.name == home.station && (damaged_now || marks.is_some_and(|m| m.series == Some(row.series))),
        None => damaged_now,
    };
    is_it.then_some(wreck)
}

/// Takes over what a damaged journal still gives: known units, and the records that may have no receipt. Tells what that
/// was.
fn take_over(connection: &Connection, wreck: &Wreck, series: SeriesId) -> Result<String, JournalError> {
    let known = wreck.known();
    for row in &known {
        units::put(connection, &row.scope, &row.serial, &row.known, series).map_err(query("write"))?;
    }
    containers::take_over(wreck.connection(), connection).map_err(query("write"))?;
    let settled = wreck.station.as_ref().map_or(0, |row| row.settled);
    let (mut carried, mut lost) = (0_u64, 0_u64);
    let ends = wreck.ends().ok().flatten();
    for seq in ends.into_iter().flat_map(|(first, last)| first..=last) {
        match wreck.line(seq) {
            Some((line, true)) => {
                learn(connection, series, seq, &line)?;
                if seq > settled {
                    put_carried(connection, series, seq, &line)?;
                    carried += 1;
                }
            }
            Some((_, false)) | None if seq > settled => lost += 1,
            _ => {}
        }
    }
    let state = match wreck.station {
        Some(_) if !wreck.goes_on() => "What was open goes on",
        _ => "What was open is not known any more: close it at the service, and begin new packages",
    };
    Ok(format!(
        "The journal was damaged and set aside. {carried} records without a receipt are sent from the new one, {lost} cannot be \
         read; {} units are still known. {state}. Labels that waited are lost: look which closed containers have none",
        known.len()
    ))
}

/// A record says which unit is packed here: the table of known units may have lost it.
fn learn(connection: &Connection, series: SeriesId, seq: u64, line: &[u8]) -> Result<(), JournalError> {
    let Ok(record) = serde_json::from_slice::<Record>(line) else { return Ok(()) };
    units::learn(connection, series, seq, &record).map_err(query("write"))
}

/// Known units whose checksum is wrong are made anew from the records that are still there.
fn mend_known(connection: &Connection, series: SeriesId, alarms: &mut Vec<String>) -> Result<(), JournalError> {
    let bad = units::damaged(connection).map_err(query("read"))?;
    if bad.is_empty() {
        return Ok(());
    }
    for (scope, serial) in &bad {
        units::remove_bytes(connection, scope, serial).map_err(query("write"))?;
    }
    let mut lines = connection.prepare("SELECT seq, line, crc FROM record ORDER BY seq").map_err(query("read"))?;
    let mut rows = lines.query([]).map_err(query("read"))?;
    while let Some(row) = rows.next().map_err(query("read"))? {
        let Ok((seq, line, crc)) = read_line(row) else { continue };
        if crc32c::crc32c(&line) == crc {
            learn(connection, series, seq, &line)?;
        }
    }
    tracing::error!(units = bad.len(), "what is known of units was damaged; it is made anew from their records");
    alarms.push(format!(
        "What is known of {} units was damaged on this disk and made anew, where their records are still here",
        bad.len()
    ));
    Ok(())
}

fn read_line(row: &rusqlite::Row<'_>) -> rusqlite::Result<(u64, Vec<u8>, u32)> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
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
