//! Against a service of the test's own, which can be slow, away, or speak nonsense.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use drivers::Scan;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::*;
use crate::board::Board;
use crate::lookup::{About, Client, Recheck, Silent};
use crate::settings::{ServiceSettings, Settings};
use crate::station::{Service, UnitState};

/// What the service of the test knows, and how it is.
#[derive(Default)]
struct Plant {
    /// Milliseconds before each answer.
    delay: AtomicU64,
    asked: AtomicUsize,
    units: Mutex<Vec<(String, Value)>>,
    contradictions: Mutex<Vec<Value>>,
}

type Asked = std::collections::HashMap<String, String>;

async fn devices(State(plant): State<Arc<Plant>>, Query(asked): Query<Asked>) -> (StatusCode, axum::Json<Value>) {
    plant.asked.fetch_add(1, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(plant.delay.load(Ordering::SeqCst))).await;
    let units = plant.units.lock().unwrap();
    match units.iter().find(|(serial, _)| *serial == asked["serial"]) {
        Some((_, unit)) => (StatusCode::OK, axum::Json(unit.clone())),
        None => (StatusCode::NOT_FOUND, axum::Json(json!({"error": {"code": "unknownDevice"}}))),
    }
}

async fn containers(
    State(plant): State<Arc<Plant>>,
    Query(asked): Query<Asked>,
) -> Result<axum::Json<Value>, StatusCode> {
    plant.asked.fetch_add(1, Ordering::SeqCst);
    let known = json!({"id": asked["id"], "level": "package", "state": "open", "serials": ["X1"], "count": 1});
    if asked["id"].contains('/') { Err(StatusCode::NOT_FOUND) } else { Ok(axum::Json(known)) }
}

async fn contradictions(State(plant): State<Arc<Plant>>) -> axum::Json<Value> {
    axum::Json(json!({"contradictions": *plant.contradictions.lock().unwrap()}))
}

struct Bench {
    runtime: Runtime,
    plant: Arc<Plant>,
    lookup: Lookup,
    front: Front,
    owner: Owner,
    inbox: Receiver<Request>,
    board: Board,
    address: SocketAddr,
    serving: tokio::task::JoinHandle<()>,
    settings: Settings,
    _folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let plant = Arc::new(Plant::default());
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let serving = runtime.spawn(serve(listener, plant.clone()));
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().display();
        let text = format!(
            "station = \"pack-1\"\ndata = \"{data}\"\n[service]\nurl = \"http://{address}\"\n[sscc]\ncompany_prefix = \"9521234\"\n\
             [[lane]]\nname = \"asks\"\ninterlock = \"preferred\"\ntimeout_ms = 400\nanswer_age_s = 60\n\
             [[lane]]\nname = \"quiet\"\n\
             [[rule]]\nname = \"serial\"\npattern = '(?<serialNumber>[A-Z][0-9]+)'\n\
             [[rule]]\nname = \"half\"\npattern = 'half (?<serialNumber>[A-Z][0-9]+)'\n\
             [[rule]]\nname = \"part\"\npattern = 'part (?<partNumber>[A-Z0-9]+)'\n\
             [[rule]]\nname = \"box\"\nreads = \"container\"\npattern = 'box (?<container>[0-9]+)'\n\
             [[label_codes]]\nname = \"two\"\ncodes = [\"half\", \"part\"]\n"
        );
        let settings = Settings::parse("t.toml".as_ref(), &text).unwrap_or_else(|faults| panic!("{faults}"));
        let board = Board::default();
        let lookup = Lookup::new(&settings, board.clone()).unwrap();
        let handle = runtime.handle().clone();
        let front = Front::new(settings.rules.clone(), Orders::Barcode, lookup.clone(), handle);
        let (owner, inbox) = Owner::to_a_test();
        Self { runtime, plant, lookup, front, owner, inbox, board, address, serving, settings, _folder: folder }
    }

    fn go_away(&mut self) {
        self.serving.abort();
        // Connections that are kept open would go on.
        while std::net::TcpStream::connect(self.address).is_ok() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn come_back(&mut self) {
        let listener = self.runtime.block_on(tokio::net::TcpListener::bind(self.address)).unwrap();
        self.serving = self.runtime.spawn(serve(listener, self.plant.clone()));
    }

    fn knows(&self, serial: &str, unit: Value) {
        self.plant.units.lock().unwrap().push((serial.to_owned(), unit));
    }

    fn submit(&self, lane: &str, text: &str) {
        self.front.submit(&self.owner, request(lane, text)).unwrap();
    }

    /// The next request: its text, and what the service said.
    fn next(&self) -> (String, Service) {
        loop {
            match self.inbox.recv_timeout(Duration::from_secs(10)).unwrap() {
                Request::Scan(scan) => return (text(&scan), scan.service),
                // Which units are unchecked: the test has no journal to answer with.
                Request::Journal(_) => {}
                _ => panic!("no scan"),
            }
        }
    }
}

