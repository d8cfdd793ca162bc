//! From MQTT messages to the store and back: records and what stations say go in, receipts go out.

mod board;
mod check;
mod due;
mod lanes;
mod outbox;
mod pump;
#[cfg(test)]
mod rate;

pub use board::Board;
pub use check::{Verdict, check};
pub use lanes::Lanes;
pub use outbox::{Outbox, Refusals};
pub use pump::{Inlet, Outlet, start};
