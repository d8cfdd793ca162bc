//! Which records to send next. Pure: times are handed in, nothing is sent here.
//!
//! A record is `stored`, then sent, then at the broker (its own PUBACK came), then settled: a receipt agreed or, with
//! `confirm = "broker"`, its own PUBACK was enough. A lost session, a missing PUBACK, a missing receipt or a restarted
//! service puts everything that is not settled back; the identity of records makes repetition harmless.
//!
//! While the connection was made with a large backlog, records that are stored from then on are *live*: one place of the
//! window is theirs, the other places drain the backlog. Each of the two is sent in order; the service takes segments in
//! any order. When the backlog has reached the live ones they are one again.
//!
//! The backlog is sent only so far ahead of what is settled. Without receipts, only the oldest segment is sent again, ever more slowly; when one moves, so does everything behind it.

#[cfg(test)]
mod property;
mod refused;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::runs::Runs;

/// Segments that may wait for their PUBACK at once.
const WINDOW: usize = 4;
/// Of these, the places of live records while there is a backlog.
const LIVE_WINDOW: usize = 1;
/// So many records make a backlog: two segments.
pub(super) const BACKLOG: u64 = 256;
/// Without any progress the wait grows up to this many times the configured one.
const LONGEST_FACTOR: u32 = 16;

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Send a segment that begins at the first sequence and does not go beyond the second.
    Send(u64, u64),
    /// Send a segment from the first to the second sequence again, receipted or not: the service asks for it.
    Again(u64, u64),
    /// Nothing until something happens, or until this time.
    Wait(Option<Duration>),
}

/// How to send.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Receipts are waited for so long.
    pub timeout: Duration,
    /// Whether live records are sent beside a backlog.
    pub live_first: bool,
    /// So far beyond what is settled the backlog is sent. A broker acknowledges faster than a service stores, and drops what
    /// is too much for it, after its PUBACK.
    pub ahead: u64,
}

/// Records that are sent beside the backlog.
#[derive(Debug, Clone, Copy)]
struct Live {
    /// The first of them.
    from: u64,
    /// The next to send.
    cursor: u64,
}

/// Records are at the broker, and their receipt has not come.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    /// Since when nothing has moved.
    since: Duration,
    /// When the oldest segment is sent again.
    due: Duration,
}

/// The sender's view of the queue.
#[derive(Debug, Clone)]
pub struct Sender {
    pace: Pace,
    connected: bool,
    last: u64,
    settled: u64,
    /// The next sequence of the backlog to send; of everything where nothing is live.
    cursor: u64,
    live: Option<Live>,
    in_flight: Vec<(u64, u64)>,
    /// What the service asks for again; it may have lost what it had receipted.
    asked: Vec<(u64, u64)>,
    /// What the broker refused and is sent again as it stands here.
    back: Vec<(u64, u64)>,
    /// Above `settled`: nothing is left to be done for these, their own PUBACK was enough or they are set aside.
    done: Runs,
    /// No segment goes on beyond one of these: a larger one was refused.
    cuts: BTreeSet<u64>,
    /// How often a single record was refused.
    strikes: BTreeMap<u64, u8>,
    /// Single records that were refused, and when each is sent again.
    parked: BTreeMap<u64, Duration>,
    /// One segment at a time up to here: one of those in flight made the broker end the connection.
    careful: u64,
    /// Nothing is sent before this time, because the broker refused.
    held_until: Duration,
    refusals: u32,
    waiting: Option<Waiting>,
    factor: u32,
    /// The oldest segment was sent again: once it moves, what is behind it follows.
    probing: bool,
    /// Highest sequence that the broker has.
    at_broker: u64,
}

impl Sender {
    /// Begins with everything above `settled` unsent.
    #[must_use]
    pub fn new(last: u64, settled: u64, pace: Pace) -> Self {
        Self {
            pace,
            connected: false,
            last,
            settled,
            cursor: settled + 1,
            live: None,
            in_flight: Vec::new(),
            asked: Vec::new(),
            back: Vec::new(),
            done: Runs::default(),
            cuts: BTreeSet::new(),
            strikes: BTreeMap::new(),
            parked: BTreeMap::new(),
            careful: 0,
            held_until: Duration::ZERO,
            refusals: 0,
            waiting: None,
            factor: 1,
            probing: false,
            at_broker: 0,
        }
    }

    /// Another series is written from now on, over the same session.
    pub fn begin(&mut self, last: u64, settled: u64, now: Duration) {
        let connected = self.connected;
        *self = Self::new(last, settled, self.pace);
        if connected {
            self.connected(now);
        }
    }

