//! A decision in the making.

use std::collections::{BTreeMap, BTreeSet};

use records::{Allowed, Draft, Event, Kind, RecordId, Stamp, Subject};

use super::answer::{Answer, Code, Filling};
use super::decide::Decision;
use super::facts::{Facts, HeldInside};
use super::job::JobChange;
use super::known::{Count, Known, KnownChange, KnownContainer, OrderCount};
use super::permission::Permission;
use super::state::{Lane, Line, State};

/// Where nothing was read.
pub(super) static NO_FACTS: Facts = Facts {
    known: None,
    units: BTreeMap::new(),
    containers: BTreeMap::new(),
    orders: BTreeMap::new(),
    contents: Vec::new(),
    label: None,
    held: Vec::new(),
    recalled: Vec::new(),
    inside: HeldInside { serials: BTreeSet::new(), lots: BTreeSet::new(), recalled: false },
    service: super::service::Service::Off,
    room: true,
};

pub(super) struct Turn<'a> {
    pub(super) line: &'a Line,
    pub(super) before: &'a State,
    pub(super) now: &'a Stamp,
    pub(super) facts: &'a Facts,
    /// The person at the lane.
    pub(super) actor: Option<String>,
    /// What a supervisor allows.
    pub(super) permission: Option<Permission>,
    /// What would have been refused without it.
    pub(super) used: Vec<Code>,
    /// A unit that is refused now is to be asked for at the service later.
    pub(super) asks_later: bool,
    pub(super) state: State,
    pub(super) drafts: Vec<Draft>,
    pub(super) known: Vec<KnownChange>,
    pub(super) jobs: Vec<JobChange>,
    containers: BTreeMap<String, KnownContainer>,
    orders: BTreeMap<String, OrderCount>,
    counts: Vec<Count>,
}

impl<'a> Turn<'a> {
    pub(super) fn new(line: &'a Line, state: &'a State, facts: &'a Facts, now: &'a Stamp) -> Self {
        Self {
            line,
            before: state,
            now,
            facts,
            actor: None,
            permission: None,
            used: Vec::new(),
            asks_later: false,
            state: state.clone(),
            drafts: Vec::new(),
            known: Vec::new(),
            jobs: Vec::new(),
            containers: BTreeMap::new(),
            orders: BTreeMap::new(),
            counts: Vec::new(),
        }
    }

    pub(super) fn decision(mut self, answer: Option<Answer>) -> Decision {
        self.state.retain_orders(&mut self.orders);
        let first = self.state.last_seq + 1;
        self.state.last_seq += self.drafts.len() as u64;
        let answer = answer.map(|mut answer| {
            answer.records = (!self.drafts.is_empty()).then_some((first, self.state.last_seq));
            answer
        });
        Decision {
            drafts: self.drafts,
            known: self.known,
            containers: self.containers.into_values().collect(),
            orders: self.orders.into_iter().collect(),
            counts: self.counts,
            jobs: self.jobs,
            answer,
            next: self.state,
        }
    }

    /// Refused whole: nothing that was begun stays.
    pub(super) fn give_up(&mut self) {
        self.state = self.before.clone();
        self.drafts.clear();
        self.known.clear();
        self.jobs.clear();
        self.containers.clear();
        self.orders.clear();
        self.counts.clear();
        self.used.clear();
    }

    /// A record of something on a lane, by the person there.
    pub(super) fn draft(&self, lane: &str, event: Event, subject: Subject) -> Draft {
        let mut draft = Draft::new(event, subject);
        draft.lane = Some(lane.to_owned());
        draft.actor.clone_from(&self.actor);
        draft
    }

    /// Adds a record and tells the sequence that it will have.
    pub(super) fn write(&mut self, draft: Draft) -> u64 {
        self.drafts.push(draft);
        self.state.last_seq + self.drafts.len() as u64
    }

    /// Who allowed what, for the record that would not have been written.
    pub(super) fn allowed(&self) -> Option<Allowed> {
        let permission = self.permission.as_ref().filter(|_| !self.used.is_empty())?;
        let code = self.used.iter().map(|code| code.word()).collect::<Vec<_>>().join(",");
        Some(Allowed { code, by: permission.by.clone(), reason: permission.reason.clone() })
    }

