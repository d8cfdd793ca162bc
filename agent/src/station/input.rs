//! What a station decides about.

use records::attributes::Attributes;
use records::wire::{Terms, WorkOrderMessage};
use records::{Hash, PublicKey, SeriesId, Signature};
use serde::{Deserialize, Serialize};

use super::adopted::Adopted;
use super::answer::Code;
use super::command::Command;
use super::facts::{Commanded, Facts, NoResult, RigResult};
use super::job::{Job, Printing, Verdict};
use super::known::Known;
use super::service::Service;
use super::unrecorded::Tally;

/// One thing to decide, with the facts it needs already read.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// A series begins: its record 1 is due.
    SeriesBegan(SeriesStart),
    /// The station starts.
    Started(Start),
    /// A scan came in.
    Scanned {
        /// The lane that the scanner belongs to.
        lane: String,
        /// The name of the scanner.
        scanner: String,
        /// What the scan means.
        reading: Result<Reading, Unread>,
        /// The scan's identity for the log of refusals.
        raw: Raw,
        /// What is known of what it is about.
        facts: Facts,
    },
    /// A person asks for something all at once, by the local API or the page.
    Commanded {
        /// The lane.
        lane: String,
        /// What is asked for.
        commanded: Commanded,
        /// What is known of what it is about.
        facts: Facts,
    },
    /// A rig has tested the unit that it was given.
    Result {
        /// The lane.
        lane: String,
        /// What it says; or why it has no result.
        result: Result<RigResult, NoResult>,
        /// What is known of the unit.
        facts: Facts,
    },
    /// A work order came over the topic.
    WorkOrder {
        /// The lane.
        lane: String,
        /// The message.
        message: WorkOrderMessage,
        /// What is known of it: its lot on hold, what was done of it.
        facts: Facts,
    },
    /// The service has answered about a unit that was accepted or set aside without it.
    Checked {
        /// The lane that is told.
        lane: String,
        /// The unit's scope.
        scope: String,
        /// Its serial.
        serial: String,
        /// What is known of it here.
        known: Known,
        /// The answer.
        service: Service,
    },
    /// The service has answered about a container that was accepted without it.
    CheckedContainer {
        /// The lane that is told.
        lane: String,
        /// Its id.
        id: String,
        /// What is known of it here, and the answer.
        facts: Facts,
    },
    /// The service has released a unit that was put on hold at this line.
    Released {
        /// The lane that is told.
        lane: String,
        /// The unit's scope.
        scope: String,
        /// Its serial.
        serial: String,
        /// What is known of it here.
        known: Known,
    },
    /// This station goes on with a container that another one opened.
    Adopt {
        /// The lane.
        lane: String,
        /// The container, with its contents.
        adopted: Adopted,
        /// What is known of it here.
        facts: Facts,
    },
    /// Scans were answered red while nothing could be written; now something can.
    NotRecorded {
        /// How many, by lane.
        tallies: Vec<Tally>,
        /// Is there room for records of refusals?
        room: bool,
    },
    /// A block of SSCC serial references has been made durable outside the journal.
    SsccReserved {
        /// The next serial reference to give out.
        next: u64,
        /// The first serial reference that is not reserved.
        mark: u64,
    },
    /// The service or a person says which serial references were used at most; kept outside of the journal already.
    SsccMark {
        /// The first serial reference that is not known to be used.
        mark: u64,
    },
    /// A printer's worker says what became of a label.
    Printing {
        /// The label, as the journal holds it.
        job: Job,
        /// What became of it.
        printing: Printing,
    },
    /// A person says what became of a label, or wants it again.
    Verdict {
        /// The label, as the journal holds it.
        job: Job,
        /// What the person says.
        verdict: Verdict,
        /// How often the label had gone out in what the person saw, where that is known.
        seen: Option<u32>,
    },
    /// Time passes.
    Tick {
        /// Is there room for records of refusals?
        room: bool,
    },
}

