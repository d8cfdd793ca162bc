//! The firmware that rigs have read from a device, whatever came of the test.

use std::collections::BTreeMap;

use records::{Event, Subject};
use serde_json::Value;

use super::fold::Read;
use super::{Fact, Mark, Membership, condition};

/// What a rig reads from a device.
const FIRMWARE: &str = "fwVersion";

/// The firmware that was read in tests that failed: the device has run it, and the next test may find another one. One
/// membership for each, from the first reading to the last, over with that.
pub fn memberships(
    device: &Subject,
    facts: &[&Fact],
    read: &Read<'_>,
    mark: impl Fn(usize) -> Mark,
) -> Vec<Membership> {
    let (mut found, mut mistaken) = (BTreeMap::<&str, (usize, usize)>::new(), BTreeMap::<&str, (usize, usize)>::new());
    for &index in read.order.iter().filter(|index| facts[**index].reading.subject.as_ref() == Some(device)) {
        let record = facts[index].reading.record.as_ref();
        let failed = record.filter(|record| record.event == Event::Tested && !condition::has_passed(record));
        let firmware = failed.and_then(|record| record.attributes.get(FIRMWARE)).and_then(Value::as_str);
        let Some(firmware) = firmware.filter(|firmware| !firmware.is_empty()) else { continue };
        match read.voided.get(&index).filter(|void| void.whole) {
            None => found.entry(firmware).or_insert((index, index)).1 = index,
            Some(void) => mistaken.entry(firmware).or_insert((index, void.by)).1 = void.by,
        }
    }
    let is_true = |firmware: &str| {
        let spans = read.walk.spans().iter();
        found.contains_key(firmware)
            || spans.map(|span| &span.group).any(|(by, value)| *by == FIRMWARE && value == firmware)
    };
    mistaken.retain(|firmware, _| !is_true(firmware));
    let membership = |(value, (first, last)): (&str, (usize, usize)), corrected| Membership {
        dimension: FIRMWARE.to_owned(),
        value: value.to_owned(),
        since: mark(first),
        until: Some(mark(last)),
        corrected,
    };
    let all = found.into_iter().map(|one| membership(one, false));
    all.chain(mistaken.into_iter().map(|one| membership(one, true))).collect()
}
