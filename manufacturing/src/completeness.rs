//! Whether everything that happened is stored, and if not, why. Pure.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use records::SeriesId;
use records::wire::QueueDepth;
use serde::Serialize;

use crate::lapses::{Lapses, WriteOff, WrittenOff, left};
pub use crate::lineage::SILENT_AFTER_SECONDS;
use crate::lineage::{Runs, before, common, count, sound, union, without};
use crate::recall::seals::Ordered;
use crate::store::{SeriesState, Stranger, Unread};

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
    /// What stations have sealed of the work orders that are asked for, held against what was ordered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ordered: Vec<Ordered>,
    /// Where those counts differ from what is stored, and what was given up or an earlier series explains it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<String>,
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
    /// How many records are not stored under these sequences because the station wrote them again in another series,
    /// where they are stored.
    #[serde(skip_serializing_if = "is_none")]
    pub carried_over: u64,
    /// What of the missing the station set aside: it will not come.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub set_aside: Vec<(u64, u64)>,
    /// What of the missing the station holds no more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_held: Vec<(u64, u64)>,
    /// Stored records of which not all can be read, so that something may be lacking, and that nobody has written off; the
    /// first hundred.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Unread>,
    /// How many those are.
    #[serde(skip_serializing_if = "is_none")]
    pub unread_count: u64,
    /// When its last verified status was heard.
    pub last_status: Option<Timestamp>,
    /// What it still had to send by then.
    pub queue: Option<QueueDepth>,
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
    /// What a person has to look at, whether it is complete or not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<String>,
    /// Its station does not go on with it, and nobody has given up what it may have had beyond what is known.
    #[serde(skip)]
    pub open: bool,
    /// Records that came twice or cannot wholly be read, and that nobody has written off.
    #[serde(skip)]
    pub unsettled: bool,
    /// Its station counts: anyone can say that a station is online; only what it signs, an enrolled key and a key that asks to
    /// be enrolled make it one.
    pub counts: bool,
    /// There is something that a person could write off.
    #[serde(skip)]
    pub lacks: bool,
    /// How many records are missing and not written off: the list of holes ends after a hundred.
    #[serde(skip)]
    pub missing: u64,
    /// What is missing and was written off.
    #[serde(skip)]
    pub given_up: Runs,
    /// What was given up of it, in the order in which that was decided.
    #[serde(skip)]
    pub written_off: Vec<WrittenOff>,
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
    let by_id: BTreeMap<(&str, SeriesId), &SeriesState> =
        states.iter().filter_map(|state| Some(((&*state.station, state.series?), state))).collect();
    let is_heard = |state: &&SeriesState| state.status.is_some() && !state.unverified;
    let heard: BTreeSet<&str> = states.iter().filter(is_heard).map(|state| &*state.station).collect();
    // The station goes on with another series.
    let has_another = |state: &SeriesState| state.status.is_none() && heard.contains(state.station.as_str());
    let two_machines: BTreeSet<&str> =
        states.iter().filter(|state| goes_on(state)).map(|state| &*state.station).collect();
    let stations: Vec<Series> = states
        .iter()
        .map(|state| {
            let superseded = superseded(state, states, &by_id);
            let place = Place { superseded, lost: superseded || has_another(state), retired: retired(state) };
            let mut series = series(state, place, lapses, now, as_of);
            series.alarms.extend(state.lineage.why.as_deref().filter(|_| !superseded).and_then(trouble));
            if !superseded && state.series.is_some() && two_machines.contains(&*state.station) {
                series
                    .alarms
                    .push(format!("two machines write as station {}: one of them has to be stopped", state.station));
            }
            series
        })
        .collect();
    let written_off = stations.iter().flat_map(|series| series.written_off.iter().cloned()).collect();
    let counting = || stations.iter().filter(|series| series.counts);
    let mut why = Vec::new();
    if counting().next().is_none() {
        why.push("no station is known".to_owned());
    }
    if as_of.is_none() && !connected {
        why.push("the broker is not connected: what stations record now is not heard here".to_owned());
    }
    let vouching = |state: &&SeriesState| !superseded(state, states, &by_id) && !state.unverified && !retired(state);
    let vouched = states.iter().filter(vouching).filter_map(|state| {
        let (status, heard) = state.status.as_ref()?;
        Some(status.at.wall.min(*heard))
    });
    let complete = why.is_empty() && counting().all(|series| series.complete);
    let (ordered, differences) = (Vec::new(), Vec::new());
    let as_of = as_of.or(vouched.min()).unwrap_or(now);
    Completeness { as_of, complete, why, stations, ordered, differences, written_off }
}

