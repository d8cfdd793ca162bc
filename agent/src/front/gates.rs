//! One scan of a lane after the other, while something is looked up.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The gates of all lanes. Who waits first goes first.
#[derive(Debug, Default)]
pub(super) struct Gates(Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>);

impl Gates {
    /// The gate of a lane on which something is looked up.
    pub(super) fn make(&self, lane: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match gates.get(lane) {
            Some(gate) => gate.clone(),
            None => gates.entry(lane.to_owned()).or_default().clone(),
        }
    }

    /// Was anything ever looked up on this lane? Then a command, too, must not overtake the unit before it.
    pub(super) fn is_made(&self, lane: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(lane)
    }
}
