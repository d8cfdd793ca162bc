//! The program itself, asked over HTTP: how long recalls take, and whether its memory grows with the answer.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::json;

use super::devices::{Devices, ORDER, STATION};
use super::{memory, times};

/// The key by which the store was loaded: see [`manufacturing::measured::own`].
const KEY: [u8; 32] = [99; 32];

/// The running service. Killed when it is dropped.
struct Service {
    child: Child,
    address: String,
}

impl Service {
    /// With its data folder, on a store at a server where there is one; nobody is at the address of the broker.
    fn start(data: &Path, store: Option<&str>) -> Self {
        std::fs::create_dir_all(data).unwrap();
        let key: String = KEY.iter().map(|byte| format!("{byte:02x}")).collect();
        std::fs::write(data.join("service.key"), key).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_lotline-manufacturing"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--broker", "mqtt://127.0.0.1:1", "--data"]).arg(data);
        command.args(store.map(|url| ["--store", url]).into_iter().flatten());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("listening on http://").unwrap().to_owned();
        Self { child, address }
    }

    /// Resident now, and at most since this was called last, in KiB.
    fn memory(&self) -> (u64, u64) {
        let of = format!("/proc/{}", self.child.id());
        let found = ["VmRSS", "VmHWM"].map(|what| memory(&format!("{of}/status"), what));
        std::fs::write(format!("{of}/clear_refs"), "5").unwrap();
        (found[0], found[1])
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// A connection that stays open.
struct Connection(BufReader<TcpStream>);

/// What came, and in how many milliseconds its first bytes.
struct Answer {
    first: f64,
    lines: u64,
}

impl Connection {
    fn open(service: &Service) -> Self {
        let stream = TcpStream::connect(&service.address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::with_capacity(64 << 10, stream))
    }

    /// The units of a group as NDJSON, thrown away as they come.
    fn recall(&mut self, by: &str, value: &str) -> Answer {
        let begin = Instant::now();
        let request = format!(
            "GET /v1/recall?by={by}&value={value} HTTP/1.1\r\nHost: localhost\r\nAccept: application/x-ndjson\r\n\r\n"
        );
        self.0.get_mut().write_all(request.as_bytes()).unwrap();
        assert!(self.line().starts_with("HTTP/1.1 200 "));
        while !self.line().is_empty() {}
        let (mut first, mut lines, mut last) = (None, 0, Vec::new());
        loop {
            let size = usize::from_str_radix(&self.line(), 16).unwrap();
            let mut chunk = vec![0; size + 2];
            self.0.read_exact(&mut chunk).unwrap();
            first.get_or_insert_with(|| begin.elapsed().as_secs_f64() * 1000.0);
            if size == 0 {
                break;
            }
            chunk.truncate(size);
            lines += chunk.iter().filter(|byte| **byte == b'\n').count() as u64;
            last = chunk;
        }
        assert!(last.ends_with(b"}\n") && String::from_utf8_lossy(&last).contains(r#"{"end":true"#), "all of it came");
        // The first line is the question, the last one the end.
        Answer { first: first.unwrap(), lines: lines - 2 }
    }

    /// Posts JSON with the token of whoever may change things, or gets something.
    fn ask(&mut self, token: Option<&str>, path: &str, body: &serde_json::Value) -> serde_json::Value {
        let request = match token {
            None => format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            Some(token) => {
                let body = body.to_string();
                format!(
                    "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
                     Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                )
            }
        };
        self.0.get_mut().write_all(request.as_bytes()).unwrap();
        let (status, mut length) = (self.line(), 0);
        loop {
            let line = self.line().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        assert!(status.starts_with("HTTP/1.1 200 "), "{status}: {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }

    /// A line of a head, without its end.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

pub fn ask(engine: &str, data: &Path, store: Option<&str>, devices: &Devices) {
    let service = Service::start(data, store);
    let mut connection = Connection::open(&service);
    let spread = |n: u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15) % devices.made();
    let lot = |n| ("lotCode", Devices::lot(spread(n)));
    recall(engine, &mut connection, "a lot of 500, over HTTP", 500, &lot);
    let order = |n| ("productionOrder", devices.scattered(n));
    recall(engine, &mut connection, "an order of scattered devices, over HTTP", 10, &order);
    // All devices come from one station.
    let groups =
        [("workOrder", Devices::order(0), ORDER.min(devices.made())), ("station", STATION.to_owned(), devices.made())];
    let mut peaks = Vec::new();
    for (by, value, least) in groups {
        service.memory();
        let answer = connection.recall(by, &value);
        assert!(answer.lines >= least);
        let (resident, peak) = service.memory();
        peaks.push(peak);
        println!(
            "{}",
            json!({ "engine": engine, "streamed_units": answer.lines, "first_bytes_milliseconds": answer.first,
                    "service_resident_kib": resident, "service_peak_kib": peak,
                    "beside_the_smaller": (peak as f64 / peaks[0] as f64 * 1000.0).round() / 1000.0 })
        );
    }
    schema(engine, &service, data);
}

/// A schema is added, which makes a new recall dimension: what is stored is looked through, and then every device is taken
/// in. Meanwhile lots are put on hold and released: each of these decisions waits for the one writer, as records do.
fn schema(engine: &str, service: &Service, data: &Path) {
    let token = std::fs::read_to_string(data.join("admin.token")).unwrap();
    let token = token.trim_end();
    let document = json!({ "$schema": "https://json-schema.org/draft/2020-12/schema",
                           "properties": { "colour": { "type": "string", "x-group": true } } });
    let mut connection = Connection::open(service);
    let begin = Instant::now();
    let (mut added, mut decided) = (None, Vec::new());
    std::thread::scope(|scope| {
        let adding = scope.spawn(|| {
            let schema = json!({ "id": "paint", "schema": document });
            Connection::open(service).ask(Some(token), "/v1/schemas", &schema);
        });
        for action in ["hold", "release"].into_iter().cycle() {
            let one = Instant::now();
            let body = json!({ "action": action, "lotCode": "HELD", "reason": "measured" });
            connection.ask(Some(token), "/v1/holds", &body);
            decided.push(one.elapsed().as_secs_f64() * 1000.0);
            if adding.is_finished() {
                added.get_or_insert_with(|| begin.elapsed().as_secs_f64());
                let known = connection.ask(None, "/v1/schemas", &json!(null));
                if known["schemas"][0]["dimensions"][0]["complete"] == true {
                    break;
                }
            }
        }
    });
    let all = begin.elapsed().as_secs_f64();
    decided.sort_by(f64::total_cmp);
    let at = |part: usize| decided[(decided.len() - 1) * part / 100];
    println!(
        "{}",
        json!({ "engine": engine, "question": "a schema is added", "seconds": { "added": added, "all_taken_in": all },
                "decisions_meanwhile": decided.len(),
                "milliseconds_each": { "p50": at(50), "p99": at(99), "longest": at(100) } })
    );
}

fn recall(
    engine: &str,
    connection: &mut Connection,
    name: &str,
    count: u64,
    group: &dyn Fn(u64) -> (&'static str, String),
) {
    let (mut first, mut units) = (Vec::new(), 0);
    // The first one opens what the service reads the store with.
    let (by, value) = group(count);
    connection.recall(by, &value);
    let mut ask = |n| {
        let (by, value) = group(n);
        let answer = connection.recall(by, &value);
        units += answer.lines;
        first.push(answer.first);
    };
    let (once50, once99) = times(count, &mut ask);
    let (p50, p99) = times(count, &mut ask);
    let mut first = first.split_off(first.len() / 2);
    first.sort_by(f64::total_cmp);
    println!(
        "{}",
        json!({ "engine": engine, "question": name, "units_each": units / count / 2,
                "milliseconds": { "p50": p50, "p99": p99 }, "the_first_time": { "p50": once50, "p99": once99 }, "first_bytes_p50": first[first.len() / 2] })
    );
}
