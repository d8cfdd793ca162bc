//! `GET /events`: what the operator is told, as it is told, and how the station is.
//!
//! Server-sent events: `status` and `recent` at once, then an `answer` for each answer, a `status` after each change and every
//! two seconds, and `missed` where answers came faster than they were read.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use serde::Serialize;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, broadcast, watch};

use super::App;
use super::problem::Problem;
use crate::station::Answer;

/// Most screens that watch.
pub(super) const MOST_WATCHERS: usize = 16;
/// Answers that a screen may be behind.
const BEHIND: usize = 256;
/// Answers that a screen gets when it begins.
const RECENT: usize = 8;
/// A status is not sent more often.
const AT_MOST: Duration = Duration::from_millis(200);
/// A status is sent so often at least: a scanner may have been unplugged.
const AT_LEAST: Duration = Duration::from_secs(2);

/// Hands what the station says to all screens.
pub(super) struct Hub {
    recent: Mutex<VecDeque<Arc<Told>>>,
    told: broadcast::Sender<Heard>,
    status: watch::Sender<String>,
    joined: Notify,
    places: Arc<Semaphore>,
}

/// An answer and when it was given.
struct Told {
    answer: Answer,
    at: Instant,
}

/// An answer, or how many could not be handed on.
type Heard = Result<Arc<Told>, u64>;

/// An answer of a while ago.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Recent<'t> {
    age_ms: u128,
    answer: &'t Answer,
}

impl Hub {
    pub(super) fn new() -> Self {
        Self {
            recent: Mutex::default(),
            told: broadcast::Sender::new(BEHIND),
            status: watch::Sender::default(),
            joined: Notify::new(),
            places: Arc::new(Semaphore::new(MOST_WATCHERS)),
        }
    }

    fn recent(&self) -> MutexGuard<'_, VecDeque<Arc<Told>>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands on every answer, until the station ends.
    pub(super) async fn tell(&self, app: &App) {
        let mut answers = app.server.owner.answers();
        loop {
            match answers.recv().await {
                Ok(answer) => {
                    let told = Arc::new(Told { answer, at: Instant::now() });
                    let mut recent = self.recent();
                    if recent.len() == RECENT {
                        recent.pop_front();
                    }
                    recent.push_back(told.clone());
                    // Under the same lock, so that who joins gets each answer once. Nobody may be watching.
                    drop(self.told.send(Ok(told)));
                }
                Err(broadcast::error::RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "answers came faster than they could be handed to the screens");
                    drop(self.told.send(Err(missed)));
                }
                Err(broadcast::error::RecvError::Closed) => return,
            }
        }
    }

    /// Asks for the status while somebody watches, until the station ends.
    pub(super) async fn look(&self, app: &App) {
        // Not the owner's own answers: it waits until they are taken, and here they may lie while nobody watches.
        let (mut told, mut mark) = (self.told.subscribe(), app.server.owner.mark());
        loop {
            while self.status.receiver_count() == 0 {
                self.joined.notified().await;
            }
            match app.status().await.ok().and_then(|status| serde_json::to_string(&status).ok()) {
                Some(status) => drop(self.status.send_replace(status)),
                None => tracing::warn!("the status could not be read for the screens"),
            }
            tokio::time::sleep(AT_MOST).await;
            tokio::select! {
                changed = mark.changed() => if changed.is_err() { return },
                _ = told.recv() => told = told.resubscribe(),
                () = tokio::time::sleep(AT_LEAST - AT_MOST) => {}
            }
        }
    }

    /// Everything from now on, and what came just before.
    fn join(&self) -> (broadcast::Receiver<Heard>, watch::Receiver<String>, Event) {
        let recent = self.recent();
        let told = self.told.subscribe();
        let event = recent_event(&recent);
        drop(recent);
        let status = self.status.subscribe();
        self.joined.notify_one();
        (told, status, event)
    }
}

/// A screen.
struct Watcher {
    app: Arc<App>,
    told: broadcast::Receiver<Heard>,
    status: watch::Receiver<String>,
    pending: VecDeque<Event>,
    _place: OwnedSemaphorePermit,
}

impl Watcher {
    /// The next event; `None` when the station has ended. An answer goes before a status.
    async fn next(&mut self) -> Option<Event> {
        if let Some(event) = self.pending.pop_front() {
            return Some(event);
        }
        tokio::select! {
            biased;
            told = self.told.recv() => match told {
                Ok(Ok(told)) => Some(event("answer", &told.answer)),
                Ok(Err(missed)) | Err(broadcast::error::RecvError::Lagged(missed)) => {
                    self.catch_up().await;
                    Some(event("missed", &missed))
                }
                Err(broadcast::error::RecvError::Closed) => None,
            },
            changed = self.status.changed() => {
                changed.ok()?;
                Some(Event::default().event("status").data(self.status.borrow_and_update().as_str()))
            }
        }
    }

    async fn catch_up(&mut self) {
        let (told, status, recent) = self.app.hub.join();
        (self.told, self.status) = (told, status);
        if let Ok(status) = self.app.status().await {
            self.pending.push_back(event("status", &status));
        }
        self.pending.push_back(recent);
    }
}

/// `GET /events`.
pub(super) async fn events(
    State(app): State<Arc<App>>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let Ok(place) = app.hub.places.clone().try_acquire_owned() else {
        let message = format!("{MOST_WATCHERS} screens watch this station already");
        let help = "close the page on another screen, then try again";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "tooManyScreens", message, help));
    };
    let (told, status, recent) = app.hub.join();
    let pending = [event("status", &app.status().await?), recent].into();
    let watcher = Watcher { app, told, status, pending, _place: place };
    let stream = futures_util::stream::unfold(watcher, |mut watcher| async {
        let event = watcher.next().await?;
        Some((Ok(event), watcher))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(5))))
}

fn recent_event(recent: &VecDeque<Arc<Told>>) -> Event {
    let recent = recent.iter().map(|told| Recent { age_ms: told.at.elapsed().as_millis(), answer: &told.answer });
    event("recent", &recent.collect::<Vec<_>>())
}

fn event(name: &str, value: &impl Serialize) -> Event {
    // What the station says always has a form in JSON.
    Event::default().event(name).data(serde_json::to_string(value).unwrap_or_default())
}
