//! Keeping the projections of devices as the records make them.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::store::sql::{self, Connection, Insert, Param, params};
use jiff::Timestamp;
use records::attributes::Attributes;
use records::{Kind, Subject};
use serde::{Deserialize, Serialize};

use super::load::Facts;
use super::names::{self, Names};
use super::{TENANT, contradictions, member, micros};
use crate::projection::{Contradiction, Deleted, Despatch, DeviceView, Dimensions, Fact, Handled, State, Test, fold};

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
    /// It is out of sight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<Deleted>,
    /// Its last test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<Test>,
    /// Where it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub despatch: Option<Despatch>,
    /// The device that it is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_of: Option<String>,
    /// The station that put it where it is, else the one that did something with it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub station: Option<String>,
    /// Its attributes.
    pub attributes: Attributes,
    /// Its groups.
    pub groups: Vec<Group>,
    /// What stations did with it, in order: all of it, or the first and the last 64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handled: Vec<Handled>,
    /// How many there are between those; nothing is known of them here.
    #[serde(default, skip_serializing_if = "is_none")]
    pub handled_between: u64,
    /// Its earliest time.
    pub first_seen: i64,
    /// Its latest.
    pub last_seen: i64,
    /// How many records it is the subject of.
    pub records: u64,
}

/// Of what stations did with a device, so many are kept from the beginning and so many from the end.
const HANDLED: usize = 64;

fn is_none(number: &u64) -> bool {
    *number == 0
}

