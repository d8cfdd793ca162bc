//! What becomes of segments that the broker does not take.

use std::time::Duration;

use super::{LONGEST_FACTOR, Sender, Waiting};

/// So often a single record is refused before it is set aside.
const STRIKES: u8 = 3;

impl Sender {
    /// The broker does not take the segment now, or its configuration has a fault. It is kept, and nothing is sent for a
    /// while: longer with each refusal, until the broker takes a segment again.
    pub fn later(&mut self, first: u64, now: Duration) {
        let Some(segment) = self.take_unsettled(first) else { return };
        self.back.push(segment);
        self.back.sort_unstable();
        // Segments that were refused together are one refusal.
        if now >= self.held_until {
            let factor = 1u32.checked_shl(self.refusals).unwrap_or(u32::MAX).min(LONGEST_FACTOR);
            self.held_until = now + self.pace.timeout * factor;
            self.refusals = self.refusals.saturating_add(1);
        }
    }

    /// The broker will never take the segment as it is: it is sent again in halves, and a single record later, while others
    /// go on. Tells one that was refused too often: it is to be set aside.
    #[must_use]
    pub fn smaller(&mut self, first: u64, now: Duration) -> Option<u64> {
        let (first, last) = self.take_unsettled(first)?;
        if first == last {
            let strikes = self.strikes.entry(first).or_default();
            *strikes += 1;
            if *strikes >= STRIKES {
                self.strikes.remove(&first);
                self.careful = if self.careful <= first { 0 } else { self.careful };
                return Some(first);
            }
            // What a broker refuses it may take a little later, as with a rule that somebody is just changing.
            let due = now + self.pace.timeout * u32::from(*strikes);
            self.parked.insert(first, due);
        } else {
            let middle = first + (last - first) / 2;
            self.back.extend([(first, middle), (middle + 1, last)]);
            self.cuts.extend([first - 1, middle, last]);
        }
        self.back.sort_unstable();
        None
    }

    /// The broker ended the connection because a packet was too large, and does not say which: the segment that begins at
    /// `first` was in flight. Where it was alone, it is halved; else they are sent one at a time from now on. Tells a
    /// record to be set aside, as [`Sender::smaller`].
    #[must_use]
    pub fn ended_as_too_large(&mut self, first: u64, now: Duration) -> Option<u64> {
        let given_up = match self.in_flight.as_slice() {
            [_] => self.smaller(first, now),
            _ => {
                self.careful = self.in_flight.iter().map(|(_, last)| *last).max().unwrap_or(0).max(self.careful);
                None
            }
        };
        self.disconnected();
        given_up
    }

    /// What is left to be done of a segment that was in flight: a receipt may have come before its refusal.
    fn take_unsettled(&mut self, first: u64) -> Option<(u64, u64)> {
        let (first, last) = self.take(first)?;
        let first = first.max(self.settled + 1);
        (first <= last).then_some((first, last))
    }

    /// Nobody has subscribed to what the broker took: it has thrown the segment away. It is sent again later.
    pub fn unclaimed(&mut self, first: u64, now: Duration) {
        let Some((_, last)) = self.landed(first) else { return };
        self.at_broker = self.at_broker.max(last);
        let due = now + self.pace.timeout * self.factor;
        self.waiting.get_or_insert(Waiting { since: now, due });
    }

    /// A record was set aside: there is nothing left to be done for it.
    pub fn set_aside(&mut self, seq: u64) {
        self.done.insert(seq, seq);
    }
}
