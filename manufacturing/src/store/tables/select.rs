//! Who is in several groups at once.
//!
//! Each group is read in the order of its devices, and whoever is behind skips to where the others are: nothing is
//! collected, and of a large group beside a small one little more is read than is answered.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use jiff::Timestamp;
use records::{Kind, Subject};

use super::member::{Stretch, Unit, take};
use super::micros;
use super::names::{self, Names};
use crate::store::sql::{self, Connection, params};

/// Where units come from. Each has them in the order of serial and scope.
#[derive(Debug, Clone, Copy)]
pub enum Source<'r> {
    /// Who was ever in one of these groups.
    Group {
        /// The group attribute.
        dimension: &'r str,
        /// Its values.
        values: &'r [String],
        /// Further devices that may have been in it, in the order of serial and scope.
        further: &'r [(String, String)],
    },
    /// Devices that are known by serial and scope, in that order, each once.
    Devices(&'r [(String, String)]),
}

/// A device that every source has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// Its serial and scope.
    pub device: (String, String),
    /// What each [`Source::Group`] says of it, in the order of the sources.
    pub units: Vec<Unit>,
}

enum Stream<'r> {
    Group(Vec<Stretch<'r>>, &'r [(String, String)]),
    Devices(&'r [(String, String)]),
}

/// The first of some devices.
fn first(devices: &[(String, String)]) -> Option<(&str, &str)> {
    devices.first().map(|(serial, scope)| (serial.as_str(), scope.as_str()))
}

/// Those that are not before a device.
fn from<'r>(devices: &'r [(String, String)], device: (&str, &str)) -> &'r [(String, String)] {
    &devices[devices.partition_point(|(serial, scope)| (&**serial, &**scope) < device)..]
}

impl<'r> Stream<'r> {
    fn open(connection: &'r Connection, source: Source<'r>, until: i64) -> sql::Result<Self> {
        Ok(match source {
            Source::Devices(devices) => Self::Devices(devices),
            Source::Group { dimension, values, further } => Self::Group(
                values
                    .iter()
                    .map(|value| Stretch::open(connection, dimension, value, until))
                    .collect::<Result<_, _>>()?,
                further,
            ),
        })
    }

    /// The device that comes next.
    fn head(&self) -> Option<(&str, &str)> {
        match self {
            Self::Group(stretches, further) => {
                let heads = stretches.iter().filter_map(|stretch| Some(stretch.head.as_ref()?.device()));
                heads.chain(first(further)).min()
            }
            Self::Devices(devices) => first(devices),
        }
    }

    fn skip_to(&mut self, device: (&str, &str)) -> sql::Result<()> {
        match self {
            Self::Group(stretches, further) => {
                *further = from(further, device);
                stretches.iter_mut().try_for_each(|stretch| stretch.skip_to(device))
            }
            Self::Devices(devices) => {
                *devices = from(devices, device);
                Ok(())
            }
        }
    }

    /// Takes out all that is said of this device, which comes next.
    fn take(&mut self, device: (&str, &str), until: i64) -> sql::Result<Option<Unit>> {
        match self {
            Self::Devices(devices) => {
                *devices = devices.get(1..).unwrap_or_default();
                Ok(None)
            }
            Self::Group(stretches, further) => {
                if first(further) == Some(device) {
                    *further = &further[1..];
                }
                let mut unit = None;
                for stretch in stretches {
                    while stretch.head.as_ref().is_some_and(|head| head.device() == device) {
                        let Some(row) = stretch.next()? else { break };
                        take(&mut unit, row, stretch.value, until);
                    }
                }
                Ok(unit)
            }
        }
    }
}

