//! The thread of one printer: takes the oldest label that waits, sends it when the printer is ready, and watches it out.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use base::backoff::{self, Backoff};
use base::describe;
use drivers::Stop;
use drivers::printer::{Printer, PrinterError, PrinterFactory, PrinterStatus};

use super::drawing::{Drawing, encode};
use super::watching::{Step, Watching};
use crate::board::Board;
use crate::owner::{Ended, Handle, Noted, Request};
use crate::settings;
use crate::station::{Job, Printing};

/// How often a waiting thread looks whether it should stop.
const LOOK: Duration = Duration::from_millis(100);
/// How long an idle one sleeps, unless the bell rings.
const IDLE: Duration = Duration::from_secs(2);
/// After so many labels in doubt, one behind the other, a person has to decide before more are printed: a printer that breaks
/// on each job must not put a whole queue in doubt.
const DOUBTS: u32 = 2;
/// Waits between two questions to a printer with a label in it: first and longest. They double.
const ASK: (Duration, Duration) = (Duration::from_micros(250), Duration::from_millis(128));
/// How long a stopping station waits for a label that is in the printer.
const LAST_LABEL: Duration = Duration::from_secs(3);
/// Waits before a printer that is not ready is tried again: first and longest.
const TRY_AGAIN: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// Starts the thread of one printer. It ends when `stop` is set or the owner has ended; a label that is in the printer then
/// becomes doubtful at the next start.
///
/// # Errors
/// When the system gives no thread.
pub fn spawn(
    printer: settings::Printer,
    factory: Arc<dyn PrinterFactory>,
    drawing: Drawing,
    owner: Handle,
    board: Board,
    stop: Stop,
) -> std::io::Result<JoinHandle<()>> {
    board.printer(&printer.name, |notice| notice.why = "not asked yet".to_owned());
    std::thread::Builder::new().name(format!("printer {}", printer.name)).spawn(move || {
        let again = Backoff::new(TRY_AGAIN.0, TRY_AGAIN.1);
        let mut worker = Worker { printer, factory, drawing, owner, board, stop, connection: None, again, doubts: 0 };
        // The owner's end is the end of the daemon: nothing is left to be said.
        drop(worker.run());
    })
}

struct Worker {
    printer: settings::Printer,
    factory: Arc<dyn PrinterFactory>,
    drawing: Drawing,
    owner: Handle,
    board: Board,
    stop: Stop,
    /// Kept from one label to the next, closed when none waits: most printers take one connection at a time.
    connection: Option<Box<dyn Printer>>,
    /// Waits after what did not go well; begins anew when a label came out.
    again: Backoff,
    /// Labels in doubt since one came out.
    doubts: u32,
}

/// A label that can go out.
struct Drawn {
    job: Job,
    /// SHA-256 of the picture, in hexadecimal.
    picture: String,
    bytes: Vec<u8>,
}

impl Drawn {
    fn begun(&self) -> (u64, Printing) {
        (self.job.id, Printing::Begun { picture: self.picture.clone() })
    }
}

impl Worker {
    fn run(&mut self) -> Result<(), Ended> {
        let bell = self.owner.bell();
        let mut looked = false;
        while !self.stop.is_stopped() {
            let heard = bell.rings();
            if self.is_held()? {
                self.connection = None;
                bell.wait(heard, IDLE);
                continue;
            }
            match self.next()? {
                Some(label) => self.begin(label)?,
                None => {
                    if !looked {
                        // A printer that is switched off is known before the first label waits for it.
                        looked = true;
                        if let Err(why) = self.ready() {
                            self.trouble(&why);
                        }
                    }
                    self.connection = None;
                    bell.wait(heard, IDLE);
                }
            }
        }
        Ok(())
    }

    /// Does the printer wait for a person, who has to decide about labels in doubt?
    fn is_held(&mut self) -> Result<bool, Ended> {
        if self.doubts < DOUBTS {
            return Ok(false);
        }
        let name = self.printer.name.clone();
        let undecided = self.owner.look(move |journal| journal.doubtful_labels(&name))?;
        let held = undecided.unwrap_or(1) > 0;
        if held {
            self.trouble("labels in a row are in doubt: look whether they came out and say so, then it goes on");
        } else {
            self.doubts = 0;
        }
        Ok(held)
    }

