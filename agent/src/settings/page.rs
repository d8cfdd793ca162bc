//! `[page]`: where the operator's page listens, and who may ask.

use std::net::SocketAddr;
use std::path::PathBuf;

use base::config::Section;

/// The operator's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Where it listens; `None` where there is none.
    pub listen: Option<SocketAddr>,
    /// Further names under which it is opened.
    pub hosts: Vec<String>,
    /// File with the token that a screen shows; always there where other computers reach the page.
    pub token_file: Option<PathBuf>,
}

impl Page {
    /// The names of the configuration, and the address itself where it is one.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> {
        let own = self.listen.map(|listen| listen.ip()).filter(|ip| !ip.is_unspecified());
        let own = own.map(|ip| if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() });
        self.hosts.iter().cloned().chain(own)
    }
}

pub(super) fn read(section: &Section<'_>) -> Page {
    let expected = "an address and a port, such as 127.0.0.1:8470, or off";
    let listen = section.parsed("listen", expected, |text| match text {
        "off" => Ok(None),
        text => text.parse().map(Some).map_err(|_| "it is no IP address with a port"),
    });
    let listen = listen.or(Some(SocketAddr::from(([127, 0, 0, 1], 8470))));
    let hosts = section.parsed_strings("hosts", "names without a port, such as line-7.example", host).or(Vec::new());
    let token_file = section.secret_file("token_file");
    let elsewhere = listen.is_some_and(|listen| !listen.ip().is_loopback());
    if elsewhere && !section.has("token_file") {
        section.fault(
            "listen",
            "other computers could open the page and scan, and there is no token",
            "add token_file = \"/etc/lotline/page.token\" (make it with `openssl rand -hex 16`), or listen on 127.0.0.1:8470",
        );
    }
    if listen.is_some_and(|listen| listen.ip().is_unspecified()) && !section.has("hosts") {
        section.fault(
            "listen",
            "the page listens on every address, but has no name to be opened by",
            "add hosts = [\"line-7.example\"] with each name or address under which screens open it",
        );
    }
    Page { listen, hosts, token_file }
}

/// A name as it stands in an address, without a scheme and a port.
fn host(text: &str) -> Result<String, &'static str> {
    let name = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_name = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
    let is_address = name.is_some_and(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok());
    if !text.is_empty() && (is_name || is_address) {
        Ok(text.to_owned())
    } else {
        Err("it is not a plain name: leave out http:// and the port")
    }
}

#[cfg(test)]
mod tests {
    use base::config::{Document, Faults};

    use super::*;

    fn parse(text: &str) -> Result<Page, Faults> {
        let document = Document::parse("station.toml".as_ref(), text)?;
        let page = read(&document.root().section("page"));
        document.finish().map(|()| page)
    }

    #[test]
    fn by_default_it_is_open_to_this_computer_only() {
        let page = parse("").unwrap();
        assert_eq!(page.listen.unwrap().to_string(), "127.0.0.1:8470");
        assert_eq!((page.hosts.len(), page.token_file), (0, None));
        assert_eq!(parse("[page]\nlisten = \"off\"").unwrap().listen, None);
        assert_eq!(parse("[page]\nlisten = \"[::1]:0\"").unwrap().names().collect::<Vec<_>>(), ["[::1]"]);
    }

    #[test]
    fn other_computers_need_a_token_and_a_name() {
        let good = "[page]\nlisten = \"0.0.0.0:80\"\nhosts = [\"line-7.example\", \"[fd00::1]\"]\ntoken_file = \"t\"";
        let page = parse(good).unwrap();
        assert_eq!(page.names().collect::<Vec<_>>(), ["line-7.example", "[fd00::1]"]);
        let text = parse("[page]\nlisten = \"0.0.0.0:80\"").unwrap_err().to_string();
        assert!(text.contains("station.toml:2:10: page.listen: other computers"), "{text}");
        assert!(text.contains("token_file = ") && text.contains("hosts = "), "{text}");
        let text = parse("[page]\nlisten = \"10.0.0.7:80\"").unwrap_err().to_string();
        assert!(text.contains("token_file = ") && !text.contains("hosts = "), "{text}");
    }

    #[test]
    fn what_is_no_address_or_name_is_refused() {
        for wrong in ["8470", "localhost:8470", "127.0.0.1", "127.0.0.1:99999", "", "OFF"] {
            let text = parse(&format!("[page]\nlisten = \"{wrong}\"")).unwrap_err().to_string();
            assert!(text.contains("station.toml:2:10: page.listen"), "{wrong}: {text}");
        }
        for wrong in ["http://line-7", "line-7:8470", "", "a b", "[x]", "é"] {
            let text = parse(&format!("[page]\nhosts = [\"{wrong}\"]")).unwrap_err().to_string();
            assert!(text.contains("page.hosts"), "{wrong}: {text}");
        }
    }
}
