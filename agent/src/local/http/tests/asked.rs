//! Scans, status and labels.

use serde_json::json;

use super::*;
use crate::station::Printing;

#[test]
fn a_scan_is_answered_as_the_station_answers_it() {
    let station = Station::new();
    assert_eq!(station.scan("main", "A1"), ("refused".into(), "no-work-order".into()));
    assert_eq!(station.scan("main", "WO:1"), ("done".into(), "work-order-started".into()));
    let green = station.post("/v1/scans", &json!({"text": "A1", "aim": "]C1"})).json();
    assert_eq!(
        (&green["outcome"], &green["lane"], &green["serial"]),
        (&json!("accepted"), &json!("main"), &json!("A1"))
    );
    assert_eq!((&green["package"]["count"], &green["package"]["size"]), (&json!(1), &json!(3)));
    assert_eq!(station.scan("main", "A1"), ("known".into(), "already-recorded".into()));
    assert_eq!(station.scan("main", "A3"), ("accepted".into(), "packed".into()));
    assert_eq!(station.scan("main", "A1"), ("refused".into(), "duplicate".into()));
    assert_eq!(station.scan("left", "A2"), ("refused".into(), "no-work-order".into()), "each lane by itself");
    for text in ["<script>alert(1)</script>".to_owned(), "x".repeat(64 << 10), "\u{1b}[2J\0".repeat(10_000)] {
        assert_eq!(station.scan("main", &text), ("refused".into(), "no-rule".into()));
    }
    let status = station.get("/v1/status").json();
    assert_eq!((&status["lanes"]["main"]["workOrder"], &status["counters"]["accepted"]), (&json!("1"), &json!(2)));
    assert_eq!(status["notConfirmed"], json!(["A0 is packed"]));
}

#[test]
fn what_was_perhaps_not_confirmed_goes_when_somebody_has_seen_it() {
    let station = Station::new();
    let seen = |sentences: Value| station.post("/v1/not-confirmed/seen", &json!({ "sentences": sentences }));
    assert_eq!(seen(json!(["of an earlier start"])).json()["notConfirmed"], json!(["A0 is packed"]));
    assert_eq!(seen(json!(["A0 is packed"])).json()["notConfirmed"], json!([]));
    assert_eq!(station.get("/v1/status").json()["notConfirmed"], json!([]));
    assert_eq!(seen(json!("A0 is packed")).problem(), (400, "badJson".into()));
    assert_eq!(station.post("/v1/not-confirmed/seen", &json!({})).problem(), (400, "badJson".into()));
}

