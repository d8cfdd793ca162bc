//! AIM symbology identifiers, `]cm`: what a scanner says about the symbol it has read (ISO/IEC 15424, GS1 General Specifications 5.1).

use std::fmt;
use std::str::FromStr;

/// An AIM symbology identifier: `]`, a code character (the symbology) and a modifier character (its options).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AimId {
    code: u8,
    modifier: u8,
}

impl AimId {
    /// `]C0`: Code 128 without GS1 data. It is never parsed as an element string.
    pub const CODE_128: AimId = AimId { code: b'C', modifier: b'0' };
    /// `]C1`: GS1-128.
    pub const GS1_128: AimId = AimId { code: b'C', modifier: b'1' };
    /// `]d2`: GS1 DataMatrix.
    pub const GS1_DATA_MATRIX: AimId = AimId { code: b'd', modifier: b'2' };
    /// `]Q3`: GS1 QR Code. A QR Code with a Digital Link URI is a plain one, `]Q1`.
    pub const GS1_QR_CODE: AimId = AimId { code: b'Q', modifier: b'3' };
    /// `]e0`: GS1 DataBar.
    pub const GS1_DATABAR: AimId = AimId { code: b'e', modifier: b'0' };
    /// `]J1`: GS1 DotCode.
    pub const GS1_DOTCODE: AimId = AimId { code: b'J', modifier: b'1' };

    /// The identifier with this code character (an ASCII letter) and modifier (an ASCII letter or digit), else `None`.
    pub fn new(code: char, modifier: char) -> Option<AimId> {
        Self::from_bytes(u8::try_from(code).ok()?, u8::try_from(modifier).ok()?)
    }

    /// Splits the identifier off the front of scanned data.
    ///
    /// Only for data of a scanner that is set to send identifiers: data of its own may begin with `]` too, so whether one is
    /// expected is a matter of configuration. Without a well-formed identifier the data comes back whole.
    pub fn split(data: &[u8]) -> (Option<AimId>, &[u8]) {
        if let [b']', code, modifier, rest @ ..] = data
            && let Some(id) = Self::from_bytes(*code, *modifier)
        {
            return (Some(id), rest);
        }
        (None, data)
    }

    /// Whether the symbol carries a GS1 element string (General Specifications 5.1): `]C1`, `]d2`, `]Q3`, `]e0` or `]J1`.
    pub fn is_gs1(self) -> bool {
        [Self::GS1_128, Self::GS1_DATA_MATRIX, Self::GS1_QR_CODE, Self::GS1_DATABAR, Self::GS1_DOTCODE].contains(&self)
    }

    /// The code character.
    pub fn code(self) -> char {
        char::from(self.code)
    }

    /// The modifier character.
    pub fn modifier(self) -> char {
        char::from(self.modifier)
    }

    /// The name of the symbology, for people. `"unknown symbology"` for a code character that is not assigned.
    pub fn symbology(self) -> &'static str {
        match self {
            Self::GS1_128 => return "GS1-128",
            Self::GS1_DATA_MATRIX => return "GS1 DataMatrix",
            Self::GS1_QR_CODE => return "GS1 QR Code",
            Self::GS1_DOTCODE => return "GS1 DotCode",
            _ => {}
        }
        match self.code {
            b'A' => "Code 39",
            b'B' => "Telepen",
            b'C' => "Code 128",
            b'd' => "Data Matrix",
            b'E' => "EAN/UPC",
            b'e' => "GS1 DataBar",
            b'F' => "Codabar",
            b'G' => "Code 93",
            b'H' => "Code 11",
            b'h' => "Han Xin",
            b'I' => "Interleaved 2 of 5",
            b'J' => "DotCode",
            b'K' => "Code 16K",
            b'L' => "PDF417",
            b'M' => "MSI",
            b'O' => "Codablock",
            b'P' => "Plessey",
            b'Q' => "QR Code",
            b'R' | b'S' => "2 of 5",
            b'T' => "Code 49",
            b'U' => "MaxiCode",
            b'X' => "other symbology",
            b'z' => "Aztec Code",
            _ => "unknown symbology",
        }
    }

    fn from_bytes(code: u8, modifier: u8) -> Option<AimId> {
        (code.is_ascii_alphabetic() && modifier.is_ascii_alphanumeric()).then_some(AimId { code, modifier })
    }
}

impl fmt::Display for AimId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "]{}{}", self.code(), self.modifier())
    }
}

impl fmt::Debug for AimId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AimId({self})")
    }
}

impl FromStr for AimId {
    type Err = AimIdError;

    fn from_str(text: &str) -> Result<AimId, AimIdError> {
        match Self::split(text.as_bytes()) {
            (Some(id), []) => Ok(id),
            _ => Err(AimIdError { found: text.to_owned() }),
        }
    }
}

/// The text is no AIM symbology identifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is no AIM identifier: write ], a letter and a letter or digit, for example ]C1")]
pub struct AimIdError {
    /// What was found instead.
    pub found: String,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_and_gs1() {
        for (text, gs1, name) in [
            ("]C1", true, "GS1-128"),
            ("]d2", true, "GS1 DataMatrix"),
            ("]Q3", true, "GS1 QR Code"),
            ("]e0", true, "GS1 DataBar"),
            ("]J1", true, "GS1 DotCode"),
            ("]C0", false, "Code 128"),
            ("]C2", false, "Code 128"),
            ("]d1", false, "Data Matrix"),
            ("]Q1", false, "QR Code"),
            ("]J0", false, "DotCode"),
            ("]E0", false, "EAN/UPC"),
            ("]I1", false, "Interleaved 2 of 5"),
            ("]A0", false, "Code 39"),
            ("]y9", false, "unknown symbology"),
        ] {
            let id: AimId = text.parse().unwrap();
            assert_eq!((id.is_gs1(), id.symbology()), (gs1, name), "{text}");
            assert_eq!(id.to_string(), text);
            assert_eq!(AimId::new(id.code(), id.modifier()), Some(id));
        }
        assert_eq!("]C0".parse(), Ok(AimId::CODE_128));
    }

    #[test]
    fn splits_data() {
        assert_eq!(AimId::split(b"]C10109520123456788"), (Some(AimId::GS1_128), &b"0109520123456788"[..]));
        assert_eq!(AimId::split(b"]d2"), (Some(AimId::GS1_DATA_MATRIX), &b""[..]));
        for whole in [&b""[..], b"]", b"]C", b"]1C", b"]C]", b"]C\x1d", b" ]C1", b"SN1"] {
            assert_eq!(AimId::split(whole), (None, whole));
        }
    }

    #[test]
    fn refuses_other_text() {
        for bad in ["", "C1", "]C", "]C11", "]11", "]é1", "]C1 "] {
            assert_eq!(bad.parse::<AimId>(), Err(AimIdError { found: bad.into() }), "{bad:?}");
        }
        assert_eq!(AimId::new('1', '1'), None);
        assert_eq!(AimId::new('Ā', '1'), None);
    }

    proptest! {
        #[test]
        fn split_loses_no_byte(data in prop_oneof![any::<Vec<u8>>(), "\\][A-Za-z0-9]{0,4}.*".prop_map(String::into_bytes)]) {
            let (id, rest) = AimId::split(&data);
            let front = id.map(|id| id.to_string()).unwrap_or_default();
            prop_assert_eq!([front.as_bytes(), rest].concat(), data);
        }
    }
}
