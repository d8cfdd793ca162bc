use records::wire::{QueueDepth, Status};
use records::{FixedBytes, Hash};

use super::*;
use crate::lineage::{LastRecord, Lineage, Said, Successor};
use crate::testkit::{at, stamp};

fn state(series: u8, last: u64, said: i64, heard: i64) -> SeriesState {
    let status = Status {
        station: "a".into(),
        series: FixedBytes([series; 16]),
        last,
        head: Hash::ZERO,
        at: stamp(said),
        sscc_mark: None,
        asks: false,
        queue: QueueDepth { records: 0, oldest_seconds: 0 },
        version: "1".into(),
        set_aside: Vec::new(),
        not_held: Vec::new(),
        token: None,
    };
    SeriesState {
        station: "a".into(),
        series: Some(status.series),
        runs: vec![(1, last)],
        status: Some((status, at(heard))),
        unverified: false,
        conflicts: 0,
        rejections: 0,
        unread: 0,
        unread_named: Vec::new(),
        online: None,
        lineage: Lineage::default(),
        enrolled: None,
        strangers: Vec::new(),
    }
}

/// Complete, or why not.
fn why(states: &[SeriesState], now: i64, as_of: Option<i64>) -> Vec<String> {
    let judged = judge(states, &Lapses::default(), Moment { now: at(now), as_of: as_of.map(at), connected: true });
    let counting = judged.stations.into_iter().filter(|s| s.series.is_some()).flat_map(|s| s.why);
    let why: Vec<String> = judged.why.into_iter().chain(counting).collect();
    assert_eq!(judged.complete, why.is_empty());
    why
}

#[test]
fn complete_is_what_a_fresh_status_names_and_the_store_has() {
    assert!(why(&[state(1, 5, 0, 0)], 180, None).is_empty());
    assert_eq!(why(&[state(1, 5, 0, 0)], 181, None), ["no status for 181 seconds"]);
    assert_eq!(why(&[], 0, None), ["no station is known"]);
    let at_the_end = SeriesState { runs: vec![(1, 3)], ..state(1, 5, 0, 0) };
    assert_eq!(why(&[at_the_end], 0, None), ["records 4 to 5 are missing"]);
    let many = SeriesState { runs: vec![(2, 2), (4, 4), (6, 6), (8, 8)], ..state(1, 8, 0, 0) };
    let missing =
        ["record 1 is missing", "record 3 is missing", "record 5 is missing", "1 further stretches are missing"];
    assert_eq!(why(&[many], 0, None), missing);
    let told = SeriesState { conflicts: 1, rejections: 2, ..state(1, 5, 0, 0) };
    assert_eq!(why(&[told], 0, None), ["1 records came twice with different content", "2 records cannot be read"]);
}

#[test]
fn what_nobody_has_vouched_for_is_not_complete() {
    let silent = SeriesState { status: None, ..state(1, 5, 0, 0) };
    assert_eq!(why(&[silent], 0, None), ["it has never said how many records there are"]);
    let announced = SeriesState { runs: Vec::new(), unverified: true, ..state(1, 5, 0, 0) };
    assert_eq!(
        why(&[announced], 0, None),
        ["it has announced records and none has come", "records 1 to 5 are missing"]
    );
    let connected = SeriesState { series: None, status: None, runs: Vec::new(), ..state(1, 0, 0, 0) };
    assert_eq!(why(std::slice::from_ref(&connected), 0, None), ["no station is known"]);
    assert!(why(&[connected, state(1, 5, 0, 0)], 0, None).is_empty(), "anyone can publish that a station is online");
}

