//! Application identifiers: which there are, and what their values may hold.

mod content;
mod entry;
mod table;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use entry::Entry;
use table::TABLE;

pub use content::ValueError;
#[cfg(test)]
pub(crate) use tests::any_element;

/// An application identifier that the GS1 Barcode Syntax Dictionary knows, with all its digits: `01`, `3103`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ai {
    code: [u8; 4],
    length: usize,
    /// Place in the table.
    entry: usize,
}

impl Ai {
    /// The two to four digits, without brackets.
    pub fn as_str(&self) -> &str {
        // Only ASCII digits are ever stored.
        self.code.get(..self.length).and_then(|code| str::from_utf8(code).ok()).unwrap_or_default()
    }

    /// The data title, as it stands on labels: `BATCH/LOT`. Empty for the few that have none.
    pub fn title(&self) -> &'static str {
        self.entry().title
    }

    /// Whether the value's length is predefined, so that no separator is needed behind it (General Specifications 7.8).
    /// A fixed length alone is not enough: AI (402) is followed by a separator.
    pub fn has_predefined_length(&self) -> bool {
        self.entry().predefined
    }

    /// The fewest characters that a value has.
    pub fn min_length(&self) -> usize {
        self.entry().parts.iter().filter(|part| !part.optional).map(|part| part.min).sum()
    }

    /// The most characters that a value has.
    pub fn max_length(&self) -> usize {
        self.entry().parts.iter().map(|part| part.max).sum()
    }

    /// Whether `value` is one that this AI can hold: length, characters, check digit, date and the other rules of the Syntax
    /// Dictionary. Lists that change (ISO 3166 countries, ISO 4217 currencies, UN/ECE package types) and the grammars of IBAN and
    /// North American coupons are not looked into.
    ///
    /// # Errors
    /// The first rule that the value breaks.
    pub fn check(&self, value: &[u8]) -> Result<(), ValueError> {
        content::check(self, value)
    }

    /// The AI that `data` begins with. No AI is the beginning of another, so the longest match is the only one.
    pub(crate) fn at_start_of(data: &[u8]) -> Option<Ai> {
        (2..=4).rev().find_map(|length| Self::find(data.get(..length)?))
    }

    pub(crate) fn entry(&self) -> &'static Entry {
        &TABLE[self.entry]
    }

    fn find(code: &[u8]) -> Option<Ai> {
        if !(2..=4).contains(&code.len()) || !code.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let entry = TABLE.partition_point(|entry| entry.first.as_bytes() <= code).checked_sub(1)?;
        let found = TABLE.get(entry)?;
        if found.first.len() != code.len() || code > found.last.as_bytes() {
            return None;
        }
        let mut digits = [0; 4];
        digits.iter_mut().zip(code).for_each(|(to, from)| *to = *from);
        Some(Ai { code: digits, length: code.len(), entry })
    }
}

impl FromStr for Ai {
    type Err = UnknownAi;

    fn from_str(code: &str) -> Result<Ai, UnknownAi> {
        Self::find(code.as_bytes()).ok_or_else(|| UnknownAi { found: code.to_owned() })
    }
}

impl fmt::Display for Ai {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Ai {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ai({self})")
    }
}

/// The text is no application identifier of the GS1 Barcode Syntax Dictionary.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is no GS1 application identifier: write its two to four digits without brackets, for example 10")]
pub struct UnknownAi {
    /// What was found instead.
    pub found: String,
}
