//! What the service has stored.

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;

use super::http::Failed;
use super::{Line, LineError, Part};

/// Longest wait for the answers of the service to stop changing.
const LOOK: Duration = Duration::from_millis(50);

/// What the service says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Health {
    /// `ok`, or `degraded` without the broker.
    pub status: String,
    /// Devices stored.
    pub devices: u64,
    /// Packages stored, open ones as well.
    pub packages: u64,
    /// Pallets stored, open ones as well.
    pub pallets: u64,
    /// `connected` or `disconnected`: the broker.
    pub mqtt: String,
    /// Records stored.
    pub position: u64,
}

impl Line {
    /// What the service answers to `GET path`, which begins with a slash.
    ///
    /// # Errors
    /// When it does not answer with 2xx and JSON.
    pub fn get(&self, path: &str) -> Result<Value, LineError> {
        let url = format!("{}{path}", self.http());
        self.http.json(&url).map_err(|failed| match failed {
            Failed::Request(source) => LineError::Service { url, log: self.log(Part::Service), source },
            Failed::Ended => LineError::System(std::io::ErrorKind::BrokenPipe.into()),
        })
    }

    /// What the service says of itself.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn health(&self) -> Result<Health, LineError> {
        let answer = self.get("/healthz")?;
        serde_json::from_value(answer).map_err(|error| LineError::System(error.into()))
    }

    /// Has the service stored the station's series up to this sequence, without holes?
    ///
    /// # Errors
    /// When it does not answer.
    pub fn is_stored(&self, series: &str, last: u64) -> Result<bool, LineError> {
        let answer = self.get("/v1/stations")?;
        let known = answer["stations"].as_array().into_iter().flatten();
        let mut ours = known.filter(|station| station["series"] == series);
        Ok(ours.any(|ours| ours["upTo"].as_u64() >= Some(last) && ours["holes"].as_array().is_none_or(Vec::is_empty)))
    }

    /// Waits until nothing is undelivered, and what the service says of the series agrees with the receipts and does not
    /// change any more. Tells what it has stored.
    ///
    /// # Errors
    /// [`LineError::NotReached`] after `limit`.
    pub fn wait_stored(&mut self, limit: Duration) -> Result<Health, LineError> {
        let begin = Instant::now();
        let left = || limit.saturating_sub(begin.elapsed());
        loop {
            let status = self.wait_status(left(), "an empty queue", |status| status.undelivered == 0)?;
            let before = self.health()?;
            std::thread::sleep(LOOK);
            let stored = self.is_stored(&status.series.to_string(), status.last)?;
            let health = self.health()?;
            if stored && health == before && self.status()?.last == status.last {
                return Ok(health);
            }
            if left().is_zero() {
                let found =
                    format!("stored up to {}: {stored}, {} records at the service", status.last, health.position);
                return Err(self.not_reached("a service that has stored everything", limit, found));
            }
        }
    }
}
