//! One transaction: lines in, receipts out.

mod admit;
mod decide;

use std::collections::{BTreeMap, BTreeSet};

use crate::store::sql::{self, Connection, params};
use jiff::Timestamp;
use records::enrolment::SERVICE;
use records::segment::Line;
use records::wire::{Fork, Receipt, Rejected};
use records::{Event, FixedBytes, Hash, PublicKey, SeriesId, Subject};

use super::clocks::Learned;
use super::load::{self, Facts};
use super::names::Names;
use super::own::{self, Own};
use super::project::{self, Tallies};
use super::{TENANT, WRITING, holds, int, lineage, micros, number, runs, sscc, stations, work_orders};
use crate::completeness::holes;
use crate::lineage::union;
use crate::projection::{Fact, Reading, previous};
use crate::store::decide::{Answer, Denied};
use crate::store::work::{Checked, Committed, Heard, KeyNews, Refused, Unreadable, Work};

/// Most runs above a hole, and most holes asked for, in one receipt.
const MOST_RUNS: usize = 32;

/// What the transaction says about a series, beside what is stored of it.
struct Touched {
    station: String,
    series: SeriesId,
    rejected: Vec<Rejected>,
    fork: Option<Fork>,
    /// The station says that it has receipts up to here.
    receipted: u64,
}

/// A transaction in the making.
pub struct Append<'c> {
    connection: &'c Connection,
    own: Option<&'c Own>,
    now: Timestamp,
    position: i64,
    names: Names,
    facts: Facts,
    clocks: Learned,
    affected: BTreeMap<i64, Subject>,
    touched: BTreeMap<i64, Touched>,
    refused: Vec<Refused>,
    /// Keys that were found to be enrolled.
    admitted: Vec<(String, PublicKey)>,
    keys: Vec<KeyNews>,
    heard: BTreeSet<String>,
    decided: Vec<(Answer, Result<(), Denied>)>,
    holds_changed: bool,
    orders_changed: bool,
    /// The last position before this transaction.
    before: i64,
}

impl<'c> Append<'c> {
    pub fn new(connection: &'c Connection, own: Option<&'c Own>, now: Timestamp) -> sql::Result<Self> {
        connection.lock(&[WRITING])?;
        let position =
            connection.query_row("SELECT coalesce(max(position), 0) FROM record", params![], |row| row.get(0))?;
        Ok(Self {
            connection,
            own,
            now,
            position,
            names: Names::default(),
            facts: Facts::default(),
            clocks: Learned::default(),
            affected: BTreeMap::new(),
            touched: BTreeMap::new(),
            refused: Vec::new(),
            admitted: Vec::new(),
            keys: Vec::new(),
            heard: BTreeSet::new(),
            decided: Vec::new(),
            holds_changed: false,
            orders_changed: false,
            before: position,
        })
    }

    pub fn take(&mut self, work: &Work) -> sql::Result<()> {
        if !self.admits(work)? {
            return Ok(());
        }
        match work {
            Work::Decide(decide) => self.decide(decide),
            Work::Segment(checked) => self.segment(checked),
            Work::Unreadable(unreadable) => self.unreadable(unreadable),
            Work::Status(heard) => self.status(heard),
            Work::Online { station, online } => stations::online(self.connection, station, *online, self.now),
        }
    }

