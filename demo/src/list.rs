//! The job with a list: every serial of a file through the scanner, as fast as the line takes it.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use agent::local::Status;
use agent::station::{Answer, Code, Counters, Outcome};
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::line::{Line, LineError, Seen, Watch};
use crate::screen::counted;
use crate::sim::ScannerError;
use crate::stop::Stop;
use crate::work;

/// The work order of such a list.
const WORK_ORDER: &str = "WO:SERIALS";
/// How often is looked how far it is.
const LOOK: Duration = Duration::from_millis(100);
/// The same near the end, where it counts for the time.
const LOOK_CLOSELY: Duration = Duration::from_millis(10);
/// Between two lines of progress where there is no terminal.
const SAY: Duration = Duration::from_secs(5);
/// Without any answer in so long the line has stopped.
const STALLED: Duration = Duration::from_secs(60);
/// Longest wait for the service at the end.
const STORED: Duration = Duration::from_secs(300);

/// What came of it. Scans of work orders and commands are not counted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Serials scanned in this run.
    pub scanned: u64,
    /// Green.
    pub accepted: u64,
    /// Red.
    pub refused: u64,
    /// Devices that the service has stored, of earlier runs in the same folder as well.
    pub stored: u64,
    /// Packages that it has stored.
    pub packages: u64,
    /// Pallets that it has stored.
    pub pallets: u64,
    /// Labels printed in this run.
    pub labels: u64,
    /// Records without a receipt.
    pub undelivered: u64,
    /// From the first scan until everything was answered and delivered, and every label had come out.
    pub seconds: f64,
    /// From the first scan until the last was answered.
    pub answered_seconds: f64,
    /// The service.
    pub http: String,
    /// Why scans were red, and how many.
    #[serde(skip)]
    pub reasons: BTreeMap<String, u64>,
}

/// The list was not finished.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The line failed.
    #[error(transparent)]
    Line(#[from] LineError),
    /// Somebody ended it.
    #[error("ended before the list was: {scanned} of {of} serials scanned; with --data what was stored is kept")]
    Stopped {
        /// Serials scanned.
        scanned: u64,
        /// Serials in the list.
        of: u64,
    },
}

/// Scans every serial, closes what is open, and waits until the service has stored everything.
///
/// # Errors
/// [`ListError`].
pub fn run(line: &mut Line, serials: &[String], stop: &Stop) -> Result<Summary, ListError> {
    let watch = line.watch()?;
    for answer in work::begin(line, &watch, WORK_ORDER)? {
        if answer.outcome == Outcome::Refused {
            tracing::warn!(text = answer.text, "the work order could not begin");
        }
    }
    let mut run = Run {
        before: line.status()?.counters,
        of: serials.len() as u64,
        begin: Instant::now(),
        reasons: BTreeMap::new(),
        uncounted: 0,
        progress: Progress::new(serials.len() as u64),
    };
    run.scan_all(line, &watch, serials, stop)?;
    let answered_seconds = run.begin.elapsed().as_secs_f64();
    let counters = line.status()?.counters;
    run.last_reasons(&watch, counters.refused - run.before.refused);
    work::close(line, &watch)?;
    run.deliver(line, stop)?;
    let seconds = run.begin.elapsed().as_secs_f64();
    let health = line.wait_stored(STORED)?;
    let status = line.status()?;
    run.progress.bar.finish_and_clear();
    Ok(Summary {
        scanned: run.of,
        accepted: counters.accepted - run.before.accepted,
        refused: counters.refused - run.before.refused + run.uncounted,
        stored: health.devices,
        packages: health.packages,
        pallets: health.pallets,
        labels: status.counters.labels - run.before.labels,
        undelivered: status.undelivered,
        seconds: rounded(seconds),
        answered_seconds: rounded(answered_seconds),
        http: line.http(),
        reasons: run.reasons,
    })
}

struct Run {
    before: Counters,
    of: u64,
    begin: Instant,
    reasons: BTreeMap<String, u64>,
    /// Answered, and not counted by the station: red, because it could not be written, or on record already.
    uncounted: u64,
    progress: Progress,
}

