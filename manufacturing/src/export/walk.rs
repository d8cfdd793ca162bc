//! Reading the evidence out of the store, in the order of an export. What was tampered with is handed on as it is: to
//! judge it is the work of [`crate::verify`].

use records::segment::Envelope;
use records::wire::Status;
use records::{FixedBytes, Hash, PublicKey, SeriesId};

use super::{Error, Item, Why};
use crate::store::Connection;
use crate::store::sql::{self, Pages, Place, Purpose, Row, Transaction, pages, params};

/// Most lines that are read at once: one can be 1 MiB.
const MOST_LINES: u32 = 100;

/// What takes the evidence.
type Sink<'s> = dyn FnMut(Item<'_>) -> Result<(), Error> + 's;

/// A connection of its own to a store. It only reads, and the service may go on writing.
///
/// # Errors
/// [`Error::NoStore`], [`Error::Open`].
pub fn open(place: &Place) -> Result<Connection, Error> {
    if let Place::Sqlite(path) = place
        && !path.is_file()
    {
        return Err(Error::NoStore(path.clone()));
    }
    Connection::open_reader(place).map_err(Error::Open)
}

/// One view of the store; what is stored from now on is not in it.
///
/// # Errors
/// What the store says.
pub fn snapshot(connection: &mut Connection) -> Result<Transaction<'_>, Error> {
    let snapshot = connection.transaction(Purpose::Read)?;
    // The first read fixes what is seen.
    snapshot.query_row("SELECT count(*) FROM series WHERE id = 0", params![], |_| Ok(()))?;
    Ok(snapshot)
}

/// About how many records there are, without counting them.
///
/// # Errors
/// What the store says.
pub fn total(snapshot: &Connection) -> Result<u64, Error> {
    Ok(snapshot.query_row("SELECT coalesce(max(position), 0) FROM record", params![], |row| row.get(0).map(number))?)
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
/// What the store says, and what the sink answers.
pub fn walk(snapshot: &Connection, each: &mut Sink<'_>) -> Result<(), Error> {
    let key = |row: &Series| (row.station.clone(), row.series, row.id);
    let first = (String::new(), FixedBytes::ZERO, -1);
    let mut all = Pages::after(first, pages::MOST, key, |(station, series, id), most| {
        snapshot.query(
            "SELECT id, station, series, key FROM series WHERE (station, series, id) > (?, ?, ?)
             ORDER BY station, series, id LIMIT ?",
            params![station, series.0, id, most],
            |row| Ok(Series { id: row.get(0)?, station: text(row, 1), series: bytes(row, 2), key: bytes(row, 3) }),
        )
    });
    while let Some(series) = all.next()? {
        one(snapshot, &series, each)?;
    }
    type Announced = (String, SeriesId, PublicKey, String);
    let key = |(station, series, _, _): &Announced| (station.clone(), *series);
    let mut announced = Pages::after((String::new(), FixedBytes::ZERO), pages::MOST, key, |(station, series), most| {
        snapshot.query(
            "SELECT station, series, key, body FROM status WHERE (station, series) > (?, ?) AND NOT EXISTS
                 (SELECT 1 FROM series WHERE series.station = status.station AND series.series = status.series)
             ORDER BY station, series LIMIT ?",
            params![station, series.0, most],
            |row| Ok((text(row, 0), bytes(row, 1), bytes(row, 2), text(row, 3))),
        )
    });
    while let Some((station, series, key, body)) = announced.next()? {
        each(Item::Announced { station: &station, series, key, body: &body })?;
    }
    Ok(())
}

fn one(snapshot: &Connection, row: &Series, each: &mut Sink<'_>) -> Result<(), Error> {
    let Series { id, station, series, key } = row;
    let said: Option<(PublicKey, String)> = snapshot.query_optional(
        "SELECT key, body FROM status WHERE tenant = '' AND station = ? AND series = ?",
        params![station, series.0],
        |row| Ok((bytes(row, 0), text(row, 1))),
    )?;
    let status = said.as_ref().filter(|(by, _)| by == key).and_then(|(_, body)| serde_json::from_str(body).ok());
    let run: u64 =
        snapshot.query_row("SELECT coalesce(max(last), 0) FROM run WHERE series_id = ?", params![id], |row| {
            row.get(0).map(number)
        })?;
    let highest = status.as_ref().map_or(0, |status: &Status| status.last).max(run);
    each(Item::Series { station, series: *series, key: *key, highest })?;
    if let Some((key, body)) = &said {
        each(Item::Status { key: *key, body })?;
    }

    let mut holes = Holes { runs: runs(snapshot, *id), from: 1, highest, ended: false };
    let mut segments = envelopes(snapshot, row);
    let mut lines = lines(snapshot, *id);
    let mut hole = holes.next()?;
    let mut envelope = segments.next()?;
    while let Some((seq, hash, line)) = lines.next()? {
        let seq = number(seq);
        while let Some((first, last)) = hole.filter(|(first, _)| *first <= seq) {
            name(snapshot, *id, status.as_ref(), (first, last), each)?;
            hole = holes.next()?;
        }
        while let Some(due) = envelope.take_if(|envelope| envelope.first <= seq) {
            each(Item::Envelope(due))?;
            envelope = segments.next()?;
        }
        each(Item::Line { seq, hash: Some(hash), bytes: &line })?;
    }
    while let Some(stretch) = hole {
        name(snapshot, *id, status.as_ref(), stretch, each)?;
        hole = holes.next()?;
    }
    while let Some(due) = envelope {
        each(Item::Envelope(due))?;
        envelope = segments.next()?;
    }
    aside(snapshot, *id, each)?;
    each(Item::SeriesEnd)
}

/// A line: its sequence, the hash beside it, its bytes.
type Line = (i64, Hash, Vec<u8>);

fn line(row: &Row<'_>) -> sql::Result<Line> {
    Ok((row.get(0)?, bytes(row, 1), row.raw(2).to_vec()))
}

fn lines(snapshot: &Connection, id: i64) -> Pages<'_, i64, Line> {
    Pages::after(
        i64::MIN,
        MOST_LINES,
        |(seq, _, _)| *seq,
        move |after, most| {
            let sql = "SELECT seq, hash, line FROM record WHERE series_id = ? AND seq > ? ORDER BY seq LIMIT ?";
            snapshot.query(sql, params![id, after, most], line)
        },
    )
}

