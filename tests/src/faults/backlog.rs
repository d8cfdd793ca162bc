//! A long time without a broker, then its return: memory, order, and live scans beside the drain.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::line::prepare;
use super::{Campaign, LeftOut, Options, Outcome, Ran, progress};
use crate::{Rig, Watch, find_mosquitto, get, wait_for};

pub(super) const CAMPAIGN: Campaign = Campaign {
    name: "backlog",
    what: "units queued while the broker is away, then its return: memory, order, rate, live scans",
    runs_long: 1_000_000,
    runs_short: 20_000,
    run,
};

/// Units scanned and delivered before memory is measured: what a station needs once, it has by then.
const WARM: u64 = 5000;
/// Units that wait for their answer at once.
const WINDOW: usize = 500;
/// How much more memory the long queue may take.
const ALLOWED: f64 = 1.10;
/// Holes that the service may see while live records overtake the backlog: one before each live record on its way.
const HOLES: usize = 16;

fn run(options: &Options) -> Ran {
    let mut rig = prepare(find_mosquitto().ok_or_else(LeftOut::mosquitto)?);
    let text = std::fs::read_to_string(rig.config()).expect("the configuration");
    std::fs::write(rig.config(), format!("{text}[journal]\nquota_mib = 65536\n")).expect("the configuration");
    rig.start_all();
    rig.scan("WO:BACKLOG");
    let mut run = Run { rig, outcome: Outcome::default(), green: 0 };
    let one = run.one_queued();
    let start = Instant::now();
    run.scan_many(u64::from(options.runs));
    let queued_per_second = rate(u64::from(options.runs), start);
    let million = Memory::of(run.rig.station_id());
    let status = run.rig.status().expect("a status");
    progress("backlog", &format!("{} records wait, {one:?}, {million:?}", status["undelivered"]));

    // A station that starts with the queue must be as small.
    run.rig.end_station();
    let start = Instant::now();
    run.rig.start_station();
    let started = start.elapsed();
    let again = Memory::of(run.rig.station_id());
    let waiting = run.rig.status().expect("a status")["undelivered"].as_u64().unwrap_or_default();

    run.rig.start_broker();
    let start = Instant::now();
    let drain = run.drain();
    let drained_per_second = rate(waiting, start);
    // By now it knows all these units, which takes up to two bytes for each: the same measure with the same knowledge.
    run.rig.end_station();
    run.rig.start_station();
    run.rig.wait_for_scanner();
    let one_knowing = run.one_queued();
    run.rig.start_broker();
    run.rig.wait_until_delivered(60);
    let Run { rig, mut outcome, green } = run;
    let devices = rig.json("/healthz")["devices"].as_u64().unwrap_or_default();
    let station = rig.json("/v1/stations")["stations"][0].clone();
    outcome.runs = u64::from(options.runs);
    outcome.acknowledged = green;
    outcome.stored = devices.min(green);
    outcome.lost = green.saturating_sub(devices);
    outcome.twice = devices.saturating_sub(green);
    outcome.must(station["missing"] == 0, || format!("records are missing: {station}"));
    for (what, memory, one) in [
        ("queued", &million, &one),
        ("queued, after a restart", &again, &one),
        ("draining", &drain.memory, &one_knowing),
    ] {
        let times = memory.resident as f64 / one.resident as f64;
        outcome.must(times <= ALLOWED, || format!("{what}: {memory:?} beside {one:?} with one record queued"));
    }
    outcome.must(drain.most_holes <= HOLES, || format!("{} holes during the drain: not in order", drain.most_holes));
    outcome.figure("records_queued", waiting);
    outcome.figure("queued_per_second", queued_per_second);
    outcome.figure("records_drained_per_second", drained_per_second);
    outcome.figure("start_ms", started.as_millis() as u64);
    outcome.figure(
        "resident_kib",
        json!({
            "one": one.resident, "one_knowing_all": one_knowing.resident, "queued": million.resident, "started_with_queue": again.resident,
            "draining": drain.memory.resident, "peak_queued": million.peak, "peak_started": drain.memory.peak,
        }),
    );
    outcome.figure("live_scans", drain.live.len());
    outcome.figure("live_ms_p50", drain.at(0.5));
    outcome.figure("live_ms_p99", drain.at(0.99));
    outcome.figure("most_holes", drain.most_holes);
    rig_end(rig);
    Ok(outcome)
}

fn rig_end(mut rig: Rig) {
    rig.end_station();
    rig.end_service();
}