#[test]
fn metrics_say_how_the_station_is() {
    let station = Station::new();
    for text in ["A9", "WO:1", "A1", "A2", "A3", "rubbish"] {
        station.scan("main", text);
    }
    station.board.receipt_without_effect("wrong-key");
    station.board.uplink(|uplink| uplink.connected = true);
    station.board.heard_service();
    let metrics = station.get("/metrics");
    assert_eq!(
        (metrics.status, metrics.header("content-type")),
        (StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8")
    );
    let series = station.get("/v1/status").json()["series"].as_str().unwrap().to_owned();
    let text = metrics.text().replace(&series, "SERIES");
    // What depends on the moment is left out.
    let timed = ["lotline_station_journal_bytes ", "lotline_station_service_silent_seconds "];
    let text = text.lines().map(|line| match timed.iter().find(|name| line.starts_with(**name)) {
        Some(name) => format!("{name}NUMBER"),
        None => line.to_owned(),
    });
    insta::assert_snapshot!(text.collect::<Vec<_>>().join("\n"));
}

#[test]
fn the_page_learns_the_command_barcodes_and_the_sizes() {
    let station = Station::new();
    let settings = station.get("/v1/settings").json();
    let commands = &settings["commands"];
    assert_eq!(
        (&commands["closePackage"], &commands["voidLast"]),
        (&json!("LOTLINE-CLOSE-PACKAGE"), &json!("TAKE BACK"))
    );
    assert_eq!(
        (&commands["takeOut"], &commands["roleTest"]),
        (&json!("LOTLINE-TAKE-OUT"), &json!("LOTLINE-ROLE-TEST"))
    );
    assert_eq!((&settings["packageSize"], &settings["palletSize"]), (&json!(3), &json!(2)));
    station.scan("main", "WO:1");
    station.scan("main", "A1");
    assert_eq!(station.scan("main", settings["commands"]["voidLast"].as_str().unwrap()).1, "voided");
}

#[test]
fn what_is_no_scan_is_refused_and_reaches_nothing() {
    let station = Station::new();
    let problem = |body: Value| station.post("/v1/scans", &body).problem();
    assert_eq!(problem(json!({"text": ""})), (400, "noText".into()));
    assert_eq!(problem(json!({"text": "x".repeat((64 << 10) + 1)})), (400, "tooLong".into()));
    // Whoever is still sending when the answer comes may lose it, and asks again.
    let escaped = station.request(Method::POST, "/v1/scans").json(&json!({"text": "\u{1}".repeat(64 << 10)}));
    let answered = (0..50).find_map(|_| station.try_send(escaped.try_clone().unwrap()));
    assert_eq!(answered.unwrap().problem(), (413, "tooLong".into()), "escaped it is far longer");
    assert_eq!(problem(json!({"text": "A1", "lane": "right"})), (400, "badScan".into()));
    assert_eq!(problem(json!({"text": "A1", "aim": "C1"})), (400, "badScan".into()));
    for body in [json!({}), json!([]), json!({"text": 1}), json!({"text": "A1", "line": "main"})] {
        assert_eq!(problem(body.clone()), (400, "badJson".into()), "{body}");
    }
    let post = |kind: &str, body: &str| {
        let request = station.request(Method::POST, "/v1/scans").header("content-type", kind).body(body.to_owned());
        station.send(request).problem()
    };
    assert_eq!(post("application/json; charset=utf-8", "{"), (400, "badJson".into()));
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""] {
        assert_eq!(post(kind, r#"{"text":"A1"}"#), (415, "notJson".into()), "{kind}");
    }
    assert_eq!(station.get("/v1/scans").problem(), (405, "methodNotAllowed".into()));
    assert_eq!(station.get("/v2").problem(), (404, "notFound".into()));
    assert_eq!(station.get(&format!("/{}", "x".repeat(9000))).problem(), (414, "tooLong".into()));
    let counters = &station.get("/v1/status").json()["counters"];
    assert_eq!((&counters["accepted"], &counters["refused"]), (&json!(0), &json!(0)));
}

#[test]
fn health_is_that_of_the_station() {
    let station = Station::new();
    assert_eq!(station.get("/healthz").json()["status"], "ok");
    station.owner.submit(Request::Stop).unwrap();
    let gone = |path| {
        (0..200).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            station.get(path).status == StatusCode::SERVICE_UNAVAILABLE
        })
    };
    assert!(gone("/healthz") && gone("/v1/status"));
}

fn say(station: &Station, job: u64, printing: Printing) {
    let said = station.owner.ask_blocking(|reply| Request::Printing { said: vec![(job, printing)], reply });
    drop(said.unwrap());
}

