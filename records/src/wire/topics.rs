//! Topic names.

/// The prefix where nobody configures another one.
pub const DEFAULT_PREFIX: &str = "lotline/v1";

/// Longest name of a station or lane in bytes.
const MAX_NAME: usize = 64;

/// A name that cannot be one level of a topic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` cannot be the name of a station or lane: {why}", name.escape_debug())]
pub struct NameError {
    name: String,
    why: &'static str,
}

/// Station and lane names are one topic level: 1 to 64 letters, digits, `-`, `_` or `.`, not beginning with a dot.
///
/// # Errors
/// With the rule that the name breaks.
pub fn check_name(name: &str) -> Result<(), NameError> {
    let why = if name.is_empty() {
        "it is empty"
    } else if name.len() > MAX_NAME {
        "it is longer than 64 characters"
    } else if name.starts_with('.') {
        "it begins with a dot"
    } else if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) {
        "only letters, digits, `-`, `_` and `.` are allowed"
    } else {
        return Ok(());
    };
    Err(NameError { name: name.to_owned(), why })
}

/// The topics under one prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    prefix: String,
}

/// What a topic is, with the station it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic<'a> {
    /// Segments of a station.
    Records(&'a str),
    /// Receipts for a station.
    Receipts(&'a str),
    /// Whether a station is online.
    Online(&'a str),
    /// The signed status of a station.
    Status(&'a str),
    /// The work order of a lane of a station.
    WorkOrder(&'a str, &'a str),
    /// What is on hold.
    Holds(&'a str),
    /// The service's key and versions.
    Service,
}

impl Default for Topics {
    fn default() -> Self {
        Self { prefix: DEFAULT_PREFIX.to_owned() }
    }
}

impl Topics {
    /// Topics under `prefix`, one or more levels without wildcards.
    ///
    /// # Errors
    /// Names the level that cannot be part of a topic.
    pub fn new(prefix: &str) -> Result<Self, NameError> {
        prefix.split('/').try_for_each(check_name)?;
        Ok(Self { prefix: prefix.to_owned() })
    }

    /// The name of a topic.
    #[must_use]
    pub fn name(&self, topic: Topic<'_>) -> String {
        let prefix = &self.prefix;
        match topic {
            Topic::Records(station) => format!("{prefix}/{station}/records"),
            Topic::Receipts(station) => format!("{prefix}/{station}/receipts"),
            Topic::Online(station) => format!("{prefix}/{station}/online"),
            Topic::Status(station) => format!("{prefix}/{station}/status"),
            Topic::WorkOrder(station, lane) => format!("{prefix}/{station}/work-order/{lane}"),
            Topic::Holds(station) => format!("{prefix}/{station}/holds"),
            Topic::Service => format!("{prefix}/service"),
        }
    }

    /// The filter for all records, shared by the instances of the service (MQTT 5, 4.8.2).
    #[must_use]
    pub fn shared_records(&self) -> String {
        format!("$share/lotline/{}/+/records", self.prefix)
    }

    /// The filter for the status of all stations.
    #[must_use]
    pub fn all_status(&self) -> String {
        format!("{}/+/status", self.prefix)
    }

    /// The filter for whether stations are online.
    #[must_use]
    pub fn all_online(&self) -> String {
        format!("{}/+/online", self.prefix)
    }

    /// What the topic of a message that came in is; `None` where it is none of ours.
    #[must_use]
    pub fn parse<'a>(&self, name: &'a str) -> Option<Topic<'a>> {
        let rest = name.strip_prefix(&self.prefix)?.strip_prefix('/')?;
        let levels: Vec<&str> = rest.split('/').collect();
        if levels == ["service"] {
            return Some(Topic::Service);
        }
        if levels.iter().any(|level| check_name(level).is_err()) {
            return None;
        }
        match levels[..] {
            [station, "records"] => Some(Topic::Records(station)),
            [station, "receipts"] => Some(Topic::Receipts(station)),
            [station, "online"] => Some(Topic::Online(station)),
            [station, "status"] => Some(Topic::Status(station)),
            [station, "holds"] => Some(Topic::Holds(station)),
            [station, "work-order", lane] => Some(Topic::WorkOrder(station, lane)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_topic_reads_back() {
        let topics = Topics::new(DEFAULT_PREFIX).unwrap();
        for topic in [
            Topic::Records("pack-1"),
            Topic::Receipts("pack-1"),
            Topic::Online("pack-1"),
            Topic::Status("pack-1"),
            Topic::WorkOrder("pack-1", "main"),
            Topic::Holds("pack-1"),
            Topic::Service,
        ] {
            assert_eq!(topics.parse(&topics.name(topic)), Some(topic));
        }
        assert_eq!(topics.name(Topic::Records("pack-1")), "lotline/v1/pack-1/records");
        assert_eq!(topics.parse("lotline/v10/pack-1/records"), None);
    }

    #[test]
    fn names_that_would_be_another_topic_are_refused() {
        for name in ["", "a/b", "+", "#", "$SYS", "a b", "..", "ä", &"x".repeat(65)] {
            assert!(check_name(name).is_err(), "{name}");
        }
        assert!(Topics::new("lotline/+").is_err());
        assert!(check_name("pack-1_b.2").is_ok());
    }

    proptest! {
        #[test]
        fn any_topic_name_is_read_without_panic(name in "\\PC{0,60}") {
            let topics = Topics::new(DEFAULT_PREFIX).unwrap();
            if let Some(topic) = topics.parse(&name) {
                prop_assert_eq!(topics.name(topic), name);
            }
        }
    }
}
