//! Receipts: the service's word on what it has stored.

use serde::{Deserialize, Serialize};

use super::signed::Message;
use crate::{Hash, SeriesId};

/// What the service has stored of a series, after its own commit. Only a receipt whose hash agrees with the station's
/// line frees records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// For this station.
    pub station: String,
    /// And this series.
    pub series: SeriesId,
    /// Everything up to this sequence is stored; 0 where nothing is.
    pub up_to: u64,
    /// Hash of line `up_to`; zeros where that is 0.
    pub hash: Hash,
    /// Stored above a hole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Run>,
    /// Never to be stored: not authentic or not readable. The station sets these records aside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejected: Vec<Rejected>,
    /// Please send again, from the first to the second sequence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resend: Vec<(u64, u64)>,
    /// The same identity came with other bytes before: the station has to open a new series.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fork: Option<Fork>,
    /// To a station that has lost its mark of SSCCs: the first serial reference that is not known to be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sscc_mark: Option<u64>,
}

/// A stored run of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// First sequence.
    pub first: u64,
    /// Last sequence.
    pub last: u64,
    /// Hash of line `last`.
    pub hash: Hash,
}

/// Records that the service will never store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// First sequence.
    pub first: u64,
    /// Last sequence.
    pub last: u64,
    /// Why, for people.
    pub reason: String,
}

/// Where two histories part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fork {
    /// The sequence that came twice.
    pub seq: u64,
    /// The hash that the service holds.
    pub held: Hash,
}

impl Message for Receipt {
    const WHAT: &'static str = "receipt";
}

impl Receipt {
    /// A cumulative receipt and nothing else.
    #[must_use]
    pub fn stored(station: &str, series: SeriesId, up_to: u64, hash: Hash) -> Self {
        Self {
            station: station.to_owned(),
            series,
            up_to,
            hash,
            also: Vec::new(),
            rejected: Vec::new(),
            resend: Vec::new(),
            fork: None,
            sscc_mark: None,
        }
    }
}
