//! Moves a picture that was taken over out of the way.

use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, RenameFlags};
use rustix::io::Errno;

use super::memory::Stuck;
use super::{FolderCamera, READ, UNREAD, Version};
use crate::camera::frame::escaped;
use crate::camera::{Taken, clock};

/// The most names that are made for a picture whose own name is taken; each has the time in it.
const MOST_NAMES: usize = 16;
/// The longest name of a file on Linux, in bytes (`NAME_MAX`).
const LONGEST_NAME: usize = 255;
/// What is longer than this after the last dot of a name is no extension.
const LONGEST_EXTENSION: usize = 16;

impl FolderCamera {
    /// Moves this version of a file to its subfolder. Where it cannot be moved, that is remembered. Where somebody took
    /// it away or wrote another one, there is nothing to do.
    pub(super) fn put_away(&mut self, name: &OsStr, version: Version, what: Taken) -> Result<(), NotMoved> {
        let (to, called) = match what {
            Taken::Read => (&self.read, READ),
            Taken::Unread => (&self.unread, UNREAD),
        };
        let moved = match self.version(name) == Some(version) {
            true => move_to(&self.folder, name, to, &mut self.made_names),
            false => Ok(()),
        };
        match moved {
            Err(error) if self.version(name) == Some(version) => {
                self.memory.remember(&self.path, Some(Stuck { name: name.to_owned(), version, what }));
                Err(NotMoved { file: self.path.join(name), called, source: error.into() })
            }
            // Somebody else took it away meanwhile.
            Ok(()) | Err(_) => {
                self.memory.remember(&self.path, None);
                Ok(())
            }
        }
    }
}

/// A picture was read and cannot be put away; it would be read again and again.
#[derive(Debug)]
pub(super) struct NotMoved {
    file: PathBuf,
    called: &'static str,
    source: io::Error,
}

impl fmt::Display for NotMoved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, called, source) = (escaped(&self.file), self.called, &self.source);
        write!(f, "cannot move {file} to the subfolder {called} ({source}): check its permissions and the disk")
    }
}

impl Error for NotMoved {}

/// Moves a file without ever replacing another one. Its cost does not grow with the number of files there.
fn move_to(from: impl AsFd, name: &OsStr, to: impl AsFd, made_names: &mut u32) -> Result<(), Errno> {
    let mut result = rename(&from, name, &to, name);
    for _ in 0..MOST_NAMES {
        if result != Err(Errno::EXIST) {
            break;
        }
        *made_names = made_names.wrapping_add(1);
        result = rename(&from, name, &to, &another_name(name, clock::now(), *made_names));
    }
    result
}

fn rename(from: impl AsFd, name: &OsStr, to: impl AsFd, free: &OsStr) -> Result<(), Errno> {
    match rustix::fs::renameat_with(&from, name, &to, free, RenameFlags::NOREPLACE) {
        // A file system that cannot do both at once, such as NFS.
        Err(Errno::INVAL | Errno::NOSYS) => match rustix::fs::statat(&to, free, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Err(Errno::EXIST),
            Err(Errno::NOENT) => rustix::fs::renameat(from, name, to, free),
            Err(error) => Err(error),
        },
        result => result,
    }
}

/// `shot.png` as `shot-1767225600000-1.png`: with milliseconds since 1970 and a number, not longer than a name may be.
fn another_name(name: &OsStr, now: SystemTime, number: u32) -> OsString {
    let path = Path::new(name);
    let extension = path.extension().map(OsStr::as_bytes).filter(|extension| extension.len() <= LONGEST_EXTENSION);
    let stem = if extension.is_some() { path.file_stem().unwrap_or(name) } else { name };
    let millis = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let mut end = format!("-{millis}-{number}").into_bytes();
    if let Some(bytes) = extension {
        end.push(b'.');
        end.extend_from_slice(bytes);
    }
    let mut bytes = stem.as_bytes().to_vec();
    let whole = std::str::from_utf8(&bytes).is_ok();
    bytes.truncate(LONGEST_NAME - end.len());
    // No half characters: some file systems take none.
    while whole && std::str::from_utf8(&bytes).is_err() {
        bytes.pop();
    }
    bytes.append(&mut end);
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn another_name_keeps_the_extension_and_fits() {
        let at = UNIX_EPOCH + Duration::from_millis(1_767_225_600_000);
        let named = |name: &str| another_name(name.as_ref(), at, 7).into_string().unwrap();
        assert_eq!(named("a.b.png"), "a.b-1767225600000-7.png");
        assert_eq!(named("a"), "a-1767225600000-7");
        for long in ["x".repeat(255), format!("{}.png", "\u{e4}".repeat(125)), format!("a.{}", "x".repeat(253))] {
            let named = named(&long);
            assert!(named.len() <= 255 && named.len() > 250 && named.contains("-1767225600000-7"), "{named}");
            assert_eq!(named.ends_with(".png"), long.ends_with(".png"));
        }
    }
}
