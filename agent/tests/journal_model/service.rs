//! A service that keeps the contract of receipts, and nothing more.

use std::collections::{BTreeMap, BTreeSet};

use records::chain::{BEFORE_THE_FIRST, hash_line};
use records::wire::{Receipt, Rejected, Run};
use records::{Hash, SeriesId};

use crate::truth::{Kind, Violation};

/// A segment on its way.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The series.
    pub series: SeriesId,
    /// Sequence of the first line.
    pub first: u64,
    /// Hash of the line before it.
    pub prev: Hash,
    /// The lines.
    pub lines: Vec<Vec<u8>>,
}

impl Sent {
    /// Sequence of the last line.
    pub fn last(&self) -> u64 {
        self.first + self.lines.len() as u64 - 1
    }
}

type Stored = BTreeMap<(SeriesId, u64), Vec<u8>>;

/// The service.
#[derive(Debug, Default)]
pub struct Service {
    /// What it has committed.
    pub stored: Stored,
    /// What it had committed at any time, restored away or not.
    pub ever: Stored,
    received: Vec<Sent>,
    backups: Vec<(u64, Stored)>,
    /// What it will never take.
    pub rejects: BTreeSet<u64>,
    /// What a restore took away and has not come again.
    pub missing: BTreeSet<u64>,
    known_last: u64,
    known_aside: Vec<(u64, u64)>,
}

impl Service {
    /// A segment arrives; it is not committed yet.
    pub fn receive(&mut self, sent: Sent) {
        self.received.push(sent);
    }

    /// The station says how far it is, and what it has set aside.
    pub fn status(&mut self, last: u64, aside: Vec<(u64, u64)>) {
        (self.known_last, self.known_aside) = (last, aside);
    }

    /// Commits what has arrived, and answers.
    pub fn commit(&mut self, series: SeriesId) -> Result<Receipt, Violation> {
        for sent in std::mem::take(&mut self.received) {
            let mut prev = sent.prev;
            for (seq, line) in (sent.first..).zip(sent.lines) {
                let head: Head = serde_json::from_slice(&line).map_err(|error| Kind::Chain.at(seq, error))?;
                if head.seq != seq || head.prev != prev {
                    return Err(Kind::Chain.at(seq, "is not chained to the line before"));
                }
                prev = hash_line(&line);
                let id = (sent.series, seq);
                if self.rejects.contains(&seq) && !self.ever.contains_key(&id) {
                    continue;
                }
                if self.ever.get(&id).is_some_and(|held| *held != line) {
                    return Err(Kind::Twice.at(seq, "came with other bytes"));
                }
                self.ever.insert(id, line.clone());
                self.stored.insert(id, line); // by its identity: what is held already changes nothing
                self.missing.remove(&seq);
            }
        }
        for (id, line) in &self.stored {
            let before = id.1.checked_sub(1).and_then(|seq| self.stored.get(&(id.0, seq)));
            let prev = if id.1 == 1 { Some(BEFORE_THE_FIRST) } else { before.map(|line| hash_line(line)) };
            let head: Head = serde_json::from_slice(line).map_err(|error| Kind::Chain.at(id.1, error))?;
            if prev.is_some_and(|prev| prev != head.prev) {
                return Err(Kind::Chain.at(id.1, "does not follow the one before it in the service"));
            }
        }
        Ok(self.receipt(series))
    }

    /// Mutation: the answer to what has arrived, before it is committed.
    pub fn hasty_receipt(&mut self, series: SeriesId) -> Receipt {
        let committed = self.stored.clone();
        for sent in &self.received {
            self.stored.extend((sent.first..).map(|seq| (sent.series, seq)).zip(sent.lines.iter().cloned()));
        }
        let receipt = self.receipt(series);
        self.stored = committed;
        receipt
    }

    /// What it has, and what it asks for.
    pub fn receipt(&self, series: SeriesId) -> Receipt {
        let mut runs: Vec<Run> = Vec::new();
        for ((_, seq), line) in self.stored.iter().filter(|((of, _), _)| *of == series) {
            let hash = hash_line(line);
            match runs.last_mut() {
                Some(run) if run.last + 1 == *seq => (run.last, run.hash) = (*seq, hash),
                _ => runs.push(Run { first: *seq, last: *seq, hash }),
            }
        }
        let begun = runs.first().is_some_and(|run| run.first == 1).then(|| runs.remove(0));
        let (up_to, hash) = begun.map_or((0, Hash::ZERO), |run| (run.last, run.hash));
        let mut receipt = Receipt::stored("pack-1", series, up_to, hash);
        let highest = runs.last().map_or(up_to, |run| run.last).max(self.known_last);
        let rejected = self.rejects.iter().filter(|seq| **seq <= highest && !self.ever.contains_key(&(series, **seq)));
        receipt.rejected =
            rejected.map(|seq| Rejected { first: *seq, last: *seq, reason: "rejected".into() }).collect();
        let asked = (up_to + 1..=highest).filter(|seq| {
            let aside = self.known_aside.iter().any(|(first, last)| (first..=last).contains(&seq));
            !aside && !self.rejects.contains(seq) && !self.stored.contains_key(&(series, *seq))
        });
        receipt.resend = asked.map(|seq| (seq, seq)).take(16).collect();
        receipt.also = runs;
        receipt
    }

    /// It ends: what it has not committed is gone.
    pub fn ends(&mut self) {
        self.received.clear();
    }

    /// Copies its data.
    pub fn backup(&mut self, hour: u64) {
        self.backups.push((hour, self.stored.clone()));
    }

    /// Restores one of the copies that are not older than `keep` hours and have `all` of these records.
    pub fn restore(&mut self, which: u8, hour: u64, keep: u64, series: SeriesId, all: &BTreeSet<u64>) -> bool {
        self.backups.retain(|(at, copy)| at + keep >= hour && all.iter().all(|seq| copy.contains_key(&(series, *seq))));
        if self.backups.is_empty() {
            return false;
        }
        let copy = self.backups[usize::from(which) % self.backups.len()].1.clone();
        self.received.clear();
        self.missing.extend(self.stored.keys().filter(|id| !copy.contains_key(id)).map(|(_, seq)| *seq));
        self.stored = copy;
        self.known_last = 0;
        true
    }

    /// The highest sequence that it has.
    pub fn highest(&self) -> u64 {
        self.stored.keys().map(|(_, seq)| *seq).max().unwrap_or(0)
    }
}

#[derive(serde::Deserialize)]
struct Head {
    seq: u64,
    prev: Hash,
}
