//! Recalls by several conditions, by components and by time; what was known; genealogy and seals.

use super::*;
use crate::testkit::{assembled, taken_out};

#[test]
fn conditions_are_all_held_and_one_of_several_values_is_enough() {
    let service = serve(&line());
    let ask = |query: &str| service.json(&format!("/v1/recall?{query}"));
    let (status, both) = ask("lotCode=L1&packageId=P1");
    assert_eq!((status, serials(&both)), (200, vec!["S1", "S2"]), "{both}");
    assert_eq!(both["where"], json!([{"by": "lotCode", "values": ["L1"]}, {"by": "packageId", "values": ["P1"]}]));
    let why = &both["units"][1]["why"];
    assert_eq!((&why[0]["by"], &why[1]["value"], &why[1]["until"]), (&json!("lotCode"), &json!("P1"), &json!(at(7))));
    assert_eq!(serials(&ask("lotCode=L1&lotCode=L2&packageId=P2").1).len(), 1 + ODD.len(), "S2 moved there");
    assert_eq!(serials(&ask("lotCode=L1&packageId=P1&members=current").1), ["S1"]);
    assert_eq!(both["corrected"][0]["serialNumber"], "S3", "in both by mistake");
    assert_eq!(serials(&ask(&format!("lotCode=L1&packageId=P1&packageId=P2&asOf={}", at(6))).1), ["S1", "S2"]);
    assert_eq!(serials(&ask("lotCode=L1&packageId=P2&workOrder=WO-7").1), ["S2"]);
    assert_eq!(ask("lotCode=L1&packageId=none").1["error"]["code"], "unknownGroup");
    assert_eq!(ask("lotCode=L1&colour=red").1["error"]["code"], "unknownDimension");
    let (code, table, errors) =
        service.command(&["recall", "--where", "lotCode=L1", "--where", "packageId=P1", "--members", "current"]);
    assert!(code == 0 && table.contains("1 units are affected"), "{table}{errors}");
}

/// A component in another one, in a device.
fn built_in(component: &str, scope: &str, lot: &str, into: (&str, &str)) -> Draft {
    let device = Joined { kind: Kind::Device, id: into.0.into(), scope: into.1.into(), level: None };
    let component = Subject { scope: scope.into(), ..Subject::device(component) };
    Draft {
        into: vec![device],
        attributes: [("lotCode".to_owned(), lot.into())].into(),
        ..Draft::new(Event::Assembled, component)
    }
}

/// Cells of lot C1 in batteries in devices of two lots and packages; one battery was taken out again, one was never in.
fn components() -> Vec<Work> {
    let mut a = Station::new("bench", 1);
    for (n, (battery, device)) in
        [("B1", "S1"), ("B2", "S2"), ("B3", "S3"), ("B4", "S4"), ("B5", "S5")].iter().enumerate()
    {
        a.write(n as i64 + 1, assembled(battery, "BL", device));
    }
    let scope = "component:battery";
    for (n, (cell, lot, battery)) in
        [("C1", "CL1", "B1"), ("C2", "CL1", "B2"), ("C3", "CL2", "B3"), ("C4", "CL1", "B4"), ("C5", "CL1", "B5")]
            .iter()
            .enumerate()
    {
        a.write(n as i64 + 11, built_in(cell, "component:cell", lot, (battery, scope)));
    }
    let out = Joined { kind: Kind::Device, id: "S2".into(), scope: String::new(), level: None };
    let battery = Subject { scope: scope.into(), ..Subject::device("B2") };
    a.write(20, Draft { from: vec![out], reason: Some("worn".into()), ..Draft::new(Event::TakenOut, battery) });
    let wrong = RecordId { station: "bench".into(), series: a.series, seq: 4 };
    a.write(21, voided(Subject { scope: scope.into(), ..Subject::device("B4") }, wrong));
    let mut b = Station::new("pack-1", 2);
    for (n, (serial, package, lot)) in
        [("S1", "P1", "L1"), ("S2", "P2", "L1"), ("S3", "P2", "L2"), ("S4", "P3", "L2"), ("S5", "P3", "L2")]
            .iter()
            .enumerate()
    {
        b.write(n as i64 + 31, packed(serial, package, &[("lotCode", lot)]));
    }
    vec![a.all(), b.all(), a.status(950, 0), b.status(960, 0)]
}

