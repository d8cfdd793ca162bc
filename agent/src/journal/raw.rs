//! Records in the raw bytes of a journal and its write-ahead log, for when SQLite does not give them any more. Pure.
//!
//! SQLite ends its log at the first frame whose checksum is wrong, without a word, and drops what was durable behind it; a
//! damaged page of a table hides the pages below it. The lines themselves stand whole on their page, each with what SQLite
//! writes before it and with its own checksum behind it, so they can be found without any of that. What does not fit on
//! the page goes on where a chain of further pages leads.
//!
//! Formats: <https://www.sqlite.org/fileformat2.html>, sections 1.5, 1.6, 2.1 and 4.

use records::{FixedBytes, SeriesId};

use super::{logsum, sums};

/// What every line of a record begins with.
const BEGIN: &[u8] = b"{\"v\":";
/// What every state of a station begins with. On its page the series stands before it.
const STATES: [&[u8]; 2] = [b"{\"version\":", b"{\"last_seq\":"];
/// Bytes of the header of a log, and of each of its frames.
const LOG_HEADER: usize = 32;
pub(super) const FRAME_HEADER: usize = 24;
/// Longest line that is put together: longer than any that fits into a segment.
const LONGEST: usize = 16 << 20;
/// No line needs more bytes before it to be understood than these.
pub(super) const BEFORE: usize = 64;

/// A line whose checksum agrees with its series, whichever that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// Where it begins.
    pub at: usize,
    /// Its sequence.
    pub seq: u64,
    /// What its series adds to its checksum ([`sums::tag`]); 0 where the checksum is from before that. A damaged line has
    /// any.
    pub tag: u32,
    /// Its series, where it stands beside it.
    pub series: Option<SeriesId>,
    /// The line.
    pub line: Vec<u8>,
}

/// Gives pages on which a line may go on.
pub(super) trait Pages {
    /// Page sizes that the file may have.
    fn sizes(&self) -> &[usize];
    /// The page of this number and size: as the log has it last, or as it is in the file.
    fn page(&self, number: u32, size: usize, of_log: bool) -> Option<Vec<u8>>;
}

/// The lines in these bytes, in the order in which they stand there; one can be there several times, and forgotten ones
/// may be among them. Damaged ones as well, with a tag of their own.
pub(super) fn rows(bytes: &[u8], pages: &impl Pages, mut found: impl FnMut(Row)) {
    let mut from = 0;
    while let Some(at) = find(bytes, BEGIN, from) {
        from = at + BEGIN.len();
        row(bytes, at, pages).into_iter().for_each(&mut found);
    }
}

/// What may be ids of series in these bytes: what stands before each state.
pub(super) fn series(bytes: &[u8]) -> Vec<SeriesId> {
    let mut found = Vec::new();
    for state in STATES {
        let mut from = 0;
        while let Some(at) = find(bytes, state, from) {
            from = at + state.len();
            let id = at.checked_sub(16).and_then(|begin| bytes.get(begin..at)?.try_into().ok());
            found.extend(id.map(FixedBytes));
        }
    }
    found
}

/// That part of a write-ahead log that SQLite will not read although it belongs to the log: from the transaction with the
/// first frame whose checksum is wrong up to the last frame of the present log. `None` where that is the last transaction,
/// and a power cut or a kill can have left it so: nobody was told of it, for the next one begins only when it is durable.
/// Even a kill tears a frame, whose header and page are written one after the other; and of a transaction that was given
/// up frames may stand there that commit nothing. Where all but one word of the first wrong frame is right, that is damage.
pub(super) fn unread(log: &[u8]) -> Option<std::ops::Range<usize>> {
    if log.len() < LOG_HEADER {
        return None;
    }
    let word = |at: usize| Some(u32::from_be_bytes(log.get(at..at + 4)?.try_into().ok()?));
    // Checksums are of words in the order of the computer that made the log.
    let little = match word(0)? {
        0x377f_0682 => true,
        0x377f_0683 => false,
        // Not even the header can be read, and with it no page size: whatever lines there are.
        _ => return Some(0..log.len()),
    };
    let page = usize::try_from(word(8)?).ok().filter(|page| page.is_power_of_two() && (512..=1 << 16).contains(page));
    let Some(page) = page else { return Some(0..log.len()) };
    let mut sum = logsum::of(little, [0; 2], &log[..24]);
    if Some(sum[0]) != word(24) || Some(sum[1]) != word(28) {
        return Some(0..log.len());
    }
    let salt = &log[16..24];
    let frames = log.get(LOG_HEADER..)?.chunks_exact(FRAME_HEADER + page);
    let (mut committed, mut end) = (LOG_HEADER, None);
    // Of the first wrong frame: is all of it right but one word? And does one commit from there on, with what it says is the
    // checksum, and the next one go on from that?
    let (mut nearly_right, mut commit, mut goes_on) = (None, None, false);
    for (number, frame) in frames.enumerate() {
        let begin = LOG_HEADER + number * (FRAME_HEADER + page);
        // The log before had another salt altogether; of one that is nearly right a bit was changed.
        let ours = frame[8..16].iter().zip(salt).filter(|(one, other)| one == other).count() >= 6;
        let ends_a_transaction = frame[4..8] != [0; 4];
        if nearly_right.is_none() {
            let before = sum;
            sum = logsum::of_frame(little, before, frame);
            if &frame[8..16] == salt && logsum::written(frame) == sum {
                committed = if ends_a_transaction { begin + FRAME_HEADER + page } else { committed };
                continue;
            }
            nearly_right = Some(ours && logsum::is_right_but_one_word(little, before, frame));
        }
        let before: Option<[u32; 2]> = commit.take();
        if ours {
            goes_on |= before.is_some_and(|before| logsum::of_frame(little, before, frame) == logsum::written(frame));
            commit = ends_a_transaction.then(|| logsum::written(frame));
            end = Some(begin + FRAME_HEADER + page);
        }
    }
    (goes_on || nearly_right == Some(true)).then_some(committed..end?)
}

