//! What a receipt says of a series.

use records::Hash;
use records::enrolment::SERVICE;
use records::wire::{Receipt, Run, Status};

use super::{Append, Touched};
use crate::lineage::{sound, union, without};
use crate::store::sql;
use crate::store::tables::{lineage, runs, sscc, stations};

/// Most runs above a hole, and most holes asked for, in one receipt.
const MOST_RUNS: usize = 32;

impl Append<'_> {
    /// What is now stored of a series that the transaction has touched. The service needs no receipt for its own.
    pub(super) fn receipt(&mut self, series: i64, touched: Touched) -> sql::Result<Option<Receipt>> {
        let Touched { station, series: id, rejected, fork, receipted, waits } = touched;
        let verified = stations::verified(self.connection, &station, id)?;
        let known = lineage::will_not_come(self.connection, &station, id, verified.as_ref())?;
        // A status that came before the first record of its series counts from now on.
        sscc::learn(self.connection, &station, verified.as_ref())?;
        if station == SERVICE {
            return Ok(None);
        }
        let stored = self.runs(series)?.clone();
        let (up_to, hash) = match stored.first() {
            Some(&(1, last)) => (last, self.hash(series, last)?.unwrap_or(Hash::ZERO)),
            _ => (0, Hash::ZERO),
        };
        let mut also = Vec::new();
        for &(first, last) in told(&stored, waits) {
            also.push(Run { first, last, hash: self.hash(series, last)?.unwrap_or(Hash::ZERO) });
        }
        let mut resend = Vec::new();
        // Only what it has a receipt for: what is above may still be on its way, and the station sends it again by itself.
        for hole in without(&[(1, receipted)], &union(&stored, &known)) {
            if resend.len() < MOST_RUNS && !runs::is_known(self.connection, series, hole)? {
                resend.push(hole);
            }
        }
        let sscc_mark = sscc::word(self.connection, &station, id, verified.as_ref(), self.now)?;
        Ok(Some(Receipt { station, series: id, up_to, hash, also, rejected, resend, fork, sscc_mark }))
    }
}

/// The runs above the first hole that a receipt names: where there are too many, those from where the station waits. What
/// it set aside splits the runs for good, and it goes on only by the run that begins at its mark. Where nothing says where
/// that is, the lowest: it sends its oldest record again, and that does say it.
fn told(stored: &[(u64, u64)], waits: Option<u64>) -> &[(u64, u64)] {
    let above = &stored[usize::from(stored.first().is_some_and(|(first, _)| *first == 1))..];
    let from = above.partition_point(|(_, last)| waits.is_some_and(|seq| *last < seq));
    let from = from.min(above.len().saturating_sub(MOST_RUNS));
    &above[from..above.len().min(from + MOST_RUNS)]
}

/// The first record that a station waits for a receipt for; `None` where its status has no room for all that it has set
/// aside, so that nobody can count.
pub(super) fn first_waiting(status: &Status) -> Option<u64> {
    if status.set_aside.len() >= Status::MOST_RUNS {
        return None;
    }
    // It counts neither what it has a receipt for nor what it has set aside.
    let mut waiting = status.queue.records;
    for (first, last) in without(&[(1, status.last)], &sound(&status.set_aside)).into_iter().rev() {
        match waiting.checked_sub(last - first + 1) {
            Some(more) if more > 0 => waiting = more,
            _ => return Some((last - waiting).saturating_add(1)),
        }
    }
    Some(1)
}

/// Is this stored, in a series with holes?
pub(super) fn is_among_holes(stored: &[(u64, u64)], seq: u64) -> bool {
    stored.len() > 1 && stored.iter().any(|(first, last)| (*first..=*last).contains(&seq))
}

#[cfg(test)]
mod tests;
