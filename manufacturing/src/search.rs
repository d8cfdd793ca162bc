//! What a text may mean that was typed or scanned: a device, or a group of devices.

use gs1::{AimId, digital_link, element_string};
use records::attributes::GROUPS;
use serde::Serialize;

use crate::recall::{Size, size};
use crate::store::{DeviceName, Snapshot, sql};

/// Most devices that are named because their serial begins with the text.
const MOST_BEGINNING: u32 = 10;

/// What was found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// What was looked for in the end: the text, or what a label says with it.
    pub read: String,
    /// The devices with that serial number or connhexId.
    pub devices: Vec<Device>,
    /// The groups with that value.
    pub groups: Vec<Group>,
    /// Where nothing was found: devices whose serial begins with the text.
    pub beginning: Vec<Device>,
    /// Where nothing was found: what is written so but for upper and lower case. Never taken for what was meant.
    pub other_case: OtherCase,
}

/// Names that differ from a text in case alone.
#[derive(Debug, Default, Serialize)]
pub struct OtherCase {
    /// Devices, by their serial number.
    pub devices: Vec<Device>,
    /// Groups.
    pub groups: Vec<Group>,
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
    pub dimension: String,
    /// Its value.
    pub value: String,
    /// How many units a recall would name.
    #[serde(flatten)]
    pub size: Size,
}

impl Group {
    fn of(snapshot: &Snapshot<'_>, dimension: &str, value: String) -> sql::Result<Self> {
        let size = size(snapshot, dimension, std::slice::from_ref(&value))?;
        Ok(Self { dimension: dimension.to_owned(), value, size })
    }
}

impl From<DeviceName> for Device {
    fn from(device: DeviceName) -> Self {
        Self { serial_number: device.subject.id, scope: device.subject.scope }
    }
}

/// Those that nobody has put out of sight.
fn in_sight(snapshot: &Snapshot<'_>, devices: Vec<DeviceName>) -> sql::Result<Vec<Device>> {
    let mut found = Vec::new();
    for device in devices {
        if snapshot.kept(&device)?.is_none_or(|kept| kept.deleted.is_none()) {
            found.push(Device::from(device));
        }
    }
    Ok(found)
}

/// Looks for the text as it is; only where nothing has that name, for what a scanner may have put around it.
///
/// # Errors
/// What the store says.
pub fn search(snapshot: &Snapshot<'_>, text: &str) -> sql::Result<Found> {
    let further = snapshot.dimensions()?;
    for read in readings(text, &["21", "00", "10"]) {
        let devices = in_sight(snapshot, snapshot.devices(&read, true)?)?;
        let mut groups = Vec::new();
        for dimension in GROUPS.into_iter().chain(further.names()) {
            if snapshot.has_group(dimension, &read)? {
                groups.push(Group::of(snapshot, dimension, read.clone())?);
            }
        }
        if !devices.is_empty() || !groups.is_empty() {
            return Ok(Found { read, devices, groups, beginning: Vec::new(), other_case: OtherCase::default() });
        }
    }
    let typed = bare(text);
    let beginning = in_sight(snapshot, snapshot.beginning(typed, MOST_BEGINNING)?)?;
    let other_case = other_case(snapshot, typed)?;
    Ok(Found { read: text.to_owned(), devices: Vec::new(), groups: Vec::new(), beginning, other_case })
}

fn other_case(snapshot: &Snapshot<'_>, text: &str) -> sql::Result<OtherCase> {
    let mut found = OtherCase::default();
    for spelling in snapshot.device_spellings(text)? {
        found.devices.extend(in_sight(snapshot, snapshot.devices(&spelling, true)?)?);
    }
    let further = snapshot.dimensions()?;
    for dimension in GROUPS.into_iter().chain(further.names()) {
        for value in snapshot.group_spellings(dimension, text)? {
            if snapshot.has_group(dimension, &value)? {
                found.groups.push(Group::of(snapshot, dimension, value)?);
            }
        }
    }
    Ok(found)
}

