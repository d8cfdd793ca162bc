//! A bad wire between station and broker, and between broker and service, while units are scanned.

mod forged;
mod outside;

use std::time::Duration;

use demo::sim::{Fault, FaultyWire, Greeting, Rule, Toward};
use serde_json::json;

use super::scanning::{Scanning, until};
use super::{Campaign, LeftOut, Options, Ran, progress};
use crate::{Around, Rig, Shape, find_mosquitto};

pub(super) const CAMPAIGN: Campaign = Campaign {
    name: "wire",
    what: "a bad wire between station, broker and service: every fault of a PUBLISH, a PUBACK, a receipt, a connection",
    runs_long: 500,
    runs_short: 40,
    run,
};

/// Reason codes with which a broker refuses a PUBLISH (MQTT 5.0, 3.4.2.1).
const REFUSALS: [u8; 7] = [0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];
/// A packet that no segment of a queue fits into.
const SMALL_PACKET: u32 = 2048;
/// After so many faults the line has to come to rest.
const REST_EVERY: u64 = 8;

/// One kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Something happens to a PUBLISH with records, or with a receipt.
    Publish { receipts: bool, fault: Fault },
    /// Connections break.
    Cut,
    /// A connection is half-open.
    HalfOpen,
    /// Connections are refused for a while.
    Unplugged,
    /// The broker has forgotten the session.
    Forgotten,
    /// The broker's largest packet is smaller than a segment.
    Oversize,
    /// The broker is killed, and its sessions with it.
    BrokerKilled,
    /// Receipts that the service did not give.
    Forged,
}

fn kinds() -> Vec<Kind> {
    let held = |overtaken_by, millis| Fault::Hold { overtaken_by, longest: Duration::from_millis(millis) };
    let mut faults = vec![
        Fault::CutBefore,
        Fault::CutAfter,
        Fault::SwallowAck,
        Fault::Lose,
        Fault::Duplicate,
        held(2, 1500),
        held(u32::MAX, 600),
    ];
    faults.extend(REFUSALS.map(Fault::Refuse));
    let of_publish = |receipts| faults.clone().into_iter().map(move |fault| Kind::Publish { receipts, fault });
    of_publish(false)
        .chain(of_publish(true))
        .chain([Kind::Cut, Kind::HalfOpen, Kind::Unplugged, Kind::Forgotten, Kind::Oversize, Kind::BrokerKilled])
        .chain([Kind::Forged])
        .collect()
}

fn run(options: &Options) -> Ran {
    let mosquitto = find_mosquitto().ok_or_else(LeftOut::mosquitto)?;
    let around = Around { station_wire: true, service_wire: true, ..Around::hasty() };
    let rig = Rig::start_around(mosquitto.clone(), Shape { package: 10, pallet: 7 }, around);
    let mut run = Run { line: Scanning::new(rig, "W", options), made: 0, slow_ones: options.runs >= 100 };
    while run.made < u64::from(options.runs) {
        // Each kind once, in an order of chance, then again in another one.
        let mut kinds = kinds();
        while run.made < u64::from(options.runs) && !kinds.is_empty() {
            let kind = kinds.swap_remove(run.line.dice.roll(kinds.len() as u64) as usize);
            let at_service = run.line.dice.roll(2) == 1;
            if run.slow(kind, at_service) {
                continue;
            }
            run.made += 1;
            run.make(kind, at_service);
            if run.made.is_multiple_of(REST_EVERY) {
                run.clear();
                run.line.drained(30, &format!("fault {} ({kind:?}, at the service: {at_service})", run.made));
            }
            if run.made.is_multiple_of(50) {
                progress("wire", &format!("{} faults, {} green", run.made, run.line.told.green.len()));
            }
        }
    }
    run.clear();
    run.line.drained(60, "the last fault");
    run.line.compare();
    run.line.compare_packages();
    run.line.complete(30);
    run.figures();
    let Run { line, made, .. } = run;
    let Scanning { mut rig, mut outcome, .. } = line;
    rig.end_station();
    rig.end_service();
    outcome.runs = made;
    outside::name_gone(&mosquitto, options, &mut outcome);
    outside::certificate_expired(&mosquitto, options, &mut outcome);
    Ok(outcome)
}

struct Run {
    line: Scanning,
    made: u64,
    /// A service that has nothing to say finds out by its keep-alive that its connection is half-open: a minute.
    slow_ones: bool,
}

impl Run {
    /// Is this a fault that takes a minute, and is it not its turn?
    fn slow(&mut self, kind: Kind, at_service: bool) -> bool {
        let minute =
            at_service && matches!(kind, Kind::HalfOpen | Kind::Publish { receipts: true, fault: Fault::SwallowAck });
        minute && !self.slow_ones
    }

