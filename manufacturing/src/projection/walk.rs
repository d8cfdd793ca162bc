//! Walking through records in order: what a device is in, and since when.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use records::attributes::PART_OF;
use records::{Event, Joined, Kind, Record, Subject};
use serde_json::Value;

use super::condition::{self, Condition, Taken};
use super::disputed::{Said, Sayings, Taking};
use super::edge::{Edge, Node, Up};
use super::{Dimensions, Fact, dimension, part_value, text};

/// What follows from edges alone.
const PLACES: [&str; 2] = ["packageId", "palletId"];

/// How much of a record is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// All of it.
    Whole,
    /// All but that it moved its subject: it is not where the record puts it, and did not leave where it was.
    ButForPlace,
}

/// A group: dimension and value.
pub type Group<'a> = (&'a str, Cow<'a, str>);

/// A device was in a group from one step to another. Steps are the indices that the walker handed in.
pub struct Span<'a> {
    pub group: Group<'a>,
    pub since: usize,
    pub until: Option<usize>,
    /// Not before, in microseconds since 1970. What is reached through several records is not reached before the last one.
    pub earliest: i64,
}

/// Where a walk stands.
pub struct Walk<'a> {
    device: Node<'a>,
    dimensions: &'a Dimensions,
    edges: Vec<Edge<'a>>,
    /// What was taken out of what.
    takings: Vec<Taking<'a>>,
    /// What was put, by mistake, into a place, out of one that it did not leave.
    mistaken: Vec<(Node<'a>, Node<'a>, Node<'a>)>,
    attributes: Sayings<'a>,
    open: BTreeMap<Group<'a>, usize>,
    spans: Vec<Span<'a>>,
    steps: usize,
    inside_itself: Option<Taken<'a>>,
    /// What became of it, and of what it is in.
    pub condition: Condition<'a>,
}

impl<'a> Walk<'a> {
    pub fn new(device: &'a Subject, dimensions: &'a Dimensions) -> Self {
        Self {
            device: device.into(),
            dimensions,
            edges: Vec::new(),
            takings: Vec::new(),
            mistaken: Vec::new(),
            attributes: Sayings::default(),
            open: BTreeMap::new(),
            spans: Vec::new(),
            steps: 0,
            inside_itself: None,
            condition: Condition::default(),
        }
    }

    /// Takes in one record. Corrections and refusals change nothing by themselves.
    pub fn step(&mut self, index: usize, fact: &'a Fact, truth: Truth) {
        let Some(record) = &fact.reading.record else { return };
        let subject = Node::from(&record.subject);
        let own = subject == self.device;
        self.steps += 1;
        self.condition.take(Taken { step: self.steps, index, record }, own);
        if matches!(record.event, Event::Voided | Event::Refused) {
            return;
        }
        let whole = truth == Truth::Whole;
        if whole {
            self.leave(subject, record, fact);
        } else {
            let wrongly = |into: &'a Joined| record.from.iter().map(move |from| (subject, into.into(), from.into()));
            self.mistaken.extend(record.into.iter().flat_map(wrongly));
        }
        // Nothing is inside itself: that is told, and changes nothing.
        if own && whole && record.into.iter().any(|joined| Node::from(joined) == subject) {
            self.inside_itself = Some(Taken { step: self.steps, index, record });
        }
        let into = record.into.iter().filter(|joined| whole && Node::from(*joined) != subject);
        for joined in into {
            let (parent, level, dimension) = (joined.into(), joined.level, dimension(joined));
            let (taken_out, earliest) = (Taking::rival(&self.takings, (subject, parent), fact), fact.borders().0);
            let (since, step) = (index, self.steps);
            let edge = Edge { child: subject, parent, level, dimension, since, step, earliest, taken_out };
            match self.edges.iter_mut().find(|e| (e.child, e.parent, e.level) == (subject, parent, level)) {
                Some(known) => {
                    // Said again by somebody who came after that.
                    known.taken_out = known.taken_out.and(taken_out);
                    known.earliest = known.earliest.min(earliest);
                }
                None => self.edges.push(edge),
            }
        }
        if own {
            condition::said_of_device(record).for_each(|(name, value)| self.attributes.take(name, value, fact));
            // A test says what it found, and not where the device is or what it was.
            if condition::settles(record) && record.event != Event::Tested {
                self.attributes.settle();
            }
        }
        if own || !record.from.is_empty() || !record.into.is_empty() {
            self.regroup(index);
        }
    }

