//! Seals of work orders and lots, and what was counted of each: see [`crate::recall::counted`].

use records::{Event, FixedBytes, Kind as SubjectKind, RecordId, Subject};

use super::{TENANT, int, number};
use crate::projection::Reading;
use crate::store::sql::{self, Connection, Insert, Kind, Param, params};
use crate::store::work::CountedSeal;

const SEAL: Insert = Insert {
    table: "seal",
    columns: &[("series_id", Kind::Int), ("seq", Kind::Int), ("kind", Kind::Text), ("name", Kind::Text)],
    conflict: " ON CONFLICT DO NOTHING",
};

/// Notes which of these lines, each with its series, seal a work order or a lot.
pub fn learn<'l>(
    connection: &Connection,
    lines: impl Iterator<Item = (i64, &'l RecordId, &'l Reading)>,
) -> sql::Result<()> {
    let mut rows: Vec<Param<'_>> = Vec::new();
    for (series, id, reading) in lines {
        let sealed = |record: &&records::Record| {
            record.event == Event::Sealed && matches!(record.subject.kind, SubjectKind::WorkOrder | SubjectKind::Lot)
        };
        if let Some(record) = reading.record.as_ref().filter(sealed) {
            let Subject { kind, id: name, .. } = &record.subject;
            rows.extend([Param::Int(series), int(id.seq).into(), kind.word().into(), name.as_str().into()]);
        }
    }
    if rows.is_empty() { Ok(()) } else { connection.insert(&SEAL, &rows) }
}

const OF: &str = "SELECT station, series, seq, stored, tried FROM seal JOIN series ON id = series_id
     WHERE tenant = ? AND kind = ? AND name = ?";

/// Sends ahead what [`of`] asks.
pub fn ahead(connection: &Connection, subject: &Subject) -> sql::Result<()> {
    connection.ahead(OF, params![TENANT, subject.kind.word(), subject.id])
}

/// Every seal of a work order or lot with what was counted of it.
pub fn of(connection: &Connection, subject: &Subject) -> sql::Result<Vec<CountedSeal>> {
    connection.query(OF, params![TENANT, subject.kind.word(), subject.id], |row| {
        let id = RecordId { station: row.get(0)?, series: FixedBytes(row.get(1)?), seq: number(row.get(2)?) };
        Ok(CountedSeal { id, stored: row.get::<Option<i64>>(3)?.map(number), tried: row.get(4)? })
    })
}

/// Work orders and lots of which a seal is to be counted, and no record of its series before it is missing.
pub fn to_count(connection: &Connection, most: u32) -> sql::Result<Vec<Subject>> {
    connection.query(
        "SELECT DISTINCT kind, name FROM (
             SELECT kind, name FROM run JOIN seal ON seal.series_id = run.series_id AND seq <= last
             WHERE first = 1 AND tried = 0 LIMIT ?) AS found",
        params![most],
        |row| {
            let kind = SubjectKind::from_word(&row.text(0)?);
            let kind = kind.ok_or_else(|| sql::Error::value("a kind of subject", "another word"))?;
            Ok(Subject::new(kind, row.get::<String>(1)?))
        },
    )
}

/// Keeps what was counted.
pub fn write(connection: &Connection, counted: &[CountedSeal]) -> sql::Result<()> {
    for CountedSeal { id, stored, tried } in counted {
        connection.execute(
            "UPDATE seal SET stored = ?, tried = ? WHERE seq = ?
                 AND series_id = (SELECT id FROM series WHERE tenant = ? AND station = ? AND series = ?)",
            params![stored.map(int), *tried, int(id.seq), TENANT, id.station, id.series.0],
        )?;
    }
    Ok(())
}
