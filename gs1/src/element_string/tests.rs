use proptest::prelude::*;

use super::*;
use crate::ai::any_element;

fn elements(pairs: &[(&str, &str)]) -> Vec<Element> {
    pairs.iter().map(|(ai, value)| Element::new(ai.parse().unwrap(), value).unwrap()).collect()
}

fn ai(code: &str) -> Ai {
    code.parse().unwrap()
}

#[test]
fn scanned_data() {
    for (data, expected) in [
        ("00095212341234567891", &[("00", "095212341234567891")][..]),
        ("\u{1d}00095212341234567891", &[("00", "095212341234567891")]),
        ("0109521234543213\u{1d}21SN1", &[("01", "09521234543213"), ("21", "SN1")]),
        ("010952123454321310LOT1\u{1d}21SN1", &[("01", "09521234543213"), ("10", "LOT1"), ("21", "SN1")]),
        ("010952123454321310LOT1\u{1d}21SN1\u{1d}", &[("01", "09521234543213"), ("10", "LOT1"), ("21", "SN1")]),
        ("0209521234543213371234\u{1d}3103001000", &[("02", "09521234543213"), ("37", "1234"), ("3103", "001000")]),
        ("40209521234000000017\u{1d}403+1", &[("402", "09521234000000017"), ("403", "+1")]),
        ("8008250131120059\u{1d}80082501311200", &[("8008", "250131120059"), ("8008", "2501311200")]),
        // Nothing can tell that a separator is missing where the value is short enough.
        ("10LOT121SN1", &[("10", "LOT121SN1")]),
    ] {
        assert_eq!(parse(data), Ok(elements(expected)), "{data:?}");
    }
}

#[test]
fn scanned_data_that_is_refused() {
    let value = |code, position, source| ElementStringError::Value { ai: ai(code), position, source };
    let unknown = |position, found: &str| ElementStringError::UnknownAi { position, found: found.into() };
    for (data, error) in [
        (&b""[..], ElementStringError::Empty),
        (b"\x1d", ElementStringError::Empty),
        (b"\x1d\x1d10A", unknown(1, "\\x1d10A")),
        (b"SN12345", unknown(0, "SN12")),
        (b"89X", unknown(0, "89X")),
        (b"0", unknown(0, "0")),
        (b"31X6000100", unknown(0, "31X6")),
        (b"3106000100", unknown(0, "3106")),
        (b"10LOT1\x1d89X", unknown(7, "89X")),
        (b"10LOT1\x1d\x1d21A", unknown(7, "\\x1d21A")),
        (b"0109521234543214", value("01", 0, ValueError::CheckDigit { offset: 13, found: 4, expected: 3 })),
        (b"010952123454321", value("01", 0, ValueError::TooShort { found: 13, min: 14 })),
        (b"0109521\x1d234543213", value("01", 0, ValueError::TooShort { found: 5, min: 14 })),
        (
            b"010952123454321317251301",
            value("17", 16, ValueError::Content { offset: 0, rule: "a date YYMMDD, or YYMM00" }),
        ),
        (b"17250230", value("17", 0, ValueError::Content { offset: 0, rule: "a date YYMMDD, or YYMM00" })),
        (b"800300952123400001X", value("8003", 0, ValueError::CheckDigit { offset: 13, found: 1, expected: 0 })),
        (b"10", value("10", 0, ValueError::TooShort { found: 0, min: 1 })),
        (
            b"10A B",
            value(
                "10",
                0,
                ValueError::Character { offset: 1, found: b' ', allowed: "letters, digits and !\"%&'()*+,-./:;<=>?_" },
            ),
        ),
        (
            b"10A\xff",
            value(
                "10",
                0,
                ValueError::Character { offset: 1, found: 0xff, allowed: "letters, digits and !\"%&'()*+,-./:;<=>?_" },
            ),
        ),
        (b"3712A", value("37", 0, ValueError::Character { offset: 2, found: b'A', allowed: "the digits 0 to 9" })),
        (b"800801010112000", value("8008", 0, ValueError::TooShort { found: 11, min: 12 })),
    ] {
        assert_eq!(parse(data), Err(error), "{}", data.escape_ascii());
    }
}

#[test]
fn a_lost_separator_is_named_where_it_can_be_proved() {
    let data = "0109521234543213371234567810ABC";
    assert_eq!(
        parse(data).unwrap_err().to_string(),
        "GS lost: AI (37) at byte 16 takes at most 8 characters, 13 follow and the data holds no GS (0x1D). \
         Scanner programming: let it send GS for FNC1"
    );
    assert!(matches!(parse("4020952123400000001710ABC"), Err(ElementStringError::SeparatorLost { max: 17, .. })));
    // A GS elsewhere shows that the scanner sends it: then the value is simply too long.
    for data in ["\u{1d}371234567810ABC", "371234567810ABC\u{1d}", "10A\u{1d}371234567810ABC"] {
        let error = parse(data).unwrap_err();
        assert!(
            matches!(error, ElementStringError::Value { source: ValueError::TooLong { found: 13, max: 8 }, .. }),
            "{error:?}"
        );
    }
}