    /// A rule refuses with this answer, unless a supervisor allows it.
    pub(super) fn unless_allowed(&mut self, refused: Answer) -> Result<(), Answer> {
        match &self.permission {
            Some(permission) if permission.codes.contains(&refused.code) => {
                if !self.used.contains(&refused.code) {
                    self.used.push(refused.code);
                }
                Ok(())
            }
            _ => Err(refused),
        }
    }

    pub(super) fn station(&self) -> Subject {
        Subject::station(&self.line.station)
    }

    pub(super) fn forget_known(&mut self, scope: &str, serial: &str) {
        self.known.push(KnownChange::Remove { scope: scope.to_owned(), serial: serial.to_owned() });
    }

    /// The lane, to be changed.
    pub(super) fn lane(&mut self, name: &str) -> &mut Lane {
        if !self.state.lanes.contains_key(name) {
            self.state.lanes.insert(name.to_owned(), Lane::default());
        }
        self.state.lanes.entry(name.to_owned()).or_default()
    }

    /// The lane, to be looked at.
    pub(super) fn on(&self, name: &str) -> Option<&Lane> {
        self.state.lanes.get(name)
    }

    /// The identity of the record that made a unit what it is; `None` where it is not known any more.
    pub(super) fn record_of(&self, seq: u64, series: Option<records::SeriesId>) -> Option<RecordId> {
        let id = self.line.record(seq);
        (seq > 0).then(|| RecordId { series: series.unwrap_or(id.series), ..id })
    }

    pub(super) fn set_known(&mut self, scope: &str, serial: &str, known: Known) {
        self.known.push(KnownChange::Set { scope: scope.to_owned(), serial: serial.to_owned(), known });
    }

    /// A container, as it is now.
    pub(super) fn container(&self, id: &str) -> Option<KnownContainer> {
        let mut container = self.containers.get(id).or_else(|| self.facts.containers.get(id)).cloned();
        if let Some((lane, open)) = self.state.open_container(id) {
            let known = container.get_or_insert_with(|| open.known(lane));
            (known.count, known.units, known.common) = (open.count, open.units, open.common.clone());
        }
        container
    }

    pub(super) fn set_container(&mut self, container: KnownContainer) {
        self.containers.insert(container.id.clone(), container);
    }

    /// What this station did of a work order, to be changed.
    pub(super) fn order(&mut self, id: &str) -> &mut OrderCount {
        if self.state.orders.contains_key(id) {
            return self.state.orders.entry(id.to_owned()).or_default();
        }
        let known = self.facts.orders.get(id).copied().unwrap_or_default();
        self.orders.entry(id.to_owned()).or_insert(known)
    }

    /// A lane works on this order from now on, or will: its counts stay in the state.
    pub(super) fn keep_order(&mut self, id: &str) {
        if !self.state.orders.contains_key(id) {
            let count = self.orders.remove(id).or_else(|| self.facts.orders.get(id).copied()).unwrap_or_default();
            self.state.orders.insert(id.to_owned(), count);
        }
    }

    /// One more for the report of the shift.
    pub(super) fn count(&mut self, lane: &str, work_order: Option<&str>, what: impl Into<String>) {
        self.counts.push(Count {
            lane: lane.to_owned(),
            person: self.actor.clone().unwrap_or_default(),
            work_order: work_order.unwrap_or_default().to_owned(),
            what: what.into(),
        });
    }

    /// What is open on the lane, for the answer.
    pub(super) fn filled(&self, name: &str, mut answer: Answer) -> Answer {
        let Some(lane) = self.on(name) else { return answer };
        let filling = |depth: usize| {
            let open = self.at(lane, depth)?;
            Some(Filling { id: open.id.clone(), count: open.count, size: self.size(Some(lane), depth) })
        };
        let levels = self.levels().len();
        answer.package = filling(0);
        answer.pallet = (levels > 1).then(|| filling(levels - 1)).flatten();
        answer
    }
}

/// A device as a subject.
pub(super) fn device(scope: &str, serial: &str) -> Subject {
    Subject { kind: Kind::Device, id: serial.to_owned(), scope: scope.to_owned() }
}
