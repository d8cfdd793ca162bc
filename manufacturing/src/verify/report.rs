//! What was found.

use jiff::Timestamp;
use records::{PublicKey, SeriesId};
use serde::Serialize;

use crate::export::Why;

/// Most faults, and most holes, that are listed. All are counted.
pub const MOST_LISTED: usize = 100;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum What {
    /// Other bytes than those that were written.
    Changed,
    /// It was there, and is not.
    Missing,
    /// It does not belong there.
    Inserted,
    /// It stands in another place than its own.
    Reordered,
    /// An envelope or end that nobody has signed so.
    Signature,
    /// Another key than the one that holds.
    Key,
    /// No signature reaches it.
    Uncovered,
    /// A file without its end.
    Cut,
}

impl What {
    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Missing => "missing",
            Self::Inserted => "inserted",
            Self::Reordered => "re-ordered",
            Self::Signature => "signature",
            Self::Key => "key",
            Self::Uncovered => "uncovered",
            Self::Cut => "cut",
        }
    }
}

/// One thing that is wrong, at one record or at several that follow each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// The station; `None` where the whole is concerned.
    pub station: Option<String>,
    /// The series.
    pub series: Option<SeriesId>,
    /// The first sequence; `None` where the series is concerned.
    pub first: Option<u64>,
    /// The last sequence.
    pub last: Option<u64>,
    /// What.
    pub what: What,
    /// How that is known.
    pub why: String,
}

/// A named hole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hole {
    /// The station.
    pub station: String,
    /// The series.
    pub series: SeriesId,
    /// The first sequence.
    pub first: u64,
    /// The last sequence.
    pub last: u64,
    /// Why.
    pub why: Why,
}

/// The result.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Series.
    pub series: u64,
    /// Records.
    pub records: u64,
    /// Envelopes.
    pub envelopes: u64,
    /// Lines kept apart.
    pub apart: u64,
    /// Signed lines that could not be read.
    pub rejected: u64,
    /// Holes, and those that were found where none is named do not count.
    pub hole_count: u64,
    /// The first of them. They are no faults: the store says itself that it does not have these records.
    pub holes: Vec<Hole>,
    /// When the export was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made: Option<Timestamp>,
    /// Who has signed the export.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<PublicKey>,
    /// Faults.
    pub fault_count: u64,
    /// The first of them.
    pub faults: Vec<Fault>,
    /// The last one, which the next may continue.
    #[serde(skip)]
    latest: Option<Fault>,
}

impl Report {
    /// Notes a fault. One that only continues the last one to the next sequences is the same.
    pub fn fault(
        &mut self,
        series: Option<(&str, SeriesId)>,
        range: Option<(u64, u64)>,
        what: What,
        why: impl Into<String>,
    ) {
        let why = why.into();
        let (station, series) = (series.map(|(station, _)| station.to_owned()), series.map(|(_, series)| series));
        if let (Some((first, last)), Some(latest)) = (range, &mut self.latest)
            && latest.last.is_some_and(|before| before.checked_add(1) == Some(first))
            && (&latest.station, latest.series, latest.what, &latest.why) == (&station, series, what, &why)
        {
            latest.last = Some(last);
            if let Some(listed) = self.faults.last_mut().filter(|_| self.fault_count <= MOST_LISTED as u64) {
                listed.last = Some(last);
            }
            return;
        }
        let fault = Fault { station, series, first: range.map(|r| r.0), last: range.map(|r| r.1), what, why };
        self.fault_count += 1;
        if self.faults.len() < MOST_LISTED {
            self.faults.push(fault.clone());
        }
        self.latest = Some(fault);
    }

    /// Notes a named hole.
    pub fn hole(&mut self, hole: Hole) {
        self.hole_count += 1;
        if self.holes.len() < MOST_LISTED {
            self.holes.push(hole);
        }
    }

    /// Was nothing found?
    pub fn is_sound(&self) -> bool {
        self.fault_count == 0
    }
}
