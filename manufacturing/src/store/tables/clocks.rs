//! What is known of the clocks of the stations: the anchors of each boot, and the boots of each series.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use crate::store::sql::{self, Connection, params};
use records::{FixedBytes, RecordId, SeriesId};

use super::{TENANT, int, number};
use crate::projection::{
    AGAIN, Anchor, Anchors, Between, Clocks, Fact, Happened, Reading, Span, Standing, Thinned, between, former,
    happened,
};

/// A boot id of the kernel is a UUID; what is longer is none, and must not fill the store.
const LONGEST_BOOT: usize = 64;

type Station = String;
type Boot = String;

/// What the lines of a transaction say of clocks, until it is written.
#[derive(Default)]
pub struct Learned {
    anchors: BTreeMap<(Station, Boot, i64), Thinned>,
    spans: BTreeMap<(Station, SeriesId, Boot), Span>,
    free: Vec<Free>,
}

/// A record whose clock was not synchronised.
struct Free {
    station: Station,
    boot: Boot,
    since_boot: i64,
    position: i64,
    series: SeriesId,
    again: bool,
}

/// Does a record with this boot id share a boot with others?
fn is_boot(boot: &str) -> bool {
    !boot.is_empty() && boot.len() <= LONGEST_BOOT
}

impl Learned {
    /// Takes up what a line says.
    pub fn note(&mut self, position: i64, id: &RecordId, reading: &Reading) {
        let Some(record) = reading.record.as_ref().filter(|record| is_boot(&record.at.boot)) else { return };
        let stamp = &record.at;
        if let Some(anchor) = Anchor::of(stamp) {
            let thinned = Thinned::new(anchor);
            self.anchors
                .entry((id.station.clone(), stamp.boot.clone(), Anchors::stretch(anchor)))
                .and_modify(|kept| kept.take(&thinned))
                .or_insert(thinned);
        }
        let (span, again) = (Span::of(id.seq, stamp), former(id, reading).is_some());
        if !stamp.synchronised {
            let (station, boot, since_boot) = (id.station.clone(), stamp.boot.clone(), span.first.1);
            self.free.push(Free { station, boot, since_boot, position, series: id.series, again });
        }
        // What was written again is not of the time of the records around it.
        if !again {
            self.spans
                .entry((id.station.clone(), id.series, stamp.boot.clone()))
                .and_modify(|kept| kept.take(&span))
                .or_insert(span);
        }
    }

    /// Writes it. Returns the positions of the records stored before of which something else is known now.
    pub fn write(&mut self, connection: &Connection) -> sql::Result<Vec<i64>> {
        let before = self.state(connection)?;
        self.insert(connection)?;
        let after = before.again(connection)?;
        let mut changed = BTreeSet::new();
        for ((station, boot), anchors) in &after.anchors {
            let Some((from, to)) = anchors.differ(&before.anchors[&(station.clone(), boot.clone())]) else { continue };
            changed.extend(connection.query(
                "SELECT position FROM clock_free
                 WHERE tenant = ? AND station = ? AND boot = ? AND since BETWEEN ? AND ?",
                params![TENANT, station, boot, from, to],
                |row| row.get::<i64>(0),
            )?);
        }
        for (key, between) in &after.between {
            let (station, series) = key;
            let was = &before.between[key];
            for (boot, _) in between.iter().filter(|(boot, between)| was.get(*boot) != Some(*between)) {
                changed.extend(free(connection, station, *series, boot)?);
            }
        }
        let first_new = self.free.iter().map(|free| free.position).min().unwrap_or(i64::MAX);
        self.free.clear();
        Ok(changed.into_iter().filter(|position| *position < first_new).collect())
    }

    /// What is known of the boots and series that this says something of.
    fn state(&self, connection: &Connection) -> sql::Result<State> {
        let mut state = State::default();
        for (station, boot, _) in self.anchors.keys() {
            state.anchors.entry((station.clone(), boot.clone())).or_default();
        }
        for (station, series, _) in self.spans.keys() {
            state.between.entry((station.clone(), *series)).or_default();
        }
        // A boot may be one of several series: what was written again is of a boot before.
        for (station, boot) in state.anchors.keys() {
            let found = connection.query(
                "SELECT series FROM clock_span WHERE tenant = ? AND station = ? AND boot = ?",
                params![TENANT, station, boot],
                |row| row.get(0).map(FixedBytes),
            )?;
            for series in found {
                state.between.entry((station.clone(), series)).or_default();
            }
        }
        state.between.retain(|(station, series), _| has_free(connection, station, *series).unwrap_or(true));
        state.again(connection)
    }

