//! A spare takes over.

use agent::station::{Open, RemoteContainer};

use super::*;
use crate::truth::Taking;

/// This station goes on with a container that the other one had open: as the service tells it, or by a count.
///
/// # Errors
/// What is not as it must be.
pub(super) fn adopt(
    benches: &mut [Bench; 2],
    act: &Act,
    which: u8,
    office: &mut Office,
    network: bool,
    told: &mut Vec<Answer>,
) -> Result<(), String> {
    let other = &benches[1 - act.station];
    let open = other.truth.open.iter().filter_map(|id| Some(other.state.open_container(id)?.1.clone()));
    let open: Vec<Open> = open.collect();
    // It died after it had delivered, or nobody could know what is in it.
    let Some(open) = open.get(usize::from(which) % open.len().max(1)).filter(|_| other.queue.is_empty()) else {
        return Ok(());
    };
    let taking = contents(&other.truth, &open.id, network);
    let goes_on = benches[act.station].truth.opened.clone();
    let remote = RemoteContainer {
        parent: taking.parent.clone(),
        station: Some(other.line.station.clone()),
        serials: taking.units.iter().map(|(_, serial)| serial.clone()).collect(),
        scopes: taking.units.iter().map(|(scope, _)| scope.clone()).collect(),
        containers: taking.containers.clone(),
        count: open.count,
        // Where this station has gone on with something in it, the other one does not know how many there are now.
        units: open.units.filter(|_| taking.below.units.keys().all(|inner| !goes_on.contains(inner))),
        common: open.common.clone(),
        ..RemoteContainer::new(open.kind, ContainerState::Open)
    };
    let (id, lane) = (open.id.clone(), LANES[act.lane]);
    let was_known = goes_on.contains(&id);
    let bench = &mut benches[act.station];
    bench.now += 1_000;
    let by_service = network;
    bench.truth.taking = if by_service { taking.clone() } else { counted(&taking) };
    told.push(bench.scan(lane, Ok(Reading::Command(Command::Adopt)), office, network)?);
    let says = Service::Answer { age_ms: 0, unit: None, container: Some(remote) };
    bench.told = Some(if network { says } else { Service::Off });
    let label = |id: &String| Reading::Container { id: id.clone(), attributes: Attributes::new() };
    let answer = bench.scan(lane, Ok(label(&id)), office, network)?;
    let counts = answer.code == Code::Waiting;
    told.push(answer);
    if counts {
        // What is refused, such as a unit that is scrap here, is not taken over.
        let is_found = |answer: &Answer| answer.outcome == Outcome::Accepted;
        for (scope, serial) in &taking.units {
            let (scope, serial) = (scope.clone(), serial.clone());
            let unit = (scope.clone(), serial.clone());
            let reading = Reading::Device { serial, scope, attributes: Attributes::new() };
            told.push(bench.scan(lane, Ok(reading), office, network)?);
            bench.truth.taking.units.extend(told.last().is_some_and(is_found).then_some(unit));
        }
        for inner in &taking.containers {
            told.push(bench.scan(lane, Ok(label(inner)), office, network)?);
            bench.truth.taking.containers.extend(told.last().is_some_and(is_found).then(|| inner.clone()));
        }
        told.push(bench.scan(lane, Ok(Reading::Command(Command::Finish)), office, network)?);
    }
    bench.truth.taking = Taking::default();
    let is_adopted = !was_known && bench.truth.opened.contains(&id);
    if !is_adopted {
        told.push(bench.scan(lane, Ok(Reading::Command(Command::Cancel)), office, network)?);
    }
    benches[1 - act.station].dead |= is_adopted;
    Ok(())
}

/// What is in a container; what that is in itself only the service knows.
fn contents(truth: &Truth, id: &str, network: bool) -> Taking {
    let units = truth.inside.iter().filter(|(_, inside)| *inside == id).map(|(unit, _)| unit.clone());
    let mut taking = Taking { units: units.collect(), ..Taking::default() };
    taking.containers = inside(truth, id);
    taking.parent = truth.parent.get(id).cloned().filter(|_| network);
    let mut next = taking.containers.clone();
    while let Some(outer) = next.pop() {
        let units = truth.inside.values().filter(|inside| **inside == outer).count();
        taking.below.units.insert(outer.clone(), units);
        for inner in inside(truth, &outer) {
            taking.below.inside.insert(inner.clone(), outer.clone());
            next.push(inner);
        }
    }
    taking
}

fn inside(truth: &Truth, id: &str) -> Vec<String> {
    truth.parent.iter().filter(|(_, parent)| *parent == id).map(|(inner, _)| inner.clone()).collect()
}

/// Before anything of it was scanned.
fn counted(taking: &Taking) -> Taking {
    Taking { below: taking.below.clone(), ..Taking::default() }
}
