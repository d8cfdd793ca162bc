//! Pictures of real codes: what is read is right, and how many are read does not sink unnoticed.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

#[path = "../examples/codes/measure.rs"]
mod measure;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use drivers::camera::decode::{Decoder, Symbology};

/// The least share that may be read of each symbology: slightly under what is read.
const FLOORS: [(&str, f64); 3] = [("code128", 0.94), ("datamatrix", 0.92), ("qrcode", 0.92)];

#[test]
fn the_share_of_real_pictures_that_is_read() {
    let Some(shared) = std::env::var_os("LOTLINE_SHARED") else {
        println!("SKIPPED the_share_of_real_pictures_that_is_read: LOTLINE_SHARED is not set");
        return;
    };
    let samples = measure::samples(&PathBuf::from(shared).join("data/codes"));
    assert!(samples.len() > 100, "{} samples", samples.len());
    // Engines may take their time here: it is about what is read, not about how fast this computer is.
    let mut decoder = measure::decoder(Duration::from_secs(60));
    let start = Instant::now();
    let counts = measure::count(&samples, &mut decoder);
    let mut wrong = Vec::new();
    for (kind, floor) in FLOORS {
        let count = &counts[kind];
        println!("{kind}: {}/{} read, {:.1} %", count.read, count.all, count.share() * 100.0);
        wrong.extend(count.wrong.iter().cloned());
        if count.share() < floor {
            wrong.push(format!(
                "{kind}: {:.3} read, at least {floor} expected; nothing in {:?}",
                count.share(),
                count.missed
            ));
        }
    }
    println!("{} pictures in {:?}, panics {}", samples.len(), start.elapsed(), decoder.panics());
    assert_eq!(counts.len(), FLOORS.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A code that is not there is worse than one that is not read.
#[test]
fn pictures_without_a_code_of_the_kind_give_nothing() {
    let Some(shared) = std::env::var_os("LOTLINE_SHARED") else {
        println!("SKIPPED pictures_without_a_code_of_the_kind_give_nothing: LOTLINE_SHARED is not set");
        return;
    };
    let kinds = [("code128", Symbology::Code128), ("datamatrix", Symbology::DataMatrix), ("qrcode", Symbology::Qr)];
    let samples = measure::samples(&PathBuf::from(shared).join("data/codes"));
    let mut tried = 0;
    for (kind, symbology) in kinds {
        let others: Vec<Symbology> = Symbology::USUAL.into_iter().filter(|other| *other != symbology).collect();
        let mut decoder = Decoder::new(&others, Duration::from_secs(60));
        // Every third one is enough, and keeps this short.
        for sample in samples.iter().filter(|sample| sample.kind == kind).step_by(3) {
            let decoded = sample.decode(&mut decoder);
            assert_eq!(decoded.found, [], "{}", sample.file.display());
            tried += 1;
        }
    }
    assert!(tried > 50, "{tried}");
}
