//! How the series of a station follow each other. Pure.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use records::wire::Status;
use records::{SeriesId, Stamp};

/// A station says its status every 60 s; after three of them it counts as silent.
pub const SILENT_AFTER_SECONDS: i64 = 180;

/// Stretches of sequences, from the first to the last of each.
pub type Runs = Vec<(u64, u64)>;

/// Something that a station said.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// By the station's clock.
    pub stamp: Stamp,
    /// By the service's clock.
    pub heard: Timestamp,
}

/// What is known of a series by way of other series of its station.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Lineage {
    /// Its records that were written again in another series and are stored there, lowest first.
    pub carried: Runs,
    /// The series that name it as the one before them.
    pub successors: Vec<Successor>,
    /// The series that its own record 1 names as the one before.
    pub before: Option<SeriesId>,
    /// Why it began after that one, as its record 1 says.
    pub why: Option<String>,
    /// Its last record.
    pub last: Option<LastRecord>,
}

/// A series that began after another one.
#[derive(Debug, Clone, PartialEq)]
pub struct Successor {
    /// It.
    pub series: SeriesId,
    /// The highest sequence of the series before, where the station knew it.
    pub last_before: Option<u64>,
    /// Its record 1.
    pub began: Said,
}

/// The stored record with the highest sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct LastRecord {
    /// Its sequence.
    pub seq: u64,
    /// When it was written and stored.
    pub said: Said,
}

impl Said {
    /// Was this said after `start`, the beginning of another series of the station? Within one boot its counter decides.
    /// Between boots a clock may be wrong, and a broker may hand out late what it had kept: then only what is heard
    /// after the start and claims to be later counts, or what is still heard when all that was kept must have come.
    pub fn is_after(&self, start: &Self) -> bool {
        if self.stamp.boot == start.stamp.boot && !self.stamp.boot.is_empty() {
            return self.stamp.since_boot > start.stamp.since_boot;
        }
        let settled = SignedDuration::from_secs(SILENT_AFTER_SECONDS);
        self.heard > start.heard
            && (self.stamp.wall > start.stamp.wall || self.heard.duration_since(start.heard) > settled)
    }
}

impl Lineage {
    /// Does the series go on although another one began after it? Then two machines write as this station.
    pub fn goes_on(&self, status: Option<&(Status, Timestamp)>) -> bool {
        let status = status.map(|(status, heard)| Said { stamp: status.at.clone(), heard: *heard });
        self.successors.iter().any(|successor| {
            let wrote = self.last.as_ref().filter(|last| successor.last_before.is_none_or(|before| last.seq > before));
            status.iter().chain(wrote.map(|last| &last.said)).any(|said| said.is_after(&successor.began))
        })
    }

    /// Where the series ended, as those that began after it say. `None` where one of them does not know, or where more
    /// is known of it than they say: `known` is its highest sequence.
    pub fn ended(&self, known: u64) -> Option<u64> {
        let ends: Option<Vec<u64>> = self.successors.iter().map(|successor| successor.last_before).collect();
        ends?.into_iter().max().filter(|end| *end >= known)
    }
}

/// The series before one, by what `named` says of each: the one before it.
pub fn before(series: SeriesId, named: impl Fn(SeriesId) -> Option<SeriesId>) -> BTreeSet<SeriesId> {
    let mut before = BTreeSet::new();
    let mut next = named(series);
    while let Some(series) = next.filter(|series| before.insert(*series)) {
        next = named(series);
    }
    before
}

/// A list of stretches from outside, in order and without nonsense.
pub fn sound(runs: &[(u64, u64)]) -> Runs {
    let mut sound: Runs = runs.iter().copied().filter(|(first, last)| 1 <= *first && first <= last).collect();
    sound.truncate(Status::MOST_RUNS);
    sound.sort_unstable();
    sound
}

/// All that is in one of two lists, each lowest first.
pub fn union(a: &[(u64, u64)], b: &[(u64, u64)]) -> Runs {
    let mut all = [a, b].concat();
    all.sort_unstable();
    let mut union: Runs = Vec::with_capacity(all.len());
    for (first, last) in all {
        match union.last_mut() {
            Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
            _ => union.push((first, last)),
        }
    }
    union
}

