//! How many units a work order has, and which: what the station holds each scan against.

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

/// Most bytes that a compiled pattern may take. Matching is linear in the length of a serial, whatever the pattern.
const MOST_COMPILED: usize = 64 << 10;
/// Longest pattern and longest serial of a range, in characters.
const LONGEST: usize = 256;

/// The terms of a work order. What is not said does not hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Terms {
    /// Units to be made, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u32>,
    /// Units in an innermost package, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package_size: Option<u32>,
    /// Containers on a pallet, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pallet_size: Option<u32>,
    /// Regular expression (of the `regex` crate) that a whole serial has to match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial_pattern: Option<String>,
    /// The lowest serial, compared byte by byte; with `serial_last`, and as long as that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial_first: Option<String>,
    /// The highest serial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial_last: Option<String>,
    /// Units allowed over the quantity.
    #[serde(skip_serializing_if = "is_zero")]
    pub over_run: u32,
    /// May it be closed below its quantity?
    #[serde(skip_serializing_if = "UnderRun::is_allow")]
    pub under_run: UnderRun,
    /// Names of the labels that its containers get.
    #[serde(skip_serializing_if = "TermLabels::is_empty")]
    pub labels: TermLabels,
}

/// Whether a work order may be closed below its quantity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum UnderRun {
    /// Yes.
    #[default]
    Allow,
    /// With a reason.
    Reason,
}

/// Names of labels, as the stations' configurations give them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TermLabels {
    /// For packages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// For pallets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pallet: Option<String>,
}

/// Why terms cannot hold.
#[derive(Debug, thiserror::Error)]
pub enum TermsError {
    /// A quantity or size of 0.
    #[error("`{0}` is 0: give a number from 1, or leave it out")]
    Zero(&'static str),
    /// Units over a quantity that is not said.
    #[error("`overRun` is said without `quantity`")]
    OverNothing,
    /// Not a regular expression, or one that takes too much room.
    #[error("`serialPattern` is not a regular expression that can be used: {0}")]
    Pattern(String),
    /// Only one end, ends of different lengths, or in the wrong order.
    #[error(
        "`serialFirst` and `serialLast` are both given, of 1 to 256 characters, equally long, and the first is not above the last"
    )]
    Range,
    /// Not a name of a label.
    #[error("the name of a label has 1 to 64 characters, without control characters")]
    Label,
}

impl Terms {
    /// Is nothing said?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Can these terms hold?
    ///
    /// # Errors
    /// The first one that cannot.
    pub fn check(&self) -> Result<(), TermsError> {
        let sizes = [("quantity", self.quantity), ("packageSize", self.package_size), ("palletSize", self.pallet_size)];
        if let Some((name, _)) = sizes.into_iter().find(|(_, value)| *value == Some(0)) {
            return Err(TermsError::Zero(name));
        }
        if self.over_run > 0 && self.quantity.is_none() {
            return Err(TermsError::OverNothing);
        }
        if let Some(pattern) = &self.serial_pattern {
            compile(pattern)?;
        }
        let in_range = |first: &str, last: &str| {
            !first.is_empty() && first.chars().count() <= LONGEST && first.len() == last.len() && first <= last
        };
        match (&self.serial_first, &self.serial_last) {
            (None, None) => {}
            (Some(first), Some(last)) if in_range(first, last) => {}
            _ => return Err(TermsError::Range),
        }
        let is_name =
            |name: &String| !name.is_empty() && name.chars().count() <= 64 && !name.chars().any(char::is_control);
        match [&self.labels.package, &self.labels.pallet].into_iter().flatten().all(is_name) {
            true => Ok(()),
            false => Err(TermsError::Label),
        }
    }

    /// Is the serial within the range, where there is one?
    #[must_use]
    pub fn has_in_range(&self, serial: &str) -> bool {
        match (&self.serial_first, &self.serial_last) {
            (Some(first), Some(last)) => {
                serial.len() == first.len() && (first.as_str()..=last.as_str()).contains(&serial)
            }
            _ => true,
        }
    }

    /// Units that may be made at most, where there is a quantity.
    #[must_use]
    pub fn most(&self) -> Option<u64> {
        self.quantity.map(|quantity| u64::from(quantity) + u64::from(self.over_run))
    }
}

/// A serial pattern, ready to match whole serials.
///
/// # Errors
/// [`TermsError::Pattern`].
pub fn compile(pattern: &str) -> Result<Regex, TermsError> {
    if pattern.is_empty() || pattern.chars().count() > LONGEST {
        return Err(TermsError::Pattern("it has 1 to 256 characters".to_owned()));
    }
    RegexBuilder::new(&format!(r"\A(?:{pattern})\z")).size_limit(MOST_COMPILED).build().map_err(|error| {
        let text = error.to_string();
        TermsError::Pattern(text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned())
    })
}

impl UnderRun {
    fn is_allow(&self) -> bool {
        *self == Self::Allow
    }
}

impl TermLabels {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(value: &u32) -> bool {
    *value == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(json: &str) -> Result<Terms, String> {
        let terms: Terms = serde_json::from_str(json).map_err(|error| error.to_string())?;
        terms.check().map_err(|error| error.to_string())?;
        Ok(terms)
    }

    #[test]
    fn what_can_hold_is_taken_and_what_cannot_is_named() {
        let terms = read(r#"{"quantity":10,"overRun":2,"serialFirst":"A08","serialLast":"A17","underRun":"reason"}"#);
        let terms = terms.unwrap();
        assert_eq!((terms.most(), terms.under_run), (Some(12), UnderRun::Reason));
        assert!(terms.has_in_range("A08") && terms.has_in_range("A17") && terms.has_in_range("A10"));
        assert!(!terms.has_in_range("A18") && !terms.has_in_range("A100") && !terms.has_in_range("A1"));
        for (json, says) in [
            (r#"{"quantity":0}"#, "`quantity` is 0"),
            (r#"{"quantity":-1}"#, "invalid value"),
            (r#"{"overRun":1}"#, "without `quantity`"),
            (r#"{"serialPattern":"("}"#, "unclosed group"),
            (r#"{"serialPattern":"(a{1000}){1000}"}"#, "size"),
            (r#"{"serialFirst":"A1"}"#, "both given"),
            (r#"{"serialFirst":"A9","serialLast":"A10"}"#, "equally long"),
            (r#"{"serialFirst":"A9","serialLast":"A1"}"#, "not above"),
            (r#"{"labels":{"package":""}}"#, "name of a label"),
            (r#"{"size":1}"#, "unknown field"),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.contains(says), "{json}: {error}");
        }
    }

    #[test]
    fn nothing_said_takes_no_room() {
        assert_eq!(serde_json::to_string(&Terms::default()).unwrap(), "{}");
        assert!(read("{}").unwrap().is_empty());
    }

    #[test]
    fn a_pattern_matches_whole_serials() {
        let pattern = compile("A[0-9]+|B").unwrap();
        assert!(
            pattern.is_match("A12") && pattern.is_match("B") && !pattern.is_match("xB") && !pattern.is_match("A12 ")
        );
    }

    proptest! {
        #[test]
        fn any_json_is_answered_without_a_panic(text in "\\PC{0,200}") {
            drop(read(&text));
            drop(compile(&text));
        }
    }
}
