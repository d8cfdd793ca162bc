//! The plain reading: no index, no index of subjects, no incremental state.

use super::*;

type Written = (RecordId, Record);

pub fn recall_sets(stations: &[Station]) -> RecallSets {
    sets(stations, i64::MAX, false)
}

/// Whoever was a member by a time, and of packages, pallets and devices whoever is one (`current`) after the last record.
pub fn sets(stations: &[Station], until: i64, current: bool) -> RecallSets {
    let all = written(stations);
    let repetitions: BTreeSet<RecordId> =
        all.iter().filter(|written| repeats_another(written, &all)).map(|(id, _)| id.clone()).collect();
    let times = times(&all);
    let mut sets = RecallSets::new();
    for n in 0..5 {
        let device = Subject::device(format!("D{n}"));
        let mut about = BTreeSet::from([device.clone()]);
        loop {
            let more: BTreeSet<Subject> = all
                .iter()
                .filter(|(_, record)| record.event != Event::Refused && about.contains(&record.subject))
                .flat_map(|(_, record)| record.into.iter().map(Joined::subject))
                .collect();
            let before = about.len();
            about.extend(more);
            if about.len() == before {
                break;
            }
        }
        let ordered = merged(
            &times,
            all.iter().filter(|(id, record)| about.contains(&record.subject) && !repetitions.contains(id)).collect(),
        );
        let wrong = never_true(&ordered, &all);
        // A correction counts whenever it was made; what it says beside that happened when it was made.
        let by_then: Vec<&Written> = ordered.into_iter().filter(|(id, _)| times[id].1.0 <= until).collect();
        let (mut truly, now) = ever(&device, &by_then, &wrong, &times);
        let (as_said, _) = ever(&device, &by_then, &BTreeMap::new(), &times);
        if current {
            truly = now;
        }
        for group in &truly {
            sets.entry(group.clone()).or_default().0.insert(device.id.clone());
        }
        for group in as_said.difference(&truly) {
            sets.entry(group.clone()).or_default().1.insert(device.id.clone());
        }
    }
    sets
}

fn written(stations: &[Station]) -> Vec<Written> {
    let of = |station: &Station| -> Vec<Written> {
        let id = |seq| RecordId { station: station.name.clone(), series: station.series, seq };
        station.lines.iter().zip(1..).map(|(line, seq)| (id(seq), serde_json::from_slice(line).unwrap())).collect()
    };
    stations.iter().flat_map(of).collect()
}

/// By place, the devices that can have been in there by a time: every record was written by then that puts them there, by
/// whatever way, or what they are in. Whether they had left nobody asks.
pub fn possible(stations: &[Station], until: i64) -> BTreeMap<(String, String), BTreeSet<String>> {
    let all = written(stations);
    let times = times(&all);
    let by_then = all.iter().filter(|(id, _)| times[id].1.0 <= until);
    let edges: Vec<(Subject, Joined)> = by_then
        .flat_map(|(_, record)| record.into.iter().map(|parent| (record.subject.clone(), parent.clone())))
        .collect();
    let mut places: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for n in 0..5 {
        let device = Subject::device(format!("D{n}"));
        let mut reached = BTreeSet::from([device.clone()]);
        for _ in 0..edges.len() {
            let up = edges.iter().filter(|(child, _)| reached.contains(child)).map(|(_, parent)| parent.subject());
            let up: Vec<Subject> = up.collect();
            reached.extend(up);
        }
        for (_, parent) in edges.iter().filter(|(child, _)| reached.contains(child)) {
            let by = parent.level.map_or("partOf", Level::attribute);
            places.entry((by.to_owned(), parent.id.clone())).or_default().insert(device.id.clone());
        }
    }
    places
}

fn origin((id, record): &Written) -> &RecordId {
    record.former.as_ref().unwrap_or(id)
}

fn are_the_same(a: &Written, b: &Written) -> bool {
    origin(a) == origin(b) && a.1.repeats(&b.1)
}

