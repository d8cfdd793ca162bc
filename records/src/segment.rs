//! Segments: a run of record lines under one signed envelope, as NDJSON.
//!
//! ```text
//! {"v":1,"station":…,"series":…,"first":7,"last":9,"prev":…,"head":…,"key":…,"sig":…}   the envelope
//! {"v":1,"seq":7,"prev":…, …}                                                          the lines 7, 8, 9
//! …
//! ```
//! Every line ends with LF. `prev` is the hash of line `first - 1`, `head` that of line `last`. `sig` is Ed25519 over
//!
//! ```text
//! "lotline segment" | v: u8 | length of station: u16 | station | series: 16 bytes | first: u64 | last: u64
//!                   | prev: 32 bytes | head: 32 bytes | key: 32 bytes            (integers big endian)
//! ```
//! so a signature says which lines, in which order, of which station and series. The chain inside says that no line
//! was changed, removed, inserted or moved.

use serde::{Deserialize, Serialize};

use crate::chain::hash_line;
use crate::record::LineHead;
use crate::{Hash, PublicKey, SeriesId, Signature, SigningKey, keys};

/// Most lines in a segment.
pub const MAX_LINES: usize = 512;
/// Most bytes in a segment, envelope included.
pub const MAX_BYTES: usize = 1 << 20;
/// Longest record line in bytes, LF not counted. A scan is far shorter; a test result may come near.
pub const MAX_LINE_BYTES: usize = 64 << 10;

/// Line 1 of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Wire version.
    pub v: u8,
    /// The station that wrote the lines.
    pub station: String,
    /// The series.
    pub series: SeriesId,
    /// Sequence of the first line.
    pub first: u64,
    /// Sequence of the last line.
    pub last: u64,
    /// Hash of line `first - 1`; zeros where `first` is 1.
    pub prev: Hash,
    /// Hash of line `last`.
    pub head: Hash,
    /// The station's key.
    pub key: PublicKey,
    /// Signature over the values above.
    pub sig: Signature,
}

impl Envelope {
    fn signed_bytes(&self) -> Vec<u8> {
        let mut bytes = b"lotline segment".to_vec();
        bytes.push(self.v);
        // A name longer than u16 cannot be told apart from its remainder; `parse` refuses names far shorter than that.
        bytes.extend_from_slice(&u16::try_from(self.station.len()).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend_from_slice(self.station.as_bytes());
        bytes.extend_from_slice(&self.series.0);
        bytes.extend_from_slice(&self.first.to_be_bytes());
        bytes.extend_from_slice(&self.last.to_be_bytes());
        bytes.extend_from_slice(&self.prev.0);
        bytes.extend_from_slice(&self.head.0);
        bytes.extend_from_slice(&self.key.0);
        bytes
    }

    /// Is the signature that of `key` over these values?
    #[must_use]
    pub fn is_authentic(&self) -> bool {
        keys::verify(&self.key, &self.signed_bytes(), &self.sig)
    }
}

/// A line of a segment with its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its sequence.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash,
    /// Its bytes, without LF.
    pub bytes: Vec<u8>,
}

/// A segment whose signature and inner chain have been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The envelope.
    pub envelope: Envelope,
    /// Its lines, `first` to `last`.
    pub lines: Vec<Line>,
}

/// Why bytes are not a segment that may be stored. The texts are for the log of the receiver and its answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SegmentError {
    /// Over [`MAX_BYTES`], [`MAX_LINES`] or [`MAX_LINE_BYTES`].
    #[error("too large: {what} is {found}, at most {most} are allowed")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// How large it is.
        found: usize,
        /// How large it may be.
        most: usize,
    },
    /// Line 1 is not an envelope.
    #[error("the envelope cannot be read: {0}")]
    Envelope(String),
    /// Written by newer software.
    #[error("wire version {0} is not known here: update the service")]
    Version(u8),
    /// The signature is not that of the key over the envelope.
    #[error("the signature of {station} over records {first} to {last} is wrong")]
    Signature {
        /// The station that the envelope names.
        station: String,
        /// First sequence.
        first: u64,
        /// Last sequence.
        last: u64,
    },
    /// The envelope announces another number of lines.
    #[error("{found} lines for records {first} to {last}")]
    Count {
        /// Lines found.
        found: usize,
        /// First sequence announced.
        first: u64,
        /// Last sequence announced.
        last: u64,
    },
    /// A line cannot be read.
    #[error("record {seq} cannot be read: {why}")]
    Unreadable {
        /// The sequence that its position gives it.
        seq: u64,
        /// What is wrong.
        why: String,
    },
    /// A line does not continue the chain.
    #[error("record {seq} does not continue the chain")]
    Chain {
        /// The sequence that its position gives it.
        seq: u64,
    },
}

