//! Units that this station knows: one row each, which outlives their records.
//!
//! What is in a container, and which units are unchecked, stands in tables of their own and not in indices: where a byte of an
//! index is damaged, SQLite refuses every change of its row from then on.
//!
//! A row names the series of its record by a number, its era: a series has 16 bytes, and there may be ten million rows. Rows
//! from before there were eras have era 0, which is the first series of the journal, or unknown where there were several.

mod wreck;

use records::{Event, Kind, Record, SeriesId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Group, Journal, JournalError, held, query};
use crate::station::{Known, KnownChange, Tested, UnitState};
pub(super) use wreck::{UnitRow, damaged, of_wreck, remove_bytes};

pub(super) const TABLES: &str = "
    ALTER TABLE known RENAME TO unit;
    ALTER TABLE unit ADD COLUMN era INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE unit ADD COLUMN state INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE unit ADD COLUMN tests INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE unit ADD COLUMN work_order TEXT NOT NULL DEFAULT '';
    ALTER TABLE unit ADD COLUMN unchecked INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE inside (container TEXT NOT NULL, kind INTEGER NOT NULL, scope TEXT NOT NULL, id TEXT NOT NULL,
                         PRIMARY KEY (container, kind, scope, id)) STRICT, WITHOUT ROWID;
    INSERT INTO inside SELECT package, 0, scope, serial FROM unit;
    CREATE TABLE unchecked (scope TEXT NOT NULL, serial TEXT NOT NULL, PRIMARY KEY (scope, serial)) STRICT, WITHOUT ROWID;
    CREATE TABLE era (n INTEGER PRIMARY KEY, series BLOB NOT NULL UNIQUE) STRICT;
    INSERT INTO era SELECT 0, series FROM station WHERE before IS NULL;";

/// Most units of a container that are told, and most unchecked ones.
const MOST_TOLD: usize = 100_000;

/// Added to the state of a unit that is on hold here.
const HELD: usize = 4;

const STATES: [UnitState; 4] = [UnitState::Seen, UnitState::Packed, UnitState::Out, UnitState::Scrapped];

/// What a row says beside what rows said before there were eras.
#[derive(Default, PartialEq, Eq)]
struct Rest<'r> {
    era: i64,
    state: i64,
    tests: i64,
    work_order: &'r [u8],
    unchecked: i64,
    lot: &'r [u8],
    tested_at: i64,
}

/// The checksum of a row. That of an older row stays what it was.
fn crc(scope: &[u8], serial: &[u8], seq: i64, package: &[u8], rest: &Rest<'_>) -> u32 {
    // A NUL keeps the parts apart: rules let no control character into a serial.
    let mut bytes = [scope, serial, seq.to_string().as_bytes(), package].join(&0);
    if *rest != (Rest { state: 1, ..Rest::default() }) {
        let Rest { era, state, tests, work_order, unchecked, lot, tested_at } = rest;
        bytes.extend_from_slice(format!("\0{era}\0{state}\0{tests}\0{unchecked}\0").as_bytes());
        bytes.extend_from_slice(work_order);
        if !lot.is_empty() || *tested_at != 0 {
            bytes.extend_from_slice(format!("\0{tested_at}\0").as_bytes());
            bytes.extend_from_slice(lot);
        }
    }
    crc32c::crc32c(&bytes)
}

/// Attempts, below 0 where the last one failed.
fn tests(test: Option<Tested>) -> i64 {
    test.map_or(0, |test| i64::from(test.attempts) * if test.passed { 1 } else { -1 })
}

fn tested(tests: i64, at: i64) -> Option<Tested> {
    let attempts = u32::try_from(tests.unsigned_abs()).ok().filter(|attempts| *attempts > 0)?;
    Some(Tested { passed: tests > 0, attempts, at: (at != 0).then_some(at) })
}

/// The number of a series, given to it where it has none.
fn era_of(connection: &Connection, series: SeriesId) -> rusqlite::Result<i64> {
    let known: Option<i64> = connection
        .prepare_cached("SELECT n FROM era WHERE series = ?1")?
        .query_row([series.0], |row| row.get(0))
        .optional()?;
    match known {
        Some(n) => Ok(n),
        None => {
            connection
                .execute("INSERT INTO era (n, series) SELECT coalesce(max(n), 0) + 1, ?1 FROM era", [series.0])?;
            connection.query_row("SELECT n FROM era WHERE series = ?1", [series.0], |row| row.get(0))
        }
    }
}