    /// Takes a subject out of what a record says. Who comes out of a place that it was put into by mistake, comes out of the
    /// one that it was in all the time; unless it stays there.
    fn leave(&mut self, subject: Node<'a>, record: &'a Record, by: &'a Fact) {
        let mut left: Vec<Node<'a>> = record.from.iter().map(Node::from).collect();
        while let Some(place) = left.pop() {
            self.edges.retain(|edge| (edge.child, edge.parent) != (subject, place));
            self.takings.push(Taking { child: subject, parent: place, by });
            let stays = |place: Node<'a>| record.into.iter().any(|joined| Node::from(joined) == place);
            self.mistaken.retain(|&(child, wrong, truly)| {
                let over = (child, wrong) == (subject, place);
                left.extend((over && !stays(truly)).then_some(truly));
                !over
            });
        }
    }

    /// Ends what no longer holds and begins what now does.
    fn regroup(&mut self, index: usize) {
        let now = self.groups();
        let spans = &mut self.spans;
        self.open.retain(|group, span| {
            let holds = now.contains_key(group);
            if !holds {
                spans[*span].until = Some(index);
            }
            holds
        });
        for (group, earliest) in now {
            let span = *self.open.entry(group).or_insert_with_key(|group| {
                spans.push(Span { group: group.clone(), since: index, until: None, earliest });
                spans.len() - 1
            });
            spans[span].earliest = spans[span].earliest.min(earliest);
        }
    }

