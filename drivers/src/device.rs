//! The trait pair that every kind of scanner implements, and what belongs to it.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::Event;
use crate::camera::CameraSettings;
use crate::serial::SerialSettings;

/// One kind of device: finds and opens its scanners.
pub trait ScannerFactory: Send + Sync {
    /// The kind, in one lower-case word such as `serial`.
    fn kind(&self) -> &'static str;

    /// Everything of this kind that is plugged in, usable or not. Opens nothing.
    ///
    /// # Errors
    /// When the system cannot be asked; a computer without such devices gives an empty list.
    fn list(&self) -> Result<Vec<Seen>, ListError>;

    /// Opens the scanner that `settings` name. `source` is its configured name and goes into every scan. Names such as
    /// links are resolved at each call, so that a device is found again after it was plugged in elsewhere.
    ///
    /// # Errors
    /// An [`OpenError`]; nothing stays open.
    fn open(&self, source: &str, settings: &Settings) -> Result<Box<dyn Scanner>, OpenError>;
}

/// An open scanner.
pub trait Scanner: Send {
    /// Reads until the device is gone, `stop` is set or the sink says [`Flow::Stop`]. Blocks: give it a thread of its
    /// own. The device is closed when this returns, so that its name may be resolved again.
    ///
    /// The sink is called on the same thread. While it blocks nothing is read, so it should only hand over.
    fn run(self: Box<Self>, sink: &mut dyn FnMut(Event) -> Flow, stop: &Stop) -> Gone;
}

/// How a configured scanner is found and read, by kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settings {
    /// A tty: RS-232, USB-UART bridge or USB CDC-ACM.
    Serial(SerialSettings),
    /// Pictures that a camera takes.
    Camera(CameraSettings),
}

impl Settings {
    /// The kind of the factory that opens it: `serial` or `camera`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Serial(_) => "serial",
            Self::Camera(_) => "camera",
        }
    }

    /// What a factory of another kind says to them.
    pub(crate) fn not_this_kind(&self, kind: &'static str) -> OpenError {
        let path = match self {
            Self::Serial(settings) => &settings.path,
            Self::Camera(settings) => &settings.folder,
        };
        let found = format!("configured as {}", self.kind());
        OpenError::NotThisKind { device: path.display().to_string(), kind, found }
    }
}

/// A device that is plugged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The kind of the factory that lists it.
    pub kind: &'static str,
    /// The most lasting name of the device: what belongs into the configuration.
    pub selector: String,
    /// Other names of the same device.
    pub aliases: Vec<String>,
    /// Maker, model and numbers, for people.
    pub description: String,
    /// Whether it can be opened.
    pub access: Access,
}

/// Whether a device that is plugged in can be used by this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// It can be opened, as far as can be told without opening it.
    Usable,
    /// It cannot be opened.
    NotUsable {
        /// What is in the way.
        reason: String,
        /// What to do about it.
        remedy: String,
    },
}

/// The devices of a kind cannot be listed.
#[derive(Debug, thiserror::Error)]
#[error("cannot list the {kind} devices of this computer: check that /sys and /dev can be read")]
pub struct ListError {
    /// The kind of device.
    pub kind: &'static str,
    /// What the system said.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

/// A configured scanner cannot be opened. Each message says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no such device now.
    #[error("{device} is not there: plug it in (or make the folder), or correct its path")]
    NotFound {
        /// The configured name of the device.
        device: String,
    },
    /// The device is there, but not for this user.
    #[error("no permission to open {device}: {remedy}")]
    PermissionDenied {
        /// The configured name of the device.
        device: String,
        /// What to do about it.
        remedy: String,
    },
    /// Another program, or another part of this one, has it.
    #[error("{device} is in use by {holder}: stop that program, or configure another scanner")]
    Busy {
        /// The configured name of the device.
        device: String,
        /// Who has it, as far as the system tells.
        holder: String,
    },
    /// The name leads to something else.
    #[error("{device} is not a {kind} device but {found}: correct the path or the kind of the scanner")]
    NotThisKind {
        /// The configured name of the device.
        device: String,
        /// The kind of the factory that was asked.
        kind: &'static str,
        /// What it is instead.
        found: String,
    },
    /// What it gave last cannot be put away, and would be read again. Worded as [`Gone::Failed`], which comes before it, so
    /// that the two are told as one.
    #[error("reading failed: {why}")]
    NotPutAway {
        /// What cannot be put away, why, and what to do about it.
        why: String,
    },
    /// The settings contradict each other.
    #[error("the settings of {device} cannot be used")]
    BadSettings {
        /// The configured name of the device.
        device: String,
        /// Which setting, and how to mend it.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// Anything else.
    #[error("cannot {doing} {device}: unplug it and plug it in again; if that does not help, see the cause")]
    Other {
        /// The configured name of the device.
        device: String,
        /// The step that failed.
        doing: &'static str,
        /// What the system said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

/// The sink's answer to an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Go on reading.
    Continue,
    /// Close the device and return.
    Stop,
}

/// A flag that ends running scanners. Clones share it; it is never cleared.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// A flag that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the flag. Scanners return within about 50 ms.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether the flag is set.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Why a scanner no longer runs.
#[derive(Debug)]
pub enum Gone {
    /// The stop flag or the sink ended it.
    Stopped,
    /// The device was unplugged or its other end closed.
    Unplugged,
    /// Reading failed. On Linux an unplugged device can end this way too, so the answer is the same: open it again.
    Failed(Box<dyn Error + Send + Sync>),
}

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("stopped"),
            Self::Unplugged => f.write_str("unplugged"),
            Self::Failed(error) => write!(f, "reading failed: {error}"),
        }
    }
}
