//! Refusals that are only counted: there was no room for their records, or nothing could be written at all. When there is
//! room again each lane and code gets one record that says how many there were, and from when to when.

use records::{Draft, Event, Stamp, Subject};
use serde::{Deserialize, Serialize};

use super::answer::Code;

/// Most summaries in one decision: it must not be what fills the room that has just come back.
const AT_ONCE: usize = 16;

/// Refusals of one lane for one reason that have no record of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// The lane.
    pub lane: String,
    /// Why they were refused.
    pub code: Code,
    /// How many.
    pub count: u64,
    /// The first of them.
    pub first: Stamp,
    /// The last of them.
    pub last: Stamp,
}

/// The tallies, one for each lane and code: as many as the configuration has lanes and this program has codes, at most.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Unrecorded(Vec<Tally>);

impl Unrecorded {
    /// Counts refusals.
    pub fn add(&mut self, tally: Tally) {
        match self.0.iter_mut().find(|known| (&known.lane, known.code) == (&tally.lane, tally.code)) {
            Some(known) => {
                known.count = known.count.saturating_add(tally.count);
                known.last = tally.last;
            }
            None => self.0.push(tally),
        }
    }

    /// All of them.
    #[must_use]
    pub fn tallies(&self) -> &[Tally] {
        &self.0
    }

    /// How many refusals they count together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().fold(0, |total, tally| total.saturating_add(tally.count))
    }

    /// Is there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes some of them out, as the records that they become.
    pub(super) fn summaries(&mut self, station: &Subject) -> Vec<Draft> {
        let some = self.0.len().min(AT_ONCE);
        self.0.drain(..some).map(|tally| tally.draft(station)).collect()
    }
}

impl Tally {
    fn draft(self, station: &Subject) -> Draft {
        let mut draft = Draft::new(Event::Refused, station.clone());
        draft.lane = Some(self.lane);
        draft.attributes = [
            ("code".to_owned(), serde_json::json!(self.code)),
            ("count".to_owned(), serde_json::json!(self.count)),
            ("unrecorded".to_owned(), serde_json::json!(true)),
            ("first".to_owned(), serde_json::json!(self.first)),
            ("last".to_owned(), serde_json::json!(self.last)),
        ]
        .into();
        draft
    }
}
