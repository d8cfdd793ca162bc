//! A disk in memory that knows what is durable and what is only written.
//!
//! What a power cut leaves is what was synced, plus any subset of what was written since, each write whole, torn at a
//! border of 512 bytes, or not at all, in any order among sectors. Making and deleting a file is durable when its folder is
//! synced, or, for a new file, when the file itself is. Until then it may have happened or not.

use std::collections::BTreeMap;

/// What is written whole or not at all.
const SECTOR: usize = 512;

/// Why a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failed {
    /// There is no power.
    Dead,
    /// There is no space left.
    Full,
    /// The sync failed. What was to be synced may be on the disk or not, and no later sync says so.
    Sync,
    /// There is no such file.
    Missing,
}

#[derive(Debug, Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Cut(usize),
}

#[derive(Debug, Default)]
struct File {
    /// What a reader sees.
    now: Vec<u8>,
    /// What a power cut leaves for certain.
    durable: Vec<u8>,
    /// From `durable` to `now`, oldest first.
    pending: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Naming {
    Made(String, u64),
    Gone(String, u64),
}

/// The disk. Calls that can change it are counted; a cut before a read would leave what a cut before the next change does.
#[derive(Debug, Default)]
pub struct Disk {
    files: BTreeMap<u64, File>,
    names: BTreeMap<String, u64>,
    durable_names: BTreeMap<String, u64>,
    renaming: Vec<Naming>,
    made: u64,
    calls: u64,
    cut_at: Option<u64>,
    full: Option<(u64, u64)>,
    /// The files together can have so many bytes.
    capacity: Option<usize>,
    sync_fails_at: Option<u64>,
    /// The file whose last sync failed.
    unsure: Option<u64>,
    dead: bool,
    random: u64,
    /// How often power went.
    pub cuts: u64,
    /// The pragma `synchronous` is lowered from FULL to NORMAL behind SQLite's back.
    pub weak_sync: bool,
    /// Was it?
    pub lowered: bool,
}

impl Disk {
    /// An empty disk whose chances follow from the seed.
    pub fn new(seed: u64) -> Self {
        Self { random: seed, ..Self::default() }
    }

    /// Power goes at the `calls`-th call from now, counted from 1.
    pub fn cut_after(&mut self, calls: u64) {
        self.cut_at = Some(self.calls + calls);
    }

    /// Power goes now.
    pub fn cut(&mut self) {
        self.dead = true;
    }

    /// There is no space from the `after`-th call on, for so many calls.
    pub fn full_after(&mut self, after: u64, calls: u64) {
        self.full = Some((self.calls + after, self.calls + after + calls));
    }

    /// The files together can have so many bytes more than now.
    pub fn leave(&mut self, bytes: usize) {
        self.capacity = Some(self.files.values().map(|file| file.now.len()).sum::<usize>() + bytes);
    }

    /// So many bytes more are free than were.
    pub fn free(&mut self, bytes: usize) {
        self.capacity = self.capacity.map(|capacity| capacity + bytes);
    }

    /// The `after`-th call from now fails if it is a sync.
    pub fn sync_fails_after(&mut self, after: u64) {
        self.sync_fails_at = Some(self.calls + after);
    }

    /// Nothing fails from now on, as long as there is power.
    pub fn mend(&mut self) {
        (self.cut_at, self.full, self.sync_fails_at) = (None, None, None);
    }

    /// Is there no power, or was a fault asked for that may have come by now?
    pub fn is_troubled(&self) -> bool {
        self.dead || self.full.is_some() || self.sync_fails_at.is_some()
    }

    /// Did the last sync of a file fail? What a reader sees of it is then not what any later sync makes durable.
    pub fn is_unsure(&self) -> bool {
        self.unsure.is_some()
    }

    /// Is there no power?
    pub fn is_dead(&self) -> bool {
        self.dead
    }

    /// The calls so far.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// Power comes back. What was not synced is there or not, as chance has it.
    pub fn power_up(&mut self) {
        for naming in std::mem::take(&mut self.renaming) {
            if self.chance(2) {
                self.name_durably(naming);
            }
        }
        let mut files = std::mem::take(&mut self.files);
        for file in files.values_mut() {
            self.settle(file);
        }
        self.names.clone_from(&self.durable_names);
        files.retain(|id, _| self.names.values().any(|named| named == id));
        self.files = files;
        self.mend();
        (self.dead, self.unsure) = (false, None);
        self.cuts += 1;
    }

