//! Labels through the built programs: each comes out once, whatever happens to printer and station; doubt is for people.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::Duration;

use demo::sim::ZplPrinterOptions;
use serde_json::Value;
use tests::{Rig, Shape, mosquitto, program, wait_for};

/// Runs a command of the station that answers in JSON.
fn station(rig: &Rig, arguments: &[&str]) -> Value {
    let mut command = Command::new(program("lotline-station"));
    let output = command.args(arguments).args(["--json", "--config", &rig.config()]).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {output:?}"))
}

fn jobs(rig: &Rig) -> Vec<Value> {
    station(rig, &["label", "jobs", "--most", "1000"]).as_array().unwrap().clone()
}

fn in_state(rig: &Rig, state: &str) -> Vec<Value> {
    jobs(rig).into_iter().filter(|job| job["state"] == state).collect()
}

/// The SSCCs on the labels that came out, read from their pictures by the station's own decoder, and how often.
fn identities(rig: &Rig) -> BTreeMap<String, usize> {
    let files: Vec<_> = rig.printer.printed().into_iter().map(|label| label.file.unwrap()).collect();
    let mut found = BTreeMap::new();
    if files.is_empty() {
        return found;
    }
    let output = Command::new(program("lotline-station")).args(["decode", "--json"]).args(&files).output().unwrap();
    let answers: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), files.len(), "one code on each label: {answers:?}");
    for answer in answers {
        let text = answer["text"].as_str().unwrap();
        let sscc = text.strip_prefix("00").filter(|sscc| sscc.len() == 18).unwrap_or_else(|| panic!("{answer}"));
        assert_eq!(answer["aim"], "]C1", "{answer}");
        *found.entry(sscc.to_owned()).or_default() += 1;
    }
    found
}

fn wait_until_printed(rig: &Rig, seconds: u64) {
    wait_for("the labels", seconds, || {
        let status = rig.status()?;
        (status["labels"]["waiting"] == 0 && status["labels"]["sending"] == 0).then_some(())
    });
}

#[test]
fn each_container_gets_one_label_with_its_own_identity() {
    let Some(mosquitto) = mosquitto("labels of a line") else { return };
    let mut rig = Rig::start_printing(mosquitto, Shape { package: 3, pallet: 4 }, ZplPrinterOptions::default());
    rig.scan("WO:WO-7");
    let mut opened = BTreeSet::new();
    for unit in 0..48 {
        let answer = rig.scan(&format!("U{unit:03}"));
        opened.extend(["package", "pallet"].map(|of| answer[of]["id"].as_str().unwrap().to_owned()));
    }
    wait_until_printed(&rig, 60);
    let found = identities(&rig);
    assert_eq!(found.keys().cloned().collect::<BTreeSet<_>>(), opened);
    assert_eq!((found.len(), found.values().max()), (16 + 4, Some(&1)));
    rig.wait_until_delivered(20);
    let history = rig.json("/v1/devices/U000/history").to_string();
    assert_eq!(history.matches("labelPrinted").count(), 2, "its package's and its pallet's: {history}");
    // The digest on record is that of what came out.
    assert!(rig.printer.printed().iter().any(|label| history.contains(&label.digest.to_string())));
    rig.end_station();
    rig.end_service();
}

#[test]
fn killed_in_the_middle_of_printing_no_label_comes_out_twice() {
    let Some(mosquitto) = mosquitto("kills of a printing station") else { return };
    let time_per_label = Duration::from_millis(15);
    let options = ZplPrinterOptions { time_per_label, ..Default::default() };
    let mut rig = Rig::start_printing(mosquitto, Shape { package: 2, pallet: 5 }, options);
    rig.scan("WO:WO-7");
    let (mut unit, mut doubtful, mut kills) = (0, BTreeSet::new(), 0);
    while kills < 12 {
        for _ in 0..10 {
            rig.scan(&format!("U{unit:04}"));
            unit += 1;
        }
        // At another moment of a label each time.
        std::thread::sleep(Duration::from_millis(7 * kills + 3));
        rig.kill_station();
        kills += 1;
        rig.start_station();
        let now: BTreeSet<u64> = in_state(&rig, "doubtful").iter().map(|job| job["id"].as_u64().unwrap()).collect();
        assert!(now.difference(&doubtful).count() <= 1, "more than one label in doubt after a kill: {now:?}");
        doubtful.extend(now);
    }
    wait_until_printed(&rig, 60);
    let all = jobs(&rig);
    let identity = |job: &Value| job["sscc"].as_str().unwrap().to_owned();
    let (found, wanted) = (identities(&rig), all.iter().map(identity).collect::<BTreeSet<_>>());
    assert_eq!(wanted.len(), all.len(), "a container with two labels");
    assert_eq!(all.len(), unit / 2 + unit / 10, "a label for each package and pallet");
    assert!(found.values().all(|count| *count == 1), "a label came out twice: {found:?}");
    for job in &all {
        let came_out = found.contains_key(&identity(job));
        match job["state"].as_str().unwrap() {
            "printed" => assert!(came_out, "{job}"),
            "doubtful" => assert!(doubtful.contains(&job["id"].as_u64().unwrap()), "{job}"),
            _ => panic!("{job}"),
        }
    }
    println!("{kills} kills, {} labels, {} in doubt", all.len(), doubtful.len());
    rig.end_station();
    rig.end_service();
}

