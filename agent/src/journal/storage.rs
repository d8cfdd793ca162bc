//! What a journal is stored on.

use base::sqlite::Profile;

/// What a journal is stored on. A number alone is a quota on the system's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    /// Most bytes of the journal.
    pub quota: u64,
    /// The name of a registered SQLite VFS to use instead of the system's files.
    pub vfs: Option<String>,
}

impl From<u64> for Storage {
    fn from(quota: u64) -> Self {
        Self { quota, vfs: None }
    }
}

impl Storage {
    pub(super) fn profile(&self) -> Profile {
        let profile = Profile::journal(self.quota);
        match &self.vfs {
            Some(vfs) => profile.with_vfs(vfs),
            None => profile,
        }
    }
}
