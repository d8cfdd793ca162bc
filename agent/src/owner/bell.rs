//! Wakes the printers' threads.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Counts how often it rang, so that no ring is missed by who was busy. Clones are the same bell.
#[derive(Debug, Clone, Default)]
pub struct Bell(Arc<(Mutex<u64>, Condvar)>);

impl Bell {
    /// Rings.
    pub fn ring(&self) {
        let (rings, wake) = &*self.0;
        *rings.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        wake.notify_all();
    }

    /// How often it rang.
    #[must_use]
    pub fn rings(&self) -> u64 {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it has rung more often than `heard`, at most so long.
    pub fn wait(&self, heard: u64, at_most: Duration) {
        let (rings, wake) = &*self.0;
        let rings = rings.lock().unwrap_or_else(PoisonError::into_inner);
        drop(wake.wait_timeout_while(rings, at_most, |rings| *rings <= heard));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_while_nobody_listens_is_heard_later() {
        let bell = Bell::default();
        let heard = bell.rings();
        bell.clone().ring();
        let begin = std::time::Instant::now();
        bell.wait(heard, Duration::from_secs(60));
        assert!(begin.elapsed() < Duration::from_secs(30) && bell.rings() == 1);
        bell.wait(1, Duration::from_millis(1));
    }
}
