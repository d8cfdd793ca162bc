//! Small files that survive a power cut, and folders. Every error names its path and says what to do.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

/// A file or folder could not be used.
#[derive(Debug)]
pub struct Error {
    /// What was tried, as a verb: "write", "read" …
    pub action: &'static str,
    /// On which file or folder.
    pub path: PathBuf,
    /// Why it failed.
    pub source: io::Error,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} `{}`", self.action, self.path.display())?;
        let advice = match self.source.kind() {
            ErrorKind::PermissionDenied => "give the user that runs this program access to it",
            ErrorKind::NotFound if self.action == "read" => "put the file there, or correct the path",
            ErrorKind::NotFound => "make its folder, or correct the path",
            ErrorKind::FileTooLarge => "it is too large to be the right file: correct the path",
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free some space on this disk",
            ErrorKind::ReadOnlyFilesystem => {
                "the disk is mounted read-only: mount it for writing, or check it for damage"
            }
            ErrorKind::InvalidData => "write one line of text into it",
            ErrorKind::NotADirectory | ErrorKind::AlreadyExists => "a file is in the way: move it, or correct the path",
            _ => return Ok(()),
        };
        write!(f, " ({advice})")
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error { action, path, source }
}

/// Writes a whole file so that after a crash or power cut either the old or the new content is there: temporary file
/// `.NAME.new` in the same folder, sync, rename, sync of the folder. A link at `path` is replaced, not followed.
/// One writer at a time for a path. `mode` are the permission bits, whatever the umask.
///
/// # Errors
/// The folder is missing or not writable, the disk is full or fails. The old content is then untouched, unless only the
/// last sync failed.
pub fn write_atomic(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    let name = path.file_name().ok_or_else(|| failed("write", path)(ErrorKind::InvalidInput.into()))?;
    let mut temporary_name = std::ffi::OsString::from(".");
    temporary_name.push(name);
    temporary_name.push(".new");
    let temporary = folder_of(path).join(temporary_name);
    // What a crash left behind may have other permissions or another owner.
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed("remove", &temporary)(error)),
        _ => {}
    }
    let written = write_synced(&temporary, bytes, mode).and_then(|()| fs::rename(&temporary, path));
    if let Err(error) = written {
        // The first error is the one to tell.
        drop(fs::remove_file(&temporary));
        return Err(failed("write", path)(error));
    }
    sync_folder(folder_of(path))
}

fn write_synced(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// The content of a file, or `None` when there is no such file.
///
/// # Errors
/// The file is there and cannot be read.
pub fn read_optional(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path)(error)),
    }
}

/// The content of a file of at most `most` bytes, which has to be there: of a file that a person names, so that a wrong
/// path fills no memory.
///
/// # Errors
/// The file is missing, larger, or cannot be read.
pub fn read_small(path: &Path, most: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(most.saturating_add(1)).read_to_end(&mut bytes));
    match read {
        Ok(count) if count as u64 > most => Err(failed("read", path)(ErrorKind::FileTooLarge.into())),
        Ok(_) => Ok(bytes),
        Err(error) => Err(failed("read", path)(error)),
    }
}

/// The one line of text in a file with a password or token, without its line end; at most 4 KiB.
///
/// # Errors
/// The file is missing, larger, cannot be read, is not UTF-8, is empty or has more lines. The text is never shown.
pub fn read_secret(path: &Path) -> Result<String, Error> {
    let invalid = |what: &'static str| failed("read", path)(io::Error::new(ErrorKind::InvalidData, what));
    let text = String::from_utf8(read_small(path, 4096)?).map_err(|_| invalid("it is not text"))?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(invalid("it is empty")),
        line if line.contains(['\r', '\n', '\0']) => Err(invalid("it has more than one line")),
        line => Ok(line.to_owned()),
    }
}

/// Renames a file to `NAME.damaged-1`, or the first higher number that is free, and returns the new path. An earlier one is
/// never overwritten.
///
/// # Errors
/// The file is missing, or the folder is not writable.
pub fn rename_aside(path: &Path) -> Result<PathBuf, Error> {
    for number in 1u32.. {
        let aside = with_suffix(path, &format!(".damaged-{number}"));
        match renameat_with(CWD, path, CWD, &aside, RenameFlags::NOREPLACE) {
            Ok(()) => {
                sync_folder(folder_of(path))?;
                return Ok(aside);
            }
            Err(rustix::io::Errno::EXIST) => {}
            Err(errno) => return Err(failed("rename", path)(errno.into())),
        }
    }
    Err(failed("rename", path)(ErrorKind::AlreadyExists.into()))
}

