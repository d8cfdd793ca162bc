//! What both jobs do at a line: scan, wait for the answer, bring what is open into order.

use std::time::{Duration, Instant};

use agent::local::{LaneStatus, Status};
use agent::station::{Answer, Filling};

use crate::line::{Line, LineError, Seen, Watch};

/// The command barcodes of the station.
pub const CLOSE_PACKAGE: &str = "LOTLINE-CLOSE-PACKAGE";
/// See [`CLOSE_PACKAGE`].
pub const CLOSE_PALLET: &str = "LOTLINE-CLOSE-PALLET";
/// See [`CLOSE_PACKAGE`].
pub const VOID_LAST: &str = "LOTLINE-VOID-LAST";
/// The lane of the scanner.
pub const LANE: &str = "main";
/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The lane of the scanner.
pub fn lane(status: &Status) -> LaneStatus {
    status.lanes.get(LANE).cloned().unwrap_or_default()
}

/// Scans a code and waits for the answer to it; nothing else may be scanned meanwhile.
pub fn scan(line: &mut Line, watch: &Watch, text: &str) -> Result<Answer, LineError> {
    line.scanner().scan(text)?;
    let begin = Instant::now();
    loop {
        match watch.next(Duration::from_millis(100)) {
            Seen::Answer(answer) => return Ok(answer),
            Seen::Missed(_) | Seen::Nothing | Seen::Ended => line.check()?,
        }
        if begin.elapsed() > PATIENCE {
            let what = format!("an answer to the scan of {text}");
            return Err(line.not_reached(&what, PATIENCE, "no answer".to_owned()));
        }
    }
}

/// Makes a work order current. `barcode` is `WO:` and its id, and perhaps attributes. What an earlier run in the same
/// folder left open is closed where it would be in the way.
pub fn begin(line: &mut Line, watch: &Watch, barcode: &str) -> Result<Vec<Answer>, LineError> {
    let id = barcode.trim_start_matches("WO:").split(';').next().unwrap_or_default();
    let mut answers = Vec::new();
    let before = lane(&line.status()?);
    let current = before.work_order.as_deref() == Some(id);
    // Smaller packages than in the earlier run may leave an open one over-full.
    if before.package.as_ref().is_some_and(|package| is_full(package) || (!current && package.count > 0)) {
        answers.push(scan(line, watch, CLOSE_PACKAGE)?);
    }
    if lane(&line.status()?).pallet.as_ref().is_some_and(is_full) {
        answers.push(scan(line, watch, CLOSE_PALLET)?);
    }
    if !current {
        answers.push(scan(line, watch, barcode)?);
    }
    Ok(answers)
}

/// Closes what is open and not empty.
pub fn close(line: &mut Line, watch: &Watch) -> Result<(), LineError> {
    let filled = |filling: Option<Filling>| filling.is_some_and(|filling| filling.count > 0);
    if filled(lane(&line.status()?).package) {
        scan(line, watch, CLOSE_PACKAGE)?;
    }
    if filled(lane(&line.status()?).pallet) {
        scan(line, watch, CLOSE_PALLET)?;
    }
    Ok(())
}

fn is_full(filling: &Filling) -> bool {
    filling.count >= filling.size
}
