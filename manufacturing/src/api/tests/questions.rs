//! Finding what is meant, groups, and recalls that begin with one.

use super::*;

#[test]
fn a_serial_that_no_path_can_hold_is_asked_for_in_the_query() {
    let mut station = Station::new("pack-1", 1);
    station.write(1, packed("..", "P1", &[("lotCode", "L1")]));
    let service = serve(&[station.all()]);
    assert_eq!(service.json("/v1/devices?serial=..").1["serialNumber"], "..");
    assert_eq!(service.json("/v1/history?serial=..").1["records"][0]["seq"], 1);
    assert_eq!(service.json("/v1/groups?serial=..").1["groups"][0]["dimension"], "lotCode");
    assert_eq!(service.json("/v1/devices").0, 400);
    assert_eq!(service.json("/v1/devices/x?serial=..").0, 400, "two serials are no question");
}

#[test]
fn the_groups_of_a_device_are_as_large_as_their_recalls() {
    let service = serve(&line());
    let (_, answer) = service.json("/v1/devices/S2/groups");
    let groups = answer["groups"].as_array().unwrap();
    let dimensions: Vec<&str> = groups.iter().map(|group| group["dimension"].as_str().unwrap()).collect();
    assert_eq!(dimensions, ["lotCode", "workOrder", "palletId", "packageId"]);
    for group in groups {
        let by = group["dimension"].as_str().unwrap();
        let (_, recall) = service.json(&format!("/v1/recall?serial=S2&by={by}"));
        assert_eq!((&group["units"], &group["values"]), (&recall["count"], &recall["values"]), "{by}");
    }
    assert_eq!(service.json("/v1/devices/S3/groups").1["groups"], json!([]), "it was never in one");
    assert_eq!(service.json("/v1/devices/S1/groups").1["error"]["code"], "ambiguous");
    assert_eq!(service.json("/v1/devices/none/groups").0, 404);
}

#[test]
fn a_large_group_is_counted_as_far_as_is_worth_it() {
    let mut a = Station::new("a", 1);
    for n in 0..10_001 {
        a.write(n, packed(&format!("S{n:05}"), "P1", &[("lotCode", if n == 0 { "M" } else { "L" })]));
    }
    let works: Vec<Work> = (0..21).map(|n| a.work(n * 500 + 1, (n * 500 + 500).min(10_001))).collect();
    let service = serve(&works);
    let (_, answer) = service.json("/v1/devices/S00001/groups");
    assert_eq!((&answer["groups"][0]["units"], answer["groups"][0].get("more")), (&json!(10_000), None));
    assert_eq!((&answer["groups"][1]["units"], &answer["groups"][1]["more"]), (&json!(10_000), &json!(true)));
}

#[test]
fn a_recall_may_begin_with_a_group_and_a_link_may_name_its_format() {
    let service = serve(&line());
    let (status, lot) = service.json("/v1/recall?by=lotCode&value=L1");
    assert_eq!((status, serials(&lot), lot.get("serialNumber")), (200, vec!["S1", "S2", "S4"], None));
    assert_eq!((&lot["values"], &lot["corrected"][0]["serialNumber"]), (&json!([{"value": "L1"}]), &json!("S3")));
    let (_, _, csv) = service.raw("/v1/recall?by=lotCode&value=L1&format=csv", "application/json");
    assert_eq!(csv.lines().last(), Some("#end,3,complete"));
    let (_, media, ndjson) = service.raw("/v1/recall?by=lotCode&value=L1&format=ndjson", "text/html");
    assert_eq!((&*media, ndjson.lines().count()), ("application/x-ndjson", 1 + 3 + 1 + 1));
    let code = |path: &str| {
        let (status, body) = service.json(path);
        (status, body["error"]["code"].as_str().unwrap().to_owned())
    };
    assert_eq!(code("/v1/recall?by=lotCode&value=L9"), (404, "unknownGroup".into()));
    assert_eq!(code("/v1/recall?by=colour&value=red"), (400, "unknownDimension".into()));
    assert_eq!(code("/v1/recall?value=L1"), (400, "badRequest".into()));
    assert_eq!(code("/v1/recall?by=lotCode&value=L1&serial=S1"), (400, "badRequest".into()));
    assert_eq!(code("/v1/recall?serial=S2&format=xml"), (400, "badRequest".into()));

    let (exit, table, _) = service.command(&["recall", "--by", "lotCode", "--value", "L1"]);
    assert!(exit == 0 && table.starts_with("Recall by lotCode: L1\n") && table.contains("3 units"), "{table}");
    assert_eq!(service.command(&["recall", "--value", "L1"]).0, 2);
    assert_eq!(service.command(&["recall", "--by", "lotCode", "--value", "L1", "--serial", "S1"]).0, 2);
}

