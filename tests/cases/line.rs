//! The whole way of a scan through the built programs, and what people ask afterwards.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;
use tests::{Rig, Shape, get, mosquitto, program, run, wait_for};

const SHAPE: Shape = Shape { package: 2, pallet: 2 };

fn set(serials: &[&str]) -> BTreeSet<String> {
    serials.iter().map(ToString::to_string).collect()
}

fn ask(rig: &Rig, command: &[&str]) -> (i32, String) {
    let url = format!("http://{}", rig.http());
    let output = Command::new(program("lotline-manufacturing")).args(command).args(["--url", &url]).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_scan_reaches_a_recall() {
    let Some(mosquitto) = mosquitto("a scan reaches a recall") else { return };
    let mut rig = Rig::start(mosquitto, SHAPE);
    let watch = rig.watch().unwrap();
    for scan in ["WO:WO-1", "A1", "A2", "A3", "A1", "LOTLINE-VOID-LAST", "A4", "A5", "A6", "LOTLINE-CLOSE-PACKAGE"] {
        rig.scanner.scan(scan).unwrap();
    }
    let codes: Vec<String> =
        (0..10).map(|_| watch.next(10).expect("an answer")["code"].as_str().unwrap().to_owned()).collect();
    assert_eq!(
        codes,
        [
            "work-order-started",
            "packed",
            "packed",
            "packed",
            "duplicate",
            "voided",
            "packed",
            "packed",
            "packed",
            "package-closed"
        ]
    );
    rig.wait_until_delivered(20);

    // A3 was taken back: A1 A2 | A4 A5 on the first pallet, A6 alone in a package on the second.
    assert_eq!(rig.recall("A1", "palletId"), set(&["A1", "A2", "A4", "A5"]));
    assert_eq!(rig.recall("A6", "palletId"), set(&["A6"]));
    assert_eq!(rig.recall("A5", "packageId"), set(&["A4", "A5"]));
    assert_eq!(rig.recall("A6", "workOrder"), set(&["A1", "A2", "A4", "A5", "A6"]));
    let answer = rig.json("/v1/recall?serial=A1&by=workOrder");
    assert_eq!(answer["corrected"][0]["serialNumber"], "A3", "what was never true is named apart");
    let complete = wait_for("a status that covers the last record", 10, || {
        Some(rig.json("/v1/recall?serial=A1")).filter(|answer| answer["complete"] == true)
    });
    assert_eq!(complete["by"], "workOrder", "without a lot the work order is the batch, and the answer says so");
    assert_eq!(rig.json("/healthz")["devices"], 5);

    let device = rig.json("/v1/devices/A5");
    assert_eq!((&device["serialNumber"], &device["workOrder"]), (&Value::from("A5"), &Value::from("WO-1")));
    let history = rig.json("/v1/devices/A4/history");
    let events: Vec<&str> =
        history["records"].as_array().unwrap().iter().map(|r| r["event"].as_str().unwrap()).collect();
    assert_eq!(
        events,
        ["packed", "closed", "closed"],
        "its own records and those of its containers while it was inside"
    );
    let stations = rig.json("/v1/stations");
    assert!(stations.to_string().contains("pack-1"), "{stations}");
    assert_eq!(get(&rig.http(), "/v1/devices/NOBODY", "application/json").unwrap().0, 404);
    let (status, body) = get(&rig.http(), "/v1/recall?serial=A1&by=colour", "application/json").unwrap();
    assert!(status == 400 && body.contains("palletId"), "an unknown dimension is answered with the known ones: {body}");

    let (_, lines) = get(&rig.http(), "/v1/recall?serial=A1&by=palletId", "application/x-ndjson").unwrap();
    let end: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!((&end["end"], &end["count"]), (&Value::from(true), &Value::from(4)));
    let (_, csv) = get(&rig.http(), "/v1/recall?serial=A1&by=palletId", "text/csv").unwrap();
    assert!(csv.lines().last().unwrap().starts_with("#end,4,"), "{csv}");

    let (code, table) = ask(&rig, &["recall", "--serial", "A1", "--by", "palletId"]);
    assert!(code == 0 && ["A1", "A2", "A4", "A5"].iter().all(|serial| table.contains(serial)), "{table}");
    assert_eq!(ask(&rig, &["device", "NOBODY"]).0, 1);
    let (code, history) = ask(&rig, &["history", "A3"]);
    assert!(code == 0 && history.contains("voided"), "{history}");
    rig.end_station();
    rig.end_service();
}

#[test]
fn a_retained_work_order_reaches_the_lane_and_counts_once() {
    let Some(mosquitto) = mosquitto("work order by topic") else { return };
    let mut rig = Rig::start(mosquitto, SHAPE);
    let port = rig.broker_port().to_string();
    let Some(publish) = ["/usr/bin/mosquitto_pub"].iter().find(|path| std::path::Path::new(path).exists()) else {
        println!("SKIPPED work order by topic: mosquitto_pub is not installed");
        return;
    };
    let send = |payload: &str| {
        let topic = "lotline/v1/pack-1/work-order/main";
        let sent =
            Command::new(publish).args(["-p", &port, "-V", "5", "-q", "1", "-r", "-t", topic, "-m", payload]).status();
        assert!(sent.unwrap().success());
    };
    let work_order = |rig: &Rig| rig.status().map(|status| status["lanes"]["main"]["workOrder"].clone());
    assert_eq!(rig.scan("A1")["code"], "no-work-order");
    send(r#"{"revision":5,"workOrder":"WO-5","attributes":{"lotCode":"L-9","partNumber":"P-1"}}"#);
    wait_for("the work order", 10, || work_order(&rig).filter(|order| order == "WO-5"));
    assert_eq!(rig.scan("A1")["code"], "packed");
    send(r#"{"revision":4,"workOrder":"OLD"}"#);
    send(r#"{"revision":6,"workOrder":"WO-6","colour":"red"}"#);
    let why = wait_for("the refusal of a bad work order", 10, || {
        rig.status()?["notices"]["refusedWorkOrders"]["main"].as_str().map(str::to_owned)
    });
    assert!(why.contains("colour"), "{why}");
    rig.kill_station();
    rig.start_station();
    assert_eq!(work_order(&rig).unwrap(), "WO-5", "neither an old revision nor a bad message counts");
    rig.scan("A2");
    rig.wait_until_delivered(20);
    let device = rig.json("/v1/devices/A2");
    assert_eq!((&device["lotCode"], &device["partNumber"]), (&Value::from("L-9"), &Value::from("P-1")));
    assert_eq!(rig.json("/v1/recall?serial=A1")["by"], "lotCode");
}

#[test]
fn without_a_service_the_line_goes_on_and_everything_arrives_later() {
    let Some(mosquitto) = mosquitto("a line without a service") else { return };
    let mut rig = Rig::start(mosquitto, SHAPE);
    rig.scan("WO:WO-1");
    rig.wait_until_delivered(20);
    rig.kill_service();
    (0..20).for_each(|number| assert_eq!(rig.scan(&format!("A{number}"))["outcome"], "accepted"));
    rig.kill_broker();
    (20..40).for_each(|number| assert_eq!(rig.scan(&format!("A{number}"))["outcome"], "accepted"));
    let status = rig.status().unwrap();
    assert!(status["undelivered"].as_u64().unwrap() >= 40, "PUBACKs free nothing: {status}");
    rig.end_station();
    rig.start_station();
    assert!(rig.status().unwrap()["undelivered"].as_u64().unwrap() >= 40, "nor does a restart");
    rig.start_broker();
    rig.start_service();
    rig.wait_until_delivered(30);
    assert_eq!(rig.json("/healthz")["devices"], 40);
    assert_eq!(rig.recall("A0", "workOrder").len(), 40);
}

#[test]
fn a_service_restored_from_a_backup_gets_back_what_came_after_it() {
    let Some(mosquitto) = mosquitto("a service restored from a backup") else { return };
    let mut rig = Rig::start(mosquitto, SHAPE);
    rig.scan("WO:WO-1");
    (0..10).for_each(|number| assert_eq!(rig.scan(&format!("A{number}"))["outcome"], "accepted"));
    rig.wait_until_delivered(20);
    rig.end_service();
    let (folder, backup) = (rig.path("service"), rig.path("backup"));
    let copy = |from: &std::path::Path, to: &std::path::Path| {
        drop(std::fs::remove_dir_all(to));
        assert!(Command::new("cp").arg("-r").args([from, to]).status().unwrap().success());
    };
    copy(&folder, &backup);
    rig.start_service();
    (10..30).for_each(|number| assert_eq!(rig.scan(&format!("A{number}"))["outcome"], "accepted"));
    rig.wait_until_delivered(20);
    rig.kill_service();
    copy(&backup, &folder);
    rig.start_service();
    // The station has receipts for everything; the service asks for what it lost.
    rig.scan("A30");
    wait_for("all units to be back", 30, || Some(rig.json("/healthz")).filter(|health| health["devices"] == 31));
    assert_eq!(rig.recall("A0", "workOrder").len(), 31);
}

#[test]
fn a_scanner_that_goes_and_comes_back_is_found_again() {
    let Some(mosquitto) = mosquitto("a scanner that comes back") else { return };
    let rig = Rig::start(mosquitto, SHAPE);
    rig.scan("WO:WO-1");
    let watch = rig.watch().unwrap();
    rig.scanner.scan("A1").unwrap();
    assert_eq!(watch.next(10).unwrap()["serial"], "A1");
    rig.scanner.unplug().unwrap();
    wait_for("the scanner to be missed", 5, || {
        rig.status().filter(|status| status["notices"]["scanners"]["hand"]["ready"] == false)
    });
    rig.scanner.plug().unwrap();
    rig.wait_for_scanner();
    rig.scanner.scan("A2").unwrap();
    assert_eq!(watch.next(10).unwrap()["serial"], "A2");
}

#[test]
fn queue_and_key_can_be_read_with_and_without_the_daemon() {
    let Some(mosquitto) = mosquitto("queue and key commands") else { return };
    let mut rig = Rig::start(mosquitto, SHAPE);
    rig.kill_service();
    rig.scan("WO:WO-1");
    rig.scan("A1");
    let config = rig.config();
    let lines = |arguments: &[&str]| {
        let output = run("lotline-station", &[arguments, &["--config", &config]].concat());
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let running = lines(&["queue", "list"]);
    assert!(running.0 == 0 && running.1.contains("packed"), "{}", running.1);
    let key = lines(&["key", "show"]);
    assert_eq!(key.1.trim().len(), 64);
    assert_eq!(lines(&["queue", "retry"]).0, 0);
    rig.end_station();
    assert_eq!(lines(&["queue", "list"]), running);
    assert_eq!(lines(&["key", "show"]), key);
    assert_eq!(lines(&["queue", "show", "999"]).0, 1);
    assert_eq!(lines(&["status"]).0, 1);
    let journal = rig.path("station/journal.db").display().to_string();
    let salvaged = run("lotline-station", &["queue", "salvage", &journal]);
    assert_eq!(salvaged.status.code(), Some(0));
    assert!(String::from_utf8(salvaged.stdout).unwrap().lines().count() >= 5);
}
