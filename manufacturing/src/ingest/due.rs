//! Who has to be told of a state that changes.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// A state, and who is to hear of it.
pub struct Due<S, K> {
    state: Mutex<(S, BTreeSet<K>)>,
    changed: Notify,
}

impl<S, K> Due<S, K> {
    /// A state of which nobody is to hear yet.
    pub fn new(state: S) -> Self {
        Self { state: Mutex::new((state, BTreeSet::new())), changed: Notify::new() }
    }

    /// Changes the state, and who is to hear of it.
    pub fn change<T>(&self, change: impl FnOnce(&mut S, &mut BTreeSet<K>) -> T) -> T {
        let (state, due) = &mut *self.state();
        let changed = change(state, due);
        if !due.is_empty() {
            self.changed.notify_one();
        }
        changed
    }

    /// The state with who is to hear of it, waiting until somebody is; where `told` says nothing, nobody was.
    pub async fn take<T>(&self, told: impl Fn(&S, BTreeSet<K>) -> Option<T>) -> T {
        loop {
            let due = {
                let (state, due) = &mut *self.state();
                if due.is_empty() { None } else { told(state, std::mem::take(due)) }
            };
            match due {
                Some(due) => return due,
                None => self.changed.notified().await,
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, (S, BTreeSet<K>)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
