//! Two stations that commit every decision at once, and what is held against them after each.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use agent::settings::Settings;
use agent::station::{
    Answer, Close, Code, Command, ContainerState, Facts, HeldInside, Hold, IdFrom, Input, Interlock, Known,
    KnownChange, KnownContainer, LaneRules, Line, OrderChange, OrderCount, Outcome, Packing, Raw, Reading, RigResult,
    Role, Service, State, UnitState, Unread, Wanted, decide,
};
use records::attributes::Attributes;
use records::wire::{Terms, WorkOrderMessage};
use records::{Draft, Event, FixedBytes, Hash, Kind, Place, Record, Stamp};

use crate::acts::{Act, Setup, Shift, What};
use crate::service::{Office, name};
use crate::truth::Truth;

mod checks;
mod play;

pub use play::play;

const LANES: [&str; 2] = ["main", "side"];

/// What a station does wrong on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutation {
    /// A unit that was taken out is not known to be out.
    ForgetsUnits,
    /// What becomes of closed containers is not kept.
    ForgetsContainers,
    /// A restart forgets what was open.
    RestartsEmpty,
    /// What the service says is not looked at.
    DeafToService,
}

/// What shifts were good for.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    acts: u64,
    records: u64,
    events: BTreeMap<String, u64>,
    refusals: BTreeSet<Code>,
    contested: u64,
}

impl Figures {
    pub fn add(&mut self, other: &Self) {
        self.acts += other.acts;
        self.records += other.records;
        self.contested += other.contested;
        for (event, count) in &other.events {
            *self.events.entry(event.clone()).or_default() += count;
        }
        self.refusals.extend(&other.refusals);
    }

    /// Did enough of everything happen?
    pub fn is_rich(&self) -> bool {
        self.refusals.len() >= 40 && self.events.len() >= 20 && self.contested > 0
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { acts, records, events, refusals, contested } = self;
        let events = serde_json::json!(events);
        write!(
            f,
            "\"acts\":{acts},\"records\":{records},\"contested\":{contested},\"codes\":{},\"events\":{events}",
            refusals.len()
        )
    }
}

fn packing() -> Packing {
    let config = "station = \"a\"\n[sscc]\ncompany_prefix = \"9521234\"\n[[rule]]\nname = \"r\"\npattern = '(?<serialNumber>.+)'\n";
    Settings::parse("t.toml".as_ref(), config).unwrap().packing
}

fn line(setup: &Setup, station: usize) -> Line {
    let mut packing = packing();
    let base = packing.levels.clone();
    let close = if setup.by_command { Close::Command } else { Close::Auto };
    packing.levels = match setup.three_levels {
        true => {
            let carton = agent::station::LevelRules { name: "carton".into(), ..base[0].clone() };
            vec![base[0].clone(), carton, base[1].clone()]
        }
        false => base,
    };
    for (level, size) in packing.levels.iter_mut().zip(setup.sizes) {
        (level.size, level.close) = (size, close);
    }
    packing.levels[0].scan_back = setup.scan_back;
    if setup.scanned_pallets {
        packing.levels.last_mut().unwrap().id = IdFrom::Scanned;
    }
    packing.order_change = if setup.closes_on_change { OrderChange::Close } else { OrderChange::Refuse };
    // Two stations never have the same SSCCs.
    let first = 500_000 * station as u64;
    packing.sscc = gs1::SsccRange::new(0, "9521234".parse().unwrap(), first, first + 499_999).unwrap();
    let rules = LaneRules {
        roles: Role::ALL.into_iter().map(|(_, role)| role).collect(),
        operator_required: setup.operator,
        interlock: Interlock { asked: setup.interlock.0, offline: setup.interlock.1, ..Interlock::default() },
        requires_test: setup.requires_test,
        most_tests: Some(3),
        components: Vec::new(),
    };
    let mut line = Line {
        station: name(station),
        series: FixedBytes([u8::try_from(station).unwrap() + 1; 16]),
        packing,
        labels: Vec::new(),
        printers: Vec::new(),
        rules: Default::default(),
    };
    line.rules.lanes = LANES.map(|lane| (lane.to_owned(), rules.clone())).into();
    line.rules.people.supervisors = BTreeSet::from(["boss".to_owned()]);
    line.rules.people.allows =
        [Code::WrongPattern, Code::QuantityReached, Code::NotTested, Code::DuplicateElsewhere].into();
    line.rules.reasons = if setup.reasons { vec!["damaged".to_owned()] } else { vec![] };
    line
}

struct Bench {
    index: usize,
    line: Line,
    state: State,
    known: BTreeMap<(String, String), Known>,
    containers: BTreeMap<String, KnownContainer>,
    orders: BTreeMap<String, OrderCount>,
    holds: BTreeSet<String>,
    room: bool,
    now: u64,
    truth: Truth,
    /// Drafts that the service does not have yet.
    queue: Vec<Draft>,
    inputs: Vec<(Input, u64)>,
    serials: u64,
    /// What the service says to the next scan, whatever it is about.
    told: Option<Service>,
    /// Another station has gone on with what this one had open.
    dead: bool,
    mutation: Option<Mutation>,
}

