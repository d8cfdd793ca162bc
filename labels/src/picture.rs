//! A drawn label.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::canvas::Canvas;

/// A SHA-256 digest; it displays as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    pub(crate) fn of(parts: &[&[u8]]) -> Digest {
        let mut hasher = Sha256::new();
        parts.iter().for_each(|part| hasher.update(part));
        Digest(hasher.finalize().into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// How many dots a print head puts on a length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Density {
    dots_per_mm: f64,
}

impl Density {
    /// `dots_per_mm` from 4 to 50. What is sold as 203, 300 and 600 dpi has 8, 12 (or 11.8) and 24 (or 23.6).
    pub fn new(dots_per_mm: f64) -> Option<Density> {
        (4.0..=50.0).contains(&dots_per_mm).then_some(Density { dots_per_mm })
    }

    /// Dots on a millimetre.
    pub fn dots_per_mm(self) -> f64 {
        self.dots_per_mm
    }

    /// A length in whole dots, rounded.
    pub(crate) fn dots(self, mm: f64) -> i32 {
        (mm * self.dots_per_mm).round() as i32
    }

    /// A length in whole dots, not less than it.
    pub(crate) fn dots_at_least(self, mm: f64) -> i32 {
        (mm * self.dots_per_mm - 1e-6).ceil() as i32
    }

    /// Whole dots as a length.
    pub(crate) fn mm(self, dots: i32) -> f64 {
        f64::from(dots) / self.dots_per_mm
    }
}

/// A code on a label, as a scanner reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct Code {
    /// What a scanner says about the symbol.
    pub aim: gs1::AimId,
    /// The content, with GS (0x1D) as separator.
    pub data: String,
    /// Width of the narrowest bar in dots.
    pub x_dimension_dots: u32,
    /// The same in millimetres.
    pub x_dimension_mm: f64,
}

impl fmt::Display for Code {
    /// AIM identifier and content, as a scanner sends them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.aim, self.data)
    }
}

/// A drawn label: what is shown, archived and printed.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    pub(crate) canvas: Canvas,
    pub(crate) density: Density,
    pub(crate) codes: Vec<Code>,
    pub(crate) template: Digest,
}

impl Picture {
    /// The dots.
    pub fn canvas(&self) -> &Canvas {
        &self.canvas
    }

    /// The density that it was drawn for.
    pub fn density(&self) -> Density {
        self.density
    }

    /// The codes on it, in the order of the template.
    pub fn codes(&self) -> &[Code] {
        &self.codes
    }

    /// Digest of the template that it was drawn from.
    pub fn template_digest(&self) -> Digest {
        self.template
    }

    /// SHA-256 over width and height in dots, each as 4 bytes, most significant first, and the rows of the canvas.
    pub fn digest(&self) -> Digest {
        let canvas = &self.canvas;
        Digest::of(&[&canvas.width().to_be_bytes(), &canvas.height().to_be_bytes(), canvas.bits()])
    }

    /// The picture as a PNG file of one bit per dot, with its true size.
    ///
    /// # Errors
    /// The encoder's; none are known for a picture of this room.
    pub fn png(&self) -> Result<Vec<u8>, PngError> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, self.canvas.width(), self.canvas.height());
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::One);
        let per_metre = (self.density.dots_per_mm * 1000.0).round() as u32;
        encoder.set_pixel_dims(Some(png::PixelDimensions { xppu: per_metre, yppu: per_metre, unit: png::Unit::Meter }));
        // In PNG 0 is black.
        let inverted: Vec<u8> = self.canvas.bits().iter().map(|byte| !byte).collect();
        let mut writer = encoder.write_header().map_err(PngError)?;
        writer.write_image_data(&inverted).map_err(PngError)?;
        writer.finish().map_err(PngError)?;
        Ok(file)
    }
}

/// A PNG file could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the picture cannot be written as PNG")]
pub struct PngError(#[source] png::EncodingError);
