//! Text as dots. Outlines are fitted to the dot grid by the automatic hinter for one-bit output, so that all stems of a size are
//! equally wide; a dot is black where the outline covers at least half of it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::prelude::{DrawTarget, Point, Size as Extent, Transform as _};
use embedded_graphics::primitives::Rectangle;
use skrifa::instance::{LocationRef, Size};
use skrifa::outline::{
    DrawError, DrawSettings, Engine, GlyphStyles, HintingInstance, HintingOptions, OutlinePen, Target,
};
use skrifa::{FontRef, MetadataProvider};
use zeno::{Command, Mask, Origin, Point as OutlinePoint};

/// Liberation Sans: metrics of a face that everybody knows, Latin, Greek and Cyrillic.
const REGULAR: &[u8] = include_bytes!("../fonts/LiberationSans-Regular.ttf");
const BOLD: &[u8] = include_bytes!("../fonts/LiberationSans-Bold.ttf");

/// Which face a text is set in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    Regular,
    Bold,
}

/// The faces that labels are set in.
pub(crate) struct Fonts {
    regular: Face,
    bold: Face,
}

/// Most runs that a face keeps, 2 MB of them: some thousand characters of the usual sizes.
const MOST_RUNS: usize = 1 << 17;
/// Most sizes that a face keeps; a template has a dozen, and a few more where texts shrink.
const MOST_SIZES: usize = 64;

struct Face {
    font: FontRef<'static>,
    styles: GlyphStyles,
    most_runs: usize,
    kept: Mutex<Kept>,
}

/// What a face has made so far. When it is more than may be kept, all of it is dropped and made again as it is needed.
#[derive(Default)]
struct Kept {
    /// By em: to make one takes far longer than to use it.
    hinters: HashMap<u32, HintingInstance>,
    /// By em and character.
    glyphs: HashMap<(u32, char), Arc<Glyph>>,
    /// Runs of all glyphs together.
    runs: usize,
}

/// A character as dots, relative to the start of its base line.
#[derive(Debug)]
struct Glyph {
    runs: Vec<Rectangle>,
    ink: Rectangle,
    /// From its start to that of the next character.
    advance: i32,
}

impl Face {
    fn new(bytes: &'static [u8], most_runs: usize) -> Result<Face, FontError> {
        let font = FontRef::new(bytes).map_err(|error| FontError::File { reason: error.to_string() })?;
        let styles = GlyphStyles::new(&font.outline_glyphs());
        Ok(Face { font, styles, most_runs, kept: Mutex::default() })
    }

    fn glyphs(&self, em: u32, text: &str) -> Result<Vec<Arc<Glyph>>, FontError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        text.chars().map(|character| self.glyph(&mut kept, em, character)).collect()
    }

    fn glyph(&self, kept: &mut Kept, em: u32, character: char) -> Result<Arc<Glyph>, FontError> {
        if let Some(glyph) = kept.glyphs.get(&(em, character)) {
            return Ok(glyph.clone());
        }
        if kept.runs >= self.most_runs || kept.hinters.len() > MOST_SIZES {
            *kept = Kept::default();
        }
        let hinter = match kept.hinters.entry(em) {
            Entry::Occupied(hinter) => hinter.into_mut(),
            Entry::Vacant(free) => free.insert(self.hinter(em)?),
        };
        let glyph = Arc::new(self.draw(hinter, em, character)?);
        kept.runs += glyph.runs.len() + 1;
        kept.glyphs.insert((em, character), glyph.clone());
        Ok(glyph)
    }

    fn hinter(&self, em: u32) -> Result<HintingInstance, FontError> {
        let options = HintingOptions { engine: Engine::Auto(Some(self.styles.clone())), target: Target::Mono };
        let size = Size::new(em as f32);
        Ok(HintingInstance::new(&self.font.outline_glyphs(), size, LocationRef::default(), options)?)
    }

    fn draw(&self, hinter: &HintingInstance, em: u32, character: char) -> Result<Glyph, FontError> {
        let outlines = self.font.outline_glyphs();
        let (id, outline) = self
            .font
            .charmap()
            .map(character)
            .and_then(|id| outlines.get(id).map(|outline| (id, outline)))
            .ok_or(FontError::MissingGlyph { character })?;
        let mut pen = Pen::default();
        let adjusted = outline.draw(DrawSettings::hinted(hinter, false), &mut pen)?;
        let metrics = self.font.glyph_metrics(Size::new(em as f32), LocationRef::default());
        let width = adjusted.advance_width.or_else(|| metrics.advance_width(id)).unwrap_or_default();
        let runs = black_runs(&pen.commands);
        Ok(Glyph { ink: around(runs.iter().copied()), runs, advance: width.round() as i32 })
    }
}

