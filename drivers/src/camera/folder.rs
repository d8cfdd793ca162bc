//! A folder that a camera writes into, as a camera.

use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;

use super::frame::escaped;
use super::scanner::KIND;
use super::{Camera, Frame, MAX_FILE, PictureError, PictureFault, Shot, failed};
use crate::{Gone, OpenError, Stop};

/// Where pictures with a code go.
const READ: &str = "read";
/// Where all others go.
const UNREAD: &str = "unread";
/// How often the folder and the stop flag are looked at.
const LOOK: Duration = Duration::from_millis(50);
/// A file is whole when size and time of its last change have stayed the same for so long.
const SETTLED: Duration = Duration::from_millis(250);
/// A file whose end is missing may still be written by a slow writer: it is given up when nothing came for so long.
const GIVEN_UP: Duration = Duration::from_secs(3);
/// The most names that are tried for a picture in the folder it is moved to.
const MOST_NAMES: u32 = 100_000;

/// Takes the pictures in a folder in the order of their names, as they appear.
///
/// Hidden files, files whose name ends in `.part`, subfolders, symbolic links and files that are still being written are
/// left alone. When a picture was taken over it is moved to the subfolder `read`, or `unread` where it had no code or is
/// no picture, so that it is not read again after a restart; a stop between the two reads it again. Where the name is
/// taken there, a number is put into it. Nothing is ever deleted or overwritten: whoever owns the folder clears the two.
pub struct FolderCamera {
    path: PathBuf,
    folder: OwnedFd,
    read: OwnedFd,
    unread: OwnedFd,
    waiting: BTreeMap<OsString, Waiting>,
    /// The picture that was given last.
    given: Option<OsString>,
}

/// A file that was seen and is not taken yet.
struct Waiting {
    size: i64,
    changed: (i64, i64),
    /// Since when size and time are the same.
    since: Instant,
    /// It was tried, and its end is missing.
    cut_off: bool,
}

impl Waiting {
    fn is_due(&self, now: Instant) -> bool {
        now.duration_since(self.since) >= if self.cut_off { GIVEN_UP } else { SETTLED }
    }
}

impl FolderCamera {
    /// Opens the folder, and makes the subfolders `read` and `unread` where they are missing.
    ///
    /// # Errors
    /// When the folder is not there, is no folder, or pictures cannot be moved within it.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        let device = || format!("the folder {}", escaped(folder));
        let fault = |doing, error: Errno| {
            match error {
            Errno::NOENT => OpenError::NotFound { device: device() },
            Errno::ACCESS | Errno::PERM | Errno::ROFS => OpenError::PermissionDenied {
                device: device(),
                remedy: "let the user that runs this program read it and write into it, as pictures are moved to its subfolders read and unread".to_owned(),
            },
            Errno::NOTDIR | Errno::LOOP => {
                OpenError::NotThisKind { device: device(), kind: KIND, found: "a file or a link".to_owned() }
            }
            _ => OpenError::Other { device: device(), doing, source: Box::new(io::Error::from(error)) },
        }
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let open = rustix::fs::open(folder, flags, Mode::empty()).map_err(|error| fault("open", error))?;
        writable(&open).map_err(|error| fault("write into", error))?;
        let sub = |name| subfolder(&open, name).map_err(|error| fault("make the subfolders of", error));
        let (read, unread) = (sub(READ)?, sub(UNREAD)?);
        Ok(Self { path: folder.to_owned(), folder: open, read, unread, waiting: BTreeMap::new(), given: None })
    }

    /// Whether the name still leads to the folder that was opened.
    fn is_there(&self) -> bool {
        let now = rustix::fs::stat(&self.path);
        let then = rustix::fs::fstat(&self.folder);
        matches!((now, then), (Ok(now), Ok(then)) if (now.st_dev, now.st_ino) == (then.st_dev, then.st_ino))
    }

    fn has(&self, name: &OsStr) -> bool {
        rustix::fs::statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// Brings the list of waiting files up to date.
    fn look(&mut self) -> Result<(), Errno> {
        let now = Instant::now();
        let mut waiting = BTreeMap::new();
        for entry in Dir::read_from(&self.folder)? {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if is_left_alone(name) {
                continue;
            }
            // Gone since it was listed, or not a file: neither is an error.
            let Ok(stat) = rustix::fs::statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
                continue;
            }
            let (size, changed) = (stat.st_size, changed(&stat));
            let before = self.waiting.remove(name).filter(|one| (one.size, one.changed) == (size, changed));
            let one = before.unwrap_or(Waiting { size, changed, since: now, cut_off: false });
            waiting.insert(name.to_owned(), one);
        }
        self.waiting = waiting;
        Ok(())
    }

