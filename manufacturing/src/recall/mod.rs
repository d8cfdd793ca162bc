//! Which units are affected?

mod affected;
mod balance;
pub mod counted;
mod format;
pub mod genealogy;
mod groups;
mod parts;
mod prepare;
mod question;
pub mod seals;
mod spreadsheet;
mod stream;
#[cfg(test)]
mod tests;
mod window;

pub use affected::{Affected, each};
pub use balance::Balance;
pub use format::Format;
pub use groups::{Size, groups, size};
pub use prepare::{Prepared, prepare};
pub use question::{Pairs, Question, Unclear};
pub use stream::stream;
