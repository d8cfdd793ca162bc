//! Drives a serial scanner on a tty.

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::termios::{InputModes, OptionalActions, isatty, tcgetattr, tcsetattr};
use serialport::{ErrorKind, SerialPort, TTYPort};

use super::content;
use super::framing::{Frame, Framer};
use super::marks::{Byte, Marks};
use super::{SerialSettings, list};
use crate::{
    Event, Flow, Gone, ListError, NoiseKind, OpenError, Scanner, ScannerFactory, Seen, Settings, Stop, access,
};

/// The word for this kind of device.
pub(super) const KIND: &str = "serial";
/// How soon a stop flag is seen. Data never waits for it.
const LOOK: Duration = Duration::from_millis(50);
/// After opening, the line must be silent this long before reading begins: longer than any pause inside a scan, so that
/// a scan in which the port was opened is not read without its front.
const SETTLED: Duration = Duration::from_millis(50);
/// A line that is never silent is read after this time.
const SETTLE_LIMIT: Duration = Duration::from_millis(500);

/// Finds and opens scanners on serial ports.
#[derive(Debug, Clone, Copy, Default)]
pub struct SerialFactory;

impl ScannerFactory for SerialFactory {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn list(&self) -> Result<Vec<Seen>, ListError> {
        list::list()
    }

    /// Takes 50 ms, up to 500 ms where the line is not silent: what the scanner sent before is dropped, and reported as
    /// [`NoiseKind::Stale`] when the scanner runs.
    fn open(&self, source: &str, settings: &Settings) -> Result<Box<dyn Scanner>, OpenError> {
        let Settings::Serial(settings) = settings else { return Err(settings.not_this_kind(KIND)) };
        let device = settings.path.display().to_string();
        settings.check().map_err(|error| OpenError::BadSettings { device: device.clone(), source: error.into() })?;
        let mut line = open(&device, settings)?;
        let stale = settle(&mut line).map_err(|error| fault(&device, &settings.path, "read", error))?;
        tracing::debug!(scanner = source, device, stale, "Serial scanner opened.");
        Ok(Box::new(SerialScanner { source: source.to_owned(), settings: settings.clone(), line, stale }))
    }
}

/// What is read from: a tty, or a script in tests.
trait Line: Send {
    /// Reads what is there, or waits for the first byte.
    fn read(&mut self, buffer: &mut [u8], wait: Duration) -> io::Result<usize>;
}

impl Line for TTYPort {
    fn read(&mut self, buffer: &mut [u8], wait: Duration) -> io::Result<usize> {
        self.set_timeout(wait)?;
        io::Read::read(self, buffer)
    }
}

/// A scanner on an open line.
struct SerialScanner<L> {
    source: String,
    settings: SerialSettings,
    line: L,
    /// Bytes dropped at open.
    stale: usize,
}

impl<L: Line> Scanner for SerialScanner<L> {
    fn run(mut self: Box<Self>, sink: &mut dyn FnMut(Event) -> Flow, stop: &Stop) -> Gone {
        let mut framer = Framer::new(self.settings.framing.clone());
        let mut frames = Vec::new();
        if self.stale > 0 {
            frames.push(Frame::Noise { what: NoiseKind::Stale, bytes: self.stale });
        }
        let gone = self.read(&mut framer, &mut frames, sink, stop);
        if !matches!(gone, Gone::Stopped) {
            framer.gone(&mut frames);
            // Whatever the answer, nothing more is read.
            self.deliver(&mut frames, sink);
        }
        gone
    }
}

impl<L: Line> SerialScanner<L> {
    fn read(
        &mut self,
        framer: &mut Framer,
        frames: &mut Vec<Frame>,
        sink: &mut dyn FnMut(Event) -> Flow,
        stop: &Stop,
    ) -> Gone {
        let mut marks = Marks::default();
        let mut buffer = [0; 4096];
        loop {
            if self.deliver(frames, sink) == Flow::Stop || stop.is_stopped() {
                return Gone::Stopped;
            }
            let asked = Instant::now();
            let wait = framer.deadline().map_or(LOOK, |due| due.saturating_duration_since(asked).min(LOOK));
            match read(&mut self.line, &mut buffer, wait) {
                Ok(Some(0)) => return Gone::Unplugged,
                Ok(Some(count)) => {
                    let bytes: Vec<Byte> = buffer[..count].iter().filter_map(|byte| marks.next(*byte)).collect();
                    framer.push(bytes, Instant::now(), frames);
                }
                // The line was silent at least until then. Now may be later, if this thread was held up.
                Ok(None) => framer.idle(asked + wait, frames),
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Gone::Unplugged,
                Err(error) => return Gone::Failed(error.into()),
            }
        }
    }

