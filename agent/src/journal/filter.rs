//! Which units are surely not known here, from memory.
//!
//! Nearly every unit that is scanned is a new one, and to find out that it is not in a table of millions of rows costs a
//! read at a place that is in no cache. A Bloom filter answers most of those questions: it may take an unknown unit for a
//! known one, which costs that read, and never a known one for an unknown one. What is taken from the table stays in the
//! filter until the next start.
//!
//! Blocked (Putze, Sanders, Singler 2007): all bits of a unit lie in one cache line. With 12 bits for each unit and 7 of them
//! set, about one unknown unit in a hundred is read.

use std::hash::{DefaultHasher, Hasher};

use rusqlite::Connection;

/// Bits for each unit.
const BITS: u64 = 12;
/// How many of them are set.
const SET: u32 = 7;
/// Bits of a block: a cache line.
const BLOCK: u64 = 512;
/// The fewest units that a segment is made for.
const LEAST: u64 = 1 << 16;
/// A segment that is added takes a part of what is held already: with 12 bits each, no unit then costs more than 14.
const PART: u64 = 8;
/// Progress is logged after so many units.
const STRIDE: u64 = 1_000_000;

#[derive(Clone, Copy)]
#[repr(align(64))]
struct Block([u64; 8]);

/// Bits for so many units.
struct Segment {
    blocks: Vec<Block>,
    room: u64,
    held: u64,
}

impl Segment {
    fn with_room(room: u64) -> Self {
        let blocks = (room * BITS).div_ceil(BLOCK).clamp(1, u64::from(u32::MAX));
        Self { blocks: vec![Block([0; 8]); usize::try_from(blocks).unwrap_or(1)], room, held: 0 }
    }

    fn block(&self, hash: u64) -> usize {
        // The upper half of the hash, scaled to the number of blocks.
        usize::try_from(((hash >> 32) * self.blocks.len() as u64) >> 32).unwrap_or(0)
    }

    fn has(&self, hash: u64) -> bool {
        let block = self.blocks.get(self.block(hash));
        block.is_none_or(|block| places(hash).all(|(word, bit)| block.0[word] & bit != 0))
    }

    fn add(&mut self, hash: u64) {
        let at = self.block(hash);
        if let Some(block) = self.blocks.get_mut(at) {
            places(hash).for_each(|(word, bit)| block.0[word] |= bit);
        }
        self.held += 1;
    }
}

/// The bits of a hash within its block: word and mask.
fn places(hash: u64) -> impl Iterator<Item = (usize, u64)> {
    // Mixed once more, so that the bits do not depend on those that chose the block (the last step of SplitMix64).
    let mut bits = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits ^= bits >> 27;
    bits = bits.wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    (0..SET).map(move |n| {
        let place = (bits >> (9 * n)) & (BLOCK - 1);
        ((place >> 6) as usize, 1 << (place & 63))
    })
}

fn hash(scope: &str, serial: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(scope.as_bytes());
    // Rules let no control character into a serial.
    hasher.write_u8(0);
    hasher.write(serial.as_bytes());
    hasher.finish()
}

/// Which units may be known. It grows with them.
pub struct Filter {
    segments: Vec<Segment>,
    held: u64,
}

impl Filter {
    /// Room for so many units, and some more.
    #[must_use]
    pub fn with_room(units: u64) -> Self {
        Self { segments: vec![Segment::with_room((units + units / PART).max(LEAST))], held: 0 }
    }

    /// All units of a journal. Takes some seconds for millions of them, and says how far it is.
    pub(super) fn of(connection: &Connection) -> rusqlite::Result<Self> {
        let units: u64 = connection.query_row("SELECT count(*) FROM unit", [], |row| row.get(0))?;
        let mut filter = Self::with_room(units);
        let mut statement = connection.prepare("SELECT scope, serial FROM unit")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            filter.add(row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
            if filter.held.is_multiple_of(STRIDE) {
                tracing::info!(read = filter.held, of = units, "known units are read");
            }
        }
        Ok(filter)
    }

    /// Takes in a unit.
    pub fn add(&mut self, scope: &str, serial: &str) {
        let hash = hash(scope, serial);
        if self.has(hash) {
            return;
        }
        let more = (self.held / PART).max(LEAST);
        if self.segments.last().is_none_or(|last| last.held >= last.room) {
            self.segments.push(Segment::with_room(more));
        }
        if let Some(last) = self.segments.last_mut() {
            last.add(hash);
        }
        self.held += 1;
    }

    /// Whether a unit may be known. Where not, it surely is not.
    #[must_use]
    pub fn may_know(&self, scope: &str, serial: &str) -> bool {
        self.has(hash(scope, serial))
    }

    /// Its size in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.segments.iter().map(|segment| segment.blocks.len() * size_of::<Block>()).sum()
    }

    fn has(&self, hash: u64) -> bool {
        self.segments.iter().any(|segment| segment.has(hash))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn unknown_units_are_mostly_told_from_known_ones_in_two_bytes_each() {
        // It begins with no room for them, and has to grow.
        for room in [0, 400_000] {
            let mut filter = Filter::with_room(room);
            (0..400_000).for_each(|n| filter.add("", &format!("SN{n:08}")));
            assert!((0..400_000).all(|n| filter.may_know("", &format!("SN{n:08}"))));
            let wrong = (400_000..500_000).filter(|n| filter.may_know("", &format!("SN{n:08}"))).count();
            assert!(wrong < 5_000, "{wrong} of 100000 unknown units are read");
            assert!(filter.bytes() <= 2 * 400_000, "{} bytes", filter.bytes());
        }
    }

    #[test]
    fn a_unit_that_comes_again_takes_no_room() {
        let mut filter = Filter::with_room(0);
        (0..1_000_000).for_each(|n| filter.add("", &format!("SN{}", n % 10)));
        assert_eq!((filter.held, filter.segments.len()), (10, 1));
    }

    proptest! {
        #[test]
        fn a_known_unit_is_never_unknown(
            units in prop::collection::vec((".{0,4}", ".{0,12}"), 1..400),
            room in 0..100u64,
        ) {
            let mut filter = Filter::with_room(room);
            for (scope, serial) in &units {
                filter.add(scope, serial);
            }
            prop_assert!(units.iter().all(|(scope, serial)| filter.may_know(scope, serial)));
        }
    }
}
