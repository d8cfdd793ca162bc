//! What the configuration says of containers, and how units are named to people.

use gs1::SsccRange;
use records::Level;

use super::known::Known;
use super::lanes::{IdFrom, LevelRules};
use super::state::{Close, OrderChange};

/// Levels of containers, how they are closed, and where their ids come from.
#[derive(Debug, Clone)]
pub struct Packing {
    /// The levels, innermost first; at least one.
    pub levels: Vec<LevelRules>,
    /// Is a scan without a work order refused?
    pub work_order_required: bool,
    /// What another work order does while a package with units is open.
    pub order_change: OrderChange,
    /// Is a reason asked for when a container that is not full is closed by command?
    pub part_filled_reason: bool,
    /// The SSCCs of this station.
    pub sscc: SsccRange,
}

impl Packing {
    /// Packages on pallets, both closed by themselves when full.
    #[must_use]
    pub fn two(package_size: u32, pallet_size: u32, sscc: SsccRange) -> Self {
        let level = |kind: Level, size| LevelRules {
            name: kind.word().to_owned(),
            kind,
            size,
            close: Close::Auto,
            id: IdFrom::Sscc,
            scan_back: false,
        };
        Self {
            levels: vec![level(Level::Package, package_size), level(Level::Pallet, pallet_size)],
            work_order_required: true,
            order_change: OrderChange::Refuse,
            part_filled_reason: false,
            sscc,
        }
    }

    /// How many units an innermost container takes.
    #[must_use]
    pub fn package_size(&self) -> u32 {
        self.levels.first().map_or(0, |level| level.size)
    }

    /// How many containers an outermost one takes.
    #[must_use]
    pub fn pallet_size(&self) -> u32 {
        self.levels.last().map_or(0, |level| level.size)
    }
}

/// Where a unit is, behind a comma.
pub(super) fn in_package(known: &Known) -> String {
    known.package.as_ref().map_or(String::new(), |package| format!(", in package {package}"))
}

/// A value as people write it.
pub(super) fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
