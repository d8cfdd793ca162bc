//! One transaction: lines in, receipts out.
//!
//! Lines wait in memory until everything that has to be read was read and computed: then they get their positions and are
//! written in a few statements, with all that follows from them. So the one lock that all writers share, that of the
//! positions, is held for the shortest time.

mod admit;
mod decide;
mod flush;
mod receipt;
mod series;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use records::segment::Envelope;
use records::wire::{Fork, Rejected};
use records::{Hash, PublicKey, RecordId, SeriesId, Subject};

use super::clocks::Learned;
use super::lineage::Succession;
use super::load::{self, Facts};
use super::names::Names;
use super::own::Own;
use super::project::{self, Inside};
use super::schemas::Dimensioned;
use super::{holds, int, lineage, micros, schemas, seals, sscc, stations, work_orders};
use crate::lineage::{union, without};
use crate::projection::Reading;
use crate::store::decide::{Answer, Denied};
use crate::store::sql::{self, Connection, params};
use crate::store::work::{Checked, Committed, Heard, Refused, Unreadable, Work};
pub use flush::{ABOUT, INSIDE};
use series::Open;

/// The lock of what the service decides.
pub const DECISIONS: &str = "decisions";
/// The lock of what is taken into new recall dimensions.
const BACKFILL: &str = "backfill";
/// The lock of what was counted of seals.
const SEALS: &str = "seals";

/// What the transaction says about a series, beside what is stored of it.
struct Touched {
    station: String,
    series: SeriesId,
    rejected: Vec<Rejected>,
    fork: Option<Fork>,
    /// The station says that it has receipts up to here.
    receipted: u64,
    /// What the station waits for begins here, as far as this transaction says it.
    waits: Option<u64>,
}

impl Touched {
    fn waits_for(&mut self, seq: u64) {
        self.waits = Some(self.waits.map_or(seq, |known| known.min(seq)));
    }
}

/// A line that has no position yet.
struct Waiting {
    series: i64,
    id: RecordId,
    hash: Hash,
    bytes: Vec<u8>,
    reading: Reading,
    /// The number of its subject, once that is known.
    subject: Option<i64>,
}

/// A transaction in the making.
pub struct Append<'c> {
    connection: &'c Connection,
    own: Option<&'c Own>,
    /// What devices are recalled by.
    known: Dimensioned,
    now: Timestamp,
    /// The last position, once others cannot change it any more.
    position: Option<i64>,
    names: Names,
    facts: Facts,
    clocks: Learned,
    /// Series of which something was asked.
    series: BTreeMap<i64, Open>,
    waiting: Vec<Waiting>,
    /// Of these of them, subjects are known.
    named: usize,
    /// Envelopes with the number of the first waiting line that they brought.
    envelopes: Vec<(i64, Envelope, usize)>,
    successions: Vec<(Succession, usize)>,
    inside: Inside,
    /// Containers that something was put into.
    parents: BTreeSet<i64>,
    affected: BTreeMap<i64, Subject>,
    touched: BTreeMap<i64, Touched>,
    refused: Vec<Refused>,
    /// Keys that were found to be enrolled.
    admitted: Vec<(String, PublicKey)>,
    heard: BTreeSet<String>,
    decided: Vec<(Answer, Result<(), Denied>)>,
    holds_changed: bool,
    orders_changed: bool,
    /// The last position before this transaction, once others cannot change it any more.
    before: Option<i64>,
}

impl<'c> Append<'c> {
    pub fn new(connection: &'c Connection, own: Option<&'c Own>, known: Dimensioned, now: Timestamp) -> Self {
        Self {
            connection,
            own,
            known,
            now,
            position: None,
            names: Names::default(),
            facts: Facts::default(),
            clocks: Learned::default(),
            series: BTreeMap::new(),
            waiting: Vec::new(),
            named: 0,
            envelopes: Vec::new(),
            successions: Vec::new(),
            inside: Inside::new(),
            parents: BTreeSet::new(),
            affected: BTreeMap::new(),
            touched: BTreeMap::new(),
            refused: Vec::new(),
            admitted: Vec::new(),
            heard: BTreeSet::new(),
            decided: Vec::new(),
            holds_changed: false,
            orders_changed: false,
            before: None,
        }
    }

