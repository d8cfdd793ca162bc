//! Changes over HTTP and with the commands: by whom, of what, and what is then true.

use super::*;
use crate::testkit::packed;

const KEY: &str = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";

impl Running {
    /// Posts with these headers; answers with status and body.
    pub(super) fn post_with(&self, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, Value) {
        self.runtime.block_on(async {
            let client = base::http::client(None).unwrap();
            let mut request = client.post(format!("http://{}{path}", self.address)).body(body.to_owned());
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let response = request.send().await.unwrap();
            let status = response.status().as_u16();
            (status, response.json().await.unwrap())
        })
    }

    pub(super) fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let headers = [("authorization", "Bearer let-me-in"), ("content-type", "application/json")];
        self.post_with(path, &headers, &body.to_string())
    }

    pub(super) fn put(&self, path: &str, body: Value) -> (u16, Value) {
        self.runtime.block_on(async {
            let client = base::http::client(None).unwrap();
            let request = client.put(format!("http://{}{path}", self.address)).bearer_auth("let-me-in").json(&body);
            let response = request.send().await.unwrap();
            let status = response.status().as_u16();
            (status, response.json().await.unwrap())
        })
    }

    /// A command that changes something.
    pub(super) fn change(&self, arguments: &[&str]) -> (u8, String, String) {
        let file = self._folder.path().join("my.token");
        std::fs::write(&file, "let-me-in\n").unwrap();
        self.command(&[arguments, &["--token-file", file.to_str().unwrap()]].concat())
    }
}