    /// Writes it and asks for nothing.
    pub fn insert(&mut self, connection: &Connection) -> sql::Result<()> {
        for free in &self.free {
            connection.execute(
                "INSERT INTO clock_free (tenant, station, boot, since, position, series) VALUES (?, ?, ?, ?, ?, ?)",
                params![TENANT, free.station, free.boot, free.since_boot, free.position, free.series.0],
            )?;
            if free.again {
                connection.execute(
                    "INSERT INTO clock_again (tenant, station, series, position) VALUES (?, ?, ?, ?)",
                    params![TENANT, free.station, free.series.0, free.position],
                )?;
            }
        }
        for ((station, boot, stretch), mut thinned) in std::mem::take(&mut self.anchors) {
            let known: Option<Thinned> = connection
                .query_optional(
                    "SELECT anchors FROM clock_anchor WHERE tenant = ? AND station = ? AND boot = ? AND stretch = ?",
                    params![TENANT, station, boot, stretch],
                    |row| Ok(unpack(row.bytes(0)?)),
                )?
                .flatten();
            if let Some(known) = known {
                thinned.take(&known);
            }
            if known != Some(thinned) {
                connection.execute(
                    "INSERT INTO clock_anchor (tenant, station, boot, stretch, anchors) VALUES (?, ?, ?, ?, ?)
                         ON CONFLICT (tenant, station, boot, stretch) DO UPDATE SET anchors = excluded.anchors",
                    params![TENANT, station, boot, stretch, pack(&thinned)],
                )?;
            }
        }
        for ((station, series, boot), span) in std::mem::take(&mut self.spans) {
            connection
                .execute("INSERT INTO clock_span (tenant, station, series, boot, first, first_since, last, last_since)
                     VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                     ON CONFLICT (tenant, station, series, boot) DO UPDATE SET
                         first_since = CASE WHEN excluded.first < clock_span.first THEN excluded.first_since ELSE clock_span.first_since END,
                         first = CASE WHEN excluded.first < clock_span.first THEN excluded.first ELSE clock_span.first END,
                         last_since = CASE WHEN excluded.last > clock_span.last THEN excluded.last_since ELSE clock_span.last_since END,
                         last = CASE WHEN excluded.last > clock_span.last THEN excluded.last ELSE clock_span.last END", params![
                    TENANT,
                    station,
                    series.0,
                    boot,
                    int(span.first.0),
                    span.first.1,
                    int(span.last.0),
                    span.last.1
                ])?;
        }
        Ok(())
    }
}

/// What is known of some boots and series.
#[derive(Default)]
struct State {
    anchors: BTreeMap<(Station, Boot), Rc<Anchors>>,
    between: BTreeMap<(Station, SeriesId), Rc<BTreeMap<Boot, Between>>>,
}

impl State {
    /// The same boots and series, as they are known now.
    fn again(&self, connection: &Connection) -> sql::Result<Self> {
        let (mut cache, mut state) = (Cache::default(), Self::default());
        for key in self.anchors.keys() {
            let anchors = OfStation { connection, station: &key.0, cache: &mut cache }.anchors(&key.1)?;
            state.anchors.insert(key.clone(), anchors);
        }
        for key in self.between.keys() {
            let mut clocks = OfStation { connection, station: &key.0, cache: &mut cache };
            state.between.insert(key.clone(), clocks.between(key.1)?);
        }
        Ok(state)
    }
}

/// May there be records of a series whose time follows from others of it: those of boots without an anchor, and those
/// that were written again in it?
fn has_free(connection: &Connection, station: &str, series: SeriesId) -> sql::Result<bool> {
    connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM clock_again WHERE tenant = ?1 AND station = ?2 AND series = ?3)
                 OR EXISTS (SELECT 1 FROM clock_span s WHERE tenant = ?1 AND station = ?2 AND series = ?3
                     AND NOT EXISTS (SELECT 1 FROM clock_anchor a
                         WHERE a.tenant = ?1 AND a.station = ?2 AND a.boot = s.boot))",
        params![TENANT, station, series.0],
        |row| row.get(0),
    )
}

