//! Scripted printers.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use crate::printer::{Printer, PrinterError, PrinterFactory, PrinterSettings, PrinterStatus, SendError};

/// One step of a printer's script.
#[derive(Debug)]
pub enum PrinterStep {
    /// What the next question for the status gives.
    Status(Result<PrinterStatus, PrinterError>),
    /// What the next job gives.
    Send(Result<(), SendError>),
    /// The connection is lost from the next call on. A job may then have been sent in part.
    Lost,
}

/// A printer that plays a script. A call that the next step is not for, or for which none is left, finds a printer that is
/// ready and takes every job.
#[derive(Debug)]
pub struct FakePrinter {
    name: String,
    script: VecDeque<PrinterStep>,
    jobs: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl FakePrinter {
    /// A printer with the configured name `name`.
    pub fn new(name: &str, script: impl IntoIterator<Item = PrinterStep>) -> Self {
        Self { name: name.to_owned(), script: script.into_iter().collect(), jobs: Arc::default() }
    }

    /// The jobs that it took whole, in order.
    pub fn jobs(&self) -> Vec<Vec<u8>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn lost(&self) -> PrinterError {
        PrinterError::Lost { printer: self.name.clone(), source: io::ErrorKind::ConnectionReset.into() }
    }
}

impl Printer for FakePrinter {
    fn status(&mut self) -> Result<PrinterStatus, PrinterError> {
        if let Some(PrinterStep::Lost) = self.script.front() {
            return Err(self.lost());
        }
        match self.script.pop_front_if(|step| matches!(step, PrinterStep::Status(_))) {
            Some(PrinterStep::Status(status)) => status,
            _ => Ok(PrinterStatus::ready()),
        }
    }

    fn send(&mut self, job: &[u8]) -> Result<(), SendError> {
        if let Some(PrinterStep::Lost) = self.script.front() {
            return Err(SendError::Partly { most: job.len(), length: job.len(), source: self.lost() });
        }
        if let Some(PrinterStep::Send(result)) = self.script.pop_front_if(|step| matches!(step, PrinterStep::Send(_))) {
            result?;
        }
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).push(job.to_vec());
        Ok(())
    }
}

/// A factory whose calls of `open` are scripted one by one. When the script is over every printer is ready.
#[derive(Debug, Default)]
pub struct FakePrinters {
    opens: Mutex<VecDeque<Result<Vec<PrinterStep>, PrinterError>>>,
    jobs: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl FakePrinters {
    /// The n-th call of `open` gives a printer that plays the n-th script, or the n-th error.
    pub fn new(opens: impl IntoIterator<Item = Result<Vec<PrinterStep>, PrinterError>>) -> Self {
        Self { opens: Mutex::new(opens.into_iter().collect()), jobs: Arc::default() }
    }

    /// The jobs that its printers took whole, in order.
    pub fn jobs(&self) -> Vec<Vec<u8>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many calls of `open` are left in the script.
    pub fn opens_left(&self) -> usize {
        self.opens.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl PrinterFactory for FakePrinters {
    fn kind(&self) -> &'static str {
        "fake"
    }

    fn open(&self, name: &str, _settings: &PrinterSettings) -> Result<Box<dyn Printer>, PrinterError> {
        let script = self.opens.lock().unwrap_or_else(PoisonError::into_inner).pop_front().unwrap_or(Ok(Vec::new()))?;
        Ok(Box::new(FakePrinter { jobs: Arc::clone(&self.jobs), ..FakePrinter::new(name, script) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::printer::PrinterFault;

    #[test]
    fn steps_wait_for_their_call() {
        let open = PrinterStatus { faults: vec![PrinterFault::HeadOpen], ..PrinterStatus::ready() };
        let mut printer = FakePrinter::new(
            "pallet",
            [
                PrinterStep::Send(Ok(())),
                PrinterStep::Status(Ok(open.clone())),
                PrinterStep::Send(Err(SendError::Nothing(PrinterError::Stalled { printer: "pallet".into() }))),
                PrinterStep::Lost,
            ],
        );
        assert_eq!(printer.status().unwrap(), PrinterStatus::ready());
        printer.send(b"1").unwrap();
        assert_eq!(printer.status().unwrap(), open);
        assert_eq!(printer.status().unwrap(), PrinterStatus::ready());
        assert!(printer.send(b"2").unwrap_err().nothing_sent());
        for _ in 0..2 {
            assert!(!printer.send(b"3").unwrap_err().nothing_sent());
            assert!(matches!(printer.status(), Err(PrinterError::Lost { .. })));
        }
        assert_eq!(printer.jobs(), [b"1"]);
    }

    #[test]
    fn the_factory_plays_one_script_per_open_and_collects_the_jobs() {
        let silent = || PrinterError::Silent { printer: "pallet".into() };
        let factory = FakePrinters::new([Err(silent()), Ok(vec![PrinterStep::Status(Err(silent()))])]);
        let settings = PrinterSettings::tcp("printer.example", 9100);
        let open = || factory.open("pallet", &settings);
        assert!(open().is_err());
        assert!(open().unwrap().status().is_err());
        assert_eq!(factory.opens_left(), 0);
        for job in [b"1", b"2"] {
            let mut printer = open().unwrap();
            assert!(printer.status().unwrap().is_ready());
            printer.send(job).unwrap();
        }
        assert_eq!(factory.jobs(), [b"1", b"2"]);
    }
}
