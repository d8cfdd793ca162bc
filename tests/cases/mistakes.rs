//! The mistakes that people make at a line: each is refused with its word and what to do, through the built programs.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::collections::BTreeSet;

use demo::sim::ZplPrinterOptions;
use serde_json::{Value, json};
use tests::{Rig, mosquitto, run, wait_for};

/// What the station of these tests does with a scan.
const LINE: &str = r#"
[work_orders]
from = "service"
[packing]
package_size = 2
pallet_size = 2
[[scanner]]
name = "hand"
kind = "serial"
path = "FOLDER/scanner"
[[scanner]]
name = "test"
lane = "test"
kind = "serial"
path = "FOLDER/other"
[[lane]]
name = "test"
roles = ["test"]
[[rule]]
name = "unit"
pattern = 'SN-(?<serialNumber>[0-9]{4})(;P=(?<partNumber>[0-9A-Z]+))?(;L=(?<lotCode>[0-9A-Z-]+))?(;F=(?<fwVersion>[0-9.]+))?'
[[rule]]
name = "unit of before"
pattern = '(OLD|SN)-(?<serialNumber>9[0-9]{3})'
[[rule]]
name = "GS1 label"
gs1 = { "21" = "serialNumber", "01" = "partNumber" }
[[rule]]
name = "long"
pattern = 'LONG-(?<serialNumber>[0-9]+)'
[[rule]]
name = "half"
pattern = 'HALF-(?<serialNumber>[0-9]+)'
[[rule]]
name = "mac"
pattern = 'MAC-(?<macAddress>[0-9A-F]{12})'
[[label_codes]]
name = "two-codes"
codes = ["half", "mac"]
[devices]
attributes = ["macAddress"]
[[rule]]
name = "consignee"
reads = "consignee"
pattern = 'TO:(?<consignee>.+)'
[[rule]]
name = "work order"
reads = "work-order"
pattern = 'WO:(?<workOrder>[0-9A-Z-]+)(;L=(?<lotCode>[0-9A-Z-]+))?'
"#;

fn start(test: &str, text: &str) -> Option<Rig> {
    Some(Rig::start_configured(mosquitto(test)?, ZplPrinterOptions::default(), text))
}

#[test]
fn a_unit_that_does_not_belong_is_refused() {
    let Some(mut rig) = start("units that do not belong", LINE) else { return };
    let of_product = ["--set", "partNumber=P1", "--set", "fwVersion=1.0", "--quantity", "3"];
    let of_serials = ["--serial-pattern", "[0-3][0-9]{3}", "--serial-first", "0001", "--serial-last", "2999"];
    rig.put_order("WO-1", &[&of_product[..], &of_serials].concat());
    rig.put_order("WO-2", &[]);
    rig.put_order("WO-3", &["--package-label", "golden"]);
    rig.put_order("WO-4", &["--quantity", "5", "--under-run", "reason"]);
    rig.manage(&["work-order", "close", "WO-2", "--reason", "done"]);
    rig.scans(
        "main",
        &[
            ("SN-0001", "no-work-order"),
            ("WO:WO-9", "unknown-work-order"),
            ("WO:WO-2", "work-order-closed"),
            ("WO:WO-3", "unknown-label"),
            ("WO:WO-1;L=L-8", "other-than-work-order"),
            ("WO:WO-1", "work-order-started"),
            ("SN-4000", "wrong-pattern"),
            ("SN-3001", "not-in-range"),
            ("SN-0001;P=P2", "wrong-product"),
            ("SN-0001;L=L-8", "wrong-lot"),
            ("SN-0001;F=2.0", "other-than-work-order"),
            ("SN-0001;P=P1;L=L-9;F=1.0", "packed"),
            ("WO:WO-4", "package-open"),
            ("LOTLINE-CLOSE-PALLET", "package-open"),
            ("SN-0001", "already-recorded"),
            ("SN-0002", "packed"),
            ("SN-0001", "duplicate"),
            ("SN-0003", "packed"),
            ("SN-0004", "quantity-reached"),
            ("LOTLINE-CLOSE-PACKAGE", "package-closed"),
            ("LOTLINE-CLOSE-PACKAGE", "nothing-to-close"),
            ("LOTLINE-VOID-LAST", "nothing-to-void"),
            // What this station has sealed takes no unit any more.
            ("LOTLINE-SEAL", "waiting"),
            ("WO:WO-1", "sealed"),
            ("SN-0004", "no-work-order"),
            ("WO:WO-1", "work-order-started"),
            ("SN-0004", "order-sealed"),
            ("LOTLINE-SEAL", "waiting"),
            ("WO:WO-1", "order-sealed"),
            // Fewer than there should be: only with a reason, and this line has none.
            ("WO:WO-4", "work-order-started"),
            ("SN-0005", "packed"),
            ("LOTLINE-CLOSE-PACKAGE", "package-closed"),
            ("LOTLINE-SEAL", "waiting"),
            ("WO:WO-4", "reason-missing"),
        ],
    );
    // Every record that there is was told to be good, or is of a refusal.
    rig.wait_until_delivered(30);
    assert_eq!(rig.json("/healthz")["devices"], 4);
    assert_eq!(rig.recall("0001", "workOrder"), BTreeSet::from(["0001", "0002", "0003"].map(str::to_owned)));
    rig.end_station();
    rig.end_service();
}

