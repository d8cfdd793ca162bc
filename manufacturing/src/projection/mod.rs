//! What the records say of a device: a pure function of their *set*, never of the order in which they arrived.

mod condition;
mod container;
mod contradictions;
mod dimensions;
mod disputed;
mod edge;
mod fold;
mod found;
mod handled;
mod happened;
mod order;
mod part;
mod reading;
mod repeats;
mod salvage;
mod share;
#[cfg(test)]
mod tests;
mod view;
mod walk;

pub use fold::{Told, fold, tell};
#[cfg(test)]
pub use happened::tests::Known;
pub use happened::{AGAIN, Anchor, Anchors, Between, Clocks, Happened, Span, Standing, Thinned, between, happened};

pub use container::fold_container;
pub use contradictions::{CIRCLE, IN_ITSELF};
pub use dimensions::{Dimensions, text};
pub use handled::Handled;
pub use part::{named_part, part, part_value};
pub use reading::{Reading, previous};
pub use repeats::former;
pub use share::{Counts, Sealing};
pub use view::{
    ContainerState, ContainerView, Contradiction, Count, Deleted, Despatch, DeviceView, Mark, Membership, State, Test,
};

use jiff::Timestamp;
use records::{Event, Joined, Kind, Record, RecordId};

/// A stored record, as far as it could be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// Its identity.
    pub id: RecordId,
    /// Its place in the service's log order, from 1.
    pub position: u64,
    /// When it was stored.
    pub received: Timestamp,
    /// What it says.
    pub reading: Reading,
    /// When it happened, where that was asked for.
    pub happened: Option<Happened>,
}

impl Fact {
    /// When it happened, where that could be read.
    pub fn wall(&self) -> Option<Timestamp> {
        self.reading.record.as_ref().map(|record| record.at.wall)
    }

    /// By what it is put in order with records of other series: microseconds since 1970.
    pub fn likely(&self) -> Option<i64> {
        let likely = self.happened.map(|happened| happened.likely);
        likely.or_else(|| self.wall().map(|wall| wall.as_microsecond()))
    }

    /// Not before and not after, in microseconds since 1970.
    pub fn borders(&self) -> (i64, i64) {
        let record = self.reading.record.as_ref();
        let wall = || self.wall().unwrap_or_default().as_microsecond();
        self.happened.zip(record).map_or_else(|| (wall(), wall()), |(happened, record)| happened.borders(&record.at))
    }

    /// Whether it can have happened by `time`; where nobody can say, it can.
    pub fn may_be_before(&self, time: Timestamp) -> bool {
        let earliest = self.happened.map(|happened| happened.earliest).or(self.wall());
        earliest.is_none_or(|earliest| earliest <= time)
    }

    /// Whether it belongs to what is known of the past up to `time`. A correction says that something was never true, so
    /// it holds for every time, whenever it was made.
    pub fn holds_at(&self, time: Timestamp) -> bool {
        let corrects = self.reading.record.as_ref().is_none_or(|record| correction(record).is_some());
        corrects || self.may_be_before(time)
    }
}

/// The record that this one says was never true; not one word of it, or (`false`) only where it puts its subject.
pub fn correction(record: &Record) -> Option<(&RecordId, bool)> {
    let corrects = record.corrects.as_ref()?;
    match record.event {
        Event::Voided => Some((corrects, true)),
        Event::Moved if record.reason.as_deref() == Some("mistake") => Some((corrects, false)),
        _ => None,
    }
}

/// The recall dimension that a unit has by being inside `joined`.
pub fn dimension(joined: &Joined) -> Option<&'static str> {
    match joined.kind {
        Kind::Container => joined.level.map(records::Level::attribute),
        Kind::WorkOrder => Some("workOrder"),
        Kind::Lot => Some("lotCode"),
        Kind::Device | Kind::Station => None,
    }
}
