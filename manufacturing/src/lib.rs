//! The service `lotline-manufacturing`: it stores the records of all stations, tells the history of every device and
//! answers which units are affected.
//!
//! ```text
//! MQTT -> ingest (check) -> store (one writer, group commit) -> receipt -> MQTT
//!                             | projection: a pure function of the set of records
//! HTTP <- api <- recall, history, search, completeness, recalls <- store (snapshots)
//!      <- pages: what the office sees; they ask the same api
//! file <- export <- store (a connection of its own); verify <- store, or such a file alone
//! ```

mod api;
mod backup;
mod cli;
mod clock;
mod completeness;
mod export;
mod history;
mod ingest;
mod lapses;
mod lineage;
mod pages;
mod projection;
mod recall;
mod recalls;
mod schema;
mod search;
mod service;
mod settings;
mod store;
#[cfg(test)]
mod testkit;
mod unanswerable;
mod verify;
mod work_order;

pub use cli::run;

/// What the programs that measure this room need of it. Nothing else has its door here.
#[doc(hidden)]
pub mod measured;
