//! The demo, as a newcomer starts it.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use serde_json::Value;
use tests::{run, shared};

fn demo(arguments: &[&str]) -> Value {
    let output = run("lotline-demo", arguments);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said.lines().count(), 1, "one line and nothing else: {said}");
    serde_json::from_str(&said).unwrap()
}

fn numbers(summary: &Value) -> [u64; 8] {
    ["scanned", "accepted", "refused", "stored", "packages", "pallets", "labels", "undelivered"]
        .map(|key| summary[key].as_u64().unwrap())
}

#[test]
fn a_file_of_serials_is_packed_once_and_refused_the_second_time() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("serials.csv");
    let rows: String = (0..95).map(|number| format!("2026-01-01,\"SN{number:05}\"\n")).collect();
    std::fs::write(&file, format!("date,serial\n{rows}")).unwrap();
    let data = folder.path().join("data");
    let arguments = [
        "--serials",
        file.to_str().unwrap(),
        "--column",
        "serial",
        "--package-size",
        "4",
        "--pallet-size",
        "5",
        "--data",
        data.to_str().unwrap(),
        "--json",
    ];
    let first = demo(&arguments);
    assert_eq!(numbers(&first), [95, 95, 0, 95, 24, 5, 29, 0]);
    assert!(first["http"].as_str().unwrap().starts_with("http://127.0.0.1:"));
    assert_eq!(numbers(&demo(&arguments)), [95, 0, 95, 95, 24, 5, 0, 0]);
}

#[test]
fn real_serials_are_each_stored_once_and_every_label_is_another_one() {
    let Some(shared) = shared("the demo with real serials") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (file, data) = (shared.join("data/serials/drives-2013-04-10.csv"), folder.path().join("data"));
    let (file, data) = (file.to_str().unwrap(), data.to_str().unwrap());
    let summary = demo(&["--serials", file, "--column", "serial_number", "--data", data, "--json"]);
    assert_eq!(numbers(&summary), [21195, 21195, 0, 21195, 2120, 106, 2226, 0]);
    // All that differs between two labels of a level and count is their identity.
    let pictures = std::fs::read_dir(folder.path().join("data/labels")).unwrap();
    let pictures: Vec<Vec<u8>> = pictures.map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect();
    let different: std::collections::BTreeSet<&Vec<u8>> = pictures.iter().collect();
    assert_eq!((pictures.len(), different.len()), (2226, 2226));
}

#[test]
fn what_is_wrong_with_a_file_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("serials.csv");
    std::fs::write(&file, "date,serial\n2026,A1\n").unwrap();
    let file = file.to_str().unwrap();
    for (arguments, says) in [
        (["--serials", "/nowhere.csv", "--column", "serial"], "/nowhere.csv"),
        (["--serials", file, "--column", "sreial"], "serial"),
        (["--serials", file, "--package-size", "0"], "package-size"),
    ] {
        let output = run("lotline-demo", &arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(says), "{said}");
    }
}
