//! From a scan to the operator's screen, in a real Chromium: `tests/run bench`. Prints a line of JSON.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench that cannot measure ends")]

use std::time::{Duration, UNIX_EPOCH};

use demo::line::{Line, Options, Part};
use tests::{Browser, chromium, wait_for};

const SCANS: usize = 300;

/// Notes when the serial of an answer is in the page, and when the frame with it is drawn.
const WATCH: &str = "
    window.seen = {}; window.drawn = {};
    const serial = document.querySelector('#answer-serial');
    new MutationObserver(() => {
        const text = serial.textContent, now = performance.timeOrigin + performance.now();
        if (window.seen[text]) return;
        window.seen[text] = now;
        // The second frame begins when the first one, with the answer, has been drawn.
        requestAnimationFrame(() => requestAnimationFrame(() => {
            window.drawn[text] = performance.timeOrigin + performance.now();
        }));
    }).observe(serial, { childList: true, characterData: true, subtree: true })";

fn main() {
    let browser = Browser::start(chromium("the time from a scan to the screen").expect("Chromium"));
    let line = Line::start(&Options::find().unwrap(), &mut |_| {}).unwrap();
    line.scanner().scan("WO:SCREEN").unwrap();
    browser.open(&line.page());
    browser.wait_text("#work-order", "SCREEN");
    drop(browser.script(WATCH));
    let mut sent = Vec::new();
    for scan in 0..SCANS {
        let serial = format!("S{scan:06}");
        let now = UNIX_EPOCH.elapsed().unwrap();
        line.scanner().scan(&serial).unwrap();
        sent.push((serial, now));
        // Not in step with the frames of the screen.
        std::thread::sleep(Duration::from_millis(60 + (scan as u64 * 7) % 31));
    }
    let last = sent.last().map(|(serial, _)| format!("return window.drawn['{serial}']")).unwrap();
    wait_for("the last answer", 20, || browser.script(&last).as_f64());
    let (seen, drawn) = (browser.script("return window.seen"), browser.script("return window.drawn"));
    let figures = |at: &serde_json::Value| {
        let mut times: Vec<f64> = sent
            .iter()
            .map(|(serial, sent)| at[serial].as_f64().expect("every answer is seen") - sent.as_secs_f64() * 1000.0)
            .collect();
        times.sort_by(f64::total_cmp);
        let rank = |share: f64| (times[((times.len() - 1) as f64 * share) as usize] * 10.0).round() / 10.0;
        serde_json::json!({ "p50": rank(0.5), "p90": rank(0.9), "p99": rank(0.99), "max": rank(1.0) })
    };
    let id = line.process_id(Part::Station).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim();
    println!(
        "{}",
        serde_json::json!({
            "bench": "last byte on the tty to the screen, milliseconds", "scans": SCANS,
            "in_the_page": figures(&seen), "drawn": figures(&drawn), "station_peak_resident": peak,
        })
    );
    line.end(&mut |_| {}).unwrap();
}
