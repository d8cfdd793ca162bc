//! Series that follow each other, records that are written again, and the word to a station that lost its mark.

use super::*;

/// Station `a` with five records, of which the last two were written again in a second series.
fn renewed() -> (Station, Station) {
    let a = station(5);
    let mut b = a.renewed(2, 50, Some(5));
    b.again(&a, 4);
    b.again(&a, 5);
    (a, b)
}

#[test]
fn what_was_written_again_fills_the_hole_is_not_asked_for_and_counts_once() {
    let (a, b) = renewed();
    let mut writer = Writer::in_memory();
    one(&mut writer, a.work(1, 2));
    one(&mut writer, b.all());
    // Record 3 is missing and asked for; 4 and 5 are known by their second identity.
    assert_eq!(one(&mut writer, a.status(10, 0)).resend, [(3, 3)]);
    let judged = |writer: &mut Writer| {
        let states = writer.snapshot().unwrap().stations().unwrap();
        let moment = crate::completeness::Moment { now: at(60), as_of: None, connected: true };
        crate::completeness::judge(&states, &crate::lapses::Lapses::default(), moment).stations.remove(0)
    };
    let series = judged(&mut writer);
    assert_eq!((&*series.holes, series.carried_over, series.announced), (&[(3, 3)][..], 2, 5));
    one(&mut writer, a.work(3, 3));
    writer.commit(&[b.status(55, 0)], at(55)).unwrap();
    let series = judged(&mut writer);
    assert!(series.complete && series.superseded, "{:?}", series.why);
    let before = writer.snapshot().unwrap().stored().unwrap();
    assert_eq!((before.devices, before.position), (5, 6));
    // The first ones come after all.
    one(&mut writer, a.work(4, 5));
    let after = writer.snapshot().unwrap().stored().unwrap();
    assert_eq!((after.devices, after.position), (5, 8));
    assert_eq!(judged(&mut writer).carried_over, 0);
    let snapshot = writer.snapshot().unwrap();
    let device = snapshot.devices("S5", true).unwrap().remove(0);
    assert_eq!(snapshot.kept(&device).unwrap().unwrap().records, 1);
    let history = crate::history::history(&snapshot, &device, None, None).unwrap();
    assert_eq!(history.len(), 1);
    assert_eq!(history[0]["series"], a.series.to_string());
}

#[test]
fn what_the_station_does_not_have_is_not_asked_for_again() {
    let a = station(9);
    let mut writer = Writer::in_memory();
    one(&mut writer, a.work(1, 2));
    let status = a.status_with(10, 0, |status| {
        status.set_aside = vec![(3, 4)];
        status.not_held = vec![(5, 5)];
    });
    assert_eq!(one(&mut writer, status).resend, [(6, 9)]);
    assert!(one(&mut writer, a.work(6, 9)).resend.is_empty());
}

#[test]
fn only_what_the_station_has_a_receipt_for_is_asked_for() {
    let a = station(9);
    let mut writer = Writer::in_memory();
    one(&mut writer, a.work(1, 2));
    assert!(one(&mut writer, a.work(5, 6)).resend.is_empty(), "what is between may be on its way");
    let waits = a.status(10, 7);
    assert!(writer.commit(&[waits], at(10)).unwrap().receipts.is_empty());
    assert_eq!(one(&mut writer, a.status(11, 5)).resend, [(3, 4)], "it says that it has a receipt up to 4");
    assert_eq!(one(&mut writer, a.status(12, 0)).resend, [(3, 4), (7, 9)]);
}

/// The answer to a status without a mark, if it has one.
fn word(writer: &mut Writer, station: &Station, seconds: i64) -> Option<u64> {
    let asks = station.status_with(seconds, 0, |status| status.sscc_mark = None);
    let receipts = writer.commit(&[asks], at(seconds)).unwrap().receipts;
    receipts.first().and_then(|receipt| receipt.sscc_mark)
}

