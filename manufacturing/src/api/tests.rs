//! Over a real socket, with the command-line client as well.

mod changes;
mod clocks;
mod conditions;
mod containers;
mod deletion;
mod earlier;
mod metrics;
mod moments;
mod parts;
mod questions;
mod recalls;
mod schemas;
mod seals;
mod slow;

use std::net::SocketAddr;
use std::time::Duration;

use records::{Draft, Event, Joined, Kind, Level, RecordId, Subject};
use reqwest::{StatusCode, Url};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::*;
use crate::store::{Enrolment, FILE, Place, Work, Writer};
use crate::testkit::{Station, at, closed, moved, packed, voided};

/// A service without a broker.
struct Running {
    address: SocketAddr,
    runtime: Runtime,
    store: Store,
    _folder: tempfile::TempDir,
}

impl Running {
    /// Has the service store something.
    fn commit(&self, work: Work) {
        self.runtime.block_on(self.store.follow(work)).unwrap();
    }
}

/// Serves what these works make, at the second 1000.
fn serve(works: &[Work]) -> Running {
    serve_with(works, PATIENCE)
}

fn serve_with(works: &[Work], patience: Duration) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::Sqlite(folder.path().join(FILE));
    serve_at(folder, place, works, patience)
}

fn serve_at(folder: tempfile::TempDir, place: Place, works: &[Work], patience: Duration) -> Running {
    let mut writer = Writer::open_at(&place).unwrap();
    for work in works {
        writer.commit(std::slice::from_ref(work), at(900)).unwrap();
    }
    drop(writer);
    let clock: Clock = Arc::new(|| at(1000));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let own = crate::testkit::own(Enrolment::FirstUse);
    let (store, _ended) = Store::start(place, own, clock.clone(), drop).unwrap();
    let served = store.clone();
    let address = runtime.block_on(async {
        let app = App {
            store: served,
            clock,
            refusals: Arc::default(),
            admin: AdminToken::new("let-me-in"),
            guard: Guard::new([]),
            is_connected: Box::new(|| true),
            patience,
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router(app)).await });
        address
    });
    Running { address, runtime, store, _folder: folder }
}

impl Running {
    /// Status, media type and body of an answer.
    fn raw(&self, path: &str, accept: &str) -> (StatusCode, String, String) {
        self.runtime.block_on(async {
            let client = base::http::client(None).unwrap();
            let url = Url::parse(&format!("http://{}{path}", self.address)).unwrap();
            let response = client.get(url).header("accept", accept).send().await.unwrap();
            let media = response.headers()["content-type"].to_str().unwrap().to_owned();
            (response.status(), media, response.text().await.unwrap())
        })
    }

    fn json(&self, path: &str) -> (u16, Value) {
        let (status, media, body) = self.raw(path, "application/json");
        assert_eq!(media, "application/json");
        (status.as_u16(), serde_json::from_str(&body).unwrap())
    }

    /// Exit code, standard output and standard error of a command.
    fn command(&self, arguments: &[&str]) -> (u8, String, String) {
        let url = format!("http://{}", self.address);
        let service = ["--url", url.as_str()];
        let all = ["lotline-manufacturing"].iter().chain(arguments).chain(&service).map(Into::into);
        let (mut output, mut errors) = (Vec::new(), Vec::new());
        let code = crate::cli::run_with(all.collect::<Vec<_>>(), &mut output, &mut errors);
        (code, String::from_utf8(output).unwrap(), String::from_utf8(errors).unwrap())
    }
}

/// Serials that mean something to a shell, a terminal, a spreadsheet, a browser, a path or SQL.
const ODD: [&str; 9] =
    ["=1+1", "a/b c", "#end,0", "<b>", "\u{1b}[2J", "x\"y,z", "'; DROP TABLE record; --", "100% ü", "..%2F.."];