/// What record 1 of a series says.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesStart {
    /// The station's key.
    pub key: PublicKey,
    /// The series before this one, where known.
    pub before: Option<SeriesId>,
    /// The highest sequence that was written in it, where known.
    pub last_before: Option<u64>,
    /// Why this one begins, where there was one before.
    pub why: Option<&'static str>,
    /// The key before, and its endorsement of this one, where it changed.
    pub endorsed: Option<(PublicKey, Signature)>,
}

/// What has to be on record before the first scan.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// Digest of the configuration that decides.
    pub rules: Hash,
    /// That configuration.
    pub configuration: serde_json::Value,
    /// Labels that were waiting or being sent when the station stopped.
    pub unfinished: Vec<Job>,
}

/// What a scan means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reading {
    /// A device to be packed.
    Device {
        /// Its serial number.
        serial: String,
        /// Its scope, mostly empty.
        scope: String,
        /// What the label says of it besides.
        attributes: Attributes,
    },
    /// The label of a package or pallet.
    Container {
        /// Its id.
        id: String,
        /// What the label says besides.
        attributes: Attributes,
    },
    /// A component that goes into a unit.
    Component {
        /// Its serial number.
        serial: String,
        /// Its kind: `board`, `radio`.
        kind: String,
        /// `component:<kind>`.
        scope: String,
        /// What its label says besides.
        attributes: Attributes,
    },
    /// A person's badge.
    Badge {
        /// The person, as a keyed pseudonym.
        person: String,
        /// May this person allow what others may not?
        supervisor: bool,
    },
    /// Why something is done.
    Reason {
        /// The reason.
        text: String,
    },
    /// Who gets what is despatched.
    Consignee {
        /// Its id.
        id: String,
    },
    /// The despatch note.
    DespatchNote {
        /// Its number.
        id: String,
    },
    /// One code of a label that has several.
    Part {
        /// The name of the label's codes in the configuration.
        set: String,
        /// The name of the rule that read this one.
        rule: String,
        /// What it says.
        attributes: Attributes,
    },
    /// A work order.
    WorkOrder {
        /// Its number.
        id: String,
        /// What the label says of its devices.
        attributes: Attributes,
        /// How many, and which.
        terms: Terms,
    },
    /// A command barcode.
    Command(Command),
}

impl Reading {
    /// A device, whose scope is the value of the attribute of that name.
    #[must_use]
    pub fn device(serial: String, scope: Option<&str>, attributes: Attributes) -> Self {
        let scope = scope.and_then(|name| attributes.get(name)).and_then(|value| value.as_str()).unwrap_or_default();
        Self::Device { serial, scope: scope.to_owned(), attributes }
    }
}

/// Why a scan means nothing here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// The scanner said that it read nothing.
    NoRead,
    /// Bytes that are not UTF-8.
    NotText,
    /// No rule matches.
    NoRule,
    /// More than one rule matches: their names.
    TwoRules(Vec<String>),
    /// The rule with this name matches, but what it takes from the scan cannot be a value: which, and why.
    BadValue(String, String),
    /// It was looked up, and may not be used here.
    Refused {
        /// Why, in one word.
        code: Code,
        /// Why.
        text: String,
        /// What to do.
        help: String,
    },
    /// The rule with this name matches, but the attribute with this name does not end in the check character of this kind.
    CheckDigit(String, String, &'static str),
    /// GS1 data that breaks its rules: what is wrong.
    Gs1(String),
    /// Noise on the line: what it was.
    Noise(String),
    /// A picture shows no code.
    NoCode {
        /// Which camera and picture, for the operator.
        text: String,
        /// What to do.
        help: String,
    },
    /// A camera gave no picture, or pictures that were not taken.
    Picture {
        /// Which camera and pictures, and why, for the operator.
        text: String,
        /// What to do.
        help: String,
    },
}

/// The identity of a scan in the log of refusals. The data itself is not kept: nobody knows what it may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raw {
    /// Its length in bytes.
    pub bytes: usize,
    /// Its keyed hash.
    pub mark: String,
}
