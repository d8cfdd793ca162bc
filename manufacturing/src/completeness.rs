//! Whether everything that happened is stored, and if not, why. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use records::SeriesId;
use serde::Serialize;

use crate::lapses::{Lapses, WrittenOff, left};
use crate::store::SeriesState;

/// A station says its status every 60 s; after three of them it counts as silent.
pub const SILENT_AFTER_SECONDS: i64 = 180;

/// Most holes that are listed for a series.
const MOST_HOLES: usize = 100;

/// The statement.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Completeness {
    /// As of when.
    pub as_of: Timestamp,
    /// Whether everything that happened by then is stored.
    #[serde(skip)]
    pub complete: bool,
    /// What keeps the whole from being complete, beside the stations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<String>,
    /// Each series of each station.
    pub stations: Vec<Series>,
    /// What was given up, where the statement would be another one without that.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub written_off: Vec<WrittenOff>,
}

/// One series of one station.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Series {
    /// The station.
    pub station: String,
    /// The series; `None` for a station of which nothing but its connection is known.
    pub series: Option<SeriesId>,
    /// Everything up to this sequence is stored.
    pub up_to: u64,
    /// The highest sequence that is known to exist.
    pub announced: u64,
    /// What is missing and not written off; the first hundred.
    pub holes: Vec<(u64, u64)>,
    /// When its last verified status was heard.
    pub last_status: Option<Timestamp>,
    /// How long that is ago.
    pub silent_seconds: Option<i64>,
    /// A newer series of the station began: whether this one had further records nobody can say.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub superseded: bool,
    /// Its station is retired: it is not waited for.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub retired: bool,
    /// Whether it is complete.
    pub complete: bool,
    /// Why not.
    pub why: Vec<String>,
    /// Its station does not go on with it.
    #[serde(skip)]
    pub ended: bool,
    /// Records that came twice or cannot be read, and that nobody has written off.
    #[serde(skip)]
    pub unsettled: bool,
    /// There is something that a person could write off.
    #[serde(skip)]
    pub lacks: bool,
}

/// When and from where it is judged.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// The time now.
    pub now: Timestamp,
    /// The time that the statement is for; `None` is now.
    pub as_of: Option<Timestamp>,
    /// Is the broker connected, so that what stations say is heard here?
    pub connected: bool,
}

/// Judges what is known. Without a time asked for, the statement is for the time up to which every station has vouched.
/// Retired stations are not waited for, and what was written off is not missing: both are decisions of people, and told.
pub fn judge(states: &[SeriesState], lapses: &Lapses, moment: Moment) -> Completeness {
    let Moment { now, as_of, connected } = moment;
    let retired = |state: &SeriesState| lapses.is_retired(&state.station, as_of.unwrap_or(now));
    let mut latest: BTreeMap<&str, Timestamp> = BTreeMap::new();
    for state in states {
        if let Some((_, heard)) = state.status.as_ref().filter(|_| !state.unverified) {
            let latest = latest.entry(&state.station).or_insert(*heard);
            *latest = (*latest).max(*heard);
        }
    }
    let superseded = |state: &SeriesState| {
        let latest = latest.get(state.station.as_str());
        state.status.as_ref().is_some_and(|(_, heard)| latest.is_some_and(|latest| latest > heard))
    };
    // The station goes on with another series.
    let has_another = |state: &SeriesState| state.status.is_none() && latest.contains_key(state.station.as_str());
    let stations: Vec<Series> = states
        .iter()
        .map(|state| {
            let lost = superseded(state) || has_another(state);
            let place = Place { superseded: superseded(state), lost, retired: retired(state) };
            series(state, place, lapses, now, as_of)
        })
        .collect();
    let written_off = states.iter().zip(&stations).flat_map(|(state, judged)| {
        let missing = holes(&state.runs, judged.announced);
        lapses
            .of(&state.station, state.series)
            .filter_map(move |off| off.effect(&missing, judged.ended))
            .collect::<Vec<_>>()
    });
    let written_off = written_off.collect();
    // Anyone can say that a station is online; only its signed records and status make it one that counts.
    let counting = || stations.iter().filter(|series| series.series.is_some());
    let mut why = Vec::new();
    if counting().next().is_none() {
        why.push("no station is known".to_owned());
    }
    if as_of.is_none() && !connected {
        why.push("the broker is not connected: what stations record now is not heard here".to_owned());
    }
    let vouching = |state: &&SeriesState| !superseded(state) && !state.unverified && !retired(state);
    let vouched = states.iter().filter(vouching).filter_map(|state| {
        let (status, heard) = state.status.as_ref()?;
        Some(status.at.wall.min(*heard))
    });
    let complete = why.is_empty() && counting().all(|series| series.complete);
    Completeness { as_of: as_of.or(vouched.min()).unwrap_or(now), complete, why, stations, written_off }
}