    fn deliver(&self, frames: &mut Vec<Frame>, sink: &mut dyn FnMut(Event) -> Flow) -> Flow {
        for frame in frames.drain(..) {
            let event = match frame {
                Frame::Whole { data, at } => content::event(&self.source, &self.settings, data, at),
                Frame::Noise { what, bytes } => Event::Noise { what, bytes },
            };
            if sink(event) == Flow::Stop {
                return Flow::Stop;
            }
        }
        Flow::Continue
    }
}

/// Reads what is there; `None` when nothing came in time. A read of 0 bytes means that the device is gone.
fn read(line: &mut impl Line, buffer: &mut [u8], wait: Duration) -> io::Result<Option<usize>> {
    loop {
        match line.read(buffer, wait) {
            Ok(count) => return Ok(Some(count)),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => return Ok(None),
            // A signal: nothing is known about the line, so wait again in full.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Drops what comes until the line is silent; gives the number of bytes.
fn settle(line: &mut impl Line) -> io::Result<usize> {
    let start = Instant::now();
    let mut buffer = [0; 4096];
    let mut dropped = 0;
    while start.elapsed() < SETTLE_LIMIT {
        match read(line, &mut buffer, SETTLED)? {
            Some(0) => return Err(io::ErrorKind::BrokenPipe.into()),
            Some(count) => dropped += count,
            None => break,
        }
    }
    Ok(dropped)
}

fn open(device: &str, settings: &SerialSettings) -> Result<TTYPort, OpenError> {
    // Resolved once: while `plain` is open the node's number is not given to another device.
    let node = fs::canonicalize(&settings.path).map_err(|error| fault(device, &settings.path, "find", error))?;
    let failed = |doing, error: io::Error| fault(device, &node, doing, error);
    let plain = open_plain(&node).map_err(|error| failed("open", error.into()))?;
    if !isatty(&plain) {
        return Err(fault(device, &node, "open", Errno::NOTTY.into()));
    }

    let tty = serialport::new(node.to_string_lossy(), settings.baud)
        .data_bits(settings.data_bits)
        .parity(settings.parity)
        .stop_bits(settings.stop_bits)
        .exclusive(true)
        .open_native()
        .map_err(|error| match error.kind {
            ErrorKind::NoDevice => busy(device, &node),
            _ => failed("configure", error.into()),
        })?;
    mark_damaged(&plain).map_err(|error| failed("configure", error.into()))?;
    Ok(tty)
}

/// Opens the node without waiting for a carrier: the error says why it cannot be opened, which the library does not keep.
fn open_plain(node: &Path) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    rustix::fs::open(node, flags, Mode::empty())
}

/// Has damaged bytes and breaks marked in the stream, with and without parity; the library sets IGNPAR without.
fn mark_damaged(tty: impl AsFd) -> rustix::io::Result<()> {
    let mut termios = tcgetattr(&tty)?;
    termios.input_modes.insert(InputModes::INPCK | InputModes::PARMRK);
    termios.input_modes.remove(InputModes::IGNPAR | InputModes::IGNBRK | InputModes::BRKINT | InputModes::ISTRIP);
    tcsetattr(&tty, OptionalActions::Now, &termios)
}

/// What a failed step means. `node` is what the configured name leads to.
fn fault(device: &str, node: &Path, doing: &'static str, error: io::Error) -> OpenError {
    let device = device.to_owned();
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NOENT | Errno::NOTDIR | Errno::NODEV | Errno::NXIO) => OpenError::NotFound { device },
        Some(Errno::ACCESS | Errno::PERM) => {
            OpenError::PermissionDenied { device, remedy: access::permission_remedy(node) }
        }
        Some(Errno::BUSY) => busy(&device, node),
        Some(Errno::NOTTY | Errno::ISDIR) => OpenError::NotThisKind { device, kind: KIND, found: found(node).into() },
        _ => OpenError::Other { device, doing, source: error.into() },
    }
}

fn busy(device: &str, node: &Path) -> OpenError {
    let holder = access::holder(node).unwrap_or_else(|| "another program".into());
    OpenError::Busy { device: device.to_owned(), holder }
}

fn found(node: &Path) -> &'static str {
    match fs::metadata(node) {
        Ok(metadata) if metadata.is_dir() => "a folder",
        Ok(metadata) if metadata.is_file() => "a file",
        _ => "another kind of device",
    }
}

#[cfg(test)]
mod tests;
