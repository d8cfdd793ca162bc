//! From stored lines to facts.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use records::{Event, FixedBytes, Joined, RecordId, Subject};

use super::clocks::Cache;
use super::names::{self, Names};
use super::{number, time};
use crate::projection::{Fact, Reading};
use crate::store::sql::{self, Connection, Kind, Param, Row, params};

/// A subject by its name, with what is stored about it.
const NAMED: &str = "SELECT u.id, r.position, s.station, s.series, r.seq, r.line, r.stored_at FROM subject u
     LEFT JOIN about a ON a.subject = u.id LEFT JOIN record r ON r.position = a.position
     LEFT JOIN series s ON s.id = r.series_id
     WHERE u.tenant = ? AND u.kind = ? AND u.name = ? AND u.scope = ?";

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
        let level: Vec<i64> = subjects.into_iter().filter(|subject| !self.subjects.contains_key(subject)).collect();
        let read = self.about(connection, names, &level)?;
        self.load_on(connection, names, read)
    }

    /// Sends ahead what [`Facts::load_named`] asks first.
    pub fn ahead_named(connection: &Connection, subject: &Subject) -> sql::Result<()> {
        Names::ahead(connection, subject, NAMED)
    }

    /// The same for one subject, with its number; `None` where no record names it.
    pub fn load_named(
        &mut self,
        connection: &Connection,
        names: &mut Names,
        subject: &Subject,
    ) -> sql::Result<Option<i64>> {
        let read = self.named(connection, names, [subject].into())?;
        self.load_on(connection, names, read)?;
        Ok(names.get(subject))
    }

    /// What is stored about each of these subjects themselves, in their order, and nothing about what they were put into.
    pub fn alone(connection: &Connection, subjects: &[Subject]) -> sql::Result<Vec<Vec<Fact>>> {
        let mut found: Vec<Vec<Fact>> = subjects.iter().map(|_| Vec::new()).collect();
        let keys: Vec<&Subject> = subjects.iter().collect();
        connection.query_each(NAMED, &[Kind::Text; 4], &names::values(&keys), |n, row| {
            if row.get::<Option<i64>>(1)?.is_some() {
                found[n].push(fact_at(row, 1)?);
            }
            Ok(())
        })?;
        let mut clocks = Cache::default();
        for fact in found.iter_mut().flatten() {
            fact.happened = clocks.happened(connection, fact)?;
        }
        Ok(found)
    }

    /// Goes on from what was read.
    fn load_on(
        &mut self,
        connection: &Connection,
        names: &mut Names,
        mut read: Vec<(i64, Vec<Fact>)>,
    ) -> sql::Result<()> {
        let mut seen: HashSet<i64> = read.iter().map(|(subject, _)| *subject).collect();
        let mut level = Vec::new();
        let mut found: Vec<(i64, Vec<Fact>, HashSet<Subject>)> = Vec::new();
        while !read.is_empty() {
            let first = found.len();
            for (subject, facts) in read.drain(..) {
                for fact in &facts {
                    self.clocks.ahead(connection, fact)?;
                }
                let into: HashSet<Subject> = facts.iter().flat_map(joined).map(Joined::subject).collect();
                found.push((subject, facts, into));
            }
            let parents: HashSet<&Subject> = found[first..].iter().flat_map(|(_, _, into)| into).collect();
            let mut is_new = |id: &i64| !self.subjects.contains_key(id) && seen.insert(*id);
            level.clear();
            level.extend(parents.iter().filter_map(|parent| names.get(parent)).filter(&mut is_new));
            let mut named = self.named(connection, names, parents)?;
            named.retain(|(id, _)| is_new(id));
            read = self.about(connection, names, &level)?;
            read.append(&mut named);
        }
        for (subject, mut facts, into) in found {
            for fact in &mut facts {
                fact.happened = self.clocks.happened(connection, fact)?;
            }
            let facts = facts.into_iter().map(Rc::new).collect();
            let parents = into.iter().filter_map(|parent| names.get(parent)).collect();
            self.subjects.insert(subject, About { facts, parents });
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

    /// Finds the numbers of those of these subjects that were not looked up yet, and with them what is stored about each.
    fn named(
        &self,
        connection: &Connection,
        names: &mut Names,
        subjects: HashSet<&Subject>,
    ) -> sql::Result<Vec<(i64, Vec<Fact>)>> {
        let mut found: HashMap<i64, Vec<Fact>> = HashMap::new();
        names.find_with(connection, subjects, NAMED, |id, row| {
            let facts = found.entry(id).or_default();
            if row.get::<Option<i64>>(1)?.is_some() {
                facts.push(fact_at(row, 1)?);
            }
            Ok(())
        })?;
        // Of what was not looked up yet nothing is new: whatever a transaction brings has its number.
        Ok(found.into_iter().collect())
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
    fact_at(row, 0)
}

/// The same from further columns.
fn fact_at(row: &Row<'_>, first: usize) -> sql::Result<Fact> {
    let (station, series, seq) = (row.get(first + 1)?, FixedBytes(row.get(first + 2)?), number(row.get(first + 3)?));
    Ok(Fact {
        position: number(row.get(first)?),
        id: RecordId { station, series, seq },
        received: time(row.get(first + 5)?),
        reading: Reading::of(row.bytes(first + 4)?),
        happened: None,
    })
}
