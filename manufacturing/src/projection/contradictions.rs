//! What cannot all be true of a device or container: found by comparing records, or said by a station that looked it up.

use std::collections::BTreeSet;

use serde_json::Value;

use super::condition::Taken;
use super::disputed::Said;
use super::walk::{Edge, Place, Walk};
use super::{Contradiction, Fact};

/// Everything of that kind that lasts, the earliest first.
pub fn contradictions(facts: &[&Fact], walk: &Walk<'_>) -> Vec<Contradiction> {
    let mut found: Vec<(usize, Contradiction)> = Vec::new();
    let conflicts = walk.conflicts();
    let packages = conflicts.iter().any(|(a, _)| a.place() == Some(Place::Package));
    for (first, second) in &conflicts {
        let Some(place) = first.place() else { continue };
        // Two packages are on two pallets: that says nothing more.
        if place != Place::Pallet || !packages {
            found.push((second.step, of_places(facts, place, first, second)));
        }
    }
    for (edge, by) in walk.doubtful() {
        found.push((edge.step, of_taking(facts, edge, by)));
    }
    found.extend(walk.disputes().into_iter().map(|dispute| (usize::MAX, of_dispute(dispute))));
    if let Some(scrapped) = walk.condition.scrapped {
        found.extend(walk.directly_in().into_iter().map(|edge| of_scrapped(facts, scrapped, edge)));
    }
    found.extend(walk.condition.said.iter().map(|taken| said(facts, taken)));
    found.sort_by(|a, b| (a.0, &a.1.text).cmp(&(b.0, &b.1.text)));
    found.into_iter().map(|(_, contradiction)| contradiction).collect()
}

fn station<'f>(facts: &[&'f Fact], index: usize) -> &'f str {
    &facts[index].id.station
}

fn of_places(facts: &[&Fact], place: Place, first: &Edge<'_>, second: &Edge<'_>) -> Contradiction {
    let (code, what) = match place {
        Place::Package => ("in-another-package", "in package"),
        Place::Pallet => ("on-another-pallet", "on pallet"),
        Place::Device => ("in-another-device", "part of"),
    };
    let says = |edge: &Edge<'_>| format!("{what} {}, says station {}", edge.parent_id(), station(facts, edge.since));
    let stations = [first, second].map(|edge| station(facts, edge.since).to_owned());
    Contradiction {
        code: code.to_owned(),
        text: format!("{}; {}", says(first), says(second)),
        at: facts[second.since].wall().unwrap_or_default(),
        stations: BTreeSet::from(stations).into_iter().collect(),
    }
}

fn of_taking(facts: &[&Fact], edge: &Edge<'_>, by: &Fact) -> Contradiction {
    let put = facts[edge.since];
    let (id, station, other) = (edge.parent_id(), &put.id.station, &by.id.station);
    unordered(format!("put into {id}, says station {station}; taken out of it, says station {other}"), put, by)
}

fn of_dispute((name, first, last): (&str, Said<'_>, Said<'_>)) -> Contradiction {
    let says = |said: &Said<'_>| format!("{name} {}, says station {}", shown(said.value), said.by.id.station);
    unordered(format!("{}; {}", says(&first), says(&last)), first.by, last.by)
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Two records of which nobody can say which came last.
fn unordered(what: String, first: &Fact, second: &Fact) -> Contradiction {
    Contradiction {
        code: "unordered".to_owned(),
        text: format!("{what}; which of the two came last is not known"),
        at: first.wall().max(second.wall()).unwrap_or_default(),
        stations: BTreeSet::from([first, second].map(|fact| fact.id.station.clone())).into_iter().collect(),
    }
}

fn of_scrapped(facts: &[&Fact], scrapped: Taken<'_>, edge: &Edge<'_>) -> (usize, Contradiction) {
    let (by, put) = (station(facts, scrapped.index), station(facts, edge.since));
    let later = if scrapped.step > edge.step { scrapped.index } else { edge.since };
    let contradiction = Contradiction {
        code: "scrapped".to_owned(),
        text: format!("scrapped, says station {by}; in {}, says station {put}", edge.parent_id()),
        at: facts[later].wall().unwrap_or_default(),
        stations: BTreeSet::from([by.to_owned(), put.to_owned()]).into_iter().collect(),
    };
    (scrapped.step.max(edge.step), contradiction)
}

fn said(facts: &[&Fact], taken: &Taken<'_>) -> (usize, Contradiction) {
    let text = |name: &str| taken.record.attributes.get(name).and_then(|value| value.as_str()).unwrap_or_default();
    let contradiction = Contradiction {
        code: text("code").to_owned(),
        text: text("text").to_owned(),
        at: taken.record.at.wall,
        stations: vec![station(facts, taken.index).to_owned()],
    };
    (taken.step, contradiction)
}
