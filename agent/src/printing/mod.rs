//! Labels on their way to the printers: one thread for each printer.
//!
//! A label is printed once. The journal notes that bytes go out before the first of them does; when nobody can say what
//! became of them, a person decides ([`crate::station::Verdict`]). What to conclude from a printer's answers is decided in
//! [`watching`], without a printer.

mod drawing;
#[cfg(test)]
mod tests;
pub mod watching;
mod worker;

pub use drawing::{Drawing, NotDrawn};
pub use worker::spawn;
