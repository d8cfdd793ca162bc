//! Keys that signed something and do not count: a person looks at them and decides. Every instance has to know of them, since
//! what they signed may be what an answer lacks.

use jiff::Timestamp;
use records::{FixedBytes, PublicKey};

use super::{TENANT, micros, time};
use crate::store::sql::{self, Connection, params};

/// Most keys that are kept.
const MOST: i64 = 1024;
/// Most of them in the name of one station.
const MOST_OF_STATION: i64 = 8;

/// A key that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stranger {
    /// The station in whose name it signs.
    pub station: String,
    /// The key.
    pub key: PublicKey,
    /// When it first came.
    pub since: Timestamp,
    /// How many messages it signed.
    pub count: u64,
    /// It was the station's once, or a person said that it is not: nobody waits for what it signs.
    pub revoked: bool,
}

/// Takes note of a message. The first keys are kept.
pub fn note(connection: &Connection, station: &str, key: &PublicKey, now: Timestamp) -> sql::Result<()> {
    connection.execute(
        "INSERT INTO stranger (tenant, station, key, since, count) SELECT ?1, ?2, ?3, ?4, 1
             WHERE ((SELECT count(*) FROM stranger) < ?5
                 AND (SELECT count(*) FROM stranger WHERE tenant = ?1 AND station = ?2) < ?6)
                 OR EXISTS (SELECT 1 FROM stranger WHERE tenant = ?1 AND station = ?2 AND key = ?3)
             ON CONFLICT (tenant, station, key) DO UPDATE SET count = stranger.count + 1",
        params![TENANT, station, key.0, micros(now), MOST, MOST_OF_STATION],
    )
}

/// A key is known from now on.
pub fn forget(connection: &Connection, station: &str, key: &PublicKey) -> sql::Result<()> {
    let sql = "DELETE FROM stranger WHERE tenant = ? AND station = ? AND key = ?";
    connection.execute(sql, params![TENANT, station, key.0])
}

/// Did a key that nobody has enrolled sign something in the name of the station; this key, where one is named?
pub fn is_known(connection: &Connection, station: &str, key: Option<&PublicKey>) -> sql::Result<bool> {
    let found = all(connection)?;
    Ok(found.iter().any(|stranger| stranger.station == station && key.is_none_or(|key| stranger.key == *key)))
}

/// What [`all`] asks.
pub const ALL: &str = "SELECT s.station, s.key, s.since, s.count, k.key IS NOT NULL FROM stranger s
     LEFT JOIN station_key k ON k.tenant = s.tenant AND k.station = s.station AND k.key = s.key
     WHERE s.tenant = ? AND (k.key IS NULL OR k.revoked_at IS NOT NULL) ORDER BY s.station, s.key";

/// All of them, by station.
pub fn all(connection: &Connection) -> sql::Result<Vec<Stranger>> {
    connection.query(ALL, params![TENANT], |row| {
        Ok(Stranger {
            station: row.get(0)?,
            key: FixedBytes(row.get(1)?),
            since: time(row.get(2)?),
            count: row.get(3)?,
            revoked: row.get(4)?,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tables::Writer;
    use crate::testkit::at;

    #[test]
    fn keys_are_counted_bounded_and_gone_once_enrolled() {
        let writer = Writer::in_memory();
        let connection = &writer.connection;
        let key = |number: u16| {
            let mut bytes = [0; 32];
            bytes[..2].copy_from_slice(&number.to_be_bytes());
            FixedBytes(bytes)
        };
        for n in 0..20 {
            note(connection, "a", &key(n), at(n.into())).unwrap();
            note(connection, "a", &key(0), at(100)).unwrap();
        }
        let of_a = all(connection).unwrap();
        assert_eq!(of_a.len(), MOST_OF_STATION as usize);
        assert_eq!((of_a[0].since, of_a[0].count, of_a[0].revoked), (at(0), 21, false));
        for n in 0..1100 {
            note(connection, &format!("s{n}"), &key(n), at(0)).unwrap();
        }
        assert_eq!(all(connection).unwrap().len(), MOST as usize);
        forget(connection, "a", &key(0)).unwrap();
        assert!(all(connection).unwrap().iter().all(|one| one.station != "a" || one.key != key(0)));
        assert!(is_known(connection, "a", None).unwrap() && !is_known(connection, "a", Some(&key(0))).unwrap());
    }
}
