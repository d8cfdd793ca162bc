//! A line under faults: units go in, what operators hear is kept, and in the end it is held against the service.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use demo::sim::ZplPrinterOptions;
use serde_json::Value;

use super::told::{Told, is_known};
use super::{Outcome, progress};
use crate::{Rig, Shape, Watch, wait_for};

/// Most units in one group of the station.
const GROUP: usize = 64;
/// Connections over which known units are scanned again.
const HANDS: usize = 16;
/// A line of which nothing runs yet.
pub(super) fn prepare(mosquitto: PathBuf) -> Rig {
    Rig::prepare(mosquitto, Shape { package: 10, pallet: 7 }, ZplPrinterOptions::default(), &[])
}

/// A line, and what is known about it from outside.
pub(super) struct Line {
    pub rig: Rig,
    pub watch: Watch,
    pub told: Told,
    pub outcome: Outcome,
    /// Units that went into the scanner.
    pub scanned: Vec<String>,
    /// Units that were stored without a light, as found after stops.
    pub unlit: BTreeSet<String>,
    /// Most of them after one stop.
    pub most_unlit: usize,
}

impl Line {
    /// A line that runs, with a work order.
    pub fn start(mosquitto: PathBuf) -> Self {
        Self::of(prepare(mosquitto))
    }

    /// The same of a rig that was prepared.
    pub fn of(mut rig: Rig) -> Self {
        rig.start_all();
        let watch = rig.watch().expect("the station runs");
        rig.scan("WO:WO-77");
        Self {
            rig,
            watch,
            told: Told::default(),
            outcome: Outcome::default(),
            scanned: Vec::new(),
            unlit: BTreeSet::new(),
            most_unlit: 0,
        }
    }

    /// New units go into the scanner, without waiting for answers.
    pub fn scan(&mut self, count: usize) {
        for _ in 0..count {
            let serial = format!("LL{:08}", self.scanned.len());
            self.rig.scanner.scan(&serial).expect("a scanner");
            self.scanned.push(serial);
        }
    }

    /// Takes in what operators have been told by now.
    pub fn hear(&mut self) {
        self.watch.so_far().iter().for_each(|answer| self.told.hear(answer, &mut self.outcome));
    }

    /// The station was killed: takes in what was on its way to the operator.
    pub fn hear_rest(&mut self) {
        while let Some(answer) = self.watch.next(5) {
            self.told.hear(&answer, &mut self.outcome);
        }
    }

    /// Starts the killed station again. The newest `check` green units must be known, and each unit without a light is
    /// scanned again, as an operator does: those that were stored nevertheless must have been shown.
    pub fn start_again(&mut self, check: usize) {
        self.rig.scanner.unplug().expect("a scanner");
        self.rig.scanner.plug().expect("a scanner");
        self.rig.start_station();
        self.rig.wait_for_scanner();
        let mut ask = self.rig.ask().expect("the station runs");
        let status = ask.status().expect("a status");
        let shown = status["notConfirmed"].to_string();
        let newest: Vec<String> =
            self.scanned.iter().rev().filter(|s| self.told.green.contains_key(*s)).take(check).cloned().collect();
        let mut codes = Vec::new();
        let first = self.told.last.iter().map(|last| (last.clone(), ask.scan(last).expect("an answer")));
        for (serial, answer) in first.collect::<Vec<_>>().into_iter().chain(self.scan_at_once(newest)) {
            if !is_known(&answer) {
                self.outcome.false_green += 1;
                self.outcome.wrong(format!("{serial} was green before the stop, and is not known after it: {answer}"));
            }
            codes.push((serial, answer["code"].clone()));
        }
        let again: Vec<String> = self.scanned.iter().filter(|serial| self.is_open(serial)).cloned().collect();
        self.watch = self.rig.watch().expect("the station runs");
        let mut unlit = Vec::new();
        for serial in again {
            let answer = ask.scan(&serial).expect("an answer");
            if is_known(&answer) {
                let named = shown.contains(serial.as_str());
                self.outcome.must(named, || format!("{serial} was stored without a light, and is not shown"));
                codes.push((serial.clone(), answer["code"].clone()));
                unlit.push(serial);
            }
        }
        // The unit that was recorded last has an answer of its own, also where it has filled its package.
        let recorded = |serial: &&String| !self.is_open(serial) || unlit.contains(*serial);
        let last = self.scanned.iter().rev().find(recorded);
        for (serial, code) in codes {
            let wanted = if Some(&serial) == last { "already-recorded" } else { "duplicate" };
            self.outcome.must(code == wanted, || format!("{serial} scanned again: {code}, not {wanted}"));
        }
        let count = unlit.len();
        self.outcome.must(count <= GROUP, || format!("{count} units of one stop were stored without a light"));
        self.most_unlit = self.most_unlit.max(count);
        self.unlit.extend(unlit);
        self.hear();
    }

