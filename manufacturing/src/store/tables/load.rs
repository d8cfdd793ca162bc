//! From stored lines to facts.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use crate::store::sql::{self, Connection, Row, params};
use records::{Event, FixedBytes, RecordId, Subject};

use super::clocks::Cache;
use super::names::Names;
use super::{number, time};
use crate::projection::{Fact, Reading};

/// The facts about some subjects, read once.
#[derive(Default)]
pub struct Facts {
    /// By position: what the same transaction has just stored.
    known: HashMap<i64, Rc<Fact>>,
    /// By subject: its facts and the numbers of what it was ever put into.
    subjects: HashMap<i64, Rc<About>>,
    clocks: Cache,
}

/// What is known about one subject.
#[derive(Default)]
struct About {
    facts: Vec<Rc<Fact>>,
    parents: Vec<i64>,
}

impl Facts {
    /// Makes a new fact known, so that its line need not be read again.
    pub fn learn(&mut self, position: i64, fact: Fact) {
        self.known.insert(position, Rc::new(fact));
    }

    /// The facts about a device and about everything that it was ever inside, upwards without end.
    pub fn relevant(&mut self, connection: &Connection, names: &mut Names, device: i64) -> sql::Result<Vec<Rc<Fact>>> {
        let mut facts = Vec::new();
        let mut seen = HashSet::from([device]);
        let mut waiting = vec![device];
        while let Some(subject) = waiting.pop() {
            // A device is read once; what it is in is shared with others.
            let about = match self.subjects.get(&subject) {
                Some(about) => Rc::clone(about),
                None => {
                    let about = Rc::new(self.about(connection, names, subject)?);
                    if subject != device {
                        self.subjects.insert(subject, Rc::clone(&about));
                    }
                    about
                }
            };
            facts.extend(about.facts.iter().cloned());
            waiting.extend(about.parents.iter().filter(|parent| seen.insert(**parent)));
        }
        Ok(facts)
    }

    fn about(&mut self, connection: &Connection, names: &mut Names, subject: i64) -> sql::Result<About> {
        let positions: Vec<i64> = connection.query(
            "SELECT position FROM about WHERE subject = ? ORDER BY position",
            params![subject],
            |row| row.get(0),
        )?;
        let mut about = About::default();
        let mut parents = HashSet::<Subject>::new();
        for position in positions {
            let new = self.known.remove(&position);
            let is_new = new.is_some();
            let mut fact = match new {
                Some(fact) => fact,
                None => Rc::new(one(connection, position)?),
            };
            if fact.happened.is_none() {
                let happened = self.clocks.happened(connection, &fact)?;
                Rc::make_mut(&mut fact).happened = happened;
            }
            if is_new {
                self.known.insert(position, Rc::clone(&fact));
            }
            if let Some(record) = fact.reading.record.as_ref().filter(|record| record.event != Event::Refused) {
                parents.extend(record.into.iter().map(records::Joined::subject));
            }
            about.facts.push(fact);
        }
        for parent in &parents {
            about.parents.extend(names.find(connection, parent)?);
        }
        Ok(about)
    }
}

/// What the record at a position is about.
pub fn subject(connection: &Connection, position: i64) -> sql::Result<Option<Subject>> {
    Ok(one(connection, position)?.reading.subject)
}

/// The fact at a position.
fn one(connection: &Connection, position: i64) -> sql::Result<Fact> {
    connection
        .query_row("SELECT position, station, series, seq, line, stored_at FROM record JOIN series ON series.id = series_id WHERE position = ?", params![position], fact)
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
