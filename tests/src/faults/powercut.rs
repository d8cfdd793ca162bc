//! Power cuts: what is on the disk at a random moment, and nothing else, is what the next station finds.
//!
//! The station's data lies in an ext4 image behind a loop device. While units are scanned and receipts flow the station is
//! frozen, and the image is copied: what was written but not synced is in the page cache of the mounted file system, not in
//! the image. The copy is then the disk of the line. The control runs the same program with its log's syncs taken out, and
//! must lose records.

use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};

use super::line::{Line, prepare};
use super::mounted::{Mounted, make_image};
use super::told::is_known;
use super::{Campaign, Dice, LeftOut, Options, Ran, build_shim, progress};
use crate::{Rig, find_mosquitto, wait_for};

pub(super) const CAMPAIGN: Campaign = Campaign {
    name: "powercut",
    what: "the station's disk as it is at a random moment, unsynced bytes gone; a control without syncs must lose records",
    runs_long: 200,
    runs_short: 8,
    run,
};

/// The size of the disk.
const MEBIBYTES: u64 = 48;
/// Most units from one cut to the next.
const UNITS: u64 = 200;

fn run(options: &Options) -> Ran {
    let mosquitto = find_mosquitto().ok_or_else(LeftOut::mosquitto)?;
    let mut dice = options.dice();
    let mut disk = Disk::new()?;
    let mut rig = prepare(mosquitto.clone());
    disk.mount(&mut rig)?;
    let mut line = Line::of(rig);
    for run in 1..=options.runs {
        let units = 40 + dice.roll(UNITS - 40) as usize;
        line.scan(units);
        dice.wait_up_to(40_000);
        disk.cut(&mut line.rig);
        line.hear_rest();
        line.start_again(units);
        if run.is_multiple_of(20) {
            progress("powercut", &format!("{run} cuts, {} green", line.told.green.len()));
        }
    }
    let torn = disk.torn;
    let mut outcome = line.finish("powercut");
    outcome.runs = u64::from(options.runs);
    outcome.figure("copies_taken_again", torn);

    let cuts = (options.runs / 20).clamp(2, 10);
    let mut control = Control::default();
    for _ in 0..cuts {
        control.cut(mosquitto.clone(), &mut dice)?;
    }
    progress("powercut", &format!("control without syncs of the log: {control:?}"));
    outcome.must(control.lost > 0, || "the control lost nothing: these cuts prove nothing".to_owned());
    outcome.figure("control_cuts", cuts);
    outcome.figure("control_green", control.green);
    outcome.figure("control_lost", control.lost);
    Ok(outcome)
}

/// The station's disk.
struct Disk {
    folder: tempfile::TempDir,
    /// The number of the image in use.
    number: u32,
    /// Copies during which the disk was written to.
    torn: u32,
}

impl Disk {
    fn new() -> Result<Self, LeftOut> {
        let disk = Self { folder: tempfile::tempdir().expect("a folder"), number: 0, torn: 0 };
        make_image(&disk.image(), MEBIBYTES)?;
        Ok(disk)
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join(format!("disk-{}", self.number))
    }

    /// Gives the disk to a line whose station does not run.
    fn mount(&self, rig: &mut Rig) -> Result<(), LeftOut> {
        rig.station_disk = Some(Mounted::image(&rig.path("station"), &self.image())?);
        Ok(())
    }

    /// The power goes now. The station is gone, its next disk is what the image was.
    fn cut(&mut self, rig: &mut Rig) {
        let old = self.image();
        self.number += 1;
        let station = rig.station_id();
        let pid = i32::try_from(station).ok().and_then(Pid::from_raw).expect("a process");
        kill_process(pid, Signal::STOP).expect("the station runs");
        wait_for("the station to stand still", 10, || stands_still(station).then_some(()));
        loop {
            let before = writes(&old);
            let copied = Command::new("cp").arg("--sparse=always").arg(&old).arg(self.image()).status();
            assert!(copied.is_ok_and(|status| status.success()), "the disk can be copied");
            // A cut is one moment: what was written while it was copied would make it two.
            if writes(&old) == before {
                break;
            }
            self.torn += 1;
        }
        rig.kill_station();
        if let Some(mounted) = rig.station_disk.take() {
            mounted.unmount();
        }
        std::fs::remove_file(&old).expect("the old disk");
        self.mount(rig).expect("the copy can be mounted");
    }
}

/// Are all threads of the process stopped?
fn stands_still(process: u32) -> bool {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).expect("the process");
    tasks.flatten().all(|task| {
        let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('T'))
    })
}

/// Requests to the loop device of an image that were finished or have begun.
fn writes(image: &Path) -> String {
    let image = image.canonicalize().expect("the image");
    for number in 0..256 {
        let device = PathBuf::from(format!("/sys/block/loop{number}"));
        let behind = std::fs::read_to_string(device.join("loop/backing_file")).unwrap_or_default();
        if Path::new(behind.trim()) == image {
            return std::fs::read_to_string(device.join("stat")).unwrap_or_default();
        }
    }
    panic!("no loop device has {}", image.display());
}

/// What a station without syncs lost.
#[derive(Debug, Default)]
struct Control {
    green: usize,
    lost: usize,
}

impl Control {
    /// One cut of a line of its own, without a service: only what the disk holds counts.
    fn cut(&mut self, mosquitto: PathBuf, dice: &mut Dice) -> Result<(), LeftOut> {
        let mut disk = Disk::new()?;
        let library = build_shim(disk.folder.path(), "no_wal_sync")?;
        let mut rig = prepare(mosquitto);
        disk.mount(&mut rig)?;
        rig.enter_sscc_mark();
        rig.start_station_with(&[("LD_PRELOAD", &library)]).expect("the station starts");
        rig.scan("WO:WO-77");
        let mut ask = rig.ask().expect("the station runs");
        let units = 100 + dice.roll(100);
        let green: Vec<String> = (0..units).map(|number| format!("C{number}")).collect();
        green.iter().for_each(|serial| assert_eq!(ask.scan(serial).expect("an answer")["code"], "packed"));
        dice.wait_up_to(25_000);
        disk.cut(&mut rig);
        rig.start_station();
        rig.scan("WO:WO-77");
        let mut ask = rig.ask().expect("the station runs");
        self.green += green.len();
        self.lost += green.iter().filter(|serial| !ask.scan(serial).is_some_and(|answer| is_known(&answer))).count();
        rig.end_station();
        Ok(())
    }
}