/// A line with a contested unit, a mistake, a move, odd serials, a refusal and a component.
fn line() -> Vec<Work> {
    let mut a = Station::new("pack-1", 1);
    let lot = |lot| [("lotCode", lot), ("workOrder", "WO-7")];
    a.write(1, Draft::new(Event::Opened, Subject::container("P1")));
    a.write(2, packed("S1", "P1", &lot("L1")));
    a.write(3, packed("S2", "P1", &lot("L1")));
    let wrong = a.write(4, packed("S3", "P1", &lot("L1")));
    a.write(5, voided(Subject::device("S3"), wrong));
    a.write(6, closed("P1", "U1"));
    a.write(7, moved("S2", "P1", "P2"));
    for (n, serial) in (8..).zip(ODD) {
        a.write(n, packed(serial, "P2", &lot("L2")));
    }
    a.write(20, Draft { event: Event::Refused, ..packed("R1", "P2", &[]) });
    let component = Subject { kind: Kind::Device, id: "S1".into(), scope: "component:radio".into() };
    let into_device = Joined { kind: Kind::Device, id: "S1".into(), scope: String::new(), level: None };
    let attributes = [("lotCode".to_owned(), "RADIO-9".into())].into();
    a.write(21, Draft { into: vec![into_device], attributes, ..Draft::new(Event::Packed, component) });
    let mut b = Station::new("pack-2", 2);
    b.write(3, packed("S4", "P3", &[("lotCode", "L1"), ("connhexId", "cx-4")]));
    b.write(30, packed("S4", "P4", &[("fwVersion", "2")]));
    vec![a.all(), b.all(), a.status(950, 0), b.status(960, 0)]
}

fn serials(answer: &Value) -> Vec<&str> {
    answer["units"].as_array().unwrap().iter().map(|unit| unit["serialNumber"].as_str().unwrap()).collect()
}

#[test]
fn a_device_by_serial_by_connhex_id_and_by_scope() {
    let service = serve(&line());
    let (status, device) = service.json("/v1/devices/S2");
    assert_eq!((status, &device["serialNumber"], &device["state"]), (200, &json!("S2"), &json!("packed")));
    assert_eq!((&device["lotCode"], &device["packageId"], device.get("palletId")), (&json!("L1"), &json!("P2"), None));
    assert_eq!((&device["contested"], &device["records"]), (&json!(false), &json!(2)));
    let (_, by_connhex) = service.json("/v1/devices/cx-4");
    assert_eq!((&by_connhex["serialNumber"], &by_connhex["contested"]), (&json!("S4"), &json!(true)));
    assert_eq!(service.json("/v1/devices/S3").1["state"], "voided");

    let (status, ambiguous) = service.json("/v1/devices/S1");
    assert_eq!((status, &ambiguous["error"]["code"]), (409, &json!("ambiguous")));
    let candidates = json!([{"serialNumber": "S1", "scope": ""}, {"serialNumber": "S1", "scope": "component:radio"}]);
    assert_eq!(ambiguous["error"]["candidates"], candidates);
    assert_eq!(service.json("/v1/devices/S1?scope=").1["palletId"], "U1");
    let (_, radio) = service.json("/v1/devices/S1?scope=component:radio");
    // What is inside a device is where the device is.
    assert_eq!((&radio["lotCode"], &radio["palletId"]), (&json!("RADIO-9"), &json!("U1")));

    for path in ["/v1/devices/none", "/v1/devices/R1", "/v1/devices/s2", "/v1/devices/S1?scope=x"] {
        let (status, body) = service.json(path);
        assert_eq!((status, &body["error"]["code"]), (404, &json!("unknownDevice")), "{path}");
    }
}

#[test]
fn a_history_has_every_record_once_and_those_of_containers_while_inside() {
    let service = serve(&line());
    let seqs = |path: &str| -> Vec<u64> {
        let (status, body) = service.json(path);
        assert_eq!(status, 200, "{path}: {body}");
        body["records"].as_array().unwrap().iter().map(|record| record["seq"].as_u64().unwrap()).collect()
    };
    assert_eq!(seqs("/v1/devices/S2/history"), [3, 6, 7]);
    assert_eq!(seqs("/v1/devices/S3/history"), [4, 5]);
    assert_eq!(seqs("/v1/devices/R1/history"), [17], "a refusal is told, although it makes no device");
    let (_, s3) = service.json("/v1/devices/S3/history");
    assert_eq!((&s3["records"][0]["corrected"], &s3["records"][1]["event"]), (&json!(true), &json!("voided")));
    assert_eq!((&s3["records"][0]["station"], &s3["records"][0]["position"]), (&json!("pack-1"), &json!(4)));
    assert_eq!(seqs(&format!("/v1/devices/S2/history?asOf={}", at(6))), [3, 6]);
    assert_eq!(seqs("/v1/devices/S2/history?knownAt=5"), [3]);
    // The correction of second 5 holds for second 4, and is not yet there.
    let (_, earlier) = service.json(&format!("/v1/devices/S3/history?asOf={}", at(4)));
    assert_eq!((earlier["records"].as_array().unwrap().len(), &earlier["records"][0]["corrected"]), (1, &json!(true)));
    assert_eq!(service.json("/v1/devices/none/history").0, 404);
}

