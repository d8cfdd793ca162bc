//! A session with an MQTT 5 broker that never says "sent" for what the broker has not acknowledged.
//!
//! [`start`] spawns a task that connects, subscribes, and reconnects with growing waits. Each connection has a client of its
//! own: what a lost connection had queued is gone, and everyone who waited for an acknowledgement is told so.
//! All messages are QoS 1.
//!
//! - [`Client::publish`] ends with this message's own PUBACK, or with an error. Nothing is queued while there is no
//!   connection: the caller keeps the message and sends it again after [`Event::Connected`].
//! - A received message is acknowledged with [`Ack::send`], after it has been stored. Until then it counts against
//!   [`Settings::receive_buffer`], and the broker sends it again on the next connection of a session that is kept.
//! - Certificates and passwords stand in files that are read again for each connection. A file that is missing or wrong is a
//!   reason for [`Event::Disconnected`], and is tried again.
//! - Reading events and publishing may happen in the same task: neither ever waits for the other.

mod access;
mod reason;
mod resume;
pub mod scripted;
mod session;
#[cfg(test)]
mod tests;
mod topic;
mod url;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rumqttc::{
    AsyncClient, ClientError, DisconnectReasonCode, ManualAck, PubAckReason, PublishNoticeError, PublishOptions,
    PublishResult,
};
use tokio::sync::{Notify, mpsc, watch};

pub use crate::tls::Tls;
pub use access::Access;
pub use topic::{TopicError, publish_topic};
pub use url::{BrokerUrl, BrokerUrlError};

/// How to connect, and what to subscribe to.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Host name or address of the broker.
    pub host: String,
    /// Its TCP port; 1883 by default for MQTT, 8883 with TLS.
    pub port: u16,
    /// The files for TLS; `None` for a connection without TLS.
    pub tls: Option<Tls>,
    /// The client's name, unique at the broker.
    pub client_id: String,
    /// User name, if the broker asks for one.
    pub username: Option<String>,
    /// The file with the password, if the broker asks for one. It is read again for each connection.
    pub password_file: Option<PathBuf>,
    /// A ping is sent after this time without traffic; whole seconds, at least 1.
    pub keep_alive: Duration,
    /// Whether the broker forgets the session of an earlier connection, and the messages that wait in it.
    pub clean_start: bool,
    /// How long the broker keeps the session after a lost connection; whole seconds, 0 for not at all.
    pub session_expiry: Duration,
    /// What the broker publishes when the connection is lost without [`Client::close`].
    pub last_will: Option<Message>,
    /// Topic filters, each subscribed with QoS 1.
    pub subscriptions: Vec<String>,
    /// The longest wait for the connection, and then for the answer to the subscriptions.
    pub connect_timeout: Duration,
    /// The longest wait for the acknowledgement of a published message. Then the connection is given up.
    pub ack_timeout: Duration,
    /// The largest packet in bytes, in both directions. The broker may allow less.
    pub max_packet: u32,
    /// The shortest wait before a connection is tried again.
    pub backoff_min: Duration,
    /// The longest wait before a connection is tried again.
    pub backoff_max: Duration,
    /// How many received messages may be without acknowledgement (MQTT Receive Maximum), at least 1.
    pub receive_buffer: u16,
}

impl Settings {
    /// Settings for a broker with the usual times: keep-alive 30 s, connection time-out 10 s, acknowledgement time-out 60 s,
    /// waits from 1 to 60 s, packets up to 1 MiB, 64 received messages without acknowledgement, no session, no will.
    pub fn new(host: impl Into<String>, port: u16, client_id: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            port,
            tls: None,
            client_id: client_id.into(),
            username: None,
            password_file: None,
            keep_alive: Duration::from_secs(30),
            clean_start: true,
            session_expiry: Duration::ZERO,
            last_will: None,
            subscriptions: Vec::new(),
            connect_timeout: Duration::from_secs(10),
            ack_timeout: Duration::from_secs(60),
            max_packet: 1 << 20,
            backoff_min: Duration::from_secs(1),
            backoff_max: Duration::from_secs(60),
            receive_buffer: 64,
        }
    }
}

