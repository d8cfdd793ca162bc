//! Rows of units that are damaged, and those that a damaged journal still gives.

use rusqlite::{Connection, Row};

use super::{COLUMNS, Rest, crc, known_of};
use crate::station::Known;

/// The same of a table from before lots were kept.
const FORMER_COLUMNS: &str =
    "seq, package, state, tests, work_order, unchecked, (SELECT series FROM era WHERE era.n = unit.era), '', 0";

/// A unit that was known in a journal that is gone.
pub(in super::super) struct UnitRow {
    pub scope: String,
    pub serial: String,
    /// Its series is set where it could be told.
    pub known: Known,
}

/// Scope and serial of rows whose checksum is wrong, as bytes: a damaged text may be none.
pub(in super::super) fn damaged(connection: &Connection) -> rusqlite::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut rows = connection.prepare(
        "SELECT CAST(scope AS BLOB), CAST(serial AS BLOB), CAST(seq AS INTEGER), CAST(package AS BLOB), crc,
                CAST(era AS INTEGER), CAST(state AS INTEGER), CAST(tests AS INTEGER), CAST(work_order AS BLOB),
                CAST(unchecked AS INTEGER), CAST(coalesce(lot, '') AS BLOB), CAST(coalesce(at, 0) AS INTEGER)
         FROM unit WHERE crc IS NOT NULL",
    )?;
    let mut rows = rows.query([])?;
    let mut bad = Vec::new();
    while let Some(row) = rows.next()? {
        let bytes = |column| row.get_ref(column).map(|value| value.as_bytes().unwrap_or_default());
        let (scope, serial, package) = (bytes(0)?, bytes(1)?, bytes(3)?);
        let rest = Rest {
            era: row.get(5)?,
            state: row.get(6)?,
            tests: row.get(7)?,
            work_order: bytes(8)?,
            unchecked: row.get(9)?,
            lot: bytes(10)?,
            tested_at: row.get(11)?,
        };
        if row.get::<_, u32>(4).ok() != Some(crc(scope, serial, row.get(2)?, package, &rest)) {
            bad.push((scope.to_vec(), serial.to_vec()));
        }
    }
    Ok(bad)
}

pub(in super::super) fn remove_bytes(connection: &Connection, scope: &[u8], serial: &[u8]) -> rusqlite::Result<()> {
    connection
        .execute("DELETE FROM unit WHERE CAST(scope AS BLOB) = ?1 AND CAST(serial AS BLOB) = ?2", [scope, serial])
        .map(drop)
}

/// The rows of a damaged journal whose checksum agrees, read from both ends up to a damaged page. Some may be there twice.
pub(in super::super) fn of_wreck(connection: &Connection) -> Vec<UnitRow> {
    let of = |columns: &str, table: &str, order: &str| {
        format!("SELECT scope, serial, crc, {columns} FROM {table} ORDER BY scope {order}, serial {order}")
    };
    let new = |order: &str| of(&format!("era, {COLUMNS}"), "unit", order);
    // A journal that was damaged before its tables were brought up to date.
    let former = |order: &str| of(&format!("era, {FORMER_COLUMNS}"), "unit", order);
    let old = |order: &str| of("0, seq, package, 1, 0, '', 0, NULL, '', 0", "known", order);
    let has = |sql: String| connection.prepare(&sql).is_ok();
    let sql: &dyn Fn(&str) -> String = match () {
        () if has(new("ASC")) => &new,
        () if has(former("ASC")) => &former,
        () => &old,
    };
    let mut found = Vec::new();
    for order in ["ASC", "DESC"] {
        let Ok(mut statement) = connection.prepare(&sql(order)) else { continue };
        let Ok(mut rows) = statement.query([]) else { continue };
        loop {
            match rows.next() {
                Ok(Some(row)) => found.extend(unit_row(row)),
                Ok(None) => return found, // to the end without a fault
                Err(_) => break,
            }
        }
    }
    found
}

fn unit_row(row: &Row<'_>) -> Option<UnitRow> {
    let (scope, serial): (String, String) = (row.get(0).ok()?, row.get(1).ok()?);
    let known = known_of(row, 4).ok()?;
    let written: Option<u32> = row.get(2).ok()?;
    let (seq, package, work_order): (i64, String, String) = (row.get(4).ok()?, row.get(5).ok()?, row.get(8).ok()?);
    let lot: String = row.get(11).ok()?;
    let rest = Rest {
        era: row.get(3).ok()?,
        state: row.get(6).ok()?,
        tests: row.get(7).ok()?,
        work_order: work_order.as_bytes(),
        unchecked: row.get(9).ok()?,
        lot: lot.as_bytes(),
        tested_at: row.get(12).ok()?,
    };
    let agrees = written.is_none_or(|w| w == crc(scope.as_bytes(), serial.as_bytes(), seq, package.as_bytes(), &rest));
    // The sequence stands even where the table of eras does not give its series any more: the journal's own then.
    let known = Known { seq: u64::try_from(seq).unwrap_or_default(), ..known };
    agrees.then_some(UnitRow { scope, serial, known })
}
