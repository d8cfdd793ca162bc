//! The fault campaigns in their long form; called by `tests/run faults`.
//!
//! One line of JSON for each campaign on stdout, progress on stderr. Exit codes: 0 all is well, 1 something was found (or a
//! campaign could not be run), 2 wrong usage.

use std::hash::{BuildHasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use tests::faults::{CAMPAIGNS, Campaign, LeftOut, Options, Outcome, find};

/// Fault campaigns against the built programs.
#[derive(Parser)]
#[command(name = "tests/run faults")]
struct Arguments {
    /// One campaign; without it all are run, one after the other.
    name: Option<String>,
    /// How many faults are made, instead of the campaign's own number.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    runs: Option<u32>,
    /// Where the chances come from, to repeat a run.
    #[arg(long)]
    seed: Option<u64>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let chosen: Vec<&Campaign> = match &arguments.name {
        None => CAMPAIGNS.iter().collect(),
        Some(name) => match find(name) {
            Some(campaign) => vec![campaign],
            None => {
                eprintln!("no campaign `{name}`; there are:");
                CAMPAIGNS.iter().for_each(|campaign| eprintln!("  {:<10} {}", campaign.name, campaign.what));
                return ExitCode::from(2);
            }
        },
    };
    let seed = arguments.seed.unwrap_or_else(|| RandomState::new().hash_one(0) >> 32);
    let mut all_well = true;
    for campaign in chosen {
        let options = Options { runs: arguments.runs.unwrap_or(campaign.runs_long), seed };
        eprintln!("== {}: {} ({} runs, seed {seed})", campaign.name, campaign.what, options.runs);
        let start = Instant::now();
        // A campaign that breaks off must not hide what the others find.
        let ran = catch_unwind(AssertUnwindSafe(|| (campaign.run)(&options)));
        let outcome = ran.unwrap_or_else(|panic| {
            let said = panic.downcast_ref::<String>().cloned();
            let said = said.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Ok(broken_off(&format!("broke off: {}", said.unwrap_or_default())))
        });
        let outcome = outcome.unwrap_or_else(|LeftOut(reason)| broken_off(&format!("left out: {reason}")));
        all_well &= outcome.ok();
        println!("{}", outcome.line(campaign.name, seed, start.elapsed().as_secs()));
    }
    if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn broken_off(why: &str) -> Outcome {
    let mut outcome = Outcome::default();
    outcome.wrong(why);
    outcome
}
