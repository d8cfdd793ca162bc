//! What a station knows between two scans.

use std::collections::BTreeMap;

use records::attributes::Attributes;
use records::wire::{WorkOrder, WorkOrderMessage};
use records::{Hash, Level, RecordId, SeriesId};
use serde::{Deserialize, Serialize};

use super::collect::Collecting;
use super::command::Role;
use super::job::LabelRule;
use super::known::{ContainerState, KnownContainer, OrderCount};
use super::lanes::LineRules;
use super::packing::Packing;
use super::pending::Pending;
use super::permission::LastRefused;
use super::refusals::Refusals;
use super::roles::{Despatch, Task, Testing};
use super::unrecorded::Unrecorded;

/// How a full container is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Close {
    /// By itself when it is full.
    Auto,
    /// By command only; a scan beyond its size is refused.
    Command,
}

/// What another work order does while a package with units is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderChange {
    /// It is refused, or waits until the package is closed.
    #[default]
    Refuse,
    /// It closes the package, with that as the reason.
    Close,
}

/// What does not change while the station runs.
#[derive(Debug, Clone)]
pub struct Line {
    /// The station's name.
    pub station: String,
    /// The series of its journal.
    pub series: SeriesId,
    /// How it packs.
    pub packing: Packing,
    /// Which labels it prints.
    pub labels: Vec<LabelRule>,
    /// The names of its printers.
    pub printers: Vec<String>,
    /// Lanes, people, reasons.
    pub rules: LineRules,
}

impl Line {
    /// The identity of one of this station's records.
    #[must_use]
    pub fn record(&self, seq: u64) -> RecordId {
        RecordId { station: self.station.clone(), series: self.series, seq }
    }
}

/// Everything that decides. Small, and written whole with each group of decisions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The sequence that the last record got; 0 in a new series.
    pub last_seq: u64,
    /// Digest of the configuration that is on record.
    pub rules: Hash,
    /// The next SSCC serial reference to give out.
    pub sscc_next: u64,
    /// The first SSCC serial reference that is not reserved for this station.
    pub sscc_reserved: u64,
    /// Nobody knows which serial references were given out: none are, until the service or a person says from where on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sscc_lost: bool,
    /// The lanes by name.
    pub lanes: BTreeMap<String, Lane>,
    /// Refusals that may repeat.
    pub refusals: Refusals,
    /// Refusals that are only counted until there is room for their records.
    #[serde(default)]
    pub unrecorded: Unrecorded,
    /// What was counted since the journal began.
    pub counters: Counters,
    /// What this station did of the work orders that a lane works on, or will.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub orders: BTreeMap<String, OrderCount>,
    /// Tests that were begun since the journal began.
    #[serde(default)]
    pub tests: u64,
    /// The form of this state; 0 before forms were counted. Not the first: by `last_seq` a state is found in raw bytes.
    #[serde(default)]
    pub version: u32,
}

/// What was counted since the journal began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Units packed; one that was taken back later is counted here, too.
    pub accepted: u64,
    /// Units taken back.
    #[serde(default)]
    pub voided: u64,
    /// Scans refused.
    pub refused: u64,
    /// Packages closed.
    pub packages: u64,
    /// Pallets closed.
    pub pallets: u64,
    /// Labels printed, re-prints included; the copies of one label count once.
    #[serde(default)]
    pub labels: u64,
}

/// One lane: a place where one person works with scanners of its own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "super::stored::StoredLane")]
pub struct Lane {
    /// The current work order.
    pub work_order: Option<WorkOrder>,
    /// The revision of the last work order that came over the topic.
    pub revision: Option<u64>,
    /// A work order that waits for the open package to be closed.
    pub waiting: Option<WorkOrderMessage>,
    /// The open containers, at most one of each level.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<Open>,
    /// Empty open containers that made way for another one: they are filled next.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spare: Vec<Open>,
    /// What the lane does, where a person has chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Who is signed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// A command that waits for a scan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
    /// A label of several codes of which some were scanned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collecting: Option<Collecting>,
    /// What is done over several scans.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<Task>,
    /// The unit that a rig tests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub testing: Option<Testing>,
    /// Who gets what leaves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub despatch: Option<Despatch>,
    /// Closed containers whose label is to be scanned back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scan_back: Vec<String>,
    /// What a supervisor may allow next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_refused: Option<LastRefused>,
    /// The unit that was packed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_packed: Option<LastPacked>,
    /// The last result of a rig.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_result: Option<LastResult>,
}

/// The unit that a lane packed last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastPacked {
    /// Its serial number.
    pub serial: String,
    /// Its scope.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// The container that it went into.
    pub package: String,
}

/// The last result that a rig gave on a lane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastResult {
    /// The test that it was of.
    pub test: u64,
    /// SHA-256 of what it says.
    pub mark: Hash,
}

impl Lane {
    /// The innermost open container.
    #[must_use]
    pub fn package(&self) -> Option<&Open> {
        self.open.iter().rfind(|open| open.kind == Level::Package)
    }

    /// The open pallet.
    #[must_use]
    pub fn pallet(&self) -> Option<&Open> {
        self.open.iter().find(|open| open.kind == Level::Pallet)
    }
}

