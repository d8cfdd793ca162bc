//! The MQTT session of the service.

use std::sync::Arc;
use std::time::Duration;

use base::mqtt::{self, Ack, Client, Event, Message, PublishError};
use jiff::Timestamp;
use records::wire::signed;
use records::wire::{Online, Receipt, ServiceHello, Status, Topic, Topics};
use records::{SeriesId, SigningKey, WIRE_VERSION};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};

use super::board::Board;
use super::check::{Verdict, check};
use super::lanes::Lanes;
use super::outbox::{Outbox, Refusals};
use crate::clock::Clock;
use crate::store::{Heard, Order, Store, Work};
use crate::work_order::LaneName;

/// Most receipts that wait for their acknowledgement at once. It leaves room on the connection for holds and work orders.
const AT_ONCE: usize = 32;

/// The way in: what the session needs to hand messages to the store.
pub struct Inlet {
    /// Where records go.
    pub store: Store,
    /// What was refused.
    pub refusals: Arc<Refusals>,
    /// The topics.
    pub topics: Topics,
    /// The time.
    pub clock: Clock,
}

/// The way out: what the session needs to tell the stations what is stored.
pub struct Outlet {
    /// Where receipts come from.
    pub outbox: Arc<Outbox>,
    /// What is on hold.
    pub board: Arc<Board>,
    /// What lanes work on.
    pub lanes: Arc<Lanes>,
    /// The topics.
    pub topics: Topics,
    /// The service's key.
    pub key: SigningKey,
    /// Changes with each start of the service.
    pub instance: SeriesId,
    /// What the broker refuses, as one that is at its limits does, is published again after this.
    pub pause: Duration,
}

/// The running session.
pub struct Session {
    client: Client,
    reading: JoinHandle<()>,
    telling: JoinHandle<()>,
    holding: JoinHandle<()>,
    ordering: JoinHandle<()>,
    outlet: Arc<Outlet>,
}

/// Starts the session.
pub fn start(inlet: Inlet, outlet: Outlet, mut settings: mqtt::Settings) -> Session {
    let topics = &inlet.topics;
    settings.subscriptions = vec![topics.shared_records(), topics.all_status(), topics.all_online()];
    let (client, events) = mqtt::start(settings);
    let outlet = Arc::new(outlet);
    let reading = tokio::spawn(inlet.read(events, outlet.clone(), client.clone()));
    let telling = tokio::spawn(outlet.clone().tell(client.clone()));
    let holding = tokio::spawn(outlet.clone().tell_holds(client.clone()));
    let ordering = tokio::spawn(outlet.clone().tell_lanes(client.clone()));
    Session { client, reading, telling, holding, ordering, outlet }
}

impl Session {
    /// A handle that says whether there is a connection.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Takes no more messages. The store's writer ends when nobody else can send orders.
    pub fn stop_reading(&self) {
        self.reading.abort();
    }

    /// Publishes the receipts of the last commits and disconnects.
    pub async fn close(self) {
        self.telling.abort();
        self.holding.abort();
        self.ordering.abort();
        for receipt in self.outlet.outbox.take_now() {
            self.outlet.publish_receipt(&self.client, &receipt).await;
        }
        self.client.close().await;
    }
}

impl Inlet {
    /// Reads what comes. While the writer has no room, nothing more is read, and the broker waits.
    async fn read(self, mut events: mpsc::Receiver<Event>, outlet: Arc<Outlet>, client: Client) {
        while let Some(event) = events.recv().await {
            match event {
                Event::Connected { .. } => {
                    tracing::info!("connected to the broker");
                    // Beside the reading: the broker may wait for acknowledgements before it sends its own.
                    tokio::spawn(outlet.clone().greet(client.clone()));
                }
                Event::Disconnected { reason } => tracing::warn!(reason, "no connection to the broker"),
                Event::Message(message, ack) => {
                    let order = Order { work: self.work(&message), done: done(ack) };
                    if self.store.put(order).await.is_err() {
                        return; // The writer has ended, and the service is about to.
                    }
                }
            }
        }
    }

    /// What a message asks the store to do.
    fn work(&self, message: &Message) -> Option<Work> {
        match self.topics.parse(&message.topic) {
            Some(Topic::Records(station)) => match check(station, &message.payload) {
                Verdict::Segment(checked) => Some(Work::Segment(checked)),
                Verdict::Unreadable(unreadable) => {
                    tracing::error!(
                        station,
                        seq = unreadable.seq,
                        reason = unreadable.reason,
                        "a signed record cannot be read"
                    );
                    Some(Work::Unreadable(unreadable))
                }
                Verdict::Refused(reason) => {
                    let bytes = message.payload.len();
                    self.refusals.add(station, &format!("{bytes} bytes of records: {reason}"));
                    None
                }
            },
            Some(Topic::Status(station)) => self.heard(station, message, (self.clock)()),
            Some(Topic::Online(station)) => match serde_json::from_slice::<Online>(&message.payload) {
                Ok(Online { online }) => Some(Work::Online { station: station.to_owned(), online }),
                Err(error) => {
                    self.refusals.add(station, &format!("whether it is online cannot be read: {error}"));
                    None
                }
            },
            _ => {
                let bytes = message.payload.len();
                tracing::warn!(
                    topic = message.topic.escape_debug().to_string(),
                    bytes,
                    "a message on a topic that is not ours"
                );
                None
            }
        }
    }

