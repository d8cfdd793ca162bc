//! The one row of the station: what the queue and the identities of records stand on. Its checksum is over all of it, so
//! that one changed bit in the mark of receipts or in the series is seen before records are taken for delivered, or sent
//! under another identity.

use records::{FixedBytes, Hash, PublicKey, SeriesId};
use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Began, JournalError, Why, query};
use crate::station::State;

pub(super) const TABLES: &str = "ALTER TABLE station ADD COLUMN crc INTEGER;";

/// The row, but for the state, which has a checksum of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub name: String,
    pub series: SeriesId,
    /// CRC-32C of the state; `None` where it was written before there were checksums.
    pub state_crc: Option<u32>,
    /// Up to this record all have their receipt.
    pub settled: u64,
    /// Up to this record all answers were given.
    pub answered: u64,
    pub service_key: Option<PublicKey>,
    pub key: Option<PublicKey>,
    pub place: Option<Hash>,
    pub began: Began,
}

impl Row {
    /// The row as it is in the journal, and whether its checksum agrees; `None` in a new journal. One from before there
    /// were checksums has none.
    pub fn read(connection: &Connection) -> rusqlite::Result<Option<(Self, bool)>> {
        connection
            .query_row(
                "SELECT name, series, state_crc, settled, answered, service_key, key, place, why, before, last_before, crc
                 FROM station",
                [],
                |row| {
                    let why: Option<String> = row.get(8)?;
                    let read = Self {
                        name: row.get(0)?,
                        series: FixedBytes(row.get(1)?),
                        state_crc: row.get(2)?,
                        settled: row.get(3)?,
                        answered: row.get(4)?,
                        service_key: bytes(row, 5)?,
                        key: bytes(row, 6)?,
                        place: bytes(row, 7)?,
                        began: Began {
                            why: why.as_deref().and_then(Why::from_word),
                            before: bytes(row, 9)?,
                            last_before: row.get(10)?,
                        },
                    };
                    let crc: Option<u32> = row.get(11)?;
                    let sound = crc.is_none_or(|crc| crc == read.crc());
                    Ok((read, sound))
                },
            )
            .optional()
    }

    /// Writes the row, and a state in it, or the one that is there. A new journal has no row yet.
    pub fn write(&self, connection: &Connection, state: Option<&str>) -> Result<(), JournalError> {
        connection
            .prepare_cached(
                "INSERT INTO station (id, name, series, state, state_crc, settled, answered, service_key, key, place, why,
                                      before, last_before, crc)
                 VALUES (1, ?1, ?2, coalesce(?3, ''), ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
                 ON CONFLICT (id) DO UPDATE SET name = ?1, series = ?2, state = coalesce(?3, state), state_crc = ?4,
                     settled = ?5, answered = ?6, service_key = ?7, key = ?8, place = ?9, why = ?10, before = ?11,
                     last_before = ?12, crc = ?13",
            )
            .and_then(|mut write| {
                write.execute(params![
                    self.name,
                    self.series.0,
                    state,
                    self.state_crc,
                    self.settled,
                    self.answered,
                    self.service_key.map(|key| key.0),
                    self.key.map(|key| key.0),
                    self.place.map(|place| place.0),
                    self.began.why.map(Why::word),
                    self.began.before.map(|before| before.0),
                    self.began.last_before,
                    self.crc()
                ])
            })
            .map(drop)
            .map_err(query("write"))
    }

    /// The same with another state: its checksum, and the text to be written.
    pub fn with_state(mut self, state: &State) -> Result<(Self, String), JournalError> {
        let json = serde_json::to_string(state).map_err(JournalError::State)?;
        self.state_crc = Some(crc32c::crc32c(json.as_bytes()));
        Ok((self, json))
    }

    fn crc(&self) -> u32 {
        let number = |number: Option<u64>| number.map(|number| number.to_be_bytes().to_vec());
        let fixed = |bytes: Option<FixedBytes<32>>| bytes.map(|bytes| bytes.0.to_vec());
        let parts = [
            Some(self.name.clone().into_bytes()),
            Some(self.series.0.to_vec()),
            number(self.state_crc.map(u64::from)),
            number(Some(self.settled)),
            number(Some(self.answered)),
            fixed(self.service_key),
            fixed(self.key),
            fixed(self.place),
            self.began.why.map(|why| why.word().as_bytes().to_vec()),
            self.began.before.map(|before| before.0.to_vec()),
            number(self.began.last_before),
        ];
        let mut all = Vec::with_capacity(256);
        for part in &parts {
            // Nothing is another thing than something empty, and no part can borrow from its neighbour.
            all.push(u8::from(part.is_some()));
            let part = part.as_deref().unwrap_or_default();
            all.extend((part.len() as u64).to_be_bytes());
            all.extend(part);
        }
        crc32c::crc32c(&all)
    }
}

/// The state in the row, if its checksum agrees. One from before there were checksums has none.
pub(super) fn state(connection: &Connection) -> rusqlite::Result<Option<State>> {
    let (json, crc): (String, Option<u32>) =
        connection.query_row("SELECT state, state_crc FROM station", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let intact = crc.is_none_or(|crc| crc == crc32c::crc32c(json.as_bytes()));
    Ok(intact.then(|| serde_json::from_str(&json).ok()).flatten())
}

fn bytes<const N: usize>(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Option<FixedBytes<N>>>
where
    [u8; N]: FromSql,
{
    Ok(row.get::<_, Option<[u8; N]>>(column)?.map(FixedBytes))
}
