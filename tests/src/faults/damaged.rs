//! Files of a station that stopped with records waiting, damaged one way at a time on a copy.
//!
//! Each run puts back the same line: a station with receipted and waiting records, and the service that knows it. One file
//! of the station is damaged, and the line is started. Every record whose bytes were not touched has to arrive.

mod damage;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use self::damage::{Damage, FILES, Harm};
use super::line::prepare;
use super::{Campaign, LeftOut, Options, Outcome, Ran, progress};
use crate::{Rig, find_mosquitto, get};

pub(super) const CAMPAIGN: Campaign = Campaign {
    name: "damaged",
    what: "bytes of the station's files flipped, files cut short and swapped, while records wait",
    runs_long: 1000,
    runs_short: 30,
    run,
};

/// Units that have their receipt, and units that wait.
const SETTLED: u64 = 60;
const WAITING: u64 = 200;
/// How long a line has for delivering what waits: longer than the longest pause between two tries on a busy machine.
const LIMIT: Duration = Duration::from_secs(40);
/// The same where it may have to wait for a person.
const LIMIT_HELD: Duration = Duration::from_secs(5);

fn unit(number: u64) -> String {
    format!("DAMAGED-{number:06}")
}

fn run(options: &Options) -> Ran {
    let mut rig = prepare(find_mosquitto().ok_or_else(LeftOut::mosquitto)?);
    make_template(&mut rig);
    let mut dice = options.dice();
    let mut run = Run { rig, outcome: Outcome::default(), kinds: BTreeMap::new(), missing: BTreeSet::new() };
    // `--runs` counts the flips of the journal; the other ways come with it in proportion.
    for number in 0..options.runs {
        run.try_one(&Damage::flip(FILES[0], &run.rig.path("template"), &mut dice));
        if number % 5 == 0 {
            run.try_one(&Damage::flip(FILES[1], &run.rig.path("template"), &mut dice));
        }
        if number % 10 == 0 {
            let others = Damage::others(&run.rig.path("template"), &mut dice);
            run.try_one(&others[(number / 10) as usize % others.len()]);
        }
        if number % 50 == 49 {
            progress("damaged", &format!("{} of {} flips", number + 1, options.runs));
        }
    }
    run.finish()
}

/// Makes the folders that each run begins with: `template`, `template-service`, and `other`, another station's.
fn make_template(rig: &mut Rig) {
    rig.start_all();
    rig.scan("WO:WO-9");
    let mut ask = rig.ask().expect("the station runs");
    let mut pack = |numbers: std::ops::Range<u64>| {
        numbers.for_each(|number| assert_eq!(ask.scan(&unit(number)).expect("an answer")["code"], "packed"));
    };
    pack(0..SETTLED);
    rig.wait_until_delivered(30);
    rig.end_service();
    pack(SETTLED..SETTLED + WAITING);
    // Killed: the log holds what was committed last.
    rig.kill_station();
    rig.kill_broker();
    copy(&rig.path("station"), &rig.path("template"));
    copy(&rig.path("service"), &rig.path("template-service"));
    std::fs::remove_dir_all(rig.path("station")).expect("a folder");
    let text = std::fs::read_to_string(rig.config()).expect("the configuration");
    std::fs::write(rig.config(), text.replace("pack-1", "pack-2")).expect("the configuration");
    rig.enter_sscc_mark();
    rig.start_station();
    rig.scan("WO:OTHER");
    (0..30).for_each(|number| drop(rig.scan(&format!("OTHER-{number}"))));
    rig.kill_station();
    copy(&rig.path("station"), &rig.path("template/other"));
    std::fs::write(rig.config(), text).expect("the configuration");
}

/// Puts a copy of a folder in the place of another one.
fn copy(from: &Path, to: &Path) {
    drop(std::fs::remove_dir_all(to));
    let done = Command::new("cp").arg("-r").arg(from).arg(to).status();
    assert!(done.is_ok_and(|status| status.success()), "{} can be copied", from.display());
}

struct Run {
    rig: Rig,
    outcome: Outcome,
    /// What became of each kind of damage.
    kinds: BTreeMap<String, Kind>,
    /// Records that did not arrive although they were not touched.
    missing: BTreeSet<String>,
}

/// What became of one kind of damage.
#[derive(Debug, Default)]
struct Kind {
    runs: u64,
    refused: u64,
    /// Units that the station still holds, because it has another key.
    held: u64,
    /// Units on the touched page that did not arrive.
    touched: u64,
    lost: u64,
    /// Runs that lost something.
    losing: u64,
    /// Runs in which nothing was said although something was damaged.
    silent: u64,
    not_started: u64,
    twice: u64,
}

