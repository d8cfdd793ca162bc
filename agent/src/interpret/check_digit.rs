//! Check characters that a value carries at its end.

/// How a check character is made of the characters before it. It stays a part of the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckDigit {
    /// Modulo 10 with weights 3 and 1: GTIN, SSCC (GS1 General Specifications 7.9).
    Gs1,
    /// The Luhn formula: IMEI and many serial numbers (ISO/IEC 7812-1, annex B).
    Luhn,
    /// Modulo 43 over the characters of Code 39 (ISO/IEC 16388, annex A).
    Mod43,
    /// MOD 11-2, one digit or X (ISO/IEC 7064).
    Mod11,
    /// MOD 97-10, two digits (ISO/IEC 7064).
    Mod97,
    /// MOD 37,36: digits and capital letters (ISO/IEC 7064).
    Mod37,
}

/// The characters of Code 39, in the order of their values (ISO/IEC 16388, table A.1). The first 36 have the values that
/// ISO/IEC 7064 gives them as well.
const CODE_39: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-. $/+%";

impl CheckDigit {
    /// The words of a configuration, with what each stands for.
    pub const WORDS: [(&str, Self); 6] = [
        ("gs1", Self::Gs1),
        ("luhn", Self::Luhn),
        ("mod43", Self::Mod43),
        ("mod11-2", Self::Mod11),
        ("mod97-10", Self::Mod97),
        ("mod37-36", Self::Mod37),
    ];

    /// Its word in a configuration.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, digit)| *digit == self).map_or("", |(word, _)| word)
    }

    /// Does `value` end in the right check character? Without one, or with characters that its alphabet lacks: no.
    #[must_use]
    pub fn holds(self, value: &str) -> bool {
        match self {
            Self::Gs1 => gs1::verify_check_digit(value),
            Self::Luhn => luhn(value),
            Self::Mod43 => mod43(value),
            Self::Mod11 => mod11(value),
            Self::Mod97 => mod97(value),
            Self::Mod37 => mod37(value),
        }
    }
}

/// The values of the characters, each below `below`, and that of the last one apart; at least two characters.
fn values(text: &str, below: usize) -> Option<(Vec<usize>, usize)> {
    let value = |character: char| CODE_39.find(character).filter(|value| *value < below);
    let mut values = text.chars().map(value).collect::<Option<Vec<usize>>>()?;
    let last = values.pop()?;
    (!values.is_empty()).then_some((values, last))
}

fn luhn(text: &str) -> bool {
    let Some((digits, last)) = values(text, 10) else { return false };
    let doubled = |(place, digit): (usize, &usize)| match place % 2 {
        0 => digit * 2 / 10 + digit * 2 % 10,
        _ => *digit,
    };
    let sum: usize = digits.iter().rev().enumerate().map(doubled).sum();
    (sum + last).is_multiple_of(10)
}

fn mod43(text: &str) -> bool {
    values(text, 43).is_some_and(|(values, last)| values.iter().sum::<usize>() % 43 == last)
}

fn mod11(text: &str) -> bool {
    let (text, last) = match text.strip_suffix('X') {
        Some(text) => (text, 10),
        None => match text.char_indices().next_back() {
            Some((at, last)) => (&text[..at], last.to_digit(10).map_or(usize::MAX, |digit| digit as usize)),
            None => return false,
        },
    };
    let digits: Option<Vec<usize>> = text.chars().map(|c| c.to_digit(10).map(|digit| digit as usize)).collect();
    let Some(digits) = digits.filter(|digits| !digits.is_empty() && last <= 10) else { return false };
    let product = digits.iter().fold(0, |product, digit| (product + digit) * 2 % 11);
    (product + last) % 11 == 1
}

fn mod97(text: &str) -> bool {
    let is_number = text.len() > 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number && text.bytes().fold(0u32, |rest, byte| (rest * 10 + u32::from(byte - b'0')) % 97) == 1
}

fn mod37(text: &str) -> bool {
    let Some((values, last)) = values(text, 36) else { return false };
    let product = values.iter().fold(36, |product, value| match (product + value) % 36 {
        0 => 36 * 2 % 37,
        sum => sum * 2 % 37,
    });
    (product + last) % 36 == 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Published examples, each right.
    const RIGHT: [(CheckDigit, &str); 8] = [
        (CheckDigit::Gs1, "095212341234567891"),
        (CheckDigit::Luhn, "490154203237518"),
        (CheckDigit::Luhn, "79927398713"),
        (CheckDigit::Mod43, "CODE39W"),
        (CheckDigit::Mod11, "0000000218250097"),
        (CheckDigit::Mod11, "000000021694233X"),
        (CheckDigit::Mod97, "79444"),
        (CheckDigit::Mod37, "A12425GABC1234002M"),
    ];

    #[test]
    fn published_examples_hold() {
        for (digit, value) in RIGHT {
            assert!(digit.holds(value), "{} {value}", digit.word());
        }
    }

    #[test]
    fn every_single_wrong_character_is_found() {
        for (digit, value) in RIGHT {
            for at in 0..value.len() {
                for other in CODE_39.chars().filter(|other| !value[at..].starts_with(*other)) {
                    let wrong = format!("{}{other}{}", &value[..at], &value[at + 1..]);
                    assert!(!digit.holds(&wrong), "{} {wrong}", digit.word());
                }
            }
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in ".{0,40}") {
            for (_, digit) in CheckDigit::WORDS {
                let holds = digit.holds(&text);
                prop_assert!(!holds || text.chars().count() > 1, "{} {text}", digit.word());
            }
        }
    }
}