#[test]
fn a_recall_names_every_unit_once_and_says_what_it_went_by() {
    let service = serve(&line());
    let (status, lot) = service.json("/v1/recall?serial=S2");
    assert_eq!(
        (status, &lot["by"], &lot["count"], &lot["complete"]),
        (200, &json!("lotCode"), &json!(3), &json!(true))
    );
    assert_eq!(serials(&lot), ["S1", "S2", "S4"]);
    assert_eq!(lot["corrected"][0]["serialNumber"], "S3");
    assert_eq!(lot["values"][0]["value"], "L1");
    assert_eq!(lot["end"], true);
    // Ever: S2 was in P1, and its present package counts as well.
    let (_, package) = service.json("/v1/recall?serial=S2&by=packageId");
    let values: Vec<&str> =
        package["values"].as_array().unwrap().iter().map(|v| v["value"].as_str().unwrap()).collect();
    assert_eq!(values, ["P1", "P2"]);
    let units = package["units"].as_array().unwrap();
    let s2: Vec<&Value> = units.iter().filter(|unit| unit["serialNumber"] == "S2").collect();
    assert_eq!((s2.len(), &s2[0]["value"], &s2[0]["current"]), (1, &json!("P2"), &json!(true)));
    assert_eq!(units.len(), 2 + 1 + ODD.len(), "S1, its radio, S2 and the odd ones");
    let (_, then) = service.json(&format!("/v1/recall?serial=S2&by=packageId&asOf={}", at(6)));
    assert_eq!(serials(&then), ["S1", "S2"], "before the move, and before the radio");
    assert_eq!((&then["units"][1]["current"], &then["asOf"]), (&json!(true), &json!(at(6))));

    assert_eq!(service.json("/v1/recall?serial=S1").0, 409);
    assert_eq!(service.json("/v1/recall?serial=S1&scope=component:radio").1["values"][0]["value"], "RADIO-9");
    assert_eq!(service.json("/v1/recall?serial=S3").1["error"]["code"], "noGroup");
    assert_eq!(service.json("/v1/recall?serial=R1").1["error"]["code"], "unknownDevice");
    let (status, dimension) = service.json("/v1/recall?serial=S2&by=colour");
    assert!(status == 400 && dimension["error"]["message"].as_str().unwrap().contains("lotCode, workOrder, palletId"));
}

#[test]
fn odd_serials_are_found_and_come_back_byte_for_byte_in_every_format() {
    let service = serve(&line());
    for serial in ODD {
        let mut url = Url::parse("http://x/v1/devices").unwrap();
        url.path_segments_mut().unwrap().push(serial);
        assert_eq!(service.json(url.path()).1["serialNumber"], serial);
        let mut url = Url::parse("http://x/v1/recall").unwrap();
        url.query_pairs_mut().append_pair("serial", serial);
        let path = format!("{}?{}", url.path(), url.query().unwrap());
        assert_eq!(service.json(&path).1["count"], ODD.len());
        let mut sorted = ODD;
        sorted.sort_unstable();
        assert_eq!(serials(&service.json(&path).1), sorted);

        let (_, media, ndjson) = service.raw(&path, "application/x-ndjson");
        assert_eq!(media, "application/x-ndjson");
        let lines: Vec<Value> = ndjson.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((&lines[0]["by"], lines.len()), (&json!("lotCode"), ODD.len() + 2));
        assert_eq!((&lines[ODD.len() + 1]["end"], &lines[ODD.len() + 1]["count"]), (&json!(true), &json!(ODD.len())));

        let (_, media, csv) = service.raw(&path, "text/csv");
        assert_eq!(media, "text/csv; charset=utf-8");
        for (line, serial) in csv.lines().skip(1).zip(sorted) {
            let quoted = format!("\"{}\",", serial.replace('"', "\"\""));
            assert!(line.starts_with(&quoted), "{line}");
        }
        assert_eq!(csv.lines().last(), Some("#end,9,complete"));
    }
}

