//! One consistent view of the store, for one answer.

mod recall;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::rc::Rc;

use crate::store::sql::{self, Connection, Param, Purpose, Transaction, params};
use jiff::Timestamp;
use records::wire::{Holds, WorkOrderMessage};
use records::{Kind, Subject};

use super::containers::{self, Container};
use super::contradictions::Contradicted;
use super::holds::Hold;
use super::keys::StationKey;
use super::load::Facts;
use super::member::Unit;
use super::names::Names;
use super::project::{self, Kept};
use super::spelling::spellings;
use super::stations::{self, SeriesState};
use super::work_orders::StoredOrder;
use super::{TENANT, contradictions, holds, int, keys, lapses, member, schemas, work_orders};
use crate::lapses::Lapses;
use crate::projection::{Dimensions, Fact};
use crate::schema::{Backfill, Document, Schemas};
use crate::work_order::LaneName;

/// Among so many subjects the newest devices are looked for; packages, pallets and orders come between them.
const OF_LATE: u32 = 1000;

const HAS_GROUP: &str = "SELECT EXISTS (SELECT 1 FROM member WHERE tenant = ? AND dimension = ? AND value = ?)";

/// What was stored at one moment. Writers go on beside it.
pub struct Snapshot<'c> {
    connection: Transaction<'c>,
}

/// A device that a serial or connhexId may mean.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeviceName {
    /// Its serial number and scope.
    pub subject: Subject,
    /// Its number in this store.
    pub id: i64,
}

/// What the store has counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Devices that are packed.
    pub devices: u64,
    /// Packages with a device in them.
    pub packages: u64,
    /// Pallets with a device in them.
    pub pallets: u64,
    /// The position of the last record.
    pub position: u64,
}

impl<'c> Snapshot<'c> {
    /// A snapshot of now.
    ///
    /// # Errors
    /// What the store says.
    pub fn of(connection: &'c mut Connection) -> sql::Result<Self> {
        let connection = connection.transaction(Purpose::Read)?;
        // The first read fixes what is seen. Where that takes a way to a server, it is the first that somebody asks.
        if !connection.is_shared() {
            connection.query_row("SELECT count(*) FROM series WHERE id = 0", params![], |_| Ok(()))?;
        }
        Ok(Self { connection })
    }

    /// Sends ahead what every recall asks of the whole store.
    pub fn ahead_of_recall(&self) -> sql::Result<()> {
        schemas::ahead(&self.connection)?;
        stations::ahead(&self.connection)?;
        lapses::ahead(&self.connection)
    }

    /// Sends ahead what is stored about a subject.
    pub fn ahead_of(&self, subject: &Subject) -> sql::Result<()> {
        Facts::ahead_named(&self.connection, subject)
    }

    /// Sends ahead whether anyone was ever in this group, and who comes first.
    pub fn ahead_of_group(&self, dimension: &str, value: &str, as_of: Option<Timestamp>) -> sql::Result<()> {
        self.connection.ahead(HAS_GROUP, params![TENANT, dimension, value])?;
        member::ahead(&self.connection, dimension, value, as_of)
    }

    /// The devices with this serial, by scope; only where there is none, those with this connhexId: a serial number must
    /// always be askable, whatever identity another device was given. `exists` asks for those that some record says to
    /// exist; a refused scan says nothing of the kind.
    pub fn devices(&self, serial: &str, exists: bool) -> sql::Result<Vec<DeviceName>> {
        let sql = match exists {
            true => {
                "SELECT id, name, scope FROM subject WHERE tenant = ?1 AND kind = ?2 AND name = ?3
                     AND EXISTS (SELECT 1 FROM device WHERE subject = id) ORDER BY scope, name"
            }
            false => {
                "SELECT id, name, scope FROM subject WHERE tenant = ?1 AND kind = ?2 AND name = ?3 ORDER BY scope, name"
            }
        };
        let found = self.named(sql, params![TENANT, Kind::Device.word(), serial])?;
        match found.is_empty() {
            false => Ok(found),
            true => self.named(
                "SELECT id, name, scope FROM device JOIN subject ON id = subject WHERE tenant = ?1 AND connhex = ?2
                 ORDER BY scope, name",
                params![TENANT, serial],
            ),
        }
    }

