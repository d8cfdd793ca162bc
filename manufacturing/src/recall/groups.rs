//! The groups of a device, and how large they are.

use std::ops::ControlFlow;

use records::attributes::GROUPS;
use serde::Serialize;

use super::format::Span;
use super::prepare::spans;
use crate::store::{Kept, Snapshot, sql};

/// Counting ends here: a list of ten thousand is long enough to know, and the answer stays quick.
const MOST_COUNTED: u64 = 10_000;

/// How many units a recall would name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Size {
    /// So many, as a recall counts them.
    pub units: u64,
    /// There are more than were counted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
}

/// A dimension by which a device can be recalled.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// The group attribute.
    pub dimension: String,
    /// Its values, each once.
    pub values: Vec<Span>,
    /// How many units share one of them.
    #[serde(flatten)]
    pub size: Size,
    /// The dimension is new: of what was stored before, so many percent are taken in and counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filled_percent: Option<u8>,
}

/// How many units were ever in one of these groups.
///
/// # Errors
/// What the store says.
pub fn size(snapshot: &Snapshot<'_>, dimension: &str, values: &[String]) -> sql::Result<Size> {
    let mut size = Size { units: 0, more: false };
    snapshot.units(dimension, values, None, false, |_| {
        if size.units == MOST_COUNTED {
            size.more = true;
            return ControlFlow::Break(());
        }
        size.units += 1;
        ControlFlow::Continue(())
    })?;
    Ok(size)
}

/// Every dimension by which a device can be recalled, in the order of [`GROUPS`], then those of schemas.
///
/// # Errors
/// What the store says.
pub fn groups(snapshot: &Snapshot<'_>, kept: &Kept) -> sql::Result<Vec<Group>> {
    let mut groups = Vec::new();
    let further = snapshot.dimensions()?;
    let backfills = snapshot.backfills()?;
    for dimension in GROUPS.into_iter().chain(further.names()) {
        let values = spans(kept, dimension, None);
        if values.is_empty() {
            continue;
        }
        let names: Vec<String> = values.iter().map(|span| span.value.clone()).collect();
        let size = size(snapshot, dimension, &names)?;
        let filled_percent = backfills.iter().find(|one| one.dimension == dimension).map(|one| one.percent);
        groups.push(Group { dimension: dimension.to_owned(), values, size, filled_percent });
    }
    Ok(groups)
}