#[test]
fn bad_questions_are_refused_whole_in_json() {
    let service = serve(&[]);
    let long = "x".repeat(600);
    let longer = "x".repeat(9000);
    for (path, status) in [
        ("/v1/recall", 400),
        ("/v1/recall?serial=", 400),
        ("/v1/recall?serial=a&serial=b", 400),
        ("/v1/recall?serial=a&colour=red", 400),
        ("/v1/recall?serial=a&asOf=yesterday", 400),
        ("/v1/devices/a/history?knownAt=-1", 400),
        ("/v1/devices/%FF", 400),
        (&*format!("/v1/devices/{long}"), 400),
        (&*format!("/v1/recall?serial={long}"), 400),
        (&*format!("/v1/recall?serial={longer}"), 414),
        ("/v1/none", 404),
    ] {
        let (found, body) = service.json(path);
        let text = |name: &str| body["error"][name].as_str().unwrap().to_owned();
        assert_eq!(found, status, "{path}: {body}");
        assert!(!text("code").is_empty() && !text("message").is_empty() && !text("help").is_empty(), "{path}");
    }
    let posted = service.runtime.block_on(async {
        let client = base::http::client(None).unwrap();
        client.post(format!("http://{}/v1/recall", service.address)).send().await.unwrap().status()
    });
    assert_eq!(posted, StatusCode::METHOD_NOT_ALLOWED);
}

#[test]
fn stations_and_health_say_what_is_missing() {
    let mut works = line();
    let mut late = Station::new("pack-3", 3);
    for n in 0..9 {
        late.write(n, packed(&format!("T{n}"), "P9", &[]));
    }
    works.extend([late.work(1, 3), late.work(6, 7), late.status(700, 2)]);
    works.push(Work::Online { station: "pack-3".into(), online: false });
    let service = serve(&works);
    let (_, answer) = service.json("/v1/stations");
    let stations = answer["stations"].as_array().unwrap();
    assert_eq!((stations.len(), &answer["complete"]), (3, &json!(false)));
    assert_eq!((&stations[0]["complete"], &stations[0]["completeSince"]), (&json!(true), &json!(at(950))));
    let third = &stations[2];
    assert_eq!(
        (&third["lastSequence"], &third["upTo"], &third["holes"]),
        (&json!(9), &json!(3), &json!([[4, 5], [8, 9]]))
    );
    assert_eq!((&third["highestStored"], &third["missing"]), (&json!(7), &json!(4)));
    assert_eq!(
        (&third["online"], &third["silentSeconds"], &third["queue"]["records"]),
        (&json!(false), &json!(300), &json!(2))
    );
    let why = [
        "no status for 300 seconds",
        "not connected since 2026-03-01T12:15:00Z",
        "records 4 to 5 are missing",
        "records 8 to 9 are missing",
    ];
    assert_eq!(third["why"], json!(why));
    let (_, recall) = service.json("/v1/recall?serial=S2");
    assert_eq!((&recall["complete"], &recall["completeness"]["stations"][2]["why"]), (&json!(false), &json!(why)));

    let (status, health) = service.json("/healthz");
    let expected = json!({
        "status": "ok", "devices": 18, "packages": 5, "pallets": 1, "mqtt": "connected", "position": 29,
    });
    assert_eq!((status, health), (200, expected));
}

