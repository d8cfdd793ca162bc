//! From records to a device.

use std::collections::{BTreeMap, HashMap};

use records::{Event, Record, RecordId, Subject};

use super::condition::{Put, Taken, has_passed};
use super::contradictions::contradictions;
use super::edge::Place;
use super::order::total_order;
use super::repeats::Counted;
use super::walk::{Span, Truth, Walk};
use super::{Deleted, Despatch, DeviceView, Dimensions, Fact, Mark, Membership, State, Test, correction};
use super::{found, handled};

/// Reads the records of a device and those of every container that it was ever in, upwards without end. Others do no
/// harm. The answer is the same for every order of `facts`, each of which is there once; what only repeats another one
/// counts for nothing. `None` where no record says that the device exists: a refusal does not.
pub fn fold(device: &Subject, facts: &[&Fact], dimensions: &Dimensions) -> Option<DeviceView> {
    let read = Read::of(device, facts, dimensions);
    view(device, facts, &read)
}

/// Facts in order, and where they lead.
pub struct Read<'a> {
    /// The indices of those that count, in order.
    pub order: Vec<usize>,
    /// What of them was never true.
    pub voided: Voided,
    /// Where the others lead.
    pub walk: Walk<'a>,
}

impl<'a> Read<'a> {
    /// Reads the facts about a subject and all that it was ever inside.
    pub fn of(subject: &'a Subject, facts: &[&'a Fact], dimensions: &'a Dimensions) -> Self {
        let (order, voided) = in_order(facts);
        let mut walk = Walk::new(subject, dimensions);
        for &index in &order {
            step(&mut walk, facts, &voided, index);
        }
        Self { order, voided, walk }
    }
}

/// The indices of the facts that count, in order, and what of them was never true.
pub fn in_order(facts: &[&Fact]) -> (Vec<usize>, Voided) {
    let counted = Counted::of(facts);
    let order = total_order(facts, &counted);
    let voided = voided(facts, &order, &counted);
    (order, voided)
}

/// Takes in what is true of a fact.
fn step<'a>(walk: &mut Walk<'a>, facts: &[&'a Fact], voided: &Voided, index: usize) {
    let truth = match voided.get(&index) {
        None => Truth::Whole,
        Some(Void { whole: false, .. }) => Truth::ButForPlace,
        Some(Void { whole: true, .. }) => return,
    };
    walk.step(index, facts[index], truth);
}

/// A fact in the history of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// Its index among the facts.
    pub index: usize,
    /// It was a mistake and never true.
    pub corrected: bool,
}

/// Which facts belong to the history of a device, oldest first: those of its own, and those of a container while the
/// device was inside. What was written again is told once.
pub fn tell(device: &Subject, facts: &[&Fact]) -> Vec<Told> {
    let (order, voided) = in_order(facts);
    let mut walk = Walk::new(device, Dimensions::none());
    let mut told = Vec::new();
    for index in order {
        let reading = &facts[index].reading;
        let inside = |walk: &Walk<'_>| reading.subject.as_ref().is_some_and(|subject| walk.is_inside(subject));
        let corrected = voided.contains_key(&index);
        let before = inside(&walk);
        step(&mut walk, facts, &voided, index);
        if before || inside(&walk) {
            told.push(Told { index, corrected });
        }
    }
    told
}

/// By the index of a record: what of it was never true.
pub type Voided = BTreeMap<usize, Void>;

/// What of a record was never true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Void {
    /// The index of the correction that says so.
    pub by: usize,
    /// Not one word; else only where it puts its subject.
    pub whole: bool,
}