async fn serve(listener: tokio::net::TcpListener, plant: Arc<Plant>) {
    let router = Router::new()
        .route("/v1/devices", axum::routing::get(devices))
        .route("/v1/containers", axum::routing::get(containers))
        .route("/v1/contradictions", axum::routing::get(contradictions))
        .layer(axum::middleware::map_response(|mut response: axum::response::Response| async {
            response.headers_mut().insert("connection", axum::http::HeaderValue::from_static("close"));
            response
        }))
        .with_state(plant);
    axum::serve(listener, router).await.unwrap();
}

fn text(request: &ScanRequest) -> String {
    String::from_utf8(request.scan.data.clone()).unwrap()
}

fn request(lane: &str, text: &str) -> ScanRequest {
    let scan = Scan { source: "hand".into(), symbology: None, data: text.into(), at: Instant::now() };
    ScanRequest::new(lane, scan)
}

fn packed(package: &str) -> Value {
    json!({"state": "packed", "packageId": package, "station": "pack-2"})
}

#[test]
fn a_unit_is_looked_up_before_it_is_handed_over() {
    let bench = Bench::new();
    bench.knows("A1", packed("P9"));
    bench.submit("asks", "A1");
    let (_, Service::Answer { age_ms: 0, unit: Some(unit), .. }) = bench.next() else { panic!("an answer") };
    assert_eq!((unit.state, unit.package_id.as_deref()), (UnitState::Packed, Some("P9")));
    bench.submit("asks", "A2");
    assert_eq!(bench.next().1, Service::Answer { age_ms: 0, unit: None, container: None }, "nothing is known of it");
    // Neither on a lane that does not ask, nor what is no unit.
    for (lane, text) in [("quiet", "A1"), ("asks", "LOTLINE-CLOSE-PACKAGE"), ("asks", "?")] {
        bench.submit(lane, text);
        assert_eq!(bench.next(), (text.to_owned(), Service::Off));
    }
    assert_eq!(bench.plant.asked.load(Ordering::SeqCst), 2);
}

#[test]
fn a_label_of_several_codes_is_asked_about_from_its_serial_on() {
    let bench = Bench::new();
    bench.knows("A1", packed("P9"));
    let asked = |text: &str| {
        bench.submit("asks", text);
        matches!(bench.next().1, Service::Answer { unit: Some(_), .. })
    };
    assert_eq!((asked("part P1"), asked("half A1")), (false, true));
    assert_eq!((asked("half A1"), asked("part P1")), (true, true), "also where the serial comes first");
    bench.submit("quiet", "half A1");
    assert_eq!(bench.next().1, Service::Off);
}

#[test]
fn the_container_after_adopt_is_asked_about_on_every_lane() {
    let bench = Bench::new();
    let told = |lane: &str, text: &str| {
        bench.submit(lane, text);
        bench.next().1
    };
    for lane in ["quiet", "asks", "quiet"] {
        assert_eq!(told(lane, "LOTLINE-ADOPT"), Service::Off);
        let Service::Answer { container: Some(container), .. } = told(lane, "box 7") else { panic!("an answer") };
        assert_eq!(container.serials, ["X1"]);
    }
    assert_eq!(told("quiet", "box 7"), Service::Off, "only the one after it");
    assert_eq!((told("quiet", "LOTLINE-ADOPT"), told("quiet", "LOTLINE-CANCEL")), (Service::Off, Service::Off));
    assert_eq!(told("quiet", "box 7"), Service::Off);
}

#[test]
fn what_was_answered_before_a_restart_counts_without_a_network() {
    let mut bench = Bench::new();
    bench.knows("A1", packed("P9"));
    bench.submit("asks", "A1");
    assert!(matches!(bench.next().1, Service::Answer { unit: Some(_), .. }));
    bench.go_away();
    let lookup = Lookup::new(&bench.settings, bench.board.clone()).unwrap();
    bench.front = Front::new(bench.settings.rules.clone(), Orders::Barcode, lookup, bench.runtime.handle().clone());
    bench.submit("asks", "A2");
    assert_eq!(bench.next().1, Service::Unreachable);
    bench.submit("asks", "A1");
    let (_, Service::Answer { age_ms, unit: Some(unit), .. }) = bench.next() else { panic!("the answer of before") };
    assert!(unit.package_id.as_deref() == Some("P9") && age_ms < 60_000);
}

