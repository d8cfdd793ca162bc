//! The chain of one series, line by line. Pure.
//!
//! Trust comes from the envelopes: an authentic one signs the hash of its last line, and each line carries the hash of
//! the line before it. Where the chain is broken between two lines, the signature reaches the upper one and nothing below.

use std::collections::VecDeque;

use records::chain::{BEFORE_THE_FIRST, hash_line};
use records::segment::{Envelope, MAX_LINES};
use records::wire::Status;
use records::{Event, Hash, PublicKey, SeriesId};

use super::LineHead;
use super::report::{Hole, Report, What};
use crate::export::Why;
use crate::projection::Reading;

/// A series while its lines come.
pub struct Series {
    station: String,
    series: SeriesId,
    key: PublicKey,
    /// The highest sequence that is known to exist.
    highest: u64,
    /// The sequence that comes next.
    next: u64,
    before: Option<Before>,
    /// A named hole, from `next` on: no line of it has come.
    hole: Option<(u64, Why)>,
    /// From here on each line carries the hash of the one before.
    unbroken_from: u64,
    /// Authentic envelopes whose last line has not come.
    active: Vec<Envelope>,
    /// First and last of the last envelope.
    latest: (u64, u64),
    /// Lines that an envelope may yet reach, and whether one has, or a fault names them.
    open: VecDeque<(u64, bool)>,
    status: Option<Status>,
    /// The hash of the highest record is not the one that the status names.
    disagrees: bool,
}

/// The line before.
struct Before {
    seq: u64,
    hash: Hash,
    /// A fault names it.
    faulty: bool,
    /// It does not carry the hash of the line before it: one of the two was changed.
    doubt: bool,
}

const SIGNED: &str = "an envelope signs it, and it is not here";
const FOLLOWS: &str = "its hash is not the one that the next record carries";

impl Series {
    pub fn new(station: &str, series: SeriesId, key: PublicKey, highest: u64) -> Self {
        Self {
            station: station.to_owned(),
            series,
            key,
            highest,
            next: 1,
            before: None,
            hole: None,
            unbroken_from: 1,
            active: Vec::new(),
            latest: (0, 0),
            open: VecDeque::new(),
            status: None,
            disagrees: false,
        }
    }

    /// The station and the series.
    pub fn id(&self) -> (&str, SeriesId) {
        (&self.station, self.series)
    }

    fn fault(&self, report: &mut Report, range: (u64, u64), what: What, why: impl Into<String>) {
        report.fault(Some((&self.station, self.series)), Some(range), what, why);
    }

    /// The last status, by whom it was signed. One of another key was never this station's word.
    pub fn status(&mut self, report: &mut Report, key: &PublicKey, body: &str) {
        if *key != self.key {
            return;
        }
        match serde_json::from_str::<Status>(body) {
            Ok(status) if status.station == self.station && status.series == self.series => self.status = Some(status),
            _ => report.fault(Some(self.id()), None, What::Changed, "the last status of its station cannot be read"),
        }
    }

    /// Up to here, the station has said that it has receipts.
    fn receipted(&self) -> u64 {
        self.status.as_ref().map_or(0, |status| status.last.saturating_sub(status.queue.records))
    }

    /// An envelope, before the first line that it signs.
    pub fn envelope(&mut self, report: &mut Report, envelope: Envelope) {
        report.envelopes += 1;
        let (first, last) = (envelope.first, envelope.last);
        let wrong = if first == 0 || last < first || last - first >= MAX_LINES as u64 {
            Some((What::Signature, "no envelope can sign these records"))
        } else if (&envelope.station, envelope.series) != (&self.station, self.series) {
            Some((What::Inserted, "the envelope is one of another series"))
        } else if envelope.key != self.key {
            Some((What::Key, "the envelope names another key than its series"))
        } else if !envelope.is_authentic() {
            Some((What::Signature, "the signature of the envelope is wrong"))
        } else if (first, last) <= self.latest {
            Some((What::Inserted, "the envelope comes twice, or not in its place"))
        } else {
            None
        };
        if let Some((what, why)) = wrong {
            return self.fault(report, (first, last), what, why);
        }
        self.latest = (first, last);
        if first < self.next {
            // Lines from `first` on would have come after it.
            self.fault(report, (first, last.min(self.next - 1)), What::Missing, SIGNED);
        }
        if last >= self.next {
            self.active.push(envelope);
        }
    }