    /// Devices whose serial begins with this text, the lowest first, at most so many.
    pub fn beginning(&self, start: &str, most: u32) -> sql::Result<Vec<DeviceName>> {
        // No character is higher than the last one of Unicode, and UTF-8 keeps their order.
        let end = format!("{start}\u{10ffff}");
        self.named(
            "SELECT id, name, scope FROM subject WHERE tenant = ?1 AND kind = ?2 AND name > ?3 AND name < ?4
                 AND EXISTS (SELECT 1 FROM device WHERE subject = id) ORDER BY name, scope LIMIT ?5",
            params![TENANT, Kind::Device.word(), start, end, most],
        )
    }

    /// Serials of devices may be among these: what is written like the text but for upper and lower case.
    pub fn device_spellings(&self, text: &str) -> sql::Result<Vec<String>> {
        spellings(text, |names| {
            self.connection.query_row(
                "SELECT EXISTS (SELECT 1 FROM subject WHERE tenant = ? AND kind = ? AND name BETWEEN ? AND ?)",
                params![TENANT, Kind::Device.word(), names.start(), names.end()],
                |row| row.get(0),
            )
        })
    }

    /// Values of groups may be among these: what is written like the text but for upper and lower case.
    pub fn group_spellings(&self, dimension: &str, text: &str) -> sql::Result<Vec<String>> {
        spellings(text, |values| {
            self.connection.query_row(
                "SELECT EXISTS (SELECT 1 FROM member WHERE tenant = ? AND dimension = ? AND value BETWEEN ? AND ?)",
                params![TENANT, dimension, values.start(), values.end()],
                |row| row.get(0),
            )
        })
    }

    /// The devices that were first heard of last, the newest first, among the subjects of late: a subject's number grows.
    pub fn newest(&self, most: u32) -> sql::Result<Vec<DeviceName>> {
        self.named(
            "SELECT id, name, scope FROM (SELECT id, kind, name, scope FROM subject ORDER BY id DESC LIMIT ?1) AS late
             WHERE kind = ?2 AND EXISTS (SELECT 1 FROM device WHERE subject = id) ORDER BY id DESC LIMIT ?3",
            params![OF_LATE, Kind::Device.word(), most],
        )
    }

    /// Was a device ever in this group, or said to be?
    pub fn has_group(&self, dimension: &str, value: &str) -> sql::Result<bool> {
        self.connection.query_row(HAS_GROUP, params![TENANT, dimension, value], |row| row.get(0))
    }

