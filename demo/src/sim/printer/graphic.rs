//! The data of `^GF`: dots as hexadecimal digits or as Z64 (ZPL II Programming Guide, "Graphic Field").

use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::ZlibDecoder;

use super::wire::number;

/// Real printers cut what is longer, silently.
const MOST_BYTES: usize = 99_999;

/// Reads `a,b,c,d,data`: bytes of a row, and the rows one behind the other.
pub(super) fn read(parameters: &[u8]) -> Option<(usize, Vec<u8>)> {
    let mut parts = parameters.splitn(5, |byte| *byte == b',');
    let [kind, _, total, stride, data] = [(); 5].map(|()| parts.next());
    if !kind?.eq_ignore_ascii_case(b"A") {
        return None;
    }
    let (total, stride) = ((number(total?) as usize).min(MOST_BYTES), number(stride?) as usize);
    if stride == 0 || stride > MOST_BYTES {
        return None;
    }
    let data = data?.trim_ascii();
    let bits = match data.strip_prefix(b":Z64:") {
        Some(data) => z64(data, total)?,
        None => hex(data, total)?,
    };
    (bits.len() == total).then_some((stride, bits))
}

/// Zlib in base64, then the CRC of the base64 text.
fn z64(data: &[u8], total: usize) -> Option<Vec<u8>> {
    let colon = data.iter().position(|byte| *byte == b':')?;
    let (text, crc) = (&data[..colon], std::str::from_utf8(&data[colon + 1..]).ok()?);
    if crc.len() != 4 || u16::from_str_radix(crc, 16).ok()? != crc16(text) {
        return None;
    }
    let mut bits = Vec::with_capacity(total);
    // One byte more than announced is enough to see that it is too much.
    ZlibDecoder::new(STANDARD.decode(text).ok()?.as_slice()).take(total as u64 + 1).read_to_end(&mut bits).ok()?;
    Some(bits)
}

fn hex(data: &[u8], total: usize) -> Option<Vec<u8>> {
    let digits = data.iter().filter(|byte| !byte.is_ascii_whitespace());
    let digits: Option<Vec<u8>> =
        digits.map(|byte| char::from(*byte).to_digit(16).map(|digit| digit as u8)).take(2 * total + 2).collect();
    Some(digits?.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).unwrap_or(&0)).take(total).collect())
}

/// CRC-16/XMODEM: polynomial 0x1021, initial value 0.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| (crc << 8) ^ CRC[usize::from((crc >> 8) as u8 ^ byte)])
}

const CRC: [u16; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = (index as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(bits: &[u8]) -> String {
        let mut zlib = flate2::read::ZlibEncoder::new(bits, flate2::Compression::fast());
        let mut bytes = Vec::new();
        zlib.read_to_end(&mut bytes).unwrap();
        STANDARD.encode(bytes)
    }

    #[test]
    fn hexadecimal_digits() {
        assert_eq!(read(b"A,4,4,2,F0\r\n0f a5 5A\r\n"), Some((2, vec![0xF0, 0x0F, 0xA5, 0x5A])));
        assert_eq!(read(b"a,4,4,2,F00Fa55A"), Some((2, vec![0xF0, 0x0F, 0xA5, 0x5A])));
        for wrong in ["A,4,4,2,F00F", "A,4,4,2,F00FXX5A", "A,4,4,0,F00FA55A", "B,4,4,2,F00FA55A", "A,4,4,2", ""] {
            assert_eq!(read(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn z64_is_checked_by_its_crc_and_length() {
        let text = packed(&[1, 2, 3, 4]);
        let crc = crc16(text.as_bytes());
        let data = |total: usize, crc: u16| format!("A,{total},{total},2,:Z64:{text}:{crc:04X}").into_bytes();
        assert_eq!(read(&data(4, crc)), Some((2, vec![1, 2, 3, 4])));
        assert_eq!(read(&data(4, crc ^ 1)), None);
        assert_eq!(read(&data(3, crc)), None, "more than announced");
        assert_eq!(read(&data(5, crc)), None, "less than announced");
        assert_eq!(read(format!("A,4,4,2,:Z64:{text}").as_bytes()), None, "no CRC");
    }

    #[test]
    fn more_than_a_graphic_holds_is_cut_or_refused() {
        let zeros = vec![0; 1 << 20];
        let text = packed(&zeros);
        let crc = crc16(text.as_bytes());
        assert_eq!(read(format!("A,1048576,1048576,100,:Z64:{text}:{crc:04X}").as_bytes()), None);
        let digits = "00".repeat(100_010);
        assert_eq!(read(format!("A,100010,100010,10,{digits}").as_bytes()).unwrap().1.len(), MOST_BYTES);
    }

    #[test]
    fn the_crc_is_the_catalogued_one() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
    }
}