/// A message on a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The topic, without wildcards.
    pub topic: String,
    /// The content.
    pub payload: Vec<u8>,
    /// Published: the broker keeps it as the topic's last value. Received: it is such a kept value.
    pub retain: bool,
}

/// What happens on the session, in order.
#[derive(Debug)]
pub enum Event {
    /// Connected, and every subscription granted.
    Connected {
        /// Whether the broker kept the session of an earlier connection.
        session_present: bool,
    },
    /// A message, with its acknowledgement to be sent once it is stored.
    Message(Message, Ack),
    /// There is no connection; it is tried again. Told once for each reason.
    Disconnected {
        /// A sentence with the broker's address, what is wrong, and what to check.
        reason: String,
    },
}

/// The acknowledgement of a received message.
#[derive(Debug)]
#[must_use = "a message without acknowledgement is sent again and again"]
pub struct Ack(Option<(AsyncClient, ManualAck)>);

impl Ack {
    /// That of a message that needs none, such as one that did not come from a broker.
    pub fn none() -> Self {
        Self(None)
    }

    /// Tells the broker that the message need not be sent again. Without effect when its connection is lost: the broker
    /// then sends it again.
    pub fn send(self) {
        if let Some((client, ack)) = self.0
            && client.try_manual_ack(ack).is_err()
        {
            tracing::debug!("the connection of a message was lost before its acknowledgement");
        }
    }
}

/// The broker has taken a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivered {
    /// The broker says that nobody has subscribed to the topic (reason code 0x10).
    pub no_subscribers: bool,
}

/// A message was not acknowledged. It may have arrived all the same, except where said otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// There is no connection; the message was not sent.
    #[error("there is no connection to the broker")]
    NotConnected,
    /// The connection was lost before the acknowledgement.
    #[error("the connection to the broker was lost before it acknowledged the message")]
    SessionLost,
    /// The broker ended the connection before the acknowledgement, and said why. It does not say because of which message.
    #[error("the broker ended the connection before it acknowledged the message: {reason}")]
    Ended {
        /// The reason code of MQTT 5.0, section 3.14.2.1.
        code: u8,
        /// The same in words.
        reason: String,
    },
    /// No acknowledgement in time; the connection is given up.
    #[error("the broker did not acknowledge the message within {0:?}")]
    TimedOut(Duration),
    /// The broker refused this message.
    #[error("the broker refused the message: {reason}")]
    Refused {
        /// The reason code of MQTT 5.0, section 3.4.2.1, or 0x9A when the broker keeps no retained messages.
        code: u8,
        /// The same in words.
        reason: String,
    },
    /// The broker or the settings allow only smaller packets; the message was not sent.
    #[error("the message needs a packet of {size} bytes, allowed: {largest}")]
    TooLarge {
        /// Bytes of the packet.
        size: u64,
        /// The most that is allowed.
        largest: u32,
    },
    /// The topic is not one to publish on; the message was not sent.
    #[error("the topic cannot be used to publish")]
    Topic(#[from] TopicError),
}

/// Publishes over the session. Clones share it.
#[derive(Debug, Clone)]
pub struct Client(Arc<Shared>);

/// The part that clients and the session task share.
#[derive(Debug)]
struct Shared {
    link: Mutex<Option<Link>>,
    ack_timeout: Duration,
    closing: watch::Sender<bool>,
    /// Its sender is dropped when the task has ended.
    finished: watch::Receiver<()>,
}

/// A connection with all its subscriptions.
#[derive(Debug, Clone)]
struct Link {
    client: AsyncClient,
    /// Gives the connection up because an acknowledgement is overdue.
    reset: Arc<Notify>,
    /// Its sender is dropped with the connection, after it has said with which code the broker ended it, if it did.
    lost: watch::Receiver<Option<DisconnectReasonCode>>,
    /// The largest packet in bytes.
    largest: u32,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Option<Link>> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn link(&self, link: Link) {
        *self.lock() = Some(link);
    }

    fn unlink(&self) {
        *self.lock() = None;
    }

    fn is_linked(&self) -> bool {
        self.lock().is_some()
    }
}

