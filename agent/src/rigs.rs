//! Test rigs.

mod message;
mod program;

pub use message::{Dut, Rubbish, Said};
pub use program::{Program, ProgramError};
