//! Every recall of a real list of serials is the set that a plain script makes of what people scanned: lots, rework between
//! pallets and lots, scrapping, and lots of components that cut across pallets; and the answer says when it is not complete.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use demo::sim::{FaultyWire, ZplPrinterOptions};
use jiff::Timestamp;
use serde_json::{Value, json};
use tests::{Rig, Second, Watch, get, mosquitto, shared, wait_for};

/// Devices in a package, and packages on a pallet.
const PACKAGE: usize = 20;
const PALLET: usize = 12;
/// Units of a work order: the last package of one is closed by command.
const ORDER: usize = 2990;
/// Every so manieth unit has a board.
const BOARD_EVERY: usize = 9;

const LINE: &str = r#"
[packing]
package_size = 20
pallet_size = 12
[[lane]]
name = "bench"
roles = ["assemble"]
components = ["board"]
[[lane]]
name = "main"
roles = ["pack", "palletise"]
[[lane]]
name = "desk"
roles = ["despatch"]
[[scanner]]
name = "hand"
lane = "main"
kind = "serial"
path = "FOLDER/scanner"
[[scanner]]
name = "bench"
lane = "bench"
kind = "serial"
path = "FOLDER/bench"
[[scanner]]
name = "desk"
lane = "desk"
kind = "serial"
path = "FOLDER/desk"
[[rule]]
name = "unit"
pattern = '(?<serialNumber>[0-9A-Z-]{6,32})'
[[rule]]
name = "board"
reads = "component"
component = "board"
pattern = 'BRD/(?<serialNumber>[0-9]+)/(?<lotCode>[0-9A-Z]+)'
[[rule]]
name = "work order"
reads = "work-order"
pattern = 'WO:(?<workOrder>[0-9A-Z]+)/(?<lotCode>[0-9A-Z]+)'
[[rule]]
name = "consignee"
reads = "consignee"
pattern = 'TO:(?<consignee>.+)'
[[rule]]
name = "despatch note"
reads = "despatch-note"
pattern = 'DN:(?<despatchNote>[0-9]+)'
"#;

/// A person at a line, who writes down what was scanned and shown.
struct Operator {
    socket: BufReader<UnixStream>,
    watch: Watch,
    log: BufWriter<File>,
    path: PathBuf,
    /// Times at which nothing happened.
    marks: Vec<Timestamp>,
}

impl Operator {
    fn at(rig: &Rig) -> Self {
        let path = rig.path("scans.ndjson");
        let log = BufWriter::new(File::create(&path).unwrap());
        let socket = BufReader::new(UnixStream::connect(rig.path("station.sock")).unwrap());
        Self { socket, watch: rig.watch().unwrap(), log, path, marks: Vec::new() }
    }

    fn write(&mut self, station: &str, lane: &str, scan: &str, answer: &Value) {
        let said = json!({
            "station": station, "lane": lane, "scan": scan, "code": answer["code"],
            "package": answer["package"]["id"], "pallet": answer["pallet"]["id"],
        });
        writeln!(self.log, "{said}").unwrap();
    }

    /// Scans; the code of the answer has to be this.
    fn scan(&mut self, lane: &str, scan: &str, code: &str) -> Value {
        let aim = (scan.starts_with("00") && scan.len() == 20).then_some("]C1");
        let asked = json!({"ask": "scan", "text": scan, "lane": lane, "aim": aim});
        self.socket.get_mut().write_all(format!("{asked}\n").as_bytes()).unwrap();
        let mut line = String::new();
        self.socket.read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        let answer = said["answer"].clone();
        assert_eq!(answer["code"], code, "{lane} {scan}: {said}");
        self.write("pack-1", lane, scan, &answer);
        answer
    }

