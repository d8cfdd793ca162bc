//! What was true, and what was known, earlier: of groups, with what became of each unit.

use super::*;
use crate::testkit::{assembled, component_subject, despatched, scrapped, taken_out};

/// Lot L1: S1 is packed, despatched and comes back opened; S2 is scrapped; S3 gets its identity late and is in no package.
fn lot() -> Vec<Work> {
    let mut a = Station::new("pack-1", 1);
    a.write(1, packed("S1", "P1", &[("lotCode", "L1")]));
    a.write(2, packed("S2", "P1", &[("lotCode", "L1")]));
    a.write(3, closed("P1", "U1"));
    a.write(10, despatched("U1", "ACME"));
    a.write(20, Draft::new(Event::Reopened, Subject::container("U1")));
    a.write(21, scrapped("S2"));
    let mut b = Station::new("pack-2", 2);
    b.write(4, packed("S3", "P2", &[("lotCode", "L1")]));
    b.write(30, packed("S3", "P2", &[("lotCode", "L1"), ("connhexId", "cx-3")]));
    vec![a.all(), b.all(), a.status(950, 0), b.status(950, 0)]
}

#[test]
fn a_group_of_an_earlier_time_says_what_had_become_of_its_units_by_then() {
    earlier(&serve(&lot()));
}

#[test]
fn postgresql_says_the_same_of_earlier_times() {
    let Some(server) = crate::testkit::postgres("earlier times out of PostgreSQL") else { return };
    drop(server.fresh());
    let service = serve_at(tempfile::tempdir().unwrap(), server.place(), &lot(), PATIENCE);
    earlier(&service);
}

fn earlier(service: &Running) {
    let states = |second: i64| -> Vec<String> {
        let (_, answer) = service.json(&format!("/v1/recall?by=lotCode&value=L1&asOf={}", at(second)));
        let units = answer["units"].as_array().unwrap();
        let made = answer["balance"]["made"].as_u64();
        assert_eq!(made, Some(units.len() as u64), "{answer}");
        units.iter().map(|unit| format!("{} {}", unit["serialNumber"], unit["state"]).replace('"', "")).collect()
    };
    assert_eq!(states(5), ["S1 packed", "S2 packed", "S3 packed"]);
    assert_eq!(states(12), ["S1 despatched", "S2 despatched", "S3 packed"]);
    assert_eq!(states(25), ["S1 packed", "S2 scrapped", "S3 packed"]);
    let (_, then) = service.json(&format!("/v1/recall?by=lotCode&value=L1&asOf={}", at(12)));
    assert_eq!((&then["units"][0]["consignee"], &then["balance"]["despatched"]), (&json!("ACME"), &json!(2)));
    let (_, known) = service.json(&format!("/v1/recall?by=lotCode&value=L1&asOf={}&knownAt=3", at(12)));
    assert_eq!(known["units"][0]["state"], "packed", "nobody knew of the lorry: {known}");
}

#[test]
fn the_papers_of_a_recall_say_where_units_are_now_whenever_they_were_affected() {
    let service = serve(&lot());
    let question = json!({"lotCode": "L1", "asOf": at(12)});
    let (status, recall) = service.post("/v1/recalls", json!({"id": "R1", "question": question, "reason": "r"}));
    assert_eq!((status, &recall["count"]), (200, &json!(3)), "{recall}");
    assert_eq!((&recall["balance"]["scrapped"], &recall["balance"]["despatched"]), (&json!(1), &json!(0)), "{recall}");
    let (_, _, identities) = service.raw("/v1/recalls/R1/identities", "application/x-ndjson");
    assert!(identities.contains("\"connhexId\":\"cx-3\""), "{identities}");
    assert!(identities.contains("\"count\":1") && identities.contains("\"without\":2"), "{identities}");
}

#[test]
fn the_papers_of_a_recall_say_where_units_are_now_whatever_was_known_of_who_is_affected() {
    now_of_known(serve);
    let Some(server) = crate::testkit::postgres("papers of what was known out of PostgreSQL") else { return };
    drop(server.fresh());
    now_of_known(|work| serve_at(tempfile::tempdir().unwrap(), server.place(), work, PATIENCE));
}