#[test]
fn a_person_decides_about_a_label() {
    let station = Station::new();
    assert_eq!(station.get("/v1/labels").json(), json!([]));
    for text in ["WO:1", "A1", "A2", "A3"] {
        station.scan("main", text);
    }
    let label = station.get("/v1/labels?most=1").json()[0].clone();
    let id = label["id"].as_u64().unwrap();
    let facts = (&label["state"], &label["level"], &label["lane"], &label["printer"]);
    assert_eq!(facts, (&json!("waiting"), &json!("package"), &json!("main"), &json!("p")));
    let picture = station.get(&format!("/v1/labels/{id}.png"));
    assert_eq!((picture.status, picture.header("content-type")), (StatusCode::OK, "image/png"));
    assert!(picture.body.starts_with(b"\x89PNG"));
    let path = format!("/v1/labels/{id}.png");
    let with = |tag: &str| station.send(station.request(Method::GET, &path).header("if-none-match", tag));
    let tag = picture.header("etag");
    for known in [tag, &format!("W/{tag}"), &format!("\"other\", {tag}"), "*"] {
        let same = with(known);
        assert_eq!((same.status, same.body.len(), same.header("etag")), (StatusCode::NOT_MODIFIED, 0, tag), "{known}");
        assert_eq!(same.header("cache-control"), "private, no-cache");
    }
    let other = with("\"other\"");
    assert_eq!((other.status, other.body == picture.body), (StatusCode::OK, true));

    let again = format!("/v1/labels/{id}/again");
    let reason = json!({"reason": "damaged"});
    assert_eq!(station.post(&again, &reason).json()["code"], "label-on-its-way");
    say(&station, id, Printing::Begun { picture: "00".repeat(32) });
    say(&station, id, Printing::Doubtful("the cable was pulled".to_owned()));
    let status = station.get("/v1/status").json();
    assert_eq!((&status["labels"]["doubtful"], &status["labels"]["attention"][0]["id"]), (&json!(1), &json!(id)));
    let came_out = format!("/v1/labels/{id}/came-out");
    // Who saw it before it went out decides about something else.
    for (path, old) in [(&came_out, json!({"prints": 0})), (&again, json!({"prints": 0, "reason": "lost"}))] {
        let refused = station.post(path, &old).json();
        assert_eq!((&refused["outcome"], &refused["code"]), (&json!("refused"), &json!("label-changed")), "{path}");
    }
    assert_eq!(station.send(station.request(Method::POST, &came_out)).json()["code"], "label-confirmed");
    assert_eq!(station.send(station.request(Method::POST, &came_out)).json()["outcome"], "refused");
    let once = json!({"reason": "damaged", "prints": 1});
    assert_eq!(station.post(&again, &once).json()["code"], "label-again");
    assert_eq!(station.post(&again, &once).json()["code"], "label-on-its-way", "pressed twice, printed once");
    say(&station, id, Printing::Begun { picture: "00".repeat(32) });
    say(&station, id, Printing::Printed);
    assert_eq!(station.post(&again, &once).json()["code"], "label-changed", "a screen with an old view");
    assert_eq!(station.post(&again, &json!({"reason": "damaged", "prints": 2})).json()["code"], "label-again");
    assert_eq!(station.get("/v1/labels").json()[0]["why"], "damaged");
}

#[test]
fn what_is_no_decision_about_a_label_is_refused() {
    let station = Station::new();
    for reason in ["", "  ", "two\nlines", &"x".repeat(201)] {
        let said = station.post("/v1/labels/1/again", &json!({ "reason": reason }));
        assert_eq!(said.problem(), (400, "badReason".into()), "{reason}");
    }
    for (what, body) in [
        ("again", json!({})),
        ("again", json!({"reason": "lost", "prints": -1})),
        ("came-out", json!({"reason": "lost"})),
        ("came-out", json!({"prints": "1"})),
    ] {
        let said = station.post(&format!("/v1/labels/1/{what}"), &body);
        assert_eq!(said.problem(), (400, "badJson".into()), "{what} {body}");
    }
    let request = station.request(Method::POST, "/v1/labels/1/came-out").body("prints=1");
    assert_eq!(station.send(request).problem(), (415, "notJson".into()), "not taken for nothing");
    assert_eq!(station.post("/v1/labels/1/again", &json!({"reason": "lost"})).json()["code"], "no-label");
    for name in ["7.png", "7", "x.png", "-1.png", "99999999999999999999.png", "..%2F1.png"] {
        assert_eq!(station.get(&format!("/v1/labels/{name}")).problem(), (404, "noLabel".into()), "{name}");
    }
    assert_eq!(station.post("/v1/labels/x/came-out", &json!({})).problem(), (404, "noLabel".into()));
    for most in ["0", "201", "-1", "x"] {
        assert_eq!(station.get(&format!("/v1/labels?most={most}")).problem(), (400, "badMost".into()));
    }
}
