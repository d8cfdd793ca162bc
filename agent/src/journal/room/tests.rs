use base::sqlite::{self, Profile};
use records::{Draft, Hash, Stamp, Subject, chain};
use rusqlite::params;

use super::super::*;
use super::*;
use crate::station::Decision;

const QUOTA: u64 = 4 << 20;

fn write(journal: &mut Journal, state: &mut State, event: records::Event, count: u64) {
    let wall = jiff::Timestamp::from_second(1_000).unwrap();
    let at = Stamp { wall, synchronised: true, boot: "b".into(), since_boot: 0 };
    let mut group = journal.group().unwrap();
    let mut next = state.clone();
    for _ in 0..count {
        next.last_seq += 1;
        let drafts = vec![Draft::new(event, Subject::device(format!("S{}", next.last_seq)))];
        let decision = Decision { drafts, ..Decision::of(next.clone()) };
        group.add(&decision, Hash::ZERO, &at).unwrap();
    }
    group.commit(&next, next.last_seq).unwrap();
    *state = next;
}

/// What the refusals take, counted the long way.
fn counted(journal: &Journal) -> u64 {
    let sql = "SELECT coalesce(sum(length(line)), 0) FROM record WHERE instr(line, CAST('\"refused\"' AS BLOB)) > 0";
    journal.connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

fn settle(journal: &mut Journal, up_to: u64) {
    let hash = chain::hash_line(&journal.line(up_to).unwrap().unwrap());
    let receipt = records::wire::Receipt::stored("pack-1", journal.series(), up_to, hash);
    journal.apply(&receipt).unwrap();
    journal.save_settled(up_to).unwrap();
}

#[test]
fn what_refusals_take_is_known_through_commits_restarts_and_forgetting() {
    let folder = tempfile::tempdir().unwrap();
    let Opened { mut journal, mut state, .. } = Journal::open(folder.path(), "pack-1", QUOTA, 0).unwrap();
    write(&mut journal, &mut state, records::Event::Packed, 10);
    assert_eq!((journal.refusals, journal.has_room_for_refusals()), (0, true));
    write(&mut journal, &mut state, records::Event::Refused, 5);
    assert!(journal.refusals > 1000 && journal.refusals == counted(&journal));
    {
        let mut group = journal.group().unwrap();
        let draft = Draft::new(records::Event::Refused, Subject::device("X"));
        let decision = Decision { drafts: vec![draft], ..Decision::of(state.clone()) };
        let at = Stamp { wall: jiff::Timestamp::UNIX_EPOCH, synchronised: true, boot: "b".into(), since_boot: 0 };
        group.add(&decision, Hash::ZERO, &at).unwrap();
    }
    assert_eq!(journal.refusals, counted(&journal), "a group that is not committed took nothing");
    // Until the room is used up: it never takes more than 5 %.
    while journal.group().unwrap().has_room_for_refusals() {
        write(&mut journal, &mut state, records::Event::Refused, 10);
    }
    assert!(!journal.has_room_for_refusals());
    assert!(journal.refusals <= QUOTA / 20 && journal.refusals > QUOTA / 20 / 2, "{}", journal.refusals);
    drop(journal);
    let Opened { mut journal, mut state, .. } = Journal::open(folder.path(), "pack-1", QUOTA, 0).unwrap();
    assert_eq!(journal.refusals, counted(&journal));
    assert!(!journal.has_room_for_refusals());
    write(&mut journal, &mut state, records::Event::Packed, 1);
    settle(&mut journal, state.last_seq);
    journal.forget(10_000, std::time::Duration::ZERO).unwrap();
    assert_eq!((journal.refusals, journal.has_room_for_refusals()), (0, true), "forgotten, there is room again");
}

#[test]
fn their_sum_is_read_from_the_index_alone() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path(), "pack-1", QUOTA, 0).unwrap().journal;
    let sql = "EXPLAIN QUERY PLAN SELECT coalesce(sum(refusal), 0) FROM record WHERE refusal IS NOT NULL";
    let plan: String = journal.connection.query_row(sql, [], |row| row.get("detail")).unwrap();
    assert!(plan.contains("USING COVERING INDEX record_refusal"), "{plan}");
}

#[test]
fn refusals_of_an_older_journal_are_counted_when_it_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = Journal::file(folder.path());
    {
        let mut connection = sqlite::open(&path, &Profile::journal(QUOTA)).unwrap();
        sqlite::migrate(&mut connection, &MIGRATIONS[..2]).unwrap();
        let lines = [
            r#"{"seq":1,"event":"packed","subject":{"id":"\"event\":\"refused\""}}"#,
            r#"{"seq":2,"event":"refused"}"#,
        ];
        for (seq, line) in (1..).zip(lines) {
            let insert = "INSERT INTO record (seq, line, crc, stored) VALUES (?1, ?2, 0, 0)";
            connection.execute(insert, params![seq, line.as_bytes()]).unwrap();
        }
    }
    let connection = Journal::connect(&path, &QUOTA.into()).unwrap();
    assert_eq!(refusals(&connection).unwrap(), 27);
}

#[test]
fn what_has_its_receipt_does_not_count_near_the_quota() {
    let folder = tempfile::tempdir().unwrap();
    let Opened { mut journal, mut state, .. } = Journal::open(folder.path(), "pack-1", QUOTA, 0).unwrap();
    write(&mut journal, &mut state, records::Event::Packed, 1000);
    assert_eq!(journal.used_until_receipts().unwrap(), journal.used().unwrap(), "much is free");
    while journal.used().unwrap() < QUOTA / 100 * 82 {
        write(&mut journal, &mut state, records::Event::Packed, 500);
    }
    let used = journal.used().unwrap();
    assert_eq!(journal.used_until_receipts().unwrap(), used, "nothing has a receipt");
    settle(&mut journal, state.last_seq / 2);
    let half = journal.used_until_receipts().unwrap();
    assert!(half > used * 2 / 5 && half < used * 3 / 5, "{half} of {used}");
    settle(&mut journal, state.last_seq);
    let little = journal.used_until_receipts().unwrap();
    assert!(little < used / 8, "{little} of {used}");
    assert_eq!(journal.left().unwrap(), QUOTA - used);
}
