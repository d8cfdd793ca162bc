//! Which attributes make groups.

use std::borrow::Cow;
use std::collections::BTreeSet;

use records::attributes::GROUPS;
use serde_json::Value;

/// The recall dimensions that schemas have made, beside [`GROUPS`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dimensions(BTreeSet<String>);

impl Dimensions {
    /// No further ones.
    pub fn none() -> &'static Self {
        static NONE: Dimensions = Dimensions(BTreeSet::new());
        &NONE
    }

    /// Does this attribute make groups?
    pub fn has(&self, attribute: &str) -> bool {
        GROUPS.contains(&attribute) || self.0.contains(attribute)
    }

    /// Those that schemas have made, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// The value of a group attribute, wherever it is read. Nothing, an empty text, a list and an object name no group.
pub fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) if !text.is_empty() => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(flag) => Some(Cow::Owned(flag.to_string())),
        _ => None,
    }
}

impl FromIterator<String> for Dimensions {
    fn from_iter<T: IntoIterator<Item = String>>(names: T) -> Self {
        Self(names.into_iter().collect())
    }
}
