//! Simulated devices. Programs cannot tell them from real ones by what they read.

mod scanner;

pub use scanner::{Format, PtyScanner, ScannerError};
