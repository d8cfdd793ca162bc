//! What one durable record costs: time and bytes written, each beside a floor taken in turn on the same file system.
//! Prints one line of JSON.
//!
//! Each unit is decided and committed in a group of its own, as on a line where people scan by hand. Beside it the same
//! lines are appended to a file with fdatasync, and committed into a table of a bare SQLite store with write-ahead log and
//! synchronous=FULL. Bytes are those that the kernel counts for this process (`write_bytes` in `/proc/self/io`: pages of
//! files that were made dirty), so not on a file system in memory.
//!
//! `cargo bench -p agent --bench journal`, or `tests/run bench`. Set `LOTLINE_BENCH_DIR` to the disk that is to be
//! measured, `LOTLINE_BENCH_PAGE` to the page size of the journal that is to be tried.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agent::clock::SystemClock;
use agent::journal::{Journal, Marks, Opened};
use agent::owner::Owner;
use agent::settings::Settings;
use agent::station::{Input, Reading, decide};
use records::attributes::Attributes;
use rusqlite::Connection;

/// Units of a run; at first some that are not counted.
const UNITS: u64 = 3000;
const WARM: u64 = 300;

const CONFIGURATION: &str = r#"
station = "bench"
data = "FOLDER"
[packing]
package_size = 10
pallet_size = 20
[sscc]
company_prefix = "9521234"
[[scanner]]
name = "hand"
kind = "serial"
path = "/dev/null"
[[rule]]
name = "serial"
pattern = '(?<serialNumber>[A-Z0-9]+)'
"#;

fn main() {
    let base = std::env::var_os("LOTLINE_BENCH_DIR")
        .map_or_else(|| env!("CARGO_TARGET_TMPDIR").into(), std::path::PathBuf::from);
    let folder = tempfile::tempdir_in(base).unwrap();
    let mut station = Station::open(&folder.path().join("station"));
    let mut bare = Bare::open(&folder.path().join("bare.db"));
    let mut file = std::fs::File::create(folder.path().join("floor")).unwrap();
    let [mut journal, mut sqlite, mut append] = [Cost::default(); 3];
    let mut records = 0;
    for number in 0..UNITS + WARM {
        let before = station.state().last_seq;
        let costs = [
            measure(|| station.pack(&serial(number))),
            {
                let lines = station.lines_after(before);
                measure(|| bare.insert(&lines))
            },
            {
                let mut bytes = Vec::new();
                station.lines_after(before).iter().for_each(|line| bytes.extend_from_slice(line));
                measure(|| {
                    file.write_all(&bytes).unwrap();
                    file.sync_data().unwrap();
                })
            },
        ];
        if number >= WARM {
            records += station.state().last_seq - before;
            [&mut journal, &mut sqlite, &mut append].into_iter().zip(costs).for_each(|(sum, cost)| sum.add(cost));
        }
    }
    let rate = |cost: &Cost| UNITS as f64 / cost.time.as_secs_f64();
    let bytes = |cost: &Cost| cost.written as f64 / records as f64;
    println!(
        "{}",
        serde_json::json!({
            "page_size": station.page_size(), "units": UNITS, "records": records,
            "state_bytes": serde_json::to_string(station.state()).unwrap().len(),
            "durable_units_per_second": { "journal": rate(&journal), "append_and_fdatasync": rate(&append), "bare_sqlite": rate(&sqlite) },
            "rate_ratio": rate(&journal) / rate(&append),
            "bytes_written_per_record": { "journal": bytes(&journal), "append": bytes(&append), "bare_sqlite": bytes(&sqlite) },
            "bytes_ratio": bytes(&journal) / bytes(&sqlite),
        })
    );
}

/// Serials as a factory makes them: neighbours on the line are none in the index.
fn serial(number: u64) -> String {
    format!("S{:012X}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16)
}

#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    time: Duration,
    written: u64,
}

impl Cost {
    fn add(&mut self, other: Self) {
        self.time += other.time;
        self.written += other.written;
    }
}

fn measure(work: impl FnOnce()) -> Cost {
    let written = written();
    let begin = Instant::now();
    work();
    let time = begin.elapsed();
    Cost { time, written: self::written() - written }
}

fn written() -> u64 {
    let counters = std::fs::read_to_string("/proc/self/io").unwrap();
    counters.lines().find_map(|line| line.strip_prefix("write_bytes: ")).unwrap().parse().unwrap()
}

