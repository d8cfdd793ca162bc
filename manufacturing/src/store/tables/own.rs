//! The service's own series: what no station made is written as its records, through the same path as all others.

use crate::store::sql::{self, Connection, params};
use jiff::Timestamp;
use records::chain::{BEFORE_THE_FIRST, hash_line};
use records::enrolment::SERVICE;
use records::segment::{Segment, seal};
use records::{Draft, Event, FixedBytes, Hash, Place, PublicKey, Record, SeriesId, SigningKey, Subject, keys};

use super::append::DECISIONS;
use super::{TENANT, holds, lapses, number, recalls, schemas, work_orders};
use crate::clock::Stamps;
use crate::projection::Reading;
use crate::store::decide::Enrolment;
use crate::store::work::Checked;

/// Most lines in one segment of the service: with the longest reasons still far from the limit in bytes.
const MOST_LINES: usize = 256;

/// What the writer needs to decide in the name of the service.
pub struct Own {
    /// The service's key.
    pub key: SigningKey,
    /// The stamps of its records.
    pub stamps: Stamps,
    /// How keys of stations come in.
    pub enrolment: Enrolment,
    /// What tells this instance from others on the same store; empty where there is one.
    pub instance: String,
}

/// Where a series stands: its id, and the sequence and hash of its last line.
struct Head {
    series: SeriesId,
    last: u64,
    hash: Hash,
}

/// The last series of the service, and whether it is of the key that it has now.
fn head(connection: &Connection, own: &Own) -> sql::Result<Option<(Head, bool)>> {
    let row: Option<(i64, [u8; 16], [u8; 32])> = connection.query_optional(
        "SELECT id, series, key FROM own JOIN series ON id = series_id WHERE tenant = ? AND instance = ? ORDER BY id DESC LIMIT 1",
        params![TENANT, own.instance],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let Some((id, series, key)) = row else { return Ok(None) };
    let (last, hash): (i64, [u8; 32]) = connection.query_row(
        "SELECT seq, hash FROM record WHERE series_id = ? ORDER BY seq DESC LIMIT 1",
        params![id],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let head = Head { series: FixedBytes(series), last: number(last), hash: FixedBytes(hash) };
    Ok(Some((head, FixedBytes(key) == own.key.public())))
}

/// The next lines of the service's series, sealed. Where there is none, or the service has another key than that of the
/// last one, a new series begins.
pub fn segments(connection: &Connection, own: &Own, now: Timestamp, drafts: Vec<Draft>) -> sql::Result<Vec<Checked>> {
    let (mut head, first) = match head(connection, own)? {
        Some((head, true)) => (head, None),
        before => {
            let before = before.map(|(head, _)| head);
            let series = keys::random().map_err(failed)?;
            (Head { series, last: 0, hash: BEFORE_THE_FIRST }, Some(started(own, before)))
        }
    };
    let drafts: Vec<Draft> = first.into_iter().chain(drafts).collect();
    let mut segments = Vec::new();
    for drafts in drafts.chunks(MOST_LINES) {
        let (first, prev) = (head.last + 1, head.hash);
        let mut lines = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let place = Place { seq: head.last + 1, prev: head.hash, rules: Hash::ZERO, at: (own.stamps)(now) };
            let line = Record::new(draft.clone(), place).to_line().map_err(failed)?;
            (head.last, head.hash) = (head.last + 1, hash_line(&line));
            lines.push(line);
        }
        let sealed = seal(&own.key, SERVICE, head.series, first, prev, &lines);
        let Segment { envelope, lines } = Segment::parse(&sealed).map_err(failed)?;
        let readings = lines.iter().map(|line| Reading::of(&line.bytes)).collect();
        segments.push(Checked { envelope, lines, readings });
    }
    Ok(segments)
}

fn started(own: &Own, before: Option<Head>) -> Draft {
    let mut draft = Draft::new(Event::SeriesStarted, Subject::station(SERVICE));
    draft.attributes.insert("key".to_owned(), own.key.public().to_string().into());
    if let Some(before) = before {
        draft.attributes.insert("seriesBefore".to_owned(), before.series.to_string().into());
        draft.attributes.insert("lastBefore".to_owned(), before.last.into());
        draft.attributes.insert("why".to_owned(), "replaced".into());
    }
    draft
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> sql::Error {
    sql::Error::Own(error.into())
}

/// Makes sure that every instance on this store has the same key.
pub fn agree(connection: &Connection, own: &Own) -> sql::Result<()> {
    connection.lock(&[DECISIONS])?;
    let sql = "SELECT key FROM service_key";
    let known: Option<PublicKey> = connection.query_optional(sql, params![], |row| row.get(0).map(FixedBytes))?;
    let key = own.key.public();
    match known {
        Some(known) if known != key => Err(sql::Error::OtherService { key: known }),
        Some(_) => Ok(()),
        None => connection.execute("INSERT INTO service_key (key) VALUES (?)", params![key.0]),
    }
}

/// Notes that a series is the service's.
pub fn mark(connection: &Connection, own: &Own, series: i64) -> sql::Result<()> {
    connection.execute(
        "INSERT INTO own (series_id, instance) VALUES (?, ?) ON CONFLICT DO NOTHING",
        params![series, own.instance],
    )
}

/// Does the service hold exactly these lines in a series of its own?
pub fn holds_all(connection: &Connection, checked: &Checked) -> sql::Result<bool> {
    let envelope = &checked.envelope;
    let series: Option<i64> = connection.query_optional(
        "SELECT id FROM own JOIN series ON id = series_id WHERE tenant = ? AND series = ? AND key = ?",
        params![TENANT, envelope.series.0, envelope.key.0],
        |row| row.get(0),
    )?;
    let Some(series) = series else { return Ok(false) };
    for line in &checked.lines {
        if super::runs::hash(connection, series, line.seq)? != Some(line.hash) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Enters what a record of the service decides.
pub fn learn(connection: &Connection, position: i64, record: &Record) -> sql::Result<()> {
    match record.event {
        Event::KeyEnrolled | Event::KeyRevoked => super::keys::learn(connection, record),
        Event::StationRetired | Event::WrittenOff => lapses::learn(connection, position, record),
        Event::RecallOpened | Event::RecallClosed | Event::Drilled => recalls::learn(connection, position, record),
        Event::Held | Event::Released if recalls::named(record).is_some() => {
            recalls::learn(connection, position, record)
        }
        Event::Held | Event::Released => holds::learn(connection, position, record),
        Event::SchemaAdded => schemas::learn(connection, position, record),
        Event::WorkOrderPlanned | Event::WorkOrderClosed => work_orders::learn(connection, position, record),
        _ => Ok(()),
    }
}