    /// Scans units with the scanner of the lane, as fast as it takes them; each has to be packed.
    fn packs(&mut self, rig: &Rig, serials: &[String]) {
        for some in serials.chunks(200) {
            drop(self.watch.so_far());
            some.iter().for_each(|serial| rig.scanner.scan(serial).unwrap());
            for serial in some {
                let answer = loop {
                    let answer = self.watch.next(60).unwrap_or_else(|| panic!("no answer for {serial}"));
                    // Answers of before may still be on their way.
                    if answer["serial"] == serial.as_str() && answer["lane"] == "main" {
                        break answer;
                    }
                };
                assert_eq!(answer["code"], "packed", "{serial}: {answer}");
                self.write("pack-1", "main", serial, &answer);
            }
        }
    }

    fn scans(&mut self, lane: &str, scans: &[(&str, &str)]) {
        scans.iter().for_each(|(scan, code)| drop(self.scan(lane, scan, code)));
    }

    /// Lets a moment pass in which nothing happens: a clock is good to a fraction of a second.
    fn mark(&mut self) {
        std::thread::sleep(Duration::from_secs(1));
        writeln!(self.log, "{}", json!({"mark": self.marks.len()})).unwrap();
        self.marks.push(Timestamp::now());
        std::thread::sleep(Duration::from_secs(1));
    }

