//! line
pub mod ports;
