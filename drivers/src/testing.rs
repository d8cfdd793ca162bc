//! A pseudo terminal as the scanner's end of a serial line, and a thread that runs a scanner.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use crate::{Event, Flow, Gone, Scanner, Stop};

/// Far longer than anything takes, also on a busy computer.
const LONG: Duration = Duration::from_secs(20);

/// The scanner's end of a serial line. Dropping it unplugs the scanner.
pub(crate) struct Pty {
    master: OwnedFd,
    /// The tty that the driver opens.
    pub(crate) path: PathBuf,
}

impl Pty {
    pub(crate) fn new() -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let path = PathBuf::from(ptsname(&master, Vec::new()).unwrap().into_string().unwrap());
        let mut termios = tcgetattr(&master).unwrap();
        termios.make_raw();
        tcsetattr(&master, OptionalActions::Now, &termios).unwrap();
        Self { master, path }
    }

    /// Sends bytes to the driver.
    pub(crate) fn send(&self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let sent = rustix::io::write(&self.master, bytes).unwrap();
            bytes = &bytes[sent..];
        }
    }
}

/// A scanner on a thread of its own.
pub(crate) struct Running {
    events: Receiver<Event>,
    pub(crate) stop: Stop,
    thread: JoinHandle<Gone>,
}

impl Running {
    pub(crate) fn start(scanner: Box<dyn Scanner>) -> Self {
        let (sender, events) = mpsc::channel();
        let stop = Stop::new();
        let flag = stop.clone();
        let thread = std::thread::spawn(move || {
            scanner.run(&mut |event| sender.send(event).map_or(Flow::Stop, |()| Flow::Continue), &flag)
        });
        Self { events, stop, thread }
    }

    /// The next event.
    pub(crate) fn next(&self) -> Event {
        self.events.recv_timeout(LONG).expect("an event")
    }

    /// The data of the next event, which must be a scan.
    pub(crate) fn scan(&self) -> Vec<u8> {
        match self.next() {
            Event::Scan(scan) => scan.data,
            other => panic!("not a scan: {other:?}"),
        }
    }

    /// Waits until the scanner is gone; gives the events that were left.
    pub(crate) fn end(self) -> (Gone, Vec<Event>) {
        let start = std::time::Instant::now();
        while !self.thread.is_finished() {
            assert!(start.elapsed() < LONG, "the scanner still runs");
            std::thread::sleep(Duration::from_millis(1));
        }
        (self.thread.join().unwrap(), self.events.try_iter().collect())
    }
}
