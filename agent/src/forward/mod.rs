//! The way to the service: sends segments until their receipts have come, says how the station is, takes work orders.

mod holds;
mod incoming;
mod sender;

use std::sync::Arc;
use std::time::Duration;

use base::mqtt::{self, Client, Event, Message, PublishError};
use records::wire::{Online, QueueDepth, Status, Topic, Topics, signed};
use records::{PublicKey, SeriesId, SigningKey, segment};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::board::Board;
use crate::journal::{JournalError, Queued};
use crate::owner::{Ended, Handle, Mark, Request};
use crate::settings::Broker;
use base::describe;
use holds::HoldsReader;
use sender::{Sender, Step};

/// A status is said at each change, at most once in so long.
const STATUS_AFTER: Duration = Duration::from_secs(1);
/// And without a change after so long.
const STATUS_EVERY: Duration = Duration::from_secs(60);
/// After a fault of the journal it is tried again after so long.
const PAUSE: Duration = Duration::from_secs(1);
/// Most lines and bytes of a segment. Small enough that a slow link gives a receipt now and then.
const SEGMENT_LINES: usize = 128;
const SEGMENT_BYTES: usize = 64 << 10;

/// What the forwarder needs.
pub struct Forwarder {
    /// The station's name.
    pub station: String,
    /// Its series.
    pub series: SeriesId,
    /// Its key.
    pub key: Arc<SigningKey>,
    /// The lanes whose work orders it takes.
    pub lanes: Vec<String>,
    /// The broker.
    pub broker: Broker,
    /// The password, where the broker asks for one.
    pub password: Option<String>,
    /// The service's key that the journal holds, if it was seen before.
    pub trusted: Option<PublicKey>,
    /// The owner of the journal.
    pub owner: Handle,
    /// Where the state of the uplink is shown.
    pub board: Board,
    /// Wakes the forwarder to try everything again now.
    pub retry: Arc<Notify>,
}

impl Forwarder {
    /// Forwards until `stop` turns true, then says good-bye to the broker.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let (client, events) = mqtt::start(self.session());
        let mut running = Running::new(self, client.clone());
        tokio::select! {
            _ = running.go_on(events) => {} // the owner has ended
            _ = stop.wait_for(|stop| *stop) => {}
        }
        running.say_good_bye().await;
        client.close().await;
    }

    fn session(&self) -> mqtt::Settings {
        let topics = &self.broker.topics;
        let mut session =
            mqtt::Settings::new(&self.broker.host, self.broker.port, format!("lotline-station-{}", self.station));
        session.username.clone_from(&self.broker.username);
        session.password.clone_from(&self.password);
        (session.backoff_min, session.backoff_max) = self.broker.reconnect;
        session.last_will = Some(self.online(false));
        session.subscriptions = vec![topics.name(Topic::Receipts(&self.station)), topics.name(Topic::Service)];
        session.subscriptions.push(topics.name(Topic::Holds(&self.station)));
        session.max_packet = holds::MOST_BYTES;
        let lanes = self.lanes.iter().map(|lane| topics.name(Topic::WorkOrder(&self.station, lane)));
        session.subscriptions.extend(lanes);
        session
    }

    fn online(&self, online: bool) -> Message {
        // Two words of JSON: the writer has nothing to refuse.
        let payload = serde_json::to_vec(&Online { online }).unwrap_or_default();
        Message { topic: self.broker.topics.name(Topic::Online(&self.station)), payload, retain: true }
    }
}

/// A segment came back from the client: its first sequence, and how it went.
type Sent = (u64, Result<mqtt::Delivered, PublishError>);

struct Running {
    setup: Forwarder,
    client: Client,
    sender: Sender,
    mark: watch::Receiver<Mark>,
    on_the_way: JoinSet<Sent>,
    begin: Instant,
    status_due: Instant,
    status_said: Option<Mark>,
    trusted: Option<PublicKey>,
    service_instance: Option<SeriesId>,
    /// The service holds other records under this station's identities: that does not pass by itself.
    forked: bool,
    holds: HoldsReader,
    /// The journal could not be read: not tried again before this time.
    paused_until: Option<Instant>,
}