/// What a person has to look into where a series began for this reason.
fn trouble(why: &str) -> Option<String> {
    let what = match why {
        "moved" => "its journal was copied, restored or moved to another machine: find out whether another copy writes",
        "forked" => "another copy of its journal has written: find it, and stop it",
        "damaged" => "its journal was damaged: look at its disk",
        "replaced" => "its journal is gone: find out why",
        _ => return None,
    };
    Some(format!("a new series began, {what}"))
}

/// Does the series go on although its station began another one after it?
fn goes_on(state: &SeriesState) -> bool {
    state.lineage.goes_on(state.status.as_ref().filter(|_| !state.unverified))
}

/// Has the station gone over to a newer series? It has where one names this one as the one before, unless this one goes
/// on; and where another one was heard of later that is none of those before this one.
fn superseded(state: &SeriesState, states: &[SeriesState], by_id: &BTreeMap<(&str, SeriesId), &SeriesState>) -> bool {
    if goes_on(state) {
        return false;
    }
    let verified = |state: &SeriesState| state.status.as_ref().filter(|_| !state.unverified).map(|(_, heard)| *heard);
    let Some(heard) = state.status.as_ref().map(|(_, heard)| *heard).filter(|_| state.lineage.successors.is_empty())
    else {
        return !state.lineage.successors.is_empty();
    };
    let named = |series: SeriesId| by_id.get(&(&*state.station, series)).and_then(|state| state.lineage.before);
    let before = state.series.map(|series| before(series, named)).unwrap_or_default();
    let others = states.iter().filter(|other| {
        other.station == state.station
            && other.series != state.series
            && other.series.is_none_or(|other| !before.contains(&other))
    });
    others.filter_map(verified).any(|other| other > heard)
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
    let over = lost || retired;
    let standing = lapses.standing(state, lost);
    // Whatever it had beyond what is known.
    let end_given_up = over && standing.iter().any(|off| off.last.is_none());
    let settled = |count: u64, of: fn(&WriteOff) -> u64| count.saturating_sub(standing.iter().map(|off| of(off)).sum());
    let conflicts = settled(state.conflicts, |off| off.conflicts);
    let rejections = settled(state.rejections, |off| off.rejections);
    let unread_count = settled(state.unread, |off| off.unread);
    let lineage = &state.lineage;
    let verified = state.status.as_ref().filter(|_| !state.unverified);
    let highest = |runs: &[(u64, u64)]| runs.last().map_or(0, |(_, last)| *last);
    let said = state.status.as_ref().map_or(0, |(status, _)| status.last);
    let known = said.max(state.highest_stored()).max(highest(&lineage.carried));
    let end = lineage.ended(known).filter(|_| superseded);
    let announced = end.unwrap_or(known);
    let not_stored = holes(&union(&state.runs, &lineage.carried), announced);
    // A record that two write-offs name was given up by the first.
    let (mut all_holes, mut written_off) = (not_stored.clone(), Vec::new());
    for off in &standing {
        written_off.extend(off.effect(&all_holes));
        all_holes = left(all_holes, [*off].into_iter());
    }
    let given_up = without(&not_stored, &all_holes);
    // Those to the end settle what is unread as well; the store leaves out the others.
    let is_settled = |one: &&Unread| standing.iter().any(|off| off.last.is_none() && off.first <= one.seq);
    let unread_named: Vec<Unread> = state.unread_named.iter().filter(|one| !is_settled(one)).cloned().collect();
    let named = |of: fn(&records::wire::Status) -> &[(u64, u64)]| {
        let runs = verified.map(|(status, _)| union(&sound(of(status)), &[])).unwrap_or_default();
        common(&all_holes, &runs)
    };
    let set_aside = named(|status| &status.set_aside);
    let not_held = without(&named(|status| &status.not_held), &set_aside);
    let silent_seconds = verified.map(|(_, heard)| now.duration_since(*heard).as_secs().max(0));
    let mut why = Vec::new();
    match (verified, silent_seconds) {
        _ if state.series.is_none() => why.extend(without_series(state, retired, as_of.unwrap_or(now))),
        // The one that began after it says where it ended: nothing can come after that.
        _ if end.is_some() => {}
        _ if end_given_up || (retired && !lost) => {}
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
        _ if known == 0 && !lineage.successors.is_empty() => {
            why.push("a newer series of this station names it, and nothing of it has come".to_owned());
        }
        _ if state.runs.is_empty() => why.push("it has announced records and none has come".to_owned()),
        _ => why.push("it has never said how many records there are".to_owned()),
    }
    let unexplained = without(&without(&all_holes, &set_aside), &not_held);
    for (runs, one, many) in [
        (&unexplained, "is missing", "are missing"),
        (&set_aside, "was set aside at the station", "were set aside at the station"),
        (&not_held, "is not held by the station any more", "are not held by the station any more"),
    ] {
        why.extend(runs.iter().take(3).map(|(first, last)| match first == last {
            true => format!("record {first} {one}"),
            false => format!("records {first} to {last} {many}"),
        }));
        if runs.len() > 3 {
            why.push(format!("{} further stretches {many}", runs.len() - 3));
        }
    }
    if conflicts > 0 {
        why.push(format!("{conflicts} records came twice with different content"));
    }
    if rejections > 0 {
        why.push(format!("{rejections} records cannot be read"));
    }
    why.extend(unread_named.iter().take(3).map(|one| {
        let Unread { seq, position, what } = one;
        format!("record {seq}, stored at position {position}, cannot wholly be read by this program: {what}")
    }));
    if unread_count > 3 {
        why.push(format!("{} further records cannot wholly be read by this program", unread_count - 3));
    }
    let unsettled = conflicts + rejections + unread_count > 0;
    let missing = count(&all_holes);
    let open = over && end.is_none() && !end_given_up;
    Series {
        station: state.station.clone(),
        series: state.series,
        up_to: state.runs.first().filter(|(first, _)| *first == 1).map_or(0, |(_, last)| *last),
        announced,
        holes: all_holes.into_iter().take(MOST_HOLES).collect(),
        carried_over: count(&without(&lineage.carried, &state.runs)),
        set_aside: set_aside.into_iter().take(MOST_HOLES).collect(),
        not_held: not_held.into_iter().take(MOST_HOLES).collect(),
        unread: unread_named,
        unread_count,
        last_status: verified.map(|(_, heard)| *heard),
        queue: verified.map(|(status, _)| status.queue),
        silent_seconds,
        superseded,
        retired,
        complete: why.is_empty(),
        why,
        alarms: Vec::new(),
        open,
        unsettled,
        counts: state.series.is_some() || state.enrolled.is_some() || state.strangers.iter().any(|one| !one.revoked),
        lacks: state.series.is_some() && (missing > 0 || unsettled || (lost && open)),
        missing,
        given_up,
        written_off,
    }
}

