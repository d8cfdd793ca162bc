//! What a person decided not to wait for: stations that are retired, and missing records that were given up. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use records::SeriesId;
use serde::Serialize;

/// Everything that is not waited for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lapses {
    /// Since when, and why, a station is retired.
    pub retired: BTreeMap<String, (Timestamp, String)>,
    /// What was given up, in the order in which that was decided.
    pub write_offs: Vec<WriteOff>,
}

/// Missing records that a person gave up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteOff {
    /// The station.
    pub station: String,
    /// The series.
    pub series: SeriesId,
    /// From this sequence.
    pub first: u64,
    /// To this one; `None` is whatever there was.
    pub last: Option<u64>,
    /// When that was decided.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// How many records that came twice it settles.
    pub conflicts: u64,
    /// How many records that cannot be read it settles.
    pub rejections: u64,
    /// How many stored records that cannot wholly be read it settles.
    pub unread: u64,
}

/// A write-off without which a statement would be another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WrittenOff {
    /// The station.
    pub station: String,
    /// The series.
    pub series: SeriesId,
    /// From this sequence.
    pub first: u64,
    /// To this one; absent where nobody knows how many there were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<u64>,
    /// How many of them are known to be missing.
    pub missing: u64,
    /// When that was decided.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

impl Lapses {
    /// Is the station retired at this time?
    pub fn is_retired(&self, station: &str, time: Timestamp) -> bool {
        self.retired.get(station).is_some_and(|(since, _)| *since <= time)
    }

    /// What was given up of a series.
    pub fn of(&self, station: &str, series: Option<SeriesId>) -> impl Iterator<Item = &WriteOff> {
        self.write_offs.iter().filter(move |one| one.station == station && Some(one.series) == series)
    }
}

/// The holes without what was given up, lowest first.
pub fn left<'a>(holes: Vec<(u64, u64)>, write_offs: impl Iterator<Item = &'a WriteOff>) -> Vec<(u64, u64)> {
    write_offs.fold(holes, |holes, off| {
        let (first, last) = (off.first, off.last.unwrap_or(u64::MAX));
        let parts = holes.into_iter().flat_map(|(low, high)| {
            let below = (low < first).then(|| (low, high.min(first - 1)));
            let above = (high > last).then(|| (low.max(last.saturating_add(1)), high));
            below.into_iter().chain(above)
        });
        parts.collect()
    })
}

impl WriteOff {
    /// What it means where these records are missing and where the series is one that its station does not go on with;
    /// `None` where it changes nothing.
    pub fn effect(&self, holes: &[(u64, u64)], ended: bool) -> Option<WrittenOff> {
        let last = self.last.unwrap_or(u64::MAX);
        let missing =
            holes.iter().map(|(low, high)| (*high.min(&last) + 1).saturating_sub(*low.max(&self.first))).sum();
        let counts =
            missing > 0 || self.conflicts + self.rejections + self.unread > 0 || (ended && self.last.is_none());
        counts.then(|| WrittenOff {
            station: self.station.clone(),
            series: self.series,
            first: self.first,
            last: self.last,
            missing,
            at: self.at,
            reason: self.reason.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use records::FixedBytes;

    use super::*;
    use crate::testkit::at;

    fn off(first: u64, last: Option<u64>) -> WriteOff {
        let (series, reason) = (FixedBytes([1; 16]), "burnt".to_owned());
        let [conflicts, rejections, unread] = [0; 3];
        WriteOff { station: "a".into(), series, first, last, at: at(0), reason, conflicts, rejections, unread }
    }

    #[test]
    fn a_write_off_takes_out_what_it_names_and_nothing_else() {
        let holes = || vec![(2, 4), (6, 9)];
        assert_eq!(left(holes(), [off(3, Some(7))].iter()), [(2, 2), (8, 9)]);
        assert_eq!(left(holes(), [off(8, Some(8))].iter()), [(2, 4), (6, 7), (9, 9)]);
        assert_eq!(left(holes(), [off(5, Some(5))].iter()), holes());
        assert_eq!(left(holes(), [off(4, None)].iter()), [(2, 3)]);
        assert_eq!(off(3, Some(7)).effect(&holes(), true).unwrap().missing, 4);
        assert_eq!(off(5, Some(5)).effect(&holes(), true), None, "what is there is not given up");
        assert_eq!(off(10, None).effect(&holes(), false), None);
        assert_eq!(off(10, None).effect(&holes(), true).unwrap().missing, 0);
    }

    proptest! {
        #[test]
        fn left_is_the_difference_of_sets(
            missing in prop::collection::btree_set(1..30u64, 0..20),
            offs in prop::collection::vec((1..30u64, prop::option::of(1..30u64)), 0..4),
        ) {
            let runs = |set: &std::collections::BTreeSet<u64>| {
                let mut runs: Vec<(u64, u64)> = Vec::new();
                for &n in set {
                    match runs.last_mut() {
                        Some((_, last)) if *last + 1 == n => *last = n,
                        _ => runs.push((n, n)),
                    }
                }
                runs
            };
            let offs: Vec<WriteOff> = offs.into_iter().map(|(first, last)| off(first, last.map(|last| last.max(first)))).collect();
            let mut expected = missing.clone();
            expected.retain(|n| !offs.iter().any(|off| off.first <= *n && off.last.is_none_or(|last| *n <= last)));
            let found = left(runs(&missing), offs.iter());
            let found: std::collections::BTreeSet<u64> = found.into_iter().flat_map(|(low, high)| low..=high).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