    /// What it is a member of, and not before when.
    fn groups(&self) -> BTreeMap<Group<'a>, i64> {
        let said = self.attributes.all().filter(|(name, _)| self.dimensions.has(name));
        let said = said.filter_map(|(name, said)| Some(((name, text(said.value)?), said.by.borders().0)));
        let inside = self.ways_up().into_iter().filter_map(|(edge, earliest)| Some((self.group(edge)?, earliest)));
        let mut groups = BTreeMap::new();
        for (group, earliest) in said.chain(inside) {
            let first = groups.entry(group).or_insert(earliest);
            *first = earliest.min(*first);
        }
        groups
    }

    /// Every edge on every way up, and when at the earliest the device was there: on a way it is the last of its edges that
    /// says so, of several ways the first to be whole.
    fn ways_up(&self) -> Vec<(&Edge<'a>, i64)> {
        let up = Up::of(&self.edges);
        let mut there = BTreeMap::from([(self.device, i64::MIN)]);
        let mut waiting = vec![(self.device, i64::MIN)];
        while let Some((child, since)) = waiting.pop() {
            for edge in up.from(child) {
                let earliest = edge.earliest.max(since);
                if there.get(&edge.parent).is_none_or(|known| earliest < *known) {
                    there.insert(edge.parent, earliest);
                    waiting.push((edge.parent, earliest));
                }
            }
        }
        self.edges.iter().filter_map(|edge| Some((edge, edge.earliest.max(*there.get(&edge.child)?)))).collect()
    }

    /// The group that follows from being inside. However the records go in circles, a device is no part of itself.
    fn group(&self, edge: &Edge<'a>) -> Option<Group<'a>> {
        match edge.parent {
            parent if parent == self.device => None,
            Node { kind: Kind::Device, id, scope } => Some((PART_OF, part_value(id, scope))),
            parent => Some((edge.dimension?, Cow::Borrowed(parent.id))),
        }
    }

    /// Every edge on every way up from `node`, each once, however the records go in circles.
    fn edges_above(&self, node: Node<'a>) -> Vec<&Edge<'a>> {
        let up = Up::of(&self.edges);
        let mut seen = BTreeSet::from([node]);
        let mut waiting = vec![node];
        let mut found = Vec::new();
        while let Some(child) = waiting.pop() {
            for edge in up.from(child) {
                found.push(edge);
                if seen.insert(edge.parent) {
                    waiting.push(edge.parent);
                }
            }
        }
        found
    }

    /// Everything that `node` is inside of.
    fn nodes_above(&self, node: Node<'a>) -> BTreeSet<Node<'a>> {
        self.edges_above(node).into_iter().map(|edge| edge.parent).collect()
    }

    /// Is the device the subject, or inside it?
    pub fn is_inside(&self, subject: &Subject) -> bool {
        let subject = Node::from(subject);
        subject == self.device || self.edges_above(self.device).iter().any(|edge| edge.parent == subject)
    }

    /// Pairs of places of one kind, neither of which is inside the other: it can be in one of the two alone.
    pub fn conflicts(&self) -> Vec<(&Edge<'a>, &Edge<'a>)> {
        let above = self.edges_above(self.device);
        let mut children = BTreeSet::new();
        if above.iter().all(|edge| children.insert(edge.child)) {
            // There is one way up: whatever is on it is inside what is further up.
            return Vec::new();
        }
        let around = |edge: &&Edge<'a>| (edge.parent, self.nodes_above(edge.parent));
        let around: BTreeMap<Node<'a>, BTreeSet<Node<'a>>> = above.iter().map(around).collect();
        let is_in = |inner, outer| around.get(&inner).is_some_and(|around| around.contains(&outer));
        let mut found = Vec::new();
        for (n, a) in above.iter().enumerate() {
            for b in &above[..n] {
                let (x, y) = (a.parent, b.parent);
                if a.place().is_some() && a.place() == b.place() && x != y && !is_in(x, y) && !is_in(y, x) {
                    found.push(if (a.step, a.parent) < (b.step, b.parent) { (*a, *b) } else { (*b, *a) });
                }
            }
        }
        found
    }

    /// A way up that comes back to where it was: what is inside of what, the last of it inside of the first. Nothing can be
    /// inside itself, whatever records say.
    pub fn circle(&self) -> Option<Vec<&Edge<'a>>> {
        let up = Up::of(&self.edges);
        let above = |node: Node<'a>| -> Vec<&Edge<'a>> { up.from(node).collect() };
        let mut done = BTreeSet::new();
        let mut way: Vec<&Edge<'a>> = Vec::new();
        // For each place on the way, what is left to look at. The last one is looked at next.
        let mut left = vec![above(self.device)];
        while let Some(next) = left.last_mut() {
            let Some(edge) = next.pop() else {
                left.pop();
                done.extend(way.pop().map(|edge| edge.parent));
                continue;
            };
            if let Some(begin) = way.iter().position(|before| before.child == edge.parent) {
                way.push(edge);
                return Some(way.split_off(begin));
            }
            if !done.contains(&edge.parent) {
                way.push(edge);
                left.push(above(edge.parent));
            }
        }
        None
    }

    /// The last record that says that the device is inside itself.
    pub fn inside_itself(&self) -> Option<Taken<'a>> {
        self.inside_itself
    }

    /// Group attributes of which stations have said two things, and which was said last nobody can say.
    pub fn disputes(&self) -> Vec<(&'a str, Said<'a>, Said<'a>)> {
        let others = |(name, said): (&'a str, Said<'a>)| {
            let last = self.attributes.last().find(|(known, _)| *known == name)?.1;
            (text(last.value)? != text(said.value)?).then_some((name, said, last))
        };
        let of_groups = self.attributes.all().filter(|(name, _)| self.dimensions.has(name));
        let mut found: Vec<(&str, Said<'_>, Said<'_>)> = of_groups.filter_map(others).collect();
        // Of several who say the same, the last one.
        found.reverse();
        let mut told = BTreeSet::new();
        found.retain(|(name, said, _)| told.insert((*name, text(said.value))));
        found.reverse();
        found
    }

    /// What it is in and another station has taken it out of, and nobody can say which came last.
    pub fn doubtful(&self) -> Vec<(&Edge<'a>, &'a Fact)> {
        self.edges_above(self.device).into_iter().filter_map(|edge| Some((edge, edge.taken_out?))).collect()
    }

    /// Does it count as a member of more than one record can say?
    pub fn is_contested(&self) -> bool {
        !self.conflicts().is_empty() || !self.doubtful().is_empty() || !self.disputes().is_empty()
    }

    /// What it is in without anything in between, in the order in which it came there.
    pub fn directly_in(&self) -> Vec<&Edge<'a>> {
        self.edges.iter().filter(|edge| edge.child == self.device).collect()
    }

    /// The record that despatched what it is in, the last of several.
    pub fn despatched(&self) -> Option<Taken<'a>> {
        let above = self.edges_above(self.device).into_iter().map(|edge| edge.parent);
        above.chain([self.device]).filter_map(|node| self.condition.despatched(node)).max_by_key(|taken| taken.step)
    }

    /// The last said attributes, and for each dimension that no record of the device names, the group joined last. Of
    /// packages inside packages the innermost is the one that it is in.
    pub fn attributes(&self) -> records::attributes::Attributes {
        let mut attributes: records::attributes::Attributes =
            self.attributes.last().map(|(name, said)| (name.to_owned(), said.value.clone())).collect();
        // In the order of their beginning; those that began together in the order of their values.
        let mut open: Vec<(&usize, &Group<'a>)> = self.open.iter().map(|(group, span)| (span, group)).collect();
        open.sort_unstable();
        for (_, (dimension, value)) in open {
            if !PLACES.contains(dimension) && *dimension != PART_OF && !self.attributes.has(dimension) {
                attributes.insert((*dimension).to_owned(), Value::String(value.clone().into_owned()));
            }
        }
        for place in PLACES {
            if let Some(edge) = self.innermost(place) {
                attributes.insert(place.to_owned(), edge.parent.id.into());
            }
        }
        attributes
    }

    /// Of the places of this dimension that it is in, the one that has no other one in it; the last where there are several.
    fn innermost(&self, dimension: &str) -> Option<&Edge<'a>> {
        let above = self.edges_above(self.device);
        let of_it: Vec<_> = above.into_iter().filter(|edge| edge.dimension == Some(dimension)).collect();
        let around: Vec<(Node<'a>, BTreeSet<Node<'a>>)> = match of_it.len() {
            0 | 1 => Vec::new(),
            _ => of_it.iter().map(|edge| (edge.parent, self.nodes_above(edge.parent))).collect(),
        };
        let holds_another = |edge: &Edge<'a>| {
            around.iter().any(|(other, around)| *other != edge.parent && around.contains(&edge.parent))
        };
        let joined = |edge: &Edge<'a>| {
            let group = (edge.dimension.unwrap_or_default(), Cow::Borrowed(edge.parent.id));
            (self.open.get(&group).copied(), edge.step, edge.parent)
        };
        let innermost = of_it.iter().filter(|edge| !holds_another(edge)).max_by_key(|edge| joined(edge));
        // In a circle none is the innermost.
        innermost.or(of_it.iter().max_by_key(|edge| joined(edge))).copied()
    }

    /// Which attributes make groups.
    pub fn dimensions(&self) -> &'a Dimensions {
        self.dimensions
    }

    /// Every group that the device was in.
    pub fn spans(&self) -> &[Span<'a>] {
        &self.spans
    }

    /// The same, when nothing more comes.
    pub fn into_spans(self) -> Vec<Span<'a>> {
        self.spans
    }
}
