//! The units of an answer, one after the other, each with why it is in it and what became of it.

use std::collections::HashMap;
use std::ops::ControlFlow;

use jiff::Timestamp;
use records::Subject;
use records::attributes::{DAY, STATION};
use serde::Serialize;

use super::parts::{Contained, Names, Parents, in_chunks};
use super::prepare::Prepared;
use super::question::{Clause, Members};
use super::window;
use crate::projection::{Despatch, State};
use crate::store::{Kept, Matched, Snapshot, Source, Unit, sql, unit_of};

/// Why a unit is in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Why {
    /// The group attribute; `component` or `componentLot` of what contained a component; `handled` of what was handled.
    pub by: String,
    /// Its value; of a component its serial number, of what was handled the station and what it did.
    pub value: String,
    /// The lot of the component, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lot: Option<String>,
    /// Since when the unit had it.
    pub since: Timestamp,
    /// Until when; null while it lasts.
    pub until: Option<Timestamp>,
    /// It was said and never true.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub corrected: bool,
}

/// A unit of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Affected {
    /// The unit. Where several conditions had to hold, its value is that of the first, and its times are those in which all
    /// of them held, as far as they did at one time.
    pub unit: Unit,
    /// Each condition that had to hold; empty where there is one group.
    pub why: Vec<Why>,
    /// What became of it, as of the time asked for.
    pub state: State,
    /// Its identity in the cloud.
    pub connhex_id: Option<String>,
    /// Where it was sent.
    pub despatch: Option<Despatch>,
    /// Somebody has put it out of sight; it is affected all the same.
    pub deleted: bool,
}

impl Affected {
    fn tell(&mut self, kept: &Kept) {
        (self.state, self.deleted) = (kept.state, kept.deleted.is_some());
        self.despatch = kept.despatch.clone();
        self.connhex_id = kept.text("connhexId").map(str::to_owned);
    }
}

fn why(unit: &Unit, by: &str) -> Why {
    let Unit { value, since, until, corrected, .. } = unit.clone();
    Why { by: by.to_owned(), value, lot: None, since, until, corrected }
}

/// A unit of which nothing is known but that it held components of one kind.
fn of_parts(device: (String, String), contained: &Contained) -> Unit {
    Unit {
        serial: device.0,
        scope: device.1,
        value: contained.value.clone(),
        since: contained.since,
        until: contained.until,
        corrected: contained.corrected,
        contested: false,
        packages: Vec::new(),
        pallets: Vec::new(),
        state: State::Seen,
        more: true,
    }
}

/// All conditions at once.
fn both(all: Unit, one: Unit) -> Unit {
    Unit {
        since: all.since.max(one.since),
        until: [all.until, one.until].into_iter().flatten().min(),
        corrected: all.corrected || one.corrected,
        ..all
    }
}

/// What a station did, and when, is over at once: it is no membership that lasts.
pub(super) fn is_of_the_past(dimension: &str) -> bool {
    [STATION, DAY].contains(&dimension)
}

/// Hands out the units of an answer by serial and scope: those that were affected (`corrected` false), or those that were
/// said to be and never were. Memory does not grow with their number. Says whether `each` broke it off, and if not,
/// whether there are any of the other kind: then nobody has to read all of them again to find none.
///
/// # Errors
/// What the store says.
pub fn each(
    snapshot: &Snapshot<'_>,
    prepared: &Prepared,
    corrected: bool,
    mut each: impl FnMut(Affected) -> ControlFlow<()>,
) -> sql::Result<ControlFlow<(), bool>> {
    let (flow, sent) = (ControlFlow::Continue(()), HashMap::new());
    let mut pass = Pass { snapshot, prepared, corrected, each: &mut each, flow, sent, others: false };
    if prepared.parts.is_empty() {
        pass.run(None)?;
    } else {
        in_chunks(snapshot, prepared, |parents| {
            pass.run(Some(parents))?;
            Ok(pass.flow)
        })?;
    }
    Ok(match pass.flow {
        ControlFlow::Continue(()) => ControlFlow::Continue(pass.others),
        ControlFlow::Break(()) => ControlFlow::Break(()),
    })
}

