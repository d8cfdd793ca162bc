//! The wall clock: only to tell old pictures from new ones, and to make names.

use std::time::SystemTime;

#[allow(clippy::disallowed_methods, reason = "the time of files is wall time")]
pub(super) fn now() -> SystemTime {
    SystemTime::now()
}
