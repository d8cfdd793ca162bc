//! SQLite on a [`Disk`] in memory: a VFS named `crash` (<https://www.sqlite.org/vfs.html>).
//!
//! The folder of a file says which disk it is on. There is no shared memory: a store in WAL mode needs `locking_mode =
//! exclusive`, and there are no locks, since each store here has one opener.
#![allow(unsafe_code, reason = "SQLite calls a VFS through C function pointers")]

use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

use rusqlite::ffi;

use crate::disk::{Disk, Failed};

/// The name under which SQLite knows the VFS.
pub const NAME: &str = "crash";

/// The disks by folder.
static DISKS: Mutex<BTreeMap<String, Arc<Mutex<Disk>>>> = Mutex::new(BTreeMap::new());

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A disk that SQLite finds under its folder, until it is dropped.
pub struct Mounted {
    folder: String,
    disk: Arc<Mutex<Disk>>,
}

impl Mounted {
    /// Mounts a disk at a folder without `/` at its end.
    pub fn new(folder: &str, disk: Disk) -> Self {
        register();
        let disk = Arc::new(Mutex::new(disk));
        lock(&DISKS).insert(folder.to_owned(), disk.clone());
        Self { folder: folder.to_owned(), disk }
    }

    /// The disk. Must not be held while SQLite is used.
    pub fn disk(&self) -> MutexGuard<'_, Disk> {
        lock(&self.disk)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        lock(&DISKS).remove(&self.folder);
    }
}

/// An open file, as SQLite holds it: its own part first, then ours.
#[repr(C)]
struct Open {
    base: ffi::sqlite3_file,
    handle: *mut Handle,
}

struct Handle {
    disk: Arc<Mutex<Disk>>,
    id: u64,
    /// How often power had gone when it was opened: after that it is no handle any more.
    cuts: u64,
}

impl Handle {
    fn with<T>(&self, call: impl FnOnce(&mut Disk, u64) -> Result<T, Failed>) -> Result<T, Failed> {
        let mut disk = lock(&self.disk);
        if disk.cuts == self.cuts { call(&mut disk, self.id) } else { Err(Failed::Dead) }
    }
}

fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let vfs = Box::leak(Box::new(ffi::sqlite3_vfs {
            iVersion: 1,
            szOsFile: c_int::try_from(size_of::<Open>()).unwrap(),
            mxPathname: 512,
            pNext: std::ptr::null_mut(),
            zName: c"crash".as_ptr(),
            pAppData: std::ptr::null_mut(),
            xOpen: Some(open),
            xDelete: Some(delete),
            xAccess: Some(access),
            xFullPathname: Some(full_pathname),
            xDlOpen: None,
            xDlError: None,
            xDlSym: None,
            xDlClose: None,
            xRandomness: Some(randomness),
            xSleep: Some(sleep),
            xCurrentTime: Some(current_time),
            xGetLastError: None,
            xCurrentTimeInt64: None,
            xSetSystemCall: None,
            xGetSystemCall: None,
            xNextSystemCall: None,
        }));
        // SAFETY: the struct is complete and lives for ever; registering is allowed from any thread.
        let code = unsafe { ffi::sqlite3_vfs_register(vfs, 0) };
        assert_eq!(code, ffi::SQLITE_OK);
    });
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 1,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(no_lock),
    xUnlock: Some(no_lock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: None,
    xShmLock: None,
    xShmBarrier: None,
    xShmUnmap: None,
    xFetch: None,
    xUnfetch: None,
};

/// The answer to SQLite; `dead` is the code of the call when there is no power.
fn code(result: Result<(), Failed>, dead: c_int) -> c_int {
    match result {
        Ok(()) => ffi::SQLITE_OK,
        Err(Failed::Full) => ffi::SQLITE_FULL,
        Err(Failed::Sync) => ffi::SQLITE_IOERR_FSYNC,
        Err(Failed::Dead | Failed::Missing) => dead,
    }
}

fn disk_of(path: &str) -> Option<Arc<Mutex<Disk>>> {
    let (folder, _) = path.rsplit_once('/')?;
    lock(&DISKS).get(folder).cloned()
}