impl std::fmt::Debug for Fonts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fonts")
    }
}

impl Fonts {
    /// The faces that are part of the program.
    pub fn embedded() -> Result<Fonts, FontError> {
        Fonts::keeping(MOST_RUNS)
    }

    /// The same; each face keeps about so many runs.
    pub fn keeping(most_runs: usize) -> Result<Fonts, FontError> {
        Ok(Fonts { regular: Face::new(REGULAR, most_runs)?, bold: Face::new(BOLD, most_runs)? })
    }

    fn face(&self, weight: Weight) -> &Face {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        }
    }

    /// The least em in dots with which capitals are at least `height` dots high.
    pub fn em_for_capitals(&self, weight: Weight, height: i32) -> Result<u32, FontError> {
        // The outline's height is known; the hinter then moves it to whole dots, by less than one.
        let unit = Size::new(1.0);
        let outline = self.face(weight).font.metrics(unit, LocationRef::default()).cap_height.unwrap_or(1.0);
        let mut em = (((height - 1).max(0) as f32 / outline.max(0.1)) as u32).max(1);
        while self.capitals(weight, em)? < height {
            em += 1;
            if i64::from(em) > 4 * i64::from(height) {
                return Err(FontError::Outline { reason: "its capitals have no height".to_owned() });
            }
        }
        Ok(em)
    }

    /// Height of capitals in dots.
    pub fn capitals(&self, weight: Weight, em: u32) -> Result<i32, FontError> {
        Ok(-self.line(weight, em, "H")?.ink.top_left.y)
    }

    /// Sets one line of text with an em of `em` dots.
    ///
    /// # Errors
    /// A character that the face does not have: it is never replaced by a box.
    pub fn line(&self, weight: Weight, em: u32, text: &str) -> Result<Line, FontError> {
        let mut advance = 0;
        let mut glyphs = Vec::new();
        for glyph in self.face(weight).glyphs(em, text)? {
            let next = advance + glyph.advance;
            glyphs.push((glyph, advance));
            advance = next;
        }
        let inks = glyphs.iter().map(|(glyph, at)| glyph.ink.translate(Point::new(*at, 0)));
        let ink = around(inks);
        Ok(Line { glyphs, ink })
    }
}

/// A line of text as dots, relative to the start of its base line; y grows downwards.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// Characters and where each starts.
    glyphs: Vec<(Arc<Glyph>, i32)>,
    /// The smallest rectangle with all black dots; zero sized for blanks.
    pub ink: Rectangle,
}

impl Line {
    /// Width of the black dots.
    pub fn width(&self) -> i32 {
        i32::try_from(self.ink.size.width).unwrap_or(i32::MAX)
    }

    /// Draws the line with the start of its base line at `origin`.
    pub fn draw<D>(&self, target: &mut D, origin: Point, color: BinaryColor) -> Result<(), D::Error>
    where
        D: DrawTarget<Color = BinaryColor>,
    {
        self.glyphs.iter().try_for_each(|(glyph, at)| {
            let start = origin + Point::new(*at, 0);
            glyph.runs.iter().try_for_each(|run| target.fill_solid(&run.translate(start), color))
        })
    }
}

/// The dots of a character that its outline covers at least half, as horizontal runs.
fn black_runs(outline: &[Command]) -> Vec<Rectangle> {
    if outline.is_empty() {
        return Vec::new();
    }
    let (coverage, placement) = Mask::new(outline).origin(Origin::TopLeft).render();
    let mut runs = Vec::new();
    for (row, y) in coverage.chunks_exact(placement.width.max(1) as usize).zip(placement.top..) {
        let mut left = placement.left;
        for run in row.chunk_by(|a, b| (*a >= 128) == (*b >= 128)) {
            let width = run.len() as u32;
            if run.first().is_some_and(|covered| *covered >= 128) {
                runs.push(Rectangle::new(Point::new(left, y), Extent::new(width, 1)));
            }
            left += width as i32;
        }
    }
    runs
}

/// The smallest rectangle around all of them.
fn around(areas: impl Iterator<Item = Rectangle>) -> Rectangle {
    areas
        .filter_map(|area| Some((area.top_left, area.bottom_right()?)))
        .reduce(|(low, high), (start, end)| (low.component_min(start), high.component_max(end)))
        .map_or(Rectangle::zero(), |(low, high)| Rectangle::with_corners(low, high))
}

