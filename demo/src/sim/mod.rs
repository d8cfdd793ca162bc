//! Simulated devices, a bad wire, and a PostgreSQL server of its own. Programs cannot tell them from real ones by what they
//! read.

mod camera;
mod printer;
mod scanner;
mod wire;

pub use base::postgres::{Error as PostgresError, Server as Postgres, programs as postgres_programs};
pub use camera::{PictureCamera, PictureError};
pub use printer::{Printed, ZplPrinter, ZplPrinterError, ZplPrinterOptions};
pub use scanner::{Format, PtyScanner, ScannerError};
pub use wire::{Counts, Fault, FaultyWire, FaultyWireError, Greeting, Rule, Toward};