    /// What the script makes of it.
    fn judged(&mut self) -> Value {
        self.log.flush().unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/judge/recall.py");
        let output = Command::new("python3").arg(script).arg(&self.path).arg(PACKAGE.to_string()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn set(list: &Value) -> BTreeSet<String> {
    list.as_array().into_iter().flatten().map(|serial| serial.as_str().unwrap().to_owned()).collect()
}

/// The answer to a question as NDJSON: the devices without scope, those that were corrected, and the last line.
fn ask(rig: &Rig, query: &str) -> (BTreeSet<String>, BTreeSet<String>, Value) {
    let (status, body) = get(&rig.http(), &format!("/v1/recall?{query}"), "application/x-ndjson").unwrap();
    assert_eq!(status, 200, "{query}: {body}");
    let mut lines: Vec<Value> = body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let end = lines.pop().unwrap();
    assert_eq!(end["end"], true, "{query}: {end}");
    let count = lines[1..].iter().filter(|line| line.get("corrected").is_none()).count();
    assert_eq!(end["count"], count, "{query}, with components");
    let (mut units, mut corrected) = (BTreeSet::new(), BTreeSet::new());
    for line in &lines[1..] {
        let (unit, list) = match line.get("corrected") {
            Some(unit) => (unit, &mut corrected),
            None => (line, &mut units),
        };
        if unit.get("scope").is_none() {
            assert!(list.insert(unit["serialNumber"].as_str().unwrap().to_owned()), "{query}: a unit twice");
        }
    }
    (units, corrected, end)
}

/// Holds every recall of a kind of group against what the script says.
fn compare(rig: &Rig, judged: &Value, kind: &str) {
    let groups = judged["groups"][kind].as_object().unwrap();
    for (value, group) in groups {
        let query = format!("{kind}={value}");
        let (ever, never, end) = ask(rig, &query);
        assert_eq!(ever, set(&group["ever"]), "{query}");
        assert_eq!(end["complete"], true, "{query}: {end}");
        // Who was in a package by mistake was never said to be on a pallet, and is named there all the same.
        if !["componentLot", "palletId"].contains(&kind) {
            assert_eq!(never, set(&group["never"]), "{query}");
        }
        if kind != "componentLot" {
            assert_eq!(ask(rig, &format!("{query}&members=current")).0, set(&group["now"]), "{query}, now");
        }
    }
}

/// Packs a work order after the other, and does to the units what happens to units.
fn day(rig: &Rig, operator: &mut Operator, serials: &[String]) -> BTreeSet<String> {
    let (mut left_over, mut voided): (Vec<String>, _) = (Vec::new(), BTreeSet::new());
    for (n, serial) in serials.iter().enumerate().step_by(BOARD_EVERY) {
        let lot = n / BOARD_EVERY % 5;
        operator.scans(
            "bench",
            &[(serial, "waiting"), (&format!("BRD/{n}/CL{lot}"), "assembled"), ("LOTLINE-FINISH", "assembly-complete")],
        );
    }
    for (number, units) in serials.chunks(ORDER).enumerate() {
        operator.scan("main", &format!("WO:W{number}/LOT{number}"), "work-order-started");
        operator.mark();
        // What was taken out of the lot before is packed again in this one.
        for serial in left_over.drain(..) {
            operator.scan("main", &serial, "packed");
        }
        operator.packs(rig, units);
        // The last one was never in its package: it was only held in front of the scanner.
        if number % 2 == 0 {
            let last = units.last().unwrap();
            operator.scan("main", "LOTLINE-VOID-LAST", "voided");
            voided.insert(last.clone());
        }
        operator.scan("main", "LOTLINE-CLOSE-PACKAGE", "package-closed");
        for (n, serial) in units.iter().step_by(397).enumerate() {
            operator.scans("main", &[("LOTLINE-TAKE-OUT", "waiting"), (serial, "taken-out")]);
            match n % 3 {
                0 => operator.scans("main", &[("LOTLINE-SCRAP", "waiting"), (serial, "scrap-recorded")]),
                1 => left_over.push(serial.clone()),
                _ => {}
            }
        }
    }
    voided
}

/// Real serials of drives, or as many made ones where they are not there.
fn serials() -> Vec<String> {
    let Some(shared) = shared("recalls of a real list of serials (a made one serves)") else {
        return (0..6500).map(|number| format!("MADE-{number:05}")).collect();
    };
    let list = std::fs::read_to_string(shared.join("data/serials/drives-2013-04-10.csv")).unwrap();
    list.lines().skip(1).filter_map(|line| line.split(',').nth(1).map(str::to_owned)).collect()
}

/// Who was handled between two moments, alone and beside a group.
fn windows(rig: &Rig, judged: &Value, marks: &[Timestamp]) {
    // A clock that nobody has set leaves open when something was: then the answer may be wider, and never narrower.
    let first = judged["handled"]["0"][0].as_str().unwrap();
    let is_exact = rig.json(&format!("/v1/devices/{first}/history"))["records"][0]["at"]["synchronised"] == true;
    for (number, times) in marks.windows(2).enumerate() {
        let window = format!("from={}&until={}", times[0], times[1]);
        let handled = set(&judged["handled"][number.to_string()]);
        assert!(!handled.is_empty(), "{window}");
        let of_lot = set(&judged["groups"]["lotCode"][format!("LOT{number}")]["ever"]);
        let both = handled.intersection(&of_lot).cloned().collect();
        for (query, expected) in [
            (window.clone(), &handled),
            (format!("station=pack-1&{window}"), &handled),
            (format!("lotCode=LOT{number}&{window}"), &both),
        ] {
            let found = ask(rig, &query).0;
            assert!(found.is_superset(expected), "{query}: {:?}", expected.difference(&found).next());
            assert!(!is_exact || found == *expected, "{query}: {:?}", found.difference(expected).next());
        }
    }
}

#[test]
fn every_recall_of_a_real_list_is_what_a_plain_script_makes_of_the_scans() {
    let Some(mosquitto) = mosquitto("recalls of a real list of serials") else { return };
    let mut serials = serials();
    if let Some(most) = std::env::var("LOTLINE_UNITS").ok().and_then(|most| most.parse().ok()) {
        serials.truncate(most);
    }
    let mut rig = Rig::start_configured(mosquitto, ZplPrinterOptions::default(), LINE);
    let mut operator = Operator::at(&rig);
    let voided = day(&rig, &mut operator, &serials);
    operator.mark();
    rework_of_pallets(&rig, &mut operator);
    // What the station counted has to be what the service makes of its records: else no answer is complete.
    for number in 0..serials.len().div_ceil(ORDER) {
        operator.scans("main", &[("LOTLINE-SEAL", "waiting"), (&format!("WO:W{number}/LOT{number}"), "sealed")]);
    }
    rig.wait_until_delivered(120);

    let judged = operator.judged();
    for kind in ["lotCode", "workOrder", "componentLot", "palletId", "packageId"] {
        compare(&rig, &judged, kind);
    }
    combinations(&rig, &judged);
    windows(&rig, &judged, &operator.marks);
    let (_, never, _) = ask(&rig, "lotCode=LOT0");
    assert!(never.iter().all(|serial| voided.contains(serial)) && !never.is_empty());
    balance(&rig, &judged);
    a_recall_as_an_object(&rig, &mut operator);
    held_back(&rig, &mut operator);
    rig.end_station();
    rig.end_service();
}

/// A package goes from its pallet onto the one that is open, and a full pallet leaves.
fn rework_of_pallets(rig: &Rig, operator: &mut Operator) {
    let judged = operator.judged();
    let pallets: BTreeMap<&String, usize> = judged["groups"]["palletId"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(id, group)| (id, group["now"].as_array().unwrap().len()))
        .collect();
    let full: Vec<&String> =
        pallets.iter().filter(|(_, units)| **units > PACKAGE * PALLET / 2).map(|(id, _)| *id).collect();
    let lane = &rig.status().unwrap()["lanes"]["main"];
    let open = lane["pallet"]["id"].as_str().unwrap_or_default().to_owned();
    let of = |pallet: &String| {
        let packages = judged["groups"]["packageId"].as_object().unwrap().iter();
        let on = set(&judged["groups"]["palletId"][pallet]["now"]);
        let mut on_it = packages.filter(|(_, group)| set(&group["now"]).iter().any(|unit| on.contains(unit)));
        on_it.next().unwrap().0.clone()
    };
    let source = full.iter().find(|id| ***id != open).unwrap();
    let label = format!("00{}", of(source));
    if !open.is_empty() {
        operator.scans("main", &[("LOTLINE-MOVE", "waiting"), (&label, "waiting"), (&format!("00{open}"), "moved")]);
    }
    let gone = full.iter().rfind(|id| ***id != open && id != &source).unwrap_or(source);
    operator.scans(
        "desk",
        &[("TO:ACME", "despatch-noted"), ("DN:17", "despatch-noted"), (&format!("00{gone}"), "despatch-recorded")],
    );
}

/// Several conditions at once.
fn combinations(rig: &Rig, judged: &Value) {
    let groups = &judged["groups"];
    for (pallet, group) in groups["palletId"].as_object().unwrap().iter().step_by(11) {
        let on = set(&group["ever"]);
        for lot in ["CL0", "CL3"] {
            let with = set(&groups["componentLot"][lot]["ever"]);
            let both: BTreeSet<String> = on.intersection(&with).cloned().collect();
            assert_eq!(ask(rig, &format!("palletId={pallet}&componentLot={lot}")).0, both, "{pallet} {lot}");
        }
        let lots: BTreeSet<String> =
            ["LOT0", "LOT1"].iter().flat_map(|lot| set(&groups["lotCode"][*lot]["ever"])).collect();
        let both: BTreeSet<String> = on.intersection(&lots).cloned().collect();
        assert_eq!(ask(rig, &format!("palletId={pallet}&lotCode=LOT0&lotCode=LOT1&station=pack-1")).0, both);
    }
    assert_eq!(ask(rig, "lotCode=LOT0&from=2000-01-01T00:00:00Z&until=2000-01-02T00:00:00Z").0, BTreeSet::new());
}

/// What became of the units of a lot.
fn balance(rig: &Rig, judged: &Value) {
    for (lot, group) in judged["groups"]["lotCode"].as_object().unwrap() {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for serial in set(&group["ever"]) {
            *counts.entry(judged["states"][&serial].as_str().unwrap()).or_default() += 1;
        }
        let (units, _, end) = ask(rig, &format!("lotCode={lot}"));
        assert_eq!(end["balance"]["made"], units.len());
        for state in ["packed", "despatched", "unpacked", "scrapped"] {
            let count = counts.get(state).copied().unwrap_or_default();
            assert_eq!(end["balance"][state], count, "{lot}: {state}");
        }
    }
}

/// What is recalled is refused at the station until the recall is closed.
fn a_recall_as_an_object(rig: &Rig, operator: &mut Operator) {
    let known = |rig: &Rig, lots: u64| {
        wait_for("the recall at the station", 20, || (rig.status()?["holds"]["ids"].as_u64()? >= lots).then_some(()));
    };
    rig.manage(&["recall", "create", "--where", "lotCode=LOT1", "--reason", "it smokes", "--id", "R1"]);
    let recall = rig.json("/v1/recalls/R1");
    assert_eq!((&recall["state"], &recall["keeps"]["lots"]), (&json!("open"), &json!(1)), "{recall}");
    let units = ask(rig, "lotCode=LOT1").0;
    assert_eq!(recall["count"], units.len());
    known(rig, 1);
    operator.scans("main", &[("WO:W90/LOT1", "work-order-started"), ("NEW-UNIT-1", "recall")]);
    rig.manage(&["recall", "close", "R1", "--reason", "mended", "--figure", "returned=3"]);
    wait_for("its end at the station", 20, || (rig.status()?["holds"]["ids"] == 0).then_some(()));
    operator.scan("main", "NEW-UNIT-1", "packed");
    rig.wait_until_delivered(30);
    let closed = rig.json("/v1/recalls/R1");
    assert_eq!((&closed["state"], &closed["closed"]["figures"]["returned"]), (&json!("closed"), &json!(3)));
    rig.manage(&["drill"]);
    assert!(rig.json("/v1/drills")["drills"][0]["count"].as_u64().unwrap() > 0);
}

/// One of two stations is not heard: the answer says that it is not complete, and names it; once it has delivered, it is.
fn held_back(rig: &Rig, operator: &mut Operator) {
    let mut other: Second = rig.second("pack-2", 4, "");
    other.kill();
    let wire = FaultyWire::start(([127, 0, 0, 1], rig.broker_port()).into()).unwrap();
    let text = std::fs::read_to_string(other.config()).unwrap();
    let (broker, through) = (format!(":{}", rig.broker_port()), format!(":{}", wire.address().port()));
    std::fs::write(other.config(), text.replace(&broker, &through)).unwrap();
    other.start();
    let scan = |operator: &mut Operator, other: &Second, text: &str, code: &str| {
        let answer = other.scan(text);
        assert_eq!(answer["code"], code, "{text}: {answer}");
        operator.write("pack-2", "main", text, &answer);
    };
    scan(operator, &other, "WO:W0", "work-order-started");
    scan(operator, &other, "PACK2-0000001", "packed");
    other.wait_until_delivered(30);
    let complete = || (ask(rig, "workOrder=W0").2["complete"] == true).then_some(());
    wait_for("a complete answer", 60, complete);
    wire.unplug();
    (2..=9).for_each(|number| scan(operator, &other, &format!("PACK2-{number:07}"), "packed"));
    let said = wait_for("an answer that is not complete", 60, || {
        Some(ask(rig, "workOrder=W0").2).filter(|end| end["complete"] == false)
    });
    let stations = said["completeness"]["stations"].as_array().unwrap();
    let lacking: Vec<&Value> = stations.iter().filter(|series| series["complete"] == false).collect();
    assert!(lacking.iter().all(|series| series["station"] == "pack-2") && !lacking.is_empty(), "{said}");
    wire.plug().unwrap();
    other.wait_until_delivered(60);
    wait_for("a complete answer again", 60, complete);
    let expected = set(&operator.judged()["groups"]["workOrder"]["W0"]["ever"]);
    assert!(expected.contains("PACK2-0000009"));
    assert_eq!(ask(rig, "workOrder=W0").0, expected);
    other.kill();
}