/// The journal of a station with what decides, without threads.
struct Station {
    owner: Owner,
    settings: Settings,
}

impl Station {
    fn open(folder: &Path) -> Self {
        std::fs::create_dir(folder).unwrap();
        if let Ok(page) = std::env::var("LOTLINE_BENCH_PAGE") {
            // A store that is there keeps the page size that it was made with.
            let connection = Connection::open(folder.join("journal.db")).unwrap();
            connection.execute_batch(&format!("PRAGMA page_size = {page}; VACUUM")).unwrap();
        }
        let text = CONFIGURATION.replace("FOLDER", &folder.display().to_string());
        let settings = Settings::parse("bench.toml".as_ref(), &text).unwrap_or_else(|faults| panic!("{faults}"));
        Marks::enter(folder, 0).unwrap();
        let Opened { journal, state, .. } = Journal::open(folder, "bench", 1 << 30, 0).unwrap();
        let mut owner = Owner::new(&settings, journal, state, Arc::new(SystemClock::new()));
        owner.begin(&settings, records::FixedBytes([1; 32]), None).unwrap();
        let mut station = Self { owner, settings };
        station.decide(&Input::SsccReserved { next: 0, mark: 100_000 });
        let work_order = Reading::WorkOrder {
            id: "WO-2026-0815".to_owned(),
            attributes: Attributes::new(),
            terms: Default::default(),
        };
        station.decide(&station.scanned(Ok(work_order), b"WO-2026-0815"));
        station
    }

    fn state(&self) -> &agent::station::State {
        &self.owner.state
    }

    fn scanned(&self, reading: Result<Reading, agent::station::Unread>, data: &[u8]) -> Input {
        let (lane, scanner) = ("main".to_owned(), "hand".to_owned());
        Input::Scanned {
            lane,
            scanner,
            reading,
            raw: self.settings.rules.raw(data),
            facts: agent::station::Facts { room: true, ..Default::default() },
        }
    }

    fn pack(&mut self, serial: &str) {
        let device = Reading::Device { serial: serial.to_owned(), scope: String::new(), attributes: Attributes::new() };
        let before = self.owner.state.counters.accepted;
        self.decide(&self.scanned(Ok(device), serial.as_bytes()));
        assert_eq!(self.owner.state.counters.accepted, before + 1, "{serial} is packed");
    }

    /// As the owner does it, for one input.
    fn decide(&mut self, input: &Input) {
        let Owner { journal, state, line, digest, clock, .. } = &mut self.owner;
        let now = clock.now();
        let mut group = journal.group().unwrap();
        if let Input::Scanned { reading: Ok(Reading::Device { serial, scope, .. }), .. } = input {
            assert_eq!(group.known(scope, serial).unwrap(), None);
        }
        let decision = decide(line, state, input, &now);
        group.add(&decision, *digest, &now).unwrap();
        group.commit(&decision.next, state.last_seq).unwrap();
        *state = decision.next;
    }

    fn lines_after(&self, seq: u64) -> Vec<Vec<u8>> {
        let lines = seq + 1..=self.owner.state.last_seq;
        lines.map(|seq| self.owner.journal.line(seq).unwrap().expect("a line")).collect()
    }

    fn page_size(&self) -> u64 {
        let file = std::fs::read(Journal::file(&self.owner.folder)).unwrap();
        u64::from(u16::from_be_bytes([file[16], file[17]]))
    }
}

/// The least that a store of lines can be in SQLite: one table, its own page size, each commit durable.
struct Bare(Connection, i64);

impl Bare {
    fn open(file: &Path) -> Self {
        let connection = Connection::open(file).unwrap();
        connection
            .execute_batch(
                "PRAGMA locking_mode = exclusive; PRAGMA journal_mode = wal; PRAGMA synchronous = full; PRAGMA wal_autocheckpoint = 256;
                 CREATE TABLE record (seq INTEGER PRIMARY KEY, line BLOB NOT NULL) STRICT",
            )
            .unwrap();
        Self(connection, 0)
    }

    fn insert(&mut self, lines: &[Vec<u8>]) {
        let transaction = self.0.transaction().unwrap();
        for line in lines {
            self.1 += 1;
            let mut insert = transaction.prepare_cached("INSERT INTO record (seq, line) VALUES (?1, ?2)").unwrap();
            insert.execute(rusqlite::params![self.1, line]).unwrap();
        }
        transaction.commit().unwrap();
    }
}
