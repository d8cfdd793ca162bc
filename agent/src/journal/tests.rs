mod aside;
mod damage;
mod log;
mod series;

use std::time::Duration;

use proptest::prelude::*;
use records::segment::Segment;
use records::wire::{Receipt, Rejected, Run};
use records::{Draft, Event, FixedBytes, Joined, Level, RecordId, SigningKey, Stamp, Subject, chain};
use tempfile::TempDir;

use super::*;
use crate::station::{Decision, Known, KnownChange, Open};

const QUOTA: u64 = 4 << 20;

fn stamp(seconds: i64) -> Stamp {
    let wall = jiff::Timestamp::from_second(seconds).unwrap();
    Stamp { wall, synchronised: true, boot: "b".into(), since_boot: 0 }
}

fn open(folder: &TempDir) -> Opened {
    Journal::open_on("machine", folder.path(), "pack-1", QUOTA, 0).unwrap()
}

/// A data folder whose mark of SSCCs is known.
fn marked() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    Marks::enter(folder.path(), 0).unwrap();
    folder
}

/// Commits `count` records in one group, as packed units.
fn write(journal: &mut Journal, state: &mut State, count: u64) -> Result<(), JournalError> {
    let mut group = journal.group()?;
    let mut next = state.clone();
    for _ in 0..count {
        next.last_seq += 1;
        let serial = format!("S{}", next.last_seq);
        let known = Known::packed(next.last_seq, "P");
        let decision = Decision {
            drafts: vec![Draft {
                into: vec![Joined::container("P", Level::Package)],
                ..Draft::new(Event::Packed, Subject::device(&serial))
            }],
            known: vec![KnownChange::Set { scope: String::new(), serial, known }],
            ..Decision::of(next.clone())
        };
        group.add(&decision, Hash::ZERO, &stamp(1_000))?;
    }
    let answered = state.last_seq;
    group.commit(&next, answered)?;
    *state = next;
    Ok(())
}

fn receipt(journal: &Journal, up_to: u64) -> Receipt {
    let hash = chain::hash_line(&journal.line(up_to).unwrap().unwrap());
    Receipt::stored("pack-1", journal.series(), up_to, hash)
}

#[test]
fn what_is_committed_is_there_after_reopening_and_the_chain_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let Opened { mut journal, mut state, .. } = open(&folder);
    let series = journal.series();
    write(&mut journal, &mut state, 3).unwrap();
    drop(journal);
    let Opened { mut journal, state: read, unanswered, damaged, .. } = open(&folder);
    assert_eq!((journal.series(), &read), (series, &state));
    assert!(damaged.is_none());
    assert_eq!(unanswered.len(), 3, "the last group before an unclean end is shown");
    state = read;
    write(&mut journal, &mut state, 2).unwrap();
    let run = journal.queued(1, 100, usize::MAX).unwrap().unwrap();
    let key = SigningKey::from_seed(FixedBytes([1; 32]));
    let bytes = records::segment::seal(&key, "pack-1", series, run.first, run.prev, &run.lines);
    assert_eq!(Segment::parse(&bytes).unwrap().lines.len(), 5);
    journal.close(5).unwrap();
    assert!(open(&folder).unanswered.is_empty(), "after an end in order every answer was given");
}

#[test]
fn a_group_that_is_not_committed_has_not_happened() {
    let folder = tempfile::tempdir().unwrap();
    let Opened { mut journal, mut state, .. } = open(&folder);
    write(&mut journal, &mut state, 1).unwrap();
    let before = journal.position();
    {
        let mut group = journal.group().unwrap();
        let draft = Draft::new(Event::Packed, Subject::device("X"));
        let decision = Decision { drafts: vec![draft], ..Decision::of(state.clone()) };
        group.add(&decision, Hash::ZERO, &stamp(0)).unwrap();
    }
    assert_eq!(journal.position(), before);
    assert!(journal.line(2).unwrap().is_none());
    write(&mut journal, &mut state, 1).unwrap();
    assert_eq!(journal.position().last, 2);
}

#[test]
fn known_units_are_seen_inside_the_group_and_forgotten_when_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let Opened { mut journal, mut state, .. } = open(&folder);
    write(&mut journal, &mut state, 1).unwrap();
    let mut group = journal.group().unwrap();
    assert_eq!(group.known("", "S1").unwrap().unwrap().seq, 1);
    assert!(group.known("scope", "S1").unwrap().is_none());
    let remove = KnownChange::Remove { scope: String::new(), serial: "S1".into() };
    let decision = Decision { known: vec![remove], ..Decision::of(state.clone()) };
    group.add(&decision, Hash::ZERO, &stamp(0)).unwrap();
    assert!(group.known("", "S1").unwrap().is_none());
}

