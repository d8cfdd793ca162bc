//! `lotline-demo`: a whole line on one computer, for a newcomer and for the tests.
//!
//! [`line::Line`] runs station, broker and service as processes of their own, which are this same program started again
//! with the words `station`, `broker` and `service`. [`sim`] has the simulated devices.

pub mod broker;
mod cli;
pub mod line;
mod list;
mod screen;
pub mod serials;
mod show;
pub mod sim;
mod stop;
mod work;

pub use cli::run;
