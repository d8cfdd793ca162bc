//! What each role does with containers, labels and work orders, through the built programs.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::time::Duration;

use demo::sim::ZplPrinterOptions;
use serde_json::{Value, json};
use tests::{Rig, label_of, mosquitto, run, wait_for};

const RULES: &str = r#"
[[rule]]
name = "unit"
pattern = 'SN-(?<serialNumber>[0-9]{4})'
[[rule]]
name = "work order"
reads = "work-order"
pattern = 'WO:(?<workOrder>[0-9A-Z-]+)'
"#;

fn scanner(name: &str, lane: &str) -> String {
    let path = if name == "hand" { "scanner" } else { name };
    format!("[[scanner]]\nname = \"{name}\"\nlane = \"{lane}\"\nkind = \"serial\"\npath = \"FOLDER/{path}\"\n")
}

fn start(test: &str, text: &str) -> Option<Rig> {
    Some(Rig::start_configured(mosquitto(test)?, ZplPrinterOptions::default(), text))
}

#[test]
fn packages_and_pallets_are_changed_by_command_and_every_change_is_on_record() {
    let closes =
        "[packing]\npackage_size = 2\npallet_size = 2\npackage_close = \"command\"\npallet_close = \"command\"\n";
    let text = format!("{closes}{}{RULES}", scanner("hand", "main"));
    let Some(mut rig) = start("changes of containers", &text) else { return };
    let packed = rig.scans("main", &[("WO:1", "work-order-started"), ("SN-0001", "packed"), ("SN-0002", "packed")]);
    let (first, pallet) = (label_of(&packed["package"]["id"]), label_of(&packed["pallet"]["id"]));
    let packed = rig.scans(
        "main",
        &[("SN-0003", "package-full"), ("LOTLINE-CLOSE-PACKAGE", "package-closed"), ("SN-0003", "packed")],
    );
    let (first, pallet, second) = (first.as_str(), pallet.as_str(), label_of(&packed["package"]["id"]));
    let nobodys = "00195212340000000010";
    rig.scans(
        "main",
        &[
            ("LOTLINE-MOVE", "waiting"),
            ("SN-0099", "unknown-unit"),
            ("SN-0003", "waiting"),
            (first, "container-closed"),
            ("LOTLINE-CANCEL", "cancelled"),
            ("LOTLINE-TAKE-OUT", "waiting"),
            ("SN-0001", "taken-out"),
            ("LOTLINE-TAKE-OUT", "waiting"),
            ("SN-0001", "not-inside"),
            ("LOTLINE-REOPEN", "waiting"),
            (nobodys, "unknown-container"),
            ("LOTLINE-REOPEN", "waiting"),
            (first, "package-open"),
            ("LOTLINE-CANCEL", "cancelled"),
            ("LOTLINE-CLOSE-PACKAGE", "package-closed"),
            ("SN-0004", "pallet-full"),
            ("LOTLINE-REOPEN", "waiting"),
            (first, "reopened"),
            ("LOTLINE-REOPEN", "waiting"),
            (first, "container-open"),
            ("LOTLINE-MOVE", "waiting"),
            ("SN-0003", "waiting"),
            (first, "moved"),
            ("LOTLINE-MOVE", "waiting"),
            ("SN-0003", "waiting"),
            (first, "already-there"),
            ("LOTLINE-MOVE", "waiting"),
            ("SN-0003", "waiting"),
            (pallet, "wrong-level"),
            ("LOTLINE-MOVE", "waiting"),
            ("SN-0001", "waiting"),
            (first, "container-full"),
            ("LOTLINE-CLOSE-PACKAGE", "package-closed"),
            ("LOTLINE-CLOSE-PALLET", "pallet-closed"),
            ("LOTLINE-HOLD", "waiting"),
            ("SN-0002", "hold-recorded"),
            ("SN-0002", "on-hold"),
            ("LOTLINE-SEAL", "waiting"),
            (pallet, "sealed"),
            ("LOTLINE-LABEL-AGAIN", "waiting"),
            (first, "no-label"),
        ],
    );
    rig.wait_until_delivered(30);
    let inside = |label: &str| rig.json(&format!("/v1/containers/{}", &label[2..]));
    assert_eq!((&inside(first)["serials"], &inside(&second)["count"]), (&json!(["0002", "0003"]), &json!(0)));
    assert_eq!(rig.json("/v1/devices/0001")["state"], "unpacked");
    // Held at the line, it is held for all stations.
    assert!(rig.json("/v1/holds").to_string().contains("0002"));
    rig.end_station();
    rig.end_service();
}