/// Starts a session: a task of the current tokio runtime that runs until [`Client::close`], or until the receiver is
/// dropped (the broker then publishes the last will). Connection faults are told as events and logged, once each.
///
/// Read the events without long breaks; publishing works meanwhile from any task.
pub fn start(settings: Settings) -> (Client, mpsc::Receiver<Event>) {
    let (events, receiver) = mpsc::channel(usize::from(settings.receive_buffer).max(1));
    let (closing, close_requests) = watch::channel(false);
    let (finishing, finished) = watch::channel(());
    let shared = Arc::new(Shared { link: Mutex::new(None), ack_timeout: settings.ack_timeout, closing, finished });
    let task = session::Session::new(settings, shared.clone(), events, close_requests);
    tokio::spawn(task.run(finishing));
    (Client(shared), receiver)
}

impl Client {
    /// Publishes with QoS 1 and waits for the acknowledgement of this message, at most [`Settings::ack_timeout`].
    ///
    /// # Errors
    /// See [`PublishError`]. After [`PublishError::SessionLost`] and [`PublishError::TimedOut`] the message may or may not
    /// have arrived: send it again, and let the receiver know it by its identity.
    pub async fn publish(&self, message: Message) -> Result<Delivered, PublishError> {
        publish_topic(&message.topic)?;
        let Some(link) = self.0.lock().clone() else { return Err(PublishError::NotConnected) };
        let size = packet_size(&message);
        if size > u64::from(link.largest) {
            return Err(PublishError::TooLarge { size, largest: link.largest });
        }
        let Link { client, reset, lost, .. } = link;
        let options = PublishOptions::at_least_once().retain(message.retain);
        let notice =
            client.try_publish_tracked(message.topic, message.payload, options).map_err(|error| match error {
                ClientError::InvalidRequest(_) => PublishError::Topic(TopicError::Empty),
                _ => PublishError::NotConnected,
            })?;
        tokio::select! {
            // An acknowledgement that has come counts, whatever happened since.
            biased;
            result = notice.wait_async() => match acknowledged(result) {
                Err(PublishError::SessionLost) => Err(ended(lost).await),
                result => result,
            },
            error = ended(lost.clone()) => Err(error),
            () = tokio::time::sleep(self.0.ack_timeout) => {
                reset.notify_one();
                Err(PublishError::TimedOut(self.0.ack_timeout))
            }
        }
    }

    /// Whether there is a connection with all its subscriptions.
    pub fn is_connected(&self) -> bool {
        self.0.is_linked()
    }

    /// Ends the session for all clones with a DISCONNECT, so that the broker does not publish the last will. Takes at most a
    /// few seconds. Messages without acknowledgement end with [`PublishError::SessionLost`].
    pub async fn close(self) {
        self.0.closing.send_replace(true);
        // Ends with an error when the task has dropped the sender.
        drop(self.0.finished.clone().changed().await);
    }
}

/// Waits for the end of the connection, which the library may have noticed already, and tells what the broker said.
async fn ended(mut lost: watch::Receiver<Option<DisconnectReasonCode>>) -> PublishError {
    // Ends with an error when the connection ended without a word.
    drop(lost.wait_for(Option::is_some).await);
    match *lost.borrow() {
        Some(code) => PublishError::Ended { code: code as u8, reason: reason::of_disconnect(code) },
        None => PublishError::SessionLost,
    }
}

fn acknowledged(result: Result<PublishResult, PublishNoticeError>) -> Result<Delivered, PublishError> {
    match result {
        Ok(PublishResult::Qos1(answer)) => match answer.reason {
            PubAckReason::Success => Ok(Delivered { no_subscribers: false }),
            PubAckReason::NoMatchingSubscribers => Ok(Delivered { no_subscribers: true }),
            refused => Err(PublishError::Refused { code: refused as u8, reason: reason::of_puback(refused) }),
        },
        Err(PublishNoticeError::RetainNotSupported) => {
            Err(PublishError::Refused { code: 0x9A, reason: "retain not supported (0x9A)".to_owned() })
        }
        Ok(_) | Err(_) => Err(PublishError::SessionLost),
    }
}

/// The most bytes that a PUBLISH with this message takes: fixed header, topic, packet identifier, no properties, payload
/// (MQTT 5.0, section 3.3).
fn packet_size(message: &Message) -> u64 {
    (5 + 2 + message.topic.len() + 2 + 1 + message.payload.len()) as u64
}