/// Makes a folder with its parents if it is not there, with these permission bits (less the umask), and checks that files
/// can be made in it.
///
/// # Errors
/// A file is in the way, or the folder cannot be made or written.
pub fn ensure_folder(path: &Path, mode: u32) -> Result<(), Error> {
    if !path.is_dir() {
        DirBuilder::new().recursive(true).mode(mode).create(path).map_err(failed("make the folder", path))?;
        sync_folder(folder_of(path))?;
    }
    let probe = path.join(".writable");
    let made = File::create(&probe).and_then(|_| fs::remove_file(&probe));
    made.map_err(failed("write into the folder", path))
}

/// Makes renames and new files in a folder durable.
///
/// # Errors
/// The folder cannot be opened or synced.
pub fn sync_folder(path: &Path) -> Result<(), Error> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(failed("sync the folder", path))
}

/// `path` with more characters at the end of its name.
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_written_file_has_its_content_and_mode_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(folder.path().join(".key.new"), "left by a crash").unwrap();
        write_atomic(&path, b"one", 0o600).unwrap();
        write_atomic(&path, b"two", 0o666).unwrap();
        assert_eq!(read_optional(&path).unwrap().unwrap(), b"two");
        assert_eq!(mode(&path), 0o666);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_write_leaves_the_old_content_and_no_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        // A folder with content cannot be replaced by a file.
        let path = folder.path().join("taken");
        fs::create_dir_all(path.join("inside")).unwrap();
        let error = write_atomic(&path, b"new", 0o600).unwrap_err();
        assert!(error.to_string().contains("taken"), "{error}");
        assert!(path.join("inside").exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_folder_is_named_with_advice() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_atomic(&folder.path().join("none/key"), b"", 0o600).unwrap_err().to_string();
        assert!(error.contains("none/key") && error.contains("make its folder"), "{error}");
    }

    #[test]
    fn an_absent_file_is_none_and_a_folder_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read_optional(&folder.path().join("none")).unwrap().is_none());
        assert!(read_optional(folder.path()).is_err());
    }

    #[test]
    fn a_file_that_a_person_names_is_read_within_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let told = |error: Error| error.to_string();
        assert!(told(read_small(&path, 4).unwrap_err()).contains("put the file there"));
        fs::write(&path, "1234").unwrap();
        assert_eq!(read_small(&path, 4).unwrap(), b"1234");
        assert!(told(read_small(&path, 3).unwrap_err()).contains("too large"));
        assert!(read_small(folder.path(), 3).is_err());
        assert!(told(read_small(Path::new("/dev/zero"), 3).unwrap_err()).contains("/dev/zero"));
    }

    #[test]
    fn a_secret_is_one_line_and_is_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        for (content, secret) in [(&b"hunter2\r\n"[..], "hunter2"), (b" a b ", " a b "), (b"x\n\n", "x")] {
            fs::write(&path, content).unwrap();
            assert_eq!(read_secret(&path).unwrap(), secret);
        }
        for wrong in [&b""[..], b"\n", b"hunter2\nmore\n", b"hunter2\xff", b"hun\0ter2", &[b'h'; 4097]] {
            fs::write(&path, wrong).unwrap();
            let error = crate::describe(&read_secret(&path).unwrap_err());
            assert!(error.contains("secret") && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn damaged_files_are_set_aside_without_overwriting_an_earlier_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        for content in ["first", "second"] {
            fs::write(&path, content).unwrap();
            let aside = rename_aside(&path).unwrap();
            assert_eq!(fs::read_to_string(aside).unwrap(), content);
            assert!(!path.exists());
        }
        assert_eq!(fs::read_to_string(folder.path().join("journal.db.damaged-1")).unwrap(), "first");
        assert!(rename_aside(&path).is_err());
    }

    #[test]
    fn a_folder_is_made_with_its_parents_and_a_file_in_the_way_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        ensure_folder(&path, 0o750).unwrap();
        ensure_folder(&path, 0o750).unwrap();
        assert_eq!(mode(&path), 0o750);
        assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
        fs::write(path.join("file"), "").unwrap();
        let error = ensure_folder(&path.join("file"), 0o750).unwrap_err().to_string();
        assert!(error.contains("a file is in the way"), "{error}");
    }
}
