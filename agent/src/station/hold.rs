//! What is on hold is not packed, with and without a network.

use records::attributes::Attributes;
use records::wire::WorkOrder;

use super::answer::{Answer, Code};
use super::input::Reading;
use super::known::Known;

/// The attribute that names a lot.
const LOT: &str = "lotCode";

/// Something that quality has put on hold, or that is under recall.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hold {
    /// A unit, by its serial number, whatever its scope.
    Serial(String),
    /// All units of a lot.
    Lot(String),
}

impl Hold {
    /// What has to be looked up for a scan on a lane with this work order.
    #[must_use]
    pub fn of_reading(reading: &Reading, current: Option<&WorkOrder>) -> Vec<Self> {
        match reading {
            Reading::Device { serial, attributes, .. } => {
                let mut all = vec![Self::Serial(serial.clone())];
                all.extend(Self::of_lot(attributes));
                all.extend(current.and_then(|order| Self::of_lot(&order.attributes)));
                all.dedup();
                all
            }
            Reading::WorkOrder { attributes, .. } => Self::of_lot(attributes).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    pub(super) fn serial(&self) -> Option<&str> {
        match self {
            Self::Serial(serial) => Some(serial),
            Self::Lot(_) => None,
        }
    }

    pub(super) fn lot(&self) -> Option<&str> {
        match self {
            Self::Lot(lot) => Some(lot),
            Self::Serial(_) => None,
        }
    }

    /// The lot that these attributes name.
    #[must_use]
    pub fn of_lot(attributes: &Attributes) -> Option<Self> {
        lot_of(attributes).map(Self::Lot)
    }
}

/// The lot that these attributes name.
pub(super) fn lot_of(attributes: &Attributes) -> Option<String> {
    attributes.get(LOT)?.as_str().map(str::to_owned)
}

/// The unit, or its lot, is on hold or under recall.
pub(super) fn refuse(lane: &str, serial: &str, (held, recalled): (&[Hold], &[Hold]), known: Option<&Known>) -> Answer {
    // A recall is the graver of the two.
    let (code, all, state, help) = match recalled {
        [] => (Code::OnHold, held, "on hold", "Set the unit aside; quality has put it on hold."),
        some => (Code::Recall, some, "under recall", "Set the unit aside, and tell the office: it must not leave."),
    };
    let lots: Vec<&str> = all.iter().filter_map(Hold::lot).collect();
    let itself = all.iter().any(|hold| matches!(hold, Hold::Serial(_)));
    let text = match (itself, lots.join(" and ")) {
        (true, lots) if lots.is_empty() => format!("{serial} is {state}"),
        (true, lots) => format!("{serial} is {state}, and so is its lot {lots}"),
        (false, lots) => format!("Lot {lots} of {serial} is {state}"),
    };
    let packed =
        known.map_or(String::new(), |known| format!("; it is packed already{}", super::packing::in_package(known)));
    Answer::refused(lane, code, format!("{text}{packed}"), help)
}

/// A work order begins although its lot is on hold: its units will be refused.
pub(super) fn warn(mut answer: Answer, held: &[Hold]) -> Answer {
    if let Some(lot) = held.iter().find_map(Hold::lot) {
        answer.help = format!("Lot {lot} is on hold: its units are refused until quality releases it.");
    }
    answer
}
