//! One rule: what it is for, and what it takes from the data of a scan.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base::describe;
use gs1::{Ai, AimId};
use regex::Regex;

use super::check_digit::CheckDigit;
use super::language::{Found, Language};
use crate::station::Unread;

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
    pub(super) fn fold(self, byte: u8) -> u8 {
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

/// The regular expression of a rule's pattern: it has to match from beginning to end, since a serial that is a part of
/// another text is not that text.
#[must_use]
pub fn whole(pattern: &str) -> String {
    format!(r"\A(?:{pattern})\z")
}

/// Longest value that a rule may take, in characters.
const MAX_VALUE: usize = 128;

impl Rule {
    /// The attributes that it takes from a scan.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        let (groups, ais) = match &self.takes {
            Takes::Pattern { regex, .. } => (Some(regex.capture_names().flatten()), None),
            Takes::Gs1(ais) => (None, Some(ais.values().map(String::as_str))),
        };
        groups.into_iter().flatten().chain(ais.into_iter().flatten())
    }

    pub(super) fn is_for(&self, aim: Option<AimId>) -> bool {
        self.symbologies.is_empty() || aim.is_some_and(|aim| self.symbologies.contains(&aim))
    }

    pub(super) fn is_of(&self, scanner: &str) -> bool {
        self.scanners.is_empty() || self.scanners.iter().any(|name| name == scanner)
    }

    /// Can one scan be for both, by its scanner and its symbology?
    pub(super) fn meets(&self, other: &Self) -> bool {
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
    pub(super) fn check(&self, found: &BTreeMap<String, String>) -> Result<(), Unread> {
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
    pub(super) fn take(&self, text: &str, aim: Option<AimId>) -> Result<Option<BTreeMap<String, String>>, Unread> {
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
