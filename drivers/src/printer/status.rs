//! How a printer is.

use std::fmt;

/// What a printer says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrinterStatus {
    /// What keeps it from printing.
    pub faults: Vec<PrinterFault>,
    /// A person or program has paused it.
    pub paused: bool,
    /// Formats in its receive buffer that it has not begun to print; `None`: not told, as in many faults.
    pub formats_waiting: Option<u32>,
    /// Labels of the format in work that are not printed yet; `None`: not told.
    pub labels_waiting: Option<u32>,
    /// It is in the middle of receiving a format.
    pub partial_format: bool,
    /// A printed label hangs out and must be taken before the next is printed.
    pub label_to_take: bool,
}

impl PrinterStatus {
    /// A printer that is ready and has nothing to do.
    pub fn ready() -> Self {
        Self {
            faults: Vec::new(),
            paused: false,
            formats_waiting: Some(0),
            labels_waiting: Some(0),
            partial_format: false,
            label_to_take: false,
        }
    }

    /// Would it print a job now, or behind those that wait? No faults, not paused, no partial format.
    pub fn is_ready(&self) -> bool {
        self.faults.is_empty() && !self.paused && !self.partial_format
    }

    /// Does it say that nothing waits in it? Not when it does not tell.
    pub fn is_idle(&self) -> bool {
        self.formats_waiting == Some(0) && self.labels_waiting == Some(0) && !self.partial_format
    }
}

/// What keeps a printer from printing. Displays as what is wrong and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrinterFault {
    /// No labels.
    MediaOut,
    /// No ribbon.
    RibbonOut,
    /// The print head is up.
    HeadOpen,
    /// The cutter is stuck.
    CutterFault,
    /// The media is stuck or fed wrongly.
    Jam,
    /// Its receive buffer is full.
    BufferFull,
    /// It has lost its configuration.
    CorruptMemory,
    /// The print head is too cold.
    TooCold,
    /// Print head or motor are too hot.
    TooHot,
    /// The print head is broken or not found.
    BadHead,
    /// Anything else, as a sentence.
    Other(String),
}

impl fmt::Display for PrinterFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MediaOut => "the labels are used up: load new ones",
            Self::RibbonOut => "the ribbon is used up or torn: load a new one",
            Self::HeadOpen => "the print head is open: close it",
            Self::CutterFault => "the cutter is stuck: switch the printer off and free it",
            Self::Jam => "the labels are jammed or not fed: open the printer and free them",
            Self::BufferFull => "its memory for jobs is full: wait until it has printed some",
            Self::CorruptMemory => "it has lost its configuration: calibrate and configure it again",
            Self::TooCold => "the print head is too cold: wait until it is warm",
            Self::TooHot => "the print head or the motor is too hot: wait until it has cooled down",
            Self::BadHead => "the print head is broken or not found: clean its contacts or replace it",
            Self::Other(sentence) => sentence,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_and_idle_are_two_things() {
        let ready = PrinterStatus::ready();
        assert!(ready.is_ready() && ready.is_idle());
        let busy = PrinterStatus { formats_waiting: Some(1), ..ready.clone() };
        assert!(busy.is_ready() && !busy.is_idle());
        let busy = PrinterStatus { labels_waiting: Some(1), ..ready.clone() };
        assert!(busy.is_ready() && !busy.is_idle());
        let open = PrinterStatus { faults: vec![PrinterFault::HeadOpen], ..ready.clone() };
        assert!(!open.is_ready() && open.is_idle());
        let paused = PrinterStatus { paused: true, ..ready.clone() };
        assert!(!paused.is_ready());
        let half = PrinterStatus { partial_format: true, ..ready.clone() };
        assert!(!half.is_ready() && !half.is_idle());
        let untold = PrinterStatus { formats_waiting: None, labels_waiting: None, ..ready };
        assert!(!untold.is_idle());
    }
}
