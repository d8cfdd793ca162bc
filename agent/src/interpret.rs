//! What a scan means: the rules of the configuration, applied to the data.
//!
//! A rule either has a pattern, whose named groups become attributes, or takes GS1 application identifiers. Before that it
//! trims and folds the data where it says so; afterwards it looks at check characters. A scan means something only if exactly
//! one rule matches it: two would be a guess.

mod check_digit;
mod language;

use std::borrow::Cow;
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

pub use check_digit::CheckDigit;
pub use language::{Found, Language};

/// What a rule reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// A device; `serialNumber` is required.
    Device,
    /// A work order; `workOrder` is required.
    WorkOrder,
    /// The label of a package or pallet whose id is no SSCC; `container` is required.
    Container,
    /// A component that goes into a unit; `serialNumber` is required.
    Component,
    /// A person's badge; `badge` is required. It is never kept.
    Badge,
    /// Why something is done; `reason` is required.
    Reason,
    /// Who gets what is despatched; `consignee` is required.
    Consignee,
    /// A despatch note; `despatchNote` is required.
    DespatchNote,
}

impl Reads {
    /// The words of a configuration, with what each stands for.
    pub const WORDS: [(&str, Self); 8] = [
        ("device", Self::Device),
        ("work-order", Self::WorkOrder),
        ("container", Self::Container),
        ("component", Self::Component),
        ("badge", Self::Badge),
        ("reason", Self::Reason),
        ("consignee", Self::Consignee),
        ("despatch-note", Self::DespatchNote),
    ];

    /// Its word in a configuration.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, reads)| *reads == self).map_or("", |(word, _)| word)
    }

    /// May such a scan say more than its identity?
    #[must_use]
    pub fn has_attributes(self) -> bool {
        matches!(self, Self::Device | Self::WorkOrder | Self::Component)
    }

    /// The attribute without which such a scan has no subject.
    #[must_use]
    pub fn identity(self) -> &'static str {
        match self {
            Self::Device | Self::Component => "serialNumber",
            Self::WorkOrder => "workOrder",
            Self::Container => "container",
            Self::Badge => "badge",
            Self::Reason => "reason",
            Self::Consignee => "consignee",
            Self::DespatchNote => "despatchNote",
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
    /// The kind of component that it reads.
    pub component: Option<String>,
    /// The label of several codes that it reads one of.
    pub part_of: Option<String>,
    /// AIM identifiers that it applies to; empty for all.
    pub symbologies: Vec<AimId>,
    /// Scanners that it applies to; empty for all.
    pub scanners: Vec<String>,
    /// White space around the data is left away before anything else.
    pub trim: bool,
    /// How letters are folded before the rule looks at them.
    pub case: Case,
    /// How it takes attributes from the data.
    pub takes: Takes,
    /// Attributes that end in a check character.
    pub check_digits: Vec<(String, CheckDigit)>,
}

/// How letters are folded. Only those of ASCII are: what an upper-case `ß` is depends on whom one asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// As they are.
    Keep,
    /// To upper case.
    Upper,
    /// To lower case.
    Lower,
}

impl Case {
    fn fold(self, byte: u8) -> u8 {
        match self {
            Self::Keep => byte,
            Self::Upper => byte.to_ascii_uppercase(),
            Self::Lower => byte.to_ascii_lowercase(),
        }
    }
}

/// How a rule takes attributes from the data.
#[derive(Debug, Clone)]
pub enum Takes {
    /// The whole data matches; each named group is an attribute. The engine is linear in the length of the data.
    Pattern {
        /// As it was written.
        text: String,
        /// Made of [`whole`].
        regex: Regex,
    },
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

/// The regular expression of a rule's pattern: it has to match from beginning to end, since a serial that is a part of
/// another text is not that text.
#[must_use]
pub fn whole(pattern: &str) -> String {
    format!(r"\A(?:{pattern})\z")
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

impl Rule {
    /// The attributes that it takes from a scan.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        let (groups, ais) = match &self.takes {
            Takes::Pattern { regex, .. } => (Some(regex.capture_names().flatten()), None),
            Takes::Gs1(ais) => (None, Some(ais.values().map(String::as_str))),
        };
        groups.into_iter().flatten().chain(ais.into_iter().flatten())
    }

