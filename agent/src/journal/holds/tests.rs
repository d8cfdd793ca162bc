use super::super::*;
use super::*;

const QUOTA: u64 = 64 << 20;

fn open(folder: &tempfile::TempDir) -> Journal {
    Journal::open(folder.path(), "pack-1", QUOTA, 0).unwrap().journal
}

fn holds(revision: u64, serials: &[&str], lots: &[&str]) -> Holds {
    let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    Holds { revision, serials: owned(serials), lots: owned(lots), ..Holds::default() }
}

fn is_held(journal: &mut Journal, hold: Hold) -> bool {
    journal.group().unwrap().is_held(&hold).unwrap()
}

#[test]
fn the_newest_holds_count_and_outlive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = open(&folder);
    assert_eq!(journal.holds().unwrap(), None);
    assert!(journal.keep_holds(&holds(5, &["S1", "S2", "S1"], &["L1"])).unwrap());
    assert_eq!(journal.holds().unwrap(), Some(HoldsKept { revision: 5, ids: 3 }));
    for old in [4, 5] {
        assert!(!journal.keep_holds(&holds(old, &[], &[])).unwrap());
    }
    drop(journal);
    let mut journal = open(&folder);
    assert!(is_held(&mut journal, Hold::Serial("S1".into())) && is_held(&mut journal, Hold::Lot("L1".into())));
    assert!(!is_held(&mut journal, Hold::Lot("S1".into())), "a serial is no lot");
    assert!(!is_held(&mut journal, Hold::Serial("s1".into())), "byte for byte");
    assert!(journal.keep_holds(&holds(6, &["S2"], &["L2"])).unwrap());
    let told = ["S1", "S2"].map(|serial| is_held(&mut journal, Hold::Serial(serial.into())));
    assert_eq!((told, is_held(&mut journal, Hold::Lot("L1".into()))), ([false, true], false));
    assert_eq!(journal.holds().unwrap(), Some(HoldsKept { revision: 6, ids: 2 }));
}

#[test]
fn what_is_under_recall_is_told_from_what_is_on_hold() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = open(&folder);
    let recalled_lots = vec!["L1".to_owned(), "L2".to_owned()];
    journal.keep_holds(&Holds { recalled_lots, ..holds(1, &["S1"], &["L1"]) }).unwrap();
    let told = |journal: &mut Journal, hold: Hold| {
        let group = journal.group().unwrap();
        (group.is_held(&hold).unwrap(), group.is_recalled(&hold).unwrap())
    };
    assert_eq!(told(&mut journal, Hold::Lot("L1".into())), (true, true));
    assert_eq!(told(&mut journal, Hold::Lot("L2".into())), (true, true), "also where nothing else holds it");
    assert_eq!(told(&mut journal, Hold::Serial("S1".into())), (true, false));
    assert_eq!(journal.holds().unwrap().unwrap().ids, 3);
    journal.keep_holds(&holds(2, &["S1"], &["L1"])).unwrap();
    assert_eq!(told(&mut journal, Hold::Lot("L1".into())), (true, false), "the recall is over, the hold is not");
    assert_eq!(told(&mut journal, Hold::Lot("L2".into())), (false, false));
}

#[test]
fn holds_that_find_no_room_leave_those_before() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path(), "pack-1", 1 << 20, 0).unwrap().journal;
    journal.keep_holds(&holds(1, &["S1"], &[])).unwrap();
    let many: Vec<String> = (0..40_000).map(|number| format!("SERIAL-NUMBER-{number:020}")).collect();
    let error = journal.keep_holds(&Holds { revision: 2, serials: many, ..Holds::default() }).unwrap_err();
    assert!(error.is_full(), "{error}");
    assert!(is_held(&mut journal, Hold::Serial("S1".into())));
    assert_eq!(journal.holds().unwrap().unwrap().revision, 1);
}

#[test]
fn as_many_as_are_taken_are_kept_within_seconds_and_a_change_within_less() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = open(&folder);
    let serials: Vec<String> = (0..100_000).map(|number| format!("SN{number:08}")).collect();
    let begin = std::time::Instant::now();
    journal.keep_holds(&Holds { revision: 1, serials: serials.clone(), ..Holds::default() }).unwrap();
    let first = begin.elapsed();
    journal.keep_holds(&Holds { revision: 2, serials: serials[1..].to_vec(), ..Holds::default() }).unwrap();
    println!("100,000 holds: {first:?}, one released: {:?}", begin.elapsed() - first);
    assert_eq!(journal.holds().unwrap().unwrap().ids, 99_999);
    assert!(begin.elapsed() < std::time::Duration::from_secs(30));
}
