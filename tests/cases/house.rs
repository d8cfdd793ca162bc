//! The plan of the house, held against the manifests: who may use whom.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::collections::BTreeSet;
use std::path::Path;

/// Room, and the rooms that it may use.
const ARROWS: [(&str, &[&str]); 9] = [
    ("base", &[]),
    ("gs1", &[]),
    ("records", &[]),
    ("drivers", &[]),
    ("labels", &["base", "gs1"]),
    ("agent", &["base", "drivers", "gs1", "labels", "records"]),
    ("manufacturing", &["base", "gs1", "records"]),
    ("demo", &["agent", "base", "drivers", "gs1", "labels", "manufacturing", "records"]),
    ("tests", &["demo", "gs1", "records"]),
];

fn manifest(folder: &Path) -> toml::Table {
    std::fs::read_to_string(folder.join("Cargo.toml")).unwrap().parse().unwrap()
}

#[test]
fn every_arrow_is_one_that_the_plan_allows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let members = manifest(root)["workspace"]["members"].as_array().unwrap().clone();
    let rooms: BTreeSet<&str> = members.iter().map(|member| member.as_str().unwrap()).collect();
    assert_eq!(rooms, ARROWS.iter().map(|(room, _)| *room).collect(), "rooms of the workspace and of the plan");
    for (room, allowed) in ARROWS {
        let manifest = manifest(&root.join(room));
        for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(table) = manifest.get(table).and_then(|table| table.as_table()) else { continue };
            for used in table.keys().filter(|used| rooms.contains(used.as_str())) {
                assert!(allowed.contains(&used.as_str()), "{room} may not use {used}");
            }
        }
    }
}

#[test]
fn files_can_be_read_in_one_sitting() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut folders: Vec<_> = ARROWS.iter().map(|(room, _)| root.join(room)).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let lines = std::fs::read_to_string(&path).unwrap().lines().count();
                assert!(lines <= 450, "{} has {lines} lines: give it another room", path.display());
            }
        }
    }
}
