//! What becomes of a journal that begins another series.

use super::*;

#[test]
fn in_a_new_series_what_has_no_receipt_is_written_again_and_names_its_first_identity() {
    let folder = marked();
    let Opened { mut journal, mut state, .. } = open(&folder);
    write(&mut journal, &mut state, 5).unwrap();
    journal.apply(&receipt(&journal, 2)).unwrap();
    let (before, old) = (journal.series(), held(&journal));
    let package = Open { count: 5, ..Open::new("package", Level::Package, "P".into()) };
    state.lanes.entry("main".into()).or_default().open.push(package);
    assert_eq!(journal.renew(Why::Forked, &mut state).unwrap(), ["P"]);
    assert_eq!((journal.settled(), journal.position().last, state.last_seq), (0, 0, 0));
    assert!(state.sscc_lost, "another copy may have given out what comes next");
    assert!(state.lanes["main"].open.is_empty(), "another copy may have closed it");
    assert_eq!(journal.began(), Began { why: Some(Why::Forked), before: Some(before), last_before: Some(5) });
    // Cut off here, the next start goes on where this one stopped.
    drop(journal);
    let Opened { mut journal, mut state, .. } = open(&folder);
    assert_eq!((journal.to_carry().unwrap(), journal.began().before), (3, Some(before)));
    write(&mut journal, &mut state, 1).unwrap(); // record 1
    carry_all(&mut journal, &mut state);
    let new = held(&journal);
    assert_eq!(new.len(), 4);
    for (again, first) in new[1..].iter().zip(&old[2..]) {
        let id = RecordId { station: "pack-1".into(), series: before, seq: first.seq };
        assert!(again.repeats(first) && again.former == Some(id), "{again:?}");
    }
    let run = journal.queued(1, 100, usize::MAX).unwrap().unwrap();
    let key = SigningKey::from_seed(FixedBytes([1; 32]));
    let sealed = records::segment::seal(&key, "pack-1", journal.series(), 1, run.prev, &run.lines);
    assert!(Segment::parse(&sealed).is_ok(), "the chain holds");
    assert_eq!(journal.group().unwrap().known("", "S4").unwrap().unwrap().seq, 4, "what is known stays known");
    drop(journal);
    assert_eq!(open(&folder).state.last_seq, 4);
}

#[test]
fn a_line_whose_checksum_is_no_checksum_any_more_is_set_aside_and_the_others_go_on() {
    for (table, behind) in [("record", "seq = 2"), ("carried", "seq = 2")] {
        let folder = marked();
        let Opened { mut journal, mut state, .. } = open(&folder);
        write(&mut journal, &mut state, 4).unwrap();
        let damage = |journal: &Journal, of: &str| {
            let sql = format!("UPDATE {of} SET crc = -253983665 WHERE {behind}");
            if of == table {
                assert_eq!(journal.connection.execute(&sql, []).unwrap(), 1);
            }
        };
        damage(&journal, "record");
        journal.renew(Why::Moved, &mut state).unwrap();
        damage(&journal, "carried");
        write(&mut journal, &mut state, 1).unwrap(); // record 1
        carry_all(&mut journal, &mut state);
        let again: Vec<u64> = held(&journal).iter().filter_map(|record| Some(record.former.as_ref()?.seq)).collect();
        assert_eq!(again, [1, 3, 4], "{table}");
        let aside = journal.quarantined().unwrap();
        assert_eq!(aside.iter().map(|one| one.seq).collect::<Vec<_>>(), [2], "{table}");
    }
}

#[test]
fn without_any_receipt_all_is_written_again_whatever_the_sequences() {
    let folder = marked();
    let Opened { mut journal, mut state, .. } = open(&folder);
    write(&mut journal, &mut state, 2345).unwrap();
    journal.quarantine(7, 8, "the service rejects them").unwrap();
    journal.renew(Why::KeyChanged, &mut state).unwrap();
    assert!(!state.sscc_lost, "a new key is no other copy");
    write(&mut journal, &mut state, 1).unwrap();
    carry_all(&mut journal, &mut state);
    let former: Vec<u64> = held(&journal).iter().filter_map(|record| Some(record.former.as_ref()?.seq)).collect();
    let expected: Vec<u64> = (1..=2345).filter(|seq| ![7, 8].contains(seq)).take(999).collect();
    assert_eq!(former, expected);
    assert_eq!(journal.position().last, 1 + 2343);
    assert_eq!(journal.quarantined().unwrap().len(), 2, "what was set aside stays so");
    assert_eq!(journal.depth().unwrap().quarantined, 2);
}

#[test]
fn a_copy_begins_a_new_series_and_gives_out_no_sscc() {
    let folder = tempfile::tempdir().unwrap();
    let Opened { mut journal, mut state, .. } = open(&folder);
    write(&mut journal, &mut state, 3).unwrap();
    let series = journal.series();
    drop(journal);
    assert_eq!(open(&folder).journal.series(), series, "in its place it goes on");
    let copy = tempfile::tempdir().unwrap();
    for file in ["journal.db", "station.marks"] {
        drop(std::fs::copy(folder.path().join(file), copy.path().join(file)));
    }
    let opened = open(&copy);
    assert_eq!(opened.journal.began(), Began { why: Some(Why::Moved), before: Some(series), last_before: Some(3) });
    assert!(opened.state.sscc_lost && opened.alarms.len() == 1);
    assert_eq!(opened.journal.to_carry().unwrap(), 3);
    let other = Journal::open_on("another machine", folder.path(), "pack-1", QUOTA, 0).unwrap();
    assert_eq!(other.journal.began().why, Some(Why::Moved));
}