/// Which records were never true, each with the correction that says so. A correction counts when it names a record of the
/// same subject that came before it. Read from the end, because a correction may itself be corrected.
fn voided(facts: &[&Fact], order: &[usize], counted: &Counted) -> Voided {
    let mut voided = Voided::new();
    let corrects = |index: usize| facts[index].reading.record.as_ref().and_then(|r| Some((r, correction(r)?)));
    if !order.iter().any(|index| corrects(*index).is_some()) {
        return voided;
    }
    let mut named: HashMap<&RecordId, Vec<usize>> = HashMap::new();
    let mut place = vec![0; facts.len()];
    for (at, &index) in order.iter().enumerate() {
        place[index] = at;
        // A record that was written again answers to all of its identities.
        for id in counted.known_as(facts, index) {
            named.entry(id).or_default().push(index);
        }
    }
    for &index in order.iter().rev() {
        let stands = !voided.get(&index).is_some_and(|void: &Void| void.whole);
        let Some((record, (id, whole))) = corrects(index).filter(|_| stands) else {
            continue;
        };
        let candidates = named.get(id).map(Vec::as_slice).unwrap_or_default();
        for target in meant(facts, counted, candidates, index, id) {
            let Some(said) = facts[target].reading.record.as_ref() else { continue };
            // Between series a clock may be wrong, and what names a record was written after it. Only two corrections
            // that name each other need the order to decide.
            let before = written_before(facts, counted, target, index)
                && (correction(said).is_none() || place[target] < place[index]);
            if before && target != index && said.subject == record.subject && said.event != Event::Refused {
                let void = voided.entry(target).or_insert(Void { by: index, whole });
                if whole && !void.whole {
                    *void = Void { by: index, whole };
                }
            }
        }
    }
    voided
}

/// Which of the records with this identity a correction means. After a fork two machines gave it to different records:
/// each machine means the one in its own series, anyone else what is stored under that very identity.
fn meant(facts: &[&Fact], counted: &Counted, candidates: &[usize], by: usize, corrects: &RecordId) -> Vec<usize> {
    let series = |id: &RecordId| (id.station.clone(), id.series);
    let own = series(&facts[by].id);
    let only = |wanted: &dyn Fn(&RecordId) -> bool| -> Vec<usize> {
        candidates.iter().copied().filter(|&c| counted.stored_as(facts, c).into_iter().any(wanted)).collect()
    };
    let found = only(&|id| series(id) == own);
    let found = if found.is_empty() { only(&|id| id == corrects) } else { found };
    if found.is_empty() { candidates.to_vec() } else { found }
}

/// Was `first` written before `second` in every series that has both?
fn written_before(facts: &[&Fact], counted: &Counted, first: usize, second: usize) -> bool {
    let second = counted.known_as(facts, second);
    counted.known_as(facts, first).into_iter().all(|first| {
        let same_series = |other: &&&RecordId| (&other.station, other.series) == (&first.station, first.series);
        second.iter().filter(same_series).all(|second| first.seq < second.seq)
    })
}

fn view(device: &Subject, facts: &[&Fact], read: &Read<'_>) -> Option<DeviceView> {
    let Read { order, voided, walk } = read;
    let own = |index: &usize| facts[*index].reading.subject.as_ref() == Some(device);
    // Neither a refusal nor a hold nor a person who puts it out of sight says that there is such a device.
    let says = |record: &&Record| {
        !matches!(record.event, Event::Refused | Event::Held | Event::Released | Event::Deleted | Event::Restored)
    };
    let said = |index: &usize| facts[*index].reading.record.as_ref().filter(says);
    let times = || order.iter().filter(|i| own(i)).filter_map(said).map(|record| record.at.wall);
    let (first_seen, last_seen) = (times().min()?, times().max()?);
    let never_true = |index: &usize| voided.get(index).is_some_and(|void| void.whole);
    let was_there = order
        .iter()
        .filter(|index| own(index) && !never_true(index))
        .filter_map(said)
        .any(|record| record.event != Event::Voided);
    let contradictions = contradictions(facts, walk);
    let part_of = walk.directly_in().into_iter().rfind(|edge| edge.place() == Some(Place::Device));
    Some(DeviceView {
        state: if was_there { state(walk) } else { State::Voided },
        contested: walk.is_contested(),
        contradictions,
        deleted: walk.condition.deleted.map(deleted),
        test: walk.condition.test.map(|taken| test(taken, walk.condition.attempts)),
        despatch: walk.despatched().map(despatch),
        station: walk.condition.put_by.or(walk.condition.handled).map(|taken| facts[taken.index].id.station.clone()),
        part_of: part_of.map(|edge| edge.parent_id().to_owned()),
        attributes: walk.attributes(),
        memberships: memberships(device, facts, read),
        handled: handled::handled(device, facts, read),
        first_seen,
        last_seen,
        records: order.iter().filter(|i| own(i)).count() as u64,
    })
}

