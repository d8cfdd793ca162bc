//! What is known of clocks, read once for an answer.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use records::SeriesId;

use super::super::{TENANT, number};
use super::{Boot, Station, is_boot};
use crate::projection::{
    Anchor, Anchors, Between, Clocks, Fact, Happened, Span, Standing, Thinned, between, former, happened,
};
use crate::store::sql::{self, Connection, params};

/// The anchors of a boot.
pub const STRETCHES: &str = "SELECT stretch, anchors FROM clock_anchor WHERE tenant = ? AND station = ? AND boot = ?";

/// The anchors of a boot that are kept, by stretch.
pub fn stretches(connection: &Connection, station: &str, boot: &str) -> sql::Result<BTreeMap<i64, Thinned>> {
    let kept =
        connection.query(STRETCHES, params![TENANT, station, boot], |row| Ok((row.get(0)?, unpack(row.bytes(1)?))))?;
    Ok(kept.into_iter().filter_map(|(stretch, thinned)| Some((stretch, thinned?))).collect())
}

/// What was read of clocks for one answer.
#[derive(Default)]
pub struct Cache {
    pub(super) anchors: HashMap<(Station, Boot), Rc<Anchors>>,
    spans: HashMap<(Station, SeriesId), Rc<Vec<Span>>>,
    between: HashMap<(Station, SeriesId), Rc<BTreeMap<Boot, Between>>>,
}

impl Cache {
    /// Sends ahead what [`Cache::happened`] asks first.
    pub fn ahead(&self, connection: &Connection, fact: &Fact) -> sql::Result<()> {
        let Some(record) = fact.reading.record.as_ref().filter(|record| is_boot(&record.at.boot)) else {
            return Ok(());
        };
        let (station, boot) = (&fact.id.station, &record.at.boot);
        match self.anchors.contains_key(&(station.clone(), boot.clone())) {
            true => Ok(()),
            false => connection.ahead(STRETCHES, params![TENANT, station, boot]),
        }
    }

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

/// The clocks of one station.
pub struct OfStation<'a> {
    pub connection: &'a Connection,
    pub station: &'a str,
    pub cache: &'a mut Cache,
}

impl OfStation<'_> {
    /// Reads the anchors of all boots of a series at once: one question for each would be hundreds in a year.
    fn read_boots(&mut self, series: SeriesId) -> sql::Result<()> {
        let spans = self.spans(series)?;
        let key = |boot: &str| (self.station.to_owned(), boot.to_owned());
        let mut read: HashMap<(Station, Boot), Anchors> = spans
            .iter()
            .map(|span| key(&span.boot))
            .filter(|key| !self.cache.anchors.contains_key(key))
            .map(|key| (key, Anchors::default()))
            .collect();
        if read.len() > 1 {
            let kept: Vec<(Boot, i64, Option<Thinned>)> = self.connection.query(
                "SELECT s.boot, a.stretch, a.anchors FROM clock_span s
                 JOIN clock_anchor a ON a.tenant = s.tenant AND a.station = s.station AND a.boot = s.boot
                 WHERE s.tenant = ? AND s.station = ? AND s.series = ?",
                params![TENANT, self.station, series.0],
                |row| Ok((row.get(0)?, row.get(1)?, unpack(row.bytes(2)?))),
            )?;
            for (boot, stretch, thinned) in kept {
                if let (Some(anchors), Some(thinned)) = (read.get_mut(&key(&boot)), thinned) {
                    anchors.take(stretch, thinned);
                }
            }
            self.cache.anchors.extend(read.into_iter().map(|(key, anchors)| (key, Rc::new(anchors))));
        }
        Ok(())
    }
}

impl Clocks for OfStation<'_> {
    type Error = sql::Error;

    fn anchors(&mut self, boot: &str) -> sql::Result<Rc<Anchors>> {
        let key = (self.station.to_owned(), boot.to_owned());
        if let Some(known) = self.cache.anchors.get(&key) {
            return Ok(Rc::clone(known));
        }
        let mut anchors = Anchors::default();
        for (stretch, thinned) in stretches(self.connection, self.station, boot)? {
            anchors.take(stretch, thinned);
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
        self.read_boots(series)?;
        let found = Rc::new(between(self, series)?);
        self.cache.between.insert(key, Rc::clone(&found));
        Ok(found)
    }
}

fn unpack(bytes: &[u8]) -> Option<Thinned> {
    let (numbers, []) = bytes.as_chunks::<8>() else { return None };
    let numbers: Vec<i64> = numbers.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect();
    let (pairs, []) = numbers.as_chunks::<2>() else { return None };
    let anchors: Vec<Anchor> = pairs.iter().map(|&[since_boot, wall]| Anchor { since_boot, wall }).collect();
    anchors.try_into().ok().map(Thinned)
}
