//! `[broker]`: where records go, and what counts as arrived.

use std::path::PathBuf;
use std::time::Duration;

use base::config::Section;
use base::mqtt::{Access, BrokerUrl};
use records::wire::Topics;

/// Where records go.
#[derive(Debug, Clone)]
pub struct Broker {
    /// The broker, and who this station is there.
    pub access: Access,
    /// Topic names.
    pub topics: Topics,
    /// Whose word frees a record.
    pub confirm: Confirm,
    /// Whether what is recorded now is sent beside a large backlog, or strictly behind it.
    pub live_first: bool,
    /// The file with the one-time token that enrols this station's key at the service.
    pub enrol_token_file: Option<PathBuf>,
    /// After this time without a receipt records are sent again.
    pub receipt_timeout: Duration,
    /// After this time without the broker's acknowledgement of a message the connection is given up.
    pub ack_timeout: Duration,
    /// How long nothing is tried after a connection failed: first and longest wait.
    pub reconnect: (Duration, Duration),
}

/// Whose word frees a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirm {
    /// The signed receipt of the service: it has stored the record.
    Receipt,
    /// The broker's acknowledgement: it has taken the record. For back ends that send no receipts.
    Broker,
}

pub(super) fn read(section: &Section<'_>) -> Broker {
    let default = BrokerUrl { host: "127.0.0.1".to_owned(), port: 1883, tls: false };
    let topics = section.parsed("prefix", "topic levels without wildcards, such as lotline/v1", Topics::new).optional();
    let first = section.duration("reconnect_first_ms", 10..=60_000).or(Duration::from_secs(1));
    let longest = section.duration("reconnect_longest_ms", 10..=600_000).or(Duration::from_secs(60));
    if longest < first {
        section.fault("reconnect_longest_ms", "is shorter than reconnect_first_ms", "make it the longer of the two");
    }
    Broker {
        access: Access::read(section, default),
        topics: topics.unwrap_or_default(),
        confirm: section
            .one_of("confirm", &[("receipt", Confirm::Receipt), ("broker", Confirm::Broker)])
            .or(Confirm::Receipt),
        live_first: section.boolean("live_first").or(true),
        enrol_token_file: section.secret_file("enrol_token_file"),
        receipt_timeout: section.duration("receipt_timeout_ms", 100..=600_000).or(Duration::from_secs(10)),
        ack_timeout: section.duration("ack_timeout_ms", 100..=600_000).or(Duration::from_secs(60)),
        reconnect: (first, longest),
    }
}

#[cfg(test)]
mod tests {
    use base::config::{Document, Faults};

    use super::*;

    fn parse(text: &str) -> Result<Broker, Faults> {
        let document = Document::parse("station.toml".as_ref(), text)?;
        let broker = read(&document.root().section("broker"));
        document.finish().map(|()| broker)
    }

    #[test]
    fn without_a_word_receipts_count_and_live_records_come_first() {
        let broker = parse("").unwrap();
        assert_eq!((broker.confirm, broker.live_first, broker.enrol_token_file), (Confirm::Receipt, true, None));
        assert_eq!(broker.access.url.to_string(), "mqtt://127.0.0.1:1883");
        let text =
            "[broker]\nurl = \"mqtts://plant\"\nconfirm = \"broker\"\nlive_first = false\nenrol_token_file = \"t\"\n";
        let broker = parse(text).unwrap();
        assert_eq!((broker.confirm, broker.live_first), (Confirm::Broker, false));
        assert_eq!((broker.enrol_token_file, broker.access.url.port), (Some("t".into()), 8883));
    }

    #[test]
    fn wrong_values_are_faults_at_their_place() {
        for (text, says) in [
            ("confirm = \"puback\"", "station.toml:2:11: broker.confirm"),
            ("live_first = 1", "station.toml:2:14: broker.live_first"),
            ("enrol_token_file = \"credential:a/b\"", "station.toml:2:20: broker.enrol_token_file: found the name"),
            ("reconnect_first_ms = 900\nreconnect_longest_ms = 800", "broker.reconnect_longest_ms: is shorter"),
        ] {
            let faults = parse(&format!("[broker]\n{text}\n")).unwrap_err().to_string();
            assert!(faults.contains(says), "{faults}");
        }
    }
}