    /// Scans over several connections, so that the station can put the scans into groups.
    fn scan_at_once(&self, serials: Vec<String>) -> Vec<(String, Value)> {
        let hands = serials.chunks(serials.len().div_ceil(HANDS).max(1)).map(|part| {
            let (part, mut ask) = (part.to_vec(), self.rig.ask().expect("the station runs"));
            std::thread::spawn(move || {
                let scan = |serial: String| {
                    let answer = ask.scan(&serial).expect("an answer");
                    (serial, answer)
                };
                part.into_iter().map(scan).collect::<Vec<_>>()
            })
        });
        let hands: Vec<_> = hands.collect();
        hands.into_iter().flat_map(|hand| hand.join().expect("a hand")).collect()
    }

    /// The operator does not know yet whether it is recorded.
    fn is_open(&self, serial: &str) -> bool {
        !self.told.green.contains_key(serial) && !self.told.known.contains(serial)
    }

    /// Waits until every unit has an answer.
    pub fn wait_for_answers(&mut self) {
        wait_for("every unit to be green or known", 60, || {
            self.hear();
            self.scanned.iter().all(|serial| !self.is_open(serial)).then_some(())
        });
    }

    /// Everything gets an answer, is closed, and delivered; then what operators were told is held against the service.
    pub fn finish(mut self, campaign: &str) -> Outcome {
        progress(campaign, "everything is delivered and compared");
        self.wait_for_answers();
        for command in ["LOTLINE-CLOSE-PACKAGE", "LOTLINE-CLOSE-PALLET"] {
            self.rig.scan(command);
        }
        let rest: Vec<_> = std::iter::from_fn(|| self.watch.next(1)).collect();
        // There is nothing to close where the last unit filled it.
        for answer in rest.iter().filter(|answer| answer["code"] != "nothing-to-close") {
            self.told.hear(answer, &mut self.outcome);
        }
        self.rig.wait_until_delivered(60);
        self.compare();
        self.rig.end_station();
        self.rig.end_service();
        self.outcome
    }

    fn compare(&mut self) {
        let Self { rig, told, outcome, scanned, unlit, .. } = self;
        let all: BTreeSet<String> = scanned.iter().cloned().collect();
        let stored = rig.recall(&scanned[0], "workOrder");
        outcome.acknowledged = told.green.len() as u64;
        outcome.stored = stored.len() as u64;
        outcome.lost = told.green.keys().filter(|serial| !stored.contains(*serial)).count() as u64;
        let devices = rig.json("/healthz")["devices"].as_u64().unwrap_or_default();
        outcome.twice += devices.saturating_sub(all.len() as u64);
        outcome.must(stored == all, || "the work order is not exactly what was scanned".to_owned());
        let without: BTreeSet<String> = all.iter().filter(|s| !told.green.contains_key(*s)).cloned().collect();
        outcome.must(without == *unlit, || format!("without a light: {without:?}, found after stops: {unlit:?}"));
        let stations = rig.json("/v1/stations")["stations"].as_array().cloned().unwrap_or_default();
        let sound = stations.iter().all(|series| {
            let none = |what: &str| series[what].as_array().is_none_or(Vec::is_empty) && series[what] != true;
            series["missing"] == 0 && none("holes") && none("conflicts") && none("rejected")
        });
        outcome.must(sound, || format!("holes, conflicts or refusals: {stations:?}"));
        // Neither a kill nor a power cut damages a journal: what is open is gone on with.
        outcome.must(stations.len() == 1, || format!("{} series of one station: {stations:?}", stations.len()));

        // The pallets, computed from what was answered, against what the service says.
        let mut pallets: BTreeMap<&String, BTreeSet<String>> = BTreeMap::new();
        for (serial, package) in &told.green {
            match told.pallet_of.get(package) {
                Some(pallet) => drop(pallets.entry(pallet).or_default().insert(serial.clone())),
                None => outcome.wrong(format!("package {package} is on no pallet")),
            }
        }
        let mut covered = BTreeSet::new();
        for units in pallets.values() {
            let Some(first) = units.first() else { continue };
            let recalled = rig.recall(first, "palletId");
            outcome
                .must(units.is_subset(&recalled), || format!("not on the pallet of {first}: {:?}", units - &recalled));
            let strangers = (&recalled - units).into_iter().filter(|serial| told.green.contains_key(serial)).count();
            outcome.must(strangers == 0, || format!("{strangers} green units of other pallets with {first}"));
            covered.extend(recalled);
        }
        // Two stops close together can leave a pallet on which no unit was lit.
        for serial in unlit.iter() {
            if !covered.contains(serial) {
                covered.extend(rig.recall(serial, "palletId"));
            }
        }
        outcome.must(covered == all, || format!("on no pallet: {:?}", &all - &covered));
        outcome.figure("stored_without_light", unlit.len());
        outcome.figure("most_without_light_after_one_stop", self.most_unlit);
        outcome.figure("already_recorded", told.already);
    }
}
