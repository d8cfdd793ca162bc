//! A day at the line, as the README tells it, with the configuration that it names: every role, and the mistakes that people
//! make, through the built programs.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::path::PathBuf;
use std::process::Command;

use demo::sim::ZplPrinterOptions;
use serde_json::{Value, json};
use tests::{Rig, Shape, label_of, mosquitto, run, wait_for};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/examples");

/// A line with the example's configuration: its paths and addresses are those of this test.
fn start(mosquitto: PathBuf, edits: &[(&str, &str)]) -> Rig {
    start_with(mosquitto, edits, &[])
}

/// The same with these files beside the configuration.
fn start_with(mosquitto: PathBuf, edits: &[(&str, &str)], files: &[(&str, &str)]) -> Rig {
    let mut rig = Rig::prepare(mosquitto, Shape { package: 2, pallet: 2 }, ZplPrinterOptions::default(), &[]);
    let mut text = std::fs::read_to_string(format!("{EXAMPLES}/day.toml")).unwrap();
    let folder = rig.path("").display().to_string();
    let (data, rig_sh) = (
        format!("station = \"pack-1\"\ndata = \"{folder}station\"\nsocket = \"{folder}station.sock\""),
        format!("{EXAMPLES}/rig.sh"),
    );
    let (broker, service) = (format!("mqtt://127.0.0.1:{}", rig.broker_port()), format!("http://{}", rig.http()));
    let scanner = rig.path("scanner").display().to_string();
    let own = [
        ("station = \"line-1\"", data.as_str()),
        ("mqtt://127.0.0.1:1883", &broker),
        ("http://127.0.0.1:8480", &service),
        ("/etc/lotline/examples/rig.sh", &rig_sh),
        ("/dev/serial/by-id/usb-MAKER_SCANNER_1-if00", &scanner),
    ];
    for (from, to) in own.iter().chain(edits) {
        assert!(text.contains(from), "no `{from}` in the example");
        text = text.replace(from, to);
    }
    text.push_str(&format!("\n[page]\nlisten = \"{}\"\n", rig.page()));
    std::fs::write(rig.config(), text).unwrap();
    files.iter().for_each(|(name, text)| std::fs::write(rig.path(name), text).unwrap());
    rig.start_all();
    rig
}

/// Has a unit tested by the lane's rig, and gives the code of the result.
fn tested(rig: &Rig, serial: &str) -> Value {
    let watch = rig.watch().unwrap();
    rig.scans("test", &[(&format!("SN-{serial}"), "test-started")]);
    wait_for("the rig's result", 30, || {
        watch.so_far().into_iter().find(|answer| {
            let code = answer["code"].as_str().unwrap_or_default();
            answer["lane"] == "test" && code != "test-started"
        })
    })
}

