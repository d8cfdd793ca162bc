//! What is wrong with the way to the service, each with its own beginning and end.

use std::collections::BTreeMap;

/// One thing that can be wrong, the most pressing first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alarm {
    /// Two journals wrote under one identity. Stays until the restart.
    Forked,
    /// A service with another key than the trusted one answers.
    OtherService,
    /// There is no connection to the broker.
    Connection,
    /// The journal could not be read.
    Journal,
    /// The service does not read this wire version.
    Version,
    /// The broker does not take records.
    Refused,
    /// Nobody is subscribed to what the broker takes.
    Unclaimed,
    /// The broker takes records, and no receipt comes.
    Silent,
}

/// What is wrong now.
#[derive(Debug, Clone, Default)]
pub struct Alarms(BTreeMap<Alarm, String>);

impl Alarms {
    /// Raises an alarm, or changes its text. Tells whether anything is new.
    pub fn raise(&mut self, alarm: Alarm, text: &str) -> bool {
        match self.0.insert(alarm, text.to_owned()) {
            Some(before) => before != text,
            None => true,
        }
    }

    /// Ends an alarm. Tells whether it was on.
    pub fn end(&mut self, alarm: Alarm) -> bool {
        self.0.remove(&alarm).is_some()
    }

    /// Everything that is wrong, the most pressing first; empty where nothing is.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.values().map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alarms_end_one_by_one_and_hide_none_of_the_others() {
        let mut alarms = Alarms::default();
        assert!(alarms.raise(Alarm::Silent, "Silent."));
        assert!(alarms.raise(Alarm::Forked, "Forked."));
        assert!(!alarms.raise(Alarm::Forked, "Forked."));
        assert_eq!(alarms.text(), "Forked. Silent.");
        assert!(alarms.end(Alarm::Silent) && !alarms.end(Alarm::Silent));
        assert!(alarms.raise(Alarm::Forked, "Forked twice."));
        assert_eq!(alarms.text(), "Forked twice.");
    }
}
