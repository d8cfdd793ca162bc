//! From a question to the groups whose units are the answer, and the statement that goes with it.

use jiff::Timestamp;
use records::Subject;
use records::attributes::{DERIVED, RECALL_ORDER, STATION};

use super::affected::is_of_the_past;
use super::counted::is_counted;
use super::format::{Header, Span, Times};
use super::parts::{Names, Parts};
use super::question::{Clause, Conditions, Members, Of, Question};
use super::seals::{Held, held, sealed};
use super::window::{self, At};
use crate::completeness::{Completeness, Moment, judge};
use crate::projection::{named_part, part};
use crate::schema;
use crate::search::sscc_readings;
use crate::store::{DeviceName, Kept, SeriesState, Snapshot, shown, sql};
use crate::unanswerable::{Unanswerable, find, find_kept};

/// Dimensions whose values are SSCCs, or other names of containers.
const SSCC_DIMENSIONS: [&str; 2] = ["packageId", "palletId"];

/// A recall that has an answer.
#[derive(Debug)]
pub struct Prepared {
    pub(super) header: Header,
    pub(super) clauses: Vec<Clause>,
    /// For each of them: devices that are no members now and may have been known as such.
    pub(super) further: Vec<Names>,
    pub(super) parts: Vec<Parts>,
    pub(super) window: Option<At>,
    /// The days of the window, where nothing but it says which units to look at.
    pub(super) days: Option<Clause>,
    pub(super) as_of: Option<Timestamp>,
    pub(super) known_at: Option<u64>,
    pub(super) members: Members,
    /// What became of the units is told as of now, whatever time was asked for.
    pub(super) tells_now: bool,
    pub(super) completeness: Completeness,
}

impl Prepared {
    /// The statement of the answer.
    pub fn completeness(&self) -> &Completeness {
        &self.completeness
    }

    /// For what has to be done now: where the units are and how to reach them is told as of now, whoever was affected at the
    /// time that was asked for.
    #[must_use]
    pub fn telling_now(self) -> Self {
        Self { tells_now: true, ..self }
    }

    /// Is it a whole group as it is known now, whoever was ever in it?
    pub fn is_plain(&self) -> bool {
        let Self { parts, window, as_of, known_at, members, .. } = self;
        parts.is_empty() && window.is_none() && as_of.is_none() && known_at.is_none() && *members == Members::Ever
    }

    /// The groups, each with its values: a unit is in one of the values of each.
    pub fn clauses(&self) -> &[Clause] {
        &self.clauses
    }
}

type Found<T> = sql::Result<Result<T, Unanswerable>>;

/// Takes out what was found, or ends with why there is no answer.
macro_rules! found {
    ($found:expr) => {
        match $found {
            Ok(found) => found,
            Err(why) => return Ok(Err(why)),
        }
    };
}

/// Finds the device, the dimensions and their values.
///
/// # Errors
/// What the store says; inside, why there is no answer.
pub fn prepare(snapshot: &Snapshot<'_>, question: &Question, now: Timestamp, connected: bool) -> Found<Prepared> {
    match prepared(snapshot, question, now, connected)? {
        Ok(prepared) => Ok(Ok(prepared)),
        Err(why) => Ok(Err(why.unless_filling(&snapshot.backfills()?))),
    }
}