/// The size of the pages of a log, as its header says, and where each frame has its page: its number, and the offset.
pub(super) fn frames(log: &[u8], size: usize) -> impl Iterator<Item = (u32, usize)> {
    let frames = log.get(LOG_HEADER..).unwrap_or_default().chunks_exact(FRAME_HEADER + size).enumerate();
    frames.map(move |(number, frame)| {
        let page = u32::from_be_bytes([frame[0], frame[1], frame[2], frame[3]]);
        (page, LOG_HEADER + number * (FRAME_HEADER + size) + FRAME_HEADER)
    })
}

/// What may be the size of a page, in the header of a file and of a log.
pub(super) fn sizes(file: &[u8], log: &[u8]) -> Vec<usize> {
    let of_file = match file.get(16..18) {
        Some([0, 1]) => 1 << 16,
        Some([high, low]) => usize::from(u16::from_be_bytes([*high, *low])),
        _ => 0,
    };
    let of_log = log.get(8..12).map_or(0, |size| u32::from_be_bytes([size[0], size[1], size[2], size[3]]) as usize);
    // What new journals have, and what old ones may have.
    let mut sizes: Vec<usize> = vec![of_file, of_log, 2048, 4096];
    sizes.retain(|size| size.is_power_of_two() && (512..=1 << 16).contains(size));
    let mut seen = Vec::new();
    sizes.retain(|size| {
        !seen.contains(size) && {
            seen.push(*size);
            true
        }
    });
    sizes
}

fn find(bytes: &[u8], what: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.windows(what.len()).position(|window| window == what).map(|at| from + at)
}

/// The row whose line begins here, if the line is whole.
pub(super) fn row(bytes: &[u8], at: usize, pages: &impl Pages) -> Option<Row> {
    cells(bytes, at).into_iter().flatten().find_map(|cell| cell.row(bytes, at, pages))
}

/// What stands before a line says how long it and its neighbours are.
struct Cell {
    /// Where what is stored in the cell begins: the header, whose first byte a freed cell has lost.
    begin: usize,
    /// Bytes of the line.
    line: usize,
    /// The type of the checksum.
    crc: u8,
    /// Bytes of all that is stored.
    all: usize,
    /// The series, where the cell has it.
    series: Option<SeriesId>,
}

/// The ways in which a line can be stored: in `record`, with and without its last column, or in `carried`.
fn cells(bytes: &[u8], at: usize) -> [Option<Cell>; 9] {
    let carried = |width| in_carried(bytes, at, width);
    [
        in_record(bytes, at, 3),
        in_record(bytes, at, 2),
        carried(1),
        carried(2),
        carried(3),
        carried(4),
        carried(6),
        carried(8),
        carried(0),
    ]
}

/// `record(seq, line, crc, stored, refusal)`: the header ends just before the line; `seq` is the key and takes no byte.
fn in_record(bytes: &[u8], at: usize, behind: usize) -> Option<Cell> {
    let types = bytes.get(at.checked_sub(behind)?..at)?;
    let (line, begin) = blob_before(bytes, at - behind)?;
    let values = types.iter().try_fold(0, |sum, kind| Some(sum + width(*kind)?))?;
    let begin = begin.checked_sub(2)?;
    Some(Cell { begin, line, crc: types[0], all: at - begin + line + values, series: None })
}

