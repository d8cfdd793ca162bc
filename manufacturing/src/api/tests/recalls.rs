//! Recalls as objects, their papers, and drills.

use super::*;
use crate::testkit::{despatched, scrapped};

/// Lot L1 in two packages; one unit moved into another lot, one despatched, one scrap.
fn lot() -> Vec<Work> {
    let mut a = Station::new("pack-1", 1);
    a.write(1, packed("S1", "P1", &[("lotCode", "L1"), ("connhexId", "cx-1")]));
    a.write(2, packed("S2", "P1", &[("lotCode", "L1")]));
    a.write(3, packed("S3", "P2", &[("lotCode", "L1")]));
    a.write(4, packed("S3", "P2", &[("lotCode", "L2")]));
    a.write(5, scrapped("S2"));
    a.write(6, closed("P2", "U1"));
    a.write(7, despatched("U1", "<ACME>"));
    a.write(8, packed("T1", "P3", &[("lotCode", "L3")]));
    vec![a.all(), a.status(950, 0)]
}

#[test]
fn a_recall_is_opened_kept_and_closed_with_its_figures() {
    let service = serve(&lot());
    let notice = json!({"product": "Pump", "hazard": "It smokes, a precautionary word", "remedies": ["refund"]});
    let body = json!({"question": {"lotCode": "L1"}, "reason": "it smokes", "notice": notice});
    let position = service.json("/healthz").1["position"].clone();
    let (status, recall) = service.post("/v1/recalls", body.clone());
    assert_eq!(
        (status, &recall["recall"], &recall["state"]),
        (200, &json!("R-20260301-1"), &json!("open")),
        "{recall}"
    );
    assert_eq!((&recall["count"], &recall["complete"], &recall["knownAt"]), (&json!(3), &json!(true), &position));
    let balance = json!({"made": 3, "packed": 1, "despatched": 1, "assembled": 0, "unpacked": 0, "scrapped": 1,
                         "tested": 0, "unknown": 0});
    assert_eq!(recall["balance"], balance);
    assert_eq!(recall["keeps"], json!({"lots": 1, "serials": 1}), "the lot, and the unit that left it");
    let held: Vec<&Value> = recall["holds"].as_array().unwrap().iter().collect();
    assert_eq!((&held[0]["serialNumber"], &held[1]["lotCode"]), (&json!("S3"), &json!("L1")));
    assert_eq!(service.json("/v1/devices/S1").1["onHold"][0]["recall"], "R-20260301-1");

    let (_, second) = service.post("/v1/recalls", json!({"question": {"serial": "T1"}, "reason": "r", "hold": false}));
    assert_eq!((&second["recall"], &second["keeps"]["serials"]), (&json!("R-20260301-2"), &json!(0)));
    assert_eq!(
        service.post("/v1/recalls", json!({"id": "R-20260301-1", "question": {"lotCode": "L1"}, "reason": "r"})).0,
        409
    );

    let (_, list) = service.json("/v1/recalls?state=open");
    assert_eq!((list["recalls"].as_array().unwrap().len(), &list["recalls"][1]["reason"]), (2, &json!("it smokes")));
    let (status, closed) =
        service.post("/v1/recalls/R-20260301-1/close", json!({"reason": "all back", "figures": {"returned": 2}}));
    assert_eq!((status, &closed["state"], &closed["holds"]), (200, &json!("closed"), &json!([])), "{closed}");
    assert_eq!((&closed["closed"]["figures"], &closed["closed"]["balance"]), (&json!({"returned": 2}), &balance));
    assert_eq!(closed["closed"]["digest"], recall["digest"], "the same list");
    assert!(service.json("/v1/devices/S1").1.get("onHold").is_none());
    assert_eq!(
        service.post("/v1/recalls/R-20260301-1/close", json!({"reason": "r"})).1["error"]["code"],
        "alreadyClosed"
    );
    assert_eq!(service.json("/v1/recalls/none").0, 404);
}

#[test]
fn a_bad_recall_is_refused_whole_with_what_is_allowed() {
    let service = serve(&lot());
    for (body, status, code) in [
        (json!({"question": {"lotCode": "L1"}, "reason": " "}), 400, "badRequest"),
        (json!({"question": {}, "reason": "r"}), 400, "badRequest"),
        (json!({"question": {"lotCode": 7}, "reason": "r"}), 400, "badRequest"),
        (json!({"question": {"colour": "red"}, "reason": "r"}), 400, "unknownDimension"),
        (json!({"question": {"lotCode": "L9"}, "reason": "r"}), 404, "unknownGroup"),
        (json!({"question": {"serial": "none"}, "reason": "r"}), 404, "unknownDevice"),
        (json!({"question": {"lotCode": "L1"}, "reason": "r", "id": "a/b"}), 400, "badRequest"),
        (json!({"question": {"lotCode": "L1"}, "reason": "r", "notice": {"colour": "red"}}), 400, "badRequest"),
        (json!({"question": {"lotCode": "L1"}, "reason": "r", "notice": {"brand": "a\nb"}}), 400, "badRequest"),
    ] {
        let (found, answer) = service.post("/v1/recalls", body.clone());
        assert_eq!((found, &answer["error"]["code"]), (status, &json!(code)), "{body}: {answer}");
        assert!(!answer["error"]["help"].as_str().unwrap().is_empty(), "{body}");
    }
    assert_eq!(service.json("/v1/recalls").1, json!({"recalls": []}));
    assert_eq!(service.json("/v1/holds").1["holds"], json!([]), "nothing half-done");
    service.post("/v1/recalls", json!({"id": "R1", "question": {"lotCode": "L1"}, "reason": "r"}));
    assert_eq!(service.post("/v1/recalls/R1/close", json!({"reason": "r", "figures": {"a": -1}})).0, 400);
}