/// What a series is among those of its station.
#[derive(Clone, Copy)]
struct Place {
    /// A newer one began.
    superseded: bool,
    /// A newer one began, or another one of which there is a status: this one may have had more than is known.
    lost: bool,
    /// Its station is retired.
    retired: bool,
}

fn series(state: &SeriesState, place: Place, lapses: &Lapses, now: Timestamp, as_of: Option<Timestamp>) -> Series {
    let Place { superseded, lost, retired } = place;
    let ended = lost || retired;
    // Whatever it had beyond what is known.
    let given_up = ended && lapses.of(&state.station, state.series).any(|off| off.last.is_none());
    let settled = |count: u64, of: fn(&crate::lapses::WriteOff) -> u64| {
        count.saturating_sub(lapses.of(&state.station, state.series).map(of).sum())
    };
    let conflicts = settled(state.conflicts, |off| off.conflicts);
    let rejections = settled(state.rejections, |off| off.rejections);
    let stored = state.highest_stored();
    let announced = state.status.as_ref().map_or(0, |(status, _)| status.last).max(stored);
    let all_holes = left(holes(&state.runs, announced), lapses.of(&state.station, state.series));
    let verified = state.status.as_ref().filter(|_| !state.unverified);
    let silent_seconds = verified.map(|(_, heard)| now.duration_since(*heard).as_secs().max(0));
    let mut why = Vec::new();
    match (verified, silent_seconds) {
        _ if state.series.is_none() => why.push("nothing is known of this station but its connection".to_owned()),
        _ if given_up || (retired && !lost) => {}
        (Some((status, heard)), Some(silent)) => {
            // The earlier of its own clock and ours: neither a clock that runs ahead nor a late message may claim more.
            let said = status.at.wall.min(*heard);
            let offline = state.online.filter(|(online, since)| !online && since >= heard);
            match as_of {
                Some(time) if said <= time => why.push(format!("its last status is of {said}, not after {time}")),
                Some(_) => {}
                // Its journal was replaced; nobody can say whether it had recorded more than it had announced.
                None if superseded => why.push(format!(
                    "a newer series of this station began: whether this one had records after {said} is not known"
                )),
                None => {
                    if silent > SILENT_AFTER_SECONDS {
                        why.push(format!("no status for {silent} seconds"));
                    }
                    if let Some((_, since)) = offline {
                        why.push(format!("not connected since {since}"));
                    }
                }
            }
        }
        _ if state.runs.is_empty() => why.push("it has announced records and none has come".to_owned()),
        _ => why.push("it has never said how many records there are".to_owned()),
    }
    why.extend(all_holes.iter().take(3).map(|(first, last)| match first == last {
        true => format!("record {first} is missing"),
        false => format!("records {first} to {last} are missing"),
    }));
    if all_holes.len() > 3 {
        why.push(format!("{} further stretches are missing", all_holes.len() - 3));
    }
    if conflicts > 0 {
        why.push(format!("{conflicts} records came twice with different content"));
    }
    if rejections > 0 {
        why.push(format!("{rejections} records cannot be read"));
    }
    let unsettled = conflicts + rejections > 0;
    let any_hole = !all_holes.is_empty();
    Series {
        station: state.station.clone(),
        series: state.series,
        up_to: state.runs.first().filter(|(first, _)| *first == 1).map_or(0, |(_, last)| *last),
        announced,
        holes: all_holes.into_iter().take(MOST_HOLES).collect(),
        last_status: verified.map(|(_, heard)| *heard),
        silent_seconds,
        superseded,
        retired,
        complete: why.is_empty(),
        why,
        ended,
        unsettled,
        lacks: state.series.is_some() && (any_hole || unsettled || (lost && !given_up)),
    }
}

/// What is missing of 1 to `highest` beside the stored runs, lowest first.
pub fn holes(runs: &[(u64, u64)], highest: u64) -> Vec<(u64, u64)> {
    let mut next = 1;
    let mut holes = Vec::new();
    for &(first, last) in runs {
        if first > next {
            holes.push((next, first - 1));
        }
        next = last.saturating_add(1);
    }
    if next <= highest {
        holes.push((next, highest));
    }
    holes
}

#[cfg(test)]
mod tests {
    use records::wire::{QueueDepth, Status};
    use records::{FixedBytes, Hash};

    use super::*;
    use crate::testkit::{at, stamp};

    fn state(series: u8, last: u64, said: i64, heard: i64) -> SeriesState {
        let status = Status {
            station: "a".into(),
            series: FixedBytes([series; 16]),
            last,
            head: Hash::ZERO,
            at: stamp(said),
            sscc_mark: None,
            queue: QueueDepth { records: 0, oldest_seconds: 0 },
            version: "1".into(),
            set_aside: Vec::new(),
            not_held: Vec::new(),
            token: None,
        };
        SeriesState {
            station: "a".into(),
            series: Some(status.series),
            runs: vec![(1, last)],
            status: Some((status, at(heard))),
            unverified: false,
            conflicts: 0,
            rejections: 0,
            online: None,
        }
    }

