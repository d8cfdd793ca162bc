//! A folder that a camera writes into, as a camera.

mod memory;
mod put_away;

use std::collections::{BTreeMap, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, UNIX_EPOCH};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::frame::escaped;
use super::scanner::KIND;
use super::{Backlog, Camera, Frame, MAX_FILE, PictureError, PictureFault, Shot, Taken, clock, failed};
use crate::{Gone, OpenError, Stop};
use memory::Stuck;
use put_away::NotMoved;

pub(super) use memory::Memory;

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
/// A picture that changed less than so many seconds before the folder was opened is not old.
const NOT_OLD: i64 = 10;

/// Takes the pictures in a folder in the order of their names, as they appear.
///
/// Hidden files, files whose name ends in `.part`, subfolders, symbolic links and files that are still being written are
/// left alone. When a picture was taken over it is moved to the subfolder `read`, or `unread` where it had no code or is
/// no picture, so that it is not read again after a restart; a stop between the two reads it again. Where the name is
/// taken there, the time is put into it. Nothing is ever deleted or overwritten: whoever owns the folder clears the two.
///
/// Pictures that are in the folder when it is opened and changed last more than 10 s before that go to `unread` at once,
/// unless [`Backlog::Take`] is asked for.
pub struct FolderCamera {
    path: PathBuf,
    folder: OwnedFd,
    read: OwnedFd,
    unread: OwnedFd,
    memory: Memory,
    waiting: BTreeMap<OsString, Waiting>,
    /// Those that were settled when the folder was listed last and were not tried since, in order.
    settled: VecDeque<OsString>,
    /// The picture that was given last.
    given: Option<(OsString, Version)>,
    /// What changed before this is old. `None` after the first listing.
    old_before: Option<Changed>,
    /// How many names were made so far.
    made_names: u32,
}

/// Seconds and nanoseconds since 1970.
type Changed = (i64, i64);

/// A file of a name as it was when it was looked at; what is written to it makes another version. Its inode number does not
/// count: on network shares it may change by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Version {
    size: i64,
    changed: Changed,
}

impl Version {
    fn of(stat: &Stat) -> Self {
        #[allow(clippy::useless_conversion, clippy::unnecessary_cast, reason = "their types differ between machines")]
        Self { size: stat.st_size as i64, changed: (i64::from(stat.st_mtime), stat.st_mtime_nsec as i64) }
    }
}

/// A file that was seen and is not taken yet.
struct Waiting {
    version: Version,
    /// Since when it is this version.
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
    pub fn open(folder: &Path, backlog: Backlog) -> Result<Self, OpenError> {
        Self::open_with(folder, backlog, Memory::default())
    }

