//! Which record is which line of a block that may have been edited. Pure.

use std::collections::{BTreeMap, BTreeSet};

use records::chain::hash_line;

use super::LineHead;

/// A line of a block and what it says of itself.
pub type Found = (Vec<u8>, Option<LineHead>);

/// The lines of a block in the order of their sequences, and what does not belong there.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Aligned {
    /// Sequence and index of a line, each sequence once.
    pub lines: Vec<(u64, usize)>,
    /// Sequences of lines that stand in another place.
    pub reordered: Vec<u64>,
    /// Lines that are of another block or series, come twice, or are none: their sequences, where they have one.
    pub inserted: Vec<Option<u64>>,
}

/// Finds the lines `first` to `first + announced - 1` among what was found.
pub fn align(first: u64, announced: u64, found: &[Found]) -> Aligned {
    let mut aligned = Aligned::default();
    let range = first..first.saturating_add(announced);
    let whole = found.len() as u64 == announced
        && range.clone().zip(found).all(|(seq, (_, head))| head.is_some_and(|head| head.seq == seq));
    if whole {
        aligned.lines = range.zip(0..).collect();
        return aligned;
    }
    let readable: BTreeSet<u64> = found.iter().filter_map(|(_, head)| head.map(|head| head.seq)).collect();
    let mut candidates: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    let mut before = first.checked_sub(1);
    for (index, (_, head)) in found.iter().enumerate() {
        // A line that cannot be read is taken for the one that its place gives it, where no other is that one.
        let seq = match head {
            Some(head) => Some(head.seq),
            None => before.and_then(|before| before.checked_add(1)).filter(|seq| !readable.contains(seq)),
        };
        match seq.filter(|seq| range.contains(seq)) {
            Some(seq) => candidates.entry(seq).or_default().push(index),
            None => aligned.inserted.push(seq),
        }
        before = seq.or(before);
    }
    for (seq, indices) in &candidates {
        let next = seq.checked_add(1).and_then(|next| candidates.get(&next));
        let wanted: Vec<_> =
            next.into_iter().flatten().filter_map(|next| found[*next].1.map(|head| head.prev)).collect();
        let fits = |index: &&usize| wanted.contains(&hash_line(&found[**index].0));
        let kept = match indices.len() {
            1 => indices[0],
            _ => indices.iter().find(fits).copied().unwrap_or(indices[0]),
        };
        aligned.lines.push((*seq, kept));
        aligned.inserted.extend(indices.iter().filter(|index| **index != kept).map(|_| Some(*seq)));
    }
    let mut in_place: Vec<usize> = aligned.lines.iter().map(|(_, index)| *index).collect();
    in_place.sort_unstable();
    let moved = aligned.lines.iter().zip(in_place).filter(|((_, index), place)| index != place);
    aligned.reordered = moved.map(|((seq, _), _)| *seq).collect();
    aligned
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{Station, packed};

    /// Lines of these numbers; 0 is a line that cannot be read, 100 + n another line n.
    fn block(numbers: &[usize]) -> Vec<Found> {
        let mut station = Station::new("a", 1);
        (1..=9).for_each(|n| drop(station.write(n, packed(&format!("S{n}"), "P", &[]))));
        let line = |number: &usize| match number {
            0 => b"{\"v\":1,".to_vec(),
            100.. => [&station.lines[number - 101][..], b" "].concat(),
            _ => station.lines[number - 1].clone(),
        };
        numbers.iter().map(line).map(|line| (line.clone(), LineHead::of(&line))).collect()
    }

    /// Is it aligned so?
    fn is(numbers: &[usize], lines: &[(u64, usize)], reordered: &[u64], inserted: &[Option<u64>]) {
        let announced = lines.last().map_or(0, |(last, _)| last - 2);
        let wanted = Aligned { lines: lines.to_vec(), reordered: reordered.to_vec(), inserted: inserted.to_vec() };
        assert_eq!(align(3, announced, &block(numbers)), wanted, "{numbers:?}");
    }

    #[test]
    fn what_was_edited_is_named_and_the_rest_keeps_its_place() {
        is(&[3, 4, 5], &[(3, 0), (4, 1), (5, 2)], &[], &[]);
        is(&[3, 5], &[(3, 0), (5, 1)], &[], &[]); // removed
        is(&[5, 4, 3], &[(3, 2), (4, 1), (5, 0)], &[3, 5], &[]); // exchanged
        is(&[3, 9, 4], &[(3, 0), (4, 2)], &[], &[Some(9)]); // of elsewhere
        is(&[3, 0, 4], &[(3, 0), (4, 2)], &[], &[None]); // no record
        is(&[3, 0, 5], &[(3, 0), (4, 1), (5, 2)], &[], &[]); // unreadable now
        is(&[103, 3, 4, 5], &[(3, 1), (4, 2), (5, 3)], &[], &[Some(3)]); // the one that fits is kept
    }
}
