//! What a station keeps of units, containers and work orders, longer than their records. The journal holds it; a decision
//! is handed the lines that concern it, and says how they change.

use records::attributes::Attributes;
use records::{Level, SeriesId};
use serde::{Deserialize, Serialize};

/// What became of a unit here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum UnitState {
    /// It was seen, and is in no container.
    Seen,
    /// It is in a container, or a component is in a unit.
    #[default]
    Packed,
    /// It was taken out.
    Out,
    /// It is scrap.
    Scrapped,
}

/// How a unit was tested here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tested {
    /// Did it pass the last time?
    pub passed: bool,
    /// How often it was tested, from 1.
    pub attempts: u32,
    /// When the last time was, in milliseconds since 1970, where the clock followed a time source then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<i64>,
}

/// A unit that this station knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The sequence of the record that made it what it is: for a packed unit the one that put it where it is. 0 where that is
    /// not known any more.
    pub seq: u64,
    /// The series of that record, where it is not the present one.
    pub series: Option<SeriesId>,
    /// The container that it is in; for a component the serial of the unit that it is in.
    pub package: Option<String>,
    /// What became of it.
    pub state: UnitState,
    /// How it was tested.
    pub test: Option<Tested>,
    /// The work order under which it was packed or tested.
    pub work_order: Option<String>,
    /// Its lot, as its label or the work order said.
    pub lot: Option<String>,
    /// It was accepted or set aside without an answer of the service, which is to be asked again.
    pub unchecked: bool,
    /// Quality at the line has put it on hold.
    pub held: bool,
}

impl Known {
    /// A unit that the record `seq` put into a container.
    #[must_use]
    pub fn packed(seq: u64, package: impl Into<String>) -> Self {
        Self { seq, package: Some(package.into()), ..Self::default() }
    }
}

/// A change to the units that this station knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownChange {
    /// The unit is like this now.
    Set {
        /// Scope.
        scope: String,
        /// Serial number.
        serial: String,
        /// How it is.
        known: Known,
    },
    /// Nothing is known of the unit any more: all there was of it was a mistake.
    Remove {
        /// Scope.
        scope: String,
        /// Serial number.
        serial: String,
    },
}

/// What became of a container here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ContainerState {
    /// It takes units or containers; a lane has it.
    Open,
    /// It is closed.
    Closed,
    /// It has left.
    Despatched,
}

/// A container that this station knows. Of one that a lane has open, count, units and what its units have in common are those
/// of the lane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KnownContainer {
    /// Its id.
    pub id: String,
    /// Package or pallet.
    pub level: Level,
    /// The name of its level in the configuration.
    pub name: String,
    /// What became of it.
    pub state: ContainerState,
    /// What is in it: units, or containers of the level below.
    pub count: u32,
    /// Units in it and in the containers in it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<u32>,
    /// How many it takes.
    pub size: u32,
    /// The container that it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// What all units in it have in common.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub common: Attributes,
    /// The work order under which it was filled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work_order: Option<String>,
    /// The lane that filled it; empty for one that came from elsewhere.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub lane: String,
    /// The record that put it into its parent, with its series where that is not the present one: what a correction names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined: Option<(u64, Option<SeriesId>)>,
    /// It was stacked or has left without an answer of the service, which is to be asked again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unchecked: bool,
}

impl KnownContainer {
    /// A closed one of which no more is known.
    #[must_use]
    pub fn closed(id: &str, level: Level, name: &str, size: u32) -> Self {
        Self {
            id: id.to_owned(),
            level,
            name: name.to_owned(),
            state: ContainerState::Closed,
            count: 0,
            units: None,
            size,
            parent: None,
            common: Attributes::new(),
            work_order: None,
            lane: String::new(),
            joined: None,
            unchecked: false,
        }
    }
}

impl KnownContainer {
    /// Did it come from elsewhere, without a word of what is in it?
    #[must_use]
    pub fn is_unknown_inside(&self) -> bool {
        self.lane.is_empty() && self.count == 0 && self.units.is_none()
    }
}

/// What this station did of a work order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OrderCount {
    /// Units that are packed now.
    pub packed: u64,
    /// Units that were taken out and are in no container.
    pub taken_out: u64,
    /// Units that are scrap.
    pub scrapped: u64,
    /// Tests that failed.
    pub failed: u64,
    /// The share of this station was sealed.
    pub sealed: bool,
    /// So many units it should have: fewer are sealed with a reason only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<u32>,
}

/// One more of something, for the counts of a shift.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count {
    /// The lane.
    pub lane: String,
    /// The person signed on; empty where nobody was.
    pub person: String,
    /// The work order; empty where there was none.
    pub work_order: String,
    /// What: `packed`, `package`, `refused:not-tested` and so on.
    pub what: String,
}