/// Writes a row. `series` is that of its record where the unit names none.
pub(super) fn put(
    connection: &Connection,
    scope: &str,
    serial: &str,
    known: &Known,
    series: SeriesId,
) -> rusqlite::Result<usize> {
    let package = known.package.as_deref().unwrap_or_default();
    let work_order = known.work_order.as_deref().unwrap_or_default();
    let seq = i64::try_from(known.seq).unwrap_or(i64::MAX);
    let state = STATES.iter().position(|state| *state == known.state).unwrap_or_default();
    let held = if known.held { HELD } else { 0 };
    let rest = Rest {
        era: era_of(connection, known.series.unwrap_or(series))?,
        state: i64::try_from(state + held).unwrap_or_default(),
        tests: tests(known.test),
        work_order: work_order.as_bytes(),
        unchecked: known.unchecked.into(),
        lot: known.lot.as_deref().unwrap_or_default().as_bytes(),
        tested_at: known.test.and_then(|test| test.at).unwrap_or_default(),
    };
    let crc = crc(scope.as_bytes(), serial.as_bytes(), seq, package.as_bytes(), &rest);
    leave(connection, scope, serial, (package, known.unchecked, known.held))?;
    if known.held {
        held::note(connection, scope, serial, true)?;
    }
    if !package.is_empty() {
        change_inside(connection, ENTER, package, UNIT, (scope, serial))?;
    }
    if known.unchecked {
        connection
            .prepare_cached("INSERT OR IGNORE INTO unchecked (scope, serial) VALUES (?1, ?2)")?
            .execute([scope, serial])?;
    }
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO unit (scope, serial, seq, package, crc, era, state, tests, work_order, unchecked, lot,
                                          at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute(params![
            scope,
            serial,
            seq,
            package,
            crc,
            rest.era,
            rest.state,
            rest.tests,
            work_order,
            rest.unchecked,
            known.lot.as_deref().unwrap_or_default(),
            rest.tested_at
        ])
}

/// In `inside`: a unit or component, and a container.
pub(super) const UNIT: i64 = 0;
pub(super) const CONTAINER: i64 = 1;

/// Something is in a container from now on.
pub(super) const ENTER: &str = "INSERT OR IGNORE INTO inside (container, kind, scope, id) VALUES (?1, ?2, ?3, ?4)";
/// It is not any more.
pub(super) const LEAVE: &str = "DELETE FROM inside WHERE container = ?1 AND kind = ?2 AND scope = ?3 AND id = ?4";

/// Notes that something enters or leaves a container, as `sql` says.
pub(super) fn change_inside(
    connection: &Connection,
    sql: &str,
    container: &str,
    kind: i64,
    (scope, id): (&str, &str),
) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute(params![container, kind, scope, id]).map(drop)
}

/// The unit is not where it was before, and not unchecked or on hold any more, unless it is so still.
fn leave(connection: &Connection, scope: &str, serial: &str, now: (&str, bool, bool)) -> rusqlite::Result<()> {
    let before: Option<(String, bool, usize)> = connection
        .prepare_cached("SELECT package, unchecked, state FROM unit WHERE scope = ?1 AND serial = ?2")?
        .query_row([scope, serial], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((package, unchecked, state)) = before else { return Ok(()) };
    if state >= HELD && !now.2 {
        held::note(connection, scope, serial, false)?;
    }
    if package != now.0 && !package.is_empty() {
        change_inside(connection, LEAVE, &package, UNIT, (scope, serial))?;
    }
    if unchecked && !now.1 {
        connection
            .prepare_cached("DELETE FROM unchecked WHERE scope = ?1 AND serial = ?2")?
            .execute([scope, serial])?;
    }
    Ok(())
}

fn remove(connection: &Connection, scope: &str, serial: &str) -> rusqlite::Result<usize> {
    leave(connection, scope, serial, ("", false, false))?;
    connection.prepare_cached("DELETE FROM unit WHERE scope = ?1 AND serial = ?2")?.execute([scope, serial])
}

/// Seq, package, state, tests, work order, unchecked, series, lot, time of the last test.
const COLUMNS: &str =
    "seq, package, state, tests, work_order, unchecked, (SELECT series FROM era WHERE era.n = unit.era),
     coalesce(lot, ''), coalesce(at, 0)";

/// Of a row with [`COLUMNS`] from `at` on. The series is always set; without one the record cannot be named.
fn known_of(row: &Row<'_>, at: usize) -> rusqlite::Result<Known> {
    let text = |value: String| (!value.is_empty()).then_some(value);
    let state: usize = row.get(at + 2)?;
    let series: Option<[u8; 16]> = row.get(at + 6)?;
    Ok(Known {
        seq: if series.is_some() { row.get(at)? } else { 0 },
        series: series.map(records::FixedBytes),
        package: text(row.get(at + 1)?),
        state: STATES.get(state % HELD).copied().unwrap_or_default(),
        held: state >= HELD,
        test: tested(row.get(at + 3)?, row.get(at + 8)?),
        work_order: text(row.get(at + 4)?),
        lot: text(row.get(at + 7)?),
        unchecked: row.get(at + 5)?,
    })
}

fn read(connection: &Connection, scope: &str, serial: &str, present: SeriesId) -> rusqlite::Result<Option<Known>> {
    let sql = format!("SELECT {COLUMNS} FROM unit WHERE scope = ?1 AND serial = ?2");
    let known = connection.prepare_cached(&sql)?.query_row([scope, serial], |row| known_of(row, 0)).optional()?;
    Ok(known.map(|known| Known { series: known.series.filter(|series| *series != present), ..known }))
}

impl Group<'_> {
    /// The unit, if it is known here; what earlier decisions of this group did is seen.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn known(&self, scope: &str, serial: &str) -> Result<Option<Known>, JournalError> {
        if self.filter.as_ref().is_some_and(|filter| !filter.may_know(scope, serial)) {
            return Ok(None);
        }
        read(&self.transaction, scope, serial, self.series).map_err(query("read"))
    }

    /// Serials of the units directly in a container, at most 100,000 of them.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn units_in(&self, container: &str) -> Result<Vec<String>, JournalError> {
        units_in(&self.transaction, container).map_err(query("read"))
    }

    pub(super) fn change_known(&mut self, change: &KnownChange) -> rusqlite::Result<usize> {
        match change {
            KnownChange::Set { scope, serial, known } => {
                // Also of a group that is not committed in the end: that costs a read, and no more.
                self.filter.iter_mut().for_each(|filter| filter.add(scope, serial));
                put(&self.transaction, scope, serial, known, self.series)
            }
            KnownChange::Remove { scope, serial } => remove(&self.transaction, scope, serial),
        }
    }
}

