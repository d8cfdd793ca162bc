//! A file that is given up when the disk is full, so that receipts can still be written and make room.
//!
//! Without it a full disk is a deadlock: the service has the records, but not one of them can be taken off the queue,
//! because that is a write as well. While it is given up no scan is recorded; scans go on when it could be made again.

use std::io::Write;
use std::path::{Path, PathBuf};

/// With less than this many bytes free the disk counts as full; with more, it is the quota that stopped a write.
const FREE: u64 = 1 << 20;

/// The file, and whether it is there.
#[derive(Debug)]
pub struct Ballast {
    path: PathBuf,
    held: bool,
}

impl Ballast {
    /// Bytes of the file: enough for a write-ahead log of receipts.
    pub const SIZE: u64 = 2 << 20;

    /// The ballast of a data folder, made if there is room for it.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        let mut ballast = Self { path: folder.join("journal.ballast"), held: false };
        ballast.rebuild();
        ballast
    }

    /// Is it there? While it is not, nothing new may be recorded.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.held
    }

    /// A write failed for want of space: gives the file up if it is the disk that is full.
    pub fn release_if_disk_is_full(&mut self) {
        if self.held && free_bytes(&self.path).is_some_and(|free| free < FREE) {
            self.release();
        }
    }

    /// Gives the file up.
    pub fn release(&mut self) {
        self.held = false;
        match std::fs::remove_file(&self.path) {
            Ok(()) => tracing::error!("the disk is full: scans are refused until there is space again"),
            Err(error) => tracing::error!(%error, "the disk is full, and its ballast cannot be given up"),
        }
    }

    /// Makes the file again if it is not there, with real bytes: reserved space alone may not be there when it is needed.
    /// Leaves some room beside it, so that it is not itself what fills the disk.
    pub fn rebuild(&mut self) {
        if self.held {
            return;
        }
        if std::fs::metadata(&self.path).is_ok_and(|found| found.len() == Self::SIZE) {
            self.held = true;
        } else if free_bytes(&self.path).is_some_and(|free| free > Self::SIZE + 2 * FREE) {
            self.held = self.write().is_ok();
            if !self.held {
                drop(std::fs::remove_file(&self.path));
            }
        }
    }

    fn write(&self) -> std::io::Result<()> {
        let mut file = std::fs::File::create(&self.path)?;
        // Not zeros: some file systems store those in no space at all.
        let block: Vec<u8> = (0..64_u32 << 10).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8 | 1).collect();
        for _ in 0..Self::SIZE / block.len() as u64 {
            file.write_all(&block)?;
        }
        file.sync_all()
    }
}

fn free_bytes(path: &Path) -> Option<u64> {
    let statistics = rustix::fs::statvfs(path.parent()?).ok()?;
    Some(statistics.f_bavail * statistics.f_frsize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_of_real_bytes_and_kept_while_there_is_space() {
        let folder = tempfile::tempdir().unwrap();
        let mut ballast = Ballast::new(folder.path());
        assert!(ballast.is_held());
        ballast.release_if_disk_is_full();
        assert!(ballast.is_held(), "this disk is not full: it was the quota");
        let bytes = std::fs::read(folder.path().join("journal.ballast")).unwrap();
        assert!(bytes.len() as u64 == Ballast::SIZE && !bytes.contains(&0));
        assert!(Ballast::new(folder.path()).is_held(), "a restart finds it");
        std::fs::write(folder.path().join("journal.ballast"), "cut short").unwrap();
        assert!(Ballast::new(folder.path()).is_held());
        assert_eq!(std::fs::metadata(folder.path().join("journal.ballast")).unwrap().len(), Ballast::SIZE);
    }
}
