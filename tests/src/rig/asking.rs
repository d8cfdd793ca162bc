//! What the service of a line says.

use serde_json::Value;

use super::Rig;
use crate::get;

impl Rig {
    /// Asks the service; expects 200 and JSON.
    ///
    /// # Panics
    /// When the answer is another one.
    #[must_use]
    pub fn json(&self, path: &str) -> Value {
        let (status, body) = get(&self.http(), path, "application/json").expect("an answer");
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).expect("JSON")
    }

    /// The serials of the work order of a unit; none where the service does not know it.
    #[must_use]
    pub fn recall_if_any(&self, serial: &str) -> std::collections::BTreeSet<String> {
        match get(&self.http(), &format!("/v1/devices/{}", escaped(serial)), "application/json") {
            Some((200, _)) => self.recall(serial, "workOrder"),
            _ => std::collections::BTreeSet::new(),
        }
    }

    /// The serials that a recall names.
    ///
    /// # Panics
    /// When the answer is not a recall, or names a unit twice.
    #[must_use]
    pub fn recall(&self, serial: &str, by: &str) -> std::collections::BTreeSet<String> {
        let answer = self.json(&format!("/v1/recall?serial={}&by={by}", escaped(serial)));
        let units = answer["units"].as_array().expect("units");
        assert_eq!(answer["count"], units.len());
        let serials: std::collections::BTreeSet<String> =
            units.iter().map(|unit| unit["serialNumber"].as_str().expect("a serial").to_owned()).collect();
        assert_eq!(serials.len(), units.len(), "a unit twice");
        serials
    }
}

/// A text as part of a URL.
fn escaped(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}