    /// A named hole.
    pub fn hole(&mut self, report: &mut Report, first: u64, last: u64, why: Why) {
        report.hole(Hole { station: self.station.clone(), series: self.series, first, last, why });
        let next = self.hole.map_or(self.next, |(last, _)| last.saturating_add(1));
        if first < next || last < first {
            return self.fault(report, (first, last), What::Inserted, "a hole is named where there is none");
        }
        self.close_hole(report, first - 1);
        if first > self.next {
            self.gap(report, self.next, first - 1, None);
        }
        self.hole = Some((last, why));
    }

    /// No line comes for the named hole up to `until`.
    fn close_hole(&mut self, report: &mut Report, until: u64) {
        let Some((last, why)) = self.hole else { return };
        if until >= self.next {
            self.gap(report, self.next, last.min(until), Some(why));
        }
        self.hole = self.hole.filter(|_| self.next <= last);
    }

    /// Nothing comes for these sequences.
    fn gap(&mut self, report: &mut Report, first: u64, last: u64, named: Option<Why>) {
        self.settle(report);
        let signed = || self.active.iter().filter(|envelope| envelope.first <= last && envelope.last >= first);
        let from = signed().map(|envelope| envelope.first.max(first)).min();
        let signed = from.zip(signed().map(|envelope| envelope.last.min(last)).max());
        match named {
            None => self.fault(report, (first, last), What::Missing, "it is not here, and no hole is named"),
            Some(why) => {
                if let Some(signed) = signed {
                    self.fault(report, signed, What::Missing, SIGNED);
                }
                if why == Why::NotCome && signed.is_none() && self.receipted() >= first {
                    let receipted = self.receipted().min(last);
                    let why = "it is not here, and its station has a receipt for it";
                    self.fault(report, (first, receipted), What::Missing, why);
                }
            }
        }
        self.next = last.saturating_add(1);
        self.active.retain(|envelope| envelope.last > last);
        self.close_open(report);
    }

    /// A line, the sequence that it has by its place, the hash that is stored beside it, and what it says of itself.
    pub fn line(
        &mut self,
        report: &mut Report,
        (seq, stored): (u64, Option<Hash>),
        bytes: &[u8],
        head: Option<LineHead>,
    ) {
        report.records += 1;
        if seq < self.next || seq > self.highest {
            let why = "there is one by this number already, or none can be: it is beyond the last";
            return self.fault(report, (seq, seq), What::Inserted, why);
        }
        self.close_hole(report, seq - 1);
        if self.hole.is_some() {
            self.fault(report, (seq, seq), What::Inserted, "a hole is named for it");
        }
        if seq > self.next {
            self.gap(report, self.next, seq - 1, None);
        }
        self.next = seq.saturating_add(1);
        self.hole = self.hole.filter(|(last, _)| *last > seq);
        let hash = hash_line(bytes);
        let mut wrong = None;
        if stored.is_some_and(|stored| stored != hash) {
            wrong = Some((What::Changed, "it does not have the hash that is stored beside it".to_owned()));
        }
        let prev = match head {
            Some(head) if head.seq == seq => Some(head.prev),
            Some(head) => {
                wrong = Some((What::Reordered, format!("the line in its place is record {}", head.seq)));
                None
            }
            None => {
                wrong = wrong.or(Some((What::Changed, "it cannot be read".to_owned())));
                None
            }
        };
        let starts = self.active.iter().filter(|envelope| envelope.first == seq);
        if wrong.is_none() && seq == 1 && prev != Some(BEFORE_THE_FIRST) {
            wrong = Some((What::Changed, "it names a record before it".to_owned()));
        } else if wrong.is_none() && starts.into_iter().any(|envelope| prev != Some(envelope.prev)) {
            wrong = Some((What::Changed, "it does not continue the record that its envelope signs".to_owned()));
        }
        let ends = || self.active.iter().filter(|envelope| envelope.last == seq);
        let confirmed = ends().any(|envelope| envelope.head == hash);
        if wrong.is_none() && ends().any(|envelope| envelope.head != hash) {
            wrong = Some((What::Changed, "it is not the one that its envelope signs".to_owned()));
        }
        let faulty = wrong.is_some();
        let doubt = self.link(report, seq, prev, faulty, confirmed);
        if let Some((what, why)) = wrong {
            self.fault(report, (seq, seq), what, why);
        }
        if seq == 1 && !names_key(bytes, &self.key) {
            self.fault(report, (1, 1), What::Key, "it does not name the key of its series");
        }
        if !faulty && self.status.as_ref().is_some_and(|status| status.last == seq && status.head != hash) {
            self.disagrees = true;
        }
        self.before = Some(Before { seq, hash, faulty, doubt });
        self.open.push_back((seq, faulty));
        self.cover(seq, hash);
        self.active.retain(|envelope| envelope.last > seq);
        self.close_open(report);
    }

