//! What operators were told: the only truth of a campaign.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Outcome;

/// Everything that operators were told so far.
#[derive(Debug, Default)]
pub struct Told {
    /// Green units, each with its package.
    pub green: BTreeMap<String, String>,
    /// Package to pallet.
    pub pallet_of: BTreeMap<String, String>,
    /// Units that the station says it has already.
    pub known: BTreeSet<String>,
    /// The last unit that was green.
    pub last: Option<String>,
    /// Packages in the order in which they were first seen.
    pub packages: Vec<String>,
    /// Packages that were closed; no unit may go into one.
    closed: BTreeSet<String>,
    /// How often the answer was "already recorded".
    pub already: u64,
}

/// Does the answer say that the unit is recorded?
///
/// A unit that is scanned again in the place where it was packed last answers `already-recorded`, every other one
/// `duplicate`.
#[must_use]
pub fn is_known(answer: &Value) -> bool {
    answer["code"] == "duplicate" || answer["code"] == "already-recorded"
}

impl Told {
    /// Takes in an answer; what must not be is noted in the outcome.
    pub fn hear(&mut self, answer: &Value, outcome: &mut Outcome) {
        let serial = answer["serial"].as_str().map(str::to_owned);
        let container = |what: &str| answer[what]["id"].as_str().map(str::to_owned);
        match (answer["code"].as_str(), serial) {
            (Some("packed"), Some(serial)) => {
                let package = container("package").unwrap_or_default();
                self.packed(&serial, &package, outcome);
                // An operator was told twice that it is new: the first time it was not durable.
                if self.green.insert(serial.clone(), package).is_some() {
                    outcome.false_green += 1;
                    outcome.wrong(format!("{serial} was green twice"));
                }
                self.last = Some(serial);
            }
            (Some(code @ ("duplicate" | "already-recorded")), Some(serial)) => {
                self.already += u64::from(code == "already-recorded");
                self.known.insert(serial);
            }
            (Some("package-closed"), _) => self.closed.extend(container("package")),
            (Some("pallet-closed" | "work-order-started" | "work-order-unchanged"), _) => {}
            _ => outcome.wrong(format!("unexpected answer {answer}")),
        }
        if let (Some(package), Some(pallet)) = (container("package"), container("pallet")) {
            self.pallet_of.insert(package, pallet);
        }
    }

    /// A package that was closed, or followed by another one, never takes a unit again: its SSCC would be out twice.
    fn packed(&mut self, serial: &str, package: &str, outcome: &mut Outcome) {
        if self.packages.last().is_some_and(|last| last == package) && !self.closed.contains(package) {
            return;
        }
        if self.packages.iter().any(|seen| seen == package) {
            outcome.twice += 1;
            outcome.wrong(format!("{serial} went into package {package}, which was closed before"));
        } else {
            self.packages.push(package.to_owned());
        }
    }
}
