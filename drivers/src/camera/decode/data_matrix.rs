//! What the codewords of a Data Matrix say (ISO/IEC 16022, 5.2). The library's own text loses bytes above 127 in some
//! mixtures of encodings, and takes FNC1 after three characters for a sign of GS1.

/// What FNC1 is between data.
const GS: u8 = 0x1D;
const PAD: u8 = 129;
const FNC1: u8 = 232;
const UNLATCH: u8 = 254;
/// The end of a message after ISO/IEC 15434, which a macro stands for.
const TRAILER: &[u8] = b"\x1e\x04";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Triplets {
    C40,
    Text,
    X12,
}

/// The data and the modifier of the AIM identifier. `words` are the data codewords after error correction. A character
/// set named by an ECI is not applied: the bytes stay as they are. `None` where they break the standard, or where it is
/// not a whole message: a part of a structured append, or a code that programs the reader.
pub(super) fn read(words: &[u8]) -> Option<(Vec<u8>, u8)> {
    let mut reader = Reader { words, place: 0, data: Vec::new(), upper: false, trailer: false };
    let modifier = match words {
        [FNC1, ..] => b'2',
        // A letter or two digits in front of FNC1 are an application indicator of AIM.
        [66..=91 | 98..=123 | 130..=229, FNC1, ..] => b'3',
        _ => b'1',
    };
    reader.ascii(modifier)?;
    if reader.data.is_empty() {
        return None;
    }
    if reader.trailer {
        reader.data.extend_from_slice(TRAILER);
    }
    Some((reader.data, modifier))
}

