//! What a rig is told, and what it says.

use jiff::Timestamp;
use records::attributes::{Attributes, is_settable};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::station::RigResult;

/// Most measurements of one test.
const MOST_MEASUREMENTS: usize = 64;
/// Longest name or text, in characters.
const LONGEST: usize = 128;

/// The unit that is to be tested.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dut {
    /// The lane on which it was scanned.
    pub lane: String,
    /// Its serial number.
    pub serial_number: String,
    /// What makes equal serials different units; mostly empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// The number of this test at this station. The result says it again, so that a late one, or one that is sent twice, is
    /// not taken for that of another test.
    pub test: u64,
    /// Which test of this unit it is, from 1.
    pub attempt: u32,
    /// The work order of the lane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work_order: Option<String>,
    /// What its label and the work order say of it.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
}

/// What a rig says.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Said {
    /// The lane; `main` where it is not said.
    #[serde(default)]
    pub lane: Option<String>,
    serial_number: String,
    #[serde(default)]
    scope: String,
    result: Verdict,
    /// Of which test.
    #[serde(default)]
    test: Option<u64>,
    #[serde(default)]
    rig: String,
    #[serde(default)]
    measurements: Map<String, Value>,
    #[serde(default)]
    attributes: Attributes,
    /// When the test ended, by the rig's own clock.
    #[serde(default)]
    at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Verdict {
    Pass,
    Fail,
}

/// Why what a rig says is refused whole. `Display` says what and where.
#[derive(Debug, thiserror::Error)]
pub enum Rubbish {
    /// Not JSON of that form.
    #[error("what the rig says cannot be read: {0}")]
    Unreadable(#[source] serde_json::Error),
    /// A text that cannot be one.
    #[error("`{0}` must be a text of 1 to {LONGEST} characters without control characters")]
    Text(&'static str),
    /// Too many, or one that is no measurement.
    #[error(
        "`measurements` has at most {MOST_MEASUREMENTS} numbers, texts of at most {LONGEST} characters, true or false, by name: `{0}` is none"
    )]
    Measurement(String),
    /// An attribute that no rig may set.
    #[error("a rig cannot set `{0}`; allowed are fwVersion, hardwareRevision, pcbPartNumber and the like, as texts")]
    Attribute(String),
}

impl Said {
    /// Reads what a rig says.
    ///
    /// # Errors
    /// The first fault; nothing of it may then be used.
    pub fn parse(bytes: &[u8]) -> Result<Self, Rubbish> {
        serde_json::from_slice(bytes).map_err(Rubbish::Unreadable)
    }

    /// As the station decides on it. `rig` is the name of the rig where it does not say one itself.
    ///
    /// # Errors
    /// The first fault; nothing of it may then be used.
    pub fn result(self, rig: &str) -> Result<RigResult, Rubbish> {
        let Self { serial_number, scope, result, test, rig: named, mut measurements, attributes, at, .. } = self;
        if !is_text(&serial_number) {
            return Err(Rubbish::Text("serialNumber"));
        }
        if !scope.is_empty() && !is_text(&scope) {
            return Err(Rubbish::Text("scope"));
        }
        let rig = if named.is_empty() { rig.to_owned() } else { named };
        if !is_text(&rig) {
            return Err(Rubbish::Text("rig"));
        }
        let is_measurement = |(name, value): &(&String, &Value)| {
            is_text(name)
                && match value {
                    Value::Number(_) | Value::Bool(_) => true,
                    Value::String(text) => text.chars().count() <= LONGEST && !text.chars().any(char::is_control),
                    _ => false,
                }
        };
        if let Some((name, _)) = measurements.iter().find(|measured| !is_measurement(measured)) {
            return Err(Rubbish::Measurement(short(name)));
        }
        if measurements.len() > MOST_MEASUREMENTS {
            return Err(Rubbish::Measurement(format!("number {}", MOST_MEASUREMENTS + 1)));
        }
        if let Some(at) = at {
            measurements.insert("testedAt".to_owned(), at.to_string().into());
        }
        let may_set = |(name, value): &(&String, &Value)| {
            is_settable(name)
                && !["workOrder", "connhexId", "lotCode"].contains(&name.as_str())
                && value.as_str().is_some_and(is_text)
        };
        if let Some((name, _)) = attributes.iter().find(|attribute| !may_set(attribute)) {
            return Err(Rubbish::Attribute(short(name)));
        }
        let passed = result == Verdict::Pass;
        Ok(RigResult { serial: serial_number, scope, passed, rig, test, measurements, attributes })
    }
}

fn is_text(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= LONGEST && !text.chars().any(char::is_control)
}

fn short(name: &str) -> String {
    name.chars().take(40).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<RigResult, String> {
        Said::parse(text.as_bytes()).and_then(|said| said.result("bench")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_result_is_taken_whole() {
        let result = read(
            r#"{"serialNumber":"A1","result":"pass","measurements":{"volts":4.98,"led":"green"},"attributes":{"fwVersion":"2.1"},"at":"2026-11-21T10:00:00Z"}"#,
        )
        .unwrap();
        assert_eq!((result.serial.as_str(), result.passed, result.rig.as_str()), ("A1", true, "bench"));
        assert_eq!(result.measurements["testedAt"], "2026-11-21T10:00:00Z");
        assert_eq!(result.attributes["fwVersion"], "2.1");
        assert_eq!(result.test, None);
        let failed = read(r#"{"serialNumber":"A1","result":"fail","rig":"r2","test":7}"#).unwrap();
        assert_eq!((failed.passed, failed.test), (false, Some(7)));
    }

    #[test]
    fn rubbish_is_named() {
        let many: Vec<String> = (0..65).map(|n| format!("\"m{n}\":{n}")).collect();
        let many = format!(r#"{{"serialNumber":"A","result":"pass","measurements":{{{}}}}}"#, many.join(","));
        for (text, says) in [
            ("pass", "cannot be read"),
            (r#"{"serialNumber":"A","result":"ok"}"#, "unknown variant `ok`"),
            (r#"{"result":"pass"}"#, "missing field `serialNumber`"),
            (r#"{"serialNumber":"A","result":"pass","volts":5}"#, "unknown field `volts`"),
            (r#"{"serialNumber":"","result":"pass"}"#, "`serialNumber` must be a text"),
            (r#"{"serialNumber":"A","result":"pass","measurements":{"x":[1]}}"#, "`x` is none"),
            (r#"{"serialNumber":"A","result":"pass","attributes":{"palletId":"x"}}"#, "cannot set `palletId`"),
            (r#"{"serialNumber":"A","result":"pass","attributes":{"fwVersion":7}}"#, "cannot set `fwVersion`"),
            (r#"{"serialNumber":"A","result":"pass","at":"yesterday"}"#, "cannot be read"),
            (r#"{"serialNumber":"A","result":"pass","test":-1}"#, "cannot be read"),
            (&many, "`number 65` is none"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn bytes_from_outside_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(Said::parse(&bytes).and_then(|said| said.result("r")));
        }
    }
}
