//! After a start, what is scanned waits a moment for the service's first word.
//!
//! A disk image that was written back keeps its place and its machine: only the service knows that the journal on it is
//! an older copy. What would be packed before it has said so would go into boxes that are closed, and under SSCCs that are
//! given out. A station without a network does not wait for longer than it takes to see that.

use std::sync::Arc;
use std::time::Duration;

use drivers::Stop;
use tokio::sync::watch;

/// How often a waiting thread looks whether it should stop.
const LOOK: Duration = Duration::from_millis(20);

/// Has the service spoken, or is it clear that it will not soon? Clones share it.
#[derive(Debug, Clone)]
pub struct FirstWord(Arc<watch::Sender<bool>>);

impl FirstWord {
    /// Not yet.
    #[must_use]
    pub fn awaited() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// There is none to wait for.
    #[must_use]
    pub fn given() -> Self {
        Self(Arc::new(watch::Sender::new(true)))
    }

    /// From now on nobody waits.
    pub fn give(&self) {
        self.0.send_replace(true);
    }

    /// Does anybody still have to wait?
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        !*self.0.borrow()
    }

    /// Waits in async code.
    pub async fn wait(&self) {
        // The sender lives as long as this value.
        drop(self.0.subscribe().wait_for(|given| *given).await);
    }

    /// Waits on a thread; `false` when it has to stop instead.
    #[must_use]
    pub fn wait_blocking(&self, stop: &Stop) -> bool {
        while self.is_awaited() {
            if stop.is_stopped() {
                return false;
            }
            std::thread::sleep(LOOK);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_waits_until_the_word_is_given_or_it_has_to_stop() {
        let (word, stop) = (FirstWord::awaited(), Stop::new());
        let waiting = {
            let (word, stop) = (word.clone(), stop.clone());
            std::thread::spawn(move || word.wait_blocking(&stop))
        };
        assert!(word.is_awaited() && !waiting.is_finished());
        word.give();
        assert!(waiting.join().unwrap() && FirstWord::given().wait_blocking(&stop));
        stop.stop();
        assert!(!FirstWord::awaited().wait_blocking(&stop));
    }
}