#[test]
fn only_a_receipt_whose_hash_agrees_frees() {
    let folder = tempfile::tempdir().unwrap();
    let Opened { mut journal, mut state, .. } = open(&folder);
    write(&mut journal, &mut state, 5).unwrap();
    let good = receipt(&journal, 3);
    let forged = Receipt { hash: FixedBytes([7; 32]), ..good.clone() };
    assert!(matches!(journal.apply(&forged).unwrap(), Applied::Ignored(_)));
    let beyond = Receipt { up_to: 6, ..good.clone() };
    assert!(matches!(journal.apply(&beyond).unwrap(), Applied::Ignored(_)));
    let crossed = Receipt { series: FixedBytes([9; 16]), ..good.clone() };
    assert!(matches!(journal.apply(&crossed).unwrap(), Applied::Ignored(_)));
    assert_eq!(journal.settled(), 0);
    assert_eq!(journal.apply(&good).unwrap(), Applied::Settled(3));
    assert_eq!(journal.apply(&good).unwrap(), Applied::Nothing, "a repeated receipt is harmless");
    assert_eq!(journal.apply(&receipt(&journal, 2)).unwrap(), Applied::Nothing, "a late one, too");
    assert_eq!(journal.depth().unwrap().records, 2);
    journal.save_settled(5).unwrap();
    drop(journal);
    assert_eq!(open(&folder).journal.settled(), 3);
}

#[test]
fn runs_above_a_rejected_record_are_freed_and_the_record_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let Opened { mut journal, mut state, .. } = open(&folder);
    write(&mut journal, &mut state, 6).unwrap();
    let hash = chain::hash_line(&journal.line(5).unwrap().unwrap());
    let mut partial = receipt(&journal, 2);
    partial.also = vec![Run { first: 4, last: 5, hash }];
    assert_eq!(journal.apply(&partial).unwrap(), Applied::Settled(2), "record 3 is missing");
    partial.rejected = vec![Rejected { first: 3, last: 3, reason: "cannot be read".into() }];
    assert_eq!(journal.apply(&partial).unwrap(), Applied::Settled(5));
    let aside = journal.quarantined().unwrap();
    assert_eq!((aside.len(), aside[0].seq, aside[0].reason.as_str()), (1, 3, "cannot be read"));
    let run = journal.queued(1, 100, usize::MAX).unwrap().unwrap();
    assert_eq!((run.first, run.lines.len()), (1, 2), "a segment ends before what was set aside");
    assert_eq!(journal.queued(3, 100, usize::MAX).unwrap().unwrap().first, 4);
    assert_eq!(journal.depth().unwrap().records, 1);
}

#[test]
fn a_damaged_line_is_seen_and_set_aside_and_the_queue_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let Opened { mut journal, mut state, .. } = open(&folder);
    write(&mut journal, &mut state, 3).unwrap();
    journal
        .connection
        .execute("UPDATE record SET line = CAST(replace(CAST(line AS TEXT), 'S2', 'X2') AS BLOB) WHERE seq = 2", [])
        .unwrap();
    let first = journal.queued(1, 100, usize::MAX).unwrap().unwrap();
    assert_eq!((first.first, first.lines.len()), (1, 1));
    assert_eq!(journal.queued(2, 100, usize::MAX).unwrap().unwrap().first, 3);
    assert!(journal.quarantined().unwrap()[0].reason.contains("damaged"));
}

#[test]
fn forgetting_frees_bytes_but_not_what_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let Opened { mut journal, mut state, .. } = open(&folder);
    write(&mut journal, &mut state, 10).unwrap();
    let day = Duration::from_secs(86_400);
    assert_eq!(journal.forget(1_000_000, day).unwrap(), 0, "nothing without a receipt is forgotten");
    journal.apply(&receipt(&journal, 10)).unwrap();
    assert_eq!(journal.forget(1_000_000, day).unwrap(), 0, "nor before the receipt is on disk");
    journal.save_settled(10).unwrap();
    assert_eq!(journal.forget(900_000, day).unwrap(), 0, "nor at once, however long ago it was stored");
    drop(journal);
    let Opened { mut journal, mut state, .. } = open(&folder);
    assert_eq!(journal.forget(899_999 + 86_400, day).unwrap(), 0, "nor before its time");
    assert_eq!(journal.forget(900_000 + 86_400, day).unwrap(), 9, "which goes on over a restart");
    assert!(journal.line(10).unwrap().is_some(), "the next line is chained to it");
    assert_eq!(journal.group().unwrap().known("", "S1").unwrap().unwrap().seq, 1);
    write(&mut journal, &mut state, 1).unwrap();
    assert_eq!(
        journal.queued(11, 1, 1000).unwrap().unwrap().prev,
        chain::hash_line(&journal.line(10).unwrap().unwrap())
    );
}