impl Run {
    /// One damage: the line is put back, harmed, started, and looked at.
    fn try_one(&mut self, damage: &Damage) {
        let rig = &mut self.rig;
        rig.kill_broker();
        copy(&rig.path("template"), &rig.path("station"));
        copy(&rig.path("template-service"), &rig.path("service"));
        let harm = damage.apply(&rig.path("station"));
        drop(std::fs::remove_dir_all(rig.path("station/other")));
        rig.start_broker();
        rig.start_service();
        let started = rig.start_station_with(&[]);
        let kind = self.kinds.entry(damage.kind()).or_default();
        kind.runs += 1;
        match started {
            Err(log) => {
                // Without its key or its marks a station may ask for a person, if it says what to do.
                kind.refused += 1;
                let told = log.contains(damage.file.trim_end_matches("-wal"))
                    && damage.may_stop()
                    && !log.contains("panicked");
                if !told {
                    kind.not_started += 1;
                    self.outcome.wrong(format!("{damage:?}: it does not start: {}", last_lines(&log)));
                }
            }
            Ok(()) => {
                let limit = if damage.may_hold() { LIMIT_HELD } else { LIMIT };
                let (stored, status) = wait(rig, &harm, limit);
                let missing: BTreeSet<String> =
                    (0..SETTLED + WAITING).map(unit).filter(|serial| !stored.contains(serial)).collect();
                let mut lost: BTreeSet<String> = missing.difference(&harm.touched).cloned().collect();
                if damage.may_hold() && status["undelivered"].as_u64() >= Some(lost.len() as u64) {
                    // With another key they wait until a person has enrolled it.
                    kind.held += lost.len() as u64;
                    lost.clear();
                }
                kind.touched += (missing.len() - lost.len()) as u64;
                kind.lost += lost.len() as u64;
                kind.losing += u64::from(!lost.is_empty());
                let twice = twice(rig, &stored);
                kind.twice += twice;
                self.outcome.twice += twice;
                self.outcome.lost += lost.len() as u64;
                if !lost.is_empty() || twice > 0 {
                    let text = format!("{damage:?}: {} lost, {twice} twice: {}", lost.len(), status["undelivered"]);
                    self.outcome.wrong(text);
                }
                // What is missing has to be named somewhere: by the station, or as a hole at the service.
                if !missing.is_empty() && !says_something(rig, &status) {
                    kind.silent += 1;
                    self.outcome.wrong(format!("{damage:?}: {} records are missing and nobody says so", missing.len()));
                }
                self.missing.extend(lost);
            }
        }
        self.rig.kill_station();
        self.rig.kill_service();
    }

    fn finish(mut self) -> Ran {
        let kinds = self.kinds.iter().map(|(name, kind)| {
            let figures = json!({
                "runs": kind.runs, "refused_to_start": kind.refused, "wrongly": kind.not_started, "on_touched_page": kind.touched,
                "held": kind.held, "lost": kind.lost, "runs_with_losses": kind.losing, "silent": kind.silent, "twice": kind.twice,
            });
            (name.clone(), figures)
        });
        let kinds: serde_json::Map<String, Value> = kinds.collect();
        self.outcome.runs = self.kinds.values().map(|kind| kind.runs).sum();
        self.outcome.acknowledged = (SETTLED + WAITING) * self.outcome.runs;
        let missing: u64 = self.kinds.values().map(|kind| kind.lost + kind.touched).sum();
        self.outcome.stored = self.outcome.acknowledged.saturating_sub(missing);
        self.outcome.figure("kinds", kinds);
        Ok(self.outcome)
    }
}

/// Waits until everything that was not touched has arrived, or nothing more comes. Gives the units at the service.
fn wait(rig: &Rig, harm: &Harm, limit: Duration) -> (BTreeSet<String>, Value) {
    let start = Instant::now();
    let mut still = start;
    let mut last = 0;
    loop {
        let devices = rig.json("/healthz")["devices"].as_u64().unwrap_or_default();
        let status = rig.status().unwrap_or_default();
        let expected = SETTLED + WAITING - harm.touched.len() as u64;
        if devices != last {
            (last, still) = (devices, Instant::now());
        }
        let connected = status["undelivered"] == 0 && devices > 0;
        // Some quiet after the end, so that what must not come would be seen.
        let quiet = Duration::from_millis(if devices >= expected && connected { 20 } else { 2500 });
        if still.elapsed() > quiet && connected || start.elapsed() > limit {
            return (rig.recall_if_any(&unit(0)), status);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Units that are at the service more than once: in another count than their serials.
fn twice(rig: &Rig, stored: &BTreeSet<String>) -> u64 {
    let devices = rig.json("/healthz")["devices"].as_u64().unwrap_or_default();
    devices.saturating_sub(stored.len() as u64)
}

/// Does the station, or the service, tell that something is wrong?
fn says_something(rig: &Rig, status: &Value) -> bool {
    let log = rig.station_log();
    let station = log.contains("damaged") || status["quarantined"].as_u64().is_some_and(|count| count > 0);
    let service = get(&rig.http(), "/v1/stations", "application/json")
        .is_some_and(|(_, body)| serde_json::from_str::<Value>(&body).is_ok_and(|answer| answer["complete"] == false));
    station || service
}

fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().rev().take(3).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
}