#[test]
fn what_a_printer_does_is_named_and_a_person_decides() {
    let Some(mosquitto) = mosquitto("faults of a printer") else { return };
    let mut rig = Rig::start_printing(mosquitto, Shape { package: 1, pallet: 100 }, ZplPrinterOptions::default());
    rig.scan("WO:WO-7");
    let named = |rig: &Rig, says: &str| {
        wait_for(says, 20, || {
            let why = rig.status()?["notices"]["printers"]["labels"]["why"].as_str()?.to_owned();
            why.contains(says).then_some(())
        });
    };
    // Off, then silent as one without labels, then something else at its address: the line goes on all the while.
    rig.printer.unplug();
    assert_eq!(rig.scan("U1")["outcome"], "accepted");
    named(&rig, "refuses the connection");
    rig.printer.plug().unwrap();
    wait_until_printed(&rig, 30);
    rig.printer.set_media_out(true);
    assert_eq!(rig.scan("U2")["outcome"], "accepted");
    named(&rig, "the labels are used up");
    rig.printer.set_media_out(false);
    wait_until_printed(&rig, 30);
    rig.printer.speak(Some("HTTP/1.1 400 Bad Request\r\n\r\n"));
    assert_eq!(rig.scan("U3")["outcome"], "accepted");
    named(&rig, "is no printer of this language");
    rig.printer.speak(None);
    wait_until_printed(&rig, 30);
    assert_eq!((rig.printer.printed_count(), in_state(&rig, "doubtful").len()), (3, 0));

    // What cannot be drawn is named; the next label is printed.
    let too_long = format!("WO:{}", "W".repeat(60));
    assert_eq!(rig.scan(&too_long)["outcome"], "done");
    assert_eq!(rig.scan("F1")["outcome"], "accepted");
    let failed = wait_for("a label that cannot be drawn", 20, || in_state(&rig, "failed").pop());
    assert!(failed["why"].as_str().unwrap().contains("wide"), "{failed}");
    rig.scan("WO:WO-7");

    // Taken whole, but the connection is lost before the printer says so.
    rig.printer.cut_after_job();
    rig.scan("U4");
    let job = wait_for("a label in doubt", 20, || in_state(&rig, "doubtful").pop());
    let id = job["id"].to_string();
    assert!(rig.printer.wait_printed(4, Duration::from_secs(10)));
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(rig.printer.printed_count(), 4, "nothing is printed again by itself");
    let answer = station(&rig, &["label", "came-out", &id]);
    assert_eq!((&answer["outcome"], &answer["code"]), (&"done".into(), &"label-confirmed".into()));

    // Cut in the middle: nothing came out, a person says so.
    rig.printer.cut_after_bytes(300);
    rig.scan("U5");
    let job = wait_for("a label in doubt", 20, || in_state(&rig, "doubtful").pop());
    let id = job["id"].to_string();
    let answer = station(&rig, &["label", "again", &id, "--reason", "nothing came out"]);
    assert_eq!(answer["code"], "label-again");
    wait_until_printed(&rig, 30);
    let first = rig.printer.printed().last().unwrap().digest;
    assert_eq!(station(&rig, &["label", "again", &id, "--reason", "torn"])["code"], "label-again");
    wait_until_printed(&rig, 30);
    let labels = rig.printer.printed();
    assert_eq!((labels.len(), labels.last().unwrap().digest), (6, first), "the same label, dot by dot");
    rig.wait_until_delivered(20);
    let history = rig.json("/v1/devices/U5/history").to_string();
    for (event, times) in [("labelDoubtful", 1), ("labelAgain", 2), ("labelPrinted", 2), ("torn", 1)] {
        assert_eq!(history.matches(event).count(), times, "{event}: {history}");
    }
    rig.end_station();
    rig.end_service();
}