/// The path that SQLite hands over; `None` for a nameless file.
///
/// # Safety
/// `name` is null or a C string that lives as long as the answer is used.
unsafe fn path<'a>(name: *const c_char) -> Option<&'a str> {
    // SAFETY: as the caller promises.
    (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) }.to_str().ok()).flatten()
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite hands over room for `szOsFile` bytes; no methods means that there is nothing to be closed.
    unsafe { (*file).pMethods = std::ptr::null() };
    // SAFETY: SQLite's names live until the file is closed.
    let name = unsafe { path(name) };
    // A nameless file is on a disk of its own, which no power cut touches: nobody finds it again.
    let disk = name.map_or_else(|| Some(Arc::new(Mutex::new(Disk::new(0)))), disk_of);
    let Some(disk) = disk else { return ffi::SQLITE_CANTOPEN };
    let create = flags & (ffi::SQLITE_OPEN_CREATE | ffi::SQLITE_OPEN_DELETEONCLOSE) != 0;
    let (opened, cuts) = {
        let mut disk = lock(&disk);
        (disk.open(name, create), disk.cuts)
    };
    let id = match opened {
        Ok(id) => id,
        Err(failed) => return code(Err(failed), ffi::SQLITE_CANTOPEN),
    };
    let handle = Box::into_raw(Box::new(Handle { disk, id, cuts }));
    // SAFETY: the room is that of `Open`, see `szOsFile`; `out_flags` is null or writable.
    unsafe {
        (*file.cast::<Open>()).handle = handle;
        (*file).pMethods = &raw const METHODS;
        if !out_flags.is_null() {
            *out_flags = flags;
        }
    }
    ffi::SQLITE_OK
}

/// The handle of an open file.
///
/// # Safety
/// `file` was opened by [`open`] and is not closed yet.
unsafe fn handle<'a>(file: *mut ffi::sqlite3_file) -> &'a Handle {
    // SAFETY: as the caller promises, `handle` was put there by `open`.
    unsafe { &*(*file.cast::<Open>()).handle }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes an open file once.
    drop(unsafe { Box::from_raw((*file.cast::<Open>()).handle) });
    ffi::SQLITE_OK
}

