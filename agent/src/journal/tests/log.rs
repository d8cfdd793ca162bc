//! A write-ahead log that is damaged while durable records are still in it.

use super::*;

/// A journal that was killed with 12 records in its log, and the bytes of the log with one of them changed.
fn damaged_in_frame(folder: &TempDir, of_all: impl Fn(usize) -> usize) -> (SeriesId, State) {
    let Opened { mut journal, mut state, .. } = open(folder);
    (state.sscc_next, state.sscc_reserved) = (20, 100);
    for _ in 0..12 {
        write(&mut journal, &mut state, 1).unwrap();
    }
    let series = journal.series();
    let path = Journal::file(folder.path());
    let log_path = folder.path().join("journal.db-wal");
    let (database, mut log) = (std::fs::read(&path).unwrap(), std::fs::read(&log_path).unwrap());
    drop(journal); // writes the log back: what a kill leaves is put in its place
    let page = usize::from(u16::from_be_bytes([database[16], database[17]]));
    let frames = (log.len() - 32) / (page + 24);
    log[32 + of_all(frames) * (page + 24) + 24 + 50] ^= 0x40;
    std::fs::write(&path, database).unwrap();
    std::fs::write(log_path, log).unwrap();
    (series, state)
}

#[test]
fn records_behind_a_damaged_place_of_the_log_are_found_and_go_on() {
    for (name, at) in [("in the middle", 2), ("near the end", 4)] {
        let folder = marked();
        let (series, _) = damaged_in_frame(&folder, |frames| frames - frames / at);
        let Opened { mut journal, mut state, alarms, damaged, .. } = open(&folder);
        assert!(damaged.unwrap().1.contains("write-ahead log"), "{name}");
        assert_eq!(journal.began(), Began { why: Some(Why::Damaged), before: Some(series), last_before: Some(12) });
        assert!(alarms[0].contains("What was open is not known any more"), "{alarms:?}");
        write(&mut journal, &mut state, 1).unwrap();
        carry_all(&mut journal, &mut state);
        let former: Vec<u64> = held(&journal).iter().filter_map(|record| Some(record.former.as_ref()?.seq)).collect();
        assert_eq!(former, (1..=12).collect::<Vec<_>>(), "{name}");
        let group = journal.group().unwrap();
        assert!(group.known("", "S12").unwrap().is_some(), "the unit behind the damage is still known");
    }
}

#[test]
fn a_log_that_a_power_cut_has_cut_short_is_no_damage() {
    let folder = marked();
    let (_, state) = damaged_in_frame(&folder, |frames| frames - 1);
    let log_path = folder.path().join("journal.db-wal");
    let log = std::fs::read(&log_path).unwrap();
    std::fs::write(&log_path, &log[..log.len() - 3000]).unwrap();
    let opened = open(&folder);
    assert!(opened.damaged.is_none() && opened.alarms.is_empty());
    assert_eq!(opened.state.last_seq, state.last_seq - 1, "the group that was being written has not happened");
}

/// A journal whose last group of 60 records was being written when it was killed: of one of the last frames, so many
/// before the end, the header is written, and where its page belongs stands what was there before.
fn torn_in_frame(folder: &TempDir, before_the_end: usize) -> SeriesId {
    const FRAME: usize = 24 + 2048;
    let Opened { mut journal, mut state, .. } = open(folder);
    for units in [100, 60] {
        write(&mut journal, &mut state, units).unwrap();
    }
    let series = journal.series();
    let (path, log_path) = (Journal::file(folder.path()), folder.path().join("journal.db-wal"));
    let (database, mut log) = (std::fs::read(&path).unwrap(), std::fs::read(&log_path).unwrap());
    drop(journal);
    let begin = log.len() - before_the_end * FRAME;
    log.copy_within(32 + 24..32 + FRAME, begin + 24);
    log.truncate(begin + FRAME);
    std::fs::write(path, database).unwrap();
    std::fs::write(log_path, log).unwrap();
    series
}

#[test]
fn a_group_that_was_being_written_at_a_kill_is_no_damage() {
    for before_the_end in 1..10 {
        let folder = marked();
        let series = torn_in_frame(&folder, before_the_end);
        let opened = open(&folder);
        assert!(opened.damaged.is_none() && opened.alarms.is_empty(), "{:?} {:?}", opened.damaged, opened.alarms);
        assert_eq!((opened.journal.series(), opened.state.last_seq), (series, 100), "nobody was told of that group");
    }
}

#[test]
fn a_log_whose_store_is_gone_gives_what_it_has() {
    for gone in [true, false] {
        let folder = marked();
        damaged_in_frame(&folder, |frames| frames - 1);
        let path = Journal::file(folder.path());
        if gone {
            std::fs::remove_file(&path).unwrap()
        } else {
            std::fs::write(&path, b"").unwrap()
        }
        let Opened { mut journal, mut state, damaged, .. } = open(&folder);
        assert!(damaged.unwrap().1.contains("gone or empty"));
        write(&mut journal, &mut state, 1).unwrap();
        carry_all(&mut journal, &mut state);
        let former: Vec<u64> = held(&journal).iter().filter_map(|record| Some(record.former.as_ref()?.seq)).collect();
        assert!(former.len() >= 11 && former.iter().copied().eq(1..=former.len() as u64), "{former:?}");
    }
}
