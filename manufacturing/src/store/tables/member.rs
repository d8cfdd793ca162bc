//! Who was ever in a group.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::store::sql::{self, Connection, Insert, Kind, Pages, Param, Row, pages, params};
use jiff::Timestamp;
use records::Subject;

use super::project::{self, Group, Kept};
use super::{TENANT, micros, time};
use crate::projection::{Despatch, State};

/// A unit of a recall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Its serial number.
    pub serial: String,
    /// What keeps it apart from others with that serial.
    pub scope: String,
    /// The value that it shares.
    pub value: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when; `None` while it lasts.
    pub until: Option<Timestamp>,
    /// It was said to be a member and never was.
    pub corrected: bool,
    /// Records disagree on where it is: it counts as a member of each place.
    pub contested: bool,
    /// The packages that it is in, now or at the time asked for; more than one where it is contested.
    pub packages: Vec<String>,
    /// The pallets that it is on.
    pub pallets: Vec<String>,
    /// What became of it.
    pub state: State,
    /// More is kept of it than this says: an identity in the cloud, or a despatch of its own.
    pub more: bool,
}

/// The table. A row that is there is replaced.
pub const MEMBER: Insert = Insert {
    table: "member",
    columns: COLUMNS,
    conflict: " ON CONFLICT (tenant, dimension, value, serial, scope, n) DO UPDATE SET since = excluded.since,
         until = excluded.until, corrected = excluded.corrected, contested = excluded.contested,
         package = excluded.package, pallet = excluded.pallet, earliest = excluded.earliest, latest = excluded.latest,
         state = excluded.state, more = excluded.more",
};

/// For devices that had no rows: to look for them costs a server as much as to add them.
pub const NEW_MEMBER: Insert = Insert { conflict: "", ..MEMBER };

const COLUMNS: &[(&str, Kind)] = &[
    ("tenant", Kind::Text),
    ("dimension", Kind::Text),
    ("value", Kind::Text),
    ("serial", Kind::Text),
    ("scope", Kind::Text),
    ("n", Kind::Int),
    ("since", Kind::Int),
    ("until", Kind::Int),
    ("corrected", Kind::Int),
    ("contested", Kind::Int),
    ("package", Kind::Text),
    ("pallet", Kind::Text),
    ("earliest", Kind::Int),
    ("latest", Kind::Int),
    ("state", Kind::Int),
    ("more", Kind::Int),
];

/// A row on its way into the table.
pub type Written<'k> = [Param<'k>; COLUMNS.len()];

/// Adds rows in the order of their key, in which they come to lie side by side.
pub fn insert(connection: &Connection, into: &Insert, mut rows: Vec<Written<'_>>) -> sql::Result<()> {
    rows.sort_unstable_by(|one, other| one[..KEY].cmp(&other[..KEY]));
    connection.insert(into, rows.as_flattened())
}

/// So many columns are the key.
const KEY: usize = 6;

/// Removes the rows of a device that are no more, and adds those that have to be written to `rows`.
pub fn replace<'k>(
    connection: &Connection,
    device: &'k Subject,
    old: Option<&Kept>,
    new: &'k Kept,
    rows: &mut Vec<Written<'k>>,
) -> sql::Result<()> {
    let same = old.is_some_and(|old| of_device(old) == of_device(new));
    let before = old.map(|old| numbered(&old.groups)).unwrap_or_default();
    let now = numbered(&new.groups);
    for (dimension, value, n) in before.keys().filter(|row| !now.contains_key(*row)) {
        connection.execute(
            "DELETE FROM member WHERE tenant = ? AND dimension = ? AND value = ? AND serial = ? AND scope = ? AND n = ?",
            params![TENANT, dimension, value, device.id, device.scope, n],
        )?;
    }
    for (row, group) in now.iter().filter(|(row, group)| !same || before.get(*row) != Some(*group)) {
        rows.push([
            TENANT.into(),
            group.dimension.as_str().into(),
            group.value.as_str().into(),
            device.id.as_str().into(),
            device.scope.as_str().into(),
            row.2.into(),
            group.since.into(),
            group.until.into(),
            group.corrected.into(),
            new.contested.into(),
            new.text("packageId").into(),
            new.text("palletId").into(),
            group.earliest.into(),
            Param::from(group.latest),
            number(new.state).into(),
            has_more(new).into(),
        ]);
    }
    Ok(())
}

/// What every row of a device says of it: whether it is contested, its package and pallet, its state, and whether there is
/// more to tell.
fn of_device(kept: &Kept) -> (bool, Option<&str>, Option<&str>, State, bool) {
    (kept.contested, kept.text("packageId"), kept.text("palletId"), kept.state, has_more(kept))
}

/// Is there more to tell than what all units of its package or pallet share?
fn has_more(kept: &Kept) -> bool {
    let own = |despatch: &Despatch| {
        ["packageId", "palletId"].into_iter().all(|name| kept.text(name) != Some(despatch.container.as_str()))
    };
    kept.deleted.is_some() || kept.text("connhexId").is_some() || kept.despatch.as_ref().is_some_and(own)
}

