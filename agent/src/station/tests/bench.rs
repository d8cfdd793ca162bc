//! A station under test.

use super::*;

/// A station that commits every decision at once.
pub(super) struct Bench {
    pub(super) line: Line,
    pub(super) state: State,
    pub(super) known: BTreeMap<(String, String), Known>,
    pub(super) containers: BTreeMap<String, KnownContainer>,
    pub(super) orders: BTreeMap<String, OrderCount>,
    pub(super) counts: BTreeMap<String, u64>,
    pub(super) labels: BTreeMap<String, Job>,
    pub(super) service: Service,
    pub(super) holds: BTreeSet<Hold>,
    pub(super) recalled: BTreeSet<Hold>,
    pub(super) room: bool,
    pub(super) records: Vec<records::Draft>,
    pub(super) now: u64,
}

impl Bench {
    pub(super) fn new(line: Line) -> Self {
        let state = State { sscc_next: 0, sscc_reserved: 100, ..State::default() };
        Self {
            line,
            state,
            known: BTreeMap::new(),
            containers: BTreeMap::new(),
            orders: BTreeMap::new(),
            counts: BTreeMap::new(),
            labels: BTreeMap::new(),
            service: Service::Off,
            holds: BTreeSet::new(),
            recalled: BTreeSet::new(),
            room: true,
            records: Vec::new(),
            now: 0,
        }
    }

    pub(super) fn with_work_order() -> Self {
        let mut bench = Self::new(line());
        assert_eq!(bench.work_order("WO-1").code, Code::WorkOrderStarted);
        bench
    }

    pub(super) fn decide(&mut self, input: Input) -> Option<Answer> {
        let decision = decide(&self.line, &self.state, &input, &stamp(self.now));
        assert_eq!(decision.next.last_seq, self.state.last_seq + decision.drafts.len() as u64);
        self.state = decision.next;
        self.records.extend(decision.drafts);
        for change in decision.known {
            match change {
                KnownChange::Set { scope, serial, known } => drop(self.known.insert((scope, serial), known)),
                KnownChange::Remove { scope, serial } => assert!(self.known.remove(&(scope, serial)).is_some()),
            }
        }
        self.containers.extend(decision.containers.into_iter().map(|known| (known.id.clone(), known)));
        self.orders.extend(decision.orders);
        for count in decision.counts {
            *self.counts.entry(count.what).or_default() += 1;
        }
        for job in decision.jobs {
            let (id, job) = match job {
                JobChange::New(draft) => {
                    let id = self.labels.len() as u64 + 1;
                    let (state, picture, why) = (JobState::Waiting, None, String::new());
                    (draft.sscc.clone(), Job { id, draft, state, picture, why, prints: 0, at: 0 })
                }
                JobChange::Set(job) => (job.draft.sscc.clone(), job),
            };
            self.labels.insert(id, job);
        }
        decision.answer
    }

    pub(super) fn facts(&self, wanted: &Wanted) -> Facts {
        let mut ids = wanted.containers.clone();
        let known = wanted.unit.as_ref().and_then(|unit| self.known.get(unit).cloned());
        ids.extend(known.as_ref().and_then(|known| known.package.clone()));
        let mut containers = BTreeMap::new();
        while let Some(id) = ids.pop() {
            if let Some(container) = self.containers.get(&id) {
                ids.extend(container.parent.clone());
                containers.insert(id, container.clone());
            }
        }
        let orders = wanted.order.iter().cloned().chain(known.as_ref().and_then(|known| known.work_order.clone()));
        let orders = orders.filter_map(|id| Some((id.clone(), *self.orders.get(&id)?))).collect();
        let inside = |container: &String| {
            let units = self.known.iter().filter(|(_, known)| known.package.as_ref() == Some(container));
            let units = units.map(|((_, serial), _)| serial.clone());
            let inner = self.containers.values().filter(|known| known.parent.as_ref() == Some(container));
            units.chain(inner.map(|known| known.id.clone())).collect()
        };
        let known_of = |unit: &(String, String)| Some((unit.clone(), self.known.get(unit)?.clone()));
        Facts {
            known,
            units: wanted.units.iter().filter_map(known_of).collect(),
            containers,
            orders,
            contents: wanted.contents.as_ref().map(inside).unwrap_or_default(),
            label: wanted.label.as_ref().and_then(|id| self.labels.get(id).cloned()),
            held: wanted.holds.iter().filter(|hold| self.holds.contains(hold)).cloned().collect(),
            recalled: wanted.holds.iter().filter(|hold| self.recalled.contains(hold)).cloned().collect(),
            service: self.service.clone(),
            inside: wanted.inside.as_ref().map(|id| self.held_inside(id)).unwrap_or_default(),
            room: self.room,
        }
    }