/// Every device that all sources have, by serial and scope; with `as_of`, as far as it can have begun by then. Memory does
/// not grow with the groups.
///
/// # Errors
/// What the store says, and what `each` does.
pub fn select(
    connection: &Connection,
    sources: &[Source<'_>],
    as_of: Option<Timestamp>,
    mut each: impl FnMut(Matched) -> sql::Result<ControlFlow<()>>,
) -> sql::Result<()> {
    let until = as_of.map_or(i64::MAX, micros);
    let mut streams: Vec<Stream<'_>> =
        sources.iter().map(|source| Stream::open(connection, *source, until)).collect::<Result<_, _>>()?;
    if let [Stream::Group(stretches, [])] = &mut streams[..]
        && let [stretch] = &mut stretches[..]
    {
        return alone(stretch, until, each);
    }
    loop {
        let heads: Option<Vec<(&str, &str)>> = streams.iter().map(Stream::head).collect();
        let Some((serial, scope)) = heads.and_then(|heads| heads.into_iter().max()) else { return Ok(()) };
        let (serial, scope) = (serial.to_owned(), scope.to_owned());
        let device = (serial.as_str(), scope.as_str());
        streams.iter_mut().try_for_each(|stream| stream.skip_to(device))?;
        if streams.iter().any(|stream| stream.head() != Some(device)) {
            continue;
        }
        let mut units = Vec::with_capacity(streams.len());
        for stream in &mut streams {
            units.extend(stream.take(device, until)?);
        }
        if each(Matched { device: (serial, scope), units })?.is_break() {
            return Ok(());
        }
    }
}

/// The same of one group with one value: nothing has to be compared with anything.
fn alone(
    stretch: &mut Stretch<'_>,
    until: i64,
    mut each: impl FnMut(Matched) -> sql::Result<ControlFlow<()>>,
) -> sql::Result<()> {
    while let Some(row) = stretch.next()? {
        let device = (row.device().0.to_owned(), row.device().1.to_owned());
        let mut unit = None;
        take(&mut unit, row, stretch.value, until);
        while stretch.head.as_ref().is_some_and(|head| head.is_again() && head.device() == (&device.0, &device.1)) {
            let Some(row) = stretch.next()? else { break };
            take(&mut unit, row, stretch.value, until);
        }
        if each(Matched { device, units: unit.into_iter().collect() })?.is_break() {
            break;
        }
    }
    Ok(())
}

/// Every device that was ever said to be inside of this, at any depth, in the order of serial and scope. Held in memory:
/// what fits in a container, on a pallet or in a device.
///
/// # Errors
/// What the store says.
pub fn ever_inside(connection: &Connection, of: &Subject) -> sql::Result<Vec<(String, String)>> {
    let mut names = Names::default();
    names.find(connection, [of])?;
    let mut level: Vec<i64> = names.get(of).into_iter().collect();
    let mut seen: BTreeSet<i64> = level.iter().copied().collect();
    let mut found = BTreeSet::new();
    while let Some(parent) = level.pop() {
        let children: Vec<(i64, Subject)> = connection.query(
            "SELECT id, kind, name, scope FROM inside JOIN subject ON id = child WHERE parent = ?",
            params![parent],
            |row| Ok((row.get(0)?, names::subject(row, 1)?)),
        )?;
        for (id, child) in children.into_iter().filter(|(id, _)| seen.insert(*id)) {
            level.push(id);
            if child.kind == Kind::Device {
                found.insert((child.id, child.scope));
            }
        }
    }
    Ok(found.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::store::tables::Writer;
    use crate::testkit::{Station, at, packed};

    fn names(values: &[&str]) -> Vec<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    /// 1,500 units: lots by the last digit, firmware by the number modulo 7, and 3 of them in a package of their own.
    fn store() -> (Writer, Vec<Made>) {
        let mut a = Station::new("a", 1);
        let mut all = Vec::new();
        for n in 0..1500_u32 {
            let (serial, lot, version) = (format!("S{n:04}"), format!("L{}", n % 10), format!("{}", n % 7));
            let package = if n % 700 == 3 { "PX" } else { "P" };
            a.write(i64::from(n), packed(&serial, package, &[("lotCode", &lot), ("fwVersion", &version)]));
            all.push((serial, lot, version));
        }
        let mut writer = Writer::in_memory();
        for n in 0..3 {
            writer.commit(&[a.work(n * 500 + 1, n * 500 + 500)], at(2000)).unwrap();
        }
        (writer, all)
    }

    /// Serial, lot and version.
    type Made = (String, String, String);

    fn selected(writer: &mut Writer, sources: &[Source<'_>]) -> Vec<String> {
        let snapshot = writer.snapshot().unwrap();
        let mut found = Vec::new();
        let take = |matched: Matched| {
            found.push(matched.device.0);
            Ok(ControlFlow::Continue(()))
        };
        snapshot.select(sources, None, take).unwrap();
        found
    }

    #[test]
    fn whoever_is_in_all_groups_is_named_once_and_in_order() {
        let (mut writer, all) = store();
        let (lots, versions, package) = (names(&["L3", "L8", "none"]), names(&["3", "5"]), names(&["PX"]));
        let lot = Source::Group { dimension: "lotCode", values: &lots, further: &[] };
        let version = Source::Group { dimension: "fwVersion", values: &versions, further: &[] };
        let small = Source::Group { dimension: "packageId", values: &package, further: &[] };
        let expected = |test: &dyn Fn(usize, &Made) -> bool| -> Vec<String> {
            all.iter().enumerate().filter(|(n, unit)| test(*n, unit)).map(|(_, unit)| unit.0.clone()).collect()
        };
        let in_lot = |unit: &Made| lots.contains(&unit.1);
        let has_version = |unit: &Made| versions.contains(&unit.2);
        assert_eq!(selected(&mut writer, &[lot]), expected(&|_, unit| in_lot(unit)));
        let both = expected(&|_, unit| in_lot(unit) && has_version(unit));
        assert!(!both.is_empty());
        assert_eq!(selected(&mut writer, &[lot, version]), both);
        assert_eq!(selected(&mut writer, &[version, lot]), both);
        let all_three = expected(&|n, unit| in_lot(unit) && has_version(unit) && n % 700 == 3);
        assert_eq!(selected(&mut writer, &[lot, small, version]), all_three);
        let devices: Vec<(String, String)> =
            ["S0003", "S0017", "S1403", "T"].iter().map(|serial| ((*serial).to_owned(), String::new())).collect();
        assert_eq!(selected(&mut writer, &[Source::Devices(&devices), lot]), ["S0003", "S1403"]);
        assert_eq!(selected(&mut writer, &[]), [""; 0]);
        let wide = Source::Group { dimension: "packageId", values: &package, further: &devices };
        assert_eq!(selected(&mut writer, &[wide]), ["S0003", "S0017", "S0703", "S1403", "T"]);
        assert_eq!(selected(&mut writer, &[wide, lot]), ["S0003", "S0703", "S1403"]);
        let nobody = names(&["none"]);
        assert_eq!(
            selected(&mut writer, &[lot, Source::Group { dimension: "lotCode", values: &nobody, further: &[] }]),
            [""; 0]
        );
    }

    #[test]
    fn each_group_says_why_a_unit_is_in() {
        let (mut writer, _) = store();
        let (lots, package) = (names(&["L3", "L8"]), names(&["PX"]));
        let sources = [
            Source::Group { dimension: "packageId", values: &package, further: &[] },
            Source::Group { dimension: "lotCode", values: &lots, further: &[] },
        ];
        let snapshot = writer.snapshot().unwrap();
        let mut found = BTreeMap::new();
        let take = |matched: Matched| {
            let values: BTreeSet<String> = matched.units.into_iter().map(|unit| unit.value).collect();
            found.insert(matched.device.0, values);
            Ok(ControlFlow::Continue(()))
        };
        snapshot.select(&sources, None, take).unwrap();
        let of = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<BTreeSet<_>>();
        let expected = ["S0003", "S0703", "S1403"].map(|serial| (serial.to_owned(), of(&["PX", "L3"])));
        assert_eq!(found, expected.into());
    }
}