    /// There is a session. What was in flight in another one is unknown: it goes back.
    pub fn connected(&mut self, now: Duration) {
        self.connected = true;
        self.live = None;
        self.start_again(now);
        if self.pace.live_first && self.last - self.settled > BACKLOG {
            self.live = Some(Live { from: self.last + 1, cursor: self.last + 1 });
        }
    }

    /// There is no session. What was in flight is known until the next one: it may still be told why this one ended.
    pub fn disconnected(&mut self) {
        self.connected = false;
        self.asked.clear(); // the service asks again with its next receipt
        self.waiting = None;
    }

    /// The service began anew, or someone asks for another try: everything that is not settled goes back.
    pub fn start_again(&mut self, now: Duration) {
        self.in_flight.clear();
        self.back.clear();
        self.parked.clear();
        self.done = Runs::default();
        self.cursor = self.settled + 1;
        if let Some(live) = &mut self.live {
            live.cursor = live.from;
        }
        (self.held_until, self.refusals) = (now, 0);
        (self.waiting, self.factor, self.probing, self.at_broker) = (None, 1, false, 0);
    }

    /// The service asks for records that it has not, or not any more.
    pub fn resend(&mut self, ranges: &[(u64, u64)]) {
        if ranges.is_empty() {
            return;
        }
        // Each receipt asks for all that is missing: the last one counts. The numbers come from outside.
        let asked = ranges.iter().map(|(from, to)| ((*from).max(1), (*to).min(self.last)));
        // What is on its way already would only be sent twice.
        let mut asked: Vec<_> = asked.filter(|(from, to)| from <= to && !self.is_in_flight(*from)).collect();
        asked.sort_unstable();
        self.asked = asked;
    }

    /// The segment from `first` to `last`, which was asked for, was handed to the client.
    pub fn sent_again(&mut self, first: u64, last: u64) {
        self.in_flight.push((first, last));
        self.answered(last);
    }

    /// What was asked for up to `last` is done with.
    pub fn answered(&mut self, last: u64) {
        self.asked.iter_mut().for_each(|(from, _)| *from = (*from).max(last + 1));
        self.asked.retain(|(from, to)| from <= to);
    }

    /// The journal moved.
    pub fn journal(&mut self, last: u64, settled: u64, now: Duration) {
        self.last = last;
        if settled <= self.settled {
            return;
        }
        self.settled = settled;
        self.factor = 1;
        self.done.forget_up_to(settled);
        self.cuts.retain(|cut| *cut > settled);
        if self.careful <= settled {
            self.careful = 0;
        }
        self.strikes.retain(|seq, _| *seq > settled);
        self.parked.retain(|seq, _| *seq > settled);
        self.back.retain_mut(|(first, last)| {
            *first = (*first).max(settled + 1);
            first <= last
        });
        if std::mem::take(&mut self.probing) {
            // What had been sent after the oldest segment may be as lost as that one was.
            self.cursor = settled + 1;
            if let Some(live) = &mut self.live {
                live.cursor = live.from;
            }
        }
        self.cursor = self.cursor.max(settled + 1);
        let due = now + self.pace.timeout;
        self.waiting = (settled < self.at_broker).then_some(Waiting { since: now, due });
    }

    /// The segment from `first` to `last` was handed to the client for [`Step::Send`] of `asked`: what lies between is set
    /// aside.
    pub fn sent(&mut self, asked: u64, first: u64, last: u64) {
        self.in_flight.push((first, last));
        if asked < first {
            self.done.insert(asked, first - 1);
        }
        self.advance(asked, last);
    }

    /// There is nothing to send from `asked` to `last`: what is there is set aside.
    pub fn nothing_there(&mut self, asked: u64, last: u64) {
        let last = last.min(self.last);
        self.done.insert(asked, last);
        self.advance(asked, last);
    }

    fn advance(&mut self, from: u64, last: u64) {
        self.parked.remove(&from);
        let pieces = std::mem::take(&mut self.back).into_iter().map(|(first, to)| match first == from {
            true => (last + 1, to),
            false => (first, to),
        });
        self.back = pieces.filter(|(first, to)| first <= to).collect();
        match &mut self.live {
            Some(live) if live.from <= from => live.cursor = live.cursor.max(last + 1),
            _ => self.cursor = self.cursor.max(last + 1),
        }
    }

