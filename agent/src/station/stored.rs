//! Lanes as older versions stored them.

use records::Level;
use records::attributes::Attributes;
use records::wire::{WorkOrder, WorkOrderMessage};
use serde::Deserialize;

use super::collect::Collecting;
use super::command::Role;
use super::pending::Pending;
use super::permission::LastRefused;
use super::roles::{Despatch, Task, Testing};
use super::state::{Lane, LastPacked, LastResult, Open, PackedUnit};

/// A lane of any version: the first one had one package and one pallet.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(super) struct StoredLane {
    work_order: Option<WorkOrder>,
    revision: Option<u64>,
    waiting: Option<WorkOrderMessage>,
    package: Option<StoredOpen>,
    pallet: Option<StoredOpen>,
    open: Vec<Open>,
    spare: Vec<Open>,
    role: Option<Role>,
    person: Option<String>,
    pending: Option<Pending>,
    collecting: Option<Collecting>,
    task: Option<Task>,
    testing: Option<Testing>,
    despatch: Option<Despatch>,
    scan_back: Vec<String>,
    last_refused: Option<LastRefused>,
    last_packed: Option<LastPacked>,
    last_result: Option<LastResult>,
}

/// A package or pallet of the first version.
#[derive(Deserialize)]
struct StoredOpen {
    id: String,
    count: u32,
    #[serde(default)]
    units: Option<u32>,
    #[serde(default)]
    common: Attributes,
    #[serde(default)]
    recent: Vec<PackedUnit>,
}

impl StoredOpen {
    fn open(self, kind: Level) -> Open {
        let Self { id, count, units, common, recent } = self;
        // A package of then had its units only.
        let units = if kind == Level::Package { Some(count) } else { units };
        Open { count, units, common, recent, ..Open::new(kind.word(), kind, id) }
    }
}

impl From<StoredLane> for Lane {
    fn from(stored: StoredLane) -> Self {
        let mut open = stored.open;
        open.extend(stored.package.map(|package| package.open(Level::Package)));
        open.extend(stored.pallet.map(|pallet| pallet.open(Level::Pallet)));
        Self {
            work_order: stored.work_order,
            revision: stored.revision,
            waiting: stored.waiting,
            open,
            spare: stored.spare,
            role: stored.role,
            person: stored.person,
            pending: stored.pending,
            collecting: stored.collecting,
            task: stored.task,
            testing: stored.testing,
            despatch: stored.despatch,
            scan_back: stored.scan_back,
            last_refused: stored.last_refused,
            last_packed: stored.last_packed,
            last_result: stored.last_result,
        }
    }
}