#[test]
fn at_the_quota_nothing_is_written_receipts_still_count_and_space_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let Opened { mut journal, mut state, .. } = open(&folder);
    let full = loop {
        if let Err(error) = write(&mut journal, &mut state, 200) {
            break error;
        }
    };
    assert!(full.is_full(), "{full:?}");
    let last = state.last_seq;
    assert_eq!(journal.position().last, last);
    journal.apply(&receipt(&journal, last)).unwrap();
    journal.save_settled(last).unwrap();
    assert!(journal.forget(2_000, Duration::from_secs(86_400)).unwrap() > 0, "near the quota the time does not count");
    write(&mut journal, &mut state, 200).unwrap();
    assert_eq!(journal.position().last, last + 200);
}

#[test]
fn a_damaged_journal_is_set_aside_and_a_new_series_names_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let Opened { mut journal, mut state, .. } = open(&folder);
    let series = journal.series();
    write(&mut journal, &mut state, 3).unwrap();
    drop(journal);
    Marks { series: Some(series), sscc_reserved: 700, entered: false }.store(folder.path()).unwrap();
    std::fs::write(Journal::file(folder.path()), b"rubbish, not a database, and long enough to be read").unwrap();
    let opened = open(&folder);
    let (aside, found) = opened.damaged.unwrap();
    assert!(aside.exists() && !found.is_empty());
    assert_eq!(opened.journal.began().before, Some(series));
    assert_ne!(opened.journal.series(), series);
    assert_eq!((opened.state.sscc_next, opened.state.sscc_reserved), (700, 700), "no SSCC twice");
    assert_eq!(opened.state.last_seq, 0);
}

#[test]
fn an_older_journal_hands_out_no_sscc_below_the_marks() {
    let folder = marked();
    let Opened { mut journal, mut state, .. } = open(&folder);
    (state.sscc_next, state.sscc_reserved) = (20, 100);
    write(&mut journal, &mut state, 1).unwrap();
    let series = journal.series();
    drop(journal);
    // The journal was restored from a copy; since then another block was reserved.
    Marks { series: Some(series), sscc_reserved: 300, entered: false }.store(folder.path()).unwrap();
    let opened = open(&folder);
    assert_eq!((opened.state.sscc_next, opened.state.sscc_reserved), (300, 300));
    drop(opened);
    Marks { series: Some(series), sscc_reserved: 100, entered: false }.store(folder.path()).unwrap();
    assert_eq!(open(&folder).state.sscc_next, 20, "marks that agree cost nothing");
    std::fs::write(folder.path().join("station.marks"), "{").unwrap();
    assert_eq!(open(&folder).state.sscc_next, 20, "an intact journal knows better than broken marks");
    assert_eq!(Marks::load(folder.path()).unwrap().unwrap().sscc_reserved, 100, "and writes them anew");
}

#[test]
fn what_the_chain_and_the_queue_stand_on_is_checked_at_the_start() {
    for damage in [
        "UPDATE record SET line = CAST(replace(CAST(line AS TEXT), 'S3', 'X3') AS BLOB) WHERE seq = 3",
        "DELETE FROM record WHERE seq = 3",
        "UPDATE station SET state = '{'",
        "UPDATE station SET settled = 9",
        "UPDATE station SET settled = 2",
        "UPDATE station SET answered = 1",
        "UPDATE station SET series = x'000102030405060708090a0b0c0d0e0f'",
        "UPDATE station SET key = x'000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f'",
        "UPDATE station SET last_before = 1",
    ] {
        let folder = marked();
        let Opened { mut journal, mut state, .. } = open(&folder);
        let series = journal.series();
        write(&mut journal, &mut state, 3).unwrap();
        journal.connection.execute(damage, []).unwrap();
        drop(journal);
        assert!(Journal::open_existing(folder.path(), "pack-1", QUOTA).is_err(), "{damage}");
        let opened = open(&folder);
        assert!(opened.damaged.is_some() && opened.journal.began().before == Some(series), "{damage}");
        assert_ne!(
            opened.journal.series(),
            series,
            "{damage}: the chain must not go on from a line that is not the one sent"
        );
        let lost = u64::from(damage.starts_with("UPDATE record"));
        assert_eq!(opened.journal.to_carry().unwrap(), 3 - lost, "{damage}: without the mark of receipts all is sent");
    }
}

