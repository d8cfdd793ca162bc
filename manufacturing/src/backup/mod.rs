//! A copy of the store and the service's key that a new machine can go on with.
//!
//! A backup is a folder: the store as of one moment, the key, and [`MANIFEST`], which is written last and says what the
//! others are. Nothing else of a data folder is needed: the token of whoever may change things is made anew. The service
//! may run meanwhile. What it stored after that moment comes again from the stations, which keep it for days after its
//! receipt; what it decided itself does not, and has to be decided again.

mod make;
mod restore;
#[cfg(test)]
mod tests;

use std::io::Read;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use records::{Hash, PublicKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use make::make;
pub use restore::restore;

/// Name of the file that says what a backup is.
pub const MANIFEST: &str = "backup.json";
/// A manifest is far shorter.
const MOST_MANIFEST: u64 = 64 << 10;
/// Bytes that are read at once.
const CHUNK: usize = 1 << 20;

/// What a backup is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Version of this form: 1.
    pub v: u8,
    /// When it was made.
    pub made_at: Timestamp,
    /// The program's version.
    pub program: String,
    /// The highest position in it.
    pub position: u64,
    /// Its devices.
    pub devices: u64,
    /// Length of the store in bytes.
    pub bytes: u64,
    /// SHA-256 of the store.
    pub sha256: Hash,
    /// The service's key.
    pub key: PublicKey,
}

/// Why there is no backup, or nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder.
    #[error(transparent)]
    File(#[from] base::files::Error),
    /// A file cannot be read or copied.
    #[error("cannot {action} `{path}`")]
    Copy {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] base::sqlite::Error),
    /// The store could not be copied.
    #[error("cannot copy the store to `{path}`: look whether there is room on that disk")]
    Vacuum {
        /// The copy.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// There is nothing to make a backup of.
    #[error("there is no store in `{0}`: name the service's data folder with --data")]
    NoStore(PathBuf),
    /// The folder for the backup is in use.
    #[error("`{0}` is not empty: name a new folder for each backup, for instance with the date in its name")]
    NotEmpty(PathBuf),
    /// There is a store where one should be restored.
    #[error("`{0}` is there already and is not replaced: stop the service and move it away first")]
    InTheWay(PathBuf),
    /// The folder is no whole backup.
    #[error("`{0}` is no whole backup: it has no readable {MANIFEST}, which is written last")]
    NoBackup(PathBuf),
    /// A newer program made it.
    #[error(
        "the backup has form {0}, this program knows form 1: restore it with the program that made it, or a newer one"
    )]
    Newer(u8),
    /// The copy is not what was made.
    #[error("`{path}` is not what the backup was made of: {found}; take another backup")]
    Changed {
        /// The file.
        path: PathBuf,
        /// What is different.
        found: String,
    },
    /// No name for the restored service could be made.
    #[error(transparent)]
    NoRandomness(#[from] records::keys::NoRandomness),
    /// The key file does not hold a key.
    #[error("`{0}` does not hold the service's key: 64 hexadecimal digits")]
    Key(PathBuf),
}

/// A failure to read or copy a file.
fn copy<'a>(action: &'static str, path: &'a Path) -> impl Fn(std::io::Error) -> Error + 'a {
    move |source| Error::Copy { action, path: path.to_owned(), source }
}

/// Length and SHA-256 of a file; `at` is told how far it is.
fn digest(path: &Path, mut at: impl FnMut(u64)) -> Result<(u64, Hash), Error> {
    let failed = copy("read", path);
    let mut file = std::fs::File::open(path).map_err(&failed)?;
    let (mut hasher, mut bytes, mut chunk) = (Sha256::new(), 0_u64, vec![0; CHUNK]);
    loop {
        let read = file.read(&mut chunk).map_err(&failed)?;
        if read == 0 {
            return Ok((bytes, records::FixedBytes(hasher.finalize().into())));
        }
        hasher.update(&chunk[..read]);
        bytes += read as u64;
        at(bytes);
    }
}

/// The public key of the seed in a key file.
fn public_key(text: &[u8], path: &Path) -> Result<PublicKey, Error> {
    let text = std::str::from_utf8(text).unwrap_or_default().trim_end();
    let seed: records::FixedBytes<32> = text.parse().map_err(|_| Error::Key(path.to_owned()))?;
    Ok(records::SigningKey::from_seed(seed).public())
}
