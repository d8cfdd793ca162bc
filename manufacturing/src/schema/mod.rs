//! Further attributes of devices, described at run time by JSON Schema 2020-12 documents that never change.
//!
//! A document has an id and versions 1, 2, 3 …; each is a record of the service's own series, so that it has a place in the
//! log order like every other record. From that place on it decides which further attributes conform, and a property with
//! `"x-group": true` is a recall dimension:
//!
//! - whether a record conforms is decided by the schemas stored before it, and never again;
//! - a dimension, once made, stays, and holds every value that was ever said under its name, before and after.
//!
//! Both follow from the stored records alone.

mod backfill;
mod document;
mod fault;
mod known;
mod references;
#[cfg(test)]
mod tests;
mod walk;

pub use backfill::{Backfill, incomplete, run};
pub use document::Document;
pub use fault::Fault;
pub use known::{Found, Schemas, Version, built_in, check_id, definition, draft};
