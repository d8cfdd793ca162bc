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
    let remote = RemoteContainer {
        level: open.kind,
        state: ContainerState::Open,
        parent: taking.parent.clone(),
        station: Some(other.line.station.clone()),
        serials: taking.units.iter().map(|(_, serial)| serial.clone()).collect(),
        scopes: taking.units.iter().map(|(scope, _)| scope.clone()).collect(),
        containers: taking.containers.iter().map(|(id, _)| id.clone()).collect(),
        count: open.count,
        units: open.units,
        work_order: None,
        common: open.common.clone(),
    };
    let (id, lane) = (open.id.clone(), LANES[act.lane]);
    let bench = &mut benches[act.station];
    bench.now += 1_000;
    bench.truth.taking = taking.clone();
    told.push(bench.scan(lane, Ok(Reading::Command(Command::Adopt)), office, network)?);
    let says = Service::Answer { age_ms: 0, unit: None, container: Some(remote) };
    bench.told = Some(if network { says } else { Service::Off });
    let label = |id: &String| Reading::Container { id: id.clone(), attributes: Attributes::new() };
    let answer = bench.scan(lane, Ok(label(&id)), office, network)?;
    if answer.code == Code::Waiting {
        let units = taking.units.iter().map(|(scope, serial)| {
            let (scope, serial) = (scope.clone(), serial.clone());
            Reading::Device { serial, scope, attributes: Attributes::new() }
        });
        let all: Vec<Reading> = units.chain(taking.containers.iter().map(|(id, _)| label(id))).collect();
        for reading in all.into_iter().chain([Reading::Command(Command::Finish)]) {
            told.push(bench.scan(lane, Ok(reading), office, network)?);
        }
    }
    told.push(answer);
    bench.truth.taking = Taking::default();
    let is_adopted = bench.truth.opened.contains(&id);
    benches[1 - act.station].dead |= is_adopted;
    Ok(())
}

/// What is in a container; what that is in itself only the service knows.
fn contents(truth: &Truth, id: &str, network: bool) -> Taking {
    let units = truth.inside.iter().filter(|(_, inside)| *inside == id).map(|(unit, _)| unit.clone());
    let containers =
        truth.parent.iter().filter(|(_, parent)| *parent == id).map(|(inner, _)| (inner.clone(), truth.units(inner)));
    let parent = truth.parent.get(id).cloned().filter(|_| network);
    Taking { units: units.collect(), containers: containers.collect(), parent }
}
