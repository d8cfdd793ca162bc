//! What became of a subject, as its own records say, and of what it is in.

use std::collections::BTreeMap;

use records::{Event, Kind, Record};
use serde_json::Value;

use super::edge::Node;

/// What a rig says of a test, which is no attribute of the device.
const OF_TEST: [&str; 4] = ["result", "attempt", "rig", "measurements"];

/// A record that a walk has taken in.
#[derive(Debug, Clone, Copy)]
pub struct Taken<'a> {
    /// Which step of the walk it was.
    pub step: usize,
    /// Its index among the facts.
    pub index: usize,
    /// The record.
    pub record: &'a Record,
}

/// Where its last record has put a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// Into a container.
    Packed,
    /// Out of what it was in.
    Out,
    /// Into another device.
    Assembled,
}

/// What became of a subject.
#[derive(Debug, Default)]
pub struct Condition<'a> {
    /// Where its last record has put it, if it is a device.
    pub put: Option<Put>,
    /// That record.
    pub put_by: Option<Taken<'a>>,
    /// It will not be used.
    pub scrapped: Option<Taken<'a>>,
    /// Its last test.
    pub test: Option<Taken<'a>>,
    /// How often it was tested.
    pub attempts: u64,
    /// The last record of something that was done with it.
    pub handled: Option<Taken<'a>>,
    /// Contradictions that a station found, and that nothing has settled since.
    pub said: Vec<Taken<'a>>,
    /// The last record that opened or closed it, if it is a container.
    pub opened: Option<Taken<'a>>,
    /// It was put out of sight.
    pub deleted: Option<Taken<'a>>,
    /// The last count of its contents.
    pub counted: Option<Taken<'a>>,
    despatched: BTreeMap<Node<'a>, Taken<'a>>,
}

impl<'a> Condition<'a> {
    /// Takes in one record; `own` says that it is about the subject itself.
    pub fn take(&mut self, taken: Taken<'a>, own: bool) {
        let record = taken.record;
        match record.event {
            Event::Despatched => drop(self.despatched.insert((&record.subject).into(), taken)),
            Event::Reopened => drop(self.despatched.remove(&(&record.subject).into())),
            _ => {}
        }
        if !own {
            return;
        }
        if is_handling(record.event) {
            // What somebody has in the hand is no matter of yesterday's.
            (self.handled, self.deleted) = (Some(taken), None);
        }
        let into_device = |record: &Record| record.into.iter().any(|joined| joined.kind == Kind::Device);
        let put = match record.event {
            Event::Packed => Some(Put::Packed),
            Event::Assembled => Some(Put::Assembled),
            Event::Moved if record.into.is_empty() => Some(Put::Out),
            Event::Moved => Some(if into_device(record) { Put::Assembled } else { Put::Packed }),
            Event::TakenOut => Some(Put::Out),
            _ => None,
        };
        if put.is_some() {
            (self.put, self.put_by) = (put, Some(taken));
        }
        match record.event {
            Event::Scrapped => self.scrapped = Some(taken),
            Event::Tested => (self.test, self.attempts) = (Some(taken), self.attempts + 1),
            Event::Opened | Event::Reopened | Event::Adopted | Event::Closed => self.opened = Some(taken),
            Event::Counted => self.counted = Some(taken),
            Event::Deleted => self.deleted = Some(taken),
            Event::Restored => self.deleted = None,
            Event::Contradicted if !is_settling(record) => self.said.push(taken),
            _ => {}
        }
        if settles(record) {
            self.said.clear();
        }
    }

    /// The record that despatched a container, where it has left and was not opened again.
    pub fn despatched(&self, container: Node<'a>) -> Option<Taken<'a>> {
        self.despatched.get(&container).copied()
    }
}

/// Is it something that is done with a device or container itself? A label, a count and a hold say nothing of who has it.
fn is_handling(event: Event) -> bool {
    use Event::*;
    matches!(
        event,
        Opened | Packed | Closed | Moved | TakenOut | Scrapped | Reopened | Tested | Assembled | Despatched | Adopted
    )
}

/// Does a later record about the same subject settle a contradiction? Whoever moves, takes out or corrects has looked.
pub fn settles(record: &Record) -> bool {
    match record.event {
        Event::Voided | Event::Moved | Event::TakenOut | Event::Scrapped | Event::Reopened => true,
        Event::Tested => has_passed(record),
        Event::Contradicted => is_settling(record),
        _ => false,
    }
}

fn is_settling(record: &Record) -> bool {
    record.attributes.get("corrected") == Some(&Value::Bool(true))
}

/// Does the record of a test say that the device passed?
pub fn has_passed(record: &Record) -> bool {
    record.attributes.get("result").is_some_and(|result| result == "pass")
}

/// What a record says of its device: of a failed test nothing, since the next one may find something else. That its
/// firmware was read all the same is told apart (`found`).
pub fn said_of_device(record: &Record) -> impl Iterator<Item = (&str, &Value)> {
    let says = match record.event {
        // A hold says why, not what the device is.
        Event::Held
        | Event::Released
        | Event::Deleted
        | Event::Restored
        | Event::Contradicted
        | Event::LabelPrinted
        | Event::LabelDoubtful
        | Event::LabelAgain => false,
        Event::Tested => has_passed(record),
        _ => true,
    };
    let of_test = |name: &str| record.event == Event::Tested && OF_TEST.contains(&name);
    record.attributes.iter().filter(move |(name, _)| says && !of_test(name)).map(|(name, value)| (name.as_str(), value))
}
