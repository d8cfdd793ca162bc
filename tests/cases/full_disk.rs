//! A disk that another program fills: red, receipts still count, and green again when there is space.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use tests::{Rig, Shape, mosquitto, wait_for};

/// A small file system in memory; unmounted when dropped.
struct Mounted(PathBuf);

impl Mounted {
    fn new(path: &Path) -> Option<Self> {
        std::fs::create_dir_all(path).unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=12m", "tmpfs"]).arg(path).output();
        mount.is_ok_and(|output| output.status.success()).then(|| Self(path.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

/// A line whose station has a small disk; `None` where this user cannot mount one.
fn small_disk(test: &str) -> Option<(Rig, Mounted)> {
    let mut rig = Rig::start(mosquitto(test)?, Shape { package: 10, pallet: 10 });
    rig.end_station();
    std::fs::remove_dir_all(rig.path("station")).unwrap();
    let Some(mounted) = Mounted::new(&rig.path("station")) else {
        println!("SKIPPED {test}: a file system can only be mounted as root");
        return None;
    };
    rig.start_station();
    rig.scan("WO:WO-1");
    rig.wait_until_delivered(20);
    rig.kill_service();
    Some((rig, mounted))
}

/// Scans units until one is red; tells how many were green, and the red answer.
fn scan_until_red(rig: &Rig, first: u32) -> (u32, serde_json::Value) {
    let mut ask = rig.ask().unwrap();
    for number in first.. {
        let answer = ask.scan(&format!("A{number}")).unwrap();
        if answer["outcome"] != "accepted" {
            assert_eq!(answer["code"], "not-durable");
            assert!(answer["text"].as_str().unwrap().contains("disk is full"), "{answer}");
            return (number, answer);
        }
    }
    unreachable!("numbers end")
}

/// Another program takes all that is left of the disk; gives the file back.
fn fill_disk(rig: &Rig) -> PathBuf {
    let filler = rig.path("station/filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    while file.write_all(&[7; 4096]).is_ok() {}
    filler
}

/// Scans a unit until it is green, which must come by itself.
fn wait_until_packed(rig: &Rig, number: u32, seconds: u64) {
    wait_for("green again, by itself", seconds, || {
        Some(rig.scan(&format!("A{number}"))).filter(|answer| answer["code"] == "packed")
    });
}

#[test]
fn a_disk_that_the_queue_itself_has_filled_is_emptied_by_receipts() {
    let Some((mut rig, _mounted)) = small_disk("a disk filled by the queue") else { return };
    let (green, _) = scan_until_red(&rig, 0);
    rig.kill_station();
    rig.start_station();
    assert_eq!(rig.scan(&format!("A{green}"))["code"], "not-durable", "a restart changes nothing");
    rig.start_service();
    rig.wait_until_delivered(60);
    assert_eq!(rig.json("/healthz")["devices"], green);
    wait_until_packed(&rig, green, 20);
    (green + 1..green + 200).for_each(|number| assert_eq!(rig.scan(&format!("A{number}"))["code"], "packed"));
    rig.wait_until_delivered(20);
    assert_eq!(rig.json("/healthz")["devices"], green + 200);
    rig.end_station();
}

#[test]
fn on_a_full_disk_scans_are_red_receipts_count_and_it_goes_on_by_itself() {
    let Some((mut rig, _mounted)) = small_disk("a disk filled by another program") else { return };
    (0..50).for_each(|number| assert_eq!(rig.scan(&format!("A{number}"))["outcome"], "accepted"));

    let filler = fill_disk(&rig);
    let (green, _) = scan_until_red(&rig, 50);

    rig.start_service();
    rig.wait_until_delivered(30);
    assert_eq!(rig.json("/healthz")["devices"], green, "what was green has arrived, from a full disk");
    assert_eq!(rig.scan(&format!("A{green}"))["code"], "not-durable", "what is left of the disk is for receipts");
    rig.kill_station();
    rig.start_station();
    assert_eq!(
        rig.scan(&format!("A{green}"))["code"],
        "not-durable",
        "a restart on a full disk works, and changes nothing"
    );

    std::fs::remove_file(&filler).unwrap();
    wait_until_packed(&rig, green, 10);
    rig.wait_until_delivered(20);
    assert_eq!(rig.json("/healthz")["devices"], green + 1);
    rig.end_station();
}

#[test]
fn a_station_starts_on_a_disk_that_was_filled_while_it_ran() {
    let Some((mut rig, _mounted)) = small_disk("a start on a full disk") else { return };
    (0..20).for_each(|number| assert_eq!(rig.scan(&format!("A{number}"))["outcome"], "accepted"));
    rig.kill_station();
    fill_disk(&rig);
    // Other sizes are another configuration, which has to go on record: that needs space.
    let text = std::fs::read_to_string(rig.config()).unwrap();
    std::fs::write(rig.config(), text.replace("package_size = 10", "package_size = 11")).unwrap();
    rig.start_station();
    rig.start_service();
    rig.wait_until_delivered(30);
    assert_eq!(rig.json("/healthz")["devices"], 20);
}