#[test]
fn what_a_damaged_journal_still_gives_goes_on_in_the_new_one() {
    let folder = marked();
    let Opened { mut journal, mut state, .. } = open(&folder);
    (state.sscc_next, state.sscc_reserved) = (20, 100);
    write(&mut journal, &mut state, 6).unwrap();
    journal.apply(&receipt(&journal, 2)).unwrap();
    journal.save_settled(6).unwrap();
    let series = journal.series();
    // The last line and one in the middle, wherever they stand, and a known unit.
    journal.connection.execute("UPDATE unit SET serial = 'T5' WHERE serial = 'S5'", []).unwrap();
    drop(journal);
    let mut bytes = std::fs::read(Journal::file(folder.path())).unwrap();
    for serial in [&b"\"id\":\"S4\""[..], b"\"id\":\"S6\""] {
        let places: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(serial)).collect();
        assert!(!places.is_empty());
        places.iter().for_each(|at| bytes[at + 6] = b'X');
    }
    std::fs::write(Journal::file(folder.path()), bytes).unwrap();
    let Opened { mut journal, mut state, alarms, damaged, .. } = open(&folder);
    assert!(damaged.unwrap().1.contains("the last record"));
    assert!(alarms[0].contains("2 records without a receipt") && alarms[0].contains("2 cannot be read"), "{alarms:?}");
    assert_eq!(journal.began(), Began { why: Some(Why::Damaged), before: Some(series), last_before: Some(6) });
    assert!(!state.sscc_lost && state.sscc_next == 100, "the second file knows the mark");
    write(&mut journal, &mut state, 1).unwrap();
    carry_all(&mut journal, &mut state);
    let former: Vec<u64> = held(&journal).iter().filter_map(|record| Some(record.former.as_ref()?.seq)).collect();
    assert_eq!(former, [3, 5]);
    let group = journal.group().unwrap();
    for (serial, is_known) in [("S2", true), ("S5", true), ("T5", false)] {
        assert_eq!(group.known("", serial).unwrap().is_some(), is_known, "{serial}");
    }
}

#[test]
fn known_units_with_a_changed_byte_are_made_anew_from_their_records() {
    let folder = tempfile::tempdir().unwrap();
    let Opened { mut journal, mut state, .. } = open(&folder);
    write(&mut journal, &mut state, 3).unwrap();
    journal.connection.execute("UPDATE unit SET serial = 'S0' WHERE serial = 'S2'", []).unwrap();
    journal.connection.execute("UPDATE unit SET serial = CAST(x'53FF' AS TEXT) WHERE serial = 'S3'", []).unwrap();
    drop(journal);
    let Opened { mut journal, alarms, damaged, .. } = open(&folder);
    assert!(damaged.is_none() && alarms.len() == 1, "{alarms:?}");
    let group = journal.group().unwrap();
    assert!(group.known("", "S2").unwrap().is_some() && group.known("", "S0").unwrap().is_none());
    assert!(group.known("", "S3").unwrap().is_some(), "a text that is none is damaged as well");
}

#[test]
fn without_any_mark_no_sscc_is_trusted_until_somebody_says_from_where_on() {
    let folder = tempfile::tempdir().unwrap();
    assert!(open(&folder).state.sscc_lost, "a new folder may be one that was lost");
    assert!(open(&folder).state.sscc_lost, "a restart changes nothing");
    assert!(Marks::load(folder.path()).unwrap().is_none(), "what is not known is not written");
    Marks::enter(folder.path(), 250).unwrap();
    let opened = open(&folder);
    assert!(!opened.state.sscc_lost && opened.state.sscc_next == 250);
}

#[test]
fn lines_that_no_page_leads_to_any_more_are_found_on_their_own_pages() {
    let folder = marked();
    let Opened { mut journal, mut state, .. } = open(&folder);
    write(&mut journal, &mut state, 200).unwrap();
    let root: u64 = journal
        .connection
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'record'", [], |row| row.get(0))
        .unwrap();
    let page: u64 = journal.connection.pragma_query_value(None, "page_size", |row| row.get(0)).unwrap();
    journal.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(journal);
    // The type of the page: from there down SQLite reads nothing of the table any more.
    let path = Journal::file(folder.path());
    let mut bytes = std::fs::read(&path).unwrap();
    let at = usize::try_from((root - 1) * page).unwrap();
    bytes[at] ^= 0x40;
    std::fs::write(&path, bytes).unwrap();
    let Opened { mut journal, mut state, damaged, .. } = open(&folder);
    assert!(damaged.is_some());
    assert_eq!(journal.to_carry().unwrap(), 200);
    write(&mut journal, &mut state, 1).unwrap();
    carry_all(&mut journal, &mut state);
    let former: Vec<u64> = held(&journal).iter().filter_map(|record| Some(record.former.as_ref()?.seq)).collect();
    assert!(former.iter().copied().eq(1..=200), "{former:?}");
}

#[test]
fn a_journal_that_says_something_else_of_its_tables_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let Opened { mut journal, mut state, .. } = open(&folder);
    write(&mut journal, &mut state, 3).unwrap();
    drop(journal);
    let file = Journal::file(folder.path());
    let bytes = std::fs::read(&file).unwrap();
    let places: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(b"reason TEXT NOT")).collect();
    assert!(!places.is_empty());
    for wrong in [b'x', 0xff] {
        let mut flipped = bytes.clone();
        places.iter().for_each(|at| flipped[at + 1] = wrong);
        std::fs::write(&file, &flipped).unwrap();
        let Opened { journal, damaged, .. } = open(&folder);
        assert!(damaged.as_ref().is_some_and(|(_, found)| found.contains("tables")), "{wrong}: {damaged:?}");
        drop(journal);
    }
}