/// The states in the order of their numbers.
const STATES: [State; 8] = [
    State::Seen,
    State::Tested,
    State::Assembled,
    State::Packed,
    State::Despatched,
    State::Unpacked,
    State::Scrapped,
    State::Voided,
];

fn number(state: State) -> i64 {
    STATES.iter().position(|known| *known == state).and_then(|n| i64::try_from(n).ok()).unwrap_or_default()
}

fn state(number: i64) -> State {
    usize::try_from(number).ok().and_then(|number| STATES.get(number).copied()).unwrap_or(State::Seen)
}

/// Dimension, value and which of the times that the device was in that group: a change in one group writes no other row.
type Key<'k> = (&'k str, &'k str, i64);

fn numbered(groups: &[Group]) -> BTreeMap<Key<'_>, &Group> {
    let mut rows: BTreeMap<Key<'_>, &Group> = BTreeMap::new();
    for group in groups {
        let (dimension, value) = (group.dimension.as_str(), group.value.as_str());
        let last = rows.range((dimension, value, 0)..=(dimension, value, i64::MAX)).next_back();
        let n = last.map_or(0, |((_, _, n), _)| n + 1);
        rows.insert((dimension, value, n), group);
    }
    rows
}

/// One row, by the name of the device.
pub struct Member {
    serial: String,
    scope: String,
    n: i64,
    since: i64,
    until: Option<i64>,
    latest: Option<i64>,
    corrected: bool,
    contested: bool,
    package: Option<String>,
    pallet: Option<String>,
    state: i64,
    more: bool,
}

impl Member {
    /// From the columns of [`PAGE`].
    fn of(row: &Row<'_>) -> sql::Result<Self> {
        let flags: i64 = row.get(8)?;
        Ok(Self {
            serial: row.get(0)?,
            scope: row.get(1)?,
            n: row.get(2)?,
            since: row.get(3)?,
            until: row.get(4)?,
            package: row.get(5)?,
            pallet: row.get(6)?,
            latest: row.get(7)?,
            corrected: flags & 1 != 0,
            contested: flags & 2 != 0,
            more: flags & 4 != 0,
            state: flags >> 3,
        })
    }

    /// Was the device in this group before, by a row of lower number?
    pub fn is_again(&self) -> bool {
        self.n > 0
    }

    /// Its device.
    pub fn device(&self) -> (&str, &str) {
        (&self.serial, &self.scope)
    }
}

/// A device and the number of its row.
type Place = (String, String, i64);

/// The rows of one value, in the order of their devices.
pub struct Stretch<'r> {
    /// The value.
    pub value: &'r str,
    rows: Pages<'r, Place, Member>,
    /// The row that comes next.
    pub head: Option<Member>,
}

/// What is small comes as one number: on the way from a server each column costs.
const PAGE: &str = "SELECT serial, scope, n, since, until, package, pallet, latest,
         state * 8 + more * 4 + contested * 2 + corrected FROM member
     WHERE tenant = ? AND dimension = ? AND value = ? AND (serial, scope, n) > (?, ?, ?) AND earliest <= ?
     ORDER BY serial, scope, n LIMIT ?";

/// Sends ahead the first page of a [`Stretch`].
pub fn ahead(connection: &Connection, dimension: &str, value: &str, as_of: Option<Timestamp>) -> sql::Result<()> {
    let until = as_of.map_or(i64::MAX, micros);
    connection.ahead(PAGE, params![TENANT, dimension, value, "", "", -1_i64, until, pages::FIRST])
}

/// Rows that are passed over before they are skipped with a new question.
const PASSED: u32 = 64;

impl<'r> Stretch<'r> {
    /// Those that can have begun by a time, with the first of them read.
    pub fn open(connection: &'r Connection, dimension: &'r str, value: &'r str, until: i64) -> sql::Result<Self> {
        let before = (String::new(), String::new(), -1);
        let key = |row: &Member| (row.serial.clone(), row.scope.clone(), row.n);
        let rows = Pages::after(before, pages::MOST, key, move |(serial, scope, n), most| {
            let params = params![TENANT, dimension, value, serial, scope, n, until, most];
            connection.query(PAGE, params, Member::of)
        });
        let rows = rows.with_ahead(move |(serial, scope, n), most| {
            connection.ahead(PAGE, params![TENANT, dimension, value, serial, scope, n, until, most])?;
            connection.flush();
            Ok(())
        });
        let mut stretch = Self { value, rows, head: None };
        stretch.next()?;
        Ok(stretch)
    }

    /// Takes the row that comes next.
    pub fn next(&mut self) -> sql::Result<Option<Member>> {
        let following = self.rows.next()?;
        Ok(std::mem::replace(&mut self.head, following))
    }

