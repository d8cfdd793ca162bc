//! The MQTT 5 broker of the demo: rumqttd on one loopback port. It keeps nothing on disk: what is lost with it is sent
//! again by the stations, because receipts are missing.

use std::collections::HashMap;
use std::net::SocketAddr;

use rumqttd::{Broker, Config, ConnectionSettings, RouterConfig, ServerSettings};

/// Largest packet in bytes: a segment of records is at most 1 MiB.
const LARGEST_PACKET: usize = 4 << 20;
/// What is held in memory for one subscription: segments of so many bytes, and so many of them.
const SEGMENT_BYTES: usize = 8 << 20;
const SEGMENTS: usize = 4;

/// The broker cannot run.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The address is taken, or not of this computer.
    #[error("the broker cannot listen on {address}: choose a free port of this computer with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The broker ended by itself; it logs why.
    #[error("the broker has ended: see its log, and start it again")]
    Ended,
}

/// Runs a broker on `address` until the process ends.
///
/// # Errors
/// When it cannot listen, or has ended by itself.
pub fn serve(address: SocketAddr) -> Result<(), BrokerError> {
    // Told here, since the broker itself only logs it.
    let free = std::net::TcpListener::bind(address);
    drop(free.map_err(|source| BrokerError::Listen { address, source })?);
    let mut broker = Broker::new(config(address));
    if let Err(error) = broker.start() {
        tracing::error!(error = &error as &dyn std::error::Error, "the broker failed");
    }
    Err(BrokerError::Ended)
}

fn config(address: SocketAddr) -> Config {
    let connections = ConnectionSettings {
        connection_timeout_ms: 10_000,
        max_payload_size: LARGEST_PACKET,
        max_inflight_count: 200,
        auth: None,
        external_auth: None,
        dynamic_filters: false,
    };
    let server = ServerSettings {
        name: "mqtt".to_owned(),
        listen: address,
        tls: None,
        next_connection_delay_ms: 1,
        connections,
    };
    let router = RouterConfig {
        max_connections: 64,
        max_outgoing_packet_count: 200,
        max_segment_size: SEGMENT_BYTES,
        max_segment_count: SEGMENTS,
        ..RouterConfig::default()
    };
    Config { router, v5: Some(HashMap::from([("mqtt".to_owned(), server)])), ..Config::default() }
}

#[cfg(test)]
mod tests;
