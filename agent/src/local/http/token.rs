//! The token that a screen shows once the page is reachable from other computers.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Fewest characters of a token.
const FEWEST: usize = 16;

/// The token cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Its file.
    #[error(transparent)]
    File(#[from] base::files::Error),
    /// There is no such file.
    #[error("the token file `{0}` is missing: make it, for example with `openssl rand -hex 16 > {0}`")]
    Missing(PathBuf),
    /// It is no token.
    #[error(
        "the token file `{0}` holds no token: write one line of at least {FEWEST} letters and digits into it, for example \
         with `openssl rand -hex 16 > {0}`"
    )]
    NoToken(PathBuf),
}

/// Digests of the token. Digests are compared, never the token: how long that takes says nothing of it.
#[derive(Clone, Copy)]
pub struct Token {
    bearer: [u8; 32],
    cookie: [u8; 32],
}

impl Token {
    /// Reads the file with the token.
    ///
    /// # Errors
    /// When it is missing, or holds no token.
    pub fn load(file: &Path) -> Result<Self, TokenError> {
        let bytes = base::files::read_optional(file)?.ok_or_else(|| TokenError::Missing(file.to_owned()))?;
        let text = bytes.trim_ascii();
        if text.len() < FEWEST || !text.iter().all(u8::is_ascii_graphic) {
            return Err(TokenError::NoToken(file.to_owned()));
        }
        Ok(Self::new(text))
    }

    pub(super) fn new(token: &[u8]) -> Self {
        Self { bearer: digest(token), cookie: digest(cookie(token).as_bytes()) }
    }

    pub(super) fn is(&self, given: &[u8]) -> bool {
        digest(given) == self.bearer
    }

    pub(super) fn is_cookie(&self, given: &[u8]) -> bool {
        digest(given) == self.cookie
    }
}

/// What a browser keeps instead of the token. It lasts until the token is changed, also over a restart of the station.
pub(super) fn cookie(token: &[u8]) -> String {
    let hash = Sha256::new().chain_update(b"lotline page cookie").chain_update(token).finalize();
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn digest(text: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(b"lotline page token").chain_update(text).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_is_the_token() {
        let token = Token::new(b"0123456789abcdef");
        assert!(token.is(b"0123456789abcdef") && token.is_cookie(cookie(b"0123456789abcdef").as_bytes()));
        for wrong in [&b""[..], b"0123456789abcde", b"0123456789abcdef0", cookie(b"0123456789abcdef").as_bytes()] {
            assert!(!token.is(wrong), "{wrong:?}");
        }
        assert!(!token.is_cookie(b"0123456789abcdef") && !token.is_cookie(b""));
    }

    #[test]
    fn a_file_without_a_token_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("page.token");
        assert!(matches!(Token::load(&file), Err(TokenError::Missing(_))));
        for wrong in [&b""[..], b"short\n", b"0123456789abcdef two lines\nof text\n", b"0123456789\xffabcdef\n"] {
            std::fs::write(&file, wrong).unwrap();
            let error = Token::load(&file).err().unwrap().to_string();
            assert!(error.contains("openssl rand") && !error.contains("0123"), "{error}");
        }
        std::fs::write(&file, "0123456789abcdef\r\n").unwrap();
        assert!(Token::load(&file).unwrap().is(b"0123456789abcdef"));
    }
}
