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
        // Without /proc there is no boot id; an empty one is never taken for the same boot as another record's.
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Self { boot: boot.trim().to_owned() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Stamp {
        let since_boot = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let since_boot = u64::try_from(since_boot.tv_sec).unwrap_or(0) * 1000
            + u64::try_from(since_boot.tv_nsec).unwrap_or(0) / 1_000_000;
        Stamp { wall: wall_clock(), synchronised: kernel_clock_is_synchronised(), boot: self.boot.clone(), since_boot }
    }
}

/// The wall clock in whole milliseconds; the epoch where the clock stands outside of years that can be written.
fn wall_clock() -> jiff::Timestamp {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
    let millis = now.tv_sec.saturating_mul(1000).saturating_add(now.tv_nsec / 1_000_000);
    jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

/// adjtimex(2): the kernel clears `STA_UNSYNC` while a time daemon steers its clock.
fn kernel_clock_is_synchronised() -> bool {
    #[allow(unsafe_code, reason = "no safe binding; the call only fills the struct that is handed over")]
    // SAFETY: `timex` is plain data for which all zeros is valid, `modes` 0 means that nothing is set.
    let (state, status) = unsafe {
        let mut timex: libc::timex = std::mem::zeroed();
        (libc::adjtimex(&raw mut timex), timex.status)
    };
    state >= 0 && state != libc::TIME_ERROR && status & libc::STA_UNSYNC == 0
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
