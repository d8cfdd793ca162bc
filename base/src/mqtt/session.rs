//! The task that owns the connection: connects, subscribes, polls, reconnects.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use rumqttc::{
    AckMode, AsyncClient, ConnAck, ConnectionError, DisconnectReasonCode, EventLoop, LastWill, MqttOptions,
    NetworkOptions, Packet, QoS, StateError, SubAck, SubscribeFilter, SubscribeReasonCode, TlsConfiguration, Transport,
};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::rustls::ClientConfig;

use super::resume::EmptySession;
use super::{Ack, Event, Link, Message, Settings, Shared, reason};
use crate::backoff::{self, Backoff};
use crate::{describe, files};

/// Time for the DISCONNECT at the end.
const GOODBYE: Duration = Duration::from_secs(2);

pub(super) struct Session {
    settings: Settings,
    shared: Arc<Shared>,
    events: mpsc::Sender<Event>,
    closing: watch::Receiver<bool>,
    /// What waits until the reader has room. Messages are bounded by the Receive Maximum, because each is acknowledged
    /// only after it was handed over.
    waiting: VecDeque<Event>,
    /// The reason last told, so that a failing retry is told once.
    told: Option<String>,
}

/// Why a connection or a wait ended.
enum End {
    /// The owner closed the session.
    Closed,
    /// Nobody reads the events any more.
    Unread,
    Lost(String),
}

/// Says with which code the broker ended a connection, if it did.
type Ending = watch::Sender<Option<DisconnectReasonCode>>;

/// What is read from files for each connection.
struct Secrets {
    password: Option<String>,
    tls: Option<Arc<ClientConfig>>,
}

impl Session {
    pub fn new(
        settings: Settings,
        shared: Arc<Shared>,
        events: mpsc::Sender<Event>,
        closing: watch::Receiver<bool>,
    ) -> Self {
        Self { settings, shared, events, closing, waiting: VecDeque::new(), told: None }
    }

    /// Runs until closed or unread. `_finished` is dropped at the end: that is the sign for the closing client.
    pub async fn run(mut self, _finished: watch::Sender<()>) {
        let mut backoff = Backoff::new(self.settings.backoff_min, self.settings.backoff_max);
        loop {
            let began = Instant::now();
            let end = self.connection().await;
            self.shared.unlink();
            let Err(End::Lost(reason)) = end else { return };
            self.lost(reason);
            // A broker that drops each connection at once is left alone for longer and longer.
            if began.elapsed() > self.settings.backoff_max {
                backoff.reset();
            }
            let again = Instant::now() + backoff.next_wait(backoff::random());
            if !matches!(self.watched(None, sleep_until(again), &Notify::new()).await, Ok(())) {
                return;
            }
        }
    }

    /// One connection with a client of its own, so that nothing queued in it outlives it.
    async fn connection(&mut self) -> Result<Infallible, End> {
        let secrets = self.secrets().await?;
        let (client, mut eventloop) = AsyncClient::builder(options(&self.settings, secrets)).unbounded().build();
        let reset = Arc::new(Notify::new());
        let end = match self.converse(&client, &mut eventloop, &reset).await {
            Ok(never) => match never {},
            Err(end) => end,
        };
        if matches!(end, End::Closed) && self.shared.is_linked() {
            self.shared.unlink();
            goodbye(&client, &mut eventloop).await;
        }
        Err(end)
    }

    /// Reads the files. What is wrong with them is a reason for having no connection, and may be mended meanwhile.
    async fn secrets(&mut self) -> Result<Secrets, End> {
        let (tls, password_file) = (self.settings.tls.clone(), self.settings.password_file.clone());
        let reading = tokio::task::spawn_blocking(move || {
            let password = password_file.as_deref().map(files::read_secret).transpose();
            let password = password.map_err(|error| describe(&error))?;
            let tls = tls.map(|tls| tls.config()).transpose().map_err(|error| describe(&error))?;
            Ok(Secrets { password, tls })
        });
        let read = self.watched(None, reading, &Notify::new()).await?;
        read.unwrap_or_else(|failed| Err(failed.to_string())).map_err(|why: String| {
            End::Lost(format!("no connection to {} is tried: {why}", reason::broker(&self.settings)))
        })
    }