    /// What of the contents of a container is on hold.
    fn held_inside(&self, id: &str) -> HeldInside {
        let mut found = HeldInside::default();
        let mut boxes = vec![id.to_owned()];
        while let Some(id) = boxes.pop() {
            let inner = self.containers.values().filter(|known| known.parent.as_ref() == Some(&id));
            boxes.extend(inner.map(|known| known.id.clone()));
            for ((_, serial), known) in self.known.iter().filter(|(_, known)| known.package.as_ref() == Some(&id)) {
                let holds = [Some(Hold::Serial(serial.clone())), known.lot.clone().map(Hold::Lot)];
                let is_in = |all: &BTreeSet<Hold>| holds.iter().flatten().any(|hold| all.contains(hold));
                if known.held || is_in(&self.holds) {
                    found.serials.insert(serial.clone());
                    found.recalled |= is_in(&self.recalled);
                }
            }
        }
        found
    }

    pub(super) fn scanned(&mut self, reading: Result<Reading, Unread>, mark: &str) -> Answer {
        self.scanned_on("main", reading, mark)
    }

    pub(super) fn scanned_on(&mut self, lane: &str, reading: Result<Reading, Unread>, mark: &str) -> Answer {
        let raw = Raw { bytes: mark.len(), mark: mark.into() };
        let state = self.state.lanes.get(lane);
        let reading = reading.map(|reading| self.line.rules.whole_label(state, reading, &stamp(self.now)));
        let wanted = reading.as_ref().map_or(Wanted::default(), |r| Wanted::of(&self.state, lane, r));
        let facts = self.facts(&wanted.with(&self.state, lane, &self.service));
        let (lane, scanner) = (lane.into(), "hand".into());
        self.decide(Input::Scanned { lane, scanner, reading, raw, facts }).unwrap()
    }

    pub(super) fn device(&mut self, serial: &str) -> Answer {
        self.labelled(serial, &[])
    }

    pub(super) fn labelled(&mut self, serial: &str, label: &[(&str, &str)]) -> Answer {
        let attributes: Attributes = label.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        self.scanned(Ok(Reading::Device { serial: serial.into(), scope: String::new(), attributes }), serial)
    }

    pub(super) fn work_order(&mut self, id: &str) -> Answer {
        self.scanned(
            Ok(Reading::WorkOrder { id: id.into(), attributes: Attributes::new(), terms: Default::default() }),
            id,
        )
    }

    pub(super) fn command(&mut self, command: Command) -> Answer {
        self.scanned(Ok(Reading::Command(command)), "command")
    }

    pub(super) fn message(&mut self, revision: u64, id: Option<&str>) -> Option<Code> {
        let message = WorkOrderMessage {
            revision,
            work_order: id.map(Into::into),
            attributes: Attributes::new(),
            terms: Default::default(),
        };
        let facts = self.facts(&Wanted::of_order(&self.state, &message));
        self.decide(Input::WorkOrder { lane: "main".into(), message, facts }).map(|answer| answer.code)
    }

    pub(super) fn events(&self) -> Vec<Event> {
        self.records.iter().map(|draft| draft.event).collect()
    }
}
