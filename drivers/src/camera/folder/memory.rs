//! What one opening of a folder leaves for the next.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Taken, Version};

/// Remembers, for each folder, what must not be done or said twice in one run of the program. Clones share it.
#[derive(Debug, Clone, Default)]
pub(in crate::camera) struct Memory(Arc<Mutex<BTreeMap<PathBuf, OfFolder>>>);

#[derive(Debug, Default)]
struct OfFolder {
    stuck: Option<Stuck>,
    link_said: bool,
}

/// A picture that was taken over and could not be moved away.
#[derive(Debug, Clone)]
pub(super) struct Stuck {
    pub(super) name: OsString,
    pub(super) version: Version,
    pub(super) what: Taken,
}

impl Memory {
    fn folders(&self) -> MutexGuard<'_, BTreeMap<PathBuf, OfFolder>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn stuck(&self, folder: &Path) -> Option<Stuck> {
        self.folders().get(folder)?.stuck.clone()
    }

    /// There is one at most: a folder is not read on as long as one is stuck.
    pub(super) fn remember(&self, folder: &Path, stuck: Option<Stuck>) {
        self.folders().entry(folder.to_owned()).or_default().stuck = stuck;
    }

    /// Whether no link was met in this folder before.
    pub(super) fn is_first_link(&self, folder: &Path) -> bool {
        !std::mem::replace(&mut self.folders().entry(folder.to_owned()).or_default().link_said, true)
    }
}
