//! The configuration of `serve`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use base::config::{Document, Faults, Section};
use base::mqtt::{Access, BrokerUrl};
use records::wire::{DEFAULT_PREFIX, Topics};

/// Where the service listens when nobody says otherwise: this computer only.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:8480";
const DEFAULT_DATA: &str = "/var/lib/lotline-manufacturing";
const DEFAULT_CLIENT: &str = "lotline-manufacturing";

/// The settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where HTTP listens.
    pub listen: SocketAddr,
    /// The folder of the store and the service's key.
    pub data: PathBuf,
    /// Where records are kept.
    pub store: StoreChoice,
    /// The broker.
    pub broker: Broker,
    /// The topics.
    pub topics: Topics,
}

/// Where records are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreChoice {
    /// In one SQLite file in the data folder.
    Sqlite,
}

/// The MQTT broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broker {
    /// Where it is, and who this service is there.
    pub access: Access,
    /// The client's name there; two services with one name push each other out.
    pub client_id: String,
}

/// A value of a flag or a file is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Wrong(String);

impl std::str::FromStr for StoreChoice {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        match text {
            "sqlite" => Ok(Self::Sqlite),
            _ if text.starts_with("postgres") => Err(Wrong("PostgreSQL is not supported yet: write sqlite".to_owned())),
            _ => Err(Wrong("allowed is sqlite".to_owned())),
        }
    }
}

/// Topics under a prefix.
///
/// # Errors
/// Says which level cannot be part of a topic.
pub fn topics(prefix: &str) -> Result<Topics, Wrong> {
    Topics::new(prefix).map_err(|error| Wrong(error.to_string()))
}

impl Settings {
    /// The settings of a file.
    ///
    /// # Errors
    /// Every fault of the file with its place.
    pub fn load(file: &Path) -> Result<Self, Faults> {
        Self::read(Document::load(file)?)
    }

    /// What holds where nobody says anything.
    ///
    /// # Errors
    /// None that a test would not have found.
    pub fn defaults() -> Result<Self, Faults> {
        Self::read(Document::parse("(defaults)".as_ref(), "")?)
    }

    fn read(document: Document) -> Result<Self, Faults> {
        let root = document.root();
        let listen = parsed(&root, "listen", "an address with a port", DEFAULT_LISTEN);
        let data = root.string("data").or(DEFAULT_DATA.to_owned()).into();
        let store = parsed(&root, "store", "\"sqlite\"", "sqlite");
        let section = root.section("broker");
        let default = BrokerUrl { host: "127.0.0.1".to_owned(), port: 1883, tls: false };
        let access = Access::read(&section, default);
        let client_id = section.string("client_id").or(DEFAULT_CLIENT.to_owned());
        let prefix = section.parsed("prefix", "one or more levels of a topic", topics).optional();
        let prefix = prefix.or_else(|| topics(DEFAULT_PREFIX).ok());
        document.finish()?;
        match (listen, store, prefix) {
            (Some(listen), Some(store), Some(topics)) => {
                Ok(Self { listen, data, store, broker: Broker { access, client_id }, topics })
            }
            // Every value that is missing here was reported as a fault.
            _ => Err(Faults::of_file("(defaults)".as_ref(), "a default cannot be read", "report this")),
        }
    }
}

/// A value of the file, or the default.
fn parsed<T: std::str::FromStr>(section: &Section<'_>, key: &str, expected: &str, default: &str) -> Option<T>
where
    T::Err: std::fmt::Display,
{
    section.parsed(key, expected, str::parse).optional().or_else(|| default.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_file_says_what_holds_without_it() {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/manufacturing.toml");
        assert_eq!(Settings::load(&example).unwrap(), Settings::defaults().unwrap());
    }

    #[test]
    fn every_fault_is_told_at_once_with_its_place() {
        let text =
            "listen = 8480\nstore = \"postgres://db\"\ndtaa = \"x\"\n[broker]\nurl = \"http://b\"\nprefix = \"a/#\"\n";
        let faults = Settings::read(Document::parse("m.toml".as_ref(), text).unwrap()).unwrap_err().to_string();
        insta::assert_snapshot!(faults);
    }
}
