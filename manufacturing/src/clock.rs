//! The service's clock, handed to whoever needs the time.

use std::sync::Arc;

use jiff::Timestamp;

/// Says what time it is.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The clock of the operating system.
pub fn system() -> Clock {
    Arc::new(Timestamp::now)
}
