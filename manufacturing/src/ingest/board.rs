//! What is on hold, and which stations have to be told.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use records::wire::Holds;
use tokio::sync::Notify;

/// Most stations that are told: each of them has a kept message at the broker.
const MOST_STATIONS: usize = 4096;

/// The holds, and who is to hear of them.
pub struct Board {
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    holds: Holds,
    known: BTreeSet<String>,
    due: BTreeSet<String>,
}

impl Board {
    /// A board on which this stands. All of these stations are to be told at the next connection.
    pub fn new(holds: Holds, stations: impl IntoIterator<Item = String>) -> Self {
        let state = State { holds, known: stations.into_iter().take(MOST_STATIONS).collect(), due: BTreeSet::new() };
        Self { state: Mutex::new(state), changed: Notify::new() }
    }

    /// Something else is on hold from now on.
    pub fn change(&self, holds: Holds) {
        let mut state = self.state();
        state.holds = holds;
        state.due = state.known.clone();
        self.changed.notify_one();
    }

    /// What is on hold as the store has it: nothing changes unless it is newer.
    pub fn refresh(&self, holds: Holds) {
        let is_newer = holds.revision > self.state().holds.revision;
        if is_newer {
            self.change(holds);
        }
    }

    /// A station was heard; one that was not heard before is told.
    pub fn heard(&self, station: &str) {
        let mut state = self.state();
        if !state.known.contains(station) && state.known.len() < MOST_STATIONS {
            state.known.insert(station.to_owned());
            state.due.insert(station.to_owned());
            self.changed.notify_one();
        }
    }

    /// There is a new connection: nobody knows what the broker has kept.
    pub fn again(&self) {
        let mut state = self.state();
        state.due = state.known.clone();
        self.changed.notify_one();
    }

    /// Who is to be told what, waiting until somebody is.
    pub async fn take(&self) -> (Holds, BTreeSet<String>) {
        loop {
            {
                let mut state = self.state();
                if !state.due.is_empty() {
                    return (state.holds.clone(), std::mem::take(&mut state.due));
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
    async fn every_station_is_told_at_a_connection_a_change_and_when_it_is_new() {
        let board = Board::new(Holds::default(), ["a".to_owned()]);
        let names = |due: BTreeSet<String>| due.into_iter().collect::<Vec<_>>().join(" ");
        board.again();
        assert_eq!(names(board.take().await.1), "a");
        board.heard("a");
        board.heard("b");
        assert_eq!(names(board.take().await.1), "b");
        board.change(Holds { revision: 7, ..Holds::default() });
        let (holds, due) = board.take().await;
        assert_eq!((holds.revision, names(due)), (7, "a b".to_owned()));
        board.refresh(Holds { revision: 7, ..Holds::default() });
        board.refresh(Holds { revision: 8, ..Holds::default() });
        assert_eq!(board.take().await.0.revision, 8);
        assert!(board.state().due.is_empty(), "an older one and the same changed nothing");
    }
}
