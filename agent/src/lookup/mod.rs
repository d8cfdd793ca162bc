//! Asks the service about a unit or container before the owner decides on its scan.
//!
//! A service that is not reached is not asked again for each scan: a task looks for it and, once it is back, asks about what
//! was accepted without it.

mod cache;
mod client;
mod kept;
mod read;
mod recheck;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base::describe;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::board::Board;
use crate::clock::{Clock, SystemClock};
use crate::settings::Settings;
use crate::station::{Interlock, Interlocked, LabelCodes, LineRules, Reading, RemoteContainer, RemoteUnit, Service};
use cache::Cache;
use kept::Kept;

pub use client::{Client, Silent};
pub use recheck::Recheck;

/// Most answers that are kept.
const MOST_KEPT: usize = 10_000;

/// What is asked about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum About {
    /// A unit or component.
    Unit {
        /// Its scope, mostly empty.
        scope: String,
        /// Its serial number.
        serial: String,
    },
    /// A package or pallet.
    Container {
        /// Its id.
        id: String,
    },
}

impl About {
    /// What a scan is about, where the service may know it.
    fn of(reading: &Reading) -> Option<Self> {
        match reading {
            Reading::Device { serial, scope, .. } | Reading::Component { serial, scope, .. } => {
                Some(Self::Unit { scope: scope.clone(), serial: serial.clone() })
            }
            Reading::Container { id, .. } => Some(Self::Container { id: id.clone() }),
            _ => None,
        }
    }
}

/// What the service knows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// Of a unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<RemoteUnit>,
    /// Of a container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<RemoteContainer>,
}

/// Looks things up. Clones are the same.
#[derive(Clone)]
pub struct Lookup(Option<Arc<Inner>>);

struct Inner {
    client: Client,
    timeout: Duration,
    lanes: LineRules,
    cache: Mutex<Cache<About, Told>>,
    kept: Mutex<Kept>,
    clock: SystemClock,
    /// It was not reached, and is not asked until the task that looks for it says that it is back.
    away: Mutex<bool>,
    /// Wakes that task.
    look: Notify,
    board: Board,
}

impl Lookup {
    /// Looks things up as the configuration says. Without `[service]` nothing is asked.
    ///
    /// # Errors
    /// When the files for TLS cannot be used, or the system gives no HTTP client.
    pub fn new(settings: &Settings, board: Board) -> Result<Self, base::http::Error> {
        let Some(service) = &settings.service else { return Ok(Self::off()) };
        let clock = SystemClock::new();
        let (kept, known) = Kept::read(&settings.data, &clock.now());
        let mut cache = Cache::new(MOST_KEPT);
        let now = Instant::now();
        known.into_iter().for_each(|(about, told, age)| cache.keep_of_before(about, told, now, age));
        Ok(Self(Some(Arc::new(Inner {
            client: Client::new(service)?,
            timeout: service.timeout,
            lanes: settings.line_rules.clone(),
            cache: Mutex::new(cache),
            kept: Mutex::new(kept),
            clock,
            away: Mutex::new(false),
            look: Notify::new(),
            board,
        }))))
    }

    /// Asks nothing.
    #[must_use]
    pub fn off() -> Self {
        Self(None)
    }

    /// Is the service asked on this lane?
    #[must_use]
    pub fn asks_on(&self, lane: &str) -> bool {
        self.0.as_ref().is_some_and(|inner| inner.lanes.lane(lane).interlock.asked != Interlocked::Off)
    }

    /// What has to be asked for a scan on a lane, and how.
    #[must_use]
    pub fn asks(&self, lane: &str, reading: &Reading) -> Option<(About, Interlock)> {
        let interlock = self.0.as_ref()?.lanes.lane(lane).interlock;
        let about = About::of(reading)?;
        (interlock.asked != Interlocked::Off).then_some((about, interlock))
    }

    /// The codes of a label of which this is one, and how its unit is asked about on the lane.
    #[must_use]
    pub fn codes(&self, lane: &str, reading: &Reading) -> Option<(LabelCodes, Interlock)> {
        let (Reading::Part { set, .. }, lanes) = (reading, &self.0.as_ref()?.lanes) else { return None };
        let interlock = lanes.lane(lane).interlock;
        let codes = lanes.label_codes.get(set).cloned()?;
        (interlock.asked != Interlocked::Off).then_some((codes, interlock))
    }

    /// What the service says, at once or within the time that the lane allows; else what it said before, if that is not too
    /// old.
    pub async fn look_up(&self, about: &About, interlock: &Interlock) -> Service {
        let Some(inner) = &self.0 else { return Service::Off };
        inner.look_up(about, interlock).await
    }

    /// What the service says now, for something that no scan waits for.
    pub async fn look_up_now(&self, about: &About) -> Service {
        let Some(inner) = &self.0 else { return Service::Off };
        match inner.client.ask(about, inner.timeout).await {
            Ok(told) => answer(Duration::ZERO, told),
            Err(error) => {
                inner.missed(&error);
                Service::Unreachable
            }
        }
    }
}

impl Inner {
    /// What the service says, at once or within the time that the lane allows; else what it said before, if that is not too
    /// old.
    async fn look_up(&self, about: &About, interlock: &Interlock) -> Service {
        if !self.is_away() {
            match self.client.ask(about, interlock.timeout).await {
                Ok(told) => {
                    self.cache().keep(about.clone(), told.clone(), Instant::now());
                    let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
                    kept.note(about, &told, self.clock.now());
                    return answer(Duration::ZERO, told);
                }
                Err(error) => {
                    self.missed(&error);
                    self.look.notify_one();
                }
            }
        }
        let kept = self.cache().get(about, Instant::now(), interlock.answer_age);
        kept.map_or(Service::Unreachable, |(age, told)| answer(age, told))
    }

    fn cache(&self) -> MutexGuard<'_, Cache<About, Told>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_away(&self) -> bool {
        *self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_away(&self, away: bool) -> bool {
        std::mem::replace(&mut *self.away.lock().unwrap_or_else(PoisonError::into_inner), away)
    }

    /// The service was not reached: it is not asked for each scan from now on.
    fn missed(&self, error: &Silent) {
        if !self.set_away(true) {
            let why = describe(error);
            tracing::warn!(why, "the service gives no answers");
            self.board.lookup(|lookup| lookup.trouble = format!("{why}: check the network, and [service] url"));
        }
    }

    /// The service was reached.
    fn found(&self) {
        if self.set_away(false) {
            tracing::info!("the service gives answers again");
        }
        self.board.lookup(|lookup| lookup.trouble.clear());
    }
}

fn answer(age: Duration, told: Told) -> Service {
    let age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
    Service::Answer { age_ms, unit: told.unit, container: told.container }
}
