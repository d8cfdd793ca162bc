//! The Serial Shipping Container Code: AI (00), the identity of a logistic unit (GS1 General Specifications 2.2.1, 3.2).

use std::fmt;
use std::str::FromStr;

use crate::check_digit;

/// Digits of an SSCC, the check digit included.
const LENGTH: usize = 18;
/// Digits shared by company prefix and serial reference.
const PREFIX_AND_REFERENCE: usize = 16;

/// An SSCC: extension digit, GS1 Company Prefix, serial reference, check digit. Always 18 digits, the last one verified.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sscc([u8; LENGTH]);

impl Sscc {
    /// The 18 digits.
    pub fn as_str(&self) -> &str {
        // Only ASCII digits are ever stored.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for Sscc {
    type Err = SsccError;

    /// Reads exactly 18 digits, without AI, brackets or spaces.
    fn from_str(text: &str) -> Result<Sscc, SsccError> {
        if let Some((position, found)) = text.char_indices().find(|(_, c)| !c.is_ascii_digit()) {
            return Err(SsccError::NotADigit { position, found });
        }
        let digits: [u8; LENGTH] = text.as_bytes().try_into().map_err(|_| SsccError::Length { found: text.len() })?;
        match check_digit::split(&digits) {
            Some((found, expected)) if found != expected => Err(SsccError::CheckDigit { found, expected }),
            _ => Ok(Sscc(digits)),
        }
    }
}

impl fmt::Display for Sscc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Sscc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sscc({self})")
    }
}

/// Why a text is no SSCC.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SsccError {
    /// Another number of digits than 18.
    #[error("an SSCC has 18 digits, here are {found}: scan the barcode again, or type all 18 digits without the (00)")]
    Length {
        /// Number of digits found.
        found: usize,
    },
    /// A character that is no ASCII digit.
    #[error(
        "an SSCC has only digits, but {found:?} is at byte {position}: scan the barcode again, or type 18 digits without the (00)"
    )]
    NotADigit {
        /// Byte position in the text, from 0.
        position: usize,
        /// The character there.
        found: char,
    },
    /// The last digit does not fit the others (General Specifications 7.9).
    #[error(
        "the check digit of the SSCC is {found}, its other digits call for {expected}: a digit was misread or mistyped, read it again"
    )]
    CheckDigit {
        /// The last digit.
        found: u8,
        /// The digit that would fit.
        expected: u8,
    },
}

/// A GS1 Company Prefix: 4 to 12 digits, given to the company by its GS1 member organisation (General Specifications 1.4).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CompanyPrefix(String);

impl CompanyPrefix {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How many digits remain for the serial reference: 4 to 12.
    pub fn serial_reference_digits(&self) -> usize {
        PREFIX_AND_REFERENCE - self.0.len()
    }

    /// The greatest serial reference that fits behind this prefix.
    pub fn last_serial_reference(&self) -> u64 {
        (0..self.serial_reference_digits()).fold(0, |last, _| last * 10 + 9)
    }
}

impl FromStr for CompanyPrefix {
    type Err = CompanyPrefixError;

    fn from_str(text: &str) -> Result<CompanyPrefix, CompanyPrefixError> {
        if (4..=12).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(CompanyPrefix(text.to_owned()))
        } else {
            Err(CompanyPrefixError { found: text.to_owned() })
        }
    }
}

impl fmt::Display for CompanyPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The text is no GS1 Company Prefix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{found:?} is no GS1 Company Prefix: write the 4 to 12 digits that GS1 has given to your company, without spaces"
)]
pub struct CompanyPrefixError {
    /// What was found instead.
    pub found: String,
}

/// The SSCCs that one station may hand out: one extension digit, one company prefix, an unbroken run of serial references.
///
/// Two stations never share an SSCC as long as their ranges do not overlap; no central lock is needed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SsccRange {
    extension: u8,
    prefix: CompanyPrefix,
    first: u64,
    last: u64,
}

impl SsccRange {
    /// The range of `first..=last` behind `extension` (0 to 9, without meaning) and `prefix`.
    ///
    /// # Errors
    /// When the extension is no digit, `last` is less than `first`, or `last` has more digits than the prefix leaves.
    pub fn new(extension: u8, prefix: CompanyPrefix, first: u64, last: u64) -> Result<SsccRange, RangeError> {
        if extension > 9 {
            return Err(RangeError::Extension { found: extension });
        }
        if last < first {
            return Err(RangeError::Empty { first, last });
        }
        let greatest = prefix.last_serial_reference();
        if last > greatest {
            return Err(RangeError::TooGreat { last, greatest, digits: prefix.serial_reference_digits(), prefix });
        }
        Ok(SsccRange { extension, prefix, first, last })
    }

    /// The extension digit, 0 to 9.
    pub fn extension(&self) -> u8 {
        self.extension
    }

    /// The company prefix.
    pub fn prefix(&self) -> &CompanyPrefix {
        &self.prefix
    }

    /// The first serial reference.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The last serial reference; it belongs to the range.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// The SSCC of a serial reference, or `None` outside the range.
    pub fn sscc(&self, serial_reference: u64) -> Option<Sscc> {
        if !(self.first..=self.last).contains(&serial_reference) {
            return None;
        }
        let width = self.prefix.serial_reference_digits();
        let mut digits = format!("{}{}{serial_reference:0width$}", self.extension, self.prefix);
        let check = check_digit::check_digit(&digits)?;
        digits.push(char::from(b'0' + check));
        digits.parse().ok()
    }
}

