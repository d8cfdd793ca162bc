//! Fault campaigns: what a power cut, a kill, a full disk, a damaged file or a bad wire does to the built programs.
//!
//! A campaign repeats one kind of fault many times, from a seed, and counts what became of the records that an operator
//! was told are safe. `tests/run faults [NAME] [--runs N] [--seed S]` runs them long; `tests/cases/faults.rs` short.

mod backlog;
mod clock;
mod damaged;
mod dice;
mod fulldisk;
mod identity;
mod kill;
mod line;
mod mounted;
mod outcome;
mod powercut;
mod scanning;
mod service;
mod told;
mod wire;

use std::path::{Path, PathBuf};
use std::process::Command;

pub use dice::Dice;
pub use mounted::{Mounted, make_image};
pub use outcome::{LeftOut, Outcome, Ran};
pub use told::{Told, is_known};

/// One campaign.
#[derive(Debug, Clone, Copy)]
pub struct Campaign {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it does, in a line.
    pub what: &'static str,
    /// How many faults it makes in the long form.
    pub runs_long: u32,
    /// How many in the test run.
    pub runs_short: u32,
    /// Runs it. What breaks the campaign itself panics; what the programs did wrong is in the [`Outcome`].
    pub run: fn(&Options) -> Ran,
}

/// How a campaign is run.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How many faults are made.
    pub runs: u32,
    /// What all of its chances come from.
    pub seed: u64,
}

impl Options {
    /// The chances of this run.
    #[must_use]
    pub fn dice(&self) -> Dice {
        Dice::new(self.seed)
    }
}

/// All campaigns, in the order in which they are run.
pub const CAMPAIGNS: &[Campaign] = &[
    kill::CAMPAIGN,
    powercut::CAMPAIGN,
    fulldisk::CAMPAIGN,
    damaged::CAMPAIGN,
    backlog::CAMPAIGN,
    wire::CAMPAIGN,
    service::CAMPAIGN,
    identity::CAMPAIGN,
    clock::CAMPAIGN,
];

/// The campaign of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Campaign> {
    CAMPAIGNS.iter().find(|campaign| campaign.name == name)
}

/// Compiles a library that is preloaded into the station, from the file of this name beside this one.
fn build_shim(folder: &Path, name: &str) -> Result<PathBuf, LeftOut> {
    let source = format!("{}/src/faults/{name}.c", env!("CARGO_MANIFEST_DIR"));
    let library = folder.join(name).with_extension("so");
    let built = Command::new("cc").args(["-shared", "-fPIC", "-O1", &source, "-ldl", "-o"]).arg(&library).status();
    match built.is_ok_and(|status| status.success()) {
        true => Ok(library),
        false => Err(LeftOut("cc is missing (Debian package gcc)".to_owned())),
    }
}

/// Says on stderr how far a campaign is.
pub fn progress(campaign: &str, text: &str) {
    eprintln!("{campaign}: {text}");
}
