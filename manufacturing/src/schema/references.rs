//! References: they stay inside the document, end, and do not multiply without bound.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::fault::{Fault, below};
use super::walk::inner;

/// Most schemas that one value is held against, each counted as often as it is reached.
const MOST_STEPS: u64 = 2000;

/// How many schemas each definition leads to; none while it is being counted.
type Counted<'v> = BTreeMap<&'v str, Option<u64>>;

/// Follows every reference of a document.
pub fn check(document: &Map<String, Value>) -> Result<(), Fault> {
    let nothing = Map::new();
    let definitions = document.get("$defs").and_then(Value::as_object).unwrap_or(&nothing);
    let mut counted = Counted::new();
    for name in definitions.keys() {
        definition(&below("/$defs", name), name, definitions, &mut counted)?;
    }
    for (name, schema) in document.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let pointer = below("/properties", name);
        bounded(&pointer, steps(&pointer, schema, definitions, &mut counted)?)?;
    }
    Ok(())
}

fn definition<'v>(
    pointer: &str,
    name: &'v str,
    definitions: &'v Map<String, Value>,
    counted: &mut Counted<'v>,
) -> Result<u64, Fault> {
    match counted.get(name) {
        Some(Some(steps)) => return Ok(*steps),
        Some(None) => return Err(Fault::at(pointer, format!("`{}` refers to itself", name.escape_debug()))),
        None => {}
    }
    let Some(schema) = definitions.get(name) else {
        return Err(Fault::at(pointer, format!("`$defs` has no `{}`", name.escape_debug())));
    };
    counted.insert(name, None);
    let of_it = steps(&below("/$defs", name), schema, definitions, counted)?;
    counted.insert(name, Some(of_it));
    bounded(pointer, of_it)
}

fn bounded(pointer: &str, steps: u64) -> Result<u64, Fault> {
    match steps <= MOST_STEPS {
        true => Ok(steps),
        false => {
            Err(Fault::at(pointer, format!("it leads to more than {MOST_STEPS} schemas, references counted each time")))
        }
    }
}

fn steps<'v>(
    pointer: &str,
    schema: &'v Value,
    definitions: &'v Map<String, Value>,
    counted: &mut Counted<'v>,
) -> Result<u64, Fault> {
    let Value::Object(schema) = schema else { return Ok(1) };
    let mut sum: u64 = 1;
    if let Some(reference) = schema.get("$ref") {
        let here = below(pointer, "$ref");
        let name = reference.as_str().and_then(|reference| reference.strip_prefix("#/$defs/"));
        let plain =
            |name: &&str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
        let Some(name) = name.filter(plain) else {
            return Err(Fault::at(&here, "a reference is written `#/$defs/NAME`: nothing is fetched from elsewhere"));
        };
        sum = sum.saturating_add(definition(&here, name, definitions, counted)?);
    }
    for (pointer, schema) in inner(pointer, schema) {
        sum = sum.saturating_add(steps(&pointer, schema, definitions, counted)?);
    }
    Ok(sum)
}
