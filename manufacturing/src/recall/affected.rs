//! The units of an answer, one after the other, each with why it is in it and what became of it.

use std::ops::ControlFlow;

use jiff::Timestamp;
use serde::Serialize;

use super::balance::Balance;
use super::prepare::Prepared;
use super::question::Members;
use crate::projection::{Despatch, State};
use crate::store::{Kept, Snapshot, Source, Unit, sql};

/// Why a unit is in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Why {
    /// The group attribute.
    pub by: String,
    /// Its value.
    pub value: String,
    /// Since when the unit had it.
    pub since: Timestamp,
    /// Until when; null while it lasts.
    pub until: Option<Timestamp>,
}

/// A unit of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Affected {
    /// The unit. Where several groups had to hold, its value is that of the first, and its times are those in which all
    /// of them held, as far as they did at one time.
    pub unit: Unit,
    /// Each group that had to hold; empty where there is one.
    pub why: Vec<Why>,
    /// What became of it; `None` for a time before now, of which only the places are known.
    pub state: Option<State>,
    /// Its identity in the cloud.
    pub connhex_id: Option<String>,
    /// Where it was sent.
    pub despatch: Option<Despatch>,
}

impl Affected {
    fn of(matched: Vec<Unit>, clauses: &[super::question::Clause]) -> Option<Self> {
        let why: Vec<Why> = match matched.len() {
            1 => Vec::new(),
            _ => matched.iter().zip(clauses).map(|(unit, clause)| why(unit, &clause.by)).collect(),
        };
        let unit = matched.into_iter().reduce(|all, one| Unit {
            since: all.since.max(one.since),
            until: [all.until, one.until].into_iter().flatten().min(),
            corrected: all.corrected || one.corrected,
            ..all
        })?;
        Some(Self { unit, why, state: None, connhex_id: None, despatch: None })
    }

    fn tell(&mut self, kept: Kept) {
        self.state = Some(kept.state);
        self.despatch = kept.despatch.clone();
        self.connhex_id = kept.text("connhexId").map(str::to_owned);
    }
}

fn why(unit: &Unit, by: &str) -> Why {
    Why { by: by.to_owned(), value: unit.value.clone(), since: unit.since, until: unit.until }
}

/// Hands out the units of an answer by serial and scope: those that were affected (`corrected` false), or those that were
/// said to be and never were. Memory does not grow with their number. Says whether `each` broke it off.
///
/// # Errors
/// What the store says.
pub fn each(
    snapshot: &Snapshot<'_>,
    prepared: &Prepared,
    corrected: bool,
    mut each: impl FnMut(Affected) -> ControlFlow<()>,
) -> sql::Result<ControlFlow<()>> {
    let Prepared { clauses, as_of, members, .. } = prepared;
    let sources: Vec<Source<'_>> =
        clauses.iter().map(|clause| Source::Group { dimension: &clause.by, values: &clause.values }).collect();
    let mut flow = ControlFlow::Continue(());
    snapshot.select(&sources, *as_of, |matched| {
        let Some(mut affected) = Affected::of(matched.units, clauses) else { return Ok(flow) };
        let is_current = affected.unit.until.is_none() && !affected.unit.corrected;
        if affected.unit.corrected != corrected || (*members == Members::Current && !corrected && !is_current) {
            return Ok(flow);
        }
        snapshot.put_in_place(&mut affected.unit, *as_of)?;
        if as_of.is_none()
            && let Some(kept) = snapshot.kept_by_name(&affected.unit.serial, &affected.unit.scope)?
        {
            affected.tell(kept);
        }
        flow = each(affected);
        Ok(flow)
    })?;
    Ok(flow)
}

/// Counts what became of units; `None` once there is one of which that is not known, as for a time before now.
#[derive(Debug, Clone, Copy)]
pub struct Counting(Option<Balance>);

impl Default for Counting {
    fn default() -> Self {
        Self(Some(Balance::default()))
    }
}

impl Counting {
    /// Counts one.
    pub fn count(&mut self, affected: &Affected) {
        match (affected.state, &mut self.0) {
            (Some(state), Some(balance)) => balance.count(state),
            _ => self.0 = None,
        }
    }

    /// The counts.
    pub fn balance(self) -> Option<Balance> {
        self.0
    }
}
