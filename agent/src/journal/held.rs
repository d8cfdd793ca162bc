//! Units that are on hold at this line, until the service or a supervisor releases them, and what of a container is on hold.
//!
//! The service learns of a hold at the line from its record, and tells it to all stations with those of its own. Once it has
//! named the unit, its next word that does not name it any more is the release.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use super::{Group, Journal, JournalError, query};
use crate::station::KnownContainer;

// Tables have to be described on one page of the file: where a part of their descriptions is damaged, the rest of the journal
// would be taken for another one. So the columns are described shortly, and there are no tables for a few rows.
pub(super) const TABLES: &str = "
    ALTER TABLE unit ADD lot TEXT;
    ALTER TABLE unit ADD at INTEGER;
    INSERT INTO hold SELECT CASE WHEN EXISTS (SELECT 1 FROM hold WHERE kind = 'serial' AND id = serial) THEN 'told' ELSE 'here' END,
        serial || char(31) || scope FROM unit WHERE state >= 4;";

/// In the table of holds: a unit that is on hold here, and one that the service has named since. Their id is the serial, a
/// control character that no rule lets into one, and the scope.
const HERE: &str = "here";
const TOLD: &str = "told";
const MARK: char = '\u{1f}';
/// So the scope of a container begins in the table of what is unchecked: no rule gives such a one to a unit.
pub(super) const CONTAINER_SCOPE: &str = "\u{1f}container";

/// Most units that are released at once.
const AT_ONCE: usize = 50;

fn id_of(scope: &str, serial: &str) -> String {
    format!("{serial}{MARK}{scope}")
}

/// A unit is on hold at this line, or not any more.
pub(super) fn note(connection: &Connection, scope: &str, serial: &str, held: bool) -> rusqlite::Result<()> {
    let id = id_of(scope, serial);
    match held {
        true => connection
            .prepare_cached(
                "INSERT OR IGNORE INTO hold (kind, id) SELECT ?1, ?3
                 WHERE NOT EXISTS (SELECT 1 FROM hold WHERE kind = ?2 AND id = ?3)",
            )?
            .execute(params![HERE, TOLD, id])
            .map(drop),
        false => connection
            .prepare_cached("DELETE FROM hold WHERE kind IN (?1, ?2) AND id = ?3")?
            .execute(params![HERE, TOLD, id])
            .map(drop),
    }
}

/// The serial in an id of a unit that is on hold here.
const SERIAL_OF: &str = "substr(id, 1, instr(id, char(31)) - 1)";

/// The service has said what is on hold: it knows now which units are so here.
pub(super) fn told(connection: &Connection) -> rusqlite::Result<()> {
    let sql = format!(
        "UPDATE hold SET kind = ?2 WHERE kind = ?1
         AND EXISTS (SELECT 1 FROM hold AS named WHERE named.kind = 'serial' AND named.id = {})",
        SERIAL_OF.replace("id", "hold.id")
    );
    connection.execute(&sql, [HERE, TOLD]).map(drop)
}

/// A unit somewhere in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InsideUnit {
    /// Its serial number.
    pub serial: String,
    /// Its lot, where that is known.
    pub lot: Option<String>,
    /// Is it on hold at this line?
    pub held: bool,
}

/// What is in a container, at any depth, as far as it is known here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inside {
    /// The units.
    pub units: Vec<InsideUnit>,
    /// The lots that all units of one of the containers share.
    pub lots: BTreeSet<String>,
}

impl Journal {
    /// Units that are on hold at this line, and that the service has released since: scope and serial, some of them.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn released(&self) -> Result<Vec<(String, String)>, JournalError> {
        let sql = format!(
            "SELECT id FROM hold WHERE kind = ?1
             AND NOT EXISTS (SELECT 1 FROM hold AS named WHERE named.kind = 'serial' AND named.id = {}) LIMIT ?2",
            SERIAL_OF.replace("id", "hold.id")
        );
        let ids: Vec<String> = self
            .connection
            .prepare_cached(&sql)
            .and_then(|mut rows| rows.query_map(params![TOLD, AT_ONCE], |row| row.get(0))?.collect())
            .map_err(query("read"))?;
        let unit = |id: String| id.split_once(MARK).map(|(serial, scope)| (scope.to_owned(), serial.to_owned()));
        Ok(ids.into_iter().filter_map(unit).collect())
    }

    /// Containers that were accepted without an answer of the service, after this one, at most `most`.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn unchecked_containers_after(&self, id: &str, most: usize) -> Result<Vec<String>, JournalError> {
        self.connection
            .prepare_cached("SELECT serial FROM unchecked WHERE scope = ?1 AND serial > ?2 ORDER BY serial LIMIT ?3")
            .and_then(|mut rows| rows.query_map(params![CONTAINER_SCOPE, id, most], |row| row.get(0))?.collect())
            .map_err(query("read"))
    }
}

impl Group<'_> {
    /// Is anything on hold at all, here or by the service's word? Mostly nothing is, and nothing has to be looked for.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn holds_anything(&self) -> Result<bool, JournalError> {
        self.transaction
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM hold)")
            .and_then(|mut any| any.query_row([], |row| row.get(0)))
            .map_err(query("read"))
    }

    /// What is in a container, at any depth.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn inside(&self, container: &str) -> Result<Inside, JournalError> {
        inside(&self.transaction, container).map_err(query("read"))
    }
}

/// The containers in a container at any depth, itself among them; one that was put into itself ends the walk.
const BOXES: &str = "WITH RECURSIVE box (id) AS (
    VALUES (?1) UNION SELECT inside.id FROM inside JOIN box ON inside.container = box.id WHERE inside.kind = 1)";

fn inside(connection: &Connection, container: &str) -> rusqlite::Result<Inside> {
    let units = format!(
        "{BOXES} SELECT unit.serial, coalesce(unit.lot, ''), unit.state >= 4 FROM box
         JOIN inside ON inside.container = box.id AND inside.kind = 0
         JOIN unit ON unit.scope = inside.scope AND unit.serial = inside.id AND unit.package = inside.container
         WHERE inside.scope NOT LIKE 'component:%'"
    );
    let unit = |row: &rusqlite::Row<'_>| {
        let lot: String = row.get(1)?;
        Ok(InsideUnit { serial: row.get(0)?, lot: (!lot.is_empty()).then_some(lot), held: row.get(2)? })
    };
    let units = connection.prepare_cached(&units)?.query_map([container], unit)?.collect::<rusqlite::Result<_>>()?;
    let mut lots = BTreeSet::new();
    let sql = format!("{BOXES} SELECT body FROM container JOIN box ON box.id = container.id");
    let mut bodies = connection.prepare_cached(&sql)?;
    for body in bodies.query_map([container], |row| row.get::<_, String>(0))? {
        let common = serde_json::from_str::<KnownContainer>(&body?).map(|known| known.common).unwrap_or_default();
        lots.extend(common.get("lotCode").and_then(|lot| lot.as_str()).map(str::to_owned));
    }
    Ok(Inside { units, lots })
}

/// A container is to be asked about again, or not any more.
pub(super) fn note_container(connection: &Connection, id: &str, unchecked: bool) -> rusqlite::Result<()> {
    let sql = match unchecked {
        true => "INSERT OR IGNORE INTO unchecked (scope, serial) VALUES (?1, ?2)",
        false => "DELETE FROM unchecked WHERE scope = ?1 AND serial = ?2",
    };
    connection.prepare_cached(sql)?.execute([CONTAINER_SCOPE, id]).map(drop)
}

#[cfg(test)]
mod tests;