#[test]
fn a_printed_label_is_scanned_back_and_its_package_goes_onto_a_pallet_with_a_label_of_its_own() {
    let levels = r#"
[[packing.level]]
name = "package"
kind = "package"
size = 2
scan_back = true
[[packing.level]]
name = "pallet"
kind = "pallet"
size = 2
id = "scanned"
[[lane]]
name = "main"
roles = ["pack"]
[[lane]]
name = "dock"
roles = ["palletise"]
[[lane]]
name = "desk"
roles = ["recount"]
[[printer]]
name = "labels"
kind = "tcp"
address = "PRINTER"
[[label]]
container = "package"
printer = "labels"
template = "TEMPLATES/package.toml"
"#;
    let lanes = [("hand", "main"), ("dock", "dock"), ("desk", "desk")].map(|(name, lane)| scanner(name, lane)).concat();
    let Some(mut rig) = start("labels scanned back", &format!("{levels}{lanes}{RULES}")) else { return };
    let full = rig.scans("main", &[("WO:1", "work-order-started"), ("SN-0001", "packed"), ("SN-0002", "packed")]);
    assert!(full["help"].as_str().unwrap().contains("scan it"), "{full}");
    rig.scans("main", &[("SN-0003", "scan-label"), ("00195212340000000010", "scan-label")]);
    // What is on the paper is what is scanned: read back from the picture that came out of the printer.
    assert!(rig.printer.wait_printed(1, Duration::from_secs(30)));
    let picture = rig.printer.printed()[0].file.clone().unwrap();
    let read = run("lotline-station", &["decode", "--json", picture.to_str().unwrap()]);
    let read: Value = serde_json::from_slice(&read.stdout).unwrap();
    let label = read[0]["text"].as_str().unwrap().to_owned();
    let label = label.as_str();
    let packed = rig.scans("main", &[(label, "label-checked"), ("SN-0003", "packed")]);
    let next = label_of(&packed["package"]["id"]);
    let pallet = "00395212340000007778";
    rig.scans(
        "dock",
        &[
            (label, "scan-container"),
            (pallet, "container-opened"),
            ("SN-0001", "wrong-level"),
            (&next, "container-open"),
            (label, "stacked"),
            (label, "already-there"),
            ("LOTLINE-CLOSE-PALLET", "pallet-closed"),
            (pallet, "container-closed"),
        ],
    );
    rig.scans(
        "desk",
        &[
            ("00395212340000007785", "unknown-container"),
            (label, "recounting"),
            ("SN-0001", "found"),
            ("SN-0002", "found"),
            ("LOTLINE-FINISH", "counted"),
        ],
    );
    rig.wait_until_delivered(30);
    assert_eq!(rig.json("/v1/devices/0001")["palletId"], pallet[2..]);
    assert!(rig.json("/v1/devices/0003")["palletId"].is_null());
    rig.end_station();
    rig.end_service();
}

