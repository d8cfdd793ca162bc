//! How long from the last byte on the tty until the commit has returned, and how many scans in a second, each beside a
//! floor taken in the same run on the same file system. Prints one line of JSON.
//!
//! `cargo bench -p agent`, or `tests/run bench`. Set `LOTLINE_BENCH_DIR` to the disk that is to be measured.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::io::Write;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use agent::board::Board;
use agent::clock::{Clock, SystemClock};
use agent::first_word::FirstWord;
use agent::journal::{Journal, Marks, Opened};
use agent::owner::{Handle, Owner, Request, ScanRequest};
use agent::settings::Settings;
use agent::station::Code;
use drivers::serial::SerialFactory;
use drivers::{Scan, Stop};
use records::Stamp;

const ROUNDS: usize = 400;
const SCANS: usize = 20_000;

fn main() {
    let base = std::env::var_os("LOTLINE_BENCH_DIR")
        .map_or_else(|| env!("CARGO_TARGET_TMPDIR").into(), std::path::PathBuf::from);
    let folder = tempfile::tempdir_in(base).unwrap();
    let (scan, seen, floor) = latency(folder.path());
    let (station, bare) = throughput(folder.path());
    let micros = |sorted: &[Duration], percent: usize| sorted[sorted.len() * percent / 100].as_micros();
    let ratio = |percent| micros(&scan, percent) as f64 / micros(&floor, percent) as f64;
    println!(
        "{}",
        serde_json::json!({
            "tty_to_commit_us": { "p50": micros(&scan, 50), "p90": micros(&scan, 90), "p99": micros(&scan, 99) },
            "tty_to_answer_seen_us": { "p50": micros(&seen, 50), "p90": micros(&seen, 90), "p99": micros(&seen, 99) },
            "append_and_fdatasync_us": { "p50": micros(&floor, 50), "p90": micros(&floor, 90), "p99": micros(&floor, 99) },
            "ratio": { "p50": ratio(50), "p90": ratio(90), "p99": ratio(99) },
            "scans_per_second": station, "bare_sqlite_per_second": bare, "throughput_ratio": station / bare,
        })
    );
}

fn start(folder: &Path, tty: &str, clock: Arc<dyn Clock>) -> (Settings, Handle, std::thread::JoinHandle<()>) {
    let text = format!(
        "station = \"bench\"\ndata = \"{0}\"\n[packing]\npackage_size = 100000\n[sscc]\ncompany_prefix = \"9521234\"\n\
         [[scanner]]\nname = \"hand\"\nkind = \"serial\"\npath = \"{tty}\"\n\
         [[rule]]\nname = \"serial\"\npattern = '(?<serialNumber>[A-Z][0-9]+)'\n\
         [[rule]]\nname = \"order\"\nreads = \"work-order\"\npattern = 'WO:(?<workOrder>[0-9]+)'\n",
        folder.display()
    );
    let settings = Settings::parse("bench.toml".as_ref(), &text).unwrap_or_else(|faults| panic!("{faults}"));
    Marks::enter(folder, 0).unwrap();
    let Opened { journal, state, .. } = Journal::open(folder, "bench", 1 << 30, 0).unwrap();
    let mut owner = Owner::new(&settings, journal, state, clock);
    owner.begin(&settings, records::FixedBytes([1; 32]), None).unwrap();
    let (handle, thread) = owner.spawn().unwrap();
    submit(&handle, "WO:1");
    (settings, handle, thread)
}

fn submit(handle: &Handle, text: &str) {
    let data = text.as_bytes().to_vec();
    let scan = Scan { source: "hand".into(), symbology: None, data, at: Instant::now() };
    handle.submit(Request::Scan(ScanRequest::new("main", scan))).unwrap();
}

/// Notes when it was asked last. The owner asks before it decides and again when the commit has returned and the answers
/// are handed over, so after a scan this is when the commit had returned, without the wake-up of whoever waits for it.
struct Noted(SystemClock, Mutex<Instant>);

impl Clock for Noted {
    fn now(&self) -> Stamp {
        let now = self.0.now();
        *self.1.lock().unwrap() = Instant::now();
        now
    }
}