#[test]
fn a_day_at_the_line() {
    let Some(mosquitto) = mosquitto("a day at the line") else { return };
    let mut rig = start(mosquitto, &[]);
    let order = ["--quantity", "4", "--serial-pattern", "[0-9]{4}[A-Z]?"];
    rig.put_order("WO-7", &order);

    // The bench: components into the unit; a misread radio is refused.
    rig.scans(
        "bench",
        &[
            ("SN-0001", "waiting"),
            ("BRD-77/L5", "assembled"),
            ("LOTLINE-FINISH", "incomplete"),
            ("490154203237519", "check-digit"),
            ("490154203237518", "assembled"),
            ("LOTLINE-FINISH", "assembly-complete"),
            ("SN-0002", "waiting"),
            ("BRD-77/L5", "in-another-unit"),
            ("LOTLINE-CANCEL", "cancelled"),
        ],
    );

    // The test: a label on pass, red on fail, retests counted and limited.
    for lane in ["test", "main"] {
        if lane == "main" {
            rig.scans(lane, &[("WO:WO-7", "no-operator"), ("BADGE:4711", "signed-on")]);
        }
        rig.scans(lane, &[("WO:WO-8", "unknown-work-order"), ("WO:WO-7", "work-order-started")]);
    }
    for serial in ["0001", "0002", "0003", "0005", "0006"] {
        assert_eq!(tested(&rig, serial)["code"], "test-passed");
    }
    for _ in 0..2 {
        let failed = tested(&rig, "0004F");
        assert_eq!((&failed["code"], &failed["outcome"]), (&json!("test-failed"), &json!("refused")), "{failed}");
    }
    rig.scans("test", &[("SN-0004F", "retest-limit")]);

    // Packing and palletising, and what may not be packed.
    let packed = rig.scans("main", &[("SN-0001", "packed")]);
    let package = packed["package"]["id"].clone();
    rig.scans(
        "main",
        &[
            ("SN-0001", "already-recorded"),
            ("SN-0004F", "failed-test"),
            ("SN-0007", "not-tested"),
            ("SN-9", "no-rule"),
            ("SN-0002", "packed"),
            ("SN-0001", "duplicate"),
            // A crushed box: the unit comes out, is scrap, and can never be packed again.
            ("LOTLINE-TAKE-OUT", "waiting"),
            ("SN-0001", "waiting"),
            ("R:SCRATCHED", "taken-out"),
            ("LOTLINE-SCRAP", "waiting"),
            ("SN-0001", "waiting"),
            ("R:SCRATCHED", "scrap-recorded"),
            ("SN-0001", "scrapped"),
        ],
    );

    // No network: the work order is known from before, units go on.
    rig.kill_service();
    rig.kill_broker();
    rig.scans("main", &[("SN-0003", "packed")]);
    rig.start_broker();
    rig.start_service();

    // The end of the shift: what is part-filled is closed with a reason.
    rig.scans("main", &[("LOTLINE-CLOSE-PACKAGE", "waiting"), ("R:WRONG-BOX", "package-closed")]);
    let closed = rig.scans("main", &[("LOTLINE-CLOSE-PALLET", "waiting"), ("R:WRONG-BOX", "pallet-closed")]);
    let pallet = closed["pallet"]["id"].clone();
    rig.scans("main", &[("LOTLINE-SIGN-OFF", "signed-off"), ("SN-0005", "no-operator")]);

    // The desk: counted again, looked up, and off to the customer.
    rig.scans(
        "desk",
        &[
            ("LOTLINE-ROLE-RECOUNT", "role-changed"),
            (&label_of(&package), "recounting"),
            ("SN-0002", "found"),
            ("SN-0003", "in-another-package"),
            ("LOTLINE-FINISH", "count-differs"),
            ("LOTLINE-ROLE-CHECK", "role-changed"),
            ("SN-0002", "looked-up"),
            ("LOTLINE-ROLE-PACK", "not-a-role"),
            ("LOTLINE-ROLE-DESPATCH", "role-changed"),
            (&label_of(&pallet), "despatch-missing"),
            ("TO:ACME", "despatch-noted"),
            ("DN:2026-17", "despatch-noted"),
            (&label_of(&package), "on-another-pallet"),
            (&label_of(&pallet), "despatch-recorded"),
            (&label_of(&pallet), "already-recorded"),
        ],
    );

    // The counts of the shift, and what the service knows.
    let report = run("lotline-station", &["report", "--shift", "--json", "--config", &rig.config()]);
    assert!(report.status.success(), "{}", String::from_utf8_lossy(&report.stderr));
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!(
        (&report["total"]["packed"], &report["workOrders"]["WO-7"]["packed"]),
        (&json!(3), &json!(3)),
        "{report}"
    );
    assert_eq!(report["refused"]["failed-test"], 1, "{report}");
    assert!(!report.to_string().contains("\"4711\""), "no badge stands anywhere: {report}");
    rig.wait_until_delivered(30);
    assert_eq!(rig.json("/v1/devices/0001")["state"], "scrapped");
    let lot = rig.recall("0003", "lotCode");
    for serial in ["0001", "0002", "0003", "0005", "0006"] {
        assert!(lot.contains(serial), "{serial} was made of the lot: {lot:?}");
    }
    rig.end_station();
    rig.end_service();
}

