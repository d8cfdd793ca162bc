//! How many of the pictures in a folder are read, and how long that takes: `codes FOLDER [--missed]`.
//!
//! Each subfolder is a symbology with a number, such as `qrcode-1`; beside each picture lies its text as `.txt`, or its
//! bytes as `.bin`.
#![allow(clippy::unwrap_used, missing_docs, reason = "a tool for developers")]

mod measure;

use std::path::PathBuf;
use std::time::Duration;

fn main() {
    let mut arguments = std::env::args_os().skip(1);
    let Some(folder) = arguments.next().map(PathBuf::from) else {
        eprintln!("codes FOLDER [--missed]");
        std::process::exit(2);
    };
    let missed = arguments.next().is_some();
    let mut decoder = measure::decoder(Duration::from_secs(10));
    let counts = measure::count(&measure::samples(&folder), &mut decoder);
    println!(
        "{:<12} {:>9} {:>7} {:>6} {:>8} {:>8} {:>8} {:>8}",
        "symbology", "read", "share", "wrong", "mean ms", "median", "p95", "max"
    );
    for (kind, count) in &counts {
        let mut ms = count.ms.clone();
        ms.sort_by(f64::total_cmp);
        let at = |share: f64| ms[((ms.len() - 1) as f64 * share).round() as usize];
        let mean = ms.iter().sum::<f64>() / ms.len() as f64;
        let read = format!("{}/{}", count.read, count.all);
        println!(
            "{kind:<12} {read:>9} {:>6.1}% {:>6} {mean:>8.1} {:>8.1} {:>8.1} {:>8.1}",
            count.share() * 100.0,
            count.wrong.len(),
            at(0.5),
            at(0.95),
            at(1.0)
        );
    }
    println!("panics {}, late {}", decoder.panics(), decoder.late());
    for (kind, count) in counts.iter().filter(|_| missed) {
        count.missed.iter().for_each(|file| println!("{kind}: nothing in {}", file.display()));
        count.wrong.iter().for_each(|what| println!("{kind}: wrong {what}"));
    }
}
