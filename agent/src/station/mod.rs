//! What a station decides. Pure: no clock, no disk, no device.
//!
//! [`decide`] takes the state and one [`Input`], and answers with a [`Decision`]: what to write, what the state is then,
//! and what to tell the operator once it is written. The journal commits decisions; nothing here is true before that.

mod answer;
mod decide;
mod hold;
mod input;
mod job;
mod labels;
mod packing;
mod refusals;
mod state;
#[cfg(test)]
mod tests;
mod unrecorded;

pub use answer::{Answer, Code, Filling, Outcome};
pub use decide::{Decision, KnownChange, decide};
pub use hold::Hold;
pub use input::{Command, Input, Known, Raw, Reading, SeriesStart, Start, Unread};
pub use job::{Job, JobChange, JobDraft, JobState, LabelRule, Printing, Verdict};
pub use state::{Close, Counters, Lane, Line, OpenPackage, OpenPallet, PackedUnit, Packing, State};
pub use unrecorded::{Tally, Unrecorded};
