//! The modulo-10 check digit of GTIN, GLN, SSCC and the other numeric GS1 keys (GS1 General Specifications 7.9).

/// The check digit (0 to 9) that belongs behind `digits`: from the right, weights 3, 1, 3, 1, …
///
/// `None` when `digits` is empty or holds anything but ASCII digits.
///
/// ```
/// assert_eq!(gs1::check_digit("09521234123456789"), Some(1));
/// ```
pub fn check_digit(digits: &str) -> Option<u8> {
    of(digits.as_bytes())
}

/// Whether the last of `digits` is the check digit of the ones before it. False for fewer than two digits or other characters.
pub fn verify_check_digit(digits: &str) -> bool {
    split(digits.as_bytes()).is_some_and(|(found, expected)| found == expected)
}

/// The last digit of `digits`, and the digit that it should be.
pub(crate) fn split(digits: &[u8]) -> Option<(u8, u8)> {
    let (last, rest) = digits.split_last()?;
    Some((digit(*last)?, of(rest)?))
}

fn of(digits: &[u8]) -> Option<u8> {
    if digits.is_empty() {
        return None;
    }
    let mut sum = 0;
    let mut weight = 3;
    for byte in digits.iter().rev() {
        sum = (sum + weight * digit(*byte)?) % 10;
        weight = 4 - weight;
    }
    Some((10 - sum) % 10)
}

fn digit(byte: u8) -> Option<u8> {
    byte.is_ascii_digit().then(|| byte - b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_keys() {
        for (key, name) in [
            ("095212341234567891", "SSCC"),
            ("006141411234567890", "SSCC"),
            ("09520123456788", "GTIN-14"),
            ("9520123456788", "GTIN-13 and GLN"),
            ("416000336108", "GTIN-12"),
            ("02345673", "GTIN-8"),
        ] {
            assert!(verify_check_digit(key), "{name} {key}");
            let (rest, last) = key.split_at(key.len() - 1);
            assert_eq!(check_digit(rest), last.parse().ok(), "{name} {key}");
        }
    }

    #[test]
    fn every_single_wrong_digit_is_found() {
        let key = "095212341234567891";
        for at in 0..key.len() {
            for other in b'0'..=b'9' {
                let mut wrong = key.as_bytes().to_vec();
                if wrong[at] != other {
                    wrong[at] = other;
                    assert!(!verify_check_digit(std::str::from_utf8(&wrong).unwrap()));
                }
            }
        }
    }

    #[test]
    fn refuses_what_is_not_digits() {
        for bad in ["", "12a4", " 1234", "１２３"] {
            assert_eq!(check_digit(bad), None, "{bad:?}");
            assert!(!verify_check_digit(bad), "{bad:?}");
        }
        assert!(!verify_check_digit("0"), "one digit has nothing to check");
    }
}
