//! Which stations handled a device, what they did, and on which days that may have been.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::Offset;
use records::attributes::{DAY, STATION};
use records::{Event, Subject};
use serde::{Deserialize, Serialize};

use super::fold::Read;
use super::{Fact, Mark, Membership};

/// The value of [`DAY`] where that may have been on too many days.
const UNKNOWN_DAY: &str = "unknown";
/// One day in microseconds.
const A_DAY: i64 = 86_400_000_000;
/// An interval that is wider, in days, names no days.
const MOST_DAYS: i64 = 31;

/// A station did something with a device. Times are microseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handled {
    /// The station.
    pub station: String,
    /// What it did.
    pub event: Event,
    /// Not before.
    pub earliest: i64,
    /// Not after.
    pub latest: i64,
}

/// Does a record of a device say that it was there? A refusal, a hold and what disagrees with the service do not, and a
/// correction says something of another record.
fn is_handling(event: Event) -> bool {
    use Event::*;
    !matches!(event, Refused | Held | Released | Deleted | Restored | Contradicted | Voided)
}

/// The indices of the records by which stations handled a device, in order, and whether each was wholly a mistake.
fn handlings<'r>(
    device: &'r Subject,
    facts: &'r [&Fact],
    read: &'r Read<'_>,
) -> impl Iterator<Item = (usize, bool)> + 'r {
    let own = read.order.iter().copied().filter(move |&index| {
        let reading = &facts[index].reading;
        reading.subject.as_ref() == Some(device)
            && reading.record.as_ref().is_some_and(|record| is_handling(record.event))
    });
    own.map(|index| (index, read.voided.get(&index).is_some_and(|void| void.whole)))
}

/// What was done with a device, in order, mistakes left out.
pub fn handled(device: &Subject, facts: &[&Fact], read: &Read<'_>) -> Vec<Handled> {
    let of = |index: usize| {
        let fact = facts[index];
        let (earliest, latest) = fact.borders();
        let event = fact.reading.record.as_ref().map_or(Event::Unknown, |record| record.event);
        Handled { station: fact.id.station.clone(), event, earliest, latest }
    };
    handlings(device, facts, read).filter(|(_, mistaken)| !mistaken).map(|(index, _)| of(index)).collect()
}

/// When a device was at a station or may have been handled on a day.
struct Stay {
    first: usize,
    last: usize,
    /// Not before and not after, of all records.
    borders: (i64, i64),
}

type Stays = BTreeMap<(&'static str, String), Stay>;

/// The memberships in stations and days: one for each, from the first record to the last. Each is over with its last
/// record: it was handled there, and nobody is handled for ever. Between the two it counts as lasting.
pub fn memberships(
    device: &Subject,
    facts: &[&Fact],
    read: &Read<'_>,
    mark: impl Fn(usize) -> Mark,
) -> Vec<Membership> {
    let (mut stays, mut mistaken) = (Stays::new(), Stays::new());
    for (index, mistake) in handlings(device, facts, read) {
        let stays = if mistake { &mut mistaken } else { &mut stays };
        let borders = facts[index].borders();
        let mut take = |dimension, value| {
            let stay = stays.entry((dimension, value)).or_insert(Stay { first: index, last: index, borders });
            stay.last = index;
            stay.borders = (stay.borders.0.min(borders.0), stay.borders.1.max(borders.1));
        };
        take(STATION, facts[index].id.station.clone());
        days(borders, |day| take(DAY, day));
    }
    mistaken.retain(|group, _| !stays.contains_key(group));
    let membership = |((dimension, value), stay): ((&str, String), Stay), corrected: bool| {
        let (mut since, mut until) = (mark(stay.first), mark(stay.last));
        (since.borders.0, until.borders.1) = stay.borders;
        if let Some(void) = read.voided.get(&stay.last).filter(|_| corrected) {
            until = mark(void.by);
        }
        Membership { dimension: dimension.to_owned(), value, since, until: Some(until), corrected }
    };
    let true_ones = stays.into_iter().map(|stay| membership(stay, false));
    true_ones.chain(mistaken.into_iter().map(|stay| membership(stay, true))).collect()
}

/// The UTC days that an interval in microseconds since 1970 touches.
fn days((earliest, latest): (i64, i64), mut each: impl FnMut(String)) {
    let name = |day: i64| {
        let time = Timestamp::from_microsecond(day.checked_mul(A_DAY)?).ok()?;
        Some(Offset::UTC.to_datetime(time).date().to_string())
    };
    let (first, last) = (earliest.div_euclid(A_DAY), latest.div_euclid(A_DAY));
    let named = match latest.saturating_sub(earliest) <= MOST_DAYS * A_DAY {
        true => (first..=last).map(name).collect::<Option<Vec<String>>>().filter(|named| !named.is_empty()),
        false => None,
    };
    match named {
        Some(named) => named.into_iter().for_each(each),
        None => each(UNKNOWN_DAY.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn named(earliest: i64, latest: i64) -> Vec<String> {
        let mut named = Vec::new();
        days((earliest, latest), |day| named.push(day));
        named
    }

    #[test]
    fn an_interval_is_on_every_day_that_it_touches() {
        assert_eq!(named(0, A_DAY - 1), ["1970-01-01"]);
        assert_eq!(named(-1, A_DAY), ["1969-12-31", "1970-01-01", "1970-01-02"]);
        assert_eq!(named(5, 5 + MOST_DAYS * A_DAY).len(), 32);
        assert_eq!(named(5, 6 + MOST_DAYS * A_DAY), [UNKNOWN_DAY]);
        assert_eq!(named(i64::MIN, i64::MAX), [UNKNOWN_DAY]);
        assert_eq!(named(i64::MAX, i64::MAX), [UNKNOWN_DAY]);
        assert_eq!(named(1, 0), ["1970-01-01"], "both in one day");
        assert_eq!(named(A_DAY, 0), [UNKNOWN_DAY], "an end before its beginning says nothing");
    }

    proptest! {
        #[test]
        fn no_interval_is_on_no_day(earliest in any::<i64>(), latest in any::<i64>()) {
            let named = named(earliest, latest);
            prop_assert!(!named.is_empty() && named.len() <= 32);
        }
    }
}
