use std::collections::BTreeSet;
use std::io;

use jiff::Timestamp;
use proptest::prelude::*;
use records::segment::Envelope;
use records::{Draft, Event, FixedBytes, SigningKey, Subject};
use tempfile::TempDir;

use super::*;
use crate::store::sql::params;
use crate::store::{FILE, Place, Work, Writer};
use crate::testkit::{Station, at, packed};
use crate::verify;

/// The store of a data folder.
pub fn stored_in(folder: &std::path::Path) -> Place {
    Place::Sqlite(folder.join(FILE))
}

/// The service's key.
pub fn service() -> SigningKey {
    SigningKey::from_seed(FixedBytes([99; 32]))
}

/// A station whose record 1 names its key, and so many records.
pub fn station(name: &str, number: u8, records: usize) -> Station {
    let mut station = Station::new(name, number);
    let attributes = [("key".to_owned(), station.key.public().to_string().into())].into();
    station.write(0, Draft { attributes, ..Draft::new(Event::SeriesStarted, Subject::station(name)) });
    for n in 2..=records {
        station.write(n as i64, packed(&format!("S{n}"), "P1", &[("lotCode", "L")]));
    }
    station
}

/// A data folder with a key and a store that has taken these works.
pub fn folder(works: &[Work]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("service.key"), format!("{}\n", service().seed())).unwrap();
    let mut writer = Writer::open(&folder.path().join(FILE)).unwrap();
    for work in works {
        writer.commit(std::slice::from_ref(work), at(100)).unwrap();
    }
    writer.close().unwrap();
    folder
}

/// Nine records of `a` under overlapping envelopes; six of `b`, of which 3 and 4 have not come and 6 came twice; a third
/// station of which nothing has come.
pub fn works() -> Vec<Work> {
    let a = station("a", 1, 9);
    let b = station("b", 2, 6);
    let mut forked = station("b", 2, 5);
    forked.write(6, packed("OTHER", "P9", &[]));
    let c = station("c", 3, 2);
    let a_came = [a.work(1, 4), a.work(3, 6), a.work(7, 9), a.status(50, 0)];
    let b_came = [b.work(1, 2), b.work(5, 6), forked.work(6, 6), b.status(50, 4)];
    a_came.into_iter().chain(b_came).chain([c.status(50, 2)]).collect()
}

/// The export of a data folder.
pub fn exported(folder: &TempDir) -> Vec<u8> {
    let mut connection = open(&stored_in(folder.path())).unwrap();
    let snapshot = snapshot(&mut connection).unwrap();
    let mut bytes = Vec::new();
    let written = records(&snapshot, &service_key(folder.path()).unwrap(), at(200), &mut bytes, drop).unwrap();
    assert_eq!(written.bytes, bytes.len() as u64);
    bytes
}

/// Record lines and envelopes of an export, read by its own rules and nothing else.
fn contents(export: &[u8]) -> (Vec<Vec<u8>>, Vec<Envelope>) {
    let mut lines = export.split(|byte| *byte == b'\n');
    let (mut found, mut envelopes) = (Vec::new(), Vec::new());
    while let Some(line) = lines.next() {
        match serde_json::from_slice::<Entry<'_>>(line) {
            Ok(Entry::Records { lines: count, envelopes: more, .. }) => {
                assert!(count <= MOST_LINES as u64 && more.len() <= MOST_LINES);
                envelopes.extend(more.into_owned());
                found.extend(lines.by_ref().take(count as usize).map(<[u8]>::to_vec));
            }
            Ok(Entry::Apart { .. }) => drop(lines.next()),
            _ => {}
        }
    }
    (found, envelopes)
}