/// Is there a better one of those that say the same?
fn repeats_another(written: &Written, all: &[Written]) -> bool {
    let rank = |written: &Written| (written.0 != *origin(written), written.0.clone());
    all.iter().any(|other| are_the_same(written, other) && rank(other) < rank(written))
}

/// When each record happened, from all records at once: most likely; not before, not after.
type Times = BTreeMap<RecordId, (i64, (i64, i64))>;

fn times(all: &[Written]) -> Times {
    let mut known: BTreeMap<&str, Known> = BTreeMap::new();
    let seq = |(id, record): &Written| if record.former.is_some() { 0 } else { id.seq };
    for written in all {
        let known = known.entry(&written.0.station).or_default();
        known.learn(written.0.series, seq(written), &written.1.at);
    }
    let times = all.iter().map(|written| {
        let (id, record) = written;
        let standing = Standing { series: id.series, seq: seq(written), received: at(1000) };
        let Ok(told) = happened(known.get_mut(&*id.station).unwrap(), &record.at, standing);
        (id.clone(), (told.likely, told.borders(&record.at)))
    });
    times.collect()
}

/// The heads of the series, the smallest first, taken literally.
fn merged<'a>(times: &Times, mut left: Vec<&'a Written>) -> Vec<&'a Written> {
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let is_head = |(id, _): &Written| {
            !left
                .iter()
                .any(|(other, _)| (&other.station, other.series) == (&id.station, id.series) && other.seq < id.seq)
        };
        let heads = left.iter().enumerate().filter(|(_, written)| is_head(written));
        let key = |(id, _): &Written| (times[id].0, id.series, id.station.clone(), id.seq);
        let smallest = heads.min_by_key(|(_, written)| key(written)).unwrap().0;
        ordered.push(left.remove(smallest));
    }
    ordered
}

/// Does it say that another record was never true? Wholly, or (`false`) only of where it puts its subject.
fn corrects(record: &Record) -> Option<(&RecordId, bool)> {
    match record.event {
        Event::Voided => record.corrects.as_ref().map(|id| (id, true)),
        Event::Moved if record.reason.as_deref() == Some("mistake") => record.corrects.as_ref().map(|id| (id, false)),
        _ => None,
    }
}

fn never_true(ordered: &[&Written], all: &[Written]) -> BTreeMap<RecordId, bool> {
    let series = |id: &RecordId| (id.station.clone(), id.series);
    // Every identity of what `written` says: its own, the first one, and those of its repetitions.
    let stored_as = |written: &Written| -> Vec<RecordId> {
        all.iter().filter(|other| are_the_same(written, other)).map(|(id, _)| id.clone()).collect()
    };
    let known_as = |written: &Written| [stored_as(written), vec![origin(written).clone()]].concat();
    let mut wrong: BTreeMap<RecordId, bool> = BTreeMap::new();
    for (n, by) in ordered.iter().enumerate().rev() {
        let (id, record) = by;
        if wrong.get(id) == Some(&true) {
            continue;
        }
        let Some((corrected, whole)) = corrects(record) else { continue };
        let named: Vec<usize> = (0..ordered.len()).filter(|m| known_as(ordered[*m]).contains(corrected)).collect();
        let in_own_series = |m: &usize| stored_as(ordered[*m]).iter().any(|known| series(known) == series(id));
        let exactly = |m: &usize| stored_as(ordered[*m]).contains(corrected);
        let meant: Vec<usize> = if named.iter().any(in_own_series) {
            named.into_iter().filter(in_own_series).collect()
        } else if named.iter().any(exactly) {
            named.into_iter().filter(exactly).collect()
        } else {
            named
        };
        for m in meant {
            let (target, said) = ordered[m];
            let later = known_as(ordered[m])
                .iter()
                .any(|t| known_as(by).iter().any(|c| series(t) == series(c) && t.seq >= c.seq));
            let may = said.event != Event::Refused && (corrects(said).is_none() || m < n);
            if !later && may && said.subject == record.subject {
                *wrong.entry(target.clone()).or_default() |= whole;
            }
        }
    }
    wrong
}

