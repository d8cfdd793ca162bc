//! The job without a list: a packing place where about one unit a second is scanned, with the mistakes that people make.

use std::time::{Duration, Instant};

use agent::station::{Answer, Code};

use crate::line::{Line, LineError, Part, Seen};
use crate::screen::{self, Screen};
use crate::sim::ZplPrinter;
use crate::stop::Stop;
use crate::work;

/// The work order, with its part and lot.
const WORK_ORDER: &str = "WO:2026-0457;P=LL-200;L=L2647A";
/// Between two scans.
const PACE: Duration = Duration::from_secs(1);
/// How often is looked for answers and for Ctrl-C.
const LOOK: Duration = Duration::from_millis(50);
/// Between two lines of status where there is no bottom line.
const SAY_STATUS: u64 = 10;

/// What is scanned next. The same list at every run, but with serials that the folder has not seen.
#[derive(Debug)]
struct Script {
    /// The first serial of this run is `first + 1`.
    first: u64,
    units: u64,
    step: u64,
}

impl Script {
    fn new(first: u64) -> Self {
        Self { first, units: 0, step: 0 }
    }

    fn serial(&self, unit: u64) -> String {
        format!("LL26-{:06}", self.first + unit)
    }

    /// Every fourth code is read by the camera, as long as it is one of a unit.
    fn by_camera(&self, code: &str) -> bool {
        self.step % 4 == 2 && code.starts_with("LL26-")
    }

    /// The next code, where so many units are in the open package.
    fn next(&mut self, open: u32) -> String {
        let step = self.step % 16;
        self.step += 1;
        match step {
            3 if self.units > 1 => self.serial(self.units - 1),
            9 => "https://example.com/warranty".to_owned(),
            6 if open > 0 => work::VOID_LAST.to_owned(),
            12 if open > 2 => work::CLOSE_PACKAGE.to_owned(),
            _ => {
                self.units += 1;
                self.serial(self.units)
            }
        }
    }
}

/// Scans until `stop`.
///
/// # Errors
/// When the line fails.
pub fn run(line: &mut Line, screen: &Screen, stop: &Stop) -> Result<(), LineError> {
    let begin = line.status()?;
    let mut script = Script::new(begin.counters.accepted + begin.counters.refused);
    let first = script.serial(1);
    introduce(line, screen, &first);
    let watch = line.watch()?;
    let (mut open, mut scans, mut labels) = (0, 0, 0);
    for answer in work::begin(line, &watch, WORK_ORDER)? {
        screen.say(&screen::answer(&answer, screen.style()));
    }
    if let Some(package) = work::lane(&line.status()?).package {
        open = package.count;
    }
    while !stop.is_wanted() {
        line.check()?;
        let code = script.next(open);
        if script.by_camera(&code) {
            line.camera().show(&code)?;
            screen.say(&screen::event("CAMERA", &format!("a picture of {code}"), screen.style()));
        } else {
            line.scanner().scan(&code)?;
        }
        scans += 1;
        let due = Instant::now() + PACE;
        while Instant::now() < due && !stop.is_wanted() {
            if let Seen::Answer(answer) = watch.next(LOOK) {
                open = still_open(&answer, open);
                screen.say(&screen::answer(&answer, screen.style()));
            }
        }
        labels = show_labels(line, screen, labels);
        show_status(line, screen, scans)?;
    }
    screen.clear();
    conclude(line, screen, begin.counters)
}

/// Units in the open package after an answer.
fn still_open(answer: &Answer, before: u32) -> u32 {
    match (&answer.package, answer.code) {
        (_, Code::PackageClosed) => 0,
        (Some(package), Code::Packed) if package.count >= package.size => 0, // full, and closed by itself
        (Some(package), _) => package.count,
        (None, _) => before,
    }
}

fn introduce(line: &Line, screen: &Screen, serial: &str) {
    let program = std::env::current_exe().map_or("lotline-demo".to_owned(), |path| path.display().to_string());
    let (url, config) = (line.http(), line.config().display().to_string());
    let kept = if line.is_temporary() { "removed at the end; keep it with --data DIR" } else { "kept" };
    let parts: Vec<String> =
        Part::ALL.into_iter().filter_map(|part| line.process_id(part).map(|id| format!("{part} {id}"))).collect();
    let broker = line.process_id(Part::Broker).unwrap_or_default();
    let bold = |text: &str| screen::paint(text, "1", screen.style());
    screen.say(&format!(
        "\n{} A whole packaging line on this computer: a simulated scanner, camera and label
printer, and three processes ({}).
scanner -> station -> MQTT broker -> service. Green is said after the record is on disk. Ctrl-C ends it all.

Open in a browser:
  operator's page    {}
  back office        {}
  a recall           {}
      every unit that shares the lot with the first one, and whether the list is complete

  labels             {}
  data               {} ({kept})

One scan in six is wrong on purpose: a unit twice, a foreign code, one taken back. A camera reads every fourth unit.
To see a line without its network: {}. The line goes on, records wait, and within a minute the recall
says that it is not complete. {} mends it.

{}
  curl '{url}/v1/recall?serial={serial}'
      every unit that shares the lot with this one
  curl '{url}/v1/devices/{serial}/history'
      everything that happened to it
  {program} service recall --serial {serial} --url {url}
      the same recall as a table
  {program} station status --config '{config}'
      queue, scanner, work order, counts
  {program} station scan MY-OWN-SERIAL --config '{config}'
      a scan of yours, as if the scanner had read it
",
        bold("Lotline demo."),
        parts.join(", "),
        bold(&line.page()),
        bold(&format!("{url}/")),
        bold(&format!("{url}/#/recall?serial={serial}&by=lotCode")),
        line.folder().join("labels").display(),
        line.folder().display(),
        bold(&format!("kill -STOP {broker}")),
        bold(&format!("kill -CONT {broker}")),
        bold("Try in another terminal:"),
    ));
}