    /// Takes works one after the other. Nobody else takes any of the same stations meanwhile.
    pub fn take_all(&mut self, works: &[Work]) -> sql::Result<()> {
        let mut locks: BTreeSet<String> = BTreeSet::new();
        for work in works {
            locks.insert(match work {
                Work::Segment(checked) => format!("station {}", checked.envelope.station),
                Work::Unreadable(unreadable) => format!("station {}", unreadable.station),
                Work::Status(heard) => format!("station {}", heard.status.station),
                Work::Online { station, .. } => format!("station {station}"),
                Work::Decide(_) => DECISIONS.to_owned(),
                Work::Backfill => BACKFILL.to_owned(),
                Work::Counted(_) => SEALS.to_owned(),
            });
        }
        self.connection.lock(&locks.iter().map(String::as_str).collect::<Vec<_>>())?;
        for work in works {
            if let Work::Segment(checked) = work {
                self.ahead(&checked.envelope)?;
            }
        }
        works.iter().try_for_each(|work| self.take(work))
    }

    fn take(&mut self, work: &Work) -> sql::Result<()> {
        if !self.admits(work)? {
            return Ok(());
        }
        match work {
            Work::Decide(decide) => {
                // It is decided by what is stored, and that is told by questions.
                self.flush()?;
                self.decide(decide)
            }
            Work::Segment(checked) => self.segment(checked),
            Work::Unreadable(unreadable) => self.unreadable(unreadable),
            Work::Status(heard) => self.status(heard),
            Work::Online { station, online } => stations::online(self.connection, station, *online, self.now),
            Work::Backfill => {
                self.affected.extend(schemas::step(self.connection, self.known.position)?);
                Ok(())
            }
            Work::Counted(counted) => seals::write(self.connection, counted),
        }
    }

    fn segment(&mut self, checked: &Checked) -> sql::Result<()> {
        let envelope = &checked.envelope;
        let Some(series) = self.series(&envelope.station, envelope.series, &envelope.key)? else { return Ok(()) };
        let near = self.near(series, envelope.first, envelope.last)?;
        if let Some(fork) = near.fork(checked) {
            tracing::error!(
                station = envelope.station, series = %envelope.series, seq = fork.seq,
                "ALARM: the same record came with other bytes; both are kept apart, and the station opens a new series"
            );
            for line in checked.lines.iter().filter(|line| near.known.get(&line.seq) != Some(&line.hash)) {
                self.connection.execute(
                    "INSERT INTO conflict (series_id, seq, hash, line, stored_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    params![series, int(line.seq), line.hash.0, line.bytes, micros(self.now)],
                )?;
            }
            self.touch(series, envelope.station.clone(), envelope.series).fork = Some(fork);
            return Ok(());
        }
        self.touch(series, envelope.station.clone(), envelope.series).waits_for(envelope.first);
        let first_new = self.waiting.len();
        for (line, reading) in checked.lines.iter().zip(&checked.readings) {
            if near.known.contains_key(&line.seq) {
                continue;
            }
            let id = RecordId { station: envelope.station.clone(), series: envelope.series, seq: line.seq };
            let number = self.waiting.len();
            self.clocks.note(i64::try_from(number).unwrap_or(i64::MAX).saturating_add(1), &id, reading);
            lineage::carry_over(self.connection, &id, reading)?;
            sscc::learn_opened(self.connection, &id.station, reading)?;
            self.successions.extend(Succession::of(&id, reading).map(|succession| (succession, number)));
            let (hash, bytes, reading) = (line.hash, line.bytes.clone(), reading.clone());
            self.waiting.push(Waiting { series, id, hash, bytes, reading, subject: None });
        }
        if self.waiting.len() > first_new {
            self.stored(series, envelope.first, envelope.last, first_new)?;
            self.envelopes.push((series, envelope.clone(), first_new));
        }
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
        let touched = self.touch(series, station.clone(), *id);
        touched.rejected.push(rejected);
        touched.waits_for(*seq);
        Ok(())
    }

