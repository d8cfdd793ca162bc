//! Which texts the patterns of two rules match, compared exactly: a rule that can never match, or never alone, is found when
//! the configuration is read, not when the unit stands on the line.
//!
//! Both patterns become deterministic automata, which are walked together. What takes too much room or uses what automata
//! lack (a Unicode word boundary) is not compared: then a scan that fits two rules is refused when it comes.

use std::collections::HashMap;

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};

use super::{Case, whole};

/// Most bytes of one automaton.
const MOST_BYTES: usize = 1 << 20;
/// Most pairs of states that are walked.
const MOST_PAIRS: usize = 20_000;

/// The texts that a rule's pattern matches.
pub struct Language {
    automaton: dense::DFA<Vec<u32>>,
    start: StateID,
    case: Case,
    trim: bool,
}

/// What a walk has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A shortest such text.
    Text(String),
    /// There is none.
    Nothing,
    /// Nobody knows: it was too large to walk.
    Unknown,
}

impl Language {
    /// The texts that `pattern` matches from beginning to end, after the scan was trimmed and folded; `None` where they
    /// cannot be compared.
    #[must_use]
    pub fn of(pattern: &str, trim: bool, case: Case) -> Option<Self> {
        let config = dense::Config::new()
            .start_kind(StartKind::Anchored)
            .match_kind(MatchKind::All)
            .accelerate(false)
            .dfa_size_limit(Some(MOST_BYTES))
            .determinize_size_limit(Some(MOST_BYTES));
        let automaton = dense::Builder::new().configure(config).build(&whole(pattern)).ok()?;
        let start = automaton.start_state(&start::Config::new().anchored(Anchored::Yes)).ok()?;
        Some(Self { automaton, start, case, trim })
    }

    /// A text that it matches.
    #[must_use]
    pub fn example(&self) -> Found {
        walk(self, self, self.trim, |one, _| one, |one, _| one)
    }

    /// A text that both match.
    #[must_use]
    pub fn common(&self, other: &Self) -> Found {
        // Where one of them trims, texts with white space around them are looked at by nobody.
        walk(self, other, self.trim || other.trim, |one, two| one && two, |one, two| one && two)
    }

    /// A text that this one matches and the other one does not.
    #[must_use]
    pub fn alone(&self, other: &Self) -> Found {
        if self.trim != other.trim {
            return Found::Unknown;
        }
        walk(self, other, self.trim, |one, two| one && !two, |one, _| one)
    }

    fn next(&self, state: StateID, byte: u8) -> StateID {
        self.automaton.next_state(state, self.case.fold(byte))
    }

    fn accepts(&self, state: StateID) -> bool {
        self.automaton.is_match_state(self.automaton.next_eoi_state(state))
    }

    fn is_alive(&self, state: StateID) -> bool {
        !self.automaton.is_dead_state(state)
    }
}

/// Walks both automata over all texts, shortest first, until `wanted` says that a text is one. `goes_on` says which pairs of
/// living automata can lead to one.
fn walk(
    one: &Language,
    two: &Language,
    trimmed: bool,
    wanted: impl Fn(bool, bool) -> bool,
    goes_on: impl Fn(bool, bool) -> bool,
) -> Found {
    let first = (one.start, two.start);
    // Each pair that was reached, with where from and by which byte.
    let mut reached = vec![(first, 0, 0u8)];
    let mut known = HashMap::from([(first, 0)]);
    let mut at = 0;
    while let Some(&((left, right), _, last)) = reached.get(at) {
        let ends_well = !trimmed || at == 0 || !last.is_ascii_whitespace();
        if ends_well && wanted(one.accepts(left), two.accepts(right)) {
            return Found::Text(text(&reached, at));
        }
        for byte in BYTES {
            if trimmed && at == 0 && byte.is_ascii_whitespace() {
                continue;
            }
            let pair = (one.next(left, byte), two.next(right, byte));
            if !goes_on(one.is_alive(pair.0), two.is_alive(pair.1)) || known.contains_key(&pair) {
                continue;
            }
            if one.automaton.is_quit_state(pair.0) || two.automaton.is_quit_state(pair.1) || reached.len() == MOST_PAIRS
            {
                return Found::Unknown;
            }
            known.insert(pair, reached.len());
            reached.push((pair, at, byte));
        }
        at += 1;
    }
    Found::Nothing
}

