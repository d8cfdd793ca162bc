//! Schemas as the service's records say, the recall dimensions that they make, and how far those are filled.

use std::collections::{BTreeMap, BTreeSet};

use records::{Event, Kind, Record, Subject};
use regex::bytes::Regex;
use serde_json::Value;

use super::{TENANT, load, micros, names, number, time};
use crate::projection::Dimensions;
use crate::schema::{Backfill, Document, Found, Schemas, Version, definition};
use crate::store::sql::{self, Connection, params};

/// Devices that one step takes in.
const STEP: i64 = if cfg!(test) { 2 } else { 500 };
/// Lines that are looked at between two questions.
const STRIDE: i64 = if cfg!(test) { 3 } else { 2000 };
/// A value is shown up to so many characters.
const MOST_SHOWN: usize = 100;

/// Recall dimensions, and up to which position of schemas they are known.
#[derive(Debug, Clone, Default)]
pub struct Dimensioned {
    /// The position of the last schema.
    pub position: i64,
    /// The dimensions.
    pub dimensions: Dimensions,
}

/// The position of the last schema.
pub const LAST: &str = "(SELECT coalesce(max(position), 0) FROM json_schema)";

/// Enters what a record says. What is stored of a new dimension is to be taken in.
pub fn learn(connection: &Connection, position: i64, record: &Record) -> sql::Result<()> {
    let Some((id, number, document)) = definition(record) else { return Ok(()) };
    connection.execute(
        "INSERT INTO json_schema (tenant, name, version, position, since, document) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT DO NOTHING",
        params![TENANT, id, super::int(number), position, micros(record.at.wall), document.value().to_string()],
    )?;
    let last: i64 =
        connection.query_row("SELECT coalesce(max(subject), 0) FROM device", params![], |row| row.get(0))?;
    for name in document.groups() {
        let sql = "SELECT EXISTS (SELECT 1 FROM dimension WHERE tenant = ? AND name = ?)";
        if connection.query_row(sql, params![TENANT, name], |row| row.get(0))? {
            continue;
        }
        connection.execute(
            "INSERT INTO dimension (tenant, name, position) VALUES (?, ?, ?)",
            params![TENANT, name, position],
        )?;
        if last > 0 {
            connection.execute(
                "INSERT INTO backfill (tenant, name, done, upto) VALUES (?, ?, 0, ?)",
                params![TENANT, name, last],
            )?;
        }
    }
    Ok(())
}

const DIMENSIONS: &str = "SELECT name FROM dimension WHERE tenant = ?";
const BACKFILLS: &str = "SELECT name, done, upto FROM backfill WHERE tenant = ? ORDER BY done, name";

/// Sends ahead what [`dimensions`] and [`backfills`] ask.
pub fn ahead(connection: &Connection) -> sql::Result<()> {
    connection.ahead(&format!("SELECT {LAST}"), params![])?;
    connection.ahead(DIMENSIONS, params![TENANT])?;
    connection.ahead(BACKFILLS, params![TENANT])
}

/// The dimensions that there are.
pub fn dimensions(connection: &Connection) -> sql::Result<Dimensioned> {
    // Not the other way round: a schema that comes between the two questions is then found to be missing.
    let position = connection.query_row(&format!("SELECT {LAST}"), params![], |row| row.get(0))?;
    let names = connection.query(DIMENSIONS, params![TENANT], |row| row.get::<String>(0))?;
    Ok(Dimensioned { position, dimensions: names.into_iter().collect() })
}

/// Every version of every schema.
pub fn all(connection: &Connection) -> sql::Result<Schemas> {
    let rows: Vec<(String, i64, i64, i64, String)> = connection.query(
        "SELECT name, version, position, since, document FROM json_schema WHERE tenant = ?",
        params![TENANT],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)),
    )?;
    let versions = rows.into_iter().map(|(id, version, position, since, text)| {
        let document = Document::of(serde_json::from_str(&text)?);
        let document = document.map_err(|_| sql::Error::value("a schema", "something else"))?;
        Ok(Version { id, number: number(version), position: number(position), since: time(since), document })
    });
    Ok(Schemas::of(versions.collect::<sql::Result<Vec<Version>>>()?))
}

