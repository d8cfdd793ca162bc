//! What the table says about an AI, and the short words that it is written with. Notation of the Syntax Dictionary in quotes.

use super::content::Check;

/// One line of the table: an AI or a run of AIs with the same rules.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The AI, or the first of a run.
    pub first: &'static str,
    /// The last of a run, or the AI again.
    pub last: &'static str,
    /// "*": predefined length, no separator.
    pub predefined: bool,
    /// "?": may be a data attribute of a Digital Link URI.
    pub dl_attribute: bool,
    pub parts: &'static [Component],
    pub title: &'static str,
    /// "req=": alternatives divided by `,`, each of AI patterns joined by `+`; `n` is any digit. Empty: nothing is required.
    pub req: &'static str,
    /// "ex=": AI patterns divided by `,` that must not accompany the AI.
    pub ex: &'static str,
    /// "dlpkey": it is a Digital Link primary key, with these qualifiers: sequences divided by `|`, AIs by `,`.
    pub key: Option<&'static str>,
}

/// A component of a value.
#[derive(Debug)]
pub(crate) struct Component {
    pub charset: Charset,
    pub min: usize,
    pub max: usize,
    pub optional: bool,
    pub checks: &'static [Check],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charset {
    /// "N": digits.
    Numeric,
    /// "X": GS1 AI encodable character set 82 (General Specifications 7.11).
    Set82,
    /// "Y": GS1 AI encodable character set 39 (General Specifications 7.11).
    Set39,
    /// "Z": file-safe, URI-safe base64, set 64 (General Specifications 7.11).
    Set64,
}

/// "*".
pub(super) const P: (bool, bool) = (true, false);
/// "?".
pub(super) const D: (bool, bool) = (false, true);
/// "*?".
pub(super) const PD: (bool, bool) = (true, true);
/// Neither.
pub(super) const NONE: (bool, bool) = (false, false);

/// A run of AIs.
pub(super) const fn ais(
    first: &'static str,
    last: &'static str,
    (predefined, dl_attribute): (bool, bool),
    parts: &'static [Component],
    title: &'static str,
) -> Entry {
    Entry { first, last, predefined, dl_attribute, parts, title, req: "", ex: "", key: None }
}

/// A single AI.
pub(super) const fn ai(
    code: &'static str,
    flags: (bool, bool),
    parts: &'static [Component],
    title: &'static str,
) -> Entry {
    ais(code, code, flags, parts, title)
}

impl Entry {
    pub(super) const fn req(self, req: &'static str) -> Entry {
        Entry { req, ..self }
    }

    pub(super) const fn ex(self, ex: &'static str) -> Entry {
        Entry { ex, ..self }
    }

    pub(super) const fn key(self, qualifiers: &'static str) -> Entry {
        Entry { key: Some(qualifiers), ..self }
    }
}

impl Component {
    const fn new(charset: Charset, min: usize, max: usize) -> Component {
        Component { charset, min, max, optional: false, checks: &[] }
    }

    /// "[…]".
    pub(super) const fn opt(self) -> Component {
        Component { optional: true, ..self }
    }

    pub(super) const fn is(self, checks: &'static [Check]) -> Component {
        Component { checks, ..self }
    }
}

/// "N5".
pub(super) const fn n(length: usize) -> Component {
    Component::new(Charset::Numeric, length, length)
}

/// "N..5".
pub(super) const fn nv(max: usize) -> Component {
    Component::new(Charset::Numeric, 1, max)
}

/// "X5".
pub(super) const fn x(length: usize) -> Component {
    Component::new(Charset::Set82, length, length)
}

/// "X..5".
pub(super) const fn xv(max: usize) -> Component {
    Component::new(Charset::Set82, 1, max)
}

/// "Y..5".
pub(super) const fn yv(max: usize) -> Component {
    Component::new(Charset::Set39, 1, max)
}

/// "Z..5".
pub(super) const fn zv(max: usize) -> Component {
    Component::new(Charset::Set64, 1, max)
}
