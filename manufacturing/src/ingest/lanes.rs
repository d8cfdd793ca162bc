//! Which work order each lane was told to work on, and which lanes have to be told.

use std::collections::BTreeMap;
use std::time::Duration;

use records::wire::WorkOrderMessage;

use super::due::Due;
use crate::work_order::LaneName;

/// Most lanes that are told: each of them has a kept message at the broker.
const MOST_LANES: usize = 4096;

type Orders = BTreeMap<LaneName, WorkOrderMessage>;

/// The work orders of the lanes, and who is to hear of them.
pub struct Lanes(Due<Orders, LaneName>);

impl Lanes {
    /// The lanes as they stand in the store. All of them are told at the next connection.
    pub fn new(orders: impl IntoIterator<Item = (LaneName, WorkOrderMessage)>) -> Self {
        Self(Due::new(orders.into_iter().take(MOST_LANES).collect()))
    }

    /// A lane works on something else from now on.
    pub fn change(&self, lane: LaneName, message: WorkOrderMessage) {
        self.0.change(|orders, due| {
            if orders.len() < MOST_LANES || orders.contains_key(&lane) {
                orders.insert(lane.clone(), message);
                due.insert(lane);
            }
        });
    }

    /// What lanes work on as the store has it: nothing changes unless it is newer.
    pub fn refresh(&self, orders: impl IntoIterator<Item = (LaneName, WorkOrderMessage)>) {
        for (lane, message) in orders {
            let is_newer =
                self.0.change(|known, _| known.get(&lane).is_none_or(|known| message.revision > known.revision));
            if is_newer {
                self.change(lane, message);
            }
        }
    }

    /// There is a new connection: nobody knows what the broker has kept.
    pub fn again(&self) {
        self.0.change(|orders, due| *due = orders.keys().cloned().collect());
    }

    /// A lane could not be told: it is told after a pause.
    pub fn refused(&self, lane: LaneName, pause: Duration) {
        self.0.refused(lane, pause);
    }

    /// Which lane is to be told what, waiting until one is.
    pub async fn take(&self) -> Vec<(LaneName, WorkOrderMessage)> {
        let of = |orders: &Orders, lane: LaneName| Some((lane.clone(), orders.get(&lane)?.clone()));
        let told = self.0.take(|orders, due| {
            let told: Vec<_> = due.into_iter().filter_map(|lane| of(orders, lane)).collect();
            (!told.is_empty()).then_some(told)
        });
        told.await
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
        assert!(lanes.0.change(|_, due| due.is_empty()), "an older one and the same changed nothing");
    }
}
