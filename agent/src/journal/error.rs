//! What can go wrong with the journal.

use std::path::PathBuf;

use base::sqlite;
use records::{PublicKey, keys};

/// The journal could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The store could not be opened or brought up to date.
    #[error(transparent)]
    Store(#[from] sqlite::Error),
    /// A mark file could not be read or written.
    #[error(transparent)]
    File(#[from] base::files::Error),
    /// The mark file is not what this program writes.
    #[error("the marks in `{path}` cannot be read")]
    Marks {
        /// The file.
        path: PathBuf,
    },
    /// A statement failed.
    #[error("cannot {action} the journal")]
    Query {
        /// What was tried, as a verb.
        action: &'static str,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The journal is that of another station.
    #[error(
        "the journal in `{path}` is that of station `{found}`, the configuration says `{configured}`: give each station its own data folder"
    )]
    OtherStation {
        /// The journal.
        path: PathBuf,
        /// Whose it is.
        found: String,
        /// Whose it should be.
        configured: String,
    },
    /// The key file holds another key than the one that has signed this series.
    #[error(
        "the key of this station is not the one that its journal is signed with ({known}): restore `station.key` in the data \
         folder from a backup; if it is lost, move the data folder away, start anew, and have the new key enrolled at the service"
    )]
    OtherKey {
        /// The key of the journal.
        known: PublicKey,
    },
    /// The state in the journal is from software that this program does not know.
    #[error("the state in the journal cannot be read: install the newer program again")]
    State(#[source] serde_json::Error),
    /// A record cannot be written.
    #[error(transparent)]
    NotWritable(#[from] records::NotWritable),
    /// No random bytes for a series.
    #[error(transparent)]
    NoRandomness(#[from] keys::NoRandomness),
}

impl JournalError {
    /// Is the disk, or the quota, full?
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Query { source, .. } if sqlite::is_full(source))
    }
}

pub(super) fn query(action: &'static str) -> impl FnOnce(rusqlite::Error) -> JournalError {
    move |source| JournalError::Query { action, source }
}
