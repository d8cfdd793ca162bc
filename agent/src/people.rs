//! People stand in records only as a keyed pseudonym: a badge is never written down. Without the key nobody can tell which
//! badge a pseudonym is, so deleting it erases.

use std::path::Path;

use base::files;
use records::{FixedBytes, keys};
use sha2::{Digest, Sha256};

/// The file of the key in the data folder.
const FILE: &str = "people.key";

/// The key of the pseudonyms.
#[derive(Clone, PartialEq, Eq)]
pub struct PeopleKey([u8; 32]);

impl std::fmt::Debug for PeopleKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PeopleKey")
    }
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// The file.
    #[error(transparent)]
    File(#[from] files::Error),
    /// The file has something else in it.
    #[error("{path} has no key of 64 hexadecimal digits: restore it, or delete it, and people get new pseudonyms")]
    NoKey {
        /// The file.
        path: String,
    },
    /// The system gives no random bytes.
    #[error("no key for the pseudonyms of people could be made")]
    Random(#[from] keys::NoRandomness),
}

impl PeopleKey {
    /// The key of this data folder; made where there is none.
    ///
    /// # Errors
    /// When it cannot be read or made.
    pub fn load_or_make(folder: &Path) -> Result<Self, PeopleError> {
        let path = folder.join(FILE);
        if let Some(bytes) = files::read_optional(&path)? {
            let key = std::str::from_utf8(&bytes).ok().and_then(|text| text.trim_end().parse::<FixedBytes<32>>().ok());
            return key.map(|key| Self(key.0)).ok_or_else(|| PeopleError::NoKey { path: path.display().to_string() });
        }
        let key: FixedBytes<32> = keys::random()?;
        files::write_atomic(&path, format!("{key}\n").as_bytes(), 0o600)?;
        Ok(Self(key.0))
    }

    /// The key of this data folder, where there is one: what only looks makes none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn load(folder: &Path) -> Result<Option<Self>, PeopleError> {
        match folder.join(FILE).exists() {
            true => Self::load_or_make(folder).map(Some),
            false => Ok(None),
        }
    }

    /// A key for tests and for looking at a configuration alone.
    #[must_use]
    pub fn fixed(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The pseudonym of a badge: 16 hexadecimal digits.
    #[must_use]
    pub fn pseudonym(&self, badge: &str) -> String {
        let digest = Sha256::new().chain_update(b"lotline badge").chain_update(self.0).chain_update(badge).finalize();
        digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_stays_until_its_key_is_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let first = PeopleKey::load_or_make(folder.path()).unwrap();
        let name = first.pseudonym("0815");
        assert_eq!((name.len(), name.contains("0815")), (16, false));
        assert_ne!(name, first.pseudonym("0816"));
        assert_eq!(PeopleKey::load_or_make(folder.path()).unwrap().pseudonym("0815"), name);
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &std::fs::metadata(folder.path().join(FILE)).unwrap().permissions(),
        );
        assert_eq!(mode & 0o777, 0o600);
        std::fs::remove_file(folder.path().join(FILE)).unwrap();
        assert_ne!(PeopleKey::load_or_make(folder.path()).unwrap().pseudonym("0815"), name, "nobody can tell any more");
        std::fs::write(folder.path().join(FILE), "short").unwrap();
        assert!(matches!(PeopleKey::load_or_make(folder.path()), Err(PeopleError::NoKey { .. })));
    }
}
