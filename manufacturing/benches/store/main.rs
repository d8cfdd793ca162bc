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
//! with the floor, `LOTLINE_BENCH_ONLY=store` asks nothing.
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
        let mut devices = load(&Place::Sqlite(ours.clone()), count, "sqlite");
        report_size("sqlite", std::fs::metadata(&ours).unwrap().len(), count);
        if stores {
            std::fs::copy(&ours, &bare).unwrap();
            store("sqlite", &Place::Sqlite(ours.clone()), &mut bare::Sqlite::open(&bare), &mut devices);
        }
        if asks {
            ask::ask("sqlite", &Place::Sqlite(ours), &devices);
            http::ask("sqlite", &data, None, &devices);
        }
    }
    let Some(programs) = programs().filter(|_| engines.contains("postgres")) else { return };
    let data = folder.path().join("postgres");
    std::fs::create_dir(&data).unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open).unwrap();
    let settings = ["shared_buffers=1GB", "max_wal_size=4GB", "autovacuum_naptime=5min"];
    let server = Server::start(&programs, &data, &settings).unwrap();
    let place = |database: &str| {
        let url = server.url().replace("/postgres", &format!("/{database}"));
        (Place::Postgres(Box::new(url.parse().unwrap())), url)
    };
    bare::sql(&server.url(), &["CREATE DATABASE ours"]);
    let (ours, ours_url) = place("ours");
    let mut devices = load(&ours, count, "postgres");
    bare::sql(&ours_url, &["VACUUM ANALYZE", "CHECKPOINT"]);
    report_size("postgres", bare::size(&ours_url), count);
    if stores {
        bare::sql(&server.url(), &["CREATE DATABASE bare TEMPLATE ours"]);
        store("postgres", &ours, &mut bare::Postgres::open(&place("bare").1), &mut devices);
        bare::sql(&ours_url, &["VACUUM ANALYZE"]);
    }
    if asks {
        ask::ask("postgres", &ours, &devices);
        http::ask("postgres", &folder.path().join("service"), Some(&ours_url), &devices);
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
fn load(place: &Place, count: u64, engine: &str) -> Devices {
    let mut devices = Devices::new(count);
    let mut writer = Writer::open_as(place, own(), now()).unwrap();
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

/// Stores in turn with the floor.
fn store(engine: &str, place: &Place, bare: &mut dyn bare::Bare, devices: &mut Devices) {
    let mut writer = Writer::open_as(place, own(), now()).unwrap();
    for (batch, total, turn) in MEASURED {
        let [mut check, mut store, mut floor] = [Duration::ZERO; 3];
        // The first turn is not counted: caches and plans are made.
        for at in 0..total / turn + 1 {
            let before = devices.made();
            let segments: Vec<Vec<Vec<u8>>> = (0..turn / batch)
                .map(|_| {
                    let whole = batch / LOT.min(batch);
                    (0..whole).flat_map(|_| devices.segment(LOT.min(batch))).collect()
                })
                .collect();
            let begin = Instant::now();
            let works: Vec<Vec<Work>> =
                segments.iter().map(|batch| batch.iter().map(|bytes| devices.checked(bytes)).collect()).collect();
            let checked = begin.elapsed();
            let begin = Instant::now();
            for works in &works {
                let committed = writer.commit(works, now()).unwrap();
                assert_eq!(committed.receipts.len(), 1);
            }
            let stored = begin.elapsed();
            let rows = devices.rows(before, batch, &works);
            let begin = Instant::now();
            rows.iter().for_each(|rows| bare.store(rows));
            if at > 0 {
                check += checked;
                store += stored;
                floor += begin.elapsed();
            }
        }
        let rate = |time: Duration| (total as f64 / time.as_secs_f64()) as u64;
        println!(
            "{}",
            json!({ "engine": engine, "batch": batch, "devices": total,
                    "devices_per_second": { "store": rate(store), "floor": rate(floor), "check": rate(check) },
                    "ratio": (floor.as_secs_f64() / store.as_secs_f64() * 100.0).round() / 100.0 })
        );
    }
    writer.close().unwrap();
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
