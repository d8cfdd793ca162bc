//! Asking the station.

use std::time::{Duration, Instant};

use agent::local::client::Connection;
use agent::local::{Asked, Said, Status};

use super::{LOOK, Line, LineError, Part, Watch, describe};

/// Longest wait for an answer of the station.
const PATIENCE: Duration = Duration::from_secs(30);

impl Line {
    /// How the station is.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn status(&self) -> Result<Status, LineError> {
        let failed = |source| LineError::Station { log: self.log(Part::Station), source };
        let mut connection = Connection::open(&self.socket()).map_err(failed)?;
        connection.wait_at_most(Some(PATIENCE)).map_err(failed)?;
        match connection.ask(&Asked::Status).map_err(failed)? {
            Said::Status(status) => Ok(*status),
            other => Err(LineError::Answer { said: format!("{other:?}"), log: self.log(Part::Station) }),
        }
    }

    /// Every answer that the operator gets from now on.
    ///
    /// # Errors
    /// When the station does not answer.
    pub fn watch(&self) -> Result<Watch, LineError> {
        Connection::open(&self.socket())
            .and_then(Watch::begin)
            .map_err(|source| LineError::Station { log: self.log(Part::Station), source })
    }

    /// Waits until the station's status is as wanted, and tells it. Parts that end meanwhile are an error; parts that were
    /// killed here are not.
    ///
    /// # Errors
    /// [`LineError::NotReached`] with `what` after `limit`.
    pub fn wait_status(
        &mut self,
        limit: Duration,
        what: &str,
        wanted: impl Fn(&Status) -> bool,
    ) -> Result<Status, LineError> {
        let begin = Instant::now();
        loop {
            self.check()?;
            let found = match self.status() {
                Ok(status) if wanted(&status) => return Ok(status),
                Ok(status) => summary(&status),
                Err(error) => describe(&error),
            };
            if begin.elapsed() > limit {
                return Err(self.not_reached(what, limit, found));
            }
            std::thread::sleep(LOOK);
        }
    }

    pub(crate) fn not_reached(&self, what: &str, limit: Duration, found: String) -> LineError {
        LineError::NotReached { what: what.to_owned(), seconds: limit.as_secs(), found, logs: self.folder.clone() }
    }
}

fn summary(status: &Status) -> String {
    let counters = status.counters;
    let mut text = format!(
        "station: {} packed, {} refused, {} undelivered",
        counters.accepted, counters.refused, status.undelivered
    );
    for (name, scanner) in status.notices.scanners.iter().filter(|(_, scanner)| !scanner.ready) {
        text += &format!(", scanner {name}: {}", scanner.why);
    }
    if !status.notices.uplink.trouble.is_empty() {
        text += &format!(", {}", status.notices.uplink.trouble);
    }
    text
}
