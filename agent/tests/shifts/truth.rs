//! What the records of a station alone say, folded by other code than the station's.

use std::collections::{BTreeMap, BTreeSet};

use records::{Draft, Event, Kind};

pub type Unit = (String, String);

/// What the records say.
#[derive(Default, Debug)]
pub struct Truth {
    /// Which container or device each unit or component is in.
    pub inside: BTreeMap<Unit, String>,
    /// Which container each container is in.
    pub parent: BTreeMap<String, String>,
    /// Open containers.
    pub open: BTreeSet<String>,
    /// All containers that were ever opened here.
    pub opened: BTreeSet<String>,
    /// Scrapped units.
    pub scrapped: BTreeSet<Unit>,
    /// The result of the last test of each unit, and how many there were.
    pub tested: BTreeMap<Unit, (bool, u64)>,
    /// Containers that have left.
    pub left: BTreeSet<String>,
    /// The work order of each unit.
    pub orders: BTreeMap<Unit, String>,
    /// Units held at the line.
    pub held: BTreeSet<Unit>,
    /// Units whose acceptance was contradicted.
    pub contradicted: BTreeSet<Unit>,
    /// Units that a supervisor allowed.
    pub allowed: BTreeSet<Unit>,
    /// How often scans were refused.
    pub refused: u64,
    /// What is in the container that is taken over next.
    pub taking: Taking,
    /// Containers that came within others that were taken over.
    pub foreign: Foreign,
    /// Containers that were taken over together with the place where they are.
    pub placed: BTreeSet<String>,
}

/// A container of another station, with what is in it.
#[derive(Default, Debug, Clone)]
pub struct Taking {
    pub units: Vec<Unit>,
    pub containers: Vec<String>,
    pub parent: Option<String>,
    /// What is further inside.
    pub below: Foreign,
}

/// Containers of another station: this one does not know which units are in them.
#[derive(Default, Debug, Clone)]
pub struct Foreign {
    /// Units directly in each.
    pub units: BTreeMap<String, usize>,
    /// What each is in, where that is one of these.
    pub inside: BTreeMap<String, String>,
}

impl Foreign {
    /// Units in one of them and in those in it, as it came.
    fn total(&self, id: &str) -> usize {
        let inner = self.inside.iter().filter(|(_, outer)| outer.as_str() == id);
        self.units.get(id).copied().unwrap_or(0) + inner.map(|(inner, _)| self.total(inner)).sum::<usize>()
    }
}

impl Truth {
    /// Takes in a record.
    ///
    /// # Errors
    /// What cannot be true.
    pub fn step(&mut self, draft: &Draft) -> Result<(), String> {
        match draft.subject.kind {
            Kind::Device => self.device(draft),
            Kind::Container => self.container(draft),
            _ => {
                self.count_refusals(draft);
                Ok(())
            }
        }
        .map_err(|why| format!("{why}: {draft:?}"))
    }

    fn count_refusals(&mut self, draft: &Draft) {
        if draft.event == Event::Refused {
            self.refused += draft.attributes["count"].as_u64().unwrap_or(0);
        }
    }

    fn leaves(&mut self, unit: &Unit, draft: &Draft) -> Result<(), String> {
        let from = draft.from.first().map(|from| from.id.clone()).ok_or("it leaves nothing")?;
        let was = self.inside.remove(unit);
        if was.as_deref().map(plain) != Some(from.as_str()) {
            return Err(format!("it was in {was:?}"));
        }
        if self.has_left(&from) {
            return Err("it leaves what has left".to_owned());
        }
        Ok(())
    }

    fn enters(&mut self, unit: &Unit, draft: &Draft) -> Result<(), String> {
        let into = draft.into.first().ok_or("it enters nothing")?;
        if into.kind == Kind::Container && !self.open.contains(&into.id) {
            return Err("it enters a container that is not open".to_owned());
        }
        if self.has_left(&into.id) {
            return Err("it enters what has left".to_owned());
        }
        match self.inside.insert(unit.clone(), into.id.clone()) {
            Some(other) => Err(format!("it is in {other} already")),
            None => Ok(()),
        }
    }

