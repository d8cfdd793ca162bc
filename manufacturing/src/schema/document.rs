//! One version of a schema: what it may say, and which values it allows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use jsonschema::{PatternOptions, Validator};
use records::attributes::{DAY, DERIVED, FIELDS};
use serde_json::{Map, Value, json};

use super::fault::{Fault, below};
use super::{references, walk};

/// The dialect of all documents.
pub const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// Longest document in bytes, written without spaces.
const MOST_BYTES: usize = 16 << 10;
/// Most properties of a document.
const MOST_PROPERTIES: usize = 64;
/// Longest name of a property in characters.
const MOST_NAME: usize = 64;
/// Largest automaton of a pattern in bytes.
const MOST_AUTOMATON: usize = 1 << 20;
/// Longest text that says what is wrong with a value, in characters.
const MOST_SHOWN: usize = 300;
/// The keyword that makes a property a recall dimension.
const GROUP: &str = "x-group";
/// What may stand at the top.
const TOP: [&str; 8] = ["$schema", "$id", "$comment", "title", "description", "type", "properties", "$defs"];
/// What the value of a recall dimension can be.
const GROUPABLE: [&str; 3] = ["string", "integer", "boolean"];
/// Names with a meaning of their own: in the answer about a device, in a question, or in records of some events.
const RESERVED: [&str; 39] = [
    "scope",
    "state",
    "contested",
    "contradictions",
    "test",
    "despatch",
    "firstSeen",
    "lastSeen",
    "records",
    "memberships",
    "onHold",
    "packageIds",
    "palletIds",
    "handled",
    "serial",
    "by",
    "value",
    "asOf",
    "knownAt",
    "format",
    "for",
    "from",
    "until",
    "members",
    "component",
    "componentLot",
    "componentType",
    "most",
    "result",
    "attempt",
    "rig",
    "measurements",
    "code",
    "text",
    "corrected",
    "template",
    "picture",
    "confirmed",
    "copies",
];

/// A document that holds to all rules.
#[derive(Clone)]
pub struct Document {
    value: Value,
    validator: Arc<Validator>,
    properties: BTreeMap<String, Property>,
}

/// What a document says of one attribute.
#[derive(Debug, Clone, PartialEq)]
struct Property {
    schema: Value,
    group: bool,
}

impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Eq for Document {}

impl fmt::Debug for Document {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.value)
    }
}

impl Document {
    /// Holds a document against the rules.
    ///
    /// # Errors
    /// The first fault; nothing of it may then be used.
    pub fn of(value: Value) -> Result<Self, Fault> {
        let Value::Object(top) = &value else { return Err(Fault::at("", "the document is an object")) };
        if serde_json::to_vec(&value).map_or(true, |bytes| bytes.len() > MOST_BYTES) {
            return Err(Fault::at("", format!("the document has at most {MOST_BYTES} bytes")));
        }
        head(top)?;
        let properties = properties(top)?;
        for (name, property) in top.get("$defs").and_then(Value::as_object).into_iter().flatten() {
            walk::check(&below("/$defs", name), property, 0)?;
        }
        for (name, property) in &properties {
            walk::check(&below("/properties", name), &property.schema, 0)?;
        }
        if let Err(error) = jsonschema::draft202012::meta::validate(&value) {
            return Err(Fault::at(&error.instance_path().to_string(), error.to_string()));
        }
        references::check(top)?;
        let pattern = PatternOptions::regex().size_limit(MOST_AUTOMATON).dfa_size_limit(MOST_AUTOMATON);
        // Without its own name: nothing else refers to it.
        let mut bare = top.clone();
        bare.remove("$id");
        let validator = jsonschema::draft202012::options().with_pattern_options(pattern).offline().build(&bare.into());
        let validator = validator.map_err(|error| {
            let help = "patterns are regular expressions without look-around and back-references";
            Fault::at(&error.instance_path().to_string(), format!("{error} ({help})"))
        })?;
        Ok(Self { validator: Arc::new(validator), properties, value })
    }

    /// As it was written.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Does it describe this attribute?
    pub fn has(&self, name: &str) -> bool {
        self.properties.contains_key(name)
    }

