//! The way to the service: sends segments until their receipts have come, says how the station is, takes work orders.

mod alarms;
mod fake;
mod holds;
mod incoming;
mod outgoing;
mod refusal;
mod retry;
mod runs;
pub mod sender;
mod status;
#[cfg(test)]
mod tests;
mod uplink;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use base::mqtt::{self, Event, Message, PublishError};
use records::wire::{Online, Topic, Topics};
use records::{PublicKey, SeriesId, SigningKey};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::board::Board;
use crate::first_word::FirstWord;
use crate::owner::{Ended, Handle, Mark};
use crate::settings::{Broker, Confirm};
use alarms::{Alarm, Alarms};
use holds::HoldsReader;
use runs::Runs;
use sender::{Pace, Sender};

pub use fake::{FakeUplink, Reply};
pub use uplink::Uplink;

/// A status is said at each change, at most once in so long.
const STATUS_AFTER: Duration = Duration::from_secs(1);
/// And without a change after so long.
const STATUS_EVERY: Duration = Duration::from_secs(60);
/// How long after the start a connection is waited for before units are packed, and how long from then on the service.
const CONNECTION_WITHIN: Duration = Duration::from_secs(2);
const FIRST_WORD_WITHIN: Duration = Duration::from_secs(3);
/// After a fault of the journal it is tried again after so long.
const PAUSE: Duration = Duration::from_secs(1);
/// So many records are with the broker without a receipt at most: 16 segments, where Mosquitto queues 1,000 messages for
/// the service unless it is told otherwise (`max_queued_messages`).
const AHEAD: u64 = 2048;
/// Most lines and bytes of a segment. Small enough that a slow link gives a receipt now and then.
const SEGMENT_LINES: usize = 128;
const SEGMENT_BYTES: usize = 64 << 10;

/// What the forwarder needs.
pub struct Forwarder {
    /// The station's name.
    pub station: String,
    /// Its key.
    pub key: Arc<SigningKey>,
    /// The lanes whose work orders it takes.
    pub lanes: Vec<String>,
    /// The broker.
    pub broker: Broker,
    /// The service's key that the journal holds, if it was seen before.
    pub trusted: Option<PublicKey>,
    /// The owner of the journal.
    pub owner: Handle,
    /// Given when the service has answered the first status, or when it is clear that it will not soon.
    pub first_word: FirstWord,
    /// Where the state of the uplink is shown.
    pub board: Board,
    /// Wakes the forwarder to try everything again now.
    pub retry: Arc<Notify>,
}

impl Forwarder {
    /// Forwards over MQTT until `stop` turns true, then says good-bye to the broker.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let (client, events) = mqtt::start(self.session());
        self.run_over(client, events, stop).await;
    }

    /// Forwards over a session until `stop` turns true, then says good-bye and closes it.
    pub async fn run_over<U: Uplink>(self, uplink: U, events: mpsc::Receiver<Event>, mut stop: watch::Receiver<bool>) {
        let mut running = Running::new(self, uplink.clone());
        tokio::select! {
            _ = running.go_on(events) => {} // the owner has ended
            _ = stop.wait_for(|stop| *stop) => {}
        }
        running.say_good_bye().await;
        uplink.close().await;
    }

    fn session(&self) -> mqtt::Settings {
        let topics = &self.broker.topics;
        let mut session = self.broker.access.session(self.client_id());
        (session.backoff_min, session.backoff_max) = self.broker.reconnect;
        session.ack_timeout = self.broker.ack_timeout;
        session.last_will = Some(self.online(false));
        session.subscriptions = vec![topics.name(Topic::Receipts(&self.station)), topics.name(Topic::Service)];
        session.subscriptions.push(topics.name(Topic::Holds(&self.station)));
        session.max_packet = holds::MOST_BYTES;
        let lanes = self.lanes.iter().map(|lane| topics.name(Topic::WorkOrder(&self.station, lane)));
        session.subscriptions.extend(lanes);
        session
    }

    /// The same at each start on this machine, and another one for a copy of it once the copy has its own series: two
    /// clients with one name would push each other out for ever.
    fn client_id(&self) -> String {
        let series = self.owner.mark().borrow().series.to_string();
        format!("lotline-station-{}-{}", self.station, series.get(..8).unwrap_or(&series))
    }

    fn online(&self, online: bool) -> Message {
        // Two words of JSON: the writer has nothing to refuse.
        let payload = serde_json::to_vec(&Online { online }).unwrap_or_default();
        Message { topic: self.broker.topics.name(Topic::Online(&self.station)), payload, retain: true }
    }
}

