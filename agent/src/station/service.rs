//! What the service knows of a unit or container, as far as it could be asked before the decision.

use records::Level;
use records::attributes::Attributes;
use serde::{Deserialize, Serialize};

use super::known::{ContainerState, UnitState};

/// What the service said, or why it said nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "one for each scan, and never many at once")]
pub enum Service {
    /// It was not asked.
    #[default]
    Off,
    /// It could not be reached in time, and nothing recent enough is kept.
    Unreachable,
    /// It has answered, now or before.
    Answer {
        /// How old the answer is in milliseconds.
        age_ms: u64,
        /// What it knows of the unit; `None` where it knows nothing.
        unit: Option<RemoteUnit>,
        /// What it knows of the container; `None` where it knows nothing.
        container: Option<RemoteContainer>,
    },
}

/// A unit, as the service knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RemoteUnit {
    /// What became of it.
    pub state: UnitState,
    /// The innermost container that it is in.
    pub package_id: Option<String>,
    /// The pallet that it is on.
    pub pallet_id: Option<String>,
    /// The station that wrote its last record.
    pub station: Option<String>,
    /// Its work order.
    pub work_order: Option<String>,
    /// Did it pass its last test, where it was tested?
    pub passed: Option<bool>,
    /// When that was, in milliseconds since 1970, where that is known.
    pub tested_at: Option<i64>,
    /// How often it was tested, as far as the service has heard of it.
    pub attempts: u32,
    /// Is it, or its lot, on hold or under recall?
    pub held: bool,
    /// Is it under recall?
    pub recalled: bool,
    /// The ids of all containers that it is in; more than one of a level where records contradict each other.
    pub places: Vec<String>,
    /// What of it cannot all be true.
    pub contradictions: Vec<RemoteContradiction>,
}

/// Something that cannot all be true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteContradiction {
    /// In one word.
    pub code: String,
    /// In a sentence.
    pub text: String,
}

impl RemoteContainer {
    /// One of which no more is known.
    #[must_use]
    pub fn new(level: Level, state: ContainerState) -> Self {
        Self {
            level,
            state,
            parent: None,
            parents: Vec::new(),
            held: Vec::new(),
            recalled: false,
            contradictions: Vec::new(),
            station: None,
            serials: Vec::new(),
            scopes: Vec::new(),
            containers: Vec::new(),
            count: 0,
            units: None,
            work_order: None,
            common: Attributes::new(),
        }
    }

    /// What it is in; several where records contradict each other.
    pub fn places(&self) -> impl Iterator<Item = &String> {
        self.parents.iter().chain(&self.parent)
    }

    /// All units in it, where that can be told.
    #[must_use]
    pub fn all_units(&self) -> Option<u32> {
        self.units.or_else(|| self.containers.is_empty().then_some(self.count))
    }

    /// What is directly in it: serials, or ids of containers; `None` where there is more than was told.
    #[must_use]
    pub fn contents(&self) -> Option<std::collections::BTreeSet<String>> {
        let told = self.serials.len() + self.containers.len();
        let whole = u32::try_from(told).is_ok_and(|told| told == self.count);
        whole.then(|| self.serials.iter().chain(&self.containers).cloned().collect())
    }

    /// The units directly in it: scope and serial.
    #[must_use]
    pub fn units_with_scopes(&self) -> Vec<(String, String)> {
        let mut scopes = self.scopes.iter().cloned();
        self.serials.iter().map(|serial| (scopes.next().unwrap_or_default(), serial.clone())).collect()
    }
}

/// A container, as the service knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RemoteContainer {
    /// Package or pallet.
    pub level: Level,
    /// What became of it.
    pub state: ContainerState,
    /// The container that it is in.
    #[serde(default)]
    pub parent: Option<String>,
    /// All that it is in: several where records contradict each other.
    #[serde(default)]
    pub parents: Vec<String>,
    /// Units in it, at any depth, that are on hold or under recall: some of them.
    #[serde(default)]
    pub held: Vec<String>,
    /// Is one of these under recall?
    #[serde(default)]
    pub recalled: bool,
    /// What of it cannot all be true.
    #[serde(default)]
    pub contradictions: Vec<RemoteContradiction>,
    /// The station that opened it.
    #[serde(default)]
    pub station: Option<String>,
    /// The serials of the units directly in it, at most some thousands.
    #[serde(default)]
    pub serials: Vec<String>,
    /// Their scopes, in the same order; empty where none has one.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// The ids of the containers directly in it.
    #[serde(default)]
    pub containers: Vec<String>,
    /// How many of either there are.
    pub count: u32,
    /// All units in it, through all levels, where that is known.
    #[serde(default)]
    pub units: Option<u32>,
    /// The work order of all its units, where they share one.
    #[serde(default)]
    pub work_order: Option<String>,
    /// What all its units have in common.
    #[serde(default)]
    pub common: Attributes,
}
