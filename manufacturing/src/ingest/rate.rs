//! How fast the service takes records in, in segments of a hundred, without a broker: checked, projected, committed.
//!
//! `LOTLINE_INGEST_RECORDS=100000 cargo test --release -p manufacturing hundred -- --nocapture` measures it.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::store::{Enrolment, FILE, Order, Place, Store};
use crate::testkit::{Station, at, own, packed};

#[test]
fn segments_of_a_hundred_records_are_taken_in() {
    let records: i64 = std::env::var("LOTLINE_INGEST_RECORDS").map_or(1000, |count| count.parse().unwrap());
    let mut station = Station::new("pack-1", 7);
    for number in 0..records {
        let package = format!("0{:017}", number / 10);
        station.write(number, packed(&format!("S{number:09}"), &package, &[("workOrder", "WO-2026-0815")]));
    }
    let last = station.lines.len();
    let segments: Vec<_> =
        (1..=last).step_by(100).map(|first| station.segment(first, (first + 99).min(last))).collect();
    let base = std::env::var_os("LOTLINE_BENCH_DIR").map_or_else(std::env::temp_dir, std::path::PathBuf::from);
    let folder = tempfile::tempdir_in(base).unwrap();
    let stored = Arc::new(Mutex::new(0));
    let seen = stored.clone();
    let committed = move |committed: crate::store::Committed| {
        committed.receipts.iter().for_each(|receipt| *seen.lock().unwrap() = receipt.up_to);
    };
    let (store, ended) =
        Store::start(Place::Sqlite(folder.path().join(FILE)), own(Enrolment::FirstUse), Arc::new(|| at(0)), committed)
            .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let begin = Instant::now();
    for bytes in &segments {
        let super::Verdict::Segment(checked) = super::check("pack-1", bytes) else { panic!("a good segment") };
        let order = Order { work: Some(crate::store::Work::Segment(checked)), done: Box::new(|| {}) };
        assert!(runtime.block_on(store.put(order)).is_ok());
    }
    drop(store);
    runtime.block_on(ended).unwrap();
    let seconds = begin.elapsed().as_secs_f64();
    assert_eq!(*stored.lock().unwrap(), last as u64);
    println!("{}", serde_json::json!({ "ingest_records_per_second": (last as f64 / seconds) as u64, "records": last }));
}
