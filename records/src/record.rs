//! One thing that happened.

use serde::{Deserialize, Serialize};

use crate::attributes::Attributes;
use crate::{FixedBytes, Hash, Joined, Subject};

/// A random 128-bit id, made with each new journal. Sequences run 1, 2, 3 … within it.
pub type SeriesId = FixedBytes<16>;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Event {
    /// Record 1 of a series: subject the station, attributes `key`; where there was one before, `seriesBefore`, its last
    /// sequence `lastBefore` where that is known, and `why` a new one began: `replaced`, `damaged`, `forked`, `moved` or
    /// `keyChanged`. The last also has `keyBefore` and its `endorsement` of the new key (see [`crate::enrolment`]).
    SeriesStarted,
    /// The rules changed: subject the station, attribute `configuration` with what decides, `rules` its digest.
    Configured,
    /// A work order became current on a lane.
    WorkOrderStarted,
    /// A lane has no work order any more.
    WorkOrderEnded,
    /// A container was opened and its id is allocated.
    Opened,
    /// A device went into a package.
    Packed,
    /// A container was closed; a package joins its pallet here.
    Closed,
    /// A record was wrong: `corrects` names it, `reason` is `mistake`.
    Voided,
    /// The label of a container came out of a printer: attributes `template`, `picture` (their SHA-256), `copies` and
    /// `confirmed`, by `printer`, `person` or a `scan` of it.
    LabelPrinted,
    /// Nobody knows whether the label of a container came out; `reason` says why. A person decides.
    LabelDoubtful,
    /// A person decided that the label of a container is printed again, with the same identity; `reason` says why.
    LabelAgain,
    /// Scans were refused: attributes `code`, `count` and what is known of the scan. Changes nothing.
    Refused,
    /// The service, or quality at the line: a device or lot must not be packed; `reason` says why. Attribute `recall` where
    /// the service does it for a recall: that ends with it.
    Held,
    /// The service: a hold on a device or lot is over; `reason` says why.
    Released,
    /// The service: a key of a station counts from now on; attributes `key` and `how`: `person`, `token`, `firstUse` or
    /// `endorsed`.
    KeyEnrolled,
    /// The service: what this key signs is refused from now on; attribute `key`, `reason` says why.
    KeyRevoked,
    /// The service: a station records nothing any more; `reason` says why.
    StationRetired,
    /// The service: a person gives up on missing records of a station: attributes `series` and, where they are known,
    /// `first` and `last`; `reason` says why.
    WrittenOff,
    /// A device or container went from one container (`from`) into another (`into`); `reason` says why. The membership
    /// before ends and is kept. With reason `mistake` and `corrects` the one before was never true.
    Moved,
    /// A device or container was taken out of the container, or a component out of the device, in `from`; `reason` says why.
    TakenOut,
    /// A device is scrap; `from` is the container that it was in, if any, `reason` says why. It stays in every group that it
    /// ever was in.
    Scrapped,
    /// A closed container takes units again; `reason` says why.
    Reopened,
    /// A device was tested: attributes `result` (`pass` or `fail`), `attempt` (from 1), `rig`, `measurements` (an object),
    /// and what the rig found, such as `fwVersion`. What it found becomes true of the device with a pass only.
    Tested,
    /// A component (scope `component:<type>`) was built into the device in `into`; attributes are those of the component.
    Assembled,
    /// A container left for somebody: attributes `consignee` and `despatchNote`.
    Despatched,
    /// A container was counted: attributes `expected` and `found` (numbers), `missing` and `extra` (serials, not always all
    /// of them), `missingCount` and `extraCount`. Changes nothing.
    Counted,
    /// A person signed on at a lane of a station: subject the station, `actor` the person.
    SignedOn,
    /// A person signed off.
    SignedOff,
    /// The service: a work order is this from now on, and open; attributes are those of its devices, `terms` (see
    /// [`crate::wire::Terms`]) and `lanes`, a list of `{station, lane}` that are told of it.
    WorkOrderPlanned,
    /// The service: nobody begins the work order any more; `reason` says why.
    WorkOrderClosed,
    /// The service: further attributes of devices are described from here on: subject the service's station, attributes
    /// `schema` (its id), `version` (from 1) and `document`, a JSON Schema.
    SchemaAdded,
    /// What was accepted without an answer of the service disagrees with what the service knows: attributes `code` and
    /// `text`. Changes nothing.
    Contradicted,
    /// This station goes on with a container that another one opened: attributes `stationBefore`, `count`, and `how` its
    /// contents are known: `service` or `recount`.
    Adopted,
    /// A station has done its share of a work order, a lot or a container: attributes `made`, `packed`, `takenOut`,
    /// `scrapped` and `failed` count it. Of a lot they count how often a unit of it was packed, in the work order that
    /// `workOrder` names; the last seal of each order counts.
    Sealed,
    /// The service: a person recalls units: attributes `recall` (its number), `question`, `notice`, and what was known then:
    /// `knownAt`, `count`, `digest`, `balance`, `complete`, `statement`; `reason` says why.
    RecallOpened,
    /// The service: a recall is over: attributes `recall` and the closing figures; `reason` says why.
    RecallClosed,
    /// The service: a timed mock recall: attributes `question`, `count`, `firstByteMs`, `allMs`, `complete`, `balance`.
    Drilled,
    /// The service: a person puts a device out of sight; `reason` says why. Its history and its groups stay, and what a
    /// station does with it afterwards shows it again.
    Deleted,
    /// The service: a device that was put out of sight is shown again; `reason` says why.
    Restored,
    /// Written by newer software; kept and shown, flagged as nonconforming.
    #[serde(other)]
    Unknown,
}

