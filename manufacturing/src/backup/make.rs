//! Making a backup.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base::sqlite::{self, Profile};
use jiff::Timestamp;

use super::{Error, MANIFEST, Manifest, copy, digest, public_key};
use crate::service::KEY_FILE;
use crate::store::FILE;

/// How often it is looked how far the copy is.
const LOOK: Duration = Duration::from_millis(100);
const CACHE_KIB: u32 = 16 << 10;
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes a backup of the data folder in `folder`, which must be new or empty. The service may run. `at` is told how many
/// bytes are copied, of about how many.
///
/// # Errors
/// [`Error`]; there is no manifest then, and so no backup.
pub fn make(data: &Path, folder: &Path, now: Timestamp, mut at: impl FnMut(u64, u64)) -> Result<Manifest, Error> {
    let source = data.join(FILE);
    if !source.is_file() {
        return Err(Error::NoStore(data.to_owned()));
    }
    let key_file = data.join(KEY_FILE);
    let key = base::files::read_small(&key_file, 1024)?;
    let public = public_key(&key, &key_file)?;
    base::files::ensure_folder(folder, 0o700)?;
    let failed = copy("look into", folder);
    if std::fs::read_dir(folder).map_err(failed)?.next().is_some() {
        return Err(Error::NotEmpty(folder.to_owned()));
    }
    let target = folder.join(FILE);
    let total = std::fs::metadata(&source).map_or(0, |found| found.len());
    copy_store(&source, &target, |bytes| at(bytes.min(total), total))?;
    let failed = copy("sync", &target);
    std::fs::File::open(&target).and_then(|file| file.sync_all()).map_err(failed)?;
    let (position, devices) = counts(&target)?;
    let (bytes, sha256) = digest(&target, |_| ())?;
    base::files::write_atomic(&folder.join(KEY_FILE), &key, 0o600)?;
    let program = env!("CARGO_PKG_VERSION").to_owned();
    let manifest = Manifest { v: 1, made_at: now, program, position, devices, bytes, sha256, key: public };
    // A plain struct of numbers and texts has nothing that the writer could refuse.
    let text = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
    base::files::write_atomic(&folder.join(MANIFEST), &text, 0o600)?;
    Ok(manifest)
}

/// The store as of one moment, without what is free in it. A reader's transaction sees that moment however much is
/// written meanwhile; SQLite's other way of copying would begin anew with each commit.
fn copy_store(source: &Path, target: &Path, mut at: impl FnMut(u64)) -> Result<(), Error> {
    let connection = sqlite::open(source, &Profile::reader(CACHE_KIB, PATIENCE))?;
    // Only the copy is written; the file is open to be read.
    connection
        .pragma_update(None, "query_only", false)
        .map_err(|source| sqlite::Error::Query { action: "copy", source })?;
    let name = target.to_string_lossy().into_owned();
    let done = AtomicBool::new(false);
    let copied = std::thread::scope(|scope| {
        let copying = scope.spawn(|| {
            let connection = connection;
            let copied = connection.execute("VACUUM INTO ?1", [&name]).map(drop);
            done.store(true, Ordering::Release);
            copied
        });
        while !done.load(Ordering::Acquire) && !copying.is_finished() {
            at(std::fs::metadata(target).map_or(0, |found| found.len()));
            std::thread::sleep(LOOK);
        }
        copying.join()
    });
    let vacuum = |source| Error::Vacuum { path: target.to_owned(), source };
    copied.unwrap_or(Err(rusqlite::Error::InvalidQuery)).map_err(vacuum)
}

/// The highest position and the number of devices of a store.
pub(super) fn counts(store: &Path) -> Result<(u64, u64), Error> {
    let connection = sqlite::open(store, &Profile::reader(CACHE_KIB, PATIENCE))?;
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, u64>(0));
    let read = |source| sqlite::Error::Query { action: "read", source };
    let position = count("SELECT coalesce(max(position), 0) FROM record").map_err(read)?;
    Ok((position, count("SELECT count(*) FROM device").map_err(read)?))
}
