//! Which records to send next. Pure: times are handed in, nothing is sent here.
//!
//! A record is `stored`, then sent, then at the broker (its own PUBACK came), then settled (a receipt agreed). Only a
//! receipt ends it. A lost session, a missing PUBACK, a missing receipt or a restarted service puts everything without a
//! receipt back; the identity of records makes repetition harmless.

use std::time::Duration;

/// Segments that may wait for their PUBACK at once.
const WINDOW: usize = 4;
/// Without any progress the wait for receipts grows up to this many times the configured one.
const LONGEST_FACTOR: u32 = 16;

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Send a segment that begins at this sequence.
    Send(u64),
    /// Send a segment from the first to the second sequence again, receipted or not: the service asks for it.
    Again(u64, u64),
    /// Nothing until something happens, or until this time.
    Wait(Option<Duration>),
}

/// The sender's view of the queue.
#[derive(Debug, Clone)]
pub struct Sender {
    connected: bool,
    last: u64,
    settled: u64,
    /// The next sequence to send.
    cursor: u64,
    in_flight: Vec<(u64, u64)>,
    /// What the service asks for again; it may have lost what it had receipted.
    asked: Vec<(u64, u64)>,
    timeout: Duration,
    factor: u32,
    /// When something last moved towards a receipt.
    progress: Duration,
}

impl Sender {
    /// Begins with everything above `settled` unsent. Receipts are waited for `timeout` long.
    #[must_use]
    pub fn new(last: u64, settled: u64, timeout: Duration) -> Self {
        let cursor = settled + 1;
        Self {
            connected: false,
            last,
            settled,
            cursor,
            in_flight: Vec::new(),
            asked: Vec::new(),
            timeout,
            factor: 1,
            progress: Duration::ZERO,
        }
    }

    /// There is a session. What was in flight in another one is unknown: it goes back.
    pub fn connected(&mut self, now: Duration) {
        self.connected = true;
        self.start_again(now);
    }

    /// There is no session.
    pub fn disconnected(&mut self) {
        self.connected = false;
        self.in_flight.clear();
        self.asked.clear(); // the service asks again with its next receipt
    }

    /// The service began anew, or someone asks for another try.
    pub fn start_again(&mut self, now: Duration) {
        self.in_flight.clear();
        self.cursor = self.settled + 1;
        self.factor = 1;
        self.progress = now;
    }

    /// The service asks for records that it has not, or not any more.
    pub fn resend(&mut self, ranges: &[(u64, u64)], now: Duration) {
        if ranges.is_empty() {
            return;
        }
        // Each receipt asks for all that is missing: the last one counts. The numbers come from outside.
        let last = self.last;
        self.asked =
            ranges.iter().map(|(from, to)| ((*from).max(1), (*to).min(last))).filter(|(from, to)| from <= to).collect();
        // What is on its way already would only be sent twice.
        self.asked.retain(|(from, _)| !self.in_flight.iter().any(|(first, last)| first <= from && from <= last));
        self.asked.sort_unstable();
        self.progress = now;
    }

    /// The segment from `first` to `last`, which was asked for, was handed to the client.
    pub fn sent_again(&mut self, first: u64, last: u64) {
        self.in_flight.push((first, last));
        self.not_held(last);
    }

    /// What was asked for up to `last` is done with.
    pub fn not_held(&mut self, last: u64) {
        self.asked.iter_mut().for_each(|(from, _)| *from = (*from).max(last + 1));
        self.asked.retain(|(from, to)| from <= to);
    }

    /// The journal moved.
    pub fn journal(&mut self, last: u64, settled: u64, now: Duration) {
        if self.cursor > self.last && last > self.last {
            self.progress = now; // the queue was empty: the wait begins now
        }
        self.last = last;
        if settled > self.settled {
            self.settled = settled;
            self.cursor = self.cursor.max(settled + 1);
            self.factor = 1;
            self.progress = now;
        }
    }

    /// The segment from `first` to `last` was handed to the client.
    pub fn sent(&mut self, first: u64, last: u64) {
        self.in_flight.push((first, last));
        self.cursor = last + 1;
    }

    /// There is nothing to send from the cursor on: what is there is set aside.
    pub fn nothing_there(&mut self) {
        self.cursor = self.last + 1;
    }

    /// The broker has the segment that begins at `first`.
    pub fn at_broker(&mut self, first: u64, now: Duration) {
        self.in_flight.retain(|(begin, _)| *begin != first);
        self.progress = now;
    }

    /// Records without a receipt, although the broker has them, and for how long nothing has moved.
    #[must_use]
    pub fn silence(&self, now: Duration) -> Option<Duration> {
        let waiting = self.connected && self.settled < self.last && self.in_flight.is_empty();
        waiting.then(|| now.saturating_sub(self.progress))
    }