fn prepared(snapshot: &Snapshot<'_>, question: &Question, now: Timestamp, connected: bool) -> Found<Prepared> {
    snapshot.ahead_of_recall()?;
    if let Of::Group { by, value } = &question.of {
        snapshot.ahead_of_group(by, value, question.as_of)?;
        if let Some(subject) = sealed(by, value) {
            snapshot.ahead_of(&subject)?;
            if is_counted(&subject) {
                snapshot.ahead_of_seals(&subject)?;
            }
        }
    }
    let Question { of, as_of, known_at, members } = question;
    let (as_of, known_at) = (*as_of, *known_at);
    let (mut header, clauses) = found!(match of {
        Of::Group { by, value } => of_group(snapshot, by, value, known_at)?,
        Of::Device { serial, scope, by } => {
            let asked = (serial.as_str(), scope.as_deref());
            of_device(snapshot, asked, by.as_deref(), as_of, known_at)?
        }
        Of::All(conditions) => of_all(snapshot, conditions, known_at)?,
    });
    (header.known_at, header.current) = (known_at, *members == Members::Current);
    let stations = snapshot.stations()?;
    let mut prepared = Prepared {
        header,
        further: clauses.iter().map(|_| Names::new()).collect(),
        clauses,
        parts: Vec::new(),
        window: None,
        days: None,
        as_of,
        known_at,
        members: *members,
        tells_now: false,
        completeness: judge(&stations, &snapshot.lapses()?, Moment { now, as_of, connected }),
    };
    if let Of::All(conditions) = of {
        found!(prepared.take(snapshot, conditions)?);
    }
    let lasts = !prepared.parts.is_empty() || prepared.clauses.iter().any(|clause| !is_of_the_past(&clause.by));
    if *members == Members::Current && !lasts {
        return Ok(Err(Unanswerable::NothingLasts));
    }
    // The rows say when a group began as it is known now; what was known at a position may be another beginning.
    if let Some(as_of) = as_of.filter(|_| known_at.is_none() && !matches!(of, Of::Device { .. })) {
        found!(prepared.had_begun(snapshot, as_of)?);
    }
    prepared.widen(snapshot)?;
    prepared.judge(snapshot, &stations)?;
    Ok(Ok(prepared))
}

impl Prepared {
    /// Takes in what is asked beside groups.
    fn take(&mut self, snapshot: &Snapshot<'_>, conditions: &Conditions) -> Found<()> {
        let Conditions { window, components, component_lots, .. } = conditions;
        if !components.is_empty() {
            let mut named = Vec::new();
            for asked in components {
                let Some((serial, scope)) = named_part(asked) else {
                    return Ok(Err(Unanswerable::Unknown(asked.clone())));
                };
                named.push(found!(find(snapshot, &serial, scope, true)?).subject);
            }
            self.parts.push(Parts::Named(named));
        }
        if !component_lots.is_empty() {
            for lot in component_lots {
                if !snapshot.has_group("lotCode", lot)? {
                    return Ok(Err(Unanswerable::NoSuchGroup { by: "lotCode".to_owned(), value: lot.clone() }));
                }
            }
            self.parts.push(Parts::Lots(component_lots.clone()));
        }
        let Some(window) = *window else { return Ok(Ok(())) };
        let stations = self.clauses.iter().find(|clause| clause.by == STATION);
        self.window = Some(At { window, stations: stations.map(|clause| clause.values.clone()).unwrap_or_default() });
        if self.clauses.is_empty() && self.parts.is_empty() {
            match window::days(&window) {
                Some(days) => self.days = Some(days),
                None => return Ok(Err(Unanswerable::Window { most_days: window::MOST_DAYS })),
            }
        }
        Ok(Ok(()))
    }

    /// A time before the first unit of a group is no time to ask for: an empty list would look like an answer.
    fn had_begun(&self, snapshot: &Snapshot<'_>, as_of: Timestamp) -> Found<()> {
        for Clause { by, values } in &self.clauses {
            let mut first = None;
            for value in values {
                if snapshot.group_since(by, value, Some(as_of))?.is_some() {
                    first = None;
                    break;
                }
                first = first.or(snapshot.group_since(by, value, None)?.map(|since| (value, since)));
            }
            if let Some((value, since)) = first {
                return Ok(Err(Unanswerable::GroupLater { by: by.clone(), value: value.clone(), as_of, since }));
            }
        }
        Ok(Ok(()))
    }

    /// Who was known as a member at a position is a member now, or was corrected, or is inside a container in another way
    /// than was known then: whoever was ever inside is looked at.
    fn widen(&mut self, snapshot: &Snapshot<'_>) -> sql::Result<()> {
        if self.known_at.is_none() {
            return Ok(());
        }
        for (Clause { by, values }, further) in self.clauses.iter().zip(&mut self.further) {
            for value in values {
                if let Some(of) = holder(by, value) {
                    further.extend(snapshot.ever_inside(&of)?);
                }
            }
            further.sort();
            further.dedup();
        }
        Ok(())
    }