fn names(station: &Station, seconds: i64, mark: u64) -> Work {
    station.status_with(seconds, 0, |status| status.sscc_mark = Some(mark))
}

#[test]
fn a_lost_mark_is_answered_with_the_highest_that_was_ever_named() {
    let (a, b) = renewed();
    let mut writer = Writer::in_memory();
    one(&mut writer, a.all());
    writer.commit(&[names(&a, 10, 700)], at(10)).unwrap();
    writer.commit(&[names(&a, 11, 300)], at(11)).unwrap();
    assert_eq!(word(&mut writer, &b, 60), None, "nothing says whose key that is");
    // The series before was heard a moment ago, and this one followed it.
    assert_eq!(one(&mut writer, b.all()).sscc_mark, Some(700));
    assert_eq!(word(&mut writer, &b, 61), Some(700));
    assert_eq!(word(&mut writer, &b, 62), Some(700), "again, while it asks");
    writer.commit(&[names(&b, 63, 800)], at(63)).unwrap();
    assert_eq!(one(&mut writer, b.all()).sscc_mark, None, "it does not ask");
    // A second machine goes on with the old series.
    assert_eq!(word(&mut writer, &b, 64), Some(800));
    writer.commit(&[names(&a, 65, 900)], at(65)).unwrap();
    assert_eq!(word(&mut writer, &b, 66), None);
    assert_eq!(word(&mut writer, &b, 245), None);
    assert_eq!(word(&mut writer, &b, 246), Some(900), "silent for so long that it counts as gone");
}

#[test]
fn a_mark_of_nobody_does_not_count_and_an_unknown_series_before_must_be_silent() {
    let a = station(2);
    let mut thief = Station::new("a", 7);
    (thief.series, thief.lines) = (a.series, a.lines.clone());
    let mut c = Station::new("a", 3);
    let key = [("key".to_owned(), c.key.public().to_string().into())].into();
    let subject = Subject { kind: records::Kind::Station, ..Subject::device("a") };
    c.write(20, Draft { attributes: key, ..Draft::new(Event::SeriesStarted, subject) });
    let mut writer = Writer::in_memory();
    writer.commit(&[names(&thief, 5, 9999)], at(5)).unwrap();
    one(&mut writer, a.all());
    writer.commit(&[names(&a, 30, 200)], at(30)).unwrap();
    one(&mut writer, c.all());
    assert_eq!(word(&mut writer, &c, 40), None, "nobody says that it followed the other one");
    assert_eq!(word(&mut writer, &c, 210), None);
    assert_eq!(word(&mut writer, &c, 211), Some(200));
    let mut fresh = Writer::in_memory();
    one(&mut fresh, c.all());
    assert_eq!(word(&mut fresh, &c, 40), Some(0), "no mark was ever named");
}

#[test]
fn a_store_of_an_older_program_is_projected_anew() {
    let (a, b) = renewed();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.db");
    let mut writer = Writer::open(&path).unwrap();
    writer.commit(&[a.work(1, 3), b.all()], at(60)).unwrap();
    writer.connection.batch("DELETE FROM carried; DELETE FROM successor; DELETE FROM projected").unwrap();
    drop(writer);
    let mut writer = Writer::open(&path).unwrap();
    let state = writer.snapshot().unwrap().stations().unwrap().remove(0);
    assert_eq!((state.lineage.carried, state.lineage.successors.len()), (vec![(4, 5)], 1));
}

#[test]
fn a_lost_mark_is_above_every_sscc_in_a_stored_record() {
    let (mut a, b) = renewed();
    let mut draft = Draft::new(Event::Opened, Subject::container("395212340000007419"));
    draft.attributes = [("serialReference".to_owned(), 741.into())].into();
    a.write(9, draft);
    let mut writer = Writer::in_memory();
    one(&mut writer, a.all());
    writer.commit(&[names(&a, 10, 700)], at(10)).unwrap();
    one(&mut writer, b.all());
    assert_eq!(word(&mut writer, &b, 61), Some(841), "its whole block counts as used");
}
