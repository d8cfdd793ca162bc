//! What a person decided not to wait for: stations that are retired, and missing records that were given up. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use records::SeriesId;
use serde::Serialize;

use crate::store::SeriesState;

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
    /// To this one; `None` is whatever there was by then: see [`Lapses::standing`].
    pub last: Option<u64>,
    /// When that was decided.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// Who decided, as the record says.
    pub actor: Option<String>,
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
    /// Who decided, as the record says; null where it does not.
    pub actor: Option<String>,
}

impl Lapses {
    /// Is the station retired at this time?
    pub fn is_retired(&self, station: &str, time: Timestamp) -> bool {
        self.retired.get(station).is_some_and(|(since, _)| *since <= time)
    }

    /// What was given up of a series, and still is. Where nobody knew where it ends, only what it had by then was given up:
    /// that holds while its station is retired since before the decision, or the series is lost and nothing was heard of it
    /// since. Of a series that goes on, a later loss is not given up with it, and not when it ends once more.
    pub fn standing(&self, state: &SeriesState, lost: bool) -> Vec<&WriteOff> {
        let retired = |off: &WriteOff| self.retired.get(&off.station).is_some_and(|(since, _)| *since <= off.at);
        let silent = |off: &WriteOff| state.status.as_ref().is_none_or(|(_, heard)| *heard <= off.at);
        let of_series =
            self.write_offs.iter().filter(|off| off.station == state.station && Some(off.series) == state.series);
        of_series.filter(|off| off.last.is_some() || retired(off) || (lost && silent(off))).collect()
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
    /// What it means where these records are missing beside those that were given up before it; `None` where it changes
    /// nothing.
    pub fn effect(&self, holes: &[(u64, u64)]) -> Option<WrittenOff> {
        let last = self.last.unwrap_or(u64::MAX);
        let missing =
            holes.iter().map(|(low, high)| (*high.min(&last) + 1).saturating_sub(*low.max(&self.first))).sum();
        let counts = missing > 0 || self.conflicts + self.rejections + self.unread > 0 || self.last.is_none();
        counts.then(|| WrittenOff {
            station: self.station.clone(),
            series: self.series,
            first: self.first,
            last: self.last,
            missing,
            at: self.at,
            reason: self.reason.clone(),
            actor: self.actor.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use records::FixedBytes;

    use super::*;
    use crate::store::Work;
    use crate::testkit::{Station, at};

    fn off(first: u64, last: Option<u64>) -> WriteOff {
        let (series, reason) = (FixedBytes([1; 16]), "burnt".to_owned());
        let [conflicts, rejections, unread] = [0; 3];
        WriteOff {
            station: "a".into(),
            series,
            first,
            last,
            at: at(0),
            reason,
            actor: None,
            conflicts,
            rejections,
            unread,
        }
    }

    #[test]
    fn a_write_off_takes_out_what_it_names_and_nothing_else() {
        let holes = || vec![(2, 4), (6, 9)];
        assert_eq!(left(holes(), [off(3, Some(7))].iter()), [(2, 2), (8, 9)]);
        assert_eq!(left(holes(), [off(8, Some(8))].iter()), [(2, 4), (6, 7), (9, 9)]);
        assert_eq!(left(holes(), [off(5, Some(5))].iter()), holes());
        assert_eq!(left(holes(), [off(4, None)].iter()), [(2, 3)]);
        assert_eq!(off(3, Some(7)).effect(&holes()).unwrap().missing, 4);
        assert_eq!(off(5, Some(5)).effect(&holes()), None, "what is there is not given up");
        assert_eq!(off(10, None).effect(&holes()).unwrap().missing, 0);
    }

    #[test]
    fn whatever_there_was_is_given_up_until_the_series_goes_on() {
        let state = |heard: Option<i64>| {
            let mut state = SeriesState::unknown("a".into(), Some(FixedBytes([1; 16])), None);
            state.status = heard.map(|heard| (status(), at(heard)));
            state
        };
        let since = |retired: Option<i64>| Lapses {
            retired: retired.map(|since| ("a".to_owned(), (at(since), "r".to_owned()))).into_iter().collect(),
            write_offs: vec![off(1, Some(8)), WriteOff { at: at(50), ..off(9, None) }],
        };
        // What is known of it stands in any case.
        for (retired, lost, heard, stands) in [
            (None, true, None, true),
            (None, true, Some(50), true),
            (None, true, Some(51), false),
            (None, false, Some(40), false),
            (Some(50), false, Some(60), true),
            (Some(51), false, Some(40), false),
        ] {
            let found = since(retired).standing(&state(heard), lost).len();
            assert_eq!(found, 1 + usize::from(stands), "{retired:?} {lost} {heard:?}");
        }
    }

    fn status() -> records::wire::Status {
        let Work::Status(heard) = Station::new("a", 1).status(0, 0) else { panic!("a status") };
        heard.status
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
