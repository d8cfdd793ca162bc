//! Scans one unit after the other over a station's command socket and prints a line for each green one; or scans units that
//! were green once more and counts those that the station knows. For a guest machine whose power is cut.
//!
//! `scan-loop SOCKET write|check [UNITS]`
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test rig says what broke and ends")]

use std::io::Write;
use std::path::Path;

use tests::faults::is_known;
use tests::{Ask, wait_for};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [socket, does, rest @ ..] = &arguments[..] else { panic!("usage: scan-loop SOCKET write|check [UNITS]") };
    let mut ask = wait_for("the station", 60, || Ask::open(Path::new(socket)));
    let serial = |n: u64| format!("Q{n:07}");
    let mut out = std::io::stdout();
    if does == "write" {
        for n in 1.. {
            let answer = ask.scan(&serial(n)).expect("an answer");
            assert_eq!(answer["code"], "packed", "{answer}");
            // One write for the whole line: the power may go at any moment.
            out.write_all(format!("GREEN {}\n", serial(n)).as_bytes()).expect("a console");
        }
    }
    let units: u64 = rest.first().and_then(|units| units.parse().ok()).expect("a number of units");
    let known = (1..=units).filter(|n| ask.scan(&serial(*n)).is_some_and(|answer| is_known(&answer))).count();
    println!("KNOWN {known}");
}