/// What is being taken in.
pub fn backfills(connection: &Connection) -> sql::Result<Vec<Backfill>> {
    Ok(running(connection)?
        .into_iter()
        .map(|(dimension, done, upto)| {
            let percent = u8::try_from(done.saturating_mul(100) / upto.max(1)).unwrap_or(99).min(99);
            Backfill { dimension, percent }
        })
        .collect())
}

fn running(connection: &Connection) -> sql::Result<Vec<(String, i64, i64)>> {
    connection.query(BACKFILLS, params![TENANT], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
}

/// The devices of the next step, which the transaction has to fold anew. `known` are the dimensions by which it does that:
/// where there are others by now, nothing is done.
pub fn step(connection: &Connection, known: i64) -> sql::Result<BTreeMap<i64, Subject>> {
    let running = running(connection)?;
    // After what is running was read: all of that is known.
    agree(known, connection.query_row(&format!("SELECT {LAST}"), params![], |row| row.get(0))?)?;
    let Some((_, from, upto)) = running.first().cloned() else { return Ok(BTreeMap::new()) };
    let devices: BTreeMap<i64, Subject> = connection
        .query(
            "SELECT id, kind, name, scope FROM device JOIN subject ON id = subject
             WHERE subject > ? AND subject <= ? ORDER BY subject LIMIT ?",
            params![from, upto, STEP],
            |row| Ok((row.get(0)?, names::subject(row, 1)?)),
        )?
        .into_iter()
        .collect();
    let full = devices.len() as i64 == STEP;
    let reached = devices.last_key_value().filter(|_| full).map_or(upto, |(last, _)| *last);
    for (name, _, upto) in running.iter().filter(|(_, done, _)| *done < reached) {
        match *upto <= reached {
            true => {
                connection.execute("DELETE FROM backfill WHERE tenant = ? AND name = ?", params![TENANT, name])?;
                tracing::info!(dimension = name, "all devices are taken into the new recall dimension");
            }
            false => connection.execute(
                "UPDATE backfill SET done = ? WHERE tenant = ? AND name = ?",
                params![reached, TENANT, name],
            )?,
        }
    }
    Ok(devices)
}

/// Are those all dimensions that there are?
pub fn agree(known: i64, last: i64) -> sql::Result<()> {
    if known == last { Ok(()) } else { Err(sql::Error::NewSchema) }
}

/// The first value that is stored of one of these attributes, after one position and up to another, and that a document
/// does not allow.
pub fn against(
    connection: &Connection,
    document: &Document,
    attributes: &BTreeSet<String>,
    after: i64,
    upto: i64,
) -> sql::Result<Option<Found>> {
    if attributes.is_empty() {
        return Ok(None);
    }
    // A name can stand there with escapes; then the line has to be read.
    let names: Vec<&str> = attributes.iter().map(String::as_str).collect();
    let mention = Regex::new(&format!(r#""(?:{})"|\\u"#, names.join("|")))
        .map_err(|_| sql::Error::value("names of attributes", "something else"))?;
    let mut first = after.saturating_add(1);
    while first <= upto {
        let last = first.saturating_add(STRIDE - 1).min(upto);
        let found: Vec<Option<Found>> = connection.query(
            "SELECT position, station, series, seq, line, stored_at FROM record JOIN series ON series.id = series_id
             WHERE position BETWEEN ? AND ? ORDER BY position",
            params![first, last],
            |row| {
                if !mention.is_match(row.bytes(4)?) {
                    return Ok(None);
                }
                let fact = load::fact(row)?;
                let said = fact.reading.record.as_ref().filter(|record| is_said_of_device(record));
                let said = said.into_iter().flat_map(|record| &record.attributes);
                let mut wrong = said
                    .filter(|(name, _)| attributes.contains(*name))
                    .filter_map(|(name, value)| Some((name, value, document.allows(name, value).err()?)));
                Ok(wrong.next().map(|(name, value, reason)| Found {
                    name: name.clone(),
                    value: shown(value),
                    reason,
                    position: fact.position,
                    record: fact.id.clone(),
                }))
            },
        )?;
        if let Some(found) = found.into_iter().flatten().next() {
            return Ok(Some(found));
        }
        first = last + 1;
    }
    Ok(None)
}

/// Are its attributes those of a device, true or not?
fn is_said_of_device(record: &Record) -> bool {
    record.subject.kind == Kind::Device && record.event != Event::Refused
}

fn shown(value: &Value) -> String {
    value.to_string().chars().take(MOST_SHOWN).collect()
}

#[cfg(test)]
mod tests;
