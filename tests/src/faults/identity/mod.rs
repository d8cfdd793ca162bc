//! A journal that is replaced, restored, cloned, or has lost its marks: nothing is lost, and no SSCC is out twice.

mod cases;
mod machine;

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Value, json};

use super::scanning::{Scanning, until};
use super::{Campaign, LeftOut, Options, Outcome, Ran, progress};
use crate::{Around, Rig, Shape, find_mosquitto};

pub(super) const CAMPAIGN: Campaign = Campaign {
    name: "identity",
    what: "the journal is deleted, restored from an old copy, cloned to another machine, its mark of SSCCs lost",
    runs_long: 42,
    runs_short: 6,
    run,
};

/// Small packages: many SSCCs.
const SHAPE: Shape = Shape { package: 4, pallet: 5 };

/// One way to lose who one is. Tells what must not be in the outcome of the line.
struct Case {
    name: &'static str,
    /// Waits until the service takes a series for silent: minutes.
    slow: bool,
    run: fn(&mut Scanning),
    /// The line begins without a service.
    no_service: bool,
}

const CASES: &[Case] = &[
    Case { name: "journal_deleted", slow: false, run: cases::journal_deleted, no_service: false },
    Case { name: "old_copy", slow: false, run: cases::old_copy, no_service: false },
    Case { name: "old_image", slow: false, run: cases::old_image, no_service: false },
    Case { name: "cloned", slow: false, run: machine::cloned, no_service: false },
    Case { name: "marks_lost_entered", slow: false, run: cases::marks_lost_entered, no_service: false },
    Case { name: "no_service", slow: false, run: cases::no_service, no_service: true },
    Case { name: "marks_lost", slow: true, run: cases::marks_lost, no_service: false },
];

fn run(options: &Options) -> Ran {
    let mosquitto = find_mosquitto().ok_or_else(LeftOut::mosquitto)?;
    let mut outcome = Outcome::default();
    let mut dice = options.dice();
    let (mut by_case, mut failed) = (serde_json::Map::new(), serde_json::Map::new());
    let fast = options.runs < CASES.len() as u32;
    let cases: Vec<&Case> = CASES.iter().filter(|case| !(fast && case.slow)).collect();
    for n in 0..options.runs as usize {
        let case = cases[n % cases.len()];
        let around = Around { no_service: case.no_service, ..Around::hasty() };
        let rig = Rig::start_around(mosquitto.clone(), SHAPE, around);
        let seeded = Options { runs: 1, seed: dice.roll(u64::MAX) };
        let mut line = match case.no_service {
            true => Scanning::waiting(rig, "I", &seeded),
            false => Scanning::new(rig, "I", &seeded),
        };
        // What breaks off in one case must not hide what the others find.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (case.run)(&mut line))) {
            let said = panic.downcast_ref::<String>().map_or("", String::as_str);
            line.outcome.wrong(format!("broke off: {said}"));
        }
        let found = line.outcome;
        count(&mut by_case, case.name);
        if !found.ok() {
            count(&mut failed, case.name);
        }
        outcome.runs += 1;
        outcome.acknowledged += found.acknowledged;
        outcome.stored += found.stored;
        outcome.lost += found.lost;
        outcome.twice += found.twice;
        outcome.false_green += found.false_green;
        found.wrong.into_iter().for_each(|wrong| outcome.wrong(format!("{}: {wrong}", case.name)));
        progress("identity", &format!("{} {}", n + 1, case.name));
    }
    outcome.figure("cases", Value::Object(by_case));
    if !failed.is_empty() {
        outcome.figure("failed", Value::Object(failed));
    }
    Ok(outcome)
}

fn count(by_case: &mut serde_json::Map<String, Value>, name: &str) {
    let before = by_case.get(name).and_then(Value::as_u64).unwrap_or(0);
    by_case.insert(name.to_owned(), json!(before + 1));
}

/// The series that the station writes.
fn series(line: &Scanning) -> String {
    line.rig.status().unwrap_or_default()["series"].as_str().unwrap_or_default().to_owned()
}

/// A person is told at the station.
fn alarmed_at_the_station(line: &mut Scanning, when: &str) {
    let rig = &line.rig;
    let told = until(10, || {
        let alarms = rig.status().unwrap_or_default()["alarms"].clone();
        alarms.as_array().is_some_and(|alarms| !alarms.is_empty())
    });
    line.outcome.must(told, || format!("`status` has no alarm {when}"));
}

/// A person is told at the service: an alarm, or records that came twice with other bytes.
fn alarmed_at_the_service(line: &mut Scanning, when: &str) {
    let rig = &line.rig;
    let some = |value: &Value| value.as_array().is_some_and(|list| !list.is_empty()) || value.as_u64() > Some(0);
    let mut said = Value::Null;
    let told = until(20, || {
        said = rig.json("/v1/stations");
        let stations = said["stations"].as_array().cloned().unwrap_or_default();
        stations.iter().any(|series| some(&series["alarms"]) || some(&series["conflicts"]))
    });
    line.outcome.must(told, || format!("/v1/stations has no alarm {when}: {said}"));
}

/// Another series is written within so many seconds.
fn new_series(line: &mut Scanning, before: &str, seconds: u64, when: &str) {
    let changed = until(seconds, || !["", before].contains(&series(line).as_str()));
    line.outcome.must(changed, || format!("no new series {when}"));
}

/// Everything arrives, and stands where it was told.
fn end(line: &mut Scanning, when: &str) {
    line.drained(60, when);
    line.compare();
    line.compare_packages();
}
