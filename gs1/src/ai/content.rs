//! Whether a value keeps the rules of its AI: the components of the Syntax Dictionary and their syntax tests ("linters").

use super::Ai;
use super::entry::{Charset, Component};
use crate::check_digit;

/// A rule for a component, named as the linter of the Syntax Dictionary where the name is a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// `csum`: modulo-10 check digit in the last place.
    Csum,
    /// `csumalpha`: check character pair in the last two places (General Specifications 7.9.5).
    Csumalpha,
    /// `gcppos1`: begins with a GS1 Company Prefix; the shortest has four digits.
    Gcp,
    /// `gcppos2`: the same from the second character on.
    GcpSecond,
    /// `yymmdd`.
    Yymmdd,
    /// `yymmd0`: the day may be 00, which means none, or the last of the month.
    Yymmd0,
    /// `yyyymmdd`.
    Yyyymmdd,
    /// `hhmi`.
    Hhmi,
    /// `hh`.
    Hour,
    /// `mi`.
    Minute,
    /// `ss`.
    Second,
    /// `zero`.
    Zero,
    /// `nonzero`.
    NonZero,
    /// `nozeroprefix`.
    NoZeroPrefix,
    /// `yesno`.
    YesNo,
    /// `winding`.
    Winding,
    /// `pieceoftotal`.
    PieceOfTotal,
    /// `posinseqslash`.
    PositionInSequence,
    /// `pcenc`.
    PercentEncoding,
    /// `latitude`.
    Latitude,
    /// `longitude`.
    Longitude,
    /// `hasnondigit`.
    HasNonDigit,
    /// `mediatype`.
    MediaType,
    /// `importeridx`.
    ImporterIndex,
    /// `iso5218`.
    Iso5218,
    /// `hyphen`.
    Hyphen,
}

/// Why an AI cannot hold a value. Offsets count bytes from the start of the value, from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Fewer characters than the AI needs.
    #[error("the value has {found} characters, at least {min} are needed: read the code again, or complete the value")]
    TooShort {
        /// Characters found.
        found: usize,
        /// The fewest allowed.
        min: usize,
    },
    /// More characters than the AI allows.
    #[error("the value has {found} characters, at most {max} are allowed: shorten it, or look for a missing separator")]
    TooLong {
        /// Characters found.
        found: usize,
        /// The most allowed.
        max: usize,
    },
    /// A character outside the character set.
    #[error("the character '{}' at offset {offset} is not allowed, only {allowed}: correct the value where it is made", .found.escape_ascii())]
    Character {
        /// Where.
        offset: usize,
        /// The byte there.
        found: u8,
        /// What is allowed, for people.
        allowed: &'static str,
    },
    /// The check digit does not fit (General Specifications 7.9).
    #[error(
        "the check digit at offset {offset} is {found}, the other digits call for {expected}: a digit is wrong, read or type it again"
    )]
    CheckDigit {
        /// Where.
        offset: usize,
        /// The digit found.
        found: u8,
        /// The digit that would fit.
        expected: u8,
    },
    /// Another rule of the Syntax Dictionary.
    #[error("what begins at offset {offset} must be {rule}: correct the value where it is made")]
    Content {
        /// Where the component begins.
        offset: usize,
        /// What it must be, for people.
        rule: &'static str,
    },
}

/// Checks length, then each component: its characters, then its rules.
pub(super) fn check(ai: &Ai, value: &[u8]) -> Result<(), ValueError> {
    let (found, min, max) = (value.len(), ai.min_length(), ai.max_length());
    if found < min {
        return Err(ValueError::TooShort { found, min });
    }
    if found > max {
        return Err(ValueError::TooLong { found, max });
    }
    let mut offset = 0;
    for part in ai.entry().parts {
        let rest = value.get(offset..).unwrap_or_default();
        if rest.is_empty() && part.optional {
            continue;
        }
        let data = rest.get(..part.max).unwrap_or(rest);
        if data.len() < part.min {
            return Err(ValueError::TooShort { found, min: offset + part.min });
        }
        check_component(part, data, offset)?;
        offset += data.len();
    }
    Ok(())
}

