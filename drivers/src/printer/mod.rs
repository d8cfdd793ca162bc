//! Label printers: how one is reached, asked how it is, and given a job.
//!
//! A [`PrinterFactory`] opens what is configured. A [`Printer`] is an open connection: short-lived, for one job or a few that
//! follow each other, as most printers take one connection at a time. What the bytes of a job mean is not known here; a
//! printer's language matters only for the question how it is.
//!
//! The way of a job is `open`, [`Printer::status`] until [`PrinterStatus::is_ready`], [`Printer::send`], and `status` again
//! until [`PrinterStatus::is_idle`]. A connection that is lost between sending and that last answer leaves it open whether a
//! label came out; nothing here is ever sent a second time by itself.

mod error;
mod status;
mod tcp;
mod zpl;

use std::time::Duration;

pub use error::{PrinterError, SendError};
pub use status::{PrinterFault, PrinterStatus};
pub use tcp::TcpFactory;

/// One way to reach printers.
pub trait PrinterFactory: Send + Sync {
    /// The way, in one lower-case word such as `tcp`.
    fn kind(&self) -> &'static str;

    /// Opens a connection to the printer that `settings` name. `name` is its configured name, for messages.
    ///
    /// # Errors
    /// [`PrinterError::UnknownHost`], [`PrinterError::Refused`] or [`PrinterError::NotReached`], within
    /// [`PrinterSettings::connect_timeout`]; nothing stays open.
    fn open(&self, name: &str, settings: &PrinterSettings) -> Result<Box<dyn Printer>, PrinterError>;
}

/// An open connection to a printer. Every call blocks, at most for the time limits of [`PrinterSettings`]: give it a thread
/// of its own. The connection ends when this is dropped; after [`PrinterError::Lost`] every further call fails.
pub trait Printer: Send {
    /// Asks the printer how it is. Takes at most twice [`PrinterSettings::answer_timeout`].
    ///
    /// An answer to a question after [`Printer::send`] takes that job into account.
    ///
    /// # Errors
    /// [`PrinterError::Silent`], [`PrinterError::NotAPrinter`] or [`PrinterError::Lost`].
    fn status(&mut self) -> Result<PrinterStatus, PrinterError>;

    /// Hands over one job, within [`PrinterSettings::send_timeout`]. Done means that the system has all bytes and will send
    /// them, not that the printer has them: ask its status.
    ///
    /// # Errors
    /// A [`SendError`] that says whether a part of the job may have gone out.
    fn send(&mut self, job: &[u8]) -> Result<(), SendError>;
}

/// How a configured printer is reached and asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrinterSettings {
    /// The way to it.
    pub transport: Transport,
    /// The language of its status.
    pub language: StatusDialect,
    /// Time limit for finding and connecting to it; all addresses of its host together.
    pub connect_timeout: Duration,
    /// Time limit for the answer to one question.
    pub answer_timeout: Duration,
    /// Time limit for handing over one job.
    pub send_timeout: Duration,
}

impl PrinterSettings {
    /// A ZPL printer on the network, with usual time limits: 3 s to connect, 2 s to answer, 20 s for a job.
    pub fn tcp(host: impl Into<String>, port: u16) -> Self {
        Self {
            transport: Transport::Tcp { host: host.into(), port },
            language: StatusDialect::Zpl,
            connect_timeout: Duration::from_secs(3),
            answer_timeout: Duration::from_secs(2),
            send_timeout: Duration::from_secs(20),
        }
    }
}

/// The way to a printer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// A plain TCP connection ("JetDirect", "raw"). Printers usually take one at a time.
    Tcp {
        /// Name or IP address.
        host: String,
        /// Port, 9100 for most.
        port: u16,
    },
}

/// The language of a printer's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusDialect {
    /// `~HS` and `~HQES` of ZPL II.
    Zpl,
}
