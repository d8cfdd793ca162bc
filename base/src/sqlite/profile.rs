//! The settings with which stores are opened.

use std::time::Duration;

/// How a store is opened: access, waiting time for locks, pragmas in order.
#[derive(Debug, Clone)]
pub struct Profile {
    pub(super) read_only: bool,
    pub(super) busy_timeout: Duration,
    pub(super) settings: Vec<(&'static str, Setting)>,
    pub(super) vfs: Option<String>,
}

/// The value of a pragma.
#[derive(Debug, Clone)]
pub(super) enum Setting {
    Word(&'static str),
    Number(i64),
    /// Only for a store that has no page yet.
    NumberWhenNew(i64),
    /// The number of whole pages in so many bytes.
    PagesOfBytes(u64),
}

impl Profile {
    /// One process alone, every commit durable, never larger than `quota_bytes` (a store that is already larger does not
    /// grow). At the quota, writes fail with an error that [`is_full`](super::is_full) knows and deleting still works,
    /// because SQLite reuses the pages inside the file; without it, a full disk would not even let rows be deleted.
    /// EXCLUSIVE before WAL avoids the memory-mapped `-shm` file, which would kill the process with SIGBUS on a full disk.
    pub fn journal(quota_bytes: u64) -> Self {
        use Setting::{Number, NumberWhenNew, PagesOfBytes, Word};
        Self {
            read_only: false,
            // Long enough for the former process to end at a restart.
            busy_timeout: Duration::from_secs(5),
            settings: vec![
                ("locking_mode", Word("exclusive")),
                // A commit of one record changes three or four pages, each written whole: small ones cost a fifth less.
                ("page_size", NumberWhenNew(2048)),
                ("synchronous", Number(EXTRA)),
                ("journal_mode", Word("wal")),
                ("synchronous", Number(FULL)),
                ("journal_size_limit", Number(1 << 20)),
                ("wal_autocheckpoint", Number(512)),
                ("max_page_count", PagesOfBytes(quota_bytes)),
                ("foreign_keys", Number(1)),
                ("trusted_schema", Number(0)),
            ],
            vfs: None,
        }
    }

    /// The one writing connection of a store that is read by others: every commit durable, pages of 8 KiB when new, a page
    /// cache of `cache_kib` KiB, up to `busy_timeout` of waiting for a lock.
    pub fn writer(cache_kib: u32, busy_timeout: Duration) -> Self {
        use Setting::{Number, NumberWhenNew, Word};
        Self {
            read_only: false,
            busy_timeout,
            settings: vec![
                ("page_size", NumberWhenNew(8192)),
                ("synchronous", Number(EXTRA)),
                ("journal_mode", Word("wal")),
                ("synchronous", Number(FULL)),
                ("journal_size_limit", Number(64 << 20)),
                ("cache_size", Number(-i64::from(cache_kib))),
                ("foreign_keys", Number(1)),
                ("trusted_schema", Number(0)),
            ],
            vfs: None,
        }
    }

    /// A connection that can only read, beside a [`Profile::writer`] that has made the store.
    pub fn reader(cache_kib: u32, busy_timeout: Duration) -> Self {
        use Setting::Number;
        Self {
            read_only: true,
            busy_timeout,
            settings: vec![
                ("query_only", Number(1)),
                ("cache_size", Number(-i64::from(cache_kib))),
                ("trusted_schema", Number(0)),
            ],
            vfs: None,
        }
    }

    /// On the VFS that was registered under this name (<https://www.sqlite.org/vfs.html>) instead of the system's files.
    #[must_use]
    pub fn with_vfs(self, name: impl Into<String>) -> Self {
        Self { vfs: Some(name.into()), ..self }
    }
}

/// `PRAGMA synchronous`: a sync after each commit, also of the write-ahead log.
const FULL: i64 = 2;
/// And of the folder when a rollback journal was deleted. A new store has one until it is in WAL mode; where a power cut
/// undoes the deletion, the next start would roll the store back to nothing, whatever its write-ahead log holds.
const EXTRA: i64 = 3;
