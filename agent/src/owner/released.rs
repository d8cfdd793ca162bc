//! Units that were put on hold at this line, and that the service has released since.

use super::item::Item;
use super::running::{Running, warn};

impl Running {
    /// What was put on hold at this line and the service has released since is so no more.
    pub(super) fn release(&mut self) {
        match self.owner.journal.released() {
            Ok(units) if units.is_empty() => {}
            Ok(units) => {
                let items = units.into_iter().map(|(scope, serial)| Item::Released { scope, serial });
                self.decide_group(items.collect());
            }
            Err(error) => warn("what the service has released could not be read", &error),
        }
    }
}