    fn device(&mut self, draft: &Draft) -> Result<(), String> {
        let unit = (draft.subject.scope.clone(), draft.subject.id.clone());
        if self.scrapped.contains(&unit)
            && !matches!(draft.event, Event::Refused | Event::Held | Event::Released | Event::Tested)
        {
            return Err("it is scrap".to_owned());
        }
        if let Some(order) = draft.attributes.get("workOrder").and_then(|order| order.as_str())
            && draft.event == Event::Packed
        {
            self.orders.insert(unit.clone(), order.to_owned());
        }
        if draft.allowed.is_some() {
            self.allowed.insert(unit.clone());
        }
        match draft.event {
            Event::Packed | Event::Assembled => self.enters(&unit, draft),
            Event::Moved => {
                self.leaves(&unit, draft)?;
                self.enters(&unit, draft)
            }
            Event::TakenOut => self.leaves(&unit, draft),
            Event::Voided => self.inside.remove(&unit).map(drop).ok_or_else(|| "it was in nothing".to_owned()),
            Event::Scrapped => {
                self.scrapped.insert(unit.clone());
                match draft.from.is_empty() {
                    true if self.inside.contains_key(&unit) => Err("it is still in something".to_owned()),
                    true => Ok(()),
                    false => self.leaves(&unit, draft),
                }
            }
            Event::Tested => {
                let (_, attempts) = self.tested.get(&unit).copied().unwrap_or_default();
                if draft.attributes["attempt"] != attempts + 1 {
                    return Err(format!("it was tested {attempts} times"));
                }
                self.tested.insert(unit, (draft.attributes["result"] == "pass", attempts + 1));
                Ok(())
            }
            Event::Released => {
                self.held.remove(&unit);
                Ok(())
            }
            Event::Held => {
                self.held.insert(unit);
                Ok(())
            }
            Event::Contradicted => {
                self.contradicted.insert(unit);
                Ok(())
            }
            Event::Refused => {
                self.count_refusals(draft);
                Ok(())
            }
            _ => Err("no record of a device".to_owned()),
        }
    }

    fn container(&mut self, draft: &Draft) -> Result<(), String> {
        let id = draft.subject.id.clone();
        let known = |what: &BTreeSet<String>| what.contains(&id);
        match draft.event {
            Event::Opened => {
                if !self.opened.insert(id.clone()) {
                    return Err("its id was given out before".to_owned());
                }
                self.open.insert(id);
                Ok(())
            }
            Event::Adopted => {
                if !self.opened.insert(id.clone()) {
                    return Err("it was opened here".to_owned());
                }
                self.open.insert(id.clone());
                let Taking { units, containers, parent, below } = std::mem::take(&mut self.taking);
                if draft.attributes["count"] != units.len() + containers.len() {
                    return Err(format!("{units:?} and {containers:?} are in it"));
                }
                for unit in units {
                    self.orders.remove(&unit);
                    if let Some(other) = self.inside.insert(unit, id.clone()) {
                        return Err(format!("what is in it is in {other} already"));
                    }
                }
                self.foreign.units.extend(below.units);
                let is_new = |inner: &String| !self.placed.contains(inner) && !self.parent.contains_key(inner);
                self.foreign.inside.extend(below.inside.into_iter().filter(|(inner, _)| is_new(inner)));
                for inner in containers {
                    self.foreign.inside.remove(&inner);
                    match self.parent.insert(inner, id.clone()) {
                        // It was gone on with before, and kept its place.
                        Some(other) if other != id => return Err(format!("what is in it is in {other} already")),
                        _ => {}
                    }
                }
                if parent.is_some() {
                    self.foreign.inside.remove(&id);
                    self.placed.insert(id.clone());
                }
                self.parent.extend(parent.map(|parent| (id, parent)));
                Ok(())
            }
            Event::Closed => {
                if !self.open.remove(&id) {
                    return Err("it was not open".to_owned());
                }
                let count = self.count(&id) as u64;
                if draft.attributes["count"] != count {
                    return Err(format!("{count} are in it"));
                }
                draft.into.first().map_or(Ok(()), |into| self.joins(&id, &into.id))
            }
            Event::Packed => {
                let into = draft.into.first().ok_or("it enters nothing")?.id.clone();
                if known(&self.open) {
                    return Err("it is open".to_owned());
                }
                self.joins(&id, &into)
            }
            Event::Moved => {
                self.parts(&id, draft)?;
                let into = draft.into.first().ok_or("it enters nothing")?.id.clone();
                self.joins(&id, &into)
            }
            Event::TakenOut => self.parts(&id, draft),
            Event::Reopened => match self.open.insert(id.clone()) && !self.has_left(&id) {
                true => Ok(()),
                false => Err("it is open, or has left".to_owned()),
            },
            Event::Despatched => {
                if known(&self.open) || self.parent.contains_key(&id) {
                    return Err("it is open, or in another one".to_owned());
                }
                if let Some(open) = self.open.iter().find(|open| self.is_in(open, &id)) {
                    return Err(format!("{open} in it is open"));
                }
                match self.left.insert(id) {
                    true => Ok(()),
                    false => Err("it has left before".to_owned()),
                }
            }
            Event::Contradicted
            | Event::Counted
            | Event::Sealed
            | Event::LabelAgain
            | Event::LabelPrinted
            | Event::LabelDoubtful => Ok(()),
            _ => Err("no record of a container".to_owned()),
        }
    }