    /// The program was killed, the machine runs on: nothing that was written is gone.
    pub fn restart_program(&mut self) {
        self.dead = false;
        self.mend();
    }

    /// Changes one byte in every place that reads `needle`; tells whether there was one.
    pub fn flip(&mut self, name: &str, needle: &[u8], at: usize) -> bool {
        let Some(file) = self.names.get(name).and_then(|id| self.files.get_mut(id)) else { return false };
        let mut found = false;
        for bytes in [&mut file.now, &mut file.durable] {
            let mut from = 0;
            while let Some(place) = bytes[from..].windows(needle.len()).position(|window| window == needle) {
                bytes[from + place + at % needle.len()] ^= 1;
                from += place + needle.len();
                found = true;
            }
        }
        found
    }

    fn random(&mut self) -> u64 {
        // SplitMix64, https://prng.di.unimi.it/splitmix64.c
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// One in `of`.
    fn chance(&mut self, of: u64) -> bool {
        self.random().is_multiple_of(of)
    }

    /// What was pending happened or not; what is durable is then all there is.
    fn settle(&mut self, file: &mut File) {
        let pending = std::mem::take(&mut file.pending);
        self.keep_some(file, pending);
        file.now.clone_from(&file.durable);
    }

    fn keep_some(&mut self, file: &mut File, pending: Vec<Change>) {
        // Four kinds of cut: nothing got there, all did, the oldest did, or any sector of any write.
        let kind = self.random() % 4;
        let oldest = match kind {
            0 => 0,
            2 => usize::try_from(self.random()).unwrap_or(0) % (pending.len() + 1),
            _ => pending.len(),
        };
        for change in pending.into_iter().take(oldest) {
            if kind != 3 {
                apply(&mut file.durable, &change);
                continue;
            }
            match change {
                Change::Cut(_) if self.chance(2) => apply(&mut file.durable, &change),
                Change::Cut(_) => {}
                Change::Write(at, bytes) => {
                    for (at, part) in sectors(at, &bytes) {
                        if !self.chance(3) {
                            apply(&mut file.durable, &Change::Write(at, part.to_vec()));
                        }
                    }
                }
            }
        }
    }

    fn name_durably(&mut self, naming: Naming) {
        match naming {
            Naming::Made(name, id) => {
                self.durable_names.insert(name, id);
            }
            Naming::Gone(name, id) => {
                if self.durable_names.get(&name) == Some(&id) {
                    self.durable_names.remove(&name);
                }
            }
        }
    }

    /// Counts a call that can change something. `true` where power goes in the middle of it.
    fn call(&mut self) -> Result<bool, Failed> {
        if self.dead {
            return Err(Failed::Dead);
        }
        self.calls += 1;
        self.dead = self.cut_at.is_some_and(|at| self.calls >= at);
        Ok(self.dead)
    }

    fn is_full(&self) -> bool {
        self.full.is_some_and(|(from, to)| (from..to).contains(&self.calls))
    }

    fn file(&mut self, id: u64) -> Result<&mut File, Failed> {
        self.files.get_mut(&id).ok_or(Failed::Missing)
    }
}

/// What SQLite asks of a file system.
impl Disk {
    /// Opens a file by name, or a nameless one, and makes it if asked to.
    pub fn open(&mut self, name: Option<&str>, create: bool) -> Result<u64, Failed> {
        if self.dead {
            return Err(Failed::Dead);
        }
        if let Some(id) = name.and_then(|name| self.names.get(name)) {
            return Ok(*id);
        }
        if !create {
            return Err(Failed::Missing);
        }
        let dies = self.call()?;
        if self.is_full() {
            return Err(Failed::Full);
        }
        self.made += 1;
        let id = self.made;
        self.files.insert(id, File::default());
        if let Some(name) = name {
            self.names.insert(name.to_owned(), id);
            self.renaming.push(Naming::Made(name.to_owned(), id));
        }
        if dies { Err(Failed::Dead) } else { Ok(id) }
    }

    /// Fills `into` from `at` on; tells how many bytes there were.
    pub fn read(&mut self, id: u64, into: &mut [u8], at: usize) -> Result<usize, Failed> {
        if self.dead {
            return Err(Failed::Dead);
        }
        let now = &self.file(id)?.now;
        let there = now.get(at..).unwrap_or_default();
        let count = there.len().min(into.len());
        into[..count].copy_from_slice(&there[..count]);
        Ok(count)
    }

