//! The ways in which a file is damaged.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::Dice;
use super::{SETTLED, WAITING, unit};

/// The files of a station.
pub(super) const FILES: [&str; 4] = ["journal.db", "journal.db-wal", "station.marks", "station.key"];

/// One damage of one file.
#[derive(Debug, Clone)]
pub(super) struct Damage {
    pub file: &'static str,
    how: How,
}

#[derive(Debug, Clone)]
enum How {
    /// One byte is another one.
    Flip { at: usize, with: u8 },
    /// The file ends early.
    Truncate(usize),
    /// The file of another station.
    Swap,
    /// Nothing in it.
    Empty,
    /// No such file.
    Gone,
    /// Not what it should be at all.
    Text,
}

/// What a damage did.
#[derive(Debug, Default)]
pub(super) struct Harm {
    /// Units whose bytes were, or may have been, touched: they need not arrive.
    pub touched: BTreeSet<String>,
}

impl Damage {
    /// A byte somewhere in the file is changed.
    pub fn flip(file: &'static str, template: &Path, dice: &mut Dice) -> Self {
        let length = std::fs::metadata(template.join(file)).map_or(0, |found| found.len());
        let with = 1 + u8::try_from(dice.roll(255)).unwrap_or_default();
        Self { file, how: How::Flip { at: dice.roll(length) as usize, with } }
    }

    /// Every other way, once each.
    pub fn others(template: &Path, dice: &mut Dice) -> Vec<Self> {
        let mut all = Vec::new();
        for file in FILES {
            let length = std::fs::metadata(template.join(file)).map_or(0, |found| found.len());
            if file.starts_with("station") {
                all.push(Self::flip(file, template, dice));
            }
            all.push(Self { file, how: How::Truncate(dice.roll(length) as usize) });
            all.extend([How::Swap, How::Empty, How::Gone, How::Text].map(|how| Self { file, how }));
        }
        all
    }

    /// The file and the way, for counting.
    pub fn kind(&self) -> String {
        let way = match self.how {
            How::Flip { .. } => "flipped",
            How::Truncate(_) => "truncated",
            How::Swap => "of another station",
            How::Empty => "empty",
            How::Gone => "gone",
            How::Text => "a text",
        };
        format!("{} {way}", self.file)
    }

    /// Nobody but a person can say which key or which SSCCs a station has; nor which of two journals is its own.
    pub fn may_stop(&self) -> bool {
        self.file.starts_with("station") || (self.file.starts_with(FILES[0]) && matches!(self.how, How::Swap))
    }

    /// What another key signs nobody takes until a person has enrolled it.
    pub fn may_hold(&self) -> bool {
        self.file == FILES[3]
    }

    /// Damages the file in this folder.
    pub fn apply(&self, folder: &Path) -> Harm {
        let path = folder.join(self.file);
        let bytes = std::fs::read(&path).unwrap_or_default();
        let (after, touched) = match self.how {
            How::Flip { at, with } => {
                let mut after = bytes.clone();
                if let Some(byte) = after.get_mut(at) {
                    *byte ^= with;
                }
                let page = page(self.file, page_size(folder), &bytes, at);
                (Some(after), units_in(&bytes[page]))
            }
            How::Truncate(length) => {
                // The page that the cut goes through is touched as a whole.
                let cut = page(self.file, page_size(folder), &bytes, length);
                (Some(bytes[..length].to_vec()), units_in(&bytes[cut.start..]))
            }
            How::Swap => (std::fs::read(folder.join("other").join(self.file)).ok(), units_in(&bytes)),
            How::Empty => (Some(Vec::new()), units_in(&bytes)),
            How::Gone => (None, units_in(&bytes)),
            How::Text => (Some(b"not what it should be\n".repeat(30)), units_in(&bytes)),
        };
        match after {
            Some(after) => std::fs::write(&path, after).expect("a file"),
            None => std::fs::remove_file(&path).expect("a file"),
        }
        Harm { touched }
    }
}

/// Bytes of a page of a database (<https://www.sqlite.org/fileformat2.html#page_size>).
fn page_size(folder: &Path) -> usize {
    match std::fs::read(folder.join(FILES[0])).unwrap_or_default().get(16..18) {
        Some([0, 1]) => 1 << 16,
        Some([high, low]) => usize::from(u16::from_be_bytes([*high, *low])),
        _ => 4096,
    }
}

/// The page or the frame that a byte belongs to.
fn page(file: &str, size: usize, bytes: &[u8], at: usize) -> std::ops::Range<usize> {
    // https://www.sqlite.org/fileformat2.html#the_write_ahead_log: a header of 32 bytes, then frames with one of 24.
    let (header, frame) = if file.ends_with("-wal") { (32, size + 24) } else { (0, size) };
    let first = at.saturating_sub(header) / frame * frame + header;
    first.min(bytes.len())..(first + frame).min(bytes.len())
}

/// The waiting units whose records are in these bytes; what is receipted is at the service already. The station knows
/// serials in other places as well, which a record does not need.
fn units_in(bytes: &[u8]) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(bytes);
    let is_here = |serial: &String| text.contains(&format!("\"id\":\"{serial}\""));
    (SETTLED..SETTLED + WAITING).map(unit).filter(is_here).collect()
}