struct Reader<'w> {
    words: &'w [u8],
    place: usize,
    data: Vec<u8>,
    /// The next character is moved to the upper half.
    upper: bool,
    trailer: bool,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<u8> {
        let word = *self.words.get(self.place)?;
        self.place += 1;
        Some(word)
    }

    fn left(&self) -> usize {
        self.words.len() - self.place
    }

    fn put(&mut self, byte: u8) {
        self.data.push(if std::mem::take(&mut self.upper) { byte.wrapping_add(128) } else { byte });
    }

    fn ascii(&mut self, modifier: u8) -> Option<()> {
        while let Some(word) = self.next() {
            match word {
                1..=128 => self.put(word - 1),
                PAD => break,
                130..=229 => self.data.extend([b'0' + (word - 130) / 10, b'0' + (word - 130) % 10]),
                230 => self.triplets(Triplets::C40)?,
                231 => self.bytes()?,
                FNC1 if self.place == 1 || (self.place == 2 && modifier == b'3') => {}
                FNC1 => self.data.push(GS),
                235 => self.upper = true,
                236 | 237 if self.place == 1 => {
                    self.data.extend_from_slice(if word == 236 { b"[)>\x1e05\x1d" } else { b"[)>\x1e06\x1d" });
                    self.trailer = true;
                }
                238 => self.triplets(Triplets::X12)?,
                239 => self.triplets(Triplets::Text)?,
                240 => self.edifact()?,
                241 => self.eci()?,
                // Some encoders end with it, although there is nothing left to leave.
                UNLATCH if self.left() == 0 => {}
                _ => return None,
            }
        }
        Some(())
    }

    /// Three characters in two codewords. A single codeword at the end is in ASCII.
    fn triplets(&mut self, kind: Triplets) -> Option<()> {
        let mut shift = 0;
        while self.left() > 1 {
            if self.words.get(self.place) == Some(&UNLATCH) {
                break;
            }
            let pair = u16::from_be_bytes([self.next()?, self.next()?]).checked_sub(1)?;
            for value in [pair / 1600, pair / 40 % 40, pair % 40] {
                let value = u8::try_from(value).ok().filter(|value| *value < 40)?;
                match kind {
                    Triplets::X12 => self.put(match value {
                        0 => b'\r',
                        1 => b'*',
                        2 => b'>',
                        _ => basic(value, b'A'),
                    }),
                    Triplets::C40 | Triplets::Text => self.shifted(kind, &mut shift, value)?,
                }
            }
        }
        if self.words.get(self.place) == Some(&UNLATCH) {
            self.place += 1;
        }
        Some(())
    }

    fn shifted(&mut self, kind: Triplets, shift: &mut u8, value: u8) -> Option<()> {
        match (std::mem::take(shift), value) {
            (0, 0..=2) => *shift = value + 1,
            (0, _) => self.put(basic(value, if kind == Triplets::C40 { b'A' } else { b'a' })),
            (1, 0..=31) => self.put(value),
            (2, 0..=14) => self.put(b'!' + value),
            (2, 15..=21) => self.put(b':' + value - 15),
            (2, 22..=26) => self.put(b'[' + value - 22),
            (2, 27) => self.data.push(GS),
            (2, 30) => self.upper = true,
            (3, 1..=26) if kind == Triplets::Text => self.put(b'A' + value - 1),
            (3, 0..=31) => self.put(b'`' + value),
            _ => return None,
        }
        Some(())
    }

    /// Four characters of six bits in three codewords. One or two codewords at the end are in ASCII.
    fn edifact(&mut self) -> Option<()> {
        while self.left() > 2 {
            let [a, b, c] = *self.words.get(self.place..)?.first_chunk::<3>()?;
            for (index, value) in [a >> 2, a << 4 | b >> 4, b << 2 | c >> 6, c].into_iter().enumerate() {
                let value = value & 0x3F;
                if value == 0x1F {
                    self.place += (index + 1).min(3);
                    return Some(());
                }
                self.put(if value & 0x20 == 0 { value | 0x40 } else { value });
            }
            self.place += 3;
        }
        Some(())
    }

    /// Base 256: bytes, randomised by their place (annex B.2).
    fn bytes(&mut self) -> Option<()> {
        let length = match self.byte()? {
            0 => self.left(),
            short @ 1..250 => usize::from(short),
            long => 250 * (usize::from(long) - 249) + usize::from(self.byte()?),
        };
        for _ in 0..length {
            let byte = self.byte()?;
            self.data.push(byte);
        }
        Some(())
    }

    fn byte(&mut self) -> Option<u8> {
        let word = self.next()?;
        let random = u8::try_from(149 * self.place % 255 + 1).ok()?;
        Some(word.wrapping_sub(random))
    }

    /// The number of a character set: one to three codewords.
    fn eci(&mut self) -> Option<()> {
        let more = match self.next()? {
            1..=127 => 0,
            128..=191 => 1,
            _ => 2,
        };
        for _ in 0..more {
            self.next()?;
        }
        Some(())
    }
}