fn text(reached: &[((StateID, StateID), usize, u8)], mut at: usize) -> String {
    let mut bytes = Vec::new();
    while let Some((_, from, byte)) = reached.get(at).filter(|_| at > 0) {
        bytes.push(*byte);
        at = *from;
    }
    bytes.reverse();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// All bytes, those first that are easy to read in a message.
const BYTES: [u8; 256] = {
    let mut bytes = [0; 256];
    let (mut at, mut round) = (0, 0);
    while round < 5 {
        let mut byte = 0;
        while byte < 256 {
            let value = byte as u8;
            let place = match value {
                b'0'..=b'9' => 0,
                b'A'..=b'Z' => 1,
                b'a'..=b'z' => 2,
                b'!'..=b'~' => 3,
                _ => 4,
            };
            if place == round {
                bytes[at] = value;
                at += 1;
            }
            byte += 1;
        }
        round += 1;
    }
    bytes
};

#[cfg(test)]
mod tests {
    use super::*;

    fn language(pattern: &str) -> Language {
        Language::of(pattern, false, Case::Keep).unwrap()
    }

    #[test]
    fn a_pattern_that_never_matches_is_found() {
        for never in ["a^b", "[a&&b]", r"x$y", r"(a\zb|c\Ad)", "[^\\x00-\\x{10FFFF}]"] {
            assert_eq!(language(never).example(), Found::Nothing, "{never}");
        }
        assert_eq!(language("SN-[0-9]{3}").example(), Found::Text("SN-000".into()));
        assert_eq!(language("").example(), Found::Text(String::new()));
        assert_eq!(language("ü").example(), Found::Text("ü".into()));
    }

    #[test]
    fn what_two_patterns_share_and_what_one_has_alone() {
        let (serial, wide, lot) = (language("[A-Z]{2}[0-9]{4}"), language("AA.*"), language("L[0-9]{3}"));
        assert_eq!(serial.common(&wide), Found::Text("AA0000".into()));
        assert_eq!(serial.common(&lot), Found::Nothing);
        assert_eq!(language("AA[0-9]{4}").alone(&serial), Found::Nothing, "never alone");
        assert_eq!(serial.alone(&wide), Found::Text("AB0000".into()));
        assert_eq!(language("(a|b)c").alone(&language("ac|bc")), Found::Nothing, "the same in other words");
    }

    #[test]
    fn folding_and_trimming_count() {
        let lower = language("sn[0-9]");
        let upper = Language::of("SN[0-9]", false, Case::Upper).unwrap();
        assert_eq!(lower.alone(&upper), Found::Nothing, "folded, `sn0` is `SN0`");
        assert_eq!(lower.alone(&language("SN[0-9]")), Found::Text("sn0".into()));
        let trimmed = Language::of(" a|b", true, Case::Keep).unwrap();
        assert_eq!(trimmed.example(), Found::Text("b".into()), "no scan begins with a space once it is trimmed");
    }

    #[test]
    fn what_is_too_large_is_not_compared() {
        assert!(Language::of(r"\bx\b", false, Case::Keep).is_none());
        assert!(Language::of("(a|b)*a(a|b){24}", false, Case::Keep).is_none(), "2^24 states");
    }

    #[test]
    fn every_byte_is_walked_once() {
        let mut bytes = BYTES.to_vec();
        bytes.sort_unstable();
        assert_eq!(bytes, (0..=255).collect::<Vec<u8>>());
    }
}