/// Dimension and value.
type Groups = BTreeSet<(String, String)>;

/// The groups that a device was ever in, and the places that it is in at the end.
fn ever(device: &Subject, records: &[&Written], wrong: &BTreeMap<RecordId, bool>, times: &Times) -> (Groups, Groups) {
    let mut inside: BTreeSet<(Subject, Joined)> = BTreeSet::new();
    let (mut groups, mut now) = (Groups::new(), Groups::new());
    let mut mistaken: Vec<(Subject, Subject, Subject)> = Vec::new();
    for (id, record) in records {
        let void = wrong.get(id);
        if [Event::Refused, Event::Voided].contains(&record.event) || void == Some(&true) {
            continue;
        }
        if void.is_some() {
            let pairs = record.into.iter().flat_map(|wrong| record.from.iter().map(move |truly| (wrong, truly)));
            mistaken.extend(pairs.map(|(wrong, truly)| (record.subject.clone(), wrong.subject(), truly.subject())));
        } else {
            // Everything that is reached from what it says that its subject leaves, step by step.
            let stays: BTreeSet<Subject> = record.into.iter().map(Joined::subject).collect();
            let mut leaves: BTreeSet<Subject> = record.from.iter().map(Joined::subject).collect();
            loop {
                let (over, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut mistaken)
                    .into_iter()
                    .partition(|(child, wrong, _)| *child == record.subject && leaves.contains(wrong));
                mistaken = rest;
                if over.is_empty() {
                    break;
                }
                leaves.extend(over.into_iter().map(|(_, _, truly)| truly).filter(|truly| !stays.contains(truly)));
            }
            inside.retain(|(child, parent)| *child != record.subject || !leaves.contains(&parent.subject()));
        }
        if void.is_none() {
            let into = record.into.iter().filter(|parent| parent.subject() != record.subject);
            inside.extend(into.map(|parent| (record.subject.clone(), parent.clone())));
        }
        let failed = record.attributes.get("result").is_some_and(|result| result == "fail");
        if record.subject == *device && record.event != Event::Contradicted {
            let names: &[&str] = if failed { &["fwVersion"] } else { &["lotCode", "fwVersion", "colour"] };
            let said = record.attributes.iter().filter(|(name, _)| names.contains(&name.as_str()));
            groups.extend(said.map(|(name, value)| {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                (name.clone(), text)
            }));
        }
        if record.subject == *device && record.event != Event::Contradicted {
            groups.insert(("station".to_owned(), id.station.clone()));
            let (earliest, latest) = times[id].1;
            match latest - earliest > 31 * 86_400_000_000 {
                true => drop(groups.insert(("day".to_owned(), "unknown".to_owned()))),
                false => groups.extend(days(earliest, latest).map(|day| ("day".to_owned(), day))),
            }
        }
        now.clear();
        let mut reached = BTreeSet::from([device.clone()]);
        for _ in 0..inside.len() {
            for (child, parent) in &inside {
                if reached.contains(child) {
                    reached.insert(parent.subject());
                    let part = parent.kind == records::Kind::Device && parent.subject() != *device;
                    now.extend(part.then(|| ("partOf".to_owned(), parent.id.clone())));
                    now.extend(parent.level.map(|level| (level.attribute().to_owned(), parent.id.clone())));
                }
            }
        }
        groups.extend(now.iter().cloned());
    }
    (groups, now)
}

/// Every UTC day between, found by looking at every hour.
fn days(earliest: i64, latest: i64) -> impl Iterator<Item = String> {
    let hours = (earliest..latest).step_by(3_600_000_000).chain([latest]);
    hours.map(|micros| jiff::Timestamp::from_microsecond(micros).unwrap().strftime("%Y-%m-%d").to_string())
}
