//! Receipts that the service did not give, and receipts of the service that are for somebody else.

use std::time::Duration;

use demo::sim::Toward;
use records::wire::{Receipt, signed};
use records::{FixedBytes, Hash, SeriesId, SigningKey};

use super::super::scanning::{Scanning, until};

/// While the service is out of reach, records wait; none of these receipts frees one of them.
pub(super) fn forge(line: &mut Scanning) {
    let wire = line.rig.service_wire.as_ref().expect("a wire");
    wire.unplug();
    line.scan(12);
    let status = line.rig.status().expect("the station runs");
    let series: SeriesId = status["series"].as_str().and_then(|text| text.parse().ok()).expect("a series");
    let last = status["last"].as_u64().unwrap_or_default();
    let waits = status["undelivered"].as_u64().unwrap_or_default();
    let service = service_key(line);
    let stranger = SigningKey::from_seed(FixedBytes([0x5A; 32]));
    let other_series = FixedBytes([0x77; 16]);
    let good = |station: &str, series| Receipt::stored(station, series, last, FixedBytes([9; 32]));
    let fork = Receipt {
        fork: Some(records::wire::Fork { seq: 1, held: FixedBytes([3; 32]) }),
        ..Receipt::stored("pack-1", series, 0, Hash::ZERO)
    };
    let beyond = Receipt::stored("pack-1", series, u64::MAX, FixedBytes([9; 32]));
    let forged: [Vec<u8>; 8] = [
        b"{}".to_vec(),
        vec![0xFF; 3000],
        signed::seal(&stranger, &good("pack-1", series)).expect("JSON"),
        signed::seal(&stranger, &fork).expect("JSON"),
        signed::seal(&service, &good("pack-1", other_series)).expect("JSON"),
        signed::seal(&service, &good("pack-2", series)).expect("JSON"),
        signed::seal(&service, &good("pack-1", series)).expect("JSON"), // the hash does not agree
        signed::seal(&service, &beyond).expect("JSON"),
    ];
    let wire = line.rig.station_wire.as_ref().expect("a wire");
    // A fault of before may have cut the connection.
    let reaches =
        |payload: &&Vec<u8>| until(20, || wire.inject(Toward::Client, "lotline/v1/pack-1/receipts", payload) > 0);
    let told = forged.iter().filter(reaches).count();
    line.outcome
        .must(told == forged.len(), || format!("{told} of {} forged receipts reached the station", forged.len()));
    std::thread::sleep(Duration::from_millis(300));
    let after = line.rig.status().expect("the station runs");
    line.outcome.must(after["undelivered"].as_u64() >= Some(waits), || {
        format!("a forged receipt freed records: {waits} waited, now {}", after["undelivered"])
    });
    line.outcome.must(after["series"] == status["series"], || "a forged fork began a new series".to_owned());
    line.outcome
        .must(after["quarantined"] == status["quarantined"], || "a forged receipt set records aside".to_owned());
    let sofar = line.outcome.extra.get("forged_receipts").and_then(serde_json::Value::as_u64).unwrap_or(0);
    line.outcome.figure("forged_receipts", sofar + told as u64);
    line.rig.service_wire.as_ref().expect("a wire").plug().expect("the port is free");
}

fn service_key(line: &Scanning) -> SigningKey {
    let text = std::fs::read_to_string(line.rig.path("service").join("service.key")).expect("the service's key");
    SigningKey::from_seed(text.trim().parse().expect("a key"))
}