    async fn converse(
        &mut self,
        client: &AsyncClient,
        eventloop: &mut EventLoop,
        reset: &Arc<Notify>,
    ) -> Result<Infallible, End> {
        // Dropped with this connection: the sign for those who wait for an acknowledgement.
        let (ending, lost) = watch::channel(None);
        let connack = loop {
            if let rumqttc::Event::Incoming(Packet::ConnAck(connack)) =
                self.poll(eventloop, None, reset, &ending).await?
            {
                break connack;
            }
        };
        let early = self.subscribe(client, eventloop, reset, &ending).await?;
        self.shared.link(Link {
            client: client.clone(),
            reset: reset.clone(),
            lost,
            largest: largest_packet(&self.settings, &connack),
        });
        tracing::info!(
            broker = reason::broker(&self.settings),
            session_present = connack.session_present,
            "connected to the MQTT broker"
        );
        self.told = None;
        self.waiting.push_back(Event::Connected { session_present: connack.session_present });
        for publish in early {
            self.received(client, publish);
        }
        loop {
            if let rumqttc::Event::Incoming(Packet::Publish(publish)) =
                self.poll(eventloop, None, reset, &ending).await?
            {
                self.received(client, publish);
            }
        }
    }

    /// Subscribes to everything and waits for the answer. Returns the messages that came before it.
    async fn subscribe(
        &mut self,
        client: &AsyncClient,
        eventloop: &mut EventLoop,
        reset: &Notify,
        ending: &Ending,
    ) -> Result<Vec<rumqttc::Publish>, End> {
        let mut early = Vec::new();
        if self.settings.subscriptions.is_empty() {
            return Ok(early);
        }
        let filters: Vec<_> = self
            .settings
            .subscriptions
            .iter()
            .map(|topic| SubscribeFilter::new(topic.clone(), QoS::AtLeastOnce))
            .collect();
        client.try_subscribe_many(filters).map_err(|_| {
            End::Lost(format!(
                "a subscription of {:?} is not a topic filter: correct the topic prefix",
                self.settings.subscriptions
            ))
        })?;
        let deadline = Instant::now() + self.settings.connect_timeout;
        loop {
            match self.poll(eventloop, Some(deadline), reset, ending).await? {
                rumqttc::Event::Incoming(Packet::SubAck(answer)) => {
                    return self.subscribed(&answer).map(|()| early);
                }
                rumqttc::Event::Incoming(Packet::Publish(publish)) => early.push(publish),
                _ => {}
            }
        }
    }

    fn subscribed(&self, answer: &SubAck) -> Result<(), End> {
        for (topic, code) in self.settings.subscriptions.iter().zip(&answer.return_codes) {
            if !matches!(code, SubscribeReasonCode::Success(QoS::AtLeastOnce | QoS::ExactlyOnce)) {
                return Err(End::Lost(reason::of_refused_subscription(&self.settings, topic, *code)));
            }
        }
        Ok(())
    }

    /// The next event of the connection.
    async fn poll(
        &mut self,
        eventloop: &mut EventLoop,
        deadline: Option<Instant>,
        reset: &Notify,
        ending: &Ending,
    ) -> Result<rumqttc::Event, End> {
        let result: Result<rumqttc::Event, ConnectionError> = self.watched(deadline, eventloop.poll(), reset).await?;
        result.map_err(|error| {
            if let ConnectionError::MqttState(StateError::ServerDisconnect { reason_code, .. }) = error {
                ending.send_replace(Some(reason_code));
            }
            End::Lost(reason::of_error(&self.settings, &error))
        })
    }