    /// Goes on with the first row that is not before a device.
    pub fn skip_to(&mut self, device: (&str, &str)) -> sql::Result<()> {
        let is_before = |head: &Option<Member>| head.as_ref().is_some_and(|head| head.device() < device);
        for _ in 0..PASSED {
            if !is_before(&self.head) {
                return Ok(());
            }
            self.next()?;
        }
        if is_before(&self.head) {
            self.rows.skip_to((device.0.to_owned(), device.1.to_owned(), -1));
            self.head = self.rows.next()?;
        }
        Ok(())
    }
}

/// Every unit that was ever in one of these groups, each once, by serial and scope: those that were (`corrected` false) or
/// those that were said to be and never were (`corrected` true). With `as_of`, as far as it can have begun by
/// then. Memory does
/// not grow with the group.
pub fn units(
    connection: &Connection,
    dimension: &str,
    values: &[String],
    as_of: Option<Timestamp>,
    corrected: bool,
    mut each: impl FnMut(Unit) -> ControlFlow<()>,
) -> sql::Result<()> {
    let until = as_of.map_or(i64::MAX, micros);
    let mut stretches: Vec<Stretch<'_>> =
        values.iter().map(|value| Stretch::open(connection, dimension, value, until)).collect::<Result<_, _>>()?;
    while let Some(device) = stretches.iter().filter_map(|s| s.head.as_ref()).map(Member::device).min() {
        let (serial, scope) = (device.0.to_owned(), device.1.to_owned());
        let mut unit: Option<Unit> = None;
        for stretch in &mut stretches {
            while stretch.head.as_ref().is_some_and(|head| head.device() == (&serial, &scope)) {
                let Some(row) = stretch.next()? else { break };
                take(&mut unit, row, stretch.value, until);
            }
        }
        let Some(mut unit) = unit.filter(|unit| unit.corrected == corrected) else { continue };
        // The row tells the one place of now; other times and more than one place are in what is kept of the device.
        if unit.contested || as_of.is_some() {
            place(connection, &mut unit, until)?;
        }
        if each(unit).is_break() {
            return Ok(());
        }
    }
    Ok(())
}

/// Says where a unit is at a time: in every container that it had joined and not left by then.
fn place(connection: &Connection, unit: &mut Unit, at: i64) -> sql::Result<()> {
    let Some(kept) = project::kept_by_name(connection, &unit.serial, &unit.scope)? else { return Ok(()) };
    (unit.packages, unit.pallets) = (kept.places("packageId", at), kept.places("palletId", at));
    unit.contested = kept.is_contested((&unit.packages, &unit.pallets), at);
    Ok(())
}

/// Adds a row to what is known of a unit.
pub fn take(unit: &mut Option<Unit>, row: Member, value: &str, as_of: i64) {
    let until = row.until.filter(|_| row.latest.is_some_and(|latest| latest <= as_of)).map(time);
    let one = Unit {
        serial: row.serial,
        scope: row.scope,
        value: value.to_owned(),
        since: time(row.since),
        until,
        corrected: row.corrected,
        contested: row.contested,
        packages: row.package.into_iter().collect(),
        pallets: row.pallet.into_iter().collect(),
        state: state(row.state),
        more: row.more,
    };
    merge(unit, one);
}

/// What is true outweighs what was corrected, what lasts what has ended; of one group, the first beginning and the last end
/// are told.
fn merge(unit: &mut Option<Unit>, one: Unit) {
    if let Some(known) = unit.as_mut().filter(|known| known.value == one.value && known.corrected == one.corrected) {
        known.until = known.until.and_then(|known| Some(known.max(one.until?)));
        known.since = known.since.min(one.since);
        return;
    }
    let outweighs = unit.as_ref().is_none_or(|known| {
        (known.corrected && !one.corrected)
            || (known.corrected == one.corrected && known.until.is_some() && one.until.is_none())
    });
    if outweighs {
        *unit = Some(one);
    }
}

/// What is kept of a device as a unit of groups, as its rows tell it; where it is, too. `None` where it was never said to be
/// in one of them by then.
pub fn unit_of(
    kept: &Kept,
    device: &Subject,
    dimension: &str,
    values: &[String],
    as_of: Option<Timestamp>,
) -> Option<Unit> {
    let at = as_of.map_or(i64::MAX, micros);
    let (packages, pallets) = (kept.places("packageId", at), kept.places("palletId", at));
    let mut unit = None;
    let in_them =
        |group: &&Group| group.dimension == dimension && values.contains(&group.value) && group.earliest <= at;
    for group in kept.groups.iter().filter(in_them) {
        let one = Unit {
            serial: device.id.clone(),
            scope: device.scope.clone(),
            value: group.value.clone(),
            since: time(group.since),
            until: group.until.filter(|_| group.latest.is_some_and(|latest| latest <= at)).map(time),
            corrected: group.corrected,
            contested: kept.is_contested((&packages, &pallets), at),
            packages: packages.clone(),
            pallets: pallets.clone(),
            state: kept.state,
            more: has_more(kept),
        };
        merge(&mut unit, one);
    }
    unit
}
