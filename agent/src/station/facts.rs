//! What is read for a decision before it is made, and what has to be read.

use std::collections::{BTreeMap, BTreeSet};

use records::wire::WorkOrderMessage;

use super::adopted::Adopted;
use super::command::Command;
use super::hold::Hold;
use super::input::Reading;
use super::job::Job;
use super::known::{Known, KnownContainer, OrderCount};
use super::pending::Doing;
use super::roles::Task;
use super::service::Service;
use super::state::{Lane, State};

/// What the journal and the service say of what a scan or command is about.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// The unit or component, if it is known here.
    pub known: Option<Known>,
    /// The units that are known here of a container that is taken over, by scope and serial.
    pub units: BTreeMap<(String, String), Known>,
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
    /// What of `held` is under recall.
    pub recalled: Vec<Hold>,
    /// What of the contents of the container is on hold or under recall.
    pub inside: HeldInside,
    /// What the service said.
    pub service: Service,
    /// Is there room for records of refusals?
    pub room: bool,
}

/// What must not leave of what is in a container, at any depth, as far as it is known here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeldInside {
    /// Serials of units that are on hold or under recall, themselves or their lot.
    pub serials: BTreeSet<String>,
    /// Lots on hold or under recall that all units of something in it share.
    pub lots: BTreeSet<String>,
    /// Is any of it under recall?
    pub recalled: bool,
}

/// What has to be read for a scan or command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// A unit or component: scope and serial.
    pub unit: Option<(String, String)>,
    /// The units of a container that is taken over.
    pub units: Vec<(String, String)>,
    /// Containers, with all those around them.
    pub containers: Vec<String>,
    /// A work order.
    pub order: Option<String>,
    /// What is directly in this container.
    pub contents: Option<String>,
    /// The newest label of this container.
    pub label: Option<String>,
    /// What may be on hold.
    pub holds: Vec<Hold>,
    /// The container of which all contents may be on hold.
    pub inside: Option<String>,
    /// Is that the container that is scanned, which the service is asked about?
    pub inside_is_asked: bool,
    /// Is a container taken over, with what the service says to be in it?
    pub adopts: bool,
}

impl Wanted {
    /// What a scan on a lane needs.
    #[must_use]
    pub fn of(state: &State, lane: &str, reading: &Reading) -> Self {
        let mut wanted = Self::default();
        wanted.add(state, lane, reading);
        wanted
    }

    /// What a person asks for all at once needs.
    #[must_use]
    pub fn of_command(state: &State, lane: &str, commanded: &Commanded) -> Self {
        let mut wanted = Self::default();
        wanted.add(state, lane, &Reading::Command(commanded.command));
        if let Some(subject) = &commanded.subject {
            wanted.add(state, lane, subject);
        }
        wanted.containers.extend(commanded.into.clone());
        wanted.adopts = commanded.command == Command::Adopt;
        // The service is asked about nothing that is moved.
        wanted.inside_is_asked = false;
        wanted
    }

    /// What a rig's result needs.
    #[must_use]
    pub fn of_result(state: &State, lane: &str, result: &RigResult) -> Self {
        // The work order may have changed on the lane since the unit was scanned.
        let testing = state.lanes.get(lane).and_then(|lane| lane.testing.as_ref());
        let order = testing.and_then(|testing| testing.attributes.get("workOrder")).and_then(|order| order.as_str());
        let unit = Some((result.scope.clone(), result.serial.clone()));
        Self { unit, order: order.map(str::to_owned), ..Self::default() }
    }

    /// What a work order from the topic needs: it may close what is open.
    #[must_use]
    pub fn of_order(state: &State, message: &WorkOrderMessage) -> Self {
        let holds = Hold::of_lot(&message.attributes).into_iter().collect();
        let containers = around_open(state).collect();
        Self { order: message.work_order.clone(), containers, holds, ..Self::default() }
    }

    /// What a container that is taken over needs.
    #[must_use]
    pub fn of_adopted(state: &State, adopted: &Adopted) -> Self {
        let ids = adopted.containers.iter().chain([&adopted.id]).chain(&adopted.parent).cloned();
        let containers = ids.chain(around_open(state)).collect();
        let contents = Some(adopted.id.clone());
        Self { containers, units: adopted.units.clone(), contents, ..Self::default() }
    }

    /// The same with what the service said: what is in a container that is to be taken over.
    #[must_use]
    pub fn with(mut self, state: &State, lane: &str, service: &Service) -> Self {
        let Service::Answer { container: Some(remote), .. } = service else { return self };
        let adopts = state.lanes.get(lane).and_then(|lane| lane.pending.as_ref());
        if self.adopts || adopts.is_some_and(|pending| matches!(pending.doing, Doing::Command(Command::Adopt))) {
            self.units.extend(remote.units_with_scopes());
            self.containers.extend(remote.containers.iter().cloned());
            self.containers.extend(remote.parent.clone());
            self.contents.clone_from(&self.label);
        }
        if self.inside_is_asked {
            self.holds.extend(remote.serials.iter().cloned().map(Hold::Serial));
            self.holds.extend(Hold::of_lot(&remote.common));
            self.containers.extend(remote.places().cloned());
        }
        self
    }

