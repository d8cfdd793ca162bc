//! What is inside a device, and what it is inside of: at every depth, ever, with the times.
//!
//! Both are groups that the projection keeps, so there is no walk here that could go in circles or end too early.

use std::ops::ControlFlow;

use jiff::Timestamp;
use records::Subject;
use records::attributes::PART_OF;
use serde::Serialize;
use serde_json::Value;

use crate::projection::{State, part, part_value};
use crate::store::{Group, Kept, Snapshot, Source, shown, sql, unit_of};

/// A device inside or around another one.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Relative {
    /// Its serial number.
    pub serial_number: String,
    /// Its scope: `component:<type>` of a component.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// Since when the one was in the other.
    pub since: Timestamp,
    /// Until when; null while it lasts.
    pub until: Option<Timestamp>,
    /// It was said and never true.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub corrected: bool,
    /// The device that the inner one of the two is directly part of now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part_of: Option<String>,
    /// What became of this device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// Its lot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lot_code: Option<Value>,
    /// Its part number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part_number: Option<Value>,
}

impl Relative {
    fn of(device: Subject, (since, until, corrected): (Timestamp, Option<Timestamp>, bool)) -> Self {
        Self {
            serial_number: device.id,
            scope: device.scope,
            since,
            until,
            corrected,
            part_of: None,
            state: None,
            lot_code: None,
            part_number: None,
        }
    }

    fn told(self, kept: Option<&Kept>) -> Self {
        let Some(kept) = kept else { return self };
        let attribute = |name: &str| kept.attributes.get(name).cloned();
        Self { state: Some(kept.state), lot_code: attribute("lotCode"), part_number: attribute("partNumber"), ..self }
    }
}

/// What a device was ever inside of, at any depth, in the order of the beginning.
///
/// # Errors
/// What the store says.
pub fn up(snapshot: &Snapshot<'_>, kept: &Kept, as_of: Option<Timestamp>) -> sql::Result<Vec<Relative>> {
    let at = as_of.map_or(i64::MAX, |time| time.as_microsecond());
    let mut found = Vec::new();
    let had_begun = |group: &&Group| group.dimension == PART_OF && group.earliest <= at;
    for group in kept.groups.iter().filter(had_begun) {
        let Some(device) = part(&group.value) else { continue };
        let until = group.until.filter(|_| group.latest.is_some_and(|latest| latest <= at)).map(shown);
        let around = snapshot.kept_by_name(&device.id, &device.scope)?;
        let relative = Relative::of(device, (shown(group.since), until, group.corrected)).told(around.as_ref());
        found.push(relative);
    }
    found.sort_by(|a, b| (a.since, &a.serial_number, &a.scope).cmp(&(b.since, &b.serial_number, &b.scope)));
    Ok(found)
}

/// Hands out every device that was ever inside of this one, at any depth, by serial and scope.
///
/// # Errors
/// What the store says.
pub fn down(
    snapshot: &Snapshot<'_>,
    device: &Subject,
    as_of: Option<Timestamp>,
    mut each: impl FnMut(Relative) -> ControlFlow<()>,
) -> sql::Result<ControlFlow<()>> {
    let values = [part_value(&device.id, &device.scope).into_owned()];
    let source = Source::Group { dimension: PART_OF, values: &values, further: &[] };
    let mut flow = ControlFlow::Continue(());
    snapshot.select(&[source], as_of, |matched| {
        let (serial, scope) = matched.device;
        let Some(kept) = snapshot.kept_by_name(&serial, &scope)? else { return Ok(flow) };
        let inner = Subject { scope, ..Subject::device(serial) };
        let Some(unit) = unit_of(&kept, &inner, PART_OF, &values, as_of) else { return Ok(flow) };
        let relative = Relative::of(inner, (unit.since, unit.until, unit.corrected)).told(Some(&kept));
        flow = each(Relative { part_of: kept.part_of.clone(), ..relative });
        Ok(flow)
    })?;
    Ok(flow)
}
