//! A package or pallet, and what is in it.

use std::rc::Rc;

use records::attributes::Attributes;
use records::{Kind, Subject};

use super::TENANT;
use super::load::Facts;
use super::names::{self, Names};
use super::project;
use crate::projection::{ContainerView, Fact, fold_container};
use crate::store::sql::{self, Connection, params};

/// Most units and containers that are told of one container.
pub const MOST_TOLD: usize = 10_000;
/// Most children that are looked at.
const MOST_CHILDREN: i64 = 20_000;

/// A container, and what is in it now.
#[derive(Debug, Clone, PartialEq)]
pub struct Container {
    /// What its own records say; `None` where only others name it.
    pub view: Option<ContainerView>,
    /// Serials of the units directly in it, in the order in which they came there, at most [`MOST_TOLD`].
    pub serials: Vec<String>,
    /// Their scopes, in the same order.
    pub scopes: Vec<String>,
    /// The ids of the containers directly in it, at most [`MOST_TOLD`].
    pub containers: Vec<String>,
    /// How many of either there are.
    pub count: u64,
    /// All units in it, through all levels.
    pub units: u64,
    /// What the told units have in common, without what follows from where they are.
    pub common: Attributes,
}

/// The container with this id; `None` where no record names it.
pub fn find(connection: &Connection, id: &str) -> sql::Result<Option<Container>> {
    let (mut names, mut facts) = (Names::default(), Facts::default());
    let container = Subject::container(id);
    names.find(connection, [&container])?;
    let Some(number) = names.get(&container) else { return Ok(None) };
    let view = view(connection, &mut names, &mut facts, number, &container)?;
    let mut found = Container {
        view,
        serials: Vec::new(),
        scopes: Vec::new(),
        containers: Vec::new(),
        count: 0,
        units: units(connection, id)?,
        common: Attributes::new(),
    };
    let mut shared: Option<Attributes> = None;
    let (mut serials, mut containers) = (Vec::new(), Vec::new());
    for (number, child) in children(connection, number)? {
        match child.kind {
            Kind::Container => {
                let view = self::view(connection, &mut names, &mut facts, number, &child)?;
                if view.is_some_and(|view| view.parents.iter().any(|(parent, _)| parent == id)) {
                    containers.push(child.id);
                }
            }
            Kind::Device if !child.scope.starts_with("component:") => {
                let Some(kept) = project::kept(connection, number)? else { continue };
                if let Some(since) = kept.directly_in(id) {
                    shared = Some(match shared {
                        None => kept.attributes.clone(),
                        Some(mut shared) => {
                            shared.retain(|name, value| kept.attributes.get(name) == Some(value));
                            shared
                        }
                    });
                    serials.push((since, child.id, child.scope));
                }
            }
            _ => {}
        }
    }
    serials.sort();
    found.count = (serials.len() + containers.len()) as u64;
    (found.serials, found.scopes) =
        serials.into_iter().map(|(_, serial, scope)| (serial, scope)).take(MOST_TOLD).unzip();
    containers.sort();
    containers.truncate(MOST_TOLD);
    found.containers = containers;
    found.common = shared.unwrap_or_default();
    found.common.retain(|name, _| name != "packageId" && name != "palletId");
    Ok((found.view.is_some() || found.count > 0).then_some(found))
}

fn view(
    connection: &Connection,
    names: &mut Names,
    facts: &mut Facts,
    number: i64,
    container: &Subject,
) -> sql::Result<Option<ContainerView>> {
    facts.load(connection, names, [number])?;
    let relevant = facts.relevant(number);
    let relevant: Vec<&Fact> = relevant.iter().map(Rc::as_ref).collect();
    Ok(fold_container(container, &relevant))
}

/// All units that are in it, through all levels; one that is in it as in a package and as on a pallet is one.
fn units(connection: &Connection, id: &str) -> sql::Result<u64> {
    // What LIKE takes for the same letter, engines do not agree on.
    connection.query_row(
        "SELECT count(*) FROM (
             SELECT DISTINCT serial, scope FROM member
             WHERE tenant = ? AND dimension IN ('packageId', 'palletId') AND value = ?
                 AND until IS NULL AND corrected = 0 AND substr(scope, 1, 10) <> 'component:') AS unit",
        params![TENANT, id],
        |row| row.get(0),
    )
}

/// What was ever said to be directly in it.
fn children(connection: &Connection, number: i64) -> sql::Result<Vec<(i64, Subject)>> {
    connection.query(
        "SELECT id, kind, name, scope FROM inside JOIN subject ON id = child WHERE parent = ? ORDER BY id LIMIT ?",
        params![number, MOST_CHILDREN],
        |row| Ok((row.get(0)?, names::subject(row, 1)?)),
    )
}
