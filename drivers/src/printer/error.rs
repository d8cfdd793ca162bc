//! What can go wrong between a station and its printer.

use std::io;

/// A printer cannot be used. Each message says what to do next. `printer` is its configured name and address.
#[derive(Debug, thiserror::Error)]
pub enum PrinterError {
    /// Its host has no address.
    #[error("the host of printer {printer} is not known: correct its name, or write its IP address")]
    UnknownHost {
        /// Configured name and address.
        printer: String,
        /// What the system said.
        source: io::Error,
    },
    /// The host is there and takes no connection at this port.
    #[error(
        "printer {printer} refuses the connection: correct the port (9100 for most), switch on its raw port, or close \
         the connection that another program has to it"
    )]
    Refused {
        /// Configured name and address.
        printer: String,
        /// What the system said.
        source: io::Error,
    },
    /// No way to it.
    #[error("printer {printer} cannot be reached: switch it on, look at its network cable, or correct its address")]
    NotReached {
        /// Configured name and address.
        printer: String,
        /// What the system said.
        source: io::Error,
    },
    /// It leaves questions unanswered, as ZPL printers do while media or ribbon are out or the head is open.
    #[error(
        "printer {printer} does not say how it is: look for labels or ribbon used up and for an open print head; if all is \
         well, another program has a connection to it, or it is another kind of device"
    )]
    Silent {
        /// Configured name and address.
        printer: String,
    },
    /// What answers does not speak the configured language.
    #[error(
        "what answers as printer {printer} is no printer of this language, it says \"{found}\": correct its address"
    )]
    NotAPrinter {
        /// Configured name and address.
        printer: String,
        /// The beginning of what it said, escaped, at most 100 characters.
        found: String,
    },
    /// It takes no more data.
    #[error("printer {printer} takes no more data: look whether it is paused, or what stops it")]
    Stalled {
        /// Configured name and address.
        printer: String,
    },
    /// The connection has a question open whose answer could be mistaken for a later one.
    #[error("printer {printer} left a question unanswered on this connection: open a new one before sending a job")]
    Unanswered {
        /// Configured name and address.
        printer: String,
    },
    /// The connection ended.
    #[error("the connection to printer {printer} was lost: look whether it is switched on, and at its network cable")]
    Lost {
        /// Configured name and address.
        printer: String,
        /// What the system said.
        source: io::Error,
    },
}

/// A job was not handed over, or only in part.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// No byte of it went out: it may be sent again.
    #[error("nothing of the job was sent")]
    Nothing(#[source] PrinterError),
    /// Some of it may have gone out. Whether a label came out is for a person to see.
    #[error("up to {most} of {length} bytes of the job were sent: look whether a label came out")]
    Partly {
        /// How many bytes may have gone out.
        most: usize,
        /// Bytes of the job.
        length: usize,
        /// Why not all.
        source: PrinterError,
    },
}

impl SendError {
    /// Is it certain that no byte of the job went out?
    pub fn nothing_sent(&self) -> bool {
        matches!(self, Self::Nothing(_))
    }
}
