//! What a scan means: the rules of the configuration, applied to the data.
//!
//! A rule either has a pattern, whose named groups become attributes, or takes GS1 application identifiers. Before that it
//! trims and folds the data where it says so; afterwards it looks at check characters. A scan means something only if exactly
//! one rule matches it: two would be a guess.

mod check_digit;
mod language;
mod rule;

use std::collections::{BTreeMap, BTreeSet};

use drivers::Scan;
use gs1::AimId;
use records::attributes::Attributes;
use records::wire::Terms;
use sha2::{Digest, Sha256};

use crate::people::PeopleKey;
use crate::station::{Command, Raw, Reading, Unread};

pub use check_digit::CheckDigit;
pub use language::{Found, Language};
pub use rule::{Case, Reads, Rule, Takes, whole};

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

/// What became of a scan at one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// The rule is for other symbologies.
    OtherSymbology,
    /// The rule is for other scanners.
    OtherScanner,
    /// It does not match.
    NoMatch,
    /// It would match if the data were what it should be: what is wrong.
    Wrong(String),
    /// It matches, and takes these values.
    Matches(BTreeMap<String, String>),
}

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
        for rule in self.rules.iter().filter(|rule| rule.is_for(aim) && rule.is_of(&scan.source)) {
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

    /// What each rule makes of `scan`, by the rule's name, for people who write rules.
    #[must_use]
    pub fn look(&self, scan: &Scan) -> Vec<(&str, Looked)> {
        let Ok(text) = std::str::from_utf8(&scan.data) else { return Vec::new() };
        let aim: Option<AimId> = scan.symbology.and_then(|aim| aim.to_string().parse().ok());
        let look = |rule: &Rule| match rule.take(text, aim) {
            _ if !rule.is_for(aim) => Looked::OtherSymbology,
            _ if !rule.is_of(&scan.source) => Looked::OtherScanner,
            Err(wrong) => Looked::Wrong(told(&wrong)),
            Ok(None) => Looked::NoMatch,
            Ok(Some(found)) => match rule.check(&found) {
                Err(wrong) => Looked::Wrong(told(&wrong)),
                Ok(()) => Looked::Matches(found),
            },
        };
        self.rules.iter().map(|rule| (rule.name.as_str(), look(rule))).collect()
    }

    /// Pairs of rules that some scan fits both, with the shortest text of one. Such a scan is refused when it comes.
    #[must_use]
    pub fn overlaps(&self) -> Vec<(&str, &str, String)> {
        let languages: Vec<Option<Language>> = self.rules.iter().map(Rule::language).collect();
        let mut overlaps = Vec::new();
        for (at, (one, of_one)) in self.rules.iter().zip(&languages).enumerate() {
            for (two, of_two) in self.rules.iter().zip(&languages).skip(at + 1) {
                let (Some(of_one), Some(of_two)) = (of_one, of_two) else { continue };
                if one.meets(two)
                    && let Found::Text(text) = of_one.common(of_two)
                {
                    overlaps.push((one.name.as_str(), two.name.as_str(), text));
                }
            }
        }
        overlaps
    }

    /// The identity of refused data: its length and a hash that only this station can make again.
    #[must_use]
    pub fn raw(&self, data: &[u8]) -> Raw {
        let digest = Sha256::new().chain_update(self.raw_key).chain_update(data).finalize();
        Raw { bytes: data.len(), mark: digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect() }
    }

    fn reading(&self, rule: &Rule, found: BTreeMap<String, String>) -> Result<Reading, Unread> {
        rule.check(&found)?;
        let mut attributes: Attributes = found.into_iter().map(|(name, value)| (name, value.into())).collect();
        if let Some(set) = &rule.part_of {
            return Ok(Reading::Part { set: set.clone(), rule: rule.name.clone(), attributes });
        }
        let id = match attributes.remove(rule.reads.identity()) {
            Some(serde_json::Value::String(id)) => id,
            _ => return Err(Unread::BadValue(rule.name.clone(), format!("{} is missing", rule.reads.identity()))),
        };
        Ok(match rule.reads {
            Reads::WorkOrder => Reading::WorkOrder { id, attributes, terms: Terms::default() },
            Reads::Device => Reading::device(id, self.scope.as_deref(), attributes),
            Reads::Container => Reading::Container { id, attributes },
            Reads::Component => {
                let kind = rule.component.clone().unwrap_or_default();
                Reading::Component { serial: id, scope: format!("component:{kind}"), kind, attributes }
            }
            Reads::Badge => {
                let person = self.people.pseudonym(&id);
                Reading::Badge { supervisor: self.supervisors.contains(&person), person }
            }
            Reads::Reason => Reading::Reason { text: id },
            Reads::Consignee => Reading::Consignee { id },
            Reads::DespatchNote => Reading::DespatchNote { id },
        })
    }
}

/// Why a scan means nothing, for people.
#[must_use]
pub fn told(unread: &Unread) -> String {
    match unread {
        Unread::NoRead => "the scanner read nothing".to_owned(),
        Unread::NotText => "the data is not text".to_owned(),
        Unread::NoRule => "no rule knows this code".to_owned(),
        Unread::TwoRules(names) => format!("the code fits the rules {}", names.join(" and ")),
        Unread::BadValue(rule, why) => format!("rule {rule}: {why}"),
        Unread::Refused { text, .. } => text.clone(),
        Unread::CheckDigit(rule, name, digit) => format!("rule {rule}: {name} does not end in its {digit} check digit"),
        Unread::Gs1(why) => why.clone(),
        Unread::Noise(text) | Unread::NoCode { text, .. } | Unread::Picture { text, .. } => text.clone(),
    }
}

/// The SSCC, where a code is the label of a package or pallet: AI (00) identifies a logistic unit and stands on nothing else
/// (GS1 General Specifications, section 3, AI (00)). However wide a rule is, a box must not be packed as a unit.
fn container_label(text: &str, aim: Option<AimId>) -> Option<String> {
    aim.filter(|aim| aim.is_gs1())?;
    let elements = gs1::element_string::parse(text).ok()?;
    elements.iter().find(|element| element.ai().as_str() == "00").map(|element| element.value().to_owned())
}

#[cfg(test)]
mod tests;
