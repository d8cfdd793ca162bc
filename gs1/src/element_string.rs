//! Element strings: AI and value, one behind the other, as scanned, as typed with brackets, as printed beneath a barcode
//! (GS1 General Specifications 3, 4.14, 7.8).

#[cfg(test)]
mod tests;

use std::fmt;

use crate::ai::{Ai, ValueError};

/// The separator character GS (group separator), which a scanner sends for FNC1 (General Specifications 7.8).
pub const GS: u8 = 0x1D;

/// An AI with a value that keeps its rules. It displays as human readable interpretation (HRI): `(10) ABC123`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Element {
    ai: Ai,
    value: String,
}

impl Element {
    /// An element of a value that is checked by [`Ai::check`].
    ///
    /// # Errors
    /// The first rule that the value breaks.
    pub fn new(ai: Ai, value: impl AsRef<[u8]>) -> Result<Element, ValueError> {
        let value = value.as_ref();
        ai.check(value)?;
        // Every character set is a part of ASCII.
        Ok(Element { ai, value: String::from_utf8_lossy(value).into_owned() })
    }

    /// The application identifier.
    pub fn ai(&self) -> Ai {
        self.ai
    }

    /// The value, without AI and separator.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The data title, as it stands on labels: `BATCH/LOT`.
    pub fn title(&self) -> &'static str {
        self.ai.title()
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}) {}", self.ai, self.value)
    }
}

/// Reads scanned data, from which the AIM identifier has been taken off ([`crate::AimId::split`]).
///
/// A value ends where its predefined length does, else at GS or the end of the data. One GS at the start (some scanners send
/// the leading FNC1) and one behind a predefined length or the last value are accepted (General Specifications 7.8).
/// Whether the elements may stand together is another question: [`crate::check_associations`].
///
/// # Errors
/// The first fault; nothing is left out or guessed.
pub fn parse(data: impl AsRef<[u8]>) -> Result<Vec<Element>, ElementStringError> {
    let data = data.as_ref();
    let mut at = usize::from(data.first() == Some(&GS));
    if at == data.len() {
        return Err(ElementStringError::Empty);
    }
    let mut elements = Vec::new();
    while let Some(rest) = data.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(ai) = Ai::at_start_of(rest) else { return Err(unknown_ai(rest, at)) };
        let rest = rest.get(ai.as_str().len()..).unwrap_or_default();
        let max = ai.max_length();
        let mut length = rest.iter().position(|byte| *byte == GS).unwrap_or(rest.len());
        if ai.has_predefined_length() {
            length = length.min(max);
        } else if length > max && !data.contains(&GS) {
            return Err(ElementStringError::SeparatorLost { ai, position: at, found: length, max });
        }
        let value = rest.get(..length).unwrap_or(rest);
        let element =
            Element::new(ai, value).map_err(|source| ElementStringError::Value { ai, position: at, source })?;
        elements.push(element);
        at += ai.as_str().len() + length + usize::from(rest.get(length) == Some(&GS));
    }
    Ok(elements)
}

/// Reads the form with brackets that people type: `(01)09521234543213(10)ABC`. A `(` within a value is written `\(`.
///
/// # Errors
/// The first fault; nothing is left out or guessed.
pub fn parse_bracketed(text: &str) -> Result<Vec<Element>, ElementStringError> {
    if text.is_empty() {
        return Err(ElementStringError::Empty);
    }
    let mut elements = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let (code, rest) = rest
            .strip_prefix('(')
            .and_then(|rest| rest.split_once(')'))
            .ok_or(ElementStringError::Brackets { position: at })?;
        let ai: Ai = code
            .parse()
            .map_err(|_| ElementStringError::UnknownAi { position: at + 1, found: excerpt(code.as_bytes()) })?;
        let length = end_of_value(rest);
        let value = rest.get(..length).unwrap_or(rest).replace("\\(", "(");
        let element =
            Element::new(ai, value).map_err(|source| ElementStringError::Value { ai, position: at, source })?;
        elements.push(element);
        at += code.len() + "()".len() + length;
    }
    Ok(elements)
}

/// The data to encode: as [`parse`] reads it, with GS (0x1D) behind every value that needs a separator and is not the last.
///
/// The FNC1 in front that makes a symbol a GS1 symbol is not in it. In GS1-128 each GS may be encoded as FNC1.
pub fn encode(elements: &[Element]) -> String {
    let mut data = String::new();
    let mut separate = false;
    for Element { ai, value } in elements {
        if separate {
            data.push(char::from(GS));
        }
        data.push_str(ai.as_str());
        data.push_str(value);
        separate = !ai.has_predefined_length();
    }
    data
}

/// The form with brackets that [`parse_bracketed`] reads.
pub fn bracketed(elements: &[Element]) -> String {
    elements.iter().map(|Element { ai, value }| format!("({ai}){}", value.replace('(', "\\("))).collect()
}

/// The human readable interpretation, one line for each element: `(10) ABC123` (General Specifications 4.14).
pub fn hri(elements: &[Element]) -> Vec<String> {
    elements.iter().map(Element::to_string).collect()
}

/// Where the next `(` stands that is not escaped, or the end.
fn end_of_value(text: &str) -> usize {
    text.match_indices('(')
        .map(|(at, _)| at)
        .find(|at| !text.get(..*at).is_some_and(|before| before.ends_with('\\')))
        .unwrap_or(text.len())
}

fn unknown_ai(data: &[u8], position: usize) -> ElementStringError {
    ElementStringError::UnknownAi { position, found: excerpt(data.get(..4).unwrap_or(data)) }
}

fn excerpt(data: &[u8]) -> String {
    data.escape_ascii().to_string()
}

/// Why data is no element string. Positions count bytes from the start of the data, from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ElementStringError {
    /// Nothing but perhaps the leading FNC1.
    #[error("there is no GS1 data: scan again, and look whether the scanner sends the data behind the AIM identifier")]
    Empty,
    /// No AI of the Syntax Dictionary begins here.
    #[error(
        "no application identifier of GS1 begins at byte {position} with '{found}': the symbol is no GS1 symbol, or was made wrongly"
    )]
    UnknownAi {
        /// Where the AI was expected.
        position: usize,
        /// What is there, escaped.
        found: String,
    },
    /// A value is longer than its AI allows, and the data holds no GS at all.
    #[error(
        "GS lost: AI ({ai}) at byte {position} takes at most {max} characters, {found} follow and the data holds no GS (0x1D). \
         Scanner programming: let it send GS for FNC1"
    )]
    SeparatorLost {
        /// The AI.
        ai: Ai,
        /// Where the AI begins.
        position: usize,
        /// Characters up to the end of the data.
        found: usize,
        /// The most that the AI takes.
        max: usize,
    },
    /// The AI cannot hold its value.
    #[error("the value of AI ({ai}) at byte {position} is not valid")]
    Value {
        /// The AI.
        ai: Ai,
        /// Where the AI begins, in the form with brackets its bracket.
        position: usize,
        /// The rule that the value breaks; its offset counts from the start of the value.
        source: ValueError,
    },
    /// In the form with brackets: no AI in brackets.
    #[error("an AI in brackets must begin at byte {position}: write it like (10)ABC, and a ( within a value as \\(")]
    Brackets {
        /// Where it was expected.
        position: usize,
    },
}
