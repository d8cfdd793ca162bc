//! What the station says of itself.

use base::mqtt::Message;
use records::enrolment;
use records::wire::{QueueDepth, Status, Topic, signed};
use tokio::time::Instant;

use super::{PAUSE, Running, STATUS_EVERY, Uplink};
use crate::owner::{Ended, Request};

impl<U: Uplink> Running<U> {
    pub(super) async fn say_status(&mut self) -> Result<(), Ended> {
        if let Some(message) = self.status().await? {
            self.publish(message);
        }
        Ok(())
    }

    /// How the station is now, as a message; the next one is due later.
    pub(super) async fn status(&mut self) -> Result<Option<Message>, Ended> {
        let report = match self.setup.owner.ask(Request::Report).await? {
            Ok(report) => report,
            Err(error) => {
                self.journal_failed("The journal cannot be read", &error);
                self.status_due = Instant::now() + PAUSE;
                return Ok(None);
            }
        };
        self.status_due = Instant::now() + STATUS_EVERY;
        let oldest = report.depth.oldest.map_or(0, |stored| report.now.wall.as_second().saturating_sub(stored));
        let token = self.token.as_deref();
        let status = Status {
            station: self.setup.station.clone(),
            series: report.mark.series,
            last: report.mark.last,
            head: report.mark.head,
            at: report.now,
            sscc_mark: report.mark.sscc_mark,
            queue: QueueDepth {
                records: report.depth.records,
                oldest_seconds: if report.depth.records == 0 { 0 } else { u64::try_from(oldest).unwrap_or(0) },
            },
            version: env!("CARGO_PKG_VERSION").to_owned(),
            set_aside: report.set_aside,
            // Those of the series that is written now.
            not_held: if report.mark.series == self.series { self.not_held.to_vec() } else { Vec::new() },
            asks: self.first_word_due.is_some(),
            token: token.map(|token| enrolment::token_proof(token, &self.setup.station, &self.setup.key.public())),
        };
        self.sscc_said = report.mark.sscc_mark;
        Ok(match signed::seal(&self.setup.key, &status) {
            Ok(payload) => {
                let topic = self.setup.broker.topics.name(Topic::Status(&self.setup.station));
                Some(Message { topic, payload, retain: true })
            }
            Err(error) => {
                tracing::error!(%error, "the status cannot be written");
                None
            }
        })
    }

    /// The one-time token, as its file says it now. Without it the station works, only its key is not enrolled by it.
    pub(super) fn read_token(&mut self) {
        let Some(file) = &self.setup.broker.enrol_token_file else { return };
        self.token = match base::files::read_secret(file) {
            Ok(token) => Some(token),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the enrolment token is not shown to the service"
                );
                None
            }
        };
    }
}
