//! What the programs that measure this room need of it.

pub use crate::history::history;
pub use crate::ingest::{Verdict, check};
pub use crate::recall::counted::step as count_step;
pub use crate::recall::{Format, Pairs, Question, prepare, stream};
pub use crate::store::sql::{FromColumn, Param};
pub use crate::store::{Connection, Own, Place, Snapshot, Work, Writer};

use jiff::Timestamp;
use records::{FixedBytes, SigningKey};

use crate::store::Enrolment;

/// The time.
#[must_use]
pub fn now() -> Timestamp {
    (crate::clock::system())()
}

/// What a service decides with that takes the first key of each station.
#[must_use]
pub fn own() -> Own {
    let key = SigningKey::from_seed(FixedBytes([99; 32]));
    Own { key, stamps: crate::clock::system_stamps(), enrolment: Enrolment::FirstUse, instance: String::new() }
}
