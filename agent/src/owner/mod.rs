//! The one thread that decides and commits, for all lanes, in sequence order.
//!
//! What waits is taken as one group: decided one after the other on the state that runs ahead, committed in one
//! transaction, and only then answered. When the commit fails, nothing of the group has happened and all of it is
//! answered red. Nothing slow happens here; who needs a line of the journal asks, since only the owner has it open.

mod bell;
mod facts;
mod item;
mod limits;
mod quota;
mod red;
mod released;
mod request;
mod running;
mod series;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use records::{Hash, PublicKey, Signature};
use tokio::sync::{broadcast, watch};

use crate::clock::Clock;
use crate::interpret::Rules;
use crate::journal::{Ballast, Began, Journal, JournalError, Why};
use crate::settings::Settings;
use crate::station::{Answer, Input, Line, SeriesStart, Start, State, decide};
use running::Running;

pub use bell::Bell;
pub use quota::{QuotaLevel, QuotaNotice};
pub use request::{Ask, Capacity, Mark, Noted, Report, Request, ScanRequest};

/// How long requests may wait before the submitter is held back.
const WAITING: usize = 256;
/// Answers that a watcher may be behind before it is told that it missed some.
const BEHIND: usize = 1024;

/// The owner of the journal and of the station's state.
pub struct Owner {
    /// The journal.
    pub journal: Journal,
    /// The state that the journal holds.
    pub state: State,
    /// What does not change.
    pub line: Line,
    /// What scans mean.
    pub rules: Rules,
    /// Digest of the configuration that decides.
    pub digest: Hash,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The data folder, for the marks.
    pub folder: PathBuf,
    /// What is given up when the disk is full.
    pub ballast: Ballast,
    /// How long records are kept after their receipt.
    pub keep: Duration,
    /// The start, where a full journal did not take it yet.
    pub late_start: Option<Start>,
    /// The station's key.
    pub key: PublicKey,
    /// What a person should know, a sentence each.
    pub alarms: Vec<String>,
}

/// How others reach the owner.
#[derive(Clone)]
pub struct Handle {
    requests: SyncSender<Request>,
    answers: broadcast::Sender<Answer>,
    mark: watch::Receiver<Mark>,
    bell: Bell,
}

/// The owner has ended; the daemon is about to end, too.
#[derive(Debug, thiserror::Error)]
#[error("the station is shutting down")]
pub struct Ended;

impl Handle {
    /// A handle whose requests a test takes.
    #[cfg(test)]
    pub(crate) fn to_a_test() -> (Self, std::sync::mpsc::Receiver<Request>) {
        let (requests, inbox) = sync_channel(WAITING);
        let (answers, _) = broadcast::channel(BEHIND);
        let mark =
            Mark { series: records::FixedBytes([0; 16]), last: 0, head: Hash::ZERO, settled: 0, sscc_mark: None };
        let (_, mark) = watch::channel(mark);
        (Self { requests, answers, mark, bell: Bell::default() }, inbox)
    }

    /// Hands a request over; waits while too many wait already, which holds the scanner back.
    ///
    /// # Errors
    /// When the owner has ended.
    pub fn submit(&self, request: Request) -> Result<(), Ended> {
        self.requests.send(request).map_err(|_| Ended)
    }

    /// Hands a request over from async code, which must not be held up: waits beside the others while the queue is full.
    ///
    /// # Errors
    /// When the owner has ended.
    pub async fn submit_async(&self, mut request: Request) -> Result<(), Ended> {
        loop {
            match self.requests.try_send(request) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Disconnected(_)) => return Err(Ended),
                Err(TrySendError::Full(back)) => request = back,
            }
            // The owner takes up to a group at once; a commit takes about so long.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Asks for something and waits for it, from async code.
    ///
    /// # Errors
    /// When the owner has ended.
    pub async fn ask<T: Send + 'static>(
        &self,
        request: impl FnOnce(tokio::sync::oneshot::Sender<T>) -> Request,
    ) -> Result<T, Ended> {
        let (reply, answer) = tokio::sync::oneshot::channel();
        self.submit_async(request(reply)).await?;
        answer.await.map_err(|_| Ended)
    }

    /// Asks for something and waits for it, from a thread of its own.
    ///
    /// # Errors
    /// When the owner has ended.
    pub fn ask_blocking<T: Send + 'static>(
        &self,
        request: impl FnOnce(tokio::sync::oneshot::Sender<T>) -> Request,
    ) -> Result<T, Ended> {
        let (reply, answer) = tokio::sync::oneshot::channel();
        self.submit(request(reply))?;
        answer.blocking_recv().map_err(|_| Ended)
    }

    /// Looks into the journal, from a thread of its own.
    ///
    /// # Errors
    /// When the owner has ended.
    pub fn look<T: Send + 'static>(&self, look: impl FnOnce(&mut Journal) -> T + Send + 'static) -> Result<T, Ended> {
        self.ask_blocking(|reply| Request::Journal(Box::new(move |journal| drop(reply.send(look(journal))))))
    }

    /// Rings when a label waits for a printer.
    #[must_use]
    pub fn bell(&self) -> Bell {
        self.bell.clone()
    }

    /// Every answer from now on.
    #[must_use]
    pub fn answers(&self) -> broadcast::Receiver<Answer> {
        self.answers.subscribe()
    }

    /// Has everybody taken every answer?
    #[cfg(test)]
    pub fn answers_are_out(&self) -> bool {
        self.answers.is_empty()
    }

    /// Where the journal stands.
    #[must_use]
    pub fn mark(&self) -> watch::Receiver<Mark> {
        self.mark.clone()
    }
}

