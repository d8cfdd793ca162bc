//! Every place in a document where a schema stands, and what may stand there.

use serde_json::{Map, Value};

use super::fault::{Fault, below};

/// Deepest nesting of schemas.
const MOST_DEPTH: usize = 32;
/// Longest pattern in characters.
const MOST_PATTERN: usize = 512;

/// What the value of a keyword is (JSON Schema 2020-12, Core 10 and Validation 6 to 9).
enum Holds {
    /// A schema.
    Schema,
    /// A list of schemas.
    List,
    /// An object whose members are schemas.
    Members,
    /// No schema.
    Data,
}

fn holds(keyword: &str) -> Option<Holds> {
    Some(match keyword {
        "items"
        | "contains"
        | "not"
        | "if"
        | "then"
        | "else"
        | "additionalProperties"
        | "propertyNames"
        | "unevaluatedItems"
        | "unevaluatedProperties"
        | "contentSchema" => Holds::Schema,
        "allOf" | "anyOf" | "oneOf" | "prefixItems" => Holds::List,
        "properties" | "patternProperties" | "dependentSchemas" | "$defs" => Holds::Members,
        "$ref" | "$comment" | "type" | "enum" | "const" | "multipleOf" | "maximum" | "exclusiveMaximum" | "minimum"
        | "exclusiveMinimum" | "maxLength" | "minLength" | "pattern" | "maxItems" | "minItems" | "uniqueItems"
        | "maxContains" | "minContains" | "maxProperties" | "minProperties" | "required" | "dependentRequired"
        | "format" | "contentEncoding" | "contentMediaType" | "title" | "description" | "default" | "deprecated"
        | "readOnly" | "writeOnly" | "examples" => Holds::Data,
        _ => return None,
    })
}

/// The schemas that stand in this one, each with its pointer.
pub fn inner<'v>(pointer: &str, schema: &'v Map<String, Value>) -> Vec<(String, &'v Value)> {
    let mut found = Vec::new();
    for (keyword, value) in schema {
        let here = below(pointer, keyword);
        match (holds(keyword), value) {
            (Some(Holds::Schema), schema) => found.push((here, schema)),
            (Some(Holds::List), Value::Array(list)) => {
                found.extend(list.iter().enumerate().map(|(n, schema)| (below(&here, &n.to_string()), schema)));
            }
            (Some(Holds::Members), Value::Object(members)) => {
                found.extend(members.iter().map(|(name, schema)| (below(&here, name), schema)));
            }
            _ => {}
        }
    }
    found
}

/// Looks at a schema and all that stands in it.
pub fn check(pointer: &str, schema: &Value, depth: usize) -> Result<(), Fault> {
    if depth > MOST_DEPTH {
        return Err(Fault::at(pointer, format!("schemas stand in each other at most {MOST_DEPTH} deep")));
    }
    let Value::Object(schema) = schema else {
        return match schema {
            Value::Bool(_) => Ok(()),
            _ => Err(Fault::at(pointer, "a schema is an object, true or false")),
        };
    };
    for (keyword, value) in schema {
        let here = below(pointer, keyword);
        match keyword.as_str() {
            "x-group" => {
                return Err(Fault::at(
                    &here,
                    "only what stands directly in `properties` of the document can be a group",
                ));
            }
            "$id" | "$schema" | "$anchor" | "$dynamicAnchor" | "$dynamicRef" | "$vocabulary" => {
                return Err(Fault::at(&here, format!("`{keyword}` is not taken here: a document is one schema alone")));
            }
            "pattern" => pattern(&here, value.as_str().unwrap_or_default())?,
            "patternProperties" => {
                let patterns = value.as_object().into_iter().flatten();
                patterns.into_iter().try_for_each(|(one, _)| pattern(&below(&here, one), one))?;
            }
            // Annotations of others have names of their own.
            _ if keyword.starts_with("x-") => {}
            _ if holds(keyword).is_none() => {
                return Err(Fault::at(
                    &here,
                    format!("JSON Schema 2020-12 has no keyword `{}`", keyword.escape_debug()),
                ));
            }
            _ => {}
        }
    }
    inner(pointer, schema).into_iter().try_for_each(|(pointer, schema)| check(&pointer, schema, depth + 1))
}

fn pattern(pointer: &str, pattern: &str) -> Result<(), Fault> {
    match pattern.chars().count() <= MOST_PATTERN {
        true => Ok(()),
        false => Err(Fault::at(pointer, format!("a pattern has at most {MOST_PATTERN} characters"))),
    }
}
