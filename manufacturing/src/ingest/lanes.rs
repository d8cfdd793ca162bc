//! Which work order each lane was told to work on, and which lanes have to be told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use records::wire::WorkOrderMessage;
use tokio::sync::Notify;

use crate::work_order::LaneName;

/// Most lanes that are told: each of them has a kept message at the broker.
const MOST_LANES: usize = 4096;

/// The work orders of the lanes, and who is to hear of them.
pub struct Lanes {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    orders: BTreeMap<LaneName, WorkOrderMessage>,
    due: BTreeSet<LaneName>,
}

impl Lanes {
    /// The lanes as they stand in the store. All of them are told at the next connection.
    pub fn new(orders: impl IntoIterator<Item = (LaneName, WorkOrderMessage)>) -> Self {
        let state = State { orders: orders.into_iter().take(MOST_LANES).collect(), due: BTreeSet::new() };
        Self { state: Mutex::new(state), changed: Notify::new() }
    }

    /// A lane works on something else from now on.
    pub fn change(&self, lane: LaneName, message: WorkOrderMessage) {
        let mut state = self.state();
        if state.orders.len() < MOST_LANES || state.orders.contains_key(&lane) {
            state.orders.insert(lane.clone(), message);
            state.due.insert(lane);
            self.changed.notify_one();
        }
    }

    /// What lanes work on as the store has it: nothing changes unless it is newer.
    pub fn refresh(&self, orders: impl IntoIterator<Item = (LaneName, WorkOrderMessage)>) {
        for (lane, message) in orders {
            let is_newer = self.state().orders.get(&lane).is_none_or(|known| message.revision > known.revision);
            if is_newer {
                self.change(lane, message);
            }
        }
    }

    /// There is a new connection: nobody knows what the broker has kept.
    pub fn again(&self) {
        let mut state = self.state();
        state.due = state.orders.keys().cloned().collect();
        self.changed.notify_one();
    }

    /// Which lane is to be told what, waiting until one is.
    pub async fn take(&self) -> Vec<(LaneName, WorkOrderMessage)> {
        loop {
            {
                let mut state = self.state();
                let due = std::mem::take(&mut state.due);
                let told = due.into_iter().filter_map(|lane| Some((lane.clone(), state.orders.get(&lane)?.clone())));
                let told: Vec<_> = told.collect();
                if !told.is_empty() {
                    return told;
                }
            }
            self.changed.notified().await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_lane_is_told_at_a_connection_and_a_change() {
        let lane = |name: &str| LaneName { station: "a".into(), lane: name.into() };
        let message = |revision| WorkOrderMessage {
            revision,
            work_order: Some("WO".into()),
            attributes: Default::default(),
            terms: Default::default(),
        };
        let lanes = Lanes::new([(lane("main"), message(1))]);
        lanes.again();
        assert_eq!(lanes.take().await, [(lane("main"), message(1))]);
        lanes.change(lane("left"), message(2));
        lanes.change(lane("left"), message(3));
        assert_eq!(lanes.take().await, [(lane("left"), message(3))], "the newest alone");
        lanes.again();
        assert_eq!(lanes.take().await.len(), 2);
        lanes.refresh([(lane("left"), message(3)), (lane("main"), message(4)), (lane("right"), message(5))]);
        assert_eq!(lanes.take().await, [(lane("main"), message(4)), (lane("right"), message(5))]);
        lanes.refresh([(lane("main"), message(2))]);
        assert!(lanes.state().due.is_empty(), "an older one and the same changed nothing");
    }
}