/// What a file has is a promise: an export must be readable for ever.
#[test]
fn the_written_form_stays() {
    let text = String::from_utf8(exported(&folder(&works()))).unwrap();
    insta::assert_snapshot!(text.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}

#[test]
fn what_comes_after_the_snapshot_is_not_in_the_export() {
    let a = station("a", 1, 9);
    let folder = folder(&[a.work(1, 4)]);
    let mut writer = Writer::open(&folder.path().join(FILE)).unwrap();
    let mut connection = open(&stored_in(folder.path())).unwrap();
    let before = snapshot(&mut connection).unwrap();
    writer.commit(&[a.work(5, 9)], at(100)).unwrap();
    let mut bytes = Vec::new();
    let made: Timestamp = at(1);
    assert_eq!(records(&before, &service(), made, &mut bytes, drop).unwrap().end.records, 4);
    let report = verify::file(&*bytes, Some(service().public()), drop).unwrap();
    assert!(report.is_sound() && report.records == 4 && report.made == Some(made), "{report:?}");
    assert_eq!(contents(&exported(&folder)).0, a.lines);
}

#[test]
fn a_file_is_there_whole_or_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("e.ndjson");
    let files = || std::fs::read_dir(folder.path()).unwrap().count();
    std::fs::write(folder.path().join("e.ndjson.part"), "left by a crash, and longer than what comes").unwrap();
    to_file(&path, |output| output.write_all(b"one").map_err(Error::Write)).unwrap();
    assert_eq!((std::fs::read(&path).unwrap(), files()), (b"one".to_vec(), 1));
    let failed = to_file(&path, |output| {
        output.write_all(b"two").map_err(Error::Write)?;
        Err::<(), _>(Error::Write(io::ErrorKind::StorageFull.into()))
    });
    let told = base::describe(&failed.unwrap_err());
    assert!(told.contains("e.ndjson.part") && told.contains("free some space"), "{told}");
    assert_eq!((std::fs::read(&path).unwrap(), files()), (b"one".to_vec(), 1));
    let told = to_file(folder.path(), |_| Ok(())).unwrap_err().to_string();
    assert!(told.contains("the folder"), "{told}");
    assert!(to_file(&folder.path().join("none/e"), |_| Ok(())).unwrap_err().to_string().contains("make its folder"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// However segments were cut and in whatever order they came: the export has every stored line and envelope once,
    /// and neither the store nor the export is accused of anything.
    #[test]
    fn every_line_and_envelope_is_there_once(
        cuts in prop::collection::vec((1usize..40, 1usize..12), 1..14), long in any::<bool>(), fork in 2usize..40
    ) {
        let a = station("a", 1, 40);
        let mut works: Vec<Work> = cuts.iter().map(|(first, more)| a.work(*first, (first + more).min(40))).collect();
        if long {
            works.push(a.all());
        }
        let mut forked = station("a", 1, fork);
        forked.write(99, packed("OTHER", "P9", &[]));
        works.push(forked.work(fork, fork + 1));
        let folder = folder(&works);
        let mut connection = open(&stored_in(folder.path())).unwrap();
        let stored: BTreeSet<Vec<u8>> = connection
            .query("SELECT line FROM record", params![], |row| row.get(0)).unwrap().into_iter().collect();
        let signed: u64 = connection.query_row("SELECT count(*) FROM segment", params![], |row| row.get(0)).unwrap();
        let report = verify::store(&snapshot(&mut connection).unwrap(), drop).unwrap();
        prop_assert!(report.is_sound(), "{:?}", report.faults);
        let export = exported(&folder);
        let (lines, envelopes) = contents(&export);
        prop_assert_eq!(lines.len(), stored.len());
        prop_assert_eq!(lines.into_iter().collect::<BTreeSet<_>>(), stored);
        prop_assert_eq!(envelopes.len() as u64, signed);
        prop_assert!(envelopes.iter().all(Envelope::is_authentic));
        let offline = verify::file(&*export, Some(service().public()), drop).unwrap();
        prop_assert!(offline.is_sound(), "{:?}", offline.faults);
        prop_assert_eq!((offline.records, offline.envelopes, &offline.holes), (report.records, report.envelopes, &report.holes));
    }
}

#[test]
fn each_hole_says_why_it_is_one() {
    let mut a = station("a", 1, 2);
    a.write_line(b"{\"seq\":".to_vec());
    (4..=12).for_each(|n| drop(a.write(n, packed(&format!("S{n}"), "P1", &[]))));
    let mut forked = station("a", 1, 2);
    (3..=12).for_each(|n| drop(forked.write(n, packed(&format!("X{n}"), "P1", &[]))));
    let mut status = a.status(50, 0);
    if let Work::Status(heard) = &mut status {
        heard.status.set_aside = vec![(5, 6)];
        heard.status.not_held = vec![(2, 3), (6, 8)];
    }
    let folder = folder(&[a.work(1, 2), a.work(3, 3), a.work(12, 12), forked.work(10, 12), status]);
    let report = verify::file(&*exported(&folder), None, drop).unwrap();
    let holes: Vec<(u64, u64, Why)> = report.holes.iter().map(|hole| (hole.first, hole.last, hole.why)).collect();
    let wanted = [
        (3, 3, Why::Rejected),
        (4, 4, Why::NotCome),
        (5, 6, Why::SetAside),
        (7, 8, Why::NotHeld),
        (9, 9, Why::NotCome),
        (10, 10, Why::Apart),
        (11, 11, Why::Apart),
    ];
    assert_eq!(holes, wanted);
    assert_eq!((report.rejected, report.apart), (1, 3));
    // For the others there is a reason; for these the station has receipts.
    let missing: Vec<_> = report.faults.iter().map(|fault| (fault.first, fault.what)).collect();
    assert_eq!(missing, [(Some(4), verify::What::Missing), (Some(9), verify::What::Missing)]);
}
