//! Reading the evidence out of the store, in the order of an export. What was tampered with is handed on as it is: to
//! judge it is the work of [`crate::verify`].

use std::path::Path;
use std::time::Duration;

use base::sqlite::Profile;
use records::segment::Envelope;
use records::wire::Status;
use records::{FixedBytes, PublicKey, SeriesId};
use rusqlite::{Connection, OptionalExtension, Row, Rows, Transaction, TransactionBehavior, params};

use super::{Error, Item, Why};

const CACHE_KIB: u32 = 16 << 10;
const PATIENCE: Duration = Duration::from_secs(10);

/// What takes the evidence.
type Sink<'s> = dyn FnMut(Item<'_>) -> Result<(), Error> + 's;

/// A connection of its own to the store in this folder. It only reads, and the service may go on writing.
///
/// # Errors
/// [`Error::NoStore`], [`Error::Open`].
pub fn open(folder: &Path) -> Result<Connection, Error> {
    let path = folder.join(crate::store::FILE);
    if !path.is_file() {
        return Err(Error::NoStore(path));
    }
    base::sqlite::open(&path, &Profile::reader(CACHE_KIB, PATIENCE)).map_err(Error::Open)
}

/// One view of the store; what is stored from now on is not in it.
///
/// # Errors
/// What SQLite says.
pub fn snapshot(connection: &mut Connection) -> Result<Transaction<'_>, Error> {
    let snapshot = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
    // The first read fixes what is seen.
    snapshot.query_row("SELECT count(*) FROM series WHERE id = 0", [], |_| Ok(()))?;
    Ok(snapshot)
}

/// About how many records there are, without counting them.
///
/// # Errors
/// What SQLite says.
pub fn total(snapshot: &Connection) -> Result<u64, Error> {
    Ok(snapshot.query_row("SELECT coalesce(max(position), 0) FROM record", [], |row| row.get(0).map(number))?)
}

/// A row of `series`.
struct Series {
    id: i64,
    station: String,
    series: SeriesId,
    key: PublicKey,
}

/// Hands over everything, series by series. Memory does not grow with what is stored.
///
/// # Errors
/// What SQLite says, and what the sink answers.
pub fn walk(snapshot: &Connection, each: &mut Sink<'_>) -> Result<(), Error> {
    let mut all = snapshot.prepare("SELECT id, station, series, key FROM series ORDER BY station, series, id")?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        let series = Series { id: row.get(0)?, station: text(row, 1)?, series: bytes(row, 2)?, key: bytes(row, 3)? };
        one(snapshot, &series, each)?;
    }
    let mut announced = snapshot.prepare(
        "SELECT station, series, key, body FROM status WHERE NOT EXISTS
             (SELECT 1 FROM series WHERE series.station = status.station AND series.series = status.series)
         ORDER BY station, series",
    )?;
    let mut rows = announced.query([])?;
    while let Some(row) = rows.next()? {
        let (station, body) = (text(row, 0)?, text(row, 3)?);
        each(Item::Announced { station: &station, series: bytes(row, 1)?, key: bytes(row, 2)?, body: &body })?;
    }
    Ok(())
}

fn one(snapshot: &Connection, row: &Series, each: &mut Sink<'_>) -> Result<(), Error> {
    let Series { id, station, series, key } = row;
    let said: Option<(PublicKey, String)> = snapshot
        .prepare_cached("SELECT key, body FROM status WHERE tenant = '' AND station = ? AND series = ?")?
        .query_row(params![station, series.0], |row| Ok((bytes(row, 0)?, text(row, 1)?)))
        .optional()?;
    let status = said.as_ref().filter(|(by, _)| by == key).and_then(|(_, body)| serde_json::from_str(body).ok());
    let run: u64 = snapshot
        .prepare_cached("SELECT coalesce(max(last), 0) FROM run WHERE series_id = ?")?
        .query_row([id], |row| row.get(0).map(number))?;
    let highest = status.as_ref().map_or(0, |status: &Status| status.last).max(run);
    each(Item::Series { station, series: *series, key: *key, highest })?;
    if let Some((key, body)) = &said {
        each(Item::Status { key: *key, body })?;
    }

    let mut runs = snapshot.prepare_cached("SELECT first, last FROM run WHERE series_id = ? ORDER BY first")?;
    let mut holes = Holes { runs: runs.query([id])?, from: 1, highest, ended: false };
    let mut segments = snapshot.prepare_cached(
        "SELECT first, last, v, prev, head, sig FROM segment WHERE series_id = ? ORDER BY first, last",
    )?;
    let mut segments = segments.query([id])?;
    let mut lines = snapshot.prepare_cached("SELECT seq, hash, line FROM record WHERE series_id = ? ORDER BY seq")?;
    let mut lines = lines.query([id])?;
    let mut hole = holes.next()?;
    let mut envelope = next_envelope(&mut segments, row)?;
    while let Some(line) = lines.next()? {
        let seq = number(line.get(0)?);
        while let Some((first, last)) = hole.filter(|(first, _)| *first <= seq) {
            name(snapshot, *id, status.as_ref(), (first, last), each)?;
            hole = holes.next()?;
        }
        while let Some(due) = envelope.take_if(|envelope| envelope.first <= seq) {
            each(Item::Envelope(due))?;
            envelope = next_envelope(&mut segments, row)?;
        }
        each(Item::Line { seq, hash: Some(bytes(line, 1)?), bytes: line.get_ref(2)?.as_blob().unwrap_or_default() })?;
    }
    while let Some(stretch) = hole {
        name(snapshot, *id, status.as_ref(), stretch, each)?;
        hole = holes.next()?;
    }
    while let Some(due) = envelope {
        each(Item::Envelope(due))?;
        envelope = next_envelope(&mut segments, row)?;
    }
    aside(snapshot, *id, each)?;
    each(Item::SeriesEnd)
}

