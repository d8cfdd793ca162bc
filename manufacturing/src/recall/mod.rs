//! Which units are affected?

mod format;
mod stream;
#[cfg(test)]
mod tests;

pub use format::Format;
pub use stream::{Question, prepare, stream};
