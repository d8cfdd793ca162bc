//! Keeping the projections of devices as the records make them.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::store::sql::{self, Connection, params};
use jiff::Timestamp;
use records::attributes::Attributes;
use records::{Kind, Subject};
use serde::{Deserialize, Serialize};

use super::load::Facts;
use super::names::{self, Names};
use super::{TENANT, contradictions, member, micros};
use crate::projection::{Contradiction, Despatch, DeviceView, Fact, State, Test, fold};

/// Dimensions that say where a device is.
const PLACES: [&str; 2] = ["packageId", "palletId"];

/// A group that a device was in. Times are microseconds since 1970.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// The group attribute.
    pub dimension: String,
    /// Its value.
    pub value: String,
    /// By the clock of the record that began it.
    pub since: i64,
    /// By the clock of the record that ended it; `None` while it lasts.
    pub until: Option<i64>,
    /// It was said and never true.
    pub corrected: bool,
    /// It did not begin before that, whatever clocks said.
    pub earliest: i64,
    /// It did not end after that.
    pub latest: Option<i64>,
}

/// A device as it is kept. Times are microseconds since 1970.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// What became of it.
    pub state: State,
    /// Is it a member of two places at once?
    pub contested: bool,
    /// What of it cannot all be true.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contradictions: Vec<Contradiction>,
    /// Its last test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<Test>,
    /// Where it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub despatch: Option<Despatch>,
    /// The device that it is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_of: Option<String>,
    /// The station that did something with it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub station: Option<String>,
    /// Its attributes.
    pub attributes: Attributes,
    /// Its groups.
    pub groups: Vec<Group>,
    /// Its earliest time.
    pub first_seen: i64,
    /// Its latest.
    pub last_seen: i64,
    /// How many records it is the subject of.
    pub records: u64,
}

impl Kept {
    fn of(view: DeviceView) -> Self {
        let groups = view.memberships.into_iter().map(|m| Group {
            dimension: m.dimension.to_owned(),
            value: m.value,
            since: micros(m.since.at),
            until: m.until.as_ref().map(|mark| micros(mark.at)),
            corrected: m.corrected,
            earliest: m.since.borders.0,
            latest: m.until.map(|mark| mark.borders.1),
        });
        Self {
            groups: groups.collect(),
            state: view.state,
            contested: view.contested,
            contradictions: view.contradictions,
            test: view.test,
            despatch: view.despatch,
            part_of: view.part_of,
            station: view.station,
            attributes: view.attributes,
            first_seen: micros(view.first_seen),
            last_seen: micros(view.last_seen),
            records: view.records,
        }
    }

