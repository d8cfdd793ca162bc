//! Containers whose row is damaged, made anew from the records that are still here and from what is in them.

use records::{Event, Kind, Level, Record, SeriesId};
use rusqlite::{Connection, params};

use super::{checksum, put_container};
use crate::station::{ContainerState, KnownContainer};

/// Ids of containers whose row does not agree with its checksum, as bytes: a damaged text may be none.
pub(in super::super) fn damaged(connection: &Connection) -> rusqlite::Result<Vec<Vec<u8>>> {
    let mut rows = connection.prepare("SELECT CAST(id AS BLOB), CAST(body AS BLOB), crc FROM container")?;
    let mut rows = rows.query([])?;
    let mut bad = Vec::new();
    while let Some(row) = rows.next()? {
        let bytes = |column| row.get_ref(column).map(|value| value.as_bytes().unwrap_or_default());
        let (id, body) = (bytes(0)?, bytes(1)?);
        let text = std::str::from_utf8(id).ok().zip(std::str::from_utf8(body).ok());
        let agrees = text.is_some_and(|(id, body)| row.get::<_, u32>(2).ok() == Some(checksum(id, body)));
        if !agrees {
            bad.push(id.to_vec());
        }
    }
    Ok(bad)
}

pub(in super::super) fn remove(connection: &Connection, id: &[u8]) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM container WHERE CAST(id AS BLOB) = ?1", [id]).map(drop)
}

/// What a record of the series says of a container, after those before it.
pub(in super::super) fn learn(before: Option<KnownContainer>, seq: u64, record: &Record) -> Option<KnownContainer> {
    let into = record.into.first().filter(|into| into.kind == Kind::Container);
    let joined = into.map(|into| (Some(into.id.clone()), Some((seq, None))));
    let begun = || begun(record);
    let state = match record.event {
        Event::Opened | Event::Adopted => return begun(),
        Event::Reopened => ContainerState::Open,
        Event::Despatched => ContainerState::Despatched,
        Event::Closed | Event::Packed | Event::Moved | Event::TakenOut => ContainerState::Closed,
        _ => return before,
    };
    let known = KnownContainer { state, ..before.or_else(begun)? };
    let (parent, joined) = match record.event {
        Event::TakenOut => (None, None),
        _ => joined.unwrap_or((known.parent, known.joined)),
    };
    Some(KnownContainer { parent, joined, ..known })
}

/// A container of which the first thing is known.
fn begun(record: &Record) -> Option<KnownContainer> {
    let level: Level = serde_json::from_value(record.attributes.get("level")?.clone()).ok()?;
    let name = record.attributes.get("levelName").and_then(|name| name.as_str()).unwrap_or(level.word());
    Some(KnownContainer {
        id: record.subject.id.clone(),
        level,
        name: name.to_owned(),
        state: ContainerState::Open,
        count: 0,
        units: None,
        size: 0,
        parent: None,
        common: Default::default(),
        work_order: None,
        lane: record.lane.clone().unwrap_or_default(),
        joined: None,
        unchecked: false,
    })
}

/// Writes a container that was made anew, with what is in it by the tables of units and containers.
pub(in super::super) fn put(
    connection: &Connection,
    mut container: KnownContainer,
    series: SeriesId,
) -> rusqlite::Result<()> {
    let count = |kind: i64| {
        let sql = "SELECT count(*) FROM inside WHERE container = ?1 AND kind = ?2 AND scope NOT LIKE 'component:%'";
        connection.query_row(sql, params![container.id, kind], |row| row.get::<_, u32>(0))
    };
    let (units, inner) = (count(super::units::UNIT)?, count(super::units::CONTAINER)?);
    (container.count, container.units) = (units + inner, (inner == 0).then_some(units));
    put_container(connection, &container, series)
}
