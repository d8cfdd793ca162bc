//! What a transaction knows of a series: what is stored, and what waits to be.

use std::collections::BTreeMap;

use records::segment::Envelope;
use records::wire::Fork;
use records::{FixedBytes, Hash, PublicKey, SeriesId};

use super::Append;
use crate::projection::previous;
use crate::store::sql::{self, params};
use crate::store::tables::{TENANT, int, keys, number, runs};
use crate::store::work::{Checked, Refused};

/// A series of which something was asked.
#[derive(Default)]
pub struct Open {
    /// It was made in this transaction: nothing is stored of it.
    fresh: bool,
    /// What is stored, and what waits to be; once it was asked for.
    runs: Option<Vec<(u64, u64)>>,
    /// The runs as they are in their table.
    pub written: Vec<(u64, u64)>,
    /// The lines that this transaction brings: their hash, and that of the line before.
    lines: BTreeMap<u64, (Hash, Option<Hash>)>,
}

impl Open {
    /// The runs, where they were asked for.
    pub fn runs(&self) -> &[(u64, u64)] {
        self.runs.as_deref().unwrap_or_default()
    }
}

/// The lines at and beside those of a segment.
pub struct Near {
    /// Sequence to hash.
    pub known: BTreeMap<u64, Hash>,
    /// What the line after the segment says of the line before it.
    next: Option<Hash>,
}

impl Near {
    /// Does the segment agree with what is known of the series, at its own sequences and at its neighbours?
    pub fn fork(&self, checked: &Checked) -> Option<Fork> {
        let envelope = &checked.envelope;
        let other = |seq: u64, hash: Hash| {
            self.known.get(&seq).filter(|held| **held != hash).map(|held| Fork { seq, held: *held })
        };
        let own = checked.lines.iter().find_map(|line| other(line.seq, line.hash));
        let before = || other(envelope.first - 1, envelope.prev);
        let after = || {
            let held = self.next.filter(|held| *held != envelope.head)?;
            Some(Fork { seq: envelope.last, held })
        };
        own.or_else(before).or_else(after)
    }
}

const SERIES: &str = "SELECT id, key FROM series WHERE tenant = ? AND station = ? AND series = ?";

impl Append<'_> {
    /// Sends ahead what is asked first of a segment.
    pub(super) fn ahead(&self, Envelope { station, series, key, .. }: &Envelope) -> sql::Result<()> {
        keys::ahead(self.connection, station, key)?;
        self.connection.ahead(SERIES, params![TENANT, station, series.0])
    }

    /// The number of a series; `None` and a refusal where another key is known for it.
    pub(super) fn series(&mut self, station: &str, series: SeriesId, key: &PublicKey) -> sql::Result<Option<i64>> {
        let known: Option<(i64, PublicKey)> =
            self.connection.query_optional(SERIES, params![TENANT, station, series.0], |row| {
                Ok((row.get(0)?, FixedBytes(row.get(1)?)))
            })?;
        match known {
            Some((id, known)) if known == *key => Ok(Some(id)),
            Some((_, known)) => {
                let reason = format!("series {series} belongs to key {known}, this came with key {key}");
                self.refused.push(Refused { station: station.to_owned(), reason });
                Ok(None)
            }
            None => {
                let id = self.connection.query_row(
                    "INSERT INTO series (tenant, station, series, key) VALUES (?, ?, ?, ?) RETURNING id",
                    params![TENANT, station, series.0, key.0],
                    |row| row.get(0),
                )?;
                self.series.entry(id).or_default().fresh = true;
                Ok(Some(id))
            }
        }
    }

    /// What is known of the lines from `first` to `last` and of their neighbours.
    pub(super) fn near(&mut self, series: i64, first: u64, last: u64) -> sql::Result<Near> {
        let open = self.series.entry(series).or_default();
        let (from, to) = (first - 1, last + 1);
        let mut known = BTreeMap::new();
        let mut next = None;
        if !open.fresh {
            if open.runs.is_none() {
                runs::ahead_of(self.connection, series)?;
            }
            let found: Vec<(u64, Hash, Option<Hash>)> = self.connection.query(
                "SELECT seq, hash, CASE WHEN seq = ?3 THEN line END FROM record
                 WHERE series_id = ?1 AND seq BETWEEN ?2 AND ?3",
                params![series, int(from), int(to)],
                |row| {
                    let line: Option<Vec<u8>> = row.get(2)?;
                    Ok((number(row.get(0)?), FixedBytes(row.get(1)?), line.as_deref().and_then(previous)))
                },
            )?;
            for (seq, hash, before) in found {
                known.insert(seq, hash);
                next = next.or(before);
            }
        }
        for (seq, (hash, before)) in open.lines.range(from..=to) {
            known.insert(*seq, *hash);
            next = next.or(before.filter(|_| *seq == to));
        }
        known.remove(&to);
        Ok(Near { known, next })
    }

    /// What is stored of a series, and what waits to be: runs, lowest first.
    pub(super) fn runs(&mut self, series: i64) -> sql::Result<&Vec<(u64, u64)>> {
        let open = self.series.entry(series).or_default();
        if open.runs.is_none() && !open.fresh {
            open.written = runs::of(self.connection, series)?;
            open.runs = Some(open.written.clone());
        }
        Ok(open.runs.get_or_insert_default())
    }

    /// Notes that `first` to `last` will be stored, and which lines wait since this number.
    pub(super) fn stored(&mut self, series: i64, first: u64, last: u64, since: usize) -> sql::Result<()> {
        self.runs(series)?;
        let open = self.series.entry(series).or_default();
        let runs = open.runs.get_or_insert_default();
        *runs = crate::lineage::union(runs, &[(first, last)]);
        for waiting in &self.waiting[since..] {
            let before = waiting.reading.record.as_ref().map(|record| record.prev);
            open.lines.insert(waiting.id.seq, (waiting.hash, before.or_else(|| previous(&waiting.bytes))));
        }
        Ok(())
    }

    /// The hash of a line that is stored or waits to be.
    pub(super) fn hash(&mut self, series: i64, seq: u64) -> sql::Result<Option<Hash>> {
        let open = self.series.entry(series).or_default();
        match open.lines.get(&seq) {
            Some((hash, _)) => Ok(Some(*hash)),
            None => runs::hash(self.connection, series, seq),
        }
    }
}