/// What of a series is beside its lines.
fn aside(snapshot: &Connection, id: i64, each: &mut Sink<'_>) -> Result<(), Error> {
    let mut rejected = snapshot.prepare_cached("SELECT seq, reason FROM rejection WHERE series_id = ? ORDER BY seq")?;
    let mut rows = rejected.query([id])?;
    while let Some(row) = rows.next()? {
        each(Item::Rejected { seq: number(row.get(0)?), reason: &text(row, 1)? })?;
    }
    let mut apart =
        snapshot.prepare_cached("SELECT seq, hash, line FROM conflict WHERE series_id = ? ORDER BY seq, hash")?;
    let mut rows = apart.query([id])?;
    while let Some(row) = rows.next()? {
        let line = row.get_ref(2)?.as_blob().unwrap_or_default();
        each(Item::Apart { seq: number(row.get(0)?), hash: bytes(row, 1)?, bytes: line })?;
    }
    Ok(())
}

fn next_envelope(rows: &mut Rows<'_>, series: &Series) -> Result<Option<Envelope>, Error> {
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(Envelope {
        // What is beyond all measure can only have been written by hand, and its signature is wrong then.
        v: u8::try_from(row.get::<_, i64>(2)?).unwrap_or_default(),
        station: series.station.clone(),
        series: series.series,
        first: number(row.get(0)?),
        last: number(row.get(1)?),
        prev: bytes(row, 3)?,
        head: bytes(row, 4)?,
        key: series.key,
        sig: bytes(row, 5)?,
    }))
}

/// What the stored runs leave out of 1 to `highest`.
struct Holes<'r> {
    runs: Rows<'r>,
    from: u64,
    highest: u64,
    ended: bool,
}

impl Holes<'_> {
    fn next(&mut self) -> Result<Option<(u64, u64)>, Error> {
        while !self.ended {
            let from = self.from;
            let until = match self.runs.next()? {
                Some(row) => {
                    let (first, last) = (number(row.get(0)?), number(row.get(1)?));
                    self.from = from.max(last.saturating_add(1));
                    first.saturating_sub(1)
                }
                None => {
                    self.ended = true;
                    self.highest
                }
            };
            if from <= until {
                return Ok(Some((from, until)));
            }
        }
        Ok(None)
    }
}

/// Cuts a hole into stretches that are missing for the same reason.
fn name(
    snapshot: &Connection,
    id: i64,
    status: Option<&Status>,
    (first, last): (u64, u64),
    each: &mut Sink<'_>,
) -> Result<(), Error> {
    let mut known = snapshot.prepare_cached(
        "SELECT seq, 1 FROM rejection WHERE series_id = ?1 AND seq BETWEEN ?2 AND ?3
         UNION SELECT seq, 2 FROM conflict WHERE series_id = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY 1, 2",
    )?;
    let mut rows = known.query(params![id, int(first), int(last)])?;
    let mut from = first;
    while let Some(row) = rows.next()? {
        let (seq, kind) = (number(row.get(0)?), row.get::<_, i64>(1)?);
        if seq < from {
            continue; // Both rejected and kept apart.
        }
        if seq > from {
            stretches(from, seq - 1, status, each)?;
        }
        each(Item::Hole { first: seq, last: seq, why: if kind == 1 { Why::Rejected } else { Why::Apart } })?;
        from = seq.saturating_add(1);
    }
    if from <= last { stretches(from, last, status, each) } else { Ok(()) }
}

/// What the station says of a hole.
fn stretches(first: u64, last: u64, status: Option<&Status>, each: &mut Sink<'_>) -> Result<(), Error> {
    let lists = status.map_or([(Why::SetAside, &[][..]), (Why::NotHeld, &[][..])], |status| {
        [(Why::SetAside, &status.set_aside[..]), (Why::NotHeld, &status.not_held[..])]
    });
    let mut from = first;
    loop {
        let inside = lists.iter().find_map(|(why, runs)| {
            runs.iter().find(|(low, high)| (*low..=*high).contains(&from)).map(|(_, high)| (*why, *high))
        });
        let (why, until) = inside.unwrap_or((Why::NotCome, last));
        // Another list may begin before this stretch ends; what is set aside goes before what is not held.
        let starts = lists.iter().take_while(|(other, _)| *other != why).flat_map(|(_, runs)| runs.iter());
        let next = starts.map(|(low, _)| *low).filter(|low| *low > from).min();
        let until = until.min(last).min(next.map_or(last, |next| next - 1));
        each(Item::Hole { first: from, last: until, why })?;
        if until >= last {
            return Ok(());
        }
        from = until + 1;
    }
}

/// A stored sequence.
fn number(int: i64) -> u64 {
    u64::try_from(int).unwrap_or_default()
}

fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A stored text; what is not UTF-8 was written by hand.
fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    Ok(String::from_utf8_lossy(row.get_ref(column)?.as_bytes().unwrap_or_default()).into_owned())
}

/// Stored bytes. Zeros where the length is wrong, which no signature and no hash bears.
fn bytes<const N: usize>(row: &Row<'_>, column: usize) -> rusqlite::Result<FixedBytes<N>> {
    let blob = row.get_ref(column)?.as_bytes().unwrap_or_default();
    Ok(blob.try_into().map_or(FixedBytes::ZERO, FixedBytes))
}