/// When it happened, as far as the station could know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stamp {
    /// Wall clock, UTC, RFC 3339, milliseconds. May be wrong when `synchronised` is false.
    pub wall: jiff::Timestamp,
    /// Did the kernel say that the wall clock follows a time source?
    pub synchronised: bool,
    /// The kernel's boot id.
    pub boot: String,
    /// Milliseconds since boot, suspend included (`CLOCK_BOOTTIME`). Never goes back within one boot.
    pub since_boot: u64,
}

/// The identity of a record everywhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordId {
    /// The station that wrote it.
    pub station: String,
    /// The series.
    pub series: SeriesId,
    /// The sequence within the series, from 1.
    pub seq: u64,
}

/// What a decision says happened, before it has a place in a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// What happened.
    pub event: Event,
    /// To what.
    pub subject: Subject,
    /// What the subject joins.
    pub into: Vec<Joined>,
    /// What the subject parts from.
    pub from: Vec<Joined>,
    /// What is known of the subject.
    pub attributes: Attributes,
    /// Why, where a reason is asked for.
    pub reason: Option<String>,
    /// The record that was never true.
    pub corrects: Option<RecordId>,
    /// The identity that this record had in a forked series.
    pub former: Option<RecordId>,
    /// Who, as a keyed pseudonym.
    pub actor: Option<String>,
    /// Who allowed what a rule would have refused.
    pub allowed: Option<Allowed>,
    /// The lane of the station, where one was concerned.
    pub lane: Option<String>,
}

/// A person allowed what a rule would have refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allowed {
    /// What it would have been refused with; several, with commas between them, where several rules would have.
    pub code: String,
    /// Who, as a keyed pseudonym.
    pub by: String,
    /// Why; empty where the station asks for no reason.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

impl Draft {
    /// A draft with nothing but an event and its subject.
    #[must_use]
    pub fn new(event: Event, subject: Subject) -> Self {
        Self {
            event,
            subject,
            into: Vec::new(),
            from: Vec::new(),
            attributes: Attributes::new(),
            reason: None,
            corrects: None,
            former: None,
            actor: None,
            allowed: None,
            lane: None,
        }
    }
}

/// Where a draft is placed.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// The sequence, from 1 without a gap.
    pub seq: u64,
    /// Hash of the line before.
    pub prev: Hash,
    /// Digest of the rules that decided.
    pub rules: Hash,
    /// When.
    pub at: Stamp,
}

/// One record as it stands in its line. Never changed, never removed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Wire version of the line.
    pub v: u8,
    /// The sequence within the series, from 1.
    pub seq: u64,
    /// Hash of the line before; zeros in record 1.
    pub prev: Hash,
    /// What happened.
    pub event: Event,
    /// To what.
    pub subject: Subject,
    /// What the subject joins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub into: Vec<Joined>,
    /// What the subject parts from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<Joined>,
    /// What is known of the subject.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The record that was never true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrects: Option<RecordId>,
    /// The identity that this record had in a forked series.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former: Option<RecordId>,
    /// Who, as a keyed pseudonym.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Who allowed what a rule would have refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<Allowed>,
    /// The lane of the station.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<String>,
    /// Digest of the rules that decided.
    pub rules: Hash,
    /// When.
    pub at: Stamp,
}

