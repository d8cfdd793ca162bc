//! When a record happened: an interval that holds the true time, and how far it can be trusted.
//!
//! A station's wall clock may start in 1970, jump, or follow nothing. `CLOCK_BOOTTIME` only counts on. So the wall clock
//! of each synchronised record is an *anchor* for its boot, and the other records of that boot lie as far from it as the
//! counter says. A boot that was never synchronised lies between the records before and after it in its series, and
//! before the service received it.

mod anchors;
#[cfg(test)]
mod campaign;
#[cfg(test)]
pub mod tests;

use std::collections::BTreeMap;
use std::rc::Rc;

use jiff::Timestamp;
use records::{SeriesId, Stamp};
use serde::Serialize;

use anchors::Projected;
pub use anchors::{Anchor, Anchors, Thinned};

/// How far a synchronised clock may be off, in microseconds. NTP over a plant's network holds a few milliseconds;
/// systemd-timesyncd lets a clock be off by up to 0.4 s for a while before it steps it, and is typically far below.
const CLOCK_ERROR: i64 = 250_000;
/// How fast a clock may drift against another one, as one part in so many: 50 ppm, what a crystal of a small computer
/// keeps over its temperatures. NTP itself assumes 15 ppm and corrects at most 500 ppm (RFC 5905).
const DRIFT: i64 = 20_000;
/// Anchors are thinned by such stretches of the counter, in microseconds: one hour.
const STRETCH: i64 = 3_600_000_000;
/// No record is older than this program: 2026-01-01T00:00:00Z in microseconds since 1970.
const BEGINNING: i64 = 1_767_225_600_000_000;

/// How an interval is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Trust {
    /// The clock was synchronised.
    Synchronised,
    /// From a synchronised record of the same boot.
    Projected,
    /// Between other records and the time of receipt; its own clock says nothing.
    Bounded,
    /// What is known contradicts itself; the interval holds all of it.
    Contradictory,
}

/// When a record happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Happened {
    /// Not before.
    pub earliest: Timestamp,
    /// Not after.
    pub latest: Timestamp,
    /// How this is known.
    pub trust: Trust,
    /// The most likely time, by which records of different series are put in order, in microseconds since 1970. The time
    /// of receipt plays no part in it.
    #[serde(skip)]
    pub likely: i64,
}

/// The records of one boot in one series: sequence and microseconds since boot of the first and the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The boot.
    pub boot: String,
    /// The first.
    pub first: (u64, i64),
    /// The last.
    pub last: (u64, i64),
}

/// What is known of the clocks of one station.
pub trait Clocks {
    /// Why it cannot be read.
    type Error;

    /// The anchors of a boot, from all series.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn anchors(&mut self, boot: &str) -> Result<Rc<Anchors>, Self::Error>;

    /// The boots of a series in the order of their sequences. Records that were written again do not count: they are not
    /// of the time of those around them.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn spans(&mut self, series: SeriesId) -> Result<Rc<Vec<Span>>, Self::Error>;

    /// See [`between`].
    ///
    /// # Errors
    /// Where it cannot be read.
    fn between(&mut self, series: SeriesId) -> Result<Rc<BTreeMap<String, Between>>, Self::Error>;
}

/// Stands for the records that were written again in a series, where boots are named. No boot has no name.
pub const AGAIN: &str = "";

/// Where a record stands.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// In this series.
    pub series: SeriesId,
    /// With this sequence; 0 for a record that was written again, which happened before all others of its series.
    pub seq: u64,
    /// Stored by the service, by its clock.
    pub received: Timestamp,
}

/// When a record with this stamp happened.
///
/// # Errors
/// Where what is known cannot be read.
pub fn happened<C: Clocks>(clocks: &mut C, stamp: &Stamp, standing: Standing) -> Result<Happened, C::Error> {
    let received = standing.received.as_microsecond().saturating_add(CLOCK_ERROR);
    let since_boot = micros(stamp.since_boot);
    let own = Anchor::of(stamp);
    // Without a boot id nothing says which other records are of the same boot, and which of another one.
    let anchors = if stamp.boot.is_empty() { Rc::default() } else { clocks.anchors(&stamp.boot)? };
    let wall = stamp.wall.as_microsecond();
    if let Some(Projected { earliest, latest, trust, nearest }) = anchors.at(since_boot, own) {
        let likely = own.map_or(nearest, |_| wall);
        return Ok(match earliest <= received {
            true => interval(earliest, latest, trust, likely),
            // It was there before it is said to have happened.
            false => interval(BEGINNING.min(received), latest, Trust::Contradictory, likely),
        });
    }
    let (after, before) = if stamp.boot.is_empty() { (None, None) } else { bounds(clocks, stamp, standing)? };
    let (earliest, latest) = (after.unwrap_or(BEGINNING), before.map_or(received, |before| before.min(received)));
    let likely = wall.min(before.unwrap_or(i64::MAX)).max(after.unwrap_or(i64::MIN));
    Ok(match earliest <= latest {
        true => interval(earliest, latest, Trust::Bounded, likely),
        false => interval(BEGINNING.min(latest), earliest.max(received), Trust::Contradictory, likely),
    })
}

