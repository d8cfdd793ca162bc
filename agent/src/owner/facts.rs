//! Reads what a decision needs to know.

use std::collections::BTreeMap;

use records::wire::Holds;

use crate::journal::{Group, JournalError};
use crate::station::{Facts, Hold, Wanted};

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
    if let Some(id) = &wanted.label {
        facts.label = group.newest_label(id)?;
    }
    Ok(facts)
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
