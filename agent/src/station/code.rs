//! What an answer is about, in one word.

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[doc = $says:literal])+ $code:ident,)+) => {
        /// One word for each answer; a page, a lamp or a test goes by it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Code {
            $($(#[doc = $says])+ $code,)+
        }

        impl Code {
            /// All of them, each with what it says.
            pub const ALL: &[(Self, &str)] = &[$((Self::$code, concat!($($says),+).trim_ascii()),)+];
        }
    };
}

codes! {
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
    /// A code that means something, and not here.
    NotHere,
    /// A command waits for the scan of what it is about.
    Waiting,
    /// A command was given up, or nothing came in time.
    Cancelled,
    /// There is nothing to give up or to finish.
    NothingWaits,
    /// One code of a label that has several was taken.
    PartTaken,
    /// A unit or container was moved.
    Moved,
    /// A unit or container was taken out.
    TakenOut,
    /// The unit is put down as scrap.
    ScrapRecorded,
    /// The unit is on hold from now on.
    HoldRecorded,
    /// The unit is not on hold any more.
    HoldReleased,
    /// A container takes units again.
    Reopened,
    /// This station's share is sealed.
    Sealed,
    /// A person has signed on.
    SignedOn,
    /// A person has signed off.
    SignedOff,
    /// The lane does something else from now on.
    RoleChanged,
    /// The unit is tested now.
    TestStarted,
    /// The unit has passed.
    TestPassed,
    /// The unit has failed: on record, and red.
    TestFailed,
    /// The component is in the unit.
    Assembled,
    /// The unit has all its components.
    AssemblyComplete,
    /// Consignee or despatch note is noted.
    DespatchNoted,
    /// The container has left.
    DespatchRecorded,
    /// The container is counted from now on.
    Recounting,
    /// The unit is in the container that is counted.
    Found,
    /// The count agrees with what is on record.
    Counted,
    /// Units are missing from the counted container, or there are more: on record, and red.
    CountDiffers,
    /// What is known of the code.
    LookedUp,
    /// The container is on the pallet.
    Stacked,
    /// A container whose label was on it already is open.
    ContainerOpened,
    /// The label of the closed container was scanned back.
    LabelChecked,
    /// This station goes on with a container that another one opened.
    Adopted,
    /// What was accepted without an answer of the service disagrees with it.
    Contradicted,
    /// This unit is packed already under this work order.
    DuplicateOrder,
    /// Another station has packed this unit.
    DuplicateElsewhere,
    /// The label names another product than the work order.
    WrongProduct,
    /// The label names another lot than the work order.
    WrongLot,
    /// The serial does not match the pattern of the work order.
    WrongPattern,
    /// The serial is not in the range of the work order.
    NotInRange,
    /// A check digit is wrong.
    CheckDigit,
    /// The unit was not tested.
    NotTested,
    /// The unit has failed its last test.
    FailedTest,
    /// The unit is scrap.
    Scrapped,
    /// The unit is under recall.
    Recall,
    /// The unit is in another package.
    InAnotherPackage,
    /// The container is on another pallet.
    OnAnotherPallet,
    /// The component is in another unit.
    InAnotherUnit,
    /// Nobody has signed on.
    NoOperator,
    /// Nobody knows the work order.
    UnknownWorkOrder,
    /// The work order is closed.
    WorkOrderClosed,
    /// The codes of two labels were mixed.
    LabelMixed,
    /// The rig gave no result.
    RigFailed,
    /// The work order has all its units.
    QuantityReached,
    /// This station has sealed its share of the work order.
    OrderSealed,
    /// The work order names a label that this station does not have.
    UnknownLabel,
    /// The unit was tested as often as it may be.
    RetestLimit,
    /// The reason is missing.
    ReasonMissing,
    /// This lane does not have this role.
    NotARole,
    /// The unit is not on hold at this line.
    NotHeld,
    /// The unit is not known here.
    UnknownUnit,
    /// The container is not known here.
    UnknownContainer,
    /// The unit or container is in nothing that it could be taken out of.
    NotInside,
    /// The container is closed.
    ContainerClosed,
    /// The container is open.
    ContainerOpen,
    /// The container is full.
    ContainerFull,
    /// The container has left already.
    Despatched,
    /// A container of this level cannot go there.
    WrongLevel,
    /// It is there already.
    AlreadyThere,
    /// The label of the container that was closed is to be scanned first.
    ScanLabel,
    /// The label of the next container is to be scanned first.
    ScanContainer,
    /// Consignee or despatch note is missing.
    DespatchMissing,
    /// No unit is being tested.
    NoTest,
    /// The rig says something of another unit.
    OtherUnit,
    /// The rig's result is of another test than the one that runs.
    LateResult,
    /// Something is missing: components of a unit, or contents of a container.
    Incomplete,
    /// What was scanned last is to be finished first.
    Busy,
    /// The service gives no answer, and this lane requires one.
    ServiceSilent,
}

impl Code {
    /// May a supervisor allow what is refused so, where the configuration lets it? Only what a rule decides: nobody can allow
    /// what cannot be told.
    #[must_use]
    pub fn can_be_allowed(self) -> bool {
        matches!(
            self,
            Self::DuplicateOrder
                | Self::DuplicateElsewhere
                | Self::WrongProduct
                | Self::WrongLot
                | Self::WrongPattern
                | Self::NotInRange
                | Self::NotTested
                | Self::FailedTest
                | Self::QuantityReached
                | Self::OnHold
                | Self::Recall
                | Self::RetestLimit
                | Self::ServiceSilent
                | Self::OtherThanWorkOrder
        )
    }

    /// Its word in records and answers.
    #[must_use]
    pub fn word(self) -> String {
        serde_json::to_value(self).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
    }
}
