//! The service is killed while it stores, and restored from a backup that is older than what it has receipted.

use std::path::Path;

use serde_json::json;

use super::scanning::{Scanning, until};
use super::{Campaign, LeftOut, Options, Ran, progress};
use crate::{Around, Rig, Shape, find_mosquitto, get};

pub(super) const CAMPAIGN: Campaign = Campaign {
    name: "service",
    what: "the service is killed between reading and its commit, and restored from an old backup",
    runs_long: 200,
    runs_short: 16,
    run,
};

/// A restore follows after so many kills.
const RESTORE_EVERY: u64 = 16;
/// Records that the backup does not have.
const SINCE_BACKUP: u64 = 300;

fn run(options: &Options) -> Ran {
    let mosquitto = find_mosquitto().ok_or_else(LeftOut::mosquitto)?;
    let rig = Rig::start_around(mosquitto, Shape { package: 10, pallet: 7 }, Around::hasty());
    let mut line = Scanning::new(rig, "S", options);
    let (mut kills, mut restores, mut asked_again) = (0, 0, 0);
    while kills < u64::from(options.runs) {
        kill(&mut line);
        kills += 1;
        if kills.is_multiple_of(RESTORE_EVERY) || kills == u64::from(options.runs) {
            asked_again += restore(&mut line, restores);
            restores += 1;
            progress("service", &format!("{kills} kills, {restores} restores, {} green", line.told.green.len()));
        }
    }
    line.drained(60, "the last restore");
    line.compare();
    line.compare_packages();
    line.complete(60);
    line.outcome.runs = kills + restores;
    line.outcome.figure("kills", kills);
    line.outcome.figure("restores", json!(restores));
    line.outcome.figure("records_asked_again", asked_again);
    line.rig.end_station();
    line.rig.end_service();
    Ok(line.outcome)
}

/// Segments flow, and at some moment the service is no more.
fn kill(line: &mut Scanning) {
    let count = 10 + line.dice.roll(20);
    line.scan(count);
    line.dice.wait_up_to(15_000);
    line.rig.kill_service();
    if line.dice.roll(2) == 0 {
        line.scan(5);
    }
    line.rig.start_service();
}

/// A backup is taken, much is stored and receipted after it, and then the backup is all that is left. Tells how many records
/// the service had to ask for.
fn restore(line: &mut Scanning, number: u64) -> u64 {
    line.drained(60, "the kills");
    let (data, backup) = (line.rig.path("service"), line.rig.path("backup"));
    line.rig.end_service();
    copy_folder(&data, &backup);
    line.rig.start_service();
    line.scan(SINCE_BACKUP);
    line.close_package();
    line.drained(60, "the backup");
    let before = stored(line);
    line.rig.kill_service();
    std::fs::rename(&data, line.rig.path(&format!("service-lost-{number}"))).expect("a folder");
    std::fs::rename(&backup, &data).expect("a folder");
    // The station may have been started again meanwhile: it still has what was receipted.
    if line.dice.roll(2) == 0 {
        line.rig.end_station();
        line.rig.start_station();
    }
    line.rig.start_service();
    let gone = before.saturating_sub(stored(line));
    // Scanning goes on while the gap is closed.
    line.scan(20);
    let green = line.told.green.len() as u64;
    let closed = until(60, || devices(line) >= green);
    let has = devices(line);
    line.outcome.must(closed, || format!("60 s after a restore the service has {has} of {green} units"));
    line.complete(60);
    gone
}

fn devices(line: &Scanning) -> u64 {
    line.rig.json("/healthz")["devices"].as_u64().unwrap_or_default()
}

/// Records of all series, as far as there are no holes.
fn stored(line: &Scanning) -> u64 {
    let Some((200, body)) = get(&line.rig.http(), "/v1/stations", "application/json") else { return 0 };
    let said: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    let stations = said["stations"].as_array().cloned().unwrap_or_default();
    stations.iter().filter_map(|series| series["upTo"].as_u64()).sum()
}

/// Copies the files of a folder whose program has ended.
///
/// # Panics
/// When one cannot be read or written.
pub(super) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("a file").path();
        if path.is_file() {
            std::fs::copy(&path, to.join(path.file_name().expect("a name"))).expect("a copy");
        }
    }
}
