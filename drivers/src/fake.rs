//! Scripted devices, for tests of what uses devices.

mod printer;

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::{
    AimId, Event, Flow, Gone, ListError, NoiseKind, OpenError, Scan, Scanner, ScannerFactory, Seen, Settings, Stop,
};

pub use printer::{FakePrinter, FakePrinters, PrinterStep};

/// The longest time until a stop flag is seen.
const STOP_SEEN: Duration = Duration::from_millis(5);

/// One step of a script.
#[derive(Debug)]
pub enum Step {
    /// A code is read.
    Scan {
        /// The symbology that the scanner tells.
        symbology: Option<AimId>,
        /// The data of the code.
        data: Vec<u8>,
    },
    /// The scanner says that it found no code.
    NoRead,
    /// Bytes come that are not a scan.
    Noise(NoiseKind, usize),
    /// Nothing happens for this time.
    Pause(Duration),
    /// The device is gone; further steps are not run.
    Gone(Gone),
}

impl Step {
    /// A code is read and no symbology told.
    pub fn scan(data: impl Into<Vec<u8>>) -> Self {
        Self::Scan { symbology: None, data: data.into() }
    }
}

/// A scanner that plays a script. After the last step it stays plugged in and silent until it is stopped.
#[derive(Debug)]
pub struct FakeScanner {
    source: String,
    script: Vec<Step>,
}

impl FakeScanner {
    /// A scanner with the configured name `source`.
    pub fn new(source: &str, script: impl IntoIterator<Item = Step>) -> Self {
        Self { source: source.to_owned(), script: script.into_iter().collect() }
    }
}

impl Scanner for FakeScanner {
    fn run(self: Box<Self>, sink: &mut dyn FnMut(Event) -> Flow, stop: &Stop) -> Gone {
        for step in self.script {
            if stop.is_stopped() {
                return Gone::Stopped;
            }
            let event = match step {
                Step::Scan { symbology, data } => {
                    Event::Scan(Scan { source: self.source.clone(), symbology, data, at: Instant::now() })
                }
                Step::NoRead => Event::NoRead,
                Step::Noise(what, bytes) => Event::Noise { what, bytes },
                Step::Pause(time) => {
                    wait(time, stop);
                    continue;
                }
                Step::Gone(gone) => return gone,
            };
            if sink(event) == Flow::Stop {
                return Gone::Stopped;
            }
        }
        wait(Duration::MAX, stop);
        Gone::Stopped
    }
}

fn wait(time: Duration, stop: &Stop) {
    let start = Instant::now();
    while !stop.is_stopped() {
        let left = time.saturating_sub(start.elapsed());
        if left.is_zero() {
            break;
        }
        std::thread::sleep(left.min(STOP_SEEN));
    }
}

/// A factory whose calls of `open` are scripted one by one. When the script is over nothing is there any more.
#[derive(Debug, Default)]
pub struct FakeFactory {
    seen: Vec<Seen>,
    opens: Mutex<VecDeque<Result<Vec<Step>, OpenError>>>,
}

impl FakeFactory {
    /// The n-th call of `open` gives a scanner that plays the n-th script, or the n-th error.
    pub fn new(opens: impl IntoIterator<Item = Result<Vec<Step>, OpenError>>) -> Self {
        Self { seen: Vec::new(), opens: Mutex::new(opens.into_iter().collect()) }
    }

    /// The same with a list of what is plugged in.
    pub fn with_seen(mut self, seen: Vec<Seen>) -> Self {
        self.seen = seen;
        self
    }

    /// How many calls of `open` are left in the script.
    pub fn opens_left(&self) -> usize {
        self.opens.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl ScannerFactory for FakeFactory {
    fn kind(&self) -> &'static str {
        "fake"
    }

    fn list(&self) -> Result<Vec<Seen>, ListError> {
        Ok(self.seen.clone())
    }

    fn open(&self, source: &str, _settings: &Settings) -> Result<Box<dyn Scanner>, OpenError> {
        match self.opens.lock().unwrap_or_else(PoisonError::into_inner).pop_front() {
            Some(Ok(script)) => Ok(Box::new(FakeScanner::new(source, script))),
            Some(Err(error)) => Err(error),
            None => Err(OpenError::NotFound { device: source.to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serial::SerialSettings;

    fn run(scanner: Box<dyn Scanner>, stop: &Stop) -> (Vec<Event>, Gone) {
        let mut events = Vec::new();
        let gone = scanner.run(
            &mut |event| {
                events.push(event);
                Flow::Continue
            },
            stop,
        );
        (events, gone)
    }

    #[test]
    fn the_script_is_played_in_order() {
        let aim = Some("]d2".parse().unwrap());
        let script = [
            Step::Scan { symbology: aim, data: b"A".to_vec() },
            Step::Pause(Duration::from_millis(20)),
            Step::NoRead,
            Step::Noise(NoiseKind::TooLong, 70_000),
            Step::Gone(Gone::Unplugged),
            Step::scan("never"),
        ];
        let start = Instant::now();
        let (events, gone) = run(Box::new(FakeScanner::new("gun", script)), &Stop::new());
        assert!(start.elapsed() >= Duration::from_millis(20));
        assert!(matches!(gone, Gone::Unplugged));
        assert_eq!(events[1..], [Event::NoRead, Event::Noise { what: NoiseKind::TooLong, bytes: 70_000 }]);
        let Event::Scan(scan) = &events[0] else { panic!("{events:?}") };
        assert_eq!((scan.source.as_str(), scan.symbology, scan.data.as_slice()), ("gun", aim, &b"A"[..]));
    }

    #[test]
    fn stop_ends_a_long_pause_and_a_script_that_is_over() {
        for script in [vec![Step::Pause(Duration::from_secs(3600))], vec![]] {
            let stop = Stop::new();
            let other = stop.clone();
            let thread = std::thread::spawn(move || run(Box::new(FakeScanner::new("gun", script)), &other).1);
            stop.stop();
            assert!(matches!(thread.join().unwrap(), Gone::Stopped));
        }
    }

    #[test]
    fn the_sink_can_stop_it() {
        let mut count = 0;
        let scanner = FakeScanner::new("gun", [Step::scan("1"), Step::scan("2")]);
        let gone = Box::new(scanner).run(
            &mut |_| {
                count += 1;
                Flow::Stop
            },
            &Stop::new(),
        );
        assert!(matches!(gone, Gone::Stopped));
        assert_eq!(count, 1);
    }

    #[test]
    fn the_factory_plays_one_script_per_open() {
        let busy = OpenError::Busy { device: "x".into(), holder: "y".into() };
        let factory: Box<dyn ScannerFactory> =
            Box::new(FakeFactory::new([Err(busy), Ok(vec![Step::scan("A"), Step::Gone(Gone::Unplugged)])]));
        let settings = Settings::Serial(SerialSettings::new("/dev/null"));
        assert!(matches!(factory.open("gun", &settings), Err(OpenError::Busy { .. })));
        let (events, _) = run(factory.open("gun", &settings).unwrap(), &Stop::new());
        assert_eq!(events.len(), 1);
        assert!(matches!(factory.open("gun", &settings), Err(OpenError::NotFound { .. })));
    }
}
