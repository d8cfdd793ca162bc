//! Whose signature counts: the keys of stations, as the service's records say.

use crate::store::sql::{self, Connection, Row, params};
use jiff::Timestamp;
use records::enrolment::token_proof;
use records::{Draft, Event, FixedBytes, Hash, PublicKey, Record, Subject};

use super::{TENANT, micros, time};

/// A token that was not used is void after so long: 7 days in microseconds.
const TOKEN_LASTS: i64 = 7 * 24 * 3600 * 1_000_000;
/// Most tokens of a station that wait.
pub const MOST_TOKENS: usize = 16;

/// How a key came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// A person enrolled it.
    Person,
    /// Its station showed that it knows a one-time token.
    Token,
    /// It was the first of its station.
    FirstUse,
    /// A key of its station that is enrolled said so.
    Endorsed,
}

impl How {
    /// The word in records.
    pub fn word(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Token => "token",
            Self::FirstUse => "firstUse",
            Self::Endorsed => "endorsed",
        }
    }
}

/// A key of a station.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StationKey {
    /// The station.
    pub station: String,
    /// The key.
    pub key: PublicKey,
    /// How it came in.
    pub how: String,
    /// Since when it counts.
    pub since: Timestamp,
    /// Since when, and why, it does not count any more.
    pub revoked: Option<(Timestamp, String)>,
}

fn row(row: &Row<'_>) -> sql::Result<StationKey> {
    let revoked: Option<i64> = row.get(4)?;
    let reason: Option<String> = row.get(5)?;
    Ok(StationKey {
        station: row.get(0)?,
        key: FixedBytes(row.get(1)?),
        how: row.get(2)?,
        since: time(row.get(3)?),
        revoked: revoked.map(|at| (time(at), reason.unwrap_or_default())),
    })
}

/// What is known of a key of a station.
pub fn find(connection: &Connection, station: &str, key: &PublicKey) -> sql::Result<Option<StationKey>> {
    connection.query_optional(FIND, params![TENANT, station, key.0], row)
}

/// Sends ahead what [`find`] asks.
pub fn ahead(connection: &Connection, station: &str, key: &PublicKey) -> sql::Result<()> {
    connection.ahead(FIND, params![TENANT, station, key.0])
}

const FIND: &str = "SELECT station, key, how, since, revoked_at, reason FROM station_key
     WHERE tenant = ? AND station = ? AND key = ?";

/// Every key of every station, by station and time.
pub fn all(connection: &Connection) -> sql::Result<Vec<StationKey>> {
    connection
        .query("SELECT station, key, how, since, revoked_at, reason FROM station_key WHERE tenant = ? ORDER BY station, since, key", params![TENANT], row)
}

/// Is the first key that is seen of this station to be taken? Not where it ever had one, also a revoked one: else whoever
/// has that could come again with another. Nor where a token waits for it.
pub fn is_new(connection: &Connection, station: &str, now: Timestamp) -> sql::Result<bool> {
    connection.query_row(
        "SELECT NOT EXISTS (SELECT 1 FROM station_key WHERE tenant = ?1 AND station = ?2)
                AND NOT EXISTS (SELECT 1 FROM token WHERE tenant = ?1 AND station = ?2 AND made_at > ?3)",
        params![TENANT, station, micros(now) - TOKEN_LASTS],
        |row| row.get(0),
    )
}

/// The record that says that a key counts.
pub fn enrolled(station: &str, key: &PublicKey, how: How) -> Draft {
    let mut draft = Draft::new(Event::KeyEnrolled, Subject::station(station));
    draft.attributes.insert("key".to_owned(), key.to_string().into());
    draft.attributes.insert("how".to_owned(), how.word().into());
    draft
}

/// The record that says that a key does not count any more.
pub fn revoked(station: &str, key: &PublicKey, reason: &str) -> Draft {
    let mut draft = Draft::new(Event::KeyRevoked, Subject::station(station));
    draft.attributes.insert("key".to_owned(), key.to_string().into());
    Draft { reason: Some(reason.to_owned()), ..draft }
}

