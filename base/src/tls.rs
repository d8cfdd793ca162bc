//! TLS as a client: which files, and what is made of them for one connection.

#[cfg(test)]
pub(crate) mod end;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};

use crate::files;

/// Most bytes of a file with certificates or a key. The bundle of all public CAs has a quarter of it.
const MOST_BYTES: u64 = 1 << 20;

/// The files for TLS. They are read again for each connection, so that a renewed certificate needs no restart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// CA certificates in PEM that may have signed the server's; the system's where none is named.
    pub ca: Option<PathBuf>,
    /// This client's certificate, with those between it and its CA, and its key, both in PEM; where the server asks for one.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// What stands in the files cannot be used. Says which file, and what to do.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(#[from] Fault);

#[derive(Debug, thiserror::Error)]
enum Fault {
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
    #[error("this system has no CA certificates: install ca-certificates, or name the CA of the server with ca_file")]
    NoRoots,
    #[error("TLS cannot be used")]
    Unusable(#[source] rustls::Error),
}

impl Tls {
    /// What a connection needs, from the files as they are now.
    ///
    /// # Errors
    /// [`struct@Error`].
    pub fn config(&self) -> Result<Arc<ClientConfig>, Error> {
        let roots = match &self.ca {
            Some(path) => of_file(path)?,
            None => of_system()?,
        };
        let builder = builder()?.with_root_certificates(roots);
        let Some((certificate, key)) = &self.identity else { return Ok(Arc::new(builder.with_no_client_auth())) };
        let chain = certificates(certificate, "certificate of this client")?;
        let secret = PrivateKeyDer::from_pem_slice(&files::read_small(key, MOST_BYTES).map_err(Fault::File)?).map_err(
            |source| match source {
                pem::Error::NoItemsFound => Fault::NoKey { path: key.clone() },
                source => Fault::NotPem { path: key.clone(), what: "private key", source },
            },
        )?;
        let config = builder.with_client_auth_cert(chain, secret).map_err(|source| Fault::Identity {
            certificate: certificate.clone(),
            key: key.clone(),
            source,
        })?;
        Ok(Arc::new(config))
    }
}

/// A configuration with the cryptography of this program.
pub(crate) fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    Ok(builder.with_safe_default_protocol_versions().map_err(Fault::Unusable)?)
}

fn certificates(path: &Path, what: &'static str) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let bytes = files::read_small(path, MOST_BYTES)?;
    let all = CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>();
    let all = all.map_err(|source| Fault::NotPem { path: path.to_owned(), what, source })?;
    if all.is_empty() { Err(Fault::NoCertificate { path: path.to_owned(), what }) } else { Ok(all) }
}

fn of_file(path: &Path) -> Result<RootCertStore, Fault> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path, "CA certificate")? {
        roots.add(certificate).map_err(|source| Fault::BadCertificate { path: path.to_owned(), source })?;
    }
    Ok(roots)
}

/// Those that the system trusts. One that cannot be read leaves the others.
fn of_system() -> Result<RootCertStore, Fault> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() { Err(Fault::NoRoots) } else { Ok(roots) }
}
