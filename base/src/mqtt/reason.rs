//! Why there is no connection, in a sentence for the person who can mend it.

mod tls;

use std::io::{self, ErrorKind};

use rumqttc::{
    ConnectReturnCode, ConnectionError, DisconnectReasonCode, PubAckReason, StateError, SubscribeReasonCode, TlsError,
};

use super::Settings;

/// `HOST:PORT`.
pub(super) fn broker(settings: &Settings) -> String {
    super::url::address(&settings.host, settings.port)
}

pub(super) fn of_error(settings: &Settings, error: &ConnectionError) -> String {
    let broker = broker(settings);
    match error {
        ConnectionError::Io(source)
        | ConnectionError::MqttState(
            // What the first read meets counts to the library as a fault of the packet.
            StateError::Io(source) | StateError::Deserialization(rumqttc::mqttbytes::Error::Io(source)),
        )
        | ConnectionError::Tls(TlsError::Io(source)) => of_io(settings, source),
        ConnectionError::Tls(TlsError::TLS(error)) => tls::of_error(settings, error),
        ConnectionError::Tls(TlsError::DNSName(_)) => {
            format!("no certificate can be for the host {:?}: connect to a name or an address", settings.host)
        }
        ConnectionError::Timeout(_) => no_answer(&broker),
        ConnectionError::ConnectionRefused(code) => of_refusal(settings, *code),
        ConnectionError::MqttState(StateError::ConnFail { reason }) => of_refusal(settings, *reason),
        ConnectionError::MqttState(StateError::ConnectionAborted) => {
            format!("{broker} closed the connection: check the log of the broker, and that this is a port for MQTT 5")
        }
        ConnectionError::MqttState(StateError::AwaitPingResp) => {
            format!("{broker} does not answer pings any more: check the network and the broker")
        }
        ConnectionError::MqttState(StateError::ServerDisconnect { reason_code, reason_string }) => {
            let said = reason_string.as_deref().map(|text| format!(", {text:?}")).unwrap_or_default();
            let advice = match reason_code {
                DisconnectReasonCode::SessionTakenOver => {
                    format!("another client uses the client id {:?}: give each its own", settings.client_id)
                }
                DisconnectReasonCode::ServerShuttingDown => "it shuts down: start it again".to_owned(),
                DisconnectReasonCode::NotAuthorized => {
                    "check the access rules of the broker for this client".to_owned()
                }
                DisconnectReasonCode::PacketTooLarge => "raise the largest packet of the broker".to_owned(),
                _ => "check the log of the broker".to_owned(),
            };
            format!("{broker} ended the connection ({}{said}): {advice}", of_disconnect(*reason_code))
        }
        ConnectionError::MqttState(StateError::IncomingPacketTooLarge { pkt_size, max }) => {
            format!(
                "{broker} sent a packet of {pkt_size} bytes, allowed: {max}: raise the largest packet of this program"
            )
        }
        ConnectionError::MqttState(StateError::Deserialization(_)) | ConnectionError::NotConnAck(_) => {
            format!(
                "{broker} does not speak MQTT 5: check that this is the MQTT port of a broker with version 5, and that \
                 mqtts:// is written where it wants TLS"
            )
        }
        ConnectionError::SessionStateMismatch { .. } => {
            format!("{broker} answered with a session that was not asked for: check the client id and the broker")
        }
        other => format!("the connection to {broker} failed ({other}): check the log of the broker"),
    }
}

fn of_io(settings: &Settings, error: &io::Error) -> String {
    let broker = broker(settings);
    if let Some(error) = tls::inside(error) {
        return tls::of_error(settings, error);
    }
    match error.kind() {
        ErrorKind::ConnectionRefused => {
            format!("nothing listens at {broker}: check that the broker runs, and its port")
        }
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::UnexpectedEof
        | ErrorKind::BrokenPipe => {
            format!("the connection to {broker} broke: check the network and the log of the broker")
        }
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
            format!("there is no way to {broker}: check the network cable, the address and the gateway")
        }
        ErrorKind::TimedOut => no_answer(&broker),
        // A name that is not found has no kind of its own.
        _ => format!("cannot connect to {broker} ({error}): check the host name and the network"),
    }
}

fn of_refusal(settings: &Settings, code: ConnectReturnCode) -> String {
    let advice = match code {
        ConnectReturnCode::BadUserNamePassword => "check user name and password".to_owned(),
        ConnectReturnCode::NotAuthorized => match &settings.username {
            Some(user) => format!("check the password and the access rights of the user {user:?}"),
            None => "the broker asks for a user name and a password: add them".to_owned(),
        },
        ConnectReturnCode::ClientIdentifierNotValid | ConnectReturnCode::BadClientId => {
            format!("the broker does not take the client id {:?}", settings.client_id)
        }
        ConnectReturnCode::UnsupportedProtocolVersion | ConnectReturnCode::RefusedProtocolVersion => {
            "the broker does not speak MQTT 5".to_owned()
        }
        ConnectReturnCode::ServerUnavailable
        | ConnectReturnCode::ServerBusy
        | ConnectReturnCode::ConnectionRateExceeded => "the broker is overloaded or starting".to_owned(),
        ConnectReturnCode::Banned => "this client is banned: check the broker's list".to_owned(),
        _ => "check the log of the broker".to_owned(),
    };
    format!("{} refuses the connection ({}): {advice}", broker(settings), words(&code))
}

pub(super) fn of_refused_subscription(settings: &Settings, topic: &str, code: SubscribeReasonCode) -> String {
    let why = match code {
        SubscribeReasonCode::Success(_) => "only without acknowledgement (QoS 0)".to_owned(),
        other => words(&other),
    };
    format!(
        "{} does not let this client subscribe to {topic:?} ({why}): check the access rules of the broker",
        broker(settings)
    )
}

pub(super) fn of_silence(settings: &Settings, what: &str, seconds: f64) -> String {
    format!("{} did not acknowledge a {what} within {seconds} s: check the broker and the network", broker(settings))
}

fn no_answer(broker: &str) -> String {
    format!("{broker} does not answer: check the address, the network and the firewall")
}

/// The words of a reason code, made from its name: `NotAuthorized` gives "not authorized".
pub(super) fn words(code: &impl std::fmt::Debug) -> String {
    let mut words = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

pub(super) fn of_puback(reason: PubAckReason) -> String {
    format!("{} (0x{:02X})", words(&reason), reason as u8)
}

pub(super) fn of_disconnect(reason: DisconnectReasonCode) -> String {
    format!("{}, 0x{:02X}", words(&reason), reason as u8)
}
