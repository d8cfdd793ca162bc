//! Free ports on this computer.

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// Where ports are looked for: above those of known services, below those that the system gives to outgoing connections
/// (from 32768 on Linux). A client that connects again and again to a port of the latter kind may meet itself there.
const FIRST: u64 = 18_000;
const LAST: u64 = 32_000;

/// `count` different addresses on loopback where nobody listens now.
///
/// # Errors
/// When nearly all ports are taken.
pub fn free(count: usize) -> std::io::Result<Vec<SocketAddr>> {
    let span = LAST - FIRST;
    let begin = RandomState::new().hash_one(std::process::id()) % span;
    let ports = (0..span).filter_map(|step| u16::try_from(FIRST + (begin + step) % span).ok());
    // Held until all are found, so that they differ.
    let held: Vec<TcpListener> =
        ports.filter_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()).take(count).collect();
    if held.len() < count {
        return Err(std::io::ErrorKind::AddrInUse.into());
    }
    held.iter().map(TcpListener::local_addr).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_ports_differ_and_are_free() {
        let ports = free(5).unwrap();
        let held: Vec<TcpListener> = ports.iter().map(|address| TcpListener::bind(address).unwrap()).collect();
        assert_eq!(held.len(), 5);
        assert!(ports.iter().all(|address| (18_000..32_000).contains(&address.port())));
    }
}
