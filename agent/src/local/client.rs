//! The asker's side of the command socket.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::protocol::{Asked, Said};

/// The daemon could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens.
    #[error(
        "lotline-station does not run, or not with the socket `{path}`: start it, or name its configuration with --config"
    )]
    NotRunning {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// This user may not ask.
    #[error("this user may not ask the station on `{path}`: add the user to the group of the socket")]
    Forbidden {
        /// The socket.
        path: PathBuf,
    },
    /// The conversation broke.
    #[error("the station ended while it was asked")]
    Broken(#[source] std::io::Error),
    /// The answer makes no sense here.
    #[error("the station's answer cannot be read: daemon and command have different versions, restart the daemon")]
    Unreadable(#[source] serde_json::Error),
}

/// A connection to the daemon.
pub struct Connection {
    reader: BufReader<UnixStream>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens or this user may not ask.
    pub fn open(path: &Path) -> Result<Self, ClientError> {
        let path = path.to_owned();
        match UnixStream::connect(&path) {
            Ok(stream) => Ok(Self { reader: BufReader::new(stream) }),
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Err(ClientError::Forbidden { path }),
            Err(source) => Err(ClientError::NotRunning { path, source }),
        }
    }

    /// How long an answer is waited for; `None` for ever.
    ///
    /// # Errors
    /// When the system refuses the time.
    pub fn wait_at_most(&self, time: Option<Duration>) -> Result<(), ClientError> {
        self.reader.get_ref().set_read_timeout(time).map_err(ClientError::Broken)
    }

    /// Asks and reads the first answer.
    ///
    /// # Errors
    /// When the conversation breaks.
    pub fn ask(&mut self, asked: &Asked) -> Result<Said, ClientError> {
        let mut line = serde_json::to_vec(asked).map_err(ClientError::Unreadable)?;
        line.push(b'\n');
        self.reader.get_mut().write_all(&line).map_err(ClientError::Broken)?;
        self.next()
    }

    /// Reads the next answer, after `watch`.
    ///
    /// # Errors
    /// When the conversation breaks.
    #[allow(clippy::should_implement_trait, reason = "the end is an error here")]
    pub fn next(&mut self) -> Result<Said, ClientError> {
        let mut line = String::new();
        match self.reader.read_line(&mut line) {
            Ok(0) => Err(ClientError::Broken(std::io::ErrorKind::UnexpectedEof.into())),
            Ok(_) => serde_json::from_str(&line).map_err(ClientError::Unreadable),
            Err(error) => Err(ClientError::Broken(error)),
        }
    }
}
