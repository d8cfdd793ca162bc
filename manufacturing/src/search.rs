//! What a text may mean that was typed or scanned: a device, or a group of devices.

use gs1::{AimId, digital_link, element_string};
use records::attributes::GROUPS;
use serde::Serialize;

use crate::recall::{Size, size};
use crate::store::{DeviceName, Snapshot};

/// Most devices that are named because their serial begins with the text.
const MOST_BEGINNING: u32 = 10;

/// What was found.
#[derive(Debug, Serialize)]
pub struct Found {
    /// What was looked for in the end: the text, or what a label says with it.
    pub read: String,
    /// The devices with that serial number or connhexId.
    pub devices: Vec<Device>,
    /// The groups with that value.
    pub groups: Vec<Group>,
    /// Where nothing was found: devices whose serial begins with the text.
    pub beginning: Vec<Device>,
}

/// A device.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// Its serial number.
    pub serial_number: String,
    /// What tells it from others with that serial.
    pub scope: String,
}

/// A group.
#[derive(Debug, Serialize)]
pub struct Group {
    /// The group attribute.
    pub dimension: &'static str,
    /// Its value.
    pub value: String,
    /// How many units a recall would name.
    #[serde(flatten)]
    pub size: Size,
}

impl From<DeviceName> for Device {
    fn from(device: DeviceName) -> Self {
        Self { serial_number: device.subject.id, scope: device.subject.scope }
    }
}

/// Looks for the text as it is; only where nothing has that name, for what a scanner may have put around it.
///
/// # Errors
/// What SQLite says.
pub fn search(snapshot: &Snapshot<'_>, text: &str) -> rusqlite::Result<Found> {
    for read in readings(text) {
        let devices = snapshot.devices(&read, true)?;
        let mut groups = Vec::new();
        for dimension in GROUPS {
            if snapshot.has_group(dimension, &read)? {
                let size = size(snapshot, dimension, std::slice::from_ref(&read))?;
                groups.push(Group { dimension, value: read.clone(), size });
            }
        }
        if !devices.is_empty() || !groups.is_empty() {
            let devices = devices.into_iter().map(Device::from).collect();
            return Ok(Found { read, devices, groups, beginning: Vec::new() });
        }
    }
    let beginning = snapshot.beginning(text, MOST_BEGINNING)?.into_iter().map(Device::from).collect();
    Ok(Found { read: text.to_owned(), devices: Vec::new(), groups: Vec::new(), beginning })
}

/// The text, the text without what stands around it, and what a GS1 label says: its serial number (21), SSCC (00) and
/// batch (10).
fn readings(text: &str) -> Vec<String> {
    let trimmed = text.trim();
    let (_, data) = AimId::split(trimmed.as_bytes());
    let elements = element_string::parse(data)
        .or_else(|_| element_string::parse_bracketed(trimmed))
        .ok()
        .or_else(|| digital_link::parse(trimmed).ok())
        .unwrap_or_default();
    let value = |ai: &str| elements.iter().find(|e| e.ai().as_str() == ai).map(|e| e.value().to_owned());
    let mut readings = vec![text.to_owned(), trimmed.to_owned(), String::from_utf8_lossy(data).into_owned()];
    readings.extend(["21", "00", "10"].into_iter().filter_map(value));
    readings.dedup();
    readings.retain(|reading| !reading.is_empty());
    readings
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_label_is_read_after_the_text_itself() {
        assert_eq!(readings("SN 1"), ["SN 1"]);
        assert_eq!(readings(" SN-1\r"), [" SN-1\r", "SN-1"]);
        assert_eq!(readings("00395212340002000012"), ["00395212340002000012", "395212340002000012"]);
        assert_eq!(readings("]C100395212340002000012")[1..], ["00395212340002000012", "395212340002000012"]);
        assert_eq!(readings("(00)395212340002000012")[1..], ["395212340002000012"]);
        assert_eq!(readings("(01)09521234543213(21)A1(10)L-9")[1..], ["A1", "L-9"]);
        assert_eq!(readings("https://example.com/01/09521234543213/21/A1")[1..], ["A1"]);
        assert!(readings("").is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_looked_for_as_it_is(text in ".{1,40}") {
            prop_assert_eq!(&readings(&text)[0], &text);
        }
    }
}