/// A segment came back from the client: its first sequence, and how it went.
type Sent = (u64, Result<mqtt::Delivered, PublishError>);

struct Running<U> {
    setup: Forwarder,
    uplink: U,
    /// The series that is written now.
    series: SeriesId,
    sender: Sender,
    mark: watch::Receiver<Mark>,
    on_the_way: JoinSet<Sent>,
    begin: Instant,
    status_due: Instant,
    trusted: Option<PublicKey>,
    service_instance: Option<SeriesId>,
    alarms: Alarms,
    /// The sequence of this series of which the service holds another record.
    forked: Option<u64>,
    /// What the service asked for and is gone.
    not_held: Runs,
    /// The one-time token that is shown to the service.
    token: Option<String>,
    holds: HoldsReader,
    /// The service's first word is waited for until then.
    first_word_due: Option<Instant>,
    /// The mark of SSCCs that the last status named.
    sscc_said: Option<u64>,
    /// The journal could not be read: not tried again before this time.
    paused_until: Option<Instant>,
    /// Records that were refused before and are sent once more.
    retried: BTreeSet<u64>,
}

impl<U: Uplink> Running<U> {
    fn new(setup: Forwarder, uplink: U) -> Self {
        let mark = setup.owner.mark();
        let Mark { series, last, settled, .. } = *mark.borrow();
        let ahead = match setup.broker.confirm {
            Confirm::Receipt => AHEAD,
            Confirm::Broker => u64::MAX,
        };
        let pace = Pace { timeout: setup.broker.receipt_timeout, live_first: setup.broker.live_first, ahead };
        let (begin, trusted) = (Instant::now(), setup.trusted);
        let first_word_due = setup.first_word.is_awaited().then_some(begin + CONNECTION_WITHIN);
        Self {
            setup,
            uplink,
            series,
            sender: Sender::new(last, settled, pace),
            mark,
            on_the_way: JoinSet::new(),
            begin,
            status_due: begin,
            trusted,
            service_instance: None,
            alarms: Alarms::default(),
            forked: None,
            not_held: Runs::default(),
            token: None,
            holds: HoldsReader::default(),
            first_word_due,
            sscc_said: None,
            paused_until: None,
            retried: BTreeSet::new(),
        }
    }

    fn now(&self) -> Duration {
        self.begin.elapsed()
    }

    async fn go_on(&mut self, mut events: mpsc::Receiver<Event>) -> Result<(), Ended> {
        loop {
            let due = self.send_what_is_due().await?.map(|due| self.begin + due);
            self.show_silence();
            let retry = self.setup.retry.clone();
            tokio::select! {
                event = events.recv() => match event {
                    Some(event) => self.event(event).await?,
                    None => return Ok(()),
                },
                changed = self.mark.changed() => {
                    changed.map_err(|_| Ended)?;
                    self.journal_moved();
                }
                Some(sent) = self.on_the_way.join_next() => self.came_back(sent).await?,
                () = sleep_until(due) => {}
                () = tokio::time::sleep_until(self.status_due), if self.uplink.is_connected() => self.say_status().await?,
                () = sleep_until(self.first_word_due) => {
                    tracing::info!("no word of the service yet: the station goes on without");
                    self.first_word_given();
                }
                () = retry.notified() => self.try_again().await?,
            }
        }
    }

    /// Everything that is not settled is sent anew. What becomes of what is on its way counts no more: the new segments may
    /// begin with the same records and end with others.
    fn start_again(&mut self) {
        self.on_the_way = JoinSet::new();
        self.sender.start_again(self.now());
    }

    fn journal_moved(&mut self) {
        let mark = *self.mark.borrow_and_update();
        // What is given out from here on must not be given out again by a journal that knows nothing of it.
        let soon = if mark.sscc_mark == self.sscc_said { STATUS_AFTER } else { Duration::ZERO };
        self.status_due = self.status_due.min(Instant::now() + soon);
        if mark.series != self.series {
            self.begin_series(&mark);
        } else {
            self.sender.journal(mark.last, mark.settled, self.now());
        }
    }

