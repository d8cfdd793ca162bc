//! To the microsecond and to the position: what counts at the moment itself, and what just before it.

use super::*;

/// In package P1 from second 10 to second 20, then in P2. A synchronised clock may be off by a quarter of a second.
#[test]
fn a_time_counts_what_can_have_begun_by_then_and_not_what_has_surely_ended_by_then() {
    let mut a = Station::new("a", 1);
    a.write(5, packed("S0", "P1", &[]));
    a.write(10, packed("S1", "P1", &[]));
    a.write(20, moved("S1", "P1", "P2"));
    let service = serve(&[a.all(), a.status(950, 0)]);
    let units = |time: &str| {
        let (_, answer) = service.json(&format!("/v1/recall?by=packageId&value=P1&asOf=2026-03-01T12:00:{time}Z"));
        answer["units"].as_array().unwrap().clone()
    };
    let named = |time: &str| units(time).iter().map(|unit| unit["serialNumber"].clone()).collect::<Vec<_>>();
    assert_eq!(named("09.749999"), ["S0"]);
    assert_eq!(named("09.75"), ["S0", "S1"], "it can have been packed at this very moment");
    let s1 = |time: &str| units(time)[1].clone();
    for (time, ended, contested) in
        [("19.749999", false, false), ("19.75", false, true), ("20.249999", false, true), ("20.25", true, false)]
    {
        let unit = s1(time);
        assert_eq!((unit["until"].is_string(), unit["contested"] == true), (ended, contested), "{time}: {unit}");
    }
    assert_eq!((&s1("19.749999")["packageId"], &s1("20.25")["packageId"]), (&json!("P1"), &json!("P2")));
    assert_eq!(s1("20")["packageIds"], json!(["P1", "P2"]), "when it was moved nobody can say to the moment");
}

#[test]
fn a_correction_is_known_from_its_position_on() {
    let mut a = Station::new("a", 1);
    a.write(1, packed("S0", "P1", &[("lotCode", "L1")]));
    let wrong = a.write(2, packed("S1", "P1", &[("lotCode", "L1")]));
    a.write(3, voided(Subject::device("S1"), wrong));
    let service = serve(&[a.all(), a.status(950, 0)]);
    let lists = |position: u64| {
        let (_, answer) = service.json(&format!("/v1/recall?by=lotCode&value=L1&knownAt={position}"));
        ["units", "corrected"].map(|list| {
            answer[list].as_array().unwrap().iter().map(|unit| unit["serialNumber"].clone()).collect::<Vec<_>>()
        })
    };
    assert_eq!(lists(1), [vec!["S0"], vec![]]);
    assert_eq!(lists(2), [vec!["S0", "S1"], vec![]]);
    assert_eq!(lists(3), [vec!["S0"], vec!["S1"]]);
    let told = |position: u64| {
        let (_, history) = service.json(&format!("/v1/devices/S1/history?knownAt={position}"));
        let records = history["records"].as_array().unwrap();
        records.iter().map(|record| (record["event"].clone(), record["corrected"] == true)).collect::<Vec<_>>()
    };
    assert_eq!(told(2), [(json!("packed"), false)]);
    assert_eq!(told(3), [(json!("packed"), true), (json!("voided"), false)]);
}

/// Two packages, each in the other one: whoever looks for what was ever inside has to come to an end.
#[test]
fn what_goes_in_circles_is_answered_at_every_position() {
    let into = |inner: &str, outer: &str| Draft {
        into: vec![Joined::container(outer, Level::Package)],
        ..Draft::new(Event::Closed, Subject::container(inner))
    };
    let mut a = Station::new("a", 1);
    a.write(1, packed("S1", "P1", &[]));
    a.write(2, into("P1", "P2"));
    a.write(3, into("P2", "P1"));
    let service = serve(&[a.all(), a.status(950, 0)]);
    for (value, position, units) in
        [("P1", 1, vec!["S1"]), ("P2", 1, vec![]), ("P2", 2, vec!["S1"]), ("P2", 3, vec!["S1"]), ("P1", 3, vec!["S1"])]
    {
        let (_, answer) = service.json(&format!("/v1/recall?by=packageId&value={value}&knownAt={position}"));
        assert_eq!(serials(&answer), units, "{value} at {position}: {answer}");
    }
}
