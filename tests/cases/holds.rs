//! What quality puts on hold is not packed, with and without a network, through the built programs.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use serde_json::Value;
use tests::{Rig, Shape, mosquitto, run, wait_for};

const SHAPE: Shape = Shape { package: 4, pallet: 4 };

fn hold(rig: &Rig, change: &str, what: [&str; 2], reason: &str) {
    let (url, data) = (format!("http://{}", rig.http()), rig.path("service"));
    let asked = ["hold", change, what[0], what[1], "--reason", reason, "--url", &url, "--data", data.to_str().unwrap()];
    let said = run("lotline-manufacturing", &asked);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
}

/// Waits until the station knows so many holds.
fn known(rig: &Rig, count: u64) {
    wait_for("the holds at the station", 10, || (rig.status()?["holds"]["ids"] == count).then_some(()));
}

fn code(answer: &Value) -> &str {
    answer["code"].as_str().unwrap()
}

#[test]
fn what_is_on_hold_is_refused_also_offline_and_after_a_restart_until_it_is_released() {
    let Some(mosquitto) = mosquitto("holds") else { return };
    let mut rig = Rig::start(mosquitto, SHAPE);
    rig.scan("WO:WO-1");
    assert_eq!(code(&rig.scan("A1")), "packed");
    hold(&rig, "add", ["--serial", "A2"], "cracked case");
    hold(&rig, "add", ["--serial", "A3"], "cracked case");
    known(&rig, 2);
    let refused = rig.scan("A2");
    assert_eq!((code(&refused), &refused["outcome"]), ("on-hold", &Value::from("refused")));
    assert!(refused["text"].as_str().unwrap().contains("A2 is on hold"), "{refused}");

    // The network is gone, and the station starts anew.
    rig.kill_broker();
    rig.kill_station();
    rig.start_station();
    assert_eq!(code(&rig.scan("A2")), "on-hold");
    assert_eq!(code(&rig.scan("A4")), "packed", "others go on");

    // What is released meanwhile is known as soon as the network is back.
    rig.start_broker();
    hold(&rig, "release", ["--serial", "A2"], "looked at");
    known(&rig, 1);
    assert_eq!(code(&rig.scan("A2")), "packed");
    assert_eq!(code(&rig.scan("A3")), "on-hold");
    rig.wait_until_delivered(20);
    let held = rig.json("/v1/holds");
    assert_eq!(held["holds"].as_array().map(Vec::len), Some(1), "{held}");
    assert_eq!(rig.json("/v1/devices/A2")["state"], "packed");
    rig.end_station();
    rig.end_service();
}

#[test]
fn what_was_put_on_hold_at_the_line_is_packed_when_the_service_has_released_it() {
    let Some(mosquitto) = mosquitto("holds") else { return };
    let mut rig = Rig::start(mosquitto, SHAPE);
    rig.scan("WO:WO-1");
    assert_eq!(code(&rig.scan("LOTLINE-HOLD")), "waiting");
    assert_eq!(code(&rig.scan("A1")), "hold-recorded");
    assert_eq!(code(&rig.scan("A1")), "on-hold", "at once, before the service knows");
    known(&rig, 1);
    hold(&rig, "release", ["--serial", "A1"], "looked at");
    known(&rig, 0);
    wait_for("the release at the station", 10, || (code(&rig.scan("A1")) == "packed").then_some(()));
    // Nobody is a supervisor here: what is on hold at the line waits for the service.
    rig.scan("LOTLINE-HOLD");
    rig.scan("A2");
    rig.scan("LOTLINE-RELEASE");
    assert_eq!(code(&rig.scan("A2")), "no-operator");
    rig.end_station();
    rig.end_service();
}
