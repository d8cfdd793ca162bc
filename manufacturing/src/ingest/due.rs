//! Who has to be told of a state that changes.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// A state, and who is to hear of it.
pub struct Due<S, K> {
    state: Mutex<Held<S, K>>,
    changed: Notify,
}

struct Held<S, K> {
    state: S,
    due: BTreeSet<K>,
    /// Who could not be told, and when they are due again.
    refused: BTreeSet<K>,
    again: Option<Instant>,
}

impl<S, K: Ord> Due<S, K> {
    /// A state of which nobody is to hear yet.
    pub fn new(state: S) -> Self {
        let held = Held { state, due: BTreeSet::new(), refused: BTreeSet::new(), again: None };
        Self { state: Mutex::new(held), changed: Notify::new() }
    }

    /// Changes the state, and who is to hear of it.
    pub fn change<T>(&self, change: impl FnOnce(&mut S, &mut BTreeSet<K>) -> T) -> T {
        let Held { state, due, .. } = &mut *self.held();
        let changed = change(state, due);
        if !due.is_empty() {
            self.changed.notify_one();
        }
        changed
    }

    /// One could not be told: it is due again after a pause, with others that were refused meanwhile.
    pub fn refused(&self, who: K, pause: Duration) {
        let held = &mut *self.held();
        held.refused.insert(who);
        held.again.get_or_insert_with(|| Instant::now() + pause);
        self.changed.notify_one();
    }

    /// The state with who is to hear of it, waiting until somebody is; where `told` says nothing, nobody was.
    pub async fn take<T>(&self, told: impl Fn(&S, BTreeSet<K>) -> Option<T>) -> T {
        loop {
            let (told, again) = {
                let held = &mut *self.held();
                if held.again.take_if(|again| *again <= Instant::now()).is_some() {
                    held.due.append(&mut held.refused);
                }
                let due = std::mem::take(&mut held.due);
                (if due.is_empty() { None } else { told(&held.state, due) }, held.again)
            };
            match (told, again) {
                (Some(told), _) => return told,
                // Whatever ends it, what is due is looked at anew.
                (None, Some(again)) => drop(timeout_at(again, self.changed.notified()).await),
                (None, None) => self.changed.notified().await,
            }
        }
    }

    fn held(&self) -> MutexGuard<'_, Held<S, K>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
