//! From a question to the groups whose units are the answer, and the statement that goes with it.

use jiff::Timestamp;
use records::attributes::RECALL_ORDER;

use super::format::{Header, Span, Times};
use super::question::{Clause, Conditions, Members, Of, Question, Window};
use crate::completeness::{Completeness, Moment, judge};
use crate::schema;
use crate::search::sscc_readings;
use crate::store::{DeviceName, Kept, Snapshot, shown, sql};
use crate::unanswerable::{Unanswerable, find_kept};

/// Dimensions whose values are SSCCs, or other names of containers.
const SSCC_DIMENSIONS: [&str; 2] = ["packageId", "palletId"];

/// A recall that has an answer.
#[derive(Debug)]
pub struct Prepared {
    pub(super) header: Header,
    pub(super) clauses: Vec<Clause>,
    pub(super) window: Option<Window>,
    pub(super) as_of: Option<Timestamp>,
    pub(super) known_at: Option<u64>,
    pub(super) members: Members,
    pub(super) completeness: Completeness,
}

impl Prepared {
    /// The statement of the answer.
    pub fn completeness(&self) -> &Completeness {
        &self.completeness
    }

    /// Is it a whole group as it is known now, whoever was ever in it?
    pub fn is_plain(&self) -> bool {
        let Self { window, as_of, known_at, members, .. } = self;
        window.is_none() && as_of.is_none() && known_at.is_none() && *members == Members::Ever
    }

    /// The groups, each with its values: a unit is in one of the values of each.
    pub fn clauses(&self) -> &[Clause] {
        &self.clauses
    }
}

type Found<T> = sql::Result<Result<T, Unanswerable>>;

/// Finds the device, the dimensions and their values.
///
/// # Errors
/// What the store says; inside, why there is no answer.
pub fn prepare(snapshot: &Snapshot<'_>, question: &Question, now: Timestamp, connected: bool) -> Found<Prepared> {
    let Question { of, as_of, known_at, members } = question;
    let (as_of, known_at) = (*as_of, *known_at);
    let found = match of {
        Of::Group { by, value } => of_group(snapshot, by, value)?,
        Of::Device { serial, scope, by } => of_device(snapshot, serial, scope.as_deref(), by.as_deref(), as_of)?,
        Of::All(conditions) => of_all(snapshot, conditions)?,
    };
    let (mut header, clauses) = match found {
        Ok(found) => found,
        Err(why) => return Ok(Err(why)),
    };
    header.known_at = known_at;
    header.current = *members == Members::Current;
    let moment = Moment { now, as_of, connected };
    let mut completeness = judge(&snapshot.stations()?, &snapshot.lapses()?, moment);
    let backfills = snapshot.backfills()?;
    schema::incomplete(&mut completeness, &backfills, |dimension| clauses.iter().any(|clause| clause.by == dimension));
    if let Some(position) = known_at {
        completeness.complete = false;
        completeness.why.push(format!(
            "this is what was stored up to position {position}; whether that was all, the stations say only of now"
        ));
    }
    let window = match of {
        Of::All(conditions) => conditions.window,
        _ => None,
    };
    Ok(Ok(Prepared { header, clauses, window, as_of, known_at, members: *members, completeness }))
}

/// Can devices be recalled by this? By a group attribute, or by what a schema has made one.
fn known(snapshot: &Snapshot<'_>, by: &str) -> Found<String> {
    let dimensions = snapshot.dimensions()?;
    Ok(match dimensions.has(by) {
        true => Ok(by.to_owned()),
        false => {
            let further = dimensions.names().map(str::to_owned).collect();
            Err(Unanswerable::Dimension { by: by.to_owned(), further })
        }
    })
}

/// The value as it is written in records: the label of a package or pallet is scanned or typed as it stands there, and the
/// answer names what was read.
fn read_value(snapshot: &Snapshot<'_>, by: &str, value: &str) -> sql::Result<Option<String>> {
    let readings = if SSCC_DIMENSIONS.contains(&by) { sscc_readings(value) } else { vec![value.to_owned()] };
    for value in readings {
        if snapshot.has_group(by, &value)? {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

fn of_group(snapshot: &Snapshot<'_>, by: &str, value: &str) -> Found<(Header, Vec<Clause>)> {
    let by = match known(snapshot, by)? {
        Ok(by) => by,
        Err(why) => return Ok(Err(why)),
    };
    let Some(value) = read_value(snapshot, &by, value)? else {
        return Ok(Err(Unanswerable::NoSuchGroup { by, value: value.to_owned() }));
    };
    let header = Header::by(&by, vec![Span { value: value.clone(), time: None }]);
    Ok(Ok((header, vec![Clause { by, values: vec![value] }])))
}

/// A group that nobody was ever in is no answer: it may be a slip of the pen, and an empty list would look like a good one.
fn of_all(snapshot: &Snapshot<'_>, conditions: &Conditions) -> Found<(Header, Vec<Clause>)> {
    let mut clauses = Vec::new();
    for Clause { by, values } in &conditions.clauses {
        let by = match known(snapshot, by)? {
            Ok(by) => by,
            Err(why) => return Ok(Err(why)),
        };
        let mut read = Vec::new();
        for value in values {
            match read_value(snapshot, &by, value)? {
                Some(value) => read.push(value),
                None => return Ok(Err(Unanswerable::NoSuchGroup { by, value: value.clone() })),
            }
        }
        read.sort();
        read.dedup();
        clauses.push(Clause { by, values: read });
    }
    Ok(Ok((Header::all(clauses.clone(), conditions), clauses)))
}

fn of_device(
    snapshot: &Snapshot<'_>,
    serial: &str,
    scope: Option<&str>,
    by: Option<&str>,
    as_of: Option<Timestamp>,
) -> Found<(Header, Vec<Clause>)> {
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
    let Some((by, spans)) = found(as_of) else {
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
    let values = spans.iter().map(|span| span.value.clone()).collect();
    let header = Header { serial_number: Some(subject.id), scope: subject.scope, ..Header::by(&by, spans) };
    Ok(Ok((header, vec![Clause { by, values }])))
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
