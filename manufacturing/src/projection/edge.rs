//! What is in what.

use std::collections::BTreeMap;

use records::{Joined, Kind, Level, Subject};

use super::Fact;

/// A subject without its storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Node<'a> {
    pub kind: Kind,
    pub id: &'a str,
    pub scope: &'a str,
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
#[derive(Debug, Clone, Copy)]
pub struct Edge<'a> {
    /// What is in it.
    pub child: Node<'a>,
    /// What it is in.
    pub parent: Node<'a>,
    /// The level of that, where it is a container.
    pub level: Option<Level>,
    /// The recall dimension that follows from being in it.
    pub dimension: Option<&'static str>,
    /// The index of the record that put it there.
    pub since: usize,
    /// Which step of the walk that was.
    pub step: usize,
    /// Not before, in microseconds since 1970: the earliest of all records that say so.
    pub earliest: i64,
    /// A record of another station has taken it out of there, and which of the two came last nobody can say.
    pub taken_out: Option<&'a Fact>,
}

impl<'a> Edge<'a> {
    /// The name of what is in it.
    pub fn child_id(&self) -> &'a str {
        self.child.id
    }

    /// The name of what it is in.
    pub fn parent_id(&self) -> &'a str {
        self.parent.id
    }

    /// The level of what it is in, where that is a container.
    pub fn level(&self) -> Option<Level> {
        self.level
    }

    /// Of what a thing can be in one alone: a package, a pallet, a device that it is a part of.
    pub fn place(&self) -> Option<Place> {
        match (self.parent.kind, self.level) {
            (Kind::Device, _) => Some(Place::Device),
            (_, Some(Level::Package)) => Some(Place::Package),
            (_, Some(Level::Pallet)) => Some(Place::Pallet),
            _ => None,
        }
    }
}

/// A kind of place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In a package.
    Package,
    /// On a pallet.
    Pallet,
    /// Part of a device.
    Device,
}

/// The edges by what is in something.
pub enum Up<'e, 'a> {
    /// So few that looking through them is quickest.
    Few(&'e [Edge<'a>]),
    /// By what is in something.
    Many(BTreeMap<Node<'a>, Vec<&'e Edge<'a>>>),
}

impl<'e, 'a> Up<'e, 'a> {
    /// More are sorted first.
    const FEW: usize = 16;

    /// Of these edges.
    pub fn of(edges: &'e [Edge<'a>]) -> Self {
        if edges.len() <= Self::FEW {
            return Self::Few(edges);
        }
        let mut many = BTreeMap::<_, Vec<&Edge<'a>>>::new();
        edges.iter().for_each(|edge| many.entry(edge.child).or_default().push(edge));
        Self::Many(many)
    }

    /// What a node is in without anything in between, in the order in which it came there.
    pub fn from(&self, node: Node<'a>) -> impl Iterator<Item = &'e Edge<'a>> {
        let (few, many) = match self {
            Self::Few(edges) => (*edges, None),
            Self::Many(edges) => (&[][..], edges.get(&node)),
        };
        few.iter().filter(move |edge| edge.child == node).chain(many.into_iter().flatten().copied())
    }
}
