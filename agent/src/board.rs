//! What the parts of the daemon say of themselves, for `status`: which scanner is there, and how the broker is reached.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde::{Deserialize, Serialize};

/// The notices of all parts. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Board(Arc<Mutex<Pinned>>);

/// The notices, and when the service was heard last.
#[derive(Debug, Default)]
struct Pinned {
    notices: Notices,
    heard: Option<Instant>,
}

/// What is on the board.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notices {
    /// The scanners by name.
    pub scanners: BTreeMap<String, Device>,
    /// The printers by name.
    #[serde(default)]
    pub printers: BTreeMap<String, Printer>,
    /// Lamps and displays that do not work, by name, and why.
    #[serde(default)]
    pub signals: BTreeMap<String, String>,
    /// The way to the service.
    pub uplink: Uplink,
    /// Looking things up at the service.
    #[serde(default)]
    pub lookup: LookedUp,
    /// Work orders from the topic that were refused, by lane, and why; until a good one comes.
    #[serde(default)]
    pub refused_work_orders: BTreeMap<String, String>,
}

/// How looking things up goes, and what was found out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LookedUp {
    /// Why the service gives no answers, and what to do; empty where it does.
    pub trouble: String,
    /// What cannot all be true of what this station has recorded, a sentence each, as the service says.
    pub contradictions: Vec<String>,
    /// Units that were accepted without an answer, and are not looked up yet; at most some are counted.
    pub unchecked: usize,
}

/// The state of a scanner.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// Is it open?
    pub ready: bool,
    /// If not: why, and what to do.
    pub why: String,
    /// Noise received since the start.
    pub noise: u64,
}

/// The state of a printer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Printer {
    /// Did it say that it would print?
    pub ready: bool,
    /// If not: why, and what to do.
    pub why: String,
}

/// The state of the way to the service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Uplink {
    /// Is there a connection to the broker?
    pub connected: bool,
    /// Has the service been heard since the start?
    pub service_seen: bool,
    /// What is wrong, and what to do; empty where nothing is.
    pub trouble: String,
    /// Seconds since the service was last heard; `None` where it was not heard since the start.
    #[serde(default)]
    pub service_silent_seconds: Option<u64>,
    /// Receipts since the start that had no effect, by reason.
    #[serde(default)]
    pub receipts_without_effect: BTreeMap<String, u64>,
    /// Why what is on hold was refused whole, and what to do; until a good one comes. The holds before stay.
    #[serde(default)]
    pub refused_holds: String,
}

impl Board {
    fn pinned(&self) -> MutexGuard<'_, Pinned> {
        // A part that panicked while it wrote a notice leaves the other notices true.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything on the board.
    #[must_use]
    pub fn read(&self) -> Notices {
        let pinned = self.pinned();
        let mut notices = pinned.notices.clone();
        notices.uplink.service_silent_seconds = pinned.heard.map(|heard| heard.elapsed().as_secs());
        notices
    }

    /// Changes the notice of a scanner.
    pub fn scanner(&self, name: &str, change: impl FnOnce(&mut Device)) {
        change(self.pinned().notices.scanners.entry(name.to_owned()).or_default());
    }

    /// Changes the notice of a printer.
    pub fn printer(&self, name: &str, change: impl FnOnce(&mut Printer)) {
        change(self.pinned().notices.printers.entry(name.to_owned()).or_default());
    }

    /// A lamp or display has this trouble; works again where it is empty.
    pub fn signal(&self, name: &str, trouble: &str) {
        let signals = &mut self.pinned().notices.signals;
        match trouble {
            "" => drop(signals.remove(name)),
            trouble => drop(signals.insert(name.to_owned(), trouble.to_owned())),
        }
    }

    /// A work order from the topic was refused, or a good one came.
    pub fn work_order(&self, lane: &str, refused: Option<String>) {
        let refusals = &mut self.pinned().notices.refused_work_orders;
        match refused {
            Some(why) => refusals.insert(lane.to_owned(), why),
            None => refusals.remove(lane),
        };
    }

    /// Changes the notice of the uplink.
    pub fn uplink(&self, change: impl FnOnce(&mut Uplink)) {
        change(&mut self.pinned().notices.uplink);
    }

    /// Changes the notice of looking things up.
    pub fn lookup(&self, change: impl FnOnce(&mut LookedUp)) {
        change(&mut self.pinned().notices.lookup);
    }

    /// The trusted service was heard.
    pub fn heard_service(&self) {
        self.pinned().heard = Some(Instant::now());
    }

    /// A receipt came that had no effect, for this reason: one word of this program, never one from outside.
    pub fn receipt_without_effect(&self, reason: &'static str) {
        *self.pinned().notices.uplink.receipts_without_effect.entry(reason.to_owned()).or_default() += 1;
    }
}