/// Collects an outline for the mask. In the font y grows upwards, here downwards.
#[derive(Default)]
struct Pen {
    commands: Vec<Command>,
}

impl OutlinePen for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.commands.push(Command::MoveTo(OutlinePoint::new(x, -y)));
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.commands.push(Command::LineTo(OutlinePoint::new(x, -y)));
    }

    fn quad_to(&mut self, cx: f32, cy: f32, x: f32, y: f32) {
        self.commands.push(Command::QuadTo(OutlinePoint::new(cx, -cy), OutlinePoint::new(x, -y)));
    }

    fn curve_to(&mut self, ax: f32, ay: f32, bx: f32, by: f32, x: f32, y: f32) {
        let (a, b) = (OutlinePoint::new(ax, -ay), OutlinePoint::new(bx, -by));
        self.commands.push(Command::CurveTo(a, b, OutlinePoint::new(x, -y)));
    }

    fn close(&mut self) {
        self.commands.push(Command::Close);
    }
}

/// Why a text cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FontError {
    /// The face has no such character.
    #[error("the font has no character {character:?} (U+{:04X})", u32::from(*character))]
    MissingGlyph {
        /// The character.
        character: char,
    },
    /// The font file is not one.
    #[error("the font cannot be read: {reason}")]
    File {
        /// What its reader says.
        reason: String,
    },
    /// An outline of the font is damaged.
    #[error("a character of the font cannot be drawn: {reason}")]
    Outline {
        /// What its reader says.
        reason: String,
    },
}

impl From<DrawError> for FontError {
    fn from(error: DrawError) -> FontError {
        FontError::Outline { reason: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::canvas::Canvas;

    fn stems(weight: Weight, em: u32) -> BTreeMap<u32, u32> {
        let line = Fonts::embedded().unwrap().line(weight, em, "lIHhnmiu").unwrap();
        let (width, height) = (line.ink.size.width + 4, line.ink.size.height);
        let mut canvas = Canvas::new(width, height);
        line.draw(&mut canvas, Point::zero() - line.ink.top_left, BinaryColor::On).unwrap();
        // A row at half the height of small letters crosses every stem and no bow.
        let y = height as i32 - (f64::from(em) * 0.26) as i32;
        let mut runs = BTreeMap::new();
        let mut run = 0;
        for x in 0..=width as i32 {
            if canvas.is_black(x, y) {
                run += 1;
            } else if run > 0 {
                *runs.entry(run).or_default() += 1;
                run = 0;
            }
        }
        runs
    }

    #[test]
    fn all_stems_of_a_size_are_equally_wide() {
        // From 5 to 15 pt at 8 dots per mm. In larger sizes the capitals' stems are wider by design.
        for em in [14, 17, 20, 25, 28, 34, 42] {
            for weight in [Weight::Regular, Weight::Bold] {
                let stems = stems(weight, em);
                assert_eq!(stems.len(), 1, "{weight:?} em {em}: {stems:?}");
                assert_eq!(stems.values().sum::<u32>(), 14, "{weight:?} em {em}: {stems:?}");
            }
        }
    }

    #[test]
    fn capitals_are_never_lower_than_asked() {
        let fonts = Fonts::embedded().unwrap();
        for height in [10, 16, 24, 37, 56, 100] {
            let em = fonts.em_for_capitals(Weight::Regular, height).unwrap();
            assert!(fonts.capitals(Weight::Regular, em).unwrap() >= height);
            assert!(fonts.capitals(Weight::Regular, em - 1).unwrap() < height);
        }
    }

    #[test]
    fn accents_are_drawn_and_missing_characters_refused() {
        let fonts = Fonts::embedded().unwrap();
        let plain = fonts.line(Weight::Regular, 40, "AU").unwrap();
        let accents = fonts.line(Weight::Regular, 40, "ÄÜ").unwrap();
        assert!(accents.ink.size.height > plain.ink.size.height);
        assert!(fonts.line(Weight::Regular, 40, "Łódź Ωμέγα Жук").is_ok());
        assert_eq!(
            fonts.line(Weight::Bold, 40, "a漢").unwrap_err().to_string(),
            "the font has no character '漢' (U+6F22)"
        );
        assert_eq!(fonts.line(Weight::Bold, 40, "  ").unwrap().width(), 0);
    }
}