    fn joins(&mut self, id: &str, into: &str) -> Result<(), String> {
        if !self.open.contains(into) {
            return Err("what it enters is not open".to_owned());
        }
        match self.parent.insert(id.to_owned(), into.to_owned()) {
            Some(other) => Err(format!("it is in {other} already")),
            None => Ok(()),
        }
    }

    fn parts(&mut self, id: &str, draft: &Draft) -> Result<(), String> {
        let from = draft.from.first().map(|from| from.id.clone());
        match self.parent.remove(id) {
            was if was == from && was.is_some() => Ok(()),
            was => Err(format!("it was in {was:?}")),
        }
    }

    /// What is directly in a container.
    pub fn count(&self, id: &str) -> usize {
        let units = self.inside.iter().filter(|((scope, _), inside)| scope.is_empty() && inside.as_str() == id);
        units.count() + self.parent.values().filter(|parent| parent.as_str() == id).count()
    }

    /// Units in a container and in those in it.
    pub fn units(&self, id: &str) -> usize {
        let own = self.inside.iter().filter(|((scope, _), inside)| scope.is_empty() && inside.as_str() == id).count();
        let inner = self.parent.iter().filter(|(_, parent)| parent.as_str() == id);
        let known = own + inner.map(|(inner, _)| self.units(inner)).sum::<usize>();
        if self.opened.contains(id) {
            return known;
        }
        // What was gone on with by a count, nobody knows where: its place says what came with it.
        let is_own = |inner: &String| self.opened.contains(inner) || self.parent.contains_key(inner);
        let units = |inner: &String| if is_own(inner) { self.foreign.total(inner) } else { self.units(inner) };
        let foreign = self.foreign.inside.iter().filter(|(_, outer)| outer.as_str() == id);
        let foreign = foreign.map(|(inner, _)| units(inner)).sum::<usize>();
        known + self.foreign.units.get(id).copied().unwrap_or(0) + foreign
    }

    /// Units in a container and in those in it, as far as this station knows which they are.
    pub fn units_inside(&self, id: &str) -> Vec<Unit> {
        let own = self.inside.iter().filter(|((scope, _), inside)| scope.is_empty() && inside.as_str() == id);
        let mut units: Vec<Unit> = own.map(|(unit, _)| unit.clone()).collect();
        let inner = self.parent.iter().filter(|(_, parent)| parent.as_str() == id);
        inner.for_each(|(inner, _)| units.extend(self.units_inside(inner)));
        units
    }

    fn is_in(&self, inner: &str, outer: &str) -> bool {
        self.parent.get(inner).is_some_and(|parent| parent == outer || self.is_in(parent, outer))
    }

    /// Has this, or what is around it, left?
    pub fn has_left(&self, id: &str) -> bool {
        self.left.contains(id) || self.parent.get(id).is_some_and(|parent| self.has_left(parent))
    }

    /// Units of an order that are packed.
    pub fn packed_of(&self, order: &str) -> u64 {
        let of = |unit: &&Unit| unit.0.is_empty() && self.orders.get(*unit).is_some_and(|known| known == order);
        self.inside.keys().filter(of).count() as u64
    }
}

/// What a component is in, without the scope of that unit.
fn plain(inside: &str) -> &str {
    inside.split('\u{1f}').next().unwrap_or_default()
}
