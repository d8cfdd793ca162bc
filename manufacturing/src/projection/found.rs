//! The firmware that rigs have read from a device, whatever came of the test.

use std::borrow::Cow;
use std::collections::BTreeMap;

use records::{Event, Record, Subject};
use serde_json::Value;

use super::fold::Read;
use super::{Fact, Mark, Membership, condition, text};

/// What a rig reads from a device.
const FIRMWARE: &str = "fwVersion";

/// What a failed test says of the firmware.
pub fn firmware(record: &Record) -> Option<(&str, &Value)> {
    let failed = record.event == Event::Tested && !condition::has_passed(record);
    record.attributes.get(FIRMWARE).filter(|_| failed).map(|value| (FIRMWARE, value))
}

/// The firmware that was read in tests that failed: the device has run it, and the next test may find another one. One
/// membership for each, from the first reading to the last, over with that.
pub fn memberships(
    device: &Subject,
    facts: &[&Fact],
    read: &Read<'_>,
    mark: impl Fn(usize) -> Mark,
) -> Vec<Membership> {
    type Readings<'f> = BTreeMap<Cow<'f, str>, (usize, usize)>;
    let (mut found, mut mistaken) = (Readings::new(), Readings::new());
    for &index in read.order.iter().filter(|index| facts[**index].reading.subject.as_ref() == Some(device)) {
        let record = facts[index].reading.record.as_ref();
        let Some(firmware) = record.and_then(firmware).and_then(|(_, value)| text(value)) else { continue };
        match read.voided.get(&index).filter(|void| void.whole) {
            None => found.entry(firmware).or_insert((index, index)).1 = index,
            Some(void) => mistaken.entry(firmware).or_insert((index, void.by)).1 = void.by,
        }
    }
    let is_true = |firmware: &Cow<'_, str>| {
        let spans = read.walk.spans().iter();
        found.contains_key(firmware)
            || spans.map(|span| &span.group).any(|(by, value)| *by == FIRMWARE && value == firmware)
    };
    mistaken.retain(|firmware, _| !is_true(firmware));
    let membership = |(value, (first, last)): (Cow<'_, str>, (usize, usize)), corrected| Membership {
        dimension: FIRMWARE.to_owned(),
        value: value.into_owned(),
        since: mark(first),
        until: Some(mark(last)),
        corrected,
    };
    let all = found.into_iter().map(|one| membership(one, false));
    all.chain(mistaken.into_iter().map(|one| membership(one, true))).collect()
}
