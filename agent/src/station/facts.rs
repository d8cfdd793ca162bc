//! What is read for a decision before it is made, and what has to be read.

use std::collections::BTreeMap;

use super::command::{Command, Role};
use super::hold::Hold;
use super::input::Reading;
use super::job::Job;
use super::known::{Known, KnownContainer, OrderCount};
use super::service::Service;
use super::state::State;

/// What the journal and the service say of what a scan or command is about.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// The unit or component, if it is known here.
    pub known: Option<Known>,
    /// The containers concerned that are known here, by id: those scanned, the one the unit is in, and those around them.
    pub containers: BTreeMap<String, KnownContainer>,
    /// What was counted of the work orders concerned that no lane works on.
    pub orders: BTreeMap<String, OrderCount>,
    /// What is directly in the container that is recounted: serials, or ids of containers.
    pub contents: Vec<String>,
    /// The newest label of the container.
    pub label: Option<Job>,
    /// What of it is on hold: the unit, its lots; for a work order its lot.
    pub held: Vec<Hold>,
    /// What the service said.
    pub service: Service,
    /// Is there room for records of refusals?
    pub room: bool,
}

/// What has to be read for a scan or command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// A unit or component: scope and serial.
    pub unit: Option<(String, String)>,
    /// Containers, with all those around them.
    pub containers: Vec<String>,
    /// A work order.
    pub order: Option<String>,
    /// What is directly in this container.
    pub contents: Option<String>,
    /// The newest label of this container.
    pub label: Option<String>,
}

impl Wanted {
    /// What a scan on a lane needs.
    #[must_use]
    pub fn of(_state: &State, _lane: &str, reading: &Reading) -> Self {
        let mut wanted = Self::default();
        match reading {
            Reading::Device { serial, scope, .. } | Reading::Component { serial, scope, .. } => {
                wanted.unit = Some((scope.clone(), serial.clone()));
            }
            Reading::WorkOrder { id, .. } => wanted.order = Some(id.clone()),
            Reading::Container { id, .. } => {
                wanted.containers.push(id.clone());
                wanted.label = Some(id.clone());
            }
            _ => {}
        }
        wanted
    }
}

/// What a person asks for all at once, by the local API or the page; a command barcode gathers it scan by scan.
#[derive(Debug, Clone, PartialEq)]
pub struct Commanded {
    /// What.
    pub command: Command,
    /// Of what: a unit, container or work order.
    pub subject: Option<Reading>,
    /// Where to: a container.
    pub into: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

/// What a rig says of the unit that it was given.
#[derive(Debug, Clone, PartialEq)]
pub struct RigResult {
    /// The unit's serial.
    pub serial: String,
    /// Its scope.
    pub scope: String,
    /// Did it pass?
    pub passed: bool,
    /// The rig's name.
    pub rig: String,
    /// What was measured, by name.
    pub measurements: serde_json::Map<String, serde_json::Value>,
    /// What the rig says of the unit: `fwVersion` and so on.
    pub attributes: records::attributes::Attributes,
}

impl Role {
    /// Does this role fill containers?
    #[must_use]
    pub fn fills(self) -> bool {
        matches!(self, Self::Pack | Self::Palletise)
    }
}
