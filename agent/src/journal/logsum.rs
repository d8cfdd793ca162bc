//! The checksums of a write-ahead log of SQLite: <https://www.sqlite.org/fileformat2.html>, sections 4.1 and 4.2. Pure.

use super::raw::FRAME_HEADER;

/// Goes on with these bytes, a multiple of 8.
pub(super) fn of(little: bool, [mut first, mut second]: [u32; 2], bytes: &[u8]) -> [u32; 2] {
    let read = |word: &[u8]| {
        let word = [word[0], word[1], word[2], word[3]];
        if little { u32::from_le_bytes(word) } else { u32::from_be_bytes(word) }
    };
    for two in bytes.chunks_exact(8) {
        first = first.wrapping_add(read(&two[..4])).wrapping_add(second);
        second = second.wrapping_add(read(&two[4..])).wrapping_add(first);
    }
    [first, second]
}

/// The checksum after a frame: of its first two words and its page.
pub(super) fn of_frame(little: bool, before: [u32; 2], frame: &[u8]) -> [u32; 2] {
    of(little, of(little, before, &frame[..8]), &frame[FRAME_HEADER..])
}

/// The checksum that a frame says.
pub(super) fn written(frame: &[u8]) -> [u32; 2] {
    [16, 20].map(|at| u32::from_be_bytes([frame[at], frame[at + 1], frame[at + 2], frame[at + 3]]))
}

/// Would a frame be right if one word of it, whichever, were another one? A page that was never written is no such frame.
///
/// The checksum is linear in each word: what is wrong with it is the change of that word, times a number that follows from
/// its place. Of two such numbers one is odd at least, and so the change follows from one half, and the other half proves it.
pub(super) fn is_right_but_one_word(little: bool, before: [u32; 2], frame: &[u8]) -> bool {
    let (now, says) = (of_frame(little, before, frame), written(frame));
    let wrong = [says[0].wrapping_sub(now[0]), says[1].wrapping_sub(now[1])];
    // The word is one of the checksum, or of the salt, which is not part of it.
    if wrong.contains(&0) {
        return true;
    }
    let explains = |by: [u32; 2]| {
        let at = usize::from(by[0].is_multiple_of(2));
        let change = wrong[at].wrapping_mul(inverse(by[at]));
        by[1 - at].wrapping_mul(change) == wrong[1 - at]
    };
    // What one more in the first or second word of a pair is in the end, from the last pair to the first.
    let mut pair = [[1_u32, 1], [0, 1]];
    for _ in 0..(frame.len() - FRAME_HEADER + 8) / 8 {
        if pair.into_iter().any(explains) {
            return true;
        }
        pair = pair.map(|[first, second]| {
            let first = first.wrapping_add(second);
            [first, second.wrapping_add(first)]
        });
    }
    false
}

/// What an odd number is to be multiplied with to give 1, modulo 2^32: by Newton, each step doubles the bits that are right.
fn inverse(odd: u32) -> u32 {
    (0..5).fold(odd, |inverse, _| inverse.wrapping_mul(2_u32.wrapping_sub(odd.wrapping_mul(inverse))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn one_other_word_is_found_and_another_page_is_not(
            little in any::<bool>(), before in any::<[u32; 2]>(), words in prop::collection::vec(any::<u32>(), 128),
            other in prop::collection::vec(any::<u32>(), 128), at in 0_usize..128 + 6, with in 1_u32..,
        ) {
            let bytes = |words: &[u32]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>();
            let mut frame = vec![0; FRAME_HEADER];
            frame.extend(bytes(&words));
            let sum = of_frame(little, before, &frame);
            frame[16..24].copy_from_slice(&bytes(&sum));
            prop_assert_eq!(written(&frame), of_frame(little, before, &frame));
            let mut changed = frame.clone();
            changed[at * 4..at * 4 + 4].iter_mut().zip(with.to_be_bytes()).for_each(|(byte, with)| *byte ^= with);
            prop_assert!(is_right_but_one_word(little, before, &changed));
            let stale = [&frame[..FRAME_HEADER], &bytes(&other)[..]].concat();
            prop_assert!(!is_right_but_one_word(little, before, &stale));
            prop_assert_eq!(inverse(with | 1).wrapping_mul(with | 1), 1);
        }
    }
}
