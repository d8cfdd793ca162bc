//! `[service]`: where lotline-manufacturing is asked over HTTP.

use std::time::Duration;

use base::config::Section;
use base::tls::Tls;
use reqwest::Url;

/// Where the service is asked.
#[derive(Debug, Clone)]
pub struct ServiceSettings {
    /// Its address, as far as `/v1`.
    pub url: Url,
    /// Whom it trusts to be the service, where the address is one of TLS.
    pub tls: Option<Tls>,
    /// How long it may take over what no scan waits for.
    pub timeout: Duration,
}

/// Reads the section; `None` where it is not there, or stands for faults.
pub(super) fn read(root: &Section<'_>) -> Option<ServiceSettings> {
    if !root.has("service") {
        return None;
    }
    let section = root.section("service");
    let expected = "an address such as http://lotline-server:8480 or https://lotline-server";
    let url = section.parsed("url", expected, address).required_option();
    let ca = section.secret_file("ca_file");
    let secure = url.as_ref().is_some_and(|url| url.scheme() == "https");
    if let Some(url) = url.as_ref().filter(|_| ca.is_some() && !secure) {
        let help = "write url = \"https://HOST\", or remove the file";
        section.fault("ca_file", format!("it is for TLS, and the url is {url}"), help);
    }
    let timeout = section.duration("timeout_ms", 10..=60_000).or(Duration::from_secs(3));
    let tls = secure.then_some(Tls { ca, identity: None });
    Some(ServiceSettings { url: url?, tls, timeout })
}

fn address(text: &str) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|_| "it is no address".to_owned())?;
    if !["http", "https"].contains(&url.scheme()) {
        return Err("it does not begin with http:// or https://".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err("it has more than a host, a port and a path".to_owned());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use base::config::{Document, Faults};

    use super::*;

    fn parse(text: &str) -> Result<Option<ServiceSettings>, Faults> {
        let document = Document::parse("station.toml".as_ref(), text)?;
        let service = read(&document.root());
        document.finish().map(|()| service)
    }

    #[test]
    fn the_service_is_asked_where_it_is_named() {
        assert!(parse("").unwrap().is_none());
        let service = parse("[service]\nurl = \"http://plant:8080\"\ntimeout_ms = 50\n").unwrap().unwrap();
        assert_eq!((service.url.as_str(), service.timeout), ("http://plant:8080/", Duration::from_millis(50)));
    }

    #[test]
    fn a_service_with_tls_may_have_a_ca_of_its_own() {
        let tls = |text: &str| parse(&format!("[service]\n{text}\n")).unwrap().unwrap().tls;
        assert_eq!(tls("url = \"http://plant\""), None);
        assert_eq!(tls("url = \"https://plant\""), Some(Tls::default()));
        let ca = tls("url = \"https://plant\"\nca_file = \"/etc/ca.pem\"").unwrap().ca;
        assert_eq!(ca.as_deref(), Some("/etc/ca.pem".as_ref()));
    }

    #[test]
    fn what_is_no_address_is_a_fault_at_its_place() {
        for (text, says) in [
            ("url = \"plant\"", "station.toml:2:7: service.url"),
            ("url = \"ftp://plant\"", "https://"),
            ("url = \"http://plant\"\nca_file = \"ca.pem\"", "station.toml:3:11: service.ca_file: it is for TLS"),
            ("url = \"http://me:secret@plant\"", "more than a host"),
            ("timeout_ms = 50", "service.url"),
        ] {
            let faults = parse(&format!("[service]\n{text}\n")).unwrap_err().to_string();
            assert!(faults.contains(says) && !faults.contains("secret"), "{faults}");
        }
    }
}