#[test]
fn nothing_is_decided_about_a_label_that_is_not_as_it_was_seen() {
    let printer = "[[printer]]\nname = \"labels\"\nkind = \"tcp\"\naddress = \"PRINTER\"\nanswer_timeout_ms = 500\n";
    let label = "[[label]]\ncontainer = \"package\"\nprinter = \"labels\"\ntemplate = \"TEMPLATES/package.toml\"\n";
    let plain = format!("[packing]\npackage_size = 1\n{}{RULES}", scanner("hand", "main"));
    let Some(mut rig) = start("decisions about labels", &format!("{printer}{label}{plain}")) else { return };
    rig.scans("main", &[("WO:1", "work-order-started"), ("SN-0001", "packed")]);
    assert!(rig.printer.wait_printed(1, Duration::from_secs(30)));
    let post = |rig: &Rig, path: &str, body: &str| {
        let (_, said) = tests::post(&rig.page(), &format!("/v1/labels/{path}"), body).unwrap();
        serde_json::from_str::<Value>(&said).unwrap()["code"].clone()
    };
    wait_for("the label to be out", 20, || (rig.status()?["labels"]["sending"] == 0).then_some(()));
    assert_eq!(post(&rig, "1/came-out", "{}"), "label-not-doubtful");
    assert_eq!(post(&rig, "1/again", r#"{"reason":"torn","prints":7}"#), "label-changed");
    assert_eq!(post(&rig, "999/again", r#"{"reason":"torn"}"#), "no-label");
    rig.printer.unplug();
    rig.scans("main", &[("SN-0002", "packed")]);
    assert_eq!(post(&rig, "2/again", r#"{"reason":"torn"}"#), "label-on-its-way");
    rig.printer.plug().unwrap();
    assert!(rig.printer.wait_printed(2, Duration::from_secs(30)));
    // Without any printer the line goes on; its labels do not.
    rig.end_station();
    rig.configure(&plain);
    rig.start_station();
    assert_eq!(post(&rig, "1/again", r#"{"reason":"torn"}"#), "no-printer");
    rig.scans("main", &[("SN-0003", "packed")]);
    rig.end_station();
    rig.end_service();
}

#[test]
fn a_work_order_of_the_topic_waits_for_the_package_and_ends() {
    let text = format!("[packing]\npackage_size = 2\n{}{RULES}", scanner("hand", "main"));
    let Some(mut rig) = start("work orders that wait", &text) else { return };
    let watch = rig.watch().unwrap();
    let send = |rig: &Rig, revision: u32, order: Value| {
        let message = json!({"revision": revision, "workOrder": order}).to_string();
        rig.publish("work orders that wait", "work-order/main", message.as_bytes())
    };
    let told = |code: &str| wait_for(code, 15, || watch.next(1).filter(|answer| answer["code"] == code));
    if !send(&rig, 1, json!("WO-1")) {
        return;
    }
    told("work-order-started");
    rig.scans("main", &[("SN-0001", "packed")]);
    assert!(send(&rig, 2, json!("WO-2")));
    told("work-order-waits");
    rig.scans("main", &[("SN-0002", "packed"), ("SN-0003", "packed"), ("LOTLINE-CLOSE-PACKAGE", "package-closed")]);
    assert!(send(&rig, 3, Value::Null));
    told("work-order-ended");
    rig.scans("main", &[("SN-0004", "no-work-order")]);
    rig.wait_until_delivered(30);
    let orders = ["0001", "0002", "0003"].map(|serial| rig.json(&format!("/v1/devices/{serial}"))["workOrder"].clone());
    assert_eq!(orders, [json!("WO-1"), json!("WO-1"), json!("WO-2")]);
    rig.end_station();
    rig.end_service();
}

#[test]
fn a_slow_printer_or_rig_of_one_lane_holds_up_no_other() {
    let lanes = r#"
[packing]
package_size = 1
[[lane]]
name = "test"
roles = ["test"]
rig = { program = ["/bin/sleep", "30"], timeout_ms = 40000 }
[[printer]]
name = "labels"
kind = "tcp"
address = "PRINTER"
[[label]]
container = "package"
printer = "labels"
template = "TEMPLATES/package.toml"
lane = "main"
"#;
    let scanners =
        [("hand", "main"), ("side", "side"), ("test", "test")].map(|(name, lane)| scanner(name, lane)).concat();
    let Some(rig) = start("lanes beside each other", &format!("{lanes}{scanners}{RULES}")) else { return };
    for lane in ["main", "side", "test"] {
        rig.scans(lane, &[("WO:1", "work-order-started")]);
    }
    rig.printer.set_media_out(true);
    rig.scans("test", &[("SN-0900", "test-started"), ("SN-0901", "busy")]);
    let begin = std::time::Instant::now();
    for number in 0..40 {
        let lane = if number % 2 == 0 { "main" } else { "side" };
        rig.scans(lane, &[(&format!("SN-{number:04}"), "packed")]);
    }
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    // The test of the slow rig goes on all the while.
    rig.scans("test", &[("SN-0900", "test-started"), ("SN-0901", "busy")]);
}
