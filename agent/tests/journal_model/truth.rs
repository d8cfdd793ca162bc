//! What the harness knows for certain, and what it asserts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use agent::station::{Known, State};
use records::SeriesId;

/// What was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A record that was told green is nowhere.
    FalseGreen,
    /// A record is neither in the journal nor in the service.
    Lost,
    /// One identity has two contents, or a unit is packed twice.
    Twice,
    /// The state after an opening is not that of a whole group.
    Half,
    /// A store does not open.
    NoOpening,
    /// A record counts as received that the service never had.
    Early,
    /// A line does not follow the one before it.
    Chain,
    /// A record whose answer nobody saw is not shown.
    Unshown,
    /// The way is clear, and something does not arrive, or nothing can be written.
    Stuck,
    /// A journal is full or broken for no reason.
    Refused,
}

impl Kind {
    /// The violation at a record.
    pub fn at(self, seq: u64, what: impl fmt::Display) -> Violation {
        Violation { kind: self, text: format!("record {seq} {what}") }
    }

    /// The violation.
    pub fn says(self, what: impl fmt::Display) -> Violation {
        Violation { kind: self, text: what.to_string() }
    }
}

/// A counterexample.
#[derive(Debug, Clone)]
pub struct Violation {
    /// What was broken.
    pub kind: Kind,
    /// How.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.text)
    }
}

/// Units that are packed, by serial number.
pub type Packed = BTreeMap<String, Known>;

/// A unit that a person saw green.
#[derive(Debug, Clone)]
pub struct Told {
    /// The records that its answer named.
    pub records: (u64, u64),
    /// Its serial number.
    pub serial: Option<String>,
}

/// What must be so.
#[derive(Debug, Default)]
pub struct Truth {
    /// The series, once a group was committed.
    pub series: Option<SeriesId>,
    /// The state of the last group that was committed.
    pub state: State,
    /// The units that it knows.
    pub packed: Packed,
    /// Groups since then whose commit failed or was cut: after an opening one of them may have happened, whole.
    pub maybe: Vec<(State, Packed)>,
    /// The lines of all committed groups.
    pub lines: BTreeMap<u64, Vec<u8>>,
    /// What people were told.
    pub told: Vec<Told>,
    /// Up to this record somebody was told, or shown after a start.
    pub shown: u64,
    /// The mark of receipts that is on the disk for certain.
    pub saved: u64,
    /// Up to this record the journal was asked to forget.
    pub forgettable: u64,
    /// Forgotten.
    pub gone: BTreeSet<u64>,
    /// Forgotten before their time, since the quota was nearly full.
    pub gone_early: BTreeSet<u64>,
    /// Changed on the disk.
    pub damaged: BTreeSet<u64>,
}

impl Truth {
    /// Does the line of this record name the unit?
    pub fn names(&self, seq: u64, serial: &str) -> bool {
        let wanted = format!(r#""id":"{serial}""#);
        self.lines.get(&seq).is_some_and(|line| line.windows(wanted.len()).any(|window| window == wanted.as_bytes()))
    }

    /// Is every record that was told there, and is it about the unit that was told?
    pub fn greens_are_true(&self) -> Result<(), Violation> {
        for told in &self.told {
            let (first, last) = told.records;
            if let Some(missing) = (first..=last).find(|seq| !self.lines.contains_key(seq)) {
                return Err(Kind::FalseGreen.at(missing, "was told and is not there"));
            }
            if let Some(serial) = &told.serial
                && !(first..=last).any(|seq| self.names(seq, serial))
            {
                return Err(Kind::FalseGreen.at(first, format!("was told for {serial} and is about something else")));
            }
        }
        Ok(())
    }
}
