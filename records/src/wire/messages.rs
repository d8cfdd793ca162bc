//! Status, online, work order, holds and the service's hello.

use serde::{Deserialize, Serialize};

use super::signed::Message;
use super::terms::{Terms, TermsError};
use crate::attributes::{self, Attributes};
use crate::{Hash, SeriesId, Stamp};

/// Whether the station has a connection. Retained; `false` is the last will.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Online {
    /// Is it?
    pub online: bool,
}

/// What a station says of itself at each change and every 60 s. Its highest sequence is what makes a hole at the end
/// visible: from the records alone it cannot be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The station.
    pub station: String,
    /// The series that its journal writes.
    pub series: SeriesId,
    /// Highest sequence given to a record.
    pub last: u64,
    /// Hash of that line.
    pub head: Hash,
    /// When this was said.
    pub at: Stamp,
    /// The first SSCC serial reference that is not reserved yet; `None` where the station has lost its mark and asks the
    /// service for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sscc_mark: Option<u64>,
    /// What waits for a receipt.
    pub queue: QueueDepth,
    /// The station's software version.
    pub version: String,
    /// Records of this series that were set aside, from the first to the second sequence: they will not come. At most
    /// [`Status::MOST_RUNS`], lowest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set_aside: Vec<(u64, u64)>,
    /// Records of this series that the service asked for and the station does not hold any more. At most
    /// [`Status::MOST_RUNS`], lowest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_held: Vec<(u64, u64)>,
    /// The station has just started and waits for a receipt, whatever it says, before it packs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asks: bool,
    /// A station that was given a one-time token shows that it knows it: [`crate::enrolment::token_proof`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Hash>,
}

impl Status {
    /// Most runs in each list of a status.
    pub const MOST_RUNS: usize = 64;
}

/// What waits for a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueDepth {
    /// Records without a receipt.
    pub records: u64,
    /// Age of the oldest of them in seconds.
    pub oldest_seconds: u64,
}

impl Message for Status {
    const WHAT: &'static str = "status";
}

/// What the service says of itself, retained, anew at each start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceHello {
    /// The wire versions that it reads.
    pub versions: Vec<u8>,
    /// Changes with each start: a station then sends again what has no receipt.
    pub instance: SeriesId,
}

impl Message for ServiceHello {
    const WHAT: &'static str = "service";
}

/// What may not be packed, retained.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Holds {
    /// Grows with each change; a lower one is old.
    pub revision: u64,
    /// Serials on hold or under recall.
    pub serials: Vec<String>,
    /// Lots on hold or under recall.
    pub lots: Vec<String>,
    /// Those of `serials` that are under recall. A station that does not know this holds them all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recalled_serials: Vec<String>,
    /// Those of `lots` that are under recall.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recalled_lots: Vec<String>,
}

impl Message for Holds {
    const WHAT: &'static str = "holds";
}

/// A work order as the service or an MES puts it on a lane. Plain JSON, since an MES writes it:
/// `{"revision":3,"workOrder":"WO-7","attributes":{"partNumber":"P-1","lotCode":"L9"}}`; `"workOrder":null` ends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkOrderMessage {
    /// Grows with each change. A revision once applied is ignored.
    pub revision: u64,
    /// The work order's number.
    pub work_order: Option<String>,
    /// What it says of its devices.
    #[serde(default)]
    pub attributes: Attributes,
    /// How many, and which: `"terms":{"quantity":500,"serialPattern":"A[0-9]{6}"}`.
    #[serde(default, skip_serializing_if = "Terms::is_empty")]
    pub terms: Terms,
}

/// A work order that a station works on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkOrder {
    /// Its number.
    pub id: String,
    /// What it says of each of its devices, `workOrder` not included.
    #[serde(default)]
    pub attributes: Attributes,
    /// How many, and which.
    #[serde(default, skip_serializing_if = "Terms::is_empty")]
    pub terms: Terms,
}

/// Why a work order message is refused whole.
#[derive(Debug, thiserror::Error)]
pub enum WorkOrderError {
    /// Not JSON of that form.
    #[error("the work order cannot be read: send {{\"revision\":N,\"workOrder\":\"…\",\"attributes\":{{…}}}}")]
    Unreadable(#[source] serde_json::Error),
    /// An attribute that no work order may set.
    #[error(
        "a work order cannot set `{0}`; allowed are partNumber, pcbPartNumber, fwVersion, deviceType, productionOrder, lotCode, hardwareRevision"
    )]
    Attribute(String),
    /// A value that is not a text, or an empty one.
    #[error("`{0}` of the work order must be a text of 1 to 128 characters without control characters")]
    Value(String),
    /// Terms that cannot hold.
    #[error("the terms of the work order cannot hold")]
    Terms(#[from] TermsError),
}

impl WorkOrderMessage {
    /// Reads and checks a message.
    ///
    /// # Errors
    /// The first fault; nothing of the message may then be used.
    pub fn parse(bytes: &[u8]) -> Result<Self, WorkOrderError> {
        let message: Self = serde_json::from_slice(bytes).map_err(WorkOrderError::Unreadable)?;
        if message.work_order.as_deref().is_some_and(|id| !is_value(id)) {
            return Err(WorkOrderError::Value("workOrder".to_owned()));
        }
        for (name, value) in &message.attributes {
            if !attributes::is_settable(name) || ["workOrder", "connhexId"].contains(&&**name) {
                return Err(WorkOrderError::Attribute(name.clone()));
            }
            if !value.as_str().is_some_and(is_value) {
                return Err(WorkOrderError::Value(name.clone()));
            }
        }
        message.terms.check()?;
        Ok(message)
    }
}

fn is_value(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= 128 && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_work_order_is_taken_whole_or_refused_with_its_fault() {
        let good =
            WorkOrderMessage::parse(br#"{"revision":3,"workOrder":"WO-7","attributes":{"lotCode":"L9"}}"#).unwrap();
        assert_eq!((good.revision, good.work_order.as_deref()), (3, Some("WO-7")));
        assert!(WorkOrderMessage::parse(br#"{"revision":4,"workOrder":null}"#).unwrap().work_order.is_none());
        for (text, says) in [
            (r#"{"revision":-1,"workOrder":"W"}"#, "cannot be read"),
            (r#"{"revision":1,"workOrder":"W","quantity":5}"#, "cannot be read"),
            (r#"{"revision":1,"workOrder":""}"#, "`workOrder` of the work order"),
            (r#"{"revision":1,"workOrder":"W","attributes":{"palletId":"x"}}"#, "cannot set `palletId`"),
            (r#"{"revision":1,"workOrder":"W","attributes":{"lotCode":7}}"#, "`lotCode` of the work order"),
            (r#"{"revision":1,"workOrder":"W","terms":{"quantity":-5}}"#, "cannot be read"),
            (r#"{"revision":1,"workOrder":"W","terms":{"serialPattern":"("}}"#, "terms of the work order"),
        ] {
            let error = WorkOrderMessage::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn bytes_from_outside_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(WorkOrderMessage::parse(&bytes));
        }
    }
}
