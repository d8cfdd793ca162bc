//! What a station knows of labels: which are printed, each as a job, how far it is, and what is said of it.

use std::collections::BTreeMap;

use records::Level;
use serde::{Deserialize, Serialize};

/// Which label is printed when a container is closed, or a unit has passed its test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelRule {
    /// For containers of this level.
    pub level: Level,
    /// For units that have passed their test instead.
    pub on_pass: bool,
    /// Only on this lane; everywhere where it is not said.
    pub lane: Option<String>,
    /// Its name, where it is printed only for work orders that ask for it.
    pub name: Option<String>,
    /// The printer's name.
    pub printer: String,
    /// SHA-256 of the template's text, in hexadecimal.
    pub template: String,
    /// How many labels with the same identity, from 1. GS1 wants two on a pallet, on adjacent sides.
    pub copies: u32,
}

impl LabelRule {
    pub(super) fn is_for(&self, level: Level, lane: &str) -> bool {
        !self.on_pass && self.level == level && self.is_on(lane)
    }

    pub(super) fn is_on(&self, lane: &str) -> bool {
        self.lane.as_deref().is_none_or(|only| only == lane)
    }
}

/// Under this name the data of a unit's label has the unit's scope; no field of a template has such a name.
const UNIT: &str = "#unit";

/// A label that is to be printed. Its SSCC is durable with it, before a byte goes to a printer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobDraft {
    /// The container; of a unit's label the serial number.
    pub sscc: String,
    /// Its level; nothing where it is the label of a unit.
    pub level: Level,
    /// The lane.
    pub lane: String,
    /// The printer.
    pub printer: String,
    /// The template's SHA-256.
    pub template: String,
    /// What can stand on it, by field.
    pub data: BTreeMap<String, String>,
    /// How many.
    pub copies: u32,
}

impl JobDraft {
    /// Says that this is the label of a unit with this scope.
    pub(super) fn of_unit(mut self, scope: &str) -> Self {
        self.data.insert(UNIT.to_owned(), scope.to_owned());
        self
    }

    /// The scope of the unit whose label it is; `None` for the label of a container.
    #[must_use]
    pub fn unit(&self) -> Option<&str> {
        self.data.get(UNIT).map(String::as_str)
    }
}

/// How far a label is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobState {
    /// Nothing of it has gone to a printer.
    Waiting,
    /// Bytes may have gone out.
    Sending,
    /// It came out.
    Printed,
    /// Nobody knows whether it came out: a person looks.
    Doubtful,
    /// It cannot be drawn.
    Failed,
}

/// A label and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its number in this journal.
    pub id: u64,
    /// What is printed.
    pub draft: JobDraft,
    /// How far it is.
    pub state: JobState,
    /// SHA-256 of the picture, in hexadecimal, once it was drawn.
    pub picture: Option<String>,
    /// Why it is doubtful or failed, or why it is printed again.
    pub why: String,
    /// How often bytes went out.
    pub prints: u32,
    /// When the container was closed, in seconds since 1970.
    pub at: i64,
}

/// A change to the labels that the journal keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobChange {
    /// A new one.
    New(JobDraft),
    /// This one, as it is now.
    Set(Job),
}

/// What a printer's worker says of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Printing {
    /// From now on bytes go out.
    Begun {
        /// SHA-256 of the picture, in hexadecimal.
        picture: String,
    },
    /// Nothing went out after all.
    NotSent,
    /// The printer says that all of it came out.
    Printed,
    /// Nobody knows, and why.
    Doubtful(String),
    /// It cannot be drawn, and why.
    Failed(String),
}

/// What a person says of a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It came out.
    CameOut,
    /// It is to be printed again, and why.
    Again(String),
}