fn stamp(millis: u64) -> Stamp {
    let wall = jiff::Timestamp::from_millisecond(1_800_000_000_000 + i64::try_from(millis).unwrap()).unwrap();
    Stamp { wall, synchronised: true, boot: "boot".into(), since_boot: millis }
}

fn born(station: usize) -> State {
    let first = 500_000 * station as u64;
    State { sscc_next: first, sscc_reserved: first + 100_000, ..State::default() }
}

/// The terms of the work orders of the shift.
fn terms(order: u8) -> Terms {
    match order {
        0 => Terms { quantity: Some(4), over_run: 1, ..Terms::default() },
        1 => Terms { serial_pattern: Some("U[0-9]".into()), ..Terms::default() },
        2 => Terms { package_size: Some(2), ..Terms::default() },
        _ => Terms::default(),
    }
}

fn order(number: u8) -> String {
    format!("WO-{number}")
}

fn unit(number: u8) -> Reading {
    Reading::Device { serial: format!("U{number}"), scope: String::new(), attributes: Attributes::new() }
}

impl Bench {
    fn container(&self, which: u8) -> Reading {
        let ids: Vec<&String> = self.containers.keys().collect();
        let pick = usize::from(which) % (ids.len() + 1);
        let id = ids.get(pick).map_or_else(|| format!("PRE-{}-{}", self.index, self.serials), |id| (*id).clone());
        Reading::Container { id, attributes: Attributes::new() }
    }

    /// Mostly one that is open.
    fn open_container(&self, which: u8) -> Reading {
        let open: Vec<&String> = self.truth.open.iter().collect();
        match open.get(usize::from(which) % (open.len() + 1)) {
            Some(id) => Reading::Container { id: (*id).clone(), attributes: Attributes::new() },
            None => self.container(which),
        }
    }

    fn reading(&self, what: &What) -> Option<Result<Reading, Unread>> {
        Some(Ok(match what {
            What::Unit(number) => unit(*number),
            What::Container(which) => self.container(*which),
            What::Component(number) => Reading::Component {
                serial: format!("C{number}"),
                kind: "board".into(),
                scope: "component:board".into(),
                attributes: Attributes::new(),
            },
            What::Order(number) => {
                Reading::WorkOrder { id: order(*number), attributes: Attributes::new(), terms: terms(*number) }
            }
            What::Command(command) => Reading::Command(*command),
            What::Badge(2) => Reading::Badge { person: "boss".into(), supervisor: true },
            What::Badge(number) => Reading::Badge { person: format!("p{number}"), supervisor: false },
            What::Reason => Reading::Reason { text: "damaged".into() },
            What::Unread => return Some(Err(Unread::NoRule)),
            _ => return None,
        }))
    }

    fn facts(&self, wanted: &Wanted, service: Service) -> Facts {
        let known = wanted.unit.as_ref().and_then(|unit| self.known.get(unit).cloned());
        let mut ids = wanted.containers.clone();
        ids.extend(known.as_ref().and_then(|known| known.package.clone()));
        let mut containers = BTreeMap::new();
        while let Some(id) = ids.pop() {
            if let Some(container) = self.containers.get(&id) {
                ids.extend(container.parent.clone());
                containers.insert(id, container.clone());
            }
        }
        let of_containers = containers.values().filter_map(|container| container.work_order.clone());
        let ids = wanted.order.iter().cloned().chain(known.as_ref().and_then(|known| known.work_order.clone()));
        let orders = ids.chain(of_containers).filter_map(|id| Some((id.clone(), *self.orders.get(&id)?))).collect();
        let contents = wanted.contents.as_ref().map_or_else(Vec::new, |container| {
            let inside = |known: &Known| known.package.as_ref() == Some(container);
            let units = self.known.iter().filter(|((scope, _), known)| scope.is_empty() && inside(known));
            let inner = self.containers.values().filter(|known| known.parent.as_ref() == Some(container));
            units.map(|((_, serial), _)| serial.clone()).chain(inner.map(|known| known.id.clone())).collect()
        });
        let is_held = |hold: &&Hold| matches!(hold, Hold::Serial(serial) if self.holds.contains(serial));
        let held = wanted.holds.iter().filter(is_held).cloned().collect();
        let known_of = |unit: &(String, String)| Some((unit.clone(), self.known.get(unit)?.clone()));
        let units = wanted.units.iter().filter_map(known_of).collect();
        Facts {
            known,
            units,
            containers,
            orders,
            contents,
            label: None,
            held,
            recalled: Vec::new(),
            service,
            inside: wanted.inside.as_ref().map(|id| self.held_inside(id)).unwrap_or_default(),
            room: self.room,
        }
    }

