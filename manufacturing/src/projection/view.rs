//! A device as its records make it.

use jiff::Timestamp;
use records::RecordId;
use records::attributes::Attributes;
use serde::{Deserialize, Serialize};

use super::Happened;

/// What became of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// It was packed.
    Packed,
    /// Every record that packed it was corrected as a mistake.
    Voided,
}

/// A record with its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The wall clock of the record.
    pub at: Timestamp,
    /// The record.
    pub record: RecordId,
    /// When it happened, where that was asked for.
    pub happened: Option<Happened>,
    /// Not before and not after, in microseconds since 1970.
    pub borders: (i64, i64),
}

/// A device was in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The group attribute.
    pub dimension: &'static str,
    /// Its value.
    pub value: String,
    /// What began it.
    pub since: Mark,
    /// What ended it; `None` while it lasts.
    pub until: Option<Mark>,
    /// It was said and never true.
    pub corrected: bool,
}

/// A device.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceView {
    /// What became of it.
    pub state: State,
    /// Records disagree on where it is: it counts as a member of each place.
    pub contested: bool,
    /// The last said value of each attribute, `packageId` and `palletId` from the edges.
    pub attributes: Attributes,
    /// Every group that it was ever in, by dimension, value and time.
    pub memberships: Vec<Membership>,
    /// The earliest wall clock of its records.
    pub first_seen: Timestamp,
    /// The latest.
    pub last_seen: Timestamp,
    /// How many records it is the subject of.
    pub records: u64,
}
