//! Looks for a service that is away, asks again about what was accepted without it, and fetches what cannot all be true of
//! what this station has packed.

use std::time::Duration;

use base::backoff::{Backoff, random};
use base::describe;
use tokio::sync::watch;

use super::{About, Inner, Lookup, Silent};
use crate::owner::{Ended, Handle, Request};

/// How long the service may take over one of these questions: nobody waits for them.
const PATIENCE: Duration = Duration::from_secs(5);
/// Units that are asked about in one round.
const MOST: usize = 100;
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
        // The unit after which the next round begins, so that some that stay unchecked do not keep others from their turn.
        let mut after = (String::new(), String::new());
        let mut after_container = String::new();
        loop {
            let wait = match self.round(inner, &mut after, &mut after_container).await {
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
    async fn round(
        &self,
        inner: &Inner,
        after: &mut (String, String),
        after_container: &mut String,
    ) -> Result<usize, Cut> {
        let mut contradictions = inner.client.contradictions(&self.station, PATIENCE).await?;
        inner.found();
        contradictions.truncate(MOST_SHOWN);
        inner.board.lookup(|lookup| {
            for new in contradictions.iter().filter(|one| !lookup.contradictions.contains(one)) {
                tracing::error!("ALARM: records contradict each other: {new}");
            }
            lookup.contradictions = contradictions;
        });
        let from = after.clone();
        let units = self
            .owner
            .ask(|reply| {
                Request::Journal(Box::new(move |journal| drop(reply.send(journal.unchecked_after(&from, MOST)))))
            })
            .await?;
        let units = units.unwrap_or_else(|error| {
            tracing::error!(why = describe(&error), "the unchecked units could not be read");
            Vec::new()
        });
        let containers = self.containers(after_container).await?;
        inner.board.lookup(|lookup| lookup.unchecked = units.len() + containers.len());
        *after = if units.len() < MOST { Default::default() } else { units.last().cloned().unwrap_or_default() };
        for (scope, serial) in &units {
            let about = About::Unit { scope: scope.clone(), serial: serial.clone() };
            let told = inner.client.ask(&about, PATIENCE).await?;
            let (scope, serial) = (scope.clone(), serial.clone());
            self.owner.submit_async(Request::Rechecked { scope, serial, told: Box::new(told) }).await?;
        }
        for id in &containers {
            let told = Box::new(inner.client.ask(&About::Container { id: id.clone() }, PATIENCE).await?);
            self.owner.submit_async(Request::RecheckedContainer { id: id.clone(), told }).await?;
        }
        Ok(units.len() + containers.len())
    }

    /// Containers that were accepted without the service, in turn.
    async fn containers(&self, after: &mut String) -> Result<Vec<String>, Cut> {
        let from = after.clone();
        let asked = |reply: tokio::sync::oneshot::Sender<_>| {
            Request::Journal(Box::new(move |journal| {
                drop(reply.send(journal.unchecked_containers_after(&from, MOST)));
            }))
        };
        let found = self.owner.ask(asked).await?.unwrap_or_else(|error| {
            tracing::error!(why = describe(&error), "the unchecked containers could not be read");
            Vec::new()
        });
        *after = if found.len() < MOST { String::new() } else { found.last().cloned().unwrap_or_default() };
        Ok(found)
    }
}