/// An open container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// The name of its level.
    pub level: String,
    /// Package or pallet.
    pub kind: Level,
    /// Its id.
    pub id: String,
    /// What is in it: units, or containers of the level below.
    pub count: u32,
    /// Units in it and in the containers in it; `None` where that is not known.
    #[serde(default)]
    pub units: Option<u32>,
    /// What all units in it have in common, for the label.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub common: Attributes,
    /// The last units that went in, at most [`Open::RECENT`]: so far back a mistake can be taken back by command.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recent: Vec<PackedUnit>,
    /// The container that it is in already: it was closed once and opened again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
}

impl Open {
    /// How many units `recent` keeps.
    pub const RECENT: usize = 20;

    /// An empty one.
    #[must_use]
    pub fn new(level: &str, kind: Level, id: String) -> Self {
        Self {
            level: level.to_owned(),
            kind,
            id,
            count: 0,
            units: Some(0),
            common: Attributes::new(),
            recent: Vec::new(),
            parent: None,
        }
    }

    /// One that was closed.
    pub(super) fn again(known: &KnownContainer) -> Self {
        Self {
            count: known.count,
            units: known.units,
            common: known.common.clone(),
            parent: known.parent.clone(),
            ..Self::new(&known.name, known.level, known.id.clone())
        }
    }

    /// What is kept of it.
    pub(super) fn known(&self, lane: &str) -> KnownContainer {
        KnownContainer {
            id: self.id.clone(),
            level: self.kind,
            name: self.level.clone(),
            state: ContainerState::Open,
            count: self.count,
            units: self.units,
            size: 0,
            parent: self.parent.clone(),
            common: self.common.clone(),
            work_order: None,
            lane: lane.to_owned(),
            joined: None,
            unchecked: false,
        }
    }

    /// One more unit.
    pub(super) fn add(&mut self, attributes: &Attributes) {
        share(&mut self.common, self.count == 0, attributes);
        self.count += 1;
        self.units = self.units.map(|units| units.saturating_add(1));
    }

    /// One more closed container.
    pub(super) fn add_container(&mut self, units: Option<u32>, common: &Attributes) {
        share(&mut self.common, self.count == 0, common);
        self.count += 1;
        self.units = self.units.zip(units).map(|(known, more)| known.saturating_add(more));
    }
}

/// Keeps of `common` what the next one has as well.
fn share(common: &mut Attributes, first: bool, next: &Attributes) {
    match first {
        true => common.clone_from(next),
        false => common.retain(|name, value| next.get(name) == Some(value)),
    }
}

/// A unit that was packed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackedUnit {
    /// Its serial number.
    pub serial: String,
    /// Its scope.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// The record that packed it.
    pub seq: u64,
    /// The series of that record, where it is not the present one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<SeriesId>,
    /// It had been taken out of a container before, and is so again when this is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was_out: Option<WasOut>,
}

/// A unit that had been taken out when it was packed again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WasOut {
    /// The work order under which it counts as taken out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work_order: Option<String>,
}

impl State {
    /// The form that this program writes.
    pub const VERSION: u32 = 1;

    /// This journal may be a copy: what is open in it may have been filled and closed since by the other one. Tells the ids
    /// of the containers that are not gone on with.
    pub fn abandon_open(&mut self) -> Vec<String> {
        let mut ids = Vec::new();
        for lane in self.lanes.values_mut() {
            let open = lane.open.drain(..).chain(lane.spare.drain(..));
            ids.extend(open.map(|open| open.id));
            lane.scan_back.clear();
        }
        ids
    }

    /// The journal begins another series: sequences start anew, and what was packed before keeps its identity.
    pub fn leave_series(&mut self, before: SeriesId) {
        self.last_seq = 0;
        let open = self.lanes.values_mut().flat_map(|lane| &mut lane.open);
        for unit in open.flat_map(|open| &mut open.recent) {
            unit.series.get_or_insert(before);
        }
    }

    /// The lane, empty where nothing has happened on it yet.
    #[must_use]
    pub fn lane(&self, name: &str) -> Lane {
        self.lanes.get(name).cloned().unwrap_or_default()
    }

    /// The open container with this id, and its lane.
    #[must_use]
    pub fn open_container(&self, id: &str) -> Option<(&str, &Open)> {
        self.lanes.iter().find_map(|(name, lane)| {
            let mut open = lane.open.iter().chain(&lane.spare);
            open.find(|open| open.id == id).map(|open| (name.as_str(), open))
        })
    }

    pub(super) fn open_container_mut(&mut self, id: &str) -> Option<&mut Open> {
        self.lanes.values_mut().find_map(|lane| lane.open.iter_mut().chain(&mut lane.spare).find(|open| open.id == id))
    }

    /// A unit left its container: it is not the one to be taken back next.
    pub(super) fn forget_recent(&mut self, scope: &str, serial: &str) {
        for open in self.lanes.values_mut().flat_map(|lane| &mut lane.open) {
            open.recent.retain(|unit| (unit.scope.as_str(), unit.serial.as_str()) != (scope, serial));
        }
    }
}