#[test]
fn a_code_that_means_nothing_or_two_things_is_refused() {
    let Some(mut rig) = start("codes that mean nothing", LINE) else { return };
    rig.put_order("WO-1", &[]);
    let long = format!("LONG-{}", "7".repeat(129));
    rig.scans(
        "main",
        &[
            ("WO:WO-1", "work-order-started"),
            ("SN-9001", "two-rules"),
            ("OLD-9001", "packed"),
            (&long, "bad-value"),
            ("FISH", "no-rule"),
            ("TO:ACME", "not-here"),
            ("LOTLINE-CANCEL", "nothing-waits"),
            ("LOTLINE-FINISH", "nothing-waits"),
            ("LOTLINE-ROLE-DESPATCH", "not-a-role"),
            ("LOTLINE-SCRAP", "waiting"),
            ("TO:ACME", "not-here"),
            ("LOTLINE-CANCEL", "cancelled"),
            // A label of two codes, in any order; two labels are not mixed.
            ("HALF-1", "part-taken"),
            ("HALF-2", "label-mixed"),
            ("MAC-001122334455", "part-taken"),
            ("HALF-2", "packed"),
        ],
    );
    let watch = rig.watch().unwrap();
    rig.scanner.scan("NOREAD").unwrap();
    assert_eq!(watch.next(10).unwrap()["code"], "no-read");
    let aim = |aim: &str, text: &str| rig.tell(&json!({"ask": "scan", "text": text, "aim": aim}))["answer"].clone();
    assert_eq!(aim("]C1", "00195212340000000010")["code"], "container-label", "of a box of somebody else");
    assert_eq!(aim("]C1", "010950123456789521A")["code"], "gs1", "its check digit is wrong");
    rig.wait_until_delivered(30);
    let unit = rig.json("/v1/devices/2");
    assert_eq!(unit["macAddress"], "001122334455", "{unit}");
    rig.end_station();
    rig.end_service();
}

#[test]
fn a_rig_that_fails_or_talks_of_something_else_is_named() {
    let rig_line = "roles = [\"test\"]\nrig = { program = [\"/bin/sh\", \"-c\", \"exit 3\"], timeout_ms = 5000 }\n";
    let broken = LINE.replace("roles = [\"test\"]\n", rig_line);
    let Some(mut rig) = start("a rig that fails", &broken) else { return };
    rig.put_order("WO-1", &[]);
    rig.scans("test", &[("WO:WO-1", "work-order-started")]);
    let watch = rig.watch().unwrap();
    rig.scans("test", &[("SN-0001", "test-started")]);
    let failed = wait_for("the rig's end", 20, || watch.next(1).filter(|answer| answer["code"] == "rig-failed"));
    assert_eq!((&failed["outcome"], &failed["serial"]), (&json!("refused"), &json!("0001")), "{failed}");
    // No result is no fail: the unit is tested as if for the first time.
    rig.end_station();
    rig.configure(LINE);
    rig.start_station();
    rig.scans("test", &[("SN-0001", "test-started"), ("SN-0002", "busy")]);
    let post = |serial: &str, result: &str| {
        let body = json!({"lane": "test", "serialNumber": serial, "result": result}).to_string();
        let (_, answer) = tests::post(&rig.page(), "/v1/results", &body).unwrap();
        serde_json::from_str::<Value>(&answer).unwrap()["code"].clone()
    };
    assert_eq!(post("0002", "pass"), "other-unit");
    assert_eq!(post("0001", "fail"), "test-failed");
    assert_eq!(post("0001", "pass"), "no-test", "twice");
    rig.wait_until_delivered(30);
    assert_eq!(rig.json("/v1/devices/0001")["test"]["attempts"], 1);
    rig.end_station();
    rig.end_service();
}

#[test]
fn what_is_under_recall_is_said_so_also_without_a_network() {
    let Some(mut rig) = start("recalls at the line", LINE) else { return };
    rig.put_order("WO-1", &[]);
    rig.scans("main", &[("WO:WO-1", "work-order-started"), ("SN-0001", "packed")]);
    // As the service says it, signed with its key.
    let holds = records::wire::Holds {
        revision: u64::MAX / 4,
        serials: vec!["0002".into(), "0003".into()],
        recalled_serials: vec!["0003".into()],
        recalled_lots: vec!["L-13".into()],
        ..Default::default()
    };
    if !rig.say_holds("recalls at the line", &holds) {
        return;
    }
    wait_for("the recall at the station", 10, || (rig.status()?["holds"]["ids"] == 3).then_some(()));
    rig.kill_broker();
    rig.kill_service();
    rig.kill_station();
    rig.start_station();
    let answer = rig.scans(
        "main",
        &[("SN-0002", "on-hold"), ("SN-0004", "packed"), ("SN-0005;L=L-13", "recall"), ("SN-0003", "recall")],
    );
    assert!(answer["text"].as_str().unwrap().contains("under recall"), "{answer}");
}

#[test]
fn every_code_of_the_program_is_seen_in_a_test_of_the_whole() {
    let said = run("lotline-station", &["codes", "--json"]);
    let said: Value = serde_json::from_slice(&said.stdout).unwrap();
    let all: BTreeSet<&str> =
        said["codes"].as_array().unwrap().iter().map(|code| code["code"].as_str().unwrap()).collect();
    let mut texts = String::new();
    // Fault campaigns are tests of the whole, too.
    for folder in ["cases", "src/faults", "src/faults/identity"] {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        files.filter(|file| file.is_file()).for_each(|file| texts.push_str(&std::fs::read_to_string(file).unwrap()));
    }
    let unseen: Vec<&&str> = all.iter().filter(|code| !texts.contains(&format!("\"{code}\""))).collect();
    assert!(unseen.is_empty(), "no test of the whole expects {unseen:?}");
    // A test that expects a code that no longer is would not know it.
    let table = run("lotline-station", &["codes"]);
    assert_eq!(String::from_utf8(table.stdout).unwrap().lines().count(), all.len());
}
