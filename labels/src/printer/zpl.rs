//! ZPL II of Zebra and many others: the picture as `^GF` graphics (ZPL Programming Guide).

use std::fmt::Write as _;
use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::{Language, LanguageError};
use crate::picture::Picture;

/// `^GF` takes byte counts up to 99,999 and cuts greater ones silently: larger pictures go in bands.
const MOST_BYTES: usize = 99_999;
/// A pallet label at 8 dots per millimetre takes 13 kB on the wire with it, 1 kB more than at the best level, in a quarter of the
/// time; the fastest level takes 20 kB.
const LEVEL: Compression = Compression::new(4);
/// Largest `^PW` and `^LL`.
const MOST_DOTS: u32 = 32_000;

/// ZPL II.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Zpl {
    /// Whether the printer prints a label again by itself after a fault such as media out (`^JZ`). It would print the same
    /// identity twice without a person's decision, so it is off by default, and always said, as printers remember it.
    pub reprint_after_error: bool,
}

impl Language for Zpl {
    fn name(&self) -> &'static str {
        "zpl"
    }

    fn encode(&self, picture: &Picture) -> Result<Vec<u8>, LanguageError> {
        let canvas = picture.canvas();
        let (width, height, stride) = (canvas.width(), canvas.height(), canvas.stride());
        if width > MOST_DOTS || height > MOST_DOTS {
            return Err(LanguageError::TooLarge { language: self.name(), most: MOST_DOTS, width, height });
        }
        let reprint = if self.reprint_after_error { 'Y' } else { 'N' };
        // What an earlier format has left behind (home, shift, mirror, reverse) is said anew.
        let mut format = format!("^XA^JZ{reprint}^PW{width}^LL{height}^LH0,0^LS0^PON^PMN^LRN\n");
        let rows = (MOST_BYTES / stride.max(1)).max(1);
        for (band, number) in canvas.bits().chunks(rows * stride.max(1)).zip(0..) {
            let (bytes, data) = (band.len(), z64(band)?);
            // Writing to a String cannot fail.
            writeln!(format, "^FO0,{}^GFA,{bytes},{bytes},{stride},{data}^FS", number * rows).unwrap_or_default();
        }
        format.push_str("^PQ1,0,1,Y^XZ\n");
        Ok(format.into_bytes())
    }
}

/// Zebra's Z64: zlib, then base64, then the CRC of the base64 text.
fn z64(bytes: &[u8]) -> Result<String, LanguageError> {
    let mut zlib = ZlibEncoder::new(Vec::new(), LEVEL);
    zlib.write_all(bytes).map_err(LanguageError::Compression)?;
    let text = STANDARD.encode(zlib.finish().map_err(LanguageError::Compression)?);
    let crc = crc16(text.as_bytes());
    Ok(format!(":Z64:{text}:{crc:04X}"))
}

/// CRC-16/XMODEM: polynomial 0x1021, initial value 0.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| crc << 8 ^ CRC16[usize::from((crc >> 8) as u8 ^ byte)])
}

/// What each byte adds to the CRC.
const CRC16: [u16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use embedded_graphics::pixelcolor::BinaryColor;
    use embedded_graphics::prelude::{DrawTarget as _, Pixel, Point, Size};
    use embedded_graphics::primitives::Rectangle;
    use proptest::prelude::*;

    use super::*;
    use crate::canvas::Canvas;
    use crate::picture::{Density, Digest};

    fn picture(width: u32, height: u32) -> Picture {
        let mut canvas = Canvas::new(width, height);
        let area = Rectangle::new(Point::new(3, 1), Size::new(width / 2, height));
        canvas.fill_solid(&area, BinaryColor::On).unwrap();
        Picture { canvas, density: Density::new(8.0).unwrap(), codes: Vec::new(), template: Digest([0; 32]) }
    }

    fn any_picture(width: u32, height: u32, seed: u64) -> Picture {
        let mut canvas = Canvas::new(width, height);
        let mut state = seed | 1;
        for y in 0..height as i32 {
            for x in 0..width as i32 {
                // xorshift64: noise, which does not compress, in the left half only.
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let black = BinaryColor::from(x < width as i32 / 2 && state & 1 == 1);
                canvas.draw_iter([Pixel(Point::new(x, y), black)]).unwrap();
            }
        }
        Picture { canvas, density: Density::new(8.0).unwrap(), codes: Vec::new(), template: Digest([0; 32]) }
    }

    /// The rows that the graphics of a format say, checked band by band.
    fn read_back(format: &str, stride: usize) -> Vec<u8> {
        let mut bits = Vec::new();
        for field in format.split("^FO0,").skip(1) {
            let (row, rest) = field.split_once("^GFA,").unwrap();
            assert_eq!(row.parse::<usize>().unwrap() * stride, bits.len());
            let (counts, data) = rest.split_once(",:Z64:").unwrap();
            let counts: Vec<usize> = counts.split(',').map(|count| count.parse().unwrap()).collect();
            let (text, crc) = data.split_once("^FS").unwrap().0.split_once(':').unwrap();
            assert_eq!(crc, format!("{:04X}", crc16(text.as_bytes())));
            let mut band = Vec::new();
            flate2::read::ZlibDecoder::new(&STANDARD.decode(text).unwrap()[..]).read_to_end(&mut band).unwrap();
            assert_eq!(counts, [band.len(), band.len(), stride]);
            assert!(band.len() <= MOST_BYTES);
            bits.extend(band);
        }
        bits
    }

    #[test]
    fn bands_hold_the_whole_picture() {
        for (width, height, bands) in [(840, 1184, 2), (840, 952, 1), (840, 953, 2), (2520, 3552, 12), (9, 3, 1)] {
            let picture = picture(width, height);
            let format = String::from_utf8(Zpl::default().encode(&picture).unwrap()).unwrap();
            assert_eq!(format.matches("^GFA").count(), bands, "{width} x {height}");
            assert_eq!(read_back(&format, picture.canvas().stride()), picture.canvas().bits());
        }
    }

    #[test]
    fn one_label_and_no_reprint_by_itself() {
        let format = |zpl: Zpl| String::from_utf8(zpl.encode(&picture(16, 16)).unwrap()).unwrap();
        let plain = format(Zpl::default());
        assert!(plain.starts_with("^XA^JZN^PW16^LL16") && plain.ends_with("^PQ1,0,1,Y^XZ\n"), "{plain}");
        assert!(format(Zpl { reprint_after_error: true }).starts_with("^XA^JZY"));
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let error = Zpl::default().encode(&picture(32_001, 8)).unwrap_err();
        assert_eq!(error.to_string(), "zpl takes at most 32000 dots in each direction, the label has 32001 x 8");
    }

    #[test]
    fn the_crc_is_the_catalogued_one() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!((crc16(b""), crc16(b"A"), crc16(&[0xFF; 4])), (0, 0x58E5, 0x99CF));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_is_encoded_is_read_back(width in 1..300_u32, height in 1..80_u32, seed in any::<u64>()) {
            let picture = any_picture(width, height, seed);
            let format = String::from_utf8(Zpl::default().encode(&picture).unwrap()).unwrap();
            prop_assert_eq!(read_back(&format, picture.canvas().stride()), picture.canvas().bits());
            // Nothing but the picture, its frame and one label.
            let fields = format.split("^GFA").count() - 1;
            let expected = format!("^XA^JZN^PW{width}^LL{height}^LH");
            prop_assert!(format.starts_with(&expected));
            prop_assert_eq!((fields, format.matches("^XA").count(), format.matches("^XZ").count()), (1, 1, 1));
        }
    }
}
