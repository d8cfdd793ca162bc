//! Looks for a service that is away, asks again about what was accepted without it, and fetches what cannot all be true of
//! what this station has packed.

use std::time::Duration;

use base::backoff::{Backoff, random};
use base::describe;
use tokio::sync::watch;

use super::{Inner, Lookup, Silent};
use crate::owner::{Ended, Handle};

/// How long the service may take over one of these questions: nobody waits for them.
const PATIENCE: Duration = Duration::from_secs(5);
/// From one round to the next: while units are unchecked, and else.
const SOON: Duration = Duration::from_secs(2);
const LATER: Duration = Duration::from_secs(10);
/// How often a service that is away is looked for: first, and at the longest.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(15);
/// Most contradictions that are shown.
const MOST_SHOWN: usize = 100;

/// The task.
pub struct Recheck {
    /// How it asks.
    pub lookup: Lookup,
    /// Who decides what the answers mean.
    pub owner: Handle,
    /// The station's name.
    pub station: String,
}

/// Why a round ended early.
enum Cut {
    Silent(Silent),
    Ended,
}

impl From<Silent> for Cut {
    fn from(silent: Silent) -> Self {
        Self::Silent(silent)
    }
}

impl From<Ended> for Cut {
    fn from(_: Ended) -> Self {
        Self::Ended
    }
}

impl Recheck {
    /// Runs until `stop` says so or the owner has ended. Ends at once where nothing is to be looked up.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let Some(inner) = &self.lookup.0 else { return };
        let mut backoff = Backoff::new(FIRST, LONGEST);
        loop {
            let wait = match self.round(inner).await {
                Ok(0) => {
                    backoff.reset();
                    LATER
                }
                Ok(_) => {
                    backoff.reset();
                    SOON
                }
                Err(Cut::Silent(error)) => {
                    tracing::debug!(why = describe(&error), "the service was not reached");
                    inner.missed(&error);
                    backoff.next_wait(random())
                }
                Err(Cut::Ended) => return,
            };
            tokio::select! {
                stopped = stop.wait_for(|stop| *stop) => {
                    drop(stopped);
                    return;
                }
                () = tokio::time::sleep(wait) => {}
                // A scan has found the service away: the first look comes soon.
                () = async {
                    inner.look.notified().await;
                    tokio::time::sleep(FIRST).await;
                } => {}
            }
        }
    }

    /// Asks about everything once, up to a limit. Tells how many units are unchecked.
    async fn round(&self, inner: &Inner) -> Result<usize, Cut> {
        let mut contradictions = inner.client.contradictions(&self.station, PATIENCE).await?;
        inner.found();
        contradictions.truncate(MOST_SHOWN);
        inner.board.lookup(|lookup| {
            for new in contradictions.iter().filter(|one| !lookup.contradictions.contains(one)) {
                tracing::error!("ALARM: records contradict each other: {new}");
            }
            lookup.contradictions = contradictions;
        });
        Ok(0)
    }
}
