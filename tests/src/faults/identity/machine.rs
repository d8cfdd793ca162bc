//! Two machines.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use super::super::scanning::{Scanning, until};
use super::super::service::copy_folder;
use super::{alarmed_at_the_service, end, series};
use crate::{Around, Ask, Process, can_mount, free_port};

/// Units that each of the two scans.
const EACH: u64 = 40;

/// The folder is cloned to a second machine, and both run under one name at the same time.
pub(super) fn cloned(line: &mut Scanning) {
    if let Err(why) = can_mount() {
        return line.outcome.leave_out("cloned", &why);
    }
    line.scan(21);
    let open = line.dice.roll(2) == 0;
    if !open {
        line.close_package();
    }
    line.drained(30, "the first life");
    let before = series(line);
    line.rig.end_station();
    let folder = line.rig.path("clone");
    copy_folder(&line.rig.path("station"), &folder.join("station"));
    line.rig.start_station();
    line.ready();
    let clone = start(line);
    let ask = || Ask::open(&folder.join("station.sock"));
    let own = until(10, || {
        let status = ask().and_then(|mut ask| ask.status()).unwrap_or_default();
        status["series"].as_str().is_some_and(|series| series != before) && status["alarms"] != Value::Array(Vec::new())
    });
    line.outcome.must(own, || "the clone begins no new series, or has no alarm".to_owned());

    // Both scan, turn by turn; what the clone was told is its own truth.
    let (mut green, mut packages) = (BTreeSet::new(), BTreeSet::new());
    let mut codes = BTreeSet::new();
    for n in 0..EACH {
        line.scan(1);
        let answer = ask().and_then(|mut ask| ask.scan(&format!("C{n:07}"))).unwrap_or_default();
        codes.insert(answer["code"].as_str().unwrap_or_default().to_owned());
        if answer["code"] == "packed" {
            green.extend(answer["serial"].as_str().map(str::to_owned));
            packages.extend(answer["package"]["id"].as_str().map(str::to_owned));
        }
    }
    let allowed = codes.iter().all(|code| ["packed", "no-sscc"].contains(&code.as_str()));
    line.outcome.must(allowed, || format!("the clone answers {codes:?}"));
    let both: Vec<&String> = packages.iter().filter(|package| line.told.packages.contains(package)).collect();
    line.outcome.twice += both.len() as u64;
    line.outcome.must(both.is_empty(), || format!("packages of both machines: {both:?}"));
    alarmed_at_the_service(line, "while a clone runs");

    // The clone is found and taken away when everything of it has arrived.
    let drained = until(60, || {
        let status = ask().and_then(|mut ask| ask.status()).unwrap_or_default();
        status["undelivered"] == 0
    });
    line.outcome.must(drained, || "the records of the clone do not arrive".to_owned());
    clone.kill();
    end_without(line, &green);
}

/// As for one machine, but the units of the clone are at the service, too.
fn end_without(line: &mut Scanning, green: &BTreeSet<String>) {
    let own: Vec<String> = line.told.green.keys().cloned().collect();
    // The clone's units count as told: they are in the same work order.
    for serial in green {
        let (_, history) =
            crate::get(&line.rig.http(), &format!("/v1/devices/{serial}"), "application/json").unwrap_or_default();
        let package = serde_json::from_str::<Value>(&history).unwrap_or_default();
        let package = package["packageId"].as_str().unwrap_or_default().to_owned();
        if package.is_empty() {
            line.outcome.lost += 1;
            line.outcome.wrong(format!("{serial} was green at the clone, and the service does not have it"));
            continue;
        }
        line.told.green.insert(serial.clone(), package);
    }
    end(line, "a clone was taken away");
    line.outcome.figure("own", own.len());
}

/// A second station with the same name, folder beside, another machine's id.
fn start(line: &Scanning) -> Process {
    let folder = line.rig.path("clone");
    let id = folder.join("machine-id");
    std::fs::write(&id, "0123456789abcdef0123456789abcdef\n").expect("a file");
    let (here, there) = (line.rig.path("").display().to_string(), folder.display().to_string());
    let here = here.trim_end_matches('/');
    let text = std::fs::read_to_string(line.rig.config()).expect("a configuration");
    let text = text
        .replace(here, &there)
        .replace(&format!("listen = \"{}\"", line.rig.page()), &format!("listen = \"127.0.0.1:{}\"", free_port()));
    std::fs::create_dir_all(folder.join("camera")).expect("a folder");
    let config = folder.join("station.toml");
    std::fs::write(&config, text).expect("a configuration");
    let mut command: Command = Around::default().mount(&id, "/etc/machine-id").station();
    command.arg("run").arg("--config").arg(&config);
    Process::start("clone", &folder, &mut command)
}
