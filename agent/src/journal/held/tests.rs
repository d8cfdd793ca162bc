use records::wire::Holds;
use records::{FixedBytes, Level};

use super::super::units::{CONTAINER, ENTER, change_inside, put};
use super::*;
use crate::station::{Known, UnitState};

const SERIES: records::SeriesId = FixedBytes([1; 16]);

fn journal(folder: &tempfile::TempDir) -> Journal {
    Journal::open(folder.path(), "pack-1", 64 << 20, 0).unwrap().journal
}

fn holds(revision: u64, serials: &[&str]) -> Holds {
    Holds { revision, serials: serials.iter().map(|&serial| serial.into()).collect(), ..Holds::default() }
}

fn hold(journal: &Journal, serial: &str, held: bool) {
    let known = Known { state: UnitState::Seen, held, ..Known::default() };
    put(&journal.connection, "", serial, &known, SERIES).unwrap();
}

#[test]
fn what_is_held_here_is_released_when_the_service_names_it_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = journal(&folder);
    // The service had S1 on hold before, and says nothing new of it.
    journal.keep_holds(&holds(1, &["S1"])).unwrap();
    hold(&journal, "S1", true);
    hold(&journal, "S2", true);
    journal.keep_holds(&holds(2, &[])).unwrap();
    assert_eq!(journal.released().unwrap(), [], "it has not heard of the holds here");
    journal.keep_holds(&holds(3, &["S1", "S2", "S3"])).unwrap();
    assert_eq!(journal.released().unwrap(), [], "both are on hold");
    journal.keep_holds(&holds(4, &["S1"])).unwrap();
    let released = journal.released().unwrap();
    assert_eq!(released, [(String::new(), "S2".to_owned())]);
    hold(&journal, "S2", false);
    assert_eq!(journal.released().unwrap(), [], "once");
    hold(&journal, "S2", true);
    assert_eq!(journal.released().unwrap(), [], "held anew");
}

#[test]
fn everything_in_a_container_is_found_at_any_depth() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = journal(&folder);
    assert!(!journal.group().unwrap().holds_anything().unwrap());
    let connection = &journal.connection;
    for (scope, serial, package, lot, held) in [
        ("", "A", "P1", Some("L1"), false),
        ("", "B", "P1", None, true),
        ("", "C", "P2", Some("L2"), false),
        ("component:board", "D", "P1", Some("L9"), true),
        ("", "E", "P3", Some("L3"), false),
    ] {
        let known = Known { lot: lot.map(str::to_owned), held, ..Known::packed(1, package) };
        put(connection, scope, serial, &known, SERIES).unwrap();
    }
    for (inner, outer) in [("P1", "U"), ("P2", "U"), ("U", "P1")] {
        change_inside(connection, ENTER, outer, CONTAINER, ("", inner)).unwrap();
    }
    let known = KnownContainer {
        unchecked: true,
        common: [("lotCode".to_owned(), "L2".into())].into(),
        ..KnownContainer::closed("P2", Level::Package, "package", 2)
    };
    let decision = crate::station::Decision {
        containers: vec![known.clone()],
        ..crate::station::Decision::of(crate::station::State::default())
    };
    let mut group = journal.group().unwrap();
    group.change_containers(&decision, 0).unwrap();
    assert!(group.holds_anything().unwrap());
    let inside = group.inside("U").unwrap();
    let mut units: Vec<_> =
        inside.units.iter().map(|unit| (unit.serial.as_str(), unit.lot.as_deref(), unit.held)).collect();
    units.sort_unstable();
    assert_eq!(units, [("A", Some("L1"), false), ("B", None, true), ("C", Some("L2"), false)]);
    assert_eq!(inside.lots.into_iter().collect::<Vec<_>>(), ["L2"]);
    assert_eq!(group.inside("P3").unwrap().units.len(), 1);
    // What was stacked without the service is asked about again, until it is checked.
    group.commit(&decision.next, 0).unwrap();
    assert_eq!(journal.unchecked_containers_after("", 9).unwrap(), ["P2"]);
    assert_eq!(journal.unchecked_containers_after("P2", 9).unwrap(), [""; 0]);
    let decision = crate::station::Decision {
        containers: vec![crate::station::KnownContainer { unchecked: false, ..known }],
        ..decision
    };
    let mut group = journal.group().unwrap();
    group.change_containers(&decision, 0).unwrap();
    group.commit(&decision.next, 0).unwrap();
    assert_eq!(journal.unchecked_containers_after("", 9).unwrap(), [""; 0]);
}
