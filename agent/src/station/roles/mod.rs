//! What a lane does with a scan, one file for each role.

mod assemble;
mod check;
mod despatch;
mod pack;
mod palletise;
mod recount;
mod test;

use serde::{Deserialize, Serialize};

/// What a lane gathers over several scans.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// A container is counted.
    Recount {
        /// Which.
        container: String,
        /// What of it was scanned: serials, or ids of containers.
        found: std::collections::BTreeSet<String>,
        /// What should be in it, as the service said when it was begun; of one that this station has packed it is looked up.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expected: Option<std::collections::BTreeSet<String>>,
    },
    /// What is in a container of another station is scanned, to go on with it here.
    Adopt {
        /// Which.
        container: String,
        /// The units in it: scope and serial.
        units: Vec<(String, String)>,
        /// The containers in it.
        containers: Vec<String>,
    },
    /// A unit gets its components.
    Assemble {
        /// Its serial.
        serial: String,
        /// Its scope.
        scope: String,
        /// The kinds that it has got.
        kinds: Vec<String>,
    },
}

/// The unit that a rig tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Testing {
    /// Its serial.
    pub serial: String,
    /// Its scope.
    pub scope: String,
    /// What its label and the work order say of it.
    pub attributes: records::attributes::Attributes,
    /// The number of this test at this station: tells two tests of one unit apart.
    pub test: u64,
    /// Which test of the unit it is, from 1; 0 where it began before that was noted.
    #[serde(default)]
    pub attempt: u32,
}

/// Who gets what leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Despatch {
    /// The consignee.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consignee: Option<String>,
    /// The despatch note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The container that left last: scanned again, it is on record already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
}
