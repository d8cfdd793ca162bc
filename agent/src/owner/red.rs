//! Why a group is answered red, and what its operators are told.

use super::running::warn;
use crate::journal::JournalError;

/// Why a group is answered red.
pub(super) enum Red {
    /// The disk is full, and what is left of it is for receipts.
    NoRoom,
    /// The journal did not take it.
    Failed(JournalError),
}

pub(super) fn not_durable(red: &Red) -> (String, &'static str) {
    let full = (
        "Not recorded: the disk is full".to_owned(),
        "Put the unit aside and tell a technician: free disk space, or let the queue drain.",
    );
    match red {
        Red::NoRoom => full,
        Red::Failed(error) => {
            warn("a group was not committed", error);
            let broken = "Put the unit aside and tell a technician: see the log of lotline-station.";
            if error.is_full() { full } else { ("Not recorded: the disk does not take it".to_owned(), broken) }
        }
    }
}
