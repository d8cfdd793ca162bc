//! What a person asks the service to decide, and why it does not.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use records::attributes::Attributes;
use records::{Kind, PublicKey, SeriesId, Subject};

use crate::schema::{Document, Fault, Found};
use crate::work_order::Plan;

/// How the key of a station may come in, beside a person and the endorsement of a key that is enrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enrolment {
    /// The first key that is seen of a station without one counts; a one-time token, too.
    FirstUse,
    /// By a one-time token.
    Token,
    /// In no other way.
    Closed,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// A key of a station counts from now on.
    Enrol {
        /// The station.
        station: String,
        /// Its key.
        key: PublicKey,
    },
    /// A station that knows this token may enrol its key once.
    Token {
        /// The station.
        station: String,
        /// The token.
        token: String,
    },
    /// What a key signs is refused from now on.
    Revoke {
        /// The station.
        station: String,
        /// Its key.
        key: PublicKey,
        /// Why.
        reason: String,
    },
    /// A station records nothing any more.
    Retire {
        /// The station.
        station: String,
        /// Why.
        reason: String,
    },
    /// Missing records are given up.
    WriteOff {
        /// The station.
        station: String,
        /// Of this series; `None` is every series of which something is missing.
        series: Option<SeriesId>,
        /// From the first to the second sequence; `None` is everything that is missing.
        range: Option<(u64, u64)>,
        /// Why.
        reason: String,
    },
    /// A device or lot must not be packed.
    Hold {
        /// The device or lot.
        what: Subject,
        /// Why.
        reason: String,
    },
    /// A device is put out of sight.
    Delete {
        /// The device.
        device: Subject,
        /// Why.
        reason: String,
    },
    /// A device that was put out of sight is shown again.
    Restore {
        /// The device.
        device: Subject,
        /// Why.
        reason: String,
    },
    /// A work order is this from now on, and open.
    Plan(Box<Plan>),
    /// Nobody begins a work order any more.
    CloseOrder {
        /// Its number.
        id: String,
        /// Why.
        reason: String,
    },
    /// This is the next version of a schema.
    Schema {
        /// The schema.
        id: String,
        /// What it says.
        document: Box<Document>,
        /// Of these attributes everything stored up to a position is known to be allowed.
        checked: (BTreeSet<String>, u64),
    },
    /// A hold is over.
    Release {
        /// The device or lot.
        what: Subject,
        /// Why.
        reason: String,
    },
    /// Units are recalled.
    OpenRecall(Box<OpenRecall>),
    /// A recall is over.
    CloseRecall {
        /// Its number.
        id: String,
        /// Why.
        reason: String,
        /// The closing figures.
        figures: Attributes,
        /// Does what it kept from being packed go free?
        release: bool,
        /// Who closes it.
        actor: String,
    },
    /// A mock recall was done.
    Drilled {
        /// What came of it.
        says: Attributes,
        /// Who did it.
        actor: String,
    },
}

/// A recall that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRecall {
    /// Its number.
    pub id: String,
    /// Why.
    pub reason: String,
    /// Its question, its notice, and what was known.
    pub says: Attributes,
    /// What must not be packed as long as it is open.
    pub holds: Vec<Subject>,
    /// Who opens it.
    pub actor: String,
}

/// A question to the writer with the place where its answer stands once that is durable.
#[derive(Debug, Clone)]
pub struct Decide {
    /// What is asked.
    pub ask: Ask,
    /// Empty until the transaction is committed.
    pub answer: Answer,
}

/// Done, or why not.
pub type Answer = Arc<OnceLock<Result<(), Denied>>>;

