//! Printers behind a plain TCP connection, usually at port 9100.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::zpl::{self, Answers};
use super::{
    Printer, PrinterError, PrinterFactory, PrinterSettings, PrinterStatus, SendError, StatusDialect, Transport,
};

/// How much of a wrong answer is looked at.
const FOUND: usize = 100;
/// How long the rest of a wrong answer is waited for.
const REST: Duration = Duration::from_millis(100);
/// More than this unasked is no printer.
const MOST_UNASKED: usize = 64 * 1024;

/// Opens printers on the network.
#[derive(Debug, Clone, Copy, Default)]
pub struct TcpFactory;

impl PrinterFactory for TcpFactory {
    fn kind(&self) -> &'static str {
        "tcp"
    }

    fn open(&self, name: &str, settings: &PrinterSettings) -> Result<Box<dyn Printer>, PrinterError> {
        let Transport::Tcp { host, port } = &settings.transport;
        let printer = format!("`{name}` at {host}:{port}");
        let until = end_of(settings.connect_timeout);
        let addresses = match resolve(host, *port, settings.connect_timeout) {
            Ok(addresses) => addresses,
            Err(source) => return Err(PrinterError::UnknownHost { printer, source }),
        };
        match connect(&addresses, until) {
            Ok(stream) => Ok(Box::new(TcpPrinter {
                printer,
                stream,
                settings: settings.clone(),
                asked: false,
                unanswered: false,
                unasked: Vec::new(),
            })),
            Err(source) if source.kind() == ErrorKind::ConnectionRefused => {
                Err(PrinterError::Refused { printer, source })
            }
            Err(source) => Err(PrinterError::NotReached { printer, source }),
        }
    }
}

/// The addresses of a host. A name is looked up on a thread of its own, because the system has no time limit for it.
fn resolve(host: &str, port: u16, limit: Duration) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let (tell, told) = mpsc::channel();
    let name = host.to_owned();
    std::thread::Builder::new().name("printer-name".to_owned()).spawn(move || {
        let addresses = (name.as_str(), port).to_socket_addrs().map(Iterator::collect);
        // Nobody listens any more when the limit is over.
        tell.send(addresses).ok();
    })?;
    told.recv_timeout(limit).map_err(|_| io::Error::new(ErrorKind::TimedOut, "the name service does not answer"))?
}