/// What is in both lists, each lowest first and without overlaps.
pub fn common(a: &[(u64, u64)], b: &[(u64, u64)]) -> Runs {
    let mut common = Runs::new();
    for &(first, last) in a {
        let within = b.iter().map(|&(from, to)| (first.max(from), last.min(to)));
        common.extend(within.filter(|(first, last)| first <= last));
    }
    common
}

/// What is in `a` and not in `b`, each lowest first.
pub fn without(a: &[(u64, u64)], b: &[(u64, u64)]) -> Runs {
    let mut left = Runs::new();
    for &(first, last) in a {
        let mut next = first;
        for &(from, to) in b.iter().filter(|(from, to)| *from <= last && *to >= first) {
            if from > next {
                left.push((next, from - 1));
            }
            next = next.max(to.saturating_add(1));
        }
        if next <= last {
            left.push((next, last));
        }
    }
    left
}

/// How many sequences a list names.
pub fn count(runs: &[(u64, u64)]) -> u64 {
    runs.iter().map(|(first, last)| last - first + 1).sum()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::testkit::at;

    fn said(boot: &str, since_boot: u64, wall: i64, heard: i64) -> Said {
        Said { stamp: Stamp { wall: at(wall), synchronised: true, boot: boot.into(), since_boot }, heard: at(heard) }
    }

    #[test]
    fn after_is_by_the_boot_else_by_both_clocks_or_when_all_must_have_come() {
        let start = said("b", 100, 50, 60);
        assert!(said("b", 101, 0, 0).is_after(&start) && !said("b", 99, 999, 999).is_after(&start));
        assert!(said("c", 1, 51, 61).is_after(&start));
        assert!(!said("c", 1, 51, 60).is_after(&start), "heard before it");
        assert!(!said("c", 1, 50, 61).is_after(&start), "kept by the broker");
        assert!(!said("c", 1, 50, 240).is_after(&start) && said("c", 1, 50, 241).is_after(&start));
    }

    #[test]
    fn an_end_is_known_when_all_that_follow_know_it_and_nothing_says_more() {
        let after = |last_before| Successor { series: SeriesId::ZERO, last_before, began: said("b", 1, 1, 1) };
        let ended = |ends: &[Option<u64>], known| {
            Lineage { successors: ends.iter().copied().map(after).collect(), ..Lineage::default() }.ended(known)
        };
        assert_eq!(ended(&[], 0), None);
        assert_eq!(ended(&[Some(5)], 5), Some(5));
        assert_eq!(ended(&[Some(5)], 6), None);
        assert_eq!(ended(&[Some(5), Some(7)], 6), Some(7));
        assert_eq!(ended(&[Some(5), None], 5), None);
    }

    fn set(runs: &[(u64, u64)]) -> BTreeSet<u64> {
        runs.iter().flat_map(|(first, last)| *first..=*last).collect()
    }

    prop_compose! {
        fn runs()(bits in prop::collection::vec(any::<bool>(), 0..24)) -> Runs {
            let ones: Vec<(u64, u64)> =
                (1..).zip(bits).filter(|(_, bit)| *bit).map(|(n, _)| (n, n)).collect();
            union(&ones, &[])
        }
    }

    proptest! {
        #[test]
        fn lists_of_runs_are_sets(a in runs(), b in runs()) {
            let (x, y) = (set(&a), set(&b));
            prop_assert_eq!(count(&a), x.len() as u64);
            prop_assert_eq!(set(&union(&a, &b)), x.union(&y).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(set(&common(&a, &b)), x.intersection(&y).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(set(&without(&a, &b)), x.difference(&y).copied().collect::<BTreeSet<_>>());
        }

        #[test]
        fn lists_from_outside_never_panic(runs in prop::collection::vec((any::<u64>(), any::<u64>()), 0..100)) {
            let sound = union(&sound(&runs), &[]);
            prop_assert!(sound.len() <= Status::MOST_RUNS);
            prop_assert!(without(&common(&sound, &sound), &sound).is_empty());
        }
    }
}
