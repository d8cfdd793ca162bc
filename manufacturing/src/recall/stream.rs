//! From a serial number to every unit of its group, out of one snapshot.

use std::ops::ControlFlow;

use jiff::Timestamp;
use records::attributes::{GROUPS, RECALL_ORDER};

use super::format::{Answer, Format, Header, Span};
use crate::completeness::{Completeness, Moment, judge};
use crate::store::{DeviceName, Kept, Snapshot, shown};
use crate::unanswerable::{Unanswerable, find};

/// Bytes that are handed on at once.
const CHUNK: usize = 16 << 10;

/// A recall.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// Serial number or connhexId of one affected device.
    pub serial: String,
    /// Which of several devices with that serial.
    pub scope: Option<String>,
    /// The group attribute to go by.
    pub by: Option<String>,
    /// What was true then, not now.
    pub as_of: Option<Timestamp>,
}

/// A recall that has an answer.
#[derive(Debug)]
pub struct Prepared {
    header: Header,
    as_of: Option<Timestamp>,
    completeness: Completeness,
}

/// Finds the device, the dimension and its values.
///
/// # Errors
/// What SQLite says; inside, why there is no answer.
pub fn prepare(
    snapshot: &Snapshot<'_>,
    question: &Question,
    now: Timestamp,
    connected: bool,
) -> rusqlite::Result<Result<Prepared, Unanswerable>> {
    let by = match question.by.as_deref().map(|by| GROUPS.into_iter().find(|group| *group == by).ok_or(by)) {
        Some(Err(other)) => return Ok(Err(Unanswerable::Dimension(other.to_owned()))),
        Some(Ok(by)) => Some(by),
        None => None,
    };
    let device = match find(snapshot, &question.serial, question.scope.as_deref(), true)? {
        Ok(device) => device,
        Err(why) => return Ok(Err(why)),
    };
    let Some(kept) = snapshot.kept(&device)? else {
        return Ok(Err(Unanswerable::Unknown(question.serial.clone())));
    };
    let DeviceName { subject, .. } = device;
    let candidates = by.map_or(RECALL_ORDER.to_vec(), |by| vec![by]);
    let found = candidates.into_iter().find_map(|dimension| {
        let values = spans(&kept, dimension, question.as_of);
        (!values.is_empty()).then_some((dimension, values))
    });
    let Some((by, values)) = found else {
        return Ok(Err(Unanswerable::NoGroup { serial: subject.id, by: by.map(str::to_owned) }));
    };
    let header = Header { by, serial_number: subject.id, scope: subject.scope, values };
    let completeness = judge(&snapshot.stations()?, Moment { now, as_of: question.as_of, connected });
    Ok(Ok(Prepared { header, as_of: question.as_of, completeness }))
}

/// The values that a device truly had, each once, first beginning and last end, in the order of their beginning.
fn spans(kept: &Kept, dimension: &str, as_of: Option<Timestamp>) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for (_, value, since, until, _) in kept.groups.iter().filter(|g| g.0 == dimension && !g.4) {
        let since = shown(*since);
        let until = until.map(shown).filter(|until| as_of.is_none_or(|time| *until <= time));
        if as_of.is_some_and(|time| since > time) {
            continue;
        }
        match spans.iter_mut().find(|span| span.value == *value) {
            Some(span) => {
                span.since = span.since.min(since);
                span.until = span.until.and_then(|known| Some(known.max(until?)));
            }
            None => spans.push(Span { value: value.clone(), since, until }),
        }
    }
    spans.sort_by(|a, b| (a.since, &a.value).cmp(&(b.since, &b.value)));
    spans
}

/// Writes the answer in pieces; memory does not grow with its length. `send` breaks when nobody listens any more.
///
/// # Errors
/// What SQLite says; what was sent until then lacks its end.
pub fn stream(
    snapshot: &Snapshot<'_>,
    prepared: Prepared,
    format: Format,
    mut send: impl FnMut(Vec<u8>) -> ControlFlow<()>,
) -> rusqlite::Result<()> {
    let Prepared { header, as_of, completeness } = prepared;
    let values: Vec<String> = header.values.iter().map(|span| span.value.clone()).collect();
    let mut answer = Answer::begin(format, &header, as_of);
    let mut gone = ControlFlow::Continue(());
    for corrected in [false, true] {
        if corrected && !answer.begin_corrected() {
            break;
        }
        snapshot.units(header.by, &values, as_of, corrected, |unit| {
            answer.unit(&unit);
            if answer.len() >= CHUNK {
                gone = send(answer.take());
            }
            gone
        })?;
        if gone.is_break() {
            return Ok(());
        }
    }
    if send(answer.end(&completeness)).is_break() {
        tracing::debug!("the client left before the end of a recall");
    }
    Ok(())
}
