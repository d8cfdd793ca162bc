//! What became of the units of an answer, as a mass balance: every unit is in exactly one of its counts.

use serde::{Deserialize, Serialize};

use crate::projection::State;

/// Counts of units. `made` is the sum of all others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Balance {
    /// All of them.
    pub made: u64,
    /// Packed, and still here.
    pub packed: u64,
    /// What they are packed in has left.
    pub despatched: u64,
    /// Parts of other devices.
    pub assembled: u64,
    /// Taken out of what they were in.
    pub unpacked: u64,
    /// Scrap.
    pub scrapped: u64,
    /// Tested, and not packed yet.
    pub tested: u64,
    /// Records name them, and none says what became of them.
    pub unknown: u64,
}

impl Balance {
    /// Counts a unit.
    pub fn count(&mut self, state: State) {
        self.made += 1;
        *match state {
            State::Packed => &mut self.packed,
            State::Despatched => &mut self.despatched,
            State::Assembled => &mut self.assembled,
            State::Unpacked => &mut self.unpacked,
            State::Scrapped => &mut self.scrapped,
            State::Tested => &mut self.tested,
            State::Seen | State::Voided => &mut self.unknown,
        } += 1;
    }

    /// Each count but the sum, with its word.
    pub fn parts(&self) -> [(&'static str, u64); 7] {
        [
            ("packed", self.packed),
            ("despatched", self.despatched),
            ("assembled", self.assembled),
            ("unpacked", self.unpacked),
            ("scrapped", self.scrapped),
            ("tested", self.tested),
            ("unknown", self.unknown),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_in_one_count() {
        use State::*;
        let all = [Seen, Tested, Assembled, Packed, Despatched, Unpacked, Scrapped, Voided, Packed];
        let mut balance = Balance::default();
        all.into_iter().for_each(|state| balance.count(state));
        assert_eq!((balance.made, balance.packed, balance.unknown), (9, 2, 2));
        assert_eq!(balance.parts().iter().map(|(_, count)| count).sum::<u64>(), balance.made);
    }
}