#[test]
fn what_was_scanned_is_found_as_a_device_or_a_group() {
    let mut works = line();
    let mut pallet = Station::new("pack-5", 5);
    pallet.write(1, packed("T1", "395212340002000012", &[("lotCode", "T1")]));
    works.push(pallet.all());
    let service = serve(&works);
    let found = |text: &str| {
        let query = reqwest::Url::parse_with_params("http://x/", [("q", text)]).unwrap();
        service.json(&format!("/v1/search?{}", query.query().unwrap())).1
    };
    assert_eq!(found("S2")["devices"], json!([{"serialNumber": "S2", "scope": ""}]));
    assert_eq!(found("cx-4")["devices"][0]["serialNumber"], "S4");
    assert_eq!(found("S1")["devices"].as_array().unwrap().len(), 2, "the device and the radio");
    assert_eq!(found("U1")["groups"], json!([{"dimension": "palletId", "value": "U1", "units": 3}]));
    let both = found("T1");
    assert_eq!((both["devices"].as_array().unwrap().len(), &both["groups"][0]["dimension"]), (1, &json!("lotCode")));
    for label in ["00395212340002000012", "(00)395212340002000012", "]C100395212340002000012\r"] {
        assert_eq!(found(label)["groups"][0]["value"], "395212340002000012", "{label}");
    }
    for serial in ODD {
        assert_eq!(found(serial)["devices"][0]["serialNumber"], serial);
    }
    let nothing = found("S");
    assert_eq!((&nothing["devices"], &nothing["groups"]), (&json!([]), &json!([])));
    let beginning = nothing["beginning"].as_array().unwrap();
    assert_eq!(beginning.len(), 5, "S1 and its radio, S2, S3, S4, and not what was only refused: {beginning:?}");
    assert_eq!(found("R")["beginning"], json!([]));
    // The line below the barcode, and a text that began a file.
    for typed in ["3 9521234 000200001 2", "(00) 3 9521234 000200001 2", "\u{feff}395212340002000012"] {
        assert_eq!(found(typed)["groups"][0]["value"], "395212340002000012", "{typed}");
    }
    assert_eq!(found("\u{feff}S2")["devices"][0]["serialNumber"], "S2");
    // Another case is offered and never assumed.
    let other = found("s2");
    assert_eq!((&other["devices"], &other["groups"]), (&json!([]), &json!([])));
    assert_eq!(other["otherCase"]["devices"], json!([{"serialNumber": "S2", "scope": ""}]));
    assert_eq!(found("wo-7")["otherCase"]["groups"][0]["value"], "WO-7");
    assert_eq!(found("S2")["otherCase"], json!({"devices": [], "groups": []}));
    assert_eq!(service.json("/v1/search?q=").0, 400);
}

