use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::content::Check;
use super::entry::{Charset, Component};
use super::*;
use crate::element_string::Element;

#[test]
fn finds_ais() {
    for (code, title, predefined, min, max) in [
        ("00", "SSCC", true, 18, 18),
        ("01", "GTIN", true, 14, 14),
        ("10", "BATCH/LOT", false, 1, 20),
        ("21", "SERIAL", false, 1, 20),
        ("235", "TPX", false, 1, 28),
        ("253", "GDTI", false, 13, 30),
        ("3103", "NET WEIGHT (kg)", true, 6, 6),
        ("37", "COUNT", false, 1, 8),
        ("402", "GSIN", false, 17, 17),
        ("414", "LOC No.", true, 13, 13),
        ("8008", "PROD TIME", false, 8, 12),
        ("8110", "", false, 1, 70),
        ("99", "INTERNAL", false, 1, 90),
    ] {
        let ai: Ai = code.parse().unwrap();
        assert_eq!((ai.as_str(), ai.title(), ai.has_predefined_length()), (code, title, predefined));
        assert_eq!((ai.min_length(), ai.max_length()), (min, max), "{code}");
    }
    assert_eq!(Ai::at_start_of(b"3103001000").unwrap().as_str(), "3103");
    assert_eq!(Ai::at_start_of(b"10310300").unwrap().as_str(), "10");
}

#[test]
fn refuses_other_codes() {
    for bad in ["", "1", "04", "1A", "011", "23", "2345", "3106", "310", "31000", "3990", "81", "１０"] {
        assert_eq!(bad.parse::<Ai>(), Err(UnknownAi { found: bad.into() }), "{bad}");
    }
    assert_eq!(Ai::at_start_of(b"89ABC"), None);
}

#[test]
fn the_table_is_in_order_and_no_ai_begins_another() {
    assert!(TABLE.is_sorted_by(|a, b| a.last < b.first));
    let mut lengths = HashMap::new();
    for entry in TABLE {
        assert!(entry.first.len() == entry.last.len() && entry.first <= entry.last, "{}", entry.first);
        for code in [entry.first, entry.last] {
            assert_eq!(*lengths.entry(&code[..2]).or_insert(code.len()), code.len(), "length of AIs like {code}");
        }
    }
}

#[test]
fn separators_are_needed_by_the_first_two_digits() {
    // General Specifications 7.8, table of predefined lengths.
    let predefined = |code: &str| matches!(code[..2].parse().unwrap(), 0..=4 | 11..=20 | 31..=36 | 41);
    for entry in TABLE {
        assert_eq!(entry.predefined, predefined(entry.first), "{}", entry.first);
        assert!(
            !entry.predefined || entry.parts.iter().all(|part| !part.optional && part.min == part.max),
            "{}",
            entry.first
        );
    }
}

#[test]
fn only_last_components_vary() {
    for entry in TABLE {
        assert!(!entry.parts.is_empty(), "{}", entry.first);
        for pair in entry.parts.windows(2) {
            assert!(pair[0].min == pair[0].max, "{}: variable length before another component", entry.first);
            assert!(!pair[0].optional || pair[1].optional, "{}: mandatory after optional", entry.first);
        }
    }
}

#[test]
fn rules_name_ais_that_exist() {
    for entry in TABLE {
        let rules = [entry.req, entry.ex, entry.key.unwrap_or_default()];
        for pattern in rules.iter().flat_map(|rule| rule.split([',', '+', '|'])).filter(|pattern| !pattern.is_empty()) {
            let lowest = pattern.replace('n', "0");
            let known = TABLE.iter().any(|other| other.first == lowest || other.first == pattern);
            assert!(known || pattern.parse::<Ai>().is_ok(), "{}: {pattern}", entry.first);
        }
    }
}