#[test]
fn order_within_a_lane_is_kept_and_no_other_lane_waits() {
    let bench = Bench::new();
    bench.plant.delay.store(300, Ordering::SeqCst);
    let (front, owner) = (&bench.front, &bench.owner);
    std::thread::scope(|threads| {
        threads.spawn(|| front.submit(owner, request("asks", "A1")).unwrap());
        while bench.plant.asked.load(Ordering::SeqCst) == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        // Of the same lane by another scanner: a command, which nobody has to be asked about.
        threads.spawn(|| front.submit(owner, request("asks", "LOTLINE-CLOSE-PACKAGE")).unwrap());
        let begin = Instant::now();
        bench.submit("quiet", "B1");
        assert!(begin.elapsed() < Duration::from_millis(200));
        let texts = [(); 3].map(|()| bench.next().0);
        assert_eq!(texts, ["B1", "A1", "LOTLINE-CLOSE-PACKAGE"]);
    });
}

#[test]
fn a_service_that_is_away_holds_up_one_scan_and_its_last_answer_counts_for_a_while() {
    let mut bench = Bench::new();
    bench.knows("A1", packed("P9"));
    bench.submit("asks", "A1");
    assert!(matches!(bench.next().1, Service::Answer { .. }));
    // So slow that it is as if it were away.
    bench.plant.delay.store(5_000, Ordering::SeqCst);
    let begin = Instant::now();
    bench.submit("asks", "A2");
    assert_eq!(bench.next().1, Service::Unreachable);
    assert!(begin.elapsed() >= Duration::from_millis(400), "it was waited for");
    let begin = Instant::now();
    (0..20).for_each(|_| bench.submit("asks", "A2"));
    assert!(begin.elapsed() < Duration::from_millis(300), "and not again for each scan");
    (0..20).for_each(|_| assert_eq!(bench.next().1, Service::Unreachable));
    assert!(bench.board.read().lookup.trouble.contains("[service] url"));
    bench.submit("asks", "A1");
    let (_, Service::Answer { age_ms, unit: Some(_), .. }) = bench.next() else { panic!("what it said before") };
    assert!(age_ms >= 400);
    bench.go_away();
}

#[test]
fn when_it_is_back_what_was_accepted_without_it_is_asked_about_and_contradictions_are_shown() {
    let mut bench = Bench::new();
    bench.knows("A1", packed("P9"));
    bench.plant.contradictions.lock().unwrap().push(json!({"id": "A1", "code": "c", "text": "in two packages"}));
    bench.go_away();
    bench.submit("asks", "A1");
    assert_eq!(bench.next().1, Service::Unreachable);
    bench.come_back();
    let (stop, stops) = watch_stop();
    let recheck = Recheck { lookup: bench.lookup.clone(), owner: bench.owner.clone(), station: "pack-1".to_owned() };
    let running = bench.runtime.spawn(recheck.run(stops));
    let begin = Instant::now();
    let shown = loop {
        let shown = bench.board.read().lookup;
        if !shown.contradictions.is_empty() || begin.elapsed() > Duration::from_secs(20) {
            break shown;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    assert_eq!((shown.trouble.as_str(), &*shown.contradictions), ("", &["A1: in two packages".to_owned()][..]));
    bench.submit("asks", "A1");
    assert!(matches!(bench.next().1, Service::Answer { unit: Some(_), .. }), "and scans are looked up again");
    stop.send_replace(true);
    bench.runtime.block_on(running).unwrap();
}

fn watch_stop() -> (tokio::sync::watch::Sender<bool>, tokio::sync::watch::Receiver<bool>) {
    tokio::sync::watch::channel(false)
}

#[test]
fn what_is_no_answer_of_the_service_is_none() {
    let bench = Bench::new();
    for nonsense in [json!("packed"), json!({"state": 7}), json!([]), json!({"packageId": "P1"})] {
        bench.plant.units.lock().unwrap().clear();
        bench.knows("A1", nonsense);
        let about = About::Unit { scope: String::new(), serial: "A1".into() };
        let asked = bench.runtime.block_on(client(&bench).ask(&about, Duration::from_secs(5)));
        assert!(matches!(asked, Err(Silent::Unreadable(_))), "{asked:?}");
    }
    // A 404 of somebody else says nothing of a container.
    let about = About::Container { id: "../x".into() };
    let asked = bench.runtime.block_on(client(&bench).ask(&about, Duration::from_secs(5)));
    assert!(matches!(asked, Err(Silent::Status(StatusCode::NOT_FOUND))), "{asked:?}");
}

fn client(bench: &Bench) -> Client {
    let url = format!("http://{}", bench.address).parse().unwrap();
    Client::new(&ServiceSettings { url, tls: None, timeout: Duration::from_secs(5) }).unwrap()
}
