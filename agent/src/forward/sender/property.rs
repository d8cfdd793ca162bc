//! Whatever happens, nothing stays behind, and live records do not wait.

use proptest::prelude::*;

use super::tests::{TIMEOUT, at, connected};
use super::*;

#[derive(Debug, Clone)]
enum Happens {
    Stored(u64),
    PubackAll,
    SessionLost,
    ServiceRestarts,
    ServiceReads(bool),
    Refused(u8),
    Time(u64),
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        (1..400u64).prop_map(Happens::Stored),
        Just(Happens::PubackAll),
        Just(Happens::SessionLost),
        Just(Happens::ServiceRestarts),
        any::<bool>().prop_map(Happens::ServiceReads),
        (0..3u8).prop_map(Happens::Refused),
        (1..200u64).prop_map(Happens::Time),
    ]
}

proptest! {
    /// Whatever happens on the way, once the way is clear everything arrives and gets its receipt, or was refused alone
    /// three times.
    #[test]
    fn nothing_stays_behind(
        live_first: bool,
        ahead in prop_oneof![1..600_u64, Just(u64::MAX)],
        history in proptest::collection::vec(happens(), 0..80),
    ) {
        let (mut now, mut last, mut settled) = (0, 0, 0);
        let mut sender = Sender::new(0, 0, Pace { timeout: TIMEOUT, live_first, ahead });
        let mut wire: Vec<(u64, u64)> = Vec::new(); // sent, not yet read by the service
        let mut held = std::collections::BTreeSet::new(); // what the service has, or was set aside
        let clear = [Happens::SessionLost, Happens::PubackAll, Happens::ServiceReads(true)];
        let end = std::iter::repeat_n(clear, 300).flatten().chain([Happens::Time(300)]);
        sender.connected(at(0));
        for event in history.into_iter().chain(end) {
            let flying = sender.in_flight.clone();
            match event {
                Happens::Stored(count) => last += count,
                Happens::PubackAll => flying.iter().for_each(|(first, _)| sender.at_broker(*first, at(now))),
                Happens::SessionLost => {
                    sender.disconnected();
                    sender.connected(at(now));
                }
                Happens::ServiceRestarts => sender.start_again(at(now)),
                Happens::ServiceReads(arrives) => {
                    for (first, to) in wire.drain(..).filter(|_| arrives) {
                        held.extend(first..=to);
                    }
                    while held.contains(&(settled + 1)) {
                        settled += 1;
                    }
                }
                Happens::Refused(how) => {
                    for (first, to) in flying {
                        wire.retain(|sent| *sent != (first, to));
                        let given_up = match how {
                            0 => { sender.later(first, at(now)); None }
                            1 => sender.smaller(first, at(now)),
                            _ => sender.ended_as_too_large(first, at(now)),
                        };
                        if let Some(seq) = given_up {
                            prop_assert!(first == to && seq == first, "only a single record is set aside");
                            held.insert(seq);
                            sender.set_aside(seq);
                        }
                    }
                }
                Happens::Time(seconds) => now += seconds,
            }
            sender.journal(last, settled, at(now));
            while let Step::Send(first, limit) = sender.step(at(now)) {
                prop_assert!(first <= last && first > settled && first <= limit);
                prop_assert!(sender.in_flight.len() < WINDOW);
                let to = last.min(first + 99).min(limit);
                sender.sent(first, first, to);
                wire.push((first, to));
            }
        }
        prop_assert_eq!(settled, last);
    }

    /// However large the backlog is: a live record is sent as soon as the live one before it has its PUBACK, the segments
    /// of the backlog go in order, and so do the live ones.
    #[test]
    fn live_records_do_not_wait_for_the_backlog(
        backlog in BACKLOG + 1..100_000, stored in proptest::collection::vec((0..5u64, any::<bool>()), 1..100),
    ) {
        let mut sender = connected(backlog, 0);
        let mut last = backlog;
        let (mut old, mut live) = (0, backlog); // sent up to here
        for (count, pubacks) in stored {
            last += count;
            sender.journal(last, 0, at(0));
            let mut steps = 0;
            while let Step::Send(first, limit) = sender.step(at(0)) {
                let to = last.min(first + 127).min(limit);
                if first > backlog {
                    prop_assert_eq!(first, live + 1);
                    live = to;
                } else {
                    prop_assert_eq!(first, old + 1);
                    prop_assert!(to <= backlog);
                    old = to;
                }
                sender.sent(first, first, to);
                steps += 1;
                prop_assert!(steps <= WINDOW);
            }
            let flying = sender.in_flight.clone();
            prop_assert!(live == last || flying.iter().any(|(first, _)| *first > backlog));
            if pubacks {
                flying.iter().for_each(|(first, _)| sender.at_broker(*first, at(0)));
            }
        }
    }
}
