//! Which serial reference of an [`SsccRange`] comes next.
//!
//! **Invariant: nothing below the reserved mark is ever handed out by another allocator of the same extension digit and company
//! prefix.** From it follows that no SSCC is handed out twice, as long as the caller keeps the order:
//!
//! 1. [`Allocator::reserve`] raises the mark by [`BLOCK`];
//! 2. the caller makes the mark durable (written and synced);
//! 3. only then [`Allocator::take`] uses the block.
//!
//! After a crash or a lost snapshot the allocator resumes at the durable mark, with [`Allocator::at_mark`]: what was reserved and
//! not known to be used is left out. Gaps are allowed, reuse is not. GS1 forbids it for at least
//! 12 months; here it never happens, because references only grow and a range that is used up stays so.

use crate::sscc::{Sscc, SsccRange};

/// How many serial references one reservation takes: at most so many are lost by a crash.
pub const BLOCK: u64 = 100;

/// The place in an [`SsccRange`]: plain serial references, so that it can be kept in a snapshot.
///
/// `next..reserved` may be handed out. The mark must have been made for the extension digit and company prefix of the range that
/// is handed in; within them the range may be moved or grown, and references then go on at the greater of mark and range start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allocator {
    next: u64,
    reserved: u64,
}

impl Allocator {
    /// Goes on where a snapshot left off. Only with values that were read together from a snapshot that nothing has outlived,
    /// or from a block leased to this station: `next` to `reserved`, without the latter.
    pub fn resume(next: u64, reserved: u64) -> Allocator {
        Allocator { next, reserved }
    }

    /// Goes on from the durable mark alone, after a crash: everything below counts as used. For a fresh range that no one has
    /// used, the mark is [`SsccRange::first`].
    pub fn at_mark(reserved: u64) -> Allocator {
        Allocator { next: reserved, reserved }
    }

    /// The serial reference that comes next, if it is reserved.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The reserved mark: the first serial reference that may not be handed out yet.
    pub fn reserved(&self) -> u64 {
        self.reserved
    }

    /// How many serial references [`Self::take`] would hand out of this range before the next reservation: reserved, and
    /// inside the range, which may have been moved or cut since.
    pub fn remaining(&self, range: &SsccRange) -> u64 {
        self.reserved.min(range.last().saturating_add(1)).saturating_sub(self.next.max(range.first()))
    }

    /// Hands out the next SSCC. It is used from now on, whatever becomes of its label.
    ///
    /// # Errors
    /// [`AllocError::BlockUsedUp`] at the reserved mark, [`AllocError::RangeExhausted`] behind the end of the range.
    pub fn take(&mut self, range: &SsccRange) -> Result<Sscc, AllocError> {
        let reference = self.next.max(range.first());
        if reference > range.last() {
            return Err(exhausted(range));
        }
        if reference >= self.reserved {
            return Err(AllocError::BlockUsedUp { reserved: self.reserved });
        }
        let sscc = range.sscc(reference).ok_or_else(|| exhausted(range))?;
        self.next = reference + 1;
        Ok(sscc)
    }

    /// Reserves the next block, or what the range has left of it, and gives back the new mark, which must be durable before
    /// [`Self::take`] is called. It may be called ahead of need: what remains of the block before stays usable.
    ///
    /// # Errors
    /// [`AllocError::RangeExhausted`] when the range has nothing left to reserve; nothing has changed then.
    pub fn reserve(&mut self, range: &SsccRange) -> Result<u64, AllocError> {
        let start = self.reserved.max(self.next).max(range.first());
        if start > range.last() {
            return Err(exhausted(range));
        }
        // Where the range begins above the mark, the references in between are not ours to use.
        self.next = if self.reserved < start { start } else { self.next.max(range.first()) };
        self.reserved = start.saturating_add(BLOCK).min(range.last().saturating_add(1));
        Ok(self.reserved)
    }
}

fn exhausted(range: &SsccRange) -> AllocError {
    AllocError::RangeExhausted { extension: range.extension(), prefix: range.prefix().to_string(), last: range.last() }
}

