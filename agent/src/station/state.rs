//! What a station knows between two scans.

use std::collections::BTreeMap;

use gs1::SsccRange;
use records::attributes::Attributes;
use records::wire::{WorkOrder, WorkOrderMessage};
use records::{Hash, RecordId, SeriesId};
use serde::{Deserialize, Serialize};

use super::collect::Collecting;
use super::job::LabelRule;
use super::lanes::LineRules;
use super::refusals::Refusals;
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

/// Sizes of containers, how they are closed, and where their ids come from.
#[derive(Debug, Clone)]
pub struct Packing {
    /// Devices in a package, from 1.
    pub package_size: u32,
    /// Packages on a pallet, from 1.
    pub pallet_size: u32,
    /// How a full package is closed.
    pub package_close: Close,
    /// How a full pallet is closed.
    pub pallet_close: Close,
    /// Is a scan without a work order refused?
    pub work_order_required: bool,
    /// The SSCCs of this station.
    pub sscc: SsccRange,
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
pub struct Lane {
    /// The current work order.
    pub work_order: Option<WorkOrder>,
    /// The revision of the last work order that came over the topic.
    pub revision: Option<u64>,
    /// A work order that waits for the open package to be closed.
    pub waiting: Option<WorkOrderMessage>,
    /// The open package.
    pub package: Option<OpenPackage>,
    /// The open pallet.
    pub pallet: Option<OpenPallet>,
    /// A label of several codes of which some were scanned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collecting: Option<Collecting>,
}

/// The package that units go into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenPackage {
    /// Its SSCC.
    pub id: String,
    /// Units in it.
    pub count: u32,
    /// What all units in it have in common, for the label.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub common: Attributes,
    /// The last units that went in, at most [`OpenPackage::RECENT`]: so far back a mistake can be taken back by command.
    pub recent: Vec<PackedUnit>,
}

impl OpenPackage {
    /// How many units `recent` keeps.
    pub const RECENT: usize = 20;

    /// An empty one.
    pub(super) fn new(id: String) -> Self {
        Self { id, count: 0, common: Attributes::new(), recent: Vec::new() }
    }

    /// One more unit.
    pub(super) fn add(&mut self, attributes: &Attributes) {
        share(&mut self.common, self.count == 0, attributes);
        self.count += 1;
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
}

/// The pallet that packages go onto.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenPallet {
    /// Its SSCC.
    pub id: String,
    /// Closed packages on it.
    pub count: u32,
    /// Units in those packages; `None` on a pallet from before they were counted.
    #[serde(default)]
    pub units: Option<u32>,
    /// What all units on it have in common, for the label.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub common: Attributes,
}

impl OpenPallet {
    /// An empty one.
    pub(super) fn new(id: String) -> Self {
        Self { id, count: 0, units: Some(0), common: Attributes::new() }
    }

    /// One more closed package.
    pub(super) fn add(&mut self, package: &OpenPackage) {
        share(&mut self.common, self.count == 0, &package.common);
        self.count += 1;
        self.units = self.units.map(|units| units + package.count);
    }
}

impl State {
    /// This journal may be a copy: what is open in it may have been filled and closed since by the other one. Tells the ids
    /// of the containers that are not gone on with.
    pub fn abandon_open(&mut self) -> Vec<String> {
        let mut ids = Vec::new();
        for lane in self.lanes.values_mut() {
            ids.extend(lane.package.take().map(|package| package.id));
            ids.extend(lane.pallet.take().map(|pallet| pallet.id));
        }
        ids
    }

    /// The journal begins another series: sequences start anew, and what was packed before keeps its identity.
    pub fn leave_series(&mut self, before: SeriesId) {
        self.last_seq = 0;
        let open = self.lanes.values_mut().filter_map(|lane| lane.package.as_mut());
        for unit in open.flat_map(|package| &mut package.recent) {
            unit.series.get_or_insert(before);
        }
    }

    /// The lane, empty where nothing has happened on it yet.
    #[must_use]
    pub fn lane(&self, name: &str) -> Lane {
        self.lanes.get(name).cloned().unwrap_or_default()
    }
}
