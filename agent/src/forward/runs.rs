//! Sets of sequences as runs.

/// Runs of sequences, each from its first to its last, lowest first; no two touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Runs(Vec<(u64, u64)>);

impl Runs {
    /// Adds a run; nothing where `first` is beyond `last`.
    pub fn insert(&mut self, first: u64, last: u64) {
        if first > last {
            return;
        }
        let (mut from, mut to) = (first, last);
        self.0.retain(|&(begin, end)| {
            let touches = begin <= to.saturating_add(1) && from <= end.saturating_add(1);
            if touches {
                (from, to) = (from.min(begin), to.max(end));
            }
            !touches
        });
        let place = self.0.partition_point(|&(begin, _)| begin < from);
        self.0.insert(place, (from, to));
    }

    /// The first sequence from `seq` on that is in no run.
    #[must_use]
    pub fn after(&self, seq: u64) -> u64 {
        self.0
            .iter()
            .find(|&&(first, last)| first <= seq && seq <= last)
            .map_or(seq, |&(_, last)| last.saturating_add(1))
    }

    /// Forgets everything up to `seq`.
    pub fn forget_up_to(&mut self, seq: u64) {
        self.0.retain_mut(|(first, last)| {
            *first = (*first).max(seq.saturating_add(1));
            first <= last
        });
    }

    /// Forgets the highest runs beyond `most`.
    pub fn keep_lowest(&mut self, most: usize) {
        self.0.truncate(most);
    }

    /// The runs, lowest first.
    #[must_use]
    pub fn to_vec(&self) -> Vec<(u64, u64)> {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn runs_that_touch_are_one() {
        let mut runs = Runs::default();
        for (first, last) in [(5, 6), (1, 2), (9, 9), (3, 4), (8, 7)] {
            runs.insert(first, last);
        }
        assert_eq!(runs.to_vec(), [(1, 6), (9, 9)]);
        assert_eq!((runs.after(2), runs.after(7), runs.after(9)), (7, 7, 10));
        runs.forget_up_to(4);
        runs.keep_lowest(1);
        assert_eq!(runs.to_vec(), [(5, 6)]);
    }

    proptest! {
        #[test]
        fn they_hold_what_a_set_would(
            inserts in proptest::collection::vec((1u64..40, 0u64..6), 0..20), forget in 0u64..40, seq in 1u64..50,
        ) {
            let (mut runs, mut set) = (Runs::default(), BTreeSet::new());
            for (first, more) in inserts {
                runs.insert(first, first + more);
                set.extend(first..=first + more);
            }
            runs.forget_up_to(forget);
            set.retain(|seq| *seq > forget);
            let held: Vec<u64> = runs.to_vec().into_iter().flat_map(|(first, last)| first..=last).collect();
            prop_assert_eq!(held, set.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(runs.after(seq), (seq..).find(|seq| !set.contains(seq)).unwrap());
            let all = runs.to_vec();
            prop_assert!(all.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0));
        }
    }
}
