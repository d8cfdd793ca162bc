//! How long to wait before trying again.

use std::time::Duration;

/// Exponential back-off with jitter: each wait is a random time between the shortest one and a limit that doubles with
/// every attempt, so that many programs that lost the same server do not come back at the same moment.
///
/// Pure: the random bits are handed in, [`random`] gives them.
#[derive(Debug, Clone)]
pub struct Backoff {
    shortest: Duration,
    longest: Duration,
    attempts: u32,
}

impl Backoff {
    /// Waits from `shortest` to `longest`. The first wait is at most twice `shortest`.
    pub fn new(shortest: Duration, longest: Duration) -> Self {
        Self { shortest, longest: longest.max(shortest), attempts: 0 }
    }

    /// The next wait; `random` are 64 random bits.
    pub fn next_wait(&mut self, random: u64) -> Duration {
        self.attempts = self.attempts.saturating_add(1);
        let factor = 1u32.checked_shl(self.attempts).unwrap_or(u32::MAX);
        let limit = self.shortest.saturating_mul(factor).min(self.longest);
        let share = random as f64 / u64::MAX as f64;
        self.shortest + (limit - self.shortest).mul_f64(share)
    }

    /// Starts again from the shortest wait.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }
}

/// 64 random bits of the operating system. Half of the range should it have none: a wait without jitter does no harm.
pub fn random() -> u64 {
    getrandom::u64().unwrap_or(u64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_limit_doubles_up_to_the_longest_and_starts_again() {
        let mut backoff = Backoff::new(SECOND, 60 * SECOND);
        let limits: Vec<u64> = (0..8).map(|_| backoff.next_wait(u64::MAX).as_secs()).collect();
        assert_eq!(limits, [2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(backoff.next_wait(0), SECOND);
        backoff.reset();
        assert_eq!(backoff.next_wait(u64::MAX), 2 * SECOND);
    }

    proptest! {
        #[test]
        fn a_wait_stays_between_the_shortest_and_the_longest(
            shortest in 0u64..5000, longest in 0u64..100_000, attempts in 1usize..80, random: u64,
        ) {
            let shortest = Duration::from_millis(shortest);
            let longest = Duration::from_millis(longest).max(shortest);
            let mut backoff = Backoff::new(shortest, longest);
            for _ in 0..attempts {
                let wait = backoff.next_wait(random);
                prop_assert!(wait >= shortest && wait <= longest);
            }
        }
    }
}
