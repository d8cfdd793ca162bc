//! Everything that happened to a device.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::projection::{Fact, Told, tell};
use crate::store::{DeviceName, Snapshot, sql};

/// Every record of a device and of the containers that it was in, while it was inside; oldest first. `as_of`: what had
/// happened by then, corrections whenever made. `known_at`: what was stored by that position.
///
/// # Errors
/// What the store says.
pub fn history(
    snapshot: &Snapshot<'_>,
    device: &DeviceName,
    as_of: Option<Timestamp>,
    known_at: Option<u64>,
) -> sql::Result<Vec<Value>> {
    let facts = snapshot.facts(device)?;
    let facts: Vec<&Fact> = facts
        .iter()
        .map(AsRef::as_ref)
        .filter(|fact| known_at.is_none_or(|position| fact.position <= position))
        .filter(|fact| as_of.is_none_or(|time| fact.holds_at(time)))
        .collect();
    // A correction holds whenever it was made, and is itself told only where it had happened.
    let had_happened = |told: &Told| as_of.is_none_or(|time| facts[told.index].may_be_before(time));
    let told = tell(&device.subject, &facts).into_iter().filter(had_happened);
    Ok(told.map(|told| entry(facts[told.index], told.corrected)).collect())
}

/// A record as it is shown: its own fields, its identity and place, and what there is to say about it.
fn entry(fact: &Fact, corrected: bool) -> Value {
    let record = fact.reading.record.as_ref().and_then(|record| serde_json::to_value(record).ok());
    let mut entry = match record {
        Some(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    let mut say = |name: &str, value: Value| entry.insert(name.to_owned(), value);
    say("station", fact.id.station.as_str().into());
    say("series", fact.id.series.to_string().into());
    say("seq", fact.id.seq.into());
    say("position", fact.position.into());
    if let Some(happened) = fact.happened {
        say("happened", json!(happened));
    }
    if corrected {
        say("corrected", true.into());
    }
    if !fact.reading.conforming {
        say("nonconforming", true.into());
    }
    if let Some(raw) = &fact.reading.raw {
        say("line", raw.as_str().into());
    }
    Value::Object(entry)
}