/// Space, digits and letters of the basic sets of C40, Text and X12; `value` from 3 to 39.
fn basic(value: u8, first_letter: u8) -> u8 {
    match value {
        3 => b' ',
        4..=13 => b'0' + value - 4,
        _ => first_letter + value - 14,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn data(words: &[u8]) -> Option<(Vec<u8>, char)> {
        read(words).map(|(data, modifier)| (data, char::from(modifier)))
    }

    /// Three values of C40, Text or X12 as two codewords.
    fn triplet(values: [u16; 3]) -> [u8; 2] {
        (values[0] * 1600 + values[1] * 40 + values[2] + 1).to_be_bytes()
    }

    fn base256(before: usize, bytes: &[u8]) -> Vec<u8> {
        let length = u8::try_from(bytes.len()).unwrap();
        let random = |place: usize| u8::try_from(149 * place % 255 + 1).unwrap();
        let words = [&[length], bytes].concat().into_iter().zip(before + 1..);
        words.map(|(byte, place)| byte.wrapping_add(random(place))).collect()
    }

    #[test]
    fn fnc1_counts_as_gs1_only_in_first_place() {
        assert_eq!(data(&[232, 142, 232, 66, 129]), Some((b"12\x1dA".to_vec(), '2')));
        assert_eq!(data(&[66, 232, 67]), Some((b"AB".to_vec(), '3')));
        assert_eq!(data(&[142, 232, 67]), Some((b"12B".to_vec(), '3')));
        // After three characters it is a separator and no more.
        assert_eq!(data(&[66, 67, 68, 232, 69]), Some((b"ABC\x1dD".to_vec(), '1')));
        assert_eq!(data(&[50, 232, 69]), Some((b"1\x1dD".to_vec(), '1')));
    }

    #[test]
    fn every_encoding() {
        let [a, b] = triplet([14, 3, 4]);
        let [c, d] = triplet([1, 27, 13]);
        let [e, f] = triplet([2, 1, 0]);
        assert_eq!(data(&[230, a, b, c, d, 254, 67]), Some((b"A 0\x1d9B".to_vec(), '1')));
        assert_eq!(data(&[239, a, b, e, f, 254, 129, 7]), Some((b"a 0A".to_vec(), '1')));
        assert_eq!(data(&[230, e, f]), Some((b"a".to_vec(), '1')));
        assert_eq!(data(&[238, a, b, e, f, 254]), Some((b"A 0>*\r".to_vec(), '1')));
        // A single codeword after the triplets is ASCII; upper shift inside C40.
        assert_eq!(data(&[230, a, b, 67]), Some((b"A 0B".to_vec(), '1')));
        let [g, h] = triplet([1, 30, 14]);
        assert_eq!(data(&[230, g, h, 254]), Some((b"\xc1".to_vec(), '1')));
        // EDIFACT "A1.Z", then the unlatch in each place.
        let values = [0x01u8, 0x31, 0x2E, 0x1A];
        let pack = |v: [u8; 4]| [v[0] << 2 | v[1] >> 4, v[1] << 4 | v[2] >> 2, v[2] << 6 | v[3]];
        let whole = pack(values);
        assert_eq!(data(&[&[240][..], &whole].concat()), Some((b"A1.Z".to_vec(), '1')));
        for place in 0..4 {
            let mut values = values;
            values[place] = 0x1F;
            values[place + 1..].fill(0);
            let words = [&[66, 240][..], &pack(values)[..(place + 1).min(3)], &[67, 129, 1]].concat();
            assert_eq!(data(&words), Some(([b"A", &b"A1."[..place], b"B"].concat(), '1')), "{place}");
        }
    }

    #[test]
    fn bytes_stay_as_they_are() {
        let bytes = b"\0\xff\x80caf\xc3\xa9\x1d";
        let words = [&[231][..], &base256(1, bytes), &[66]].concat();
        assert_eq!(data(&words), Some(([&bytes[..], b"A"].concat(), '1')));
        // With an ECI too, and with the upper half of ASCII behind it.
        let words = [&[241, 27, 231][..], &base256(3, bytes), &[235, 106]].concat();
        assert_eq!(data(&words), Some(([&bytes[..], b"\xe9"].concat(), '1')));
        // A length of more bytes than there are.
        assert_eq!(data(&[&[231][..], &base256(1, bytes)[..5]].concat()), None);
    }

    #[test]
    fn macros_are_written_out() {
        assert_eq!(data(&[237, 66, 129]), Some((b"[)>\x1e06\x1dA\x1e\x04".to_vec(), '1')));
        assert_eq!(data(&[236, 66]), Some((b"[)>\x1e05\x1dA\x1e\x04".to_vec(), '1')));
    }

    #[test]
    fn what_is_not_a_whole_message_is_refused() {
        for words in [&[233, 20, 1, 1, 66][..], &[234, 66], &[66, 237], &[0], &[250], &[129], &[], &[232], &[230, 0, 0]]
        {
            assert_eq!(data(words), None, "{words:?}");
        }
    }

    proptest! {
        #[test]
        fn any_codewords_are_read_or_refused(words: Vec<u8>) {
            if let Some((data, _)) = read(&words) {
                prop_assert!(!data.is_empty() && data.len() <= 2 * words.len() + 9);
            }
        }
    }
}
