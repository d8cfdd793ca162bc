//! Seals, and what was done after them, by others, and often.

use super::*;
use crate::testkit::{moved_by_mistake, scrapped, taken_out, tested};

/// A seal with its counts.
fn sealed(subject: Subject, made: u64) -> Draft {
    let mut draft = Draft::new(Event::Sealed, subject);
    draft.attributes = [("made".to_owned(), made.into())].into();
    draft
}

fn order(id: &str) -> Subject {
    Subject::new(Kind::WorkOrder, id)
}

/// Counts what is sealed, as the service does by itself, until nothing is left to count. How many seals that were.
fn count(service: &Running) -> usize {
    let mut seals = 0;
    loop {
        let counting = service.store.read(crate::recall::counted::step);
        let counted = service.runtime.block_on(counting).unwrap();
        if counted.is_empty() {
            return seals;
        }
        seals += counted.len();
        service.commit(Work::Counted(counted));
    }
}

/// Why an answer is not complete, beside the stations; the same before seals are counted and after.
fn why(service: &Running, question: &str) -> Vec<String> {
    let before = why_now(service, question);
    count(service);
    assert_eq!(before, why_now(service, question), "{question}");
    before
}

fn why_now(service: &Running, question: &str) -> Vec<String> {
    let (status, recall) = service.json(&format!("/v1/recall?{question}"));
    assert_eq!(status, 200, "{recall}");
    let why = recall["completeness"]["why"].as_array().cloned().unwrap_or_default();
    assert_eq!(recall["complete"], why.is_empty(), "{recall}");
    why.iter().map(|why| why.as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_corrected_after_the_seal_of_a_container_is_no_loss() {
    let mut a = Station::new("pack-1", 1);
    a.write(1, packed("S1", "P1", &[]));
    let wrong = a.write(2, packed("S2", "P1", &[]));
    a.write(3, packed("S3", "P2", &[]));
    a.write(4, sealed(Subject::container("P1"), 2));
    a.write(5, sealed(Subject::container("P2"), 1));
    a.write(6, moved_by_mistake("S2", "P1", "P2", wrong));
    a.write(7, packed("S4", "P1", &[]));
    let service = serve(&[a.all(), a.status(950, 0)]);
    for package in ["P1", "P2"] {
        assert_eq!(why(&service, &format!("by=packageId&value={package}")), [""; 0]);
    }
    // One that was not stored is missing all the same.
    a.write(8, sealed(Subject::container("P2"), 3));
    let service = serve(&[a.all(), a.status(950, 0)]);
    let missing = "station pack-1 has sealed 3 units of packageId P2, and 2 are stored: 1 are missing";
    assert_eq!(why(&service, "by=packageId&value=P2"), [missing]);
}

#[test]
fn a_station_s_share_of_an_order_is_what_it_knows_itself() {
    let (mut a, mut b) = (Station::new("pack-1", 1), Station::new("pack-2", 2));
    a.write(1, packed("S1", "P1", &[("workOrder", "WO-7")]));
    a.write(2, packed("S2", "P1", &[("workOrder", "WO-7")]));
    a.write(3, taken_out("S2", "P1"));
    // Another station packs it under another order before the first one seals.
    b.write(4, packed("S2", "P9", &[("workOrder", "WO-8")]));
    a.write(5, sealed(order("WO-7"), 2));
    b.write(6, sealed(order("WO-8"), 1));
    // A unit that comes and goes many times, at other stations, too.
    let mut rig = Station::new("rig-1", 3);
    for n in 0..100 {
        rig.write(7 + n, tested("S3", true, "1"));
    }
    a.write(150, packed("S3", "P3", &[("workOrder", "WO-9")]));
    for n in 0..100 {
        rig.write(200 + n, tested("S3", true, "1"));
    }
    a.write(400, sealed(order("WO-9"), 1));
    // What it took back is not in its share.
    let wrong = a.write(401, packed("S4", "P4", &[("workOrder", "WO-10")]));
    a.write(402, voided(Subject::device("S4"), wrong));
    a.write(403, packed("S5", "P4", &[("workOrder", "WO-10")]));
    // Packed again by mistake, it is taken out as before; what is scrapped after its test names its order.
    a.write(404, taken_out("S5", "P4"));
    let again = a.write(405, packed("S5", "P5", &[("workOrder", "WO-11")]));
    a.write(406, voided(Subject::device("S5"), again));
    a.write(407, tested("S6", false, "1"));
    let mut scrap = scrapped("S6");
    scrap.attributes.insert("workOrder".to_owned(), "WO-10".into());
    a.write(408, scrap);
    a.write(409, sealed(order("WO-10"), 2));
    let stations = [a.all(), b.all(), rig.all(), a.status(950, 0), b.status(950, 0), rig.status(950, 0)];
    let service = serve(&stations);
    for order in ["WO-7", "WO-8", "WO-9", "WO-10"] {
        assert_eq!(why(&service, &format!("workOrder={order}")), [""; 0], "{order}");
    }
}

#[test]
fn the_sum_of_what_is_sealed_is_held_against_the_order_and_lots_against_their_packings() {
    let (mut a, mut b) = (Station::new("pack-1", 1), Station::new("pack-2", 2));
    let of = [("workOrder", "WO-7"), ("lotCode", "L1")];
    a.write(1, packed("S1", "P1", &of));
    b.write(2, packed("S2", "P2", &of));
    b.write(3, taken_out("S2", "P2"));
    b.write(4, packed("S2", "P3", &of));
    a.write(5, sealed(order("WO-7"), 1));
    b.write(5, sealed(order("WO-7"), 1));
    let of_lot = |made, order: &str| {
        let mut draft = sealed(Subject::new(Kind::Lot, "L1"), made);
        draft.attributes.insert("workOrder".to_owned(), order.into());
        draft
    };
    a.write(6, of_lot(2, "WO-7"));
    b.write(6, of_lot(2, "WO-7"));
    // The same lot in another order has a seal of its own.
    b.write(7, packed("S3", "P3", &[("workOrder", "WO-8"), of[1]]));
    b.write(8, of_lot(1, "WO-8"));
    let service = serve(&[a.all(), b.all(), a.status(950, 0), b.status(950, 0)]);
    service.put("/v1/work-orders/WO-7", json!({"terms": {"quantity": 5}}));
    let (_, recall) = service.json("/v1/recall?workOrder=WO-7");
    assert_eq!(recall["complete"], json!(true), "fewer than were ordered is no loss, and is named: {recall}");
    let ordered = json!([{
        "workOrder": "WO-7", "quantity": 5, "sealed": 2, "stations": ["pack-1", "pack-2"], "beyondQuantity": -3,
    }]);
    assert_eq!(recall["completeness"]["ordered"], ordered);
    let (_, text, _) = service.command(&["recall", "--where", "workOrder=WO-7"]);
    assert!(text.contains("Of work order WO-7 pack-1 and pack-2 sealed 2 units: 3 fewer than were ordered."), "{text}");
    let missing =
        "station pack-1 has sealed 2 packings of lotCode L1 in work order WO-7, and 1 are stored: 1 are missing";
    assert_eq!(why(&service, "lotCode=L1"), [missing], "a unit that is packed twice counts twice");
}

#[test]
fn a_number_names_the_same_order_for_a_group_and_for_a_share() {
    let mut a = Station::new("pack-1", 1);
    let mut packing = packed("S1", "P1", &[]);
    packing.attributes = [("workOrder".to_owned(), 7.into()), ("lotCode".to_owned(), 8.into())].into();
    a.write(1, packing);
    a.write(2, sealed(order("7"), 1));
    let mut of_lot = sealed(Subject::new(Kind::Lot, "8"), 1);
    of_lot.attributes.insert("workOrder".to_owned(), 7.into());
    a.write(3, of_lot);
    let service = serve(&[a.all(), a.status(950, 0)]);
    assert_eq!(why(&service, "workOrder=7"), [""; 0]);
    assert_eq!(why(&service, "lotCode=8"), [""; 0]);
}

/// What keeps an answer from being complete beside the stations, and the differences that are explained.
fn told(service: &Running, question: &str) -> (Vec<String>, Value) {
    let why = why(service, question);
    (why, service.json(&format!("/v1/recall?{question}")).1["completeness"]["differences"].clone())
}

#[test]
fn what_was_written_off_explains_what_a_seal_has_counted_more() {
    let mut a = Station::new("pack-1", 1);
    for n in 1..=2 {
        a.write(n, packed(&format!("S{n}"), "P1", &[("workOrder", "WO-7")]));
    }
    a.write(3, sealed(order("WO-7"), 2));
    a.write(4, sealed(Subject::container("P1"), 2));
    let service = serve(&[a.work(1, 1), a.work(3, 4), a.status(950, 0)]);
    let missing = |of: &str, made: u64| {
        format!("station pack-1 has sealed {made} units of {of}, and 1 are stored: {} are missing", made - 1)
    };
    assert_eq!(told(&service, "workOrder=WO-7"), (vec![missing("workOrder WO-7", 2)], Value::Null));
    let off = ["station", "write-off", "pack-1", "--reason", "burnt"];
    assert_eq!(service.change(&off).0, 0);
    for (question, of) in [("workOrder=WO-7", "workOrder WO-7"), ("by=packageId&value=P1", "packageId P1")] {
        assert_eq!(told(&service, question), (vec![], json!([missing(of, 2)])));
    }
    let (_, text, _) = service.command(&["recall", "--where", "workOrder=WO-7"]);
    assert!(
        text.contains(&format!("Written off, or of an earlier series: {}.", missing("workOrder WO-7", 2))),
        "{text}"
    );
    assert!(text.contains("with write-offs"), "{text}");
    let (_, _, csv) = service.raw("/v1/recall?workOrder=WO-7&for=spreadsheet", "text/csv");
    assert!(csv.contains(&missing("workOrder WO-7", 2)), "{csv}");
    // One more than was given up, and one that is given up after the seal.
    a.write(5, sealed(order("WO-7"), 3));
    a.write(6, packed("S3", "P1", &[]));
    service.commit(a.work(5, 5));
    service.commit(a.status(960, 0));
    assert_eq!(service.change(&off).0, 0);
    assert_eq!(told(&service, "workOrder=WO-7"), (vec![missing("workOrder WO-7", 3)], Value::Null));
}

#[test]
fn what_a_lost_journal_had_counted_nobody_seals() {
    let mut lost = Station::new("pack-1", 1);
    for n in 1..=3 {
        lost.write(n, packed(&format!("S{n}"), "P1", &[("workOrder", "WO-7")]));
    }
    let mut a = lost.renewed(2, 100, Some(3));
    a.write(101, packed("S4", "P1", &[("workOrder", "WO-7")]));
    a.write(102, sealed(order("WO-7"), 1));
    a.write(103, sealed(Subject::container("P1"), 1));
    let service = serve(&[lost.all(), a.all(), a.status(950, 0)]);
    let more = |of: &str, made: u64| {
        format!(
            "station pack-1 has sealed {made} units of {of}, and 4 are stored: {} more than it has counted",
            4 - made
        )
    };
    for (question, of) in [("workOrder=WO-7", "workOrder WO-7"), ("by=packageId&value=P1", "packageId P1")] {
        assert_eq!(told(&service, question), (vec![], json!([more(of, 1)])));
    }
    // Of what it has done itself it has to know.
    a.write(104, sealed(order("WO-7"), 0));
    service.commit(a.work(5, 5));
    service.commit(a.status(960, 0));
    assert_eq!(told(&service, "workOrder=WO-7"), (vec![more("workOrder WO-7", 0)], Value::Null));
}

#[test]
fn a_seal_that_is_kept_beside_one_that_is_not_counts_each_unit_once() {
    let (mut a, mut b) = (Station::new("pack-1", 1), Station::new("pack-2", 2));
    a.write(1, packed("S1", "P1", &[("workOrder", "WO-7")]));
    a.write(2, sealed(order("WO-7"), 1));
    b.write(1, packed("S2", "P2", &[]));
    b.write(2, packed("S3", "P2", &[("workOrder", "WO-7")]));
    b.write(3, sealed(order("WO-7"), 1));
    // What the first record of the second one says, nobody knows.
    let service = serve(&[a.all(), b.work(2, 3)]);
    assert_eq!((of_seals(&service), count(&service), of_seals(&service)), (vec![], 1, vec![]));
}

/// What is said of the seals of work order WO-7.
fn of_seals(service: &Running) -> Vec<String> {
    let (_, recall) = service.json("/v1/recall?workOrder=WO-7");
    let why = recall["completeness"]["why"].as_array().cloned().unwrap_or_default();
    why.iter().filter_map(|why| why.as_str()).filter(|why| why.contains("sealed")).map(str::to_owned).collect()
}

/// Pretends that so many units had been counted: who says so has not counted again.
fn pretend(service: &Running, of: &Subject, stored: u64) {
    let seals = service.runtime.block_on(service.store.read({
        let of = of.clone();
        move |snapshot| snapshot.seals(&of)
    }));
    let seals = seals.unwrap().into_iter().map(|seal| crate::store::CountedSeal { stored: Some(stored), ..seal });
    service.commit(Work::Counted(seals.collect()));
}

#[test]
fn what_was_counted_is_not_counted_again_until_something_of_that_time_comes() {
    let mut a = Station::new("pack-1", 1);
    let of = [("workOrder", "WO-7")];
    a.write(100, packed("S1", "P1", &of));
    a.write(101, packed("S2", "P1", &of));
    a.write(102, sealed(order("WO-7"), 2));
    // Of the first record, which is a hole, nobody knows what it says: nothing is kept before it has come.
    let service = serve(&[a.work(2, 3)]);
    let missing = |stored: u64, missing: u64| {
        format!("station pack-1 has sealed 2 units of workOrder WO-7, and {stored} are stored: {missing} are missing")
    };
    let says = || of_seals(&service);
    assert_eq!(count(&service), 0);
    assert_eq!(says(), [missing(1, 1)]);
    service.commit(a.work(1, 1));
    assert_eq!((says(), count(&service), says()), (vec![], 1, vec![]));
    pretend(&service, &order("WO-7"), 1);
    assert_eq!(says(), [missing(1, 1)], "it was not counted again");
    // What the station writes after its seal, in this series or in one that begins later, changes nothing.
    a.write(103, packed("S3", "P1", &of));
    let mut later = a.renewed(2, 300, Some(4));
    later.write(301, packed("S4", "P2", &of));
    service.commit(a.work(4, 4));
    service.commit(later.all());
    assert_eq!(says(), [missing(1, 1)]);
    // A series of that time can: that one was counted again.
    let mut beside = a.renewed(3, 85, None);
    beside.write(90, packed("S5", "P3", &of));
    service.commit(beside.all());
    assert_eq!(
        says(),
        ["station pack-1 has sealed 2 units of workOrder WO-7, and 3 are stored: 1 more than it has counted"]
    );
}

#[test]
fn what_other_series_and_clocks_can_change_is_counted_when_it_is_asked() {
    // What was written again may say something else.
    let mut a = Station::new("pack-1", 1);
    a.write(100, packed("S1", "P1", &[("workOrder", "WO-7")]));
    a.write(101, sealed(order("WO-7"), 1));
    let service = serve(&[a.all()]);
    assert_eq!(count(&service), 1);
    pretend(&service, &order("WO-7"), 7);
    let wrong = "station pack-1 has sealed 1 units of workOrder WO-7, and 7 are stored: 6 more than it has counted";
    assert_eq!(of_seals(&service), [wrong]);
    let mut later = a.renewed(2, 300, Some(2));
    later.again(&a, 1);
    service.commit(later.all());
    assert_eq!(of_seals(&service), [""; 0]);

    // A seal of 1970, until it is known when that boot was.
    let mut before = Station::new("pack-1", 1);
    before.write(100, packed("S1", "P1", &[("workOrder", "WO-7")]));
    before.write(101, packed("S2", "P1", &[("workOrder", "WO-7")]));
    let of_boot = |seconds: i64, wall: jiff::Timestamp, synchronised| {
        let since_boot = seconds.unsigned_abs() * 1000;
        records::Stamp { wall, synchronised, boot: "boot 2".into(), since_boot }
    };
    let free = |seconds: i64| of_boot(seconds, jiff::Timestamp::from_second(seconds).unwrap(), false);
    let mut a = before.renewed_at(2, free(10), Some(2));
    a.write_at(free(11), packed("S3", "P2", &[("workOrder", "WO-7")]));
    a.write_at(free(12), sealed(order("WO-7"), 3));
    let service = serve(&[before.all(), a.all()]);
    count(&service);
    let missing = "station pack-1 has sealed 3 units of workOrder WO-7, and 1 are stored: 2 are missing";
    assert_eq!(of_seals(&service), [missing]);
    a.write_at(of_boot(20, at(5000), true), packed("S4", "P2", &[]));
    service.commit(a.work(4, 4));
    assert_eq!(of_seals(&service), [""; 0], "what came before is known now");
}

#[test]
fn the_last_seal_of_a_series_counts_whatever_the_clock_shows() {
    let mut a = Station::new("pack-1", 1);
    a.write(100, packed("S1", "P1", &[("workOrder", "WO-7")]));
    let free = |seconds: i64| records::Stamp { synchronised: false, ..crate::testkit::stamp(seconds) };
    a.write_at(free(500), sealed(order("WO-7"), 1));
    a.write(101, packed("S2", "P1", &[("workOrder", "WO-7")]));
    a.write_at(free(102), sealed(order("WO-7"), 3));
    let service = serve(&[a.all()]);
    let missing = "station pack-1 has sealed 3 units of workOrder WO-7, and 2 are stored: 1 are missing";
    assert_eq!(of_seals(&service), [missing]);
}
