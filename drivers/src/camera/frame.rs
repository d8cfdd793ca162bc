//! One picture in grey, and reading it from a file.

use std::fmt;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Instant;

use image::codecs::png::PngDecoder;
use image::error::{ImageError, LimitErrorKind};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use rustix::fs::OFlags;

/// The largest picture file that is read, in bytes: 32 MiB.
pub const MAX_FILE: u64 = 32 << 20;

/// The largest picture that is decoded, in pixels: 40 megapixels.
pub const MAX_PIXELS: u64 = 40_000_000;

/// What decoding a picture may take, in bytes: 40 megapixels of 4 bytes, and as much again to convert them.
const MAX_MEMORY: u64 = 320_000_000;

/// What a PNG may take besides its pixels, in bytes: its colour profile is compressed, and inflated with the header.
const MAX_PNG_EXTRAS: u64 = 4 << 20;

/// A picture in 8-bit grey: 0 is black, 255 is white. It has at least one pixel.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    width: usize,
    height: usize,
    luma: Vec<u8>,
    at: Instant,
}

impl Frame {
    /// A picture of `width` times `height` pixels, row by row from the top left; `at` is when it was taken. `None` when
    /// it has no pixels, more than [`MAX_PIXELS`], or not as many as `luma` has bytes.
    pub fn new(width: usize, height: usize, luma: Vec<u8>, at: Instant) -> Option<Self> {
        let pixels = width.checked_mul(height)?;
        let fits = pixels > 0 && pixels as u64 <= MAX_PIXELS && pixels == luma.len();
        fits.then_some(Self { width, height, luma, at })
    }

    /// Reads a PNG, JPEG, WebP or BMP file; which of them is told by its bytes, not by its name. A file or picture above
    /// [`MAX_FILE`] or [`MAX_PIXELS`] is refused before it is decoded.
    ///
    /// # Errors
    /// A [`PictureError`] that names the file.
    pub fn read(file: &Path) -> Result<Self, PictureError> {
        let refused = |why| PictureError { file: file.to_owned(), why };
        let not_readable = |error| refused(PictureFault::NotReadable(error));
        // Not blocking: opening a pipe would wait for its writer.
        let mut options = File::options();
        options.read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
        let open = options.open(file).map_err(not_readable)?;
        Self::from_file(open).map_err(refused)
    }

    /// The same from a file that is open.
    pub(super) fn from_file(file: File) -> Result<Self, PictureFault> {
        let metadata = file.metadata().map_err(PictureFault::NotReadable)?;
        if !metadata.is_file() {
            return Err(PictureFault::NotAPicture);
        }
        let mut bytes = Vec::new();
        file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(PictureFault::NotReadable)?;
        Self::from_bytes(bytes)
    }

    /// The same from the bytes of a file.
    ///
    /// # Errors
    /// Why they are not a picture that can be used.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, PictureFault> {
        if bytes.len() as u64 > MAX_FILE {
            return Err(PictureFault::FileTooLarge);
        }
        if bytes.is_empty() {
            return Err(PictureFault::CutOff);
        }
        // The decoders are written for bytes from anywhere, but a panic would end the scanner.
        let decoded = catch_unwind(AssertUnwindSafe(|| decode(&bytes)));
        let picture = decoded.unwrap_or(Err(PictureFault::CutOff))?.into_luma8();
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        Self::new(width, height, picture.into_raw(), Instant::now()).ok_or(PictureFault::NotAPicture)
    }

    /// Pixels in a row, at least 1.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows, at least 1.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The pixels, row by row from the top left.
    pub fn luma(&self) -> &[u8] {
        &self.luma
    }

    /// When the picture was taken; for a file, when it was read.
    pub fn at(&self) -> Instant {
        self.at
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({}x{})", self.width, self.height)
    }
}

fn decode(bytes: &[u8]) -> Result<DynamicImage, PictureFault> {
    let reader = || ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(PictureFault::NotReadable);
    match reader()?.format() {
        None => Err(PictureFault::NotAPicture),
        Some(ImageFormat::Png) => decode_png(bytes),
        Some(ImageFormat::Jpeg) if !has_end(bytes) => {
            // Its header tells whether it is too large all the same.
            check_size(reader()?.into_dimensions().map_err(|error| fault(&error))?)?;
            Err(PictureFault::CutOff)
        }
        Some(_) => {
            // Only the header is read.
            check_size(reader()?.into_dimensions().map_err(|error| fault(&error))?)?;
            let mut reader = reader()?;
            reader.limits(limits(MAX_MEMORY));
            reader.decode().map_err(|error| fault(&error))
        }
    }
}

