//! The folder in which a line keeps everything.

use std::fs::File;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::LineError;

/// A path of a Unix socket has at most 107 bytes.
const LONGEST_FOLDER: usize = 80;

/// The folder, absolute, and its guard where it is temporary.
pub(super) fn folder(wanted: Option<&Path>) -> Result<(PathBuf, Option<tempfile::TempDir>), LineError> {
    let (path, temporary) = match wanted {
        Some(path) => {
            make_folder(path)?;
            (path.to_owned(), None)
        }
        None => {
            let made = tempfile::Builder::new().prefix("lotline-demo-").tempdir();
            let path = std::env::temp_dir();
            let made = made.map_err(|source| LineError::File { action: "make a folder in", path, source })?;
            (made.path().to_owned(), Some(made))
        }
    };
    let path = path.canonicalize().map_err(|source| LineError::File { action: "find", path, source })?;
    if path.as_os_str().len() > LONGEST_FOLDER || path.to_str().is_none() {
        return Err(LineError::FolderName(path));
    }
    Ok((path, temporary))
}

pub(super) fn make_folder(path: &Path) -> Result<(), LineError> {
    std::fs::create_dir_all(path).map_err(|source| LineError::File {
        action: "make the folder",
        path: path.to_owned(),
        source,
    })
}

/// Two lines in one folder would be two stations with one name.
pub(super) fn lock(folder: &Path) -> Result<File, LineError> {
    let path = folder.join("lock");
    let file = File::options().create(true).append(true).open(&path);
    let file = file.map_err(|source| LineError::File { action: "write", path, source })?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(_) => Err(LineError::FolderInUse(folder.to_owned())),
    }
}
