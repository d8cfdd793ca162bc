//! The journal, the decisions and the sender of a station against a model of everything around them, under power cuts,
//! full disks, failed syncs, lost, repeated and reordered messages, and a service that is restored from a copy.
//!
//! `LOTLINE_HISTORIES` sets how many histories are run, `LOTLINE_SEED` where they begin. A history stands for itself:
//! nothing is shared between two of them.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test rig")]

mod disk;
mod full;
mod history;
mod service;
mod steps;
mod truth;
mod uplink;
mod vfs;
mod world;

use std::hash::{BuildHasher, RandomState};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};

use history::{History, histories};
use steps::{Figures, run};
use truth::Kind;
use world::Mutation;

/// Histories with one seed.
const CHUNK: u64 = 50;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

/// Runs the histories of one seed; the smallest counterexample that shrinking finds.
fn chunk(seed: u64, count: u64, mutation: Option<Mutation>, sum: &Mutex<Figures>) -> Result<(), (String, History)> {
    let mut config = Config { cases: u32::try_from(count).unwrap(), ..Config::default() };
    (config.failure_persistence, config.rng_seed, config.max_shrink_iters) = (None, RngSeed::Fixed(seed), 3000);
    let result = TestRunner::new(config).run(&histories(), |history| match run(&history, mutation) {
        Ok(figures) => {
            let mut sum = sum.lock().unwrap();
            sum.cuts += figures.cuts;
            sum.green += figures.green;
            sum.stored += figures.stored;
            sum.red += figures.red;
            sum.calls += figures.calls;
            Ok(())
        }
        Err(violation) => Err(TestCaseError::fail(violation.to_string())),
    });
    match result {
        Ok(()) => Ok(()),
        Err(TestError::Fail(why, history)) => Err((why.to_string(), history)),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}

#[test]
fn no_history_loses_a_record_or_has_one_twice() {
    let runs = number("LOTLINE_HISTORIES").unwrap_or(1500);
    let base = number("LOTLINE_SEED").unwrap_or_else(|| RandomState::new().hash_one(()) >> 16);
    println!("seed {base}");
    let (next, sum, begin) = (AtomicU64::new(0), Mutex::new(Figures::default()), std::time::Instant::now());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let found = std::thread::scope(|scope| {
        let work = || {
            loop {
                let at = next.fetch_add(CHUNK, Ordering::Relaxed);
                if at >= runs {
                    return None;
                }
                let seed = base + at / CHUNK;
                if let Err(found) = chunk(seed, CHUNK.min(runs - at), None, &sum) {
                    next.store(runs, Ordering::Relaxed);
                    return Some((seed, found));
                }
            }
        };
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        all.into_iter().filter_map(|thread| thread.join().unwrap()).next()
    });
    if let Some((seed, (why, history))) = found {
        panic!("{why}\n{history:?}\nagain with LOTLINE_SEED={seed} LOTLINE_HISTORIES={CHUNK}");
    }
    let Figures { cuts, green, stored, red, calls } = *sum.lock().unwrap();
    let seconds = begin.elapsed().as_secs_f64();
    println!(
        "{{\"campaign\":\"model\",\"runs\":{runs},\"seed\":{base},\"cuts\":{cuts},\"green\":{green},\"stored\":{stored},\
         \"red_groups\":{red},\"disk_calls\":{calls},\"lost\":0,\"twice\":0,\"false_green\":0,\"seconds\":{seconds:.1},\"ok\":true}}"
    );
    assert!(runs < 100 || (cuts > runs / 2 && green > runs && red > 0), "the histories are not what they should be");
}

/// The machine with a known fault in it: it must be found, and as what it is.
fn found(mutation: Mutation, kinds: &[Kind], within: u64) {
    let sum = Mutex::new(Figures::default());
    let Err((why, history)) = chunk(7, within, Some(mutation), &sum) else {
        panic!("{mutation:?} was not found in {within} histories");
    };
    println!("{mutation:?}: {why}\n{history:?}");
    assert!(kinds.iter().any(|kind| why.starts_with(&format!("{kind:?}:"))), "{why}");
}

#[test]
fn forgetting_at_the_puback_is_found() {
    found(Mutation::DeleteOnPuback, &[Kind::Lost], 400);
}

#[test]
fn green_before_the_commit_is_found() {
    found(Mutation::GreenBeforeCommit, &[Kind::FalseGreen], 400);
}

#[test]
fn a_journal_that_is_not_synced_is_found() {
    found(Mutation::SynchronousNormal, &[Kind::Lost, Kind::FalseGreen, Kind::Half], 400);
}

#[test]
fn a_receipt_before_the_commit_is_found() {
    found(Mutation::ReceiptBeforeCommit, &[Kind::Lost], 400);
}

/// Counterexamples of earlier versions.
#[test]
fn what_was_found_once_stays_mended() {
    use history::{Fate, Item, Step};
    let whole_way = |first: &[Step]| {
        let way = [Step::Send, Step::Segment(0, Fate::Once), Step::ServiceCommits, Step::Receipt(0, Fate::Once)];
        [first, &way, &way, &[Step::SaveSettled, Step::Forget, Step::Forget]].concat()
    };
    let group = Step::Group(vec![Item::Unit(0), Item::Unit(1)]);
    // A group that was written and not synced when the program was killed is there after the start; it must stay.
    let killed = |at| ("killed between write and sync", vec![Step::KillAfter(at), group.clone(), Step::Cut]);
    let mut histories: Vec<(&str, Vec<Step>)> = (1..20).map(killed).collect();
    histories.extend([
        // It was kept for so long after it was stored: a station that had been offline forgot it with its receipt.
        (
            "kept from the receipt on",
            [whole_way(&[group.clone(), Step::Hours(200), Step::Backup]), vec![Step::Restore(0)]].concat(),
        ),
        (
            "damaged beside each other",
            vec![Step::Send, group.clone(), Step::Damage(1, 0), Step::Damage(2, 0), Step::Damage(0, 0)],
        ),
        ("the rollback journal of a new store", vec![Step::Cut]),
    ]);
    for (what, steps) in histories {
        for seed in 0..20 {
            let history = History { package_size: 1, small_quota: false, keep_hours: 168, seed, steps: steps.clone() };
            run(&history, None).unwrap_or_else(|violation| panic!("{what}: {violation}\n{history:?}"));
        }
    }
}
