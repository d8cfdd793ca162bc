//! What a decision costs at a work order of 100,000 units and with 10,000,000 units known, what it costs to read whether a
//! unit is known, what the filter in front of that takes, and how long a scan takes to its green light beside the commit
//! alone. Prints one line of JSON.
//!
//! `cargo bench -p agent --bench decide`. `LOTLINE_BENCH_UNITS` takes another number of known units, `LOTLINE_BENCH_DIR` the
//! disk that is to be measured; ten million units take about a gigabyte there.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agent::clock::{Clock, SystemClock};
use agent::journal::{Filter, Journal, Marks, Opened};
use agent::owner::{Handle, Owner, Request, ScanRequest};
use agent::settings::Settings;
use agent::station::{Answer, Code, Decision, Facts, Input, Line, Raw, Reading, State, decide};
use drivers::Scan;
use records::Hash;
use records::attributes::Attributes;

const ORDER: usize = 100_000;
const READS: usize = 20_000;
const ROUNDS: usize = 300;
const QUOTA: u64 = 8 << 30;

fn main() {
    let base = std::env::var_os("LOTLINE_BENCH_DIR")
        .map_or_else(|| env!("CARGO_TARGET_TMPDIR").into(), std::path::PathBuf::from);
    let units: u64 = std::env::var("LOTLINE_BENCH_UNITS").map_or(10_000_000, |units| units.parse().unwrap());
    let folder = tempfile::tempdir_in(base).unwrap();
    let settings = settings(folder.path());
    know(folder.path(), units);

    let before = resident();
    let begin = Instant::now();
    let Opened { mut journal, state, .. } = Journal::open(folder.path(), "bench", QUOTA, 0).unwrap();
    let opening = begin.elapsed();
    let grown = resident().saturating_sub(before);
    let bytes = filter_bytes(units);
    let (known, unknown) = reads(&mut journal, units);
    let mut owner = Owner::new(&settings, journal, state, Arc::new(SystemClock::new()));
    owner.begin(&settings, records::FixedBytes([1; 32]), None).unwrap();
    let decided = decisions(&owner.line, owner.state.clone());
    let commits = commits(&mut owner);
    let green = greens(owner);

    let micros = |sorted: &[Duration], percent: usize| sorted[sorted.len() * percent / 100].as_nanos() as f64 / 1000.0;
    let spread = |sorted: &[Duration]| serde_json::json!({ "p50": micros(sorted, 50), "p90": micros(sorted, 90), "p99": micros(sorted, 99) });
    println!(
        "{}",
        serde_json::json!({
            "known_units": units, "order_units": ORDER,
            "decide_us": spread(&decided),
            "read_known_us": spread(&known), "read_unknown_us": spread(&unknown),
            "filter_bytes_per_unit": bytes as f64 / units as f64,
            "resident_growth_per_unit": grown as f64 / units as f64,
            "opening_s": opening.as_secs_f64(),
            "commit_us": spread(&commits), "scan_to_green_us": spread(&green),
            "green_to_commit": { "p50": micros(&green, 50) / micros(&commits, 50), "p99": micros(&green, 99) / micros(&commits, 99) },
        })
    );
}

fn settings(folder: &Path) -> Settings {
    let text = format!(
        "station = \"bench\"\ndata = \"{}\"\n[journal]\nquota_mib = {}\n[packing]\npackage_size = 100\npallet_size = 50\n\
         [sscc]\ncompany_prefix = \"9521234\"\n\
         [[rule]]\nname = \"serial\"\npattern = '(?<serialNumber>[A-Z][0-9]+)'\n\
         [[rule]]\nname = \"order\"\nreads = \"work-order\"\npattern = 'WO:(?<workOrder>[0-9]+)'\n",
        folder.display(),
        QUOTA >> 20
    );
    Settings::parse("bench.toml".as_ref(), &text).unwrap_or_else(|faults| panic!("{faults}"))
}

fn serial(n: u64) -> String {
    format!("K{n:010}")
}

/// Makes a journal that knows so many units, as if packed over the years.
fn know(folder: &Path, units: u64) {
    Marks::enter(folder, 0).unwrap();
    drop(Journal::open(folder, "bench", QUOTA, 0).unwrap());
    let mut connection = rusqlite::Connection::open(Journal::file(folder)).unwrap();
    // Written once, and never cut off: without a log it is half as much to write.
    let mode = |connection: &rusqlite::Connection, mode: &str| {
        connection.pragma_update_and_check(None, "journal_mode", mode, |row| row.get::<_, String>(0)).unwrap()
    };
    mode(&connection, "DELETE");
    mode(&connection, "OFF");
    connection.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -200000;").unwrap();
    let begin = Instant::now();
    let transaction = connection.transaction().unwrap();
    {
        let mut insert =
            transaction.prepare("INSERT INTO unit (scope, serial, seq, package) VALUES ('', ?1, ?2, ?3)").unwrap();
        for n in 0..units {
            insert.execute(rusqlite::params![serial(n), n + 1, format!("P{:09}", n / 100)]).unwrap();
        }
    }
    transaction.commit().unwrap();
    assert_eq!(mode(&connection, "WAL"), "wal");
    eprintln!("{units} units are known after {:.0} s", begin.elapsed().as_secs_f64());
}

