//! Where a journal is: a copy of it finds itself in another place.
//!
//! The place is the machine (machine-id(5)) and, on file systems whose inode numbers last, the inode of the file. A folder
//! that was copied, restored from a backup or cloned to another machine has another one. An image of the whole disk that is
//! written back to the same machine has not: the service finds that out, as a fork.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use records::Hash;
use records::chain::hash_line;

/// File systems whose inode numbers stay over remounts, by the type that statfs(2) tells: ext2 to ext4, XFS, Btrfs, F2FS,
/// tmpfs. Others, such as FAT and network shares, may number anew at each mount.
const LASTING: [u64; 5] = [0xEF53, 0x5846_5342, 0x9123_683E, 0xF2F5_2010, 0x0102_1994];

/// What names this machine; empty where nothing does. Only its hash is kept: the id itself is not to be given away.
pub(super) fn machine() -> String {
    ["/etc/machine-id", "/var/lib/dbus/machine-id"]
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok())
        .map(|id| id.trim().to_owned())
        .unwrap_or_default()
}

/// The place of a file on a machine; `None` where the file cannot be looked at.
pub(super) fn of(file: &Path, machine: &str) -> Option<Hash> {
    let inode = std::fs::metadata(file).ok()?.ino();
    let kind = rustix::fs::statfs(file).ok().and_then(|found| u64::try_from(found.f_type).ok());
    let inode = if kind.is_some_and(|kind| LASTING.contains(&kind)) { inode } else { 0 };
    Some(hash_line(format!("lotline place\n{machine}\n{inode}").as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_in_another_place_and_so_is_the_same_file_on_another_machine() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        std::fs::write(&one, "journal").unwrap();
        std::fs::copy(&one, &two).unwrap();
        let place = of(&one, "m").unwrap();
        assert_eq!(of(&one, "m"), Some(place));
        assert_ne!(of(&one, "n"), Some(place));
        assert_eq!(of(&folder.path().join("none"), "m"), None);
        std::fs::write(&one, "written over in place").unwrap();
        assert_eq!(of(&one, "m"), Some(place), "what is in the file is another question");
    }
}
