//! The service's clock, handed to whoever needs the time.

use std::sync::Arc;

use jiff::Timestamp;
use records::Stamp;

/// Says what time it is.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Makes of what the clock says the stamp of a record that the service writes itself.
pub type Stamps = Arc<dyn Fn(Timestamp) -> Stamp + Send + Sync>;

/// The clock of the operating system.
pub fn system() -> Clock {
    Arc::new(Timestamp::now)
}

/// Stamps with what the kernel says of its clock and of this boot.
pub fn system_stamps() -> Stamps {
    let boot = base::clock::boot_id();
    Arc::new(move |now| Stamp {
        wall: whole_milliseconds(now),
        synchronised: base::clock::is_synchronised(),
        boot: boot.clone(),
        since_boot: base::clock::since_boot(),
    })
}

/// As records write times.
fn whole_milliseconds(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_says_which_boot_it_is_of_and_whole_milliseconds() {
        let now = Timestamp::from_microsecond(1_772_366_400_123_456).unwrap();
        let stamp = system_stamps()(now);
        assert_eq!(stamp.wall.as_microsecond(), 1_772_366_400_123_000);
        assert!(!stamp.boot.is_empty() && stamp.since_boot > 0);
    }
}
