//! A broker for tests that does only what the test says: acknowledges some messages and not others, refuses, falls silent,
//! breaks the connection.
//!
//! ```
//! use base::mqtt::{self, Event, Message, scripted::{Broker, ConnAck, Packet}};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let broker = Broker::start().await?;
//! let (client, mut events) = mqtt::start(broker.settings("client"));
//! let mut peer = broker.connection().await?;
//! peer.connack(ConnAck::default()).await?;
//! assert!(matches!(events.recv().await, Some(Event::Connected { session_present: false })));
//! let message = Message { topic: "a/b".to_owned(), payload: b"1".to_vec(), retain: false };
//! let sending = tokio::spawn(async move { client.publish(message).await });
//! if let Packet::Publish { packet_id: Some(id), .. } = peer.next().await? {
//!     peer.puback(id, 0).await?;
//! }
//! assert!(sending.await?.is_ok());
//! # Ok(())
//! # }
//! ```

mod codec;

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout, timeout_at};

pub use codec::{ConnAck, Connect, Packet};

use super::{Message, Settings};

/// The longest wait for a connection or a packet, so that a test that goes wrong ends.
const PATIENCE: Duration = Duration::from_secs(10);

/// Listens on a free port of 127.0.0.1. Each connection is one [`Peer`], driven by the test.
#[derive(Debug)]
pub struct Broker {
    listener: TcpListener,
    port: u16,
}

impl Broker {
    /// Starts to listen.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port })
    }

    /// The TCP port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Settings for this broker that reconnect within milliseconds.
    pub fn settings(&self, client_id: &str) -> Settings {
        Settings {
            backoff_min: Duration::from_millis(5),
            backoff_max: Duration::from_millis(50),
            ..Settings::new("127.0.0.1", self.port, client_id)
        }
    }

    /// Waits for the next connection and its CONNECT, at most 10 s each.
    ///
    /// # Errors
    /// Nobody connects, the connection breaks, or its first packet is no CONNECT of MQTT 5.
    pub async fn connection(&self) -> io::Result<Peer> {
        let (stream, _) = timeout(PATIENCE, self.listener.accept()).await??;
        stream.set_nodelay(true)?;
        let mut peer = Peer { stream, buffer: Vec::new(), connect: Connect::default() };
        match peer.next().await? {
            Packet::Connect(connect) => peer.connect = connect,
            other => return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{other:?} before CONNECT"))),
        }
        Ok(peer)
    }

    /// Waits for the next connection, accepts it and grants all its subscriptions; `subscribes` says whether it has any.
    ///
    /// # Errors
    /// As [`Broker::connection`], or another packet comes in place of SUBSCRIBE.
    pub async fn welcome(&self, session_present: bool, subscribes: bool) -> io::Result<Peer> {
        let mut peer = self.connection().await?;
        peer.connack(ConnAck { session_present, ..ConnAck::default() }).await?;
        if subscribes {
            match peer.next().await? {
                Packet::Subscribe { packet_id, filters } => peer.suback(packet_id, &vec![1; filters.len()]).await?,
                other => return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{other:?} before SUBSCRIBE"))),
            }
        }
        Ok(peer)
    }
}

/// The broker's end of one connection. Dropping it breaks the connection.
#[derive(Debug)]
pub struct Peer {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// What the client said when it connected.
    pub connect: Connect,
}

impl Peer {
    /// The next packet of the client, after at most 10 s. Pings are answered and not returned. Nothing is lost when the wait is given up.
    ///
    /// # Errors
    /// No packet comes, the bytes are not MQTT 5, or the connection fails.
    pub async fn next(&mut self) -> io::Result<Packet> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match codec::parse(&mut self.buffer)? {
                Some(Packet::Ping) => self.stream.write_all(&codec::PINGRESP).await?,
                Some(packet) => return Ok(packet),
                None => {
                    if timeout_at(deadline, self.stream.read_buf(&mut self.buffer)).await?? == 0 {
                        return Ok(Packet::Closed);
                    }
                }
            }
        }
    }

    /// Answers the CONNECT.
    ///
    /// # Errors
    /// The connection fails.
    pub async fn connack(&mut self, answer: ConnAck) -> io::Result<()> {
        self.stream.write_all(&codec::connack(answer)).await
    }

    /// Answers a SUBSCRIBE with one code for each filter: the granted QoS, or a refusal from 0x80.
    ///
    /// # Errors
    /// The connection fails.
    pub async fn suback(&mut self, packet_id: u16, codes: &[u8]) -> io::Result<()> {
        self.stream.write_all(&codec::suback(packet_id, codes)).await
    }

    /// Acknowledges a PUBLISH; 0 is success, 0x10 no subscribers, from 0x80 a refusal.
    ///
    /// # Errors
    /// The connection fails.
    pub async fn puback(&mut self, packet_id: u16, code: u8) -> io::Result<()> {
        self.stream.write_all(&codec::puback(packet_id, code)).await
    }

    /// Sends a message, with QoS 1 if it has a packet identifier.
    ///
    /// # Errors
    /// The connection fails.
    pub async fn publish(&mut self, message: &Message, packet_id: Option<u16>) -> io::Result<()> {
        self.stream.write_all(&codec::publish(message, packet_id)).await
    }

    /// Ends the connection from the broker's side with a reason code (MQTT 5.0, section 3.14.2.1).
    ///
    /// # Errors
    /// The connection fails.
    pub async fn disconnect(mut self, code: u8) -> io::Result<()> {
        self.stream.write_all(&codec::disconnect(code)).await?;
        self.stream.shutdown().await
    }

    /// Sends any bytes, for example such that are not MQTT.
    ///
    /// # Errors
    /// The connection fails.
    pub async fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }
}
