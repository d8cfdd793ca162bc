//! A simulated bad wire between an MQTT 5 client and its broker.

mod crossing;
mod frame;
mod relay;
mod script;

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

pub use script::{Counts, Fault, Greeting, Rule, Toward};

use relay::Shared;

/// The wire cannot be laid.
#[derive(Debug, thiserror::Error)]
pub enum FaultyWireError {
    /// The address cannot be listened on.
    #[error("the simulated wire cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The system gives no thread.
    #[error("the simulated wire gets no thread")]
    Thread(#[source] std::io::Error),
}

/// A wire between clients and an MQTT 5 broker that does what it is told: it passes, loses, doubles, holds back, breaks.
///
/// Clients connect to [`FaultyWire::address`], and the wire connects to the broker for each of them. It understands as much of
/// MQTT as it needs to hit one PUBLISH, one PUBACK or one CONNACK; packets of at most 4 MiB pass. Both ways have the same
/// faults: from a station to the broker they hit records, from the broker to a station receipts. Ends when it is dropped.
///
/// ```no_run
/// use demo::sim::{Fault, FaultyWire, Rule, Toward};
///
/// # fn main() -> Result<(), demo::sim::FaultyWireError> {
/// let wire = FaultyWire::start(([127, 0, 0, 1], 1883).into())?;
/// println!("connect the station to mqtt://{}", wire.address());
/// // The third segment from now on arrives, but its PUBACK does not: the connection breaks in its place.
/// wire.add(Rule::new(Toward::Broker, "/records", Fault::CutAfter).after(2));
/// // The next two receipts get lost.
/// wire.add(Rule::new(Toward::Client, "/receipts", Fault::Lose).times(2));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct FaultyWire {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: Mutex<Option<Listening>>,
}

#[derive(Debug)]
struct Listening {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl FaultyWire {
    /// A wire to this broker, on a free port of 127.0.0.1. The broker need not run yet.
    ///
    /// # Errors
    /// There is no free port, or no thread.
    pub fn start(broker: SocketAddr) -> Result<Self, FaultyWireError> {
        let shared = Arc::new(Shared::new(broker));
        let (listening, address) = listen(([127, 0, 0, 1], 0).into(), &shared)?;
        Ok(Self { address, shared, listening: Mutex::new(Some(listening)) })
    }

    /// Where clients connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds a rule, behind those that are there.
    pub fn add(&self, rule: Rule) {
        self.shared.script(|script, _| script.add(rule));
    }

    /// Changes the broker's answer to each CONNECT from now on.
    pub fn greet(&self, greeting: Greeting) {
        self.shared.script(|script, _| script.greeting = greeting);
    }

    /// Forgets all rules, leaves greetings as they are from now on, and lets go what is held back.
    pub fn clear(&self) {
        self.shared.script(|script, _| script.clear());
    }

    /// Rules that have still something to hit; those that hit for ever do not count.
    #[must_use]
    pub fn rules_left(&self) -> usize {
        self.shared.script(|script, _| script.left())
    }

    /// Breaks every connection now.
    pub fn cut(&self) {
        self.shared.links().iter().for_each(relay::cut);
    }

    /// Makes every connection half-open: its bytes are taken and answered by nothing, until the client gives it up. The broker
    /// sees the connection break. New connections pass.
    pub fn stall(&self) {
        for link in self.shared.links() {
            if relay::stall(&link) {
                self.shared.script(|_, counts| counts.stalled += 1);
            }
        }
    }

    /// Breaks every connection, and nothing listens any more: whoever connects is refused. Without effect when it is so.
    pub fn unplug(&self) {
        let listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Listening { stop, thread }) = listening {
            stop.store(true, Ordering::Release);
            // A panic of its thread has been reported by that thread.
            thread.join().ok();
        }
        self.cut();
    }

    /// Listens again, under the same address. Without effect when it does.
    ///
    /// # Errors
    /// The port was taken meanwhile.
    pub fn plug(&self) -> Result<(), FaultyWireError> {
        let mut listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        if listening.is_none() {
            *listening = Some(listen(self.address, &self.shared)?.0);
        }
        Ok(())
    }

    /// Sends a PUBLISH of QoS 0 that nobody sent, on every connection; tells on how many.
    pub fn inject(&self, toward: Toward, topic: &str, payload: &[u8]) -> usize {
        let bytes = frame::publish(topic, payload);
        let told = self.shared.links().iter().filter(|link| relay::inject(link, toward, &bytes)).count();
        self.shared.script(|_, counts| {
            counts.injected += told as u64;
            match toward {
                Toward::Broker => counts.to_broker += told as u64,
                Toward::Client => counts.to_client += told as u64,
            }
        });
        told
    }

    /// What has happened so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.script(|_, counts| *counts)
    }
}

fn listen(address: SocketAddr, shared: &Arc<Shared>) -> Result<(Listening, SocketAddr), FaultyWireError> {
    let fault = |source| FaultyWireError::Listen { address, source };
    let listener = TcpListener::bind(address).map_err(fault)?;
    listener.set_nonblocking(true).map_err(fault)?;
    let address = listener.local_addr().map_err(fault)?;
    let stop = Arc::new(AtomicBool::new(false));
    let (shared, stopped) = (Arc::clone(shared), Arc::clone(&stop));
    let thread = std::thread::Builder::new()
        .name("sim-wire".to_owned())
        .spawn(move || relay::listen(&listener, &shared, &stopped))
        .map_err(FaultyWireError::Thread)?;
    Ok((Listening { stop, thread }, address))
}

impl Drop for FaultyWire {
    fn drop(&mut self) {
        self.unplug();
    }
}

#[cfg(test)]
mod tests;