/// One scan at a time through a pty, the floor in between: both see the same disk and the same neighbours.
fn latency(folder: &Path) -> (Vec<Duration>, Vec<Duration>, Vec<Duration>) {
    let folder = folder.join("latency");
    std::fs::create_dir(&folder).unwrap();
    let flags = rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY;
    let pty = rustix::pty::openpt(flags).unwrap();
    rustix::pty::grantpt(&pty).unwrap();
    rustix::pty::unlockpt(&pty).unwrap();
    let mut raw = rustix::termios::tcgetattr(pty.as_fd()).unwrap();
    raw.make_raw();
    rustix::termios::tcsetattr(pty.as_fd(), rustix::termios::OptionalActions::Now, &raw).unwrap();
    let tty = rustix::pty::ptsname(&pty, Vec::new()).unwrap().into_string().unwrap();
    let clock = Arc::new(Noted(SystemClock::new(), Mutex::new(Instant::now())));
    let (settings, handle, thread) = start(&folder, &tty, clock.clone());
    let (board, stop) = (Board::default(), Stop::new());
    let (scanner, front) = (settings.scanners[0].clone(), agent::front::Front::plain(settings.rules.clone()));
    let scanner = {
        let (owner, board, stop) = (handle.clone(), board.clone(), stop.clone());
        agent::supervise::spawn(scanner, Arc::new(SerialFactory), owner, front, board, FirstWord::given(), stop)
            .unwrap()
    };
    while !board.read().scanners["hand"].ready {
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(700)); // the port listens for silence first
    let mut answers = handle.answers();
    let mut file = std::fs::File::create(folder.join("floor")).unwrap();
    let (mut scans, mut answers_seen, mut floors) = (Vec::new(), Vec::new(), Vec::new());
    // A record line of this bench has about so many bytes.
    let line = vec![b'x'; 520];
    for round in 0..ROUNDS + 50 {
        let text = format!("A{round:08}");
        rustix::io::write(&pty, text.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(2)); // the scan is on the line but for its end
        let begin = Instant::now();
        rustix::io::write(&pty, b"\r").unwrap();
        let answer = answers.blocking_recv().unwrap();
        let seen = begin.elapsed();
        std::thread::sleep(Duration::from_millis(1)); // the owner looks at its clock once more
        let took = clock.1.lock().unwrap().saturating_duration_since(begin);
        assert!(answer.code == Code::Packed || answer.code == Code::WorkOrderStarted, "{answer:?}");
        let begin = Instant::now();
        file.write_all(&line).unwrap();
        file.sync_data().unwrap();
        if round >= 50 {
            scans.push(took);
            answers_seen.push(seen);
            floors.push(begin.elapsed());
        }
    }
    stop.stop();
    scanner.join().unwrap();
    handle.submit(Request::Stop).unwrap();
    thread.join().unwrap();
    [&mut scans, &mut answers_seen, &mut floors].into_iter().for_each(|all| all.sort());
    (scans, answers_seen, floors)
}

/// As fast as it goes, against a loop that only writes the same lines into SQLite, 64 in a transaction.
fn throughput(folder: &Path) -> (f64, f64) {
    let (mut station, mut bare) = (0.0_f64, 0.0_f64);
    for round in 0..3 {
        station = station.max(station_rate(&folder.join(format!("station-{round}"))));
        bare = bare.max(bare_rate(&folder.join(format!("bare-{round}.db"))));
    }
    (station, bare)
}

fn station_rate(folder: &Path) -> f64 {
    let (_, handle, thread) = start(folder, "/dev/null", Arc::new(SystemClock::new()));
    let begin = Instant::now();
    for number in 0..SCANS {
        submit(&handle, &format!("A{number:08}"));
    }
    handle.submit(Request::Stop).unwrap();
    thread.join().unwrap();
    let took = begin.elapsed();
    Marks::enter(folder, 0).unwrap();
    let Opened { state, .. } = Journal::open(folder, "bench", 1 << 30, 0).unwrap();
    assert_eq!(state.counters.accepted, SCANS as u64);
    SCANS as f64 / took.as_secs_f64()
}

fn bare_rate(file: &Path) -> f64 {
    let profile = base::sqlite::Profile::journal(1 << 30);
    let mut connection = base::sqlite::open(file, &profile).unwrap();
    connection.execute_batch("CREATE TABLE record (seq INTEGER PRIMARY KEY, line BLOB NOT NULL) STRICT").unwrap();
    let line = vec![b'x'; 520];
    let begin = Instant::now();
    for group in 0..SCANS / 64 {
        let transaction = connection.transaction().unwrap();
        {
            let mut insert = transaction.prepare_cached("INSERT INTO record VALUES (?1, ?2)").unwrap();
            for number in 0..64 {
                insert.execute(rusqlite::params![group * 64 + number, line]).unwrap();
            }
        }
        transaction.commit().unwrap();
    }
    (SCANS / 64 * 64) as f64 / begin.elapsed().as_secs_f64()
}