    /// Follows the chain from the line before to this one. Answers whether it stays open which of the two was changed.
    fn link(&mut self, report: &mut Report, seq: u64, prev: Option<Hash>, faulty: bool, confirmed: bool) -> bool {
        let Some(mut before) = self.before.take().filter(|before| before.seq.checked_add(1) == Some(seq)) else {
            self.unbroken_from = seq;
            return false;
        };
        let linked = prev == Some(before.hash);
        if before.doubt {
            // This line vouches for the one before or accuses it.
            let changed = if linked || faulty { before.seq - 1 } else { before.seq };
            before.faulty |= changed == before.seq;
            self.changed(report, changed);
        }
        if linked {
            return false;
        }
        self.unbroken_from = seq;
        if before.faulty || faulty {
            return false;
        }
        if confirmed {
            self.changed(report, before.seq);
        }
        !confirmed
    }

    /// The line before was the last for now: a doubt about it is about the line under it.
    fn settle(&mut self, report: &mut Report) {
        if let Some(before) = self.before.take_if(|before| before.doubt) {
            self.changed(report, before.seq - 1);
        }
    }

    fn changed(&mut self, report: &mut Report, seq: u64) {
        self.fault(report, (seq, seq), What::Changed, FOLLOWS);
        if let Some(open) = self.open.iter_mut().find(|open| open.0 == seq) {
            open.1 = true;
        }
    }

    /// What the envelopes that end with this line reach.
    fn cover(&mut self, seq: u64, hash: Hash) {
        for envelope in self.active.iter().filter(|envelope| envelope.last == seq && envelope.head == hash) {
            let from = envelope.first.max(self.unbroken_from);
            self.open.iter_mut().rev().take_while(|open| open.0 >= from).for_each(|open| open.1 = true);
        }
    }

    /// Lets go of the lines that no envelope can reach any more.
    fn close_open(&mut self, report: &mut Report) {
        while let Some(&(seq, covered)) = self.open.front() {
            if self.active.iter().any(|envelope| envelope.first <= seq) {
                return;
            }
            self.open.pop_front();
            if !covered {
                self.fault(report, (seq, seq), What::Uncovered, "no valid signature reaches it");
            }
        }
    }

    /// A line kept apart.
    pub fn apart(&mut self, report: &mut Report, seq: u64, hash: Hash, bytes: &[u8]) {
        report.apart += 1;
        if hash_line(bytes) != hash {
            self.fault(report, (seq, seq), What::Changed, "the line kept apart does not have its hash");
        }
        // The station speaks of its other history, which is known.
        if self.status.as_ref().is_some_and(|status| status.last == seq && status.head == hash) {
            self.disagrees = false;
        }
    }

    /// Nothing more comes.
    pub fn end(mut self, report: &mut Report) {
        self.close_hole(report, u64::MAX);
        if self.next <= self.highest {
            self.gap(report, self.next, self.highest, None);
        }
        self.settle(report);
        if let Some(last) = self.active.iter().map(|envelope| envelope.last).max() {
            self.fault(report, (self.next, last), What::Missing, SIGNED);
        }
        self.active.clear();
        self.close_open(report);
        if let Some(status) = self.status.as_ref().filter(|_| self.disagrees) {
            let why = "its station has named another hash for it";
            self.fault(report, (status.last, status.last), What::Changed, why);
        }
    }
}

/// Record 1 of a series says whose it is. What newer software wrote there is not judged.
fn names_key(line: &[u8], key: &PublicKey) -> bool {
    let Some(record) = Reading::of(line).record else { return true };
    match record.event {
        Event::Unknown => true,
        Event::SeriesStarted => {
            record.attributes.get("key").and_then(serde_json::Value::as_str) == Some(&*key.to_string())
        }
        _ => false,
    }
}
