//! Printer languages: from a picture to the bytes that a printer takes.

mod zpl;

pub use zpl::Zpl;

use crate::picture::Picture;

/// A printer language. One call makes one label: a job that prints two calls twice, so that each is known by its own outcome.
pub trait Language {
    /// Its name, as configurations and records write it.
    fn name(&self) -> &'static str;

    /// The bytes that print the picture once.
    ///
    /// # Errors
    /// The picture is larger than the language can say.
    fn encode(&self, picture: &Picture) -> Result<Vec<u8>, LanguageError>;
}

/// Why a picture cannot be said in a language.
#[derive(Debug, thiserror::Error)]
pub enum LanguageError {
    /// Too many dots.
    #[error("{language} takes at most {most} dots in each direction, the label has {width} x {height}")]
    TooLarge {
        /// The language.
        language: &'static str,
        /// The most dots.
        most: u32,
        /// Dots of the picture in a row.
        width: u32,
        /// Rows of the picture.
        height: u32,
    },
    /// The dots cannot be compressed.
    #[error("the dots cannot be compressed")]
    Compression(#[source] std::io::Error),
}
