//! What can be read of a line that is no record as this program knows it: what it has beside is left out, and what decides
//! where things are and cannot be read is named.

use records::attributes::GROUPS;
use records::{Event, Hash, Joined, Kind, Record, RecordId, Subject};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::condition::said_of_device;
use super::found::firmware;

/// The fields of a record line (`records::Record`).
pub const RECORD_FIELDS: [&str; 16] = [
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
/// Those of a permission (`records::Allowed`).
const ALLOWED_FIELDS: [&str; 3] = ["code", "by", "reason"];
/// A container of which the level is not known is neither a package nor a pallet to anyone who asks for one.
const NO_LEVEL: &str = "level";
/// The line is no JSON object that can be read whole.
pub const NO_OBJECT: &str = "the line";

/// What could be read.
pub struct Salvage {
    /// The record, as far as it goes.
    pub record: Option<Record>,
    /// What it is about; known even of some lines that are no record.
    pub subject: Option<Subject>,
    /// The fields that could not be read and that decide where something is. Where there is no record, there is one.
    pub unread: Vec<&'static str>,
}

/// Reads what can be read.
pub fn salvage(mut fields: Map<String, Value>) -> Salvage {
    fields.retain(|name, _| RECORD_FIELDS.contains(&name.as_str()));
    let mut unread = Vec::new();
    // These decide nothing: who it was and by which rules stays in the line.
    for name in ["actor", "lane"] {
        keep::<Option<String>>(&mut fields, name);
    }
    if let Some(Value::Object(allowed)) = fields.get_mut("allowed") {
        allowed.retain(|name, _| ALLOWED_FIELDS.contains(&name.as_str()));
    }
    keep::<Option<records::Allowed>>(&mut fields, "allowed");
    if !keep::<u8>(&mut fields, "v") || !fields.contains_key("v") {
        fields.insert("v".to_owned(), 0.into());
    }
    if !keep::<Hash>(&mut fields, "rules") || !fields.contains_key("rules") {
        fields.insert("rules".to_owned(), Hash::ZERO.to_string().into());
    }
    if !keep::<Event>(&mut fields, "event") || !fields.contains_key("event") {
        fields.insert("event".to_owned(), "".into());
        unread.push("event");
    }
    // Without these the rest still says something.
    for (name, readable) in [
        ("reason", keep::<Option<String>> as fn(&mut Map<String, Value>, &str) -> bool),
        ("corrects", keep::<Option<RecordId>>),
        ("former", keep::<Option<RecordId>>),
        ("attributes", keep::<records::attributes::Attributes>),
    ] {
        if !readable(&mut fields, name) {
            unread.push(name);
        }
    }
    for name in ["into", "from"] {
        let whole = fields.get_mut(name).is_none_or(joined);
        if !whole {
            unread.push(name);
        }
    }
    let subject = read::<Subject>(&fields, "subject");
    unread.extend(subject.is_none().then_some("subject"));
    let record = serde_json::from_value::<Record>(Value::Object(fields.clone())).ok();
    if record.is_none() && subject.is_some() {
        // `seq` and `prev` were read before the line was let in.
        let named = ["at", "seq", "prev"].into_iter().find(|name| !is_readable(&fields, name));
        unread.push(named.unwrap_or(NO_OBJECT));
    }
    unread.extend(record.as_ref().and_then(without_level).filter(|_| !unread.contains(&"into")));
    unread.extend(record.iter().flat_map(without_text));
    Salvage { record, subject, unread }
}

/// Does a record put something into a container without saying which kind of container that is?
pub fn without_level(record: &Record) -> Option<&'static str> {
    let unknown = |joined: &Joined| joined.kind == Kind::Container && joined.level.is_none();
    (record.event != Event::Refused && record.into.iter().any(unknown)).then_some(NO_LEVEL)
}

/// Group attributes of a device that no text can be made of: which group it is in, nobody can say.
pub fn without_text(record: &Record) -> impl Iterator<Item = &'static str> {
    let says = record.subject.kind == Kind::Device && !matches!(record.event, Event::Refused | Event::Voided);
    let said = said_of_device(record).chain(firmware(record)).filter(move |_| says);
    let nameless = said.filter(|(_, value)| value.is_array() || value.is_object());
    nameless.filter_map(|(name, _)| GROUPS.into_iter().find(|group| *group == name))
}

/// Takes a field away that cannot be read. Says whether nothing was lost.
fn keep<T: DeserializeOwned>(fields: &mut Map<String, Value>, name: &str) -> bool {
    let fits = fields.get(name).is_none_or(|value| T::deserialize(value).is_ok());
    if !fits {
        fields.remove(name);
    }
    fits
}

fn read<T: DeserializeOwned>(fields: &Map<String, Value>, name: &str) -> Option<T> {
    T::deserialize(fields.get(name)?).ok()
}

fn is_readable(fields: &Map<String, Value>, name: &str) -> bool {
    match name {
        "at" => read::<records::Stamp>(fields, name).is_some(),
        "seq" => read::<u64>(fields, name).is_some(),
        _ => read::<Hash>(fields, name).is_some(),
    }
}

/// Takes out of a list what nothing can be joined to. A level that nobody knows goes alone: what it is in is known, and
/// what that is in. Says whether nothing else was lost.
fn joined(list: &mut Value) -> bool {
    let Value::Array(all) = list else {
        *list = Value::Array(Vec::new());
        return false;
    };
    let before = all.len();
    for one in all.iter_mut() {
        if let Value::Object(one) = one {
            keep::<Option<records::Level>>(one, "level");
        }
    }
    all.retain(|one| serde_json::from_value::<Joined>(one.clone()).is_ok());
    all.len() == before
}
