//! Generated stations with bad clocks: the true time lies inside the interval of every record.
//!
//! `LOTLINE_CLOCK_RUNS` says how many stations (2000 if it is not set), `LOTLINE_CLOCK_SEED` where to begin.

use std::collections::BTreeMap;

use records::FixedBytes;

use super::tests::Known;
use super::*;

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3600 * SECOND;
/// How far from a synchronised record of its boot the width of an interval is promised, and that width.
const NEAR: i64 = 4 * HOUR;
const WIDEST: i64 = 2 * SECOND;

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn within(&mut self, from: i64, to: i64) -> i64 {
        from + (self.next() % (to - from + 1).unsigned_abs()) as i64
    }

    fn one_in(&mut self, many: i64) -> bool {
        self.within(1, many) == 1
    }
}

struct Written {
    series: SeriesId,
    seq: u64,
    again: bool,
    truth: i64,
    received: i64,
    stamp: Stamp,
}

/// What a station does over some boots, with its clock as it is.
fn station(dice: &mut Dice) -> Vec<Written> {
    let mut written: Vec<Written> = Vec::new();
    let mut truth = BEGINNING + dice.within(0, 1000) * HOUR;
    let (mut series, mut seq) = (1_u8, 0);
    for boot in 0..dice.within(1, 6) {
        truth += dice.within(SECOND, 20 * HOUR);
        let name = format!("boot-{boot}");
        if boot > 0 && dice.one_in(3) {
            series += 1;
            let again = written.len().saturating_sub(dice.within(0, 3) as usize);
            // Record 1 comes first; the others were written before.
            seq = 1;
            for n in again..written.len() {
                seq += 1;
                let Written { truth: then, ref stamp, .. } = written[n];
                let received = truth + dice.within(0, 50 * HOUR);
                let stamp = stamp.clone();
                written.push(Written {
                    series: FixedBytes([series; 16]),
                    seq,
                    again: true,
                    truth: then,
                    received,
                    stamp,
                });
            }
        }
        let booted = truth - dice.within(5 * SECOND, 90 * SECOND);
        let drift = dice.within(-50, 50);
        // It shows 1970, or the time of its last shutdown, or anything.
        let mut wrong = match dice.within(0, 2) {
            0 => -booted,
            1 => -dice.within(0, 20 * HOUR),
            _ => dice.within(-9000, 9000) * HOUR,
        };
        // Never, from the start, or later on.
        let synchronised_from = [i64::MAX, 0, dice.within(0, 10 * HOUR)][dice.within(0, 2) as usize];
        let mut lies_for = 0;
        let count = dice.within(1, 25);
        for n in 0..count {
            truth += match dice.one_in(4) {
                true => dice.within(0, 3 * HOUR),
                false => dice.within(1000, 60 * SECOND),
            };
            let counted = (truth - booted) + (truth - booted) / 1000 * drift / 1000;
            let mut synchronised = truth - booted >= synchronised_from && !dice.one_in(6);
            if dice.one_in(8) {
                wrong = dice.within(-900, 900) * HOUR; // somebody sets it
            }
            // A lying time source for a while, in the midst of honest ones.
            if synchronised && lies_for == 0 && n > 0 && n < count - 4 && dice.one_in(15) {
                lies_for = dice.within(1, 3);
                wrong = dice.within(5, 90_000) * SECOND * if dice.one_in(2) { 1 } else { -1 };
            }
            let lies = synchronised && lies_for > 0;
            if lies {
                lies_for -= 1;
            } else if lies_for == 0 && n == count - 1 && synchronised_from < i64::MAX {
                synchronised = true; // at last it is right
            }
            let wall = match synchronised && !lies {
                true => truth + dice.within(-200_000, 200_000),
                false => truth + wrong,
            };
            seq += 1;
            let stamp = Stamp {
                wall: Timestamp::from_millisecond(wall.div_euclid(1000)).unwrap(),
                synchronised,
                boot: name.clone(),
                since_boot: (counted / 1000).unsigned_abs(),
            };
            let received = truth + if dice.one_in(2) { dice.within(0, SECOND) } else { dice.within(0, 90 * HOUR) };
            written.push(Written { series: FixedBytes([series; 16]), seq, again: false, truth, received, stamp });
        }
    }
    written
}

#[derive(Default)]
struct Found {
    records: u64,
    outside: u64,
    turned: u64,
    widest: i64,
    trusts: BTreeMap<String, u64>,
}

/// Asks `tell` for the interval of every record of such stations.
fn run(runs: u64, seed: u64, tell: impl Fn(&mut Known, &Stamp, Standing) -> Happened) -> Found {
    let mut found = Found::default();
    for number in 0..runs {
        let written = station(&mut Dice(seed.wrapping_add(number)));
        let mut known = Known::default();
        written.iter().for_each(|w| known.learn(w.series, if w.again { 0 } else { w.seq }, &w.stamp));
        let mut before: BTreeMap<SeriesId, Timestamp> = BTreeMap::new();
        for one in &written {
            let received = Timestamp::from_microsecond(one.received).unwrap();
            let seq = if one.again { 0 } else { one.seq };
            let told = tell(&mut known, &one.stamp, Standing { series: one.series, seq, received });
            let (earliest, latest) = (told.earliest.as_microsecond(), told.latest.as_microsecond());
            found.records += 1;
            found.outside += u64::from(!(earliest..=latest).contains(&one.truth));
            *found.trusts.entry(format!("{:?}", told.trust)).or_default() += 1;
            if !one.again {
                // A later record of the series must be able to have happened later.
                let latest_start = before.entry(one.series).or_insert(told.earliest);
                found.turned += u64::from(told.latest < *latest_start);
                *latest_start = told.earliest.max(*latest_start);
            }
            let same_boot = written.iter().filter(|w| w.stamp.boot == one.stamp.boot && w.stamp.synchronised);
            let near = same_boot
                .clone()
                .any(|w| i64::try_from(w.stamp.since_boot.abs_diff(one.stamp.since_boot)).unwrap() * 1000 <= NEAR);
            let honest = same_boot.clone().all(|w| (w.stamp.wall.as_microsecond() - w.truth).abs() < SECOND);
            if near && honest {
                found.widest = found.widest.max(latest - earliest);
            }
        }
    }
    found
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn the_true_time_is_inside_the_interval_in_every_run() {
    let (runs, seed) = (number("LOTLINE_CLOCK_RUNS", 2000), number("LOTLINE_CLOCK_SEED", 1));
    let found = run(runs, seed, |known, stamp, standing| {
        let Ok(told) = happened(known, stamp, standing);
        told
    });
    let ok = found.outside == 0 && found.turned == 0 && found.widest <= WIDEST;
    println!(
        r#"{{"campaign":"happened","runs":{runs},"records":{},"outside":{},"turned":{},"widest_synchronised_ms":{},"trust":{},"ok":{ok}}}"#,
        found.records,
        found.outside,
        found.turned,
        found.widest / 1000,
        serde_json::to_string(&found.trusts).unwrap(),
    );
    assert!(ok);
    assert_eq!(found.trusts.len(), 4, "every kind occurs: {:?}", found.trusts);
}

#[test]
fn the_wall_clock_as_it_is_would_be_wrong() {
    let found = run(50, 1, |_, stamp, _| {
        let wall = stamp.wall.as_microsecond();
        interval(wall - CLOCK_ERROR, wall + CLOCK_ERROR, Trust::Synchronised, wall)
    });
    assert!(found.outside > found.records / 10 && found.turned > 0);
}
