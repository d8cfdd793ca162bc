//! What stations say that they have done of a work order, a lot or a container, held against what is stored.
//!
//! A station seals its share with its counts. Where fewer units are stored than it has counted, records are missing, and
//! where there are more, something was done after the seal: an answer that goes by that order says so by name.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use jiff::Timestamp;
use records::attributes::Attributes;
use records::{Event, Kind, Subject};
use serde::Serialize;

use super::question::Clause;
use crate::store::{Kept, Snapshot, Source, sql};

/// A station's share, as it has sealed it, and as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Seal {
    /// The station.
    pub station: String,
    /// When it sealed.
    pub at: Timestamp,
    /// Units that it has made: packed, taken out again or scrapped.
    pub made: u64,
    /// Units that it has packed.
    pub packed: u64,
    /// Units that it has taken out.
    pub taken_out: u64,
    /// Units that it has scrapped.
    pub scrapped: u64,
    /// Tests that failed there.
    pub failed: u64,
    /// Units of its share that are stored.
    pub stored: u64,
    /// How many more it has counted than are stored; negative where it is fewer.
    pub difference: i64,
}

impl Seal {
    fn of(station: &str, at: Timestamp, counts: &Attributes) -> Self {
        let count = |name: &str| counts.get(name).and_then(serde_json::Value::as_u64).unwrap_or_default();
        Self {
            station: station.to_owned(),
            at,
            made: count("made"),
            packed: count("packed"),
            taken_out: count("takenOut"),
            scrapped: count("scrapped"),
            failed: count("failed"),
            stored: 0,
            difference: 0,
        }
    }

    /// In a sentence, where the two differ.
    pub fn says(&self, by: &str, value: &str) -> Option<String> {
        let Self { station, made, stored, difference, .. } = self;
        let of = format!("station {station} has sealed {made} units of {by} {}", value.escape_debug());
        match difference {
            0 => None,
            1.. => Some(format!("{of}, and {stored} are stored: {difference} are missing")),
            _ => Some(format!("{of}, and {stored} are stored: {} more than it has counted", difference.unsigned_abs())),
        }
    }
}

/// What is sealed where a group is one of these.
pub fn sealed(by: &str, value: &str) -> Option<Subject> {
    match by {
        "workOrder" => Some(Subject::new(Kind::WorkOrder, value)),
        "lotCode" => Some(Subject::new(Kind::Lot, value)),
        "palletId" | "packageId" => Some(Subject::container(value)),
        _ => None,
    }
}

/// The seals of a group, the last one of each station, by name. Without one nothing is counted.
///
/// # Errors
/// What the store says.
pub fn seals(snapshot: &Snapshot<'_>, by: &str, value: &str) -> sql::Result<Vec<Seal>> {
    let Some(subject) = sealed(by, value) else { return Ok(Vec::new()) };
    let mut last: BTreeMap<String, (i64, Seal)> = BTreeMap::new();
    for fact in snapshot.facts_about(&subject)? {
        let Some(record) = fact.reading.record.as_ref().filter(|_| fact.reading.subject.as_ref() == Some(&subject))
        else {
            continue;
        };
        let at = fact.likely().unwrap_or(i64::MIN);
        let is_newer = || last.get(&fact.id.station).is_none_or(|(known, _)| *known <= at);
        if record.event == Event::Sealed && is_newer() {
            let seal = Seal::of(&fact.id.station, record.at.wall, &record.attributes);
            last.insert(fact.id.station.clone(), (at, seal));
        }
    }
    let mut seals: Vec<Seal> = last.into_values().map(|(_, seal)| seal).collect();
    if seals.is_empty() {
        return Ok(seals);
    }
    let values = [value.to_owned()];
    let source = Source::Group { dimension: by, values: &values, further: &[] };
    snapshot.select(&[source], None, |matched| {
        let (serial, scope) = &matched.device;
        let unit = snapshot.kept_by_name(serial, scope)?.filter(|_| !scope.starts_with("component:"));
        for seal in &mut seals {
            let counts = unit.as_ref().is_some_and(|kept| is_in(kept, by, value, seal) && made_by(kept, by, seal));
            seal.stored += u64::from(counts);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    for seal in &mut seals {
        let difference = i128::from(seal.made) - i128::from(seal.stored);
        seal.difference = i64::try_from(difference).unwrap_or(i64::MAX);
    }
    Ok(seals)
}

/// Was the unit in the group when the station sealed it?
fn is_in(kept: &Kept, by: &str, value: &str, seal: &Seal) -> bool {
    let at = seal.at.as_microsecond();
    kept.groups.iter().any(|group| {
        group.dimension == by
            && group.value == value
            && !group.corrected
            && group.since <= at
            && group.until.is_none_or(|until| until > at)
    })
}

/// Of an order each station counts what it has packed or scrapped itself, of a container everything that is in it.
fn made_by(kept: &Kept, by: &str, seal: &Seal) -> bool {
    let at = seal.at.as_microsecond();
    ["palletId", "packageId"].contains(&by)
        || kept.handled.iter().any(|handled| {
            handled.station == seal.station
                && matches!(handled.event, Event::Packed | Event::Scrapped)
                && handled.earliest <= at
        })
}

/// Every difference between what was sealed and what is stored, in sentences.
///
/// # Errors
/// What the store says.
pub fn differences(snapshot: &Snapshot<'_>, clauses: &[Clause]) -> sql::Result<Vec<String>> {
    let mut said = Vec::new();
    for Clause { by, values } in clauses {
        for value in values {
            said.extend(seals(snapshot, by, value)?.iter().filter_map(|seal| seal.says(by, value)));
        }
    }
    Ok(said)
}
