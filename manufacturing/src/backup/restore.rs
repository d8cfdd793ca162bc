//! Restoring a backup.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::make::counts;
use super::{CHUNK, Error, MANIFEST, MOST_MANIFEST, Manifest, copy, digest, public_key};
use crate::service::{INSTANCE, KEY_FILE};
use crate::store::FILE;

/// Puts the store of a backup into the data folder, where there must be none. Nothing of the backup is changed. `at` is told
/// how many bytes are copied, of how many.
///
/// # Errors
/// [`Error`]; there is no store in the data folder then.
pub fn restore(folder: &Path, data: &Path, mut at: impl FnMut(u64, u64)) -> Result<Manifest, Error> {
    let manifest = manifest(folder)?;
    let (source, target) = (folder.join(FILE), data.join(FILE));
    let log = data.join(format!("{FILE}-wal"));
    for found in [&target, &log] {
        if found.exists() {
            return Err(Error::InTheWay(found.clone()));
        }
    }
    let key = base::files::read_small(&folder.join(KEY_FILE), 1024)?;
    let changed = |path: &Path, found: String| Err(Error::Changed { path: path.to_owned(), found });
    if public_key(&key, &folder.join(KEY_FILE))? != manifest.key {
        return changed(&folder.join(KEY_FILE), "it holds another key".to_owned());
    }
    let key_file = data.join(KEY_FILE);
    let present = base::files::read_optional(&key_file)?;
    if present.as_deref().map(|text| public_key(text, &key_file)).transpose()?.is_some_and(|key| key != manifest.key) {
        return Err(Error::InTheWay(key_file));
    }
    let (bytes, sha256) = digest(&source, |_| ())?;
    if (bytes, sha256) != (manifest.bytes, manifest.sha256) {
        return changed(&source, format!("{bytes} bytes with SHA-256 {sha256}"));
    }
    base::files::ensure_folder(data, 0o750)?;
    // It has its name only when it is whole.
    let part = data.join(format!("{FILE}.part"));
    copy_file(&source, &part, |bytes| at(bytes, manifest.bytes))?;
    let (position, devices) = counts(&part)?;
    if (position, devices) != (manifest.position, manifest.devices) {
        return changed(&part, format!("position {position}, {devices} devices"));
    }
    base::files::write_atomic(&key_file, &key, 0o600)?;
    // Before the store: the old series of the service may have gone on after the backup, so it begins another one.
    let instance: records::SeriesId = records::keys::random()?;
    base::files::write_atomic(&data.join(INSTANCE), format!("restored-{instance}\n").as_bytes(), 0o640)?;
    std::fs::rename(&part, &target).map_err(copy("put in place", &target))?;
    base::files::sync_folder(data)?;
    Ok(manifest)
}

fn manifest(folder: &Path) -> Result<Manifest, Error> {
    #[derive(serde::Deserialize)]
    struct Form {
        v: u8,
    }
    let none = || Error::NoBackup(folder.to_owned());
    let text = base::files::read_small(&folder.join(MANIFEST), MOST_MANIFEST).map_err(|_| none())?;
    let Form { v } = serde_json::from_slice(&text).map_err(|_| none())?;
    if v > 1 {
        return Err(Error::Newer(v));
    }
    serde_json::from_slice(&text).map_err(|_| none())
}

fn copy_file(source: &Path, target: &Path, mut at: impl FnMut(u64)) -> Result<(), Error> {
    let mut from = std::fs::File::open(source).map_err(copy("read", source))?;
    let failed = copy("write", target);
    let mut to =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o640).open(target).map_err(&failed)?;
    let (mut chunk, mut bytes) = (vec![0; CHUNK], 0);
    loop {
        let read = from.read(&mut chunk).map_err(copy("read", source))?;
        if read == 0 {
            return to.sync_all().map_err(&failed);
        }
        to.write_all(&chunk[..read]).map_err(&failed)?;
        bytes += read as u64;
        at(bytes);
    }
}