    fn add(&mut self, state: &State, name: &str, reading: &Reading) {
        let lane = state.lanes.get(name);
        let current = lane.and_then(|lane| lane.work_order.as_ref());
        self.containers.extend(around_open(state));
        self.holds.extend(Hold::of_reading(reading, current));
        match reading {
            Reading::Device { serial, scope, .. } | Reading::Component { serial, scope, .. } => {
                self.unit = Some((scope.clone(), serial.clone()));
            }
            Reading::WorkOrder { id, .. } => self.order = Some(id.clone()),
            Reading::Container { id, .. } => {
                self.containers.push(id.clone());
                self.label = Some(id.clone());
                (self.inside, self.inside_is_asked) = (Some(id.clone()), true);
                self.contents = Some(id.clone());
                self.contents_of(lane);
            }
            Reading::Command(Command::VoidLast) => {
                let last = lane.and_then(|lane| lane.open.iter().find_map(|open| open.recent.last()));
                self.unit = last.map(|unit| (unit.scope.clone(), unit.serial.clone()));
                self.order = last.and_then(|unit| unit.was_out.as_ref()?.work_order.clone());
            }
            Reading::Command(Command::Finish) => {
                self.contents_of(lane);
                if let Some(Task::Adopt { container, .. }) = lane.and_then(|lane| lane.task.as_ref()) {
                    self.contents = Some(container.clone());
                }
            }
            Reading::Badge { .. } | Reading::Reason { .. } => {
                // What was refused is decided again.
                if let Some(last) = lane.and_then(|lane| lane.last_refused.as_ref()) {
                    let about = last.reading.clone();
                    self.add(state, name, &about);
                }
            }
            _ => {}
        }
        if let Reading::Device { .. } = reading {
            self.contents_of(lane);
        }
        self.pending(state, name, reading);
    }

    /// What is gathered already by the command that waits.
    fn pending(&mut self, state: &State, name: &str, reading: &Reading) {
        // A unit is decided by what is known of it itself: the command may have waited too long, and be over.
        let is_own = matches!(reading, Reading::Device { .. } | Reading::Component { .. });
        let is_scan = !is_own && !matches!(reading, Reading::Command(_));
        let is_badge = matches!(reading, Reading::Badge { .. });
        let pending = state.lanes.get(name).and_then(|lane| lane.pending.as_ref()).filter(|_| is_scan);
        // A badge is about itself, unless it is what the command waits for.
        let Some(pending) = pending.filter(|pending| !is_badge || pending.is_release()) else { return };
        let about = match (&pending.doing, &pending.subject) {
            (Doing::Allow { last, .. }, _) => Some(last.reading.clone()),
            (Doing::Command(_), subject) => subject.clone(),
        };
        self.containers.extend(pending.into.clone());
        match about {
            Some(Reading::Device { serial, scope, .. } | Reading::Component { serial, scope, .. }) => {
                self.holds.push(Hold::Serial(serial.clone()));
                self.unit = Some((scope, serial));
            }
            Some(Reading::Container { id, .. }) => {
                self.label = Some(id.clone());
                (self.inside, self.inside_is_asked) = (Some(id.clone()), false);
                self.containers.push(id);
            }
            Some(Reading::WorkOrder { id, .. }) => self.order = Some(id),
            _ => {}
        }
        if let (Doing::Allow { last, .. }, Some(lane)) = (&pending.doing, state.lanes.get(name)) {
            self.holds.extend(Hold::of_reading(&last.reading, lane.work_order.as_ref()));
        }
    }

    /// A lane that recounts needs what should be in the container; one that takes over what is known of what it has scanned.
    fn contents_of(&mut self, lane: Option<&Lane>) {
        match lane.and_then(|lane| lane.task.as_ref()) {
            Some(Task::Recount { container, .. }) => {
                self.contents = Some(container.clone());
                self.containers.push(container.clone());
            }
            Some(Task::Adopt { container, units, containers }) => {
                self.units.clone_from(units);
                self.containers.push(container.clone());
                self.containers.extend(containers.iter().cloned());
            }
            _ => {}
        }
    }
}

/// What is around open containers. One that is open again is in another one, which counts its units; also while it waits for
/// its turn.
fn around_open(state: &State) -> impl Iterator<Item = String> {
    let open = state.lanes.values().flat_map(|lane| lane.open.iter().chain(&lane.spare));
    open.filter_map(|open| open.parent.clone())
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

impl RigResult {
    /// SHA-256 of what it says, whichever test it says it of.
    pub(super) fn mark(&self) -> records::Hash {
        let Self { serial, scope, passed, rig, measurements, attributes, test: _ } = self;
        let said = serde_json::json!([serial, scope, passed, rig, measurements, attributes]);
        records::chain::hash_line(said.to_string().as_bytes())
    }
}

/// A rig has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoResult {
    /// Why.
    pub why: String,
    /// The test that it is of, where that is known.
    pub test: Option<u64>,
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
    /// The test that it is of, as the rig was told it, where it says that.
    pub test: Option<u64>,
    /// What was measured, by name.
    pub measurements: serde_json::Map<String, serde_json::Value>,
    /// What the rig says of the unit: `fwVersion` and so on.
    pub attributes: records::attributes::Attributes,
}
