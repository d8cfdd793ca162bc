//! Work orders from a file that may change while the station runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use base::config::Faults;
use records::wire::WorkOrder;

use super::csv;

/// What tells whether a file is another one than before.
type Stamp = Option<(SystemTime, u64)>;

/// The work orders of a CSV file. It is read again when it has changed; a file with faults changes nothing.
pub struct File {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    stamp: Stamp,
    orders: BTreeMap<String, WorkOrder>,
    faults: usize,
}

/// What is known of a work order.
#[derive(Debug, Clone, PartialEq)]
pub enum InFile {
    /// It is this.
    Order(WorkOrder),
    /// It is not in the file.
    Unknown,
    /// It is not in the file as it was read last; since then the file has so many faults.
    Faulty(usize),
}

impl File {
    /// Reads the file for the first time.
    ///
    /// # Errors
    /// All its faults: a station does not start with them.
    pub fn open(path: &Path) -> Result<Self, Faults> {
        let stamp = stamp(path);
        let orders = csv::load(path)?;
        Ok(Self { path: path.to_owned(), state: Mutex::new(State { stamp, orders, faults: 0 }) })
    }

    /// The file's name, for messages.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the file says of a work order now.
    pub fn find(&self, id: &str) -> InFile {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = stamp(&self.path);
        if now != state.stamp {
            state.stamp = now;
            match csv::load(&self.path) {
                Ok(orders) => {
                    tracing::info!(file = %self.path.display(), orders = orders.len(), "the work orders were read again");
                    (state.orders, state.faults) = (orders, 0);
                }
                Err(faults) => {
                    tracing::error!(file = %self.path.display(), "the work orders have faults, those from before stay:\n{faults}");
                    state.faults = faults.len();
                }
            }
        }
        match state.orders.get(id) {
            Some(order) => InFile::Order(order.clone()),
            None if state.faults > 0 => InFile::Faulty(state.faults),
            None => InFile::Unknown,
        }
    }
}

fn stamp(path: &Path) -> Stamp {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_is_read_again_and_a_faulty_one_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("o.csv");
        std::fs::write(&path, "workOrder,lotCode\nWO-1,L1\n").unwrap();
        let file = File::open(&path).unwrap();
        let lot = |id: &str| match file.find(id) {
            InFile::Order(order) => Ok(order.attributes["lotCode"].clone()),
            other => Err(other),
        };
        assert_eq!(lot("WO-1"), Ok("L1".into()));
        assert_eq!(lot("WO-22"), Err(InFile::Unknown));
        std::fs::write(&path, "workOrder,lotCode\nWO-1,L1\nWO-22,L2\n").unwrap();
        assert_eq!(lot("WO-22"), Ok("L2".into()));
        std::fs::write(&path, "workOrder,lotCode\nWO-1,changed\n,\n,x\n,y\n").unwrap();
        assert_eq!(lot("WO-1"), Ok("L1".into()), "refused whole");
        assert_eq!(lot("WO-333"), Err(InFile::Faulty(2)));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(lot("WO-22"), Ok("L2".into()), "the line goes on");
    }
}