#[test]
fn a_recall_takes_the_label_of_a_package_or_pallet() {
    let mut station = Station::new("pack-5", 5);
    station.write(1, packed("T1", "395212340002000012", &[("lotCode", "00395212340002000012")]));
    let service = serve(&[station.all()]);
    let ask = |by: &str, value: &str| {
        let query = reqwest::Url::parse_with_params("http://x/", [("by", by), ("value", value)]).unwrap();
        service.json(&format!("/v1/recall?{}", query.query().unwrap()))
    };
    for label in [
        "395212340002000012",
        "00395212340002000012",
        "(00)395212340002000012",
        "]C100395212340002000012",
        "(00) 3 9521234 000200001 2",
    ] {
        let (status, answer) = ask("packageId", label);
        assert_eq!((status, &answer["values"]), (200, &json!([{"value": "395212340002000012"}])), "{label}");
        assert_eq!(serials(&answer), ["T1"], "{label}");
    }
    assert_eq!(ask("lotCode", "00395212340002000012").1["values"][0]["value"], "00395212340002000012");
    assert_eq!(ask("lotCode", "395212340002000012").0, 404, "a lot is no label");
    assert_eq!(ask("palletId", "(00)395212340002000012").0, 404);
}

#[test]
fn a_time_before_the_group_is_no_never() {
    let service = serve(&line());
    // S2 came onto the pallet U1 at the second 6.
    let (status, answer) = service.json("/v1/recall?serial=S2&by=palletId&asOf=2026-03-01T12:00:04Z");
    let error = &answer["error"];
    assert_eq!((status, &error["code"], &error["since"]), (404, &json!("noGroupThen"), &json!(at(6))));
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("was in no group of palletId at 2026-03-01T12:00:04Z; it"), "{message}");
    assert!(message.ends_with("; it was in one from 2026-03-01T12:00:06Z") && !message.contains("never"), "{message}");
    assert!(error["help"].as_str().unwrap().contains("without asOf"));
    let (_, answer) = service.json("/v1/recall?serial=S2&asOf=2026-03-01T11:00:00Z");
    assert_eq!(answer["error"]["code"], "noGroupThen", "without a dimension as well");
    assert!(answer["error"]["message"].as_str().unwrap().ends_with("; it is in one since 2026-03-01T12:00:03Z"));
    let (_, answer) = service.json("/v1/recall?serial=S3&by=palletId&asOf=2026-03-01T12:00:04Z");
    assert_eq!(answer["error"]["code"], "noGroup", "S3 never was, at no time");
}

#[test]
fn a_contested_device_is_told_with_every_place_and_none_is_chosen() {
    let service = serve(&line());
    let (_, device) = service.json("/v1/devices/S4");
    assert_eq!((&device["contested"], &device["packageIds"]), (&json!(true), &json!(["P3", "P4"])));
    assert!(device.get("packageId").is_none() && device.get("palletIds").is_none());
    assert_eq!(service.json("/v1/devices/S2").1["packageId"], "P2");
}

#[test]
fn a_spreadsheet_gets_the_question_the_statement_and_cells_that_stay_texts() {
    let service = serve(&line());
    let (status, media, csv) =
        service.raw("/v1/recall?by=lotCode&value=L2&format=csv&for=spreadsheet", "application/json");
    assert_eq!((status, &*media), (StatusCode::OK, "text/csv; charset=utf-8"));
    assert!(csv.starts_with("\u{feff}\"question\","), "{csv}");
    assert!(csv.contains("\"value\",\"L2\"\r\n") && csv.contains("\"statement\",\"complete\""), "{csv}");
    assert!(csv.contains("\"'=1+1\"") && csv.ends_with("#end,9,complete\r\n"), "{csv}");
    let (_, _, by_accept) = service.raw("/v1/recall?by=lotCode&value=L2&for=spreadsheet", "text/csv");
    assert_eq!(by_accept, csv);
    for wrong in ["format=json&for=spreadsheet", "for=spreadsheet", "format=csv&for=people"] {
        assert_eq!(service.json(&format!("/v1/recall?by=lotCode&value=L2&{wrong}")).0, 400, "{wrong}");
    }
    let mut works = line();
    let mut late = Station::new("pack-3", 3);
    (0..3).for_each(|n| drop(late.write(n, packed("T", "P9", &[]))));
    works.extend([late.work(1, 1), late.status(960, 2)]);
    let (_, _, csv) = serve(&works).raw("/v1/recall?serial=S2&for=spreadsheet", "text/csv");
    assert!(csv.contains("\"statement\",\"NOT COMPLETE: further units may be affected\""), "{csv}");
    assert!(csv.contains("\"reason\",\"station pack-3: records 2 to 3 are missing\""), "{csv}");
    assert!(csv.contains("\"serialNumber\",\"S2\",\"\"\r\n") && csv.ends_with("#end,3,incomplete\r\n"), "{csv}");
}

