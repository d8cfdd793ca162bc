//! How long a label takes from its values to the bytes for the printer, beside a floor taken in the same run: to clear a canvas of
//! that size and to compress the finished picture as fast as zlib can. Prints one line of JSON for each template.
//!
//! `cargo bench -p labels`.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use labels::{Data, Label, Language, Template, Zpl};

const ROUNDS: u32 = 2_000;

fn main() {
    for name in ["pallet", "package"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/labels");
        println!("{}", measured(name, &folder.join(format!("{name}.toml"))));
    }
}

fn measured(name: &str, file: &Path) -> serde_json::Value {
    let begin = Instant::now();
    let template = Template::load(file).unwrap_or_else(|faults| panic!("{faults}"));
    let loading = begin.elapsed();
    let usual = template.tests()[0].data.clone();
    let (mut draw, mut encode, mut both, mut png, mut floor) = (vec![], vec![], vec![], vec![], vec![]);
    let mut bytes = 0;
    // The first rounds are not counted.
    for round in 0..ROUNDS + 100 {
        let data = values(&usual, round);
        let begin = Instant::now();
        let picture = Label { template: &template, data: &data }.draw().unwrap();
        let drawn = begin.elapsed();
        let format = Zpl::default().encode(&picture).unwrap();
        let done = begin.elapsed();
        let begin = Instant::now();
        black_box(picture.png().unwrap());
        let shown = begin.elapsed();
        let begin = Instant::now();
        black_box(least(picture.canvas().bits()));
        let floor_took = begin.elapsed();
        if round >= 100 {
            draw.push(drawn);
            encode.push(done - drawn);
            both.push(done);
            png.push(shown);
            floor.push(floor_took);
            bytes = bytes.max(format.len());
        }
    }
    [&mut draw, &mut encode, &mut both, &mut png, &mut floor].into_iter().for_each(|all| all.sort());
    let micros = |sorted: &[Duration]| serde_json::json!({ "p50": at(sorted, 50), "p99": at(sorted, 99) });
    serde_json::json!({
        "label": name, "load_us": loading.as_micros() as u64,
        "draw_us": micros(&draw), "encode_us": micros(&encode), "both_us": micros(&both), "png_us": micros(&png),
        "clear_and_compress_us": micros(&floor),
        "ratio": { "p50": at(&both, 50) / at(&floor, 50), "p99": at(&both, 99) / at(&floor, 99) },
        "most_bytes": bytes,
    })
}

/// In microseconds.
fn at(sorted: &[Duration], percent: usize) -> f64 {
    sorted[sorted.len() * percent / 100].as_nanos() as f64 / 1000.0
}

/// Labels as a line makes them: each has its own SSCC, and a work order now and then ends.
fn values(usual: &Data, round: u32) -> Data {
    let digits = format!("09521234{round:09}");
    let check = gs1::check_digit(&digits).unwrap();
    let order = round / 200;
    usual
        .clone()
        .with("sscc", format!("{digits}{check}"))
        .with("count", 200 - round % 3)
        .with("workOrder", format!("WO-2026-{order:04}"))
        .with("lotCode", format!("L26-{order:03}A"))
}

/// What no encoder can do without.
fn least(bits: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut canvas = vec![0xFF; bits.len()];
    canvas.fill(black_box(0));
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    zlib.write_all(bits).unwrap();
    (canvas, zlib.finish().unwrap())
}