impl Kept {
    /// Of a device as its records make it.
    pub fn of(view: DeviceView) -> Self {
        let mut handled = view.handled;
        let between = handled.len().saturating_sub(2 * HANDLED);
        handled.drain(HANDLED.min(handled.len())..(HANDLED + between).min(handled.len()));
        let groups = view.memberships.into_iter().map(|m| Group {
            dimension: m.dimension,
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
            deleted: view.deleted,
            test: view.test,
            despatch: view.despatch,
            part_of: view.part_of,
            station: view.station,
            attributes: view.attributes,
            handled,
            handled_between: between as u64,
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

    /// Do records disagree on what it is a member of? At a time before now that is known of these places alone.
    pub fn is_contested(&self, (packages, pallets): (&[String], &[String]), at: i64) -> bool {
        if at == i64::MAX { self.contested } else { packages.len() > 1 || pallets.len() > 1 }
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
    connection.query_optional(VIEW, params![subject], |row| read(&row.text(0)?))
}

const VIEW: &str = "SELECT view FROM device WHERE subject = ?";

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

/// What a transaction changes of the projections of devices.
#[derive(Default)]
pub struct Changes {
    devices: Vec<Changed>,
    tallies: HashMap<(&'static str, String), i64>,
}

struct Changed {
    id: i64,
    device: Subject,
    old: Option<Kept>,
    new: Kept,
    view: String,
}

impl Changed {
    /// What could not all be true of it before.
    fn before(&self) -> &[Contradiction] {
        self.old.as_ref().map_or(&[], |old| &old.contradictions)
    }
}

const DEVICE: Insert = Insert {
    table: "device",
    columns: &[("subject", sql::Kind::Int), ("connhex", sql::Kind::Text), ("view", sql::Kind::Text)],
    conflict: " ON CONFLICT (subject) DO UPDATE SET connhex = excluded.connhex, view = excluded.view",
};
const NEW_DEVICE: Insert = Insert { conflict: "", ..DEVICE };
const TALLY: Insert = Insert {
    table: "tally",
    columns: &[
        ("tenant", sql::Kind::Text),
        ("dimension", sql::Kind::Text),
        ("value", sql::Kind::Text),
        ("devices", sql::Kind::Int),
    ],
    conflict: " ON CONFLICT (tenant, dimension, value) DO UPDATE SET devices = tally.devices + excluded.devices",
};

impl Changes {
    fn take(&mut self, id: i64, device: &Subject, old: Option<Kept>, new: Kept) -> sql::Result<()> {
        if old.as_ref() == Some(&new) {
            return Ok(());
        }
        if let Some(old) = &old {
            self.count(&old.counted(), -1);
        }
        self.count(&new.counted(), 1);
        let view = serde_json::to_string(&new)?;
        self.devices.push(Changed { id, device: device.clone(), old, new, view });
        Ok(())
    }

    fn count(&mut self, counted: &BTreeSet<(&str, &str)>, by: i64) {
        for (dimension, value) in counted {
            let dimension = match *dimension {
                "packageId" => "packageId",
                "palletId" => "palletId",
                _ => "state",
            };
            *self.tallies.entry((dimension, (*value).to_owned())).or_default() += by;
        }
    }

    /// What cannot all be true of a device, where that is new.
    pub fn contradictions(&self) -> impl Iterator<Item = (&Subject, &Contradiction)> {
        self.devices.iter().flat_map(|changed| {
            let before = changed.before();
            changed.new.contradictions.iter().filter(|one| !before.contains(one)).map(|one| (&changed.device, one))
        })
    }

    /// Writes them.
    pub fn write(self, connection: &Connection) -> sql::Result<()> {
        let (mut known, mut fresh) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()));
        for changed in &self.devices {
            let Changed { id, device, old, new, view } = changed;
            let (devices, members) = if old.is_some() { &mut known } else { &mut fresh };
            devices.extend([Param::Int(*id), new.text("connhexId").into(), view.as_str().into()]);
            member::replace(connection, device, old.as_ref(), new, members)?;
            contradictions::replace(connection, device, changed.before(), &new.contradictions)?;
        }
        connection.insert(&DEVICE, &known.0)?;
        connection.insert(&NEW_DEVICE, &fresh.0)?;
        member::insert(connection, &member::MEMBER, known.1)?;
        member::insert(connection, &member::NEW_MEMBER, fresh.1)?;
        let tallies: BTreeMap<_, _> = self.tallies.into_iter().filter(|(_, by)| *by != 0).collect();
        let mut changes: Vec<Param<'_>> = Vec::new();
        for ((dimension, value), by) in &tallies {
            changes.extend([TENANT.into(), (*dimension).into(), value.as_str().into(), Param::Int(*by)]);
        }
        connection.insert(&TALLY, &changes)?;
        for ((dimension, value), _) in tallies.iter().filter(|(_, by)| **by < 0) {
            connection.execute(
                "DELETE FROM tally WHERE tenant = ? AND dimension = ? AND value = ? AND devices = 0",
                params![TENANT, dimension, value],
            )?;
        }
        Ok(())
    }
}

/// Folds devices anew.
pub fn refold(
    connection: &Connection,
    names: &mut Names,
    facts: &mut Facts,
    devices: &BTreeMap<i64, Subject>,
    dimensions: &Dimensions,
) -> sql::Result<Changes> {
    let stored: Vec<i64> = devices.keys().copied().filter(|id| !names.is_fresh(*id)).collect();
    let keys: Vec<Param<'_>> = stored.iter().map(|id| Param::Int(*id)).collect();
    connection.ahead_each(VIEW, &[sql::Kind::Int], &keys)?;
    facts.load(connection, names, devices.keys().copied())?;
    let mut old: HashMap<i64, Kept> = HashMap::new();
    connection.query_each(VIEW, &[sql::Kind::Int], &keys, |n, row| {
        old.insert(stored[n], read(&row.text(0)?)?);
        Ok(())
    })?;
    let mut changes = Changes::default();
    for (id, device) in devices {
        debug_assert_eq!(device.kind, Kind::Device);
        let relevant = facts.relevant(*id);
        let relevant: Vec<&Fact> = relevant.iter().map(AsRef::as_ref).collect();
        // Records never go away, so a device that is none now was none before.
        if let Some(new) = fold(device, &relevant, dimensions).map(Kept::of) {
            changes.take(*id, device, old.remove(id), new)?;
        }
    }
    Ok(changes)
}

/// What was said in this transaction to be inside what, by the number of the container.
pub type Inside = HashMap<i64, Vec<(i64, Subject)>>;

/// The devices among these subjects, and all that were ever inside one of them, downwards without end. Each level is locked
/// before what is inside of it is read: who puts something into it has to wait.
pub fn devices_inside(
    connection: &Connection,
    names: &Names,
    new: &Inside,
    subjects: BTreeMap<i64, Subject>,
    mut lock: BTreeSet<i64>,
) -> sql::Result<BTreeMap<i64, Subject>> {
    let mut level: Vec<i64> = subjects.keys().copied().collect();
    let mut found = subjects;
    while !level.is_empty() {
        let stored: Vec<i64> = level.iter().copied().filter(|id| !names.is_fresh(*id)).collect();
        lock.extend(&stored);
        connection.lock_rows("subject", &std::mem::take(&mut lock))?;
        let keys: Vec<Param<'_>> = stored.iter().map(|id| Param::Int(*id)).collect();
        let mut inside: Vec<(i64, Subject)> = Vec::new();
        connection.query_each(
            "SELECT id, kind, name, scope FROM inside JOIN subject ON id = child WHERE parent = ?",
            &[sql::Kind::Int],
            &keys,
            |_, row| {
                inside.push((row.get(0)?, names::subject(row, 1)?));
                Ok(())
            },
        )?;
        inside.extend(level.iter().filter_map(|id| new.get(id)).flatten().cloned());
        level.clear();
        for (child, subject) in inside {
            if let Entry::Vacant(new) = found.entry(child) {
                level.push(child);
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
