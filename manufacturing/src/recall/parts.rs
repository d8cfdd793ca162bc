//! The devices that ever contained a component, at any depth.
//!
//! Components are read one after the other, each names what it was ever part of, and the answer comes in the order of those
//! devices. So they are gathered: the lowest [`MOST_PARENTS`] first, and where there are more the components are read again
//! for the next ones. Memory stays flat; time grows with the square only beyond that many.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::ControlFlow;

use jiff::Timestamp;
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
/// Devices with the components for which they are in an answer: one for each of the [`Parts`] asked for.
pub type Parents = BTreeMap<(String, String), Vec<Contained>>;

/// The components of one of the [`Parts`] that a device contained. Of which it is told why is cut short; since when and
/// until when goes by all of them. Any of them is enough: what is true outweighs what was a mistake, and it lasts while one
/// of them does.
#[derive(Debug, Clone)]
pub struct Contained {
    /// The serial number of one of them.
    pub value: String,
    /// Since when it contained the first of them.
    pub since: Timestamp,
    /// Until when it contained the last of them; `None` while it lasts.
    pub until: Option<Timestamp>,
    /// It was said to contain them and never did.
    pub corrected: bool,
    /// The first few.
    pub told: Vec<Why>,
}

impl Contained {
    fn of(why: Why) -> Self {
        let Why { value, since, until, corrected, .. } = why.clone();
        Self { value, since, until, corrected, told: vec![why] }
    }

    fn take(&mut self, why: Why) {
        match (self.corrected, why.corrected) {
            (true, false) => {
                (self.since, self.until, self.corrected) = (why.since, why.until, false);
                self.value.clone_from(&why.value);
            }
            (false, true) => {}
            _ => {
                self.since = self.since.min(why.since);
                self.until = self.until.and_then(|until| Some(until.max(why.until?)));
            }
        }
        // What is true stands before what was a mistake.
        match self.told.iter().position(|told| told.corrected && !why.corrected) {
            Some(mistake) if self.told.len() >= MOST_TOLD => self.told[mistake] = why,
            _ if self.told.len() < MOST_TOLD => self.told.push(why),
            _ => {}
        }
    }
}

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
        let mut found = BTreeMap::new();
        walk(snapshot, prepared, first, |device, why| {
            if after.as_ref().is_some_and(|after| device <= *after) {
                return;
            }
            let is_full = found.len() == MOST_PARENTS && !found.contains_key(&device);
            if is_full && found.last_key_value().is_some_and(|(last, _)| device > *last) {
                return;
            }
            tell(&mut found, device, why);
            if found.len() > MOST_PARENTS {
                found.pop_last();
            }
        })?;
        let ended = found.len() < MOST_PARENTS;
        after = found.last_key_value().map(|(last, _)| last.clone());
        let mut parents: Parents = found.into_iter().map(|(device, contained)| (device, vec![contained])).collect();
        for part in others {
            let mut with = BTreeMap::new();
            walk(snapshot, prepared, part, |device, why| {
                if parents.contains_key(&device) {
                    tell(&mut with, device, why);
                }
            })?;
            parents.retain(|device, _| with.contains_key(device));
            for (device, contained) in with {
                parents.entry(device).or_default().push(contained);
            }
        }
        if each(&parents)?.is_break() || ended {
            return Ok(());
        }
    }
}

fn tell(devices: &mut BTreeMap<(String, String), Contained>, device: (String, String), why: Why) {
    match devices.entry(device) {
        Entry::Vacant(new) => drop(new.insert(Contained::of(why))),
        Entry::Occupied(mut known) => known.get_mut().take(why),
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
