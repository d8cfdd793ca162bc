//! Reads what a decision needs to know.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use records::wire::Holds;

use crate::journal::{Group, Inside, InsideUnit, JournalError};
use crate::station::{Facts, HeldInside, Hold, Wanted};

/// Reads the facts; what earlier decisions of this group did is seen.
pub(super) fn read(group: &Group<'_>, wanted: &Wanted, waiting: Option<&Holds>) -> Result<Facts, JournalError> {
    let mut facts = Facts { room: group.has_room_for_refusals(), ..Facts::default() };
    for hold in &wanted.holds {
        if facts.held.contains(hold) {
            continue;
        }
        let waits = waiting.map(|waiting| of_waiting(waiting, hold)).unwrap_or_default();
        if waits.held || group.is_held(hold)? {
            facts.held.push(hold.clone());
            if waits.recalled || group.is_recalled(hold)? {
                facts.recalled.push(hold.clone());
            }
        }
    }
    let mut containers = wanted.containers.clone();
    if let Some((scope, serial)) = &wanted.unit {
        facts.known = group.known(scope, serial)?;
        containers.extend(facts.known.as_ref().and_then(|known| known.package.clone()));
    }
    for (scope, serial) in &wanted.units {
        if let Some(known) = group.known(scope, serial)? {
            facts.units.insert((scope.clone(), serial.clone()), known);
        }
    }
    facts.containers = group.containers(&containers)?;
    let of_unit = facts.known.as_ref().and_then(|known| known.work_order.clone());
    let of_containers = facts.containers.values().filter_map(|container| container.work_order.clone());
    let mut orders = BTreeMap::new();
    for id in wanted.order.clone().into_iter().chain(of_unit).chain(of_containers) {
        if !orders.contains_key(&id)
            && let Some(count) = group.order(&id)?
        {
            orders.insert(id, count);
        }
    }
    facts.orders = orders;
    if let Some(id) = &wanted.contents {
        facts.contents = group.units_in(id)?;
        facts.contents.extend(group.containers_in(id)?);
    }
    if let Some(id) = &wanted.inside
        && (waiting.is_some() || group.holds_anything()?)
    {
        facts.inside = inside(group, id, waiting)?;
    }
    if let Some(id) = &wanted.label {
        facts.label = group.newest_label(id)?;
    }
    Ok(facts)
}

/// What of the contents of a container is on hold.
fn inside(group: &Group<'_>, id: &str, waiting: Option<&Holds>) -> Result<HeldInside, JournalError> {
    let mut found = HeldInside::default();
    let mut is_held = |hold: &Hold| -> Result<bool, JournalError> {
        let waits = waiting.map(|waiting| of_waiting(waiting, hold)).unwrap_or_default();
        let held = waits.held || group.is_held(hold)?;
        found.recalled |= held && (waits.recalled || group.is_recalled(hold)?);
        Ok(held)
    };
    let Inside { units, lots } = group.inside(id)?;
    // Mostly all units are of few lots.
    let mut of_lot = BTreeMap::new();
    for lot in units.iter().filter_map(|unit| unit.lot.clone()).chain(lots.iter().cloned()) {
        if let Entry::Vacant(new) = of_lot.entry(lot) {
            let held = is_held(&Hold::Lot(new.key().clone()))?;
            new.insert(held);
        }
    }
    let lot_is_held = |lot: &String| of_lot.get(lot).copied().unwrap_or_default();
    let mut serials = BTreeSet::new();
    for InsideUnit { serial, lot, held } in units {
        if is_held(&Hold::Serial(serial.clone()))? || held || lot.as_ref().is_some_and(lot_is_held) {
            serials.insert(serial);
        }
    }
    let lots = lots.into_iter().filter(lot_is_held).collect();
    Ok(HeldInside { serials, lots, ..found })
}

#[derive(Default)]
struct Waits {
    held: bool,
    recalled: bool,
}

/// Holds that could not be written yet hold all the same.
fn of_waiting(waiting: &Holds, hold: &Hold) -> Waits {
    let (id, all, recalled) = match hold {
        Hold::Serial(id) => (id, &waiting.serials, &waiting.recalled_serials),
        Hold::Lot(id) => (id, &waiting.lots, &waiting.recalled_lots),
    };
    let recalled = recalled.contains(id);
    Waits { held: recalled || all.contains(id), recalled }
}
