//! What is asked and answered on the command socket.

use std::collections::BTreeMap;

use records::{Level, SeriesId, Stamp};
use serde::{Deserialize, Serialize};

use crate::board::Notices;
use crate::journal::{HoldsKept, Labels, Quarantined};
use crate::owner::QuotaNotice;
use crate::station::{Answer, Counters, Filling, Job, JobDraft, JobState, OrderCount, Role, Tally};

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Asked {
    /// A scan, as if a scanner had read it.
    Scan {
        /// The data.
        text: String,
        /// AIM identifier, such as `]C1`.
        #[serde(default)]
        aim: Option<String>,
        /// The lane; `main` where it is not said.
        #[serde(default)]
        lane: Option<String>,
    },
    /// How the station is.
    Status,
    /// Every answer from now on.
    Watch,
    /// The records that wait, oldest first.
    QueueList {
        /// At most so many.
        most: usize,
    },
    /// One record.
    QueueShow {
        /// Its sequence.
        seq: u64,
    },
    /// The newest labels.
    Labels {
        /// At most so many.
        most: usize,
    },
    /// A person decides that a label is printed again.
    LabelAgain {
        /// Its number.
        job: u64,
        /// Why.
        reason: String,
        /// How often it had gone out in what the person saw; where it differs nothing is decided.
        #[serde(default)]
        seen: Option<u32>,
    },
    /// A person says that a doubtful label came out.
    LabelCameOut {
        /// Its number.
        job: u64,
        /// As in `label-again`.
        #[serde(default)]
        seen: Option<u32>,
    },
    /// A person says from where on SSCCs are free.
    SsccEnter {
        /// The first serial reference that was never given out.
        mark: u64,
    },
    /// What was counted from one hour to another, both in hours since 1970 and inclusive.
    Counted {
        /// The first.
        first: i64,
        /// The last.
        last: i64,
    },
    /// Goes on with a container that another station opened.
    Adopt {
        /// The lane.
        lane: String,
        /// The label of the container, as it was scanned.
        label: String,
        /// The labels of everything in it, where that was scanned again.
        #[serde(default)]
        contents: Option<Vec<String>>,
    },
    /// Send everything without a receipt again, now.
    QueueRetry,
    /// The records that were set aside.
    QueueQuarantine,
    /// A person has seen sentences of `notConfirmed`: they are not shown any more.
    Seen {
        /// The sentences.
        sentences: Vec<String>,
    },
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Said {
    /// To a scan, and to `watch`.
    Answer(Answer),
    /// To `watch`: so many answers came faster than they were read.
    Missed(u64),
    /// To `watch`, at once: what is said from now on will be seen.
    Watching,
    /// To `status`.
    Status(Box<Status>),
    /// To `queue-list`.
    Queue(Vec<QueueEntry>),
    /// To `queue-show`: the line; `None` where it is not held.
    Line(Option<String>),
    /// To `queue-quarantine`.
    Quarantine(Vec<Quarantined>),
    /// To `labels`.
    Labels(Vec<LabelJob>),
    /// To `sscc-enter`: the mark that holds now.
    Sscc(u64),
    /// To `counted`.
    Counted(Vec<Counted>),
    /// To `adopt`: what is in the container has to be scanned, and why.
    ScanContents(String),
    /// To `queue-retry`.
    Retrying,
    /// To `seen`.
    Dismissed,
    /// It could not be answered, and why.
    Failed(Failed),
}

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// A sentence, with what to do.
    pub why: String,
}

/// How often something was counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counted {
    /// On which lane.
    pub lane: String,
    /// With whom signed on, as a pseudonym; empty where nobody was.
    pub person: String,
    /// Under which work order; empty where there was none.
    pub work_order: String,
    /// What: `packed`, `package`, `refused:not-tested` and so on.
    pub what: String,
    /// How often.
    pub count: u64,
}

/// A record that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueEntry {
    /// Its sequence.
    pub seq: u64,
    /// Its line.
    pub line: String,
}