/// Syntax tests of the official dictionary that are left out on purpose, see [`Ai::check`].
const LEFT_OUT: [&str; 8] =
    ["couponcode", "couponposoffer", "iban", "iso3166", "iso3166999", "iso3166alpha2", "iso4217", "packagetype"];

#[test]
fn the_table_equals_the_official_dictionary() {
    let Ok(shared) = std::env::var("LOTLINE_SHARED") else {
        println!("SKIPPED the_table_equals_the_official_dictionary: LOTLINE_SHARED is not set");
        return;
    };
    let file = std::fs::read_to_string(format!("{shared}/data/gs1/gs1-syntax-dictionary.txt")).unwrap();
    let mut left_out = HashSet::new();
    let official: Vec<String> = file
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let mut words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            for word in words.iter_mut() {
                for test in LEFT_OUT {
                    if word.split(',').skip(1).any(|linter| linter == test) {
                        left_out.insert(test);
                        *word = word.replace(&format!(",{test}"), "");
                    }
                }
            }
            words.join(" ")
        })
        .collect();
    assert_eq!(left_out.len(), LEFT_OUT.len(), "what is left out occurs");
    let ours: Vec<String> = TABLE.iter().map(|entry| in_official_notation(entry, &official)).collect();
    assert_eq!(ours, official);
}

/// The attributes have no fixed order: they are put in the one that the official line has.
fn in_official_notation(entry: &Entry, official: &[String]) -> String {
    let code =
        if entry.first == entry.last { entry.first.to_owned() } else { format!("{}-{}", entry.first, entry.last) };
    let flags = [entry.predefined.then_some('*'), entry.dl_attribute.then_some('?')];
    let mut words = vec![code, flags.into_iter().flatten().collect()];
    words.extend(entry.parts.iter().map(component));
    let mut attributes = vec![attribute("req", entry.req), attribute("ex", entry.ex)];
    attributes.push(entry.key.map(|key| if key.is_empty() { "dlpkey".to_owned() } else { format!("dlpkey={key}") }));
    let line = official.iter().find(|line| line.split(' ').next() == words.first().map(String::as_str));
    attributes.sort_by_key(|word| line?.split(' ').position(|other| Some(other) == word.as_deref()));
    words.extend(attributes.into_iter().flatten());
    if !entry.title.is_empty() {
        words.extend(["#".to_owned(), entry.title.to_owned()]);
    }
    words.retain(|word| !word.is_empty());
    words.join(" ")
}

fn attribute(name: &str, value: &str) -> Option<String> {
    (!value.is_empty()).then(|| format!("{name}={value}"))
}

fn component(part: &Component) -> String {
    let charset = match part.charset {
        Charset::Numeric => 'N',
        Charset::Set82 => 'X',
        Charset::Set39 => 'Y',
        Charset::Set64 => 'Z',
    };
    let length = if part.min == part.max { format!("{}", part.max) } else { format!("..{}", part.max) };
    let mut word = if part.optional { format!("[{charset}{length}]") } else { format!("{charset}{length}") };
    for check in part.checks {
        word.push(',');
        word.push_str(match check {
            Check::Csum => "csum",
            Check::Csumalpha => "csumalpha",
            Check::Gcp => "gcppos1",
            Check::GcpSecond => "gcppos2",
            Check::Yymmdd => "yymmdd",
            Check::Yymmd0 => "yymmd0",
            Check::Yyyymmdd => "yyyymmdd",
            Check::Hhmi => "hhmi",
            Check::Hour => "hh",
            Check::Minute => "mi",
            Check::Second => "ss",
            Check::Zero => "zero",
            Check::NonZero => "nonzero",
            Check::NoZeroPrefix => "nozeroprefix",
            Check::YesNo => "yesno",
            Check::Winding => "winding",
            Check::PieceOfTotal => "pieceoftotal",
            Check::PositionInSequence => "posinseqslash",
            Check::PercentEncoding => "pcenc",
            Check::Latitude => "latitude",
            Check::Longitude => "longitude",
            Check::HasNonDigit => "hasnondigit",
            Check::MediaType => "mediatype",
            Check::ImporterIndex => "importeridx",
            Check::Iso5218 => "iso5218",
            Check::Hyphen => "hyphen",
        });
    }
    word
}

