//! What the symbol characters of a Code 128 say (ISO/IEC 15417). The library's own text drops FNC1, or leaves one behind
//! where the check character happens to be 102.

const CODE_C: u8 = 99;
const CODE_B: u8 = 100;
const CODE_A: u8 = 101;
const FNC1: u8 = 102;
const STOP: u8 = 106;
/// What FNC1 is between data.
const GS: u8 = 0x1D;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Set {
    A,
    B,
    C,
}

/// The data and the modifier of the AIM identifier. `codes` are all symbol characters, start, check and stop included.
/// `None` where the check fails, or where it is not a whole message: FNC2 asks to append the next code, FNC3 programs the
/// reader.
pub(super) fn read(codes: &[u8]) -> Option<(Vec<u8>, u8)> {
    let [start, body @ .., check, STOP] = codes else { return None };
    let mut set = match start {
        103 => Set::A,
        104 => Set::B,
        105 => Set::C,
        _ => return None,
    };
    let weighed = body.iter().zip(1u64..).map(|(code, place)| u64::from(*code) * place).sum::<u64>();
    if (u64::from(*start) + weighed) % 103 != u64::from(*check) {
        return None;
    }

    let (mut data, mut modifier) = (Vec::new(), b'0');
    let (mut upper, mut upper_next, mut shift) = (false, false, false);
    // Data characters so far; FNC1 after the first of them has a meaning of its own.
    let mut characters = 0;
    for code in body {
        let now = match (set, shift) {
            (Set::A, true) => Set::B,
            (Set::B, true) => Set::A,
            _ => set,
        };
        shift = false;
        match (now, *code) {
            (Set::C, code @ 0..=99) => {
                data.extend([b'0' + code / 10, b'0' + code % 10]);
                characters += 1;
            }
            (Set::A | Set::B, code @ 0..=95) => {
                let byte = if now == Set::A && code >= 64 { code - 64 } else { code + 32 };
                data.push(if upper ^ upper_next { byte | 0x80 } else { byte });
                upper_next = false;
                characters += 1;
            }
            (_, FNC1) if characters == 0 && modifier == b'0' => modifier = b'1',
            (_, FNC1) if characters == 1 && modifier == b'0' && may_indicate(&data) => modifier = b'2',
            (_, FNC1) => data.push(GS),
            (Set::A | Set::B, 98) => shift = true,
            (Set::A | Set::B, CODE_C) => set = Set::C,
            (Set::A | Set::C, CODE_B) => set = Set::B,
            (Set::B | Set::C, CODE_A) => set = Set::A,
            // FNC4 moves the next character, two of them all that follow, until two more.
            (Set::A, CODE_A) | (Set::B, CODE_B) if upper_next => {
                upper = !upper;
                upper_next = false;
            }
            (Set::A, CODE_A) | (Set::B, CODE_B) => upper_next = true,
            _ => return None,
        }
    }
    (!data.is_empty()).then_some((data, modifier))
}

/// One letter or two digits in front of FNC1 are an application indicator of AIM.
fn may_indicate(data: &[u8]) -> bool {
    matches!(data, [letter] if letter.is_ascii_alphabetic()) || data.len() == 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn coded(start: u8, body: &[u8]) -> Vec<u8> {
        let sum: u64 = body.iter().zip(1..).map(|(code, place)| u64::from(*code) * place).sum();
        let check = u8::try_from((u64::from(start) + sum) % 103).unwrap();
        [&[start][..], body, &[check, STOP]].concat()
    }

    fn data(start: u8, body: &[u8]) -> Option<(Vec<u8>, char)> {
        read(&coded(start, body)).map(|(data, modifier)| (data, char::from(modifier)))
    }

    #[test]
    fn fnc1_in_first_place_is_gs1_and_later_gs() {
        assert_eq!(data(105, &[102, 10, 12, 102, 21, 34]), Some((b"1012\x1d2134".to_vec(), '1')));
        assert_eq!(data(105, &[10, 12, 102, 21]), Some((b"1012\x1d21".to_vec(), '0')));
        // A change of set is no data: FNC1 still comes first.
        assert_eq!(data(104, &[99, 102, 10]), Some((b"10".to_vec(), '1')));
    }

    #[test]
    fn a_check_character_102_leaves_no_gs_behind() {
        // 104 + 1 * c1 + 2 * c2 = 102 mod 103 for c1 = 33 'A', c2 = 34 'B': 104 + 33 + 68 = 205 = 102 mod 103.
        let codes = coded(104, &[33, 34]);
        assert_eq!(codes[3], FNC1);
        assert_eq!(read(&codes), Some((b"AB".to_vec(), b'0')));
    }

    #[test]
    fn fnc1_in_second_place() {
        assert_eq!(data(104, &[33, 102, 34]), Some((b"AB".to_vec(), '2')));
        assert_eq!(data(105, &[12, 102, 34]), Some((b"1234".to_vec(), '2')));
        assert_eq!(data(104, &[17, 102, 34]), Some((b"1\x1dB".to_vec(), '0')));
    }

    #[test]
    fn sets_shifts_and_the_upper_half() {
        // A: NUL, GS; to B: a; shift to A: US; back in B: b; to C: 07; to A: A.
        let body = [64, 93, 100, 65, 98, 95, 66, 99, 7, 101, 33];
        assert_eq!(data(103, &body), Some((b"\0\x1da\x1fb07A".to_vec(), '0')));
        // FNC4 once, twice, inside the latch once, and twice again.
        let body = [100, 83, 65, 100, 100, 83, 100, 65, 83, 100, 100, 65];
        assert_eq!(data(104, &body), Some((b"\xf3a\xf3a\xf3a".to_vec(), '0')));
    }

    #[test]
    fn what_is_not_a_whole_message_is_refused() {
        for body in [&[33, 97][..], &[33, 96], &[], &[102]] {
            assert_eq!(data(104, body), None, "{body:?}");
        }
        assert_eq!(data(105, &[104]), None);
        let mut wrong = coded(104, &[33, 34]);
        wrong[1] = 35;
        assert_eq!(read(&wrong), None);
    }

    proptest! {
        #[test]
        fn any_characters_are_read_or_refused(codes: Vec<u8>) {
            if let Some((data, _)) = read(&codes) {
                prop_assert!(!data.is_empty() && data.len() <= 2 * codes.len());
            }
        }

        #[test]
        fn any_body_with_a_right_check(start in 103u8..106, body in prop::collection::vec(0u8..103, 1..40)) {
            if let Some((data, modifier)) = data(start, &body) {
                prop_assert!(!data.is_empty() && data.len() <= 2 * body.len() && ('0'..='2').contains(&modifier));
            }
        }
    }
}