/// How the station is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The station.
    pub station: String,
    /// Software version.
    pub version: String,
    /// The series of its journal.
    pub series: SeriesId,
    /// The last sequence.
    pub last: u64,
    /// Everything up to here has its receipt.
    pub settled: u64,
    /// Records without a receipt.
    pub undelivered: u64,
    /// Age of the oldest of them in seconds.
    pub oldest_undelivered_seconds: u64,
    /// Records set aside.
    pub quarantined: u64,
    /// Bytes of the journal in use.
    pub journal_bytes: u64,
    /// Its quota.
    pub journal_quota: u64,
    /// The journal comes near to its quota.
    #[serde(default)]
    pub quota_notice: Option<QuotaNotice>,
    /// While it is not held, the disk is full and no scan is recorded.
    #[serde(default)]
    pub ballast_held: bool,
    /// Scans that were red because nothing could be written, and that are not on record yet.
    #[serde(default)]
    pub not_recorded: Option<NotRecorded>,
    /// How many such scans there were since the start.
    #[serde(default)]
    pub not_durable_total: u64,
    /// Refusals that are only counted until there is room for their records.
    #[serde(default)]
    pub refusals_unrecorded: u64,
    /// What is on hold: its revision, and how many serials and lots.
    #[serde(default)]
    pub holds: Option<HoldsKept>,
    /// Receipts since the start that had no effect, by reason.
    #[serde(default)]
    pub receipts_without_effect: BTreeMap<String, u64>,
    /// Recorded before the last start, but their green light may not have been seen: one sentence each, until the unit is
    /// scanned again or a person has seen it.
    pub not_confirmed: Vec<String>,
    /// What a person should know and look into: one sentence each.
    #[serde(default)]
    pub alarms: Vec<String>,
    /// The first SSCC serial reference that is not reserved; `None` where that is not known, and none is given out.
    #[serde(default)]
    pub sscc_mark: Option<u64>,
    /// Lanes by name.
    pub lanes: BTreeMap<String, LaneStatus>,
    /// Labels on their way, and those that a person should look at.
    pub labels: LabelStatus,
    /// What was counted since the journal began.
    pub counters: Counters,
    /// Scanners and the way to the service.
    pub notices: Notices,
    /// When this was said.
    pub at: Stamp,
}

/// Scans that were red because nothing could be written. They are in memory only until there is space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotRecorded {
    /// How many.
    pub count: u64,
    /// When the first of them was.
    pub since: Stamp,
    /// How many, by lane.
    pub lanes: BTreeMap<String, u64>,
}

impl NotRecorded {
    /// `None` where there are none.
    #[must_use]
    pub fn of(tallies: &[Tally]) -> Option<Self> {
        let first = tallies.iter().min_by_key(|tally| tally.first.wall)?;
        let lanes: BTreeMap<_, _> = tallies.iter().map(|tally| (tally.lane.clone(), tally.count)).collect();
        Some(Self { count: lanes.values().sum(), since: first.first.clone(), lanes })
    }
}

/// The labels at a glance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelStatus {
    /// They wait for a printer.
    pub waiting: u64,
    /// They are being printed.
    pub sending: u64,
    /// Nobody knows whether they came out: a person looks.
    pub doubtful: u64,
    /// They cannot be drawn.
    pub failed: u64,
    /// Doubtful and failed ones, the oldest 20 of each lane, oldest first.
    pub attention: Vec<LabelJob>,
    /// How many of them there are, by lane.
    #[serde(default)]
    pub attention_by_lane: BTreeMap<String, u64>,
    /// The newest 6 of each lane, newest first.
    pub latest: Vec<LabelJob>,
}

/// A label and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelJob {
    /// Its number in this station's journal.
    pub id: u64,
    /// The container.
    pub sscc: String,
    /// Package or pallet.
    pub level: Level,
    /// It is the label of a unit: `sscc` is its serial number, and `level` says nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unit: bool,
    /// The lane.
    pub lane: String,
    /// The printer.
    pub printer: String,
    /// How many labels with this identity.
    pub copies: u32,
    /// How far it is.
    pub state: JobState,
    /// Why it is doubtful or failed, or why it is printed again; may be empty.
    pub why: String,
    /// How often it went to a printer.
    pub prints: u32,
    /// When its container was closed, in seconds since 1970.
    pub at: i64,
}

impl From<Job> for LabelJob {
    fn from(job: Job) -> Self {
        let Job { id, draft, state, why, prints, at, .. } = job;
        let unit = draft.unit().is_some();
        let JobDraft { sscc, level, lane, printer, copies, .. } = draft;
        Self { id, sscc, level, unit, lane, printer, copies, state, why, prints, at }
    }
}

impl From<Labels> for LabelStatus {
    fn from(labels: Labels) -> Self {
        let count = |state| labels.counts.get(&state).copied().unwrap_or_default();
        Self {
            waiting: count(JobState::Waiting),
            sending: count(JobState::Sending),
            doubtful: count(JobState::Doubtful),
            failed: count(JobState::Failed),
            attention_by_lane: labels.attention_by_lane,
            attention: labels.attention.into_iter().map(LabelJob::from).collect(),
            latest: labels.latest.into_iter().map(LabelJob::from).collect(),
        }
    }
}

/// How a lane is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LaneStatus {
    /// The current work order.
    pub work_order: Option<String>,
    /// The work order that waits for the open package to be closed.
    pub waiting_work_order: Option<String>,
    /// The open package.
    pub package: Option<Filling>,
    /// The open pallet.
    pub pallet: Option<Filling>,
    /// What the lane does, where a person has chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Who is signed on, as a pseudonym.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// The command that waits for a scan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<String>,
    /// What this station did of the current work order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderCount>,
}