#[test]
fn data_with_brackets() {
    for (text, expected) in [
        ("(01)09521234543213(10)LOT1", &[("01", "09521234543213"), ("10", "LOT1")][..]),
        ("(10)A\\(B\\()(21)\\(", &[("10", "A(B()"), ("21", "(")]),
        ("(10)A)B", &[("10", "A)B")]),
    ] {
        let read = parse_bracketed(text);
        assert_eq!(read, Ok(elements(expected)), "{text}");
        assert_eq!(bracketed(&read.unwrap()), text);
    }
    for (text, error) in [
        ("", ElementStringError::Empty),
        ("1012345", ElementStringError::Brackets { position: 0 }),
        ("(15", ElementStringError::Brackets { position: 0 }),
        (" (10)A", ElementStringError::Brackets { position: 0 }),
        ("(10)A(21", ElementStringError::Brackets { position: 5 }),
        ("()12345", ElementStringError::UnknownAi { position: 1, found: "".into() }),
        ("(10)A(1é)A", ElementStringError::UnknownAi { position: 6, found: "1\\xc3\\xa9".into() }),
        ("(011)A", ElementStringError::UnknownAi { position: 1, found: "011".into() }),
        (
            "(10)A(21)",
            ElementStringError::Value { ai: ai("21"), position: 5, source: ValueError::TooShort { found: 0, min: 1 } },
        ),
        (
            "(10)A\u{1d}",
            ElementStringError::Value {
                ai: ai("10"),
                position: 0,
                source: ValueError::Character {
                    offset: 1,
                    found: GS,
                    allowed: "letters, digits and !\"%&'()*+,-./:;<=>?_",
                },
            },
        ),
    ] {
        assert_eq!(parse_bracketed(text), Err(error), "{text:?}");
    }
}

#[test]
fn what_is_encoded_and_printed() {
    let label = elements(&[("02", "09521234543213"), ("37", "12"), ("10", "LOT1")]);
    assert_eq!(encode(&label), "02095212345432133712\u{1d}10LOT1");
    assert_eq!(hri(&label), ["(02) 09521234543213", "(37) 12", "(10) LOT1"]);
    assert_eq!(label.iter().map(Element::title).collect::<Vec<_>>(), ["CONTENT", "COUNT", "BATCH/LOT"]);
    assert_eq!(encode(&[]), "");
}

#[test]
fn errors_tell_their_cause_once() {
    let error = parse("17250230").unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(error.to_string(), "the value of AI (17) at byte 0 is not valid");
    assert_eq!(source, "what begins at offset 0 must be a date YYMMDD, or YYMM00: correct the value where it is made");
}

/// Bytes that get further than noise: AIs, digits, separators, a little of everything.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => any_element().prop_map(|element| encode(&[element]).into_bytes()),
        2 => Just(vec![GS]),
        2 => "[0-9]{1,4}".prop_map(String::into_bytes),
        1 => any::<Vec<u8>>(),
    ];
    prop_oneof![
        any::<Vec<u8>>(),
        "[0-9\\x1d()\\\\A-Z]{0,40}".prop_map(String::into_bytes),
        prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat()),
    ]
}

proptest! {
    #[test]
    fn never_panics_and_leaves_nothing_out(data in hostile()) {
        if let Ok(read) = parse(&data) {
            let without_separators = |data: &[u8]| data.iter().filter(|byte| **byte != GS).copied().collect::<Vec<u8>>();
            prop_assert_eq!(without_separators(encode(&read).as_bytes()), without_separators(&data));
            prop_assert_eq!(parse(encode(&read)), Ok(read));
        }
        if let Ok(read) = parse_bracketed(&String::from_utf8_lossy(&data)) {
            prop_assert_eq!(parse_bracketed(&bracketed(&read)), Ok(read));
        }
    }

    #[test]
    fn every_element_string_reads_back(made in prop::collection::vec(any_element(), 1..8)) {
        prop_assert_eq!(parse(encode(&made)), Ok(made.clone()));
        prop_assert_eq!(parse(format!("\u{1d}{}\u{1d}", encode(&made))), Ok(made.clone()));
        let separated: Vec<String> = made.iter().map(|element| encode(std::slice::from_ref(element))).collect();
        prop_assert_eq!(parse(separated.join("\u{1d}")), Ok(made.clone()));
        prop_assert_eq!(parse_bracketed(&bracketed(&made)), Ok(made));
    }
}