    /// The broker has the segment that begins at `first`. A receipt will say that the service has it, too.
    pub fn at_broker(&mut self, first: u64, now: Duration) {
        let Some((_, last)) = self.landed(first) else { return };
        self.at_broker = self.at_broker.max(last);
        if self.settled < last {
            let due = now + self.pace.timeout * self.factor;
            self.waiting.get_or_insert(Waiting { since: now, due });
        }
    }

    /// The broker has the segment that begins at `first`, and its word is enough. Tells up to where, without a hole,
    /// everything is done.
    pub fn done(&mut self, first: u64) -> u64 {
        if let Some((first, last)) = self.landed(first) {
            self.done.insert(first, last);
        }
        self.done.after(self.settled + 1) - 1
    }

    /// Takes a segment out of the window that the broker took.
    fn landed(&mut self, first: u64) -> Option<(u64, u64)> {
        let (first, last) = self.take(first)?;
        self.refusals = 0;
        if last >= self.careful {
            self.careful = 0;
        }
        Some((first, last))
    }

    fn take(&mut self, first: u64) -> Option<(u64, u64)> {
        let place = self.in_flight.iter().position(|(begin, _)| *begin == first)?;
        Some(self.in_flight.remove(place))
    }

    fn is_in_flight(&self, seq: u64) -> bool {
        self.in_flight.iter().any(|(first, last)| *first <= seq && seq <= *last)
    }

    /// For how long nothing has moved, although the broker has records without a receipt.
    #[must_use]
    pub fn silence(&self, now: Duration) -> Option<Duration> {
        self.waiting.map(|waiting| now.saturating_sub(waiting.since))
    }

    /// What to do now. With [`Step::Send`] the caller must go on with [`Sender::sent`] or
    /// [`Sender::nothing_there`], with [`Step::Again`] with [`Sender::sent_again`] or [`Sender::answered`].
    pub fn step(&mut self, now: Duration) -> Step {
        if !self.connected {
            return Step::Wait(None);
        }
        if now < self.held_until {
            return Step::Wait(Some(self.held_until));
        }
        self.cursor = self.done.after(self.cursor);
        if let Some(live) = self.live.filter(|live| live.from <= self.cursor) {
            self.cursor = self.done.after(self.cursor.max(live.cursor));
            self.live = None;
        }
        // Where nothing is live, everything is the backlog.
        let (backlog_end, places) = self.live.map_or((u64::MAX, WINDOW), |live| (live.from - 1, WINDOW - LIVE_WINDOW));
        let live_flying = self.in_flight.iter().filter(|(first, _)| *first > backlog_end).count();
        let others_flying = self.in_flight.len() - live_flying;
        let is_free = self.in_flight.len() < if self.careful > 0 { 1 } else { WINDOW };
        if is_free && others_flying < places {
            if let Some((first, last)) = self.asked.first() {
                return Step::Again(*first, *last);
            }
            if let Some((first, last)) = self.back.first() {
                return self.send(*first, *last);
            }
            if let Some((seq, _)) = self.parked.iter().find(|(_, due)| **due <= now) {
                return Step::Send(*seq, *seq);
            }
            if let Some(first) = self.probe(now) {
                return self.send(first, u64::MAX);
            }
        }
        if let Some(live) = self.live.filter(|live| is_free && live.cursor <= self.last && live_flying < LIVE_WINDOW) {
            return self.send(live.cursor, u64::MAX);
        }
        let far = self.done.after(self.settled + 1).saturating_add(self.pace.ahead);
        let near = self.cursor <= self.last.min(backlog_end) && self.cursor < far;
        if is_free && near && others_flying < places {
            return self.send(self.cursor, backlog_end);
        }
        // What is due and has no place goes when a place becomes free.
        let due = self.waiting.map(|waiting| waiting.due).into_iter().chain(self.parked.values().copied());
        Step::Wait(due.filter(|due| *due > now).min())
    }

    fn send(&self, first: u64, last: u64) -> Step {
        let cut = self.cuts.range(first..).next().copied().unwrap_or(u64::MAX);
        Step::Send(first, last.min(cut))
    }

    /// The oldest record without a receipt, if it is due to be sent again.
    fn probe(&mut self, now: Duration) -> Option<u64> {
        let first = self.done.after(self.settled + 1);
        let in_flight = self.is_in_flight(first) || self.parked.contains_key(&first);
        let waiting = self.waiting.as_mut().filter(|waiting| waiting.due <= now && !in_flight)?;
        self.factor = (self.factor * 2).min(LONGEST_FACTOR);
        waiting.due = now + self.pace.timeout * self.factor;
        self.probing = true;
        (first <= self.last).then_some(first)
    }
}
