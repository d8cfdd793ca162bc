//! Byte strings of fixed length, written as lower-case hexadecimal in JSON.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// `N` bytes; in JSON and on screen `2 N` lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FixedBytes<const N: usize>(pub [u8; N]);

/// The text is not hexadecimal of the expected length.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} hexadecimal digits, found {found} characters")]
pub struct NotFixedHex {
    expected: usize,
    found: usize,
}

impl<const N: usize> FixedBytes<N> {
    /// All bytes zero; as a hash it stands for "nothing comes before".
    pub const ZERO: Self = Self([0; N]);
}

impl<const N: usize> Default for FixedBytes<N> {
    fn default() -> Self {
        Self::ZERO
    }
}

impl<const N: usize> fmt::Display for FixedBytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl<const N: usize> fmt::Debug for FixedBytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<const N: usize> FromStr for FixedBytes<N> {
    type Err = NotFixedHex;

    fn from_str(text: &str) -> Result<Self, NotFixedHex> {
        let mut bytes = [0; N];
        // One value has one spelling: capitals would make two texts of the same hash.
        let lower = !text.bytes().any(|b| b.is_ascii_uppercase());
        match hex::decode_to_slice(text, &mut bytes) {
            Ok(()) if lower => Ok(Self(bytes)),
            _ => Err(NotFixedHex { expected: 2 * N, found: text.chars().count() }),
        }
    }
}

impl<const N: usize> Serialize for FixedBytes<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = [0; 128];
        match text.get_mut(..2 * N).map(|room| hex::encode_to_slice(self.0, room).map(|()| &*room)) {
            Some(Ok(digits)) => serializer.serialize_str(std::str::from_utf8(digits).unwrap_or_default()),
            _ => serializer.collect_str(self),
        }
    }
}

impl<'de, const N: usize> Deserialize<'de> for FixedBytes<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<const N: usize>;
        impl<const N: usize> de::Visitor<'_> for Visitor<N> {
            type Value = FixedBytes<N>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} hexadecimal digits", 2 * N)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_has_one_spelling() {
        let bytes = FixedBytes([0xab, 0x01]);
        assert_eq!(bytes.to_string(), "ab01");
        assert_eq!(serde_json::to_string(&bytes).unwrap(), "\"ab01\"");
        assert_eq!("ab01".parse::<FixedBytes<2>>().unwrap(), bytes);
        for wrong in ["AB01", "ab0", "ab011", "zz01", ""] {
            assert!(wrong.parse::<FixedBytes<2>>().is_err(), "{wrong}");
        }
    }
}