/// Why there is no SSCC.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AllocError {
    /// The reserved block is used up.
    #[error("every SSCC below the reserved mark {reserved} is used: reserve the next block and store its mark first")]
    BlockUsedUp {
        /// The reserved mark, a serial reference.
        reserved: u64,
    },
    /// The range is used up.
    #[error(
        "the SSCC range of extension digit {extension} and company prefix {prefix} is used up: serial reference {last} was its last. \
         Configure a range that no station has used: further serial references, another extension digit, or a further company prefix from GS1"
    )]
    RangeExhausted {
        /// The extension digit.
        extension: u8,
        /// The company prefix.
        prefix: String,
        /// The last serial reference of the range.
        last: u64,
    },
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn range(first: u64, last: u64) -> SsccRange {
        SsccRange::new(0, "9521234".parse().unwrap(), first, last).unwrap()
    }

    #[test]
    fn takes_nothing_before_a_reservation_and_nothing_at_the_mark() {
        let range = range(123_456_789, 200_000_000);
        let mut allocator = Allocator::at_mark(range.first());
        assert_eq!(allocator.take(&range), Err(AllocError::BlockUsedUp { reserved: 123_456_789 }));
        assert_eq!(allocator.reserve(&range), Ok(123_456_889));
        assert_eq!(allocator.remaining(&range), BLOCK);
        assert_eq!(allocator.take(&range).unwrap().as_str(), "095212341234567891");
        for _ in 1..BLOCK {
            allocator.take(&range).unwrap();
        }
        assert_eq!(allocator.remaining(&range), 0);
        assert_eq!(allocator.take(&range), Err(AllocError::BlockUsedUp { reserved: 123_456_889 }));
        assert_eq!(allocator, Allocator::resume(allocator.next(), allocator.reserved()));
    }

    #[test]
    fn the_last_block_is_cut_and_then_the_range_is_exhausted() {
        let range = range(0, 149);
        let mut allocator = Allocator::at_mark(0);
        assert_eq!((allocator.reserve(&range), allocator.reserve(&range)), (Ok(100), Ok(150)));
        for _ in 0..150 {
            allocator.take(&range).unwrap();
        }
        let before = allocator;
        let error = allocator.take(&range).unwrap_err();
        assert_eq!(error, AllocError::RangeExhausted { extension: 0, prefix: "9521234".into(), last: 149 });
        assert_eq!(allocator.reserve(&range), Err(error));
        assert_eq!(allocator, before);
    }

    #[test]
    fn the_greatest_reference_is_usable() {
        let range = range(999_999_999, 999_999_999);
        let mut allocator = Allocator::at_mark(range.first());
        assert_eq!(allocator.reserve(&range), Ok(1_000_000_000));
        assert_eq!(allocator.take(&range).unwrap().as_str(), "095212349999999995");
        assert!(matches!(allocator.take(&range), Err(AllocError::RangeExhausted { .. })));
    }

    #[test]
    fn a_range_moved_upwards_leaves_the_old_block_alone() {
        let mut allocator = Allocator::resume(150, 200);
        let moved = range(500, 999);
        assert_eq!(allocator.take(&moved), Err(AllocError::BlockUsedUp { reserved: 200 }));
        assert_eq!(allocator.reserve(&moved), Ok(600));
        assert_eq!((allocator.next(), allocator.remaining(&moved)), (500, 100));
        assert_eq!(allocator.take(&moved).unwrap(), moved.sscc(500).unwrap());
    }

    #[test]
    fn a_range_moved_downwards_hands_out_nothing() {
        let mut allocator = Allocator::resume(550, 600);
        let moved = range(0, 499);
        assert!(matches!(allocator.take(&moved), Err(AllocError::RangeExhausted { .. })));
        assert!(matches!(allocator.reserve(&moved), Err(AllocError::RangeExhausted { .. })));
    }

    #[test]
    fn odd_snapshots_hand_out_nothing_by_themselves() {
        let range = range(0, 999);
        let mut allocator = Allocator::resume(300, 200);
        assert_eq!(allocator.remaining(&range), 0);
        assert_eq!(allocator.take(&range), Err(AllocError::BlockUsedUp { reserved: 200 }));
        assert_eq!(allocator.reserve(&range), Ok(400));
        assert_eq!(allocator.take(&range).unwrap(), range.sscc(300).unwrap());
        let mut beyond = Allocator::resume(u64::MAX, u64::MAX);
        assert!(matches!(beyond.take(&range), Err(AllocError::RangeExhausted { .. })));
        assert!(matches!(beyond.reserve(&range), Err(AllocError::RangeExhausted { .. })));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Take(u8),
        /// The mark is made durable at once, as the order asks.
        Reserve,
        /// The mark is raised, but the power goes before it is durable: the block was never used.
        ReserveAndLoseIt,
        /// Power cut: the snapshot has not outlived it, the durable mark has.
        Crash,
        /// A clean restart from a snapshot.
        Restart,
        Grow(u8),
        Advance(u8),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => (1u8..150).prop_map(Step::Take),
            4 => Just(Step::Reserve),
            1 => Just(Step::ReserveAndLoseIt),
            2 => Just(Step::Crash),
            2 => Just(Step::Restart),
            1 => any::<u8>().prop_map(Step::Grow),
            1 => any::<u8>().prop_map(Step::Advance),
        ]
    }

    proptest! {
        #[test]
        fn no_sscc_is_handed_out_twice(first in 0u64..1000, length in 1u64..3000, steps in prop::collection::vec(step(), 1..60)) {
            let mut range = range(first, first + length - 1);
            let mut allocator = Allocator::at_mark(range.first());
            let mut durable = range.first();
            let mut seen = HashSet::new();
            for step in steps {
                match step {
                    Step::Take(count) => {
                        for _ in 0..count {
                            let reserved = allocator.reserved();
                            match allocator.take(&range) {
                                Ok(sscc) => {
                                    prop_assert!(allocator.next() <= reserved && allocator.next() - 1 <= range.last());
                                    prop_assert!(allocator.next() > range.first());
                                    prop_assert!(seen.insert(sscc), "{} twice", sscc);
                                }
                                Err(_) => prop_assert!(allocator.remaining(&range) == 0 || allocator.next() < range.first()),
                            }
                        }
                    }
                    Step::Reserve => {
                        if let Ok(mark) = allocator.reserve(&range) {
                            prop_assert!(mark > durable && mark <= range.last() + 1);
                            prop_assert!(allocator.remaining(&range) > 0);
                            durable = mark;
                        }
                    }
                    Step::ReserveAndLoseIt => {
                        let lost = allocator.reserve(&range);
                        prop_assert!(lost.is_ok_and(|mark| mark > durable) || durable > range.last());
                        allocator = Allocator::at_mark(durable);
                    }
                    Step::Restart => allocator = Allocator::resume(allocator.next(), allocator.reserved()),
                    Step::Crash => allocator = Allocator::at_mark(durable),
                    Step::Grow(by) => range = self::range(range.first(), range.last() + u64::from(by)),
                    Step::Advance(by) => {
                        let first = range.first() + u64::from(by);
                        range = self::range(first, range.last().max(first));
                    }
                }
            }
        }
    }
}
