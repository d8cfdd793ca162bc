//! Which units are affected?

mod format;
mod groups;
mod spreadsheet;
mod stream;
#[cfg(test)]
mod tests;

pub use format::Format;
pub use groups::{Size, groups, size};
pub use stream::{Of, Question, prepare, stream};
