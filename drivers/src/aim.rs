//! The symbology identifier that a scanner can send in front of the data.

use std::fmt;
use std::str::FromStr;

/// A symbology identifier after ISO/IEC 15424: `]`, a code character and a modifier character, such as `]C1`
/// (GS1-128) or `]d2` (GS1 Data Matrix). Only the form is checked; which symbology it names is not known here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AimId([u8; 2]);

/// The bytes are not a symbology identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an AIM identifier: it is `]`, a letter and a letter or digit, such as `]C1`")]
pub struct NotAnAimId;

impl AimId {
    /// An identifier from its three bytes: `]`, an ASCII letter (the symbology; upper and lower case differ) and an
    /// ASCII letter or digit (the modifier).
    ///
    /// # Errors
    /// [`NotAnAimId`] when the bytes do not have this form.
    pub fn new(bytes: [u8; 3]) -> Result<Self, NotAnAimId> {
        match bytes {
            [b']', code, modifier] if code.is_ascii_alphabetic() && modifier.is_ascii_alphanumeric() => {
                Ok(Self([code, modifier]))
            }
            _ => Err(NotAnAimId),
        }
    }

    /// Takes an identifier off the front of `data`; `None` when `data` does not begin with one.
    pub fn split(data: &[u8]) -> Option<(Self, &[u8])> {
        let (first, rest) = data.split_first_chunk::<3>()?;
        Some((Self::new(*first).ok()?, rest))
    }

    /// The three bytes, `]` first.
    pub fn bytes(self) -> [u8; 3] {
        [b']', self.0[0], self.0[1]]
    }

    /// The code character: which symbology, such as `C` for Code 128.
    pub fn code(self) -> char {
        char::from(self.0[0])
    }

    /// The modifier character: which option of the symbology, such as `1` for FNC1 in first position of Code 128.
    pub fn modifier(self) -> char {
        char::from(self.0[1])
    }
}

impl TryFrom<&[u8]> for AimId {
    type Error = NotAnAimId;

    fn try_from(bytes: &[u8]) -> Result<Self, NotAnAimId> {
        Self::new(bytes.try_into().map_err(|_| NotAnAimId)?)
    }
}

impl FromStr for AimId {
    type Err = NotAnAimId;

    fn from_str(text: &str) -> Result<Self, NotAnAimId> {
        Self::try_from(text.as_bytes())
    }
}

impl fmt::Display for AimId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "]{}{}", self.code(), self.modifier())
    }
}

impl fmt::Debug for AimId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn identifiers_are_read_and_written() {
        for text in ["]C1", "]d2", "]Q3", "]e0", "]zA"] {
            let id: AimId = text.parse().unwrap();
            assert_eq!(id.to_string(), text);
            assert_eq!(&id.bytes(), text.as_bytes());
        }
        assert_ne!("]E0".parse::<AimId>(), "]e0".parse::<AimId>());
    }

    #[test]
    fn other_bytes_are_refused() {
        for text in ["", "]", "]C", "]C11", "[C1", "]11", "]C ", "]C\u{1d}", "]é"] {
            assert_eq!(text.parse::<AimId>(), Err(NotAnAimId), "{text:?}");
        }
    }

    #[test]
    fn the_data_after_the_identifier_is_untouched() {
        let (id, rest) = AimId::split(b"]C1]C1\x1d").unwrap();
        assert_eq!((id.code(), id.modifier(), rest), ('C', '1', &b"]C1\x1d"[..]));
        assert_eq!(AimId::split(b"]C1").unwrap().1, b"");
        assert_eq!(AimId::split(b"C1]"), None);
    }

    proptest! {
        #[test]
        fn split_loses_nothing(data: Vec<u8>) {
            if let Some((id, rest)) = AimId::split(&data) {
                prop_assert_eq!([&id.bytes()[..], rest].concat(), data);
            }
        }
    }
}
