//! A disk that is full, at every commit: filled by another program to the page, and by the queue itself.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use demo::sim::ZplPrinterOptions;
use serde_json::Value;

use super::{Campaign, LeftOut, Mounted, Options, Outcome, Ran, progress};
use crate::{Ask, Rig, Shape, find_mosquitto};

pub(super) const CAMPAIGN: Campaign = Campaign {
    name: "fulldisk",
    what: "no space from the n-th page on, taken by another program, and by the queue itself",
    runs_long: 300,
    runs_short: 6,
    run,
};

/// The station's disk: its ballast of 2 MiB, a log, the records that wait, and what it has to know of all units of a long
/// campaign.
const MEBIBYTES: u32 = 64;
const PAGE: u64 = 4096;
/// Seconds for a queue that has filled the disk: tens of thousands of records, on a disk that has no space beside them.
const DRAIN: u64 = 300;
/// One round in so many lets the queue itself fill the disk.
const OWN_DOING: u32 = 50;
/// Before the queue fills the disk another program leaves it only so many pages: some two thousand units.
const QUEUE_PAGES: u64 = 400;

fn run(options: &Options) -> Ran {
    let mosquitto = find_mosquitto().ok_or_else(LeftOut::mosquitto)?;
    let mut rig = Rig::prepare(mosquitto, Shape { package: 10, pallet: 10 }, ZplPrinterOptions::default(), &[]);
    rig.station_disk = Some(Mounted::memory(&rig.path("station"), MEBIBYTES)?);
    rig.start_all();
    rig.scan("WO:WO-1");
    let mut run = Run { rig, outcome: Outcome::default(), green: 0, red: 0, at_start: 0 };
    let mut dice = options.dice();
    for round in 0..options.runs {
        // The short form takes steps that reach as far.
        let pages = u64::from(round) * u64::from(CAMPAIGN.runs_long / options.runs.min(CAMPAIGN.runs_long));
        match dice.roll(3) {
            // Ended in order, the log is empty: commits need space from the first page on.
            0 => {
                run.rig.end_station();
                run.rig.start_station();
            }
            1 => {
                run.rig.kill_station();
                run.rig.start_station();
            }
            _ => {}
        }
        if round % OWN_DOING == OWN_DOING / 2 || round + 1 == options.runs {
            run.filled_by_the_queue();
        }
        run.filled_by_another_program(pages, dice.roll(2) == 0, dice.roll(4) == 0);
        if round % 20 == 19 {
            progress("fulldisk", &format!("{} rounds, {} green, {} red", round + 1, run.green, run.red));
        }
    }
    run.start_on_a_full_disk();
    run.finish(u64::from(options.runs))
}

struct Run {
    rig: Rig,
    outcome: Outcome,
    /// Units 0 to `green - 1` are green; the next one has been red or was never scanned.
    green: u64,
    /// Red answers.
    red: u64,
    /// Stations that were killed on the full disk and started on it again.
    at_start: u64,
}

/// What the disk holds.
fn space(rig: &Rig) -> String {
    let path = rig.path("station");
    let free = rustix::fs::statvfs(&path).map_or(0, |disk| disk.f_bavail * disk.f_frsize);
    let files = std::fs::read_dir(&path).into_iter().flatten().flatten().map(|file| {
        let length = file.metadata().map_or(0, |file| file.len());
        format!("{} {length}", file.file_name().display())
    });
    format!("{free} bytes free beside {}", files.collect::<Vec<_>>().join(", "))
}

fn unit(number: u64) -> String {
    format!("A{number}")
}

impl Run {
    /// Another program leaves so many pages of the disk. While receipts make room a station may go on in it for ever.
    fn filled_by_another_program(&mut self, pages: u64, receipts: bool, stop: bool) {
        self.rig.wait_until_delivered(DRAIN);
        if !receipts {
            self.rig.kill_service();
        }
        let filler = fill(&self.rig.path("station"), pages);
        self.scan_until_red(if receipts { 300 } else { u64::MAX });
        if !receipts {
            self.service_returns();
        }
        // What was green is delivered and receipted, from a full disk.
        self.rig.wait_until_delivered(DRAIN);
        self.must_be_stored("on a full disk");
        if stop {
            self.at_start += 1;
            self.rig.kill_station();
            self.rig.start_station();
            self.rig.wait_until_delivered(DRAIN);
        }
        std::fs::remove_file(filler).expect("the filler");
        self.green_again();
    }

