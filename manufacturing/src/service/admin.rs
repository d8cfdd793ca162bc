//! The token of whoever may change things.

use std::path::{Path, PathBuf};

use base::files;
use records::chain::hash_line;
use records::{FixedBytes, Hash, keys};

/// Name of its file in the data folder: 64 hexadecimal digits.
pub const FILE: &str = "admin.token";

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// Its file.
    #[error(transparent)]
    File(#[from] files::Error),
    /// It holds something else.
    #[error("`{0}` does not hold 64 hexadecimal digits: remove it, and the next start makes a new one")]
    NoToken(PathBuf),
    /// No new one could be made.
    #[error("cannot make a token")]
    NoRandomness(#[from] keys::NoRandomness),
}

/// The digest of the token. Digests are compared, never the token: how long that takes says nothing of it.
#[derive(Clone, Copy)]
pub struct AdminToken(Hash);

impl AdminToken {
    /// The token of this text.
    pub fn new(text: &str) -> Self {
        Self(hash_line(text.as_bytes()))
    }

    /// Is it this one?
    pub fn is(&self, given: &[u8]) -> bool {
        hash_line(given) == self.0
    }

    /// Reads the token of a data folder, and makes it at the first start.
    pub fn load(folder: &Path) -> Result<Self, AdminError> {
        let path = folder.join(FILE);
        let Some(bytes) = files::read_optional(&path)? else {
            let token: FixedBytes<32> = keys::random()?;
            files::write_atomic(&path, format!("{token}\n").as_bytes(), 0o600)?;
            return Ok(Self::new(&token.to_string()));
        };
        let text = std::str::from_utf8(&bytes).unwrap_or_default().trim_end();
        let token: FixedBytes<32> = text.parse().map_err(|_| AdminError::NoToken(path.clone()))?;
        super::protect(&path)?;
        Ok(Self::new(&token.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn it_is_made_once_for_its_owner_alone_and_nothing_else_passes_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        assert!(AdminToken::load(folder.path()).is_ok());
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!((text.len(), std::fs::metadata(&path).unwrap().permissions().mode() & 0o777), (65, 0o600));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let token = AdminToken::load(folder.path()).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(token.is(text.trim_end().as_bytes()));
        for wrong in [&b""[..], text.as_bytes(), &text.as_bytes()[..63], text.to_uppercase().trim_end().as_bytes()] {
            assert!(!token.is(wrong));
        }
        std::fs::write(&path, "secret\n").unwrap();
        let error = AdminToken::load(folder.path()).err().unwrap().to_string();
        assert!(error.contains(FILE) && !error.contains("secret"), "{error}");
    }
}
