//! Real serials through the whole line while station, service and broker are killed again and again.
//!
//! `LOTLINE_KILL_SERIALS=21195` runs a longer one; its last line says what happened.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tests::{Rig, Shape, Watch, mosquitto, shared, wait_for};

/// The serials of the drives, or made ones where the file is not at hand.
fn serials(count: usize) -> Vec<String> {
    match shared("real serials in the test of kills (made ones are used)") {
        Some(shared) => {
            let mut reader = csv::Reader::from_path(shared.join("data/serials/drives-2013-04-10.csv")).unwrap();
            reader.records().take(count).map(|row| row.unwrap()[1].to_owned()).collect()
        }
        None => (0..count).map(|number| format!("LL{number:08}")).collect(),
    }
}

/// What the operator was told: the only truth of this test.
#[derive(Default)]
struct Told {
    /// Green units, each with its package.
    green: BTreeMap<String, String>,
    /// Package to pallet, from the answers at closing.
    pallet_of: BTreeMap<String, String>,
    /// Units that the station says it had already.
    duplicates: BTreeSet<String>,
    answered: usize,
    /// What the station shows after restarts as recorded, but perhaps not confirmed.
    shown: String,
}

impl Told {
    fn hear(&mut self, answer: &Value) {
        let serial = answer["serial"].as_str().map(str::to_owned);
        let container = |what: &str| answer[what]["id"].as_str().map(str::to_owned);
        match answer["code"].as_str().unwrap() {
            "packed" => {
                self.answered += 1;
                let serial = serial.unwrap();
                assert!(
                    self.green.insert(serial.clone(), container("package").unwrap()).is_none(),
                    "{serial} green twice"
                );
            }
            // On record, but somebody was told so only now.
            "duplicate" | "already-recorded" => {
                self.answered += 1;
                self.duplicates.insert(serial.unwrap());
            }
            "package-closed" | "pallet-closed" | "work-order-started" | "work-order-unchanged" => {}
            other => panic!("unexpected answer {other}: {answer}"),
        }
        if let (Some(package), Some(pallet)) = (container("package"), container("pallet")) {
            self.pallet_of.insert(package, pallet);
        }
    }
}

/// A small generator of its own: the same kills in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

#[test]
fn killed_again_and_again_nothing_green_is_lost_and_nothing_is_there_twice() {
    let test = "kills of station, service and broker";
    let Some(mosquitto) = mosquitto(test) else { return };
    // Not a multiple of anything: the last package and pallet are part-filled.
    let count = std::env::var("LOTLINE_KILL_SERIALS").map_or(1503, |count| count.parse().expect("a number of serials"));
    let serials = serials(count);
    let mut rig = Rig::start(mosquitto, Shape { package: 10, pallet: 7 });
    let mut watch = rig.watch().unwrap();
    rig.scan("WO:WO-77");
    let mut told = Told::default();
    let (mut dice, mut kills) = (Dice(0x1507_2026), [0_u32; 3]);
    let mut next = 0;
    let mut since_kill = 0;
    while next < serials.len() {
        // A burst goes in while the parts die.
        let burst = &serials[next..(next + 25).min(serials.len())];
        burst.iter().for_each(|serial| rig.scanner.scan(serial).unwrap());
        next += burst.len();
        since_kill += 1;
        if since_kill >= 3 && kills.iter().sum::<u32>() < count as u32 / 100 {
            since_kill = 0;
            std::thread::sleep(std::time::Duration::from_millis(dice.roll(30)));
            match dice.roll(3) {
                0 => {
                    kills[0] += 1;
                    rig.kill_station();
                    hear_rest(&watch, &mut told);
                    // What the operator saw no light for is scanned again.
                    rig.scanner.unplug().unwrap();
                    rig.scanner.plug().unwrap();
                    rig.start_station();
                    rig.wait_for_scanner();
                    watch = rig.watch().unwrap();
                    told.shown.push_str(&rig.status().unwrap()["notConfirmed"].to_string());
                    let again: Vec<&String> =
                        serials[..next].iter().filter(|serial| !told.green.contains_key(*serial)).collect();
                    again.iter().for_each(|serial| rig.scanner.scan(serial).unwrap());
                }
                1 => {
                    kills[1] += 1;
                    rig.kill_service();
                    rig.start_service();
                }
                _ => {
                    kills[2] += 1;
                    rig.kill_broker();
                    rig.start_broker();
                }
            }
        }
        watch.so_far().iter().for_each(|answer| told.hear(answer));
    }
    assert!(kills.iter().all(|count| *count >= 2), "each part was killed several times: {kills:?}");
    wait_for("every unit to be green or known", 60, || {
        watch.so_far().iter().for_each(|answer| told.hear(answer));
        serials.iter().all(|s| told.green.contains_key(s) || told.duplicates.contains(s)).then_some(())
    });
    for command in ["LOTLINE-CLOSE-PACKAGE", "LOTLINE-CLOSE-PALLET"] {
        rig.scan(command);
    }
    while let Some(answer) = watch.next(1) {
        told.hear(&answer);
    }
    rig.wait_until_delivered(60);

    let all: BTreeSet<String> = serials.iter().cloned().collect();
    let unlit: Vec<&String> = all.iter().filter(|serial| !told.green.contains_key(*serial)).collect();
    let not_green = unlit.len();
    assert!(
        unlit.iter().all(|serial| told.shown.contains(serial.as_str())),
        "each is shown after the restart: {unlit:?}"
    );
    assert!(not_green <= kills[0] as usize * 64, "stored without a light: at most one group for each kill");
    let health = rig.json("/healthz");
    assert_eq!(health["devices"], serials.len(), "every unit is stored exactly once");
    assert!(rig.recall(&serials[0], "workOrder") == all, "the work order is not exactly what was scanned");

    // The pallets, computed from what was answered, against what the service says.
    let mut pallets: BTreeMap<&String, BTreeSet<String>> = BTreeMap::new();
    for (serial, package) in &told.green {
        pallets.entry(&told.pallet_of[package]).or_default().insert(serial.clone());
    }
    let mut covered = BTreeSet::new();
    for units in pallets.values() {
        let recalled = rig.recall(units.first().unwrap(), "palletId");
        let others: BTreeSet<_> = recalled.difference(units).collect();
        assert!(units.is_subset(&recalled), "missing: {:?}", units.difference(&recalled).collect::<Vec<_>>());
        assert!(
            others.iter().all(|serial| !told.green.contains_key(*serial)),
            "a green unit on another pallet: {others:?}"
        );
        covered.extend(recalled);
    }
    // Two kills close together can leave a pallet on which no unit was lit.
    for serial in unlit {
        if !covered.contains(serial) {
            covered.extend(rig.recall(serial, "palletId"));
        }
    }
    assert!(covered == all, "on no pallet: {:?}", all.difference(&covered).collect::<Vec<_>>());
    println!(
        "{count} serials, kills of station, service, broker: {kills:?}, green {}, stored without a light {not_green}",
        told.green.len()
    );
    rig.end_station();
    rig.end_service();
}

/// The last answers of a killed station: what was on its way to the operator.
fn hear_rest(watch: &Watch, told: &mut Told) {
    while let Some(answer) = watch.next(5) {
        told.hear(&answer);
    }
}
