//! Where the lines of records are in the files of a damaged journal, by series and sequence, whatever leads to them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use records::{FixedBytes, Record, SeriesId};

use super::{JournalError, raw, sums};

/// Bytes of a file that are looked through at once: a multiple of every size of pages.
const AT_ONCE: usize = 1 << 20;
/// Most lines whose place is kept: more than a journal of the default quota can hold several times over.
const MOST: usize = 8_000_000;
/// The mark of checksums from before they named a series.
const UNNAMED: u32 = 0;

/// Where a line begins, and its CRC-32C, by which copies of it are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    in_log: bool,
    at: u64,
    crc: u32,
}

/// Where to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// In the write-ahead log alone, which is short.
    InLog,
    /// In the file as well.
    Everywhere,
}

/// What was found.
pub(super) struct Finds {
    files: Files,
    /// By the tag of the series.
    places: BTreeMap<u32, BTreeMap<u64, Vec<Place>>>,
    names: BTreeMap<u32, SeriesId>,
    /// What may be the id of a series.
    ids: BTreeSet<SeriesId>,
    /// What SQLite does not read of the log.
    unread: Range<u64>,
    /// The series that the tables are of: lines without a tag are its.
    base: Option<SeriesId>,
}

impl Finds {
    /// Looks through the log of a file, and through the file.
    pub fn of(file: &Path, look: Look) -> Result<Self, JournalError> {
        let log = log_of(file)?;
        let unread = unread(file, &log);
        let files = Files::open(file, log);
        let unread = unread.start as u64..unread.end as u64;
        let (places, names, ids) = Default::default();
        let mut finds = Self { files, places, names, ids, unread, base: None };
        finds.look(look);
        Ok(finds)
    }

    /// Are there lines in the log that SQLite does not read?
    pub fn has_unread(file: &Path) -> Result<bool, JournalError> {
        let log = log_of(file)?;
        let unread = unread(file, &log);
        let files = Files::open(file, log);
        let mut any = false;
        raw::rows(files.log.get(unread).unwrap_or_default(), &files, |_| any = true);
        Ok(any)
    }

    fn look(&mut self, look: Look) {
        let mut count = 0;
        let (places, ids) = (&mut self.places, &mut self.ids);
        let mut add = |in_log: bool, base: u64, row: raw::Row| {
            ids.extend(row.series);
            let place = Place { in_log, at: base + row.at as u64, crc: crc32c::crc32c(&row.line) };
            let same = places.entry(row.tag).or_default().entry(row.seq).or_default();
            if count < MOST && !same.iter().any(|other| other.crc == place.crc) {
                same.push(place);
                count += 1;
            }
        };
        let files = &self.files;
        let mut states = raw::series(&files.log);
        raw::rows(&files.log, files, |row| add(true, 0, row));
        let mut chunk = vec![0; AT_ONCE];
        let mut at = 0;
        while let Some(file) = files.file.as_ref().filter(|_| look == Look::Everywhere)
            && let Ok(length) = read_at(file, &mut chunk, at)
            && length > 0
        {
            states.extend(raw::series(&chunk[..length]));
            raw::rows(&chunk[..length], files, |row| add(false, at, row));
            at += length as u64;
        }
        ids.extend(states);
    }

    /// Gives the lines that were found their series: ids are known from elsewhere, and from the pages. Lines with a tag of
    /// their own are damaged ones; several with the same are of a series whose id is lost.
    pub fn name(&mut self, known: impl Iterator<Item = SeriesId>) {
        self.ids.extend(known);
        self.places.retain(|tag, lines| {
            let is_named = *tag == UNNAMED || self.ids.iter().any(|id| sums::tag(*id) == *tag);
            is_named || lines.len() > 1
        });
        let ids = std::mem::take(&mut self.ids);
        self.take_names(ids);
        if self.places.keys().any(|tag| *tag != UNNAMED && !self.names.contains_key(tag)) {
            self.take_names(self.named_in_lines());
        }
        for tag in self.places.keys().filter(|tag| **tag != UNNAMED) {
            // What cannot be named right is at least named alike each time.
            self.names.entry(*tag).or_insert_with(|| {
                let mut id = [0; 16];
                id[..4].copy_from_slice(&tag.to_be_bytes());
                FixedBytes(id)
            });
        }
    }

    fn take_names(&mut self, ids: BTreeSet<SeriesId>) {
        let tagged = ids.into_iter().map(|id| (sums::tag(id), id));
        self.names.extend(tagged.filter(|(tag, _)| self.places.contains_key(tag)));
    }

    /// Records name series: that of the one they were first, that of the one they correct, and the series before theirs.
    fn named_in_lines(&self) -> BTreeSet<SeriesId> {
        let mut ids = BTreeSet::new();
        for (tag, lines) in &self.places {
            for place in lines.values().flatten() {
                let Some(row) = self.files.row(place).filter(|row| row.tag == *tag) else { continue };
                let Ok(record) = serde_json::from_slice::<Record>(&row.line) else { continue };
                let before = record.attributes.get("seriesBefore");
                let before: Option<SeriesId> = before.and_then(|id| id.as_str()?.parse().ok());
                ids.extend(record.former.map(|id| id.series).into_iter().chain(record.corrects.map(|id| id.series)));
                ids.extend(before);
            }
        }
        ids
    }