/// Enters what a record says. A key that was revoked stays so, whatever else is said of it.
pub fn learn(connection: &Connection, record: &Record) -> sql::Result<()> {
    let text = |name: &str| record.attributes.get(name).and_then(serde_json::Value::as_str);
    let Some(Ok(key)) = text("key").map(str::parse::<PublicKey>) else { return Ok(()) };
    let (station, how, at) = (&record.subject.id, text("how").unwrap_or_default(), micros(record.at.wall));
    if record.event == Event::KeyRevoked {
        connection
            .execute("INSERT INTO station_key (tenant, station, key, how, since, revoked_at, reason) VALUES (?1, ?2, ?3, '', ?4, ?4, ?5)
                 ON CONFLICT (tenant, station, key) DO UPDATE SET revoked_at = excluded.revoked_at, reason = excluded.reason
                 WHERE station_key.revoked_at IS NULL", params![TENANT, station, key.0, at, record.reason])?;
        return Ok(());
    }
    connection.execute(
        "INSERT INTO station_key (tenant, station, key, how, since) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        params![TENANT, station, key.0, how, at],
    )?;
    // A station whose key a person lets in works again.
    if [How::Person.word(), How::Token.word()].contains(&how) {
        super::lapses::works_again(connection, station)?;
    }
    Ok(())
}

/// Keys that signed a series of a station before keys were enrolled.
pub fn not_yet_enrolled(connection: &Connection) -> sql::Result<Vec<(String, PublicKey)>> {
    connection
        .query("SELECT DISTINCT station, key FROM series WHERE tenant = ?1 AND id NOT IN (SELECT series_id FROM own)
                 AND NOT EXISTS (SELECT 1 FROM station_key k WHERE k.tenant = ?1 AND k.station = series.station AND k.key = series.key)
             ORDER BY station, key", params![TENANT], |row| Ok((row.get(0)?, FixedBytes(row.get(1)?))))
}

/// How many tokens wait for a station. Those that are too old are removed.
pub fn waiting_tokens(connection: &Connection, station: &str, now: Timestamp) -> sql::Result<usize> {
    connection.execute("DELETE FROM token WHERE made_at <= ?", params![micros(now) - TOKEN_LASTS])?;
    connection.query_row(
        "SELECT count(*) FROM token WHERE tenant = ? AND station = ?",
        params![TENANT, station],
        |row| row.get(0),
    )
}

/// Keeps a token.
pub fn keep_token(connection: &Connection, station: &str, token: &str, now: Timestamp) -> sql::Result<()> {
    connection
        .execute(
            "INSERT INTO token (tenant, station, token, made_at) VALUES (?, ?, ?, ?)",
            params![TENANT, station, token, micros(now)],
        )
        .map(drop)
}

/// Uses up the token of a station of which this is the proof. Says whether there was one.
pub fn spend_token(
    connection: &Connection,
    station: &str,
    key: &PublicKey,
    proof: &Hash,
    now: Timestamp,
) -> sql::Result<bool> {
    let tokens: Vec<String> = connection.query(
        "SELECT token FROM token WHERE tenant = ? AND station = ? AND made_at > ?",
        params![TENANT, station, micros(now) - TOKEN_LASTS],
        |row| row.get(0),
    )?;
    let Some(token) = tokens.into_iter().find(|token| token_proof(token, station, key) == *proof) else {
        return Ok(false);
    };
    connection.execute(
        "DELETE FROM token WHERE tenant = ? AND station = ? AND token = ?",
        params![TENANT, station, token.as_str(),],
    )?;
    Ok(true)
}

/// Until when a token that was made at a time can be used.
pub fn token_ends(made: Timestamp) -> Timestamp {
    time(micros(made) + TOKEN_LASTS)
}

#[cfg(test)]
mod tests;