    /// Keeps a status. Where it shows that something is missing here for which the station has a receipt, as after a
    /// restore from a backup, or that there is a hole, the station is asked to send it again. One that has lost its mark of
    /// SSCCs is told it.
    fn status(&mut self, heard: &Heard) -> sql::Result<()> {
        let status = &heard.status;
        let is_newer = stations::status(self.connection, heard)?;
        let Some(series) = stations::number(self.connection, &status.station, status.series, &heard.key)? else {
            return Ok(());
        };
        let stored = self.runs(series)?.clone();
        if let Some((_, last)) = stored.last().filter(|(_, last)| *last > status.last)
            && let Some(held) = self.hash(series, *last)?
        {
            // It knows less of its series than is stored: the status is an old one, or the journal is an older copy. The
            // station knows which.
            self.touch(series, status.station.clone(), status.series).fork = Some(Fork { seq: *last, held });
        }
        if !is_newer {
            return Ok(());
        }
        let verified = stations::verified(self.connection, &status.station, status.series)?;
        sscc::learn(self.connection, &status.station, verified.as_ref())?;
        let receipted = status.last.saturating_sub(status.queue.records);
        let known = lineage::will_not_come(self.connection, &status.station, status.series, verified.as_ref())?;
        let known = union(&stored, &known);
        let waits = receipt::first_waiting(status);
        // One that waits for a word, or asks for its mark of SSCCs, is answered as well; and one that waits for the receipt of
        // what is stored among holes: a receipt names only some of many runs, and the next goes on from where it stands.
        let unheard = waits.is_some_and(|seq| receipt::is_among_holes(&stored, seq));
        if !without(&[(1, receipted)], &known).is_empty() || status.sscc_mark.is_none() || status.asks || unheard {
            let touched = self.touch(series, status.station.clone(), status.series);
            touched.receipted = receipted;
            if let Some(seq) = waits {
                touched.waits_for(seq);
            }
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
            waits: None,
        })
    }

    /// Brings the projections up to date and says what is now stored.
    pub fn finish(mut self) -> sql::Result<(Committed, Dimensioned)> {
        self.name()?;
        let mut affected = std::mem::take(&mut self.affected);
        // What is now known of a clock may put records that were stored before at another time.
        let changed = self.clocks.write(self.connection, self.facts.clocks())?;
        for position in changed {
            if let Some(subject) = load::subject(self.connection, position)? {
                self.names.find(self.connection, [&subject])?;
                affected.extend(self.names.get(&subject).map(|id| (id, subject)));
            }
        }
        let parents = std::mem::take(&mut self.parents);
        let devices = project::devices_inside(self.connection, &self.names, &self.inside, affected, parents)?;
        let changes =
            project::refold(self.connection, &mut self.names, &mut self.facts, &devices, &self.known.dimensions)?;
        self.flush()?;
        for (device, one) in changes.contradictions() {
            tracing::error!(
                serial = device.id,
                scope = device.scope,
                code = one.code,
                stations = one.stations.join(", "),
                "ALARM: records contradict each other: {}",
                one.text
            );
        }
        changes.write(self.connection)?;
        let mut receipts = Vec::new();
        for touched in self.touched.values() {
            stations::ahead_verified(self.connection, &touched.station, touched.series)?;
            lineage::ahead_carried(self.connection, &touched.station, touched.series)?;
        }
        for (series, touched) in std::mem::take(&mut self.touched) {
            receipts.extend(self.receipt(series, touched)?);
        }
        let holds = if self.holds_changed { Some(holds::message(self.connection)?) } else { None };
        let orders = match self.before.filter(|_| self.orders_changed) {
            Some(before) => work_orders::messages(self.connection, before)?,
            None => Vec::new(),
        };
        let Self { refused, heard, decided, known, .. } = self;
        Ok((Committed { receipts, refused, heard, decided, holds, orders }, known))
    }
}
