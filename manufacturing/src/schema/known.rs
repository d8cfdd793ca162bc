//! All schemas, each from its place in the log order on.

use std::collections::BTreeMap;

use jiff::Timestamp;
use records::attributes::{FIELDS, GROUPS};
use records::enrolment::SERVICE;
use records::{Draft, Event, Record, RecordId, Subject};
use serde_json::{Map, Value, json};

use super::{Document, Fault};
use crate::projection::Fact;

/// Most schemas, and most versions of one.
const MOST: usize = 256;
/// Longest id in characters.
const MOST_ID: usize = 64;
const SCHEMA: &str = "schema";
const VERSION: &str = "version";
const DOCUMENT: &str = "document";

/// One version of a schema.
#[derive(Debug, Clone)]
pub struct Version {
    /// The schema.
    pub id: String,
    /// From 1.
    pub number: u64,
    /// Its place in the log order.
    pub position: u64,
    /// When it was added.
    pub since: Timestamp,
    /// What it says.
    pub document: Document,
}

/// All versions of all schemas.
#[derive(Debug, Clone, Default)]
pub struct Schemas(BTreeMap<String, Vec<Version>>);

/// A stored value that a document does not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The attribute.
    pub name: String,
    /// Its value as JSON, cut.
    pub value: String,
    /// What is wrong with it.
    pub reason: String,
    /// The position of the record that says it.
    pub position: u64,
    /// That record.
    pub record: RecordId,
}

impl Schemas {
    /// Of versions in any order.
    pub fn of(versions: impl IntoIterator<Item = Version>) -> Self {
        let mut schemas: BTreeMap<String, Vec<Version>> = BTreeMap::new();
        for version in versions {
            schemas.entry(version.id.clone()).or_default().push(version);
        }
        schemas.values_mut().for_each(|versions| versions.sort_by_key(|version| version.number));
        Self(schemas)
    }

    /// All versions of one schema, the first one first.
    pub fn versions(&self, id: &str) -> &[Version] {
        self.0.get(id).map(Vec::as_slice).unwrap_or_default()
    }

    /// Every schema with all its versions.
    pub fn all(&self) -> impl Iterator<Item = &[Version]> {
        self.0.values().map(Vec::as_slice)
    }

    /// The attributes of a new document that are new or described in another way: what is stored of them has to be looked
    /// at.
    pub fn changed<'d>(&self, id: &str, document: &'d Document) -> Vec<&'d str> {
        let before = self.versions(id).last();
        let same = |name: &&str| before.is_some_and(|before| before.document.says_the_same(document, name));
        document.names().filter(|name| !same(name)).collect()
    }

    /// May this be the next version of the schema? Says its number.
    ///
    /// # Errors
    /// What speaks against it, beside what is stored.
    pub fn next(&self, id: &str, document: &Document) -> Result<u64, Fault> {
        let versions = self.versions(id);
        if versions.len() >= MOST || (versions.is_empty() && self.0.len() >= MOST) {
            return Err(Fault::at("", format!("there are at most {MOST} schemas, each with at most {MOST} versions")));
        }
        let others = self.0.iter().filter(|(other, _)| *other != id).filter_map(|(_, versions)| versions.last());
        for other in others {
            if let Some(name) = document.names().find(|name| other.document.has(name)) {
                let reason = format!("`{name}` is described by the schema `{}` already", other.id);
                return Err(Fault::at(&super::fault::below("/properties", name), reason));
            }
        }
        let Some(before) = versions.last() else { return Ok(1) };
        if before.document.value() == document.value() {
            return Err(Fault::at("", format!("it says the same as version {}", before.number)));
        }
        let dropped = before.document.groups().into_iter().find(|name| !document.is_group(name));
        if let Some(name) = dropped {
            let reason =
                format!("`{name}` is a recall dimension since a version before, and stays one: keep \"x-group\": true");
            return Err(Fault::at(&super::fault::below("/properties", name), reason));
        }
        Ok(before.number + 1)
    }

    /// Whether a fact conforms, decided by the schemas that were stored before it.
    pub fn conforms(&self, fact: &Fact) -> bool {
        let allowed = |name: &str, value: &Value| {
            let known = self.0.values().filter_map(|versions| versions.iter().rfind(|v| v.position < fact.position));
            let mut describing = known.filter(|version| version.document.has(name));
            describing.next().is_some_and(|version| version.document.allows(name, value).is_ok())
        };
        fact.reading.conforms_with(allowed)
    }
}

/// May a schema be called so?
///
/// # Errors
/// Why not.
pub fn check_id(id: &str) -> Result<(), Fault> {
    let good = id.starts_with(|c: char| c.is_ascii_alphabetic())
        && id.len() <= MOST_ID
        && id.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    match good {
        true => Ok(()),
        false => {
            let reason =
                format!("the id of a schema is a letter and up to {} letters, digits, `_` and `-`", MOST_ID - 1);
            Err(Fault::at("", reason))
        }
    }
}

/// What every device has without any schema, written as one.
pub fn built_in() -> Value {
    let fields = FIELDS.iter().map(|name| {
        let schema = match GROUPS.contains(name) {
            true => json!({"type": "string", "x-group": true}),
            false => json!({"type": "string"}),
        };
        ((*name).to_owned(), schema)
    });
    json!({"$schema": super::document::DIALECT, "type": "object", "properties": fields.collect::<Map<String, Value>>()})
}

/// A version as a record of the service.
pub fn draft(id: &str, number: u64, document: &Document) -> Draft {
    let mut draft = Draft::new(Event::SchemaAdded, Subject::station(SERVICE));
    let said = [(SCHEMA, id.into()), (VERSION, number.into()), (DOCUMENT, document.value().clone())];
    draft.attributes.extend(said.map(|(name, value): (&str, Value)| (name.to_owned(), value)));
    draft
}

/// What such a record says; `None` of any other.
pub fn definition(record: &Record) -> Option<(String, u64, Document)> {
    let attributes = Some(&record.attributes).filter(|_| record.event == Event::SchemaAdded)?;
    let id = attributes.get(SCHEMA)?.as_str()?.to_owned();
    let document = Document::of(attributes.get(DOCUMENT)?.clone()).ok()?;
    Some((id, attributes.get(VERSION)?.as_u64()?, document))
}