#[test]
fn a_lot_of_components_names_the_devices_that_ever_contained_one_at_any_depth() {
    lot_of_components(&serve(&components()));
}

fn lot_of_components(service: &Running) {
    let ask = |query: &str| service.json(&format!("/v1/recall?{query}"));
    let in_devices = |answer: &Value| -> Vec<String> {
        let units = answer["units"].as_array().unwrap().iter();
        let units = units.filter(|unit| unit.get("scope").is_none());
        units.map(|unit| unit["serialNumber"].as_str().unwrap().to_owned()).collect()
    };
    let (status, lot) = ask("componentLot=CL1");
    assert_eq!((status, in_devices(&lot)), (200, vec!["S1".to_owned(), "S2".into(), "S5".into()]), "{lot}");
    assert_eq!(lot["count"], 3 + 4, "the devices, and the batteries that the cells are in");
    let s1 = lot["units"].as_array().unwrap().iter().find(|unit| unit["serialNumber"] == "S1").unwrap();
    assert_eq!((&s1["why"][0]["by"], &s1["why"][0]["value"]), (&json!("componentLot"), &json!("C1")));
    assert_eq!((&s1["why"][0]["lot"], &s1["packageId"]), (&json!("CL1"), &json!("P1")));
    assert!(lot["corrected"].as_array().unwrap().iter().any(|unit| unit["serialNumber"] == "S4"), "{lot}");
    assert_eq!(in_devices(&ask("componentLot=CL1&members=current").1), ["S1", "S5"], "B2 was taken out");
    assert_eq!(in_devices(&ask("componentLot=CL1&lotCode=L1").1), ["S1", "S2"]);
    assert_eq!(in_devices(&ask("componentLot=CL1&componentLot=CL2&packageId=P2").1), ["S2", "S3"]);
    assert_eq!(in_devices(&ask("componentLot=CL1&component=B1").1), ["S1"]);
    assert_eq!(in_devices(&ask("component=C3").1), ["S3"]);
    // Nobody has packed it, and it is affected all the same.
    let mut bench = Station::new("bench", 1);
    bench.write(1, assembled("B1", "BL", "S9"));
    let unseen = serve(&[bench.all(), bench.status(950, 0)]);
    let (_, answer) = unseen.json("/v1/recall?componentLot=BL");
    assert_eq!((serials(&answer), &answer["balance"]["unknown"]), (vec!["S9"], &json!(1)), "{answer}");
    assert_eq!(ask("component=none").1["error"]["code"], "unknownDevice");
    assert_eq!(ask("componentLot=none").1["error"]["code"], "unknownGroup");
    assert_eq!(in_devices(&ask(&format!("componentLot=CL1&asOf={}", at(12))).1), ["S1", "S2"], "C5 came later");
}

#[test]
fn the_same_is_answered_out_of_postgresql() {
    let Some(server) = crate::testkit::postgres("recalls out of PostgreSQL") else { return };
    drop(server.fresh());
    let service = serve_at(tempfile::tempdir().unwrap(), server.place(), &components(), PATIENCE);
    lot_of_components(&service);
    genealogy(&service);
    window(&service);
}

#[test]
fn genealogy_has_every_depth_in_both_directions() {
    genealogy(&serve(&components()));
}

