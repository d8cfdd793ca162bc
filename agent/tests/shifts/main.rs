//! Shifts at two stations: scans, commands, moves, re-openings, tests, despatches, restarts, a network that comes and goes.
//! After every act the records alone have to say what the station believes, and nothing may have been accepted that a rule
//! forbids.
//!
//! `LOTLINE_SHIFTS` sets how many shifts are played, `LOTLINE_SEED` where they begin.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test rig")]

mod acts;
mod bench;
mod service;
mod truth;

use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};

use acts::{Shift, shifts};
use bench::{Figures, Mutation, play};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

/// Plays shifts; the smallest counterexample that shrinking finds.
fn run(seed: u64, count: u64, mutation: Option<Mutation>) -> Result<Figures, (String, Shift)> {
    let mut config = Config { cases: u32::try_from(count).unwrap(), ..Config::default() };
    (config.failure_persistence, config.rng_seed, config.max_shrink_iters) = (None, RngSeed::Fixed(seed), 5_000);
    let sum = std::cell::RefCell::new(Figures::default());
    let result = TestRunner::new(config).run(&shifts(), |shift| match play(&shift, mutation) {
        Ok(figures) => {
            sum.borrow_mut().add(&figures);
            Ok(())
        }
        Err(violation) => Err(TestCaseError::fail(violation)),
    });
    match result {
        Ok(()) => Ok(sum.into_inner()),
        Err(TestError::Fail(why, shift)) => Err((why.to_string(), shift)),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}

/// Shifts are played in so many parts side by side, each with a seed of its own.
const PARTS: u64 = 4;

#[test]
fn whatever_happens_on_a_shift_the_records_say_what_the_station_believes() {
    // The same ones each time, whatever the machine; whoever asks for a number gets others with every run.
    let asked = number("LOTLINE_SHIFTS");
    let any = || std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), ()) >> 16;
    let base = number("LOTLINE_SEED").unwrap_or_else(|| asked.map_or(1, |_| any()));
    let shifts = asked.unwrap_or(400);
    println!("seed {base}");
    let (begin, threads) = (std::time::Instant::now(), PARTS.min(shifts.max(1)));
    let mut sum = Figures::default();
    std::thread::scope(|scope| {
        let work = |at: u64| move || run(base + at, shifts / threads, None).map_err(|found| (base + at, found));
        let all: Vec<_> = (0..threads).map(|at| scope.spawn(work(at))).collect();
        for thread in all {
            match thread.join().unwrap() {
                Ok(figures) => sum.add(&figures),
                Err((seed, (why, shift))) => {
                    panic!(
                        "{why}\n{shift:#?}\nagain with LOTLINE_SEED={seed} LOTLINE_SHIFTS={}",
                        shifts / threads * threads
                    )
                }
            }
        }
    });
    println!(
        "{{\"campaign\":\"shifts\",\"shifts\":{shifts},\"seed\":{base},{sum},\"seconds\":{:.1},\"ok\":true}}",
        begin.elapsed().as_secs_f64()
    );
    assert!(shifts < 300 || sum.is_rich(), "the shifts are not what they should be: {sum}");
}

/// A station with a known fault: it must be found.
fn found(mutation: Mutation) {
    let Err((why, shift)) = run(11, 600, Some(mutation)) else { panic!("{mutation:?} was not found") };
    println!("{mutation:?}: {why}\n{} acts", shift.acts.len());
}

#[test]
fn a_unit_that_is_forgotten_is_found() {
    found(Mutation::ForgetsUnits);
}

#[test]
fn a_container_that_counts_wrong_is_found() {
    found(Mutation::ForgetsContainers);
}

#[test]
fn a_restart_without_the_commands_that_wait_is_found() {
    found(Mutation::RestartsEmpty);
}

#[test]
fn an_answer_of_the_service_that_is_not_looked_at_is_found() {
    found(Mutation::DeafToService);
}
