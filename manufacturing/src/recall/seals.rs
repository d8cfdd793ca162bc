//! What stations say that they have done of a work order, a lot or a container, held against what is stored.
//!
//! A station seals its share with its counts. Where fewer units are stored than it has counted, records are missing, and
//! where there are more, something was done after the seal: an answer that goes by that order says so by name. It is
//! complete all the same where people have given up as many records of the station, and where what is more is of a series
//! before the one that sealed: a journal that is lost takes with it what it had counted. That reads the history of every unit
//! of a group that was sealed, which takes longer than the list itself.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::rc::Rc;

use jiff::Timestamp;
use records::attributes::Attributes;
use records::{Event, Kind, RecordId, SeriesId, Stamp, Subject};
use serde::Serialize;

use super::counted;
use super::question::Clause;
use crate::completeness::Series;
use crate::lineage::{self, common};
use crate::projection::{Counts, Fact, Sealing, text};
use crate::store::{SeriesState, Snapshot, Source, sql};

/// Of a lot each packing counts: a station keeps no list of its units.
pub(super) const LOT: &str = "lotCode";
/// The attribute of a unit that names its work order.
pub(super) const ORDER: &str = "workOrder";
/// Devices of which the records are read together.
const AT_ONCE: usize = 256;

/// A station's share, as it has sealed it, and as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Seal {
    /// The station.
    pub station: String,
    /// Of a lot: the work order in which it packed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub work_order: Option<String>,
    /// When it sealed.
    pub at: Timestamp,
    /// Units that it has made: packed, taken out again or scrapped; of a lot how often it packed one.
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
            work_order: counts.get(ORDER).and_then(text).map(Cow::into_owned),
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
        let what = if by == LOT { "packings" } else { "units" };
        let order = self.work_order.as_ref();
        let order = order.map(|order| format!(" in work order {}", order.escape_debug())).unwrap_or_default();
        let of = format!("station {station} has sealed {made} {what} of {by} {}{order}", value.escape_debug());
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

/// The last seal of a station, as it is stored.
pub(super) struct Last {
    /// The record.
    pub id: RecordId,
    /// When it was written.
    pub at: Stamp,
    /// What it says, and what was counted.
    pub seal: Seal,
    /// How many of the stored there are without what its station wrote in series before.
    pub own: u64,
    /// The other series of its station that did not begin after its own.
    before: BTreeSet<SeriesId>,
    sealing: Sealing,
}

impl Last {
    /// Is this the record itself, and not one that was written again in another series?
    pub fn is_first_written(&self) -> bool {
        *self.sealing.id() == self.id
    }

    /// Is its difference one that neither what was given up nor a series before can explain?
    fn is_open(&self, judged: &[Series]) -> bool {
        let Self { seal, own, before, sealing, .. } = self;
        let RecordId { station, series: sealed_in, seq } = sealing.id();
        match seal.difference {
            0 => false,
            missing @ 1.. => {
                let of_station = judged.iter().filter(|series| series.station == *station);
                let given_up = of_station.filter_map(|series| match series.series? {
                    id if id == *sealed_in => Some(lineage::count(&common(&series.given_up, &[(1, *seq)]))),
                    id => before.contains(&id).then(|| lineage::count(&series.given_up)),
                });
                missing.unsigned_abs() > given_up.sum()
            }
            _ => *own > seal.made,
        }
    }

    /// Does another seal of the same share count in place of this one? What was written again is the same seal.
    fn is_before(&self, other: &Self) -> bool {
        match self.sealing.id() == other.sealing.id() {
            true => (other.is_first_written(), &self.id) > (self.is_first_written(), &other.id),
            false => self.sealing.is_before(&other.sealing),
        }
    }
}

/// The last seal of each station, of a lot in each work order, by name.
///
/// # Errors
/// What the store says.
pub(super) fn last(snapshot: &Snapshot<'_>, stations: &[SeriesState], subject: &Subject) -> sql::Result<Vec<Last>> {
    type Share = (String, Option<String>);
    let mut last: BTreeMap<Share, Last> = BTreeMap::new();
    for fact in snapshot.facts_about(subject)? {
        let Some(record) = fact.reading.record.as_ref().filter(|_| fact.reading.subject.as_ref() == Some(subject))
        else {
            continue;
        };
        if record.event != Event::Sealed {
            continue;
        }
        let seal = Seal::of(&fact.id.station, record.at.wall, &record.attributes);
        let share = (seal.station.clone(), seal.work_order.clone());
        let sealing = Sealing::of(&fact);
        let before = not_after(stations, sealing.id());
        let new = Last { id: fact.id.clone(), at: record.at.clone(), seal, own: 0, before, sealing };
        if last.get(&share).is_none_or(|known| known.is_before(&new)) {
            last.insert(share, new);
        }
    }
    Ok(last.into_values().collect())
}

/// The other series of a seal's station that did not begin after the one that it was written in.
fn not_after(stations: &[SeriesState], seal: &RecordId) -> BTreeSet<SeriesId> {
    let of_station = || stations.iter().filter(|state| state.station == seal.station);
    let before = |series: SeriesId| of_station().find(|state| state.series == Some(series))?.lineage.before;
    let others = of_station().filter_map(|state| state.series).filter(|series| *series != seal.series);
    others.filter(|series| !lineage::before(*series, before).contains(&seal.series)).collect()
}