fn place(at: ffi::sqlite3_int64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    into: *mut c_void,
    count: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite reads from open files, into room for `count` bytes.
    let (handle, into) = unsafe {
        (handle(file), std::slice::from_raw_parts_mut(into.cast::<u8>(), usize::try_from(count).unwrap_or(0)))
    };
    match handle.with(|disk, id| disk.read(id, into, place(at))) {
        Ok(count) if count == into.len() => ffi::SQLITE_OK,
        Ok(count) => {
            into[count..].fill(0);
            ffi::SQLITE_IOERR_SHORT_READ
        }
        Err(failed) => code(Err(failed), ffi::SQLITE_IOERR_READ),
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    count: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite writes to open files, from `count` bytes.
    let (handle, from) =
        unsafe { (handle(file), std::slice::from_raw_parts(from.cast::<u8>(), usize::try_from(count).unwrap_or(0))) };
    code(handle.with(|disk, id| disk.write(id, from, place(at))), ffi::SQLITE_IOERR_WRITE)
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: ffi::sqlite3_int64) -> c_int {
    // SAFETY: SQLite truncates open files.
    let handle = unsafe { handle(file) };
    code(handle.with(|disk, id| disk.truncate(id, place(size))), ffi::SQLITE_IOERR_TRUNCATE)
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    // SAFETY: SQLite syncs open files.
    let handle = unsafe { handle(file) };
    code(handle.with(Disk::sync), ffi::SQLITE_IOERR_FSYNC)
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, size: *mut ffi::sqlite3_int64) -> c_int {
    // SAFETY: SQLite asks about open files.
    match unsafe { handle(file) }.with(Disk::size) {
        Ok(found) => {
            // SAFETY: `size` is where SQLite wants the answer.
            unsafe { *size = ffi::sqlite3_int64::try_from(found).unwrap_or(ffi::sqlite3_int64::MAX) };
            ffi::SQLITE_OK
        }
        Err(failed) => code(Err(failed), ffi::SQLITE_IOERR_FSTAT),
    }
}

unsafe extern "C" fn no_lock(_: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn check_reserved_lock(_: *mut ffi::sqlite3_file, out: *mut c_int) -> c_int {
    // SAFETY: `out` is where SQLite wants the answer.
    unsafe { *out = 0 };
    ffi::SQLITE_OK
}

/// Lowers `PRAGMA synchronous = 2` to 1 where the disk says so, and answers the question for it with 2: SQLite shows each
/// pragma to the VFS first, as `[answer, name, value]` (SQLITE_FCNTL_PRAGMA).
unsafe extern "C" fn file_control(file: *mut ffi::sqlite3_file, operation: c_int, argument: *mut c_void) -> c_int {
    // SAFETY: SQLite controls open files.
    let mut disk = lock(&unsafe { handle(file) }.disk);
    if operation != ffi::SQLITE_FCNTL_PRAGMA || !disk.weak_sync {
        return ffi::SQLITE_NOTFOUND;
    }
    let words = argument.cast::<*mut c_char>();
    // SAFETY: three pointers, the second a C string, the third one or null.
    let (name, value) = unsafe { (CStr::from_ptr(*words.add(1)), *words.add(2)) };
    if !name.to_bytes().eq_ignore_ascii_case(b"synchronous") {
        return ffi::SQLITE_NOTFOUND;
    }
    if value.is_null() {
        if !disk.lowered {
            return ffi::SQLITE_NOTFOUND;
        }
        // SAFETY: a format without arguments; SQLite frees the answer.
        unsafe { *words = ffi::sqlite3_mprintf(c"2".as_ptr()) };
        return ffi::SQLITE_OK;
    }
    // SAFETY: the value is a C string, a copy that SQLite made for this statement.
    disk.lowered = unsafe { CStr::from_ptr(value) } == c"2";
    if disk.lowered {
        // SAFETY: it is one character long.
        unsafe { *value = c"1".as_ptr().read() };
    }
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_: *mut ffi::sqlite3_file) -> c_int {
    4096 // as SQLite's own VFS on Unix
}

unsafe extern "C" fn device_characteristics(_: *mut ffi::sqlite3_file) -> c_int {
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE // as SQLite's own VFS on Unix
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, sync_folder: c_int) -> c_int {
    // SAFETY: SQLite hands over a C string.
    let Some(name) = (unsafe { path(name) }) else { return ffi::SQLITE_IOERR_DELETE };
    let Some(disk) = disk_of(name) else { return ffi::SQLITE_IOERR_DELETE };
    match lock(&disk).delete(name, sync_folder != 0) {
        Err(Failed::Missing) => ffi::SQLITE_IOERR_DELETE_NOENT,
        other => code(other, ffi::SQLITE_IOERR_DELETE),
    }
}

unsafe extern "C" fn access(_: *mut ffi::sqlite3_vfs, name: *const c_char, _: c_int, out: *mut c_int) -> c_int {
    // SAFETY: SQLite hands over a C string.
    let found = unsafe { path(name) }.and_then(disk_of).zip(unsafe { path(name) });
    match found.map(|(disk, name)| lock(&disk).exists(name)) {
        Some(Err(_)) => ffi::SQLITE_IOERR_ACCESS,
        other => {
            // SAFETY: `out` is where SQLite wants the answer.
            unsafe { *out = c_int::from(matches!(other, Some(Ok(true)))) };
            ffi::SQLITE_OK
        }
    }
}

unsafe extern "C" fn full_pathname(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    room: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: SQLite hands over a C string; paths here are full already.
    let bytes = unsafe { CStr::from_ptr(name) }.to_bytes_with_nul();
    if bytes.len() > usize::try_from(room).unwrap_or(0) {
        return ffi::SQLITE_CANTOPEN;
    }
    // SAFETY: there are `room` bytes at `out`, and the two do not overlap.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr().cast(), out, bytes.len()) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn randomness(_: *mut ffi::sqlite3_vfs, count: c_int, out: *mut c_char) -> c_int {
    // SAFETY: there are `count` bytes at `out`.
    unsafe { std::ptr::write_bytes(out, 7, usize::try_from(count).unwrap_or(0)) };
    count
}

unsafe extern "C" fn sleep(_: *mut ffi::sqlite3_vfs, micros: c_int) -> c_int {
    micros
}

unsafe extern "C" fn current_time(_: *mut ffi::sqlite3_vfs, out: *mut f64) -> c_int {
    // SAFETY: `out` is where SQLite wants the answer.
    unsafe { *out = 2_460_000.5 };
    ffi::SQLITE_OK
}