fn now_of_known(serve: impl Fn(&[Work]) -> Running) {
    let mut a = Station::new("pack-1", 1);
    a.write(1, packed("S1", "P1", &[("lotCode", "L1")]));
    a.write(2, packed("S2", "P1", &[("lotCode", "L1")]));
    a.write(3, assembled("B1", "BL", "S8"));
    // Known later: it gets its identity and leaves, and there are more in the lot.
    a.write(4, packed("S1", "P1", &[("lotCode", "L1"), ("connhexId", "cx-1")]));
    a.write(5, closed("P1", "U1"));
    a.write(6, despatched("U1", "ACME"));
    a.write(7, packed("S3", "P2", &[("lotCode", "L1")]));
    a.write(8, packed("S8", "P2", &[("connhexId", "cx-8")]));
    let service = serve(&[a.all(), a.status(950, 0)]);
    let open = |id: &str, question: Value| {
        let (status, recall) = service.post("/v1/recalls", json!({"id": id, "question": question, "reason": "r"}));
        assert_eq!(status, 200, "{recall}");
        recall
    };
    let recall = open("R1", json!({"lotCode": "L1", "knownAt": "3"}));
    assert_eq!((&recall["count"], &recall["balance"]["despatched"]), (&json!(2), &json!(2)), "{recall}");
    let (_, _, identities) = service.raw("/v1/recalls/R1/identities", "application/x-ndjson");
    assert!(identities.contains("\"connhexId\":\"cx-1\"") && identities.contains("\"without\":1"), "{identities}");
    let report = service.json("/v1/recalls/R1/report").1;
    assert_eq!(report["figures"]["consignees"][0]["units"], 2, "{report}");
    // By then no record was about the device that the component is in.
    let recall = open("R2", json!({"componentLot": "BL", "knownAt": "3"}));
    assert_eq!((&recall["count"], &recall["balance"]["packed"]), (&json!(1), &json!(1)), "{recall}");
    let (_, _, identities) = service.raw("/v1/recalls/R2/identities", "application/x-ndjson");
    assert!(identities.contains("\"connhexId\":\"cx-8\""), "{identities}");
    // The answer itself is of then.
    let (_, then) = service.json("/v1/recall?by=lotCode&value=L1&knownAt=3");
    assert_eq!((&then["count"], &then["balance"]["packed"]), (&json!(2), &json!(2)), "{then}");
}

#[test]
fn members_of_now_need_a_group_that_lasts() {
    let service = serve(&lot());
    let ask = |query: &str| service.json(&format!("/v1/recall?{query}&members=current"));
    let window = format!("from={}&until={}", at(0), at(99));
    for query in ["station=pack-1", "by=station&value=pack-1", "serial=S1&by=station", &window] {
        let (status, answer) = ask(query);
        assert_eq!((status, &answer["error"]["code"]), (400, &json!("nothingLasts")), "{query}: {answer}");
    }
    assert_eq!(serials(&ask("station=pack-1&lotCode=L1").1), ["S1", "S2"]);
    assert_eq!(serials(&ask(&format!("lotCode=L1&station=pack-2&{window}")).1), ["S3"]);
    assert_eq!(serials(&ask("station=pack-2&packageId=P1").1), [""; 0]);
}

/// A board of lot BL in S9, of which no record says anything.
fn board() -> (Station, Work, Work) {
    let mut bench = Station::new("bench", 1);
    bench.write(1, assembled("B1", "BL", "S9"));
    let (work, status) = (bench.all(), bench.status(950, 0));
    (bench, work, status)
}

#[test]
fn what_holds_a_component_and_has_no_record_is_known_by_it_then_as_now() {
    let (_, work, status) = board();
    let service = serve(&[work, status]);
    let (_, now) = service.json("/v1/recall?componentLot=BL");
    let (_, then) = service.json("/v1/recall?componentLot=BL&knownAt=1");
    assert_eq!((serials(&now), serials(&then)), (vec!["S9"], vec!["S9"]), "{then}");
    let (_, before) = service.json("/v1/recall?componentLot=BL&knownAt=0");
    assert_eq!(serials(&before), [""; 0], "{before}");
    let (status, inside) = service.json("/v1/devices/S9/genealogy");
    assert_eq!((status, &inside["devices"][0]["serialNumber"]), (200, &json!("B1")), "{inside}");
    assert_eq!(service.json("/v1/devices/S8/genealogy").0, 404);
}

#[test]
fn a_component_counts_for_a_lot_while_it_was_in_it() {
    let (mut bench, _, _) = board();
    let mut board = Draft::new(Event::Tested, component_subject("B1"));
    board.attributes =
        [("lotCode".to_owned(), "BL2".into()), ("result".to_owned(), "pass".into())].into_iter().collect();
    bench.write(20, board);
    let service = serve(&[bench.all(), bench.status(950, 0)]);
    let count = |query: &str| service.json(&format!("/v1/recall?{query}")).1["count"].clone();
    assert_eq!((count("componentLot=BL"), count("componentLot=BL2")), (json!(1), json!(1)));
    assert_eq!(count("componentLot=BL&members=current"), 0, "it was found to be of another lot");
    assert_eq!(count("componentLot=BL2&members=current"), 1);
    assert_eq!(count(&format!("componentLot=BL&asOf={}", at(10))), 1);
    assert_eq!(count(&format!("componentLot=BL2&asOf={}", at(10))), 0, "nobody had said so");
}

