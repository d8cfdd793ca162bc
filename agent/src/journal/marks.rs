//! The second file: what must outlive the journal.

use std::path::{Path, PathBuf};

use records::SeriesId;
use serde::{Deserialize, Serialize};

use super::JournalError;

/// Written and synced before a block of SSCCs is used, and when a series begins. It is never lower than the truth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Marks {
    /// The series of the journal.
    pub series: SeriesId,
    /// The first SSCC serial reference that is not reserved.
    pub sscc_reserved: u64,
}

impl Marks {
    fn file(folder: &Path) -> PathBuf {
        folder.join("station.marks")
    }

    /// The marks in `folder`; `None` where there are none yet.
    ///
    /// # Errors
    /// The file cannot be read, or is not what this program writes.
    pub fn load(folder: &Path) -> Result<Option<Self>, JournalError> {
        let path = Self::file(folder);
        let Some(bytes) = base::files::read_optional(&path)? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|source| JournalError::Marks { path, source })
    }

    /// Writes the marks; durable when it returns.
    ///
    /// # Errors
    /// When the disk does not take them.
    pub fn store(&self, folder: &Path) -> Result<(), JournalError> {
        let json = serde_json::to_vec(self).map_err(JournalError::State)?;
        Ok(base::files::write_atomic(&Self::file(folder), &json, 0o640)?)
    }
}