/// Tells the labels that came out since; `told` were told before.
fn show_labels(line: &Line, screen: &Screen, told: usize) -> usize {
    let printed = line.printer().map(ZplPrinter::printed).unwrap_or_default();
    for label in printed.iter().skip(told) {
        let file = label.file.as_deref().map_or("no picture".to_owned(), |file| file.display().to_string());
        let of = if label.height > label.width { "pallet" } else { "package" };
        screen.say(&screen::event("LABEL", &format!("of a {of}: {file}"), screen.style()));
    }
    printed.len()
}

fn show_status(line: &Line, screen: &Screen, scans: u64) -> Result<(), LineError> {
    let status = line.status()?;
    let stored = line.health()?.devices;
    let text = format!(
        "status: {} green, {} red | {} waiting for a receipt | {} at the service",
        status.counters.accepted,
        status.counters.refused,
        status.undelivered,
        screen::counted(stored, "device")
    );
    if !screen.bottom(screen::paint(&text, "2", screen.style())) && scans.is_multiple_of(SAY_STATUS) {
        screen.say(&text);
    }
    Ok(())
}

fn conclude(line: &mut Line, screen: &Screen, before: agent::station::Counters) -> Result<(), LineError> {
    // What was just scanned is worth a moment; what is not delivered then is sent at the next start.
    let delivered = line.wait_status(Duration::from_secs(5), "an empty queue", |status| status.undelivered == 0);
    let status = delivered.or_else(|_| line.status())?;
    let (health, counters) = (line.health()?, status.counters);
    let taken_back = counters.voided - before.voided;
    screen.say(&format!(
        "\nIn this run: {} packed, {taken_back} of them taken back, {} refused, {} and {} closed.
The service has {} in {} on {}; {} undelivered.",
        screen::counted(counters.accepted - before.accepted, "unit"),
        screen::counted(counters.refused - before.refused, "scan"),
        screen::counted(counters.packages - before.packages, "package"),
        screen::counted(counters.pallets - before.pallets, "pallet"),
        screen::counted(health.devices, "device"),
        screen::counted(health.packages, "package"),
        screen::counted(health.pallets, "pallet"),
        screen::counted(status.undelivered, "record")
    ));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_has_units_and_every_mistake() {
        let (mut script, mut again) = (Script::new(40), Script::new(40));
        let codes: Vec<String> = (0..32).map(|_| script.next(3)).collect();
        assert_eq!(codes[0], "LL26-000041");
        assert_eq!(codes[3], codes[1], "a unit twice");
        for wanted in ["https://example.com/warranty", work::VOID_LAST, work::CLOSE_PACKAGE] {
            assert_eq!(codes.iter().filter(|code| *code == wanted).count(), 2, "{wanted}");
        }
        assert_eq!((0..32).map(|_| again.next(3)).collect::<Vec<_>>(), codes);
        // Nothing is closed or taken back where nothing is open.
        let units = (0..32).map(|_| again.next(0)).filter(|code| code.starts_with("LOTLINE")).count();
        assert_eq!(units, 0);
    }

    #[test]
    fn what_is_open_follows_the_answers() {
        use agent::station::{Filling, Outcome};
        let with = |code, count| Answer {
            package: Some(Filling { id: String::new(), count, size: 3 }),
            ..Answer::new("main", Outcome::Accepted, code, "")
        };
        assert_eq!(still_open(&with(Code::Packed, 2), 1), 2);
        assert_eq!(still_open(&with(Code::Packed, 3), 2), 0);
        assert_eq!(still_open(&with(Code::PackageClosed, 2), 2), 0);
        assert_eq!(still_open(&with(Code::Voided, 1), 2), 1);
        assert_eq!(still_open(&Answer::refused("main", Code::NoRule, "", ""), 2), 2);
    }
}
