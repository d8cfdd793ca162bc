//! Hardware at the station: how a scanner is found, opened and read until it is gone.
//!
//! A [`ScannerFactory`] knows one kind of device (serial, …): it lists what is plugged in, says why something
//! cannot be used, and opens what is configured. A [`Scanner`] is an open device. It runs on a thread of its own,
//! hands every [`Event`] to a sink and ends when the device is [`Gone`] or its [`Stop`] flag is set. Opening it again
//! is the caller's work; [`Reopen`] says when.
//!
//! What a scan *means* is not known here: data goes out as the bytes that the scanner read, whole or not at all.
//!
//! ```
//! use drivers::fake::{FakeScanner, Step};
//! use drivers::{Event, Flow, Gone, Scanner, Stop};
//!
//! let scanner = FakeScanner::new("gun", [Step::scan("SN-1"), Step::NoRead, Step::Gone(Gone::Unplugged)]);
//! let mut read = Vec::new();
//! let gone = Box::new(scanner).run(
//!     &mut |event| {
//!         if let Event::Scan(scan) = event {
//!             read.push(scan.data);
//!         }
//!         Flow::Continue
//!     },
//!     &Stop::new(),
//! );
//! assert_eq!(read, [b"SN-1".to_vec()]);
//! assert!(matches!(gone, Gone::Unplugged));
//! ```

mod access;
mod aim;
pub mod camera;
mod device;
mod event;
pub mod fake;
pub mod printer;
mod reconnect;
pub mod serial;
pub mod signal;
#[cfg(test)]
mod testing;

pub use aim::{AimId, NotAnAimId};
pub use device::{Access, Flow, Gone, ListError, OpenError, Scanner, ScannerFactory, Seen, Settings, Stop};
pub use event::{Event, NoScan, NoScanKind, NoiseKind, Scan};
pub use reconnect::{Outcome, Reopen};