/// Why a station of which no series is known is not complete at a time, and what is refused in the name of one.
fn without_series(state: &SeriesState, retired: bool, time: Timestamp) -> Vec<String> {
    if retired {
        return Vec::new();
    }
    let mut waiting = state.strangers.iter().filter(|one| !one.revoked).peekable();
    if waiting.peek().is_some() {
        let refused = |one: &Stranger| {
            let Stranger { key, since, count, .. } = one;
            format!("its key {key} is not enrolled: {count} messages that it signed were refused since {since}")
        };
        return waiting.map(refused).collect();
    }
    if let Some(Stranger { key, .. }) = state.strangers.first() {
        return vec![format!("its key {key} was revoked, and what it signs is refused")];
    }
    let connected = state.online.is_some_and(|(online, _)| online);
    match state.enrolled {
        Some(since) if since > time => Vec::new(),
        Some(since) if connected => vec![format!("it is enrolled since {since} and connected, and has signed nothing")],
        Some(since) => vec![format!("it is enrolled since {since}, and nothing of it was ever heard")],
        None if state.online.is_some() => vec!["nothing is known of this station but its connection".to_owned()],
        None => vec!["nothing is stored of it, and no key of it counts".to_owned()],
    }
}

fn is_none(count: &u64) -> bool {
    *count == 0
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
