//! Text on a small display: which size fits, and where its lines end.
//!
//! The faces are the fixed ones of `embedded-graphics` and whole multiples of the bold ones: every letter has the same
//! width, so what fits is counted, not measured.

use embedded_graphics::Pixel;
use embedded_graphics::mono_font::iso_8859_1::{FONT_5X8, FONT_6X10, FONT_7X13_BOLD, FONT_9X15_BOLD, FONT_10X20};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::Rgb565;
use embedded_graphics::prelude::{Dimensions, DrawTarget, Drawable, Point, Size};
use embedded_graphics::primitives::Rectangle;
use embedded_graphics::text::{Baseline, Text};

/// Stands for everything that has no letter here: control characters, and what is not in ISO 8859-1.
const REPLACEMENT: char = '\u{a4}';
/// No more of a text is looked at: far more than any display shows.
const MOST_CHARACTERS: usize = 4_096;
const PLAIN: [&MonoFont<'static>; 3] = [&FONT_5X8, &FONT_6X10, &FONT_10X20];
/// Strokes that are thin would look thin as well when they are enlarged.
const BOLD: [&MonoFont<'static>; 2] = [&FONT_7X13_BOLD, &FONT_9X15_BOLD];
const LARGEST_SCALE: u32 = 16;

/// A font in a size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Face {
    font: &'static MonoFont<'static>,
    scale: u32,
}

impl Face {
    /// Every face of at least `least` and at most `most` pixels, largest first.
    pub(super) fn between(least: u32, most: u32) -> Vec<Self> {
        let bold = (1..=LARGEST_SCALE).flat_map(|scale| BOLD.map(|font| Self { font, scale }));
        let all = bold.chain(PLAIN.map(|font| Self { font, scale: 1 }));
        let mut faces: Vec<_> = all.filter(|face| (least..=most).contains(&face.height())).collect();
        faces.sort_by_key(|face| std::cmp::Reverse((face.height(), face.width())));
        faces
    }

    /// Height of a line in pixels.
    pub(super) fn height(&self) -> u32 {
        self.font.character_size.height * self.scale
    }

    /// Width of a letter in pixels.
    pub(super) fn width(&self) -> u32 {
        self.font.character_size.width * self.scale
    }

    /// Letters in a line of `width` pixels.
    pub(super) fn columns(&self, width: u32) -> usize {
        (width / self.width()) as usize
    }

    /// Draws one line; `at` is its top left.
    pub(super) fn draw<D: DrawTarget<Color = Rgb565>>(
        &self,
        line: &str,
        at: Point,
        color: Rgb565,
        target: &mut D,
    ) -> Result<(), D::Error> {
        let mut scaled = Scaled { target, at, scale: self.scale };
        Text::with_baseline(line, Point::zero(), MonoTextStyle::new(self.font, color), Baseline::Top)
            .draw(&mut scaled)
            .map(drop)
    }
}

/// Draws each pixel as a square.
struct Scaled<'t, D> {
    target: &'t mut D,
    at: Point,
    scale: u32,
}

impl<D: DrawTarget<Color = Rgb565>> Dimensions for Scaled<'_, D> {
    fn bounding_box(&self) -> Rectangle {
        let area = self.target.bounding_box();
        Rectangle::new(Point::zero(), area.size / self.scale)
    }
}

impl<D: DrawTarget<Color = Rgb565>> DrawTarget for Scaled<'_, D> {
    type Color = Rgb565;
    type Error = D::Error;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb565>>>(&mut self, pixels: I) -> Result<(), D::Error> {
        let size = Size::new_equal(self.scale);
        for Pixel(point, color) in pixels {
            let at = self.at + point.component_mul(Point::new_equal(i32::try_from(self.scale).unwrap_or(1)));
            self.target.fill_solid(&Rectangle::new(at, size), color)?;
        }
        Ok(())
    }
}

/// The text as it is drawn: scanned data is only letters, and what has none is seen as [`REPLACEMENT`].
pub(super) fn letters(text: &str) -> Vec<char> {
    let visible = |letter: char| match letter {
        ' '..='~' | '\u{a0}'..='\u{ac}' | '\u{ae}'..='\u{ff}' => letter,
        _ => REPLACEMENT,
    };
    text.chars().take(MOST_CHARACTERS).map(visible).collect()
}

/// Breaks a text into lines of at most `columns` letters, at spaces where there are some; spaces within a line stay as they
/// are. The flag tells whether a word had to be broken.
pub(super) fn wrap(text: &str, columns: usize) -> (Vec<String>, bool) {
    let (letters, mut lines, mut broken) = (letters(text), Vec::new(), false);
    let mut rest = letters.as_slice();
    while !rest.is_empty() && columns > 0 {
        let end = match rest.get(..=columns) {
            None => rest.len(),
            Some(window) => match window.iter().rposition(|letter| *letter == ' ') {
                Some(space) if space > 0 => space,
                _ => {
                    broken = true;
                    columns
                }
            },
        };
        lines.push(rest[..end].iter().collect());
        rest = &rest[end..];
        let spaces = rest.iter().take_while(|letter| **letter == ' ').count();
        rest = &rest[spaces..];
    }
    (lines, broken)
}

/// Keeps `most` lines; the last one says with two dots that there was more.
pub(super) fn cut(mut lines: Vec<String>, most: usize, columns: usize) -> Vec<String> {
    if lines.len() <= most {
        return lines;
    }
    lines.truncate(most);
    if let Some(last) = lines.last_mut() {
        *last = last.chars().take(columns.saturating_sub(2)).chain("..".chars()).take(columns).collect();
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_end_at_spaces_and_long_words_are_broken() {
        assert_eq!(wrap("one two three", 7), (vec!["one two".into(), "three".into()], false));
        assert_eq!(wrap("ABCDEFGHIJ", 4), (vec!["ABCD".into(), "EFGH".into(), "IJ".into()], true));
        assert_eq!(wrap("A  B", 10), (vec!["A  B".into()], false), "two spaces are not one");
        assert_eq!(wrap("", 4), (vec![], false));
        assert_eq!(wrap("abc", 0), (vec![], false));
    }

    #[test]
    fn what_has_no_letter_is_seen() {
        let seen: String = letters("A\u{1d}\n\tB\u{7f}\u{85}\u{200e}\u{ad}é漢").into_iter().collect();
        assert_eq!(seen, "A¤¤¤B¤¤¤¤é¤");
    }

    #[test]
    fn what_is_cut_says_so() {
        let lines = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(cut(lines(&["abcd", "efgh", "i"]), 2, 4), ["abcd", "ef.."]);
        assert_eq!(cut(lines(&["abcd", "e"]), 2, 4), ["abcd", "e"]);
        assert_eq!(cut(lines(&["abcd", "e"]), 1, 1), ["."]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_but_spaces_and_nothing_is_too_long(text in "\\PC{0,80}|[ -~]{0,80}| {0,9}", columns in 1usize..40) {
            let (lines, _) = wrap(&text, columns);
            prop_assert!(lines.iter().all(|line| (1..=columns).contains(&line.chars().count())), "{lines:?}");
            let without_spaces = |letters: &mut dyn Iterator<Item = char>| letters.filter(|l| *l != ' ').collect::<String>();
            prop_assert_eq!(
                without_spaces(&mut lines.iter().flat_map(|line| line.chars())),
                without_spaces(&mut letters(&text).into_iter())
            );
        }
    }
}
