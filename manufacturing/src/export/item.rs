//! The evidence, one thing after the other.

use records::segment::Envelope;
use records::{Hash, PublicKey, SeriesId};
use serde::{Deserialize, Serialize};

/// One thing that the store or an export holds. Of each series come, in this order: `Series`, its `Status`, then lines,
/// envelopes and holes by sequence, an envelope before the first line that it signs; then what was rejected and kept
/// apart, and `SeriesEnd`.
#[derive(Debug)]
pub enum Item<'a> {
    /// A series begins.
    Series {
        /// The station.
        station: &'a str,
        /// The series.
        series: SeriesId,
        /// The key that holds for all of it.
        key: PublicKey,
        /// The highest sequence that is known to exist.
        highest: u64,
    },
    /// The last status of the series.
    Status {
        /// Who signed it.
        key: PublicKey,
        /// Its JSON.
        body: &'a str,
    },
    /// A stored envelope.
    Envelope(Envelope),
    /// A stored line.
    Line {
        /// The sequence under which it is stored.
        seq: u64,
        /// The hash that is stored beside it; an export has none.
        hash: Option<Hash>,
        /// Its bytes, without LF.
        bytes: &'a [u8],
    },
    /// Records that are not stored, and known to be missing.
    Hole {
        /// The first.
        first: u64,
        /// The last.
        last: u64,
        /// Why.
        why: Why,
    },
    /// A signed line that cannot be read.
    Rejected {
        /// Its sequence.
        seq: u64,
        /// What is wrong with it.
        reason: &'a str,
    },
    /// A line that came under a known identity with other bytes.
    Apart {
        /// Its sequence.
        seq: u64,
        /// The hash that is stored beside it.
        hash: Hash,
        /// Its bytes, without LF.
        bytes: &'a [u8],
    },
    /// Nothing more of this series.
    SeriesEnd,
    /// A series of which a status is known and nothing else.
    Announced {
        /// The station.
        station: &'a str,
        /// The series.
        series: SeriesId,
        /// Who signed the status.
        key: PublicKey,
        /// The status as JSON.
        body: &'a str,
    },
}

/// Why records are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Why {
    /// They have not come; nobody knows more.
    NotCome,
    /// Their station signed them, and they cannot be read.
    Rejected,
    /// They came in another history of the same series.
    Apart,
    /// Their station has set them aside.
    SetAside,
    /// Their station does not hold them any more.
    NotHeld,
}

impl Why {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::NotCome => "not come",
            Self::Rejected => "signed, but unreadable",
            Self::Apart => "came with other content, kept apart",
            Self::SetAside => "set aside by the station",
            Self::NotHeld => "no longer held by the station",
        }
    }
}