    /// The first picture that is whole.
    fn take(&mut self) -> Option<Shot> {
        let now = Instant::now();
        let due: Vec<OsString> =
            self.waiting.iter().filter(|(_, one)| one.is_due(now)).map(|(name, _)| name.clone()).collect();
        for name in due {
            let Some(one) = self.waiting.get_mut(&name) else { continue };
            let why = match load(&self.folder, &name, one.size) {
                Ok(frame) => {
                    self.given = Some(name);
                    return Some(Shot::Picture(frame));
                }
                // Moved away meanwhile: the next look tells.
                Err(PictureFault::NotReadable(error)) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(PictureFault::CutOff) if !one.cut_off => {
                    one.cut_off = true;
                    continue;
                }
                Err(why) => why,
            };
            let bytes = usize::try_from(one.size).unwrap_or(0);
            let error = PictureError { file: self.path.join(&name), why };
            self.given = Some(name);
            return Some(Shot::Unreadable { bytes, error });
        }
        None
    }
}

impl Camera for FolderCamera {
    fn is_live(&self) -> bool {
        false
    }

    fn next_frame(&mut self, stop: &Stop) -> Result<Shot, Gone> {
        loop {
            if stop.is_stopped() {
                return Err(Gone::Stopped);
            }
            if !self.is_there() {
                return Err(Gone::Unplugged);
            }
            self.look().map_err(|error| failed(io::Error::from(error)))?;
            if let Some(shot) = self.take() {
                return Ok(shot);
            }
            std::thread::sleep(LOOK);
        }
    }

    fn taken(&mut self, read: bool) -> Result<(), Gone> {
        let Some(name) = self.given.take() else { return Ok(()) };
        self.waiting.remove(&name);
        let (to, called) = if read { (&self.read, READ) } else { (&self.unread, UNREAD) };
        match move_to(&self.folder, &name, to) {
            Ok(()) => Ok(()),
            // Somebody else took it away: it is not read again either.
            Err(Errno::NOENT) if !self.has(&name) => Ok(()),
            Err(error) => Err(failed(NotMoved { file: self.path.join(&name), called, source: error.into() })),
        }
    }
}

/// A picture was read and cannot be put away; it would be read again and again.
#[derive(Debug)]
struct NotMoved {
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

fn is_left_alone(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name.starts_with(b".") || name.to_ascii_lowercase().ends_with(b".part")
}

/// Seconds and nanoseconds; their types differ between machines.
fn changed(stat: &Stat) -> (i64, i64) {
    #[allow(clippy::useless_conversion, clippy::unnecessary_cast, reason = "their types differ between machines")]
    (i64::from(stat.st_mtime), stat.st_mtime_nsec as i64)
}

fn load(folder: impl AsFd, name: &OsStr, size: i64) -> Result<Frame, PictureFault> {
    if u64::try_from(size).is_ok_and(|size| size > MAX_FILE) {
        return Err(PictureFault::FileTooLarge);
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, name, flags, Mode::empty());
    Frame::from_file(File::from(file.map_err(|error| PictureFault::NotReadable(error.into()))?))
}

fn writable(folder: impl AsFd) -> Result<(), Errno> {
    use rustix::fs::Access;
    rustix::fs::accessat(folder, ".", Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK, AtFlags::empty())
}

/// A folder in the folder, made where it is missing; never a link, which could lead anywhere.
fn subfolder(folder: impl AsFd, name: &str) -> Result<OwnedFd, Errno> {
    match rustix::fs::mkdirat(&folder, name, Mode::from_raw_mode(0o755)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error),
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = rustix::fs::openat(&folder, name, flags, Mode::empty())?;
    writable(&open)?;
    Ok(open)
}

/// Moves a file without ever replacing another one.
fn move_to(from: impl AsFd, name: &OsStr, to: impl AsFd) -> Result<(), Errno> {
    let mut error = Errno::EXIST;
    for number in 1..=MOST_NAMES {
        let free = if number == 1 { name.to_owned() } else { numbered(name, number) };
        match rename(&from, name, &to, &free) {
            Err(Errno::EXIST) => {}
            Err(Errno::NAMETOOLONG) if number > 1 => error = Errno::NAMETOOLONG,
            other => return other,
        }
        if error == Errno::NAMETOOLONG {
            break;
        }
    }
    Err(error)
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

/// `shot.png` as `shot-2.png`.
fn numbered(name: &OsStr, number: u32) -> OsString {
    let path = Path::new(name);
    let (stem, extension) = (path.file_stem().unwrap_or(name), path.extension());
    let mut bytes = stem.as_bytes().to_vec();
    bytes.extend_from_slice(format!("-{number}").as_bytes());
    if let Some(extension) = extension {
        bytes.push(b'.');
        bytes.extend_from_slice(extension.as_bytes());
    }
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests;
