//! Records that a station wrote again in another series: of those that say the same, one counts.

use std::collections::{BTreeMap, HashMap};

use records::{Hash, Record, RecordId};
use serde_json::{Map, Value};

use super::{Fact, Reading};

/// Which facts count. A repetition is one that says the same as another fact with the same first identity. What says
/// something else under that identity counts as well: two machines did both.
#[derive(Debug, Default)]
pub struct Counted {
    /// By the index of a fact that counts: those that say it again.
    again: BTreeMap<usize, Vec<usize>>,
    /// By the index of a repetition: the fact that counts.
    repeats: BTreeMap<usize, usize>,
}

/// The identity that a record had first, where it was written again. A station speaks for no other station.
pub fn former<'f>(id: &RecordId, reading: &'f Reading) -> Option<&'f RecordId> {
    let former = reading.record.as_ref()?.former.as_ref()?;
    (former.station == id.station && former.series != id.series).then_some(former)
}

impl Counted {
    /// Of each set of facts that repeat each other, the one in the series that it was first written in counts, else the
    /// one with the smallest identity.
    pub fn of(facts: &[&Fact]) -> Self {
        let mut counted = Self::default();
        let mut by_origin: HashMap<&RecordId, Vec<usize>> = HashMap::new();
        for (index, fact) in facts.iter().enumerate() {
            if let Some(former) = former(&fact.id, &fact.reading) {
                by_origin.entry(former).or_default().push(index);
            }
        }
        if by_origin.is_empty() {
            return counted;
        }
        for (index, fact) in facts.iter().enumerate() {
            if let Some(same) = by_origin.get_mut(&fact.id).filter(|_| former(&fact.id, &fact.reading).is_none()) {
                same.push(index);
            }
        }
        for (origin, same) in by_origin {
            let mut said: BTreeMap<String, Vec<usize>> = BTreeMap::new();
            for index in same {
                said.entry(content(&facts[index].reading)).or_default().push(index);
            }
            for mut same in said.into_values() {
                same.sort_by_key(|&index| (facts[index].id != *origin, &facts[index].id));
                let counts = same.remove(0);
                counted.repeats.extend(same.iter().map(|&index| (index, counts)));
                counted.again.insert(counts, same);
            }
        }
        counted
    }

    /// Does this fact count? A repetition does not.
    pub fn counts(&self, index: usize) -> bool {
        !self.repeats.contains_key(&index)
    }

    /// The identities under which a fact that counts is stored, its own first.
    pub fn stored_as<'f>(&self, facts: &[&'f Fact], index: usize) -> Vec<&'f RecordId> {
        let again = self.again.get(&index).into_iter().flatten();
        std::iter::once(&index).chain(again).map(|&index| &facts[index].id).collect()
    }

    /// All its identities: those under which it is stored, and the first one.
    pub fn known_as<'f>(&self, facts: &[&'f Fact], index: usize) -> Vec<&'f RecordId> {
        let mut ids = self.stored_as(facts, index);
        ids.extend(former(&facts[index].id, &facts[index].reading));
        ids
    }
}

/// What a record says, but for its place in a series ([`Record::repeats`]), as a text that can be compared.
fn content(reading: &Reading) -> String {
    let placeless = |record: &Record| Record { v: 0, seq: 0, prev: Hash::ZERO, former: None, ..record.clone() };
    let text = match (&reading.raw, &reading.record) {
        // Newer software wrote it: what is unknown here counts as well.
        (Some(raw), _) => serde_json::from_str(raw).and_then(|mut fields: Map<String, Value>| {
            ["v", "seq", "prev", "former"].iter().for_each(|name| drop(fields.remove(*name)));
            serde_json::to_string(&fields)
        }),
        (None, record) => serde_json::to_string(&record.as_ref().map(placeless)),
    };
    text.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use records::{Draft, Event, FixedBytes, Subject};

    use super::*;
    use crate::testkit::{Station, packed};

    fn fact(id: &RecordId, line: &[u8]) -> Fact {
        Fact {
            id: id.clone(),
            position: 0,
            received: jiff::Timestamp::UNIX_EPOCH,
            reading: Reading::of(line),
            happened: None,
        }
    }

    #[test]
    fn one_of_those_that_say_the_same_counts_and_others_count_too() {
        let mut a = Station::new("a", 1);
        let first = a.write(1, packed("S", "P1", &[]));
        let record: Record = serde_json::from_slice(&a.lines[0]).unwrap();
        assert!(record.clone().again(first.clone(), 4, Hash::ZERO).repeats(&record));
        let carried = |number: u8, seconds: i64, draft: Draft| {
            let mut b = Station::new("a", number);
            let id = b.write(seconds, Draft { former: Some(first.clone()), ..draft });
            fact(&id, &b.lines[0])
        };
        let again = [carried(3, 1, packed("S", "P1", &[])), carried(2, 1, packed("S", "P1", &[]))];
        let other = carried(4, 1, packed("S", "P2", &[]));
        let original = fact(&first, &a.lines[0]);
        let all = [&again[0], &again[1], &other, &original];
        let counts = |facts: &[&Fact]| -> Vec<usize> {
            let counted = Counted::of(facts);
            (0..facts.len()).filter(|&index| counted.counts(index)).collect()
        };
        assert_eq!(counts(&all), [2, 3], "the original, and what says something else");
        assert_eq!(counts(&all[..3]), [1, 2], "without the original the smallest identity");
        let counted = Counted::of(&all);
        let of_original: Vec<SeriesNumber> = counted.stored_as(&all, 3).iter().map(|id| id.series.0[0]).collect();
        assert_eq!(of_original, [1, 2, 3]);
        assert_eq!(counted.known_as(&all, 2), [&other.id, &first]);
    }

    type SeriesNumber = u8;

    #[test]
    fn a_station_speaks_for_no_other_and_no_series_for_itself() {
        for (name, series) in [("b", 1), ("a", 7)] {
            let mut a = Station::new("a", 7);
            let former = RecordId { station: name.into(), series: FixedBytes([series; 16]), seq: 1 };
            let draft = Draft { former: Some(former), ..Draft::new(Event::Packed, Subject::device("S")) };
            let id = a.write(1, draft);
            let fact = fact(&id, &a.lines[0]);
            assert_eq!(super::former(&fact.id, &fact.reading), None);
        }
    }

    #[test]
    fn what_newer_software_wrote_is_compared_with_all_its_fields() {
        let mut a = Station::new("a", 1);
        let first = a.write(1, packed("S", "P1", &[]));
        let mut b = Station::new("a", 2);
        b.write(1, Draft { former: Some(first.clone()), ..packed("S", "P1", &[]) });
        let with = |line: &[u8], colour: &str| {
            let line = String::from_utf8(line.to_vec()).unwrap();
            line.replacen("{\"v\":1,", &format!("{{\"v\":2,\"colour\":\"{colour}\","), 1).into_bytes()
        };
        let id = RecordId { series: b.series, ..first.clone() };
        let original = fact(&first, &with(&a.lines[0], "red"));
        for (colour, counts) in [("red", false), ("green", true)] {
            let again = fact(&id, &with(&b.lines[0], colour));
            assert_eq!(Counted::of(&[&again, &original]).counts(0), counts, "{colour}");
        }
    }
}