    /// This is the series that the tables are of.
    pub fn is_base(&mut self, series: SeriesId) {
        self.base = Some(series);
        self.names.insert(sums::tag(series), series);
    }

    /// How many sequences of a series there are.
    pub fn count(&self, series: SeriesId) -> usize {
        self.places.get(&sums::tag(series)).map_or(0, BTreeMap::len)
    }

    /// The series with the most sequences, if any is named.
    pub fn largest(&self) -> Option<SeriesId> {
        self.series().max_by_key(|id| self.count(*id))
    }

    /// The series of which there are lines.
    pub fn series(&self) -> impl Iterator<Item = SeriesId> {
        self.names.iter().filter(|(tag, _)| self.places.contains_key(tag)).map(|(_, id)| *id)
    }

    /// The tags under which lines of a series may be found.
    fn tags(&self, series: SeriesId) -> impl Iterator<Item = u32> {
        let own = self.names.iter().find(|(_, id)| **id == series).map(|(tag, _)| *tag);
        own.into_iter().chain((self.base.is_none() || self.base == Some(series)).then_some(UNNAMED))
    }

    /// The sequences of a series; some twice.
    pub fn seqs(&self, series: SeriesId) -> impl Iterator<Item = u64> {
        self.tags(series).filter_map(|tag| self.places.get(&tag)).flat_map(BTreeMap::keys).copied()
    }

    /// The highest of them in that part of the log that SQLite does not read.
    pub fn highest_unread(&self, series: SeriesId) -> Option<u64> {
        let lines = self.tags(series).filter_map(|tag| self.places.get(&tag)).flatten();
        let unread = lines.filter(|(_, places)| places.iter().any(|p| p.in_log && self.unread.contains(&p.at)));
        unread.map(|(seq, _)| *seq).max()
    }

    /// The lines of a sequence; several where groups were written that were never durable.
    pub fn lines(&self, series: SeriesId, seq: u64) -> Vec<Vec<u8>> {
        let places = self.tags(series).filter_map(|tag| Some((tag, self.places.get(&tag)?.get(&seq)?)));
        let rows = places.flat_map(|(tag, places)| places.iter().filter_map(move |p| Some((tag, self.files.row(p)?))));
        rows.filter(|(tag, row)| row.tag == *tag && row.seq == seq).map(|(_, row)| row.line).collect()
    }
}

/// The files of a journal, to be read anywhere.
struct Files {
    file: Option<File>,
    log: Vec<u8>,
    sizes: Vec<usize>,
    /// By the size of pages: where the log has each page last.
    newest: RefCell<HashMap<usize, HashMap<u32, usize>>>,
}

impl Files {
    fn open(file: &Path, log: Vec<u8>) -> Self {
        let file = File::open(file).ok();
        let mut head = [0; 100];
        let length = file.as_ref().and_then(|file| read_at(file, &mut head, 0).ok()).unwrap_or(0);
        let sizes = raw::sizes(&head[..length], &log);
        Self { file, log, sizes, newest: RefCell::default() }
    }

    /// Reads a line again.
    fn row(&self, place: &Place) -> Option<raw::Row> {
        let row = match place.in_log {
            true => raw::row(&self.log, usize::try_from(place.at).ok()?, self),
            false => {
                let before = place.at.min(raw::BEFORE as u64);
                let mut bytes = vec![0; raw::BEFORE + (1 << 16)];
                let length = read_at(self.file.as_ref()?, &mut bytes, place.at - before).ok()?;
                bytes.truncate(length);
                raw::row(&bytes, usize::try_from(before).ok()?, self)
            }
        };
        row.filter(|row| crc32c::crc32c(&row.line) == place.crc)
    }
}

impl raw::Pages for Files {
    fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    fn page(&self, number: u32, size: usize, of_log: bool) -> Option<Vec<u8>> {
        if of_log {
            let mut newest = self.newest.borrow_mut();
            let newest = newest.entry(size).or_insert_with(|| raw::frames(&self.log, size).collect());
            if let Some(at) = newest.get(&number) {
                return self.log.get(*at..*at + size).map(<[u8]>::to_vec);
            }
        }
        let mut page = vec![0; size];
        let at = u64::from(number.checked_sub(1)?) * size as u64;
        let length = read_at(self.file.as_ref()?, &mut page, at).ok()?;
        (length == size).then_some(page)
    }
}

/// Reads as much as there is.
fn read_at(file: &File, into: &mut [u8], at: u64) -> std::io::Result<usize> {
    let mut length = 0;
    while length < into.len() {
        match file.read_at(&mut into[length..], at + length as u64)? {
            0 => break,
            more => length += more,
        }
    }
    Ok(length)
}

fn log_of(file: &Path) -> Result<Vec<u8>, JournalError> {
    Ok(base::files::read_optional(&base::files::with_suffix(file, "-wal"))?.unwrap_or_default())
}

/// What SQLite does not read of a log: all of it where there is no store.
fn unread(file: &Path, log: &[u8]) -> Range<usize> {
    if is_empty(file) { 0..log.len() } else { raw::unread(log).unwrap_or(0..0) }
}

/// Is the file gone or without a byte? SQLite deletes its log then, unread.
pub(super) fn is_empty(journal: &Path) -> bool {
    std::fs::metadata(journal).map_or(true, |found| found.len() == 0)
}