#[test]
fn a_station_that_was_never_heard_is_waited_for_once_it_is_enrolled() {
    let never = SeriesState { enrolled: Some(at(50)), ..SeriesState::unknown("b".into(), None, None) };
    let judged = |states: &[SeriesState], lapses: &Lapses, as_of: Option<i64>| {
        judge(states, lapses, Moment { now: at(100), as_of: as_of.map(at), connected: true })
    };
    let both = [state(1, 5, 90, 90), never.clone()];
    let none = Lapses::default();
    let now = judged(&both, &none, None);
    assert!(
        !now.complete
            && now.stations[1].why == [format!("it is enrolled since {}, and nothing of it was ever heard", at(50))]
    );
    assert!(!judged(&both, &none, Some(50)).complete);
    assert!(judged(&both, &none, Some(49)).complete, "it was not enrolled then");
    let retired = Lapses { retired: [("b".to_owned(), (at(60), "r".to_owned()))].into(), ..Lapses::default() };
    assert!(judged(&both, &retired, None).complete && !judged(&both, &retired, Some(59)).complete);
    let connected = [state(1, 5, 90, 90), SeriesState { online: Some((true, at(60))), ..never }];
    let why = format!("it is enrolled since {} and connected, and has signed nothing", at(50));
    assert_eq!(judged(&connected, &none, None).stations[1].why, [why]);
    // A key that nobody has enrolled, beside series of the same station that are whole.
    let key = FixedBytes([7; 32]);
    let one = |revoked| Stranger { station: "a".into(), key, since: at(5), count: 3, revoked };
    let with = |revoked| {
        let strangers = vec![one(revoked)];
        judged(
            &[SeriesState { strangers, ..SeriesState::unknown("a".into(), None, None) }, state(1, 5, 90, 90)],
            &none,
            None,
        )
    };
    let why = format!("its key {key} is not enrolled: 3 messages that it signed were refused since {}", at(5));
    assert!(!with(false).complete && with(false).stations[0].why == [why]);
    assert!(with(true).complete, "a person has decided that");
}

#[test]
fn a_time_is_covered_by_a_status_after_it_by_both_clocks() {
    assert!(why(&[state(1, 5, 10, 10)], 9999, Some(9)).is_empty(), "old, and after the time asked for");
    for (said, heard) in [(9, 10), (10, 9)] {
        assert_eq!(why(&[state(1, 5, said, heard)], 20, Some(9)).len(), 1);
    }
}

#[test]
fn a_lost_series_stays_named() {
    let both = [state(1, 5, 0, 0), state(2, 3, 500, 500)];
    let lost =
        "a newer series of this station began: whether this one had records after 2026-03-01T12:00:00Z is not known";
    assert_eq!(why(&both, 510, None), [lost]);
    assert_eq!(why(&both, 510, Some(-1)), Vec::<String>::new(), "before its last status it is known");
    assert_eq!(
        why(&both, 510, Some(100)),
        ["its last status is of 2026-03-01T12:00:00Z, not after 2026-03-01T12:01:40Z"]
    );
    assert_eq!(why(&both, 900, None), [lost, "no status for 400 seconds"]);
}

#[test]
fn now_is_the_time_that_every_station_has_vouched_for() {
    let other = SeriesState { station: "b".into(), ..state(2, 3, 70, 80) };
    let moment = Moment { now: at(100), as_of: None, connected: true };
    let judged = judge(&[state(1, 5, 95, 90), other], &Lapses::default(), moment);
    assert!(judged.complete);
    assert_eq!(judged.as_of, at(70), "the earlier of both clocks, the earliest of all stations");
}

#[test]
fn what_cannot_be_heard_is_not_vouched_for() {
    let gone = SeriesState { online: Some((false, at(5))), ..state(1, 5, 0, 0) };
    assert_eq!(why(&[gone], 10, None), ["not connected since 2026-03-01T12:00:05Z"]);
    let back = SeriesState { online: Some((false, at(5))), ..state(1, 5, 6, 6) };
    assert!(why(&[back], 10, None).is_empty());
    let blind = judge(&[state(1, 5, 0, 0)], &Lapses::default(), Moment { now: at(1), as_of: None, connected: false });
    assert!(!blind.complete && blind.why[0].contains("broker"));
}

fn said(seconds: i64) -> Said {
    Said { stamp: stamp(seconds), heard: at(seconds) }
}

