//! From a serial number to every unit of its group, out of one snapshot.

use std::ops::ControlFlow;

use jiff::Timestamp;
use records::attributes::RECALL_ORDER;

use super::format::{Answer, Format, Header, Span, Times};
use crate::completeness::{Completeness, Moment, judge};
use crate::schema;
use crate::search::sscc_readings;
use crate::store::{DeviceName, Kept, Snapshot, shown, sql};
use crate::unanswerable::{Unanswerable, find_kept};

/// Bytes that are handed on at once.
const CHUNK: usize = 16 << 10;

/// Dimensions whose values are SSCCs, or other names of containers.
const SSCC_DIMENSIONS: [&str; 2] = ["packageId", "palletId"];

/// What a recall begins with.
#[derive(Debug, Clone)]
pub enum Of {
    /// One affected device.
    Device {
        /// Its serial number or connhexId.
        serial: String,
        /// Which of several devices with that serial.
        scope: Option<String>,
        /// The group attribute to go by; `None` is the first of [`RECALL_ORDER`] that the device has.
        by: Option<String>,
    },
    /// A group that is known by its value: a lot, a pallet.
    Group {
        /// The group attribute.
        by: String,
        /// Its value.
        value: String,
    },
}

/// A recall.
#[derive(Debug, Clone)]
pub struct Question {
    /// What it begins with.
    pub of: Of,
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
/// What the store says; inside, why there is no answer.
pub fn prepare(
    snapshot: &Snapshot<'_>,
    question: &Question,
    now: Timestamp,
    connected: bool,
) -> sql::Result<Result<Prepared, Unanswerable>> {
    let header = match &question.of {
        Of::Group { by, value } => of_group(snapshot, by, value)?,
        Of::Device { serial, scope, by } => {
            of_device(snapshot, serial, scope.as_deref(), by.as_deref(), question.as_of)?
        }
    };
    let header = match header {
        Ok(header) => header,
        Err(why) => return Ok(Err(why)),
    };
    let mut completeness =
        judge(&snapshot.stations()?, &snapshot.lapses()?, Moment { now, as_of: question.as_of, connected });
    schema::incomplete(&mut completeness, &snapshot.backfills()?, |dimension| dimension == header.by);
    Ok(Ok(Prepared { header, as_of: question.as_of, completeness }))
}

/// Can devices be recalled by this? By a group attribute, or by what a schema has made one.
fn known(snapshot: &Snapshot<'_>, by: &str) -> sql::Result<Result<String, Unanswerable>> {
    let dimensions = snapshot.dimensions()?;
    Ok(match dimensions.has(by) {
        true => Ok(by.to_owned()),
        false => {
            let further = dimensions.names().map(str::to_owned).collect();
            Err(Unanswerable::Dimension { by: by.to_owned(), further })
        }
    })
}

fn of_group(snapshot: &Snapshot<'_>, by: &str, value: &str) -> sql::Result<Result<Header, Unanswerable>> {
    let by = match known(snapshot, by)? {
        Ok(by) => by,
        Err(why) => return Ok(Err(why)),
    };
    // The label of a package or pallet is scanned or typed as it stands there; the answer names what was read.
    let readings = if SSCC_DIMENSIONS.contains(&by.as_str()) { sscc_readings(value) } else { vec![value.to_owned()] };
    for value in readings {
        if snapshot.has_group(&by, &value)? {
            let values = vec![Span { value, time: None }];
            return Ok(Ok(Header { by, serial_number: None, scope: String::new(), values }));
        }
    }
    Ok(Err(Unanswerable::NoSuchGroup { by, value: value.to_owned() }))
}

fn of_device(
    snapshot: &Snapshot<'_>,
    serial: &str,
    scope: Option<&str>,
    by: Option<&str>,
    as_of: Option<Timestamp>,
) -> sql::Result<Result<Header, Unanswerable>> {
    let candidates = match by.map(|by| known(snapshot, by)).transpose()?.transpose() {
        Ok(by) => by.map_or(RECALL_ORDER.map(str::to_owned).to_vec(), |by| vec![by]),
        Err(why) => return Ok(Err(why)),
    };
    let (DeviceName { subject, .. }, kept) = match find_kept(snapshot, serial, scope)? {
        Ok(found) => found,
        Err(why) => return Ok(Err(why)),
    };
    let found = |as_of| {
        candidates.iter().find_map(|dimension| {
            let values = spans(&kept, dimension, as_of);
            (!values.is_empty()).then(|| (dimension.clone(), values))
        })
    };
    let Some((by, values)) = found(as_of) else {
        let (serial, by) = (subject.id, by.map(str::to_owned));
        let times: Vec<Times> = found(None).into_iter().flat_map(|(_, values)| values).filter_map(|v| v.time).collect();
        return Ok(Err(match (as_of, times.iter().map(|time| time.since).min()) {
            (Some(as_of), Some(since)) => {
                let lasts = times.iter().any(|time| time.until.is_none());
                Unanswerable::NoGroupThen { serial, by, as_of, since, lasts }
            }
            _ => Unanswerable::NoGroup { serial, by },
        }));
    };
    Ok(Ok(Header { by, serial_number: Some(subject.id), scope: subject.scope, values }))
}

/// The values that a device truly had, each once, first beginning and last end, in the order of their beginning.
pub fn spans(kept: &Kept, dimension: &str, as_of: Option<Timestamp>) -> Vec<Span> {
    let mut spans: Vec<(String, Times)> = Vec::new();
    for group in kept.groups.iter().filter(|group| group.dimension == dimension && !group.corrected) {
        let (value, since) = (&group.value, shown(group.since));
        let over = group.latest.is_some_and(|latest| as_of.is_none_or(|time| shown(latest) <= time));
        let until = group.until.map(shown).filter(|_| over);
        if as_of.is_some_and(|time| shown(group.earliest) > time) {
            continue;
        }
        match spans.iter_mut().find(|(known, _)| known == value) {
            Some((_, known)) => {
                known.since = known.since.min(since);
                known.until = known.until.and_then(|known| Some(known.max(until?)));
            }
            None => spans.push((value.clone(), Times { since, until })),
        }
    }
    spans.sort_by(|(a, at), (b, bt)| (at.since, a).cmp(&(bt.since, b)));
    spans.into_iter().map(|(value, times)| Span { value, time: Some(times) }).collect()
}

/// Writes the answer in pieces; memory does not grow with its length. `send` breaks when nobody listens any more. Says
/// whether all of it was sent, with its end.
///
/// # Errors
/// What the store says; what was sent until then lacks its end.
pub fn stream(
    snapshot: &Snapshot<'_>,
    prepared: Prepared,
    format: Format,
    mut send: impl FnMut(Vec<u8>) -> ControlFlow<()>,
) -> sql::Result<bool> {
    let Prepared { header, as_of, completeness } = prepared;
    let values: Vec<String> = header.values.iter().map(|span| span.value.clone()).collect();
    let mut answer = Answer::begin(format, &header, as_of, &completeness);
    let mut gone = ControlFlow::Continue(());
    for corrected in [false, true] {
        if corrected && !answer.begin_corrected() {
            break;
        }
        snapshot.units(&header.by, &values, as_of, corrected, |unit| {
            answer.unit(&unit);
            if answer.len() >= CHUNK {
                gone = send(answer.take());
            }
            gone
        })?;
        if gone.is_break() {
            return Ok(false);
        }
    }
    Ok(send(answer.end(&completeness)).is_continue())
}
