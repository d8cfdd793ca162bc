use records::{Hash, Level, Stamp};

use super::*;
use crate::journal::{Marks, Opened, Why};
use crate::station::{ContainerState, State};

fn stamp(seconds: i64) -> Stamp {
    let wall = jiff::Timestamp::from_second(seconds).unwrap();
    Stamp { wall, synchronised: true, boot: "b".into(), since_boot: 0 }
}

fn open(folder: &tempfile::TempDir) -> Opened {
    Journal::open_on("m", folder.path(), "a", 4 << 20, 0).unwrap()
}

fn container(id: &str, parent: Option<&str>) -> KnownContainer {
    KnownContainer {
        id: id.into(),
        level: Level::Package,
        name: "package".into(),
        state: ContainerState::Closed,
        count: 2,
        units: Some(2),
        size: 10,
        parent: parent.map(str::to_owned),
        common: Default::default(),
        work_order: Some("WO".into()),
        lane: "main".into(),
        unchecked: false,
        joined: parent.map(|_| (7, None)),
    }
}

fn commit(journal: &mut Journal, decision: &Decision, at: i64) {
    let mut group = journal.group().unwrap();
    group.add(decision, Hash::ZERO, &stamp(at)).unwrap();
    group.commit(&decision.next, 0).unwrap();
}

fn counted(what: &str) -> Count {
    Count { lane: "main".into(), person: "p".into(), work_order: "WO".into(), what: what.into() }
}

#[test]
fn containers_are_read_with_all_around_them_and_outlive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    Marks::enter(folder.path(), 0).unwrap();
    let Opened { mut journal, state, .. } = open(&folder);
    let containers =
        vec![container("P", Some("C")), container("C", Some("Q")), container("Q", None), container("X", Some("Q"))];
    commit(&mut journal, &Decision { containers, ..Decision::of(state.clone()) }, 0);
    drop(journal);
    let Opened { mut journal, .. } = open(&folder);
    let series = journal.series();
    let group = journal.group().unwrap();
    let found = group.containers(&["P".into(), "nowhere".into()]).unwrap();
    assert_eq!(found.keys().collect::<Vec<_>>(), ["C", "P", "Q"]);
    assert_eq!(found["P"], container("P", Some("C")), "the record that joined it is of the present series");
    assert_eq!(group.containers_in("Q").unwrap(), ["C", "X"]);
    drop(group);
    // It moves, and once another series has begun its record is named with the one that it is of.
    commit(&mut journal, &Decision { containers: vec![container("P", Some("Q"))], ..Decision::of(state.clone()) }, 0);
    let mut next = state.clone();
    journal.renew(Why::KeyChanged, &mut next).unwrap();
    let group = journal.group().unwrap();
    assert_eq!((group.containers_in("Q").unwrap().len(), group.containers_in("C").unwrap().len()), (3, 0));
    assert_eq!(group.containers(&["P".into()]).unwrap()["P"].joined, Some((7, Some(series))));
}

#[test]
fn a_damaged_row_says_nothing() {
    let folder = tempfile::tempdir().unwrap();
    Marks::enter(folder.path(), 0).unwrap();
    let Opened { mut journal, state, .. } = open(&folder);
    let orders = vec![("WO".to_owned(), OrderCount { packed: 3, ..OrderCount::default() })];
    let decision = Decision { containers: vec![container("P", None)], orders, ..Decision::of(state) };
    commit(&mut journal, &decision, 0);
    assert_eq!(journal.group().unwrap().order("WO").unwrap().unwrap().packed, 3);
    for table in ["container", "work_order"] {
        journal.connection.execute_batch(&format!("UPDATE {table} SET body = replace(body, '3', '4')")).unwrap();
        journal.connection.execute_batch(&format!("UPDATE {table} SET body = replace(body, 'main', 'mean')")).unwrap();
    }
    let group = journal.group().unwrap();
    assert!(group.containers(&["P".into()]).unwrap().is_empty());
    assert_eq!(group.order("WO").unwrap(), None);
}