/// The records of a boot in a series whose clock was not synchronised; of no boot, those that were written again in it.
fn free(connection: &Connection, station: &str, series: SeriesId, boot: &str) -> sql::Result<Vec<i64>> {
    let sql = match boot {
        AGAIN => "SELECT position FROM clock_again WHERE tenant = ?1 AND station = ?2 AND series = ?3 AND ?4 = ''",
        _ => "SELECT position FROM clock_free WHERE tenant = ?1 AND station = ?2 AND series = ?3 AND boot = ?4",
    };
    connection.query(sql, params![TENANT, station, series.0, boot], |row| row.get(0))
}

fn pack(thinned: &Thinned) -> Vec<u8> {
    thinned.0.iter().flat_map(|anchor| [anchor.since_boot, anchor.wall]).flat_map(i64::to_le_bytes).collect()
}

fn unpack(bytes: &[u8]) -> Option<Thinned> {
    let (numbers, []) = bytes.as_chunks::<8>() else { return None };
    let numbers: Vec<i64> = numbers.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect();
    let (pairs, []) = numbers.as_chunks::<2>() else { return None };
    let anchors: Vec<Anchor> = pairs.iter().map(|&[since_boot, wall]| Anchor { since_boot, wall }).collect();
    anchors.try_into().ok().map(Thinned)
}

/// What was read of clocks for one answer.
#[derive(Default)]
pub struct Cache {
    anchors: HashMap<(Station, Boot), Rc<Anchors>>,
    spans: HashMap<(Station, SeriesId), Rc<Vec<Span>>>,
    between: HashMap<(Station, SeriesId), Rc<BTreeMap<Boot, Between>>>,
}

impl Cache {
    /// When the record of a fact happened. `None` where it cannot be read.
    pub fn happened(&mut self, connection: &Connection, fact: &Fact) -> sql::Result<Option<Happened>> {
        let Some(record) = &fact.reading.record else { return Ok(None) };
        let seq = if former(&fact.id, &fact.reading).is_some() { 0 } else { fact.id.seq };
        let standing = Standing { series: fact.id.series, seq, received: fact.received };
        let mut stamp = record.at.clone();
        if !is_boot(&stamp.boot) {
            stamp.boot.clear();
        }
        let mut clocks = OfStation { connection, station: &fact.id.station, cache: self };
        happened(&mut clocks, &stamp, standing).map(Some)
    }
}

struct OfStation<'a> {
    connection: &'a Connection,
    station: &'a str,
    cache: &'a mut Cache,
}

impl Clocks for OfStation<'_> {
    type Error = sql::Error;

    fn anchors(&mut self, boot: &str) -> sql::Result<Rc<Anchors>> {
        let key = (self.station.to_owned(), boot.to_owned());
        if let Some(known) = self.cache.anchors.get(&key) {
            return Ok(Rc::clone(known));
        }
        let mut anchors = Anchors::default();
        let kept = self.connection.query(
            "SELECT stretch, anchors FROM clock_anchor WHERE tenant = ? AND station = ? AND boot = ?",
            params![TENANT, self.station, boot],
            |row| Ok((row.get(0)?, unpack(row.bytes(1)?))),
        )?;
        for (stretch, thinned) in kept {
            if let Some(thinned) = thinned {
                anchors.take(stretch, thinned);
            }
        }
        let anchors = Rc::new(anchors);
        self.cache.anchors.insert(key, Rc::clone(&anchors));
        Ok(anchors)
    }

    fn spans(&mut self, series: SeriesId) -> sql::Result<Rc<Vec<Span>>> {
        let key = (self.station.to_owned(), series);
        if let Some(known) = self.cache.spans.get(&key) {
            return Ok(Rc::clone(known));
        }
        let spans: Vec<Span> = self.connection.query(
            "SELECT boot, first, first_since, last, last_since FROM clock_span
                 WHERE tenant = ? AND station = ? AND series = ? ORDER BY first",
            params![TENANT, self.station, series.0],
            |row| {
                let place = |n: usize| Ok::<_, sql::Error>((number(row.get(n)?), row.get(n + 1)?));
                Ok(Span { boot: row.get(0)?, first: place(1)?, last: place(3)? })
            },
        )?;
        let spans = Rc::new(spans);
        self.cache.spans.insert(key, Rc::clone(&spans));
        Ok(spans)
    }

    fn between(&mut self, series: SeriesId) -> sql::Result<Rc<BTreeMap<Boot, Between>>> {
        let key = (self.station.to_owned(), series);
        if let Some(known) = self.cache.between.get(&key) {
            return Ok(Rc::clone(known));
        }
        let found = Rc::new(between(self, series)?);
        self.cache.between.insert(key, Rc::clone(&found));
        Ok(found)
    }
}
