//! A large file that is there whole or not at all.

use std::fs::{self, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base::files;

use super::Error;

/// Lets `write` write `FILE.part`, syncs it and gives it its name. Where that fails, no `FILE.part` stays, and what had the
/// name before has it still.
///
/// # Errors
/// [`Error::File`], and what `write` answers.
pub fn to_file<T>(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<T, Error>) -> Result<T, Error> {
    if path.is_dir() {
        let source = io::ErrorKind::AlreadyExists.into();
        return Err(files::Error { action: "write over the folder", path: path.to_owned(), source }.into());
    }
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let written = into(&part, write).and_then(|written| {
        fs::rename(&part, path).map_err(failed("rename", &part))?;
        Ok(written)
    });
    if written.is_err() {
        // The first error is the one to tell.
        drop(fs::remove_file(&part));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let written = written?;
    files::sync_folder(folder)?;
    Ok(written)
}

fn into<T>(part: &Path, write: impl FnOnce(&mut dyn Write) -> Result<T, Error>) -> Result<T, Error> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o640).open(part);
    let file = file.map_err(failed("make the file", part))?;
    let mut output = BufWriter::with_capacity(1 << 18, file);
    let written = write(&mut output).map_err(|error| match error {
        Error::Write(source) => failed("write", part)(source),
        other => other,
    })?;
    let file = output.into_inner().map_err(|error| failed("write", part)(error.into_error()))?;
    file.sync_all().map_err(failed("write", part))?;
    Ok(written)
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| files::Error { action, path, source }.into()
}
