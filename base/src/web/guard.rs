//! Who may ask a program that listens on the loopback address: its own pages, and programs of the same computer, but no page
//! of another origin, whatever name it gives to the address (DNS rebinding).

use axum::http::{HeaderMap, Method, header};

/// The names under which a program may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    hosts: Vec<String>,
}

/// A request that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Asked under a name that is not this program's.
    #[error(
        "this program is not asked as `{0}`: use one of its own addresses, or add the name to the hosts in its configuration"
    )]
    Host(String),
    /// Asked by a page that is not this program's.
    #[error("a page of `{0}` may not ask here: open this program's own page")]
    Origin(String),
}

impl Guard {
    /// Loopback names, and further names from the configuration. Ports are not compared: a tunnel may change them.
    #[must_use]
    pub fn new(further: impl IntoIterator<Item = String>) -> Self {
        let own = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned);
        Self { hosts: own.into_iter().chain(further.into_iter().map(|name| name.to_ascii_lowercase())).collect() }
    }

    /// May this be answered?
    ///
    /// # Errors
    /// [`Refused`], with the escaped name that was given.
    pub fn check(&self, method: &Method, headers: &HeaderMap) -> Result<(), Refused> {
        let text = |name| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let host = text(header::HOST).unwrap_or_default();
        if !self.hosts.contains(&name_of(&host)) {
            return Err(Refused::Host(shown(&host)));
        }
        let Some(origin) = text(header::ORIGIN) else {
            // A browser that sends no Origin says with Sec-Fetch-Site where a request comes from.
            let site = text(header::HeaderName::from_static("sec-fetch-site"));
            let own = site.as_deref().is_none_or(|site| matches!(site, "same-origin" | "none"));
            // A link from elsewhere may open a page; nothing else.
            let opened = *method == Method::GET
                && text(header::HeaderName::from_static("sec-fetch-mode")).as_deref() == Some("navigate");
            return if own || opened { Ok(()) } else { Err(Refused::Origin("another site".to_owned())) };
        };
        let own = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        if own.is_some_and(|authority| authority.eq_ignore_ascii_case(&host)) {
            return Ok(());
        }
        Err(Refused::Origin(shown(&origin)))
    }
}

/// The host without its port, in lower case.
fn name_of(host: &str) -> String {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    };
    name.to_ascii_lowercase()
}

fn shown(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn check(method: Method, headers: &[(&'static str, &str)]) -> Result<(), Refused> {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect();
        Guard::new(["Line-7.example".to_owned()]).check(&method, &headers)
    }

    #[test]
    fn own_names_with_any_port() {
        for host in ["localhost", "127.0.0.1:8470", "[::1]:8470", "[::1]", "LOCALHOST:1", "line-7.EXAMPLE:80"] {
            assert_eq!(check(Method::GET, &[("host", host)]), Ok(()), "{host}");
            let origin = format!("http://{host}");
            assert_eq!(check(Method::POST, &[("host", host), ("origin", &origin)]), Ok(()), "{host}");
        }
    }

    #[test]
    fn other_names_are_refused() {
        for host in ["", "evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "localhost:80x", "::1"] {
            assert_eq!(check(Method::GET, &[("host", host)]), Err(Refused::Host(host.to_owned())));
        }
        assert!(check(Method::GET, &[]).is_err());
    }

    #[test]
    fn pages_of_other_origins_are_refused() {
        let post = |more: &[(&'static str, &str)]| check(Method::POST, &[&[("host", "localhost:8470")], more].concat());
        for origin in
            ["http://evil.example", "null", "http://localhost:9999", "http://localhost", "ftp://localhost:8470"]
        {
            assert!(matches!(post(&[("origin", origin)]), Err(Refused::Origin(_))), "{origin}");
        }
        assert!(post(&[("sec-fetch-site", "cross-site")]).is_err());
        assert!(post(&[("sec-fetch-site", "same-site"), ("sec-fetch-mode", "navigate")]).is_err());
        assert_eq!(post(&[("sec-fetch-site", "same-origin")]), Ok(()));
        // A link may open the page, but a page elsewhere may not read it.
        let get = |mode| {
            check(Method::GET, &[("host", "localhost"), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", mode)])
        };
        assert_eq!(get("navigate"), Ok(()));
        assert!(get("no-cors").is_err());
    }

    #[test]
    fn what_was_given_is_shown_escaped() {
        let error = check(Method::GET, &[("host", &"é\t".repeat(100))]).unwrap_err().to_string();
        assert!(!error.contains('\t') && error.len() < 400, "{error}");
    }
}
