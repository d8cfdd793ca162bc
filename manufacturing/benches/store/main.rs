//! What storing and asking cost, each beside a floor of the same run: the same rows in the same tables, with the same
//! indices and as durable, without the service. Prints lines of JSON; ratios are what carries over to other machines.
//!
//! A generator makes devices: each is one record that packs it into one of its packages of 10, in a lot of 500 and a work
//! order of 10,000, one after the other, which are sealed when they are whole, and in a production order whose 50,000 devices
//! are scattered over all. They are
//! loaded first, and then batches of 1, 100 and 1,000 are stored on top, in turn with the floor. At last the program is
//! started on that store and asked over HTTP: for lots, and for the devices of an order and of the one station, which are
//! all of them, with the most memory that it had meanwhile.
//!
//! `cargo bench -p manufacturing --bench store`: 100,000 devices; `LOTLINE_BENCH_DEVICES=10000000` for the long form.
//! `LOTLINE_BENCH_DIR` is the disk that is to be measured. PostgreSQL is measured where this machine has it, with a server of
//! its own on the same disk; `LOTLINE_BENCH_ENGINES=sqlite` leaves it out. `LOTLINE_BENCH_ONLY=ask` stores nothing in turn
//! with the floor, `LOTLINE_BENCH_ONLY=store` asks nothing. `LOTLINE_BENCH_STORE=FOLDER` keeps the loaded store of PostgreSQL in
//! that folder, and goes on with it where there is one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod ask;
mod bare;
mod devices;
mod http;

use std::time::{Duration, Instant};

use base::postgres::{Server, programs};
use devices::{Devices, LOT};
use manufacturing::measured::{Connection, Place, Snapshot, Work, Writer, count_step, now, own};
use serde_json::json;

/// Devices that each batch size is measured with, and how many of them are stored in turn with the floor.
const MEASURED: [(u64, u64, u64); 3] = [(1, 600, 50), (100, 6_000, 500), (1000, 20_000, 2000)];