/// Why a range of SSCCs cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// The extension digit is greater than 9.
    #[error("the extension digit of an SSCC is 0 to 9, found {found}")]
    Extension {
        /// What was given.
        found: u8,
    },
    /// The last serial reference comes before the first.
    #[error("the last serial reference {last} is less than the first, {first}: exchange them")]
    Empty {
        /// First serial reference.
        first: u64,
        /// Last serial reference.
        last: u64,
    },
    /// The last serial reference has too many digits.
    #[error(
        "the serial reference {last} is too great: behind company prefix {prefix} there is room for {digits} digits, so at most {greatest}"
    )]
    TooGreat {
        /// Last serial reference.
        last: u64,
        /// The greatest that fits.
        greatest: u64,
        /// Digits that the prefix leaves.
        digits: usize,
        /// The company prefix.
        prefix: CompanyPrefix,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn range(extension: u8, prefix: &str, first: u64, last: u64) -> Result<SsccRange, RangeError> {
        SsccRange::new(extension, prefix.parse().unwrap(), first, last)
    }

    #[test]
    fn makes_known_ssccs() {
        for (extension, prefix, reference, expected) in [
            (0, "9521234", 123456789, "095212341234567891"),
            (0, "0614141", 123456789, "006141411234567890"),
            (1, "2345678", 901234567, "123456789012345675"),
            (9, "9999", 0, "999990000000000001"),
            (3, "123456789012", 9999, "312345678901299997"),
        ] {
            let sscc = range(extension, prefix, reference, reference).unwrap().sscc(reference).unwrap();
            assert_eq!(sscc.as_str(), expected);
            assert_eq!(expected.parse(), Ok(sscc));
            assert_eq!(sscc.to_string(), expected);
        }
    }

    #[test]
    fn references_outside_the_range_have_no_sscc() {
        let range = range(0, "9521234", 100, 199).unwrap();
        for reference in [0, 99, 200, u64::MAX] {
            assert_eq!(range.sscc(reference), None, "{reference}");
        }
        assert!(range.sscc(100).unwrap() < range.sscc(199).unwrap());
    }

    #[test]
    fn refuses_bad_ssccs() {
        for (text, error) in [
            ("", SsccError::Length { found: 0 }),
            ("09521234123456789", SsccError::Length { found: 17 }),
            ("0095212341234567891", SsccError::Length { found: 19 }),
            ("(00)095212341234567891", SsccError::NotADigit { position: 0, found: '(' }),
            ("0952123412345678é1", SsccError::NotADigit { position: 16, found: 'é' }),
            ("095212341234567892", SsccError::CheckDigit { found: 2, expected: 1 }),
            ("905212341234567891", SsccError::CheckDigit { found: 1, expected: 3 }),
        ] {
            assert_eq!(text.parse::<Sscc>(), Err(error), "{text}");
        }
    }

    #[test]
    fn company_prefixes() {
        for (text, digits, last) in
            [("9521", 12, 999_999_999_999), ("9521234", 9, 999_999_999), ("952123456789", 4, 9_999)]
        {
            let prefix: CompanyPrefix = text.parse().unwrap();
            assert_eq!((prefix.serial_reference_digits(), prefix.last_serial_reference()), (digits, last), "{text}");
        }
        for bad in ["", "952", "9521234567890", "952 123", "95212a4", "９５２１"] {
            assert_eq!(bad.parse::<CompanyPrefix>(), Err(CompanyPrefixError { found: bad.into() }), "{bad}");
        }
    }

    #[test]
    fn refuses_bad_ranges() {
        assert_eq!(range(10, "9521234", 0, 1), Err(RangeError::Extension { found: 10 }));
        assert_eq!(range(0, "9521234", 2, 1), Err(RangeError::Empty { first: 2, last: 1 }));
        let error = range(0, "9521234", 0, 1_000_000_000).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the serial reference 1000000000 is too great: behind company prefix 9521234 there is room for 9 digits, so at most 999999999"
        );
        assert!(range(0, "9521234", 0, 999_999_999).is_ok());
    }

    proptest! {
        #[test]
        fn never_panics(text in ".*") {
            if let Ok(sscc) = text.parse::<Sscc>() {
                prop_assert_eq!(sscc.as_str(), text);
            }
        }

        #[test]
        fn every_made_sscc_reads_back_and_is_its_own(extension in 0u8..=9, prefix in "[0-9]{4,12}", a: u64, b: u64) {
            let prefix: CompanyPrefix = prefix.parse().unwrap();
            let last = prefix.last_serial_reference();
            let (a, b) = (a % (last + 1), b % (last + 1));
            let range = SsccRange::new(extension, prefix, 0, last).unwrap();
            let (sscc, other) = (range.sscc(a).unwrap(), range.sscc(b).unwrap());
            prop_assert_eq!(sscc.as_str().parse(), Ok(sscc));
            prop_assert_eq!(a.cmp(&b), sscc.cmp(&other));
        }
    }
}
