//! A device or container as its records make it.

use jiff::Timestamp;
use records::attributes::Attributes;
use records::{Level, RecordId};
use serde::{Deserialize, Serialize};

use super::{Handled, Happened};

/// What became of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// Records name it, and none says what became of it.
    Seen,
    /// It was tested, and not packed yet.
    Tested,
    /// It is a part of another device.
    Assembled,
    /// It is packed.
    Packed,
    /// What it is packed in has left.
    Despatched,
    /// It was taken out of what it was in.
    Unpacked,
    /// It will not be used.
    Scrapped,
    /// Every record of it was corrected as a mistake.
    Voided,
}

/// What cannot all be true of a device or container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contradiction {
    /// In one word.
    pub code: String,
    /// In a sentence.
    pub text: String,
    /// Since when, by the clock of the record that made it so.
    pub at: Timestamp,
    /// The stations whose records disagree; one alone where it was that station which found out.
    pub stations: Vec<String>,
}

/// The last test of a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Test {
    /// Did it pass?
    pub passed: bool,
    /// How often it was tested.
    pub attempts: u64,
    /// The rig, where it is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rig: Option<String>,
    /// By the clock of its record.
    pub at: Timestamp,
}

/// Where something was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Despatch {
    /// The container that left.
    pub container: String,
    /// To whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consignee: Option<String>,
    /// With which note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub despatch_note: Option<String>,
    /// By the clock of its record.
    pub at: Timestamp,
}

/// Somebody put a device out of sight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deleted {
    /// By the clock of its record.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
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
    pub dimension: String,
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
    /// What of it cannot all be true, the earliest first.
    pub contradictions: Vec<Contradiction>,
    /// It is out of sight.
    pub deleted: Option<Deleted>,
    /// Its last test.
    pub test: Option<Test>,
    /// Where it was sent.
    pub despatch: Option<Despatch>,
    /// The device that it is a part of.
    pub part_of: Option<String>,
    /// The station that put it where it is, else the one that did something with it last.
    pub station: Option<String>,
    /// The last said value of each attribute, `packageId` and `palletId` from the edges.
    pub attributes: Attributes,
    /// Every group that it was ever in, by dimension, value and time.
    pub memberships: Vec<Membership>,
    /// What stations did with it, in order.
    pub handled: Vec<Handled>,
    /// The earliest wall clock of its records.
    pub first_seen: Timestamp,
    /// The latest.
    pub last_seen: Timestamp,
    /// How many records it is the subject of.
    pub records: u64,
}

/// Is a container open?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ContainerState {
    /// Something may still go in.
    Open,
    /// It is full or was closed.
    Closed,
    /// It has left.
    Despatched,
}

/// A count of what is in a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Count {
    /// What the count itself says: `expected`, `found`, `missing`, `extra`.
    #[serde(flatten)]
    pub said: Attributes,
    /// By the clock of its record.
    pub at: Timestamp,
    /// The station that counted.
    pub station: String,
}

/// A package or pallet.
#[derive(Debug, Clone, PartialEq)]
pub struct ContainerView {
    /// Package or pallet, where a record says so.
    pub level: Option<Level>,
    /// Open, closed or despatched.
    pub state: ContainerState,
    /// Records disagree on where it is.
    pub contested: bool,
    /// What of it cannot all be true.
    pub contradictions: Vec<Contradiction>,
    /// What it is in, without anything in between; more than one where it is contested.
    pub parents: Vec<(String, Option<Level>)>,
    /// The station that did something with it last, and on which lane.
    pub station: Option<(String, Option<String>)>,
    /// Where it was sent.
    pub despatch: Option<Despatch>,
    /// The last count of its contents.
    pub counted: Option<Count>,
    /// Its earliest and latest wall clock.
    pub seen: Option<(Timestamp, Timestamp)>,
    /// How many records it is the subject of.
    pub records: u64,
}