/// What became of a device that is more than a mistake.
fn state(walk: &Walk<'_>) -> State {
    let condition = &walk.condition;
    match condition.put {
        _ if condition.scrapped.is_some() => State::Scrapped,
        Some(_) if walk.despatched().is_some() => State::Despatched,
        Some(Put::Packed) => State::Packed,
        Some(Put::Assembled) => State::Assembled,
        Some(Put::Out) => State::Unpacked,
        None if condition.test.is_some() => State::Tested,
        None => State::Seen,
    }
}

fn deleted(taken: Taken<'_>) -> Deleted {
    Deleted { at: taken.record.at.wall, reason: taken.record.reason.clone().unwrap_or_default() }
}

fn test(taken: Taken<'_>, attempts: u64) -> Test {
    let rig = taken.record.attributes.get("rig").and_then(|rig| rig.as_str()).map(str::to_owned);
    Test { passed: has_passed(taken.record), attempts, rig, at: taken.record.at.wall }
}

/// Where a container was sent.
pub fn despatch(taken: Taken<'_>) -> Despatch {
    let text = |name: &str| taken.record.attributes.get(name).and_then(|value| value.as_str()).map(str::to_owned);
    Despatch {
        container: taken.record.subject.id.clone(),
        consignee: text("consignee"),
        despatch_note: text("despatchNote"),
        at: taken.record.at.wall,
    }
}

/// Every group that a device was in, or was said to be in.
fn memberships(device: &Subject, facts: &[&Fact], read: &Read<'_>) -> Vec<Membership> {
    let Read { order, voided, walk } = read;
    let mark = |index: usize| {
        let fact = facts[index];
        Mark {
            at: fact.wall().unwrap_or_default(),
            record: fact.id.clone(),
            happened: fact.happened,
            borders: fact.borders(),
        }
    };
    let membership = |span: &Span<'_>, until: Option<usize>, corrected| {
        let mut since = mark(span.since);
        since.borders.0 = span.earliest;
        Membership {
            dimension: span.group.0.to_owned(),
            value: span.group.1.clone().into_owned(),
            since,
            until: until.map(mark),
            corrected,
        }
    };
    let spans = walk.spans();
    let mut memberships: Vec<Membership> = spans.iter().map(|span| membership(span, span.until, false)).collect();
    if !voided.is_empty() {
        let never_true = as_said(device, facts, read).into_iter().filter(|s| spans.iter().all(|t| t.group != s.group));
        let corrections: Vec<usize> = order.iter().copied().filter(|i| voided.values().any(|v| v.by == *i)).collect();
        memberships.extend(never_true.map(|span| {
            // What followed in what was said, or the first correction after it.
            let mut later = order.iter().copied().skip_while(|index| *index != span.since).skip(1);
            let end = later.find(|index| span.until == Some(*index) || corrections.contains(index));
            membership(&span, end.or(corrections.last().copied()), true)
        }));
    }
    memberships.extend(handled::memberships(device, facts, read, mark));
    memberships.extend(found::memberships(device, facts, read, mark));
    // Stable: of one group, the spans stay in the order of their beginning.
    memberships.sort_by(|a, b| (&a.dimension, &a.value).cmp(&(&b.dimension, &b.value)));
    memberships
}

/// What the corrected records would have made of the device, had they been true.
fn as_said<'a>(device: &'a Subject, facts: &[&'a Fact], read: &Read<'a>) -> Vec<Span<'a>> {
    let mut walk = Walk::new(device, read.walk.dimensions());
    for &index in &read.order {
        walk.step(index, facts[index], Truth::Whole);
    }
    walk.into_spans()
}
