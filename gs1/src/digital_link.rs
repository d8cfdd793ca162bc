//! Uncompressed GS1 Digital Link URIs: `https://example.com/01/09521234543213/21/SN1?17=261231` (GS1 Digital Link URI Syntax).

use crate::ai::{Ai, ValueError};
use crate::element_string::Element;

/// Reads the elements of a Digital Link URI: primary key and qualifiers from the path, in the order of the URI, then the data
/// attributes of the query. Whatever domain and path stand in front is passed over, as are query parameters that are no AI, and
/// the fragment. Compressed URIs and the former names of AIs (`/gtin/`) are not read.
///
/// Whether the elements may stand together is another question: [`crate::check_associations`].
///
/// # Errors
/// The first fault; nothing is left out or guessed.
pub fn parse(uri: &str) -> Result<Vec<Element>, DigitalLinkError> {
    let rest = ["https://", "HTTPS://", "http://", "HTTP://"]
        .iter()
        .find_map(|scheme| uri.strip_prefix(scheme))
        .ok_or(DigitalLinkError::NotAWebUri)?;
    if let Some((position, found)) = uri.char_indices().find(|(_, c)| !is_uri_character(*c)) {
        return Err(DigitalLinkError::Character { position, found });
    }
    let (domain, rest) = rest.split_once('/').ok_or(DigitalLinkError::Domain)?;
    if domain.is_empty() || !domain.chars().all(|c| c.is_ascii_alphanumeric() || "-.:[]".contains(c)) {
        return Err(DigitalLinkError::Domain);
    }
    let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut elements = path_elements(path)?;
    let in_path: Vec<Ai> = elements.iter().map(Element::ai).collect();
    for (ai, value) in query_values(query)? {
        if elements.iter().any(|other| other.ai() == ai) {
            return Err(DigitalLinkError::Duplicate { ai });
        }
        if !ai.entry().dl_attribute {
            return Err(DigitalLinkError::NotAnAttribute { ai });
        }
        if belongs_in_path(ai, &in_path) {
            return Err(DigitalLinkError::BelongsInPath { ai });
        }
        elements.push(element(ai, value, true)?);
    }
    Ok(elements)
}

/// The elements of the last primary key in the path and of what follows it.
fn path_elements(path: &str) -> Result<Vec<Element>, DigitalLinkError> {
    let segments: Vec<&str> = path.split('/').collect();
    let mut pairs: Vec<(Ai, &str)> = Vec::new();
    for pair in segments.rchunks_exact(2) {
        let [code, value] = pair else { break };
        let Ok(ai) = code.parse::<Ai>() else { break };
        pairs.push((ai, value));
        if ai.entry().key.is_some() {
            pairs.reverse();
            let ais: Vec<Ai> = pairs.iter().map(|(ai, _)| *ai).collect();
            if !is_key_with_qualifiers(&ais) {
                return Err(DigitalLinkError::Qualifiers { key: ai });
            }
            return pairs.into_iter().map(|(ai, value)| element(ai, value, false)).collect();
        }
    }
    Err(DigitalLinkError::NoKey)
}

/// The AIs of the query with their values, still encoded.
fn query_values(query: &str) -> Result<Vec<(Ai, &str)>, DigitalLinkError> {
    let is_number = |(name, _): &(&str, &str)| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    query
        .split('&')
        .filter_map(|parameter| parameter.split_once('='))
        .filter(is_number)
        .map(|(name, value)| {
            let ai = name.parse().map_err(|_| DigitalLinkError::UnknownAi { found: name.to_owned() })?;
            Ok((ai, value))
        })
        .collect()
}

fn element(ai: Ai, encoded: &str, in_query: bool) -> Result<Element, DigitalLinkError> {
    let value = percent_decoded(encoded, in_query).ok_or(DigitalLinkError::Percent { ai })?;
    Element::new(ai, value).map_err(|source| DigitalLinkError::Value { ai, source })
}