    /// What else keeps the answer from being complete.
    fn judge(&mut self, snapshot: &Snapshot<'_>, stations: &[SeriesState]) -> sql::Result<()> {
        let asked = |dimension: &str| self.clauses.iter().any(|clause| clause.by == dimension);
        schema::incomplete(&mut self.completeness, &snapshot.backfills()?, asked);
        let Held { open, explained, ordered } = held(snapshot, stations, &self.completeness.stations, &self.clauses)?;
        self.completeness.complete &= open.is_empty();
        self.completeness.why.extend(open);
        (self.completeness.differences, self.completeness.ordered) = (explained, ordered);
        if let Some(position) = self.known_at {
            self.completeness.complete = false;
            self.completeness.why.push(format!(
                "this is what was stored up to position {position}; whether that was all, stations say only of now"
            ));
        }
        Ok(())
    }
}

/// Can devices be recalled by this? By a group attribute, by what a schema has made one, or by what follows from records.
fn known(snapshot: &Snapshot<'_>, by: &str) -> Found<String> {
    let dimensions = snapshot.dimensions()?;
    Ok(match dimensions.has(by) || DERIVED.contains(&by) {
        true => Ok(by.to_owned()),
        false => {
            let further = dimensions.names().map(str::to_owned).collect();
            Err(Unanswerable::Dimension { by: by.to_owned(), further })
        }
    })
}

/// What units are in whose group this is, where they get into it by being put there.
fn holder(by: &str, value: &str) -> Option<Subject> {
    if by == "partOf" { part(value) } else { sealed(by, value) }
}

/// The value as it is written in records: the label of a package or pallet is scanned or typed as it stands there, and the
/// answer names what was read. What was known at a position may be a group that has no member by what is known now.
fn read_value(snapshot: &Snapshot<'_>, by: &str, value: &str, known_at: Option<u64>) -> Found<String> {
    let readings = if SSCC_DIMENSIONS.contains(&by) { sscc_readings(value) } else { vec![value.to_owned()] };
    for value in &readings {
        if snapshot.has_group(by, value)? {
            return Ok(Ok(value.clone()));
        }
    }
    for value in readings.into_iter().filter(|_| known_at.is_some()) {
        if let Some(of) = holder(by, &value)
            && !snapshot.ever_inside(&of)?.is_empty()
        {
            return Ok(Ok(value));
        }
    }
    Ok(Err(Unanswerable::NoSuchGroup { by: by.to_owned(), value: value.to_owned() }))
}

fn of_group(snapshot: &Snapshot<'_>, by: &str, value: &str, known_at: Option<u64>) -> Found<(Header, Vec<Clause>)> {
    let by = found!(known(snapshot, by)?);
    let value = found!(read_value(snapshot, &by, value, known_at)?);
    let header = Header::by(&by, vec![Span { value: value.clone(), time: None }]);
    Ok(Ok((header, vec![Clause { by, values: vec![value] }])))
}

/// A group that nobody was ever in is no answer: it may be a slip of the pen, and an empty list would look like a good one.
fn of_all(snapshot: &Snapshot<'_>, conditions: &Conditions, known_at: Option<u64>) -> Found<(Header, Vec<Clause>)> {
    let mut clauses = Vec::new();
    for Clause { by, values } in &conditions.clauses {
        let by = found!(known(snapshot, by)?);
        let mut read = Vec::new();
        for value in values {
            read.push(found!(read_value(snapshot, &by, value, known_at)?));
        }
        read.sort();
        read.dedup();
        clauses.push(Clause { by, values: read });
    }
    Ok(Ok((Header::all(clauses.clone(), conditions), clauses)))
}

fn of_device(
    snapshot: &Snapshot<'_>,
    (serial, scope): (&str, Option<&str>),
    by: Option<&str>,
    as_of: Option<Timestamp>,
    known_at: Option<u64>,
) -> Found<(Header, Vec<Clause>)> {
    let candidates = match by {
        Some(by) => vec![found!(known(snapshot, by)?)],
        None => RECALL_ORDER.map(str::to_owned).to_vec(),
    };
    let (device, mut kept) = found!(find_kept(snapshot, serial, scope)?);
    if let Some(position) = known_at {
        match snapshot.kept_at(&device, position)? {
            Some(then) => kept = then,
            None => return Ok(Err(Unanswerable::UnknownThen { serial: serial.to_owned(), position })),
        }
    }
    let DeviceName { subject, .. } = device;
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
