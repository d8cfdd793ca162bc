//! What the service knows once records have reached it: enough of it to answer stations.

use std::collections::BTreeMap;

use agent::station::{RemoteContradiction, RemoteUnit, Service, UnitState};
use records::{Draft, Event, Kind};

/// The service, told of devices by records alone.
#[derive(Default)]
pub struct Office {
    /// The last word of each station about a unit.
    units: BTreeMap<(String, String), BTreeMap<usize, RemoteUnit>>,
}

impl Office {
    /// A record of a station arrives.
    pub fn receive(&mut self, station: usize, draft: &Draft) {
        if draft.event == Event::Adopted {
            self.adopted(station, &draft.subject.id);
        }
        if draft.subject.kind != Kind::Device {
            return;
        }
        let key = (draft.subject.scope.clone(), draft.subject.id.clone());
        let unit = self.units.entry(key).or_default().entry(station).or_insert_with(|| RemoteUnit {
            state: UnitState::Seen,
            station: Some(name(station)),
            ..RemoteUnit::default()
        });
        let (state, package) = match (draft.event, draft.into.first()) {
            (Event::Packed | Event::Moved, Some(into)) => (UnitState::Packed, Some(into.id.clone())),
            (Event::Voided, _) => (UnitState::Seen, None),
            (Event::TakenOut, _) => (UnitState::Out, None),
            (Event::Scrapped, _) => (UnitState::Scrapped, None),
            (Event::Held, _) => {
                unit.held = true;
                return;
            }
            _ => return,
        };
        (unit.state, unit.package_id) = (state, package);
        let order = draft.attributes.get("workOrder").and_then(|order| order.as_str()).map(str::to_owned);
        unit.work_order = order.or(unit.work_order.take());
    }

    /// What was in a container of the other station is where it was, and this station's from now on; unless this one has it
    /// elsewhere: then both words stand.
    fn adopted(&mut self, station: usize, id: &str) {
        for known in self.units.values_mut() {
            let is_there = |unit: &RemoteUnit| unit.package_id.as_deref() == Some(id);
            let is_elsewhere = |unit: &RemoteUnit| unit.state == UnitState::Packed && !is_there(unit);
            if known.get(&(1 - station)).is_some_and(is_there)
                && !known.get(&station).is_some_and(is_elsewhere)
                && let Some(unit) = known.remove(&(1 - station))
            {
                known.insert(station, RemoteUnit { station: Some(name(station)), ..unit });
            }
        }
    }

    /// What a station is told of a unit.
    pub fn answer(&self, asking: usize, scope: &str, serial: &str) -> Service {
        let known = self.units.get(&(scope.to_owned(), serial.to_owned()));
        let other = known.and_then(|known| known.get(&(1 - asking)));
        // What another station says matters; what the asking one says it knows itself.
        let unit = other.or(known.and_then(|known| known.get(&asking))).cloned();
        let packed = known.into_iter().flat_map(BTreeMap::values).filter(|unit| unit.state == UnitState::Packed);
        let places: Vec<String> = packed.filter_map(|unit| unit.package_id.clone()).collect();
        let text = format!("in {}", places.join(" and in "));
        let found = RemoteContradiction { code: "in-another-package".to_owned(), text };
        let contradictions = if places.len() > 1 { vec![found] } else { Vec::new() };
        let unit = unit.map(|unit| RemoteUnit { places, contradictions, ..unit });
        Service::Answer { age_ms: 0, unit, container: None }
    }

    /// Units that both stations say are packed.
    pub fn contested(&self) -> Vec<(String, String)> {
        let is_packed = |unit: &RemoteUnit| unit.state == UnitState::Packed;
        let both = |known: &BTreeMap<usize, RemoteUnit>| known.values().filter(|unit| is_packed(unit)).count() > 1;
        self.units.iter().filter(|(_, known)| both(known)).map(|(key, _)| key.clone()).collect()
    }
}

/// The name of a station.
pub fn name(station: usize) -> String {
    format!("pack-{}", station + 1)
}