/// Stores more while the service runs.
pub(super) fn store(service: &Running, work: Work) {
    let (telling, told) = tokio::sync::oneshot::channel();
    let done = Box::new(move || assert_eq!(telling.send(()), Ok(())));
    service.runtime.block_on(async {
        assert!(service.store.put(crate::store::Order { work: Some(work), done }).await.is_ok());
        told.await.unwrap();
    });
}

#[test]
fn a_kept_recall_is_told_again_unit_by_unit_at_its_position() {
    let mut late = Station::new("pack-3", 3);
    let wrong = late.write(7, packed("S7", "P7", &[("lotCode", "L1")]));
    let (before, first) = (lot(), late.work(1, 1));
    late.write(40, voided(Subject::device("S7"), wrong));
    late.write(41, packed("S8", "P7", &[("lotCode", "L1")]));
    late.write(42, taken_out("S8", "P7"));
    let mut work = before;
    work.push(first);
    let service = serve(&work);
    let window = json!({"from": at(0), "until": at(39)});
    for (id, question) in [("R1", json!({"lotCode": "L1"})), ("R2", window)] {
        let (status, recall) = service.post("/v1/recalls", json!({"id": id, "question": question, "reason": "r"}));
        assert_eq!((status, &recall["count"]), (200, &json!(4)), "{recall}");
    }
    let kept = service.json("/v1/recalls/R1").1["knownAt"].clone();
    store(&service, late.work(2, 4));
    let list = |query: &str| serials(&service.json(&format!("/v1/recall?{query}")).1).join(" ");
    assert_eq!(list("lotCode=L1"), "S1 S2 S3 S8");
    assert_eq!(list(&format!("lotCode=L1&knownAt={kept}")), "S1 S2 S3 S7");
    let window = format!("from={}&until={}", at(0), at(39));
    assert_eq!(list(&window), "S1 S2 S3", "S7 was a mistake, S8 came later");
    assert_eq!(list(&format!("{window}&knownAt={kept}")), "S1 S2 S3 S7");
}

#[test]
fn a_group_that_nobody_was_in_as_it_is_known_now_is_asked_for_as_it_was_known_then() {
    let (mut a, mut b) = (Station::new("pack-1", 1), Station::new("pack-2", 2));
    a.write(1, packed("S1", "P1", &[]));
    a.write(10, closed("P1", "U1"));
    // It had been taken out before its package went onto the pallet; the record came late.
    b.write(5, taken_out("S1", "P1"));
    let service = serve(&[a.all(), b.all()]);
    assert_eq!(service.json("/v1/recall?by=palletId&value=U1").0, 404);
    let (status, then) = service.json("/v1/recall?by=palletId&value=U1&knownAt=2");
    assert_eq!((status, &then["units"][0]["serialNumber"], &then["count"]), (200, &json!("S1"), &json!(1)), "{then}");
    assert_eq!(service.json("/v1/recall?by=palletId&value=U1&knownAt=3").1["count"], json!(0));
    assert_eq!(service.json("/v1/recall?by=palletId&value=U2&knownAt=2").0, 404);
}

#[test]
fn a_group_that_began_later_by_what_is_known_now_is_asked_for_as_it_was_known_to_have_begun() {
    let (mut a, mut b) = (Station::new("pack-1", 1), Station::new("pack-2", 2));
    a.write(1, packed("S1", "P1", &[]));
    a.write(10, closed("P1", "U1"));
    // The record came late: by then it was no longer in there.
    b.write(5, taken_out("S1", "P1"));
    b.write(20, packed("S9", "P1", &[]));
    let service = serve(&[a.all(), b.all()]);
    let ask = |query: &str| service.json(&format!("/v1/recall?by=palletId&value=U1&asOf={}{query}", at(12)));
    assert_eq!(ask("").1["error"]["code"], "noGroupThen", "S9 came later");
    let (status, then) = ask("&knownAt=2");
    assert_eq!((status, serials(&then)), (200, vec!["S1"]), "{then}");
    let (_, later) = ask("&knownAt=4");
    assert_eq!((&later["count"], &later["complete"]), (&json!(0), &json!(false)), "{later}");
}

#[test]
fn of_what_nothing_was_known_at_a_time_is_not_told_what_became_of_it_since() {
    let mut a = Station::new("bench", 1);
    a.write(1, assembled("B1", "BL", "S9"));
    a.write(50, packed("S9", "P1", &[("connhexId", "cx-9")]));
    a.write(60, closed("P1", "U1"));
    a.write(61, despatched("U1", "ACME"));
    let service = serve(&[a.all(), a.status(950, 0)]);
    let (_, then) = service.json(&format!("/v1/recall?componentLot=BL&asOf={}", at(10)));
    assert_eq!((serials(&then), &then["units"][0]["state"]), (vec!["S9"], &json!("seen")), "{then}");
    assert_eq!((then["units"][0].get("consignee"), &then["balance"]["unknown"]), (None, &json!(1)), "{then}");
    assert_eq!(service.json("/v1/recall?componentLot=BL").1["units"][0]["state"], "despatched");
}
