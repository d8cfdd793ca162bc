//! The protocol of records and receipts, looked at in every state that it can reach.
//!
//! A station with two records, a broker that may lose, repeat and reorder whatever it has, a service that
//! commits, is copied and is restored from its copy, and a power cut or end of each at any step. Small enough to be
//! explored whole, breadth first, so that a counterexample is a shortest one. Own code rather than a library: the third
//! property says that something *can* be reached from every state (AG EF in CTL), for which the checkers of linear
//! properties have no word.
//!
//! What is assumed: the service is not restored from a copy that is older than `keep`; a restored service has its records
//! again before it is copied and before `keep` has passed.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test rig")]

use std::collections::HashMap;

/// Two already overtake each other, and have a hole before the second.
const RECORDS: u8 = 2;

/// What is done wrong on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mutation {
    /// The station forgets what the broker has.
    DeleteOnPuback,
    /// The service answers before it has committed.
    ReceiptBeforeCommit,
    /// The person sees green before the station has committed.
    GreenBeforeCommit,
    /// The service stores what comes a second time once more.
    NoDedupe,
    /// The station does not send again what the service asks for.
    NoResend,
}

/// Sets of records are bits, record 1 the lowest; a mark is the highest record up to which something holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct State {
    /// Committed by the station.
    written: u8,
    /// A group is decided and not committed.
    deciding: bool,
    /// Told green.
    green: u8,
    /// The mark of receipts in the station's memory, and on its disk.
    settled: u8,
    saved: u8,
    /// The mark that was on its disk when `keep` passed last: up to there it forgets when it passes again.
    ripening: u8,
    /// Forgotten up to here.
    forgotten: u8,
    /// The station knows that the service asks for these.
    asked: u8,
    /// At the broker, for the service; and for the station: receipts by their mark. Each asks for all above it.
    up: u8,
    receipts: u8,
    /// At the service: received, committed, in its copy; restored away and not there again.
    received: u8,
    committed: u8,
    copy: u8,
    missing: u8,
    /// It was copied since `keep` passed last.
    copied: bool,
    stored_twice: bool,
}

fn mark(up_to: u8) -> u8 {
    (1 << up_to) - 1
}

/// The mark up to which a set has all records.
fn up_to(set: u8) -> u8 {
    u8::try_from(set.trailing_ones()).unwrap()
}

impl State {
    fn held(&self) -> u8 {
        mark(self.written) & !mark(self.forgotten)
    }

    /// A record that was told green, or written and shown, is neither at the station nor at the service.
    fn loses(&self) -> bool {
        let about_to_be = if self.deciding { 1 << self.written } else { 0 };
        (self.green | mark(self.written)) & !(self.held() | self.committed | about_to_be) != 0
    }

    /// Everything is at the service, and the station knows.
    fn is_delivered(&self) -> bool {
        self.committed == mark(self.written) && self.settled == self.written && !self.deciding
    }
}

/// Everything that can happen next.
fn next(s: &State, records: u8, mutation: Option<Mutation>) -> Vec<(&'static str, State)> {
    let is = |this| mutation == Some(this);
    let mut all: Vec<(&'static str, State)> = Vec::new();
    let mut can = |what, to: State| {
        if to != *s {
            all.push((what, to));
        }
    };
    let bits = |set: u8| (0..records).map(|n| 1 << n).filter(move |bit| set & bit != 0);
    // The station.
    if s.written < records && !s.deciding {
        let green = if is(Mutation::GreenBeforeCommit) { s.green | 1 << s.written } else { s.green };
        can("a unit is scanned", State { deciding: true, green, ..*s });
    }
    if s.deciding {
        let green = s.green | 1 << s.written;
        can("the station commits and says green", State { deciding: false, green, written: s.written + 1, ..*s });
        // The commit happened, and power goes before anybody is told.
        can("the station commits and its power goes", State { written: s.written + 1, ..*s }.station_ends());
    }
    can("power of the station goes", s.station_ends());
    for record in bits(s.held() & (!mark(s.settled) | s.asked) & !s.up) {
        can("the station sends", State { up: s.up | record, asked: s.asked & !record, ..*s });
    }
    can("the station writes the mark", State { saved: s.settled, ..*s });
    // The broker.
    for record in bits(s.up) {
        let received = State { received: s.received | record, ..*s };
        can("a record arrives", State { up: s.up & !record, ..received });
        can("a record arrives and stays to come again", received);
        can("a record is lost", State { up: s.up & !record, ..*s });
        if is(Mutation::DeleteOnPuback) && record == 1 << s.settled {
            let settled = s.settled + 1;
            can(
                "the broker has a record: it is forgotten",
                State { settled, saved: settled, forgotten: settled, ..*s },
            );
        }
    }
    for receipt in (0..=records).filter(|receipt| s.receipts & 1 << receipt != 0) {
        let asked = if is(Mutation::NoResend) { 0 } else { s.held() & !mark(receipt) };
        let applied = State { settled: s.settled.max(receipt.min(s.written)), asked, ..*s };
        can("a receipt arrives", State { receipts: s.receipts & !(1 << receipt), ..applied });
        can("a receipt arrives and stays to come again", applied);
        can("a receipt is lost", State { receipts: s.receipts & !(1 << receipt), ..*s });
    }
    can("the session is lost", State { up: 0, receipts: 0, ..*s });
    // The service.
    if s.received != 0 {
        let committed = s.committed | s.received;
        let again = is(Mutation::NoDedupe) && s.committed & s.received != 0;
        let (stored_twice, missing) = (s.stored_twice || again, s.missing & !s.received);
        can("the service commits", State { committed, received: 0, stored_twice, missing, ..*s });
    }
    let answered = if is(Mutation::ReceiptBeforeCommit) { s.committed | s.received } else { s.committed };
    can("the service answers", State { receipts: s.receipts | 1 << up_to(answered), ..*s });
    can("the service ends", State { received: 0, ..*s });
    if s.missing == 0 {
        can("the service is copied", State { copy: s.committed, copied: true, ..*s });
    }
    let restored = State { received: 0, committed: s.copy, missing: s.committed & !s.copy | s.missing, ..*s };
    can("the service is restored from its copy", restored);
    // See what is assumed.
    if s.missing == 0 && s.copied {
        let to = State { forgotten: s.ripening.max(s.forgotten), ripening: s.saved, copied: false, ..*s };
        can("the time for which records are kept passes", to);
    }
    all
}

impl State {
    /// The station loses what only its memory has.
    fn station_ends(self) -> Self {
        Self { deciding: false, settled: self.saved, asked: 0, ..self }
    }
}

/// What an exploration found.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// So many states, and all is well.
    Nothing(usize),
    /// A shortest way to a state that must not be, and what is wrong with it.
    Wrong(&'static str, Vec<&'static str>),
}

