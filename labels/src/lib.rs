//! x
mod canvas;
mod font;
pub use canvas::Canvas;
