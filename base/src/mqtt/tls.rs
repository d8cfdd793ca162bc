//! TLS to the broker: which files, and what is made of them for one connection.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use crate::files;

/// Most bytes of a file with certificates or a key. The bundle of all public CAs has a quarter of it.
const MOST_BYTES: u64 = 1 << 20;

/// The files for TLS. They are read again for each connection, so that a renewed certificate needs no restart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// CA certificates in PEM that may have signed the broker's; the system's where none is named.
    pub ca: Option<PathBuf>,
    /// This client's certificate, with those between it and its CA, and its key, both in PEM; where the broker asks for one.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// What stands in the files cannot be used. Says which file, and what to do.
#[derive(Debug, thiserror::Error)]
pub(super) enum TlsError {
    #[error(transparent)]
    File(#[from] files::Error),
    #[error("`{path}` cannot be read as PEM: write the {what} into it as text that begins with -----BEGIN")]
    NotPem { path: PathBuf, what: &'static str, source: pem::Error },
    #[error(
        "`{path}` holds no certificate: write the {what} into it as text that begins with -----BEGIN CERTIFICATE-----"
    )]
    NoCertificate { path: PathBuf, what: &'static str },
    #[error("a certificate in `{path}` is none: make the file anew")]
    BadCertificate { path: PathBuf, source: rustls::Error },
    #[error("`{path}` holds no private key: write the key of the certificate into it, without a passphrase, in PEM")]
    NoKey { path: PathBuf },
    #[error(
        "the certificate `{certificate}` and the key `{key}` cannot be used together: take the key that the certificate was made for"
    )]
    Identity { certificate: PathBuf, key: PathBuf, source: rustls::Error },
    #[error("this system has no CA certificates: install ca-certificates, or name the CA of the broker with ca_file")]
    NoRoots,
    #[error("TLS cannot be used")]
    Unusable(#[source] rustls::Error),
}

impl Tls {
    /// What a connection needs, from the files as they are now.
    pub(super) fn config(&self) -> Result<Arc<ClientConfig>, TlsError> {
        let roots = match &self.ca {
            Some(path) => of_file(path)?,
            None => of_system()?,
        };
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Unusable)?
            .with_root_certificates(roots);
        let Some((certificate, key)) = &self.identity else { return Ok(Arc::new(builder.with_no_client_auth())) };
        let chain = certificates(certificate, "certificate of this client")?;
        let secret =
            PrivateKeyDer::from_pem_slice(&files::read_small(key, MOST_BYTES)?).map_err(|source| match source {
                pem::Error::NoItemsFound => TlsError::NoKey { path: key.clone() },
                source => TlsError::NotPem { path: key.clone(), what: "private key", source },
            })?;
        let config = builder.with_client_auth_cert(chain, secret).map_err(|source| TlsError::Identity {
            certificate: certificate.clone(),
            key: key.clone(),
            source,
        })?;
        Ok(Arc::new(config))
    }
}

fn certificates(path: &Path, what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = files::read_small(path, MOST_BYTES)?;
    let all = CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>();
    let all = all.map_err(|source| TlsError::NotPem { path: path.to_owned(), what, source })?;
    if all.is_empty() { Err(TlsError::NoCertificate { path: path.to_owned(), what }) } else { Ok(all) }
}

fn of_file(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path, "CA certificate of the broker")? {
        roots.add(certificate).map_err(|source| TlsError::BadCertificate { path: path.to_owned(), source })?;
    }
    Ok(roots)
}

/// Those that the system trusts. One that cannot be read leaves the others.
fn of_system() -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() { Err(TlsError::NoRoots) } else { Ok(roots) }
}
