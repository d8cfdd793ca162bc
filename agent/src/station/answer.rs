//! What the operator is told.

use serde::{Deserialize, Serialize};

pub use super::code::Code;

/// Light and tone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Green: recorded and durable.
    Accepted,
    /// Red: nothing was recorded of the unit.
    Refused,
    /// A command or a work order was carried out.
    Done,
    /// Amber: on record already; nothing was written, nothing is wrong.
    Known,
}

/// How far a container is filled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filling {
    /// The container's SSCC.
    pub id: String,
    /// What is in it: devices in a package, packages on a pallet.
    pub count: u32,
    /// How many it takes.
    pub size: u32,
}

/// What the operator is told, after the commit and never before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The lane.
    pub lane: String,
    /// Light and tone.
    pub outcome: Outcome,
    /// The answer in one word.
    pub code: Code,
    /// The answer in a sentence.
    pub text: String,
    /// What to do next; empty where there is nothing to do.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub help: String,
    /// The serial number, where the scan was a device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// The open package after this, or the one just closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<Filling>,
    /// The open pallet after this, or the one just closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pallet: Option<Filling>,
    /// Sequences of the records written, first and last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<(u64, u64)>,
}

impl Answer {
    /// An answer without details.
    pub fn new(lane: &str, outcome: Outcome, code: Code, text: impl Into<String>) -> Self {
        Self {
            lane: lane.to_owned(),
            outcome,
            code,
            text: text.into(),
            help: String::new(),
            serial: None,
            package: None,
            pallet: None,
            records: None,
        }
    }

    /// Red, with what to do next.
    pub fn refused(lane: &str, code: Code, text: impl Into<String>, help: impl Into<String>) -> Self {
        Self { help: help.into(), ..Self::new(lane, Outcome::Refused, code, text) }
    }
}
