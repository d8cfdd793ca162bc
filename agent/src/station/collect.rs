//! Several codes of one label, scanned in any order: what they say is put together until none is missing.

use std::collections::BTreeMap;

use records::Stamp;
use records::attributes::Attributes;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, Outcome};
use super::code::Code;
use super::input::{Reading, Unread};
use super::lanes::{LabelCodes, LineRules};
use super::state::Lane;
use super::turn::Turn;

/// What was collected of a label so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collecting {
    /// The name of the label's codes.
    pub set: String,
    /// The boot in which the first of them was scanned.
    boot: String,
    /// Milliseconds since that boot.
    since: u64,
    /// What each code said, by the name of its rule.
    parts: BTreeMap<String, Attributes>,
}

/// What follows from one more code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Collected {
    /// None is missing: what all of them say together.
    Complete(Attributes),
    /// These are missing.
    Missing(Collecting, Vec<String>),
    /// The same code once more.
    Again(Vec<String>),
    /// The same code with something else in it: two labels were mixed. Nothing of what was collected may be used.
    Mixed,
}

impl Collecting {
    /// One more code of the label `name`, read by the rule `code`. What was begun for another label, or too long ago, does not
    /// count.
    #[must_use]
    pub fn with(
        before: Option<&Self>,
        (name, set): (&str, &LabelCodes),
        (code, says): (&str, &Attributes),
        now: &Stamp,
    ) -> Collected {
        let mut all = match before.filter(|before| before.set == name && !before.is_over(set, now)) {
            Some(before) => before.clone(),
            None => {
                Self { set: name.to_owned(), boot: now.boot.clone(), since: now.since_boot, parts: BTreeMap::new() }
            }
        };
        match all.parts.insert(code.to_owned(), says.clone()) {
            Some(earlier) if earlier == *says => return Collected::Again(all.missing(set)),
            Some(_) => return Collected::Mixed,
            None => {}
        }
        let missing = all.missing(set);
        match missing.is_empty() {
            true => Collected::Complete(all.parts.into_values().flatten().collect()),
            false => Collected::Missing(all, missing),
        }
    }

    /// The codes that are missing.
    #[must_use]
    pub fn missing(&self, set: &LabelCodes) -> Vec<String> {
        set.codes.iter().filter(|code| !self.parts.contains_key(*code)).cloned().collect()
    }

    /// Has the time for this label run out? After a restart of the computer it has.
    #[must_use]
    pub fn is_over(&self, set: &LabelCodes, now: &Stamp) -> bool {
        self.boot != now.boot || u128::from(now.since_boot.saturating_sub(self.since)) >= set.timeout.as_millis()
    }
}

impl LineRules {
    /// A code that completes its label is the unit that the label is of; other scans are what they are.
    #[must_use]
    pub fn whole_label(&self, lane: Option<&Lane>, reading: Reading, now: &Stamp) -> Reading {
        let Reading::Part { set, rule, attributes } = &reading else { return reading };
        let Some(codes) = self.label_codes.get(set) else { return reading };
        let before = lane.and_then(|lane| lane.collecting.as_ref());
        let Collected::Complete(mut all) = Collecting::with(before, (set, codes), (rule, attributes), now) else {
            return reading;
        };
        match all.remove("serialNumber") {
            Some(serde_json::Value::String(serial)) => Reading::device(serial, codes.scope.as_deref(), all),
            _ => reading,
        }
    }
}