    /// Nobody waits for the service any more.
    fn first_word_given(&mut self) {
        self.first_word_due = None;
        self.setup.first_word.give();
    }

    /// The journal writes another series: what was on its way belongs to the one before.
    fn begin_series(&mut self, mark: &Mark) {
        let before = std::mem::replace(&mut self.series, mark.series);
        tracing::warn!(%before, now = %self.series, "the journal writes another series from now on");
        self.on_the_way = JoinSet::new();
        self.not_held = Runs::default();
        self.retried.clear();
        self.sender.begin(mark.last, mark.settled, self.now());
        if let Some(seq) = self.forked.take() {
            let text = format!(
                "The service holds another record {seq} of series {before}: this journal was copied or restored; from now on \
                 series {} is written. Find out where the other copy runs.",
                self.series
            );
            self.raise(Alarm::Forked, &text);
        }
    }

    async fn event(&mut self, event: Event) -> Result<(), Ended> {
        match event {
            Event::Connected { .. } => {
                tracing::info!(broker = %self.setup.broker.access.url, "connected to the broker");
                self.setup.board.uplink(|uplink| uplink.connected = true);
                self.end_alarm(Alarm::Connection);
                // What the session before said of a segment counts, whichever is heard first.
                while let Some(sent) = self.on_the_way.try_join_next() {
                    self.came_back(sent).await?;
                }
                self.on_the_way = JoinSet::new();
                self.sender.connected(self.now());
                self.read_token();
                if self.first_word_due.is_some() {
                    self.first_word_due = Some(Instant::now() + FIRST_WORD_WITHIN);
                }
                self.publish(self.setup.online(true));
                self.say_status().await?;
            }
            Event::Disconnected { reason } => {
                self.sender.disconnected();
                self.setup.board.uplink(|uplink| uplink.connected = false);
                self.raise(Alarm::Connection, &reason);
            }
            Event::Message(message, ack) => {
                self.incoming(&message).await?;
                ack.send();
            }
        }
        Ok(())
    }

    fn show_silence(&mut self) {
        let timeout = self.setup.broker.receipt_timeout;
        let silent = self.sender.silence(self.now()).is_some_and(|silence| silence >= timeout);
        if !silent || self.setup.broker.confirm == Confirm::Broker {
            return self.end_alarm(Alarm::Silent);
        }
        let never = self.trusted.is_none() && self.mark.borrow().settled == 0;
        let hint = match never {
            true => " Where another program takes the records, which sends no receipts, set confirm = \"broker\".",
            false => "",
        };
        let text = format!(
            "The broker is reached, but the service sends no receipts: check that lotline-manufacturing runs and uses the same \
             broker and prefix.{hint}"
        );
        self.raise(Alarm::Silent, &text);
    }

    fn raise(&mut self, alarm: Alarm, text: &str) {
        if self.alarms.raise(alarm, text) {
            // Why there is no connection has been logged by the session.
            if alarm != Alarm::Connection {
                tracing::warn!("{text}");
            }
            self.show_alarms();
        }
    }

    fn end_alarm(&mut self, alarm: Alarm) {
        if self.alarms.end(alarm) {
            self.show_alarms();
        }
    }

    fn show_alarms(&self) {
        self.setup.board.uplink(|uplink| uplink.trouble = self.alarms.text());
    }

    /// Publishes what is not waited for: it is said again when it changes.
    fn publish(&self, message: Message) {
        let uplink = self.uplink.clone();
        tokio::spawn(async move {
            let topic = message.topic.clone();
            if let Err(error) = uplink.publish(message).await {
                tracing::debug!(topic, %error, "not published");
            }
        });
    }

    async fn say_good_bye(&mut self) {
        if self.uplink.is_connected() {
            // The last status and the end are worth a short wait, not a long one.
            let good_bye = async {
                if let Ok(Some(status)) = self.status().await {
                    drop(self.uplink.publish(status).await);
                }
                drop(self.uplink.publish(self.setup.online(false)).await);
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
