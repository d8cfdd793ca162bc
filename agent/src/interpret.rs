//! What a scan means: the rules of the configuration, applied to the data.
//!
//! A rule either has a pattern, whose named groups become attributes, or takes GS1 application identifiers. A scan means
//! something only if exactly one rule matches it: two would be a guess.

use std::collections::{BTreeMap, BTreeSet};

use drivers::Scan;
use gs1::{Ai, AimId};
use records::attributes::Attributes;
use records::wire::Terms;
use regex::Regex;
use sha2::{Digest, Sha256};

use crate::people::PeopleKey;
use crate::station::{Command, Raw, Reading, Unread};
use base::describe;

/// What a rule reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// A device; `serialNumber` is required.
    Device,
    /// A work order; `workOrder` is required.
    WorkOrder,
}

impl Reads {
    /// The attribute without which such a scan has no subject.
    #[must_use]
    pub fn identity(self) -> &'static str {
        match self {
            Self::Device => "serialNumber",
            Self::WorkOrder => "workOrder",
        }
    }
}

/// One rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name, for messages.
    pub name: String,
    /// What it reads.
    pub reads: Reads,
    /// AIM identifiers that it applies to; empty for all.
    pub symbologies: Vec<AimId>,
    /// Scanners that it applies to; empty for all.
    pub scanners: Vec<String>,
    /// How it takes attributes from the data.
    pub takes: Takes,
}

/// How a rule takes attributes from the data.
#[derive(Debug, Clone)]
pub enum Takes {
    /// The whole data matches; each named group is an attribute. The engine is linear in the length of the data.
    Pattern(Regex),
    /// GS1 element strings: application identifier to attribute.
    Gs1(BTreeMap<Ai, String>),
}

/// All rules of a station.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Command barcodes: exact data to command. They come before all rules.
    pub commands: BTreeMap<String, Command>,
    /// Barcodes of reasons: exact data to reason.
    pub reasons: BTreeMap<String, String>,
    /// The rules.
    pub rules: Vec<Rule>,
    /// The attribute whose value is the scope of a device; empty where serials are unique by themselves.
    pub scope: Option<String>,
    /// Key of the hashes that stand for refused scans.
    pub raw_key: [u8; 32],
    /// Key of the pseudonyms of people.
    pub people: PeopleKey,
    /// Pseudonyms of supervisors.
    pub supervisors: BTreeSet<String>,
}

/// Longest value that a rule may take, in characters.
const MAX_VALUE: usize = 128;

impl Rules {
    /// What `scan` means. Never guesses.
    ///
    /// # Errors
    /// Why it means nothing.
    pub fn read(&self, scan: &Scan) -> Result<Reading, Unread> {
        let text = std::str::from_utf8(&scan.data).map_err(|_| Unread::NotText)?;
        if let Some(command) = self.commands.get(text) {
            return Ok(Reading::Command(*command));
        }
        if let Some(reason) = self.reasons.get(text) {
            return Ok(Reading::Reason { text: reason.clone() });
        }
        let aim: Option<AimId> = scan.symbology.and_then(|aim| aim.to_string().parse().ok());
        if let Some(sscc) = container_label(text, aim) {
            return Ok(Reading::Container { id: sscc, attributes: Attributes::new() });
        }
        let mut matches = Vec::new();
        let mut gs1_fault = None;
        for rule in self.rules.iter().filter(|rule| rule.applies_to(aim, &scan.source)) {
            match rule.take(text, aim) {
                Ok(Some(found)) => matches.push((rule, found)),
                Ok(None) => {}
                Err(fault) => gs1_fault = Some(fault),
            }
        }
        match (matches.len(), gs1_fault) {
            (0, Some(fault)) => Err(fault),
            (0, None) => Err(Unread::NoRule),
            (1, _) => {
                let (rule, found) = matches.remove(0);
                self.reading(rule, found)
            }
            _ => Err(Unread::TwoRules(matches.iter().map(|(rule, _)| rule.name.clone()).collect())),
        }
    }

    /// The identity of refused data: its length and a hash that only this station can make again.
    #[must_use]
    pub fn raw(&self, data: &[u8]) -> Raw {
        let digest = Sha256::new().chain_update(self.raw_key).chain_update(data).finalize();
        Raw { bytes: data.len(), mark: digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect() }
    }

    fn reading(&self, rule: &Rule, found: BTreeMap<String, String>) -> Result<Reading, Unread> {
        for (name, value) in &found {
            if let Err(why) = check_value(value) {
                return Err(Unread::BadValue(rule.name.clone(), format!("{name} {why}")));
            }
        }
        let mut attributes: Attributes = found.into_iter().map(|(name, value)| (name, value.into())).collect();
        let id = match attributes.remove(rule.reads.identity()) {
            Some(serde_json::Value::String(id)) => id,
            _ => return Err(Unread::BadValue(rule.name.clone(), format!("{} is missing", rule.reads.identity()))),
        };
        Ok(match rule.reads {
            Reads::WorkOrder => Reading::WorkOrder { id, attributes, terms: Terms::default() },
            Reads::Device => {
                let scope = self.scope.as_ref().and_then(|name| attributes.get(name)).and_then(|value| value.as_str());
                Reading::Device { scope: scope.unwrap_or_default().to_owned(), serial: id, attributes }
            }
        })
    }
}

impl Rule {
    fn applies_to(&self, aim: Option<AimId>, scanner: &str) -> bool {
        (self.symbologies.is_empty() || aim.is_some_and(|aim| self.symbologies.contains(&aim)))
            && (self.scanners.is_empty() || self.scanners.iter().any(|name| name == scanner))
    }

    /// The attributes that the rule takes; `None` where it does not match.
    fn take(&self, text: &str, aim: Option<AimId>) -> Result<Option<BTreeMap<String, String>>, Unread> {
        match &self.takes {
            Takes::Pattern(pattern) => Ok(pattern.captures(text).map(|groups| {
                let names = pattern.capture_names().flatten();
                names.filter_map(|name| Some((name.to_owned(), groups.name(name)?.as_str().to_owned()))).collect()
            })),
            // Plain Code 128 is never GS1 data, however much it looks like it (GS1 General Specifications 5.4).
            Takes::Gs1(_) if !aim.is_some_and(AimId::is_gs1) => Ok(None),
            Takes::Gs1(wanted) => {
                let elements = gs1::element_string::parse(text).map_err(|error| Unread::Gs1(describe(&error)))?;
                let found: BTreeMap<String, String> = elements
                    .iter()
                    .filter_map(|element| Some((wanted.get(&element.ai())?.clone(), element.value().to_owned())))
                    .collect();
                Ok(found.contains_key(self.reads.identity()).then_some(found))
            }
        }
    }
}

/// The SSCC, where a code is the label of a package or pallet: AI (00) identifies a logistic unit and stands on nothing else
/// (GS1 General Specifications, section 3, AI (00)). However wide a rule is, a box must not be packed as a unit.
fn container_label(text: &str, aim: Option<AimId>) -> Option<String> {
    aim.filter(|aim| aim.is_gs1())?;
    let elements = gs1::element_string::parse(text).ok()?;
    elements.iter().find(|element| element.ai().as_str() == "00").map(|element| element.value().to_owned())
}

fn check_value(value: &str) -> Result<(), &'static str> {
    if value.is_empty() {
        Err("is empty")
    } else if value.chars().count() > MAX_VALUE {
        Err("is longer than 128 characters")
    } else if value.chars().any(char::is_control) {
        Err("has control characters")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
