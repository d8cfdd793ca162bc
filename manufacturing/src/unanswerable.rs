//! Why a question about a device has no answer.

use jiff::Timestamp;
use records::attributes::{DERIVED, GROUPS, RECALL_ORDER};

use crate::schema::Backfill;
use crate::store::{DeviceName, Kept, Snapshot, sql};

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unanswerable {
    /// No record says that such a device exists.
    #[error("no device has the serial number or connhexId `{}`", .0.escape_debug())]
    Unknown(String),
    /// Somebody has put it out of sight.
    #[error("the device `{}` was deleted at {since}: {reason}", serial.escape_debug())]
    Deleted {
        /// The device.
        serial: String,
        /// Since when.
        since: Timestamp,
        /// Why.
        reason: String,
    },
    /// Several devices have that serial; the scopes tell them apart.
    #[error("{} devices have the serial number or connhexId `{}`", candidates.len(), asked.escape_debug())]
    Ambiguous {
        /// What was asked for.
        asked: String,
        /// Serial number and scope of each.
        candidates: Vec<(String, String)>,
    },
    /// Not a group attribute.
    #[error("`{}` is no recall dimension; allowed are {}", by.escape_debug(), allowed(further))]
    Dimension {
        /// What was asked for.
        by: String,
        /// What schemas have made recall dimensions.
        further: Vec<String>,
    },
    /// The device was never in such a group.
    #[error("the device `{}` was never in a group of {}", serial.escape_debug(), dimensions(by.as_deref()))]
    NoGroup {
        /// The device.
        serial: String,
        /// The dimension asked for.
        by: Option<String>,
    },
    /// The device came into such a group later than the time asked for.
    #[error(
        "the device `{}` was in no group of {} at {as_of}; {} {since}", serial.escape_debug(),
        dimensions(by.as_deref()), if *lasts { "it is in one since" } else { "it was in one from" }
    )]
    NoGroupThen {
        /// The device.
        serial: String,
        /// The dimension asked for.
        by: Option<String>,
        /// The time asked for.
        as_of: Timestamp,
        /// When it first came into one.
        since: Timestamp,
        /// It is in one now.
        lasts: bool,
    },
    /// Nobody can say yet.
    #[error("`{by}` is a new recall dimension, and what was stored before is being taken in: {percent} % is done")]
    Filling {
        /// The dimension.
        by: String,
        /// How much is done, in percent.
        percent: u8,
    },
    /// Nothing was stored of the device by then.
    #[error("nothing was known of the device `{}` at position {position}", serial.escape_debug())]
    UnknownThen {
        /// The device.
        serial: String,
        /// The position asked for.
        position: u64,
    },
    /// The first device came into the group later than the time asked for.
    #[error("no device was in the {by} `{}` at {as_of}; the first is in it since {since}", value.escape_debug())]
    GroupLater {
        /// The dimension.
        by: String,
        /// Its value.
        value: String,
        /// The time asked for.
        as_of: Timestamp,
        /// When the first one came into it.
        since: Timestamp,
    },
    /// A window of time that is too wide for nothing else to narrow it.
    #[error(
        "a window that nothing else narrows has a `from` and an `until`, and at most {most_days} days between them"
    )]
    Window {
        /// How many may be between them.
        most_days: i64,
    },
    /// Members of now are asked for, and nothing that lasts.
    #[error("what a station did on a day is over: `members=current` needs a group beside it that lasts")]
    NothingLasts,
    /// No device was ever in the group, nor said to be.
    #[error("no device was ever in the {by} `{}`", value.escape_debug())]
    NoSuchGroup {
        /// The dimension.
        by: String,
        /// Its value.
        value: String,
    },
}

impl Unanswerable {
    /// The same, but where a dimension is still being filled, nobody can say yet that there is nothing in it.
    #[must_use]
    pub fn unless_filling(self, backfills: &[Backfill]) -> Self {
        let by = match &self {
            Self::NoGroup { by: Some(by), .. }
            | Self::NoGroupThen { by: Some(by), .. }
            | Self::GroupLater { by, .. }
            | Self::NoSuchGroup { by, .. } => by,
            _ => return self,
        };
        let running = backfills.iter().find(|one| one.dimension == *by);
        let filling = running.map(|one| Self::Filling { by: one.dimension.clone(), percent: one.percent });
        filling.unwrap_or(self)
    }
}

/// Everything that devices can be recalled by.
fn allowed(further: &[String]) -> String {
    let all: Vec<&str> = GROUPS.into_iter().chain(DERIVED).chain(further.iter().map(String::as_str)).collect();
    all.join(", ")
}

/// The dimension asked for, or those that are tried.
fn dimensions(by: Option<&str>) -> String {
    by.map_or_else(|| RECALL_ORDER.join(", "), str::to_owned)
}

/// The one device that is meant, with what is kept of it.
///
/// # Errors
/// What the store says; inside, why no device or more than one is meant.
pub fn find_kept(
    snapshot: &Snapshot<'_>,
    serial: &str,
    scope: Option<&str>,
) -> sql::Result<Result<(DeviceName, Kept), Unanswerable>> {
    let device = match find(snapshot, serial, scope, true)? {
        Ok(device) => device,
        Err(why) => return Ok(Err(why)),
    };
    let kept = snapshot.kept(&device)?;
    Ok(kept.map(|kept| (device, kept)).ok_or_else(|| Unanswerable::Unknown(serial.to_owned())))
}

/// The one device that is meant. `exists`: it must be more than the subject of refused scans.
///
/// # Errors
/// What the store says; inside, why no device or more than one is meant.
pub fn find(
    snapshot: &Snapshot<'_>,
    serial: &str,
    scope: Option<&str>,
    exists: bool,
) -> sql::Result<Result<DeviceName, Unanswerable>> {
    let mut found = snapshot.devices(serial, exists)?;
    if let Some(scope) = scope {
        found.retain(|device| device.subject.scope == scope);
    }
    let Some(device) = found.pop() else { return Ok(Err(Unanswerable::Unknown(serial.to_owned()))) };
    if found.is_empty() {
        return Ok(Ok(device));
    }
    found.push(device);
    let candidates = found.into_iter().map(|device| (device.subject.id, device.subject.scope)).collect();
    Ok(Err(Unanswerable::Ambiguous { asked: serial.to_owned(), candidates }))
}
