//! The picture as the print head sees it: one bit for each dot.

use std::convert::Infallible;
use std::fmt;

use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::prelude::{DrawTarget, OriginDimensions, Pixel, Point, Size};
use embedded_graphics::primitives::Rectangle;

/// A one-bit picture. Rows from top to bottom, each of [`Canvas::stride`] bytes; the most significant bit is the leftmost dot;
/// 1 is black. The bits behind the last dot of a row are 0.
#[derive(Clone, PartialEq, Eq)]
pub struct Canvas {
    width: u32,
    height: u32,
    stride: usize,
    bits: Vec<u8>,
}

impl fmt::Debug for Canvas {
    /// Without its dots, of which there are a million.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { width, height, .. } = self;
        write!(f, "Canvas({width} x {height})")
    }
}

impl Canvas {
    /// A white canvas of `width` times `height` dots.
    pub fn new(width: u32, height: u32) -> Canvas {
        let stride = width.div_ceil(8) as usize;
        Canvas { width, height, stride, bits: vec![0; stride * height as usize] }
    }

    /// Dots in a row.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Bytes of a row.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// All rows, one behind the other.
    pub fn bits(&self) -> &[u8] {
        &self.bits
    }

    /// Whether the dot is black. Outside the canvas everything is white.
    pub fn is_black(&self, x: i32, y: i32) -> bool {
        self.place(x, y).is_some_and(|(at, mask)| self.bits.get(at).is_some_and(|byte| byte & mask != 0))
    }

    fn place(&self, x: i32, y: i32) -> Option<(usize, u8)> {
        let x = u32::try_from(x).ok().filter(|x| *x < self.width)?;
        let y = u32::try_from(y).ok().filter(|y| *y < self.height)?;
        Some((y as usize * self.stride + x as usize / 8, 0x80 >> (x % 8)))
    }

    fn set(&mut self, x: i32, y: i32, color: BinaryColor) {
        if let Some((at, mask)) = self.place(x, y)
            && let Some(byte) = self.bits.get_mut(at)
        {
            paint(byte, mask, color);
        }
    }
}

fn paint(byte: &mut u8, mask: u8, color: BinaryColor) {
    match color {
        BinaryColor::On => *byte |= mask,
        BinaryColor::Off => *byte &= !mask,
    }
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(self.width, self.height)
    }
}

impl DrawTarget for Canvas {
    type Color = BinaryColor;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<BinaryColor>>,
    {
        for Pixel(Point { x, y }, color) in pixels {
            self.set(x, y, color);
        }
        Ok(())
    }

    /// Whole bytes at a time: a barcode is nothing but filled rectangles.
    fn fill_solid(&mut self, area: &Rectangle, color: BinaryColor) -> Result<(), Infallible> {
        let area = area.intersection(&Rectangle::new(Point::zero(), self.size()));
        let (Ok(left), Ok(top)) = (usize::try_from(area.top_left.x), usize::try_from(area.top_left.y)) else {
            return Ok(());
        };
        let (width, height) = (area.size.width as usize, area.size.height as usize);
        if width == 0 {
            return Ok(());
        }
        let last = left + width - 1;
        let (first_mask, last_mask) = (0xFF_u8 >> (left % 8), 0xFF_u8 << (7 - last % 8));
        for row in self.bits.chunks_exact_mut(self.stride).skip(top).take(height) {
            let Some(bytes) = row.get_mut(left / 8..=last / 8) else { continue };
            match bytes {
                [one] => paint(one, first_mask & last_mask, color),
                [first, between @ .., end] => {
                    paint(first, first_mask, color);
                    between.iter_mut().for_each(|byte| paint(byte, 0xFF, color));
                    paint(end, last_mask, color);
                }
                [] => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_leftmost_dot_is_the_most_significant_bit() {
        let mut canvas = Canvas::new(10, 2);
        canvas.draw_iter([Pixel(Point::new(0, 0), BinaryColor::On), Pixel(Point::new(9, 1), BinaryColor::On)]).unwrap();
        assert_eq!((canvas.stride(), canvas.bits()), (2, &[0x80, 0, 0, 0x40][..]));
        assert!(canvas.is_black(9, 1) && !canvas.is_black(8, 1) && !canvas.is_black(10, 1) && !canvas.is_black(-1, 0));
    }

    proptest! {
        #[test]
        fn fast_fill_is_dot_by_dot_fill(
            fills in prop::collection::vec((-20..60_i32, -5..12_i32, 0..70_u32, 0..12_u32, any::<bool>()), 1..6),
            width in 0..50_u32,
        ) {
            let (mut fast, mut slow) = (Canvas::new(width, 9), Canvas::new(width, 9));
            for (x, y, w, h, black) in fills {
                let area = Rectangle::new(Point::new(x, y), Size::new(w, h));
                let color = BinaryColor::from(black);
                fast.fill_solid(&area, color).unwrap();
                slow.draw_iter(embedded_graphics::prelude::PointsIter::points(&area).map(|p| Pixel(p, color))).unwrap();
            }
            prop_assert_eq!(fast, slow);
        }
    }
}