/// `carried(n, series, seq, line, crc)`: series and sequence stand between the header and the line.
fn in_carried(bytes: &[u8], at: usize, seq: usize) -> Option<Cell> {
    const SERIES: u8 = 12 + 2 * 16;
    let header = at.checked_sub(16 + seq)?;
    let crc = *bytes.get(header.checked_sub(1)?)?;
    let (line, begin) = blob_before(bytes, header - 1)?;
    let [kind, of_seq] = bytes.get(begin.checked_sub(2)?..begin)?.try_into().ok()?;
    if kind != SERIES || width(of_seq) != Some(seq) {
        return None;
    }
    let begin = begin.checked_sub(4)?;
    let series = bytes.get(header..header + 16)?.try_into().ok().map(FixedBytes);
    Some(Cell { begin, line, crc, all: at - begin + line + width(crc)?, series })
}

/// The length of a blob whose type ends before `end`, and where the type begins.
fn blob_before(bytes: &[u8], end: usize) -> Option<(usize, usize)> {
    let mut begin = end.checked_sub(1)?;
    let last = *bytes.get(begin)?;
    if last >= 0x80 {
        return None;
    }
    let (mut kind, mut shift) = (usize::from(last), 7);
    // A line of no more than `LONGEST` has a type of at most four bytes.
    while shift < 28
        && let Some(byte) = begin.checked_sub(1).and_then(|before| bytes.get(before)).filter(|byte| **byte >= 0x80)
    {
        kind |= usize::from(byte & 0x7f) << shift;
        (begin, shift) = (begin - 1, shift + 7);
    }
    let is_blob = kind >= 12 && kind.is_multiple_of(2);
    is_blob.then(|| (kind.saturating_sub(12) / 2, begin)).filter(|(length, _)| *length <= LONGEST)
}

/// Bytes of a number of this type; `None` for what is none.
fn width(kind: u8) -> Option<usize> {
    match kind {
        0 | 8 | 9 => Some(0),
        1..=4 => Some(usize::from(kind)),
        5 => Some(6),
        6 => Some(8),
        _ => None,
    }
}

impl Cell {
    fn row(&self, bytes: &[u8], at: usize, pages: &impl Pages) -> Option<Row> {
        let (line, end) = (at - self.begin, at - self.begin + self.line);
        let read = |stored: &[u8]| self.read(at, stored.get(line..end)?, stored.get(end..)?);
        let whole = bytes.get(self.begin..self.begin + self.all).and_then(read);
        whole.or_else(|| {
            let ways = pages.sizes().iter().flat_map(|size| [(*size, true), (*size, false)]);
            ways.into_iter().find_map(|(size, of_log)| read(&self.spilled(bytes, size, pages, of_log)?))
        })
    }

    fn read(&self, at: usize, line: &[u8], behind: &[u8]) -> Option<Row> {
        #[derive(serde::Deserialize)]
        struct Line {
            seq: u64,
        }
        let crc = number(self.crc, behind)?;
        let seq = serde_json::from_slice::<Line>(line).ok()?.seq;
        let tag = crc32c::crc32c(line) ^ crc;
        let series = self.series.filter(|series| sums::tag(*series) == tag);
        Some(Row { at, seq, tag, series, line: line.to_vec() })
    }

    /// What is stored in the cell where it does not fit on its page: section 1.6 of the format, "cell payload overflow".
    fn spilled(&self, bytes: &[u8], size: usize, pages: &impl Pages, of_log: bool) -> Option<Vec<u8>> {
        let most = size - 35;
        if self.all <= most {
            return None;
        }
        let least = (size - 12) * 32 / 255 - 23;
        let fitting = least + (self.all - least) % (size - 4);
        let here = if fitting <= most { fitting } else { least };
        let mut stored = bytes.get(self.begin..self.begin + here)?.to_vec();
        let number_at = |bytes: &[u8]| Some(u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?));
        let mut next = number_at(bytes.get(self.begin + here..)?)?;
        while stored.len() < self.all {
            let page = pages.page(next, size, of_log)?;
            let more = (self.all - stored.len()).min(size - 4);
            stored.extend(page.get(4..4 + more)?);
            next = number_at(&page)?;
        }
        Some(stored)
    }
}

/// A checksum of this type at the beginning of these bytes.
fn number(kind: u8, bytes: &[u8]) -> Option<u32> {
    match kind {
        0 => None,
        8 => Some(0),
        9 => Some(1),
        _ => {
            let bytes = bytes.get(..width(kind)?)?;
            // The sign is in the first bit: what has it set is no checksum.
            let value = bytes.iter().try_fold(0_u64, |value, byte| Some(value.checked_mul(256)? + u64::from(*byte)))?;
            u32::try_from(value).ok().filter(|_| bytes[0] < 0x80)
        }
    }
}

#[cfg(test)]
mod tests;