#[test]
fn the_journal_of_another_station_and_a_second_opener_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(&folder));
    let other = Journal::open_on("machine", folder.path(), "pack-2", QUOTA, 0).err().unwrap();
    assert!(matches!(other, JournalError::OtherStation { .. }));
    std::fs::write(folder.path().join("station.marks"), "{").unwrap();
    std::fs::remove_file(Journal::file(folder.path())).unwrap();
    let unknown = open(&folder);
    assert!(unknown.state.sscc_lost && unknown.alarms.len() == 1, "without readable marks it must not guess");
}

#[test]
fn salvage_reads_every_line_that_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let Opened { mut journal, mut state, .. } = open(&folder);
    write(&mut journal, &mut state, 4).unwrap();
    // Nothing of a line that is taken out stays on its page.
    journal.connection.execute_batch("PRAGMA secure_delete = ON").unwrap();
    journal
        .connection
        .execute_batch("DELETE FROM record WHERE seq = 3; UPDATE record SET crc = 1 WHERE seq = 2")
        .unwrap();
    drop(journal);
    let (found, missing) = salvage(&Journal::file(folder.path())).unwrap();
    assert_eq!(missing, 1);
    assert_eq!(found.iter().map(|r| (r.seq, r.intact)).collect::<Vec<_>>(), [(1, true), (2, false), (4, true)]);
}

/// The lines of the journal, as records.
fn held(journal: &Journal) -> Vec<records::Record> {
    let lines = journal.lines_after(0).unwrap();
    lines.iter().map(|line| serde_json::from_slice(line).unwrap()).collect()
}

fn carry_all(journal: &mut Journal, state: &mut State) {
    while journal.carry("pack-1", state).unwrap() > 0 {}
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
    /// Whatever order receipts come in, the mark never passes what has no receipt, and never goes back.
    #[test]
    fn the_mark_is_what_the_receipts_say(ups in proptest::collection::vec((0..30u64, any::<bool>()), 1..30)) {
        let folder = tempfile::tempdir().unwrap();
        let Opened { mut journal, mut state, .. } = open(&folder);
        write(&mut journal, &mut state, 20).unwrap();
        let mut expected = 0;
        for (up_to, honest) in ups {
            let hash = journal.line(up_to).unwrap().map_or(Hash::ZERO, |line| chain::hash_line(&line));
            let hash = if honest { hash } else { FixedBytes([1; 32]) };
            journal.apply(&Receipt::stored("pack-1", journal.series(), up_to, hash)).unwrap();
            if honest && up_to <= 20 {
                expected = expected.max(up_to);
            }
            prop_assert_eq!(journal.settled(), expected);
        }
    }
}

#[test]
fn the_brokers_word_settles_what_was_written_and_a_refused_record_is_no_hole() {
    let folder = tempfile::tempdir().unwrap();
    let Opened { mut journal, mut state, .. } = open(&folder);
    write(&mut journal, &mut state, 9).unwrap();
    let series = journal.series();
    assert_eq!(journal.queued(1, 1, 1).unwrap().unwrap().series, series);
    journal.set_aside_refused(FixedBytes([9; 16]), 2, "of another series").unwrap();
    journal.set_aside_refused(series, 4, "too large").unwrap();
    assert_eq!((journal.settled(), journal.set_aside()), (0, vec![(4, 4)]));
    journal.settle(3);
    assert_eq!(journal.settled(), 4, "what is set aside does not hold the mark back");
    journal.set_aside_refused(series, 3, "settled already").unwrap();
    journal.set_aside_refused(series, 5, "too large").unwrap();
    assert_eq!((journal.settled(), journal.set_aside()), (5, vec![(4, 5)]));
    journal.settle(2);
    assert_eq!(journal.settled(), 5, "never back");
    journal.settle(u64::MAX);
    assert_eq!(journal.settled(), 9, "never beyond what was written");
}

#[test]
fn what_is_held_is_found_in_the_queue_and_aside() {
    let folder = tempfile::tempdir().unwrap();
    let Opened { mut journal, mut state, .. } = open(&folder);
    assert_eq!(journal.held_from(1).unwrap(), None);
    write(&mut journal, &mut state, 9).unwrap();
    journal.set_aside_refused(journal.series(), 4, "too large").unwrap();
    journal.settle(9);
    journal.save_settled(9).unwrap();
    journal.forget(i64::MAX, Duration::ZERO).unwrap();
    assert_eq!(
        [1, 4, 5, 9, 10].map(|first| journal.held_from(first).unwrap()),
        [Some(4), Some(4), Some(9), Some(9), None]
    );
}