fn runs(snapshot: &Connection, id: i64) -> Pages<'_, i64, (i64, i64)> {
    Pages::after(
        i64::MIN,
        pages::MOST,
        |(first, _)| *first,
        move |after, most| {
            let sql = "SELECT first, last FROM run WHERE series_id = ? AND first > ? ORDER BY first LIMIT ?";
            snapshot.query(sql, params![id, after, most], |row| Ok((row.get(0)?, row.get(1)?)))
        },
    )
}

/// What of a series is beside its lines.
fn aside(snapshot: &Connection, id: i64, each: &mut Sink<'_>) -> Result<(), Error> {
    let mut rejected = Pages::after(
        i64::MIN,
        pages::MOST,
        |(seq, _): &(i64, String)| *seq,
        |after, most| {
            let sql = "SELECT seq, reason FROM rejection WHERE series_id = ? AND seq > ? ORDER BY seq LIMIT ?";
            snapshot.query(sql, params![id, after, most], |row| Ok((row.get(0)?, text(row, 1))))
        },
    );
    while let Some((seq, reason)) = rejected.next()? {
        each(Item::Rejected { seq: number(seq), reason: &reason })?;
    }
    let key = |(seq, hash, _): &Line| (*seq, *hash);
    let mut apart = Pages::after((i64::MIN, Hash::ZERO), MOST_LINES, key, |(seq, hash), most| {
        let sql = "SELECT seq, hash, line FROM conflict WHERE series_id = ? AND (seq, hash) > (?, ?)
             ORDER BY seq, hash LIMIT ?";
        snapshot.query(sql, params![id, seq, hash.0, most], line)
    });
    while let Some((seq, hash, line)) = apart.next()? {
        each(Item::Apart { seq: number(seq), hash, bytes: &line })?;
    }
    Ok(())
}

fn envelopes<'q>(snapshot: &'q Connection, series: &'q Series) -> Pages<'q, (i64, i64), Envelope> {
    let key = |envelope: &Envelope| (int(envelope.first), int(envelope.last));
    Pages::after((i64::MIN, i64::MIN), pages::MOST, key, move |(first, last), most| {
        snapshot.query(
            "SELECT first, last, v, prev, head, sig FROM segment WHERE series_id = ? AND (first, last) > (?, ?)
             ORDER BY first, last LIMIT ?",
            params![series.id, first, last, most],
            |row| {
                Ok(Envelope {
                    // What is beyond all measure can only have been written by hand, and its signature is wrong then.
                    v: u8::try_from(row.get::<i64>(2)?).unwrap_or_default(),
                    station: series.station.clone(),
                    series: series.series,
                    first: number(row.get(0)?),
                    last: number(row.get(1)?),
                    prev: bytes(row, 3),
                    head: bytes(row, 4),
                    key: series.key,
                    sig: bytes(row, 5),
                })
            },
        )
    })
}

/// What the stored runs leave out of 1 to `highest`.
struct Holes<'r> {
    runs: Pages<'r, i64, (i64, i64)>,
    from: u64,
    highest: u64,
    ended: bool,
}

impl Holes<'_> {
    fn next(&mut self) -> Result<Option<(u64, u64)>, Error> {
        while !self.ended {
            let from = self.from;
            let until = match self.runs.next()? {
                Some((first, last)) => {
                    let (first, last) = (number(first), number(last));
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
    let mut known = Pages::after(
        (int(first), 0),
        pages::MOST,
        |row: &(i64, i64)| *row,
        |(seq, kind), most| {
            snapshot.query(
            "SELECT seq, kind FROM (SELECT seq, 1 AS kind FROM rejection WHERE series_id = ?1 AND seq BETWEEN ?2 AND ?3
                 UNION SELECT seq, 2 AS kind FROM conflict WHERE series_id = ?1 AND seq BETWEEN ?2 AND ?3) AS known
             WHERE (seq, kind) > (?2, ?4) ORDER BY seq, kind LIMIT ?5",
            params![id, seq, int(last), kind, most],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        },
    );
    let mut from = first;
    while let Some((seq, kind)) = known.next()? {
        let seq = number(seq);
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
fn text(row: &Row<'_>, column: usize) -> String {
    row.raw_text(column)
}

/// Stored bytes. Zeros where the length is wrong, which no signature and no hash bears.
fn bytes<const N: usize>(row: &Row<'_>, column: usize) -> FixedBytes<N> {
    row.raw(column).try_into().map_or(FixedBytes::ZERO, FixedBytes)
}
