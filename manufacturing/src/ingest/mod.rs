//! From MQTT messages to the store and back: records and what stations say go in, receipts go out.

mod check;
mod outbox;
mod pump;
#[cfg(test)]
mod rate;

#[cfg(test)]
pub use check::{Verdict, check};
pub use outbox::{Outbox, Refusals};
pub use pump::{Inlet, Outlet, start};
