//! Time, as it is handed to decisions.

use records::Stamp;

/// Gives the time. The only place in this program that asks the system for it.
pub trait Clock: Send + Sync {
    /// Now, with all that the station knows of how far it can be trusted.
    fn now(&self) -> Stamp;
}

/// The system's clocks.
pub struct SystemClock {
    boot: String,
}

impl SystemClock {
    /// Reads the kernel's boot id once.
    #[must_use]
    pub fn new() -> Self {
        Self { boot: base::clock::boot_id() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Stamp {
        let (synchronised, since_boot) = (base::clock::is_synchronised(), base::clock::since_boot());
        Stamp { wall: wall_clock(), synchronised, boot: self.boot.clone(), since_boot }
    }
}

/// The wall clock in whole milliseconds; the epoch where the clock stands outside of years that can be written.
fn wall_clock() -> jiff::Timestamp {
    #[allow(clippy::disallowed_methods, reason = "this is the one clock of this program")]
    let now = jiff::Timestamp::try_from(std::time::SystemTime::now());
    let whole = now.and_then(|now| jiff::Timestamp::from_millisecond(now.as_millisecond()));
    whole.unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

/// A clock that tests set.
#[derive(Debug)]
pub struct ManualClock(std::sync::Mutex<Stamp>);

impl ManualClock {
    /// Starts at `wall`, 0 ms after the boot named `boot`, synchronised.
    #[must_use]
    pub fn new(wall: jiff::Timestamp, boot: &str) -> Self {
        Self(std::sync::Mutex::new(Stamp { wall, synchronised: true, boot: boot.to_owned(), since_boot: 0 }))
    }

    /// Lets `millis` milliseconds pass.
    pub fn advance(&self, millis: u32) {
        let mut stamp = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        stamp.since_boot += u64::from(millis);
        stamp.wall += std::time::Duration::from_millis(millis.into());
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Stamp {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_names_its_boot_and_goes_on() {
        let clock = SystemClock::new();
        let (one, two) = (clock.now(), clock.now());
        assert!(!one.boot.is_empty());
        assert!(two.since_boot >= one.since_boot && one.since_boot > 0);
        assert_eq!(one.wall.subsec_nanosecond() % 1_000_000, 0, "whole milliseconds");
    }
}