    fn segment(&mut self, checked: &Checked) -> sql::Result<()> {
        let envelope = &checked.envelope;
        let Some(series) = self.series(&envelope.station, envelope.series, &envelope.key)? else { return Ok(()) };
        let known = self.known(series, envelope.first, envelope.last)?;
        if let Some(fork) = self.fork(series, checked, &known)? {
            tracing::error!(
                station = envelope.station, series = %envelope.series, seq = fork.seq,
                "ALARM: the same record came with other bytes; both are kept apart, and the station opens a new series"
            );
            self.keep_apart(series, checked, &known)?;
            self.touch(series, envelope.station.clone(), envelope.series).fork = Some(fork);
            return Ok(());
        }
        self.touch(series, envelope.station.clone(), envelope.series);
        let first_new = self.position + 1;
        for (line, reading) in checked.lines.iter().zip(&checked.readings) {
            if !known.contains_key(&line.seq) {
                self.line(series, checked, line, reading)?;
            }
        }
        if self.position >= first_new {
            runs::add(self.connection, series, envelope.first, envelope.last)?;
            self.connection.execute(
                "INSERT INTO segment (series_id, first, last, v, prev, head, sig, position)
                     VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                params![
                    series,
                    int(envelope.first),
                    int(envelope.last),
                    envelope.v,
                    envelope.prev.0,
                    envelope.head.0,
                    envelope.sig.0,
                    first_new
                ],
            )?;
        }
        Ok(())
    }

    /// The number of a series; `None` and a refusal where another key is known for it.
    fn series(&mut self, station: &str, series: SeriesId, key: &PublicKey) -> sql::Result<Option<i64>> {
        let known: Option<(i64, PublicKey)> = self.connection.query_optional(
            "SELECT id, key FROM series WHERE tenant = ? AND station = ? AND series = ?",
            params![TENANT, station, series.0],
            |row| Ok((row.get(0)?, FixedBytes(row.get(1)?))),
        )?;
        match known {
            Some((id, known)) if known == *key => Ok(Some(id)),
            Some((_, known)) => {
                let reason = format!("series {series} belongs to key {known}, this came with key {key}");
                self.refused.push(Refused { station: station.to_owned(), reason });
                Ok(None)
            }
            None => {
                let id = self.connection.query_row(
                    "INSERT INTO series (tenant, station, series, key) VALUES (?, ?, ?, ?) RETURNING id",
                    params![TENANT, station, series.0, key.0],
                    |row| row.get(0),
                )?;
                Ok(Some(id))
            }
        }
    }

    fn known(&self, series: i64, first: u64, last: u64) -> sql::Result<BTreeMap<u64, Hash>> {
        self.connection
            .query(
                "SELECT seq, hash FROM record WHERE series_id = ? AND seq BETWEEN ? AND ?",
                params![series, int(first), int(last)],
                |row| Ok((number(row.get(0)?), FixedBytes(row.get(1)?))),
            )
            .map(|known| known.into_iter().collect())
    }

    /// Does the segment agree with what is stored of the series, at its own sequences and at its neighbours?
    fn fork(&self, series: i64, checked: &Checked, known: &BTreeMap<u64, Hash>) -> sql::Result<Option<Fork>> {
        let envelope = &checked.envelope;
        let other = checked.lines.iter().find_map(|line| {
            known.get(&line.seq).filter(|held| **held != line.hash).map(|held| Fork { seq: line.seq, held: *held })
        });
        if other.is_some() {
            return Ok(other);
        }
        if let Some(held) = runs::hash(self.connection, series, envelope.first - 1)?
            && held != envelope.prev
        {
            return Ok(Some(Fork { seq: envelope.first - 1, held }));
        }
        let next: Option<Option<Hash>> = self.connection.query_optional(
            "SELECT line FROM record WHERE series_id = ? AND seq = ?",
            params![series, int(envelope.last + 1)],
            |row| Ok(previous(row.bytes(0)?)),
        )?;
        Ok(next.flatten().filter(|held| *held != envelope.head).map(|held| Fork { seq: envelope.last, held }))
    }

    fn keep_apart(&self, series: i64, checked: &Checked, known: &BTreeMap<u64, Hash>) -> sql::Result<()> {
        for line in checked.lines.iter().filter(|line| known.get(&line.seq) != Some(&line.hash)) {
            self.connection.execute(
                "INSERT INTO conflict (series_id, seq, hash, line, stored_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                params![series, int(line.seq), line.hash.0, line.bytes, micros(self.now)],
            )?;
        }
        Ok(())
    }

