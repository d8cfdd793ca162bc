//! SIGKILL of station, service and broker at random moments, while units are scanned.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::told::{Told, is_known};
use super::{Campaign, Dice, LeftOut, Options, Outcome, Ran, progress};
use crate::{Rig, Shape, Watch, find_mosquitto, wait_for};

pub(super) const CAMPAIGN: Campaign = Campaign {
    name: "kill",
    what: "SIGKILL of station, service and broker at random moments, while units are scanned",
    runs_long: 500,
    runs_short: 24,
    run,
};

/// Units that are scanned without waiting for an answer.
const BURST: usize = 25;
/// Bursts from one kill to the next.
const BURSTS: usize = 3;
/// Most units in one group of the station.
const GROUP: usize = 64;

struct Run {
    rig: Rig,
    watch: Watch,
    told: Told,
    outcome: Outcome,
    dice: Dice,
    /// Units that went into the scanner.
    scanned: Vec<String>,
    /// Kills of station, service, broker.
    kills: [u64; 3],
    /// Most units of one kill that were stored without a light.
    most_unlit: usize,
    unlit: BTreeSet<String>,
}

fn run(options: &Options) -> Ran {
    let mosquitto = find_mosquitto().ok_or_else(LeftOut::mosquitto)?;
    let rig = Rig::start(mosquitto, Shape { package: 10, pallet: 7 });
    let watch = rig.watch().expect("the station runs");
    rig.scan("WO:WO-77");
    let mut run = Run {
        rig,
        watch,
        told: Told::default(),
        outcome: Outcome::default(),
        dice: options.dice(),
        scanned: Vec::new(),
        kills: [0; 3],
        most_unlit: 0,
        unlit: BTreeSet::new(),
    };
    while run.kills.iter().sum::<u64>() < u64::from(options.runs) {
        run.scan_bursts();
        // The parts die while the last burst is being decided.
        run.dice.wait_up_to(30_000);
        run.kill();
        run.hear();
        if run.kills.iter().sum::<u64>().is_multiple_of(50) {
            progress("kill", &format!("{:?} kills, {} green", run.kills, run.told.green.len()));
        }
    }
    run.finish();
    run.compare();
    run.rig.end_station();
    run.rig.end_service();
    Ok(run.outcome)
}

impl Run {
    fn scan_bursts(&mut self) {
        for _ in 0..BURSTS * BURST {
            let serial = format!("LL{:08}", self.scanned.len());
            self.rig.scanner.scan(&serial).expect("a scanner");
            self.scanned.push(serial);
        }
    }

    fn hear(&mut self) {
        self.watch.so_far().iter().for_each(|answer| self.told.hear(answer, &mut self.outcome));
    }

    /// Waits for what was on its way to the operator.
    fn hear_rest(&mut self, seconds: u64) {
        while let Some(answer) = self.watch.next(seconds) {
            self.told.hear(&answer, &mut self.outcome);
        }
    }

    fn kill(&mut self) {
        match self.dice.roll(3) {
            0 => {
                self.kills[0] += 1;
                self.kill_station();
            }
            1 => {
                self.kills[1] += 1;
                self.rig.kill_service();
                self.rig.start_service();
            }
            _ => {
                self.kills[2] += 1;
                self.rig.kill_broker();
                self.rig.start_broker();
            }
        }
    }

    fn kill_station(&mut self) {
        self.rig.kill_station();
        self.hear_rest(5);
        self.rig.scanner.unplug().expect("a scanner");
        self.rig.scanner.plug().expect("a scanner");
        self.rig.start_station();
        self.rig.wait_for_scanner();
        self.watch = self.rig.watch().expect("the station runs");
        let status = self.rig.status().expect("the station runs");
        let shown = status["notConfirmed"].to_string();
        // The last green unit is scanned once more: what was green is known.
        if let Some(last) = self.told.last.clone() {
            let answer = self.rig.scan(&last);
            if !is_known(&answer) {
                self.outcome.false_green += 1;
                self.outcome.wrong(format!("{last} was green, then the station was killed: {answer}"));
            }
        }
        // What the operator saw no light for is scanned again.
        let again: Vec<String> = self.scanned.iter().filter(|serial| self.is_open(serial)).cloned().collect();
        let mut unlit = Vec::new();
        for serial in again {
            let answer = self.rig.scan(&serial);
            if is_known(&answer) {
                let named = shown.contains(serial.as_str());
                self.outcome.must(named, || format!("{serial} was stored without a light, and is not shown"));
                unlit.push(serial);
            }
        }
        let count = unlit.len();
        self.outcome.must(count <= GROUP, || format!("{count} units of one kill were stored without a light"));
        self.most_unlit = self.most_unlit.max(count);
        self.unlit.extend(unlit);
        self.hear();
    }

    /// The operator does not know yet whether it is recorded.
    fn is_open(&self, serial: &str) -> bool {
        !self.told.green.contains_key(serial) && !self.told.known.contains(serial)
    }

    /// Everything has an answer and is delivered.
    fn finish(&mut self) {
        wait_for("every unit to be green or known", 60, || {
            self.hear();
            self.scanned.iter().all(|serial| !self.is_open(serial)).then_some(())
        });
        for command in ["LOTLINE-CLOSE-PACKAGE", "LOTLINE-CLOSE-PALLET"] {
            // There is nothing to close where the last unit filled it.
            self.rig.scan(command);
        }
        let rest: Vec<_> = std::iter::from_fn(|| self.watch.next(1)).collect();
        for answer in rest.iter().filter(|answer| answer["code"] != "nothing-to-close") {
            self.told.hear(answer, &mut self.outcome);
        }
        self.rig.wait_until_delivered(60);
    }

    /// What operators were told against what the service has.
    fn compare(&mut self) {
        let Self { rig, told, outcome, scanned, unlit, .. } = self;
        let all: BTreeSet<String> = scanned.iter().cloned().collect();
        let stored = rig.recall(&scanned[0], "workOrder");
        outcome.runs = self.kills.iter().sum();
        outcome.acknowledged = told.green.len() as u64;
        outcome.stored = stored.len() as u64;
        outcome.lost = told.green.keys().filter(|serial| !stored.contains(*serial)).count() as u64;
        let devices = rig.json("/healthz")["devices"].as_u64().unwrap_or_default();
        outcome.twice += devices.saturating_sub(all.len() as u64);
        outcome.must(stored == all, || "the work order is not exactly what was scanned".to_owned());
        let without: BTreeSet<String> = all.iter().filter(|s| !told.green.contains_key(*s)).cloned().collect();
        outcome.must(without == *unlit, || format!("without a light: {without:?}, found at restarts: {unlit:?}"));

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
            outcome.must(units.is_subset(&recalled), || format!("not on the pallet of {first}: {:?}", units - &recalled));
            let strangers = (&recalled - units).into_iter().filter(|serial| told.green.contains_key(serial)).count();
            outcome.must(strangers == 0, || format!("{strangers} green units of other pallets with {first}"));
            covered.extend(recalled);
        }
        // Two kills close together can leave a pallet on which no unit was lit.
        for serial in unlit.iter() {
            if !covered.contains(serial) {
                covered.extend(rig.recall(serial, "palletId"));
            }
        }
        outcome.must(covered == all, || format!("on no pallet: {:?}", &all - &covered));
        let [station, service, broker] = self.kills;
        outcome.figure("kills", json!({ "station": station, "service": service, "broker": broker }));
        outcome.figure("stored_without_light", unlit.len());
        outcome.figure("most_without_light_in_one_kill", self.most_unlit);
        outcome.figure("already_recorded", told.already);
    }
}