/// The decoder of PNG has one limit for its header and inflates the colour profile up to it, so pixels are limited apart.
fn decode_png(bytes: &[u8]) -> Result<DynamicImage, PictureFault> {
    if let Some(size) = png_size(bytes) {
        check_size(size)?;
    }
    let decoder = PngDecoder::with_limits(Cursor::new(bytes), limits(MAX_PNG_EXTRAS));
    let mut decoder = decoder.map_err(|error| fault(&error))?;
    check_size(decoder.dimensions())?;
    if decoder.total_bytes() > MAX_MEMORY {
        return Err(PictureFault::TooMuchMemory);
    }
    // A profile that is too large or damaged is left out silently.
    if has_profile(bytes) && !matches!(decoder.icc_profile(), Ok(Some(_))) {
        return Err(PictureFault::CutOff);
    }
    DynamicImage::from_decoder(decoder).map_err(|error| fault(&error))
}

fn limits(memory: u64) -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(memory);
    limits
}

fn check_size((width, height): (u32, u32)) -> Result<(), PictureFault> {
    match u64::from(width) * u64::from(height) > MAX_PIXELS {
        true => Err(PictureFault::TooManyPixels { width, height }),
        false => Ok(()),
    }
}

/// Width and height of a PNG (PNG specification, 11.2.1: the header is the first chunk).
fn png_size(png: &[u8]) -> Option<(u32, u32)> {
    let number = |at: usize| Some(u32::from_be_bytes(*png.get(at..)?.first_chunk()?));
    (png.get(12..16)? == b"IHDR").then_some((number(16)?, number(20)?))
}

/// Whether a PNG has a colour profile; it stands before the pixels (PNG specification, 11.3.2.3).
fn has_profile(png: &[u8]) -> bool {
    let mut rest = png.get(8..).unwrap_or_default();
    while let [a, b, c, d, kind @ ..] = rest {
        match kind.first_chunk() {
            Some(b"iCCP") => return true,
            Some(b"IDAT") | None => return false,
            Some(_) => {
                // Length, type, data and checksum.
                let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
                rest = rest.get(length.saturating_add(12)..).unwrap_or_default();
            }
        }
    }
    false
}

/// A picture file that cannot be used. The message names the file, with its control characters escaped, and says what to
/// do.
#[derive(Debug, thiserror::Error)]
#[error("{} {why}", escaped(.file))]
pub struct PictureError {
    /// The file.
    pub file: PathBuf,
    /// Why it cannot be used.
    pub why: PictureFault,
}

/// Why a file is not a picture that can be used. `Display` says it after the name of the file, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{}: {}", self.what(), self.remedy())]
pub enum PictureFault {
    /// Its bytes are not those of a picture in a known format.
    NotAPicture,
    /// It begins as a picture, but its end is missing or something in it is damaged.
    CutOff,
    /// The file has more than [`MAX_FILE`] bytes.
    FileTooLarge,
    /// The picture has more than [`MAX_PIXELS`] pixels.
    TooManyPixels {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// Decoding it takes more memory than it may.
    TooMuchMemory,
    /// The system does not let it be read.
    NotReadable(io::Error),
}

impl PictureFault {
    /// What is wrong, to be said after the name of the file: `is not a picture`.
    pub fn what(&self) -> String {
        match self {
            Self::NotAPicture => "is not a picture".to_owned(),
            Self::CutOff => "is cut off or damaged".to_owned(),
            Self::FileTooLarge => format!("is larger than {} MiB", MAX_FILE >> 20),
            Self::TooManyPixels { width, height } => {
                format!("has {width} x {height} pixels, more than {} megapixels", MAX_PIXELS / 1_000_000)
            }
            Self::TooMuchMemory => "takes too much memory to decode".to_owned(),
            Self::NotReadable(error) => format!("cannot be read ({error})"),
        }
    }

    /// What a technician does about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NotAPicture => "set the camera to PNG, JPEG, WebP or BMP",
            Self::CutOff => "let the camera write to NAME.part and rename it, and check the disk",
            Self::FileTooLarge | Self::TooManyPixels { .. } => "set the camera to smaller pictures",
            Self::TooMuchMemory => "set the camera to smaller pictures in 8-bit grey",
            Self::NotReadable(_) => "check the name, the permissions of the file, and the disk",
        }
    }
}

fn fault(error: &ImageError) -> PictureFault {
    match error {
        ImageError::Limits(limit) => match limit.kind() {
            LimitErrorKind::InsufficientMemory => PictureFault::TooMuchMemory,
            _ => PictureFault::NotAPicture,
        },
        ImageError::Unsupported(_) => PictureFault::NotAPicture,
        _ => PictureFault::CutOff,
    }
}

/// Whether a JPEG has its end of image after its last start of scan. The library fills up what is missing with grey.
fn has_end(jpeg: &[u8]) -> bool {
    let last = |marker: u8| jpeg.windows(2).rposition(|pair| pair == [0xFF, marker]);
    last(0xD9) > last(0xDA)
}

/// A file name that cannot move the cursor or forge a line.
pub(super) fn escaped(file: &Path) -> String {
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    file.to_string_lossy().chars().map(escape).collect()
}

#[cfg(test)]
mod tests;