#[test]
fn commands_answer_people_and_programs() {
    let service = serve(&line());
    let (code, table, _) = service.command(&["recall", "--serial", "S2"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!("recall_for_people", table);
    let (code, csv, _) = service.command(&["recall", "--serial", "S2", "--format", "csv"]);
    assert_eq!((code, csv.lines().last()), (0, Some("#end,3,complete")));
    let (code, json, _) = service.command(&["recall", "--serial", "S2", "--json", "--by", "workOrder"]);
    assert_eq!((code, serde_json::from_str::<Value>(&json).unwrap()["count"].as_u64()), (0, Some(11)));
    let (code, device, _) = service.command(&["device", "\u{1b}[2J"]);
    assert!(code == 0 && device.contains("\\u{1b}[2J") && !device.contains('\u{1b}'), "{device}");
    let (code, history, _) = service.command(&["history", "S3"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!("history_for_people", history);
    let (code, json, _) = service.command(&["history", "S3", "--json"]);
    assert_eq!((code, serde_json::from_str::<Value>(&json).unwrap()["records"].as_array().unwrap().len()), (0, 2));

    let (code, output, errors) = service.command(&["recall", "--serial", "S1"]);
    assert_eq!((code, &*output), (1, ""));
    assert!(errors.contains("--scope 'component:radio'"), "{errors}");
    assert_eq!(service.command(&["device", "none"]).0, 1);
    assert_eq!(service.command(&["recall", "--serial", "S2", "--by", "colour"]).0, 2);
    assert_eq!(service.command(&["recall"]).0, 2);
    let nobody = ["lotline-manufacturing", "device", "S1", "--url", "http://127.0.0.1:1"].map(Into::into);
    let mut errors = Vec::new();
    assert_eq!(crate::cli::run_with(nobody, &mut Vec::new(), &mut errors), 1);
    assert!(String::from_utf8(errors).unwrap().contains("is `lotline-manufacturing serve` running there?"));
}

/// Says half an answer and breaks off, or ends it as if nothing were wrong.
fn cut_answer(media: &'static str, body: &'static str, announced: usize) -> SocketAddr {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 2048];
        let _ = stream.read(&mut request).unwrap();
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-type: {media}\r\ncontent-length: {announced}\r\n\r\n{body}")
            .unwrap();
    });
    address
}

#[test]
fn an_answer_without_its_end_is_no_answer() {
    let (json, csv, ndjson) =
        ("{\"by\":\"lotCode\",\"units\":[\n", "serialNumber\r\n\"S1\"\r\n", "{\"by\":\"lotCode\"}\n");
    for (format, media, body) in
        [("json", "application/json", json), ("csv", "text/csv", csv), ("table", "application/x-ndjson", ndjson)]
    {
        for announced in [body.len(), body.len() + 10] {
            let url = format!("http://{}", cut_answer(media, body, announced));
            let arguments = ["lotline-manufacturing", "recall", "--serial", "S", "--format", format, "--url", &url];
            let mut errors = Vec::new();
            let code = crate::cli::run_with(arguments.map(Into::into), &mut Vec::new(), &mut errors);
            assert_eq!(code, 1, "{format} {announced}");
            assert!(String::from_utf8(errors).unwrap().contains("broke off"), "{format} {announced}");
        }
    }
}

#[test]
fn records_that_arrive_during_a_recall_do_not_change_it() {
    let mut a = Station::new("a", 1);
    for n in 0..5000 {
        a.write(n, packed(&format!("S{n:05}"), "P1", &[("lotCode", "L")]));
    }
    let works: Vec<Work> = (0..10).map(|n| a.work(n * 500 + 1, n * 500 + 500)).collect();
    let service = serve(&works);
    let id = RecordId { station: "a".into(), series: a.series, seq: 1 };
    a.write(9000, voided(Subject::device("S00000"), id));
    a.write(
        9001,
        Draft { into: vec![Joined::container("P9", Level::Package)], ..packed("T", "P9", &[("lotCode", "L")]) },
    );
    let last = a.work(5001, 5002);
    let path = format!("http://{}/v1/recall?serial=S00001", service.address);
    let body = service.runtime.block_on(async {
        let client = base::http::client(None).unwrap();
        let mut response = client.get(path).send().await.unwrap();
        let mut body = response.chunk().await.unwrap().unwrap().to_vec();
        let mut writer = Writer::open(&service._folder.path().join(FILE)).unwrap();
        writer.commit(&[last], at(2000)).unwrap();
        while let Some(piece) = response.chunk().await.unwrap() {
            body.extend_from_slice(&piece);
        }
        body
    });
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&answer["count"], answer["corrected"].as_array().unwrap().len()), (&json!(5000), 0));
    assert_eq!(service.json("/v1/recall?serial=S00001").1["count"], 5000, "one more and one less");
}

fn unit<'a>(answer: &'a Value, serial: &str) -> &'a Value {
    answer["units"].as_array().unwrap().iter().find(|unit| unit["serialNumber"] == serial).unwrap()
}
