//! What the configuration says of lanes, people and levels, as decisions need it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use records::Level;
use serde::Serialize;

use super::answer::Code;
use super::command::Role;
use super::state::Close;

/// How a lane works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneRules {
    /// What it can do; the first one holds at the start. Packing and palletising go together where both are here.
    pub roles: Vec<Role>,
    /// Does a person have to sign on first?
    pub operator_required: bool,
    /// Whether and how the service is asked.
    pub interlock: Interlock,
    /// Are only units packed whose last test passed?
    pub requires_test: bool,
    /// Most tests of one unit, from 1; no limit where it is not said.
    pub most_tests: Option<u32>,
    /// The kinds of components that a unit has to get before it is complete.
    pub components: Vec<String>,
}

impl Default for LaneRules {
    fn default() -> Self {
        Self {
            roles: vec![Role::Pack, Role::Palletise],
            operator_required: false,
            interlock: Interlock::default(),
            requires_test: false,
            most_tests: None,
            components: Vec::new(),
        }
    }
}

/// Whether a unit or container is looked up at the service before it is accepted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Interlocked {
    /// The service is not asked.
    #[default]
    Off,
    /// It is asked; without an answer, and with an old one, the station goes on.
    Preferred,
    /// Without an answer that is recent enough `offline` says what happens.
    Required,
}

/// What happens to a unit of which the service says nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Offline {
    /// It is accepted, marked as unchecked, and asked again later.
    Accept,
    /// It is set aside, not packed, and asked again later.
    Hold,
    /// It is refused.
    #[default]
    Refuse,
}

/// Whether and how the service is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interlock {
    /// Whether.
    pub asked: Interlocked,
    /// What happens without an answer.
    pub offline: Offline,
    /// How old an answer may be.
    pub answer_age: Duration,
    /// How long an answer is waited for.
    pub timeout: Duration,
}

impl Default for Interlock {
    fn default() -> Self {
        Self {
            asked: Interlocked::Off,
            offline: Offline::Refuse,
            answer_age: Duration::from_secs(60),
            timeout: Duration::from_millis(500),
        }
    }
}

/// Where the id of a container comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdFrom {
    /// An SSCC of this station, given out when the container opens.
    #[default]
    Sscc,
    /// The label that is on it already is scanned.
    Scanned,
}

/// One level of containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LevelRules {
    /// Its name: `package`, `carton`, `pallet`.
    pub name: String,
    /// Package or pallet: what a unit's `packageId` or `palletId` is.
    pub kind: Level,
    /// How many it takes, from 1: units in the innermost, containers of the level below in the others.
    pub size: u32,
    /// How a full one is closed.
    pub close: Close,
    /// Where its id comes from.
    pub id: IdFrom,
    /// Is the label of a closed one scanned before the next one starts?
    pub scan_back: bool,
}

/// Who may allow what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct People {
    /// Pseudonyms of supervisors.
    pub supervisors: BTreeSet<String>,
    /// What a supervisor may allow.
    pub allows: BTreeSet<Code>,
}

/// A label of several codes, which are scanned in any order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelCodes {
    /// The names of the rules whose codes make it complete.
    pub codes: Vec<String>,
    /// How long after the first one the last one may come.
    pub timeout: Duration,
    /// The attribute whose value is the scope of the device.
    pub scope: Option<String>,
}

/// What the configuration says beside sizes and labels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineRules {
    /// The lanes by name; others work as [`LaneRules::default`].
    pub lanes: BTreeMap<String, LaneRules>,
    /// Who may allow what.
    pub people: People,
    /// The reasons that can be scanned; where there are none, none is asked for.
    pub reasons: Vec<String>,
    /// The labels of several codes by name.
    pub label_codes: BTreeMap<String, LabelCodes>,
}

impl LineRules {
    /// The rules of a lane.
    #[must_use]
    pub fn lane(&self, name: &str) -> LaneRules {
        self.lanes.get(name).cloned().unwrap_or_default()
    }
}