    fn is_for(&self, aim: Option<AimId>) -> bool {
        self.symbologies.is_empty() || aim.is_some_and(|aim| self.symbologies.contains(&aim))
    }

    fn is_of(&self, scanner: &str) -> bool {
        self.scanners.is_empty() || self.scanners.iter().any(|name| name == scanner)
    }

    /// Can one scan be for both, by its scanner and its symbology?
    fn meets(&self, other: &Self) -> bool {
        fn share<T: PartialEq>(one: &[T], two: &[T]) -> bool {
            one.is_empty() || two.is_empty() || one.iter().any(|item| two.contains(item))
        }
        share(&self.symbologies, &other.symbologies) && share(&self.scanners, &other.scanners)
    }

    /// Is each scan that may be for this rule for the other one, too?
    fn lies_in(&self, other: &Self) -> bool {
        fn lies<T: PartialEq>(one: &[T], two: &[T]) -> bool {
            two.is_empty() || (!one.is_empty() && one.iter().all(|item| two.contains(item)))
        }
        lies(&self.symbologies, &other.symbologies) && lies(&self.scanners, &other.scanners)
    }

    /// Can this rule never read anything beside `other`, since whatever it matches the other one matches as well? Both with
    /// their languages.
    #[must_use]
    pub fn is_hidden_by(&self, own: Option<&Language>, other: &Self, of_other: Option<&Language>) -> bool {
        if !self.lies_in(other) {
            return false;
        }
        match (&self.takes, &other.takes, own, of_other) {
            (Takes::Gs1(one), Takes::Gs1(two), ..) => {
                let identity = |ais: &BTreeMap<Ai, String>, reads: Reads| {
                    ais.iter().find(|(_, name)| *name == reads.identity()).map(|(ai, _)| *ai)
                };
                identity(one, self.reads).is_some_and(|ai| identity(two, other.reads) == Some(ai))
            }
            (_, _, Some(own), Some(of_other)) => own.alone(of_other) == Found::Nothing,
            _ => false,
        }
    }

    /// The texts that it matches, where it has a pattern that can be compared.
    #[must_use]
    pub fn language(&self) -> Option<Language> {
        match &self.takes {
            Takes::Pattern { text, .. } => Language::of(text, self.trim, self.case),
            Takes::Gs1(_) => None,
        }
    }

    /// The data as the rule looks at it.
    fn prepared<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let text = if self.trim { text.trim_ascii() } else { text };
        match self.case {
            Case::Keep => Cow::Borrowed(text),
            Case::Upper => Cow::Owned(text.to_ascii_uppercase()),
            Case::Lower => Cow::Owned(text.to_ascii_lowercase()),
        }
    }

    /// Can each of these be a value, and do check characters hold?
    fn check(&self, found: &BTreeMap<String, String>) -> Result<(), Unread> {
        for (name, value) in found {
            if let Err(why) = check_value(value) {
                return Err(Unread::BadValue(self.name.clone(), format!("{name} {why}")));
            }
        }
        for (name, digit) in &self.check_digits {
            if found.get(name).is_some_and(|value| !digit.holds(value)) {
                return Err(Unread::CheckDigit(self.name.clone(), name.clone(), digit.word()));
            }
        }
        Ok(())
    }

    /// The attributes that the rule takes; `None` where it does not match.
    fn take(&self, text: &str, aim: Option<AimId>) -> Result<Option<BTreeMap<String, String>>, Unread> {
        let text = &*self.prepared(text);
        match &self.takes {
            Takes::Pattern { regex, .. } => Ok(regex.captures(text).map(|groups| {
                let names = regex.capture_names().flatten();
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
                // One code of several need not say which unit it is of; then all that it is for have to be there.
                let matches = match self.attributes().any(|name| name == self.reads.identity()) {
                    true => found.contains_key(self.reads.identity()),
                    false => found.len() == wanted.len(),
                };
                Ok(matches.then_some(found))
            }
        }
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
