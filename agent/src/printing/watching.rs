//! Was it printed? What follows from what a printer says after a label went out. Pure: answers and times come in.

use std::time::Duration;

use drivers::printer::{PrinterError, PrinterStatus};

/// A printer that says the same for so long has stopped.
const STANDS_STILL: Duration = Duration::from_secs(60);

/// Watches one label on its way out of the printer.
#[derive(Debug, Default)]
pub struct Watching {
    /// What was waiting in the printer, and since when.
    last: Option<(Option<u32>, Option<u32>, Duration)>,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Ask again soon.
    AskAgain,
    /// It waits for a person; ask again.
    Waits(&'static str),
    /// It came out.
    Printed,
    /// Nobody knows, and why.
    Doubtful(String),
}

impl Watching {
    /// The printer said `status` at `now`, a time since the label went out.
    ///
    /// Any fault while a label is in the printer leaves open what became of it: a printer may print the interrupted label
    /// again when the fault is mended, or not (`^JZ`, ZPL II Programming Guide).
    pub fn step(&mut self, status: Result<&PrinterStatus, &PrinterError>, now: Duration) -> Step {
        let status = match status {
            Ok(status) => status,
            Err(error) => return Step::Doubtful(base::describe(error)),
        };
        if let Some(fault) = status.faults.first() {
            return Step::Doubtful(fault.to_string());
        }
        if status.paused {
            self.last = None;
            return Step::Waits("it is paused: press its pause button");
        }
        if status.label_to_take {
            self.last = None;
            return Step::Waits("a label waits to be taken off");
        }
        if status.is_idle() {
            return Step::Printed;
        }
        let seen = (status.formats_waiting, status.labels_waiting);
        match self.last {
            Some((formats, labels, since)) if (formats, labels) == seen => {
                if now.saturating_sub(since) >= STANDS_STILL {
                    let still = STANDS_STILL.as_secs();
                    return Step::Doubtful(format!("the printer has not moved for {still} s: look what stops it"));
                }
            }
            _ => self.last = Some((seen.0, seen.1, now)),
        }
        Step::AskAgain
    }
}

#[cfg(test)]
mod tests {
    use drivers::printer::PrinterFault;
    use proptest::prelude::*;

    use super::*;

    fn busy(formats: u32, labels: u32) -> PrinterStatus {
        PrinterStatus { formats_waiting: Some(formats), labels_waiting: Some(labels), ..PrinterStatus::ready() }
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn printed_when_nothing_waits_any_more() {
        let mut watching = Watching::default();
        assert_eq!(watching.step(Ok(&busy(1, 0)), seconds(0)), Step::AskAgain);
        assert_eq!(watching.step(Ok(&busy(0, 1)), seconds(50)), Step::AskAgain);
        assert_eq!(watching.step(Ok(&busy(0, 1)), seconds(100)), Step::AskAgain);
        assert_eq!(watching.step(Ok(&PrinterStatus::ready()), seconds(101)), Step::Printed);
    }

    #[test]
    fn a_fault_silence_or_standing_still_leave_it_open() {
        let open = PrinterStatus { faults: vec![PrinterFault::HeadOpen], ..PrinterStatus::ready() };
        assert!(
            matches!(Watching::default().step(Ok(&open), seconds(1)), Step::Doubtful(why) if why.contains("head is open"))
        );
        let silent = PrinterError::Silent { printer: "p".into() };
        assert!(matches!(Watching::default().step(Err(&silent), seconds(1)), Step::Doubtful(_)));
        let mut watching = Watching::default();
        assert_eq!(watching.step(Ok(&busy(1, 0)), seconds(1)), Step::AskAgain);
        assert_eq!(watching.step(Ok(&busy(1, 0)), seconds(60)), Step::AskAgain);
        assert!(matches!(watching.step(Ok(&busy(1, 0)), seconds(61)), Step::Doubtful(_)));
    }

    #[test]
    fn a_pause_is_waited_out() {
        let paused = PrinterStatus { paused: true, ..busy(1, 0) };
        let mut watching = Watching::default();
        for minute in 0..60 {
            assert!(matches!(watching.step(Ok(&paused), seconds(60 * minute)), Step::Waits(_)));
        }
        assert_eq!(watching.step(Ok(&PrinterStatus::ready()), seconds(3601)), Step::Printed);
    }

    proptest! {
        /// Only a printer without faults that has nothing left is believed.
        #[test]
        fn printed_is_never_said_of_anything_else(
            formats in proptest::option::of(0u32..3), labels in proptest::option::of(0u32..3),
            paused: bool, partial: bool, take: bool, fault: bool, at in 0u64..200,
        ) {
            let status = PrinterStatus {
                faults: if fault { vec![PrinterFault::Jam] } else { vec![] },
                paused, formats_waiting: formats, labels_waiting: labels, partial_format: partial, label_to_take: take,
            };
            let printed = Watching::default().step(Ok(&status), seconds(at)) == Step::Printed;
            let idle = formats == Some(0) && labels == Some(0) && !paused && !partial && !take && !fault;
            prop_assert_eq!(printed, idle);
        }
    }
}
