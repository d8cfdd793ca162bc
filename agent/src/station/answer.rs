//! What the operator is told.

use serde::{Deserialize, Serialize};

/// Light and tone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Green: recorded and durable.
    Accepted,
    /// Red: nothing was recorded of the unit.
    Refused,
    /// A command or a work order was carried out.
    Done,
    /// Amber: on record already; nothing was written, nothing is wrong.
    Known,
}

/// One word for each answer; a page, a lamp or a test goes by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// The unit is in the package.
    Packed,
    /// The package is closed.
    PackageClosed,
    /// The pallet is closed.
    PalletClosed,
    /// The last unit was taken back.
    Voided,
    /// The work order is current.
    WorkOrderStarted,
    /// The work order is current already.
    WorkOrderUnchanged,
    /// The lane has no work order any more.
    WorkOrderEnded,
    /// The work order will be current when the open package is closed.
    WorkOrderWaits,
    /// This unit is packed already.
    Duplicate,
    /// This unit is the last one of the open package: somebody was not sure, and scanned it again.
    AlreadyRecorded,
    /// The unit or its lot is on hold.
    OnHold,
    /// No rule matches the scan.
    NoRule,
    /// The label of a package or pallet, where a unit was expected.
    ContainerLabel,
    /// More than one rule matches the scan.
    TwoRules,
    /// A rule matches, but a value cannot be one.
    BadValue,
    /// A value does not end in the right check character: the code was misread, or misprinted.
    CheckDigit,
    /// The scan is not text.
    NotText,
    /// The scanner could not read the code.
    NoRead,
    /// The scanner sent noise.
    Noise,
    /// A camera's picture shows no code.
    NoCode,
    /// A camera's picture cannot be used, or pictures from before its start were not taken.
    Picture,
    /// GS1 data that breaks its rules.
    Gs1,
    /// There is no work order.
    NoWorkOrder,
    /// The label says something else than the work order.
    OtherThanWorkOrder,
    /// A package is open and has units of the current work order.
    PackageOpen,
    /// The package is full and waits to be closed.
    PackageFull,
    /// The pallet is full and waits to be closed.
    PalletFull,
    /// There is nothing to close.
    NothingToClose,
    /// There is nothing to take back.
    NothingToVoid,
    /// No SSCC can be given out.
    NoSscc,
    /// A person says that a doubtful label came out.
    LabelConfirmed,
    /// A person decided that a label is printed again.
    LabelAgain,
    /// Nobody doubts that the label came out.
    LabelNotDoubtful,
    /// The label waits for the printer or is being printed.
    LabelOnItsWay,
    /// The label went out again since the person looked.
    LabelChanged,
    /// There is no such label.
    NoLabel,
    /// No printer prints this label any more.
    NoPrinter,
    /// The disk did not take it.
    NotDurable,
}

/// How far a container is filled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filling {
    /// The container's SSCC.
    pub id: String,
    /// What is in it: devices in a package, packages on a pallet.
    pub count: u32,
    /// How many it takes.
    pub size: u32,
}

/// What the operator is told, after the commit and never before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The lane.
    pub lane: String,
    /// Light and tone.
    pub outcome: Outcome,
    /// The answer in one word.
    pub code: Code,
    /// The answer in a sentence.
    pub text: String,
    /// What to do next; empty where there is nothing to do.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub help: String,
    /// The serial number, where the scan was a device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// The open package after this, or the one just closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<Filling>,
    /// The open pallet after this, or the one just closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pallet: Option<Filling>,
    /// Sequences of the records written, first and last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<(u64, u64)>,
}

impl Answer {
    /// An answer without details.
    pub fn new(lane: &str, outcome: Outcome, code: Code, text: impl Into<String>) -> Self {
        Self {
            lane: lane.to_owned(),
            outcome,
            code,
            text: text.into(),
            help: String::new(),
            serial: None,
            package: None,
            pallet: None,
            records: None,
        }
    }

    /// Red, with what to do next.
    pub fn refused(lane: &str, code: Code, text: impl Into<String>, help: impl Into<String>) -> Self {
        Self { help: help.into(), ..Self::new(lane, Outcome::Refused, code, text) }
    }
}
