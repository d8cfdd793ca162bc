//! Labels of several codes: which unit they are of, as soon as enough of them were scanned to ask about it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::lookup::About;
use crate::station::{LabelCodes, Reading};

/// What the codes of a label have said so far, by lane. The lane's own state decides what they mean; here they are only
/// remembered, to be asked about.
#[derive(Debug, Default)]
pub(super) struct Parts(Mutex<BTreeMap<String, Label>>);

#[derive(Debug, Default)]
struct Label {
    set: String,
    says: BTreeMap<String, String>,
}

impl Parts {
    /// Takes in a scan of a lane. The unit that a label is of, once its serial was scanned, and its scope where it has one.
    pub(super) fn unit(&self, lane: &str, reading: &Reading, codes: Option<&LabelCodes>) -> Option<About> {
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (Reading::Part { set, attributes, .. }, Some(codes)) = (reading, codes) else {
            lanes.remove(lane);
            return None;
        };
        let label = lanes.entry(lane.to_owned()).or_default();
        if label.set != *set {
            *label = Label { set: set.clone(), ..Label::default() };
        }
        let texts = attributes.iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        label.says.extend(texts);
        let serial = label.says.get("serialNumber")?.clone();
        let scope = match &codes.scope {
            Some(name) => label.says.get(name)?.clone(),
            None => String::new(),
        };
        Some(About::Unit { scope, serial })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(set: &str, name: &str, value: &str) -> Reading {
        let attributes = [(name.to_owned(), value.into())].into();
        Reading::Part { set: set.into(), rule: name.into(), attributes }
    }

    #[test]
    fn the_unit_is_known_from_its_serial_on_in_whatever_order() {
        let codes = |scope: Option<&str>| LabelCodes {
            codes: vec!["a".into(), "b".into()],
            timeout: std::time::Duration::from_secs(1),
            scope: scope.map(str::to_owned),
        };
        let unit = |scope: &str, serial: &str| Some(About::Unit { scope: scope.into(), serial: serial.into() });
        let parts = Parts::default();
        let plain = codes(None);
        assert_eq!(parts.unit("main", &part("l", "mac", "M"), Some(&plain)), None);
        assert_eq!(parts.unit("main", &part("l", "serialNumber", "1"), Some(&plain)), unit("", "1"));
        assert_eq!(parts.unit("side", &part("l", "mac", "M"), Some(&plain)), None, "lanes do not mix");
        assert_eq!(parts.unit("main", &part("l", "mac", "N"), Some(&plain)), unit("", "1"));
        assert_eq!(parts.unit("main", &part("other", "mac", "N"), Some(&plain)), None, "labels do not mix");
        let scoped = codes(Some("partNumber"));
        assert_eq!(parts.unit("main", &part("l", "serialNumber", "1"), Some(&scoped)), None);
        assert_eq!(parts.unit("main", &part("l", "partNumber", "P"), Some(&scoped)), unit("P", "1"));
        let order = Reading::Badge { person: "p".into(), supervisor: false };
        assert_eq!(parts.unit("main", &order, None), None);
        assert_eq!(parts.unit("main", &part("l", "partNumber", "P"), Some(&scoped)), None, "begun anew");
    }
}