#[test]
fn the_papers_of_a_recall_name_every_unit_and_what_is_missing() {
    let service = serve(&lot());
    let notice = json!({"hazard": "a voluntary step"});
    service.post("/v1/recalls", json!({"id": "R1", "question": {"lotCode": "L1"}, "reason": "<b>", "notice": notice}));
    let (status, media, page) = service.raw("/v1/recalls/R1/report", "text/html");
    assert_eq!((status, &*media), (StatusCode::OK, "text/html; charset=utf-8"));
    for says in [
        "Product safety recall",
        "S1 to S3",
        "says &quot;voluntary&quot;",
        "&lt;ACME&gt;",
        "&lt;b&gt;",
        "<td>S2</td>",
        "The list is complete",
        "End of the list: 3 units, complete",
    ] {
        assert!(page.contains(says), "{says}: {page}");
    }
    assert!(!page.contains("<b>") && !page.contains("<ACME>"), "nothing scanned or typed is markup");
    let (_, _, json) = service.raw("/v1/recalls/R1/report", "application/json");
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["figures"]["serials"], json!([["S1", "S3"]]));
    assert_eq!(report["figures"]["consignees"][0]["units"], 1);
    assert_eq!(report["figures"]["withoutIdentity"], 2);
    let (_, _, csv) = service.raw("/v1/recalls/R1/identities?format=csv", "text/csv");
    assert_eq!(csv, "connhexId,serialNumber,scope\r\n\"cx-1\",\"S1\",\"\"\r\n#end,1,complete,2\r\n");
    let (_, _, lines) = service.raw("/v1/recalls/R1/identities", "*/*");
    let end = json!({"end": true, "count": 1, "without": 2, "complete": true});
    assert_eq!(serde_json::from_str::<Value>(lines.lines().last().unwrap()).unwrap(), end);
    assert_eq!(service.raw("/v1/recalls/none/report", "text/html").0, StatusCode::NOT_FOUND);
}

#[test]
fn a_drill_is_timed_and_kept() {
    let service = serve(&lot());
    let (status, drill) = service.post("/v1/drills", json!({"serialNumber": "S1"}));
    assert_eq!(
        (status, &drill["count"], &drill["by"], &drill["complete"]),
        (200, &json!(3), &json!("lotCode"), &json!(true))
    );
    assert!(drill["allMs"].as_f64().unwrap() >= drill["firstByteMs"].as_f64().unwrap(), "{drill}");
    let (status, drawn) = service.post("/v1/drills", json!({}));
    assert!(status == 200 && drawn["count"].as_u64().unwrap() >= 1, "{drawn}");
    let (_, kept) = service.json("/v1/drills");
    assert_eq!((kept["drills"].as_array().unwrap().len(), &kept["drills"][1]["count"]), (2, &json!(3)));
    assert_eq!(service.post("/v1/drills", json!({"serialNumber": "none"})).0, 404);
    let empty = serve(&[]);
    assert_eq!(empty.post("/v1/drills", json!({})).1["error"]["code"], "noDevice");
}

#[test]
fn commands_open_show_and_close_a_recall_and_drill() {
    let service = serve(&lot());
    let notice = service._folder.path().join("notice.json");
    std::fs::write(&notice, r#"{"product":"Pump"}"#).unwrap();
    let file = notice.to_str().unwrap();
    let (code, said, errors) = service.change(&[
        "recall",
        "create",
        "--where",
        "lotCode=L1",
        "--reason",
        "it smokes",
        "--notice",
        file,
        "--actor",
        "quality 7",
    ]);
    assert!(code == 0 && said.contains("R-20260301-1") && said.contains("3 units"), "{said}{errors}");
    let (code, list, _) = service.command(&["recall", "list"]);
    assert!(code == 0 && list.contains("lotCode L1"), "{list}");
    let (code, shown, _) = service.command(&["recall", "show", "R-20260301-1"]);
    assert!(code == 0 && shown.contains("it smokes") && shown.contains("despatched 1"), "{shown}");
    let closed = service.change(&["recall", "close", "R-20260301-1", "--reason", "done", "--figure", "returned=2"]);
    assert!(closed.0 == 0 && closed.1.contains("closed 2026-03-01T12:16:40Z by admin: done"), "{closed:?}");
    assert!(closed.1.contains("opened 2026-03-01T12:16:40Z by quality 7"), "{closed:?}");
    let (_, _, page) = service.raw("/v1/recalls/R-20260301-1/report", "text/html");
    for (name, who) in [("Opened by", "quality 7"), ("Closed by", "admin"), ("Closed because", "done")] {
        assert!(page.contains(&format!("<td>{name}</td><td>{who}</td>")), "{name}: {page}");
    }
    assert_eq!(service.change(&["recall", "close", "R-20260301-1", "--reason", "done"]).0, 1);
    let (code, drill, errors) = service.change(&["drill", "--serial", "S1"]);
    assert!(code == 0 && drill.contains("3 units"), "{drill}{errors}");
    let (code, _, errors) = service.change(&["drill", "--serial", "S1", "--actor", "night shift"]);
    assert_eq!(code, 0, "{errors}");
    let kept = service.json("/v1/drills").1["drills"].clone();
    assert_eq!((&kept[0]["actor"], &kept[1]["actor"]), (&json!("night shift"), &json!("admin")));
    let wrong = service.post("/v1/drills", json!({"serialNumber": "S1", "actor": "a\nb"}));
    assert_eq!((wrong.0, &wrong.1["error"]["code"]), (400, &json!("badRequest")));
}