    fn named(&self, sql: &str, parameters: &[Param<'_>]) -> sql::Result<Vec<DeviceName>> {
        self.connection.query(sql, parameters, |row| {
            let subject = Subject { kind: Kind::Device, id: row.get(1)?, scope: row.get(2)? };
            Ok(DeviceName { id: row.get(0)?, subject })
        })
    }

    /// What is kept of a device.
    pub fn kept(&self, device: &DeviceName) -> sql::Result<Option<Kept>> {
        project::kept(&self.connection, device.id)
    }

    /// The facts about a device and everything that it was ever inside, with the time when each happened.
    pub fn facts(&self, device: &DeviceName) -> sql::Result<Vec<Rc<Fact>>> {
        let mut facts = Facts::default();
        facts.load_named(&self.connection, &mut Names::default(), &device.subject)?;
        let mut relevant = facts.relevant(device.id);
        // Its own copies: what a fact is changed to here concerns nobody else.
        drop(facts);
        if relevant.iter().any(|fact| !fact.reading.conforming && fact.reading.raw.is_none()) {
            let schemas = schemas::all(&self.connection)?;
            for fact in relevant.iter_mut().filter(|fact| !fact.reading.conforming) {
                let conforming = schemas.conforms(fact);
                Rc::make_mut(fact).reading.conforming = conforming;
            }
        }
        Ok(relevant)
    }

    /// A package or pallet, and what is in it.
    pub fn container(&self, id: &str) -> sql::Result<Option<Container>> {
        containers::find(&self.connection, id)
    }

    /// What cannot all be true, where this station has part in it or anywhere: at most so many of them, and how many there
    /// are.
    pub fn contradictions(&self, station: Option<&str>, most: u32) -> sql::Result<(Vec<Contradicted>, u64)> {
        let count = contradictions::count(&self.connection, station)?;
        Ok((contradictions::of(&self.connection, station, most)?, count))
    }

    /// See [`member::units`].
    pub fn units(
        &self,
        dimension: &str,
        values: &[String],
        as_of: Option<Timestamp>,
        corrected: bool,
        each: impl FnMut(Unit) -> ControlFlow<()>,
    ) -> sql::Result<()> {
        member::units(&self.connection, dimension, values, as_of, corrected, each)
    }

    /// Every known series of every known station.
    pub fn stations(&self) -> sql::Result<Vec<SeriesState>> {
        stations::all(&self.connection)
    }

    /// What is not waited for.
    pub fn lapses(&self) -> sql::Result<Lapses> {
        lapses::all(&self.connection)
    }

    /// Every key of every station, by station and time.
    pub fn keys(&self) -> sql::Result<Vec<StationKey>> {
        keys::all(&self.connection)
    }

    /// What is on hold, and its revision.
    pub fn holds(&self) -> sql::Result<(u64, Vec<Hold>)> {
        Ok((holds::message(&self.connection)?.revision, holds::all(&self.connection)?))
    }

    /// A work order that the service keeps.
    ///
    /// # Errors
    /// What the engine says.
    pub fn work_order(&self, id: &str) -> sql::Result<Option<StoredOrder>> {
        work_orders::find(&self.connection, id)
    }

    /// The work orders that were changed last, newest first; the open or the closed ones, or both.
    ///
    /// # Errors
    /// What the engine says.
    pub fn work_orders(&self, open: Option<bool>, most: u64) -> sql::Result<Vec<StoredOrder>> {
        work_orders::newest(&self.connection, open, most)
    }

    /// What each lane was told to work on.
    ///
    /// # Errors
    /// What the engine says.
    pub fn lane_orders(&self) -> sql::Result<Vec<(LaneName, WorkOrderMessage)>> {
        work_orders::messages(&self.connection, 0)
    }

    /// What the stations are told of it.
    pub fn holds_message(&self) -> sql::Result<Holds> {
        holds::message(&self.connection)
    }

    /// The hold on a device or lot, and the recalls that it is under.
    pub fn holds_on(&self, what: &Subject) -> sql::Result<Vec<Hold>> {
        holds::of(&self.connection, what)
    }

    /// Every version of every schema.
    pub fn schemas(&self) -> sql::Result<Schemas> {
        schemas::all(&self.connection)
    }

    /// The recall dimensions that schemas have made.
    pub fn dimensions(&self) -> sql::Result<Dimensions> {
        Ok(schemas::dimensions(&self.connection)?.dimensions)
    }

    /// Of which of them what was stored before is still being taken in.
    pub fn backfills(&self) -> sql::Result<Vec<Backfill>> {
        schemas::backfills(&self.connection)
    }

    /// Up to which position a document allows everything that is stored of these attributes. The writer looks at the rest.
    pub fn looked_through(&self, document: &Document, attributes: &BTreeSet<String>) -> sql::Result<u64> {
        let last = self.stored()?.position;
        Ok(match schemas::against(&self.connection, document, attributes, 0, int(last))? {
            Some(found) => found.position.saturating_sub(1),
            None => last,
        })
    }

    /// What is stored, in numbers.
    pub fn stored(&self) -> sql::Result<Stored> {
        let (devices, packages, pallets) = project::counts(&self.connection)?;
        let position =
            self.connection.query_row("SELECT coalesce(max(position), 0) FROM record", params![], |row| row.get(0))?;
        Ok(Stored { devices, packages, pallets, position })
    }
}