fn main() {
    let base = std::env::var_os("LOTLINE_BENCH_DIR")
        .map_or_else(|| env!("CARGO_TARGET_TMPDIR").into(), std::path::PathBuf::from);
    let number = |name: &str, or: u64| std::env::var(name).map_or(or, |text| text.parse().unwrap());
    let count = number("LOTLINE_BENCH_DEVICES", 100_000);
    let engines = std::env::var("LOTLINE_BENCH_ENGINES").unwrap_or_else(|_| "sqlite postgres".into());
    let only = std::env::var("LOTLINE_BENCH_ONLY").ok();
    let [stores, asks] = ["store", "ask"].map(|part| only.as_deref().is_none_or(|only| only == part));
    let folder = tempfile::tempdir_in(base).unwrap();
    if engines.contains("sqlite") {
        let (data, bare) = (folder.path().join("data"), folder.path().join("bare.db"));
        std::fs::create_dir(&data).unwrap();
        let ours = data.join("manufacturing.db");
        let mut devices = load(&Place::Sqlite(ours.clone()), count, "sqlite", || {});
        report_size("sqlite", std::fs::metadata(&ours).unwrap().len(), count);
        if stores {
            std::fs::copy(&ours, &bare).unwrap();
            store("sqlite", &Place::Sqlite(ours.clone()), &mut bare::Sqlite::open(&bare), &mut devices, None);
        }
        if asks {
            ask::ask("sqlite", &Place::Sqlite(ours), &devices);
            http::ask("sqlite", &data, None, &devices);
        }
    }
    let Some(programs) = programs().filter(|_| engines.contains("postgres")) else { return };
    let kept = std::env::var_os("LOTLINE_BENCH_STORE").map(std::path::PathBuf::from);
    let folder = kept.as_deref().unwrap_or(folder.path());
    let (data, state) = (folder.join("postgres"), folder.join("devices.json"));
    std::fs::create_dir_all(&data).unwrap();
    for folder in [folder, &data] {
        std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    // A quarter of the memory is what the manual advises (PostgreSQL 15, 20.4.1).
    let quarter = format!("shared_buffers={}MB", memory("/proc/meminfo", "MemTotal") / 4 / 1024);
    let settings = [&quarter, "max_wal_size=4GB", "autovacuum_naptime=5min", "max_prepared_transactions=1"];
    let server = Server::start(&programs, &data, &settings).unwrap();
    let url = server.url().replace("/postgres", "/ours");
    let ours = Place::Postgres(Box::new(url.parse().unwrap()));
    let mut devices = if let Ok(kept) = std::fs::read(&state) {
        Devices::again(&serde_json::from_slice(&kept).unwrap())
    } else {
        bare::sql(&server.url(), &["CREATE DATABASE ours"]);
        // Nothing is measured while it is loaded: that may be as fast as it goes.
        let [fast, safe] = ["= off", "= on"].map(|to| {
            let set = |name| format!("ALTER SYSTEM SET {name} {to}");
            [set("fsync"), set("full_page_writes"), "SELECT pg_reload_conf()".to_owned()]
        });
        let say = |statements: &[String; 3]| {
            let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
            bare::sql(&url, &statements);
        };
        let devices = load(&ours, count, "postgres", || say(&fast));
        say(&safe);
        bare::sql(&url, &["VACUUM ANALYZE", "CHECKPOINT"]);
        assert!(std::process::Command::new("sync").status().unwrap().success());
        std::fs::write(&state, devices.as_kept().to_string()).unwrap();
        devices
    };
    report_size("postgres", bare::size(&url), devices.made());
    if stores {
        let mut others = devices.others();
        store("postgres", &ours, &mut bare::Postgres::open(&url), &mut devices, Some(&mut others));
        std::fs::write(&state, devices.as_kept().to_string()).unwrap();
        bare::sql(&url, &["VACUUM ANALYZE"]);
    }
    if asks {
        ask::ask("postgres", &ours, &devices);
        http::ask("postgres", &folder.join("service"), Some(&url), &devices);
    }
    for batch in [1, 100].into_iter().filter(|_| stores) {
        for writers in [1, 2, 4] {
            side_by_side(&ours, writers, batch);
        }
    }
}

/// Counts what is sealed, as the service does by itself.
fn count_seals(engine: &str, place: &Place, writer: &mut Writer) {
    let (begin, mut seals, mut reader) = (Instant::now(), 0, reader(place));
    loop {
        let counted = count_step(&Snapshot::of(&mut reader).unwrap()).unwrap();
        if counted.is_empty() {
            break;
        }
        seals += counted.len();
        assert!(counted.iter().all(|seal| seal.stored.is_some()));
        writer.commit(&[Work::Counted(counted)], now()).unwrap();
    }
    println!("{}", json!({ "engine": engine, "seals_counted": seals, "seconds": begin.elapsed().as_secs_f64() }));
}

fn report_size(engine: &str, bytes: u64, count: u64) {
    println!("{}", json!({ "engine": engine, "devices": count, "bytes_per_device": bytes / count }));
}

/// Makes a store of so many devices.
fn load(place: &Place, count: u64, engine: &str, opened: impl FnOnce()) -> Devices {
    let mut devices = Devices::new(count);
    let mut writer = Writer::open_as(place, own(), now()).unwrap();
    opened();
    let begin = Instant::now();
    while devices.made() < count {
        let mut works = Vec::new();
        for _ in 0..2 {
            let segment = devices.segment(LOT.min(count - devices.made()));
            // A lot is sealed when it is whole.
            let seals = (segment.is_some() && devices.made().is_multiple_of(LOT)).then(|| devices.seals());
            works.extend([segment, seals].into_iter().flatten().map(|bytes| devices.checked(&bytes)));
        }
        writer.commit(&works, now()).unwrap();
        if devices.made().is_multiple_of(500_000) {
            eprintln!("{engine}: {} of {count} loaded in {} s", devices.made(), begin.elapsed().as_secs());
        }
    }
    let seconds = begin.elapsed().as_secs_f64();
    count_seals(engine, place, &mut writer);
    writer.close().unwrap();
    println!(
        "{}",
        json!({ "engine": engine, "loaded": count, "devices_per_second": (count as f64 / seconds) as u64,
                "with": "checking, storing, and making the records" })
    );
    devices
}

/// Stores in turn with the floor, which takes the same rows into a store of its own, or those of others.
fn store(
    engine: &str,
    place: &Place,
    bare: &mut dyn bare::Bare,
    devices: &mut Devices,
    mut others: Option<&mut Devices>,
) {
    let mut writer = Writer::open_as(place, own(), now()).unwrap();
    for (batch, total, turn) in MEASURED {
        let [mut check, mut store, mut floor] = [Duration::ZERO; 3];
        let begin = Instant::now();
        // The first turn is not counted: caches and plans are made.
        for at in 0..total / turn + 1 {
            let before = devices.made();
            let segments = segments(devices, batch, turn);
            let begin = Instant::now();
            let works = taken_in(devices, &segments);
            let checked = begin.elapsed();
            let begin = Instant::now();
            for works in &works {
                let committed = writer.commit(works, now()).unwrap();
                assert_eq!(committed.receipts.len(), 1);
            }
            let stored = begin.elapsed();
            let rows = match &mut others {
                None => devices.rows(before, batch, &works),
                Some(others) => {
                    let before = others.made();
                    let segments = self::segments(others, batch, turn);
                    others.rows(before, batch, &taken_in(others, &segments))
                }
            };
            bare.go_on();
            let bare: Duration = rows.iter().map(|rows| bare.store(rows)).sum();
            if at > 0 {
                check += checked;
                store += stored;
                floor += bare;
            }
        }
        let rate = |time: Duration| (total as f64 / time.as_secs_f64()) as u64;
        println!(
            "{}",
            json!({ "engine": engine, "batch": batch, "devices": total,
                    "devices_per_second": { "store": rate(store), "floor": rate(floor), "check": rate(check) },
                    "ratio": (floor.as_secs_f64() / store.as_secs_f64() * 100.0).round() / 100.0 })
        );
        eprintln!("{engine}: batches of {batch} in {} s", begin.elapsed().as_secs());
    }
    writer.close().unwrap();
}

/// The segments of so many devices, batch by batch.
fn segments(devices: &mut Devices, batch: u64, turn: u64) -> Vec<Vec<Vec<u8>>> {
    let segments = batch / LOT.min(batch);
    (0..turn / batch).map(|_| (0..segments).flat_map(|_| devices.segment(LOT.min(batch))).collect()).collect()
}

fn taken_in(devices: &Devices, segments: &[Vec<Vec<u8>>]) -> Vec<Vec<Work>> {
    segments.iter().map(|batch| batch.iter().map(|bytes| devices.checked(bytes)).collect()).collect()
}

/// Several writers, as of so many instances, each with stations of its own: what the one lock of the positions lets through.
fn side_by_side(place: &Place, writers: u8, batch: u64) {
    let total = if batch == 1 { 300 } else { 6_000 };
    let begin = std::sync::Barrier::new(usize::from(writers) + 1);
    let seconds = std::thread::scope(|scope| {
        let run = |n: u8| {
            let begin = &begin;
            move || {
                let station = 8 + n + writers * 8 + if batch == 1 { 0 } else { 64 };
                let mut devices = Devices::of(station, 50_000);
                let mut writer = Writer::open_as(place, own(), now()).unwrap();
                let segments: Vec<Vec<u8>> = (0..total / batch).filter_map(|_| devices.segment(batch)).collect();
                let works: Vec<Work> = segments.iter().map(|bytes| devices.checked(bytes)).collect();
                begin.wait();
                works.iter().for_each(|work| drop(writer.commit(std::slice::from_ref(work), now()).unwrap()));
            }
        };
        let threads: Vec<_> = (0..writers).map(|n| scope.spawn(run(n))).collect();
        begin.wait();
        let start = Instant::now();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        start.elapsed().as_secs_f64()
    });
    let count = f64::from(writers) * total as f64;
    println!(
        "{}",
        json!({ "engine": "postgres", "writers": writers, "batch": batch, "devices_per_second": (count / seconds) as u64,
                "transactions_per_second": (count / batch as f64 / seconds) as u64 })
    );
}

/// A connection that reads.
fn reader(place: &Place) -> Connection {
    Connection::open_reader(place).unwrap()
}

/// Times of one question asked again and again, in milliseconds: p50 and p99.
fn times(count: u64, mut question: impl FnMut(u64)) -> (f64, f64) {
    let mut times: Vec<f64> = (0..count)
        .map(|n| {
            let begin = Instant::now();
            question(n);
            begin.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let at = |part: usize| (times[(times.len() - 1) * part / 100] * 1000.0).round() / 1000.0;
    (at(50), at(99))
}

/// Memory of a process in KiB, as its status says.
fn memory(status: &str, what: &str) -> u64 {
    let status = std::fs::read_to_string(status).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':')).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Milliseconds that this thread has used of a processor, which others on the machine do not make longer.
fn used() -> f64 {
    let status = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    status.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e6
}
