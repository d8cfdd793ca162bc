//! The station's key.

use std::path::{Path, PathBuf};

use records::{SigningKey, keys};

/// The key could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] base::files::Error),
    /// The file is not a key.
    #[error(
        "`{path}` is not a station key: restore it from a backup; with a new key the service has to enrol the station anew"
    )]
    NotAKey {
        /// The file.
        path: PathBuf,
    },
    /// No random bytes for a new key.
    #[error(transparent)]
    NoRandomness(#[from] keys::NoRandomness),
}

fn file(folder: &Path) -> PathBuf {
    folder.join("station.key")
}

/// The key in `folder`; `None` where the station has not run yet.
///
/// # Errors
/// [`IdentityError`].
pub fn load(folder: &Path) -> Result<Option<SigningKey>, IdentityError> {
    read(file(folder))
}

fn read(path: PathBuf) -> Result<Option<SigningKey>, IdentityError> {
    let Some(bytes) = base::files::read_optional(&path)? else { return Ok(None) };
    let seed = std::str::from_utf8(&bytes).ok().and_then(|text| text.trim().parse().ok());
    seed.map(|seed| Some(SigningKey::from_seed(seed))).ok_or(IdentityError::NotAKey { path })
}

/// The key in `folder`, made at the first start and readable by its owner alone.
///
/// # Errors
/// [`IdentityError`].
pub fn load_or_make(folder: &Path) -> Result<SigningKey, IdentityError> {
    if let Some(key) = load(folder)? {
        return Ok(key);
    }
    base::files::ensure_folder(folder, 0o750)?;
    let key = SigningKey::generate()?;
    write(&file(folder), &key)?;
    Ok(key)
}

fn next_file(folder: &Path) -> PathBuf {
    folder.join("station.key.next")
}

fn write(path: &Path, key: &SigningKey) -> Result<(), IdentityError> {
    Ok(base::files::write_atomic(path, format!("{}\n", key.seed()).as_bytes(), 0o600)?)
}

/// The key that the station takes at its next start, where one was made.
///
/// # Errors
/// [`IdentityError`].
pub fn next(folder: &Path) -> Result<Option<SigningKey>, IdentityError> {
    read(next_file(folder))
}

/// Makes the key that the station takes at its next start; the one that was made before, if it was not taken yet.
///
/// # Errors
/// [`IdentityError`].
pub fn make_next(folder: &Path) -> Result<SigningKey, IdentityError> {
    if let Some(key) = next(folder)? {
        return Ok(key);
    }
    let key = SigningKey::generate()?;
    write(&next_file(folder), &key)?;
    Ok(key)
}

/// The next key has signed its first record: it is the key from now on.
///
/// # Errors
/// When the disk does not take it.
pub fn adopt_next(folder: &Path, key: &SigningKey) -> Result<(), IdentityError> {
    write(&file(folder), key)?;
    let path = next_file(folder);
    std::fs::remove_file(&path).map_err(|source| base::files::Error { action: "remove", path, source })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_key_is_made_once_and_kept_from_others() {
        let folder = tempfile::tempdir().unwrap();
        assert!(load(folder.path()).unwrap().is_none());
        let made = load_or_make(folder.path()).unwrap().public();
        assert_eq!(load_or_make(folder.path()).unwrap().public(), made);
        let mode = std::fs::metadata(file(folder.path())).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(file(folder.path()), "rubbish").unwrap();
        assert!(matches!(load_or_make(folder.path()), Err(IdentityError::NotAKey { .. })));
    }
}
