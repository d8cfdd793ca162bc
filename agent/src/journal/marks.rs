//! The second file: what must outlive the journal.

use std::path::{Path, PathBuf};

use records::SeriesId;
use serde::{Deserialize, Serialize};

use super::JournalError;

/// Written and synced before a block of SSCCs is used, and when a series begins. It is never lower than the truth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Marks {
    /// The series of the journal; `None` where a person entered the mark before there was one.
    #[serde(default)]
    pub series: Option<SeriesId>,
    /// The first SSCC serial reference that is not reserved.
    pub sscc_reserved: u64,
    /// A person entered the mark, for a station that has lost it: it is to be trusted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub entered: bool,
}

/// In the file, with a checksum: one digit more or less would give SSCCs out twice.
#[derive(Serialize, Deserialize)]
struct Written {
    #[serde(flatten)]
    marks: Marks,
    #[serde(default)]
    crc: Option<u32>,
}

impl Marks {
    /// The file in a data folder.
    #[must_use]
    pub fn file(folder: &Path) -> PathBuf {
        folder.join("station.marks")
    }

    fn crc(&self) -> u32 {
        let series = self.series.unwrap_or_default();
        crc32c::crc32c(&[&series.0[..], &self.sscc_reserved.to_be_bytes(), &[u8::from(self.entered)]].concat())
    }

    /// The marks in `folder`; `None` where there are none yet.
    ///
    /// # Errors
    /// The file cannot be read, or is not what this program writes.
    pub fn load(folder: &Path) -> Result<Option<Self>, JournalError> {
        let path = Self::file(folder);
        let Some(bytes) = base::files::read_optional(&path)? else { return Ok(None) };
        match serde_json::from_slice::<Written>(&bytes) {
            // Files from before there were checksums have none.
            Ok(written) if written.crc.is_none_or(|crc| crc == written.marks.crc()) => Ok(Some(written.marks)),
            _ => Err(JournalError::Marks { path }),
        }
    }

    /// A person enters the mark of a station that has lost it, or that never ran, while no daemon runs.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn enter(folder: &Path, mark: u64) -> Result<Self, JournalError> {
        base::files::ensure_folder(folder, 0o750)?;
        let known = Self::load(folder).ok().flatten();
        let marks = Self {
            series: known.as_ref().and_then(|marks| marks.series),
            sscc_reserved: known.map_or(0, |marks| marks.sscc_reserved).max(mark),
            entered: true,
        };
        marks.store(folder)?;
        Ok(marks)
    }

    /// Writes the marks; durable when it returns.
    ///
    /// # Errors
    /// When the disk does not take them.
    pub fn store(&self, folder: &Path) -> Result<(), JournalError> {
        let written = Written { marks: self.clone(), crc: Some(self.crc()) };
        let json = serde_json::to_vec(&written).map_err(JournalError::State)?;
        Ok(base::files::write_atomic(&Self::file(folder), &json, 0o640)?)
    }
}

#[cfg(test)]
mod tests {
    use records::FixedBytes;

    use super::*;

    #[test]
    fn marks_with_one_changed_byte_are_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let marks = Marks { series: Some(FixedBytes([7; 16])), sscc_reserved: 1200, entered: false };
        marks.store(folder.path()).unwrap();
        assert_eq!(Marks::load(folder.path()).unwrap(), Some(marks.clone()));
        let good = std::fs::read(Marks::file(folder.path())).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(Marks::file(folder.path()), &bad).unwrap();
            // A changed name of a field that may be left out leaves the marks as they were, never other ones.
            assert!(
                Marks::load(folder.path()).is_err_and(|_| true)
                    || Marks::load(folder.path()).unwrap() == Some(marks.clone()),
                "byte {at}"
            );
        }
        std::fs::write(
            Marks::file(folder.path()),
            r#"{"series":"07070707070707070707070707070707","ssccReserved":1200}"#,
        )
        .unwrap();
        assert_eq!(Marks::load(folder.path()).unwrap(), Some(marks), "written before there were checksums");
    }
}
