//! What a stored line says. A line is never refused here: what cannot be read is flagged and kept.

use records::attributes;
use records::{Event, Hash, Kind, Record, Subject, WIRE_VERSION};
use serde_json::Value;

/// A line, as far as it can be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The record; of a line with unknown fields, what is known of it. `None` where it is no record at all.
    pub record: Option<Record>,
    /// What it is about; known even of some lines that are no record.
    pub subject: Option<Subject>,
    /// Whether it is a record of this wire version with known attributes.
    pub conforming: bool,
    /// The line itself where `record` does not say all of it.
    pub raw: Option<String>,
}

/// The fields of a record line (`records::Record`).
const RECORD_FIELDS: [&str; 16] = [
    "v",
    "seq",
    "prev",
    "event",
    "subject",
    "into",
    "from",
    "attributes",
    "reason",
    "corrects",
    "former",
    "actor",
    "allowed",
    "lane",
    "rules",
    "at",
];

impl Reading {
    /// Reads a line.
    pub fn of(line: &[u8]) -> Self {
        if let Ok(record) = serde_json::from_slice::<Record>(line) {
            let (subject, conforming) = (Some(record.subject.clone()), conforms(&record, |_, _| false));
            return Self { record: Some(record), subject, conforming, raw: None };
        }
        let raw = Some(String::from_utf8_lossy(line).into_owned());
        let Ok(Value::Object(mut fields)) = serde_json::from_slice(line) else {
            return Self { record: None, subject: None, conforming: false, raw };
        };
        fields.retain(|name, _| RECORD_FIELDS.contains(&name.as_str()));
        let subject = fields.get("subject").and_then(|subject| serde_json::from_value(subject.clone()).ok());
        let record = serde_json::from_value(Value::Object(fields)).ok();
        Self { record, subject, conforming: false, raw }
    }

    /// Whether it conforms where some further attributes of devices, each with its value, are allowed.
    pub fn conforms_with(&self, allowed: impl Fn(&str, &Value) -> bool) -> bool {
        let whole = self.record.as_ref().filter(|_| self.raw.is_none());
        whole.is_some_and(|record| conforms(record, allowed))
    }
}

/// The hash that a stored line carries of the line before it. Ingest lets no line in without it.
pub fn previous(line: &[u8]) -> Option<Hash> {
    #[derive(serde::Deserialize)]
    struct Previous {
        prev: Hash,
    }
    serde_json::from_slice::<Previous>(line).ok().map(|previous| previous.prev)
}

fn conforms(record: &Record, allowed: impl Fn(&str, &Value) -> bool) -> bool {
    record.v == WIRE_VERSION
        && record.event != Event::Unknown
        && record.into.iter().chain(&record.from).all(|joined| {
            (joined.kind == Kind::Container) == joined.level.is_some() && joined.subject() != record.subject
        })
        && (record.subject.kind != Kind::Device
            || record.event == Event::Refused
            || attributes_conform(record, allowed))
}

/// A device's attributes are texts with known names, or what a schema allows; what follows from edges is not copied into a record. A test, a
/// contradiction and a label have some more.
fn attributes_conform(record: &Record, allowed: impl Fn(&str, &Value) -> bool) -> bool {
    let of_event = |name: &str, value: &Value| match (record.event, name) {
        (Event::Tested, "result") => value == "pass" || value == "fail",
        (Event::Tested, "attempt") => value.as_u64().is_some_and(|attempt| attempt > 0),
        (Event::Tested, "rig") | (Event::Contradicted, "code" | "text") => value.is_string(),
        (Event::Tested, "measurements") => value.is_object(),
        (Event::Held | Event::Released, "recall") => value.is_string(),
        (Event::Contradicted, "corrected") => value.is_boolean(),
        (Event::LabelPrinted | Event::LabelDoubtful | Event::LabelAgain, "template" | "picture" | "confirmed") => {
            value.is_string()
        }
        (Event::LabelPrinted, "copies") => value.is_u64(),
        _ => false,
    };
    let settable = |name: &str, value: &Value| attributes::is_settable(name) && value.is_string();
    record.attributes.iter().all(|(name, value)| settable(name, value) || of_event(name, value) || allowed(name, value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use records::{Draft, Joined, Level, Place, RecordId, Stamp};

    use super::*;

    fn full() -> Record {
        let at = Stamp { wall: jiff::Timestamp::UNIX_EPOCH, synchronised: true, boot: "b".into(), since_boot: 1 };
        let id = RecordId { station: "pack-1".into(), series: records::FixedBytes([1; 16]), seq: 1 };
        let draft = Draft {
            into: vec![Joined::container("P1", Level::Package)],
            from: vec![Joined::container("P0", Level::Package)],
            attributes: [("lotCode".to_owned(), "L1".into())].into(),
            reason: Some("mistake".into()),
            corrects: Some(id.clone()),
            former: Some(id),
            actor: Some("a".into()),
            allowed: Some(records::Allowed { code: "not-tested".into(), by: "b".into(), reason: String::new() }),
            lane: Some("main".into()),
            ..Draft::new(Event::Packed, Subject::device("S1"))
        };
        Record::new(draft, Place { seq: 2, prev: Hash::ZERO, rules: Hash::ZERO, at })
    }

    #[test]
    fn the_list_of_fields_is_that_of_the_record() {
        let Value::Object(fields) = serde_json::to_value(full()).unwrap() else { panic!("no object") };
        let mut known = RECORD_FIELDS.to_vec();
        known.sort_unstable();
        assert_eq!(fields.keys().map(String::as_str).collect::<Vec<_>>(), known);
    }

    #[test]
    fn what_is_unknown_is_flagged_and_what_is_known_of_it_counts() {
        let good = Reading::of(&full().to_line().unwrap());
        assert!(good.conforming && good.raw.is_none());
        let with = |from: &str, to: &str| {
            let line = String::from_utf8(full().to_line().unwrap()).unwrap();
            assert!(line.contains(from), "{from}");
            Reading::of(line.replace(from, to).as_bytes())
        };
        let newer_field = with("{\"v\":1,", "{\"v\":1,\"colour\":\"red\",");
        assert_eq!(newer_field.record.as_ref(), Some(&full()));
        assert!(!newer_field.conforming && newer_field.raw.unwrap().contains("colour"));
        for (from, to) in [
            ("\"event\":\"packed\"", "\"event\":\"painted\""),
            ("\"lotCode\"", "\"lotcode\""),
            ("\"L1\"", "1"),
            ("\"lotCode\"", "\"palletId\""),
            ("{\"v\":1,", "{\"v\":2,"),
            (",\"level\":\"package\"", ""),
        ] {
            let reading = with(from, to);
            assert!(reading.record.is_some() && !reading.conforming, "{from} -> {to}");
        }
        let no_record = with("\"synchronised\":true", "\"synchronised\":\"yes\"");
        assert!(no_record.record.is_none() && !no_record.conforming);
        assert_eq!(no_record.subject, Some(Subject::device("S1")));
    }

    proptest! {
        #[test]
        fn bytes_from_outside_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(!Reading::of(&bytes).conforming);
        }
    }
}
