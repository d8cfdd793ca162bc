//! Over real sockets, against a real owner and journal.

mod asked;
mod connected;
mod guarded;
mod shown;
mod watched;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::*;
use crate::board::Board;
use crate::clock::ManualClock;
use crate::front::Front;
use crate::journal::{Journal, Marks, Opened};
use crate::local::{Sentence, Unconfirmed};
use crate::owner::{Handle, Owner, Request};
use crate::printing::Drawing;
use crate::settings::Settings;

const CONFIG: &str = r#"
station = "pack-1"
[page]
hosts = ["line-7.example"]
[packing]
package_size = 3
pallet_size = 2
[sscc]
company_prefix = "9521234"
[[scanner]]
name = "left"
lane = "left"
kind = "serial"
path = "/dev/null"
[[rule]]
name = "serial"
pattern = '(?<serialNumber>[A-Z][0-9]+)'
[[rule]]
name = "work order"
reads = "work-order"
pattern = 'WO:(?<workOrder>[0-9]+)'
[commands]
void_last = "TAKE BACK"
[[printer]]
name = "p"
kind = "tcp"
address = "192.0.2.1"
[[label]]
container = "package"
printer = "p"
template = "labels/package.toml"
"#;

const TOKEN: &str = "0123456789abcdef";

/// A station with its page, and the lanes `main` and `left`.
struct Station {
    runtime: Runtime,
    address: SocketAddr,
    client: Client,
    owner: Handle,
    board: Board,
    _folder: tempfile::TempDir,
}

impl Station {
    fn new() -> Self {
        Self::with_token(None)
    }

    fn with_token(token: Option<&str>) -> Self {
        Self::limited(token, Limits::USUAL)
    }

    fn limited(token: Option<&str>, limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/t.toml");
        let mut settings = Settings::parse(&file, CONFIG).unwrap_or_else(|faults| panic!("{faults}"));
        folder.path().clone_into(&mut settings.data);
        Marks::enter(folder.path(), 0).unwrap();
        let Opened { journal, state, .. } = Journal::open(folder.path(), "pack-1", 8 << 20, 0).unwrap();
        let clock = Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH, "boot"));
        let mut owner = Owner::new(&settings, journal, state, clock);
        owner.begin(&settings, records::FixedBytes([1; 32]), None).unwrap();
        let (owner, _thread) = owner.spawn().unwrap();
        let board = Board::default();
        let not_confirmed = Sentence { serial: Some("A0".to_owned()), text: "A0 is packed".to_owned() };
        let server = Arc::new(Server {
            lookup: crate::lookup::Lookup::off(),
            rules: settings.rules.clone(),
            levels: settings.packing.levels.clone(),
            first_word: crate::first_word::FirstWord::given(),
            station: "pack-1".to_owned(),
            lanes: vec!["left".to_owned(), "main".to_owned()],
            quota: 8 << 20,
            not_confirmed: Unconfirmed::new(vec![not_confirmed]),
            owner: owner.clone(),
            front: Front::plain(settings.rules.clone()),
            drawing: Drawing::new(settings.printing.templates.clone()),
            board: board.clone(),
            retry: Arc::default(),
        });
        let facts = Facts {
            commands: settings.rules.commands.clone(),
            package_size: settings.packing.package_size(),
            pallet_size: settings.packing.pallet_size(),
            roles: BTreeMap::from([("main".to_owned(), settings.line_rules.lane("main").roles)]),
            reasons: settings.line_rules.reasons.clone(),
        };
        let token = token.map(|token| Token::new(token.as_bytes()));
        let http = Http::limited(server, facts, &settings.page, token, limits);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let address = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            tokio::spawn(http.answer(listener));
            address
        });
        let client = base::http::client(None).unwrap();
        Self { runtime, address, client, owner, board, _folder: folder }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    fn send(&self, request: RequestBuilder) -> Said {
        self.try_send(request).unwrap()
    }

    /// The answer, where one comes.
    fn try_send(&self, request: RequestBuilder) -> Option<Said> {
        self.runtime.block_on(async {
            let response = request.send().await.inspect_err(|error| eprintln!("{error:?}")).ok()?;
            let (status, headers) = (response.status(), response.headers().clone());
            Some(Said { status, headers, body: response.bytes().await.ok()?.to_vec() })
        })
    }

    fn get(&self, path: &str) -> Said {
        self.send(self.request(Method::GET, path))
    }

    fn post(&self, path: &str, body: &Value) -> Said {
        self.send(self.request(Method::POST, path).json(body))
    }

    /// Scans on a lane; the answer's outcome and code.
    fn scan(&self, lane: &str, text: &str) -> (String, String) {
        let answer = self.post("/v1/scans", &serde_json::json!({"text": text, "lane": lane}));
        assert_eq!(answer.status, StatusCode::OK);
        let answer = answer.json();
        (answer["outcome"].as_str().unwrap().to_owned(), answer["code"].as_str().unwrap().to_owned())
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        drop(self.owner.submit(Request::Stop));
    }
}

/// What came back.
struct Said {
    status: StatusCode,
    headers: reqwest::header::HeaderMap,
    body: Vec<u8>,
}

impl Said {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), "application/json");
        serde_json::from_slice(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Status and code of a problem, which says what to do.
    fn problem(&self) -> (u16, String) {
        let error = &self.json()["error"];
        assert!(!error["message"].as_str().unwrap().is_empty() && !error["help"].as_str().unwrap().is_empty());
        (self.status.as_u16(), error["code"].as_str().unwrap().to_owned())
    }
}
