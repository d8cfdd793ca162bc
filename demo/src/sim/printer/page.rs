//! The label that comes out: dots, their digest, and a picture file of them.

use labels::Digest;
use png::{BitDepth, ColorType, Compression, Encoder, EncodingError, Filter};
use sha2::{Digest as _, Sha256};

/// Dots in each direction that `^PW` and `^LL` take.
pub(super) const MOST_DOTS: u32 = 32_000;
/// Bytes of the largest page; a label of 150 x 300 mm at 600 dpi has 3 MB.
pub(super) const MOST_PAGE: usize = 8 << 20;

/// Dots in a row, and rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub width: u32,
    pub height: u32,
}

/// A graphic and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub x: u32,
    pub y: u32,
    /// Bytes of a row.
    pub stride: usize,
    pub bits: Vec<u8>,
}

/// A label: 1 is black, the most significant bit is the leftmost dot.
#[derive(Debug)]
pub(super) struct Page {
    size: Size,
    stride: usize,
    bits: Vec<u8>,
}

impl Page {
    /// Draws fields one over the other. `None`: larger than any label.
    pub fn draw(size: Size, fields: &[Field]) -> Option<Self> {
        let stride = size.width.div_ceil(8) as usize;
        let bytes = stride.checked_mul(size.height as usize).filter(|bytes| *bytes <= MOST_PAGE)?;
        let mut page = Self { size, stride, bits: vec![0; bytes] };
        fields.iter().for_each(|field| page.put(field));
        // Nothing behind the last dot of a row.
        let within = 0xFF_u8 << ((8 - size.width % 8) % 8);
        page.bits.chunks_exact_mut(stride.max(1)).for_each(|row| row[stride - 1] &= within);
        Some(page)
    }

    fn put(&mut self, field: &Field) {
        let (left, shift) = (field.x as usize / 8, field.x % 8);
        let rows = self.bits.chunks_exact_mut(self.stride.max(1)).skip(field.y as usize);
        for (row, bytes) in rows.zip(field.bits.chunks(field.stride)) {
            let Some(row) = row.get_mut(left..) else { return };
            for (at, byte) in bytes.iter().enumerate().take(row.len()) {
                row[at] |= byte >> shift;
                if shift > 0 && at + 1 < row.len() {
                    row[at + 1] |= byte << (8 - shift);
                }
            }
        }
    }

    /// As `labels::Picture::digest` counts: width and height in 4 bytes each, most significant first, and the rows.
    pub fn digest(&self) -> Digest {
        let mut hasher = Sha256::new();
        hasher.update(self.size.width.to_be_bytes());
        hasher.update(self.size.height.to_be_bytes());
        hasher.update(&self.bits);
        Digest(hasher.finalize().into())
    }

    /// A PNG file of one bit per dot, quickly made.
    pub fn png(&self) -> Result<Vec<u8>, EncodingError> {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, self.size.width, self.size.height);
        encoder.set_color(ColorType::Grayscale);
        encoder.set_depth(BitDepth::One);
        encoder.set_compression(Compression::Fast);
        encoder.set_filter(Filter::Up);
        // In PNG 0 is black.
        let inverted: Vec<u8> = self.bits.iter().map(|byte| !byte).collect();
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&inverted)?;
        writer.finish()?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_black(page: &Page, x: u32, y: u32) -> bool {
        page.bits[y as usize * page.stride + x as usize / 8] & (0x80 >> (x % 8)) != 0
    }

    proptest! {
        #[test]
        fn a_dot_is_black_where_a_field_has_one(
            width in 1..40_u32,
            height in 1..12_u32,
            fields in prop::collection::vec((0..60_u32, 0..15_u32, 1..4_usize, prop::collection::vec(any::<u8>(), 0..20)), 0..4),
        ) {
            let fields: Vec<Field> =
                fields.into_iter().map(|(x, y, stride, bits)| Field { x, y, stride, bits }).collect();
            let page = Page::draw(Size { width, height }, &fields).unwrap();
            let expected = |x: u32, y: u32| fields.iter().any(|field| {
                let (Some(x), Some(y)) = (x.checked_sub(field.x), y.checked_sub(field.y)) else { return false };
                let (byte, mask) = (x as usize / 8, 0x80 >> (x % 8));
                byte < field.stride && field.bits.get(y as usize * field.stride + byte).is_some_and(|bits| bits & mask != 0)
            });
            for y in 0..height {
                for x in 0..width {
                    prop_assert_eq!(is_black(&page, x, y), expected(x, y), "{}, {}", x, y);
                }
                for x in width..page.stride as u32 * 8 {
                    prop_assert!(!is_black(&page, x, y), "behind the row: {}, {}", x, y);
                }
            }
        }

        #[test]
        fn the_file_has_every_dot(width in 1..70_u32, bits in prop::collection::vec(any::<u8>(), 90)) {
            let field = Field { x: 0, y: 0, stride: 9, bits };
            let page = Page::draw(Size { width, height: 10 }, &[field]).unwrap();
            let file = page.png().unwrap();
            let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
            let mut read = vec![0; reader.output_buffer_size().unwrap()];
            let info = reader.next_frame(&mut read).unwrap();
            prop_assert_eq!((info.width, info.height, info.bit_depth), (width, 10, BitDepth::One));
            let inverted: Vec<u8> = page.bits.iter().map(|byte| !byte).collect();
            let mask = 0xFF_u8 << (page.stride as u32 * 8 - width);
            for (row, expected) in read.chunks(page.stride).zip(inverted.chunks(page.stride)) {
                prop_assert_eq!(&row[..page.stride - 1], &expected[..page.stride - 1]);
                prop_assert_eq!(row[page.stride - 1] & mask, expected[page.stride - 1] & mask);
            }
        }
    }

    #[test]
    fn no_page_is_larger_than_any_label() {
        assert!(Page::draw(Size { width: MOST_DOTS, height: MOST_DOTS }, &[]).is_none());
        assert!(Page::draw(Size { width: 3_600, height: 7_200 }, &[]).is_some());
    }
}
