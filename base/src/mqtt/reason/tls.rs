//! Why TLS did not come about, in a sentence for the person who can mend it.

use std::time::Duration;

use tokio_rustls::rustls::{AlertDescription, CertificateError, Error};

use super::broker;
use crate::mqtt::{Settings, Tls};

/// The TLS error inside an input or output error, if it is one: that is how it comes out of a TLS stream.
pub(super) fn inside(error: &std::io::Error) -> Option<&Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}

pub(super) fn of_error(settings: &Settings, error: &Error) -> String {
    let broker = broker(settings);
    match error {
        Error::InvalidCertificate(error) => of_certificate(settings, &broker, error),
        Error::AlertReceived(alert) => of_alert(settings, &broker, *alert),
        Error::InvalidMessage(_) => {
            format!("{broker} does not speak TLS: use the broker's port for TLS (usually 8883), or mqtt:// without TLS")
        }
        Error::PeerIncompatible(_) => {
            format!(
                "{broker} has no version or cipher of TLS in common with this program: let the broker allow TLS 1.2 or 1.3"
            )
        }
        other => format!("no TLS with {broker} ({other}): check the log of the broker"),
    }
}

fn of_certificate(settings: &Settings, broker: &str, error: &CertificateError) -> String {
    use CertificateError as E;
    let its = format!("the certificate of {broker}");
    match error {
        E::ExpiredContext { time, not_after } => {
            let past = between(not_after.as_secs(), time.as_secs());
            format!("{its} expired {past} ago: renew it at the broker, and check the clock of this computer")
        }
        E::Expired => format!("{its} has expired: renew it at the broker, and check the clock of this computer"),
        E::NotValidYetContext { time, not_before } => {
            let until = between(time.as_secs(), not_before.as_secs());
            format!("{its} is valid only in {until}: check the clock of this computer, then that of the broker's CA")
        }
        E::NotValidYet => format!("{its} is not valid yet: check the clock of this computer"),
        // A CA that was made anew under its old name has another key.
        E::UnknownIssuer | E::BadSignature => match settings.tls.as_ref().and_then(|tls| tls.ca.as_ref()) {
            Some(ca) => format!(
                "{its} is not signed by a CA in `{}`: put the certificate of the broker's CA into that file",
                ca.display()
            ),
            None => format!("{its} is signed by no CA that this system knows: name the broker's CA with ca_file"),
        },
        E::NotValidForNameContext { presented, .. } => {
            let names = match presented.is_empty() {
                true => "no name at all".to_owned(),
                false => format!("only {}", presented.join(", ")),
            };
            format!(
                "{its} is not for the name {:?}, it is for {names}: connect to a name of the certificate, or have it issued \
                 with this name as subjectAltName",
                settings.host
            )
        }
        E::NotValidForName => {
            format!("{its} is not for the name {:?}: connect to a name of the certificate", settings.host)
        }
        E::Revoked => format!("{its} was revoked: give the broker a new one"),
        E::InvalidPurpose | E::InvalidPurposeContext { .. } => {
            format!("{its} is not one for servers: have it issued with the extended key usage serverAuth")
        }
        E::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => format!(
            "{its} is itself that of a CA: give the broker a certificate of its own, signed by that CA, with CA:FALSE"
        ),
        other => format!("{its} cannot be used ({other}): give the broker a new one, of X.509 version 3"),
    }
}

fn of_alert(settings: &Settings, broker: &str, alert: AlertDescription) -> String {
    use AlertDescription as A;
    let ours = settings.tls.as_ref().and_then(|Tls { identity, .. }| identity.as_ref());
    let code = u8::from(alert);
    match (alert, ours) {
        // TLS 1.2 has no alert of its own for a missing certificate.
        (A::CertificateRequired | A::NoCertificate | A::HandshakeFailure | A::BadCertificate, None) => format!(
            "{broker} asks for a client certificate ({alert:?}, alert {code}): name one with certificate_file and key_file"
        ),
        (A::CertificateExpired, Some((certificate, _))) => {
            format!("{broker} refuses the certificate `{}`: it has expired, renew it", certificate.display())
        }
        (A::CertificateRevoked, Some((certificate, _))) => {
            format!(
                "{broker} refuses the certificate `{}`: it was revoked, have a new one issued",
                certificate.display()
            )
        }
        (
            A::UnknownCA
            | A::BadCertificate
            | A::CertificateUnknown
            | A::UnsupportedCertificate
            | A::CertificateRequired
            | A::AccessDenied
            | A::DecryptError
            | A::HandshakeFailure,
            Some((certificate, _)),
        ) => format!(
            "{broker} refuses the certificate `{}` ({alert:?}, alert {code}): have it issued by the CA that the broker \
             trusts for its clients",
            certificate.display()
        ),
        _ => format!("{broker} broke TLS off ({alert:?}, alert {code}): check the log of the broker"),
    }
}

/// The time from one second to a later one, in its largest unit.
fn between(from: u64, to: u64) -> String {
    let time = Duration::from_secs(to.saturating_sub(from));
    let (count, unit) = match time.as_secs() {
        seconds if seconds >= 86_400 => (seconds / 86_400, "day"),
        seconds if seconds >= 3600 => (seconds / 3600, "hour"),
        seconds if seconds >= 60 => (seconds / 60, "minute"),
        seconds => (seconds, "second"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}
