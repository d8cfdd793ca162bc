//! Why a line does not start or go on.

use std::path::PathBuf;

use crate::sim::{PictureError, ScannerError, ZplPrinterError};

use super::Part;

/// The line does not start, or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// The program that the parts are started from is not there.
    #[error("there is no program `lotline-demo` beside `{near}`: build it with `cargo build -p demo`, or name it")]
    NoProgram {
        /// Where it was looked for.
        near: PathBuf,
    },
    /// A folder or file of the data folder.
    #[error("cannot {action} `{path}`: choose another folder with --data, or make this one writable")]
    File {
        /// What could not be done.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Another line runs in the folder.
    #[error("another lotline-demo uses the folder `{0}`: end that one first, or choose another folder with --data")]
    FolderInUse(PathBuf),
    /// A path that cannot hold a socket, or cannot be written into the configuration.
    #[error("the folder `{0}` cannot be used: choose one with --data whose path is UTF-8 and has at most 80 bytes")]
    FolderName(PathBuf),
    /// No port is free.
    #[error("no port is free on this computer: end programs that listen on very many ports")]
    NoPort(#[source] std::io::Error),
    /// A thread, timer or signal of this process.
    #[error("the demo cannot work on this computer")]
    System(#[source] std::io::Error),
    /// The simulated printer.
    #[error(transparent)]
    Printer(#[from] ZplPrinterError),
    /// A picture for the camera.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// A part cannot be started or ended.
    #[error("cannot {doing} the {part}")]
    Process {
        /// What could not be done.
        doing: &'static str,
        /// The part.
        part: Part,
        /// What the system says.
        source: std::io::Error,
    },
    /// A part ended by itself.
    #[error("the {part} has ended by itself ({status}): see its log `{log}`{last}")]
    Died {
        /// The part.
        part: Part,
        /// How it ended.
        status: std::process::ExitStatus,
        /// Its log.
        log: PathBuf,
        /// The last line of the log, introduced; empty where there is none.
        last: String,
    },
    /// A part runs, but is not ready in time.
    #[error("{what} is not reached within {seconds} s ({found}): see the logs in `{logs}`")]
    NotReached {
        /// What was waited for.
        what: String,
        /// How long.
        seconds: u64,
        /// What was found last.
        found: String,
        /// Where the logs are.
        logs: PathBuf,
    },
    /// The simulated scanner.
    #[error(transparent)]
    Scanner(#[from] ScannerError),
    /// The station cannot be asked.
    #[error("the station does not answer: see its log `{log}`")]
    Station {
        /// Its log.
        log: PathBuf,
        /// What went wrong.
        source: agent::local::client::ClientError,
    },
    /// The station answered something else.
    #[error("the station answered what was not asked ({said}): see its log `{log}`")]
    Answer {
        /// What it said.
        said: String,
        /// Its log.
        log: PathBuf,
    },
    /// The service cannot be asked.
    #[error("the service does not answer at {url}: see its log `{log}`")]
    Service {
        /// The address that was asked.
        url: String,
        /// Its log.
        log: PathBuf,
        /// What went wrong.
        source: reqwest::Error,
    },
}
