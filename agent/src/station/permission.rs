//! What a supervisor allows: the scan that was just refused is decided again, and the record names who allowed what, and why.

use records::Stamp;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, Code};
use super::input::{Reading, Unread};
use super::pending::{Doing, Pending};
use super::turn::Turn;

/// So long after a refusal a supervisor's badge allows it, in milliseconds.
pub(super) const ALLOW_WITHIN_MS: u64 = 60_000;

/// A refusal that a supervisor may allow next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LastRefused {
    /// What was scanned.
    pub reading: Reading,
    /// What it was refused with last, and what was allowed already.
    pub codes: Vec<Code>,
    /// When, as far as the station could know.
    pub boot: String,
    /// Milliseconds since boot.
    pub since: u64,
}

/// What a supervisor allows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Permission {
    pub reading: Reading,
    pub codes: Vec<Code>,
    pub by: String,
    pub reason: String,
}

impl LastRefused {
    /// Is it too long ago?
    pub(super) fn is_over(&self, now: &Stamp) -> bool {
        self.boot != now.boot || now.since_boot.saturating_sub(self.since) >= ALLOW_WITHIN_MS
    }
}

impl Turn<'_> {
    /// What was refused is what lies there only until something else is done on the lane. A scan that could not be read may
    /// be the badge.
    pub(super) fn forget_refused(&mut self, name: &str, unread: Option<&Unread>, done: bool) {
        let is_something = unread.is_some_and(|unread| !matches!(unread, Unread::NoRead | Unread::Noise(_)));
        if !done && !is_something {
            return;
        }
        if let Some(lane) = self.state.lanes.get_mut(name) {
            lane.last_refused = None;
        }
    }

    /// A scan was refused: a supervisor may allow it, where the configuration says so.
    pub(super) fn note_refused(&mut self, name: &str, reading: &Reading, code: Code, permission: Option<Permission>) {
        let people = &self.line.rules.people;
        if !code.can_be_allowed() || !people.allows.contains(&code) || people.supervisors.is_empty() {
            if let Some(lane) = self.state.lanes.get_mut(name) {
                lane.last_refused = None;
            }
            return;
        }
        let mut codes = permission.map(|permission| permission.codes).unwrap_or_default();
        codes.push(code);
        let (boot, since) = (self.now.boot.clone(), self.now.since_boot);
        self.lane(name).last_refused = Some(LastRefused { reading: reading.clone(), codes, boot, since });
    }

    /// A supervisor's badge after a refusal.
    pub(super) fn allow(&mut self, name: &str, by: &str, last: LastRefused) -> Result<Answer, Answer> {
        if self.line.rules.reasons.is_empty() {
            return self.allowed_by(name, by, last, String::new());
        }
        let pending = Pending::new(Doing::Allow { by: by.to_owned(), last: Box::new(last) }, self.now);
        self.lane(name).last_refused = None;
        Ok(self.wait(name, pending, "Scan the reason why it is allowed"))
    }

    /// Decides the refused scan again.
    pub(super) fn allowed_by(
        &mut self,
        name: &str,
        by: &str,
        last: LastRefused,
        reason: String,
    ) -> Result<Answer, Answer> {
        let lane = self.lane(name);
        (lane.last_refused, lane.pending) = (None, None);
        let LastRefused { reading, codes, .. } = last;
        self.permission = Some(Permission { reading: reading.clone(), codes, by: by.to_owned(), reason });
        self.by_role(name, &reading)
    }
}
