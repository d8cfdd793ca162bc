//! What a record is about.

use serde::{Deserialize, Serialize};

/// What kind of thing a subject is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// A serialised unit.
    Device,
    /// A package or pallet; its id is an SSCC unless the configuration says otherwise.
    Container,
    /// A work order (ISA-95: job order).
    WorkOrder,
    /// A lot.
    Lot,
    /// A station itself.
    Station,
}

impl Kind {
    /// The word in JSON and in tables.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Container => "container",
            Self::WorkOrder => "workOrder",
            Self::Lot => "lot",
            Self::Station => "station",
        }
    }

    /// The kind with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Device, Self::Container, Self::WorkOrder, Self::Lot, Self::Station]
            .into_iter()
            .find(|k| k.word() == word)
    }
}

/// One thing with an identity. Ids are compared byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// What kind of thing.
    pub kind: Kind,
    /// Serial number, SSCC, work order, lot code or station name.
    pub id: String,
    /// What makes equal serials different devices: empty, the value of the attribute that the configuration names, or
    /// `component:<type>`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
}

impl Subject {
    /// A subject without scope.
    pub fn new(kind: Kind, id: impl Into<String>) -> Self {
        Self { kind, id: id.into(), scope: String::new() }
    }

    /// A device without scope.
    pub fn device(serial: impl Into<String>) -> Self {
        Self::new(Kind::Device, serial)
    }

    /// A package or pallet.
    pub fn container(id: impl Into<String>) -> Self {
        Self::new(Kind::Container, id)
    }

    /// A station.
    pub fn station(name: impl Into<String>) -> Self {
        Self::new(Kind::Station, name)
    }
}

/// The level of a container: GS1 logistic hierarchy, lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// Holds devices.
    Package,
    /// Holds packages.
    Pallet,
}

impl Level {
    /// The word for people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Package => "package",
            Self::Pallet => "pallet",
        }
    }

    /// The attribute, and so the recall dimension, of a device inside such a container.
    #[must_use]
    pub fn attribute(self) -> &'static str {
        match self {
            Self::Package => "packageId",
            Self::Pallet => "palletId",
        }
    }
}

/// A subject that another one joins or parts from, with the level it has as a container: what a device is in must be
/// known from the edge alone, whichever record arrives first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Joined {
    /// What kind of thing.
    pub kind: Kind,
    /// Its id.
    pub id: String,
    /// Its scope, mostly empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// Where `kind` is a container: its level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
}

impl Joined {
    /// A package or pallet.
    pub fn container(id: impl Into<String>, level: Level) -> Self {
        Self { kind: Kind::Container, id: id.into(), scope: String::new(), level: Some(level) }
    }

    /// The subject without its level.
    #[must_use]
    pub fn subject(&self) -> Subject {
        Subject { kind: self.kind, id: self.id.clone(), scope: self.scope.clone() }
    }
}