/// A line could not be written. Nothing that a station decides can cause it; it is here because JSON writers may fail.
#[derive(Debug, thiserror::Error)]
#[error("the record cannot be written as JSON")]
pub struct NotWritable(#[source] serde_json::Error);

impl Record {
    /// The draft in its place.
    #[must_use]
    pub fn new(draft: Draft, place: Place) -> Self {
        Self {
            v: crate::WIRE_VERSION,
            seq: place.seq,
            prev: place.prev,
            event: draft.event,
            subject: draft.subject,
            into: draft.into,
            from: draft.from,
            attributes: draft.attributes,
            reason: draft.reason,
            corrects: draft.corrects,
            former: draft.former,
            actor: draft.actor,
            allowed: draft.allowed,
            lane: draft.lane,
            rules: place.rules,
            at: place.at,
        }
    }

    /// The same once more in another series of its station, naming the identity that it had first. The line of the new
    /// record is another one; what it says is what [`Record::repeats`] compares.
    #[must_use]
    pub fn again(self, was: RecordId, seq: u64, prev: Hash) -> Self {
        Self { seq, prev, former: Some(self.former.clone().unwrap_or(was)), ..self }
    }

    /// Does this record say the same as `other`, but for its place in a series?
    #[must_use]
    pub fn repeats(&self, other: &Self) -> bool {
        let place = |record: &Self| Self { v: 0, seq: 0, prev: Hash::ZERO, former: None, ..record.clone() };
        place(self) == place(other)
    }

    /// The line, without LF. Made once; from then on only the bytes count.
    ///
    /// # Errors
    /// When the JSON writer fails.
    pub fn to_line(&self) -> Result<Vec<u8>, NotWritable> {
        serde_json::to_vec(self).map_err(NotWritable)
    }
}

/// What the chain needs of a line, even where the rest is written by newer software.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct LineHead {
    pub(crate) seq: u64,
    pub(crate) prev: Hash,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FixedBytes;

    #[test]
    fn written_again_it_says_the_same_and_names_its_first_identity() {
        let at = Stamp { wall: jiff::Timestamp::UNIX_EPOCH, synchronised: false, boot: "b".into(), since_boot: 5 };
        let place = Place { seq: 7, prev: Hash::ZERO, rules: Hash::ZERO, at };
        let record = Record::new(Draft::new(Event::Packed, Subject::device("S1")), place);
        let id = |series, seq| RecordId { station: "a".into(), series: FixedBytes([series; 16]), seq };
        let second = record.clone().again(id(1, 7), 3, FixedBytes([9; 32]));
        let third = second.clone().again(id(2, 3), 1, Hash::ZERO);
        assert_eq!(second.former, Some(id(1, 7)));
        assert_eq!(third.former, Some(id(1, 7)), "the first identity, not the one in between");
        assert!(third.repeats(&record) && record.repeats(&second));
        assert!(!Record { reason: Some("another".into()), ..third }.repeats(&record));
    }

    #[test]
    fn a_record_without_a_permission_has_the_bytes_it_always_had() {
        let at = Stamp { wall: jiff::Timestamp::UNIX_EPOCH, synchronised: false, boot: "b".into(), since_boot: 5 };
        let place = Place { seq: 7, prev: Hash::ZERO, rules: Hash::ZERO, at };
        let mut draft = Draft::new(Event::Packed, Subject::device("S1"));
        draft.lane = Some("main".into());
        let line = String::from_utf8(Record::new(draft.clone(), place.clone()).to_line().unwrap()).unwrap();
        let zeros = "0".repeat(64);
        let expected = format!(
            r#"{{"v":1,"seq":7,"prev":"{zeros}","event":"packed","subject":{{"kind":"device","id":"S1"}},"lane":"main","rules":"{zeros}","at":{{"wall":"1970-01-01T00:00:00Z","synchronised":false,"boot":"b","sinceBoot":5}}}}"#
        );
        assert_eq!(line, expected);
        draft.actor = Some("p1".into());
        draft.allowed = Some(Allowed { code: "not-tested".into(), by: "p2".into(), reason: String::new() });
        let line = String::from_utf8(Record::new(draft, place).to_line().unwrap()).unwrap();
        assert!(line.contains(r#""actor":"p1","allowed":{"code":"not-tested","by":"p2"},"lane":"main""#), "{line}");
    }
}