/// Looks at every state that can be reached, in the order of how many steps it takes.
fn explore(records: u8, mutation: Option<Mutation>) -> Found {
    let mut number: HashMap<State, u32> = HashMap::from([(State::default(), 0)]);
    let mut states = vec![State::default()];
    // For each state the one it was first reached from and how, and where each state leads to, all in one row.
    let mut from: Vec<(u32, &'static str)> = vec![(0, "")];
    let (mut edges, mut begins): (Vec<u32>, Vec<usize>) = (Vec::new(), Vec::new());
    let way = |from: &[(u32, &'static str)], mut at: u32| {
        let mut way = Vec::new();
        while at != 0 {
            let (before, what) = from[at as usize];
            way.push(what);
            at = before;
        }
        way.reverse();
        way
    };
    let mut at = 0;
    while at < states.len() {
        let state = states[at];
        let here = u32::try_from(at).unwrap();
        let wrong = match state {
            state if state.loses() => Some("a record is lost"),
            State { stored_twice: true, .. } => Some("a record is stored twice"),
            State { forgotten, saved, .. } if forgotten > saved => Some("a record is forgotten without a receipt"),
            _ => None,
        };
        if let Some(wrong) = wrong {
            return Found::Wrong(wrong, way(&from, here));
        }
        begins.push(edges.len());
        for (what, to) in next(&state, records, mutation) {
            let new = u32::try_from(states.len()).unwrap();
            let to = *number.entry(to).or_insert_with(|| {
                states.push(to);
                from.push((here, what));
                new
            });
            edges.push(to);
        }
        at += 1;
    }
    begins.push(edges.len());
    match stuck(&states, &edges, &begins) {
        Some(at) => Found::Wrong("delivery is not possible any more", way(&from, at)),
        None => Found::Nothing(states.len()),
    }
}

/// The first state from which no state is reached where everything is delivered.
fn stuck(states: &[State], edges: &[u32], begins: &[usize]) -> Option<u32> {
    // The edges turned round, again all in one row.
    let mut counts = vec![0usize; states.len() + 1];
    edges.iter().for_each(|to| counts[*to as usize + 1] += 1);
    for at in 1..counts.len() {
        counts[at] += counts[at - 1];
    }
    let (starts, mut fill, mut back) = (counts.clone(), counts, vec![0u32; edges.len()]);
    for from in 0..states.len() {
        for to in &edges[begins[from]..begins[from + 1]] {
            back[fill[*to as usize]] = u32::try_from(from).unwrap();
            fill[*to as usize] += 1;
        }
    }
    let mut good: Vec<bool> = states.iter().map(State::is_delivered).collect();
    let mut open: Vec<usize> = (0..states.len()).filter(|at| good[*at]).collect();
    while let Some(at) = open.pop() {
        for before in &back[starts[at]..starts[at + 1]] {
            if !std::mem::replace(&mut good[*before as usize], true) {
                open.push(*before as usize);
            }
        }
    }
    good.iter().position(|good| !good).map(|at| u32::try_from(at).unwrap())
}

#[test]
fn nothing_is_lost_or_stored_twice_and_delivery_stays_possible() {
    let found = explore(RECORDS, None);
    let Found::Nothing(states) = found else { panic!("{found:#?}") };
    println!("{{\"campaign\":\"protocol\",\"records\":{RECORDS},\"states\":{states},\"ok\":true}}");
    assert!(states > 10_000, "{states}: there is more than that to happen");
}

/// The shortest way to what must not be.
fn wrong(mutation: Mutation) -> (&'static str, Vec<&'static str>) {
    match explore(RECORDS, Some(mutation)) {
        Found::Wrong(what, way) => {
            println!("{mutation:?}: {what}\n  {}", way.join("\n  "));
            (what, way)
        }
        Found::Nothing(states) => panic!("{mutation:?} was not found in {states} states"),
    }
}

#[test]
fn each_known_fault_has_a_counterexample() {
    let (what, way) = wrong(Mutation::DeleteOnPuback);
    assert_eq!(what, "a record is lost");
    assert!(way.len() <= 4, "scanned, committed, sent, forgotten: {way:?}");
    assert_eq!(wrong(Mutation::ReceiptBeforeCommit).0, "a record is lost");
    assert_eq!(wrong(Mutation::GreenBeforeCommit).0, "a record is lost");
    assert_eq!(wrong(Mutation::NoDedupe).0, "a record is stored twice");
    assert_eq!(wrong(Mutation::NoResend).0, "delivery is not possible any more");
}
