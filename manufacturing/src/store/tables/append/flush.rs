//! Writing what waits.

use std::collections::BTreeSet;

use records::enrolment::SERVICE;
use records::{Event, Joined, Subject};

use super::{Append, Waiting};
use crate::projection::Fact;
use crate::store::sql::{self, Connection, Insert, Kind, Param, params};
use crate::store::tables::{POSITIONS, holds, int, micros, own, runs, schemas, seals, unread};

const RECORD: Insert = Insert {
    table: "record",
    columns: &[
        ("position", Kind::Int),
        ("series_id", Kind::Int),
        ("seq", Kind::Int),
        ("hash", Kind::Bytes),
        ("line", Kind::Bytes),
        ("stored_at", Kind::Int),
    ],
    conflict: "",
};
const SEGMENT: Insert = Insert {
    table: "segment",
    columns: &[
        ("series_id", Kind::Int),
        ("first", Kind::Int),
        ("last", Kind::Int),
        ("v", Kind::Int),
        ("prev", Kind::Bytes),
        ("head", Kind::Bytes),
        ("sig", Kind::Bytes),
        ("position", Kind::Int),
    ],
    conflict: " ON CONFLICT DO NOTHING",
};
/// Which records are about a subject.
pub const ABOUT: Insert =
    Insert { table: "about", columns: &[("subject", Kind::Int), ("position", Kind::Int)], conflict: "" };
/// What was ever said to be inside what.
pub const INSIDE: Insert = Insert {
    table: "inside",
    columns: &[("parent", Kind::Int), ("child", Kind::Int)],
    conflict: " ON CONFLICT DO NOTHING",
};

const NEW_INSIDE: Insert = Insert { conflict: "", ..INSIDE };