/// What may be meant by the label of a package or pallet: the text, then the SSCC (00) that it says.
pub fn sscc_readings(text: &str) -> Vec<String> {
    readings(text, &["00"])
}

/// The text without spaces and byte order marks around it.
fn bare(text: &str) -> &str {
    text.trim_matches(|character: char| character.is_whitespace() || character == '\u{feff}')
}

/// The text, the text without what stands around it, and what a GS1 label says under these application identifiers: its
/// serial number (21), SSCC (00), batch (10). Digits may stand in groups with spaces, as they do below a barcode
/// (human readable interpretation, GS1 General Specifications 4.14).
fn readings(text: &str, identifiers: &[&str]) -> Vec<String> {
    let bare = bare(text);
    let (_, data) = AimId::split(bare.as_bytes());
    let mut readings = vec![text.to_owned(), bare.to_owned(), String::from_utf8_lossy(data).into_owned()];
    readings.extend(said(bare, data, identifiers));
    let squeezed: String = bare.split_whitespace().collect();
    if squeezed != bare {
        let digits = squeezed.bytes().all(|byte| byte.is_ascii_digit());
        let said = said(&squeezed, squeezed.as_bytes(), identifiers);
        if digits {
            readings.push(squeezed.clone());
        }
        // No value of a label has a space, so that those of a bracketed text stand between its parts.
        if digits || squeezed.starts_with('(') {
            readings.extend(said);
        }
    }
    let mut once: Vec<String> = Vec::new();
    for reading in readings.into_iter().filter(|reading| !reading.is_empty()) {
        if !once.contains(&reading) {
            once.push(reading);
        }
    }
    once
}

/// What a label says under these application identifiers.
fn said(text: &str, data: &[u8], identifiers: &[&str]) -> Vec<String> {
    let elements = element_string::parse(data)
        .or_else(|_| element_string::parse_bracketed(text))
        .ok()
        .or_else(|| digital_link::parse(text).ok())
        .unwrap_or_default();
    let value = |ai: &&str| elements.iter().find(|e| e.ai().as_str() == *ai).map(|e| e.value().to_owned());
    identifiers.iter().filter_map(value).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(text: &str) -> Vec<String> {
        readings(text, &["21", "00", "10"])
    }

    #[test]
    fn a_label_is_read_after_the_text_itself() {
        assert_eq!(all("SN 1"), ["SN 1"]);
        assert_eq!(all(" SN-1\r"), [" SN-1\r", "SN-1"]);
        assert_eq!(all("\u{feff}SN-1"), ["\u{feff}SN-1", "SN-1"]);
        assert_eq!(all("00395212340002000012"), ["00395212340002000012", "395212340002000012"]);
        assert_eq!(all("]C100395212340002000012")[1..], ["00395212340002000012", "395212340002000012"]);
        assert_eq!(all("(00)395212340002000012")[1..], ["395212340002000012"]);
        assert_eq!(all("(01)09521234543213(21)A1(10)L-9")[1..], ["A1", "L-9"]);
        assert_eq!(all("https://example.com/01/09521234543213/21/A1")[1..], ["A1"]);
        assert!(all("").is_empty());
    }

    #[test]
    fn the_line_below_a_barcode_is_read_with_its_spaces() {
        assert_eq!(all("3 9521234 000200001 2")[1..], ["395212340002000012"]);
        assert_eq!(all("(00) 3 9521234 000200001 2")[1..], ["395212340002000012"]);
        assert_eq!(all("00 3 9521234 000200001 2")[1..], ["00395212340002000012", "395212340002000012"]);
        assert_eq!(all("(01) 09521234543213 (21) A1")[1..], ["A1"]);
        assert_eq!(sscc_readings("(01)09521234543213(21)A1"), ["(01)09521234543213(21)A1"], "no SSCC");
    }

    proptest! {
        #[test]
        fn any_text_is_looked_for_as_it_is(text in ".{1,40}") {
            prop_assert_eq!(&all(&text)[0], &text);
        }
    }
}
