//! Two stations that commit every decision at once, and what is held against them after each.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use agent::settings::Settings;
use agent::station::{
    Answer, Close, Code, Command, ContainerState, Facts, Hold, IdFrom, Input, Interlock, Known, KnownChange,
    KnownContainer, LaneRules, Line, OrderChange, OrderCount, Outcome, Packing, Raw, Reading, RigResult, Role, Service,
    State, UnitState, Unread, Wanted, decide,
};
use records::attributes::Attributes;
use records::wire::{Terms, WorkOrderMessage};
use records::{Draft, Event, FixedBytes, Hash, Kind, Place, Record, Stamp};

use crate::acts::{Act, Setup, Shift, What};
use crate::service::{Office, name};
use crate::truth::Truth;

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
        self.refusals.len() >= 30 && self.events.len() >= 15 && self.contested > 0
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
        Facts { known, containers, orders, contents, label: None, held, service, room: self.room }
    }

    fn ask(&self, office: &Office, network: bool, wanted: &Wanted) -> Service {
        let asked = self.line.rules.lanes["main"].interlock.asked != agent::station::Interlocked::Off;
        match (&wanted.unit, network) {
            _ if !asked || self.mutation == Some(Mutation::DeafToService) => Service::Off,
            (Some((scope, serial)), true) => office.answer(self.index, scope, serial),
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
        let facts = self.facts(&wanted, self.ask(office, network, &wanted));
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

    /// What must hold of every decision.
    fn check_decision(&self, before: &State, input: &Input, decision: &agent::station::Decision) -> Result<(), String> {
        if decision.next.last_seq != before.last_seq + decision.drafts.len() as u64 {
            return Err("sequences and records count otherwise".to_owned());
        }
        if *decision != decide(&self.line, before, input, &stamp(self.now)) {
            return Err("the same input is decided otherwise".to_owned());
        }
        let Some(answer) = &decision.answer else { return Ok(()) };
        if answer.text.is_empty() || (answer.outcome == Outcome::Refused && answer.help.is_empty()) {
            return Err(format!("{answer:?} does not say what is the matter, or what to do"));
        }
        let refused = decision.next.counters.refused - before.counters.refused;
        let told = [Code::TestFailed, Code::CountDiffers, Code::InAnotherPackage, Code::Contradicted];
        // What the service says later is no scan that was refused.
        let is_scan = !matches!(input, Input::Checked { .. });
        if is_scan && answer.outcome == Outcome::Refused && refused == 0 && !told.contains(&answer.code) {
            return Err(format!("{answer:?} is not counted as refused"));
        }
        // Refused whole: nothing of it happened.
        let happened = decision.drafts.iter().any(|draft| draft.event != Event::Refused);
        if refused > 0 && (happened || !decision.containers.is_empty() || !decision.orders.is_empty()) {
            return Err(format!("{answer:?}, and something happened: {:?}", decision.drafts));
        }
        Ok(())
    }

    /// Nothing is accepted that a rule forbids.
    fn check_rules(&self, before: &State, draft: &Draft) -> Result<(), String> {
        let unit = (draft.subject.scope.clone(), draft.subject.id.clone());
        if draft.event != Event::Packed || draft.subject.kind != Kind::Device {
            return Ok(());
        }
        let allowed = draft.allowed.as_ref().map_or("", |allowed| allowed.code.as_str());
        let is_allowed = |code: &str| allowed.split(',').any(|word| word == code);
        let fail = |what: &str| Err(format!("{what}: {draft:?}"));
        let lane = before.lane(draft.lane.as_deref().unwrap_or_default());
        if self.holds.contains(&unit.1) || self.truth.held.contains(&unit) {
            return fail("it is on hold");
        }
        let rules = &self.line.rules.lanes["main"];
        if rules.operator_required && draft.actor.is_none() {
            return fail("nobody was signed on");
        }
        if rules.requires_test
            && !self.truth.tested.get(&unit).is_some_and(|(passed, _)| *passed)
            && !is_allowed("not-tested")
        {
            return fail("it has not passed");
        }
        let Some(order) = lane.work_order else { return fail("there was no work order") };
        if order.id == "WO-1" && unit.1.len() != 2 && !is_allowed("wrong-pattern") {
            return fail("it does not match the pattern");
        }
        if order.id == "WO-0" && self.truth.packed_of("WO-0") >= 5 && !is_allowed("quantity-reached") {
            return fail("the order was full");
        }
        let into = &draft.into[0].id;
        let level = &self.line.packing.levels[0];
        let size = order.terms.package_size.unwrap_or(level.size) as usize;
        if self.truth.count(into) >= size {
            return fail("the package was full");
        }
        if allowed.is_empty() != draft.allowed.is_none() {
            return fail("a permission without a code");
        }
        Ok(())
    }

    /// What the station believes is what the records say.
    fn check_beliefs(&self) -> Result<(), String> {
        for (unit, known) in &self.known {
            let inside = self.truth.inside.get(unit);
            let believed = known.package.as_ref().map(|package| package.split('\u{1f}').next().unwrap_or_default());
            if inside.map(String::as_str) != believed {
                return Err(format!("{unit:?} is believed in {believed:?}, and is in {inside:?}"));
            }
            if (known.state == UnitState::Scrapped) != self.truth.scrapped.contains(unit) {
                return Err(format!("{unit:?} is believed {:?}", known.state));
            }
            let tested = known.test.map(|test| (test.passed, u64::from(test.attempts)));
            if tested != self.truth.tested.get(unit).copied() {
                return Err(format!(
                    "{unit:?} was tested {:?}, and it is believed {tested:?}",
                    self.truth.tested.get(unit)
                ));
            }
        }
        if let Some(unit) = self.truth.inside.keys().find(|unit| !self.known.contains_key(*unit)) {
            return Err(format!("{unit:?} is not known any more"));
        }
        let mut open = BTreeSet::new();
        for lane in self.state.lanes.values() {
            for level in &self.line.packing.levels {
                if lane.open.iter().filter(|open| open.level == level.name).count() > 1 {
                    return Err("two containers of a level are open on a lane".to_owned());
                }
            }
            for container in lane.open.iter().chain(&lane.spare) {
                let (count, units) = (self.truth.count(&container.id), self.truth.units(&container.id));
                if container.count as usize != count || container.units.is_some_and(|known| known as usize != units) {
                    return Err(format!("{container:?} has {count} in it, and {units} units"));
                }
                open.insert(container.id.clone());
            }
        }
        if open != self.truth.open {
            return Err(format!("open are {:?}, believed {open:?}", self.truth.open));
        }
        for (id, container) in &self.containers {
            if (container.state == ContainerState::Open) != open.contains(id) {
                return Err(format!("{container:?} is open: {}", open.contains(id)));
            }
            if container.parent.as_ref() != self.truth.parent.get(id) {
                return Err(format!("{container:?} is in {:?}", self.truth.parent.get(id)));
            }
            let (count, units) = (self.truth.count(id), self.truth.units(id));
            if container.state != ContainerState::Open
                && (container.count as usize != count || container.units.is_some_and(|known| known as usize != units))
            {
                return Err(format!("{container:?} has {count} in it, and {units} units"));
            }
        }
        for (id, count) in self.orders.iter().chain(&self.state.orders) {
            let current = self.state.orders.get(id).unwrap_or(count);
            if current.packed != self.truth.packed_of(id) {
                return Err(format!("{id} has {} units, believed {current:?}", self.truth.packed_of(id)));
            }
        }
        Ok(())
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

/// Plays a shift; the first thing that is not as it must be.
///
/// # Errors
/// What that is.
pub fn play(shift: &Shift, mutation: Option<Mutation>) -> Result<Figures, String> {
    let mut office = Office::default();
    let mut network = true;
    let mut figures = Figures::default();
    let mut benches = [0, 1].map(|index| Bench {
        index,
        line: line(&shift.setup, index),
        state: born(index),
        known: BTreeMap::new(),
        containers: BTreeMap::new(),
        orders: BTreeMap::new(),
        holds: BTreeSet::new(),
        room: true,
        now: 0,
        truth: Truth::default(),
        queue: Vec::new(),
        inputs: Vec::new(),
        serials: 0,
        mutation,
    });
    let mut revision = 0;
    for (step, act) in shift.acts.iter().enumerate() {
        figures.acts += 1;
        let mut told = Vec::new();
        one(&mut benches, act, &mut office, &mut network, &mut revision, &mut told)
            .map_err(|why| format!("act {step}: {why}"))?;
        figures
            .refusals
            .extend(told.iter().filter(|answer| answer.outcome == Outcome::Refused).map(|answer| answer.code));
    }
    // The network returns: everything is delivered, and what was accepted without the service is asked for.
    for bench in &mut benches {
        bench.deliver(&mut office);
    }
    for bench in &mut benches {
        recheck(bench, &mut office)?;
        bench.every_refusal_counts_once(&mut office)?;
        bench.replay()?;
    }
    let asked = shift.setup.interlock.0 != agent::station::Interlocked::Off;
    for unit in office.contested() {
        figures.contested += 1;
        let alarmed = benches.iter().any(|bench| bench.truth.contradicted.contains(&unit));
        // A supervisor may have allowed it, or a unit was moved while it was elsewhere: both are on record.
        let on_record = |bench: &Bench| {
            bench.inputs.iter().any(|(input, _)| {
                matches!(input, Input::Scanned { reading: Ok(Reading::Badge { supervisor: true, .. }), .. })
            })
        };
        if asked && !alarmed && !benches.iter().any(on_record) {
            return Err(format!("{unit:?} is packed at both stations, and nobody was told"));
        }
    }
    figures.records = benches.iter().map(|bench| bench.state.last_seq).sum();
    count_events(&benches, &mut figures);
    Ok(figures)
}

fn count_events(benches: &[Bench; 2], figures: &mut Figures) {
    for bench in benches {
        let mut state = born(bench.index);
        for (input, now) in &bench.inputs {
            let decision = decide(&bench.line, &state, input, &stamp(*now));
            for draft in decision.drafts {
                *figures.events.entry(format!("{:?}", draft.event)).or_default() += 1;
            }
            state = decision.next;
        }
    }
}

fn recheck(bench: &mut Bench, office: &mut Office) -> Result<(), String> {
    let unchecked: Vec<_> = bench
        .known
        .iter()
        .filter(|(_, known)| known.unchecked)
        .map(|(unit, known)| (unit.clone(), known.clone()))
        .collect();
    for ((scope, serial), known) in unchecked {
        let service = office.answer(bench.index, &scope, &serial);
        let lane = LANES[0].to_owned();
        bench.decide(Input::Checked { lane, scope, serial, known, service }, office, true)?;
    }
    match bench.known.values().any(|known| known.unchecked) {
        true => Err("something is unchecked still".to_owned()),
        false => Ok(()),
    }
}

fn one(
    benches: &mut [Bench; 2],
    act: &Act,
    office: &mut Office,
    network: &mut bool,
    revision: &mut u64,
    told: &mut Vec<Answer>,
) -> Result<(), String> {
    if let What::Network(on) = act.what {
        *network = on;
        if on {
            for bench in benches.iter_mut() {
                bench.deliver(office);
            }
            for bench in benches.iter_mut() {
                recheck(bench, office)?;
            }
        }
        return Ok(());
    }
    let (bench, lane) = (&mut benches[act.station], LANES[act.lane]);
    bench.now += 1_000;
    bench.serials += 1;
    let network = *network;
    if let Some(reading) = bench.reading(&act.what) {
        told.push(bench.scan(lane, reading, office, network)?);
        return Ok(());
    }
    match &act.what {
        What::With(command, what) => {
            let with_reason = !bench.line.rules.reasons.is_empty();
            told.push(bench.scan(lane, Ok(Reading::Command(*command)), office, network)?);
            if let Some(reading) = bench.reading(what) {
                told.push(bench.scan(lane, reading, office, network)?);
            }
            if with_reason {
                let reason = Reading::Reason { text: "damaged".into() };
                told.push(bench.scan(lane, Ok(reason), office, network)?);
            }
        }
        What::Move(mistake, number, into) => {
            let command = if *mistake { Command::Correct } else { Command::Move };
            let (thing, into) = match number % 4 {
                0 => (bench.container(*number), bench.container(*into)),
                _ => (unit(number % crate::acts::UNITS), bench.container(*into)),
            };
            for reading in [Reading::Command(command), thing, into] {
                told.push(bench.scan(lane, Ok(reading), office, network)?);
            }
        }
        What::Consignee => {
            for reading in [Reading::Consignee { id: "ACME".into() }, Reading::DespatchNote { id: "DN".into() }] {
                told.push(bench.scan(lane, Ok(reading), office, network)?);
            }
        }
        What::Message(older, number) => {
            *revision += u64::from(*older % 8 != 0);
            let message = WorkOrderMessage {
                revision: *revision,
                work_order: number.map(order),
                attributes: Attributes::new(),
                terms: number.map(terms).unwrap_or_default(),
            };
            let facts = bench.facts(&Wanted::of_order(&message), Service::Off);
            told.extend(bench.decide(Input::WorkOrder { lane: lane.to_owned(), message, facts }, office, network)?);
        }
        What::Rig(passed) => {
            let serial = bench.state.lane(lane).testing.map_or("U0".to_owned(), |dut| dut.serial);
            let result = RigResult {
                serial,
                scope: String::new(),
                passed: *passed,
                rig: "rig".into(),
                measurements: Default::default(),
                attributes: Attributes::new(),
            };
            let facts = bench.facts(&Wanted::of_result(&bench.state, lane, &result), Service::Off);
            told.extend(bench.decide(
                Input::Result { lane: lane.to_owned(), result: Ok(result), facts },
                office,
                network,
            )?);
        }
        What::Wait(millis) => {
            bench.now += u64::from(*millis);
            told.extend(bench.decide(Input::Tick { room: bench.room }, office, network)?);
        }
        What::Restart => bench.restart()?,
        What::Room(room) => bench.room = *room,
        What::Hold(number, held) => {
            let serial = format!("U{number}");
            match held {
                true => bench.holds.insert(serial),
                false => bench.holds.remove(&serial),
            };
        }
        _ => {}
    }
    Ok(())
}
