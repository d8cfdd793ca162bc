//! A label of several codes, scanned in any order.

use std::collections::BTreeMap;

use records::Stamp;
use records::attributes::Attributes;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, Code, Outcome};
use super::input::Reading;
use super::lanes::{LabelCodes, LineRules};
use super::state::Lane;
use super::turn::Turn;

/// The codes of a label that were scanned so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parts {
    /// Which label.
    pub set: String,
    /// What the codes say, by the rule that read them.
    pub found: BTreeMap<String, Attributes>,
    /// The boot in which the first one came.
    pub boot: String,
    /// When that was, in milliseconds since boot.
    pub since: u64,
    /// How long it may take, in milliseconds.
    pub timeout_ms: u64,
}

impl Parts {
    pub(super) fn is_over(&self, now: &Stamp) -> bool {
        self.boot != now.boot || now.since_boot.saturating_sub(self.since) >= self.timeout_ms
    }
}

/// The device that this code makes complete; `None` where others are missing still, or it contradicts them.
pub(super) fn completes(
    rules: &LineRules,
    lane: Option<&Lane>,
    set: &str,
    rule: &str,
    said: &Attributes,
) -> Option<Reading> {
    let codes = rules.label_codes.get(set)?;
    let before = lane.and_then(|lane| lane.parts.as_ref()).filter(|parts| parts.set == set);
    let mut found: BTreeMap<&str, &Attributes> = BTreeMap::from([(rule, said)]);
    for (rule, said) in before.into_iter().flat_map(|parts| &parts.found) {
        found.entry(rule).or_insert(said);
    }
    if !codes.codes.iter().all(|code| found.contains_key(code.as_str())) {
        return None;
    }
    merged(codes, &found).ok()
}

/// What all the codes say together, or the name of what two of them say differently.
fn merged(codes: &LabelCodes, found: &BTreeMap<&str, &Attributes>) -> Result<Reading, String> {
    let mut attributes = Attributes::new();
    for (name, value) in found.values().copied().flatten() {
        if attributes.insert(name.clone(), value.clone()).is_some_and(|other| other != *value) {
            return Err(name.clone());
        }
    }
    let Some(serde_json::Value::String(serial)) = attributes.remove("serialNumber") else {
        return Err("serialNumber".to_owned());
    };
    let scope = codes.scope.as_ref().and_then(|name| attributes.get(name)).and_then(|value| value.as_str());
    Ok(Reading::Device { scope: scope.unwrap_or_default().to_owned(), serial, attributes })
}

impl Turn<'_> {
    /// One code of a label that has several.
    pub(super) fn part(&mut self, name: &str, set: &str, rule: &str, said: &Attributes) -> Result<Answer, Answer> {
        let line = self.line;
        let Some(codes) = line.rules.label_codes.get(set) else { return Err(super::scan::not_here(name)) };
        let now = self.now;
        let kept = self.lane(name).parts.take().filter(|parts| parts.set == set && !parts.is_over(now));
        let mut parts = kept.unwrap_or_else(|| Parts {
            set: set.to_owned(),
            found: BTreeMap::new(),
            boot: now.boot.clone(),
            since: now.since_boot,
            timeout_ms: u64::try_from(codes.timeout.as_millis()).unwrap_or(u64::MAX),
        });
        if parts.found.get(rule).is_some_and(|known| known != said) {
            let text = format!("The label has another {rule} than the one scanned before");
            let help = "Scan CANCEL, then all codes of one label.";
            return Err(Answer::refused(name, Code::LabelMixed, text, help));
        }
        parts.found.insert(rule.to_owned(), said.clone());
        let missing: Vec<&str> =
            codes.codes.iter().filter(|code| !parts.found.contains_key(*code)).map(String::as_str).collect();
        if !missing.is_empty() {
            let text = format!("{rule} is taken; still to scan: {}", missing.join(", "));
            self.lane(name).parts = Some(parts);
            return Ok(Answer::new(name, Outcome::Done, Code::PartTaken, text));
        }
        let found = parts.found.iter().map(|(rule, said)| (rule.as_str(), said)).collect();
        match merged(codes, &found) {
            Ok(reading) => {
                let held = self.by_role(name, &reading);
                // What is complete is not asked for again: refused is the unit, not its label.
                if held.is_err() {
                    self.refused_reading = Some(reading);
                }
                held
            }
            Err(what) => {
                let text = format!("The codes of the label do not agree on {what}");
                Err(Answer::refused(name, Code::LabelMixed, text, "Scan CANCEL, and set the unit aside."))
            }
        }
    }
}