    /// Units on hold in a container, at any depth, as the station knows it.
    fn held_inside(&self, id: &str) -> HeldInside {
        let mut found = HeldInside::default();
        let mut boxes = vec![id.to_owned()];
        while let Some(id) = boxes.pop() {
            let inner = self.containers.values().filter(|known| known.parent.as_ref() == Some(&id));
            boxes.extend(inner.map(|known| known.id.clone()));
            let units = self.known.iter().filter(|(_, known)| known.package.as_ref() == Some(&id));
            let held = units.filter(|((_, serial), known)| known.held || self.holds.contains(serial));
            found.serials.extend(held.map(|((_, serial), _)| serial.clone()));
        }
        found
    }

    fn ask(&self, office: &Office, network: bool, wanted: &Wanted) -> Service {
        let asked = self.line.rules.lanes["main"].interlock.asked != agent::station::Interlocked::Off;
        match (&wanted.unit, network) {
            _ if !asked => Service::Off,
            _ if self.mutation == Some(Mutation::DeafToService) => deaf(),
            (Some((scope, serial)), true) => office.answer(self.index, scope, serial),
            // Nobody has delivered anything about containers.
            (None, true) if wanted.inside.is_some() => Service::Answer { age_ms: 0, unit: None, container: None },
            _ => Service::Unreachable,
        }
    }

    fn scan(
        &mut self,
        lane: &str,
        reading: Result<Reading, Unread>,
        office: &mut Office,
        network: bool,
    ) -> Result<Answer, String> {
        let wanted = reading.as_ref().map_or(Wanted::default(), |r| Wanted::of(&self.state, lane, r));
        let service = self.told.take().unwrap_or_else(|| self.ask(office, network, &wanted));
        let wanted = wanted.with(&self.state, lane, &service);
        let facts = self.facts(&wanted, service);
        let raw = Raw { bytes: 3, mark: format!("{reading:?}").chars().take(60).collect() };
        let input = Input::Scanned { lane: lane.to_owned(), scanner: "hand".into(), reading, raw, facts };
        self.decide(input, office, network).map(|answer| answer.expect("a scan is answered"))
    }

    fn decide(&mut self, input: Input, office: &mut Office, network: bool) -> Result<Option<Answer>, String> {
        let before = self.state.clone();
        let decision = decide(&self.line, &self.state, &input, &stamp(self.now));
        self.check_decision(&before, &input, &decision)?;
        self.inputs.push((input, self.now));
        for draft in &decision.drafts {
            let place = Place { seq: 1, prev: Hash::ZERO, rules: Hash::ZERO, at: stamp(0) };
            let line = Record::new(draft.clone(), place).to_line().map_err(|error| error.to_string())?;
            serde_json::from_slice::<Record>(&line).map_err(|error| format!("{error}: {draft:?}"))?;
            self.check_rules(&before, draft)?;
            self.truth.step(draft)?;
        }
        self.queue.extend(decision.drafts);
        self.state = decision.next;
        for change in decision.known {
            match change {
                KnownChange::Set { known, .. }
                    if self.mutation == Some(Mutation::ForgetsUnits) && known.state == UnitState::Out => {}
                KnownChange::Set { scope, serial, known } => drop(self.known.insert((scope, serial), known)),
                KnownChange::Remove { scope, serial } => drop(self.known.remove(&(scope, serial))),
            }
        }
        for container in decision.containers {
            let forget = self.mutation == Some(Mutation::ForgetsContainers) && container.parent.is_some();
            if !forget || !self.containers.contains_key(&container.id) {
                self.containers.insert(container.id.clone(), container);
            }
        }
        self.orders.extend(decision.orders);
        if network {
            self.deliver(office);
        }
        self.check_beliefs()?;
        Ok(decision.answer)
    }

    fn deliver(&mut self, office: &mut Office) {
        for draft in self.queue.drain(..) {
            office.receive(self.index, &draft);
        }
    }

    fn restart(&mut self) -> Result<(), String> {
        let json = serde_json::to_string(&self.state).map_err(|error| error.to_string())?;
        let mut read: State = serde_json::from_str(&json).map_err(|error| error.to_string())?;
        if read != self.state {
            return Err(format!("the state reads back otherwise: {json}"));
        }
        if self.mutation == Some(Mutation::RestartsEmpty) {
            drop(read.abandon_open());
        }
        self.state = read;
        self.check_beliefs()
    }

    /// The same inputs from the beginning give the same state.
    fn replay(&self) -> Result<(), String> {
        let mut state = born(self.index);
        for (input, now) in &self.inputs {
            state = decide(&self.line, &state, input, &stamp(*now)).next;
        }
        if state == self.state { Ok(()) } else { Err("played again, it ends otherwise".to_owned()) }
    }

    /// All refusals are on record, or counted.
    fn every_refusal_counts_once(&mut self, office: &mut Office) -> Result<(), String> {
        self.now += 1_000_000;
        self.room = true;
        while self.state.tick_is_due(&stamp(self.now), true) {
            self.decide(Input::Tick { room: true }, office, true)?;
        }
        match (self.truth.refused, self.state.counters.refused) {
            (told, counted) if told == counted => Ok(()),
            (told, counted) => Err(format!("{counted} refusals, on record {told}")),
        }
    }
}

/// The service knows nothing, says a station that does not listen.
fn deaf() -> Service {
    Service::Answer { age_ms: 0, unit: None, container: None }
}