/// What the records around a boot that was never synchronised say: not before, not after.
fn bounds<C: Clocks>(
    clocks: &mut C,
    stamp: &Stamp,
    standing: Standing,
) -> Result<(Option<i64>, Option<i64>), C::Error> {
    let between = clocks.between(standing.series)?;
    let boot = if standing.seq == 0 { AGAIN } else { &stamp.boot };
    let Some(Between { after, before, first, last }) = between.get(boot) else { return Ok((None, None)) };
    if standing.seq == 0 {
        return Ok((None, *before));
    }
    // It is later than the first record of its boot, and earlier than the last, by what the counter says.
    let since_boot = micros(stamp.since_boot);
    let since_first = least(since_boot.saturating_sub(*first));
    let until_last = least(last.saturating_sub(since_boot));
    Ok((after.map(|after| after.saturating_add(since_first)), before.map(|before| before.saturating_sub(until_last))))
}

/// The least true time in which a counter moves so far.
fn least(counted: i64) -> i64 {
    let counted = counted.max(0);
    counted - counted / DRIFT
}

impl Happened {
    /// Not before and not after, in microseconds since 1970, as far as a synchronised record knows by itself: what else
    /// becomes known of its boot does not change that.
    pub fn borders(&self, stamp: &Stamp) -> (i64, i64) {
        match Anchor::of(stamp) {
            Some(Anchor { wall, .. }) => (wall.saturating_sub(CLOCK_ERROR), wall.saturating_add(CLOCK_ERROR)),
            None => (self.earliest.as_microsecond(), self.latest.as_microsecond()),
        }
    }
}

impl Span {
    /// One record alone.
    pub fn of(seq: u64, stamp: &Stamp) -> Self {
        let here = (seq, micros(stamp.since_boot));
        Self { boot: stamp.boot.clone(), first: here, last: here }
    }

    /// Takes in what is known of others of the same boot and series.
    pub fn take(&mut self, other: &Self) {
        (self.first, self.last) = (self.first.min(other.first), self.last.max(other.last));
    }
}

/// What decides of the records of a boot without anchors when they can have happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Between {
    after: Option<i64>,
    before: Option<i64>,
    /// The counts that the bounds go by.
    first: i64,
    last: i64,
}

/// For each boot of a series that has no anchors, what it lies between; as [`AGAIN`], the records that were written again,
/// which happened before all others.
///
/// # Errors
/// Where what is known cannot be read.
pub fn between<C: Clocks>(clocks: &mut C, series: SeriesId) -> Result<BTreeMap<String, Between>, C::Error> {
    let spans = clocks.spans(series)?;
    let mut found: BTreeMap<String, Between> = BTreeMap::new();
    let mut after = None;
    for span in spans.iter() {
        let anchors = clocks.anchors(&span.boot)?;
        match anchors.at(span.last.1, None) {
            Some(at) => after = Some(at.earliest),
            None => {
                let first = if after.is_some() { span.first.1 } else { 0 };
                found.insert(span.boot.clone(), Between { after, before: None, first, last: 0 });
            }
        }
    }
    let mut before = None;
    for span in spans.iter().rev() {
        match (clocks.anchors(&span.boot)?.at(span.first.1, None), found.get_mut(&span.boot)) {
            (Some(at), _) => before = Some(at.latest),
            (None, Some(between)) if before.is_some() => (between.before, between.last) = (before, span.last.1),
            (None, _) => {}
        }
    }
    found.insert(AGAIN.to_owned(), Between { after: None, before, first: 0, last: 0 });
    Ok(found)
}

fn interval(earliest: i64, latest: i64, trust: Trust, likely: i64) -> Happened {
    let time = |micros| Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX);
    let earliest = Timestamp::from_microsecond(earliest).unwrap_or(Timestamp::MIN);
    Happened { earliest, latest: time(latest), trust, likely }
}

fn micros(milliseconds: u64) -> i64 {
    i64::try_from(milliseconds).unwrap_or(i64::MAX).saturating_mul(1000)
}
