//! What a stored line says. A line is never refused here: what cannot be read is flagged and kept.

use records::attributes;
use records::{Event, Hash, Kind, Record, Subject, WIRE_VERSION};
use serde_json::Value;

use super::salvage::{NO_OBJECT, Salvage, salvage, without_level, without_text};

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
    /// What of it decides where something is and cannot be read by this program, by the names of its fields: as long as
    /// there is any, an answer may lack something. Where there is no record, there is one.
    pub unread: Vec<&'static str>,
}

impl Reading {
    /// Reads a line.
    pub fn of(line: &[u8]) -> Self {
        if let Ok(record) = serde_json::from_slice::<Record>(line) {
            let (subject, conforming) = (Some(record.subject.clone()), conforms(&record, |_, _| false));
            let unread = without_level(&record).into_iter().chain(without_text(&record)).collect();
            return Self { record: Some(record), subject, conforming, raw: None, unread };
        }
        let raw = Some(String::from_utf8_lossy(line).into_owned());
        let Ok(Value::Object(fields)) = serde_json::from_slice(line) else {
            return Self { record: None, subject: None, conforming: false, raw, unread: vec![NO_OBJECT] };
        };
        let Salvage { record, subject, unread } = salvage(fields);
        Self { record, subject, conforming: false, raw, unread }
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
    use serde_json::json;

    use super::*;
    use crate::projection::salvage::RECORD_FIELDS;

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

    /// Every place in a record.
    fn paths() -> Vec<String> {
        fn walk(value: &Value, at: &str, paths: &mut Vec<String>) {
            let inside: Vec<(String, &Value)> = match value {
                Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), value)).collect(),
                Value::Array(all) => all.iter().enumerate().map(|(n, value)| (n.to_string(), value)).collect(),
                _ => Vec::new(),
            };
            for (name, value) in inside {
                let path = format!("{at}/{name}");
                walk(value, &path, paths);
                paths.push(path);
            }
        }
        let mut paths = Vec::new();
        walk(&serde_json::to_value(full()).unwrap(), "", &mut paths);
        paths
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
        assert_eq!((no_record.subject, no_record.unread), (Some(Subject::device("S1")), vec!["at"]));
    }

    /// A newer program may put more into what is inside a record; what can be read of it counts.
    #[test]
    fn what_is_unknown_inside_a_field_is_left_out_and_what_is_lost_is_named() {
        let read = |path: &str, value: Value| {
            let mut line = serde_json::to_value(full()).unwrap();
            *line.pointer_mut(path).unwrap_or_else(|| panic!("{path}")) = value;
            Reading::of(line.to_string().as_bytes())
        };
        let crate_ = |kind: &str, level: &str| json!([{"kind": kind, "id": "P1", "level": level}]);
        let newer = json!({"code": "not-tested", "by": "b", "colour": "red"});
        let of_newer = read("/allowed", newer);
        assert_eq!((of_newer.record, of_newer.unread), (Some(full()), vec![]));
        let colour = json!({"wall": "1970-01-01T00:00:00Z", "synchronised": true, "boot": "b", "sinceBoot": 1, "x": 1});
        assert_eq!(read("/at", colour).record, Some(full()));
        // What decides nothing may be lost.
        for (path, value) in [
            ("/allowed", json!(7)),
            ("/actor", json!(7)),
            ("/lane", json!([])),
            ("/rules", json!("sha512")),
            ("/v", json!("two")),
        ] {
            let reading = read(path, value);
            assert!(reading.unread.is_empty() && !reading.conforming && reading.raw.is_some(), "{path}");
            assert_eq!(reading.record.unwrap().into, full().into, "{path}");
        }
        for (path, value, unread) in [
            ("/into", crate_("container", "crate"), "level"),
            ("/into", crate_("vessel", "package"), "into"),
            ("/into", json!("P1"), "into"),
            ("/from", crate_("vessel", "package"), "from"),
            ("/event", json!(["packed"]), "event"),
            ("/corrects", json!("the one before"), "corrects"),
            ("/former", json!(1), "former"),
            ("/reason", json!(1), "reason"),
            ("/attributes", json!([]), "attributes"),
        ] {
            let reading = read(path, value);
            assert_eq!(reading.unread, [unread], "{path}");
            assert_eq!(reading.record.unwrap().subject, full().subject, "{path}");
        }
        assert_eq!(read("/into", crate_("container", "crate")).record.unwrap().into[0].id, "P1");
        let of_kind = read("/subject", json!({"kind": "vessel", "id": "S1"}));
        assert_eq!((of_kind.record, of_kind.unread), (None, vec!["subject"]));
        // Good enough for the chain, and no text for a reader.
        let line = String::from_utf8(full().to_line().unwrap()).unwrap();
        let deep = line.replace("\"L1\"", &("[".repeat(200) + &"]".repeat(200)));
        assert_eq!(Reading::of(deep.as_bytes()).unread, ["the line"]);
        let no_level = Reading::of(line.replace(",\"level\":\"package\"", "").as_bytes());
        assert_eq!((no_level.record.is_some(), no_level.unread), (true, vec!["level"]));
        // Of a group that no text can be made of, nobody can say which it is; a number and a flag have one.
        for (value, unread) in
            [(json!(["L1", "L2"]), vec!["lotCode"]), (json!({"is": "L1"}), vec!["lotCode"]), (json!(7), vec![])]
        {
            assert_eq!(read("/attributes/lotCode", value).unread, unread);
        }
    }

    proptest! {
        #[test]
        fn bytes_from_outside_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(!Reading::of(&bytes).conforming);
        }

        /// Whatever stands in place of a value somewhere in a record, nothing that is lost is lost in silence.
        #[test]
        fn what_is_lost_is_named(
            path in prop::sample::select(paths()),
            value in prop::sample::select(vec![
                json!(null), json!(1), json!("x"), json!([]), json!({}), json!([1]), json!({"kind": "device"}), json!(true),
            ]),
        ) {
            let mut line = serde_json::to_value(full()).unwrap();
            *line.pointer_mut(&path).unwrap() = value;
            let reading = Reading::of(line.to_string().as_bytes());
            let (into, from) = reading.record.as_ref().map_or((0, 0), |r| (r.into.len(), r.from.len()));
            prop_assert!(!reading.unread.is_empty() || (into, from) == (1, 1) || line["into"] == json!([])
                || line["from"] == json!([]), "{line}: {reading:?}");
            prop_assert_eq!(reading.record.is_none() && reading.unread.is_empty(), false);
        }
    }
}