fn units_in(connection: &Connection, container: &str) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare_cached(
            "SELECT serial FROM inside JOIN unit ON unit.scope = inside.scope AND unit.serial = inside.id
             WHERE container = ?1 AND kind = 0 AND package = container AND inside.scope NOT LIKE 'component:%'
             ORDER BY serial LIMIT ?2",
        )?
        .query_map(params![container, MOST_TOLD], |row| row.get(0))?
        .collect()
}

impl Journal {
    /// The unit, if it is known here.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn known(&self, scope: &str, serial: &str) -> Result<Option<Known>, JournalError> {
        read(&self.connection, scope, serial, self.series()).map_err(query("read"))
    }

    /// Units that were accepted without an answer of the service: scope and serial, in their order, after this one, at most
    /// `most`.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn unchecked_after(
        &self,
        (scope, serial): &(String, String),
        most: usize,
    ) -> Result<Vec<(String, String)>, JournalError> {
        self.connection
            .prepare_cached(
                "SELECT scope, serial FROM unchecked WHERE (scope, serial) > (?1, ?2) AND scope <> ?4
                 ORDER BY scope, serial LIMIT ?3",
            )
            .and_then(|mut rows| {
                rows.query_map(params![scope, serial, most, held::CONTAINER_SCOPE], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?
                .collect()
            })
            .map_err(query("read"))
    }
}

/// What a record of the series says of a unit: the table may have lost it.
pub(super) fn learn(connection: &Connection, series: SeriesId, seq: u64, record: &Record) -> rusqlite::Result<()> {
    if record.subject.kind != Kind::Device {
        return Ok(());
    }
    let (scope, serial) = (record.subject.scope.as_str(), record.subject.id.as_str());
    let before =
        read(connection, scope, serial, series)?.unwrap_or(Known { state: UnitState::Seen, ..Known::default() });
    let order = record.attributes.get("workOrder").and_then(|order| order.as_str()).map(str::to_owned);
    let lot = record.attributes.get("lotCode").and_then(|lot| lot.as_str()).map(str::to_owned);
    let (work_order, lot) = (order.or_else(|| before.work_order.clone()), lot.or_else(|| before.lot.clone()));
    let known = Known { seq, series: None, work_order, lot, ..before.clone() };
    let outside = |state| Known { package: None, state, ..known.clone() };
    let now = match (record.event, record.into.first()) {
        (Event::Packed | Event::Moved | Event::Assembled, Some(into)) => {
            Known { package: Some(into.id.clone()), state: UnitState::Packed, ..known }
        }
        (Event::Voided, _) if known.test.is_none() => return remove(connection, scope, serial).map(drop),
        (Event::Voided, _) => outside(UnitState::Seen),
        (Event::TakenOut, _) => outside(UnitState::Out),
        (Event::Scrapped, _) => outside(UnitState::Scrapped),
        (Event::Held, _) => Known { held: true, ..before },
        (Event::Released, _) => Known { held: false, ..before },
        (Event::Tested, _) => {
            let attempts = record.attributes.get("attempt").and_then(serde_json::Value::as_u64);
            let attempts = attempts.and_then(|attempts| u32::try_from(attempts).ok()).unwrap_or(1);
            let passed = record.attributes.get("result").is_some_and(|result| result == "pass");
            let at = record.at.synchronised.then(|| record.at.wall.as_millisecond());
            Known { seq: before.seq, series: before.series, test: Some(Tested { passed, attempts, at }), ..known }
        }
        _ => return Ok(()),
    };
    put(connection, scope, serial, &now, series).map(drop)
}

#[cfg(test)]
mod tests;
