//! Simulated devices. Programs cannot tell them from real ones by what they read.

mod camera;
mod printer;
mod scanner;

pub use camera::{PictureCamera, PictureError};
pub use printer::{Printed, ZplPrinter, ZplPrinterError, ZplPrinterOptions};
pub use scanner::{Format, PtyScanner, ScannerError};
