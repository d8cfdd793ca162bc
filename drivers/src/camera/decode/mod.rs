//! Codes from a picture: engines, each behind the trait [`Engine`], and the [`Decoder`] that runs them so that a panic or
//! an endless loop in one of them costs a picture at most.
//!
//! The data of a code is given as the code carries it, byte by byte, as a scanner sends it: a character set named by an
//! ECI is not applied, FNC1 between data is GS (0x1D), and FNC1 in the first place shows in the AIM identifier alone. A
//! code that carries only a part of a message (structured append, message append) is not given.

mod code128;
mod data_matrix;
mod decoder;
mod rqrr;
mod rxing;
mod variants;

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

use super::Frame;
use crate::AimId;

pub use self::decoder::{Decoder, THREAD};
pub use self::rqrr::Rqrr;
pub use self::rxing::Rxing;

/// Something that finds codes in a picture.
pub trait Engine: Send + Sync {
    /// Its name, in one lower-case word.
    fn name(&self) -> &'static str;

    /// Gives the codes in the picture to `give` as soon as it has them, so that they are not lost where a later attempt
    /// takes too long. An attempt that could be left out should not begin after `until`.
    fn decode(&self, frame: &Frame, until: Instant, give: &mut dyn FnMut(Found));
}

/// A code that was found in a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The data, never empty. Not checked for UTF-8.
    pub data: Vec<u8>,
    /// The symbology, and whether FNC1 stands in first place: `]C0` and `]C1` of Code 128, `]Q1` and `]Q3` of QR, `]d1`
    /// and `]d2` of Data Matrix (ISO/IEC 15424).
    pub aim: Option<AimId>,
    /// Where the data is not UTF-8: what the engine takes it for, by the ECI or by a guess. For people alone.
    pub text: Option<String>,
    /// About where its centre is, in pixels from the left and from the top.
    pub centre: (i32, i32),
    /// The engine that found it.
    pub engine: &'static str,
}

/// What a picture says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// Every code once, from top to bottom.
    pub found: Vec<Found>,
    /// How long it took.
    pub elapsed: Duration,
    /// What went wrong on the way.
    pub troubles: Vec<Trouble>,
}

/// An engine that failed on a picture. `Display` says what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// It panicked.
    Panicked {
        /// The engine.
        engine: &'static str,
        /// What it said.
        message: String,
    },
    /// It had no answer within the time limit.
    Late {
        /// The engine.
        engine: &'static str,
        /// The time limit.
        limit: Duration,
    },
    /// It is switched off, as too many of its threads still run on earlier pictures.
    Off {
        /// The engine.
        engine: &'static str,
        /// How many they are.
        stuck: usize,
    },
    /// The system gives no thread for it.
    NoThread {
        /// The engine.
        engine: &'static str,
    },
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked { engine, message } => {
                write!(f, "the engine {engine} failed on this picture ({message}): keep the picture and report it")
            }
            Self::Late { engine, limit } => {
                let limit = limit.as_millis();
                write!(
                    f,
                    "the engine {engine} needs more than {limit} ms for this picture: take a smaller part of the scene"
                )
            }
            Self::Off { engine, stuck } => write!(
                f,
                "the engine {engine} is switched off while it still works on {stuck} earlier pictures: take smaller pictures, or start the program again"
            ),
            Self::NoThread { engine } => write!(f, "the system gives no thread to the engine {engine}: free memory"),
        }
    }
}

/// A kind of code. MaxiCode and Aztec are missing on purpose: their readers do not end, or panic, on some pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Symbology {
    /// QR, model 1 and 2.
    Qr,
    /// Data Matrix ECC 200.
    DataMatrix,
    /// Code 128 and GS1-128.
    Code128,
    /// Code 39: without a check character of its own.
    Code39,
    /// EAN-13, with UPC-A as 13 digits, and EAN-8.
    Ean,
    /// Interleaved 2 of 5: a part of it can look like a shorter code.
    Itf,
}

impl Symbology {
    /// All of them, with the names that configurations use.
    pub const ALL: [(&'static str, Self); 6] = [
        ("qr", Self::Qr),
        ("data-matrix", Self::DataMatrix),
        ("code-128", Self::Code128),
        ("code-39", Self::Code39),
        ("ean", Self::Ean),
        ("itf", Self::Itf),
    ];

    /// QR, Data Matrix and Code 128: those that gave no false read on pictures without a code. The others are weaker and
    /// are read only where a station expects them.
    pub const USUAL: [Self; 3] = [Self::Qr, Self::DataMatrix, Self::Code128];
}

/// The text names no symbology.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a symbology: it is one of qr, data-matrix, code-128, code-39, ean, itf")]
pub struct NotASymbology;

impl FromStr for Symbology {
    type Err = NotASymbology;

    fn from_str(text: &str) -> Result<Self, NotASymbology> {
        Self::ALL.iter().find(|(name, _)| *name == text).map(|(_, symbology)| *symbology).ok_or(NotASymbology)
    }
}

/// From top to bottom, then from left to right; of equal codes the first.
fn in_order(mut all: Vec<Found>) -> Vec<Found> {
    all.sort_by(|a, b| (a.centre.1, a.centre.0, &a.data).cmp(&(b.centre.1, b.centre.0, &b.data)));
    let mut found: Vec<Found> = Vec::new();
    for one in all {
        if !found.iter().any(|other| other.data == one.data && other.aim == one.aim) {
            found.push(one);
        }
    }
    found
}

/// The middle of some points.
fn centre(points: impl IntoIterator<Item = (f32, f32)>) -> (i32, i32) {
    let (mut x, mut y, mut count) = (0.0, 0.0, 0.0);
    for point in points {
        (x, y, count) = (x + point.0, y + point.1, count + 1.0);
    }
    ((x / f32::max(count, 1.0)) as i32, (y / f32::max(count, 1.0)) as i32)
}

#[cfg(test)]
mod tests;
