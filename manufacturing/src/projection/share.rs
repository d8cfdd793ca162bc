//! A station's share of a work order, a lot or a container, from what was written until it sealed that: what it has counted
//! itself can then be held against it, whatever others did, and whatever was corrected later.

use std::collections::BTreeSet;

use records::{Event, RecordId, SeriesId, Subject};

use super::condition::has_passed;
use super::fold::{Read, in_order};
use super::repeats::former;
use super::{Dimensions, Fact, text};

/// The moment of a seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealing {
    id: RecordId,
    likely: Option<i64>,
}

/// What of a unit counts for a station's share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts<'a> {
    /// The unit once, as long as the station has it in this work order: packed, taken out or scrapped.
    Unit,
    /// Each time that the station has packed it, where that record also says this.
    Packings(Option<(&'a str, &'a str)>),
}

impl Sealing {
    /// When a record was written.
    pub fn of(fact: &Fact) -> Self {
        let id = former(&fact.id, &fact.reading).unwrap_or(&fact.id).clone();
        Self { id, likely: fact.likely() }
    }

    /// The identity that the record had first.
    pub fn id(&self) -> &RecordId {
        &self.id
    }

    /// Was it written before another one: in one series by its sequence, else as far as clocks say?
    pub fn is_before(&self, other: &Self) -> bool {
        match (&self.id.station, self.id.series) == (&other.id.station, other.id.series) {
            true => self.id.seq < other.id.seq,
            false => (self.likely, &self.id) < (other.likely, &other.id),
        }
    }

    /// Was a record written before: in one series by its sequence, else as far as clocks say?
    fn comes_after(&self, fact: &Fact) -> bool {
        let id = former(&fact.id, &fact.reading).unwrap_or(&fact.id);
        match (&id.station, id.series) == (&self.id.station, self.id.series) {
            true => id.seq < self.id.seq,
            false => fact.likely() <= self.likely,
        }
    }

    /// What is counted of these facts, and of them without those that the station wrote in series before.
    pub fn with_and_without(
        &self,
        before: &BTreeSet<SeriesId>,
        facts: &[&Fact],
        count: impl Fn(&[&Fact]) -> u64,
    ) -> (u64, u64) {
        let is_before = |fact: &Fact| fact.id.station == self.id.station && before.contains(&fact.id.series);
        let all = count(facts);
        if !facts.iter().any(|fact| is_before(fact)) {
            return (all, all);
        }
        let without: Vec<&Fact> = facts.iter().copied().filter(|fact| !is_before(fact)).collect();
        (all, count(&without))
    }

    /// Was the unit inside a container then, as was known then?
    pub fn has_inside(&self, device: &Subject, facts: &[&Fact], container: &Subject) -> bool {
        let then: Vec<&Fact> = facts.iter().copied().filter(|fact| self.comes_after(fact)).collect();
        Read::of(device, &then, Dimensions::none()).walk.is_inside(container)
    }

    /// From the records about the unit itself: how often it counts in what the station had done of what an attribute of its records says.
    pub fn share(&self, device: &Subject, facts: &[&Fact], (by, value): (&str, &str), counts: Counts<'_>) -> u64 {
        let own = |fact: &&Fact| {
            fact.id.station == self.id.station
                && fact.reading.subject.as_ref() == Some(device)
                && self.comes_after(fact)
        };
        let then: Vec<&Fact> = facts.iter().copied().filter(own).collect();
        let (order, voided) = in_order(&then);
        // Of what it is, and whether the station has had it in its hands for that: a test alone is no share.
        let (mut known, mut has, mut packings) = (None, false, 0);
        for index in order {
            let Some(record) = then[index].reading.record.as_ref() else { continue };
            let says = |name: &str| record.attributes.get(name).and_then(text);
            let said = || says(by);
            let also = || match counts {
                Counts::Packings(Some((name, value))) => says(name).as_deref() == Some(value),
                _ => true,
            };
            match record.event {
                // What the station has taken back, it has again as it was before.
                _ if voided.get(&index).is_some_and(|void| void.whole) => {}
                Event::Packed => {
                    (known, has) = (said(), true);
                    packings += u64::from(known.as_deref() == Some(value) && also());
                }
                // A failed test says nothing of what the unit is.
                Event::Tested if !has && has_passed(record) => known = said().or(known),
                Event::TakenOut => has = true,
                // It says itself of which order it is scrap: one that was only tested has no packing that would say so.
                Event::Scrapped => (known, has) = (said().or(known), true),
                _ => {}
            }
        }
        match counts {
            Counts::Unit => u64::from(has && known.as_deref() == Some(value)),
            Counts::Packings(_) => packings,
        }
    }
}