    /// The names of all attributes that it describes.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.properties.keys().map(String::as_str)
    }

    /// Is this attribute a recall dimension?
    pub fn is_group(&self, name: &str) -> bool {
        self.properties.get(name).is_some_and(|property| property.group)
    }

    /// The recall dimensions that it makes.
    pub fn groups(&self) -> BTreeSet<&str> {
        self.names().filter(|name| self.is_group(name)).collect()
    }

    /// Does it say the same of this attribute as another document? Definitions count as part of it.
    pub fn says_the_same(&self, other: &Self, name: &str) -> bool {
        self.properties.get(name) == other.properties.get(name) && self.value.get("$defs") == other.value.get("$defs")
    }

    /// Does it allow this value of an attribute that it describes?
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn allows(&self, name: &str, value: &Value) -> Result<(), String> {
        let said = json!({ name: value });
        let allowed = self.validator.validate(&said);
        // The value stands in it, however long that is.
        allowed.map_err(|error| error.to_string().chars().take(MOST_SHOWN).collect())
    }
}

fn head(top: &Map<String, Value>) -> Result<(), Fault> {
    if let Some(keyword) = top.keys().find(|keyword| !TOP.contains(&keyword.as_str())) {
        let reason = format!(
            "at the top stand {} alone: each attribute is described by itself, and any can be missing from a record",
            TOP.join(", ")
        );
        return Err(Fault::at(&below("", keyword), reason));
    }
    if top.get("$schema").and_then(Value::as_str) != Some(DIALECT) {
        return Err(Fault::at("/$schema", format!("it has to be \"{DIALECT}\"")));
    }
    match top.get("type") {
        None => Ok(()),
        Some(Value::String(object)) if object == "object" => Ok(()),
        Some(_) => Err(Fault::at("/type", "the attributes of a device are an object")),
    }
}

fn properties(top: &Map<String, Value>) -> Result<BTreeMap<String, Property>, Fault> {
    let properties = top.get("properties").and_then(Value::as_object).filter(|all| !all.is_empty());
    let Some(properties) = properties.filter(|all| all.len() <= MOST_PROPERTIES) else {
        return Err(Fault::at("/properties", format!("it is an object with 1 to {MOST_PROPERTIES} members")));
    };
    let mut found = BTreeMap::new();
    for (name, schema) in properties {
        let here = below("/properties", name);
        check_name(&here, name)?;
        let Value::Object(schema) = schema else {
            return Err(Fault::at(&here, "what is said of an attribute is an object"));
        };
        let mut schema = schema.clone();
        let group = match schema.remove(GROUP) {
            None => false,
            Some(Value::Bool(group)) => group,
            Some(_) => return Err(Fault::at(&below(&here, GROUP), "it is true or false")),
        };
        if group {
            groupable(&below(&here, "type"), schema.get("type"))?;
        }
        found.insert(name.clone(), Property { schema: schema.into(), group });
    }
    Ok(found)
}

fn check_name(pointer: &str, name: &str) -> Result<(), Fault> {
    let good = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.len() <= MOST_NAME
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !good {
        let reason = format!("a name is a letter and up to {} letters, digits and `_`", MOST_NAME - 1);
        return Err(Fault::at(pointer, reason));
    }
    let taken = |names: &[&str]| names.iter().any(|taken| taken.eq_ignore_ascii_case(name));
    if taken(&FIELDS) {
        return Err(Fault::at(
            pointer,
            format!("`{name}` is one of the fields that every device has, and stays as it is"),
        ));
    }
    if taken(&DERIVED) || taken(&[DAY]) || taken(&RESERVED) {
        return Err(Fault::at(pointer, format!("`{name}` has a meaning of its own here: take another name")));
    }
    Ok(())
}

fn groupable(pointer: &str, kind: Option<&Value>) -> Result<(), Fault> {
    let is_good = |kind: &Value| kind.as_str().is_some_and(|kind| GROUPABLE.contains(&kind));
    let good = match kind {
        Some(Value::Array(kinds)) => !kinds.is_empty() && kinds.iter().all(is_good),
        Some(kind) => is_good(kind),
        None => false,
    };
    match good {
        true => Ok(()),
        false => Err(Fault::at(
            pointer,
            format!("a recall dimension is of type {}, or several of them", GROUPABLE.join(", ")),
        )),
    }
}
