//! A line on which one unit after the other is scanned and answered, for campaigns that need no bursts.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::told::Told;
use super::{Dice, Options, Outcome};
use crate::Rig;

/// The work order of every unit.
const WORK_ORDER: &str = "WO:WO-77";

/// Waits until `probe` says yes; tells whether it did.
pub(super) fn until(seconds: u64, mut probe: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(seconds);
    loop {
        if probe() {
            return true;
        }
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A line, what its operator was told, and what must not be.
pub(super) struct Scanning {
    pub rig: Rig,
    pub told: Told,
    pub outcome: Outcome,
    pub dice: Dice,
    scanned: u64,
    prefix: &'static str,
}

impl Scanning {
    /// Begins a work order on a line that runs. Serials begin with `prefix`.
    pub fn new(rig: Rig, prefix: &'static str, options: &Options) -> Self {
        let mut scanning = Self::waiting(rig, prefix, options);
        scanning.ready();
        scanning.rig.scan(WORK_ORDER);
        scanning
    }

    /// The same for a line that cannot begin yet.
    pub fn waiting(rig: Rig, prefix: &'static str, options: &Options) -> Self {
        let (told, outcome, dice) = (Told::default(), Outcome::default(), options.dice());
        Self { rig, told, outcome, dice, scanned: 0, prefix }
    }

    /// Waits until packages can be opened: a new station has to hear from where on SSCCs are free.
    pub fn ready(&mut self) {
        let knows = |status: Value| status.get("ssccMark").is_none_or(|mark| !mark.is_null());
        let ready = until(15, || self.rig.status().is_some_and(knows));
        self.outcome.must(ready, || "the station does not learn from where on SSCCs are free".to_owned());
    }

    /// Scans so many new units and hears the answers.
    pub fn scan(&mut self, count: u64) {
        let mut ask = self.rig.ask().expect("the station runs");
        for _ in 0..count {
            let serial = self.new_serial();
            let answer = ask.scan(&serial).expect("an answer");
            self.told.hear(&answer, &mut self.outcome);
        }
    }

    /// The same where the station may refuse to open a package until it knows from where on SSCCs are free.
    pub fn scan_or_wait(&mut self, count: u64) {
        for _ in 0..count {
            let serial = self.new_serial();
            let answer = self.rig.scan(&serial);
            match answer["code"] == "no-sscc" {
                // The unit is set aside: it is no green one.
                true => self.ready(),
                false => self.told.hear(&answer, &mut self.outcome),
            }
        }
    }

    /// A serial that was not scanned yet.
    pub fn new_serial(&mut self) -> String {
        self.scanned += 1;
        format!("{}{:07}", self.prefix, self.scanned)
    }

    /// Closes the open package, so that no box is half full.
    pub fn close_package(&mut self) {
        let answer = self.rig.scan("LOTLINE-CLOSE-PACKAGE");
        if answer["code"] != "nothing-to-close" {
            self.told.hear(&answer, &mut self.outcome);
        }
    }

    /// Everything has its receipt within so many seconds.
    pub fn drained(&mut self, seconds: u64, when: &str) -> bool {
        let drained = until(seconds, || self.rig.status().is_some_and(|status| status["undelivered"] == 0));
        let rig = &self.rig;
        self.outcome.must(drained, || {
            let status = rig.status().unwrap_or_default();
            let (waits, uplink) = (&status["undelivered"], &status["notices"]["uplink"]);
            format!("{waits} records wait {seconds} s after {when}: {uplink}")
        });
        drained
    }

    /// What the operator was told against what the service has: every green unit, once, in its package.
    pub fn compare(&mut self) {
        let Self { rig, told, outcome, .. } = self;
        outcome.acknowledged += told.green.len() as u64;
        // Any of them leads to the whole work order.
        let mut found = told.green.keys().take(50).map(|serial| rig.recall_if_any(serial));
        let stored = found.find(|units| !units.is_empty()).unwrap_or_default();
        outcome.stored += stored.len() as u64;
        let lost: Vec<&String> = told.green.keys().filter(|serial| !stored.contains(*serial)).collect();
        outcome.lost += lost.len() as u64;
        outcome.must(lost.is_empty(), || format!("green and not at the service: {:?}", &lost[..lost.len().min(20)]));
        let strangers = stored.iter().filter(|serial| !told.green.contains_key(*serial)).count();
        outcome.must(strangers == 0, || format!("{strangers} units at the service that were never green"));
        let devices = rig.json("/healthz")["devices"].as_u64().unwrap_or_default();
        outcome.twice += devices.saturating_sub(stored.len() as u64);
    }

    /// Each package has at the service exactly the units that were put into it.
    pub fn compare_packages(&mut self) {
        let Self { rig, told, outcome, .. } = self;
        for package in &told.packages {
            let units: BTreeSet<String> =
                told.green.iter().filter(|(_, of)| *of == package).map(|(serial, _)| serial.clone()).collect();
            let Some(first) = units.first() else { continue };
            let known = !rig.recall_if_any(first).is_empty();
            let stored = if known { rig.recall(first, "packageId") } else { BTreeSet::new() };
            outcome.must(stored == units, || {
                format!("package {package}: {} units were put into it, the service has {}", units.len(), stored.len())
            });
        }
    }

    /// The service says that it has everything, within so many seconds.
    pub fn complete(&mut self, seconds: u64) {
        let mut said = Value::Null;
        let complete = until(seconds, || {
            said = self.rig.json("/v1/stations");
            said["complete"] == true
        });
        self.outcome.must(complete, || format!("not complete after {seconds} s: {}", said["why"]));
    }
}
