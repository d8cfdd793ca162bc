//! Where a broker is: `mqtt://HOST[:PORT]`, or `mqtts://` for TLS.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// The address of a broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerUrl {
    /// Host name, IPv4 address, or IPv6 address without brackets.
    pub host: String,
    /// TCP port; 1883 for `mqtt://` and 8883 for `mqtts://` where none is said.
    pub port: u16,
    /// Whether the connection is TLS.
    pub tls: bool,
}

/// What is wrong with the address of a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BrokerUrlError {
    /// Another scheme, or none.
    #[error("it does not begin with mqtt:// or mqtts://")]
    Scheme,
    /// User name or password before the host.
    #[error("user name and password belong into the settings username and password_file")]
    Credentials,
    /// Something after the port.
    #[error("nothing may follow the port")]
    Rest,
    /// The host.
    #[error("there is no plain host name or address in it")]
    Host,
    /// The port.
    #[error("the port is not a number from 1 to 65535")]
    Port,
}

impl BrokerUrl {
    /// What is allowed, for messages.
    pub const EXPECTED: &'static str = "mqtt://HOST or mqtt://HOST:PORT, with mqtts:// for TLS";

    const PLAIN_PORT: u16 = 1883;
    const TLS_PORT: u16 = 8883;
    /// Most characters of a host name (RFC 1035, section 2.3.4).
    const LONGEST_HOST: usize = 253;

    /// `HOST:PORT`, an IPv6 address in brackets.
    #[must_use]
    pub fn address(&self) -> String {
        address(&self.host, self.port)
    }
}

/// `HOST:PORT`, an IPv6 address in brackets.
pub(super) fn address(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

impl FromStr for BrokerUrl {
    type Err = BrokerUrlError;

    fn from_str(text: &str) -> Result<Self, BrokerUrlError> {
        let (rest, tls) = match (text.strip_prefix("mqtt://"), text.strip_prefix("mqtts://")) {
            (Some(rest), _) => (rest, false),
            (_, Some(rest)) => (rest, true),
            _ => return Err(BrokerUrlError::Scheme),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains('@') {
            return Err(BrokerUrlError::Credentials);
        }
        if rest.contains(['/', '?', '#']) {
            return Err(BrokerUrlError::Rest);
        }
        let (host, port) = match rest.strip_prefix('[') {
            Some(rest) => {
                let (host, after) = rest.split_once(']').ok_or(BrokerUrlError::Host)?;
                host.parse::<Ipv6Addr>().map_err(|_| BrokerUrlError::Host)?;
                let port = match after {
                    "" => None,
                    after => Some(after.strip_prefix(':').ok_or(BrokerUrlError::Rest)?),
                };
                (host, port)
            }
            None => {
                let (host, port) = rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port)));
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
                if host.is_empty() || host.len() > Self::LONGEST_HOST || !host.bytes().all(plain) {
                    return Err(BrokerUrlError::Host);
                }
                (host, port)
            }
        };
        let port = match port {
            None if tls => Self::TLS_PORT,
            None => Self::PLAIN_PORT,
            Some(digits) => {
                let digits = digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(digits);
                digits.and_then(|digits| digits.parse().ok()).filter(|port| *port > 0).ok_or(BrokerUrlError::Port)?
            }
        };
        Ok(Self { host: host.to_owned(), port, tls })
    }
}

impl fmt::Display for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.tls { "mqtts" } else { "mqtt" }, self.address())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_and_tls_have_their_own_ports() {
        let url = |text: &str| text.parse::<BrokerUrl>().map(|url| (url.host, url.port, url.tls));
        assert_eq!(url("mqtt://broker"), Ok(("broker".into(), 1883, false)));
        assert_eq!(url("mqtts://plant.example/"), Ok(("plant.example".into(), 8883, true)));
        assert_eq!(url("mqtts://[::1]:1884/"), Ok(("::1".into(), 1884, true)));
        assert_eq!(url("mqtt://[fd00::7]"), Ok(("fd00::7".into(), 1883, false)));
        assert_eq!(url("mqtt://192.0.2.7:1"), Ok(("192.0.2.7".into(), 1, false)));
    }

    #[test]
    fn everything_else_is_refused_with_what_is_wrong() {
        use BrokerUrlError::{Credentials, Host, Port, Rest, Scheme};
        let long = format!("mqtt://{}", "a".repeat(254));
        for (text, why) in [
            ("", Scheme),
            ("broker:1883", Scheme),
            ("http://b", Scheme),
            ("MQTT://b", Scheme),
            ("mqtt://", Host),
            ("mqtt:///", Host),
            ("mqtt://:1883", Host),
            ("mqtt://a b", Host),
            ("mqtt://é", Host),
            ("mqtt://a\n", Host),
            ("mqtt://[::1", Host),
            ("mqtt://[broker]", Host),
            ("mqtt://[::1]x", Rest),
            (&long, Host),
            ("mqtt://u@a", Credentials),
            ("mqtts://u:p@a", Credentials),
            ("mqtt://b/x", Rest),
            ("mqtt://b?x", Rest),
            ("mqtt://b:1883#x", Rest),
            ("mqtt://a:0", Port),
            ("mqtt://a:", Port),
            ("mqtt://a:+1", Port),
            ("mqtt://a:x", Port),
            ("mqtt://a:99999", Port),
            ("mqtt://::1", Host),
        ] {
            assert_eq!(text.parse::<BrokerUrl>(), Err(why), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_is_written_as_it_was_meant(text in "mqtts?://[\\[a-zA-Z0-9.:/@?#\\]_-]{0,20}|\\PC{0,20}") {
            if let Ok(url) = text.parse::<BrokerUrl>() {
                prop_assert_eq!(url.to_string().parse::<BrokerUrl>(), Ok(url));
            }
        }
    }
}
