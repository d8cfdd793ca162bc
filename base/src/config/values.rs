//! Reading typed values from a section.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::entry::{Entry, Read};
use super::section::Section;
use super::tree::{Node, Value, is_secret, key_text, nearest, quoted};

/// What a value must be, for messages.
struct Allowed {
    expected: String,
    help: String,
}

impl Allowed {
    fn new(expected: impl Into<String>, help: impl Into<String>) -> Self {
        Self { expected: expected.into(), help: help.into() }
    }

    fn integer(range: &RangeInclusive<impl Display>, unit: &str) -> Self {
        let expected = format!("an integer from {} to {}{unit}", range.start(), range.end());
        Self::new(expected, "write a number within the range, without quotes")
    }
}

/// Why one value is refused, beyond what is allowed.
#[derive(Default)]
struct Refusal {
    /// What is wrong with it, in words of the value's own parser.
    detail: Option<String>,
    /// A better help than the usual one.
    help: Option<String>,
}

impl<'d> Section<'d> {
    /// A string of at least one character.
    pub fn string(&self, key: &str) -> Entry<'d, String> {
        let allowed = Allowed::new("a string that is not empty", format!("write {} = \"…\"", key_text(key)));
        self.entry(key, allowed, |node| match &node.value {
            Value::String(text) if !text.is_empty() => Ok(text.clone()),
            _ => Err(Refusal::default()),
        })
    }

    /// A string, which may be empty.
    pub fn text(&self, key: &str) -> Entry<'d, String> {
        let allowed = Allowed::new("a string", format!("write {} = \"…\"", key_text(key)));
        self.entry(key, allowed, |node| match &node.value {
            Value::String(text) => Ok(text.clone()),
            _ => Err(Refusal::default()),
        })
    }

    /// `true` or `false`.
    pub fn boolean(&self, key: &str) -> Entry<'d, bool> {
        let allowed = Allowed::new("true or false", "write true or false, without quotes");
        self.entry(key, allowed, |node| match node.value {
            Value::Boolean(flag) => Ok(flag),
            _ => Err(Refusal::default()),
        })
    }

    /// An integer of any Rust integer type, within `range`.
    pub fn integer<T>(&self, key: &str, range: RangeInclusive<T>) -> Entry<'d, T>
    where
        T: Copy + Display + PartialOrd + TryFrom<i128>,
    {
        self.entry(key, Allowed::integer(&range, ""), |node| integer_in(node, &range)).stand_in(*range.start())
    }

    /// A number, with or without a fraction, within `range`.
    pub fn float(&self, key: &str, range: RangeInclusive<f64>) -> Entry<'d, f64> {
        let expected = format!("a number from {} to {}", range.start(), range.end());
        let allowed = Allowed::new(expected, "write a number within the range, without quotes");
        let entry = self.entry(key, allowed, |node| {
            let number = match node.value {
                Value::Float(number) => number,
                Value::Integer(Some(number)) => number as f64,
                _ => f64::NAN,
            };
            if range.contains(&number) { Ok(number) } else { Err(Refusal::default()) }
        });
        entry.stand_in(*range.start())
    }

    /// A duration, written as an integer whose unit is the end of the key: `_ms`, `_seconds` (or `_s`), `_minutes`,
    /// `_hours`, `_days`; seconds for any other key. `range` counts in that unit.
    pub fn duration(&self, key: &str, range: RangeInclusive<u32>) -> Entry<'d, Duration> {
        let (unit, milliseconds) = match key.rsplit('_').next() {
            Some("ms") => (" milliseconds", 1),
            Some("minutes") => (" minutes", 60_000),
            Some("hours") => (" hours", 3_600_000),
            Some("days") => (" days", 86_400_000),
            _ => (" seconds", 1000),
        };
        let scaled = |count: u32| Duration::from_millis(u64::from(count) * milliseconds);
        let entry = self.entry(key, Allowed::integer(&range, unit), |node| integer_in(node, &range).map(scaled));
        entry.stand_in(scaled(*range.start()))
    }

    /// One of the allowed words, each with what it stands for.
    pub fn one_of<T: Clone>(&self, key: &str, allowed: &[(&str, T)]) -> Entry<'d, T> {
        let words: Vec<&str> = allowed.iter().map(|(word, _)| *word).collect();
        let quoted_words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        let help = format!("write {} = {}", key_text(key), quoted_words.join(" or "));
        let mut entry = self.entry(key, Allowed::new(quoted_words.join(", "), help), |node| match &node.value {
            Value::String(text) => match allowed.iter().find(|(word, _)| word == text) {
                Some((_, meaning)) => Ok(meaning.clone()),
                None => {
                    let help = nearest(text, words.iter().copied()).map(|word| format!("did you mean \"{word}\"?"));
                    Err(Refusal { detail: None, help })
                }
            },
            _ => Err(Refusal::default()),
        });
        entry.placeholder = allowed.first().map(|(_, meaning)| meaning.clone());
        entry
    }

    /// A string that `parse` understands. `expected` says what is allowed ("a URL with http or https"); the error of
    /// `parse` says what is wrong with this value, and is not shown for a secret key.
    pub fn parsed<T, E: Display>(
        &self,
        key: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Entry<'d, T> {
        let secret = is_secret(&self.child_path(key));
        let allowed = Allowed::new(expected, format!("write {} = \"…\" with {expected}", key_text(key)));
        self.entry(key, allowed, |node| match &node.value {
            Value::String(text) => parse(text).map_err(|error| refused(secret, &error)),
            _ => Err(Refusal::default()),
        })
    }

    /// A list of strings, none of them empty; the list may be.
    pub fn strings(&self, key: &str) -> Entry<'d, Vec<String>> {
        let allowed = Allowed::new("a string that is not empty", format!("write {} = [\"…\", \"…\"]", key_text(key)));
        self.list(key, "a list of strings", allowed, |node| match &node.value {
            Value::String(text) if !text.is_empty() => Ok(text.clone()),
            _ => Err(Refusal::default()),
        })
    }

    /// A list of strings that `parse` understands, as in [`Section::parsed`]. Each faulty one is a fault at its own place.
    pub fn parsed_strings<T, E: Display>(
        &self,
        key: &str,
        expected: &str,
        mut parse: impl FnMut(&str) -> Result<T, E>,
    ) -> Entry<'d, Vec<T>> {
        let secret = is_secret(&self.child_path(key));
        let allowed = Allowed::new(expected, format!("write {} = [\"…\", \"…\"] with {expected}", key_text(key)));
        self.list(key, "a list of strings", allowed, |node| match &node.value {
            Value::String(text) => parse(text).map_err(|error| refused(secret, &error)),
            _ => Err(Refusal::default()),
        })
    }

    /// A list of integers within `range`.
    pub fn integers<T>(&self, key: &str, range: RangeInclusive<T>) -> Entry<'d, Vec<T>>
    where
        T: Copy + Display + PartialOrd + TryFrom<i128>,
    {
        self.list(key, "a list of integers", Allowed::integer(&range, ""), |node| integer_in(node, &range))
    }

    /// A table of strings under any keys: `{ a = "1", b = "2" }`.
    pub fn string_map(&self, key: &str) -> Entry<'d, BTreeMap<String, String>> {
        let allowed = Allowed::new("a table of strings", format!("write [{}]", self.child_path(key)));
        let section = self.clone();
        self.entry(key, allowed, |node| match &node.value {
            Value::Table(table) => {
                table.ask_any();
                let inside = section.child(key_text(key), table, node.offset);
                Ok(table.entries.iter().map(|entry| (entry.key.clone(), inside.text(&entry.key).required())).collect())
            }
            _ => Err(Refusal::default()),
        })
    }

    fn entry<T>(&self, key: &str, allowed: Allowed, read: impl FnOnce(&'d Node) -> Result<T, Refusal>) -> Entry<'d, T> {
        let read = match self.look(key) {
            None => Read::Absent,
            Some(entry) => match read(&entry.node) {
                Ok(value) => Read::Good(value),
                Err(refusal) => {
                    let help = refusal.help.as_deref().unwrap_or(&allowed.help);
                    self.refuse(&self.child_path(key), &entry.node, &allowed.expected, refusal.detail.as_deref(), help);
                    Read::Faulty
                }
            },
        };
        let Allowed { expected, help } = allowed;
        Entry { section: self.clone(), key: key.to_owned(), expected, help, read, placeholder: None }
    }

    fn list<T>(
        &self,
        key: &str,
        expected: &str,
        allowed: Allowed,
        mut read: impl FnMut(&Node) -> Result<T, Refusal>,
    ) -> Entry<'d, Vec<T>> {
        let section = self.clone();
        let path = self.child_path(key);
        let whole = Allowed::new(format!("{expected}, each {}", allowed.expected), allowed.help.clone());
        self.entry(key, whole, |node| {
            let Value::Array(items) = &node.value else { return Err(Refusal::default()) };
            let mut values = Vec::with_capacity(items.len());
            for (index, item) in items.iter().enumerate() {
                match read(item) {
                    Ok(value) => values.push(value),
                    Err(refusal) => {
                        let path = format!("{path}[{}]", index + 1);
                        let help = refusal.help.as_deref().unwrap_or(&allowed.help);
                        section.refuse(&path, item, &allowed.expected, refusal.detail.as_deref(), help);
                    }
                }
            }
            Ok(values)
        })
    }
}

fn integer_in<T: PartialOrd + TryFrom<i128>>(node: &Node, range: &RangeInclusive<T>) -> Result<T, Refusal> {
    let Value::Integer(Some(number)) = node.value else { return Err(Refusal::default()) };
    T::try_from(number).ok().filter(|number| range.contains(number)).ok_or_else(Refusal::default)
}

fn refused(secret: bool, error: &impl Display) -> Refusal {
    Refusal { detail: (!secret).then(|| error.to_string()), help: None }
}