    fn line(&mut self, series: i64, checked: &Checked, line: &Line, reading: &Reading) -> sql::Result<()> {
        self.position += 1;
        self.connection.execute(
            "INSERT INTO record (position, series_id, seq, hash, line, stored_at) VALUES (?, ?, ?, ?, ?, ?)",
            params![self.position, series, int(line.seq), line.hash.0, line.bytes, micros(self.now)],
        )?;
        let id = records::RecordId {
            station: checked.envelope.station.clone(),
            series: checked.envelope.series,
            seq: line.seq,
        };
        lineage::note(self.connection, self.position, &id, reading)?;
        self.clocks.note(self.position, &id, reading);
        let (position, received) = (number(self.position), self.now);
        let fact = Fact { id, position, received, reading: reading.clone(), happened: None };
        sscc::learn_opened(self.connection, &fact.id.station, reading)?;
        if let Some(record) = reading.record.as_ref().filter(|_| fact.id.station == SERVICE) {
            own::learn(self.connection, self.position, record)?;
        }
        if let Some(id) = index(self.connection, &mut self.names, self.position, reading)? {
            self.affected.extend(reading.subject.clone().map(|subject| (id, subject)));
        }
        self.facts.learn(self.position, fact);
        Ok(())
    }

    fn unreadable(&mut self, unreadable: &Unreadable) -> sql::Result<()> {
        let Unreadable { station, series: id, key, seq, reason } = unreadable;
        let Some(series) = self.series(station, *id, key)? else { return Ok(()) };
        self.connection.execute(
            "INSERT INTO rejection (series_id, seq, reason, stored_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            params![series, int(*seq), reason, micros(self.now)],
        )?;
        let rejected = Rejected { first: *seq, last: *seq, reason: reason.clone() };
        self.touch(series, station.clone(), *id).rejected.push(rejected);
        Ok(())
    }

    /// Keeps a status. Where it shows that something is missing here for which the station has a receipt, as after a
    /// restore from a backup, or that there is a hole, the station is asked to send it again. One that has lost its mark of
    /// SSCCs is told it.
    fn status(&mut self, heard: &Heard) -> sql::Result<()> {
        let status = &heard.status;
        let is_newer = stations::status(self.connection, heard)?;
        let series: Option<i64> = self.connection.query_optional(
            "SELECT id FROM series WHERE tenant = ? AND station = ? AND series = ? AND key = ?",
            params![TENANT, status.station, status.series.0, heard.key.0],
            |row| row.get(0),
        )?;
        let Some(series) = series else { return Ok(()) };
        let stored = runs::of(self.connection, series)?;
        if let Some((_, last)) = stored.last().filter(|(_, last)| *last > status.last)
            && let Some(held) = runs::hash(self.connection, series, *last)?
        {
            // It knows less of its series than is stored: the status is an old one, or the journal is an older copy. The
            // station knows which.
            self.touch(series, status.station.clone(), status.series).fork = Some(Fork { seq: *last, held });
        }
        if !is_newer {
            return Ok(());
        }
        sscc::learn(self.connection, &status.station, status.series)?;
        let receipted = status.last.saturating_sub(status.queue.records);
        let known = lineage::will_not_come(self.connection, &status.station, status.series)?;
        let known = union(&stored, &known);
        // One that waits for a word, or asks for its mark of SSCCs, is answered as well.
        if !holes(&known, receipted).is_empty() || status.sscc_mark.is_none() || status.asks {
            self.touch(series, status.station.clone(), status.series).receipted = receipted;
        }
        Ok(())
    }

    fn touch(&mut self, series: i64, station: String, id: SeriesId) -> &mut Touched {
        self.touched.entry(series).or_insert_with(|| Touched {
            station,
            series: id,
            rejected: Vec::new(),
            fork: None,
            receipted: 0,
        })
    }

