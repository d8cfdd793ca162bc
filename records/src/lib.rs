//! What happened to every device, in the one form in which it is written, sent, stored and exported.
//!
//! A [`Record`] is one line of JSON that is never changed again. Lines of one *series* are chained: every line carries
//! the SHA-256 of the line before it. A [`segment`] is a run of lines under an envelope with one Ed25519 signature.
//! [`wire`] has every topic and message that the station and the service exchange.
//!
//! This room is pure: no clock, no disk, no socket.

pub mod attributes;
mod bytes;
pub mod chain;
pub mod enrolment;
pub mod keys;
mod record;
pub mod segment;
mod subject;
pub mod wire;

pub use bytes::{FixedBytes, NotFixedHex};
pub use chain::Hash;
pub use keys::{PublicKey, Signature, SigningKey};
pub use record::{Allowed, Draft, Event, NotWritable, Place, Record, RecordId, SeriesId, Stamp};
pub use subject::{Joined, Kind, Level, Subject};

/// The wire version that this code writes. A service reads every version ever released.
pub const WIRE_VERSION: u8 = 1;