    /// What to do now. With [`Step::Send`] the caller must go on with [`Sender::sent`] or
    /// [`Sender::nothing_there`], with [`Step::Again`] with [`Sender::sent_again`] or [`Sender::not_held`].
    pub fn step(&mut self, now: Duration) -> Step {
        if !self.connected {
            return Step::Wait(None);
        }
        if let Some((first, last)) = self.asked.first().filter(|_| self.in_flight.len() < WINDOW) {
            return Step::Again(*first, *last);
        }
        if self.cursor <= self.last && self.in_flight.len() < WINDOW {
            return Step::Send(self.cursor);
        }
        if self.settled == self.last || !self.in_flight.is_empty() {
            return Step::Wait(None); // the client times missing PUBACKs out
        }
        let due = self.progress + self.timeout * self.factor;
        if now < due {
            return Step::Wait(Some(due));
        }
        self.cursor = self.settled + 1;
        self.factor = (self.factor * 2).min(LONGEST_FACTOR);
        self.progress = now;
        Step::Send(self.cursor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(10);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn sends_in_order_and_waits_for_the_receipt() {
        let mut sender = Sender::new(3, 0, TIMEOUT);
        assert_eq!(sender.step(at(0)), Step::Wait(None), "not connected");
        sender.connected(at(0));
        assert_eq!(sender.step(at(0)), Step::Send(1));
        sender.sent(1, 2);
        assert_eq!(sender.step(at(0)), Step::Send(3));
        sender.sent(3, 3);
        sender.at_broker(1, at(1));
        sender.at_broker(3, at(1));
        assert_eq!(sender.step(at(1)), Step::Wait(Some(at(11))));
        sender.journal(3, 3, at(2));
        assert_eq!(sender.step(at(2)), Step::Wait(None), "everything has its receipt");
    }

    #[test]
    fn without_a_receipt_it_sends_again_ever_more_slowly() {
        let mut sender = Sender::new(1, 0, TIMEOUT);
        sender.connected(at(0));
        let mut sent_at = Vec::new();
        for now in 0..600 {
            if let Step::Send(first) = sender.step(at(now)) {
                assert_eq!(first, 1);
                sender.sent(1, 1);
                sender.at_broker(1, at(now));
                sent_at.push(now);
            }
        }
        assert_eq!(sent_at, [0, 10, 30, 70, 150, 310, 470]);
    }

    #[test]
    fn a_lost_session_and_a_new_service_put_everything_back() {
        let mut sender = Sender::new(5, 2, TIMEOUT);
        sender.connected(at(0));
        sender.sent(3, 4);
        sender.disconnected();
        assert_eq!(sender.step(at(1)), Step::Wait(None));
        sender.connected(at(1));
        assert_eq!(sender.step(at(1)), Step::Send(3));
        sender.sent(3, 5);
        sender.at_broker(3, at(1));
        sender.start_again(at(2));
        assert_eq!(sender.step(at(2)), Step::Send(3));
    }

    #[test]
    fn a_puback_never_frees() {
        let mut sender = Sender::new(1, 0, TIMEOUT);
        sender.connected(at(0));
        sender.sent(1, 1);
        sender.at_broker(1, at(0));
        sender.connected(at(1));
        assert_eq!(sender.step(at(1)), Step::Send(1));
    }

    #[test]
    fn what_the_service_has_lost_is_sent_again_although_it_was_receipted() {
        let mut sender = Sender::new(20, 20, TIMEOUT);
        sender.connected(at(0));
        assert_eq!(sender.step(at(0)), Step::Wait(None));
        sender.resend(&[(5, 8), (12, 99), (30, 40), (9, 3)], at(1));
        assert_eq!(sender.step(at(1)), Step::Again(5, 8));
        sender.sent_again(5, 6);
        assert_eq!(sender.step(at(1)), Step::Again(7, 8));
        sender.not_held(8);
        assert_eq!(sender.step(at(1)), Step::Again(12, 20), "never beyond what was written");
        sender.sent_again(12, 20);
        assert_eq!(sender.step(at(1)), Step::Wait(None));
    }

    #[derive(Debug, Clone)]
    enum Happens {
        Stored(u64),
        PubackAll,
        SessionLost,
        ServiceRestarts,
        ServiceReads(bool),
        Time(u64),
    }

    fn happens() -> impl Strategy<Value = Happens> {
        prop_oneof![
            (1..40u64).prop_map(Happens::Stored),
            Just(Happens::PubackAll),
            Just(Happens::SessionLost),
            Just(Happens::ServiceRestarts),
            any::<bool>().prop_map(Happens::ServiceReads),
            (1..200u64).prop_map(Happens::Time),
        ]
    }

    proptest! {
        /// Whatever happens on the way, once the way is clear everything arrives and gets its receipt.
        #[test]
        fn nothing_stays_behind(history in proptest::collection::vec(happens(), 0..80)) {
            let (mut now, mut last, mut settled) = (0, 0, 0);
            let mut sender = Sender::new(0, 0, TIMEOUT);
            let mut wire: Vec<(u64, u64)> = Vec::new(); // sent, not yet read by the service
            let mut held = std::collections::BTreeSet::new(); // what the service has
            let clear = [Happens::SessionLost, Happens::PubackAll, Happens::ServiceReads(true)];
            let end = std::iter::repeat_n(clear, 20).flatten().chain([Happens::Time(300)]);
            sender.connected(at(0));
            for event in history.into_iter().chain(end) {
                match event {
                    Happens::Stored(count) => last += count,
                    Happens::PubackAll => {
                        for (first, _) in sender.in_flight.clone() {
                            sender.at_broker(first, at(now));
                        }
                    }
                    Happens::SessionLost => {
                        sender.disconnected();
                        sender.connected(at(now));
                    }
                    Happens::ServiceRestarts => sender.start_again(at(now)),
                    Happens::ServiceReads(arrives) => {
                        for (first, to) in wire.drain(..).filter(|_| arrives) {
                            held.extend(first..=to);
                        }
                        while held.contains(&(settled + 1)) {
                            settled += 1;
                        }
                    }
                    Happens::Time(seconds) => now += seconds,
                }
                sender.journal(last, settled, at(now));
                while let Step::Send(first) = sender.step(at(now)) {
                    prop_assert!(first <= last && first > settled);
                    let to = last.min(first + 9);
                    sender.sent(first, to);
                    wire.push((first, to));
                }
            }
            prop_assert_eq!(settled, last);
        }
    }
}
