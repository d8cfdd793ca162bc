//! A whole shift at two stations and an office.

use super::*;

mod adopt;

use adopt::adopt;

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
        told: None,
        dead: false,
        mutation,
    });
    let mut revision = 0;
    // At most lanes people sign on and begin a work order, as on any day.
    let begin = [What::Badge(0), What::Order(3)];
    let begin = (0..3).flat_map(|at| begin.clone().map(|what| Act { station: at % 2, lane: at / 2, what }));
    let acts: Vec<Act> = begin.chain(shift.acts.iter().cloned()).collect();
    for (step, act) in acts.iter().enumerate() {
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
        // A supervisor may have allowed it: that is on record.
        let on_record = |bench: &Bench| bench.truth.allowed.contains(&unit);
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
        let is_deaf = bench.mutation == Some(Mutation::DeafToService);
        let service = if is_deaf { deaf() } else { office.answer(bench.index, &scope, &serial) };
        let lane = LANES[0].to_owned();
        bench.decide(Input::Checked { lane, scope, serial, known, service }, office, true)?;
    }
    match bench.known.values().any(|known| known.unchecked) {
        true => Err("something is unchecked still".to_owned()),
        false => Ok(()),
    }
}

/// What a lane does in another role for a while.
fn errand(bench: &Bench, role: Role, which: u8, good: bool) -> Vec<What> {
    let mut acts = vec![What::Command(Command::Role(role))];
    let (container, unit) = (What::Container(which), What::Unit(which % crate::acts::UNITS));
    match role {
        Role::Despatch => acts.extend([What::Consignee, container, What::Command(Command::Finish)]),
        Role::Recount => {
            acts.push(container);
            // Everything that is in it, or all but what is left out.
            if let Reading::Container { id, .. } = bench.container(which) {
                let inside = bench.truth.inside.iter().filter(|(_, inside)| **inside == id);
                let units =
                    inside.filter_map(|((_, serial), _)| serial.strip_prefix('U')?.parse().ok().map(What::Unit));
                acts.extend(units.skip(usize::from(!good)));
            }
            acts.push(What::Command(Command::Finish));
        }
        Role::Test => acts.extend([unit, What::Rig(good)]),
        Role::Assemble => acts.extend([unit, What::Component(which % 4), What::Command(Command::Finish)]),
        Role::Check => acts.extend([unit, container]),
        Role::Pack | Role::Palletise => acts.push(container),
    }
    acts.push(What::Command(Command::Role(Role::Pack)));
    acts
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
    if benches[act.station].dead {
        return Ok(());
    }
    if let What::Adopt(which) = act.what {
        return adopt(benches, act, which, office, *network, told);
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
                0 => (bench.container(*number), bench.open_container(*into)),
                _ => (unit(number % crate::acts::UNITS), bench.open_container(*into)),
            };
            for reading in [Reading::Command(command), thing, into] {
                told.push(bench.scan(lane, Ok(reading), office, network)?);
            }
        }
        What::Errand(role, which, good) => {
            for what in errand(bench, *role, *which, *good) {
                let Act { station, lane, .. } = *act;
                one(benches, &Act { station, lane, what }, office, &mut network.clone(), revision, told)?;
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
            let facts = bench.facts(&Wanted::of_order(&bench.state, &message), Service::Off);
            told.extend(bench.decide(Input::WorkOrder { lane: lane.to_owned(), message, facts }, office, network)?);
        }
        What::Rig(passed) => {
            let dut = bench.state.lane(lane).testing;
            let test = dut.as_ref().map(|dut| dut.test);
            let serial = dut.map_or("U0".to_owned(), |dut| dut.serial);
            let result = RigResult {
                serial,
                scope: String::new(),
                passed: *passed,
                rig: "rig".into(),
                test,
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
