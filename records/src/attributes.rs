//! The attributes of a device and which of them are recall dimensions.

use std::collections::BTreeMap;

/// Attributes of a record: name to value, in the order of their names.
pub type Attributes = BTreeMap<String, serde_json::Value>;

/// The fields that a device has by default.
pub const FIELDS: [&str; 12] = [
    "serialNumber",
    "partNumber",
    "pcbPartNumber",
    "fwVersion",
    "deviceType",
    "connhexId",
    "workOrder",
    "productionOrder",
    "palletId",
    "packageId",
    "lotCode",
    "hardwareRevision",
];

/// Group attributes: devices that share a value of one of these, ever, are a group that a recall can name.
pub const GROUPS: [&str; 10] = [
    "lotCode",
    "workOrder",
    "palletId",
    "packageId",
    "productionOrder",
    "partNumber",
    "pcbPartNumber",
    "deviceType",
    "fwVersion",
    "hardwareRevision",
];

/// The device that a component is inside of, at any depth.
pub const PART_OF: &str = "partOf";

/// The stations that handled a device.
pub const STATION: &str = "station";

/// The UTC days (`2026-11-21`) on which a device may have been handled; `unknown` where clocks leave more than 31 days
/// open. By it windows of time are found; nobody recalls by a day alone.
pub const DAY: &str = "day";

/// What else devices can be recalled by than by a group attribute.
pub const DERIVED: [&str; 2] = [PART_OF, STATION];

/// What a recall goes by when nobody says: the first of these that the device has.
pub const RECALL_ORDER: [&str; 3] = ["lotCode", "workOrder", "palletId"];

/// What a rule or a work order may say about a device: all fields but its identity and what follows from edges.
#[must_use]
pub fn is_settable(name: &str) -> bool {
    FIELDS.contains(&name) && !["serialNumber", "palletId", "packageId"].contains(&name)
}