/// Bytes of memory that this process really has.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// The filter alone, filled one unit after the other as on a station that began with none.
fn filter_bytes(units: u64) -> usize {
    let mut filter = Filter::with_room(0);
    (0..units).for_each(|n| filter.add("", &serial(n)));
    filter.bytes()
}

/// Reads whether units are known: of those that are, at random places, and of those that are not.
fn reads(journal: &mut Journal, units: u64) -> (Vec<Duration>, Vec<Duration>) {
    let group = journal.group().unwrap();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let (mut known, mut unknown) = (Vec::with_capacity(READS), Vec::with_capacity(READS));
    for _ in 0..READS {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (is, is_not) = (serial((random >> 16) % units), format!("N{:010}", random >> 24));
        let begin = Instant::now();
        let found = group.known("", &is).unwrap();
        known.push(begin.elapsed());
        assert!(found.is_some(), "{is}");
        let begin = Instant::now();
        let found = group.known("", &is_not).unwrap();
        unknown.push(begin.elapsed());
        assert!(found.is_none(), "{is_not}");
    }
    sorted(known, unknown)
}

fn sorted(mut a: Vec<Duration>, mut b: Vec<Duration>) -> (Vec<Duration>, Vec<Duration>) {
    a.sort();
    b.sort();
    (a, b)
}

/// A whole order, one decision after the other, without a disk.
fn decisions(line: &Line, mut state: State) -> Vec<Duration> {
    state.sscc_reserved = state.sscc_reserved.max(1 << 20);
    state.sscc_lost = false;
    let clock = SystemClock::new();
    let mut decided = Vec::with_capacity(ORDER);
    let order = Reading::WorkOrder { id: "1".into(), attributes: Attributes::new(), terms: Default::default() };
    state = decide(line, &state, &scanned(order), &clock.now()).next;
    for n in 0..ORDER {
        let (serial, scope) = (format!("A{n:08}"), String::new());
        let input = scanned(Reading::Device { serial, scope, attributes: Attributes::new() });
        let now = clock.now();
        let begin = Instant::now();
        let Decision { next, answer, .. } = decide(line, &state, &input, &now);
        decided.push(begin.elapsed());
        assert_eq!(answer.map(|answer| answer.code), Some(Code::Packed));
        state = next;
    }
    decided.sort();
    decided
}

fn scanned(reading: Reading) -> Input {
    Input::Scanned {
        lane: "main".into(),
        scanner: "hand".into(),
        reading: Ok(reading),
        raw: Raw { bytes: 9, mark: String::new() },
        facts: Facts { room: true, ..Facts::default() },
    }
}

/// The commit of one decision alone: what nobody can do without.
fn commits(owner: &mut Owner) -> Vec<Duration> {
    let clock = SystemClock::new();
    let mut took = Vec::new();
    for n in 0..ROUNDS {
        let (serial, scope) = (format!("C{n:08}"), String::new());
        let reading = Reading::Device { serial, scope, attributes: Attributes::new() };
        if n == 0 {
            let order = Reading::WorkOrder { id: "1".into(), attributes: Attributes::new(), terms: Default::default() };
            commit(owner, &scanned(order), &clock);
            owner.state.sscc_reserved = owner.state.sscc_reserved.max(1 << 20);
        }
        took.push(commit(owner, &scanned(reading), &clock));
    }
    took.sort();
    took
}

fn commit(owner: &mut Owner, input: &Input, clock: &SystemClock) -> Duration {
    let now = clock.now();
    let decision = decide(&owner.line, &owner.state, input, &now);
    let begin = Instant::now();
    let mut group = owner.journal.group().unwrap();
    group.add(&decision, Hash::ZERO, &now).unwrap();
    group.commit(&decision.next, decision.next.last_seq).unwrap();
    let took = begin.elapsed();
    owner.state = decision.next;
    took
}

/// From the scan to the answer, one at a time.
fn greens(owner: Owner) -> Vec<Duration> {
    let (handle, thread) = owner.spawn().unwrap();
    let mut took = Vec::new();
    for n in 0..ROUNDS + 20 {
        let begin = Instant::now();
        let answer = scan(&handle, &format!("G{n:08}"));
        assert_eq!(answer.code, Code::Packed, "{answer:?}");
        if n >= 20 {
            took.push(begin.elapsed());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    handle.submit(Request::Stop).unwrap();
    thread.join().unwrap();
    took.sort();
    took
}

fn scan(handle: &Handle, text: &str) -> Answer {
    let scan = Scan { source: "hand".into(), symbology: None, data: text.into(), at: Instant::now() };
    let ask = |reply| Request::Scan(ScanRequest { reply: Some(reply), ..ScanRequest::new("main", scan) });
    handle.ask_blocking(ask).unwrap()
}
