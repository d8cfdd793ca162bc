//! Questions, each beside the bare query.

use std::ops::ControlFlow;
use std::time::Instant;

use manufacturing::measured::{Connection, Format, Pairs, Place, Question, Snapshot, history, now, prepare, stream};
use serde_json::json;

use super::devices::Devices;
use super::{memory, reader, times, used};

pub fn ask(engine: &str, place: &Place, devices: &Devices) {
    let mut connection = reader(place);
    let count = devices.made();
    let spread = |n: u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15) % count;
    let mut ask = |n| {
        let snapshot = Snapshot::of(&mut connection).unwrap();
        let serial = Devices::serial(spread(n));
        snapshot.ahead_of(&records::Subject::device(serial.as_str())).unwrap();
        let device = snapshot.devices(&serial, true).unwrap().remove(0);
        assert_eq!(history(&snapshot, &device, None, None).unwrap().len(), 1);
    };
    let (once50, once99) = times(300, &mut ask);
    let (p50, p99) = times(300, &mut ask);
    let mut bare = reader(place);
    let mut ask = |n| {
        let found: Vec<Vec<u8>> = bare_query(
            &mut bare,
            "SELECT line FROM subject JOIN about ON subject = id JOIN record ON record.position = about.position
             WHERE tenant = '' AND kind = 'device' AND name = ? AND scope = ''",
            &[Devices::serial(spread(n + 1_000_000)).as_str()],
        );
        assert_eq!(found.len(), 1);
    };
    let (bare_once50, bare_once99) = times(300, &mut ask);
    let (bare50, bare99) = times(300, &mut ask);
    println!(
        "{}",
        json!({ "engine": engine, "question": "history of one device", "milliseconds": { "p50": p50, "p99": p99 },
                "the_first_time": { "p50": once50, "p99": once99 }, "bare": { "p50": bare50, "p99": bare99 },
                "bare_the_first_time": { "p50": bare_once50, "p99": bare_once99 } })
    );
    let group = |n| ("lotCode", Devices::lot(spread(n)));
    recall(engine, place, &mut connection, "a lot of 500", 100, &group);
    let group = |n| ("productionOrder", devices.scattered(n));
    recall(engine, place, &mut connection, "an order of scattered devices", 10, &group);
}

fn recall(
    engine: &str,
    place: &Place,
    connection: &mut Connection,
    name: &str,
    count: u64,
    group: &dyn Fn(u64) -> (&'static str, String),
) {
    let (mut first, mut units) = (Vec::new(), 0);
    let mut ask = |n| {
        let (by, value) = group(n);
        let begin = Instant::now();
        let snapshot = Snapshot::of(connection).unwrap();
        let question = Question::of(&Pairs::from_iter([("by", by), ("value", value.as_str())])).unwrap();
        let prepared = prepare(&snapshot, &question, now(), true).unwrap().unwrap();
        let (mut came, mut bytes) = (None, Vec::new());
        stream(&snapshot, &prepared, Format::Ndjson, |chunk| {
            came.get_or_insert_with(|| begin.elapsed().as_secs_f64() * 1000.0);
            units += chunk.iter().filter(|byte| **byte == b'\n').count();
            bytes = chunk;
            ControlFlow::Continue(())
        })
        .unwrap();
        first.push(came.unwrap());
    };
    // Once as the groups come, and once more: then they are in memory.
    let (once50, once99) = times(count, &mut ask);
    let (before, used) = (peak(), used());
    let (p50, p99) = times(count, &mut ask);
    let (grown, used) = (peak() - before, self::used() - used);
    let mut first = first.split_off(first.len() / 2);
    first.sort_by(f64::total_cmp);
    let mut bare = reader(place);
    let mut ask = |n| {
        let (by, value) = group(n);
        let sql =
            "SELECT serial FROM member WHERE tenant = '' AND dimension = ? AND value = ? ORDER BY serial, scope, n";
        let found: Vec<String> = bare_query(&mut bare, sql, &[by, &value]);
        assert!(!found.is_empty());
    };
    times(count, &mut ask);
    let (bare_p50, bare_p99) = times(count, &mut ask);
    println!(
        "{}",
        json!({ "engine": engine, "question": name, "units_each": units as u64 / count / 2,
                "milliseconds": { "p50": p50, "p99": p99 }, "the_first_time": { "p50": once50, "p99": once99 }, "first_bytes_p50": first[first.len() / 2],
                "bare": { "p50": bare_p50, "p99": bare_p99 }, "processor_milliseconds_each": used / count as f64, "peak_memory_grew_kib": grown })
    );
}

/// Peak of resident memory in KiB.
fn peak() -> u64 {
    memory("/proc/self/status", "VmHWM")
}

fn bare_query<T: manufacturing::measured::FromColumn>(
    connection: &mut Connection,
    sql: &str,
    values: &[&str],
) -> Vec<T> {
    let params: Vec<_> = values.iter().map(|value| manufacturing::measured::Param::Text(value)).collect();
    connection.query(sql, &params, |row| row.get(0)).unwrap()
}
