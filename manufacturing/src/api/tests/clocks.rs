//! Times of records whose clock was wrong.

use records::Stamp;

use super::*;

/// A station that starts in 1970, packs, is synchronised and moves; and one that never was.
fn stations() -> Vec<Work> {
    let stamp = |boot: &str, since: i64, wall, synchronised| {
        let wall = if synchronised { at(wall) } else { jiff::Timestamp::from_second(wall).unwrap() };
        Stamp { wall, synchronised, boot: boot.into(), since_boot: since.unsigned_abs() * 1000 }
    };
    let mut a = Station::new("a", 1);
    a.write_at(stamp("b1", 60, 60, false), packed("S1", "P1", &[("lotCode", "L1")]));
    a.write_at(stamp("b1", 160, 200, true), packed("S2", "P1", &[("lotCode", "L1")]));
    a.write_at(stamp("b2", 9, 9, false), moved("S1", "P1", "P2"));
    let mut b = Station::new("b", 2);
    b.write_at(stamp("b3", 60, 60, false), packed("S3", "P3", &[("lotCode", "L1")]));
    vec![a.all(), b.all(), a.status(950, 0), b.status(960, 0)]
}

#[test]
fn a_history_says_when_it_happened_and_how_that_is_known() {
    let service = serve(&stations());
    let (_, history) = service.json("/v1/devices/S1/history");
    let records = history["records"].as_array().unwrap();
    assert_eq!(records[0]["at"]["wall"], "1970-01-01T00:01:00Z", "what was recorded stays as it is");
    let projected =
        json!({"earliest": "2026-03-01T12:01:39.744Z", "latest": "2026-03-01T12:01:40.256Z", "trust": "projected"});
    assert_eq!(records[0]["happened"], projected);
    let bounded =
        json!({"earliest": "2026-03-01T12:03:19.749Z", "latest": "2026-03-01T12:15:00.25Z", "trust": "bounded"});
    assert_eq!(records[1]["happened"], bounded, "after the last record of the boot before, and received at 12:15");
    assert_eq!(service.json("/v1/devices/S2/history").1["records"][0]["happened"]["trust"], "synchronised");
    let (_, table, _) = service.command(&["history", "S1"]);
    assert!(
        table.contains("\n~2026-03-01T12:01:40Z ")
            && table.contains("\n?2026-03-01T12:03:20Z to 2026-03-01T12:15:00Z "),
        "{table}"
    );
    assert!(table.contains("? clock not synchronised; the time may be wrong"), "{table}");
}

#[test]
fn a_time_asked_for_leaves_out_nothing_that_can_have_happened_by_then() {
    let service = serve(&stations());
    let count = |time: &str, path: &str| {
        service.json(&format!("{path}asOf=2026-03-01T{time}Z")).1["records"].as_array().unwrap().len()
    };
    assert_eq!(count("12:01:39", "/v1/devices/S1/history?"), 0);
    assert_eq!(count("12:01:40", "/v1/devices/S1/history?"), 1);
    assert_eq!(count("12:04:00", "/v1/devices/S1/history?"), 2, "it can have moved by then");
    let recalled = |time: &str| {
        let (_, answer) = service.json(&format!("/v1/recall?value=L1&by=lotCode&asOf=2026-03-01T{time}Z"));
        serials(&answer).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(recalled("12:01:39"), ["S3"], "nobody can say when that one was packed");
    assert_eq!(recalled("12:01:40"), ["S1", "S3"]);
    assert_eq!(recalled("12:03:20"), ["S1", "S2", "S3"]);
    let (_, answer) = service.json("/v1/recall?value=L1&by=lotCode&asOf=2026-03-01T12:05:00Z");
    let moving = unit(&answer, "S1");
    assert_eq!((&moving["packageIds"], &moving["contested"]), (&json!(["P1", "P2"]), &json!(true)), "in one of both");
    let (_, device) = service.json("/v1/devices/S1");
    let package = &device["memberships"][1];
    assert_eq!((&package["value"], &package["earliest"]), (&json!("P1"), &json!("2026-03-01T12:01:39.744Z")));
    assert_eq!(package["latest"], "2026-03-01T12:15:00.25Z");
}

#[test]
fn what_two_stations_say_of_a_unit_at_times_that_overlap_counts_both_ways() {
    let mut a = Station::new("a", 1);
    a.write(100, packed("S1", "P1", &[("lotCode", "L1")]));
    a.write(101, packed("S2", "P1", &[("lotCode", "L1")]));
    let mut b = Station::new("b", 2);
    let never = Stamp { synchronised: false, boot: "b3".into(), ..crate::testkit::stamp(200) };
    b.write_at(never, packed("S1", "P1", &[("lotCode", "L2")]));
    let service = serve(&[a.all(), b.all(), a.status(950, 0), b.status(960, 0)]);
    for (lot, units) in [("L1", vec!["S1", "S2"]), ("L2", vec!["S1"])] {
        let (_, answer) = service.json(&format!("/v1/recall?by=lotCode&value={lot}&members=current"));
        assert_eq!(serials(&answer), units);
        let unit = &answer["units"][0];
        assert_eq!(
            (&unit["contested"], &unit["current"], &unit["packageIds"]),
            (&json!(true), &json!(true), &json!(["P1"])),
            "{unit}"
        );
    }
    let (_, device) = service.json("/v1/devices/S1");
    assert_eq!((&device["contested"], &device["contradictions"][0]["code"]), (&json!(true), &json!("unordered")));
    assert_eq!(service.json("/v1/devices/S2").1["contested"], json!(false));
}

/// On a pallet with its package: by a station that never knew the time, of a package that was packed at a known time.
#[test]
fn what_is_reached_through_several_records_is_not_reached_before_the_last_of_them() {
    let (mut a, mut b) = (Station::new("a", 1), Station::new("b", 2));
    a.write(60, packed("S1", "P1", &[]));
    let never = |seconds| Stamp { synchronised: false, boot: "b3".into(), ..crate::testkit::stamp(seconds) };
    b.write_at(never(70), closed("P1", "U1"));
    let work = [a.all(), b.all(), a.status(950, 0), b.status(960, 0)];
    reached(&serve(&work));
    let Some(server) = crate::testkit::postgres("places through several records out of PostgreSQL") else { return };
    drop(server.fresh());
    reached(&serve_at(tempfile::tempdir().unwrap(), server.place(), &work, PATIENCE));
}

fn reached(service: &Running) {
    let ask = |second: i64, known: &str| {
        service.json(&format!("/v1/recall?by=palletId&value=U1&asOf={}{known}", at(second))).1
    };
    assert_eq!(ask(20, "")["error"]["code"], "noGroupThen", "it was not even packed");
    assert_eq!(ask(20, "&knownAt=2")["count"], 0);
    for known in ["", "&knownAt=2"] {
        let then = ask(60, known);
        let unit = unit(&then, "S1");
        assert_eq!((&unit["state"], &unit["palletId"]), (&json!("packed"), &json!("U1")), "{then}");
    }
    let (_, device) = service.json("/v1/devices/S1");
    assert_eq!(device["memberships"][1]["earliest"], "2026-03-01T12:00:59.75Z", "{device}");
}
