use super::*;

pub(super) const TIMEOUT: Duration = Duration::from_secs(10);
const PACE: Pace = Pace { timeout: TIMEOUT, live_first: true, ahead: u64::MAX };
const END: u64 = u64::MAX;

pub(super) fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) fn connected(last: u64, settled: u64) -> Sender {
    let mut sender = Sender::new(last, settled, PACE);
    assert_eq!(sender.step(at(0)), Step::Wait(None), "not connected");
    sender.connected(at(0));
    sender
}

/// Takes the next step, which has to be a segment from `first`, and sends it up to `last`.
#[track_caller]
fn send(sender: &mut Sender, now: u64, first: u64, last: u64) {
    match sender.step(at(now)) {
        Step::Send(from, limit) if from == first && last <= limit => sender.sent(from, from, last),
        other => panic!("{other:?} in place of {first} to {last}"),
    }
}

#[test]
fn sends_in_order_and_waits_for_the_receipt() {
    let mut sender = connected(3, 0);
    send(&mut sender, 0, 1, 2);
    send(&mut sender, 0, 3, 3);
    sender.at_broker(1, at(1));
    sender.at_broker(3, at(1));
    assert_eq!(sender.step(at(1)), Step::Wait(Some(at(11))));
    sender.journal(3, 3, at(2));
    assert_eq!(sender.step(at(2)), Step::Wait(None), "everything has its receipt");
}

#[test]
fn without_a_receipt_it_sends_again_ever_more_slowly() {
    let mut sender = connected(1, 0);
    let mut sent_at = Vec::new();
    for now in 0..600 {
        if let Step::Send(first, _) = sender.step(at(now)) {
            assert_eq!(first, 1);
            sender.sent(1, 1, 1);
            sender.at_broker(1, at(now));
            sent_at.push(now);
        }
    }
    assert_eq!(sent_at, [0, 10, 30, 70, 150, 310, 470]);
}

#[test]
fn silence_is_seen_while_new_records_are_sent_and_only_the_oldest_segment_is_sent_again() {
    let mut sender = connected(0, 0);
    let mut again = Vec::new();
    for now in 1..=100 {
        sender.journal(now, 0, at(now));
        while let Step::Send(first, _) = sender.step(at(now)) {
            if first < now {
                again.push((now, first));
            }
            sender.sent(first, first, first);
            sender.at_broker(first, at(now));
        }
    }
    assert_eq!(again, [(11, 1), (31, 1), (71, 1)]);
    assert_eq!(sender.silence(at(100)), Some(at(99)));
    // The oldest moves: what is behind it may be lost, too.
    sender.journal(100, 1, at(100));
    send(&mut sender, 100, 2, 100);
    sender.at_broker(2, at(100));
    sender.journal(100, 100, at(101));
    assert_eq!((sender.silence(at(999)), sender.step(at(999))), (None, Step::Wait(None)));
}

#[test]
fn a_lost_session_and_a_new_service_put_everything_back() {
    let mut sender = connected(5, 2);
    send(&mut sender, 0, 3, 4);
    sender.disconnected();
    assert_eq!(sender.step(at(1)), Step::Wait(None));
    sender.connected(at(1));
    send(&mut sender, 1, 3, 5);
    sender.at_broker(3, at(1));
    sender.start_again(at(2));
    send(&mut sender, 2, 3, 5);
}

#[test]
fn a_puback_never_frees() {
    let mut sender = connected(1, 0);
    send(&mut sender, 0, 1, 1);
    sender.at_broker(1, at(0));
    sender.connected(at(1));
    send(&mut sender, 1, 1, 1);
}

#[test]
fn what_the_service_has_lost_is_sent_again_although_it_was_receipted() {
    let mut sender = connected(20, 20);
    assert_eq!(sender.step(at(0)), Step::Wait(None));
    sender.resend(&[(5, 8), (12, 99), (30, 40), (9, 3)]);
    assert_eq!(sender.step(at(1)), Step::Again(5, 8));
    sender.sent_again(5, 6);
    assert_eq!(sender.step(at(1)), Step::Again(7, 8));
    sender.answered(8);
    assert_eq!(sender.step(at(1)), Step::Again(12, 20), "never beyond what was written");
    sender.sent_again(12, 20);
    assert_eq!(sender.step(at(1)), Step::Wait(None));
}