    /// Complete, or why not.
    fn why(states: &[SeriesState], now: i64, as_of: Option<i64>) -> Vec<String> {
        let judged = judge(states, &Lapses::default(), Moment { now: at(now), as_of: as_of.map(at), connected: true });
        let counting = judged.stations.into_iter().filter(|s| s.series.is_some()).flat_map(|s| s.why);
        let why: Vec<String> = judged.why.into_iter().chain(counting).collect();
        assert_eq!(judged.complete, why.is_empty());
        why
    }

    #[test]
    fn complete_is_what_a_fresh_status_names_and_the_store_has() {
        assert!(why(&[state(1, 5, 0, 0)], 180, None).is_empty());
        assert_eq!(why(&[state(1, 5, 0, 0)], 181, None), ["no status for 181 seconds"]);
        assert_eq!(why(&[], 0, None), ["no station is known"]);
        let at_the_end = SeriesState { runs: vec![(1, 3)], ..state(1, 5, 0, 0) };
        assert_eq!(why(&[at_the_end], 0, None), ["records 4 to 5 are missing"]);
        let many = SeriesState { runs: vec![(2, 2), (4, 4), (6, 6), (8, 8)], ..state(1, 8, 0, 0) };
        let missing =
            ["record 1 is missing", "record 3 is missing", "record 5 is missing", "1 further stretches are missing"];
        assert_eq!(why(&[many], 0, None), missing);
        let told = SeriesState { conflicts: 1, rejections: 2, ..state(1, 5, 0, 0) };
        assert_eq!(why(&[told], 0, None), ["1 records came twice with different content", "2 records cannot be read"]);
    }

    #[test]
    fn what_nobody_has_vouched_for_is_not_complete() {
        let silent = SeriesState { status: None, ..state(1, 5, 0, 0) };
        assert_eq!(why(&[silent], 0, None), ["it has never said how many records there are"]);
        let announced = SeriesState { runs: Vec::new(), unverified: true, ..state(1, 5, 0, 0) };
        assert_eq!(
            why(&[announced], 0, None),
            ["it has announced records and none has come", "records 1 to 5 are missing"]
        );
        let connected = SeriesState { series: None, status: None, runs: Vec::new(), ..state(1, 0, 0, 0) };
        assert_eq!(why(std::slice::from_ref(&connected), 0, None), ["no station is known"]);
        assert!(
            why(&[connected, state(1, 5, 0, 0)], 0, None).is_empty(),
            "anyone can publish that a station is online"
        );
    }

    #[test]
    fn a_time_is_covered_by_a_status_after_it_by_both_clocks() {
        assert!(why(&[state(1, 5, 10, 10)], 9999, Some(9)).is_empty(), "old, and after the time asked for");
        for (said, heard) in [(9, 10), (10, 9)] {
            assert_eq!(why(&[state(1, 5, said, heard)], 20, Some(9)).len(), 1);
        }
    }

    #[test]
    fn a_lost_series_stays_named() {
        let both = [state(1, 5, 0, 0), state(2, 3, 500, 500)];
        let lost = "a newer series of this station began: whether this one had records after 2026-03-01T12:00:00Z is not known";
        assert_eq!(why(&both, 510, None), [lost]);
        assert_eq!(why(&both, 510, Some(-1)), Vec::<String>::new(), "before its last status it is known");
        assert_eq!(
            why(&both, 510, Some(100)),
            ["its last status is of 2026-03-01T12:00:00Z, not after 2026-03-01T12:01:40Z"]
        );
        assert_eq!(why(&both, 900, None), [lost, "no status for 400 seconds"]);
    }

    #[test]
    fn now_is_the_time_that_every_station_has_vouched_for() {
        let other = SeriesState { station: "b".into(), ..state(2, 3, 70, 80) };
        let moment = Moment { now: at(100), as_of: None, connected: true };
        let judged = judge(&[state(1, 5, 95, 90), other], &Lapses::default(), moment);
        assert!(judged.complete);
        assert_eq!(judged.as_of, at(70), "the earlier of both clocks, the earliest of all stations");
    }

    #[test]
    fn what_cannot_be_heard_is_not_vouched_for() {
        let gone = SeriesState { online: Some((false, at(5))), ..state(1, 5, 0, 0) };
        assert_eq!(why(&[gone], 10, None), ["not connected since 2026-03-01T12:00:05Z"]);
        let back = SeriesState { online: Some((false, at(5))), ..state(1, 5, 6, 6) };
        assert!(why(&[back], 10, None).is_empty());
        let blind =
            judge(&[state(1, 5, 0, 0)], &Lapses::default(), Moment { now: at(1), as_of: None, connected: false });
        assert!(!blind.complete && blind.why[0].contains("broker"));
    }
}
