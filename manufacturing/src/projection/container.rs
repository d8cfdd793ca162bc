//! From records to a container.

use records::{Event, Level, Subject};
use serde_json::Value;

use super::condition::Taken;
use super::contradictions::contradictions;
use super::fold::{Read, despatch};
use super::{ContainerState, ContainerView, Count, Dimensions, Fact};

/// Reads the records of a container and those of everything that it was ever inside, as [`super::fold`] does for a device.
/// What is in it is known from the records of that. `None` where no record is about the container itself.
pub fn fold_container(container: &Subject, facts: &[&Fact]) -> Option<ContainerView> {
    let Read { order, voided, walk } = Read::of(container, facts, Dimensions::none());
    let own = |index: &&usize| facts[**index].reading.subject.as_ref() == Some(container);
    let own_records =
        || order.iter().filter(own).filter_map(|index| Some((*index, facts[*index].reading.record.as_ref()?)));
    let walls = || own_records().map(|(_, record)| record.at.wall);
    let records = order.iter().filter(own).count() as u64;
    if records == 0 {
        return None;
    }
    let is_true = |index: &usize| voided.get(index).is_none_or(|void| !void.whole);
    let level = own_records()
        .filter(|(index, _)| is_true(index))
        .find_map(|(_, record)| level(record.attributes.get("level")?));
    let state = match walk.condition.opened {
        _ if walk.despatched().is_some() => ContainerState::Despatched,
        Some(taken) if taken.record.event == Event::Closed => ContainerState::Closed,
        _ => ContainerState::Open,
    };
    let handled = walk.condition.handled;
    let parents = walk.directly_in().into_iter().map(|edge| (edge.parent_id().to_owned(), edge.level()));
    Some(ContainerView {
        level,
        state,
        contested: walk.is_contested(),
        contradictions: contradictions(facts, &walk),
        parents: parents.collect(),
        station: handled.map(|taken| (facts[taken.index].id.station.clone(), taken.record.lane.clone())),
        despatch: walk.despatched().map(despatch),
        counted: walk.condition.counted.map(|taken| count(facts, taken)),
        seen: walls().min().zip(walls().max()),
        records,
    })
}

fn level(value: &Value) -> Option<Level> {
    serde_json::from_value(value.clone()).ok()
}

fn count(facts: &[&Fact], taken: Taken<'_>) -> Count {
    let station = facts[taken.index].id.station.clone();
    Count { said: taken.record.attributes.clone(), at: taken.record.at.wall, station }
}
