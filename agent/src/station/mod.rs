//! What a station decides. Pure: no clock, no disk, no device.
//!
//! [`decide`] takes the state and one [`Input`], and answers with a [`Decision`]: what to write, what the state is then,
//! and what to tell the operator once it is written. The journal commits decisions; nothing here is true before that.

mod adopt;
mod adopted;
mod answer;
mod code;
mod collect;
mod command;
mod containers;
mod decide;
mod elsewhere;
mod facts;
mod hold;
mod input;
mod inside;
mod interlock;
mod job;
mod known;
mod labels;
mod lanes;
mod mixing;
mod orders;
mod packing;
mod pending;
mod people;
mod permission;
mod refusals;
mod release;
mod roles;
mod scan;
mod service;
mod state;
mod stored;
#[cfg(test)]
mod tests;
mod turn;
mod unrecorded;

pub use adopted::{Adopted, How};
pub use answer::{Answer, Code, Filling, Outcome};
pub use command::{Command, NoCommand, Role};
pub use decide::{Decision, decide};
pub use facts::{Commanded, Facts, HeldInside, NoResult, RigResult, Wanted};
pub use hold::Hold;
pub use input::{Input, Raw, Reading, SeriesStart, Start, Unread};
pub use job::{Job, JobChange, JobDraft, JobState, LabelRule, Printing, Verdict};
pub use known::{ContainerState, Count, Known, KnownChange, KnownContainer, OrderCount, Tested, UnitState};
pub use lanes::{IdFrom, Interlock, Interlocked, LabelCodes, LaneRules, LevelRules, LineRules, Offline, People};
pub use packing::Packing;
pub use pending::{Doing, Pending};
pub use permission::LastRefused;
pub use roles::{Despatch, Task, Testing};
pub use service::{RemoteContainer, RemoteContradiction, RemoteUnit, Service};
pub use state::{Close, Counters, Lane, LastPacked, LastResult, Line, Open, OrderChange, PackedUnit, State, WasOut};
pub use unrecorded::{Tally, Unrecorded};
