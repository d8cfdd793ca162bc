//! `export csv`: every device as it is now, one line each, for other programs.
//!
//! RFC 4180 with a header line, every text in quotes exactly as it is. The last line is `#end,COUNT`: a file without it was cut.
//! Beside the fields that every device has, `attributes` has all others as a JSON object, and `groups` every group that the
//! device was ever in, as a JSON list with `since`, `until` and `corrected`.

use std::io::Write;
use std::ops::ControlFlow;

use records::attributes::{DAY, FIELDS, STATION};
use serde_json::{Map, Value, json};

use super::Error;
use crate::store::{DeviceName, Kept, Snapshot, shown};

/// The columns beside [`FIELDS`].
const BEFORE: [&str; 3] = ["serialNumber", "scope", "state"];
const AFTER: [&str; 8] =
    ["attributes", "groups", "station", "consignee", "despatchNote", "firstSeen", "lastSeen", "records"];

/// Writes every device, by serial and scope; answers with their number. `progress` is told how many there are so far.
///
/// # Errors
/// What the store says, or the output.
pub fn devices(snapshot: &Snapshot<'_>, output: &mut dyn Write, mut progress: impl FnMut(u64)) -> Result<u64, Error> {
    let fields = || FIELDS.into_iter().filter(|name| *name != "serialNumber");
    let head: Vec<&str> = BEFORE.into_iter().chain(fields()).chain(AFTER).collect();
    write!(output, "{}\r\n", head.join(",")).map_err(Error::Write)?;
    let (mut count, mut failed) = (0, None);
    snapshot.each_device(|device, kept| {
        count += 1;
        progress(count);
        match output.write_all(line(&device, &kept).as_bytes()) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        }
    })?;
    if let Some(error) = failed {
        return Err(Error::Write(error));
    }
    write!(output, "#end,{count}\r\n").map_err(Error::Write)?;
    Ok(count)
}

fn line(device: &DeviceName, kept: &Kept) -> String {
    let word = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut cells = vec![device.subject.id.clone(), device.subject.scope.clone(), word(&json!(kept.state))];
    for name in FIELDS.into_iter().filter(|name| *name != "serialNumber") {
        cells.push(kept.attributes.get(name).map(word).unwrap_or_default());
    }
    let others: Map<String, Value> = kept
        .attributes
        .iter()
        .filter(|(name, _)| !FIELDS.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let groups = kept.groups.iter().filter(|group| ![STATION, DAY].contains(&group.dimension.as_str()));
    let groups: Value = groups
        .map(|group| {
            json!({
                "dimension": group.dimension, "value": group.value, "since": shown(group.since),
                "until": group.until.map(shown), "corrected": group.corrected,
            })
        })
        .collect();
    let despatch = kept.despatch.as_ref();
    cells.extend([
        Value::Object(others).to_string(),
        groups.to_string(),
        kept.station.clone().unwrap_or_default(),
        despatch.and_then(|despatch| despatch.consignee.clone()).unwrap_or_default(),
        despatch.and_then(|despatch| despatch.despatch_note.clone()).unwrap_or_default(),
        shown(kept.first_seen).to_string(),
        shown(kept.last_seen).to_string(),
        kept.records.to_string(),
    ]);
    let cells: Vec<String> = cells.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
    format!("{}\r\n", cells.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Writer;
    use crate::testkit::{Station, at, packed};

    #[test]
    fn every_device_is_a_line_and_the_end_counts_them() {
        let mut a = Station::new("a", 1);
        for n in 0..2500 {
            a.write(n, packed(&format!("S{n:04}"), "P1", &[("lotCode", "L\"1\"")]));
        }
        let mut writer = Writer::in_memory();
        for n in 0..5 {
            writer.commit(&[a.work(n * 500 + 1, n * 500 + 500)], at(3000)).unwrap();
        }
        let (mut text, mut told) = (Vec::new(), 0);
        let count = devices(&writer.snapshot().unwrap(), &mut text, |so_far| told = so_far).unwrap();
        let text = String::from_utf8(text).unwrap();
        let lines: Vec<&str> = text.split_terminator("\r\n").collect();
        assert_eq!((count, told, lines.len(), lines[2501]), (2500, 2500, 2502, "#end,2500"));
        assert!(lines[0].starts_with("serialNumber,scope,state,partNumber"), "{}", lines[0]);
        assert!(lines[1].starts_with("\"S0000\",\"\",\"packed\""), "{}", lines[1]);
        assert!(lines[1].contains("\"L\"\"1\"\"\"") && lines[1].contains("lotCode"), "{}", lines[1]);
        let serials: Vec<&str> = lines[1..2501].iter().map(|line| &line[1..6]).collect();
        assert!(serials.is_sorted());
    }
}