    /// Waits for `work`, and meanwhile hands over events and watches for the end. A full reader never holds `work` up.
    async fn watched<T>(
        &mut self,
        deadline: Option<Instant>,
        work: impl Future<Output = T>,
        reset: &Notify,
    ) -> Result<T, End> {
        tokio::pin!(work);
        loop {
            tokio::select! {
                output = &mut work => return Ok(output),
                permit = self.events.reserve(), if !self.waiting.is_empty() => match permit {
                    Ok(permit) => {
                        if let Some(event) = self.waiting.pop_front() {
                            permit.send(event);
                        }
                    }
                    Err(_) => return Err(End::Unread),
                },
                () = self.events.closed() => return Err(End::Unread),
                _ = self.closing.wait_for(|closing| *closing) => return Err(End::Closed),
                () = reset.notified() => {
                    let seconds = self.settings.ack_timeout.as_secs_f64();
                    return Err(End::Lost(reason::of_silence(&self.settings, "message", seconds)));
                }
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                    let seconds = self.settings.connect_timeout.as_secs_f64();
                    return Err(End::Lost(reason::of_silence(&self.settings, "subscription", seconds)));
                }
            }
        }
    }

    fn received(&mut self, client: &AsyncClient, publish: rumqttc::Publish) {
        let ack = Ack(client.prepare_ack(&publish).map(|ack| (client.clone(), ack)));
        let Ok(topic) = String::from_utf8(publish.topic.to_vec()) else {
            tracing::warn!(topic = ?publish.topic, "a message with a topic that is not UTF-8 is ignored");
            ack.send();
            return;
        };
        // QoS 0 has no acknowledgement that would hold the broker back.
        if ack.0.is_none() && self.waiting.len() >= usize::from(self.settings.receive_buffer) {
            tracing::warn!(topic, "a message without acknowledgement (QoS 0) is dropped: the reader is too slow");
            return;
        }
        let message = Message { topic, payload: publish.payload.to_vec(), retain: publish.retain };
        self.waiting.push_back(Event::Message(message, ack));
    }

    fn lost(&mut self, reason: String) {
        // The broker sends again what was not acknowledged.
        self.waiting.retain(|event| !matches!(event, Event::Message(..)));
        if self.told.as_ref() == Some(&reason) {
            return;
        }
        tracing::warn!(reason, "no connection to the MQTT broker, trying again and again");
        self.told = Some(reason.clone());
        self.waiting.push_back(Event::Disconnected { reason });
    }
}

/// Sends DISCONNECT, so that the broker does not publish the last will.
async fn goodbye(client: &AsyncClient, eventloop: &mut EventLoop) {
    if client.try_disconnect_now().is_ok() {
        // An error is the sign that the connection is closed; a time-out leaves it to the broker to notice.
        drop(timeout(GOODBYE, async { while eventloop.poll().await.is_ok() {} }).await);
    }
}

fn largest_packet(settings: &Settings, connack: &ConnAck) -> u32 {
    let broker = connack.properties.as_ref().and_then(|properties| properties.max_packet_size);
    broker.unwrap_or(u32::MAX).min(settings.max_packet)
}

/// Most published messages without acknowledgement on one connection; further ones wait.
pub(super) const IN_FLIGHT: u16 = 64;

fn options(settings: &Settings, secrets: Secrets) -> MqttOptions {
    // The host as a certificate names it: an IPv6 address without brackets.
    let mut options = MqttOptions::new(settings.client_id.clone(), (settings.host.clone(), settings.port));
    let address = reason::broker(settings);
    options.set_socket_connector(move |_, network| rumqttc::default_socket_connect(address.clone(), network));
    if let Some(tls) = secrets.tls {
        options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls)));
    }
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    options
        .set_network_options(network)
        .set_keep_alive(u16::try_from(settings.keep_alive.as_secs()).unwrap_or(u16::MAX).max(1))
        .set_clean_start(settings.clean_start)
        .set_session_expiry_interval(Some(u32::try_from(settings.session_expiry.as_secs()).unwrap_or(u32::MAX)))
        .set_connect_timeout(settings.connect_timeout)
        .set_max_packet_size(Some(settings.max_packet.max(1)))
        .set_receive_maximum(Some(settings.receive_buffer.max(1)))
        .set_ack_mode(AckMode::Manual)
        // The library keeps a slot for each: without a limit 65,535 of them, 16 MB.
        .set_outgoing_inflight_upper_limit(IN_FLIGHT)
        .set_session_store(EmptySession);
    match (&settings.username, &secrets.password) {
        (Some(user), Some(password)) => options.set_credentials(user.clone(), password.clone()),
        (Some(user), None) => options.set_username(user.clone()),
        (None, Some(password)) => options.set_password(password.clone()),
        (None, None) => &mut options,
    };
    if let Some(will) = &settings.last_will {
        let will = LastWill::new(will.topic.clone(), will.payload.clone(), QoS::AtLeastOnce, will.retain, None);
        options.set_last_will(will);
    }
    options
}