impl Running {
    fn new(setup: Forwarder, client: Client) -> Self {
        let mark = setup.owner.mark();
        let Mark { last, settled, .. } = *mark.borrow();
        let sender = Sender::new(last, settled, setup.broker.receipt_timeout);
        let (begin, trusted) = (Instant::now(), setup.trusted);
        Self {
            setup,
            client,
            sender,
            mark,
            on_the_way: JoinSet::new(),
            begin,
            status_due: begin,
            status_said: None,
            trusted,
            service_instance: None,
            forked: false,
            holds: HoldsReader::default(),
            paused_until: None,
        }
    }

    fn now(&self) -> Duration {
        self.begin.elapsed()
    }

    async fn go_on(&mut self, mut events: mpsc::Receiver<Event>) -> Result<(), Ended> {
        loop {
            let wait = self.send_what_is_due().await?;
            let receipt_due = wait.map(|due| self.begin + due);
            let retry = self.setup.retry.clone();
            tokio::select! {
                event = events.recv() => match event {
                    Some(event) => self.event(event).await?,
                    None => return Ok(()),
                },
                changed = self.mark.changed() => {
                    changed.map_err(|_| Ended)?;
                    let Mark { last, settled, .. } = *self.mark.borrow_and_update();
                    self.sender.journal(last, settled, self.now());
                    self.status_due = self.status_due.min(Instant::now() + STATUS_AFTER);
                }
                Some(sent) = self.on_the_way.join_next() => self.came_back(sent),
                () = sleep_until(receipt_due) => self.show_silence(),
                () = tokio::time::sleep_until(self.status_due), if self.client.is_connected() => self.say_status().await?,
                () = retry.notified() => self.sender.start_again(self.now()),
            }
        }
    }

    async fn event(&mut self, event: Event) -> Result<(), Ended> {
        match event {
            Event::Connected { .. } => {
                tracing::info!(host = %self.setup.broker.host, port = self.setup.broker.port, "connected to the broker");
                let forked = self.forked;
                self.setup.board.uplink(|uplink| {
                    uplink.connected = true;
                    if !forked {
                        uplink.trouble.clear();
                    }
                });
                self.on_the_way = JoinSet::new();
                self.sender.connected(self.now());
                self.publish(self.setup.online(true));
                self.status_said = None;
                self.say_status().await?;
            }
            Event::Disconnected { reason } => {
                self.sender.disconnected();
                self.setup.board.uplink(|uplink| {
                    uplink.connected = false;
                    uplink.trouble.clone_from(&reason);
                });
            }
            Event::Message(message, ack) => {
                self.incoming(&message).await?;
                ack.send();
            }
        }
        Ok(())
    }

    /// Sends until the window is full or nothing is due; tells when to look again.
    async fn send_what_is_due(&mut self) -> Result<Option<Duration>, Ended> {
        if let Some(until) = self.paused_until.filter(|until| *until > Instant::now()) {
            return Ok(Some(until - self.begin));
        }
        loop {
            let (first, last, again) = match self.sender.step(self.now()) {
                Step::Wait(due) => return Ok(due),
                Step::Send(first) => (first, u64::MAX, false),
                Step::Again(first, last) => (first, last, true),
            };
            let most = usize::try_from(last - first).unwrap_or(usize::MAX).saturating_add(1).min(SEGMENT_LINES);
            let ask = move |reply| Request::Queued { first, most, bytes: SEGMENT_BYTES, reply };
            match self.setup.owner.ask(ask).await? {
                Ok(Some(run)) if run.first <= last => {
                    let sent = (run.first, run.first + run.lines.len() as u64 - 1);
                    self.send(run);
                    if again { self.sender.sent_again(sent.0, sent.1) } else { self.sender.sent(sent.0, sent.1) }
                }
                Ok(_) if again => {
                    tracing::error!(first, last, "the service asks for records that are not held here any more");
                    self.sender.not_held(last);
                }
                Ok(_) => self.sender.nothing_there(),
                Err(error) => {
                    self.journal_failed("The queue cannot be read", &error);
                    return Ok(Some(self.now() + PAUSE));
                }
            }
        }
    }