    /// Nothing is delivered until the queue fills the disk; then the service comes back.
    fn filled_by_the_queue(&mut self) {
        self.rig.wait_until_delivered(DRAIN);
        self.rig.kill_service();
        let filler = fill(&self.rig.path("station"), QUEUE_PAGES);
        self.scan_until_red(u64::MAX);
        self.rig.kill_station();
        self.rig.start_station();
        // A start may make room for a few more: it writes the log back.
        self.scan_until_red(u64::MAX);
        self.service_returns();
        self.rig.wait_until_delivered(DRAIN);
        self.must_be_stored("on a disk that the queue had filled");
        self.green_again();
        std::fs::remove_file(filler).expect("the filler");
    }

    /// The disk is filled while the station is off, and its start has to go on record.
    fn start_on_a_full_disk(&mut self) {
        self.rig.wait_until_delivered(DRAIN);
        self.rig.kill_service();
        for _ in 0..20 {
            self.green_again();
        }
        self.rig.kill_station();
        let filler = fill(&self.rig.path("station"), 0);
        // Other sizes are another configuration, which is a record of its own: that needs space.
        let text = std::fs::read_to_string(self.rig.config()).expect("the configuration");
        let other = text.replace("package_size = 10", "package_size = 11");
        std::fs::write(self.rig.config(), other).expect("the configuration");
        self.rig.start_station();
        self.rig.start_service();
        self.rig.wait_until_delivered(DRAIN);
        self.must_be_stored("by a station that started on a full disk");
        std::fs::remove_file(filler).expect("the filler");
        self.green_again();
    }

    /// The longer there was no receipt the longer a station waits until it sends again: nobody waits for that here.
    fn service_returns(&mut self) {
        self.rig.start_service();
        self.rig.ask().and_then(|mut ask| ask.retry()).expect("the station runs");
    }

    fn scan_until_red(&mut self, most: u64) {
        let mut ask = self.rig.ask().expect("the station runs");
        for _ in 0..most {
            let answer = self.scan(&mut ask);
            if answer["outcome"] != "accepted" {
                self.red += 1;
                let said = answer["text"].as_str().unwrap_or_default().contains("disk is full");
                let right = answer["code"] == "not-durable" && answer["outcome"] == "refused" && said;
                self.outcome.must(right, || format!("on a full disk: {answer}"));
                return;
            }
        }
    }

    /// Scans the next unit.
    fn scan(&mut self, ask: &mut Ask) -> Value {
        let answer = ask.scan(&unit(self.green)).expect("an answer");
        if answer["code"] == "packed" {
            self.green += 1;
        } else if answer["code"] == "duplicate" || answer["code"] == "already-recorded" {
            self.outcome.wrong(format!("it was red, and was recorded all the same: {answer}"));
            self.green += 1;
        }
        answer
    }

    fn must_be_stored(&mut self, when: &str) {
        let stored = self.rig.json("/healthz")["devices"].as_u64().unwrap_or_default();
        let green = self.green;
        self.outcome.must(stored == green, || format!("{when} {stored} units are stored, {green} were green"));
    }

    /// There is space: the next unit must be green by itself, and what follows.
    fn green_again(&mut self) {
        let mut ask = self.rig.ask().expect("the station runs");
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let answer = self.scan(&mut ask);
            if answer["outcome"] == "accepted" {
                break;
            }
            assert!(Instant::now() < until, "not green by itself: {answer}; the disk has {}", space(&self.rig));
            std::thread::sleep(Duration::from_millis(20));
        }
        for _ in 0..20 {
            let answer = self.scan(&mut ask);
            self.outcome.must(answer["code"] == "packed", || format!("with space: {answer}"));
        }
    }

    fn finish(mut self, runs: u64) -> Ran {
        self.rig.wait_until_delivered(DRAIN);
        let mut outcome = self.outcome;
        let stored = self.rig.recall(&unit(0), "workOrder");
        outcome.runs = runs;
        outcome.acknowledged = self.green;
        outcome.stored = stored.len() as u64;
        outcome.lost = (0..self.green).filter(|number| !stored.contains(&unit(*number))).count() as u64;
        let devices = self.rig.json("/healthz")["devices"].as_u64().unwrap_or_default();
        outcome.twice = devices.saturating_sub(self.green);
        outcome.figure("red", self.red);
        outcome.figure("restarts_on_a_full_disk", self.at_start);
        self.rig.end_station();
        Ok(outcome)
    }
}

/// Another program takes all of the disk but so many pages.
fn fill(folder: &Path, pages: u64) -> PathBuf {
    let path = folder.join("filler");
    let mut file = std::fs::File::create(&path).expect("a file");
    while file.write_all(&[7; PAGE as usize]).is_ok() {}
    let length = file.metadata().expect("a file").len();
    file.set_len(length.saturating_sub(pages * PAGE)).expect("a shorter file");
    path
}