impl Append<'_> {
    /// Finds out which subjects the waiting lines are about, and what they join.
    pub(super) fn name(&mut self) -> sql::Result<()> {
        let new = &mut self.waiting[self.named..];
        let joined: Vec<Vec<Subject>> =
            new.iter().map(|waiting| joined(waiting).iter().map(Joined::subject).collect()).collect();
        let subjects =
            new.iter().zip(&joined).filter_map(|(waiting, into)| Some((waiting.reading.subject.as_ref()?, into)));
        self.names.number(self.connection, subjects.flat_map(|(subject, into)| [subject].into_iter().chain(into)))?;
        for (number, (waiting, into)) in (self.named..).zip(new.iter_mut().zip(joined)) {
            let Some(subject) = &waiting.reading.subject else { continue };
            let Some(id) = self.names.get(subject) else { continue };
            waiting.subject = Some(id);
            for parent in into.iter().filter_map(|parent| self.names.get(parent)) {
                self.parents.extend((!self.names.is_fresh(parent)).then_some(parent));
                self.inside.entry(parent).or_default().push((id, subject.clone()));
            }
            let reading = waiting.reading.clone();
            // Its true position is not known yet, and no projection asks for it.
            let (position, received) = (number as u64, self.now);
            self.facts.learn(id, Fact { id: waiting.id.clone(), position, received, reading, happened: None });
            // Even a record that moves nothing has a place in the order in which the others are read.
            self.affected.insert(id, subject.clone());
        }
        self.named = self.waiting.len();
        Ok(())
    }

    /// Gives positions to the waiting lines and writes them.
    pub(super) fn flush(&mut self) -> sql::Result<()> {
        self.name()?;
        if self.waiting.is_empty() {
            return Ok(());
        }
        let connection = self.connection;
        let base = self.last_position()?;
        let waiting = std::mem::take(&mut self.waiting);
        let at = |number: usize| base + 1 + i64::try_from(number).unwrap_or(i64::MAX - base - 1);
        self.lines(connection, &waiting, base)?;
        let mut rows = Vec::new();
        for (series, envelope, number) in &self.envelopes {
            rows.extend([
                Param::Int(*series),
                int(envelope.first).into(),
                int(envelope.last).into(),
                i64::from(envelope.v).into(),
                (&envelope.prev.0[..]).into(),
                (&envelope.head.0[..]).into(),
                (&envelope.sig.0[..]).into(),
                at(*number).into(),
            ]);
        }
        connection.insert(&SEGMENT, &rows)?;
        self.envelopes.clear();
        for (succession, number) in std::mem::take(&mut self.successions) {
            succession.write(connection, at(number))?;
        }
        for (series, open) in &mut self.series {
            let now = open.runs().to_vec();
            runs::write(connection, *series, &open.written, &now)?;
            open.written = now;
        }
        self.clocks.store(connection, base)?;
        let others = waiting.iter().enumerate().filter(|(_, waiting)| waiting.id.station != SERVICE);
        let others = others.map(|(number, waiting)| (waiting.series, &waiting.id, at(number), &waiting.reading));
        unread::learn(connection, others)?;
        let lines = waiting.iter().filter(|waiting| waiting.id.station != SERVICE);
        seals::learn(connection, lines.map(|waiting| (waiting.series, &waiting.id, &waiting.reading)))?;
        for (number, waiting) in waiting.iter().enumerate() {
            if waiting.id.station != SERVICE {
                self.holds_changed |= holds::learn_of_station(connection, at(number), &waiting.id, &waiting.reading)?;
            } else if let Some(record) = &waiting.reading.record {
                own::learn(connection, at(number), record)?;
                if record.event == Event::SchemaAdded {
                    self.known = schemas::dimensions(connection)?;
                }
            }
        }
        self.position = Some(at(waiting.len()) - 1);
        self.named = 0;
        self.inside.clear();
        self.names.stored();
        self.facts.stored();
        Ok(())
    }

    /// The last position that was given. From now on nobody else gives one before this transaction ends.
    pub(super) fn last_position(&mut self) -> sql::Result<i64> {
        if let Some(position) = self.position {
            return Ok(position);
        }
        self.connection.lock(&[POSITIONS])?;
        let sql = format!("SELECT coalesce(max(position), 0), {} FROM record", schemas::LAST);
        let (position, schema) = self.connection.query_row(&sql, params![], |row| Ok((row.get(0)?, row.get(1)?)))?;
        // Devices may be folded by what was known of schemas before: that has to be all of them.
        schemas::agree(self.known.position, schema)?;
        self.before = Some(position);
        Ok(position)
    }

    fn lines(&self, connection: &Connection, waiting: &[Waiting], base: i64) -> sql::Result<()> {
        let (mut records, mut about) = (Vec::with_capacity(waiting.len() * 6), Vec::with_capacity(waiting.len() * 2));
        for (position, line) in (base + 1..).zip(waiting) {
            records.extend([
                Param::Int(position),
                line.series.into(),
                int(line.id.seq).into(),
                (&line.hash.0[..]).into(),
                (&line.bytes[..]).into(),
                micros(self.now).into(),
            ]);
            about.extend(line.subject.into_iter().flat_map(|subject| [Param::Int(subject), Param::Int(position)]));
        }
        connection.insert(&RECORD, &records)?;
        connection.insert(&ABOUT, &about)?;
        let inside: BTreeSet<(i64, i64)> = self
            .inside
            .iter()
            .flat_map(|(parent, children)| children.iter().map(|(child, _)| (*parent, *child)))
            .collect();
        // What has its number only now was never inside of anything.
        let (fresh, known): (Vec<(i64, i64)>, _) =
            inside.into_iter().partition(|(_, child)| self.names.is_fresh(*child));
        for (into, rows) in [(&NEW_INSIDE, fresh), (&INSIDE, known)] {
            let rows: Vec<Param<'_>> = rows.into_iter().flat_map(|(p, c)| [Param::Int(p), Param::Int(c)]).collect();
            connection.insert(into, &rows)?;
        }
        Ok(())
    }
}

/// What a line says that its subject was put into.
fn joined(waiting: &Waiting) -> &[Joined] {
    let record = waiting.reading.record.as_ref().filter(|record| record.event != Event::Refused);
    record.map_or(&[], |record| &record.into)
}