#[test]
fn a_rig_over_http_and_what_it_may_not_say() {
    let Some(mosquitto) = mosquitto("a rig over HTTP") else { return };
    let program = format!("rig = {{ program = [\"{EXAMPLES}/rig.sh\"], timeout_ms = 60000 }}\n");
    let rig = start(mosquitto, &[(&program, "")]);
    rig.put_order("WO-1", &[]);
    rig.scans("test", &[("WO:WO-1", "work-order-started")]);
    let next =
        |seconds: u32| tests::get(&rig.page(), &format!("/v1/scans/next?lane=test&timeout={seconds}"), "*/*").unwrap();
    assert_eq!(next(0).0, 204);
    assert_eq!(tests::get(&rig.page(), "/v1/scans/next?lane=none", "*/*").unwrap().0, 400);
    rig.scans("test", &[("SN-0001", "test-started"), ("SN-0002", "busy")]);
    let (status, body) = next(5);
    let unit: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &unit["serialNumber"], &unit["workOrder"]), (200, &json!("0001"), &json!("WO-1")));
    let post = |body: &str| tests::post(&rig.page(), "/v1/results", body).unwrap();
    for rubbish in [
        "pass",
        r#"{"lane":"test","serialNumber":"0001","result":"ok"}"#,
        r#"{"lane":"test","serialNumber":"0001","result":"pass","measurements":{"x":[]}}"#,
        r#"{"lane":"test","serialNumber":"0001","result":"pass","attributes":{"palletId":"x"}}"#,
    ] {
        assert_eq!(post(rubbish).0, 400, "{rubbish}");
    }
    let code = |body: &str| serde_json::from_str::<Value>(&post(body).1).unwrap()["code"].clone();
    assert_eq!(code(r#"{"lane":"test","serialNumber":"0002","result":"pass"}"#), "other-unit");
    let good = r#"{"lane":"test","serialNumber":"0001","result":"pass","measurements":{"volts":5.01}}"#;
    assert_eq!(code(good), "test-passed");
    assert_eq!(code(good), "no-test", "a rig says its result once");

    // The example in Python does the same by itself.
    let mut python = Command::new("python3")
        .args([
            &format!("{EXAMPLES}/rig.py"),
            "--url",
            &format!("http://{}", rig.page()),
            "--lane",
            "test",
            "--units",
            "2",
        ])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let watch = rig.watch().unwrap();
    for (serial, expected) in [("0002", "test-passed"), ("0003F", "test-failed")] {
        rig.scans("test", &[(&format!("SN-{serial}"), "test-started")]);
        wait_for("the rig in Python", 30, || watch.so_far().into_iter().find(|answer| answer["code"] == expected));
    }
    assert!(python.wait().unwrap().success());
}

#[test]
fn commands_come_from_the_page_all_at_once_and_from_a_sheet() {
    let Some(mosquitto) = mosquitto("commands") else { return };
    let rig = start(mosquitto, &[("requires_test = true\n", ""), ("operator = \"required\"\n", "")]);
    rig.put_order("WO-1", &[]);
    rig.scans("main", &[("WO:WO-1", "work-order-started"), ("SN-0001", "packed")]);
    let post = |body: &str| {
        let (status, body) = tests::post(&rig.page(), "/v1/commands", body).unwrap();
        (status, serde_json::from_str::<Value>(&body).unwrap())
    };
    let (status, answer) = post(r#"{"command":"take-out","serialNumber":"0001","reason":"scratched"}"#);
    assert_eq!((status, &answer["code"]), (200, &json!("taken-out")), "{answer}");
    let (status, answer) = post(r#"{"command":"scrap","text":"SN-0001","reason":"scratched"}"#);
    assert_eq!((status, &answer["code"]), (200, &json!("scrap-recorded")), "{answer}");
    for bad in [
        r#"{"command":"explode"}"#,
        r#"{"command":"scrap","text":"SN-0001","serialNumber":"0001"}"#,
        r#"{"command":"scrap","text":"what is this"}"#,
        r#"{"command":"scrap","serialNumber":""}"#,
        r#"{"command":"scrap","lane":"none"}"#,
    ] {
        assert_eq!(post(bad).0, 400, "{bad}");
    }
    let file = rig.path("commands.pdf");
    let sheet = run("lotline-station", &["commands", "--pdf", file.to_str().unwrap(), "--config", &rig.config()]);
    assert!(sheet.status.success(), "{}", String::from_utf8_lossy(&sheet.stderr));
    // Another program reads the sheet, where there is one.
    if Command::new("pdftotext").arg("-v").output().is_ok() {
        let text = Command::new("pdftotext").args(["-layout", file.to_str().unwrap(), "-"]).output().unwrap();
        let text = String::from_utf8(text.stdout).unwrap();
        assert!(text.contains("LOTLINE-TAKE-OUT") && text.contains("Commands of station pack-1"), "{text}");
    }
}

#[test]
fn a_supervisor_allows_what_the_configuration_lets_and_the_record_says_so() {
    let Some(mosquitto) = mosquitto("a supervisor") else { return };
    let mut rig = start(mosquitto, &[]);
    rig.put_order("WO-1", &[]);
    let explained = run("lotline-station", &["explain", "BADGE:9", "--json", "--config", &rig.config()]);
    let explained: Value = serde_json::from_slice(&explained.stdout).unwrap();
    let pseudonym = explained["rules"]["reads"]["id"].as_str().unwrap().to_owned();
    rig.end_station();
    let text = std::fs::read_to_string(rig.config()).unwrap();
    let named = text.replace("# supervisors = [\"0123456789abcdef\"]", &format!("supervisors = [\"{pseudonym}\"]"));
    assert_ne!(named, text);
    std::fs::write(rig.config(), named).unwrap();
    rig.start_station();
    rig.scans(
        "main",
        &[
            ("BADGE:1", "signed-on"),
            ("WO:WO-1", "work-order-started"),
            ("SN-0001", "not-tested"),
            ("BADGE:9", "waiting"),
        ],
    );
    let packed = rig.scans("main", &[("R:SCRATCHED", "packed")]);
    rig.scans(
        "main",
        &[
            // What may not be allowed stays refused.
            ("SN-0001", "already-recorded"),
            ("WO:WO-9", "unknown-work-order"),
            ("BADGE:9", "signed-on"),
        ],
    );
    let records = packed["records"].as_array().unwrap();
    let (first, last) = (records[0].as_u64().unwrap(), records[1].as_u64().unwrap());
    let lines: Vec<String> =
        (first..=last).map(|seq| rig.tell(&json!({"ask": "queue-show", "seq": seq})).to_string()).collect();
    let allowed = lines.iter().find(|line| line.contains("allowed")).unwrap_or_else(|| panic!("{lines:?}"));
    assert!(
        allowed.contains("not-tested") && allowed.contains(&pseudonym) && allowed.contains("scratched"),
        "{allowed}"
    );
    rig.end_station();
    rig.end_service();
}

#[test]
fn work_orders_of_a_line_without_a_network_come_from_a_file() {
    let Some(mosquitto) = mosquitto("work orders of a file") else { return };
    let edits = [
        ("from = \"service\"", "from = \"file\"\nfile = \"orders.csv\""),
        ("requires_test = true\n", ""),
        ("operator = \"required\"\n", ""),
        ("interlock = \"preferred\"\n", ""),
    ];
    let orders = "workOrder,lotCode,quantity,serialFirst,serialLast\nWO-1,L1,2,0001,0009\n";
    let rig = start_with(mosquitto, &edits, &[("orders.csv", orders)]);
    rig.scans(
        "main",
        &[
            ("WO:WO-2", "unknown-work-order"),
            ("WO:WO-1", "work-order-started"),
            ("SN-0010", "not-in-range"),
            ("SN-0001", "packed"),
            ("SN-0002", "packed"),
            ("SN-0003", "quantity-reached"),
        ],
    );
    // Ten faults are named at once, and the line goes on with what it had.
    let bad = "workOrder,lotCode,quantity,serialFirst,serialLast,colour\nWO-1,,-1,,,\nWO-1,,,9,,\n,,,,,\nWO-3,x\n,,0,,,\nWO-4,,1.5,9,1,\n";
    std::fs::write(rig.path("orders.csv"), bad).unwrap();
    rig.scans("main", &[("WO:WO-3", "unknown-work-order"), ("WO:WO-1", "work-order-unchanged")]);
    let check = run("lotline-station", &["check", "--config", &rig.config()]);
    let said = String::from_utf8(check.stderr).unwrap();
    assert_eq!(check.status.code(), Some(1));
    for place in ["orders.csv:1:", "orders.csv:2:", "orders.csv:3:", "orders.csv:5:", "orders.csv:7:"] {
        assert!(said.contains(place), "{place} is not named:\n{said}");
    }
}