#[test]
fn only_who_knows_the_token_changes_anything() {
    let service = serve(&line());
    let json = ("content-type", "application/json");
    let good = ("authorization", "Bearer let-me-in");
    let body = r#"{"action":"hold","lotCode":"L1","reason":"r"}"#;
    for (headers, status, code) in [
        (&[json][..], 401, "notAuthorised"),
        (&[json, ("authorization", "Bearer let-me-i")], 401, "notAuthorised"),
        (&[json, ("authorization", "Basic let-me-in")], 401, "notAuthorised"),
        (&[json, good, ("origin", "http://evil.example")], 403, "otherOrigin"),
        (&[json, good, ("host", "evil.example")], 403, "otherOrigin"),
        (&[json, good, ("sec-fetch-site", "cross-site")], 403, "otherOrigin"),
        (&[good, ("content-type", "text/plain")], 415, "notJson"),
    ] {
        let (found, answer) = service.post_with("/v1/holds", headers, body);
        assert_eq!((found, &answer["error"]["code"]), (status, &json!(code)), "{headers:?}");
        assert!(!answer["error"]["help"].as_str().unwrap().is_empty());
    }
    assert_eq!(service.json("/v1/holds").1, json!({"revision": 0, "holds": []}));
    assert_eq!(service.post_with("/v1/holds", &[json, ("authorization", "bearer let-me-in")], body).0, 200);
    let long = format!(r#"{{"action":"hold","lotCode":"L2","reason":"{}"}}"#, "x".repeat(20_000));
    assert_eq!(service.post_with("/v1/holds", &[json, good], &long).0, 413);
}

#[test]
fn bad_changes_are_refused_whole_with_what_to_do() {
    let service = serve(&line());
    let upper = KEY.to_uppercase();
    let enrolled = Station::new("pack-1", 1).key.public().to_string();
    for (path, body, status, code) in [
        ("stations/a%20b/enrol", json!({"key": KEY}), 400, "badRequest"),
        ("stations/service/enrol", json!({"key": KEY}), 400, "badRequest"),
        ("stations/pack-1/enrol", json!({"key": "abc"}), 400, "badRequest"),
        ("stations/pack-1/enrol", json!({"key": upper}), 400, "badRequest"),
        ("stations/pack-1/enrol", json!({"key": KEY, "colour": 1}), 400, "badRequest"),
        ("stations/pack-1/enrol", json!({"key": enrolled}), 409, "alreadyEnrolled"),
        ("stations/pack-1/revoke", json!({"key": enrolled}), 400, "badRequest"),
        ("stations/pack-1/revoke", json!({"key": enrolled, "reason": " "}), 400, "badRequest"),
        ("stations/pack-1/revoke", json!({"key": enrolled, "reason": "a\nb"}), 400, "badRequest"),
        ("stations/pack-1/revoke", json!({"key": enrolled, "reason": "x".repeat(501)}), 400, "badRequest"),
        ("stations/pack-1/revoke", json!({"key": KEY, "reason": "r"}), 404, "unknownKey"),
        ("stations/none/revoke", json!({"key": KEY, "reason": "r"}), 404, "unknownStation"),
        ("stations/none/retire", json!({"reason": "r"}), 404, "unknownStation"),
        ("stations/none/write-off", json!({"reason": "r"}), 404, "unknownStation"),
        ("stations/pack-1/write-off", json!({"reason": "r"}), 409, "nothingMissing"),
        ("stations/pack-1/write-off", json!({"reason": "r", "first": 1, "last": 2}), 400, "badRequest"),
        ("stations/pack-1/write-off", json!({"reason": "r", "series": "1"}), 400, "badRequest"),
        ("stations/pack-1/write-off", json!({"reason": "r", "series": "0".repeat(32)}), 404, "unknownSeries"),
        (
            "stations/pack-1/write-off",
            json!({"reason": "r", "series": "1".repeat(32), "first": 2, "last": 1}),
            400,
            "badRequest",
        ),
        ("stations/pack-1/token", json!([]), 400, "badRequest"),
        ("stations/pack-1/retire", json!(["r"]), 400, "badRequest"),
        ("stations/pack-1/paint", json!({}), 404, "notFound"),
        ("holds", json!({"action": "hold", "reason": "r"}), 400, "badRequest"),
        ("holds", json!({"action": "hold", "serialNumber": "S", "lotCode": "L", "reason": "r"}), 400, "badRequest"),
        ("holds", json!({"action": "hold", "serialNumber": "", "reason": "r"}), 400, "badRequest"),
        ("holds", json!({"action": "hold", "serialNumber": "S\u{1b}", "reason": "r"}), 400, "badRequest"),
        ("holds", json!({"action": "paint", "serialNumber": "S", "reason": "r"}), 400, "badRequest"),
        ("holds", json!({"action": "release", "serialNumber": "S", "reason": "r"}), 404, "notHeld"),
    ] {
        let (found, answer) = service.post(&format!("/v1/{path}"), body.clone());
        assert_eq!((found, &answer["error"]["code"]), (status, &json!(code)), "{path} {body}: {answer}");
        assert!(!answer["error"]["help"].as_str().unwrap().is_empty(), "{path} {body}");
    }
    assert_eq!(service.json("/v1/stations/pack-1/enrol").0, 405);
    let (_, stations) = service.json("/v1/stations");
    assert_eq!(stations["stations"][0]["keys"].as_array().unwrap().len(), 1, "nothing was changed");
}

#[test]
fn a_held_lot_is_told_with_its_devices_until_it_is_released() {
    let service = serve(&line());
    let (status, held) =
        service.post("/v1/holds", json!({"action": "hold", "lotCode": "L1", "reason": "cracked housings"}));
    assert_eq!(
        (status, &held["holds"][0]["lotCode"], &held["holds"][0]["since"]),
        (200, &json!("L1"), &json!(at(1000)))
    );
    let (_, more) = service.post("/v1/holds", json!({"action": "hold", "serialNumber": "S2", "reason": "scratched"}));
    assert!(more["revision"].as_u64() > held["revision"].as_u64());
    let (_, device) = service.json("/v1/devices/S2");
    assert_eq!((&device["onHold"][0]["reason"], &device["onHold"][1]["lotCode"]), (&json!("scratched"), &json!("L1")));
    let around = |place: &str| service.json(&format!("/v1/containers/{}", device[place].as_str().unwrap())).1;
    let (package, pallet) = (around("packageId"), around("palletId"));
    assert!(package["onHold"]["serials"].as_array().unwrap().contains(&json!("S2")), "{package}");
    assert!(pallet["onHold"]["count"].as_u64() >= package["onHold"]["count"].as_u64(), "{pallet}");
    assert_eq!(pallet["onHold"]["recalled"], false);
    assert_eq!(service.json("/v1/devices/S4").1["onHold"][0]["lotCode"], "L1");
    assert!(service.json("/v1/devices/S3").1.get("onHold").is_none(), "it never was in that lot");
    assert!(service.command(&["device", "S2"]).1.contains("this device since"));
    let events: Vec<Value> = service.json("/v1/devices/S2/history").1["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["event"].clone())
        .collect();
    assert_eq!(events.last(), Some(&json!("held")), "it stands in its history");
    let (status, again) = service.post("/v1/holds", json!({"action": "hold", "lotCode": "L1", "reason": "r"}));
    assert_eq!((status, &again["error"]["code"]), (409, &json!("alreadyHeld")));

    let (code, list, _) = service.command(&["hold", "list"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!("holds_for_people", list);
    let (code, left, _) = service.change(&["hold", "release", "--lot", "L1", "--reason", "sorted", "--json"]);
    assert_eq!((code, serde_json::from_str::<Value>(&left).unwrap()["holds"].as_array().unwrap().len()), (0, 1));
    assert!(service.json("/v1/devices/S4").1.get("onHold").is_none());
    let (code, none, _) = service.change(&["hold", "release", "--serial", "S2", "--reason", "polished"]);
    assert_eq!((code, &*none), (0, "nothing is on hold\n"));
    assert_eq!(service.change(&["hold", "release", "--serial", "S2", "--reason", "polished"]).0, 1);
    assert_eq!(service.change(&["hold", "add", "--reason", "r"]).0, 2);
    assert_eq!(service.change(&["hold", "add", "--lot", "L", "--reason", ""]).0, 2);
}

#[test]
fn stations_are_enrolled_revoked_retired_and_written_off_by_command() {
    let mut works = line();
    let mut late = Station::new("pack-3", 3);
    for n in 0..9 {
        late.write(n, packed(&format!("T{n}"), "P9", &[]));
    }
    works.extend([late.work(1, 3), late.work(6, 7), late.status(700, 2)]);
    let service = serve(&works);
    let (code, enrolled, _) = service.change(&["station", "enrol", "pack-4", KEY]);
    assert_eq!(code, 0);
    insta::assert_snapshot!("enrolled_for_people", enrolled);
    let old = Station::new("pack-2", 2).key.public().to_string();
    assert_eq!(service.change(&["station", "revoke", "pack-2", &old, "--reason", "the card was stolen"]).0, 0);
    assert_eq!(service.change(&["station", "enrol", "pack-2", &old]).0, 1);
    assert_eq!(service.change(&["station", "enrol", "pack-2", "abc"]).0, 2);
    let (code, token, _) = service.change(&["station", "token", "pack-5"]);
    assert!(code == 0 && token.trim_end().len() == 32 && token.lines().count() == 1, "{token}");
    assert_eq!(service.change(&["station", "retire", "pack-3", "--reason", "line 2 is gone"]).0, 0);
    let (_, before, _) = service.command(&["recall", "--serial", "S2"]);
    assert!(before.contains("NOT COMPLETE"), "{before}");
    let (code, off, _) = service.change(&["station", "write-off", "pack-3", "--reason", "the card burnt", "--json"]);
    assert_eq!((code, &serde_json::from_str::<Value>(&off).unwrap()["writtenOff"][0]["missing"]), (0, &json!(4)));
    assert_eq!(service.change(&["station", "write-off", "pack-3", "--reason", "again"]).0, 1);
    let series = late.series.to_string();
    let range = ["station", "write-off", "pack-3", "--series", &series, "--first", "1", "--reason", "r"];
    assert_eq!(service.change(&range).0, 2);

    // A token waits for it, so what comes under another key is refused.
    let mut stranger = Station::new("pack-5", 9);
    stranger.write(1, packed("X1", "P8", &[]));
    service.commit(stranger.all());
    let key = stranger.key.public().to_string();
    let (code, list, _) = service.command(&["station", "list"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!("stations_for_people", list);
    let (_, answer) = service.json("/v1/stations");
    let rows = answer["stations"].as_array().unwrap();
    let row = |name: &str| rows.iter().find(|row| row["station"] == name).unwrap();
    assert_eq!(row("pack-5")["waiting"], json!([{"key": key, "since": at(1000), "count": 1}]));
    // Whoever may have recorded something that is not here keeps every answer from being complete, by name.
    let named = [
        ("pack-4", format!("it is enrolled since {}, and nothing of it was ever heard", at(1000))),
        ("pack-5", format!("its key {key} is not enrolled: 1 messages that it signed were refused since {}", at(1000))),
    ];
    let (_, recall) = service.json("/v1/recall?serial=S2");
    assert_eq!((&answer["complete"], &recall["complete"]), (&json!(false), &json!(false)));
    for (name, why) in &named {
        assert_eq!(row(name)["why"], json!([why]));
        let stations = recall["completeness"]["stations"].as_array().unwrap();
        assert!(stations.iter().any(|row| row["station"] == *name && row["why"] == json!([why])), "{recall}");
    }
    // A person says that there is no such station, and that this key is none of the station's.
    assert_eq!(service.change(&["station", "retire", "pack-4", "--reason", "never built"]).0, 0);
    assert_eq!(service.change(&["station", "revoke", "pack-5", &key, "--reason", "nobody knows it"]).0, 0);
    let (_, recall, _) = service.command(&["recall", "--serial", "S2"]);
    insta::assert_snapshot!("recall_with_write_offs_for_people", recall);
    assert_eq!(service.json("/v1/recall?serial=S2").1["complete"], json!(true));
    assert_eq!((&row("pack-3")["missing"], &row("pack-3")["holes"]), (&json!(0), &json!([])));
    assert_eq!(row("pack-3")["retired"]["reason"], "line 2 is gone");

    let nobody =
        ["lotline-manufacturing", "station", "token", "a", "--data", "/nowhere", "--url", "http://127.0.0.1:1"];
    let mut errors = Vec::new();
    assert_eq!(crate::cli::run_with(nobody.map(Into::into), &mut Vec::new(), &mut errors), 1);
    let errors = String::from_utf8(errors).unwrap();
    assert!(errors.contains("/nowhere/admin.token") && errors.contains("--token-file"), "{errors}");
}

#[test]
fn work_orders_are_put_looked_up_and_closed() {
    let service = serve(&line());
    let put = |id: &str, body: Value| service.put(&format!("/v1/work-orders/{id}"), body);
    let body = json!({"attributes": {"lotCode": "L-9"}, "terms": {"quantity": 5}, "lanes": [{"station": "pack-1"}]});
    let (status, answer) = put("WO%2F1", body);
    assert_eq!((status, &answer["workOrder"], &answer["state"]), (200, &json!("WO/1"), &json!("open")), "{answer}");
    assert_eq!(answer["lanes"], json!([{"station": "pack-1", "lane": "main"}]));
    for path in ["/v1/work-orders/WO%2F1", "/v1/work-orders?workOrder=WO%2F1"] {
        assert_eq!(service.json(path), (200, answer.clone()));
    }
    assert_eq!(service.json("/v1/work-orders?state=open").1["workOrders"], json!([answer]));
    for (id, body, status, says) in [
        ("A", json!({"attributes": {"palletId": "x"}}), 400, "palletId"),
        ("A", json!({"attributes": {"lotCode": 7}}), 400, "lotCode"),
        ("A", json!({"terms": {"quantity": -1}}), 400, "cannot be read"),
        ("A", json!({"terms": {"serialPattern": "("}}), 400, "serialPattern"),
        ("A", json!({"lanes": [{"station": "a/b"}]}), 400, "lanes"),
        ("A", json!({"quantity": 5}), 400, "unknown field"),
        ("%0A", json!({}), 400, "control character"),
    ] {
        let (found, answer) = put(id, body.clone());
        assert_eq!(found, status, "{body}: {answer}");
        assert!(answer["error"].to_string().contains(says), "{body}: {answer}");
    }
    assert_eq!(service.json("/v1/work-orders/A").0, 404, "nothing of a bad one is kept");
    assert_eq!(service.json("/v1/work-orders?state=odd").0, 400);
    let close = |id: &str| service.post(&format!("/v1/work-orders/{id}/close"), json!({"reason": "done"}));
    assert_eq!((close("WO%2F1").1["state"].clone(), close("WO%2F1").0, close("none").0), (json!("closed"), 409, 404));
    assert_eq!(service.json("/v1/work-orders?state=open").1["workOrders"], json!([]));
}

#[test]
fn work_orders_by_command() {
    let service = serve(&line());
    let (code, _, error) = service.change(&[
        "work-order",
        "put",
        "WO-1",
        "--set",
        "lotCode=L-9",
        "--quantity",
        "10",
        "--over-run",
        "2",
        "--under-run",
        "reason",
        "--serial-first",
        "A001",
        "--serial-last",
        "A012",
        "--package-label",
        "small",
        "--lane",
        "pack-1/left",
    ]);
    assert_eq!((code, error.as_str()), (0, ""));
    let (_, order) = service.json("/v1/work-orders/WO-1");
    let terms = json!({
        "quantity": 10, "overRun": 2, "underRun": "reason", "serialFirst": "A001", "serialLast": "A012",
        "labels": {"package": "small"},
    });
    assert_eq!((&order["terms"], &order["lanes"][0]["lane"]), (&terms, &json!("left")));
    let (code, text, _) = service.command(&["work-order", "list"]);
    assert!(code == 0 && text.contains("WO-1") && text.contains("pack-1/left"), "{text}");
    assert_eq!(service.change(&["work-order", "put", "WO-1", "--serial-first", "A1"]).0, 2);
    let (code, _, error) = service.change(&["work-order", "put", "WO-1", "--quantity", "0"]);
    assert!(code == 2 && error.contains("`quantity` is 0"), "{error}");
    assert_eq!(service.change(&["work-order", "close", "WO-1", "--reason", "done"]).0, 0);
    assert_eq!(service.change(&["work-order", "close", "WO-1", "--reason", "done"]).0, 1);
}
