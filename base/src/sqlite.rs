//! Opening SQLite stores so that a commit is durable, and bringing their tables up to date.
//!
//! Every pragma is read back after it was set, because SQLite ignores what it cannot do
//! (<https://www.sqlite.org/pragma.html>).

mod migrate;
mod profile;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, ffi};

pub use migrate::{Migration, migrate, schema_version};
pub use profile::Profile;

use crate::files;
use profile::Setting;

/// A store could not be opened, migrated or checked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be opened or read.
    #[error("cannot open the store `{path}`: check that its folder exists and that this user may write it")]
    Open {
        /// The store.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// Another program has the store open and does not share it.
    #[error("the store `{path}` is in use by another program: stop that one first, or ask it")]
    InUse {
        /// The store.
        path: PathBuf,
    },
    /// SQLite did not accept a setting that durability or safety depends on.
    #[error(
        "the store `{path}` does not take the setting {name} = {wanted}, it stays {got}: is the disk a network share?"
    )]
    Pragma {
        /// The store.
        path: PathBuf,
        /// Name of the pragma.
        name: &'static str,
        /// What was asked.
        wanted: String,
        /// What was read back.
        got: String,
    },
    /// A migration failed and was rolled back; earlier ones stay.
    #[error("the tables of the store cannot be brought to version {number}")]
    Migration {
        /// The version that was not reached.
        number: u32,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// A newer program wrote this store.
    #[error("the store has version {found}, this program knows up to {known}: install the newer program again")]
    Newer {
        /// Version of the store.
        found: u32,
        /// Highest version of this program.
        known: u32,
    },
    /// The file is not an SQLite database, or is damaged.
    #[error("the store `{path}` is damaged: {found}")]
    Damaged {
        /// The store.
        path: PathBuf,
        /// What the check found; the first lines if there are many.
        found: String,
    },
    /// A question about the store failed.
    #[error("cannot {action} the store")]
    Query {
        /// What was tried, as a verb.
        action: &'static str,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The files of the store cannot be moved.
    #[error(transparent)]
    File(#[from] files::Error),
}

/// Opens a store and sets and reads back every pragma of the profile, in order.
///
/// # Errors
/// [`Error::Open`], [`Error::InUse`], [`Error::Damaged`] when the file is no database, [`Error::Pragma`].
pub fn open(path: &Path, profile: &Profile) -> Result<Connection, Error> {
    let access = match profile.read_only {
        true => OpenFlags::SQLITE_OPEN_READ_ONLY,
        false => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
    };
    let failed = |source| opening_failed(path, source);
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = match &profile.vfs {
        Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs.as_str()),
        None => Connection::open_with_flags(path, flags),
    }
    .map_err(failed)?;
    connection.busy_timeout(profile.busy_timeout).map_err(failed)?;
    for (name, setting) in &profile.settings {
        set(&connection, path, name, setting)?;
    }
    Ok(connection)
}

fn set(connection: &Connection, path: &Path, name: &'static str, setting: &Setting) -> Result<(), Error> {
    let failed = |source| opening_failed(path, source);
    let read = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0));
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(failed);
    let wanted = match setting {
        Setting::Word(word) => {
            connection.pragma_update(None, name, word).map_err(failed)?;
            (*word).to_owned()
        }
        Setting::Number(value) => {
            connection.pragma_update(None, name, value).map_err(failed)?;
            value.to_string()
        }
        Setting::NumberWhenNew(value) => {
            if number("page_count")? > 0 {
                return Ok(());
            }
            connection.pragma_update(None, name, value).map_err(failed)?;
            value.to_string()
        }
        Setting::PagesOfBytes(bytes) => {
            let pages = i64::try_from(bytes / number("page_size")?.unsigned_abs().max(1)).unwrap_or(i64::MAX);
            connection.pragma_update(None, name, pages).map_err(failed)?;
            // A store that is already larger stays as it is and cannot grow.
            pages.max(number("page_count")?).to_string()
        }
    };
    let got = match read(name).map_err(failed)? {
        rusqlite::types::Value::Integer(value) => value.to_string(),
        rusqlite::types::Value::Text(text) => text,
        other => format!("{other:?}"),
    };
    if got.eq_ignore_ascii_case(&wanted) {
        Ok(())
    } else {
        Err(Error::Pragma { path: path.to_owned(), name, wanted, got })
    }
}

fn opening_failed(path: &Path, source: rusqlite::Error) -> Error {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(ffi::ErrorCode::DatabaseBusy | ffi::ErrorCode::DatabaseLocked) => Error::InUse { path },
        _ if is_damage(&source) => Error::Damaged { path, found: source.to_string() },
        _ => Error::Open { path, source },
    }
}

/// Looks for damage in the structure of the store (`PRAGMA quick_check`): pages, order, missing rows, not the content of
/// values.
///
/// # Errors
/// [`Error::Damaged`] with the first ten findings, [`Error::Query`].
pub fn quick_check(connection: &Connection) -> Result<(), Error> {
    let path = || PathBuf::from(connection.path().unwrap_or_default());
    let failed = |source| match is_damage(&source) {
        true => Error::Damaged { path: path(), found: source.to_string() },
        false => Error::Query { action: "check", source },
    };
    let mut found = Vec::new();
    connection
        .pragma(None, "quick_check", 10, |row| {
            found.push(row.get::<_, String>(0)?);
            Ok(())
        })
        .map_err(failed)?;
    if found == ["ok"] { Ok(()) } else { Err(Error::Damaged { path: path(), found: found.join("; ") }) }
}

/// Renames a damaged store to `NAME.damaged-<n>`, its write-ahead log with it, so that it can be salvaged, and returns the
/// new path. The store must be closed. Never overwrites an earlier one.
///
/// # Errors
/// [`Error::File`]: the file is missing, or the folder is not writable.
pub fn set_aside(path: &Path) -> Result<PathBuf, Error> {
    // The store goes first: a log without its store is dropped by SQLite, a store without its log would look whole.
    let aside = files::rename_aside(path)?;
    for suffix in ["-wal", "-shm"] {
        let from = files::with_suffix(path, suffix);
        let to = files::with_suffix(&aside, suffix);
        match std::fs::rename(&from, to) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(files::Error { action: "rename", path: from, source }.into());
            }
            _ => {}
        }
    }
    Ok(aside)
}

/// Whether the error says that the store is damaged or is no SQLite database.
pub fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ffi::ErrorCode::DatabaseCorrupt | ffi::ErrorCode::NotADatabase))
}

/// Whether the error says that the quota or the disk is full.
///
/// SQLite answers ENOSPC of a write with SQLITE_FULL and of the shared-memory file with SQLITE_IOERR_SHMSIZE
/// (<https://www.sqlite.org/rescode.html>); the cause of other I/O errors is not told.
pub fn is_full(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ffi::ErrorCode::DiskFull))
        || error.sqlite_extended_error_code() == Some(ffi::SQLITE_IOERR_SHMSIZE)
}