    fn wire(&self, at_service: bool) -> &FaultyWire {
        let wire = if at_service { &self.line.rig.service_wire } else { &self.line.rig.station_wire };
        wire.as_ref().expect("a wire")
    }

    fn some(&mut self) -> u64 {
        3 + self.line.dice.roll(15)
    }

    /// Scans now and then until it happened.
    fn scan_until(&mut self, seconds: u64, happened: impl Fn(&Self) -> bool, what: &str) {
        let end = std::time::Instant::now() + Duration::from_secs(seconds);
        loop {
            let count = 1 + self.line.dice.roll(6);
            self.line.scan(count);
            if happened(self) {
                return;
            }
            if std::time::Instant::now() > end {
                return self.line.outcome.wrong(format!("{what} did not happen within {seconds} s"));
            }
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    fn make(&mut self, kind: Kind, at_service: bool) {
        let some = self.some();
        match kind {
            Kind::Publish { receipts, fault } => {
                let topic = if receipts { "/receipts" } else { "/records" };
                // Records go up at the station and come down at the service; receipts the other way round.
                let toward = if receipts == at_service { Toward::Broker } else { Toward::Client };
                let (skip, times) = (self.line.dice.roll(3) as u32, 1 + self.line.dice.roll(3) as u32);
                self.wire(at_service).add(Rule::new(toward, topic, fault).after(skip).times(times));
                // A lost receipt or a refused segment is sent again after ever longer waits.
                let what = format!("{fault:?} of {topic} (at the service: {at_service})");
                self.scan_until(60, |run| run.wire(at_service).rules_left() == 0, &what);
            }
            Kind::Cut => {
                self.line.scan(some);
                self.wire(at_service).cut();
                self.line.scan(some);
            }
            Kind::HalfOpen => {
                let before = self.wire(at_service).counts().connections;
                self.wire(at_service).stall();
                let again = |run: &Self| run.wire(at_service).counts().connections > before;
                self.scan_until(150, again, "a new connection after a half-open one");
            }
            Kind::Unplugged => {
                self.wire(at_service).unplug();
                self.line.scan(some);
                self.line.dice.wait_up_to(300_000);
                self.line.scan(some);
                self.wire(at_service).plug().expect("the port is free");
            }
            Kind::Forgotten => {
                let greeting = Greeting { forget_session: true, largest_packet: None };
                let before = self.wire(at_service).counts().greetings;
                self.wire(at_service).greet(greeting);
                self.wire(at_service).cut();
                let greeted = |run: &Self| run.wire(at_service).counts().greetings > before;
                self.scan_until(20, greeted, "a connection to a broker that has forgotten the session");
                self.wire(at_service).greet(Greeting::default());
            }
            Kind::Oversize => self.oversize(),
            Kind::BrokerKilled => {
                self.line.rig.kill_broker();
                self.line.scan(some);
                self.line.rig.start_broker();
                self.line.scan(some);
            }
            Kind::Forged => forged::forge(&mut self.line),
        }
    }

    /// A queue goes out to a broker that takes small packets only, then to one that takes them all.
    fn oversize(&mut self) {
        let wire = |run: &Self| run.line.rig.station_wire.as_ref().map(FaultyWire::counts).unwrap_or_default();
        self.wire(false).unplug();
        self.line.scan(40);
        let before = wire(self).greetings;
        self.wire(false).greet(Greeting { forget_session: false, largest_packet: Some(SMALL_PACKET) });
        self.wire(false).plug().expect("the port is free");
        self.scan_until(20, |run| wire(run).greetings > before, "a connection to a broker with small packets");
        let trouble = until(5, || {
            let status = self.line.rig.status().unwrap_or_default();
            // Either it is smaller segments that go out, or a person is told.
            status["undelivered"] == 0 || status["notices"]["uplink"]["trouble"].as_str().is_some_and(|t| !t.is_empty())
        });
        self.line.outcome.must(trouble, || "nobody is told that the broker takes no records of this size".to_owned());
        self.wire(false).greet(Greeting::default());
        self.wire(false).cut();
    }

    /// A good wire from now on.
    fn clear(&self) {
        for at_service in [false, true] {
            self.wire(at_service).clear();
            self.wire(at_service).plug().expect("the port is free");
        }
    }

    fn figures(&mut self) {
        for (name, at_service) in [("at_the_station", false), ("at_the_service", true)] {
            let counts = self.wire(at_service).counts();
            let figures = json!({
                "connections": counts.connections, "cut_before": counts.cut_before, "cut_after": counts.cut_after,
                "swallowed": counts.swallowed, "refused": counts.refused, "lost": counts.lost,
                "duplicated": counts.duplicated, "held": counts.held, "overtaken": counts.overtaken,
                "half_open": counts.stalled, "injected": counts.injected, "oversize": counts.oversize,
                "greetings": counts.greetings, "unreadable": counts.unreadable,
            });
            self.line.outcome.figure(name, figures);
        }
    }
}
