//! Scanners on a tty: RS-232, USB-UART bridges and USB CDC-ACM.
//!
//! Bytes pass four steps, each in a file of its own: damaged bytes are told apart (`marks`), the stream is cut into
//! frames (`framing`), a frame is checked and taken apart (`content`), and the device is driven (`port`).

mod content;
mod framing;
mod list;
mod marks;
mod port;

use std::path::PathBuf;
use std::time::Duration;

pub use port::SerialFactory;
pub use serialport::{DataBits, Parity, StopBits};

/// How a serial scanner is found and read. What the scanner is programmed to send must be set here: nothing is guessed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SerialSettings {
    /// The device node, or a link to it such as `/dev/serial/by-id/…`.
    pub path: PathBuf,
    /// Bits per second. USB CDC-ACM devices ignore it.
    pub baud: u32,
    /// Bits per character.
    pub data_bits: DataBits,
    /// The parity bit.
    pub parity: Parity,
    /// Stop bits per character.
    pub stop_bits: StopBits,
    /// Where a scan begins and ends.
    pub framing: Framing,
    /// Whether the scanner is programmed to send the AIM identifier in front of the data. Not sniffed, as data may
    /// itself begin with `]`.
    pub aim: bool,
    /// What the scanner sends when it finds no code. These never become scans.
    pub no_read: Vec<Vec<u8>>,
}

/// How the byte stream of a scanner is cut into scans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Framing {
    /// Every scan begins with these bytes (after STX with [`Suffix::StxEtx`]). With a prefix a scan that is cut at the
    /// front is noticed.
    pub prefix: Vec<u8>,
    /// How a scan ends.
    pub suffix: Suffix,
    /// Silence that ends a scan with [`Suffix::Idle`] (100 ms unless set), and else silence after which an unfinished
    /// scan is dropped (1 s unless set). From 10 ms to 1 min.
    pub idle_gap: Option<Duration>,
    /// The longest scan in bytes, prefix included, 1 to 65536.
    pub max_length: usize,
}

/// What ends a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Suffix {
    /// CR.
    Cr,
    /// LF.
    Lf,
    /// CR and LF.
    CrLf,
    /// CR or LF, or both in any order.
    CrOrLf,
    /// A scan begins with STX and ends with ETX.
    StxEtx,
    /// TAB.
    Tab,
    /// Nothing: silence ends a scan. Two scans without the silence between them cannot be told apart.
    Idle,
}

impl SerialSettings {
    /// 9600 baud, 8 data bits, no parity, 1 stop bit, CR or LF as suffix, no AIM identifiers, and the strings `NR`,
    /// `NOREAD`, `NO READ`, `NoRead`, `?` and CAN for no-read.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            baud: 9600,
            data_bits: DataBits::Eight,
            parity: Parity::None,
            stop_bits: StopBits::One,
            framing: Framing::default(),
            aim: false,
            no_read: [&b"NR"[..], b"NOREAD", b"NO READ", b"NoRead", b"?", b"\x18"].map(<[u8]>::to_vec).to_vec(),
        }
    }

    /// Checks what the types do not.
    ///
    /// # Errors
    /// The first setting that cannot work.
    pub fn check(&self) -> Result<(), BadSettings> {
        if self.path.as_os_str().is_empty() {
            return Err(BadSettings::Path);
        }
        if self.baud == 0 {
            return Err(BadSettings::Baud);
        }
        self.framing.check()?;
        if let Some(text) = self.no_read.iter().find(|text| !self.framing.can_begin_with(text)) {
            return Err(BadSettings::NoRead(text.escape_ascii().to_string()));
        }
        Ok(())
    }
}

impl Default for Framing {
    /// No prefix, CR or LF as suffix, at most 4096 bytes.
    fn default() -> Self {
        Self { prefix: Vec::new(), suffix: Suffix::CrOrLf, idle_gap: None, max_length: 4096 }
    }
}

impl Framing {
    /// The silence that ends or drops what is not finished.
    pub fn gap(&self) -> Duration {
        self.idle_gap.unwrap_or(match self.suffix {
            Suffix::Idle => Duration::from_millis(100),
            _ => Duration::from_secs(1),
        })
    }

    fn check(&self) -> Result<(), BadSettings> {
        if !(Duration::from_millis(10)..=Duration::from_secs(60)).contains(&self.gap()) {
            return Err(BadSettings::IdleGap(self.gap().as_millis()));
        }
        if !(1..=65536).contains(&self.max_length) {
            return Err(BadSettings::MaxLength(self.max_length));
        }
        if !self.prefix.is_empty() && (!self.can_begin_with(&self.prefix) || self.prefix.len() >= self.max_length) {
            return Err(BadSettings::Prefix(self.prefix.escape_ascii().to_string()));
        }
        Ok(())
    }

