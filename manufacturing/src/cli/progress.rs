//! How far a long command is, on standard error.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// From when on it is told where nobody watches, as in the log of a scheduled run.
const QUIET: Duration = Duration::from_secs(2);
/// Between two lines there, and between two changes on a terminal.
const BETWEEN: [Duration; 2] = [Duration::from_secs(10), Duration::from_millis(200)];

/// Tells how much of `total` is done.
pub struct Progress<'e> {
    errors: &'e mut dyn Write,
    what: &'static str,
    total: u64,
    terminal: bool,
    next: Instant,
    calls: u32,
}

impl<'e> Progress<'e> {
    pub fn new(errors: &'e mut dyn Write, what: &'static str, total: u64) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let wait = if terminal { BETWEEN[1] } else { QUIET };
        Self { errors, what, total, terminal, next: Instant::now() + wait, calls: 0 }
    }

    /// So much is done; for long steps.
    pub fn now(&mut self, done: u64) {
        self.calls = u32::MAX; // the next one is looked at
        self.at(done);
    }

    /// So much is done. Cheap enough for every record.
    pub fn at(&mut self, done: u64) {
        self.calls = self.calls.wrapping_add(1);
        if self.calls.is_multiple_of(256) && Instant::now() >= self.next {
            self.next = Instant::now() + BETWEEN[usize::from(self.terminal)];
            let percent = done.saturating_mul(100).checked_div(self.total).unwrap_or(100).min(100);
            let (start, end) = if self.terminal { ("\r", "\x1b[K") } else { ("", "\n") };
            // Nobody is helped where this cannot be told.
            drop(write!(self.errors, "{start}{done} {} of {}, {percent} %{end}", self.what, self.total));
            drop(self.errors.flush());
        }
    }
}

impl Drop for Progress<'_> {
    /// Leaves no half line on a terminal.
    fn drop(&mut self) {
        if self.terminal {
            drop(write!(self.errors, "\r\x1b[K"));
        }
    }
}
