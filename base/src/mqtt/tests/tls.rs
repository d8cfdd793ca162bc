//! Sessions over TLS: a TLS end before the scripted broker.

use rcgen::ExtendedKeyUsagePurpose;
use tokio::net::TcpListener;
use tokio_rustls::rustls::version;

use super::*;
use crate::tls::end::{BOTH, Ca, Made, ca_file, identity, tls_before};

fn settings(broker: &Broker, port: u16, tls: Tls) -> Settings {
    Settings { port, tls: Some(tls), ..broker.settings("a") }
}

/// The reason of a session with these settings.
async fn refused(settings: Settings) -> String {
    let (_client, mut events) = start(settings);
    disconnected(&mut events).await
}

#[tokio::test]
async fn with_the_ca_of_the_broker_messages_go_through() {
    let (folder, ca, broker) = (tempfile::tempdir().unwrap(), Ca::new(), Broker::start().await.unwrap());
    for (name, versions) in [("127.0.0.1", BOTH), ("127.0.0.1", &[&version::TLS12])] {
        let port = tls_before(broker.port(), &ca.server(name), None, versions).await;
        let (client, mut events) = start(settings(&broker, port, ca_file(folder.path(), &ca)));
        let mut peer = broker.welcome(false, false).await.unwrap();
        connected(&mut events).await;
        let sending = publish(&client, "secret");
        let (id, text) = published(&mut peer).await;
        assert_eq!(text, "secret");
        peer.puback(id, 0).await.unwrap();
        sending.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_good_says_why() {
    let (folder, ca, other) = (tempfile::tempdir().unwrap(), Ca::new(), Ca::new());
    let broker = Broker::start().await.unwrap();
    let expired = ca.issue("127.0.0.1", 2021, ExtendedKeyUsagePurpose::ServerAuth);
    let for_clients = ca.issue("127.0.0.1", 2100, ExtendedKeyUsagePurpose::ClientAuth);
    for (made, says) in [
        (expired, &["expired", "days ago: renew it", "check the clock"][..]),
        (other.server("127.0.0.1"), &["is not signed by a CA in", "ca.pem"]),
        (ca.server("broker.example"), &["not for the name \"127.0.0.1\"", "only", "broker.example", "subjectAltName"]),
        (for_clients, &["not one for servers", "serverAuth"]),
    ] {
        let port = tls_before(broker.port(), &made, None, BOTH).await;
        let reason = refused(settings(&broker, port, ca_file(folder.path(), &ca))).await;
        assert!(reason.contains(&format!("127.0.0.1:{port}")), "{reason}");
        assert!(says.iter().all(|part| reason.contains(part)), "{reason}");
    }
    let port = tls_before(broker.port(), &ca.server("127.0.0.1"), None, BOTH).await;
    let reason = refused(settings(&broker, port, Tls::default())).await;
    assert!(reason.contains("ca_file"), "{reason}");
}

#[tokio::test]
async fn a_client_certificate_is_shown_and_its_refusal_is_told() {
    let (folder, ca, other) = (tempfile::tempdir().unwrap(), Ca::new(), Ca::new());
    let broker = Broker::start().await.unwrap();
    for versions in [BOTH, &[&version::TLS12]] {
        let port = tls_before(broker.port(), &ca.server("127.0.0.1"), Some(&ca), versions).await;
        let tls = |made: Option<&Made>| {
            let identity = made.and_then(|made| identity(folder.path(), made));
            settings(&broker, port, Tls { identity, ..ca_file(folder.path(), &ca) })
        };
        let reason = refused(tls(None)).await;
        assert!(reason.contains("asks for a client certificate") && reason.contains("certificate_file"), "{reason}");
        let reason = refused(tls(Some(&other.client(2100)))).await;
        assert!(reason.contains("refuses the certificate") && reason.contains("me.pem"), "{reason}");
        let reason = refused(tls(Some(&ca.client(2021)))).await;
        assert!(reason.contains("me.pem`: it has expired, renew it"), "{reason}");
        let (_client, mut events) = start(tls(Some(&ca.client(2100))));
        let _peer = broker.welcome(false, false).await.unwrap();
        connected(&mut events).await;
    }
}

#[tokio::test]
async fn files_are_read_again_for_each_connection() {
    let (folder, ca, other) = (tempfile::tempdir().unwrap(), Ca::new(), Ca::new());
    let broker = Broker::start().await.unwrap();
    let port = tls_before(broker.port(), &ca.server("127.0.0.1"), Some(&ca), BOTH).await;
    let path = |name| folder.path().join(name);
    let tls = Tls { ca: Some(path("ca.pem")), identity: Some((path("me.pem"), path("me.key"))) };
    let password_file = Some(path("password"));
    let (client, mut events) = start(Settings { password_file, ..settings(&broker, port, tls) });
    // Each fault is told, nothing ends, and mending it is enough.
    let mut told = async |parts: &[&str]| {
        let reason = disconnected(&mut events).await;
        assert!(parts.iter().all(|part| reason.contains(part)), "{parts:?}: {reason}");
    };
    told(&["password", "put the file there"]).await;
    std::fs::write(path("password"), "").unwrap();
    told(&["password", "write one line of text"]).await;
    std::fs::write(path("password"), "first").unwrap();
    told(&["ca.pem", "put the file there"]).await;
    std::fs::write(path("ca.pem"), "hello").unwrap();
    told(&["ca.pem", "holds no certificate"]).await;
    std::fs::write(path("ca.pem"), "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n").unwrap();
    told(&["ca.pem", "cannot be read as PEM"]).await;
    std::fs::write(path("ca.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    told(&["ca.pem", "make the file anew"]).await;
    std::fs::write(path("ca.pem"), &ca.pem).unwrap();
    told(&["me.pem", "put the file there"]).await;
    let made = ca.client(2100);
    std::fs::write(path("me.pem"), &made.certificate).unwrap();
    told(&["me.key", "put the file there"]).await;
    std::fs::write(path("me.key"), &made.certificate).unwrap();
    told(&["me.key", "holds no private key"]).await;
    std::fs::write(path("me.key"), other.client(2100).key).unwrap();
    told(&["me.pem", "me.key", "cannot be used together"]).await;
    std::fs::write(path("me.key"), &made.key).unwrap();
    let peer = broker.welcome(false, false).await.unwrap();
    assert_eq!(peer.connect.password.as_deref(), Some(b"first".as_slice()));
    connected(&mut events).await;
    // A password that was changed meanwhile is used by the next connection.
    std::fs::write(path("password"), "second").unwrap();
    drop(peer);
    let peer = broker.welcome(false, false).await.unwrap();
    assert_eq!(peer.connect.password.as_deref(), Some(b"second".as_slice()));
    client.close().await;
}

#[tokio::test]
async fn tls_on_one_side_only_is_told() {
    let (folder, ca, broker) = (tempfile::tempdir().unwrap(), Ca::new(), Broker::start().await.unwrap());
    let (_client, mut events) = start(settings(&broker, broker.port(), ca_file(folder.path(), &ca)));
    // The scripted broker takes the first bytes of TLS for a packet that is no CONNECT, and hangs up.
    assert!(broker.connection().await.is_err());
    let reason = disconnected(&mut events).await;
    assert!(reason.contains("broke") || reason.contains("does not speak TLS"), "{reason}");
    let plain = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = plain.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = plain.accept().await {
            drop(tokio::io::AsyncWriteExt::write_all(&mut stream, b"\x20\x03\0\x01\0 no TLS").await);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    let reason = refused(settings(&broker, port, ca_file(folder.path(), &ca))).await;
    assert!(reason.contains("does not speak TLS: use the broker's port for TLS"), "{reason}");
    let port = tls_before(broker.port(), &ca.server("127.0.0.1"), None, BOTH).await;
    let reason = refused(Settings { port, ..broker.settings("a") }).await;
    assert!(reason.contains("does not speak MQTT 5") || reason.contains("closed the connection"), "{reason}");
}