    /// An attribute that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).and_then(serde_json::Value::as_str)
    }

    /// Every container of this dimension that it can have joined and need not have left at a time, each once, in order.
    pub fn places(&self, dimension: &str, at: i64) -> Vec<String> {
        let groups = self.groups.iter().filter(|group| {
            group.dimension == dimension
                && !group.corrected
                && group.earliest <= at
                && group.latest.is_none_or(|latest| latest > at)
        });
        let mut names: Vec<String> = groups.map(|group| group.value.clone()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Since when it is in this container with nothing in between; `None` where it is not. A contested device is in each.
    pub fn directly_in(&self, container: &str) -> Option<i64> {
        let now = self.groups.iter().filter(|group| group.until.is_none() && !group.corrected);
        let group = now.clone().find(|g| g.value == container && PLACES.contains(&g.dimension.as_str()))?;
        let innermost = match group.dimension.as_str() {
            "packageId" => self.text("packageId") == Some(container),
            // On a pallet without a package.
            _ => self.text("palletId") == Some(container) && self.text("packageId").is_none(),
        };
        (innermost || self.contested).then_some(group.since)
    }

    /// What the device counts for now: its state, and the containers that it is in.
    fn counted(&self) -> BTreeSet<(&str, &str)> {
        // What has left is packed all the same.
        let packed = matches!(self.state, State::Packed | State::Despatched).then_some(("state", "packed"));
        let containers = self
            .groups
            .iter()
            .filter(|group| PLACES.contains(&group.dimension.as_str()) && group.until.is_none() && !group.corrected);
        packed.into_iter().chain(containers.map(|group| (group.dimension.as_str(), group.value.as_str()))).collect()
    }
}

/// The device with a number, as it is kept.
pub fn kept(connection: &Connection, subject: i64) -> sql::Result<Option<Kept>> {
    connection.query_optional("SELECT view FROM device WHERE subject = ?", params![subject], |row| read(&row.text(0)?))
}

/// The device with this serial and scope, as it is kept.
pub fn kept_by_name(connection: &Connection, serial: &str, scope: &str) -> sql::Result<Option<Kept>> {
    connection.query_optional(
        "SELECT view FROM device JOIN subject ON id = subject WHERE tenant = ? AND kind = ? AND scope = ? AND name = ?",
        params![TENANT, Kind::Device.word(), scope, serial],
        |row| read(&row.text(0)?),
    )
}

fn read(view: &str) -> sql::Result<Kept> {
    Ok(serde_json::from_str(view)?)
}

/// Changes of the tallies, summed up until the end of a transaction.
#[derive(Default)]
pub struct Tallies {
    changes: HashMap<(&'static str, String), i64>,
}

impl Tallies {
    fn change(&mut self, counted: &BTreeSet<(&str, &str)>, by: i64) {
        for (dimension, value) in counted {
            let dimension = match *dimension {
                "packageId" => "packageId",
                "palletId" => "palletId",
                _ => "state",
            };
            *self.changes.entry((dimension, (*value).to_owned())).or_default() += by;
        }
    }

    /// Writes the changes.
    pub fn write(self, connection: &Connection) -> sql::Result<()> {
        let changes: BTreeMap<_, _> = self.changes.into_iter().filter(|(_, by)| *by != 0).collect();
        for ((dimension, value), by) in changes {
            connection.execute(
                "INSERT INTO tally (tenant, dimension, value, devices) VALUES (?, ?, ?, ?)
                     ON CONFLICT (tenant, dimension, value) DO UPDATE SET devices = tally.devices + excluded.devices",
                params![TENANT, dimension, value, by],
            )?;
            connection.execute(
                "DELETE FROM tally WHERE tenant = ? AND dimension = ? AND value = ? AND devices = 0",
                params![TENANT, dimension, value],
            )?;
        }
        Ok(())
    }
}

/// Folds a device anew and replaces what was kept of it. Tells which contradictions are new.
pub fn refold(
    connection: &Connection,
    names: &mut Names,
    facts: &mut Facts,
    tallies: &mut Tallies,
    id: i64,
    device: &Subject,
) -> sql::Result<Vec<Contradiction>> {
    debug_assert_eq!(device.kind, Kind::Device);
    let relevant = facts.relevant(connection, names, id)?;
    let relevant: Vec<&Fact> = relevant.iter().map(AsRef::as_ref).collect();
    let Some(new) = fold(device, &relevant).map(Kept::of) else {
        return Ok(Vec::new()); // Records never go away, so a device that is none now was none before.
    };
    let old = kept(connection, id)?;
    if old.as_ref() == Some(&new) {
        return Ok(Vec::new());
    }
    if let Some(old) = &old {
        tallies.change(&old.counted(), -1);
    }
    tallies.change(&new.counted(), 1);
    member::replace(connection, device, old.as_ref(), &new)?;
    let before = old.as_ref().map(|old| &*old.contradictions).unwrap_or_default();
    contradictions::replace(connection, device, before, &new.contradictions)?;
    let found = new.contradictions.iter().filter(|one| !before.contains(one)).cloned().collect();
    let view = serde_json::to_string(&new)?;
    connection.execute(
        "INSERT INTO device (subject, connhex, view) VALUES (?, ?, ?)
         ON CONFLICT (subject) DO UPDATE SET connhex = excluded.connhex, view = excluded.view",
        params![id, new.text("connhexId"), view],
    )?;
    Ok(found)
}

/// The devices among these subjects, and all that were ever inside one of them, downwards without end.
pub fn devices_inside(
    connection: &Connection,
    subjects: BTreeMap<i64, Subject>,
) -> sql::Result<BTreeMap<i64, Subject>> {
    let mut waiting: Vec<i64> = subjects.keys().copied().collect();
    let mut found = subjects;
    while let Some(parent) = waiting.pop() {
        let children = connection.query(
            "SELECT id, kind, name, scope FROM inside JOIN subject ON id = child WHERE parent = ?",
            params![parent],
            |row| Ok((row.get(0)?, names::subject(row, 1)?)),
        )?;
        for (child, subject) in children {
            if let Entry::Vacant(new) = found.entry(child) {
                waiting.push(child);
                new.insert(subject);
            }
        }
    }
    found.retain(|_, subject| subject.kind == Kind::Device);
    Ok(found)
}

/// What the tallies count: devices that are packed, packages and pallets with a device in them.
pub fn counts(connection: &Connection) -> sql::Result<(u64, u64, u64)> {
    let packed: Option<u64> = connection.query_optional(
        "SELECT devices FROM tally WHERE tenant = ? AND dimension = 'state' AND value = 'packed'",
        params![TENANT],
        |row| row.get(0),
    )?;
    let of = |dimension: &str| {
        connection.query_row(
            "SELECT count(*) FROM tally WHERE tenant = ? AND dimension = ?",
            params![TENANT, dimension],
            |row| row.get::<u64>(0),
        )
    };
    Ok((packed.unwrap_or_default(), of("packageId")?, of("palletId")?))
}

/// A stored time as a person or program reads it.
pub fn shown(micros: i64) -> Timestamp {
    super::time(micros)
}
