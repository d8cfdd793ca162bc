//! When units were handled: what may have happened in a window of time, at one of some stations or at any.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::tz::Offset;
use records::attributes::DAY;

use super::affected::Why;
use super::prepare::Prepared;
use super::question::{Clause, Window};
use crate::projection::{Handled, fold};
use crate::store::{Kept, Snapshot, shown, sql};

/// Most days of a window that nothing else narrows.
pub const MOST_DAYS: i64 = 400;
/// One day in microseconds.
const A_DAY: i64 = 86_400_000_000;
/// The value of units whose clocks leave more days open than are told one by one.
const UNKNOWN: &str = "unknown";
/// Most handlings that are told as a reason.
const MOST_TOLD: usize = 8;

/// A window with the stations that count.
#[derive(Debug, Clone, PartialEq)]
pub struct At {
    /// The window.
    pub window: Window,
    /// The stations; any where there is none.
    pub stations: Vec<String>,
}

impl At {
    /// What met the window; the first few.
    pub fn met<'h>(&'h self, handled: &'h [Handled], as_of: Option<Timestamp>) -> impl Iterator<Item = Why> + 'h {
        let met = handled.iter().filter(move |one| {
            (self.stations.is_empty() || self.stations.contains(&one.station))
                && self.window.meets(one.earliest, one.latest)
                && as_of.is_none_or(|time| one.earliest <= time.as_microsecond())
        });
        met.take(MOST_TOLD).map(|one| Why {
            by: "handled".to_owned(),
            value: format!("{} {}", one.station, word(one)),
            lot: None,
            since: shown(one.earliest),
            until: Some(shown(one.latest)),
            corrected: false,
        })
    }
}

fn word(handled: &Handled) -> String {
    let word = serde_json::to_value(handled.event).ok();
    word.and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The days of a window that has both ends, as a group: whoever may have been handled on one of them. `None` where it is
/// open or longer than [`MOST_DAYS`].
pub fn days(window: &Window) -> Option<Clause> {
    let (from, until) = (window.from?.as_microsecond(), window.until?.as_microsecond());
    let (first, last) = (from.div_euclid(A_DAY), (until - 1).div_euclid(A_DAY));
    if last - first >= MOST_DAYS {
        return None;
    }
    let name = |day: i64| {
        let time = Timestamp::from_microsecond(day.checked_mul(A_DAY)?).ok()?;
        Some(Offset::UTC.to_datetime(time).date().to_string())
    };
    let mut values = (first..=last).map(name).collect::<Option<Vec<String>>>()?;
    values.push(UNKNOWN.to_owned());
    Some(Clause { by: DAY.to_owned(), values })
}

/// Everything that stations did with a device. A few handle a device so often that not all of it is kept beside it.
pub fn handled<'k>(
    snapshot: &Snapshot<'_>,
    prepared: &Prepared,
    (serial, scope): (&str, &str),
    kept: &'k Kept,
) -> sql::Result<Cow<'k, [Handled]>> {
    if kept.handled_between == 0 {
        return Ok(Cow::Borrowed(&kept.handled));
    }
    let Some(device) = snapshot.device(serial, scope)? else { return Ok(Cow::Borrowed(&[])) };
    let facts = snapshot.facts(&device)?;
    let known = |position: u64| prepared.known_at.is_none_or(|known| position <= known);
    let facts: Vec<_> = facts.iter().map(AsRef::as_ref).filter(|fact| known(fact.position)).collect();
    Ok(Cow::Owned(fold(&device.subject, &facts, &snapshot.dimensions()?).map(|view| view.handled).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(from: &str, until: &str) -> Window {
        Window { from: Some(from.parse().unwrap()), until: Some(until.parse().unwrap()) }
    }

    #[test]
    fn a_window_has_the_days_that_it_touches() {
        let days = |from, until| super::days(&window(from, until)).map(|clause| clause.values);
        let of = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(days("2026-03-01T23:00:00Z", "2026-03-02T00:00:00Z"), of(&["2026-03-01", "unknown"]), "not the end");
        assert_eq!(days("2026-03-01T23:00:00Z", "2026-03-02T00:00:01Z"), of(&["2026-03-01", "2026-03-02", "unknown"]));
        assert_eq!(days("2026-01-01T00:00:00Z", "2027-02-05T00:00:00Z").map(|days| days.len()), Some(401));
        assert_eq!(days("2026-01-01T00:00:00Z", "2027-02-05T00:00:01Z"), None);
        assert_eq!(super::days(&Window { from: None, until: Some("2026-01-01T00:00:00Z".parse().unwrap()) }), None);
    }
}