    /// The same with what earlier openings left to remember.
    pub(super) fn open_with(path: &Path, backlog: Backlog, memory: Memory) -> Result<Self, OpenError> {
        let fault = |doing, error| open_error(path, doing, error);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| fault("open", error))?;
        writable(&folder).map_err(|error| fault("write into", error))?;
        let sub = |name| subfolder(&folder, name).map_err(|error| fault("make the subfolders of", error));
        let (read, unread) = (sub(READ)?, sub(UNREAD)?);
        let now = clock::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let old_before = (i64::try_from(now.as_secs()).unwrap_or(i64::MAX) - NOT_OLD, i64::from(now.subsec_nanos()));
        let mut camera = Self {
            path: path.to_owned(),
            folder,
            read,
            unread,
            memory,
            waiting: BTreeMap::new(),
            settled: VecDeque::new(),
            given: None,
            old_before: (backlog == Backlog::PutAside).then_some(old_before),
            made_names: 0,
        };
        if let Some(Stuck { name, version, what }) = camera.memory.stuck(path) {
            let moved = camera.put_away(&name, version, what);
            moved.map_err(|error| OpenError::NotPutAway { why: error.to_string() })?;
        }
        Ok(camera)
    }

    /// Whether the name still leads to the folder that was opened.
    fn is_there(&self) -> bool {
        let now = rustix::fs::stat(&self.path);
        let then = rustix::fs::fstat(&self.folder);
        matches!((now, then), (Ok(now), Ok(then)) if (now.st_dev, now.st_ino) == (then.st_dev, then.st_ino))
    }

    /// What stands under the name now.
    fn version(&self, name: &OsStr) -> Option<Version> {
        rustix::fs::statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW).ok().map(|stat| Version::of(&stat))
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
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => {}
                FileType::Symlink => {
                    self.say_link(name);
                    continue;
                }
                _ => continue,
            }
            let version = Version::of(&stat);
            let before = self.waiting.remove(name).filter(|file| file.version == version);
            waiting.insert(name.to_owned(), before.unwrap_or(Waiting { version, since: now, cut_off: false }));
        }
        self.waiting = waiting;
        self.settled = self.waiting.iter().filter(|(_, file)| file.is_due(now)).map(|(name, _)| name.clone()).collect();
        Ok(())
    }

    fn say_link(&self, name: &OsStr) {
        if self.memory.is_first_link(&self.path) {
            let (folder, link) = (escaped(&self.path), escaped(Path::new(name)));
            tracing::warn!(folder, link, "links in the folder of a camera are not followed: put the pictures into it");
        }
    }

    /// Puts away what was in the folder before it was opened.
    fn put_old_aside(&mut self, before: Changed) -> Result<Option<Shot>, NotMoved> {
        let is_old = |file: &Waiting| file.version.changed < before;
        let old: Vec<_> = self.waiting.extract_if(.., |_, file| is_old(file)).collect();
        let mut count = 0;
        for (name, file) in old {
            match self.put_away(&name, file.version, Taken::Unread) {
                Ok(()) => count += 1,
                Err(error) if count == 0 => return Err(error),
                Err(_) => {
                    // What was put away is told first; the rest is tried again, and fails again.
                    self.old_before = Some(before);
                    break;
                }
            }
        }
        Ok((count > 0).then_some(Shot::Old(count)))
    }

    /// The first picture that is whole, of those in the last listing.
    fn take(&mut self) -> Option<Shot> {
        while let Some(name) = self.settled.pop_front() {
            let Some(mut file) = self.waiting.remove(&name) else { continue };
            let version = file.version;
            let shot = match load(&self.folder, &name, version) {
                Ok(Some(frame)) => Shot::Picture { frame, file: Some(self.path.join(&name)) },
                // Moved away or written to meanwhile: the next listing tells.
                Ok(None) => continue,
                Err(PictureFault::CutOff) if !file.cut_off => {
                    file.cut_off = true;
                    self.waiting.insert(name, file);
                    continue;
                }
                Err(why) => {
                    let bytes = usize::try_from(version.size).unwrap_or(0);
                    Shot::Unreadable { bytes, error: PictureError { file: self.path.join(&name), why } }
                }
            };
            self.given = Some((name, version));
            return Some(shot);
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
            if let Some(shot) = self.take() {
                return Ok(shot);
            }
            self.look().map_err(|error| failed(io::Error::from(error)))?;
            if let Some(before) = self.old_before.take()
                && let Some(shot) = self.put_old_aside(before).map_err(failed)?
            {
                return Ok(shot);
            }
            if self.settled.is_empty() {
                std::thread::sleep(LOOK);
            }
        }
    }

    fn taken(&mut self, what: Taken) -> Result<(), Gone> {
        let Some((name, version)) = self.given.take() else { return Ok(()) };
        self.put_away(&name, version, what).map_err(failed)
    }
}

fn open_error(folder: &Path, doing: &'static str, error: Errno) -> OpenError {
    let device = format!("the folder {}", escaped(folder));
    match error {
        Errno::NOENT => OpenError::NotFound { device },
        Errno::ACCESS | Errno::PERM | Errno::ROFS => {
            let remedy = "let the user that runs this program read it and write into it, as pictures are moved to its subfolders read and unread";
            OpenError::PermissionDenied { device, remedy: remedy.to_owned() }
        }
        Errno::NOTDIR | Errno::LOOP => {
            OpenError::NotThisKind { device, kind: KIND, found: "a file or a link".to_owned() }
        }
        _ => OpenError::Other { device, doing, source: Box::new(io::Error::from(error)) },
    }
}

fn is_left_alone(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name.starts_with(b".") || name.to_ascii_lowercase().ends_with(b".part")
}

/// The picture; `None` where this version is not there any more.
fn load(folder: impl AsFd, name: &OsStr, version: Version) -> Result<Option<Frame>, PictureFault> {
    if u64::try_from(version.size).is_ok_and(|size| size > MAX_FILE) {
        return Err(PictureFault::FileTooLarge);
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let not_readable = |error: Errno| PictureFault::NotReadable(error.into());
    let file = match rustix::fs::openat(folder, name, flags, Mode::empty()) {
        // A link that took its place is left alone like any other.
        Err(Errno::NOENT | Errno::LOOP) => return Ok(None),
        file => file.map_err(not_readable)?,
    };
    if Version::of(&rustix::fs::fstat(&file).map_err(not_readable)?) != version {
        return Ok(None);
    }
    Frame::from_file(File::from(file)).map(Some)
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

#[cfg(test)]
mod tests;