#[test]
fn the_brokers_word_is_enough_without_a_hole_and_never_beyond() {
    let mut sender = connected(30, 0);
    send(&mut sender, 0, 1, 10);
    send(&mut sender, 0, 11, 20);
    send(&mut sender, 0, 21, 30);
    assert_eq!(sender.done(21), 0);
    assert_eq!(sender.done(1), 10);
    // Nobody was subscribed: sent again after the wait, and only that segment.
    sender.unclaimed(11, at(0));
    sender.journal(30, 10, at(1));
    assert_eq!(sender.step(at(1)), Step::Wait(Some(at(11))));
    send(&mut sender, 11, 11, 20);
    assert_eq!(sender.done(11), 30);
    sender.journal(30, 30, at(11));
    assert_eq!(sender.step(at(11)), Step::Wait(None));
}

#[test]
fn what_is_set_aside_is_no_hole() {
    let mut sender = connected(9, 0);
    // 1 and 2 are set aside, so are 7 to 9.
    assert_eq!(sender.step(at(0)), Step::Send(1, END));
    sender.sent(1, 3, 6);
    assert_eq!(sender.step(at(0)), Step::Send(7, END));
    sender.nothing_there(7, END);
    assert_eq!(sender.step(at(0)), Step::Wait(None));
    assert_eq!(sender.done(3), 9);
}

#[test]
fn with_a_backlog_live_records_have_a_place_of_their_own() {
    let mut sender = connected(1000, 0);
    for segment in 0..3 {
        send(&mut sender, 0, segment * 100 + 1, segment * 100 + 100);
    }
    assert_eq!(sender.step(at(0)), Step::Wait(None), "the fourth place is kept");
    sender.journal(1001, 0, at(1));
    send(&mut sender, 1, 1001, 1001);
    sender.journal(1002, 0, at(1));
    assert_eq!(sender.step(at(1)), Step::Wait(None), "live records have one place");
    sender.at_broker(1001, at(1));
    send(&mut sender, 1, 1002, 1002);
    for first in [1, 101, 201] {
        sender.at_broker(first, at(1));
    }
    assert!(matches!(sender.step(at(1)), Step::Send(301, 1000)), "the backlog ends where the live records begin");
    sender.sent(301, 301, 1000);
    // They are one again: what was sent live is not sent twice.
    sender.journal(1003, 0, at(2));
    send(&mut sender, 2, 1003, 1003);
    assert!(sender.live.is_none());
}

#[test]
fn a_small_backlog_or_the_configuration_keeps_the_order() {
    let mut small = connected(BACKLOG, 0);
    assert_eq!(small.step(at(0)), Step::Send(1, END));
    let mut sender = Sender::new(1000, 0, Pace { live_first: false, ..PACE });
    sender.connected(at(0));
    for segment in 0..4 {
        send(&mut sender, 0, segment * 10 + 1, segment * 10 + 10);
    }
    sender.journal(1001, 0, at(1));
    assert_eq!(sender.step(at(1)), Step::Wait(None));
    assert!(small.live.is_none() && sender.live.is_none());
    assert!(connected(BACKLOG + 1, 0).live.is_some());
}

#[test]
fn a_refusal_for_now_holds_everything_longer_each_time() {
    let mut sender = connected(20, 0);
    let mut tried = Vec::new();
    for now in 0..400 {
        let mut refused = Vec::new();
        while let Step::Send(first, _) = sender.step(at(now)) {
            sender.sent(first, first, first + 9);
            refused.push(first);
        }
        if !refused.is_empty() {
            assert_eq!(refused, [1, 11]);
            tried.push(now);
        }
        refused.into_iter().for_each(|first| sender.later(first, at(now)));
    }
    assert_eq!(tried, [0, 10, 30, 70, 150, 310]);
    // The broker takes one: from then on as ever.
    send(&mut sender, 470, 1, 10);
    send(&mut sender, 470, 11, 20);
    sender.at_broker(1, at(470));
    sender.later(11, at(471));
    send(&mut sender, 481, 11, 20);
}

