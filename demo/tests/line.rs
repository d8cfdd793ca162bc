//! A line whose parts are killed, unplugged and started again.
#![allow(clippy::unwrap_used, reason = "a test fails so")]

use std::path::Path;
use std::time::Duration;

use demo::line::{Line, Options, Part, Seen};

const SOON: Duration = Duration::from_secs(60);

fn start() -> Line {
    let options = Options { package_size: 3, ..Options::new(Path::new(env!("CARGO_BIN_EXE_lotline-demo"))) };
    let line = Line::start(&options, &mut |_| {}).unwrap();
    line.scanner().scan("WO:1;L=L1").unwrap();
    line
}

fn packed(line: &mut Line, count: u64) {
    line.wait_status(SOON, "packed devices", |status| status.counters.accepted == count).unwrap();
}

#[test]
fn every_part_can_be_killed_and_started_again() {
    let mut line = start();
    let mut count = 0;
    let mut pack = |line: &mut Line| {
        for _ in 0..5 {
            count += 1;
            line.scanner().scan(format!("SN-{count}")).unwrap();
        }
        packed(line, count);
        count
    };
    pack(&mut line);
    line.kill(Part::Broker).unwrap();
    pack(&mut line);
    let undelivered = line.status().unwrap().undelivered;
    assert!(undelivered >= 5, "{undelivered}");
    line.start_part(Part::Broker).unwrap();
    line.wait_stored(SOON).unwrap();

    line.kill(Part::Service).unwrap();
    pack(&mut line);
    line.start_part(Part::Service).unwrap();
    line.wait_stored(SOON).unwrap();

    let before = line.process_id(Part::Station);
    line.kill(Part::Station).unwrap();
    assert!(line.process_id(Part::Station).is_none());
    assert!(line.status().is_err() && !line.scanner().is_open());
    line.start_part(Part::Station).unwrap();
    assert_ne!(line.process_id(Part::Station), before);
    let packed = pack(&mut line);
    let health = line.wait_stored(SOON).unwrap();
    assert_eq!((health.devices, health.mqtt.as_str()), (packed, "connected"));
    let recall = line.get("/v1/recall?serial=SN-1").unwrap();
    assert_eq!(recall["count"].as_u64(), Some(packed), "{recall}");
    let folder = line.folder().to_owned();
    line.end(&mut |_| {}).unwrap();
    assert!(!folder.exists());
}

#[test]
fn the_scanner_can_be_unplugged_and_plugged_in_again() {
    let mut line = start();
    let watch = line.watch().unwrap();
    line.scanner().scan("SN-1").unwrap();
    packed(&mut line, 1);
    line.scanner().unplug().unwrap();
    let gone = |status: &agent::local::Status| !status.notices.scanners["hand"].ready;
    line.wait_status(SOON, "a station that misses its scanner", gone).unwrap();
    line.scanner().plug().unwrap();
    line.wait_status(SOON, "a station that has its scanner again", |status| !gone(status)).unwrap();
    line.scanner().scan("SN-2").unwrap();
    packed(&mut line, 2);
    let mut serials = Vec::new();
    while let Seen::Answer(answer) = watch.next(Duration::from_millis(500)) {
        serials.extend(answer.serial);
    }
    assert_eq!(serials, ["SN-1", "SN-2"]);
    assert!(line.stop(Part::Station).unwrap(), "it ends in order");
    assert_eq!(watch.next(SOON), Seen::Ended);
    // Started again without its scanner, it says so and takes it later.
    line.scanner().unplug().unwrap();
    line.start_part(Part::Station).unwrap();
    assert!(gone(&line.status().unwrap()));
    line.scanner().plug().unwrap();
    line.wait_status(SOON, "the scanner", |status| !gone(status)).unwrap();
}

/// `Line` is used from async programs as well, and from threads that come and go.
#[tokio::test]
async fn a_line_can_be_used_in_an_async_program() {
    let line = tokio::task::spawn_blocking(start).await.unwrap();
    assert_eq!(line.health().unwrap().devices, 0);
    drop(line);
}
