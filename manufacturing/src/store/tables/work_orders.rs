//! Work orders, as the service's records say.

use jiff::Timestamp;
use records::wire::WorkOrderMessage;
use records::{Event, Record};

use super::{TENANT, int, micros, number, time};
use crate::store::sql::{self, Connection, Row, params};
use crate::work_order::{LaneName, Plan};

/// A work order as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredOrder {
    /// What it says.
    pub plan: Plan,
    /// Why it is closed, where it is.
    pub closed: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// Grows with each change.
    pub revision: u64,
}

const COLUMNS: &str = "plan, closed, since, revision";

fn row(row: &Row<'_>) -> sql::Result<StoredOrder> {
    let text: String = row.get(0)?;
    let plan = serde_json::from_str(&text).map_err(|_| sql::Error::value("a work order", "something else"))?;
    Ok(StoredOrder { plan, closed: row.get(1)?, since: time(row.get(2)?), revision: number(row.get(3)?) })
}

/// Enters what a record says: the last word on a work order counts.
pub fn learn(connection: &Connection, position: i64, record: &Record) -> sql::Result<()> {
    let at = micros(record.at.wall);
    let name = &record.subject.id;
    let revision = revision_after(connection, at)?;
    match record.event {
        Event::WorkOrderPlanned => {
            let Some(plan) = Plan::of(record) else { return Ok(()) };
            let text = serde_json::to_string(&plan).map_err(|_| sql::Error::value("a work order", "no text"))?;
            connection.execute(
                "INSERT INTO planned_order (tenant, name, plan, closed, since, position, revision)
                 VALUES (?, ?, ?, NULL, ?, ?, ?)
                 ON CONFLICT (tenant, name) DO UPDATE SET plan = excluded.plan, closed = NULL, since = excluded.since,
                     position = excluded.position, revision = excluded.revision",
                params![TENANT, name, text, at, position, revision],
            )?;
            // Who works on it already hears what has changed.
            connection.execute(
                "UPDATE lane_order SET position = ?, revision = ? WHERE tenant = ? AND name = ?",
                params![position, revision, TENANT, name],
            )?;
            for LaneName { station, lane } in &plan.lanes {
                connection.execute(
                    "INSERT INTO lane_order (tenant, station, lane, name, position, revision) VALUES (?, ?, ?, ?, ?, ?)
                     ON CONFLICT (tenant, station, lane) DO UPDATE SET name = excluded.name,
                         position = excluded.position, revision = excluded.revision",
                    params![TENANT, station, lane, name, position, revision],
                )?;
            }
        }
        Event::WorkOrderClosed => {
            connection.execute(
                "UPDATE planned_order SET closed = ?, since = ?, position = ?, revision = ? WHERE tenant = ? AND name = ?",
                params![record.reason.as_deref().unwrap_or_default(), at, position, revision, TENANT, name],
            )?;
            connection.execute(
                "UPDATE lane_order SET name = NULL, position = ?, revision = ? WHERE tenant = ? AND name = ?",
                params![position, revision, TENANT, name],
            )?;
        }
        _ => {}
    }
    Ok(())
}

/// The revision of a change at a time. Lanes take no lower one: it goes by the clock, so that a store from a backup is not
/// below what they have.
fn revision_after(connection: &Connection, at: i64) -> sql::Result<i64> {
    // What a lane was told, some work order was told then or later.
    let sql = "SELECT coalesce(max(revision), 0) FROM planned_order";
    let last: i64 = connection.query_row(sql, params![], |row| row.get(0))?;
    Ok((last + 1).max(at))
}

/// One of them.
pub fn find(connection: &Connection, name: &str) -> sql::Result<Option<StoredOrder>> {
    let query = format!("SELECT {COLUMNS} FROM planned_order WHERE tenant = ? AND name = ?");
    connection.query_optional(&query, params![TENANT, name], row)
}

/// Those that were changed last, newest first; the open or the closed ones, or both.
pub fn newest(connection: &Connection, open: Option<bool>, most: u64) -> sql::Result<Vec<StoredOrder>> {
    let which = match open {
        Some(true) => "AND closed IS NULL",
        Some(false) => "AND closed IS NOT NULL",
        None => "",
    };
    let query = format!("SELECT {COLUMNS} FROM planned_order WHERE tenant = ? {which} ORDER BY position DESC LIMIT ?");
    connection.query(&query, params![TENANT, int(most)], row)
}

/// What lanes are told that were told something after `position`.
pub fn messages(connection: &Connection, position: i64) -> sql::Result<Vec<(LaneName, WorkOrderMessage)>> {
    let told = connection.query(
        "SELECT lane_order.station, lane_order.lane, lane_order.revision, planned_order.plan
         FROM lane_order LEFT JOIN planned_order
             ON planned_order.tenant = lane_order.tenant AND planned_order.name = lane_order.name
         WHERE lane_order.tenant = ? AND lane_order.position > ? ORDER BY lane_order.station, lane_order.lane",
        params![TENANT, position],
        |row| Ok((LaneName { station: row.get(0)?, lane: row.get(1)? }, row.get(2)?, row.get(3)?)),
    )?;
    let message = |(lane, revision, plan): (LaneName, i64, Option<String>)| {
        let revision = number(revision);
        let plan: Option<Plan> = plan.and_then(|plan| serde_json::from_str(&plan).ok());
        let message = match plan {
            Some(plan) => plan.message(revision),
            None => WorkOrderMessage {
                revision,
                work_order: None,
                attributes: Default::default(),
                terms: Default::default(),
            },
        };
        (lane, message)
    };
    Ok(told.into_iter().map(message).collect())
}

#[cfg(test)]
mod tests;