/// A valid element of any AI in the table.
pub(crate) fn any_element() -> impl Strategy<Value = Element> {
    (0..TABLE.len(), any::<usize>(), prop::collection::vec(any::<u8>(), 100)).prop_map(|(entry, nth, noise)| {
        let entry = &TABLE[entry];
        let first: usize = entry.first.parse().unwrap();
        let count = entry.last.parse::<usize>().unwrap() - first + 1;
        let code = format!("{:0width$}", first + nth % count, width = entry.first.len());
        Element::new(code.parse().unwrap(), value(entry, &noise)).unwrap_or_else(|error| panic!("({code}): {error}"))
    })
}

fn value(entry: &Entry, noise: &[u8]) -> Vec<u8> {
    let mut value = Vec::new();
    let mut noise = noise.iter().copied().cycle();
    let mut draw = |below: usize| usize::from(noise.next().unwrap_or_default()) % below;
    for part in entry.parts {
        if part.optional && draw(2) == 0 {
            break;
        }
        let alphabet: &[u8] = match part.charset {
            Charset::Numeric => b"0123456789",
            Charset::Set82 => b"0123456789ABCXYZabcxyz!\"%&'()*+,-./:;<=>?_",
            Charset::Set39 => b"0123456789ABCXYZ#-/",
            Charset::Set64 => b"0123456789ABCXYZabcxyz-_",
        };
        let length = part.min + draw(part.max - part.min + 1);
        let drawn: Vec<u8> = (0..length).map(|_| alphabet[draw(alphabet.len())]).collect();
        value.extend(part.checks.iter().fold(drawn, |data, check| mended(*check, data, draw(2))));
    }
    value
}

/// `data` changed so that the check holds.
fn mended(check: Check, mut data: Vec<u8>, choice: usize) -> Vec<u8> {
    let example = |good: [&str; 2]| good[choice].as_bytes().to_vec();
    match check {
        Check::Csum => {
            let (_, expected) = crate::check_digit::split(&data).unwrap();
            *data.last_mut().unwrap() = b'0' + expected;
            data
        }
        // With a company prefix in front and more than digits, as the AIs with a check pair ask.
        Check::Csumalpha => example(["1987654Ad4X4bL5ttr2310c2K", "12345_!\"%&'()*+,-./LC"]),
        Check::Gcp if !check.holds(&data) => [b"9521".to_vec(), data].concat().into_iter().take(30).collect(),
        Check::Yymmdd => example(["240229", "991231"]),
        Check::Yymmd0 => example(["240200", "260131"]),
        Check::Yyyymmdd => example(["20240229", "19991231"]),
        Check::Hhmi => example(["0000", "2359"]),
        Check::Hour => example(["00", "23"]),
        Check::Minute | Check::Second => example(["00", "59"]),
        Check::Zero => b"0".to_vec(),
        Check::NonZero | Check::NoZeroPrefix => {
            data[0] = b'1';
            data
        }
        Check::YesNo | Check::Winding | Check::Iso5218 => example(["0", "1"]),
        Check::PieceOfTotal => example(["0102", "9999"]),
        Check::PositionInSequence => example(["1/9", "3/3"]),
        Check::PercentEncoding => data.iter().map(|byte| if *byte == b'%' { b'A' } else { *byte }).collect(),
        Check::Latitude => example(["0000000000", "1800000000"]),
        Check::Longitude => example(["0000000000", "3600000000"]),
        Check::MediaType => example(["01", "80"]),
        Check::ImporterIndex => example(["-", "z"]),
        Check::Hyphen => b"-".to_vec(),
        Check::Gcp | Check::GcpSecond | Check::HasNonDigit => data,
    }
}
