//! A picture for a small display.

use std::convert::Infallible;

use embedded_graphics::Pixel;
use embedded_graphics::pixelcolor::raw::RawU16;
use embedded_graphics::prelude::{DrawTarget, OriginDimensions, RawData, RgbColor, Size};
use embedded_graphics::primitives::Rectangle;
use embedded_graphics::{pixelcolor::Rgb565, prelude::Dimensions};

/// A picture, black at first. It can be drawn to with `embedded-graphics`; what lies outside is left out.
#[derive(Clone, PartialEq, Eq)]
pub struct Screen {
    width: u32,
    height: u32,
    rgb565: Vec<u16>,
}

impl Screen {
    /// A black picture. Width and height in pixels.
    #[must_use]
    pub fn new(width: u32, height: u32) -> Self {
        Self { width, height, rgb565: vec![0; width as usize * height as usize] }
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The pixels, row by row from the top left: 5 bits red, 6 bits green, 5 bits blue, red in the highest bits.
    #[must_use]
    pub fn pixels(&self) -> &[u16] {
        &self.rgb565
    }

    /// The pixels, with 8 bits each of red, green and blue.
    pub fn rgb888(&self) -> impl Iterator<Item = [u8; 3]> {
        self.rgb565.iter().map(|pixel| {
            let color = Rgb565::from(RawU16::new(*pixel));
            let widen = |value: u8, bits: u8| (value << (8 - bits)) | (value >> (2 * bits - 8));
            [widen(color.r(), 5), widen(color.g(), 6), widen(color.b(), 5)]
        })
    }
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Screen({} x {})", self.width, self.height)
    }
}

impl OriginDimensions for Screen {
    fn size(&self) -> Size {
        Size::new(self.width, self.height)
    }
}

impl DrawTarget for Screen {
    type Color = Rgb565;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb565>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        let width = self.width;
        for Pixel(point, color) in pixels {
            let (Ok(x), Ok(y)) = (u32::try_from(point.x), u32::try_from(point.y)) else { continue };
            if x < width
                && let Some(pixel) = self.rgb565.get_mut(y as usize * width as usize + x as usize)
            {
                *pixel = RawU16::from(color).into_inner();
            }
        }
        Ok(())
    }

    fn fill_solid(&mut self, area: &Rectangle, color: Rgb565) -> Result<(), Infallible> {
        let area = area.intersection(&self.bounding_box());
        let (left, top) = (area.top_left.x.max(0) as usize, area.top_left.y.max(0) as usize);
        let (columns, rows) = (area.size.width as usize, area.size.height as usize);
        for row in self.rgb565.chunks_exact_mut(self.width.max(1) as usize).skip(top).take(rows) {
            row[left..left + columns].fill(RawU16::from(color).into_inner());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use embedded_graphics::prelude::Point;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn colours_have_their_place() {
        let mut screen = Screen::new(3, 2);
        let pixels = [
            Pixel(Point::new(0, 0), Rgb565::RED),
            Pixel(Point::new(2, 0), Rgb565::GREEN),
            Pixel(Point::new(1, 1), Rgb565::BLUE),
        ];
        screen.draw_iter(pixels).unwrap();
        assert_eq!(screen.pixels(), [0xF800, 0, 0x07E0, 0, 0x001F, 0]);
        let wide: Vec<_> = screen.rgb888().collect();
        assert_eq!((wide[0], wide[2], wide[4]), ([255, 0, 0], [0, 255, 0], [0, 0, 255]));
    }

    proptest! {
        /// A rectangle is the same pixels, however it is filled, and what lies outside is left out.
        #[test]
        fn filling_is_drawing_each_pixel(
            width in 0u32..20, height in 0u32..20, x in -30i32..30, y in -30i32..30, w in 0u32..40, h in 0u32..40,
        ) {
            let area = Rectangle::new(Point::new(x, y), Size::new(w, h));
            let (mut filled, mut drawn) = (Screen::new(width, height), Screen::new(width, height));
            filled.fill_solid(&area, Rgb565::WHITE).unwrap();
            for point in embedded_graphics::primitives::PointsIter::points(&area) {
                drawn.draw_iter([Pixel(point, Rgb565::WHITE)]).unwrap();
            }
            prop_assert_eq!(filled.pixels(), drawn.pixels());
        }
    }
}
