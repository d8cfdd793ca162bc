//! What recalls ask of a snapshot, beside groups and stations.

use std::ops::ControlFlow;
use std::rc::Rc;

use jiff::Timestamp;
use records::{Kind, SeriesId, Subject};

use super::{DeviceName, OF_LATE, Snapshot};
use crate::lineage::Said;
use crate::projection::{Fact, fold};
use crate::store::sql::{self, Pages, params};
use crate::store::tables::holds::{self, Hold};
use crate::store::tables::load::Facts;
use crate::store::tables::names::Names;
use crate::store::tables::project::{self, Kept};
use crate::store::tables::recalls::{self, StoredDrill, StoredRecall};
use crate::store::tables::select::{self, Matched, Source};
use crate::store::tables::{TENANT, lineage, micros, seals, time};
use crate::store::work::CountedSeal;

impl Snapshot<'_> {
    /// Every device with what is kept of it, by serial and scope. Memory does not grow with their number.
    pub fn each_device(&self, mut each: impl FnMut(DeviceName, Kept) -> ControlFlow<()>) -> sql::Result<()> {
        type Found = (DeviceName, Kept);
        let key = |(device, _): &Found| (device.subject.id.clone(), device.subject.scope.clone());
        let before = (String::new(), String::new());
        let mut devices = Pages::after(before, OF_LATE, key, |(serial, scope), most| {
            self.connection.query(
                "SELECT id, name, scope, view FROM subject JOIN device ON subject = id
                 WHERE tenant = ?1 AND kind = ?2 AND (name, scope) > (?3, ?4) ORDER BY name, scope LIMIT ?5",
                params![TENANT, Kind::Device.word(), serial, scope, most],
                |row| {
                    let subject = Subject { kind: Kind::Device, id: row.get(1)?, scope: row.get(2)? };
                    Ok((DeviceName { id: row.get(0)?, subject }, serde_json::from_str(&row.text(3)?)?))
                },
            )
        });
        while let Some((device, kept)) = devices.next()? {
            if each(device, kept).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The first device from this number on, as subjects are counted; `None` beyond the last one.
    pub fn from_number(&self, number: i64) -> sql::Result<Option<DeviceName>> {
        let found = self.named(
            "SELECT id, name, scope FROM subject WHERE id >= ?1 AND kind = ?2
                 AND EXISTS (SELECT 1 FROM device WHERE subject = id) ORDER BY id LIMIT 1",
            params![number, Kind::Device.word()],
        );
        Ok(found?.pop())
    }

    /// How many devices there are.
    pub fn devices_count(&self) -> sql::Result<u64> {
        self.connection.query_row("SELECT count(*) FROM device", params![], |row| row.get(0))
    }

    /// The highest number of a subject.
    pub fn highest_number(&self) -> sql::Result<i64> {
        self.connection.query_row("SELECT coalesce(max(id), 0) FROM subject", params![], |row| row.get(0))
    }

    /// See [`select::select`].
    pub fn select(
        &self,
        sources: &[Source<'_>],
        as_of: Option<Timestamp>,
        each: impl FnMut(Matched) -> sql::Result<ControlFlow<()>>,
    ) -> sql::Result<()> {
        select::select(&self.connection, sources, as_of, each)
    }

    /// Every seal of a work order or lot with what was counted of it: see [`crate::recall::counted`].
    pub fn seals(&self, subject: &Subject) -> sql::Result<Vec<CountedSeal>> {
        seals::of(&self.connection, subject)
    }

    /// Sends ahead what [`Snapshot::seals`] asks.
    pub fn ahead_of_seals(&self, subject: &Subject) -> sql::Result<()> {
        seals::ahead(&self.connection, subject)
    }

    /// Work orders and lots of which a seal is to be counted, at most so many.
    pub fn seals_to_count(&self, most: u32) -> sql::Result<Vec<Subject>> {
        seals::to_count(&self.connection, most)
    }

    /// Record 1 of a series, where it says that the series started.
    pub fn began(&self, station: &str, series: SeriesId) -> sql::Result<Option<Said>> {
        lineage::began(&self.connection, station, series)
    }

    /// How much is on hold or under recall.
    pub fn holds_count(&self) -> sql::Result<usize> {
        holds::count(&self.connection)
    }

    /// A recall.
    pub fn recall(&self, id: &str) -> sql::Result<Option<StoredRecall>> {
        recalls::find(&self.connection, id)
    }

    /// The recalls that were opened or closed last, newest first; the open or the closed ones, or both.
    pub fn recalls(&self, open: Option<bool>, most: u64) -> sql::Result<Vec<StoredRecall>> {
        recalls::newest(&self.connection, open, most)
    }

    /// What a recall keeps from being packed.
    pub fn recall_holds(&self, id: &str) -> sql::Result<Vec<Hold>> {
        recalls::holds(&self.connection, Some(id))
    }

    /// The newest drills, newest first.
    pub fn drills(&self, most: u64) -> sql::Result<Vec<StoredDrill>> {
        recalls::drills(&self.connection, most)
    }

    /// The device with this serial and scope; some record names it.
    pub fn device(&self, serial: &str, scope: &str) -> sql::Result<Option<DeviceName>> {
        let sql = "SELECT id, name, scope FROM subject WHERE tenant = ?1 AND kind = ?2 AND name = ?3 AND scope = ?4";
        Ok(self.named(sql, params![TENANT, Kind::Device.word(), serial, scope])?.pop())
    }

    /// What would be kept of a device had nothing been stored after a position. When something happened is told as it is
    /// known now.
    pub fn kept_at(&self, device: &DeviceName, position: u64) -> sql::Result<Option<Kept>> {
        let facts = self.facts(device)?;
        let facts: Vec<&Fact> = facts.iter().map(AsRef::as_ref).filter(|fact| fact.position <= position).collect();
        Ok(fold(&device.subject, &facts, &self.dimensions()?).map(Kept::of))
    }

    /// What was true of a device at a time, by what is known now or was at a position; corrections whenever made.
    pub fn kept_then(
        &self,
        serial: &str,
        scope: &str,
        time: Timestamp,
        position: Option<u64>,
    ) -> sql::Result<Option<Kept>> {
        let Some(device) = self.device(serial, scope)? else { return Ok(None) };
        let facts = self.facts(&device)?;
        let known = facts.iter().map(AsRef::as_ref).filter(|fact| position.is_none_or(|known| fact.position <= known));
        let facts: Vec<&Fact> = known.filter(|fact| fact.holds_at(time)).collect();
        Ok(fold(&device.subject, &facts, &self.dimensions()?).map(Kept::of))
    }

    /// The facts about a subject that is no device, and about everything that it was ever inside.
    pub fn facts_about(&self, subject: &Subject) -> sql::Result<Vec<Rc<Fact>>> {
        let mut facts = Facts::default();
        let found = facts.load_named(&self.connection, &mut Names::default(), subject)?;
        Ok(found.map(|id| facts.relevant(id)).unwrap_or_default())
    }

    /// The facts about each of these devices, and about everything that it was ever inside.
    pub fn facts_of(&self, devices: &[Subject]) -> sql::Result<Vec<Vec<Rc<Fact>>>> {
        let (mut facts, mut names) = (Facts::default(), Names::default());
        names.find(&self.connection, devices)?;
        let known: Vec<i64> = devices.iter().filter_map(|device| names.get(device)).collect();
        facts.load(&self.connection, &mut names, known)?;
        let relevant = |device| names.get(device).map(|id| facts.relevant(id)).unwrap_or_default();
        Ok(devices.iter().map(relevant).collect())
    }

    /// The facts about each of these devices itself, and none about what it was ever inside.
    pub fn facts_alone(&self, devices: &[Subject]) -> sql::Result<Vec<Vec<Fact>>> {
        Facts::alone(&self.connection, devices)
    }

    /// See [`select::ever_inside`].
    pub fn ever_inside(&self, of: &Subject) -> sql::Result<Vec<(String, String)>> {
        select::ever_inside(&self.connection, of)
    }

    /// Since when devices are in this group: the earliest of them. With `at`, only whether there was one by then.
    pub fn group_since(&self, dimension: &str, value: &str, at: Option<Timestamp>) -> sql::Result<Option<Timestamp>> {
        let sql = match at {
            Some(_) => {
                "SELECT since FROM member WHERE tenant = ?1 AND dimension = ?2 AND value = ?3 AND earliest <= ?4 LIMIT 1"
            }
            None => {
                "SELECT min(since) FROM member WHERE tenant = ?1 AND dimension = ?2 AND value = ?3 AND earliest <= ?4"
            }
        };
        let until = at.map_or(i64::MAX, micros);
        let since: Option<Option<i64>> =
            self.connection.query_optional(sql, params![TENANT, dimension, value, until], |row| row.get(0))?;
        Ok(since.flatten().map(time))
    }

    /// What is kept of the device with this serial and scope.
    pub fn kept_by_name(&self, serial: &str, scope: &str) -> sql::Result<Option<Kept>> {
        project::kept_by_name(&self.connection, serial, scope)
    }
}
