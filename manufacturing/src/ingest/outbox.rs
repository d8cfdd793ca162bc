//! What waits to be told: receipts by series, and counts of what was refused.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use records::SeriesId;
use records::wire::{Receipt, Run};
use tokio::sync::Notify;

/// Most rejections that one receipt carries.
const MOST_REJECTED: usize = 64;
/// Most runs above a hole that one receipt carries.
const MOST_RUNS: usize = 64;
/// Most stations whose refusals are counted by name.
const MOST_COUNTED: usize = 1024;

/// Receipts that wait to be published, one for each series: a later one says all that an earlier one says of what is
/// stored, and takes over the rest.
#[derive(Default)]
pub struct Outbox {
    waiting: Mutex<BTreeMap<(String, SeriesId), Receipt>>,
    filled: Notify,
}

impl Outbox {
    /// Adds a receipt that is true from now on.
    pub fn put(&self, receipt: Receipt) {
        let mut waiting = lock(&self.waiting);
        let key = (receipt.station.clone(), receipt.series);
        let receipt = match waiting.remove(&key) {
            Some(earlier) => merged(earlier, receipt),
            None => receipt,
        };
        waiting.insert(key, receipt);
        self.filled.notify_one();
    }

    /// Takes out everything, waiting until there is something.
    pub async fn take(&self) -> Vec<Receipt> {
        loop {
            let waiting = std::mem::take(&mut *lock(&self.waiting));
            if !waiting.is_empty() {
                return waiting.into_values().collect();
            }
            self.filled.notified().await;
        }
    }

    /// Takes out everything that is there.
    pub fn take_now(&self) -> Vec<Receipt> {
        std::mem::take(&mut *lock(&self.waiting)).into_values().collect()
    }
}

fn merged(earlier: Receipt, mut later: Receipt) -> Receipt {
    let mut rejected = earlier.rejected;
    rejected.retain(|one| !later.rejected.contains(one));
    rejected.append(&mut later.rejected);
    rejected.truncate(MOST_REJECTED);
    let also = runs(earlier.also, later.also);
    Receipt {
        also,
        rejected,
        fork: later.fork.or(earlier.fork),
        sscc_mark: later.sscc_mark.or(earlier.sscc_mark),
        ..later
    }
}

/// Each of the two may name only those that its station waits for by what was stored for it.
fn runs(mut earlier: Vec<Run>, mut later: Vec<Run>) -> Vec<Run> {
    earlier.retain(|one| !later.iter().any(|run| run.first <= one.first && one.last <= run.last));
    earlier.truncate(MOST_RUNS.saturating_sub(later.len()));
    later.append(&mut earlier);
    later.sort_unstable_by_key(|run| run.first);
    later
}

/// How many messages in the name of each station were refused since the start. Not stored: whoever sends rubbish must not
/// fill the store.
#[derive(Default)]
pub struct Refusals {
    counts: Mutex<BTreeMap<String, u64>>,
}

impl Refusals {
    /// Counts and logs one.
    pub fn add(&self, station: &str, reason: &str) {
        tracing::warn!(station, reason, "a message was refused");
        let mut counts = lock(&self.counts);
        let known = counts.len() < MOST_COUNTED || counts.contains_key(station);
        // No station has the empty name: there stand those that are counted together.
        *counts.entry(if known { station.to_owned() } else { String::new() }).or_default() += 1;
    }

    /// How many for all stations.
    pub fn total(&self) -> u64 {
        lock(&self.counts).values().sum()
    }

    /// How many for this station.
    pub fn of(&self, station: &str) -> u64 {
        lock(&self.counts).get(station).copied().unwrap_or_default()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use records::wire::{Fork, Rejected};
    use records::{FixedBytes, Hash};

    use super::*;

    #[test]
    fn a_later_receipt_takes_over_what_an_earlier_one_said() {
        let outbox = Outbox::default();
        let series = FixedBytes([1; 16]);
        let rejected = |seq| Rejected { first: seq, last: seq, reason: "r".into() };
        let fork = Fork { seq: 3, held: Hash::ZERO };
        outbox.put(Receipt {
            rejected: vec![rejected(1)],
            fork: Some(fork),
            ..Receipt::stored("a", series, 4, Hash::ZERO)
        });
        outbox.put(Receipt { rejected: vec![rejected(1), rejected(2)], ..Receipt::stored("a", series, 9, Hash::ZERO) });
        outbox.put(Receipt::stored("b", series, 1, Hash::ZERO));
        let taken = outbox.take_now();
        let whole = Receipt {
            rejected: vec![rejected(1), rejected(2)],
            fork: Some(fork),
            ..Receipt::stored("a", series, 9, Hash::ZERO)
        };
        assert_eq!(taken, [whole, Receipt::stored("b", series, 1, Hash::ZERO)]);
        assert!(outbox.take_now().is_empty());
        let run = |first, last| Run { first, last, hash: Hash::ZERO };
        let with = |also| outbox.put(Receipt { also, ..Receipt::stored("a", series, 4, Hash::ZERO) });
        with(vec![run(6, 7), run(9, 9)]);
        with(vec![run(9, 10), run(12, 12)]);
        assert_eq!(outbox.take_now()[0].also, [run(6, 7), run(9, 10), run(12, 12)]);
        (0..100).for_each(|n| with(vec![run(6 + n * 2, 6 + n * 2)]));
        let also = outbox.take_now().remove(0).also;
        assert_eq!((also.len(), also.last()), (MOST_RUNS, Some(&run(204, 204))), "the newest in any case");
    }
}