impl Turn<'_> {
    /// One code of a label that has several, and not the last one.
    pub(super) fn part(&mut self, name: &str, set: &str, rule: &str, says: &Attributes) -> Result<Answer, Answer> {
        let mut lane = self.state.lane(name);
        let Some(codes) = self.line.rules.label_codes.get(set) else {
            let text = format!("The label {set} is not one of this station any more");
            return Err(Answer::refused(name, Code::NoRule, text, "Tell a technician."));
        };
        let missing = match Collecting::with(lane.collecting.as_ref(), (set, codes), (rule, says), self.now) {
            Collected::Missing(all, missing) => {
                lane.collecting = Some(all);
                missing
            }
            Collected::Again(missing) => missing,
            Collected::Complete(_) => Vec::new(),
            Collected::Mixed => {
                let text = format!("The {rule} code is of another label than the codes before it");
                return Err(Answer::refused(
                    name,
                    Code::LabelMixed,
                    text,
                    "Scan all codes of one label, from the beginning.",
                ));
            }
        };
        self.state.lanes.insert(name.to_owned(), lane);
        let help = format!("Scan the rest of the label: {}.", missing.join(", "));
        let text = format!("The {rule} code is read");
        Ok(Answer { help, ..Answer::new(name, Outcome::Done, Code::PartTaken, text) })
    }

    /// What was collected of a label is not gone on with: it is complete, or two were mixed.
    pub(super) fn drop_label(&mut self, name: &str, reading: &Result<Reading, Unread>, answer: &Answer) {
        let ends = matches!(reading, Ok(Reading::Device { .. })) || answer.code == Code::LabelMixed;
        if let Some(lane) = self.state.lanes.get_mut(name).filter(|_| ends) {
            lane.collecting = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set() -> LabelCodes {
        let codes = ["serial", "part", "mac"].map(str::to_owned).to_vec();
        LabelCodes { codes, timeout: std::time::Duration::from_secs(1), scope: None }
    }

    fn at(since_boot: u64) -> Stamp {
        Stamp { wall: jiff::Timestamp::UNIX_EPOCH, synchronised: false, boot: "b".into(), since_boot }
    }

    fn says(code: &str, value: &str) -> Attributes {
        Attributes::from([(code.to_owned(), value.into())])
    }

    proptest! {
        #[test]
        fn the_order_of_the_codes_does_not_matter(order in Just(["serial", "part", "mac"].to_vec()).prop_shuffle()) {
            let mut all = None;
            for (place, code) in order.iter().enumerate() {
                match Collecting::with(all.as_ref(), ("unit", &set()), (code, &says(code, code)), &at(place as u64)) {
                    Collected::Missing(next, missing) => {
                        prop_assert_eq!(missing.len(), 2 - place);
                        all = Some(next);
                    }
                    Collected::Complete(attributes) => {
                        prop_assert_eq!(place, 2);
                        prop_assert_eq!(attributes.len(), 3);
                    }
                    other => prop_assert!(false, "{other:?}"),
                }
            }
        }
    }

    #[test]
    fn labels_are_not_mixed_and_not_waited_for_without_end() {
        let first = Collecting::with(None, ("unit", &set()), ("serial", &says("serial", "A")), &at(0));
        let Collected::Missing(all, _) = first else { panic!("{first:?}") };
        let next = |code: &str, value: &str, now: &Stamp| {
            Collecting::with(Some(&all), ("unit", &set()), (code, &says(code, value)), now)
        };
        assert_eq!(next("serial", "A", &at(1)), Collected::Again(vec!["part".into(), "mac".into()]));
        assert_eq!(next("serial", "B", &at(1)), Collected::Mixed);
        assert!(matches!(next("part", "P", &at(999)), Collected::Missing(_, missing) if missing == ["mac"]));
        let late = next("part", "P", &at(1000));
        assert!(matches!(late, Collected::Missing(_, missing) if missing == ["serial", "mac"]), "begun anew");
        let rebooted = Stamp { boot: "c".into(), ..at(5) };
        assert!(matches!(next("part", "P", &rebooted), Collected::Missing(_, missing) if missing.len() == 2));
        let changed = Collecting::with(Some(&all), ("other", &set()), ("mac", &says("mac", "M")), &at(1));
        assert!(matches!(changed, Collected::Missing(_, missing) if missing.len() == 2));
    }
}
