//! What is known of the clocks of the stations: the anchors of each boot, and the boots of each series.

mod cache;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::store::sql::{self, Connection, Insert, Kind, Param, params};
use records::{FixedBytes, RecordId, SeriesId};

use super::{TENANT, int};
use crate::projection::{AGAIN, Anchor, Anchors, Between, Clocks, Reading, Span, Thinned, former};
pub use cache::Cache;
use cache::{OfStation, STRETCHES, stretches};

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
    /// Its number among the records of the transaction that are not stored yet, from 1.
    number: i64,
    series: SeriesId,
    again: bool,
}

/// Does a record with this boot id share a boot with others?
fn is_boot(boot: &str) -> bool {
    !boot.is_empty() && boot.len() <= LONGEST_BOOT
}

impl Learned {
    /// Takes up what a line says, by its number among those that are not stored yet.
    pub fn note(&mut self, number: i64, id: &RecordId, reading: &Reading) {
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
            self.free.push(Free { station, boot, since_boot, number, series: id.series, again });
        }
        // What was written again is not of the time of the records around it.
        if !again {
            self.spans
                .entry((id.station.clone(), id.series, stamp.boot.clone()))
                .and_modify(|kept| kept.take(&span))
                .or_insert(span);
        }
    }

    /// Writes what it says of clocks, and makes it known to `cache`. Returns the positions of the records stored before of
    /// which something else is known now. What belongs to positions is written by [`Learned::store`].
    pub fn write(&mut self, connection: &Connection, cache: &mut Cache) -> sql::Result<Vec<i64>> {
        let stations: BTreeSet<&Station> = self.anchors.keys().map(|(station, ..)| station).collect();
        let stations: BTreeSet<&Station> = stations.into_iter().chain(self.spans.keys().map(|(s, ..)| s)).collect();
        for station in &stations {
            connection.ahead(ANY_FREE, params![TENANT, station])?;
        }
        for (station, boot, _) in self.anchors.keys() {
            connection.ahead(STRETCHES, params![TENANT, station, boot])?;
        }
        let mut free_ones = BTreeSet::new();
        for station in stations {
            // Mostly there are none, and then nothing follows from what is new.
            if any_free(connection, station)? {
                free_ones.insert(station.clone());
            }
        }
        let before = self.state(connection, &free_ones)?;
        self.insert(connection, cache)?;
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
        Ok(changed.into_iter().collect())
    }

    /// What is known of the boots and series of these stations that this says something of.
    fn state(&self, connection: &Connection, stations: &BTreeSet<Station>) -> sql::Result<State> {
        let mut state = State::default();
        for (station, boot, _) in self.anchors.keys().filter(|(station, ..)| stations.contains(station)) {
            state.anchors.entry((station.clone(), boot.clone())).or_default();
        }
        for (station, series, _) in self.spans.keys().filter(|(station, ..)| stations.contains(station)) {
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

    /// Writes the records whose clock was not synchronised. The first of the transaction's records that were noted since
    /// has the position after `base`.
    pub fn store(&mut self, connection: &Connection, base: i64) -> sql::Result<()> {
        let free = std::mem::take(&mut self.free);
        let (mut rows, mut again) = (Vec::new(), Vec::new());
        for free in &free {
            let (station, series, position) = (free.station.as_str(), &free.series.0[..], base + free.number);
            rows.extend([TENANT.into(), station.into(), free.boot.as_str().into(), Param::Int(free.since_boot)]);
            rows.extend([Param::Int(position), series.into()]);
            if free.again {
                again.extend([TENANT.into(), station.into(), series.into(), Param::Int(position)]);
            }
        }
        connection.insert(&FREE, &rows)?;
        connection.insert(&WRITTEN_AGAIN, &again)
    }

    /// Writes what is known of anchors and boots, and asks for nothing that follows.
    pub fn insert(&mut self, connection: &Connection, cache: &mut Cache) -> sql::Result<()> {
        let mut learned: BTreeMap<(Station, Boot), BTreeMap<i64, Thinned>> = BTreeMap::new();
        for ((station, boot, stretch), thinned) in std::mem::take(&mut self.anchors) {
            learned.entry((station, boot)).or_default().insert(stretch, thinned);
        }
        let mut rows: Vec<(Station, Boot, i64, Vec<u8>)> = Vec::new();
        for ((station, boot), learned) in learned {
            let mut known = stretches(connection, &station, &boot)?;
            for (stretch, mut thinned) in learned {
                let before = known.get(&stretch).copied();
                before.iter().for_each(|before| thinned.take(before));
                if before != Some(thinned) {
                    rows.push((station.clone(), boot.clone(), stretch, pack(&thinned)));
                }
                known.insert(stretch, thinned);
            }
            let mut anchors = Anchors::default();
            known.into_iter().for_each(|(stretch, thinned)| anchors.take(stretch, thinned));
            cache.anchors.insert((station, boot), Rc::new(anchors));
        }
        let mut values: Vec<Param<'_>> = Vec::new();
        for (station, boot, stretch, anchors) in &rows {
            values.extend([
                TENANT.into(),
                station.as_str().into(),
                boot.as_str().into(),
                (*stretch).into(),
                Param::Bytes(anchors),
            ]);
        }
        connection.insert(&ANCHOR, &values)?;
        let spans = std::mem::take(&mut self.spans);
        let mut values: Vec<Param<'_>> = Vec::new();
        for ((station, series, boot), span) in &spans {
            values.extend([
                TENANT.into(),
                station.as_str().into(),
                (&series.0[..]).into(),
                boot.as_str().into(),
                int(span.first.0).into(),
                span.first.1.into(),
                int(span.last.0).into(),
                Param::Int(span.last.1),
            ]);
        }
        connection.insert(&SPAN, &values)
    }
}

const FREE: Insert = Insert {
    table: "clock_free",
    columns: &[
        ("tenant", Kind::Text),
        ("station", Kind::Text),
        ("boot", Kind::Text),
        ("since", Kind::Int),
        ("position", Kind::Int),
        ("series", Kind::Bytes),
    ],
    conflict: "",
};
const WRITTEN_AGAIN: Insert = Insert {
    table: "clock_again",
    columns: &[("tenant", Kind::Text), ("station", Kind::Text), ("series", Kind::Bytes), ("position", Kind::Int)],
    conflict: "",
};
const ANCHOR: Insert = Insert {
    table: "clock_anchor",
    columns: &[
        ("tenant", Kind::Text),
        ("station", Kind::Text),
        ("boot", Kind::Text),
        ("stretch", Kind::Int),
        ("anchors", Kind::Bytes),
    ],
    conflict: " ON CONFLICT (tenant, station, boot, stretch) DO UPDATE SET anchors = excluded.anchors",
};
const SPAN: Insert = Insert {
    table: "clock_span",
    columns: &[
        ("tenant", Kind::Text),
        ("station", Kind::Text),
        ("series", Kind::Bytes),
        ("boot", Kind::Text),
        ("first", Kind::Int),
        ("first_since", Kind::Int),
        ("last", Kind::Int),
        ("last_since", Kind::Int),
    ],
    conflict: " ON CONFLICT (tenant, station, series, boot) DO UPDATE SET
         first_since = CASE WHEN excluded.first < clock_span.first THEN excluded.first_since ELSE clock_span.first_since END,
         first = CASE WHEN excluded.first < clock_span.first THEN excluded.first ELSE clock_span.first END,
         last_since = CASE WHEN excluded.last > clock_span.last THEN excluded.last_since ELSE clock_span.last_since END,
         last = CASE WHEN excluded.last > clock_span.last THEN excluded.last ELSE clock_span.last END",
};

/// What is known of some boots and series.
#[derive(Default)]
struct State {
    anchors: BTreeMap<(Station, Boot), Rc<Anchors>>,
    between: BTreeMap<(Station, SeriesId), Rc<BTreeMap<Boot, Between>>>,
    /// What was read for it.
    cache: Cache,
}

impl State {
    /// The same boots and series, as they are known now. Of other boots nothing new was said: there may be hundreds, and they
    /// are not read once more.
    fn again(&self, connection: &Connection) -> sql::Result<Self> {
        let (mut cache, mut state) = (Cache::default(), Self::default());
        let others = self.cache.anchors.iter().filter(|(key, _)| !self.anchors.contains_key(*key));
        cache.anchors = others.map(|(key, anchors)| (key.clone(), Rc::clone(anchors))).collect();
        for key in self.anchors.keys() {
            let anchors = OfStation { connection, station: &key.0, cache: &mut cache }.anchors(&key.1)?;
            state.anchors.insert(key.clone(), anchors);
        }
        for key in self.between.keys() {
            let mut clocks = OfStation { connection, station: &key.0, cache: &mut cache };
            state.between.insert(key.clone(), clocks.between(key.1)?);
        }
        state.cache = cache;
        Ok(state)
    }
}

const ANY_FREE: &str = "SELECT EXISTS (SELECT 1 FROM clock_free WHERE tenant = ? AND station = ?)";

/// Is there any record of a station whose clock was not synchronised?
fn any_free(connection: &Connection, station: &str) -> sql::Result<bool> {
    connection.query_row(ANY_FREE, params![TENANT, station], |row| row.get(0))
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