    fn heard(&self, station: &str, message: &Message, now: Timestamp) -> Option<Work> {
        match signed::open::<Status>(&message.payload) {
            Ok((key, status)) if status.station == station => {
                // What the broker kept may be old: it is no sign of life of this moment.
                let at = if message.retain { now.min(status.at.wall) } else { now };
                Some(Work::Status(Box::new(Heard { status, key, at })))
            }
            Ok((_, status)) => {
                self.refusals.add(station, &format!("a status of {} on its topic", status.station));
                None
            }
            Err(error) => {
                self.refusals.add(station, &error.to_string());
                None
            }
        }
    }
}

impl Outlet {
    /// Says that the service is there and what its key is.
    async fn greet(self: Arc<Self>, client: Client) {
        let hello = ServiceHello { versions: vec![WIRE_VERSION], instance: self.instance };
        let Ok(payload) = signed::seal(&self.key, &hello) else { return };
        let message = Message { topic: self.topics.name(Topic::Service), payload, retain: true };
        if let Err(error) = client.publish(message).await {
            tracing::warn!(%error, "the stations were not told that the service is here");
        }
        self.board.again();
        self.lanes.again();
    }

    /// Publishes what is on hold to each station that has to be told. Without a connection nothing is lost: at the next one
    /// every station is told again.
    async fn tell_holds(self: Arc<Self>, client: Client) {
        loop {
            let (holds, stations) = self.board.take().await;
            let Ok(payload) = signed::seal(&self.key, &holds) else { continue };
            for station in stations {
                let topic = self.topics.name(Topic::Holds(&station));
                match client.publish(Message { topic, payload: payload.clone(), retain: true }).await {
                    Ok(_) => tracing::debug!(station, revision = holds.revision, "holds"),
                    Err(PublishError::NotConnected) => break,
                    Err(error) => {
                        tracing::warn!(station, %error, "a station was not told what is on hold");
                        self.board.refused(station, self.pause);
                    }
                }
            }
        }
    }

    /// Publishes to each lane what it works on, where it has to be told. Without a connection nothing is lost: at the next one
    /// every lane is told again, and what a lane knows already changes nothing.
    async fn tell_lanes(self: Arc<Self>, client: Client) {
        loop {
            for (LaneName { station, lane }, message) in self.lanes.take().await {
                let Ok(payload) = serde_json::to_vec(&message) else { continue };
                let topic = self.topics.name(Topic::WorkOrder(&station, &lane));
                match client.publish(Message { topic, payload, retain: true }).await {
                    Ok(_) => tracing::debug!(station, lane, revision = message.revision, "work order"),
                    Err(PublishError::NotConnected) => break,
                    Err(error) => {
                        tracing::warn!(station, lane, %error, "a lane was not told its work order");
                        self.lanes.refused(LaneName { station, lane }, self.pause);
                    }
                }
            }
        }
    }

    /// Publishes receipts as commits make them. One that overtakes an earlier one of its series does no harm: each is true.
    async fn tell(self: Arc<Self>, client: Client) {
        let mut on_the_way = JoinSet::new();
        loop {
            for receipt in self.outbox.take().await {
                if on_the_way.len() == AT_ONCE {
                    on_the_way.join_next().await;
                }
                let (outlet, client) = (self.clone(), client.clone());
                on_the_way.spawn(async move { outlet.publish_receipt(&client, &receipt).await });
            }
        }
    }

    /// A receipt that does not arrive is no loss: the station sends its records again and gets another one.
    async fn publish_receipt(&self, client: &Client, receipt: &Receipt) {
        let Ok(payload) = signed::seal(&self.key, receipt) else { return };
        let message = Message { topic: self.topics.name(Topic::Receipts(&receipt.station)), payload, retain: false };
        match client.publish(message).await {
            Ok(_) => tracing::debug!(station = receipt.station, up_to = receipt.up_to, "receipt"),
            Err(PublishError::NotConnected) => tracing::debug!(station = receipt.station, "no receipt: not connected"),
            Err(error) => tracing::warn!(station = receipt.station, %error, "a receipt was not published"),
        }
    }
}

fn done(ack: Ack) -> Box<dyn FnOnce() + Send> {
    Box::new(move || ack.send())
}

#[cfg(test)]
mod tests;