    /// Brings the projections up to date and says what is now stored.
    pub fn finish(mut self) -> sql::Result<Committed> {
        let mut tallies = Tallies::default();
        let mut affected = std::mem::take(&mut self.affected);
        // What is now known of a clock may put records that were stored before at another time.
        for position in self.clocks.write(self.connection)? {
            if let Some(subject) = load::subject(self.connection, position)? {
                affected.extend(self.names.find(self.connection, &subject)?.map(|id| (id, subject)));
            }
        }
        for (id, device) in project::devices_inside(self.connection, affected)? {
            let found = project::refold(self.connection, &mut self.names, &mut self.facts, &mut tallies, id, &device)?;
            for one in found {
                tracing::error!(
                    serial = device.id,
                    scope = device.scope,
                    code = one.code,
                    stations = one.stations.join(", "),
                    "ALARM: records contradict each other: {}",
                    one.text
                );
            }
        }
        tallies.write(self.connection)?;
        // A status that came before the first record of its series counts from now on.
        for touched in self.touched.values() {
            sscc::learn(self.connection, &touched.station, touched.series)?;
        }
        let stations = self.touched.iter().filter(|(_, touched)| touched.station != SERVICE);
        let receipts = stations.map(|(&series, touched)| self.receipt(series, touched)).collect::<Result<_, _>>()?;
        let holds = if self.holds_changed { Some(holds::message(self.connection)?) } else { None };
        let orders = match self.orders_changed {
            true => work_orders::messages(self.connection, self.before)?,
            false => Vec::new(),
        };
        let Self { refused, keys, heard, decided, .. } = self;
        Ok(Committed { receipts, refused, keys, heard, decided, holds, orders })
    }

    fn receipt(&self, series: i64, touched: &Touched) -> sql::Result<Receipt> {
        let stored = runs::of(self.connection, series)?;
        let (up_to, hash) = runs::up_to(self.connection, series, &stored)?;
        let known = lineage::will_not_come(self.connection, &touched.station, touched.series)?;
        let mut resend = Vec::new();
        for hole in holes(&union(&stored, &known), touched.receipted) {
            if resend.len() < MOST_RUNS && !self.is_known(series, hole)? {
                resend.push(hole);
            }
        }
        Ok(Receipt {
            station: touched.station.clone(),
            series: touched.series,
            up_to,
            hash,
            also: runs::above(self.connection, series, &stored, MOST_RUNS)?,
            rejected: touched.rejected.clone(),
            resend,
            fork: touched.fork,
            sscc_mark: sscc::word(self.connection, &touched.station, touched.series, self.now)?,
        })
    }

    /// Is it known why this hole cannot be filled? Asking again would bring the same again.
    fn is_known(&self, series: i64, (first, last): (u64, u64)) -> sql::Result<bool> {
        self.connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM rejection WHERE series_id = ?1 AND seq BETWEEN ?2 AND ?3)
                     OR EXISTS (SELECT 1 FROM conflict WHERE series_id = ?1 AND seq BETWEEN ?2 AND ?3)",
            params![series, int(first), int(last)],
            |row| row.get(0),
        )
    }
}

/// Enters a line into the indices, and says which subject it is about: the devices inside have to be folded anew.
pub fn index(connection: &Connection, names: &mut Names, position: i64, reading: &Reading) -> sql::Result<Option<i64>> {
    let Some(subject) = &reading.subject else { return Ok(None) };
    let id = names.number(connection, subject)?;
    connection.execute("INSERT INTO about (subject, position) VALUES (?, ?)", params![id, position])?;
    let record = reading.record.as_ref().filter(|record| record.event != Event::Refused);
    for joined in record.into_iter().flat_map(|record| &record.into) {
        let parent = names.number(connection, &joined.subject())?;
        connection
            .execute("INSERT INTO inside (parent, child) VALUES (?, ?) ON CONFLICT DO NOTHING", params![parent, id])?;
    }
    // Even a record that moves nothing has a place in the order in which the others are read.
    Ok(Some(id))
}
