//! The way of records to the service and of receipts back, as the forwarder and the owner of the journal go it.

use agent::forward::sender;
use agent::journal::JournalError;
use records::chain;
use records::wire::Receipt;

use crate::service::Sent;
use crate::truth::{Kind, Violation};
use crate::world::{Station, World};

/// Lines in a segment: few, so that there is something to reorder.
const SEGMENT: usize = 3;

impl World {
    /// Sends what is due, as the forwarder does.
    pub fn send(&mut self) {
        let now = self.now();
        let Some(station) = &mut self.station else { return };
        let Station { journal, sender, in_flight, .. } = station;
        sender.journal(journal.position().last, journal.settled(), now);
        loop {
            let (first, last, again) = match sender.step(now) {
                sender::Step::Wait(_) => return,
                sender::Step::Send(first, last) => (first, last, false),
                sender::Step::Again(first, last) => (first, last, true),
            };
            let most = usize::try_from(last - first).map_or(SEGMENT, |count| (count + 1).min(SEGMENT));
            match journal.queued(first, most, usize::MAX) {
                Ok(Some(mut run)) if run.first <= last => {
                    run.lines.truncate(usize::try_from(last - run.first).map_or(usize::MAX, |count| count + 1));
                    let sent = Sent { series: journal.series(), first: run.first, prev: run.prev, lines: run.lines };
                    let (from, to) = (sent.first, sent.last());
                    if again {
                        sender.sent_again(from, to)
                    } else {
                        sender.sent(first, from, to)
                    }
                    in_flight.push((from, to));
                    self.up.push(sent);
                }
                Ok(_) if again => sender.answered(last),
                Ok(_) => sender.nothing_there(first, last),
                Err(_) => return, // the forwarder pauses and tries again
            }
        }
    }

    /// A receipt arrives.
    pub fn receipt(&mut self, receipt: &Receipt) -> Result<(), Violation> {
        let now = self.now();
        let Some(station) = &mut self.station else { return Ok(()) };
        let journal = &mut station.journal;
        let applied = journal.apply(receipt);
        if receipt.series == journal.series() {
            station.sender.resend(&receipt.resend);
        }
        station.sender.journal(journal.position().last, journal.settled(), now);
        if applied.is_ok() && self.mutation.is_none() {
            let aside = self.aside();
            let series = self.truth.series.unwrap_or_default();
            let ever = |seq| self.service.ever.contains_key(&(series, seq)) || aside(seq);
            let settled = self.station.as_ref().map_or(0, |station| station.journal.settled());
            if let Some(early) = (1..=settled).find(|seq| !ever(*seq)) {
                return Err(Kind::Early.at(early, "counts as received, and the service never had it"));
            }
        }
        Ok(())
    }

    /// Which records were set aside.
    pub fn aside(&self) -> impl Fn(u64) -> bool + use<> {
        let runs = self.station.as_ref().map(|station| station.journal.set_aside()).unwrap_or_default();
        move |seq| runs.iter().any(|(first, last)| (first..=last).contains(&&seq))
    }

    /// The receipt that a station which forgets at the PUBACK makes up for itself.
    pub fn made_up_receipt(&mut self, up_to: u64) -> Option<Receipt> {
        let journal = &self.station.as_ref()?.journal;
        let line = journal.line(up_to).ok()??;
        Some(Receipt::stored("pack-1", journal.series(), up_to, chain::hash_line(&line)))
    }

    /// The mark of receipts is written.
    pub fn save_settled(&mut self) -> Result<(), JournalError> {
        let Some(station) = &mut self.station else { return Ok(()) };
        let moved = station.journal.settled() != self.truth.saved;
        station.journal.save_settled(station.answered)?;
        if moved {
            self.truth.saved = station.journal.settled();
            self.truth.maybe.clear(); // what failed before was written over
        }
        Ok(())
    }
}