/// Counts what is stored of the shares of these seals.
///
/// # Errors
/// What the store says.
pub(super) fn count(snapshot: &Snapshot<'_>, subject: &Subject, by: &str, seals: &mut [Last]) -> sql::Result<()> {
    let value = subject.id.as_str();
    let mut count = |devices: &[Subject]| -> sql::Result<()> {
        if counted::is_counted(subject) {
            for (device, facts) in devices.iter().zip(snapshot.facts_alone(devices)?) {
                let facts: Vec<&Fact> = facts.iter().collect();
                for Last { seal, own, before, sealing, .. } in &mut *seals {
                    let order = seal.work_order.as_deref().map(|order| (ORDER, order));
                    let counts = if by == LOT { Counts::Packings(order) } else { Counts::Unit };
                    let share = |facts: &[&Fact]| sealing.share(device, facts, (by, value), counts);
                    let (all, without) = sealing.with_and_without(before, &facts, share);
                    (seal.stored, *own) = (seal.stored + all, *own + without);
                }
            }
            return Ok(());
        }
        for (device, facts) in devices.iter().zip(snapshot.facts_of(devices)?) {
            let facts: Vec<&Fact> = facts.iter().map(Rc::as_ref).collect();
            for Last { seal, own, before, sealing, .. } in &mut *seals {
                let inside = |facts: &[&Fact]| u64::from(sealing.has_inside(device, facts, subject));
                let (all, without) = sealing.with_and_without(before, &facts, inside);
                (seal.stored, *own) = (seal.stored + all, *own + without);
            }
        }
        Ok(())
    };
    let values = [value.to_owned()];
    let source = Source::Group { dimension: by, values: &values, further: &[] };
    let mut devices = Vec::new();
    snapshot.select(&[source], None, |matched| {
        let (id, scope) = matched.device;
        if !scope.starts_with("component:") {
            devices.push(Subject { kind: Kind::Device, id, scope });
        }
        if devices.len() == AT_ONCE {
            count(&std::mem::take(&mut devices))?;
        }
        Ok(ControlFlow::Continue(()))
    })?;
    count(&devices)
}

/// The seals of a group, the last one of each station, of a lot in each work order, by name. Without one nothing is counted.
///
/// # Errors
/// What the store says.
pub fn seals(snapshot: &Snapshot<'_>, stations: &[SeriesState], by: &str, value: &str) -> sql::Result<Vec<Seal>> {
    Ok(compared(snapshot, stations, by, value)?.into_iter().map(|last| last.seal).collect())
}

fn compared(snapshot: &Snapshot<'_>, stations: &[SeriesState], by: &str, value: &str) -> sql::Result<Vec<Last>> {
    let Some(subject) = sealed(by, value) else { return Ok(Vec::new()) };
    let mut seals = last(snapshot, stations, &subject)?;
    if !seals.is_empty() && !counted::take(snapshot, stations, &subject, &mut seals)? {
        count(snapshot, &subject, by, &mut seals)?;
    }
    for Last { seal, .. } in &mut seals {
        let difference = i128::from(seal.made) - i128::from(seal.stored);
        seal.difference = i64::try_from(difference).unwrap_or(i64::MAX);
    }
    Ok(seals)
}

/// What stations have sealed of a work order in all, held against its quantity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ordered {
    /// The work order.
    pub work_order: String,
    /// How many units were ordered.
    pub quantity: u64,
    /// How many its stations have sealed.
    pub sealed: u64,
    /// Which those are.
    pub stations: Vec<String>,
    /// How many more than were ordered; negative where it is fewer.
    pub beyond_quantity: i64,
}

/// What comes of holding the seals of an answer's groups against what is stored and what was ordered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// Every difference between what was sealed and what is stored that keeps the answer from being complete, in sentences.
    pub open: Vec<String>,
    /// Those that what was written off, or an earlier series of the station, explains.
    pub explained: Vec<String>,
    /// Of each work order of which the quantity is known and that somebody has sealed: the sum.
    pub ordered: Vec<Ordered>,
}

/// Holds the seals of these groups against what is stored, and against what was ordered; `judged` says what was given up of
/// each series.
///
/// # Errors
/// What the store says.
pub fn held(
    snapshot: &Snapshot<'_>,
    stations: &[SeriesState],
    judged: &[Series],
    clauses: &[Clause],
) -> sql::Result<Held> {
    let mut held = Held::default();
    for Clause { by, values } in clauses {
        for value in values {
            let lasts = compared(snapshot, stations, by, value)?;
            for last in &lasts {
                let told = if last.is_open(judged) { &mut held.open } else { &mut held.explained };
                told.extend(last.seal.says(by, value));
            }
            let seals: Vec<Seal> = lasts.into_iter().map(|last| last.seal).collect();
            let order = if by == "workOrder" && !seals.is_empty() { snapshot.work_order(value)? } else { None };
            held.ordered.extend(order.and_then(|order| Ordered::of(value, order.plan.terms.quantity?.into(), &seals)));
        }
    }
    Ok(held)
}

impl Ordered {
    fn of(work_order: &str, quantity: u64, seals: &[Seal]) -> Option<Self> {
        let sealed = seals.iter().map(|seal| seal.made).fold(0, u64::saturating_add);
        let beyond = i128::from(sealed) - i128::from(quantity);
        Some(Self {
            work_order: work_order.to_owned(),
            quantity,
            sealed,
            stations: seals.iter().map(|seal| seal.station.clone()).collect(),
            beyond_quantity: i64::try_from(beyond).ok()?,
        })
    }
}