    /// Writes; on a full disk a part of it may have been written.
    pub fn write(&mut self, id: u64, bytes: &[u8], at: usize) -> Result<(), Failed> {
        let dies = self.call()?;
        let used: usize = self.files.values().map(|file| file.now.len()).sum();
        let room = self.capacity.map_or(usize::MAX, |capacity| capacity.saturating_sub(used));
        let longer = (at + bytes.len()).saturating_sub(self.file(id)?.now.len());
        let full = self.is_full() || longer > room;
        let count = match full {
            true if longer > room => bytes.len().saturating_sub(longer - room),
            true => usize::try_from(self.random()).unwrap_or(0) % (bytes.len() + 1),
            false => bytes.len(),
        };
        let file = self.file(id)?;
        let change = Change::Write(at, bytes[..count].to_vec());
        apply(&mut file.now, &change);
        file.pending.push(change);
        match (dies, full) {
            (true, _) => Err(Failed::Dead),
            (_, true) => Err(Failed::Full),
            _ => Ok(()),
        }
    }

    /// Cuts the file off, or fills it up with zeros.
    pub fn truncate(&mut self, id: u64, size: usize) -> Result<(), Failed> {
        let dies = self.call()?;
        let file = self.file(id)?;
        apply(&mut file.now, &Change::Cut(size));
        file.pending.push(Change::Cut(size));
        if dies { Err(Failed::Dead) } else { Ok(()) }
    }

    /// Makes the file durable, and that it was made.
    pub fn sync(&mut self, id: u64) -> Result<(), Failed> {
        let dies = self.call()?;
        if dies {
            return Err(Failed::Dead);
        }
        if self.sync_fails_at == Some(self.calls) {
            let mut file = std::mem::take(self.file(id)?);
            let pending = std::mem::take(&mut file.pending);
            self.keep_some(&mut file, pending);
            self.files.insert(id, file);
            self.unsure = Some(id);
            return Err(Failed::Sync);
        }
        self.unsure.take_if(|unsure| *unsure == id);
        let file = self.file(id)?;
        for change in std::mem::take(&mut file.pending) {
            apply(&mut file.durable, &change);
        }
        for naming in std::mem::take(&mut self.renaming) {
            match naming {
                Naming::Made(ref name, made) if made == id => {
                    // What happened to the name before is over.
                    self.renaming.retain(|(Naming::Made(earlier, _) | Naming::Gone(earlier, _))| earlier != name);
                    self.name_durably(naming);
                }
                other => self.renaming.push(other),
            }
        }
        Ok(())
    }

    /// The size as a reader sees it.
    pub fn size(&mut self, id: u64) -> Result<usize, Failed> {
        if self.dead { Err(Failed::Dead) } else { Ok(self.file(id)?.now.len()) }
    }

    /// Deletes a file by name, durably if asked to.
    pub fn delete(&mut self, name: &str, sync_folder: bool) -> Result<(), Failed> {
        let dies = self.call()?;
        let id = self.names.remove(name).ok_or(Failed::Missing)?;
        self.renaming.push(Naming::Gone(name.to_owned(), id));
        if dies {
            return Err(Failed::Dead);
        }
        if sync_folder {
            std::mem::take(&mut self.renaming).into_iter().for_each(|naming| self.name_durably(naming));
        }
        Ok(())
    }

    /// Is there such a file, with something in it? Empty ones do not count, as in SQLite's own VFS.
    pub fn exists(&mut self, name: &str) -> Result<bool, Failed> {
        if self.dead {
            return Err(Failed::Dead);
        }
        Ok(self.names.get(name).and_then(|id| self.files.get(id)).is_some_and(|file| !file.now.is_empty()))
    }
}

fn apply(content: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write(at, bytes) => {
            let end = at + bytes.len();
            if content.len() < end {
                content.resize(end, 0);
            }
            content[*at..end].copy_from_slice(bytes);
        }
        Change::Cut(size) => content.resize(*size, 0),
    }
}

/// The parts of a write that share no sector.
fn sectors(at: usize, bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let start = at + done;
        let count = (SECTOR - start % SECTOR).min(bytes.len() - done);
        let part = &bytes[done..done + count];
        done += count;
        (count > 0).then_some((start, part))
    })
}

#[cfg(test)]
mod tests;
