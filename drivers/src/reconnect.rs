//! When to open a lost device again.

use std::time::Duration;

/// Waiting times before a device is opened again: doubling, up to a limit, from the start again after a run that lasted.
///
/// A device that opens and is lost at once does not reset them, else it would be opened ten times a second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reopen {
    first: Duration,
    longest: Duration,
    next: Duration,
}

/// How the last attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The device could not be opened.
    NotOpened,
    /// The device was open for this time, then gone.
    Ran(Duration),
}

impl Reopen {
    /// Waits `first` before the first attempt, twice as long before each further one, never longer than `longest`.
    pub fn new(first: Duration, longest: Duration) -> Self {
        let first = first.min(longest);
        Self { first, longest, next: first }
    }

    /// How long to wait before the next attempt. A run at least as long as the longest waiting time counts as
    /// successful and starts again with the shortest.
    pub fn next(&mut self, outcome: Outcome) -> Duration {
        if matches!(outcome, Outcome::Ran(lasted) if lasted >= self.longest) {
            self.next = self.first;
        }
        let wait = self.next;
        self.next = wait.saturating_mul(2).min(self.longest);
        wait
    }
}

impl Default for Reopen {
    /// From 100 ms to 2 s.
    fn default() -> Self {
        Self::new(Duration::from_millis(100), Duration::from_secs(2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(reopen: &mut Reopen, outcome: Outcome, count: usize) -> Vec<u128> {
        (0..count).map(|_| reopen.next(outcome).as_millis()).collect()
    }

    #[test]
    fn doubles_up_to_the_limit() {
        let mut reopen = Reopen::default();
        assert_eq!(waits(&mut reopen, Outcome::NotOpened, 7), [100, 200, 400, 800, 1600, 2000, 2000]);
    }

    #[test]
    fn a_run_that_lasted_starts_again() {
        let mut reopen = Reopen::default();
        waits(&mut reopen, Outcome::NotOpened, 5);
        assert_eq!(reopen.next(Outcome::Ran(Duration::from_secs(3600))).as_millis(), 100);
        assert_eq!(waits(&mut reopen, Outcome::NotOpened, 2), [200, 400]);
    }

    #[test]
    fn a_device_that_comes_and_goes_is_not_hammered() {
        let mut reopen = Reopen::default();
        assert_eq!(waits(&mut reopen, Outcome::Ran(Duration::from_millis(300)), 6), [100, 200, 400, 800, 1600, 2000]);
    }

    #[test]
    fn a_first_wait_above_the_limit_is_the_limit() {
        let mut reopen = Reopen::new(Duration::MAX, Duration::from_secs(1));
        assert_eq!(waits(&mut reopen, Outcome::NotOpened, 2), [1000, 1000]);
    }
}
