//! The lines of an export that are not record lines.

use std::borrow::Cow;

use jiff::Timestamp;
use records::segment::Envelope;
use records::{Hash, PublicKey, SeriesId, Signature};
use serde::{Deserialize, Serialize};

use super::Why;

/// The version of the format.
pub const VERSION: u8 = 1;
/// Most lines, and most envelopes, of a block.
pub const MOST_LINES: usize = 512;

/// Line 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The word `export`.
    pub lotline: Cow<'static, str>,
    /// The version of the format.
    pub v: u8,
    /// When it was made.
    pub made: Timestamp,
    /// The key that signs the end.
    pub service: PublicKey,
    /// The version of the program that made it.
    pub version: Cow<'static, str>,
}

impl Head {
    /// What `lotline` says in line 1.
    pub const WORD: &'static str = "export";
}

/// What stands between the head and the end, record lines apart. See [`super`] for the fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "lotline", rename_all = "camelCase", deny_unknown_fields)]
pub enum Entry<'a> {
    Series { station: Cow<'a, str>, series: SeriesId, key: PublicKey, highest: u64 },
    Status { key: PublicKey, body: Cow<'a, str> },
    Records { first: u64, lines: u64, envelopes: Cow<'a, [Envelope]> },
    Hole { first: u64, last: u64, why: Why },
    Rejected { seq: u64, reason: Cow<'a, str> },
    Apart { seq: u64, hash: Hash },
    Announced { station: Cow<'a, str>, series: SeriesId, key: PublicKey, body: Cow<'a, str> },
}

/// The last line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// `true`.
    pub end: bool,
    /// Lines `series`.
    pub series: u64,
    /// Record lines; those kept apart do not count.
    pub records: u64,
    /// Envelopes.
    pub envelopes: u64,
    /// Lines `hole`.
    pub holes: u64,
    /// Of all bytes before this line.
    pub sha256: Hash,
    /// By the service.
    pub sig: Signature,
}

impl End {
    /// What is signed.
    pub fn signed_bytes(&self, v: u8) -> Vec<u8> {
        let mut bytes = b"lotline export".to_vec();
        bytes.push(v);
        for number in [self.series, self.records, self.envelopes, self.holes] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes.extend_from_slice(&self.sha256.0);
        bytes
    }
}
