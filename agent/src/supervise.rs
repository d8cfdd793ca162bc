//! Keeps the scanners running: one thread each, which opens the device, reads it until it is gone, and opens it again.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use base::describe;
use drivers::camera::CameraFactory;
use drivers::serial::SerialFactory;
use drivers::{Event, Flow, Gone, NoScanKind, Outcome, Reopen, Scan, ScannerFactory, Settings, Stop};

use crate::board::Board;
use crate::first_word::FirstWord;
use crate::front::Front;
use crate::owner::{Handle, Request, ScanRequest};
use crate::settings::Scanner;
use crate::station::Unread;

/// How often a waiting thread looks whether it should stop.
const LOOK: Duration = Duration::from_millis(50);

/// The factory that opens a scanner with these settings.
#[must_use]
pub fn factory(device: &Settings) -> Arc<dyn ScannerFactory> {
    match device {
        Settings::Serial(_) => Arc::new(SerialFactory),
        Settings::Camera(_) => Arc::new(CameraFactory::default()),
    }
}

/// Starts the thread of one scanner. It ends when `stop` is set or the owner has ended.
///
/// # Errors
/// When the system gives no thread.
pub fn spawn(
    scanner: Scanner,
    factory: Arc<dyn ScannerFactory>,
    owner: Handle,
    front: Front,
    board: Board,
    first_word: FirstWord,
    stop: Stop,
) -> std::io::Result<JoinHandle<()>> {
    board.scanner(&scanner.name, |device| device.why = "not opened yet".to_owned());
    std::thread::Builder::new()
        .name(format!("scanner {}", scanner.name))
        .spawn(move || Supervised { scanner, owner, front, board, first_word, stop }.run(&*factory))
}

struct Supervised {
    scanner: Scanner,
    owner: Handle,
    front: Front,
    board: Board,
    first_word: FirstWord,
    stop: Stop,
}

impl Supervised {
    fn run(self, factory: &dyn ScannerFactory) {
        let mut reopen = Reopen::default();
        while !self.stop.is_stopped() {
            let outcome = match factory.open(&self.scanner.name, &self.scanner.device) {
                Err(error) => {
                    self.missing(&describe(&error));
                    Outcome::NotOpened
                }
                Ok(device) => {
                    self.ready();
                    let began = Instant::now();
                    match device.run(&mut |event| self.hand_over(event), &self.stop) {
                        Gone::Stopped => return,
                        gone => self.missing(&gone.to_string()),
                    }
                    Outcome::Ran(began.elapsed())
                }
            };
            self.wait(reopen.next(outcome));
        }
    }

    fn ready(&self) {
        tracing::info!(scanner = self.scanner.name, "scanner ready");
        self.board.scanner(&self.scanner.name, |device| {
            device.ready = true;
            device.why.clear();
        });
    }

    fn missing(&self, why: &str) {
        self.board.scanner(&self.scanner.name, |device| {
            if device.ready || device.why != why {
                tracing::warn!(scanner = self.scanner.name, why, "scanner missing");
            }
            device.ready = false;
            why.clone_into(&mut device.why);
        });
    }

    fn wait(&self, wait: Duration) {
        let until = Instant::now() + wait;
        while !self.stop.is_stopped() && Instant::now() < until {
            std::thread::sleep(LOOK.min(wait));
        }
    }

    /// Waits while the owner is busy: a scanner is held back, never dropped.
    fn hand_over(&self, event: Event) -> Flow {
        let (scan, unread) = match event {
            Event::Scan(scan) => (scan, None),
            Event::NoRead => (self.nothing(0), Some(Unread::NoRead)),
            Event::Noise { what, bytes } => {
                self.board.scanner(&self.scanner.name, |device| device.noise += 1);
                tracing::warn!(scanner = self.scanner.name, bytes, "noise: {what}");
                (self.nothing(bytes), Some(Unread::Noise(what.to_string())))
            }
            Event::NoScan(no_scan) => {
                let text = format!("Camera \"{}\": {}", self.scanner.name, no_scan.text);
                let unread = match no_scan.why {
                    NoScanKind::NoCode => Unread::NoCode { text, help: no_scan.help },
                    NoScanKind::Unusable | NoScanKind::Old(_) => {
                        self.board.scanner(&self.scanner.name, |device| device.noise += 1);
                        Unread::Picture { text, help: no_scan.help }
                    }
                };
                (self.nothing(no_scan.bytes), Some(unread))
            }
        };
        if !self.first_word.wait_blocking(&self.stop) {
            return Flow::Stop;
        }
        let request = ScanRequest { unread, ..ScanRequest::new(&self.scanner.lane, scan) };
        let request = self.front.prepare_blocking(request);
        match self.owner.submit(Request::Scan(request)) {
            Ok(()) => Flow::Continue,
            Err(_) => Flow::Stop,
        }
    }

    /// A scan of zeros stands for what could not be read: of noise only the length goes on record.
    fn nothing(&self, bytes: usize) -> Scan {
        Scan {
            source: self.scanner.name.clone(),
            symbology: None,
            data: vec![0; bytes.min(64 << 10)],
            at: Instant::now(),
        }
    }
}