fn genealogy(service: &Running) {
    let names = |path: &str| -> Vec<String> {
        let (status, answer) = service.json(path);
        assert!(status == 200 && answer["end"] == true, "{answer}");
        answer["devices"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["serialNumber"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names("/v1/devices/S1/genealogy"), ["B1", "C1"]);
    assert_eq!(names("/v1/devices/C1/genealogy?direction=up"), ["B1", "S1"]);
    assert_eq!(names("/v1/genealogy?serial=S1&direction=up"), [""; 0]);
    let (_, s2) = service.json("/v1/devices/S2/genealogy");
    assert_eq!((&s2["devices"][0]["until"], &s2["devices"][1]["until"]), (&json!(at(20)), &json!(at(20))));
    let (_, s4) = service.json("/v1/devices/S4/genealogy");
    assert_eq!((&s4["devices"][0]["corrected"], &s4["count"]), (&json!(true), &json!(0)));
    assert_eq!(names(&format!("/v1/devices/S1/genealogy?asOf={}", at(5))), ["B1"], "before the cell");
    assert_eq!(service.json("/v1/devices/S1/genealogy?direction=sideways").0, 400);
    let (code, table, _) = service.command(&["genealogy", "S1"]);
    assert!(code == 0 && table.contains("component:cell") && table.contains("CL1"), "{table}");
    let (_, up, _) = service.command(&["genealogy", "C1", "--direction", "up"]);
    assert!(up.contains("S1"), "{up}");
}

#[test]
fn a_window_names_who_was_handled_in_it() {
    window(&serve(&components()));
}

fn window(service: &Running) {
    let ask = |query: String| service.json(&format!("/v1/recall?{query}"));
    let window = |from: i64, until: i64| format!("from={}&until={}", at(from), at(until));
    assert_eq!(serials(&ask(window(32, 33)).1), ["S2", "S3"], "clocks leave a quarter of a second open");
    assert_eq!(serials(&ask(format!("station=pack-1&lotCode=L2&{}", window(32, 34))).1), ["S3", "S4"]);
    assert_eq!(serials(&ask(format!("station=bench&{}", window(31, 99))).1), [""; 0]);
    let (_, why) = ask(format!("lotCode=L1&{}", window(32, 33)));
    assert_eq!(why["units"][0]["why"][1]["value"], "pack-1 packed", "{why}");
    assert_eq!(serials(&ask(format!("lotCode=L2&from={}", at(35))).1), ["S5"], "an open end beside a group");
    assert_eq!(ask(format!("from={}", at(0))).1["error"]["code"], "windowTooWide");
    assert_eq!(ask("station=nowhere".to_owned()).1["error"]["code"], "unknownGroup");
}

#[test]
fn what_was_known_is_told_although_it_is_known_better_now() {
    // At position 3 the package stands on the pallet with S1 and S2 in it; then a second station says that S2 had been
    // taken out before, and S3 was packed by mistake.
    let mut a = Station::new("a", 1);
    let mut b = Station::new("b", 2);
    a.write(1, packed("S1", "P1", &[("lotCode", "L1")]));
    a.write(2, packed("S2", "P1", &[("lotCode", "L1")]));
    let wrong = a.write(5, packed("S3", "P1", &[("lotCode", "L1")]));
    a.write(6, closed("P1", "U1"));
    b.write(4, taken_out("S2", "P1"));
    a.write(7, voided(Subject::device("S3"), wrong));
    let service = serve(&[a.work(1, 4), b.all(), a.work(5, 5), a.status(950, 0), b.status(950, 0)]);
    let ask = |query: &str| service.json(&format!("/v1/recall?{query}")).1;
    assert_eq!(serials(&ask("by=palletId&value=U1")), ["S1"]);
    let then = ask("by=palletId&value=U1&knownAt=4");
    assert_eq!(serials(&then), ["S1", "S2", "S3"], "{then}");
    assert_eq!((&then["complete"], &then["knownAt"]), (&json!(false), &json!(4)));
    assert_eq!(serials(&ask("by=palletId&value=U1&knownAt=5")), ["S1", "S3"]);
    assert_eq!(serials(&ask("by=lotCode&value=L1&knownAt=1")), ["S1"]);
    assert_eq!(ask("by=lotCode&value=L1")["corrected"][0]["serialNumber"], "S3");
    assert_eq!(ask("by=lotCode&value=L1&knownAt=4")["corrected"], json!([]));
    assert_eq!(serials(&ask("serial=S1&by=palletId&knownAt=4")), ["S1", "S2", "S3"]);
    assert_eq!(service.json("/v1/recall?serial=S3&knownAt=1").1["error"]["code"], "unknownThen");
    assert_eq!(serials(&ask("lotCode=L1&packageId=P1&knownAt=2")), ["S1", "S2"]);
}

#[test]
fn a_time_before_the_beginning_of_a_group_is_no_answer() {
    let service = serve(&line());
    let (status, early) = service.json(&format!("/v1/recall?by=lotCode&value=L1&asOf={}", at(-5)));
    assert_eq!(
        (status, &early["error"]["code"], &early["error"]["since"]),
        (404, &json!("noGroupThen"), &json!(at(2)))
    );
    assert_eq!(service.json(&format!("/v1/recall?lotCode=L1&lotCode=L2&asOf={}", at(2))).1["count"], 1);
}

/// A seal of a work order.
fn sealed(order: &str, made: u64) -> Draft {
    let mut draft = Draft::new(Event::Sealed, Subject::new(Kind::WorkOrder, order));
    draft.attributes = [("made".to_owned(), made.into()), ("packed".to_owned(), made.into())].into();
    draft
}

#[test]
fn a_seal_that_counts_more_than_is_stored_names_the_station_and_the_difference() {
    let mut a = Station::new("pack-1", 1);
    let mut b = Station::new("pack-2", 2);
    let order = [("workOrder", "WO-7")];
    a.write(1, packed("S1", "P1", &order));
    a.write(2, packed("S2", "P1", &order));
    a.write(9, sealed("WO-7", 2));
    b.write(1, packed("S3", "P2", &order));
    b.write(2, sealed("WO-7", 3));
    b.write(3, packed("S4", "P2", &order));
    let service = serve(&[a.all(), b.all(), a.status(950, 0), b.status(960, 0)]);
    let (_, recall) = service.json("/v1/recall?workOrder=WO-7");
    let why = "station pack-2 has sealed 3 units of workOrder WO-7, and 1 are stored: 2 are missing";
    assert_eq!((&recall["complete"], &recall["completeness"]["why"]), (&json!(false), &json!([why])));
    service.put("/v1/work-orders/WO-7", json!({"terms": {"quantity": 6}}));
    let (status, balance) = service.json("/v1/work-orders/WO-7/balance");
    assert_eq!(
        (status, &balance["sealed"], &balance["sealedBeyondQuantity"]),
        (200, &json!(5), &json!(-1)),
        "{balance}"
    );
    assert_eq!((&balance["balance"]["made"], &balance["madeBeyondQuantity"]), (&json!(4), &json!(-2)));
    assert_eq!((&balance["seals"][0]["difference"], &balance["seals"][1]["stored"]), (&json!(0), &json!(1)));
    assert_eq!(service.json("/v1/work-orders/none/balance").0, 404);
    let (code, said, _) = service.command(&["work-order", "balance", "WO-7"]);
    assert!(code == 0 && said.contains("DIFFERENCE: station pack-2") && said.contains("ordered 6"), "{said}");
    // A container counts what is in it.
    let mut c = Station::new("pack-3", 3);
    c.write(1, packed("T1", "P9", &[]));
    c.write(
        2,
        Draft {
            attributes: [("made".to_owned(), 2.into())].into(),
            ..Draft::new(Event::Sealed, Subject::container("P9"))
        },
    );
    let service = serve(&[c.all(), c.status(950, 0)]);
    let (_, recall) = service.json("/v1/recall?by=packageId&value=P9");
    assert!(recall["completeness"]["why"][0].as_str().unwrap().contains("1 are missing"), "{recall}");
}

#[test]
fn what_goes_in_a_circle_is_named() {
    let (mut a, mut b) = (Station::new("bench", 1), Station::new("bench-2", 2));
    a.write(1, built_in("A", "component:x", "L1", ("B", "component:x")));
    b.write(2, built_in("B", "component:x", "L2", ("C", "component:x")));
    let back = a.write(3, built_in("C", "component:x", "L3", ("A", "component:x")));
    a.write(4, built_in("D", "component:x", "L4", ("A", "component:x")));
    a.write(5, built_in("E", "component:x", "L5", ("E", "component:x")));
    let service = serve(&[a.all(), b.all()]);
    let code = |serial: &str| {
        let (status, answer) = service.json(&format!("/v1/genealogy?serial={serial}&scope=component:x"));
        assert!(status == 200 && answer["end"] == true, "{answer}");
        answer["contradictions"][0]["code"].as_str().map(str::to_owned)
    };
    for serial in ["A", "B", "C", "D"] {
        assert_eq!(code(serial).as_deref(), Some("circle"), "{serial}");
    }
    assert_eq!(code("E").as_deref(), Some("in-itself"));
    let (_, listed) = service.json("/v1/contradictions");
    let of = |serial: &str| {
        let all = listed["contradictions"].as_array().unwrap().iter();
        all.filter(|one| one["id"] == serial).map(|one| one["text"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let says = "it goes in a circle: A is in B, says station bench; B is in C, says station bench-2; C is in A, says station bench";
    assert_eq!(of("A"), [says]);
    assert_eq!(of("D"), [says], "what is inside of it has no end above it");
    assert_eq!(of("E"), ["inside itself, says station bench: that is left out"]);
    let (exit, text, _) = service.command(&["genealogy", "A", "--scope", "component:x"]);
    assert!(exit == 0 && text.contains("CONTRADICTION: it goes in a circle"), "{text}");
    // Whoever takes the mistake back has settled it.
    let component = Subject { scope: "component:x".into(), ..Subject::device("C") };
    a.write(6, voided(component, back));
    let service = serve(&[a.all(), b.all()]);
    assert_eq!(service.json("/v1/contradictions").1["count"], 1, "only what is inside itself is left");
}

#[test]
fn genealogy_of_two_hundred_levels_and_of_merged_lots() {
    let mut a = Station::new("bench", 1);
    for n in 0..200 {
        let (inner, outer) = (format!("N{n:03}"), format!("N{:03}", n + 1));
        // Two lots of cells come together in the same battery, and go on in all that is around it.
        let lot = if n == 0 { "CELLS-1" } else { "REST" };
        a.write(n, built_in(&inner, "component:x", lot, (&outer, "component:x")));
    }
    a.write(200, built_in("OTHER", "component:x", "CELLS-2", ("N001", "component:x")));
    let top = Joined { kind: Kind::Device, id: "S1".into(), scope: String::new(), level: None };
    let subject = Subject { scope: "component:x".into(), ..Subject::device("N200") };
    a.write(201, Draft { into: vec![top], ..Draft::new(Event::Assembled, subject) });
    a.write(202, packed("S1", "P1", &[("lotCode", "UNITS")]));
    let service = serve(&[a.all()]);
    let (_, down) = service.json("/v1/devices/S1/genealogy");
    assert_eq!((&down["count"], down.get("contradictions")), (&json!(202), None));
    let (_, up) = service.json("/v1/genealogy?serial=N000&scope=component:x&direction=up");
    assert_eq!(up["count"], json!(201));
    for lot in ["CELLS-1", "CELLS-2"] {
        let (_, recall) = service.json(&format!("/v1/recall?componentLot={lot}&packageId=P1"));
        let all = serials(&recall);
        assert_eq!((all.len(), all[0], all[200]), (201, "N001", "S1"), "{lot}: whatever is around it, and that in P1");
    }
    let (_, both) = service.json("/v1/recall?componentLot=CELLS-1&componentLot=CELLS-2&lotCode=UNITS");
    assert_eq!(serials(&both), ["S1"]);
}