/// Series 1 up to 5, and series 2, which began at second 100 and names it.
fn followed(last_before: Option<u64>) -> [SeriesState; 2] {
    let successor = Successor { series: FixedBytes([2; 16]), last_before, began: said(100) };
    let lineage =
        Lineage { successors: vec![successor], last: Some(LastRecord { seq: 5, said: said(0) }), ..Lineage::default() };
    let mut both = [SeriesState { lineage, ..state(1, 5, 0, 0) }, state(2, 3, 500, 500)];
    both[1].lineage.before = Some(FixedBytes([1; 16]));
    both
}

#[test]
fn a_series_ends_where_the_one_after_it_says() {
    assert!(why(&followed(Some(5)), 510, None).is_empty());
    assert!(why(&followed(Some(5)), 510, Some(499)).is_empty(), "nothing can have come after its end");
    assert_eq!(why(&followed(None), 510, None).len(), 1, "its end is not known");
    assert_eq!(why(&followed(Some(4)), 510, None).len(), 1, "more is stored than that one knew of");
    assert_eq!(why(&followed(Some(8)), 510, None), ["records 6 to 8 are missing"]);
    let mut carried = followed(Some(8));
    carried[0].lineage.carried = vec![(6, 7)];
    let judged = judge(&carried, &Lapses::default(), Moment { now: at(510), as_of: None, connected: true });
    assert_eq!((judged.stations[0].carried_over, &*judged.stations[0].holes), (2, &[(8, 8)][..]));
    carried[0].lineage.carried = vec![(4, 8)];
    let judged = judge(&carried, &Lapses::default(), Moment { now: at(510), as_of: None, connected: true });
    assert!(judged.complete && judged.stations[0].superseded && judged.stations[0].carried_over == 3);
    // Nothing of it but its name has ever come.
    carried[0] = SeriesState { runs: Vec::new(), status: None, ..carried[0].clone() };
    assert_eq!(why(&carried, 510, None), ["records 1 to 3 are missing"]);
    carried[0].lineage = followed(None)[0].lineage.clone();
    assert_eq!(why(&carried, 510, None), ["a newer series of this station names it, and nothing of it has come"]);
}

#[test]
fn two_machines_that_write_as_one_station_are_an_alarm() {
    let mut both = followed(Some(5));
    let alarms = |states: &[SeriesState], now: i64| -> (bool, usize) {
        let judged = judge(states, &Lapses::default(), Moment { now: at(now), as_of: None, connected: true });
        for alarm in judged.stations.iter().flat_map(|series| &series.alarms) {
            assert_eq!(alarm, "two machines write as station a: one of them has to be stopped");
        }
        (judged.complete, judged.stations.iter().filter(|series| !series.alarms.is_empty()).count())
    };
    assert_eq!(alarms(&both, 510), (true, 0));
    // The series before says something after the other one began: both are judged as they stand.
    both[0].status = state(1, 5, 505, 505).status;
    assert_eq!(alarms(&both, 510), (true, 2));
    assert_eq!(why(&both, 900, None), ["no status for 395 seconds", "no status for 400 seconds"]);
    // A record beyond its end, written later, says the same.
    let mut both = followed(Some(5));
    both[0].runs = vec![(1, 6)];
    both[0].lineage.last = Some(LastRecord { seq: 6, said: said(150) });
    assert_eq!(alarms(&both, 510).1, 2);
    both[0].lineage.last = Some(LastRecord { seq: 6, said: said(99) });
    assert_eq!(alarms(&both, 510), (false, 0), "an old copy was put back, and more had been written before");
}

#[test]
fn what_will_not_come_is_named_with_its_reason() {
    let mut one = SeriesState { runs: vec![(1, 2), (9, 9)], ..state(1, 9, 0, 0) };
    let status = &mut one.status.as_mut().unwrap().0;
    status.set_aside = vec![(5, 6), (0, 3), (7, 4)];
    status.not_held = vec![(6, 7), (1, 1)];
    let reasons = [
        "records 3 to 4 are missing",
        "record 8 is missing",
        "records 5 to 6 were set aside at the station",
        "record 7 is not held by the station any more",
    ];
    assert_eq!(why(std::slice::from_ref(&one), 0, None), reasons);
    one.unverified = true;
    assert!(!why(&[one], 0, None).iter().any(|why| why.contains("station")));
}