    /// The journal has a fault; forwarding goes on when it has none any more.
    fn journal_failed(&mut self, what: &str, error: &JournalError) {
        tracing::error!(error = error as &dyn std::error::Error, "{what}");
        let trouble = format!("{what}: {}. It is tried again.", describe(error));
        self.setup.board.uplink(|uplink| uplink.trouble = trouble);
        self.paused_until = Some(Instant::now() + PAUSE);
    }

    fn send(&mut self, run: Queued) {
        let Forwarder { station, series, key, broker, .. } = &self.setup;
        let payload = segment::seal(key, station, *series, run.first, run.prev, &run.lines);
        let topic = broker.topics.name(Topic::Records(station));
        let client = self.client.clone();
        self.on_the_way
            .spawn(async move { (run.first, client.publish(Message { topic, payload, retain: false }).await) });
    }

    fn came_back(&mut self, sent: Result<Sent, tokio::task::JoinError>) {
        let Ok((first, result)) = sent else { return };
        match result {
            Ok(_) => self.sender.at_broker(first, self.now()),
            // Without a session the sender waits for the next one, which puts everything back.
            Err(PublishError::NotConnected | PublishError::SessionLost | PublishError::TimedOut(_)) => {
                self.sender.disconnected();
            }
            Err(error) => {
                // Kept, and tried again when the wait for receipts is over.
                self.sender.at_broker(first, self.now());
                let trouble = format!("The broker does not take records: {error}. Check its access rules and limits.");
                tracing::error!(first, error = &error as &dyn std::error::Error, "the broker does not take records");
                self.setup.board.uplink(|uplink| uplink.trouble = trouble);
            }
        }
    }

    fn show_silence(&self) {
        let timeout = self.setup.broker.receipt_timeout;
        if self.sender.silence(self.now()).is_some_and(|silence| silence >= timeout) {
            let trouble = "The broker is reached, but the service sends no receipts: check that lotline-manufacturing runs and uses the same broker and prefix.";
            self.setup.board.uplink(|uplink| {
                if uplink.trouble.is_empty() {
                    tracing::warn!("{trouble}");
                }
                uplink.trouble = trouble.to_owned();
            });
        }
    }

    /// Publishes what is not waited for: it is said again when it changes.
    fn publish(&self, message: Message) {
        let client = self.client.clone();
        tokio::spawn(async move {
            let topic = message.topic.clone();
            if let Err(error) = client.publish(message).await {
                tracing::debug!(topic, %error, "not published");
            }
        });
    }

    async fn say_status(&mut self) -> Result<(), Ended> {
        let report = match self.setup.owner.ask(Request::Report).await? {
            Ok(report) => report,
            Err(error) => {
                self.journal_failed("The journal cannot be read", &error);
                self.status_due = Instant::now() + PAUSE;
                return Ok(());
            }
        };
        self.status_due = Instant::now() + STATUS_EVERY;
        self.status_said = Some(report.mark);
        let oldest = report.depth.oldest.map_or(0, |stored| report.now.wall.as_second().saturating_sub(stored));
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
            not_held: Vec::new(),
            token: None,
        };
        match signed::seal(&self.setup.key, &status) {
            Ok(payload) => {
                let topic = self.setup.broker.topics.name(Topic::Status(&self.setup.station));
                self.publish(Message { topic, payload, retain: true });
            }
            Err(error) => tracing::error!(%error, "the status cannot be written"),
        }
        Ok(())
    }

    async fn say_good_bye(&mut self) {
        if self.client.is_connected() {
            // The last status and the end are worth a short wait, not a long one.
            let good_bye = async {
                drop(self.client.publish(self.setup.online(false)).await);
            };
            drop(tokio::time::timeout(Duration::from_secs(2), good_bye).await);
        }
    }

    fn topics(&self) -> &Topics {
        &self.setup.broker.topics
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
