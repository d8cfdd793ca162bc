//! What can be asked of the owner.

use std::collections::BTreeMap;

use drivers::Scan;
use records::wire::{Holds, Receipt, WorkOrderMessage};
use records::{Hash, PublicKey, SeriesId, Stamp};
use tokio::sync::oneshot;

use super::QuotaNotice;
use crate::journal::{Depth, HoldsKept, Journal, JournalError, Labels, Queued};
use crate::lookup::Told;
use crate::station::{
    Adopted, Answer, Commanded, Counters, Lane, NoResult, OrderCount, Printing, Reading, RigResult, Service, Tally,
    Unread, Verdict,
};

/// A scan on its way in.
pub struct ScanRequest {
    /// The lane that the scanner belongs to.
    pub lane: String,
    /// What was read.
    pub scan: Scan,
    /// Where the driver already knows that it means nothing.
    pub unread: Option<Unread>,
    /// What it means, where that was looked up before.
    pub read: Option<Result<Reading, Unread>>,
    /// What the operator is told beside a good answer.
    pub aside: Option<String>,
    /// What the service said of what it is about.
    pub service: Service,
    /// Who waits for the answer, where someone does.
    pub reply: Option<oneshot::Sender<Answer>>,
}

impl ScanRequest {
    /// A scan for whose answer nobody waits.
    pub fn new(lane: impl Into<String>, scan: Scan) -> Self {
        Self { lane: lane.into(), scan, unread: None, read: None, aside: None, service: Service::Off, reply: None }
    }
}

/// One thing for the owner to do.
#[expect(clippy::large_enum_variant, reason = "nearly all of them are scans")]
pub enum Request {
    /// Decide about a scan.
    Scan(ScanRequest),
    /// Decide what a person asks for all at once.
    Commanded {
        /// The lane.
        lane: String,
        /// What is asked for.
        commanded: Box<Commanded>,
        /// What the service said of what it is about.
        service: Service,
        /// The answer.
        reply: oneshot::Sender<Answer>,
    },
    /// Decide about what a rig says of a unit.
    Result {
        /// The lane.
        lane: String,
        /// What it says, or why it has no result.
        result: Result<RigResult, NoResult>,
        /// The answer, where someone waits for it.
        reply: Option<oneshot::Sender<Answer>>,
    },
    /// The service has answered about a unit that was accepted or set aside without it.
    Rechecked {
        /// The unit's scope.
        scope: String,
        /// Its serial number.
        serial: String,
        /// What the service knows.
        told: Box<Told>,
    },
    /// The service has answered about a container that was accepted without it.
    RecheckedContainer {
        /// Its id.
        id: String,
        /// What the service knows.
        told: Box<Told>,
    },
    /// Go on with a container that another station opened.
    Adopt {
        /// The lane.
        lane: String,
        /// The container, with its contents.
        adopted: Box<Adopted>,
        /// The answer.
        reply: oneshot::Sender<Answer>,
    },
    /// Decide about a work order from the topic.
    WorkOrder {
        /// The lane.
        lane: String,
        /// The checked message.
        message: WorkOrderMessage,
    },
    /// Put on record what became of labels, all of them or none.
    Printing {
        /// Their numbers, each with what became of it.
        said: Vec<(u64, Printing)>,
        /// Was it put on record? In the same order.
        reply: oneshot::Sender<Vec<Noted>>,
    },
    /// Decide what a person says of a label.
    Verdict {
        /// Its number.
        job: u64,
        /// What the person says.
        verdict: Verdict,
        /// How often the label had gone out in what the person saw, where that is known.
        seen: Option<u32>,
        /// The answer.
        reply: oneshot::Sender<Answer>,
    },
    /// Do what a receipt of the trusted service says: free records, begin a new series after a fork, go on with SSCCs.
    Receipt(Receipt),
    /// A person says from where on SSCCs are free; answers with the mark that holds now.
    SsccMark {
        /// The first serial reference that was never given out.
        mark: u64,
        /// The mark that holds now, or why it cannot be this one.
        reply: oneshot::Sender<Result<u64, String>>,
    },
    /// Keep what the trusted service has put on hold.
    Holds(Holds),
    /// The broker has everything of this series up to a sequence, and the configuration says that its word is enough.
    AtBroker {
        /// The series.
        series: SeriesId,
        /// The last sequence, without a hole before it.
        up_to: u64,
    },
    /// Lines to be sent.
    Queued {
        /// From this sequence on.
        first: u64,
        /// Most lines.
        most: usize,
        /// Most bytes.
        bytes: usize,
        /// The lines, `None` where there are none.
        reply: oneshot::Sender<Result<Option<Queued>, JournalError>>,
    },
    /// Trust this key if none is trusted yet; answers with the one that is trusted.
    PinService {
        /// The key that the service showed.
        key: PublicKey,
        /// The trusted key.
        reply: oneshot::Sender<PublicKey>,
    },
    /// Where everything stands.
    Report(oneshot::Sender<Result<Report, JournalError>>),
    /// Read or mend the queue.
    Journal(Ask),
    /// End.
    Stop,
}

/// Was it put on record what became of a label?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Noted {
    /// Yes, and it is durable.
    Yes,
    /// No: the journal holds something else of this label.
    Otherwise,
    /// No: the disk did not take it. Say it again later.
    NotDurable,
}

/// Something to be done with the open journal.
pub type Ask = Box<dyn FnOnce(&mut Journal) + Send>;

/// Where the journal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The series that is written now; another one than before after a fork.
    pub series: SeriesId,
    /// The last sequence.
    pub last: u64,
    /// The hash of its line.
    pub head: Hash,
    /// Everything up to here has its receipt.
    pub settled: u64,
    /// The first SSCC serial reference that is not reserved; `None` where the mark is lost.
    pub sscc_mark: Option<u64>,
}

/// Where everything stands.
#[derive(Debug, Clone)]
pub struct Report {
    /// The journal.
    pub mark: Mark,
    /// What waits.
    pub depth: Depth,
    /// Records that were set aside, as runs, lowest first; as many as a status takes.
    pub set_aside: Vec<(u64, u64)>,
    /// Bytes in use of the quota.
    pub used: u64,
    /// The lanes.
    pub lanes: BTreeMap<String, Lane>,
    /// What was done of the work orders that lanes work on.
    pub orders: BTreeMap<String, OrderCount>,
    /// The labels.
    pub labels: Labels,
    /// What a person should know, a sentence each.
    pub alarms: Vec<String>,
    /// What was counted.
    pub counters: Counters,
    /// Devices in a package.
    pub package_size: u32,
    /// Packages on a pallet.
    pub pallet_size: u32,
    /// What the station can take, and what it could not.
    pub capacity: Capacity,
    /// When this was said.
    pub now: Stamp,
}

/// What the station can take, and what it could not.
#[derive(Debug, Clone)]
pub struct Capacity {
    /// The journal comes near to its quota.
    pub quota_notice: Option<QuotaNotice>,
    /// While it is not, the disk is full and no scan is recorded.
    pub ballast_held: bool,
    /// Scans that were red because nothing could be written, and are not on record yet, by lane.
    pub not_recorded: Vec<Tally>,
    /// Scans that were red because nothing could be written, since the start.
    pub not_durable: u64,
    /// Refusals that are only counted, for want of room.
    pub refusals_unrecorded: u64,
    /// What is on hold.
    pub holds: Option<HoldsKept>,
    /// Receipts since the start that did not agree with the journal.
    pub receipts_ignored: u64,
}