fn rate(count: u64, since: Instant) -> u64 {
    (count as f64 / since.elapsed().as_secs_f64()) as u64
}

struct Run {
    rig: Rig,
    outcome: Outcome,
    /// Green units; their numbers are their serials.
    green: u64,
}

impl Run {
    fn serial(&self) -> String {
        format!("B{:09}", self.green)
    }

    /// Units are scanned and delivered, then the broker goes and one more is scanned: the memory that this takes.
    fn one_queued(&mut self) -> Memory {
        self.scan_many(WARM);
        self.rig.wait_until_delivered(120);
        self.rig.kill_broker();
        wait_for("the station to see that the broker is gone", 30, || {
            self.rig.status().filter(|status| status["undelivered"] == 0)
        });
        self.scan_one();
        Memory::of(self.rig.station_id())
    }

    /// Scans one unit and waits for its green.
    fn scan_one(&mut self) {
        let answer = self.rig.scan(&self.serial());
        self.outcome.must(answer["code"] == "packed", || format!("not green: {answer}"));
        self.green += 1;
    }

    /// Scans as fast as the station answers.
    fn scan_many(&mut self, count: u64) {
        let watch = self.rig.watch().expect("the station runs");
        let mut waiting: VecDeque<String> = VecDeque::new();
        for number in 0..count {
            let serial = format!("B{:09}", self.green + waiting.len() as u64);
            self.rig.scanner.scan(&serial).expect("a scanner");
            waiting.push_back(serial);
            while waiting.len() >= WINDOW {
                self.take(&watch, &mut waiting);
            }
            if number % 100_000 == 99_999 {
                progress("backlog", &format!("{} units scanned", number + 1));
            }
        }
        while !waiting.is_empty() {
            self.take(&watch, &mut waiting);
        }
    }

    /// Takes the next answer; packages and pallets close by themselves between the units.
    fn take(&mut self, watch: &Watch, waiting: &mut VecDeque<String>) {
        let answer = watch.next(30).expect("an answer within half a minute");
        if answer["code"] == "packed" && answer["serial"].as_str() == waiting.front().map(String::as_str) {
            waiting.pop_front();
            self.green += 1;
        } else if answer["serial"].is_string() {
            panic!("not green, or out of turn: {answer}");
        }
    }

    /// The broker is back: scans a unit now and then until everything is delivered.
    fn drain(&mut self) -> Drain {
        let mut drain = Drain::default();
        let until = Instant::now() + Duration::from_secs(3600);
        loop {
            let start = Instant::now();
            self.scan_one();
            drain.live.push(start.elapsed());
            drain.memory = drain.memory.most(Memory::of(self.rig.station_id()));
            drain.most_holes = drain.most_holes.max(holes(&self.rig));
            if drain.live.len().is_multiple_of(1000) {
                progress("backlog", &format!("{} wait", self.rig.status().expect("a status")["undelivered"]));
            }
            // Live scans stop before the end, so that there is one.
            let left = self.rig.status().expect("a status")["undelivered"].as_u64().unwrap_or_default();
            if left < 1000 {
                self.rig.wait_until_delivered(60);
                return drain;
            }
            assert!(Instant::now() < until, "not drained within an hour: {left} wait");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Holes that the service sees.
fn holes(rig: &Rig) -> usize {
    let answer = get(&rig.http(), "/v1/stations", "application/json").map(|(_, body)| body).unwrap_or_default();
    let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
    answer["stations"][0]["holes"].as_array().map_or(0, Vec::len)
}

/// What was seen during the drain.
#[derive(Default)]
struct Drain {
    live: Vec<Duration>,
    memory: Memory,
    most_holes: usize,
}

impl Drain {
    /// A quantile of the live answers, in milliseconds.
    fn at(&self, share: f64) -> f64 {
        let mut sorted = self.live.clone();
        sorted.sort();
        let last = sorted.len().saturating_sub(1);
        sorted.get((last as f64 * share) as usize).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    }
}

/// Resident memory of a process in KiB, now and at its peak.
#[derive(Debug, Clone, Copy, Default)]
struct Memory {
    resident: u64,
    peak: u64,
}

impl Memory {
    fn of(process: u32) -> Self {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("the process");
        let line = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        Self { resident: line("VmRSS:").unwrap_or_default(), peak: line("VmHWM:").unwrap_or_default() }
    }

    fn most(self, other: Self) -> Self {
        Self { resident: self.resident.max(other.resident), peak: self.peak.max(other.peak) }
    }
}
