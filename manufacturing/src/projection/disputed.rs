//! What records of several stations say, where nobody can tell which of them came last.
//!
//! Within a station the order is that of its sequences. Between stations it is when records happened, and that is known as
//! an interval: where two of them overlap, either can have come first.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Fact;
use super::walk::Node;

/// Did this one happen before the other one, whatever the clocks were? It stands before it in the order of records.
pub fn surely_before(first: &Fact, second: &Fact) -> bool {
    first.id.station == second.id.station || first.borders().1 < second.borders().0
}

/// What one record says of an attribute.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// The value.
    pub value: &'a Value,
    /// The record.
    pub by: &'a Fact,
}

/// What is said of attributes: the last of it, and whatever may have been said after that.
#[derive(Default)]
pub struct Sayings<'a>(BTreeMap<&'a str, Vec<Said<'a>>>);

impl<'a> Sayings<'a> {
    /// Takes in what the next record says.
    pub fn take(&mut self, name: &'a str, value: &'a Value, by: &'a Fact) {
        let all = self.0.entry(name).or_default();
        all.retain(|said| !surely_before(said.by, by));
        all.push(Said { value, by });
    }

    /// All that may hold.
    pub fn all(&self) -> impl Iterator<Item = (&'a str, Said<'a>)> {
        self.0.iter().flat_map(|(name, all)| all.iter().map(|said| (*name, *said)))
    }

    /// Of each attribute what most likely was said last.
    pub fn last(&self) -> impl Iterator<Item = (&'a str, Said<'a>)> {
        self.0.iter().filter_map(|(name, all)| Some((*name, *all.last()?)))
    }

    /// Was anything said of it?
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

/// A record has taken one thing out of another one.
pub struct Taking<'a> {
    pub child: Node<'a>,
    pub parent: Node<'a>,
    pub by: &'a Fact,
}

impl<'a> Taking<'a> {
    /// The record that has taken the one out of the other and may have come after this one, which puts it there.
    pub fn rival(takings: &[Self], (child, parent): (Node<'a>, Node<'a>), put: &Fact) -> Option<&'a Fact> {
        let rival = |taking: &&Self| (taking.child, taking.parent) == (child, parent) && !surely_before(taking.by, put);
        takings.iter().rfind(rival).map(|taking| taking.by)
    }
}