    /// The oldest label that waits and can be drawn.
    fn next(&self) -> Result<Option<Drawn>, Ended> {
        loop {
            let name = self.printer.name.clone();
            let job = self.owner.look(move |journal| journal.next_label(&name))?;
            let job = job.unwrap_or_else(|error| {
                tracing::error!(error = &error as &dyn std::error::Error, "the labels that wait could not be read");
                None
            });
            let Some(job) = job else { return Ok(None) };
            let drawn = self.drawing.draw(&self.owner, &job.draft, self.printer.density)?;
            match drawn.and_then(|picture| Ok((picture.digest(), encode(&picture, job.draft.copies)?))) {
                Ok((digest, bytes)) => return Ok(Some(Drawn { job, picture: digest.to_string(), bytes })),
                Err(error) => {
                    tracing::error!(label = job.draft.sscc, %error, "a label cannot be drawn");
                    if !matches!(self.note(vec![(job.id, Printing::Failed(error.to_string()))])?[..], [Noted::Yes]) {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Waits for the printer, and prints this label and those that wait behind it.
    fn begin(&mut self, mut label: Drawn) -> Result<(), Ended> {
        while let Err(why) = self.ready() {
            self.connection = None;
            self.trouble(&why);
            if !self.pause() {
                return Ok(());
            }
        }
        let mut noted = self.note(vec![label.begun()])?;
        while noted.last() == Some(&Noted::Yes) {
            if label.job.picture.as_ref().is_some_and(|before| *before != label.picture) {
                tracing::warn!(
                    label = label.job.draft.sscc,
                    "printed again, it looks different: the software is newer"
                );
            }
            let (outcome, following) = self.print(&label)?;
            match &outcome {
                Printing::Printed => {
                    self.again.reset();
                    self.doubts = 0;
                }
                Printing::Doubtful(_) => self.doubts += 1,
                _ => {}
            }
            let said = (label.job.id, outcome);
            // One commit says that this one is out and that the next one goes.
            match following.filter(|_| said.1 == Printing::Printed && !self.stop.is_stopped()) {
                Some(next) => {
                    noted = self.note(vec![said, next.begun()])?;
                    label = next;
                }
                None => {
                    let well = said.1 == Printing::Printed;
                    self.note(vec![said])?;
                    if !well {
                        self.pause();
                    }
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Sends a label, which is never done a second time, draws the next one meanwhile, and watches this one out.
    fn print(&mut self, label: &Drawn) -> Result<(Printing, Option<Drawn>), Ended> {
        let Some(printer) = self.connection.as_mut() else { return Ok((Printing::NotSent, None)) };
        let sent = printer.send(&label.bytes);
        let following = if sent.is_ok() { self.next()? } else { None };
        let outcome = match sent {
            Ok(()) => self.watch(),
            Err(error) if error.nothing_sent() => {
                self.trouble(&describe(&error));
                Printing::NotSent
            }
            Err(error) => Printing::Doubtful(describe(&error)),
        };
        if outcome != Printing::Printed {
            self.connection = None;
        }
        if let Printing::Doubtful(why) = &outcome {
            tracing::warn!(label = label.job.draft.sscc, why, "nobody knows whether a label came out");
            self.trouble(why);
        }
        Ok((outcome, following))
    }

    /// Is the printer there, and would it print?
    fn ready(&mut self) -> Result<(), String> {
        let printer = match &mut self.connection {
            Some(printer) => printer,
            none => none.insert(
                self.factory.open(&self.printer.name, &self.printer.settings).map_err(|error| describe(&error))?,
            ),
        };
        let status = printer.status().map_err(|error| describe(&error))?;
        if let Some(why) = not_ready(&status) {
            return Err(why);
        }
        self.board.printer(&self.printer.name, |notice| {
            notice.ready = true;
            notice.why.clear();
        });
        Ok(())
    }

    fn watch(&mut self) -> Printing {
        let (mut watching, begin) = (Watching::default(), Instant::now());
        let (mut stopped, mut pause) = (None, ASK.0);
        loop {
            let status = match self.connection.as_mut() {
                Some(printer) => printer.status(),
                None => Err(PrinterError::Silent { printer: self.printer.name.clone() }),
            };
            match watching.step(status.as_ref(), begin.elapsed()) {
                Step::Printed => {
                    self.board.printer(&self.printer.name, |notice| {
                        notice.ready = true;
                        notice.why.clear();
                    });
                    return Printing::Printed;
                }
                Step::Doubtful(why) => return Printing::Doubtful(why),
                Step::Waits(why) => self.trouble(why),
                Step::AskAgain => {}
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(ASK.1);
            if self.stop.is_stopped() && stopped.get_or_insert_with(Instant::now).elapsed() > LAST_LABEL {
                return Printing::Doubtful("the station was stopped while the label was being printed".to_owned());
            }
        }
    }

    /// Puts it on record, all of it or nothing; tries again for as long as the disk does not take it.
    fn note(&self, said: Vec<(u64, Printing)>) -> Result<Vec<Noted>, Ended> {
        loop {
            let said = said.clone();
            let noted = self.owner.ask_blocking(|reply| Request::Printing { said, reply })?;
            if !noted.contains(&Noted::NotDurable) || !self.wait(TRY_AGAIN.1) {
                return Ok(noted);
            }
        }
    }

    fn trouble(&self, why: &str) {
        self.board.printer(&self.printer.name, |notice| {
            if notice.ready || notice.why != why {
                tracing::warn!(printer = self.printer.name, why, "printer not ready");
            }
            notice.ready = false;
            why.clone_into(&mut notice.why);
        });
    }

    /// Waits longer each time; tells whether to go on.
    fn pause(&mut self) -> bool {
        let wait = self.again.next_wait(backoff::random());
        self.wait(wait)
    }

    /// Waits; tells whether to go on.
    fn wait(&self, wait: Duration) -> bool {
        let until = Instant::now() + wait;
        while Instant::now() < until && !self.stop.is_stopped() {
            std::thread::sleep(LOOK.min(until.saturating_duration_since(Instant::now())));
        }
        !self.stop.is_stopped()
    }
}

fn not_ready(status: &PrinterStatus) -> Option<String> {
    if let Some(fault) = status.faults.first() {
        return Some(fault.to_string());
    }
    if status.paused {
        return Some("it is paused: press its pause button".to_owned());
    }
    if status.label_to_take {
        return Some("a label waits to be taken off".to_owned());
    }
    (!status.is_idle()).then(|| "it is busy with other jobs: wait until it has printed them".to_owned())
}
