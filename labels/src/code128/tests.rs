use proptest::prelude::*;

use super::*;

/// Reads code values as the standard says, independently of the encoder.
fn decode(codes: &[u8]) -> Option<Vec<Symbol>> {
    let [start @ 103..=105, data @ .., check, 106] = codes else { return None };
    let sum: usize = data.iter().enumerate().map(|(at, code)| (at + 1) * usize::from(*code)).sum();
    if (usize::from(*start) + sum) % 103 != usize::from(*check) {
        return None;
    }
    let (mut set, mut shift) = (b"ABC"[usize::from(start - 103)], false);
    let mut symbols = Vec::new();
    for code in data {
        let now = match (shift, set) {
            (true, b'A') => b'B',
            (true, _) => b'A',
            (false, set) => set,
        };
        shift = false;
        match (now, *code) {
            (_, 102) => symbols.push(Symbol::Fnc1),
            (b'C', pair @ 0..=99) => symbols.extend([Symbol::Char(b'0' + pair / 10), Symbol::Char(b'0' + pair % 10)]),
            (b'B', c @ 0..=95) | (b'A', c @ 0..=63) => symbols.push(Symbol::Char(c + 32)),
            (b'A', c @ 64..=95) => symbols.push(Symbol::Char(c - 64)),
            (b'A' | b'B', 98) => shift = true,
            (b'A' | b'B', 99) => set = b'C',
            (b'A' | b'C', 100) => set = b'B',
            (b'B' | b'C', 101) => set = b'A',
            _ => return None,
        }
    }
    Some(symbols)
}

/// The fewest code values between start and check, by trying everything.
fn fewest(data: &[Symbol], set: Set, latched: bool) -> u32 {
    let Some(symbol) = data.first() else { return 0 };
    let next = data.get(1).copied();
    let mut best = u32::MAX / 2;
    if let Some((_, length)) = set.code(*symbol, next) {
        best = best.min(1 + fewest(&data[length..], set, false));
    }
    if set != Set::C && set.other().code(*symbol, next).is_some() {
        best = best.min(2 + fewest(&data[1..], set, false));
    }
    if !latched {
        for other in Set::ALL.into_iter().filter(|other| *other != set) {
            best = best.min(1 + fewest(data, other, true));
        }
    }
    best
}

fn chars(text: &str) -> Vec<Symbol> {
    text.bytes().map(Symbol::Char).collect()
}

#[test]
fn an_sscc_takes_14_codewords_and_156_modules() {
    let codes = encode(&gs1_128("00095212341234567891")).unwrap();
    assert_eq!(codes, [105, 102, 0, 9, 52, 12, 34, 12, 34, 56, 78, 91, 51, 106]);
    assert_eq!(widths(&codes).iter().map(|w| u32::from(*w)).sum::<u32>(), 156);
}

#[test]
fn known_symbols() {
    // The check character of PJJ123C in code set B is 55.
    assert_eq!(encode(&chars("PJJ123C")).unwrap(), [104, 48, 42, 42, 17, 18, 19, 35, 55, 106]);
    assert_eq!(encode(&chars("4711")).unwrap(), [105, 47, 11, 71, 106]);
    // (02) (37) (10): 22 codewords, too wide for an A6 label at 0.5 mm.
    assert_eq!(encode(&gs1_128("02095212345432133724\u{1d}10LOT42")).unwrap().len(), 22);
}

#[test]
fn widths_are_those_of_the_symbology() {
    for (code, widths) in WIDTHS.iter().enumerate() {
        let sum: u8 = widths.iter().map(|w| w - b'0').sum();
        let bars: u8 = widths.iter().step_by(2).map(|w| w - b'0').sum();
        assert_eq!(sum, if code == usize::from(STOP) { 13 } else { 11 }, "{code}");
        // The modules of the bars of every character are even in number (ISO/IEC 15417, self-checking).
        assert!(code == usize::from(STOP) || bars.is_multiple_of(2), "{code}");
        assert!(WIDTHS.iter().skip(code + 1).all(|other| other != widths), "{code}");
    }
}

#[test]
fn what_cannot_be_encoded() {
    assert_eq!(encode(&[]), None);
    assert_eq!(encode(&chars("é")), None);
}

fn symbols(longest: usize) -> impl Strategy<Value = Vec<Symbol>> {
    let symbol = prop_oneof![
        4 => (b'0'..=b'9').prop_map(Symbol::Char),
        2 => (0..=127_u8).prop_map(Symbol::Char),
        1 => (0..=31_u8).prop_map(Symbol::Char),
        1 => Just(Symbol::Fnc1),
    ];
    prop::collection::vec(symbol, 1..=longest)
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(data in symbols(60)) {
        let codes = encode(&data).unwrap();
        prop_assert_eq!(decode(&codes), Some(data));
    }

    #[test]
    fn no_symbol_is_shorter(data in symbols(7)) {
        let codes = encode(&data).unwrap();
        let best = Set::ALL.into_iter().map(|set| fewest(&data, set, false)).min().unwrap();
        prop_assert_eq!(codes.len() as u32, best + 3);
    }
}
