//! What is on hold, and which stations have to be told.

use std::collections::BTreeSet;
use std::time::Duration;

use records::wire::Holds;

use super::due::Due;

/// Most stations that are told: each of them has a kept message at the broker.
const MOST_STATIONS: usize = 4096;

/// The holds, and who is to hear of them.
pub struct Board(Due<State, String>);

struct State {
    holds: Holds,
    known: BTreeSet<String>,
}

impl Board {
    /// A board on which this stands. All of these stations are to be told at the next connection.
    pub fn new(holds: Holds, stations: impl IntoIterator<Item = String>) -> Self {
        Self(Due::new(State { holds, known: stations.into_iter().take(MOST_STATIONS).collect() }))
    }

    /// Something else is on hold from now on.
    pub fn change(&self, holds: Holds) {
        self.0.change(|state, due| {
            state.holds = holds;
            *due = state.known.clone();
        });
    }

    /// What is on hold as the store has it: nothing changes unless it is newer.
    pub fn refresh(&self, holds: Holds) {
        if self.0.change(|state, _| holds.revision > state.holds.revision) {
            self.change(holds);
        }
    }

    /// A station was heard; one that was not heard before is told.
    pub fn heard(&self, station: &str) {
        self.0.change(|state, due| {
            if !state.known.contains(station) && state.known.len() < MOST_STATIONS {
                state.known.insert(station.to_owned());
                due.insert(station.to_owned());
            }
        });
    }

    /// There is a new connection: nobody knows what the broker has kept.
    pub fn again(&self) {
        self.0.change(|state, due| *due = state.known.clone());
    }

    /// A station could not be told: it is told after a pause.
    pub fn refused(&self, station: String, pause: Duration) {
        self.0.refused(station, pause);
    }

    /// Who is to be told what, waiting until somebody is.
    pub async fn take(&self) -> (Holds, BTreeSet<String>) {
        self.0.take(|state, due| Some((state.holds.clone(), due))).await
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
        assert!(board.0.change(|_, due| due.is_empty()), "an older one and the same changed nothing");
    }
}
