//! One machine.

use std::path::Path;

use super::super::scanning::{Scanning, until};
use super::super::service::copy_folder;
use super::{alarmed_at_the_service, alarmed_at_the_station, end, new_series, series};
use crate::run;

/// Units of a life, some of a box left over.
const LIFE: u64 = 22;

fn life(line: &mut Scanning) {
    let more = line.dice.roll(6);
    line.scan(LIFE + more);
}

fn remove(folder: &Path, beginning: &str) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("a file").path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(beginning)) {
            std::fs::remove_file(path).expect("a file");
        }
    }
}

/// The journal is deleted; the second file with the marks is there.
pub(super) fn journal_deleted(line: &mut Scanning) {
    life(line);
    // With the journal the box on the table is forgotten: it is closed before.
    line.close_package();
    line.drained(30, "the first life");
    let before = series(line);
    line.rig.end_station();
    remove(&line.rig.path("station"), "journal");
    line.rig.start_station();
    line.ready();
    new_series(line, &before, 1, "after the journal was deleted");
    alarmed_at_the_station(line, "after the journal was deleted");
    line.rig.scan("WO:WO-77");
    life(line);
    end(line, "the journal was deleted");
}

/// The folder is restored from a copy of its files: they are other files now.
pub(super) fn old_copy(line: &mut Scanning) {
    let (before, data) = two_lives(line);
    std::fs::rename(&data, line.rig.path("station-lost")).expect("a folder");
    std::fs::rename(line.rig.path("copy"), &data).expect("a folder");
    line.rig.start_station();
    line.ready();
    new_series(line, &before, 5, "after the folder was restored from a copy");
    alarmed_at_the_station(line, "after the folder was restored from a copy");
    life(line);
    end(line, "the folder was restored from a copy");
    alarmed_at_the_service(line, "after the folder was restored from a copy");
}

/// The folder is restored with its files' own numbers, as from an image of the disk: only the service can know it.
pub(super) fn old_image(line: &mut Scanning) {
    let (before, data) = two_lives(line);
    let copy = line.rig.path("copy");
    for entry in std::fs::read_dir(&data).expect("a folder") {
        let path = entry.expect("a file").path();
        let old = copy.join(path.file_name().expect("a name"));
        match std::fs::read(&old) {
            // Written into the same file.
            Ok(bytes) => std::fs::write(&path, bytes).expect("a file"),
            Err(_) if path.is_file() => std::fs::remove_file(&path).expect("a file"),
            Err(_) => {}
        }
    }
    line.rig.start_station();
    // The service sees by the first status that the journal is older than what it has of it. What is scanned at once waits
    // for that.
    line.scan_or_wait(LIFE);
    new_series(line, &before, 5, "after the service said what it has");
    line.scan_or_wait(LIFE);
    alarmed_at_the_station(line, "after a fork");
    end(line, "an image was restored");
    alarmed_at_the_service(line, "after a fork");
}

/// A life, a copy of the folder, and another life that the copy knows nothing of; everything is receipted, nothing runs.
fn two_lives(line: &mut Scanning) -> (String, std::path::PathBuf) {
    life(line);
    // In half of the runs a box stands open on the table.
    if line.dice.roll(2) == 0 {
        line.close_package();
    }
    line.drained(30, "the first life");
    let (before, data) = (series(line), line.rig.path("station"));
    line.rig.end_station();
    copy_folder(&data, &line.rig.path("copy"));
    line.rig.start_station();
    line.ready();
    life(line);
    line.close_package();
    line.drained(30, "the second life");
    line.rig.end_station();
    (before, data)
}

/// Journal and marks are lost, and the service knows from where on SSCCs are free.
pub(super) fn marks_lost(line: &mut Scanning) {
    lose_marks(line);
    refused(line, "before the service said from where on SSCCs are free");
    // The service waits until nobody else can be writing as this station.
    let told = until(260, || line.rig.status().unwrap_or_default()["ssccMark"].is_u64());
    line.outcome.must(told, || "the service does not say from where on SSCCs are free".to_owned());
    if told {
        life(line);
    }
    end(line, "the marks were lost");
}

/// Journal and marks are lost, and a technician enters the mark.
pub(super) fn marks_lost_entered(line: &mut Scanning) {
    lose_marks(line);
    refused(line, "before the mark was entered");
    enter(line, 5000);
    life(line);
    above(line, 5000);
    end(line, "the mark was entered");
}

fn lose_marks(line: &mut Scanning) {
    life(line);
    line.close_package();
    line.drained(30, "the first life");
    line.rig.end_station();
    remove(&line.rig.path("station"), "journal");
    remove(&line.rig.path("station"), "station.marks");
    line.rig.start_station();
    line.rig.scan("WO:WO-77");
}

/// A new station that has never heard of a service.
pub(super) fn no_service(line: &mut Scanning) {
    line.rig.scan("WO:WO-77");
    refused(line, "without a service");
    enter(line, 700);
    life(line);
    above(line, 700);
    line.rig.start_service();
    end(line, "the service came");
}

/// No package is opened.
fn refused(line: &mut Scanning, when: &str) {
    let serial = line.new_serial();
    let answer = line.rig.scan(&serial);
    line.outcome.must(answer["code"] == "no-sscc", || format!("a package was opened {when}: {answer}"));
    if answer["code"] == "packed" {
        line.told.hear(&answer, &mut line.outcome);
    }
}

fn enter(line: &mut Scanning, mark: u64) {
    let said = run("lotline-station", &["sscc", "enter", &mark.to_string(), "--config", &line.rig.config()]);
    line.outcome.must(said.status.success(), || {
        format!("`sscc enter {mark}`: {}", String::from_utf8_lossy(&said.stderr).trim())
    });
}

/// Every package of the last life has a serial reference from `mark` on.
fn above(line: &mut Scanning, mark: u64) {
    let last = line.told.packages.last().cloned().unwrap_or_default();
    // Extension digit and a prefix of seven digits before it, the check digit behind it.
    let reference = last.get(8..17).and_then(|digits| digits.parse::<u64>().ok());
    line.outcome.must(reference >= Some(mark), || format!("package {last} is below the mark {mark} that was entered"));
}