#[test]
fn damaged_rows_are_made_anew_from_records_and_what_cannot_be_is_named() {
    use records::{Draft, Event, Joined, Subject};

    use crate::station::{Known, KnownChange};

    let folder = tempfile::tempdir().unwrap();
    Marks::enter(folder.path(), 0).unwrap();
    let Opened { mut journal, state, .. } = open(&folder);
    let of_pallet = |id: &str| KnownContainer { level: Level::Pallet, name: "pallet".into(), ..container(id, None) };
    let containers = vec![container("P", Some("Q")), of_pallet("Q"), container("OLD", None)];
    let unit =
        |serial: &str| KnownChange::Set { scope: String::new(), serial: serial.into(), known: Known::packed(2, "P") };
    let draft = |event, id: &str, level: &str, into: Option<&str>| Draft {
        into: into.map(|into| Joined::container(into, Level::Pallet)).into_iter().collect(),
        attributes: [("level".to_owned(), level.into())].into(),
        lane: Some("main".into()),
        ..Draft::new(event, Subject::container(id))
    };
    let drafts = vec![
        draft(Event::Opened, "Q", "pallet", None),
        draft(Event::Opened, "P", "package", None),
        draft(Event::Closed, "P", "package", Some("Q")),
    ];
    let mut next = state.clone();
    next.last_seq = 3;
    let known = vec![unit("S1"), unit("S2")];
    let decision = Decision { containers, drafts, known, next: next.clone(), ..Decision::of(state) };
    commit(&mut journal, &decision, 0);
    drop(journal.close(3));
    let connection = rusqlite::Connection::open(Journal::file(folder.path())).unwrap();
    connection.execute_batch("UPDATE container SET body = replace(body, 'e', 'f')").unwrap();
    drop(connection);
    let Opened { mut journal, alarms, .. } = open(&folder);
    let alarm =
        alarms.iter().find(|alarm| alarm.contains("packages or pallets")).unwrap_or_else(|| panic!("{alarms:?}"));
    assert!(alarm.contains("of 3 packages") && alarm.contains("2 were made anew") && alarm.contains("OLD"), "{alarm}");
    let found = journal.group().unwrap().containers(&["P".into(), "Q".into(), "OLD".into()]).unwrap();
    let (package, pallet) = (&found["P"], &found["Q"]);
    assert_eq!((found.len(), package.state, package.count), (2, ContainerState::Closed, 2));
    assert_eq!((package.parent.as_deref(), package.joined), (Some("Q"), Some((3, None))));
    assert_eq!((pallet.level, pallet.state, pallet.count), (Level::Pallet, ContainerState::Open, 1));
    drop(journal);
    assert!(open(&folder).alarms.is_empty(), "once");
}

#[test]
fn counts_are_added_by_hour_and_forgotten_after_a_while() {
    let folder = tempfile::tempdir().unwrap();
    Marks::enter(folder.path(), 0).unwrap();
    let Opened { mut journal, state, .. } = open(&folder);
    let decide = |counts: &[&str]| Decision {
        counts: counts.iter().map(|what| counted(what)).collect(),
        ..Decision::of(State::clone(&state))
    };
    commit(&mut journal, &decide(&["packed", "packed", "package"]), 3_599);
    commit(&mut journal, &decide(&["packed"]), 3_600);
    let told = |journal: &Journal, first, last| {
        let all = journal.counted(first, last).unwrap();
        all.into_iter().map(|counted| (counted.hour, counted.of.what, counted.count)).collect::<Vec<_>>()
    };
    let all = [(0, "package".to_owned(), 1), (0, "packed".to_owned(), 2), (1, "packed".to_owned(), 1)];
    assert_eq!(told(&journal, 0, 1), all);
    assert_eq!(told(&journal, 1, 1), all[2..]);
    journal.forget_counts(3_600 * 960).unwrap();
    assert_eq!(told(&journal, 0, 1), all, "40 days are kept");
    journal.forget_counts(3_600 * 961).unwrap();
    assert_eq!(told(&journal, 0, 1), all[2..]);
}

#[test]
fn what_a_damaged_journal_still_gives_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    Marks::enter(folder.path(), 0).unwrap();
    let Opened { mut journal, state, .. } = open(&folder);
    let orders = vec![("WO".to_owned(), OrderCount { packed: 3, ..OrderCount::default() })];
    let decision = Decision {
        containers: vec![container("P", Some("Q"))],
        orders,
        counts: vec![counted("packed")],
        ..Decision::of(state)
    };
    commit(&mut journal, &decision, 0);
    let other = tempfile::tempdir().unwrap();
    Marks::enter(other.path(), 0).unwrap();
    let Opened { journal: mut new, .. } = open(&other);
    take_over(&journal.connection, &new.connection).unwrap();
    let group = new.group().unwrap();
    assert_eq!(group.containers(&["P".into()]).unwrap()["P"].parent.as_deref(), Some("Q"));
    assert_eq!((group.order("WO").unwrap().unwrap().packed, group.containers_in("Q").unwrap().len()), (3, 1));
    drop(group);
    assert_eq!(new.counted(0, 0).unwrap().len(), 1);
}
