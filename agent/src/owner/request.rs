//! What can be asked of the owner.

use std::collections::BTreeMap;

use drivers::Scan;
use records::wire::{Receipt, WorkOrderMessage};
use records::{Hash, PublicKey, SeriesId, Stamp};
use tokio::sync::oneshot;

use crate::journal::{Depth, Journal, JournalError, Labels, Queued};
use crate::station::{Answer, Counters, Lane, Printing, Unread, Verdict};

/// A scan on its way in.
pub struct ScanRequest {
    /// The lane that the scanner belongs to.
    pub lane: String,
    /// What was read.
    pub scan: Scan,
    /// Where the driver already knows that it means nothing.
    pub unread: Option<Unread>,
    /// Who waits for the answer, where someone does.
    pub reply: Option<oneshot::Sender<Answer>>,
}

/// One thing for the owner to do.
pub enum Request {
    /// Decide about a scan.
    Scan(ScanRequest),
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
    /// Free what a receipt of the trusted service frees.
    Receipt(Receipt),
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
    /// The labels.
    pub labels: Labels,
    /// What was counted.
    pub counters: Counters,
    /// Devices in a package.
    pub package_size: u32,
    /// Packages on a pallet.
    pub pallet_size: u32,
    /// When this was said.
    pub now: Stamp,
}