impl Run {
    /// Scans on a thread, which the line holds back, and looks on until every scan has its answer.
    fn scan_all(&mut self, line: &mut Line, watch: &Watch, serials: &[String], stop: &Stop) -> Result<(), ListError> {
        let (scanned, give_up) = (AtomicU64::new(0), Stop::default());
        let scanner = line.scanner_handle();
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| -> Result<(), ScannerError> {
                for serial in serials {
                    if stop.is_wanted() || give_up.is_wanted() {
                        break;
                    }
                    scanner.scan(serial)?;
                    scanned.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            });
            let result = self.look_on(line, watch, &scanned, stop, || writer.is_finished());
            if result.is_err() {
                // A writer that waits for the station would wait for ever.
                give_up.want();
                scanner.unplug().map_err(LineError::from)?;
            }
            let wrote = writer.join().unwrap_or(Ok(()));
            // A part that has ended is the cause of what the scanner says.
            result?;
            wrote.map_err(LineError::from)?;
            Ok(())
        })
    }

    fn look_on(
        &mut self,
        line: &mut Line,
        watch: &Watch,
        scanned: &AtomicU64,
        stop: &Stop,
        wrote: impl Fn() -> bool,
    ) -> Result<(), ListError> {
        let (mut answered, mut moved) = (0, Instant::now());
        loop {
            line.check()?;
            let ended = wrote();
            let scanned = scanned.load(Ordering::Relaxed);
            self.reasons(watch);
            let status = line.status()?;
            let now = self.answered(&status);
            if now > answered {
                (answered, moved) = (now, Instant::now());
            }
            self.progress.show(line, scanned, &status, self.before);
            if stop.is_wanted() {
                return Err(ListError::Stopped { scanned, of: self.of });
            }
            if ended && (answered >= scanned) {
                return Ok(());
            }
            if moved.elapsed() > STALLED {
                let found = format!("{answered} of {scanned} scans answered");
                return Err(line.not_reached("an answer to the next scan", STALLED, found).into());
            }
            std::thread::sleep(if scanned == self.of { LOOK_CLOSELY } else { LOOK });
        }
    }

    fn answered(&self, status: &Status) -> u64 {
        status.counters.accepted - self.before.accepted + status.counters.refused - self.before.refused + self.uncounted
    }

    /// Why scans were red, from the answers that came since.
    fn reasons(&mut self, watch: &Watch) {
        while let Seen::Answer(answer) = watch.next(Duration::ZERO) {
            self.reason(&answer);
        }
    }

    fn reason(&mut self, answer: &Answer) {
        if matches!(answer.outcome, Outcome::Refused | Outcome::Known) {
            self.uncounted += u64::from(answer.outcome == Outcome::Known || answer.code == Code::NotDurable);
            let word = serde_json::to_value(answer.code).ok();
            let word = word.as_ref().and_then(|word| word.as_str()).unwrap_or("unknown").to_owned();
            *self.reasons.entry(word).or_default() += 1;
        }
    }

    /// The last answers may still be on the way to the watcher. Answers that were missed are not waited for.
    fn last_reasons(&mut self, watch: &Watch, refused: u64) {
        while self.reasons.values().sum::<u64>() < refused + self.uncounted {
            match watch.next(Duration::from_millis(200)) {
                Seen::Answer(answer) => self.reason(&answer),
                Seen::Missed(_) => {}
                Seen::Nothing | Seen::Ended => return,
            }
        }
    }

    fn deliver(&mut self, line: &mut Line, stop: &Stop) -> Result<(), ListError> {
        let begin = Instant::now();
        loop {
            line.check()?;
            let status = line.status()?;
            // What is doubtful waits for a person, not for this.
            if status.undelivered == 0 && status.labels.waiting + status.labels.sending == 0 {
                return Ok(());
            }
            self.progress.show(line, self.of, &status, self.before);
            if stop.is_wanted() {
                return Err(ListError::Stopped { scanned: self.of, of: self.of });
            }
            if begin.elapsed() > STORED {
                let labels = status.labels.waiting + status.labels.sending;
                let found = format!("{} records without a receipt, {labels} labels not printed", status.undelivered);
                return Err(line.not_reached("a receipt and a label for everything", STORED, found).into());
            }
            std::thread::sleep(LOOK_CLOSELY);
        }
    }
}

/// How far it is, on standard error.
struct Progress {
    bar: ProgressBar,
    terminal: bool,
    said: Instant,
    begin: Instant,
}

impl Progress {
    fn new(of: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(of), ProgressDrawTarget::stderr_with_hz(10));
        let template = "{bar:30} {human_pos}/{human_len} {per_sec} {msg}";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let (begin, terminal) = (Instant::now(), std::io::stderr().is_terminal());
        Self { bar: bar.with_style(style), terminal, said: begin, begin }
    }

    fn show(&mut self, line: &Line, scanned: u64, status: &Status, before: Counters) {
        let (accepted, refused) =
            (status.counters.accepted - before.accepted, status.counters.refused - before.refused);
        self.bar.set_position(accepted + refused);
        if !self.terminal && self.said.elapsed() < SAY {
            return;
        }
        // The service may be busy: what it says is worth no wait more often than once in a while.
        if self.said.elapsed() < Duration::from_millis(500) {
            return;
        }
        self.said = Instant::now();
        let stored = line.health().map_or("?".to_owned(), |health| HumanCount(health.devices).to_string());
        let count = |number| HumanCount(number).to_string();
        let text = format!(
            "scanned {}, accepted {}, refused {}, stored {stored}, undelivered {}, labels printed {}",
            count(scanned),
            count(accepted),
            count(refused),
            count(status.undelivered),
            count(status.counters.labels - before.labels)
        );
        if self.terminal {
            self.bar.set_message(text);
        } else {
            let rate = (accepted + refused) as f64 / self.begin.elapsed().as_secs_f64();
            eprintln!("{text}, {rate:.0} a second");
        }
    }
}

/// To milliseconds.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

impl Summary {
    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines = vec![format!(
            "{} scanned in {:.1} s ({:.0} a second): {} accepted, {} refused",
            counted(self.scanned, "serial"),
            self.seconds,
            self.scanned as f64 / self.seconds.max(0.001),
            HumanCount(self.accepted),
            HumanCount(self.refused)
        )];
        for (why, count) in &self.reasons {
            lines.push(format!("  refused as {why}: {}", HumanCount(*count)));
        }
        lines.push(format!(
            "{} printed. The service has {} in {} on {}; {} undelivered",
            counted(self.labels, "label"),
            counted(self.stored, "device"),
            counted(self.packages, "package"),
            counted(self.pallets, "pallet"),
            counted(self.undelivered, "record")
        ));
        lines.join("\n")
    }
}
