//! How a program reaches the broker, as its configuration says it: the same keys in every program.

use std::path::PathBuf;

use super::{BrokerUrl, Settings, Tls};
use crate::config::Section;

/// Where the broker is, and who this program is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Where it is.
    pub url: BrokerUrl,
    /// The files for TLS, where the URL asks for TLS.
    pub tls: Tls,
    /// User name, where the broker asks for one.
    pub username: Option<String>,
    /// The file with the password, where the broker asks for one.
    pub password_file: Option<PathBuf>,
}

impl Access {
    /// The broker at this address, without user and client certificate.
    #[must_use]
    pub fn new(url: BrokerUrl) -> Self {
        Self { url, tls: Tls::default(), username: None, password_file: None }
    }

    /// Reads `url`, `ca_file`, `certificate_file`, `key_file`, `username` and `password_file`. Wrong values and
    /// contradictions are faults.
    pub fn read(section: &Section<'_>, default: BrokerUrl) -> Self {
        let url = section.parsed("url", BrokerUrl::EXPECTED, str::parse).or(default);
        let ca = section.secret_file("ca_file");
        let (certificate, key) = (section.secret_file("certificate_file"), section.secret_file("key_file"));
        for (one, other) in [("certificate_file", "key_file"), ("key_file", "certificate_file")] {
            if section.has(one) && !section.has(other) {
                let help = format!("add {other} = \"…\", or remove {one}");
                section.fault(one, format!("there is no {other} that belongs to it"), help);
            }
        }
        for name in ["ca_file", "certificate_file", "key_file"] {
            if section.has(name) && !url.tls {
                let help = "write url = \"mqtts://HOST\", or remove the files";
                section.fault(name, format!("it is for TLS, and the url is {url}"), help);
            }
        }
        let username = section.string("username").optional();
        let password_file = section.secret_file("password_file");
        Self { url, tls: Tls { ca, identity: certificate.zip(key) }, username, password_file }
    }

    /// A session with this broker, with the usual times of [`Settings::new`].
    #[must_use]
    pub fn session(&self, client_id: impl Into<String>) -> Settings {
        let mut settings = Settings::new(&self.url.host, self.url.port, client_id);
        settings.tls = self.url.tls.then(|| self.tls.clone());
        settings.username.clone_from(&self.username);
        settings.password_file.clone_from(&self.password_file);
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Document, Faults};

    fn read(text: &str) -> Result<Access, Faults> {
        let document = Document::parse("a.toml".as_ref(), text)?;
        let access = Access::read(&document.root().section("broker"), "mqtt://127.0.0.1".parse().unwrap());
        document.finish().map(|()| access)
    }

    #[test]
    fn a_file_says_everything_or_nothing() {
        assert_eq!(read("").unwrap(), Access::new("mqtt://127.0.0.1:1883".parse().unwrap()));
        assert_eq!(read("").unwrap().session("a").tls, None);
        let text = "[broker]\nurl = \"mqtts://b\"\nca_file = \"ca\"\ncertificate_file = \"c\"\nkey_file = \"k\"\n\
                    username = \"u\"\npassword_file = \"p\"\n";
        let session = read(text).unwrap().session("a");
        let tls = Tls { ca: Some("ca".into()), identity: Some(("c".into(), "k".into())) };
        assert_eq!((session.host.as_str(), session.port, session.tls), ("b", 8883, Some(tls)));
        assert_eq!((session.username.as_deref(), session.password_file), (Some("u"), Some("p".into())));
        assert_eq!(read("[broker]\nurl = \"mqtts://b\"\n").unwrap().session("a").tls, Some(Tls::default()));
    }

    #[test]
    fn contradictions_are_faults_at_their_place() {
        for (text, says) in [
            ("url = \"mqtts://b\"\nkey_file = \"k\"\n", "a.toml:3:12: broker.key_file: there is no certificate_file"),
            ("url = \"mqtts://b\"\ncertificate_file = \"c\"\n", "broker.certificate_file: there is no key_file"),
            ("ca_file = \"ca\"\n", "a.toml:2:11: broker.ca_file: it is for TLS, and the url is mqtt://127.0.0.1:1883"),
            ("url = \"mqtts:/b\"\n", "it does not begin with mqtt:// or mqtts://"),
        ] {
            let faults = read(&format!("[broker]\n{text}")).unwrap_err().to_string();
            assert!(faults.contains(says), "{faults}");
        }
    }
}
