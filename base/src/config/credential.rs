//! Files with secrets and certificates: a path, or the name of a credential that systemd hands to the service.

use std::path::{Path, PathBuf};

use super::Section;

/// What a value begins with that names a credential.
const PREFIX: &str = "credential:";

/// A value names no credential that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// Not a file name.
    #[error("found the name of a credential that is no plain file name, allowed: letters, digits, `-`, `_` and `.`")]
    Name,
    /// Not started by systemd with credentials.
    #[error("found the name of a credential, but systemd gave this program none: CREDENTIALS_DIRECTORY is not set")]
    NoDirectory,
}

impl CredentialError {
    fn help(&self) -> &'static str {
        match self {
            Self::Name => "write credential:NAME with the NAME of LoadCredential=NAME:FILE in the unit",
            Self::NoDirectory => {
                "add LoadCredential=NAME:FILE to the unit and start it with systemctl, or write the path of a file"
            }
        }
    }
}

/// The file that a value names: `credential:NAME` is NAME in `directory`, which is `$CREDENTIALS_DIRECTORY` of a service
/// whose unit says `LoadCredential=` (systemd.exec(5)); anything else is a path.
///
/// # Errors
/// There is no such directory, or NAME is no plain file name.
pub fn secret_file(value: &str, directory: Option<&Path>) -> Result<PathBuf, CredentialError> {
    let Some(name) = value.strip_prefix(PREFIX) else { return Ok(value.into()) };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if matches!(name, "" | "." | "..") || !name.bytes().all(plain) {
        return Err(CredentialError::Name);
    }
    let directory = directory.filter(|directory| directory.is_absolute()).ok_or(CredentialError::NoDirectory)?;
    Ok(directory.join(name))
}

impl Section<'_> {
    /// The path of a file with a secret or a certificate, as [`secret_file`] understands it; `None` when it is absent
    /// or faulty.
    pub fn secret_file(&self, key: &str) -> Option<PathBuf> {
        let value = self.string(key).optional()?;
        let directory = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        // The value is not shown: it might be the secret itself.
        let fault = |error: CredentialError| self.fault(key, error.to_string(), error.help());
        secret_file(&value, directory.as_deref()).map_err(fault).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Document;

    #[test]
    fn a_credential_is_a_file_in_the_directory_that_systemd_names() {
        let directory = Some(Path::new("/run/credentials/a.service"));
        assert_eq!(secret_file("/etc/pw", None), Ok("/etc/pw".into()));
        assert_eq!(secret_file("credential", None), Ok("credential".into()));
        assert_eq!(secret_file("credential:broker.pw", directory), Ok("/run/credentials/a.service/broker.pw".into()));
        assert_eq!(secret_file("credential:x", None), Err(CredentialError::NoDirectory));
        assert_eq!(secret_file("credential:x", Some(Path::new(""))), Err(CredentialError::NoDirectory));
        for name in ["", ".", "..", "../x", "/etc/shadow", "a/b", "a b", "a\0", "é"] {
            assert_eq!(secret_file(&format!("credential:{name}"), directory), Err(CredentialError::Name), "{name}");
        }
    }

    #[test]
    fn faults_have_a_place_and_show_no_value() {
        // Tests are not started by systemd with credentials.
        let text = "[broker]\npassword_file = \"credential:hunter2\"\nkey_file = \"credential:../hunter2\"\n";
        let document = Document::parse("a.toml".as_ref(), text).unwrap();
        let broker = document.root().section("broker");
        assert_eq!((broker.secret_file("password_file"), broker.secret_file("key_file")), (None, None));
        let faults = document.finish().unwrap_err().to_string();
        assert!(faults.contains("a.toml:2:17: broker.password_file: found the name of a credential, but"), "{faults}");
        assert!(faults.contains("a.toml:3:12: broker.key_file: found the name of a credential that is no"), "{faults}");
        assert!(faults.contains("LoadCredential=") && !faults.contains("hunter2"), "{faults}");
    }
}
