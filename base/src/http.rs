//! HTTP clients that ask a service of the plant.

use std::sync::Arc;

use reqwest::{Client, ClientBuilder, redirect};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::tls::{self, Tls};

/// A client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The files for TLS.
    #[error(transparent)]
    Tls(#[from] tls::Error),
    /// Anything else.
    #[error("the system gives no HTTP client")]
    Client(#[from] reqwest::Error),
}

/// A client for addresses of `https://`, with these files; without them only `http://` is asked.
///
/// A plant's proxy is for the world outside, and a redirect would hand serials to somebody else: neither is used. The files
/// are read once.
///
/// # Errors
/// [`enum@Error`].
pub fn client(tls: Option<&Tls>) -> Result<Client, Error> {
    Ok(builder(tls)?.build()?)
}

/// As [`client`], to be given limits of time.
///
/// # Errors
/// [`enum@Error`].
pub fn builder(tls: Option<&Tls>) -> Result<ClientBuilder, tls::Error> {
    let config = match tls {
        Some(tls) => tls.config()?,
        None => Arc::new(trusts_nobody()?),
    };
    let builder = Client::builder().no_proxy().redirect(redirect::Policy::none());
    Ok(builder.tls_backend_preconfigured(ClientConfig::clone(&config)))
}

fn trusts_nobody() -> Result<ClientConfig, tls::Error> {
    Ok(tls::builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use axum::routing::get;
    use rcgen::ExtendedKeyUsagePurpose;
    use tokio::net::TcpListener;

    use super::*;
    use crate::describe;
    use crate::tls::end::{BOTH, Ca, Made, ca_file, tls_before};

    async fn service() -> u16 {
        let router = axum::Router::new().route("/", get(async || "yes"));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(axum::serve(listener, router).into_future());
        port
    }

    /// What a client with these files hears from a service with this certificate.
    async fn asked(made: &Made, tls: Option<&Tls>) -> Result<String, String> {
        let port = tls_before(service().await, made, None, BOTH).await;
        let client = client(tls).map_err(|error| describe(&error))?;
        let answer = client.get(format!("https://127.0.0.1:{port}/")).send().await;
        Ok(answer.map_err(|error| describe(&error))?.text().await.unwrap())
    }

    #[tokio::test]
    async fn plain_http_needs_no_files() {
        let port = service().await;
        let answer = client(None).unwrap().get(format!("http://127.0.0.1:{port}/")).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "yes");
    }

    #[tokio::test]
    async fn only_a_service_that_the_ca_knows_is_asked() {
        let (folder, ca, other) = (tempfile::tempdir().unwrap(), Ca::new(), Ca::new());
        let tls = ca_file(folder.path(), &ca);
        assert_eq!(asked(&ca.server("127.0.0.1"), Some(&tls)).await.as_deref(), Ok("yes"));
        let expired = ca.issue("127.0.0.1", 2021, ExtendedKeyUsagePurpose::ServerAuth);
        for (made, says) in [
            (other.server("127.0.0.1"), "invalid peer certificate"),
            (ca.server("elsewhere.test"), "not valid for name"),
            (expired, "expired"),
        ] {
            let said = asked(&made, Some(&tls)).await.unwrap_err();
            assert!(said.contains(says), "{said}");
        }
        assert!(asked(&ca.server("127.0.0.1"), None).await.is_err(), "nobody is trusted");
        let gone = Tls { ca: Some(Path::new("/gone/ca.pem").into()), identity: None };
        assert!(asked(&ca.server("127.0.0.1"), Some(&gone)).await.unwrap_err().contains("/gone/ca.pem"));
    }
}