fn check_component(part: &Component, data: &[u8], offset: usize) -> Result<(), ValueError> {
    if let Some((at, byte)) = part.charset.first_stranger(data) {
        return Err(ValueError::Character { offset: offset + at, found: byte, allowed: part.charset.name() });
    }
    for check in part.checks {
        if *check == Check::Csum
            && let Some((found, expected)) = check_digit::split(data)
            && found != expected
        {
            return Err(ValueError::CheckDigit { offset: offset + data.len() - 1, found, expected });
        }
        if !check.holds(data) {
            return Err(ValueError::Content { offset, rule: check.rule() });
        }
    }
    Ok(())
}

impl Charset {
    fn name(self) -> &'static str {
        match self {
            Charset::Numeric => "the digits 0 to 9",
            Charset::Set82 => "letters, digits and !\"%&'()*+,-./:;<=>?_",
            Charset::Set39 => "capital letters, digits and #-/",
            Charset::Set64 => "letters, digits, - and _, with up to two = at the end",
        }
    }

    fn first_stranger(self, data: &[u8]) -> Option<(usize, u8)> {
        let padding = match (self, data) {
            (Charset::Set64, [.., b'=', b'=']) => 2,
            (Charset::Set64, [.., b'=']) => 1,
            _ => 0,
        };
        let body = data.len() - padding;
        data.iter().take(body).copied().enumerate().find(|(_, byte)| !self.contains(*byte))
    }

    fn contains(self, byte: u8) -> bool {
        match self {
            Charset::Numeric => byte.is_ascii_digit(),
            Charset::Set82 => matches!(byte, b'!' | b'"' | b'%'..=b'?' | b'A'..=b'Z' | b'_' | b'a'..=b'z'),
            Charset::Set39 => matches!(byte, b'#' | b'-' | b'/' | b'0'..=b'9' | b'A'..=b'Z'),
            Charset::Set64 => matches!(byte, b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z'),
        }
    }
}

impl Check {
    /// What the component must be, for people.
    fn rule(self) -> &'static str {
        match self {
            Check::Csum => "digits with their check digit",
            Check::Csumalpha => "followed by its check character pair (General Specifications 7.9.5)",
            Check::Gcp => "a GS1 Company Prefix, at least four digits",
            Check::GcpSecond => "one digit and a GS1 Company Prefix, at least four digits",
            Check::Yymmdd => "a date YYMMDD",
            Check::Yymmd0 => "a date YYMMDD, or YYMM00",
            Check::Yyyymmdd => "a date YYYYMMDD",
            Check::Hhmi => "a time HHMM",
            Check::Hour => "an hour, 00 to 23",
            Check::Minute => "minutes, 00 to 59",
            Check::Second => "seconds, 00 to 59",
            Check::Zero => "0",
            Check::NonZero => "greater than 0",
            Check::NoZeroPrefix => "a number without a leading 0",
            Check::YesNo => "0 (no) or 1 (yes)",
            Check::Winding => "a winding direction: 0, 1 or 9",
            Check::PieceOfTotal => "piece and total in equal digits, from 1, the piece no greater than the total",
            Check::PositionInSequence => "position/end, from 1, the position no greater than the end",
            Check::PercentEncoding => "text in which % is followed by two hexadecimal digits",
            Check::Latitude => "a latitude, 0000000000 to 1800000000",
            Check::Longitude => "a longitude, 0000000000 to 3600000000",
            Check::HasNonDigit => "a value that holds more than digits",
            Check::MediaType => "an AIDC media type: 01 to 10 or 80 to 99",
            Check::ImporterIndex => "an importer index: a letter, a digit, - or _",
            Check::Iso5218 => "a sex of ISO/IEC 5218: 0, 1, 2 or 9",
            Check::Hyphen => "a hyphen",
        }
    }

    /// Whether the rule holds. Components with a numeric rule have the character set of digits, and their length is checked.
    pub(super) fn holds(self, data: &[u8]) -> bool {
        match self {
            Check::Csum => check_digit::split(data).is_some_and(|(found, expected)| found == expected),
            Check::Csumalpha => has_check_pair(data),
            Check::Gcp => data.get(..4).is_some_and(|prefix| prefix.iter().all(u8::is_ascii_digit)),
            Check::GcpSecond => data.split_first().is_some_and(|(_, rest)| Check::Gcp.holds(rest)),
            Check::Yymmdd => is_date(data, 1),
            Check::Yymmd0 => is_date(data, 0),
            Check::Yyyymmdd => is_date(data, 1),
            Check::Hhmi => {
                matches!(data.split_at_checked(2), Some((hh, mi)) if Check::Hour.holds(hh) && Check::Minute.holds(mi))
            }
            Check::Hour => number(data) < 24,
            Check::Minute | Check::Second => number(data) < 60,
            Check::Zero => data == b"0",
            Check::NonZero => data.iter().any(|byte| *byte != b'0'),
            Check::NoZeroPrefix => !data.starts_with(b"0"),
            Check::YesNo => matches!(data, b"0" | b"1"),
            Check::Winding => matches!(data, b"0" | b"1" | b"9"),
            Check::PieceOfTotal => {
                let (piece, total) = data.split_at(data.len() / 2);
                piece.len() == total.len() && number(piece) > 0 && piece <= total
            }
            Check::PositionInSequence => is_position_in_sequence(data),
            Check::PercentEncoding => is_percent_encoded(data),
            Check::Latitude => number(data) <= 1_800_000_000,
            Check::Longitude => number(data) <= 3_600_000_000,
            Check::HasNonDigit => data.iter().any(|byte| !byte.is_ascii_digit()),
            Check::MediaType => matches!(number(data), 1..=10 | 80..=99),
            Check::ImporterIndex => matches!(data, [b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z']),
            Check::Iso5218 => matches!(data, b"0" | b"1" | b"2" | b"9"),
            Check::Hyphen => data == b"-",
        }
    }
}

/// The value of digits; components with a numeric rule have at most ten.
fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |sum, byte| sum * 10 + u64::from(byte.wrapping_sub(b'0')))
}