/// Signs a run of lines that follow each other. `lines` are `first`, `first + 1`, … without LF.
#[must_use]
pub fn seal(
    key: &SigningKey,
    station: &str,
    series: SeriesId,
    first: u64,
    prev: Hash,
    lines: &[impl AsRef<[u8]>],
) -> Vec<u8> {
    let head = lines.last().map_or(prev, |line| hash_line(line.as_ref()));
    let mut envelope = Envelope {
        v: crate::WIRE_VERSION,
        station: station.to_owned(),
        series,
        first,
        last: first + lines.len() as u64 - 1,
        prev,
        head,
        key: key.public(),
        sig: Signature::ZERO,
    };
    envelope.sig = key.sign(&envelope.signed_bytes());
    // A struct of strings and numbers: the writer has nothing to refuse.
    let mut bytes = serde_json::to_vec(&envelope).unwrap_or_default();
    bytes.push(b'\n');
    for line in lines {
        bytes.extend_from_slice(line.as_ref());
        bytes.push(b'\n');
    }
    bytes
}

impl Segment {
    /// Reads a segment and checks its signature and inner chain. The link to its neighbours is the receiver's to check.
    ///
    /// # Errors
    /// [`SegmentError`]; nothing of such a segment may be used.
    pub fn parse(bytes: &[u8]) -> Result<Self, SegmentError> {
        at_most("bytes of the segment", bytes.len(), MAX_BYTES)?;
        let body = bytes.strip_suffix(b"\n").ok_or_else(|| SegmentError::Envelope("no LF at the end".to_owned()))?;
        let mut lines = body.split(|&byte| byte == b'\n');
        let envelope = read_envelope(lines.next().unwrap_or_default())?;
        let bodies: Vec<&[u8]> = lines.collect();
        at_most("lines of the segment", bodies.len(), MAX_LINES)?;
        let (first, last) = (envelope.first, envelope.last);
        if first == 0 || last < first || last - first >= MAX_LINES as u64 || bodies.len() as u64 != last - first + 1 {
            return Err(SegmentError::Count { found: bodies.len(), first, last });
        }
        let mut prev = envelope.prev;
        let mut lines = Vec::with_capacity(bodies.len());
        for (seq, body) in (first..).zip(bodies) {
            let line = read_line(seq, prev, body)?;
            prev = line.hash;
            lines.push(line);
        }
        if prev != envelope.head {
            return Err(SegmentError::Chain { seq: last });
        }
        Ok(Self { envelope, lines })
    }
}

fn at_most(what: &'static str, found: usize, most: usize) -> Result<(), SegmentError> {
    if found > most { Err(SegmentError::TooLarge { what, found, most }) } else { Ok(()) }
}

fn read_envelope(line: &[u8]) -> Result<Envelope, SegmentError> {
    #[derive(Deserialize)]
    struct Version {
        v: u8,
    }
    let unreadable = |error: serde_json::Error| SegmentError::Envelope(error.to_string());
    let Version { v } = serde_json::from_slice(line).map_err(unreadable)?;
    if v != crate::WIRE_VERSION {
        return Err(SegmentError::Version(v));
    }
    let envelope: Envelope = serde_json::from_slice(line).map_err(unreadable)?;
    if let Err(why) = crate::wire::check_name(&envelope.station) {
        return Err(SegmentError::Envelope(format!("station: {why}")));
    }
    if envelope.is_authentic() {
        return Ok(envelope);
    }
    Err(SegmentError::Signature { station: envelope.station, first: envelope.first, last: envelope.last })
}

fn read_line(seq: u64, prev: Hash, body: &[u8]) -> Result<Line, SegmentError> {
    at_most("bytes of a record", body.len(), MAX_LINE_BYTES)?;
    let head: LineHead =
        serde_json::from_slice(body).map_err(|error| SegmentError::Unreadable { seq, why: error.to_string() })?;
    if head != (LineHead { seq, prev }) {
        return Err(SegmentError::Chain { seq });
    }
    Ok(Line { seq, hash: hash_line(body), bytes: body.to_vec() })
}

#[cfg(test)]
mod tests;
