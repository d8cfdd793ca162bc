//! What a label looks like: media, elements, and the tests that prove it.

mod read;
#[cfg(test)]
mod tests;

use std::path::Path;

use base::config::{Document, Faults};

use crate::Picture;
use crate::data::{Data, Pattern};
use crate::draw::draw;
use crate::font::{Fonts, Weight};
use crate::picture::{Density, Digest};
use crate::problem::Problems;

/// A template, read from a TOML file and proved by drawing every test in it. Threads may share one: characters that one of them
/// has drawn are kept for all.
#[derive(Debug)]
pub struct Template {
    pub(crate) name: String,
    pub(crate) media: Media,
    pub(crate) logistic: bool,
    pub(crate) elements: Vec<Element>,
    pub(crate) fonts: Fonts,
    pub(crate) digest: Digest,
    source: String,
    fields: Vec<String>,
    tests: Vec<Test>,
}

impl Template {
    /// Reads a template file.
    ///
    /// # Errors
    /// All its faults at once, those among them that only show when its tests are drawn.
    pub fn load(file: &Path) -> Result<Template, Faults> {
        let text = std::fs::read(file).map_err(|error| {
            Faults::of_file(
                file,
                format!("cannot be read: {error}"),
                "name an existing file that this program may read",
            )
        })?;
        let text = String::from_utf8(text)
            .map_err(|_| Faults::of_file(file, "is not text in UTF-8", "save the file in the encoding UTF-8"))?;
        Template::parse(file, &text)
    }

    /// Reads the text of a template; `file` is only named in faults.
    ///
    /// # Errors
    /// As [`Template::load`].
    pub fn parse(file: &Path, text: &str) -> Result<Template, Faults> {
        let fonts = Fonts::embedded()
            .map_err(|error| Faults::of_file(file, error.to_string(), "install this program again"))?;
        read::template(Document::parse(file, text)?, fonts, text)?
            .ok_or_else(|| Faults::of_file(file, "is no template", "write at least one [[element]] and one [[test]]"))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of the template's text: records name it.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The text that the template was read from, byte for byte. Kept under [`Template::digest`] it makes the same template again.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The density that the template is made for.
    pub fn density(&self) -> Density {
        self.media.density
    }

    /// Width and height of the label in millimetres.
    pub fn size_mm(&self) -> (f64, f64) {
        (self.media.width, self.media.height)
    }

    /// Every field that a placeholder or `when` of this template names, sorted.
    pub fn fields(&self) -> &[String] {
        &self.fields
    }

    /// The tests; there is at least one, and the first is the example for a preview.
    pub fn tests(&self) -> &[Test] {
        &self.tests
    }
}

/// A template's own test: values, and the codes that the label must have with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// Its name.
    pub name: String,
    /// The values.
    pub data: Data,
    /// What a scanner reads, AIM identifier first, in the order of the elements; `None`: not said.
    pub codes: Option<Vec<String>>,
}

/// A label to be: a template and values for it.
#[derive(Clone, Copy, Debug)]
pub struct Label<'a> {
    /// The template.
    pub template: &'a Template,
    /// The values.
    pub data: &'a Data,
}

impl Label<'_> {
    /// Draws the label at the density of its template.
    ///
    /// # Errors
    /// Everything that is wrong with it; a label is drawn whole or not at all.
    pub fn draw(&self) -> Result<Picture, Problems> {
        self.draw_at(self.template.density())
    }

    /// Draws the label for a printer of another density. X-dimensions are snapped to its dots anew.
    ///
    /// # Errors
    /// As [`Label::draw`].
    pub fn draw_at(&self, density: Density) -> Result<Picture, Problems> {
        draw(self.template, self.data, density)
    }
}

/// The label stock, lengths in millimetres.
#[derive(Clone, Debug)]
pub(crate) struct Media {
    pub width: f64,
    pub height: f64,
    pub margin: f64,
    pub density: Density,
}

/// One thing on the label.
#[derive(Clone, Debug)]
pub(crate) struct Element {
    /// The element is left out while one of these fields has no value.
    pub when: Vec<String>,
    pub kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Text(Text),
    /// Filled black.
    Line(Area),
    Frame {
        area: Area,
        thickness: f64,
    },
    Code(Barcode),
}

/// A rectangle in millimetres from the top left corner of the label.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Area {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

#[derive(Clone, Debug)]
pub(crate) struct Text {
    /// With a height of 0 the text is as high as it is.
    pub area: Area,
    pub text: Pattern,
    /// A small data title above the text.
    pub title: Option<String>,
    pub title_size: FontSize,
    pub size: FontSize,
    pub fit: Fit,
    pub align: Align,
    /// Place within the height: 0 top, 0.5 middle, 1 bottom.
    pub vertical: f64,
    pub weight: Weight,
    /// White on a black area.
    pub invert: bool,
}

/// A size of letters, in millimetres.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FontSize {
    /// The em, which is what points measure.
    Em(f64),
    /// Height of capitals and digits.
    Capitals(f64),
}

/// What happens to a text that is wider than its element.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fit {
    Refuse,
    Wrap,
    /// Down to this size.
    Shrink(FontSize),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Align {
    Left,
    Centre,
    Right,
}

#[derive(Clone, Debug)]
pub(crate) struct Barcode {
    /// Quiet zones and bars fit into `width`; the height is that of the bars.
    pub area: Area,
    pub content: Content,
    pub align: Align,
    pub x_dimension: f64,
    pub x_dimension_min: f64,
    /// Height of the digits below the bars; `None`: no text below.
    pub text_below: Option<f64>,
}

#[derive(Clone, Debug)]
pub(crate) enum Content {
    Gs1(Vec<(gs1::Ai, Pattern)>),
    Code128(Pattern),
}
