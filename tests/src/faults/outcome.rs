//! What a campaign found.

use serde::Serialize;
use serde_json::{Map, Value};

/// What a campaign gives: what it found, or why this machine cannot run it.
pub type Ran = Result<Outcome, LeftOut>;

/// Why a campaign was left out. A reason that begins with "this machine" is one that no package can mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut(pub String);

impl LeftOut {
    /// There is no broker.
    #[must_use]
    pub fn mosquitto() -> Self {
        Self("mosquitto is not installed".to_owned())
    }
}

/// What became of the records of a campaign.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Outcome {
    /// Faults that were made.
    pub runs: u64,
    /// Units of which an operator was told that they are safe.
    pub acknowledged: u64,
    /// Units that the service (or, where there is none, the journal) has in the end.
    pub stored: u64,
    /// Acknowledged and not stored.
    pub lost: u64,
    /// Stored twice, or an SSCC given out twice.
    pub twice: u64,
    /// Green before it was durable, as far as the campaign can see: green, and unknown to the station afterwards.
    pub false_green: u64,
    /// What else must not be; empty is well.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub wrong: Vec<String>,
    /// Further figures.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Outcome {
    /// Notes something that must not be.
    pub fn wrong(&mut self, what: impl Into<String>) {
        let what = what.into();
        eprintln!("  wrong: {what}");
        // The first ones say what there is to know.
        if self.wrong.len() < 20 {
            self.wrong.push(what);
        }
    }

    /// Notes it unless the condition holds.
    pub fn must(&mut self, condition: bool, what: impl FnOnce() -> String) {
        if !condition {
            self.wrong(what());
        }
    }

    /// Adds a figure.
    pub fn figure(&mut self, name: &str, value: impl Into<Value>) {
        self.extra.insert(name.to_owned(), value.into());
    }

    /// A part that this machine cannot run: a figure, and a line that counts as left out.
    pub fn leave_out(&mut self, part: &str, why: &str) {
        eprintln!("SKIPPED {part}: {why}");
        self.figure(part, format!("left out: {why}"));
    }

    /// Nothing lost, nothing twice, nothing wrong.
    #[must_use]
    pub fn ok(&self) -> bool {
        self.lost == 0 && self.twice == 0 && self.false_green == 0 && self.wrong.is_empty()
    }

    /// The campaign's line of JSON.
    ///
    /// # Panics
    /// Never: all of it can be written.
    #[must_use]
    pub fn line(&self, campaign: &str, seed: u64, seconds: u64) -> String {
        #[derive(Serialize)]
        struct Line<'a> {
            campaign: &'a str,
            ok: bool,
            seed: u64,
            seconds: u64,
            #[serde(flatten)]
            outcome: &'a Outcome,
        }
        serde_json::to_string(&Line { campaign, ok: self.ok(), seed, seconds, outcome: self }).expect("JSON")
    }
}