/// YYMMDD or YYYYMMDD with a day of `first_day` or later. A two-digit year is the nearest one to today (General Specifications
/// 7.12): until 2050 it cannot be 1900 or 2100, so that every fourth is a leap year.
fn is_date(data: &[u8], first_day: u64) -> bool {
    let Some((year, [m1, m2, d1, d2])) = data.split_last_chunk() else { return false };
    let (digits, year) = (year.len(), number(year));
    let leap = year.is_multiple_of(4) && (digits == 2 || !year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match number(&[*m1, *m2]) {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    (first_day..=days).contains(&number(&[*d1, *d2]))
}

fn is_position_in_sequence(data: &[u8]) -> bool {
    let mut halves = data.split(|byte| *byte == b'/');
    let (Some(position), Some(end), None) = (halves.next(), halves.next(), halves.next()) else { return false };
    let is_number = |half: &[u8]| half.iter().all(u8::is_ascii_digit) && !half.is_empty() && !half.starts_with(b"0");
    is_number(position) && is_number(end) && (position.len(), position) <= (end.len(), end)
}

fn is_percent_encoded(data: &[u8]) -> bool {
    data.split(|byte| *byte == b'%')
        .skip(1)
        .all(|after| matches!(after, [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()))
}

/// General Specifications 7.9.5: places in set 82, weighted by primes from the right, modulo 1021, as two characters of set 32.
fn has_check_pair(data: &[u8]) -> bool {
    const SET_32: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    const PRIMES: [usize; 23] =
        [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83];
    let Some((body, pair)) = data.split_last_chunk::<2>() else { return false };
    if body.len() > PRIMES.len() {
        return false;
    }
    let place = |byte: u8| (0..byte).filter(|before| Charset::Set82.contains(*before)).count();
    let sum: usize = body.iter().rev().zip(PRIMES).map(|(byte, prime)| place(*byte) * prime).sum();
    let sum = sum % 1021;
    *pair == [SET_32[sum / 32], SET_32[sum % 32]]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(check: Check, good: &[&str], bad: &[&str]) {
        for data in good {
            assert!(check.holds(data.as_bytes()), "{check:?} {data:?} is good");
        }
        for data in bad {
            assert!(!check.holds(data.as_bytes()), "{check:?} {data:?} is bad");
        }
    }

    #[test]
    fn dates_and_times() {
        holds(
            Check::Yymmdd,
            &["000229", "240229", "230228", "250131", "251231"],
            &["250100", "230229", "250431", "251301", "250001", "250132"],
        );
        holds(Check::Yymmd0, &["250100", "250131", "000229"], &["250132", "251300", "250000", "210229"]);
        holds(Check::Yyyymmdd, &["20000229", "19991231"], &["19000229", "21000229", "20250100", "20251301"]);
        holds(Check::Hhmi, &["0000", "2359"], &["2400", "2360"]);
        holds(Check::Hour, &["00", "23"], &["24"]);
        holds(Check::Minute, &["00", "59"], &["60"]);
        holds(Check::Second, &["00", "59"], &["60"]);
    }

    #[test]
    fn numbers() {
        holds(Check::Csum, &["095212341234567891"], &["095212341234567890"]);
        holds(Check::Zero, &["0"], &["1"]);
        holds(Check::NonZero, &["0001", "1000"], &["0", "0000"]);
        holds(Check::NoZeroPrefix, &["1", "10"], &["0", "01"]);
        holds(Check::YesNo, &["0", "1"], &["2"]);
        holds(Check::Winding, &["0", "1", "9"], &["2"]);
        holds(Check::Iso5218, &["0", "1", "2", "9"], &["3"]);
        holds(Check::MediaType, &["01", "10", "80", "99"], &["00", "11", "79"]);
        holds(Check::PieceOfTotal, &["0101", "0102", "9999"], &["0001", "0100", "0000", "0201", "111"]);
        holds(Check::Latitude, &["0000000000", "1800000000"], &["1800000001"]);
        holds(Check::Longitude, &["0000000000", "3600000000"], &["3600000001"]);
    }

    #[test]
    fn texts() {
        holds(Check::Gcp, &["9521", "9521ABC"], &["952", "952A1", ""]);
        holds(Check::GcpSecond, &["09521", "A9521X"], &["9521", "095A1", ""]);
        holds(
            Check::PositionInSequence,
            &["1/1", "9/9", "9/10"],
            &["2/1", "0/1", "1/0", "01/2", "1/02", "1", "/1", "1/", "1//2", "x/y", ""],
        );
        holds(Check::PercentEncoding, &["", "A", "%00", "A%fF%2Bz"], &["%", "%2", "%g0", "%%20", "A%2x"]);
        holds(Check::HasNonDigit, &["12A"], &["123"]);
        holds(Check::ImporterIndex, &["-", "_", "0", "a", "Z"], &["/", "AA", ""]);
        holds(Check::Hyphen, &["-"], &["X", "--", ""]);
        holds(
            Check::Csumalpha,
            &["22", "!22", "1987654Ad4X4bL5ttr2310c2K", "12345_!\"%&'()*+,-./LC", "99999zzzzzzzzzzzzzzzzzzT2"],
            &["", "2", "33", "1987654Ad4X4bL5ttr2310cXK", "1987654Ad4X4bL5ttr2310c2X", "999999zzzzzzzzzzzzzzzzzzT2"],
        );
    }

    #[test]
    fn character_sets() {
        let members =
            |charset: Charset| (0..=255).filter(|byte| charset.contains(*byte)).map(char::from).collect::<String>();
        let (upper, lower) = ("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz");
        assert_eq!(members(Charset::Numeric), "0123456789");
        assert_eq!(members(Charset::Set82), format!("!\"%&'()*+,-./0123456789:;<=>?{upper}_{lower}"));
        assert_eq!(members(Charset::Set82).len(), 82);
        assert_eq!(members(Charset::Set39), format!("#-/0123456789{upper}"));
        assert_eq!(members(Charset::Set64), format!("-0123456789{upper}_{lower}"));
        for (data, stranger) in
            [("AB=", None), ("A==", None), ("A===", Some((1, b'='))), ("A=B", Some((1, b'='))), ("a+", Some((1, b'+')))]
        {
            assert_eq!(Charset::Set64.first_stranger(data.as_bytes()), stranger, "{data}");
        }
    }
}