/// Tries each address in turn; each gets its share of the time that is left.
fn connect(addresses: &[SocketAddr], until: Instant) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for (address, left) in addresses.iter().zip((1..=addresses.len() as u32).rev()) {
        match TcpStream::connect_timeout(address, remaining(until) / left) {
            Ok(stream) => {
                // A question must not wait for more bytes.
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The end of a time limit from now. What waits longer than an hour has been forgotten.
fn end_of(limit: Duration) -> Instant {
    Instant::now() + limit.min(Duration::from_secs(3600))
}

/// The time left, never zero: the system takes zero for no limit.
fn remaining(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}

fn is_time_out(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

struct TcpPrinter {
    /// Configured name and address.
    printer: String,
    stream: TcpStream,
    settings: PrinterSettings,
    /// Was a question asked on this connection?
    asked: bool,
    /// Did a question stay without answer? Its answer could still come.
    unanswered: bool,
    /// The beginning of what came before the first question: another machine's greeting.
    unasked: Vec<u8>,
}

impl Printer for TcpPrinter {
    fn status(&mut self) -> Result<PrinterStatus, PrinterError> {
        let StatusDialect::Zpl = self.settings.language;
        self.drain()?;
        let mut got = Vec::new();
        let result = match self.ask(zpl::HOST_STATUS, &mut got, |answers| answers.host.clone()) {
            Ok(None) => {
                self.unanswered = true;
                self.ask(zpl::ERROR_STATUS, &mut got, |answers| answers.host.clone().or(answers.errors.clone()))
            }
            other => other,
        };
        match result {
            Ok(Some(status)) => Ok(status),
            Ok(None) | Err(PrinterError::Lost { .. }) if self.was_greeted() => Err(self.not_a_printer(&self.unasked)),
            Ok(None) => Err(PrinterError::Silent { printer: self.printer.clone() }),
            Err(error) => Err(error),
        }
    }

    fn send(&mut self, job: &[u8]) -> Result<(), SendError> {
        if self.unanswered {
            return Err(SendError::Nothing(PrinterError::Unanswered { printer: self.printer.clone() }));
        }
        // Tells as well whether the printer has closed an idle connection, before a byte of the job is sent.
        self.drain().map_err(SendError::Nothing)?;
        let until = end_of(self.settings.send_timeout);
        let mut sent = 0;
        while sent < job.len() {
            match self.write(&job[sent..], until) {
                Ok(count) => sent += count,
                Err(source) if sent == 0 => return Err(SendError::Nothing(source)),
                Err(source) => return Err(SendError::Partly { most: sent, length: job.len(), source }),
            }
        }
        Ok(())
    }
}

impl TcpPrinter {
    /// Asks a question and waits for what `wanted` looks for in all that was answered; `None`: time is over.
    fn ask(
        &mut self,
        question: &[u8],
        got: &mut Vec<u8>,
        wanted: impl Fn(&Answers) -> Option<PrinterStatus>,
    ) -> Result<Option<PrinterStatus>, PrinterError> {
        self.asked = true;
        let until = end_of(self.settings.answer_timeout);
        let mut sent = 0;
        while sent < question.len() {
            match self.write(&question[sent..], until) {
                Ok(count) => sent += count,
                Err(PrinterError::Stalled { .. }) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        while Instant::now() < until {
            if !self.read(got, until)? {
                continue;
            }
            match zpl::read(got) {
                Ok(answers) => {
                    if let Some(status) = wanted(&answers) {
                        return Ok(Some(status));
                    }
                }
                Err(zpl::NotZpl) => {
                    // For the message: the line that it says, not only its first bytes.
                    let until = until.min(Instant::now() + REST);
                    while got.len() < FOUND && matches!(self.read(got, until), Ok(true)) {}
                    return Err(self.not_a_printer(got));
                }
            }
        }
        Ok(None)
    }

    /// Throws away what came unasked, such as the rest of an earlier answer.
    fn drain(&mut self) -> Result<(), PrinterError> {
        let mut thrown = Vec::new();
        self.stream.set_nonblocking(true).map_err(|source| self.lost(source))?;
        // Without a limit of time: nothing is waited for.
        let result = loop {
            match self.read(&mut thrown, Instant::now()) {
                Ok(true) if thrown.len() > MOST_UNASKED => break Err(self.not_a_printer(&thrown)),
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.stream.set_nonblocking(false).map_err(|source| self.lost(source))?;
        if !self.asked && self.unasked.is_empty() {
            thrown.truncate(2 * FOUND);
            self.unasked = thrown;
        }
        match result {
            Err(PrinterError::Lost { .. }) if self.was_greeted() => Err(self.not_a_printer(&self.unasked)),
            other => other,
        }
    }

    /// Did something begin to talk that no ZPL printer says?
    fn was_greeted(&self) -> bool {
        zpl::read(&self.unasked).is_err()
    }

    /// Appends what comes until a time; tells whether something came.
    fn read(&self, got: &mut Vec<u8>, until: Instant) -> Result<bool, PrinterError> {
        let mut buffer = [0; 1024];
        self.stream.set_read_timeout(Some(remaining(until))).map_err(|source| self.lost(source))?;
        match (&self.stream).read(&mut buffer) {
            Ok(0) => Err(self.lost(io::Error::new(ErrorKind::UnexpectedEof, "it closed the connection"))),
            Ok(count) => {
                got.extend_from_slice(&buffer[..count]);
                Ok(true)
            }
            Err(error) if is_time_out(&error) => Ok(false),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(false),
            Err(error) => Err(self.lost(error)),
        }
    }

    /// Writes what the system takes.
    fn write(&self, bytes: &[u8], until: Instant) -> Result<usize, PrinterError> {
        if Instant::now() >= until {
            return Err(PrinterError::Stalled { printer: self.printer.clone() });
        }
        self.stream.set_write_timeout(Some(remaining(until))).map_err(|source| self.lost(source))?;
        match (&self.stream).write(bytes) {
            Ok(0) => Err(self.lost(io::Error::from(ErrorKind::WriteZero))),
            Ok(count) => Ok(count),
            Err(error) if is_time_out(&error) => Err(PrinterError::Stalled { printer: self.printer.clone() }),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(0),
            Err(error) => Err(self.lost(error)),
        }
    }

    fn lost(&self, source: io::Error) -> PrinterError {
        PrinterError::Lost { printer: self.printer.clone(), source }
    }

    fn not_a_printer(&self, said: &[u8]) -> PrinterError {
        let mut found = said[..said.len().min(FOUND)].escape_ascii().to_string();
        found.truncate(FOUND);
        PrinterError::NotAPrinter { printer: self.printer.clone(), found }
    }
}

impl Drop for TcpPrinter {
    fn drop(&mut self) {
        // With unread bytes the system would reset the connection, and the printer could lose the end of a job.
        self.drain().ok();
    }
}

#[cfg(test)]
mod tests;