    /// Whether a frame can begin with these bytes, so that comparing it with them makes sense.
    fn can_begin_with(&self, bytes: &[u8]) -> bool {
        let has = |byte| bytes.contains(&byte);
        let ended = match self.suffix {
            Suffix::Cr => has(framing::CR),
            Suffix::Lf => has(framing::LF),
            Suffix::CrLf => bytes.windows(2).any(|pair| pair == [framing::CR, framing::LF]),
            Suffix::CrOrLf => has(framing::CR) || has(framing::LF),
            Suffix::StxEtx => has(framing::STX) || has(framing::ETX),
            Suffix::Tab => has(framing::TAB),
            Suffix::Idle => false,
        };
        !ended && bytes.first().is_some_and(|first| !framing::is_filler(*first))
    }
}

/// A setting that cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSettings {
    /// No path.
    #[error("the path is empty: name the device, such as /dev/serial/by-id/…")]
    Path,
    /// Baud rate 0 hangs up the line.
    #[error("baud rate 0: set the rate that the scanner is programmed for, mostly 9600")]
    Baud,
    /// In milliseconds.
    #[error("idle gap {0} ms: it must be between 10 ms and 60000 ms")]
    IdleGap(u128),
    /// In bytes.
    #[error("maximum length {0}: it must be between 1 and 65536 bytes")]
    MaxLength(usize),
    /// The prefix, escaped.
    #[error(
        "prefix \"{0}\": it must be shorter than the maximum length, not hold the suffix, \
         and not begin with CR, LF or NUL, which are skipped there"
    )]
    Prefix(String),
    /// The no-read string, escaped.
    #[error(
        "no-read string \"{0}\": it must not be empty, not hold the suffix, \
         and not begin with CR, LF or NUL, which are skipped there"
    )]
    NoRead(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl Fn(&mut SerialSettings)) -> Result<(), BadSettings> {
        let mut settings = SerialSettings::new("/dev/ttyACM0");
        change(&mut settings);
        settings.check()
    }

    #[test]
    fn defaults_are_good_with_every_suffix() {
        use Suffix::*;
        for suffix in [Cr, Lf, CrLf, CrOrLf, StxEtx, Tab, Idle] {
            assert_eq!(with(|s| s.framing.suffix = suffix), Ok(()));
        }
    }

    #[test]
    fn settings_that_cannot_work_are_refused() {
        assert_eq!(with(|s| s.path = PathBuf::new()), Err(BadSettings::Path));
        assert_eq!(with(|s| s.baud = 0), Err(BadSettings::Baud));
        assert_eq!(with(|s| s.framing.max_length = 0), Err(BadSettings::MaxLength(0)));
        assert_eq!(with(|s| s.framing.max_length = 65537), Err(BadSettings::MaxLength(65537)));
        assert_eq!(with(|s| s.framing.idle_gap = Some(Duration::ZERO)), Err(BadSettings::IdleGap(0)));
        assert_eq!(with(|s| s.no_read = vec![vec![]]), Err(BadSettings::NoRead(String::new())));
        assert_eq!(with(|s| s.no_read = vec![b"NR\r".to_vec()]), Err(BadSettings::NoRead("NR\\r".into())));
    }

    #[test]
    fn a_prefix_that_never_matches_is_refused() {
        let prefix = |suffix, prefix: &[u8]| {
            with(|s| s.framing = Framing { suffix, prefix: prefix.to_vec(), ..Framing::default() })
        };
        assert_eq!(prefix(Suffix::Tab, b"\nA"), Err(BadSettings::Prefix("\\nA".into())));
        assert_eq!(prefix(Suffix::Tab, b"A\t"), Err(BadSettings::Prefix("A\\t".into())));
        assert_eq!(prefix(Suffix::StxEtx, b"\x02A"), Err(BadSettings::Prefix("\\x02A".into())));
        assert_eq!(prefix(Suffix::CrLf, b"A\r\n"), Err(BadSettings::Prefix("A\\r\\n".into())));
        assert_eq!(prefix(Suffix::CrOrLf, b"\x02A"), Ok(()));
        assert_eq!(prefix(Suffix::Tab, b"A\r"), Ok(()));
        assert!(matches!(prefix(Suffix::Cr, &[b'A'; 4096]), Err(BadSettings::Prefix(_))));
    }
}
