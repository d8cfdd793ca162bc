//! Each fault campaign in its short form, against the built programs.
#![allow(clippy::expect_used, missing_docs)]

use std::time::Instant;

use tests::faults::{CAMPAIGNS, LeftOut, Options, find};

/// The same chances in each test run, so that a failure can be repeated.
const SEED: u64 = 1;

fn short(name: &str) {
    let campaign = find(name).expect("the campaign");
    let start = Instant::now();
    match (campaign.run)(&Options { runs: campaign.runs_short, seed: SEED }) {
        Err(LeftOut(reason)) => println!("SKIPPED campaign {name}: {reason}"),
        Ok(outcome) => {
            let line = outcome.line(name, SEED, start.elapsed().as_secs());
            println!("{line}");
            assert!(outcome.ok(), "{line}");
        }
    }
}

macro_rules! campaigns {
    ($($name:ident),* $(,)?) => {
        $(#[test] fn $name() { short(stringify!($name)); })*

        #[test]
        fn every_campaign_is_run() {
            let run = [$(stringify!($name)),*];
            assert_eq!(run.to_vec(), CAMPAIGNS.iter().map(|campaign| campaign.name).collect::<Vec<_>>());
        }
    };
}

campaigns!(kill, powercut, fulldisk, damaged, backlog, wire, service, identity, clock);
