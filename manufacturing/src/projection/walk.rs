//! Walking through records in order: what a device is in, and since when.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use records::attributes::GROUPS;
use records::{Event, Joined, Kind, Level, Record, Subject};
use serde_json::Value;

use super::dimension;

/// A subject without its storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Node<'a> {
    kind: Kind,
    id: &'a str,
    scope: &'a str,
}

impl<'a> From<&'a Subject> for Node<'a> {
    fn from(subject: &'a Subject) -> Self {
        Self { kind: subject.kind, id: &subject.id, scope: &subject.scope }
    }
}

impl<'a> From<&'a Joined> for Node<'a> {
    fn from(joined: &'a Joined) -> Self {
        Self { kind: joined.kind, id: &joined.id, scope: &joined.scope }
    }
}

/// One thing is in another one.
struct Edge<'a> {
    child: Node<'a>,
    parent: Node<'a>,
    level: Option<Level>,
    dimension: Option<&'static str>,
}

/// A group: dimension and value.
pub type Group<'a> = (&'static str, Cow<'a, str>);

/// A device was in a group from one step to another. Steps are the indices that the walker handed in.
pub struct Span<'a> {
    pub group: Group<'a>,
    pub since: usize,
    pub until: Option<usize>,
}

/// Where a walk stands.
pub struct Walk<'a> {
    device: Node<'a>,
    edges: Vec<Edge<'a>>,
    attributes: BTreeMap<&'a str, &'a Value>,
    open: BTreeMap<Group<'a>, usize>,
    spans: Vec<Span<'a>>,
}

impl<'a> Walk<'a> {
    pub fn new(device: &'a Subject) -> Self {
        Self {
            device: device.into(),
            edges: Vec::new(),
            attributes: BTreeMap::new(),
            open: BTreeMap::new(),
            spans: Vec::new(),
        }
    }

    /// Takes in one record. Corrections and refusals change nothing by themselves.
    pub fn step(&mut self, index: usize, record: &'a Record) {
        if matches!(record.event, Event::Voided | Event::Refused) {
            return;
        }
        let subject = Node::from(&record.subject);
        for joined in &record.from {
            let parent = Node::from(joined);
            self.edges.retain(|edge| (edge.child, edge.parent) != (subject, parent));
        }
        for joined in &record.into {
            let edge =
                Edge { child: subject, parent: joined.into(), level: joined.level, dimension: dimension(joined) };
            if !self.edges.iter().any(|e| (e.child, e.parent, e.level) == (edge.child, edge.parent, edge.level)) {
                self.edges.push(edge);
            }
        }
        let own = subject == self.device;
        if own {
            for (name, value) in &record.attributes {
                self.attributes.insert(name, value);
            }
        }
        if own || !record.from.is_empty() || !record.into.is_empty() {
            self.regroup(index);
        }
    }

    /// Ends what no longer holds and begins what now does.
    fn regroup(&mut self, index: usize) {
        let now = self.groups();
        let spans = &mut self.spans;
        self.open.retain(|group, span| {
            let holds = now.contains(group);
            if !holds {
                spans[*span].until = Some(index);
            }
            holds
        });
        for group in now {
            self.open.entry(group).or_insert_with_key(|group| {
                spans.push(Span { group: group.clone(), since: index, until: None });
                spans.len() - 1
            });
        }
    }

    fn groups(&self) -> BTreeSet<Group<'a>> {
        let said = GROUPS.into_iter().filter_map(|name| Some((name, text(self.attributes.get(name)?)?)));
        let inside = self.edges_above(self.device).into_iter();
        let inside = inside.filter_map(|edge| Some((edge.dimension?, Cow::Borrowed(edge.parent.id))));
        said.chain(inside).collect()
    }

    /// Every edge on every way up from `node`, each once, however the records go in circles.
    fn edges_above(&self, node: Node<'a>) -> Vec<&Edge<'a>> {
        let mut seen = BTreeSet::from([node]);
        let mut waiting = vec![node];
        let mut found = Vec::new();
        while let Some(child) = waiting.pop() {
            for edge in self.edges.iter().filter(|edge| edge.child == child) {
                found.push(edge);
                if seen.insert(edge.parent) {
                    waiting.push(edge.parent);
                }
            }
        }
        found
    }

    /// Is the device the subject, or inside it?
    pub fn is_inside(&self, subject: &Subject) -> bool {
        let subject = Node::from(subject);
        subject == self.device || self.edges_above(self.device).iter().any(|edge| edge.parent == subject)
    }

    /// Is the device in two containers of one level of which neither is inside the other?
    pub fn is_contested(&self) -> bool {
        let above = self.edges_above(self.device);
        let is_in = |inner, outer| self.edges_above(inner).iter().any(|edge| edge.parent == outer);
        above.iter().enumerate().any(|(n, a)| {
            above[..n].iter().any(|b| {
                let (x, y) = (a.parent, b.parent);
                a.level.is_some() && a.level == b.level && x != y && !is_in(x, y) && !is_in(y, x)
            })
        })
    }

    /// The last said attributes, and for each dimension that no record of the device names, the group joined last.
    pub fn attributes(&self) -> records::attributes::Attributes {
        let mut attributes: records::attributes::Attributes =
            self.attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).clone())).collect();
        // In the order of their beginning; those that began together in the order of their values.
        let mut open: Vec<(&usize, &Group<'a>)> = self.open.iter().map(|(group, span)| (span, group)).collect();
        open.sort_unstable();
        for (_, (dimension, value)) in open {
            if ["packageId", "palletId"].contains(dimension) || !self.attributes.contains_key(dimension) {
                attributes.insert((*dimension).to_owned(), Value::String(value.clone().into_owned()));
            }
        }
        attributes
    }

    /// Every group that the device was in.
    pub fn into_spans(self) -> Vec<Span<'a>> {
        self.spans
    }
}

/// The value of a group attribute. Nothing, an empty text, a list and an object name no group.
fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) if !text.is_empty() => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(flag) => Some(Cow::Owned(flag.to_string())),
        _ => None,
    }
}
