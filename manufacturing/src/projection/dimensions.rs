//! Which attributes make groups.

use std::collections::BTreeSet;

use records::attributes::GROUPS;

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

impl FromIterator<String> for Dimensions {
    fn from_iter<T: IntoIterator<Item = String>>(names: T) -> Self {
        Self(names.into_iter().collect())
    }
}
