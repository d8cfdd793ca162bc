//! A session that does what a script says, so that the forwarder runs without a broker, and under a paused clock.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base::mqtt::{Ack, Delivered, Event, Message, PublishError};
use tokio::sync::{mpsc, watch};

use super::Uplink;

/// What becomes of one published message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Its PUBACK comes at once.
    Acknowledged,
    /// Its PUBACK comes after so long.
    AcknowledgedAfter(Duration),
    /// Its PUBACK says that nobody is subscribed (0x10).
    NoSubscribers,
    /// Its PUBACK refuses it, with this reason code.
    Refused(u8),
    /// It needs a packet of so many bytes, and only so many are allowed; it is not sent.
    TooLarge(u64, u32),
    /// The broker ends the connection, with this reason code where it says one.
    Ends(Option<u8>),
    /// Nothing: after [`FakeUplink::ACK_TIMEOUT`] the connection is given up.
    Never,
}

type Script = Box<dyn FnMut(&Message) -> Reply + Send>;

struct Fake {
    connected: bool,
    script: Script,
    published: VecDeque<Message>,
    events: Option<mpsc::UnboundedSender<Event>>,
    /// Dropped and made anew with each connection: the sign for those who wait.
    connection: watch::Sender<Option<u8>>,
}

/// The scripted session.
#[derive(Clone)]
pub struct FakeUplink(Arc<Mutex<Fake>>);

impl fmt::Debug for FakeUplink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeUplink").field("connected", &self.is_connected()).finish_non_exhaustive()
    }
}

impl FakeUplink {
    /// How long a missing acknowledgement is waited for, as [`base::mqtt::Settings::new`] has it.
    pub const ACK_TIMEOUT: Duration = Duration::from_secs(60);

    /// A session without a connection, and its events. `script` is asked for each message.
    pub fn new(script: impl FnMut(&Message) -> Reply + Send + 'static) -> (Self, mpsc::Receiver<Event>) {
        let (events, mut waiting) = mpsc::unbounded_channel();
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(async move {
            while let Some(event) = waiting.recv().await {
                if sender.send(event).await.is_err() {
                    return;
                }
            }
        });
        let fake = Fake {
            connected: false,
            script: Box::new(script),
            published: VecDeque::new(),
            events: Some(events),
            connection: watch::channel(None).0,
        };
        (Self(Arc::new(Mutex::new(fake))), receiver)
    }

    fn lock(&self) -> MutexGuard<'_, Fake> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, event: Event) {
        if let Some(events) = &self.lock().events {
            // Nobody reads any more: the forwarder has ended.
            drop(events.send(event));
        }
    }

    /// The broker is reached.
    pub fn connect(&self) {
        {
            let mut fake = self.lock();
            (fake.connected, fake.connection) = (true, watch::channel(None).0);
        }
        self.tell(Event::Connected { session_present: false });
    }

    /// The connection is lost. Whoever waits for an acknowledgement is told so.
    pub fn disconnect(&self, code: Option<u8>) {
        {
            let mut fake = self.lock();
            fake.connected = false;
            fake.connection.send_replace(code);
            fake.connection = watch::channel(None).0;
        }
        self.tell(Event::Disconnected { reason: "the script ended the connection".to_owned() });
    }

    /// A message from the broker.
    pub fn say(&self, message: Message) {
        self.tell(Event::Message(message, Ack::none()));
    }

    /// What was published since the last call, oldest first.
    pub fn take_published(&self) -> Vec<Message> {
        self.lock().published.drain(..).collect()
    }
}

impl Uplink for FakeUplink {
    async fn publish(&self, message: Message) -> Result<Delivered, PublishError> {
        let (reply, mut connection) = {
            let mut fake = self.lock();
            if !fake.connected {
                return Err(PublishError::NotConnected);
            }
            let reply = (fake.script)(&message);
            fake.published.push_back(message);
            (reply, fake.connection.subscribe())
        };
        match reply {
            Reply::Acknowledged => Ok(Delivered { no_subscribers: false }),
            Reply::AcknowledgedAfter(time) => {
                tokio::time::sleep(time).await;
                Ok(Delivered { no_subscribers: false })
            }
            Reply::NoSubscribers => Ok(Delivered { no_subscribers: true }),
            Reply::Refused(code) => Err(PublishError::Refused { code, reason: format!("refused (0x{code:02X})") }),
            Reply::TooLarge(size, largest) => Err(PublishError::TooLarge { size, largest }),
            Reply::Ends(code) => {
                self.disconnect(code);
                Err(lost(code))
            }
            Reply::Never => {
                if let Ok(changed) = tokio::time::timeout(Self::ACK_TIMEOUT, connection.changed()).await {
                    let code = *connection.borrow();
                    return Err(lost(changed.ok().and(code)));
                }
                self.disconnect(None);
                Err(PublishError::TimedOut(Self::ACK_TIMEOUT))
            }
        }
    }

    fn is_connected(&self) -> bool {
        self.lock().connected
    }

    async fn close(self) {
        let mut fake = self.lock();
        fake.connected = false;
        fake.events = None;
        fake.connection = watch::channel(None).0;
    }
}

fn lost(code: Option<u8>) -> PublishError {
    match code {
        Some(code) => PublishError::Ended { code, reason: format!("ended (0x{code:02X})") },
        None => PublishError::SessionLost,
    }
}