/// `None` when a `%` is not followed by two hexadecimal digits.
fn percent_decoded(encoded: &str, in_query: bool) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut bytes = encoded.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let (high, low) = (hex_digit(bytes.next()?)?, hex_digit(bytes.next()?)?);
                high * 16 + low
            }
            b'+' if in_query => b' ',
            other => other,
        });
    }
    Some(decoded)
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Whether the first is a primary key and the others are qualifiers of it, in their order; any of them may be left out.
fn is_key_with_qualifiers(ais: &[Ai]) -> bool {
    let Some((key, qualifiers)) = ais.split_first() else { return false };
    key.entry().key.is_some_and(|sequences| {
        sequences.split('|').any(|sequence| {
            let mut allowed = sequence.split(',');
            qualifiers.iter().all(|qualifier| allowed.any(|code| code == qualifier.as_str()))
        })
    })
}

/// Whether the path would be as good with `ai` as one more qualifier.
fn belongs_in_path(ai: Ai, in_path: &[Ai]) -> bool {
    (1..=in_path.len()).any(|at| {
        let mut longer = in_path.to_vec();
        longer.insert(at, ai);
        is_key_with_qualifiers(&longer)
    })
}

/// RFC 3986, section 2.
fn is_uri_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c)
}

/// Why a text is no GS1 Digital Link URI.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigitalLinkError {
    /// Data that is no URI at all, or one of another scheme.
    #[error("a GS1 Digital Link URI begins with https:// or http://, all small or all capital letters")]
    NotAWebUri,
    /// A character that no URI may hold.
    #[error("the character {found:?} at byte {position} must not occur in a URI: write it percent-encoded")]
    Character {
        /// Where, in bytes from the start of the URI.
        position: usize,
        /// The character.
        found: char,
    },
    /// No domain name followed by a path.
    #[error("the URI needs a domain name and a path behind its scheme: https://example.com/01/09521234543213")]
    Domain,
    /// No primary key in the path.
    #[error("the path of the URI holds no GS1 key such as /01/09521234543213: it is no GS1 Digital Link URI")]
    NoKey,
    /// The AIs behind the key are not its qualifiers, or not in their order.
    #[error(
        "the AIs behind /{key}/ in the path are no key qualifiers of it in their order: put other AIs in the query"
    )]
    Qualifiers {
        /// The primary key.
        key: Ai,
    },
    /// A query parameter of digits that is no AI.
    #[error("the query parameter {found} is no GS1 application identifier: names of digits are kept for them")]
    UnknownAi {
        /// Its name.
        found: String,
    },
    /// The same AI twice.
    #[error("AI ({ai}) occurs twice: leave one of them out")]
    Duplicate {
        /// The AI.
        ai: Ai,
    },
    /// An AI that may not stand in the query.
    #[error("AI ({ai}) is no data attribute: it must not stand in the query of the URI")]
    NotAnAttribute {
        /// The AI.
        ai: Ai,
    },
    /// A key qualifier in the query.
    #[error("AI ({ai}) is a key qualifier here: move it from the query to the path")]
    BelongsInPath {
        /// The AI.
        ai: Ai,
    },
    /// A `%` that encodes nothing.
    #[error(
        "the value of AI ({ai}) is not percent-encoded correctly: % is followed by two hexadecimal digits, % itself is %25"
    )]
    Percent {
        /// The AI.
        ai: Ai,
    },
    /// The AI cannot hold its value.
    #[error("the value of AI ({ai}) in the URI is not valid")]
    Value {
        /// The AI.
        ai: Ai,
        /// The rule that the value breaks.
        source: ValueError,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::element_string::bracketed;

    fn read(uri: &str) -> Result<String, DigitalLinkError> {
        parse(uri).map(|elements| bracketed(&elements))
    }

    fn ai(code: &str) -> Ai {
        code.parse().unwrap()
    }

    #[test]
    fn reads_keys_qualifiers_and_attributes() {
        for (uri, expected) in [
            ("https://id.gs1.org/01/09521234543213", "(01)09521234543213"),
            (
                "HTTP://EXAMPLE.COM:80/shop/01/09521234543213/10/L1/21/SN1?17=261231&99=A#top",
                "(01)09521234543213(10)L1(21)SN1(17)261231(99)A",
            ),
            (
                "https://a/00/095212341234567891?02=09521234543213&37=12",
                "(00)095212341234567891(02)09521234543213(37)12",
            ),
            ("https://a/01/09521234543213/21/A%25B%2fC", "(01)09521234543213(21)A%B/C"),
            ("https://a/01/09521234543213/235/TPX", "(01)09521234543213(235)TPX"),
            ("https://a/00/old/00/095212341234567891?", "(00)095212341234567891"),
            ("https://a/01/09521234543213?s=1&x&&=2&99=A%2BB", "(01)09521234543213(99)A+B"),
        ] {
            assert_eq!(read(uri).as_deref(), Ok(expected), "{uri}");
        }
    }

    #[test]
    fn names_the_fault() {
        let key = ai("01");
        for (uri, error) in [
            ("", DigitalLinkError::NotAWebUri),
            ("SN12345", DigitalLinkError::NotAWebUri),
            ("Https://a/01/09521234543213", DigitalLinkError::NotAWebUri),
            ("https://a/01/ 09521234543213", DigitalLinkError::Character { position: 13, found: ' ' }),
            ("https://", DigitalLinkError::Domain),
            ("https:///01/09521234543213", DigitalLinkError::Domain),
            ("https://a?01/09521234543213", DigitalLinkError::Domain),
            ("https://a/21/SN1", DigitalLinkError::NoKey),
            ("https://a/01/09521234543213/x", DigitalLinkError::NoKey),
            ("https://a/01/09521234543213/21/S/10/L", DigitalLinkError::Qualifiers { key }),
            ("https://a/01/09521234543213/235/T/10/L", DigitalLinkError::Qualifiers { key }),
            ("https://a/01/09521234543213/21/S/21/S", DigitalLinkError::Qualifiers { key }),
            ("https://a/01/09521234543213?89=1", DigitalLinkError::UnknownAi { found: "89".into() }),
            ("https://a/01/09521234543213?99=A&99=A", DigitalLinkError::Duplicate { ai: ai("99") }),
            ("https://a/00/095212341234567891?21=S", DigitalLinkError::NotAnAttribute { ai: ai("21") }),
            ("https://a/01/09521234543213?10=L", DigitalLinkError::BelongsInPath { ai: ai("10") }),
            ("https://a/01/09521234543213/21/A%2", DigitalLinkError::Percent { ai: ai("21") }),
            ("https://a/01/09521234543213/21/A%+2", DigitalLinkError::Percent { ai: ai("21") }),
            (
                "https://a/01/09521234543213/21/",
                DigitalLinkError::Value { ai: ai("21"), source: ValueError::TooShort { found: 0, min: 1 } },
            ),
            (
                "https://a/01/09521234543214",
                DigitalLinkError::Value {
                    ai: key,
                    source: ValueError::CheckDigit { offset: 13, found: 4, expected: 3 },
                },
            ),
        ] {
            assert_eq!(read(uri), Err(error), "{uri}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in prop_oneof![".*", "https://a(/(01|10|21|00|8004|[a-z0-9%é]{0,20})){0,6}[?]?([0-9]{1,4}=[A-Z%+&é]{0,5}&?){0,3}"]) {
            if let Ok(elements) = parse(&text) {
                prop_assert!(elements[0].ai().entry().key.is_some());
            }
        }

        #[test]
        fn every_value_comes_through(serial in "[!-z]{1,20}") {
            let Ok(element) = Element::new(ai("21"), &serial) else { return Ok(()) };
            let encoded: String = serial.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let elements = parse(&format!("https://a/01/09521234543213/21/{encoded}")).unwrap();
            prop_assert_eq!(&elements[1], &element);
        }
    }
}
