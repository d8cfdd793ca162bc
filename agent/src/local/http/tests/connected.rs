//! Who connects, stays silent, or comes too often.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::time::Instant;

use super::*;

const QUICK: Limits = Limits { silent: Duration::from_millis(500), ..Limits::USUAL };

impl Station {
    /// A connection from this address of the computer itself, on which `first` was said.
    fn connect(&self, from: u8, first: &str) -> TcpStream {
        let mut stream = self.runtime.block_on(async {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind((IpAddr::V4(Ipv4Addr::new(127, 0, 0, from)), 0).into()).unwrap();
            socket.connect(self.address).await.unwrap().into_std().unwrap()
        });
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream.write_all(first.as_bytes()).unwrap();
        stream
    }
}

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// What comes until the other side closes, and how long that took.
fn rest(stream: &mut TcpStream) -> (String, Duration) {
    let (began, mut text) = (Instant::now(), Vec::new());
    match stream.read_to_end(&mut text) {
        Err(error) if error.kind() != std::io::ErrorKind::ConnectionReset => panic!("not closed: {error}"),
        _ => (String::from_utf8(text).unwrap(), began.elapsed()),
    }
}

/// A connection of this address asks for the health; whether it was answered.
fn is_answered(station: &Station, from: u8) -> (bool, TcpStream) {
    let (mut stream, mut answer) = (station.connect(from, HEALTH), [0; 15]);
    (stream.read_exact(&mut answer).is_ok() && &answer == b"HTTP/1.1 200 OK", stream)
}

#[test]
fn whoever_stays_silent_keeps_nobody_out() {
    let station = Station::new();
    let mut silent = Vec::new();
    for first in ["", "GET /heal", "GET /healthz HTTP/1.1\r\nhost: localhost\r\n"] {
        for from in [2, 3] {
            silent.extend((0..Limits::USUAL.most).map(|_| station.connect(from, first)));
            let began = Instant::now();
            assert!(is_answered(&station, from).0, "the same address, after {first:?}");
            assert!(is_answered(&station, 1).0, "another address, after {first:?}");
            assert!(began.elapsed() < Limits::USUAL.silent / 2, "at once");
        }
    }
}

#[test]
fn half_a_request_is_not_waited_for() {
    let station = Station::limited(None, QUICK);
    let mut silent: Vec<TcpStream> = (0..64).map(|_| station.connect(1, "GET /heal")).collect();
    for stream in &mut silent {
        let (text, took) = rest(stream);
        assert!(text.is_empty() && took < Duration::from_secs(2), "{text:?} {took:?}");
    }
    assert!(is_answered(&station, 1).0);
}

#[test]
fn one_address_does_not_take_the_places_of_others() {
    let station = Station::limited(None, Limits { most: 6, of_one: 4, ..Limits::USUAL });
    let ask = |from| is_answered(&station, from);
    let mut held: Vec<TcpStream> = (0..4)
        .map(|_| ask(2))
        .map(|(answered, stream)| {
            assert!(answered);
            stream
        })
        .collect();
    assert!(!ask(2).0, "one more of the same address");
    held.extend([ask(3), ask(3)].map(|(answered, stream)| {
        assert!(answered, "another address");
        stream
    }));
    assert!(!ask(3).0, "one more of all");
    // One that goes makes room again.
    drop(held.remove(0));
    assert!((0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        ask(2).0
    }));
}

#[test]
fn who_may_not_ask_keeps_no_connection() {
    let station = Station::with_token(Some(TOKEN));
    let (text, took) = rest(&mut station.connect(1, HEALTH));
    assert!(text.starts_with("HTTP/1.1 401 ") && took < Duration::from_secs(2), "{text} {took:?}");
}

#[test]
fn an_idle_connection_is_closed_and_one_that_watches_is_not() {
    let station = Station::limited(None, QUICK);
    let mut watching = station.connect(1, "GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let mut idle = station.connect(1, HEALTH);
    let (text, took) = rest(&mut idle);
    assert!(text.starts_with("HTTP/1.1 200 OK") && text.ends_with('}'), "{text}");
    assert!(took > QUICK.silent / 2, "kept for a while: {took:?}");
    let until = Instant::now() + QUICK.silent * 3;
    let mut events = String::new();
    while Instant::now() < until || events.matches("event: status").count() < 2 {
        let mut chunk = [0; 4096];
        let read = watching.read(&mut chunk).unwrap();
        assert!(read > 0, "the events go on");
        events.push_str(&String::from_utf8_lossy(&chunk[..read]));
    }
}

#[test]
fn a_body_that_comes_to_no_end_is_not_waited_for() {
    let station = Station::limited(None, QUICK);
    let head =
        "POST /v1/scans HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n";
    let (text, took) = rest(&mut station.connect(1, &format!("{head}{{\"text\":")));
    assert!(text.starts_with("HTTP/1.1 408 ") && text.contains("\"tooSlow\""), "{text}");
    assert!(took < Duration::from_secs(2), "{took:?}");
}
