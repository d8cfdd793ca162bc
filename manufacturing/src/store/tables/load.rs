//! From stored lines to facts.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use records::{Event, FixedBytes, Joined, RecordId, Subject};

use super::clocks::Cache;
use super::names::Names;
use super::{number, time};
use crate::projection::{Fact, Reading};
use crate::store::sql::{self, Connection, Kind, Param, Row, params};

/// The facts about some subjects, read once.
#[derive(Default)]
pub struct Facts {
    /// By subject: what this transaction brings and has not stored yet.
    new: HashMap<i64, Vec<Fact>>,
    /// By subject: its facts and the numbers of what it was ever put into.
    subjects: HashMap<i64, About>,
    clocks: Cache,
}

/// What is known about one subject.
#[derive(Default)]
struct About {
    facts: Vec<Rc<Fact>>,
    parents: Vec<i64>,
}

impl Facts {
    /// Makes a new fact about a subject known.
    pub fn learn(&mut self, subject: i64, fact: Fact) {
        self.new.entry(subject).or_default().push(fact);
    }

    /// What was new is stored from now on.
    pub fn stored(&mut self) {
        self.new.clear();
        self.subjects.clear();
    }

    /// What is known of clocks.
    pub fn clocks(&mut self) -> &mut Cache {
        &mut self.clocks
    }

    /// Reads the facts about subjects and about everything that they were ever inside, upwards without end.
    pub fn load(
        &mut self,
        connection: &Connection,
        names: &mut Names,
        subjects: impl IntoIterator<Item = i64>,
    ) -> sql::Result<()> {
        let mut level: Vec<i64> = subjects.into_iter().filter(|subject| !self.subjects.contains_key(subject)).collect();
        while !level.is_empty() {
            let mut parents = Vec::with_capacity(level.len());
            for (subject, mut facts) in self.about(connection, names, &level)? {
                for fact in &mut facts {
                    fact.happened = self.clocks.happened(connection, fact)?;
                }
                let into: HashSet<Subject> = facts.iter().flat_map(joined).map(Joined::subject).collect();
                let facts = facts.into_iter().map(Rc::new).collect();
                self.subjects.insert(subject, About { facts, parents: Vec::new() });
                parents.push((subject, into));
            }
            names.find(connection, parents.iter().flat_map(|(_, into)| into))?;
            level.clear();
            let mut next = HashSet::new();
            for (subject, into) in parents {
                let ids: Vec<i64> = into.iter().filter_map(|parent| names.get(parent)).collect();
                let unread = |id: &i64| !self.subjects.contains_key(id) && next.insert(*id);
                level.extend(ids.iter().copied().filter(unread));
                if let Some(about) = self.subjects.get_mut(&subject) {
                    about.parents = ids;
                }
            }
        }
        Ok(())
    }

    /// What is stored about each of these subjects, and what is new.
    fn about(&mut self, connection: &Connection, names: &Names, level: &[i64]) -> sql::Result<Vec<(i64, Vec<Fact>)>> {
        let stored: Vec<i64> = level.iter().copied().filter(|subject| !names.is_fresh(*subject)).collect();
        let keys: Vec<Param<'_>> = stored.iter().map(|subject| Param::Int(*subject)).collect();
        let mut found: HashMap<i64, Vec<Fact>> = HashMap::new();
        connection.query_each(
            "SELECT r.position, s.station, s.series, r.seq, r.line, r.stored_at FROM about a
             JOIN record r ON r.position = a.position JOIN series s ON s.id = r.series_id WHERE a.subject = ?",
            &[Kind::Int],
            &keys,
            |n, row| {
                found.entry(stored[n]).or_default().push(fact(row)?);
                Ok(())
            },
        )?;
        let all = level.iter().map(|subject| {
            let mut facts = found.remove(subject).unwrap_or_default();
            facts.extend(self.new.remove(subject).unwrap_or_default());
            (*subject, facts)
        });
        Ok(all.collect())
    }

    /// The facts about a device and everything that it was ever inside, which were read before.
    pub fn relevant(&self, device: i64) -> Vec<Rc<Fact>> {
        let mut facts = Vec::new();
        let mut seen = HashSet::from([device]);
        let mut waiting = vec![device];
        while let Some(about) = waiting.pop().and_then(|subject| self.subjects.get(&subject)) {
            facts.extend(about.facts.iter().cloned());
            waiting.extend(about.parents.iter().filter(|parent| seen.insert(**parent)));
        }
        facts
    }
}

/// What a fact says that its subject was put into.
fn joined(fact: &Fact) -> &[Joined] {
    let record = fact.reading.record.as_ref().filter(|record| record.event != Event::Refused);
    record.map_or(&[], |record| &record.into)
}

/// What the record at a position is about.
pub fn subject(connection: &Connection, position: i64) -> sql::Result<Option<Subject>> {
    let line = connection.query_row("SELECT line FROM record WHERE position = ?", params![position], |row| {
        Ok(Reading::of(row.bytes(0)?))
    })?;
    Ok(line.subject)
}

/// A fact from a row of position, station, series, seq, line, stored_at.
pub fn fact(row: &Row<'_>) -> sql::Result<Fact> {
    Ok(Fact {
        position: number(row.get(0)?),
        id: RecordId { station: row.get(1)?, series: FixedBytes(row.get(2)?), seq: number(row.get(3)?) },
        received: time(row.get(5)?),
        reading: Reading::of(row.bytes(4)?),
        happened: None,
    })
}
