//! A line of built programs for tests: Mosquitto, `lotline-manufacturing`, `lotline-station`, and a simulated scanner.
//!
//! `cargo build --workspace --bins` makes the programs; `tests/run` does it first.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test rig says what broke and ends")]

mod around;
mod browser;
pub mod faults;
mod http;
mod process;
mod rig;
mod station;

pub use around::{Around, can_mount};
pub use browser::{Browser, chromium};
pub use http::{get, post};
pub use process::{Process, find_mosquitto, mosquitto, program, run, run_with_input};
pub use rig::{Rig, Second, Shape, free_port, label_of};
pub use station::{Ask, Watch};

/// Waits until `probe` gives something; panics with `what` after `seconds`.
pub fn wait_for<T>(what: &str, seconds: u64, mut probe: impl FnMut() -> Option<T>) -> T {
    let until = std::time::Instant::now() + std::time::Duration::from_secs(seconds);
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(std::time::Instant::now() < until, "waited {seconds} s for {what}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// Where shared test data lies; says that `test` is left out where there is none.
#[must_use]
pub fn shared(test: &str) -> Option<std::path::PathBuf> {
    let shared = std::env::var_os("LOTLINE_SHARED").map(std::path::PathBuf::from);
    if shared.is_none() {
        println!("SKIPPED {test}: LOTLINE_SHARED is not set");
    }
    shared
}
