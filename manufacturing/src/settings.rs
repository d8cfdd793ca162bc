//! The configuration of `serve`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base::config::{Document, Faults, Section};
use base::mqtt::{Access, BrokerUrl};
use records::wire::{DEFAULT_PREFIX, Topics};

use crate::store::{Enrolment, FILE, Place, Target};

/// Where the service listens when nobody says otherwise: this computer only.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:8480";
/// Where the store is when nobody says otherwise.
pub const DEFAULT_DATA: &str = "/var/lib/lotline-manufacturing";
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
    /// How keys of stations come in.
    pub enrolment: Enrolment,
    /// Names, beside those of this computer, under which changes may be asked for.
    pub hosts: Vec<String>,
}

/// Where records are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreChoice {
    /// In one SQLite file in the data folder.
    Sqlite,
    /// At a PostgreSQL server.
    Postgres(Box<Target>),
}

impl StoreChoice {
    /// The place, with this data folder.
    #[must_use]
    pub fn place(&self, data: &Path) -> Place {
        match self {
            Self::Sqlite => Place::Sqlite(data.join(FILE)),
            Self::Postgres(target) => Place::Postgres(target.clone()),
        }
    }

    /// With the files of a server: that with the password, and that with the CA of its certificate.
    #[must_use]
    pub fn with_files(self, password: Option<PathBuf>, ca: Option<PathBuf>) -> Self {
        match self {
            Self::Postgres(mut target) => {
                target.password_file = password.or(target.password_file.take());
                target.ca_file = ca.or(target.ca_file.take());
                Self::Postgres(target)
            }
            Self::Sqlite => Self::Sqlite,
        }
    }
}

/// The MQTT broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broker {
    /// Where it is, and who this service is there.
    pub access: Access,
    /// The client's name there; two services with one name push each other out.
    pub client_id: String,
    /// After this time without the broker's acknowledgement of a message the connection is given up.
    pub ack_timeout: Duration,
    /// How long nothing is tried after a connection failed: first and longest wait.
    pub reconnect: (Duration, Duration),
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
            _ if text.starts_with("postgres://") || text.starts_with("postgresql://") => match text.parse() {
                Ok(target) => Ok(Self::Postgres(Box::new(target))),
                Err(_) => Err(Wrong(
                    "this is no URL of PostgreSQL: write postgres://USER@HOST:PORT/DATABASE, and the password into a file"
                        .to_owned(),
                )),
            },
            _ => Err(Wrong("allowed are sqlite and postgres://USER@HOST:PORT/DATABASE".to_owned())),
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
        let store = parsed(&root, "store", "\"sqlite\" or \"postgres://USER@HOST:PORT/DATABASE\"", "sqlite");
        let [password, ca] = ["store_password_file", "store_ca_file"].map(|name| {
            let file = root.secret_file(name);
            if file.is_some() && matches!(store, Some(StoreChoice::Sqlite)) {
                let help = "write store = \"postgres://…\", or remove the file";
                root.fault(name, "it is for PostgreSQL, and the store is SQLite", help);
            }
            file
        });
        let store = store.map(|store| store.with_files(password, ca));
        let hosts = root.parsed_strings("hosts", "names without a port, such as plant.example", host).or(Vec::new());
        let modes = [("first-use", Enrolment::FirstUse), ("token", Enrolment::Token), ("closed", Enrolment::Closed)];
        let enrolment = root.section("enrolment").one_of("mode", &modes).or(Enrolment::FirstUse);
        let section = root.section("broker");
        let default = BrokerUrl { host: "127.0.0.1".to_owned(), port: 1883, tls: false };
        let access = Access::read(&section, default);
        let client_id = section.string("client_id").or(DEFAULT_CLIENT.to_owned());
        let ack_timeout = section.duration("ack_timeout_ms", 100..=600_000).or(Duration::from_secs(60));
        let first = section.duration("reconnect_first_ms", 10..=60_000).or(Duration::from_secs(1));
        let longest = section.duration("reconnect_longest_ms", 10..=600_000).or(Duration::from_secs(60));
        if longest < first {
            section.fault(
                "reconnect_longest_ms",
                "is shorter than reconnect_first_ms",
                "make it the longer of the two",
            );
        }
        let reconnect = (first, longest);
        let prefix = section.parsed("prefix", "one or more levels of a topic", topics).optional();
        let prefix = prefix.or_else(|| topics(DEFAULT_PREFIX).ok());
        document.finish()?;
        match (listen, store, prefix) {
            (Some(listen), Some(store), Some(topics)) => {
                let broker = Broker { access, client_id, ack_timeout, reconnect };
                Ok(Self { listen, data, store, broker, topics, enrolment, hosts })
            }
            // Every value that is missing here was reported as a fault.
            _ => Err(Faults::of_file("(defaults)".as_ref(), "a default cannot be read", "report this")),
        }
    }
}

/// A name as it stands in a `Host` header, without its port.
fn host(text: &str) -> Result<String, Wrong> {
    let port = text.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    match !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/') && !port {
        true => Ok(text.to_owned()),
        false => Err(Wrong("this is no name: write plant.example, without http:// and without a port".to_owned())),
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
        let text = "listen = 8480\nstore = \"postgre://db\"\nstore_password_file = \"p\"\ndtaa = \"x\"\n[broker]\nurl = \"http://b\"\nprefix = \"a/#\"\n";
        let faults = Settings::read(Document::parse("m.toml".as_ref(), text).unwrap()).unwrap_err().to_string();
        insta::assert_snapshot!(faults);
    }
}
