//! The devices that ever contained a component, at any depth.
//!
//! Components are read one after the other, each names what it was ever part of, and the answer comes in the order of those
//! devices. So they are gathered: the lowest [`MOST_PARENTS`] first, and where there are more the components are read again
//! for the next ones. Memory stays flat; time grows with the square only beyond that many.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use records::Subject;
use records::attributes::PART_OF;

use super::affected::Why;
use super::prepare::Prepared;
use super::question::Members;
use crate::projection::part;
use crate::store::{Group, Kept, Snapshot, Source, shown, sql};

/// Devices that are gathered at once.
#[cfg(not(test))]
const MOST_PARENTS: usize = 50_000;
#[cfg(test)]
const MOST_PARENTS: usize = 3;
/// Most components that are told as reasons of one device.
const MOST_TOLD: usize = 8;

/// Serials and scopes of devices.
pub type Names = Vec<(String, String)>;
/// Devices with the components for which they are in an answer.
pub type Parents = BTreeMap<(String, String), Vec<Why>>;

/// Which components.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parts {
    /// These.
    Named(Vec<Subject>),
    /// All that were ever in one of these lots.
    Lots(Vec<String>),
}

/// Goes through the devices that contained a component of every kind asked for, so many at a time, the lowest first.
pub fn in_chunks(
    snapshot: &Snapshot<'_>,
    prepared: &Prepared,
    mut each: impl FnMut(&Parents) -> sql::Result<ControlFlow<()>>,
) -> sql::Result<()> {
    let Some((first, others)) = prepared.parts.split_first() else { return Ok(()) };
    let mut after: Option<(String, String)> = None;
    loop {
        let mut parents = Parents::new();
        walk(snapshot, prepared, first, |device, why| {
            if after.as_ref().is_some_and(|after| device <= *after) {
                return;
            }
            let is_full = parents.len() == MOST_PARENTS && !parents.contains_key(&device);
            if is_full && parents.last_key_value().is_some_and(|(last, _)| device > *last) {
                return;
            }
            tell(parents.entry(device).or_default(), why);
            if parents.len() > MOST_PARENTS {
                parents.pop_last();
            }
        })?;
        let ended = parents.len() < MOST_PARENTS;
        after = parents.last_key_value().map(|(last, _)| last.clone());
        for part in others {
            let mut with = Parents::new();
            walk(snapshot, prepared, part, |device, why| {
                if parents.contains_key(&device) {
                    tell(with.entry(device).or_default(), why);
                }
            })?;
            parents.retain(|device, _| with.contains_key(device));
            for (device, why) in with {
                parents.entry(device).or_default().extend(why);
            }
        }
        if each(&parents)?.is_break() || ended {
            return Ok(());
        }
    }
}

/// What is true stands before what was a mistake.
fn tell(told: &mut Vec<Why>, why: Why) {
    match told.iter().position(|told| told.corrected && !why.corrected) {
        Some(mistake) if told.len() >= MOST_TOLD => told[mistake] = why,
        _ if told.len() < MOST_TOLD => told.push(why),
        _ => {}
    }
}

fn walk(
    snapshot: &Snapshot<'_>,
    prepared: &Prepared,
    parts: &Parts,
    mut each: impl FnMut((String, String), Why),
) -> sql::Result<()> {
    match parts {
        Parts::Named(components) => {
            for component in components {
                if let Some(kept) = kept(snapshot, prepared, &component.id, &component.scope)? {
                    inside(prepared, &kept, &component.id, None, &mut each);
                }
            }
            Ok(())
        }
        Parts::Lots(lots) => {
            let source = Source::Group { dimension: "lotCode", values: lots, further: &[] };
            snapshot.select(&[source], None, |matched| {
                let (serial, scope) = &matched.device;
                let lot = matched.units.first().map(|unit| unit.value.clone());
                let Some(kept) = kept(snapshot, prepared, serial, scope)? else { return Ok(ControlFlow::Continue(())) };
                // By then, or by what was known then, it may have been in none of them.
                let at = prepared.as_of.map_or(i64::MAX, |time| time.as_microsecond());
                let counts = |group: &&Group| match prepared.members {
                    Members::Ever => group.earliest <= at,
                    Members::Current => group.earliest <= at && group.latest.is_none_or(|latest| latest > at),
                };
                let in_lots = kept.groups.iter().filter(|group| group.dimension == "lotCode" && !group.corrected);
                let was_in = in_lots.filter(counts).any(|group| lots.contains(&group.value));
                if was_in {
                    inside(prepared, &kept, serial, lot, &mut each);
                }
                Ok(ControlFlow::Continue(()))
            })
        }
    }
}

fn kept(snapshot: &Snapshot<'_>, prepared: &Prepared, serial: &str, scope: &str) -> sql::Result<Option<Kept>> {
    match prepared.known_at {
        None => snapshot.kept_by_name(serial, scope),
        Some(position) => match snapshot.device(serial, scope)? {
            Some(device) => snapshot.kept_at(&device, position),
            None => Ok(None),
        },
    }
}

/// What a component was ever part of.
fn inside(
    prepared: &Prepared,
    kept: &Kept,
    serial: &str,
    lot: Option<String>,
    each: &mut impl FnMut((String, String), Why),
) {
    let at = prepared.as_of.map_or(i64::MAX, |time| time.as_microsecond());
    let part_of = kept.groups.iter().filter(|group| group.dimension == PART_OF && group.earliest <= at);
    for group in part_of {
        let Some(device) = part(&group.value) else { continue };
        let until = group.until.filter(|_| group.latest.is_some_and(|latest| latest <= at)).map(shown);
        if prepared.members == Members::Current && until.is_some() && !group.corrected {
            continue;
        }
        let by = if lot.is_some() { "componentLot" } else { "component" };
        let why = Why {
            by: by.to_owned(),
            value: serial.to_owned(),
            lot: lot.clone(),
            since: shown(group.since),
            until,
            corrected: group.corrected,
        };
        each((device.id, device.scope), why);
    }
}
