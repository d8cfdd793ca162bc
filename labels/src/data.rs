//! What stands on one label: fields with values, and texts with placeholders for them.

use std::collections::BTreeMap;

/// The fields that every template may use. A template names further ones under `more_fields`.
pub const FIELDS: [&str; 16] = [
    "connhexId",
    "count",
    "date",
    "deviceType",
    "fwVersion",
    "hardwareRevision",
    "lotCode",
    "packageId",
    "palletId",
    "partNumber",
    "pcbPartNumber",
    "productionOrder",
    "serialNumber",
    "sscc",
    "station",
    "workOrder",
];

/// The values of one label, by field. They are text and never anything else: nothing in them is interpreted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Data(BTreeMap<String, String>);

impl Data {
    /// No values.
    pub fn new() -> Data {
        Data::default()
    }

    /// The same with one more value.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl ToString) -> Data {
        self.set(field, value);
        self
    }

    /// Gives a field its value, instead of an earlier one.
    pub fn set(&mut self, field: &str, value: impl ToString) {
        self.0.insert(field.to_owned(), value.to_string());
    }

    /// The value of a field; an empty one is no value.
    pub fn get(&self, field: &str) -> Option<&str> {
        self.0.get(field).map(String::as_str).filter(|value| !value.is_empty())
    }
}

impl From<BTreeMap<String, String>> for Data {
    fn from(values: BTreeMap<String, String>) -> Data {
        Data(values)
    }
}

/// A text with placeholders: `Lot {lotCode}`. Braces that are meant themselves are doubled: `{{`, `}}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Field(String),
}

impl Pattern {
    /// Reads a text whose placeholders are among `fields`.
    pub fn parse(text: &str, fields: &[String]) -> Result<Pattern, PatternError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            literal.push_str(before);
            rest = if let Some(after) = from.strip_prefix("{{") {
                literal.push('{');
                after
            } else if let Some(after) = from.strip_prefix("}}") {
                literal.push('}');
                after
            } else {
                let (field, after) =
                    from.strip_prefix('{').and_then(|from| from.split_once('}')).ok_or(PatternError::Brace)?;
                check_field(field, fields)?;
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal)));
                }
                parts.push(Part::Field(field.to_owned()));
                after
            };
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Pattern(parts))
    }

    /// The text with the placeholders' values, which `value` gives.
    pub fn fill<'d, E>(&self, mut value: impl FnMut(&str) -> Result<&'d str, E>) -> Result<String, E> {
        let mut text = String::new();
        for part in &self.0 {
            text.push_str(match part {
                Part::Literal(literal) => literal,
                Part::Field(field) => value(field)?,
            });
        }
        Ok(text)
    }

    /// The fields of its placeholders.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Field(field) => Some(field.as_str()),
            Part::Literal(_) => None,
        })
    }
}

/// Whether the field is one of `fields`.
pub(crate) fn check_field(field: &str, fields: &[String]) -> Result<(), PatternError> {
    if fields.iter().any(|known| known == field) {
        return Ok(());
    }
    let wrong = field.to_lowercase();
    let nearest = fields
        .iter()
        .map(|known| match known.to_lowercase() {
            lower if !wrong.is_empty() && lower.starts_with(&wrong) => (0, known),
            lower => (strsim::osa_distance(&wrong, &lower), known),
        })
        .filter(|(distance, known)| *distance <= (known.len() / 3).clamp(1, 3))
        .min_by_key(|(distance, _)| *distance);
    Err(match nearest {
        Some((_, known)) => PatternError::Misspelt { field: field.to_owned(), nearest: known.clone() },
        None => PatternError::Unknown { field: field.to_owned(), known: fields.join(", ") },
    })
}

/// Why a text with placeholders cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PatternError {
    #[error("a brace is open or closed alone: write {{field}}, and a brace that is meant itself twice")]
    Brace,
    #[error("there is no field {field:?}: did you mean {nearest:?}?")]
    Misspelt { field: String, nearest: String },
    #[error("there is no field {field:?}: there are {known}; others are named under more_fields")]
    Unknown { field: String, known: String },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fields() -> Vec<String> {
        FIELDS.map(str::to_owned).to_vec()
    }

    fn filled(text: &str) -> Result<String, PatternError> {
        Pattern::parse(text, &fields())?.fill(|field| Ok(if field == "count" { "24" } else { "{sscc}" }))
    }

    #[test]
    fn placeholders_are_filled_once() {
        assert_eq!(filled("{count} pieces, {{{lotCode}}}"), Ok("24 pieces, {{sscc}}".to_owned()));
        assert_eq!(filled(""), Ok(String::new()));
    }

    #[test]
    fn faults_are_named() {
        let error = |text: &str| filled(text).unwrap_err().to_string();
        assert_eq!(error("{lotcod}"), "there is no field \"lotcod\": did you mean \"lotCode\"?");
        assert_eq!(error("{lot}"), "there is no field \"lot\": did you mean \"lotCode\"?");
        assert!(error("{customerName}").starts_with("there is no field \"customerName\": there are connhexId, count"));
        for open in ["{", "}", "{count", "count}", "a{{}b"] {
            assert_eq!(filled(open), Err(PatternError::Brace), "{open}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "[{}a-z]{0,12}|\\PC*") {
            if let Ok(pattern) = Pattern::parse(&text, &fields()) {
                let braced = pattern.fill(|_| Ok::<_, ()>("")).unwrap();
                prop_assert!(braced.len() <= text.len());
            }
        }
    }
}
