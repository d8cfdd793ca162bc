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

/// Why an answer is not complete, beside the stations.
fn why(service: &Running, question: &str) -> Vec<String> {
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
