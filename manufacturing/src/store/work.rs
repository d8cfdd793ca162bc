//! What goes into the store, and what comes out of a commit.

use std::collections::BTreeSet;

use jiff::Timestamp;
use records::segment::{Envelope, Line};
use records::wire::{Holds, Receipt, Status, WorkOrderMessage};
use records::{PublicKey, RecordId, SeriesId};

use super::decide::{Answer, Decide, Denied};
use crate::projection::Reading;
use crate::work_order::LaneName;

/// A segment whose signature and inner chain hold, with its lines read.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The envelope.
    pub envelope: Envelope,
    /// The lines, `first` to `last`.
    pub lines: Vec<Line>,
    /// What each line says.
    pub readings: Vec<Reading>,
}

/// A line that its station signed and that nobody can read.
#[derive(Debug, Clone)]
pub struct Unreadable {
    /// The station.
    pub station: String,
    /// The series.
    pub series: SeriesId,
    /// The key that signed it.
    pub key: PublicKey,
    /// Its sequence.
    pub seq: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// A verified status.
#[derive(Debug, Clone)]
pub struct Heard {
    /// What was said.
    pub status: Status,
    /// The key that signed it.
    pub key: PublicKey,
    /// The latest time at which it can have been said: now, or for a message that the broker had kept, its own time
    /// where that is earlier.
    pub at: Timestamp,
}

/// One thing to commit.
#[derive(Debug, Clone)]
pub enum Work {
    /// Records.
    Segment(Box<Checked>),
    /// A named hole.
    Unreadable(Unreadable),
    /// The status of a station.
    Status(Box<Heard>),
    /// Whether a station has a connection.
    Online {
        /// The station.
        station: String,
        /// Has it?
        online: bool,
    },
    /// What a person asks for.
    Decide(Decide),
    /// The next devices are taken into new recall dimensions.
    Backfill,
    /// What was counted of seals.
    Counted(Vec<CountedSeal>),
}

/// What was counted of a seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedSeal {
    /// The record that seals.
    pub id: RecordId,
    /// Units of the station's share that are stored; `None` where that can only be counted when it is asked.
    pub stored: Option<u64>,
    /// Somebody has tried to count it.
    pub tried: bool,
}

impl Work {
    /// How many records it brings.
    pub fn records(&self) -> usize {
        match self {
            Self::Segment(checked) => checked.lines.len(),
            Self::Unreadable(_) | Self::Status(_) | Self::Online { .. } => 0,
            Self::Decide(_) | Self::Backfill | Self::Counted(_) => 0,
        }
    }
}

/// Something that was not taken, for the log and the counters. No station is told: whoever sent it is not known to be
/// that station.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The station that it names.
    pub station: String,
    /// Why.
    pub reason: String,
}

/// What a commit has made durable.
#[derive(Debug, Default)]
pub struct Committed {
    /// One for each series that was touched.
    pub receipts: Vec<Receipt>,
    /// What was not taken.
    pub refused: Vec<Refused>,
    /// Stations of which something was taken.
    pub heard: BTreeSet<String>,
    /// What people asked for, with what became of it.
    pub decided: Vec<(Answer, Result<(), Denied>)>,
    /// What is on hold, where that changed.
    pub holds: Option<Holds>,
    /// What lanes work on from now on, where that was decided.
    pub orders: Vec<(LaneName, WorkOrderMessage)>,
}
