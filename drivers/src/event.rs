//! What a scanner hands out.

use std::fmt;
use std::time::Instant;

use crate::AimId;

/// One successful read of one code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// The configured name of the scanner.
    pub source: String,
    /// The symbology, where the scanner tells it.
    pub symbology: Option<AimId>,
    /// The data of the code, never empty, without prefix, symbology identifier and suffix. Not checked for UTF-8.
    pub data: Vec<u8>,
    /// When its last byte was read from the device.
    pub at: Instant,
}

/// What happened at a scanner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A code was read.
    Scan(Scan),
    /// The scanner was triggered and says that it found no code.
    NoRead,
    /// Bytes came that are not a whole scan. All of them were dropped; the next scan is not affected.
    Noise {
        /// Why they were dropped.
        what: NoiseKind,
        /// How many there were, without the start and end marks of the framing.
        bytes: usize,
    },
    /// A camera gave pictures, and no scan came from them.
    NoScan(NoScan),
}

/// Pictures of a camera from which no scan came, in words for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoScan {
    /// Why there is none.
    pub why: NoScanKind,
    /// What happened, with the name of the file where it is known, to be said after the name of the camera: `half.png is
    /// cut off or damaged; it lies in unread/`. Control characters are escaped.
    pub text: String,
    /// What to do next, in whole sentences.
    pub help: String,
    /// Size of the file in bytes; 0 where it does not matter.
    pub bytes: usize,
}

/// Why no scan came from a camera's pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoScanKind {
    /// No code was found in a picture.
    NoCode,
    /// A file is no picture, or none that can be used.
    Unusable,
    /// So many pictures are older than the start of the camera and were not looked into.
    Old(usize),
}

/// Why bytes from a scanner were dropped. `Display` says what to check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoiseKind {
    /// They were sent before the device was opened.
    Stale,
    /// The end of the scan never came: silence, a new start or the loss of the device came first.
    Unfinished,
    /// The reader was held up, so that silence between two scans cannot be told from a late reader.
    ReaderLate,
    /// Longer than the configured maximum length.
    TooLong,
    /// The hardware reported a wrong parity bit, a wrong stop bit or a break.
    LineError,
    /// The configured prefix is missing: the scan may be cut at the front.
    NoPrefix,
    /// The bytes stood outside STX … ETX.
    OutsideFrame,
    /// Nothing was left between prefix, symbology identifier and suffix.
    Empty,
    /// AIM identifiers are configured and the data does not begin with one.
    NoAimId,
    /// The data has this control character, which no code should have.
    ForbiddenByte(u8),
}

impl fmt::Display for NoiseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stale => "sent before the scanner was opened: scan again",
            Self::Unfinished => "a scan without an end: check the suffix that the scanner is programmed to send",
            Self::ReaderLate => "the computer was too slow to tell where the scan ends: scan again",
            Self::TooLong => "longer than the maximum length: check suffix, baud rate and maximum length",
            Self::LineError => "damaged on the line: check baud rate, parity, stop bits and cable",
            Self::NoPrefix => "the prefix is missing: check the prefix that the scanner is programmed to send",
            Self::OutsideFrame => "bytes outside STX and ETX: check that the scanner is programmed to send both",
            Self::Empty => "a scan without data: check how the scanner is programmed",
            Self::NoAimId => "no AIM identifier: programme the scanner to send it, or turn it off in the configuration",
            Self::ForbiddenByte(byte) => {
                return write!(f, "control character 0x{byte:02X} in the data: check the configured suffix");
            }
        })
    }
}