/// Why nothing was decided.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No key, record or status of it.
    #[error("no station `{0}` is known")]
    UnknownStation(String),
    /// The station never had it.
    #[error("the key {key} is not enrolled for the station `{station}`")]
    UnknownKey {
        /// The station.
        station: String,
        /// The key.
        key: PublicKey,
    },
    /// It counts already.
    #[error("the key {key} of the station `{station}` is enrolled since {since}")]
    Enrolled {
        /// The station.
        station: String,
        /// The key.
        key: PublicKey,
        /// Since when.
        since: Timestamp,
    },
    /// It will never count again.
    #[error("the key {key} of the station `{station}` was revoked at {since}: {reason}")]
    Revoked {
        /// The station.
        station: String,
        /// The key.
        key: PublicKey,
        /// When.
        since: Timestamp,
        /// Why.
        reason: String,
    },
    /// It is retired already.
    #[error("the station `{station}` is retired since {since}: {reason}")]
    Retired {
        /// The station.
        station: String,
        /// Since when.
        since: Timestamp,
        /// Why.
        reason: String,
    },
    /// The station never wrote in it.
    #[error("the station `{station}` has no series {series}")]
    UnknownSeries {
        /// The station.
        station: String,
        /// The series.
        series: SeriesId,
    },
    /// There is nothing to give up.
    #[error("of the station `{station}` nothing is missing there")]
    NothingMissing {
        /// The station.
        station: String,
    },
    /// It is on hold already.
    #[error("the {} is on hold since {since}: {reason}", named(what))]
    Held {
        /// The device or lot.
        what: Subject,
        /// Since when.
        since: Timestamp,
        /// Why.
        reason: String,
    },
    /// No record says that there is such a device.
    #[error("no device `{}` is known", .0.escape_debug())]
    UnknownDevice(String),
    /// It is out of sight already.
    #[error("the device `{}` was deleted at {since}: {reason}", serial.escape_debug())]
    Deleted {
        /// The device.
        serial: String,
        /// Since when.
        since: Timestamp,
        /// Why.
        reason: String,
    },
    /// It is not out of sight.
    #[error("the device `{}` is not deleted", .0.escape_debug())]
    NotDeleted(String),
    /// There is no hold to release.
    #[error("the {} is not on hold", named(.0))]
    NotHeld(Subject),
    /// A recall keeps it from being packed.
    #[error("the {} is under recall {recall}", named(what))]
    UnderRecall {
        /// The device or lot.
        what: Subject,
        /// The recall.
        recall: String,
    },
    /// That number is taken.
    #[error("there is a recall `{}` already", .0.escape_debug())]
    RecallExists(String),
    /// There is no such recall.
    #[error("no recall `{}` is known", .0.escape_debug())]
    UnknownRecall(String),
    /// It is closed already.
    #[error("the recall `{}` is closed since {since}", id.escape_debug())]
    RecallClosed {
        /// Its number.
        id: String,
        /// Since when.
        since: Timestamp,
    },
    /// It was never put.
    #[error("no work order `{}` is known", .0.escape_debug())]
    UnknownOrder(String),
    /// It is closed already.
    #[error("the work order `{}` is closed since {since}: {reason}", id.escape_debug())]
    OrderClosed {
        /// Its number.
        id: String,
        /// Since when.
        since: Timestamp,
        /// Why.
        reason: String,
    },
    /// The message to the stations has to stay small.
    #[error("{0} devices and lots are on hold, more cannot be told to the stations")]
    TooManyHolds(usize),
    /// It does not go together with the schemas that there are.
    #[error(transparent)]
    Schema(Fault),
    /// It does not go together with what is stored.
    #[error(
        "record {} of series {} of the station `{}` says {} of `{}`: {}", .0.record.seq, .0.record.series,
        .0.record.station, .0.value, .0.name, .0.reason
    )]
    Stored(Box<Found>),
    /// The configuration lets no token in.
    #[error("one-time tokens are not taken: `mode` of `[enrolment]` is \"closed\"")]
    NoTokens,
    /// Enough tokens wait for the station.
    #[error("{most} tokens of the station `{station}` wait to be used")]
    TooManyTokens {
        /// The station.
        station: String,
        /// How many may wait.
        most: usize,
    },
    /// The store was opened without the service's key.
    #[error("nothing can be decided without the service's key")]
    NoKey,
}

/// A device or lot for people.
pub fn named(what: &Subject) -> String {
    let kind = if what.kind == Kind::Lot { "lot" } else { "device" };
    format!("{kind} `{}`", what.id.escape_debug())
}