#[test]
fn what_was_stored_last_is_told_first() {
    let service = serve(&line());
    let (status, answer) = service.json("/v1/recent?most=2");
    let devices: Vec<&str> =
        answer["devices"].as_array().unwrap().iter().map(|d| d["serialNumber"].as_str().unwrap()).collect();
    assert_eq!((status, devices), (200, vec!["S4", "S1"]), "the last one, and the radio within S1");
    assert_eq!(answer["devices"][1]["scope"], "component:radio");
    let groups = json!([{"dimension": "lotCode", "value": "L1"}, {"dimension": "lotCode", "value": "RADIO-9"}]);
    assert_eq!(answer["groups"], groups);
    assert_eq!(service.json("/v1/recent").1["devices"].as_array().unwrap().len(), 5);
    for wrong in ["0", "51", "x", ""] {
        assert_eq!(service.json(&format!("/v1/recent?most={wrong}")).0, 400, "{wrong}");
    }
    assert_eq!(serve(&[]).json("/v1/recent"), (200, json!({"devices": [], "groups": []})));
}

#[test]
fn a_replaced_journal_is_told_apart_from_the_one_that_goes_on() {
    let (mut first, mut second) = (Station::new("pack-1", 1), Station::new("pack-1", 2));
    first.write(1, packed("S1", "P1", &[]));
    second.write(2, packed("S2", "P2", &[]));
    let service = serve(&[first.all(), first.status(900, 0), second.all(), second.status(950, 0)]);
    let (_, answer) = service.json("/v1/stations");
    assert_eq!(
        (&answer["stations"][0]["superseded"], &answer["stations"][1]["superseded"]),
        (&json!(true), &json!(false))
    );
}

#[test]
fn the_pages_stand_beside_the_interface() {
    let service = serve(&[]);
    let (status, media, body) = service.raw("/", "text/html");
    assert_eq!((status, &*media), (StatusCode::OK, "text/html; charset=utf-8"));
    assert!(body.contains("id=\"search\""));
}

#[test]
fn a_unit_in_two_places_is_told_with_both_and_a_time_with_the_place_of_then() {
    let service = serve(&line());
    let (_, now) = service.json("/v1/recall?serial=S1&by=lotCode&scope=");
    let contested = unit(&now, "S4");
    assert_eq!((&contested["contested"], &contested["packageIds"]), (&json!(true), &json!(["P3", "P4"])));
    assert!(contested.get("packageId").is_none(), "nothing is guessed");
    assert_eq!(unit(&now, "S2")["packageId"], "P2");
    let (_, then) = service.json("/v1/recall?serial=S1&by=lotCode&scope=&asOf=2026-03-01T12:00:05Z");
    assert_eq!((&unit(&then, "S4")["packageId"], &unit(&then, "S2")["packageId"]), (&json!("P3"), &json!("P1")));
    assert!(unit(&then, "S1").get("palletId").is_none(), "its package was closed a second later");
}

#[test]
fn a_serial_number_can_be_asked_for_whatever_identity_another_device_has() {
    let mut station = Station::new("pack-1", 1);
    station.write(1, packed("B", "P1", &[("lotCode", "L1")]));
    station.write(2, packed("A", "P1", &[("lotCode", "L2"), ("connhexId", "B")]));
    station.write(3, packed("C", "P1", &[("lotCode", "L3"), ("connhexId", "cx")]));
    let service = serve(&[station.all()]);
    assert_eq!(service.json("/v1/recall?serial=B").1["values"][0]["value"], "L1");
    assert_eq!(service.json("/v1/devices/cx").1["serialNumber"], "C");
    assert_eq!(service.json("/v1/recall?serial=%ff").0, 400, "not an answer about another serial");
}