impl Owner {
    /// The owner of an opened journal, deciding as the configuration says.
    #[must_use]
    pub fn new(settings: &Settings, journal: Journal, state: State, clock: Arc<dyn Clock>) -> Self {
        let printing = &settings.printing;
        let line = Line {
            station: settings.station.clone(),
            series: journal.series(),
            packing: settings.packing.clone(),
            labels: printing.labels.clone(),
            printers: printing.printers.iter().map(|printer| printer.name.clone()).collect(),
            rules: settings.line_rules.clone(),
        };
        Self {
            journal,
            state,
            line,
            rules: settings.rules.clone(),
            digest: settings.digest(),
            clock,
            folder: settings.data.clone(),
            ballast: Ballast::new(&settings.data),
            keep: settings.journal.keep,
            late_start: None,
            key: PublicKey::ZERO,
            alarms: Vec::new(),
        }
    }

    /// Keeps the templates and puts the start of the station on record: record 1 of a new series, then what is carried over
    /// from the series before, then what is new. `endorsed` is the key before and its word for `key`, where it changed.
    ///
    /// # Errors
    /// When the journal does not take it, or is signed with another key: the daemon must not run then.
    pub fn begin(
        &mut self,
        settings: &Settings,
        key: PublicKey,
        endorsed: Option<(PublicKey, Signature)>,
    ) -> Result<(), JournalError> {
        for (digest, template) in &settings.printing.templates {
            if let Err(error) = self.journal.keep_template(digest, template.source()) {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a template could not be kept: its labels cannot be printed again under another configuration"
                );
            }
        }
        if let Some(known) = self.journal.key().filter(|known| *known != key) {
            return Err(JournalError::OtherKey { known });
        }
        self.key = key;
        self.begin_series(endorsed)?;
        let unfinished = self.journal.unfinished_labels()?;
        let (rules, configuration) = (self.digest, settings.deciding.clone());
        self.start(Start { rules, configuration, unfinished })
    }

    /// Puts record 1 of a new series on record, and carries over what waits; nothing where neither is due.
    pub(super) fn begin_series(&mut self, endorsed: Option<(PublicKey, Signature)>) -> Result<(), JournalError> {
        self.line.series = self.journal.series();
        if self.state.last_seq == 0 {
            let Began { why, before, last_before } = self.journal.began();
            let why = why.map(Why::word);
            let start = SeriesStart { key: self.key, before, last_before, why, endorsed };
            self.commit_start(&Input::SeriesBegan(start))?;
        } else if self.journal.key().is_none() {
            self.journal.claim(self.key)?; // written before journals knew their key
        }
        let waiting = self.journal.to_carry()?;
        if waiting > 0 {
            tracing::warn!(records = waiting, "records of the series before are written again in the new one");
        }
        loop {
            match self.journal.carry(&self.line.station, &mut self.state) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                // Once more, with what is kept for receipts: nothing can be delivered before this is done.
                Err(error) if error.is_full() && self.ballast.is_held() => self.ballast.release(),
                Err(error) => return Err(error),
            }
        }
    }

    /// Puts the start of the station on record. On a full disk room is made first: a station that does not start cannot
    /// empty its queue.
    ///
    /// # Errors
    /// When the journal does not take it: the daemon must not run then.
    fn start(&mut self, start: Start) -> Result<(), JournalError> {
        let input = Input::Started(start);
        let result = match self.commit_start(&input) {
            Err(error) if error.is_full() => {
                self.ballast.release_if_disk_is_full();
                self.journal.forget(self.clock.now().wall.as_second(), Duration::ZERO)?;
                self.commit_start(&input)
            }
            other => other,
        };
        if result.is_err() && self.state.last_seq > 0 && result.as_ref().is_err_and(JournalError::is_full) {
            // The queue is what fills the quota: it drains without a record of this start, which comes at the next one.
            tracing::error!(
                "the journal is full: this start goes on record later, scans are refused until the queue has drained"
            );
            if let Input::Started(start) = input {
                self.late_start = Some(start);
            }
            return Ok(());
        }
        result
    }

    fn commit_start(&mut self, input: &Input) -> Result<(), JournalError> {
        let now = self.clock.now();
        let decision = decide(&self.line, &self.state, input, &now);
        if decision.drafts.is_empty() {
            return Ok(());
        }
        let is_first = self.state.last_seq == 0;
        let mut group = self.journal.group()?;
        group.add(&decision, self.digest, &now)?;
        if is_first {
            group.claim(self.key);
        }
        group.commit(&decision.next, decision.next.last_seq)?;
        self.state = decision.next;
        Ok(())
    }

    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn spawn(self) -> std::io::Result<(Handle, std::thread::JoinHandle<()>)> {
        let (requests, inbox) = sync_channel(WAITING);
        let (answers, _) = broadcast::channel(BEHIND);
        let (mark_sender, mark) = watch::channel(self.mark());
        let bell = Bell::default();
        let handle = Handle { requests, answers: answers.clone(), mark, bell: bell.clone() };
        let running = Running::new(self, answers, mark_sender, bell);
        let thread = std::thread::Builder::new().name("owner".to_owned()).spawn(move || running.run(&inbox))?;
        Ok((handle, thread))
    }

    fn mark(&self) -> Mark {
        let position = self.journal.position();
        Mark {
            series: self.journal.series(),
            last: position.last,
            head: position.head,
            settled: self.journal.settled(),
            sscc_mark: (!self.state.sscc_lost).then_some(self.state.sscc_reserved),
        }
    }
}
