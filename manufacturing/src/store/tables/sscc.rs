//! The word to a station that has lost its mark of SSCCs.

use gs1::BLOCK;
use jiff::{SignedDuration, Timestamp};
use records::wire::Status;
use records::{Event, SeriesId};

use super::{TENANT, int, lineage, number, stations};
use crate::lineage::{SILENT_AFTER_SECONDS, Said};
use crate::projection::Reading;
use crate::store::sql::{self, Connection, params};

/// Keeps the mark that the verified status of a series names, where it is higher than what is kept of its station.
pub fn learn(connection: &Connection, station: &str, verified: Option<&(Status, Timestamp)>) -> sql::Result<()> {
    verified.and_then(|(status, _)| status.sscc_mark).map_or(Ok(()), |mark| raise(connection, station, mark))
}

/// Keeps what a stored record says: a container was opened under this serial reference, so its block is reserved. A status
/// may have been lost, or not been said any more.
pub fn learn_opened(connection: &Connection, station: &str, reading: &Reading) -> sql::Result<()> {
    let opened = reading.record.as_ref().filter(|record| record.event == Event::Opened);
    let reference = opened.and_then(|record| record.attributes.get("serialReference")?.as_u64());
    reference.map_or(Ok(()), |reference| raise(connection, station, reference.saturating_add(BLOCK)))
}

fn raise(connection: &Connection, station: &str, mark: u64) -> sql::Result<()> {
    connection.execute(
        "INSERT INTO sscc_mark (tenant, station, mark) VALUES (?, ?, ?)
         ON CONFLICT (tenant, station) DO UPDATE SET mark = excluded.mark WHERE excluded.mark > sscc_mark.mark",
        params![TENANT, station, int(mark)],
    )
}

/// The answer to a series that asks for the mark: the highest that its station ever named or used, 0 where there is none. `None`
/// where it does not ask, where its record 1 is not stored yet, or while another series of the station is alive: that one
/// may be using SSCCs of which nothing is known here yet. A series that this one followed is not alive by what it said
/// before.
pub fn word(
    connection: &Connection,
    station: &str,
    series: SeriesId,
    verified: Option<&(Status, Timestamp)>,
    now: Timestamp,
) -> sql::Result<Option<u64>> {
    if verified.is_none_or(|(status, _)| status.sscc_mark.is_some()) {
        return Ok(None);
    }
    let Some(began) = lineage::began(connection, station, series)? else { return Ok(None) };
    let before = lineage::ancestors(connection, station, series)?;
    let silent = SignedDuration::from_secs(SILENT_AFTER_SECONDS);
    for other in stations::series_of(connection, station)?.into_iter().filter(|other| *other != series) {
        let Some((status, heard)) = stations::verified(connection, station, other)? else { continue };
        let followed = before.contains(&other) && !Said { stamp: status.at, heard }.is_after(&began);
        if now.duration_since(heard) <= silent && !followed {
            return Ok(None);
        }
    }
    let mark: Option<i64> = connection.query_optional(
        "SELECT mark FROM sscc_mark WHERE tenant = ? AND station = ?",
        params![TENANT, station],
        |row| row.get(0),
    )?;
    Ok(Some(mark.map_or(0, number)))
}