struct Pass<'p, 's, 'c> {
    snapshot: &'s Snapshot<'c>,
    prepared: &'p Prepared,
    corrected: bool,
    each: &'p mut dyn FnMut(Affected) -> ControlFlow<()>,
    flow: ControlFlow<()>,
    /// By the innermost container: where its units were sent.
    sent: HashMap<String, Option<Despatch>>,
    /// There are units of the other kind.
    others: bool,
}

/// Containers of which it is remembered where they were sent.
const MOST_SENT: usize = 4096;

impl Pass<'_, '_, '_> {
    fn run(&mut self, parents: Option<&Parents>) -> sql::Result<()> {
        let Prepared { clauses, as_of, known_at, further, days, .. } = self.prepared;
        let clauses = clauses.iter().zip(further);
        let mut sources: Vec<Source<'_>> = clauses
            .map(|(clause, further)| Source::Group { dimension: &clause.by, values: &clause.values, further })
            .collect();
        let names: Names = parents.map(|parents| parents.keys().cloned().collect()).unwrap_or_default();
        if parents.is_some() {
            sources.push(Source::Devices(&names));
        }
        if let Some(days) = days {
            sources.push(Source::Group { dimension: &days.by, values: &days.values, further: &[] });
        }
        // What was known earlier is not in the rows: who may have been a member is asked for, and looked at one by one.
        let as_of = as_of.filter(|_| known_at.is_none());
        self.snapshot.select(&sources, as_of, |matched| {
            self.matched(matched, parents)?;
            Ok(self.flow)
        })
    }

    fn matched(&mut self, matched: Matched, parents: Option<&Parents>) -> sql::Result<()> {
        let Prepared { clauses, as_of, known_at, members, window, tells_now, .. } = self.prepared;
        let parts = parents.and_then(|parents| parents.get(&matched.device)).map(Vec::as_slice).unwrap_or_default();
        let (serial, scope) = (matched.device.0.as_str(), matched.device.1.as_str());
        // Read once, and only where the rows do not say it.
        let mut kept = None;
        let mut units = matched.units;
        units.truncate(clauses.len());
        if let Some(position) = known_at {
            kept = match self.snapshot.device(serial, scope)? {
                Some(device) => self.snapshot.kept_at(&device, *position)?,
                None => None,
            };
            // No record was about the unit itself, and yet something was built into it.
            let is_parent_alone = kept.is_none() && clauses.is_empty() && !parts.is_empty();
            let subject = Subject { scope: scope.to_owned(), ..Subject::device(serial) };
            let then = kept.iter().flat_map(|then| {
                clauses.iter().filter_map(|Clause { by, values }| unit_of(then, &subject, by, values, *as_of))
            });
            units = then.collect();
            if units.len() < clauses.len() || (kept.is_none() && !is_parent_alone) {
                return Ok(());
            }
        }
        let mut reasons: Vec<Why> = match clauses.len() + parts.len() + usize::from(window.is_some()) {
            1 => Vec::new(),
            _ => units.iter().zip(clauses).map(|(unit, clause)| why(unit, &clause.by)).collect(),
        };
        reasons.extend(parts.iter().flat_map(|contained| &contained.told).cloned());
        units.extend(parts.iter().map(|contained| of_parts(matched.device.clone(), contained)));
        if units.is_empty() {
            // A window alone: the unit is whoever was handled in it.
            units.extend(self.bare(serial, scope, kept.as_ref())?);
        }
        let mut lasting = units.iter().zip(clauses.iter().map(Some).chain(std::iter::repeat(None)));
        let is_current = lasting.all(|(unit, clause)| {
            unit.until.is_none() && !unit.corrected || clause.is_some_and(|clause| is_of_the_past(&clause.by))
        });
        let Some(unit) = units.into_iter().reduce(both) else { return Ok(()) };
        self.others |= unit.corrected != self.corrected;
        if unit.corrected != self.corrected || (*members == Members::Current && !self.corrected && !is_current) {
            return Ok(());
        }
        // The rows of a unit say all of it that most answers tell.
        let is_told = kept.is_none() && as_of.is_none() && window.is_none() && parents.is_none();
        if is_told && !unit.contested && !unit.more {
            let despatch = match unit.state {
                State::Despatched => self.sent(&unit)?,
                _ => None,
            };
            let state = unit.state;
            self.flow = (self.each)(Affected { unit, why: reasons, state, connhex_id: None, despatch, deleted: false });
            return Ok(());
        }
        if kept.is_none() && known_at.is_none() {
            kept = self.snapshot.kept_by_name(serial, scope)?;
        }
        if let Some(window) = window {
            // Nobody has handled what no record is about.
            let Some(known) = &kept else { return Ok(()) };
            if !self.corrected {
                let handled = window::handled(self.snapshot, self.prepared, (serial, scope), known)?;
                let met: Vec<Why> = window.met(&handled, *as_of).collect();
                if met.is_empty() {
                    return Ok(());
                }
                reasons.extend(met);
            }
        }
        // Who is in the answer goes by what was known then; where it is now, by all that is known now.
        if *tells_now && known_at.is_some() {
            kept = self.snapshot.kept_by_name(serial, scope)?;
        }
        let mut affected =
            Affected { unit, why: reasons, state: State::Seen, connhex_id: None, despatch: None, deleted: false };
        let Some(kept) = kept else {
            // No record is about the device itself, and yet something was built into it.
            if !parts.is_empty() {
                self.flow = (self.each)(affected);
            }
            return Ok(());
        };
        let told_at = as_of.filter(|_| !tells_now);
        let at = told_at.map_or(i64::MAX, |time| time.as_microsecond());
        let unit = &mut affected.unit;
        (unit.packages, unit.pallets) = (kept.places("packageId", at), kept.places("palletId", at));
        unit.contested = kept.is_contested((&unit.packages, &unit.pallets), at);
        if !unit.contested && told_at.is_none() {
            // Of packages inside packages the innermost.
            let one = |name: &str| kept.text(name).map(str::to_owned).into_iter().collect();
            (unit.packages, unit.pallets) = (one("packageId"), one("palletId"));
        }
        match told_at {
            None => affected.tell(&kept),
            // What no record was about by then is what nobody can say anything of, and not what became of it since.
            Some(time) => {
                if let Some(then) = self.snapshot.kept_then(serial, scope, time, *known_at)? {
                    affected.tell(&then);
                }
            }
        }
        self.flow = (self.each)(affected);
        Ok(())
    }

    /// Where a unit was sent with its package or pallet, as all others in it.
    fn sent(&mut self, unit: &Unit) -> sql::Result<Option<Despatch>> {
        let container = unit.packages.first().or(unit.pallets.first());
        if let Some(known) = container.and_then(|container| self.sent.get(container)) {
            return Ok(known.clone());
        }
        let kept = self.snapshot.kept_by_name(&unit.serial, &unit.scope)?;
        let despatch = kept.and_then(|kept| kept.despatch);
        if let Some(container) = container {
            if self.sent.len() == MOST_SENT {
                self.sent.clear();
            }
            self.sent.insert(container.clone(), despatch.clone());
        }
        Ok(despatch)
    }

    /// A unit that nothing but a window asks for; `then` is what was known of it, where that was asked for.
    fn bare(&self, serial: &str, scope: &str, then: Option<&Kept>) -> sql::Result<Option<Unit>> {
        let Some(days) = &self.prepared.days else { return Ok(None) };
        let device = Subject { scope: scope.to_owned(), ..Subject::device(serial) };
        let of = |kept: &Kept| unit_of(kept, &device, &days.by, &days.values, self.prepared.as_of);
        match then {
            Some(then) => Ok(of(then)),
            None => Ok(self.snapshot.kept_by_name(serial, scope)?.as_ref().and_then(of)),
        }
    }
}