#[test]
fn too_much_is_halved_until_one_record_is_left_which_does_not_stop_the_others() {
    let mut sender = connected(128, 0);
    let (mut sizes, mut alone_at) = (Vec::new(), Vec::new());
    let (mut set_aside, mut now) = (None, 0);
    let mut arrived = Runs::default();
    while set_aside.is_none() {
        let (first, last) = match sender.step(at(now)) {
            Step::Send(first, limit) => (first, limit.min(128)),
            Step::Wait(due) => {
                assert_eq!(arrived.to_vec(), [(1, 76), (78, 128)], "others do not wait for it");
                now = due.expect("it is sent again").as_secs();
                continue;
            }
            Step::Again(..) => panic!("nobody asks"),
        };
        sender.sent(first, first, last);
        if (first..=last).contains(&77) {
            sizes.push(last - first + 1);
            if first == last {
                alone_at.push(now);
            }
            set_aside = sender.smaller(first, at(now));
        } else {
            arrived.insert(first, last);
            sender.done(first); // its receipt, too: nothing else moves the clock
        }
    }
    sender.set_aside(77);
    assert_eq!(alone_at, [0, 10, 30]);
    assert_eq!(sizes, [128, 64, 32, 16, 8, 4, 2, 1, 1, 1]);
    assert_eq!((set_aside, arrived.to_vec()), (Some(77), vec![(1, 76), (78, 128)]));
}

#[test]
fn a_connection_that_ends_because_of_one_segment_finds_it() {
    let (mut sender, mut sizes, mut set_aside) = (connected(512, 0), Vec::new(), None);
    let mut arrived = Runs::default();
    for connection in 0..40 {
        sender.connected(at(connection));
        let mut flying = Vec::new();
        while let Step::Send(first, limit) = sender.step(at(connection)) {
            let last = limit.min(first + 127).min(512);
            // What is quarantined in the journal is left out there.
            if set_aside == Some(first) {
                sender.nothing_there(first, first);
                continue;
            }
            sender.sent(first, first, last);
            flying.push((first, last));
            if sender.careful > 0 {
                if (first..=last).contains(&200) {
                    break;
                }
                sender.at_broker(first, at(connection));
                arrived.insert(first, last);
                flying.clear();
            }
        }
        if connection % 2 == 1 {
            sender.disconnected(); // the end is heard before its reason
        }
        let bad = flying.iter().any(|(first, last)| (*first..=*last).contains(&200));
        for (first, last) in flying {
            match bad {
                true => {
                    if first <= 200 && 200 <= last {
                        sizes.push(last - first + 1);
                    }
                    if let Some(seq) = sender.ended_as_too_large(first, at(connection)) {
                        set_aside = Some(seq);
                    }
                }
                false => {
                    sender.at_broker(first, at(connection));
                    arrived.insert(first, last);
                }
            }
        }
    }
    assert_eq!(sizes, [128, 128, 64, 32, 16, 8, 4, 2, 1, 1, 1], "once in company, then alone");
    assert_eq!(set_aside, Some(200));
    assert!(arrived.after(1) >= 200 && arrived.after(201) == 513, "{arrived:?}");
}

#[test]
fn another_series_begins_over_the_same_session() {
    let mut sender = connected(50, 10);
    send(&mut sender, 0, 11, 50);
    sender.begin(3, 0, at(1));
    sender.at_broker(11, at(1));
    send(&mut sender, 1, 1, 3);
}

#[test]
fn the_backlog_runs_only_so_far_ahead_of_the_receipts_and_live_records_do_not_wait_for_it() {
    let mut sender = Sender::new(10_000, 0, Pace { ahead: 1000, ..PACE });
    sender.connected(at(0));
    let mut first = 1;
    while let Step::Send(from, _) = sender.step(at(0)) {
        assert_eq!(from, first);
        sender.sent(from, from, from + 127);
        sender.at_broker(from, at(0));
        first += 128;
    }
    assert_eq!(first, 1025, "the last segment begins within the bound");
    sender.journal(10_002, 0, at(1));
    assert!(matches!(sender.step(at(1)), Step::Send(10_001, _)));
    sender.sent(10_001, 10_001, 10_002);
    sender.at_broker(10_001, at(1));
    // What is missing is sent again when it is due, and a receipt lets the backlog go on.
    assert!(matches!(sender.step(at(20)), Step::Send(1, _)));
    sender.journal(10_002, 512, at(21));
    // What had been sent behind it is sent again, and live records first.
    assert!(matches!(sender.step(at(21)), Step::Send(10_001, _)));
    sender.sent(10_001, 10_001, 10_002);
    assert!(matches!(sender.step(at(21)), Step::Send(513, _)));
}
