//! `export records`: the evidence of the store as one file that stands for itself. Whoever has the file and the
//! service's public key can check every signature, chain and gap in it without this program's store (see
//! [`crate::verify`]).
//!
//! # The file
//! Lines of bytes, each ended by LF. A line of this format is JSON without spaces, its fields in the order below; a record
//! line is the station's own, byte for byte. Hexadecimal is lower case, times are RFC 3339 in UTC.
//!
//! ```text
//! {"lotline":"export","v":1,"made":TIME,"service":KEY,"version":TEXT}                    line 1
//!
//! {"lotline":"series","station":TEXT,"series":ID,"key":KEY,"highest":N}                  by station, then series
//! {"lotline":"status","key":KEY,"body":TEXT}                                             its last status, if there is one
//! {"lotline":"records","first":N,"lines":M,"envelopes":[ENVELOPE,…]}                     M record lines follow:
//! …                                                                                      N, N + 1, … N + M - 1
//! {"lotline":"hole","first":N,"last":N,"why":WHY}                                        at its place in the sequence
//! {"lotline":"rejected","seq":N,"reason":TEXT}                                           after the last record
//! {"lotline":"apart","seq":N,"hash":HASH}                                                one line kept apart follows
//! …
//! {"lotline":"announced","station":TEXT,"series":ID,"key":KEY,"body":TEXT}               after the last series
//! {"end":true,"series":N,"records":N,"envelopes":N,"holes":N,"sha256":HASH,"sig":SIG}    the last line
//! ```
//! - A series has every stored line exactly once, in the order of their sequences, and every stored envelope exactly once, in
//!   the order of `first` and `last`, in the block whose first line is the first that the envelope signs. Envelopes can
//!   overlap, because a segment that is sent again may be cut differently; that is why they stand apart from the lines.
//!   A block has at most 512 lines, 512 envelopes and 1 MiB of lines. One without lines has envelopes of lines that are
//!   missing. ENVELOPE is written as on the wire (`records::segment`).
//! - `highest` is the highest sequence that is known to exist, from the stored runs and the last status.
//! - WHY says why records are missing: `notCome` (nobody knows), `rejected` (signed and unreadable), `apart` (came with
//!   other bytes), `setAside` and `notHeld` (the station says that they will not come).
//! - `body` is the JSON of a status as the store has it; its signature was checked when it came and is not kept.
//! - `announced` is a series of which a status is known and nothing else.
//! - `sha256` is that of all bytes before the last line. `sig` is Ed25519 with the service's key over
//!
//! ```text
//! "lotline export" | v: u8 | series: u64 | records: u64 | envelopes: u64 | holes: u64 | sha256: 32 bytes  (big endian)
//! ```
//! so that a file that was cut or edited cannot look whole. The numbers count the lines `series` and `hole`, the record lines
//! and the envelopes.

mod csv;
mod file;
mod format;
mod item;
mod key;
#[cfg(test)]
pub mod tests;
mod walk;
mod write;

use std::io;
use std::path::PathBuf;

use crate::store;

pub use csv::devices;
pub use file::to_file;
pub use format::{End, Entry, Head, MOST_LINES, VERSION};
pub use item::{Item, Why};
pub use key::service_key;
pub use walk::{open, snapshot, total, walk};
pub use write::{Written, records};

/// The evidence could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no store.
    #[error("there is no store `{0}`: name its folder with --data")]
    NoStore(PathBuf),
    /// The store cannot be opened.
    #[error("cannot use the store")]
    Open(#[source] store::Error),
    /// A query failed.
    #[error("the store did not answer")]
    Store(#[from] store::Error),
    /// The service has no key.
    #[error(
        "there is no key `{0}`: the service makes it at its first start; a lost one has to be restored from the backup"
    )]
    NoKey(PathBuf),
    /// The key file holds something else.
    #[error("`{0}` does not hold 64 hexadecimal digits: restore it from the backup")]
    Key(PathBuf),
    /// A file.
    #[error(transparent)]
    File(#[from] base::files::Error),
    /// The output does not take more.
    #[error("the export could not be written")]
    Write(#[source] io::Error),
}
