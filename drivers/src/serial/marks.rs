//! Tells bytes that arrived well from bytes that the hardware reported as damaged.
//!
//! With INPCK and PARMRK set a tty delivers a damaged byte X as `FF 00 X`, a break as `FF 00 00`, and a good byte FF as
//! `FF FF` (termios(3)). Without the marks a damaged byte would be dropped, changed to NUL or passed on as good.

/// One byte off the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Byte {
    /// Arrived as it was sent, as far as the hardware can tell.
    Good(u8),
    /// Wrong parity, wrong stop bit, or a break (then 0).
    Damaged(u8),
}

/// Reads the marks of one tty; they may be split over reads.
#[derive(Debug, Default)]
pub(super) struct Marks(State);

#[derive(Debug, Default, Clone, Copy)]
enum State {
    #[default]
    Plain,
    Escape,
    Damaged,
}

impl Marks {
    /// Takes the next byte as read; gives the byte off the line when it is complete.
    pub(super) fn next(&mut self, byte: u8) -> Option<Byte> {
        let (state, found) = match (self.0, byte) {
            (State::Plain, 0xFF) => (State::Escape, None),
            (State::Plain, _) => (State::Plain, Some(Byte::Good(byte))),
            (State::Escape, 0xFF) => (State::Plain, Some(Byte::Good(0xFF))),
            (State::Escape, 0) => (State::Damaged, None),
            // No tty sends this; it cannot be told what it was.
            (State::Escape, _) | (State::Damaged, _) => (State::Plain, Some(Byte::Damaged(byte))),
        };
        self.0 = state;
        found
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Byte::{Damaged, Good};
    use super::*;

    fn read(bytes: &[u8]) -> Vec<Byte> {
        let mut marks = Marks::default();
        bytes.iter().filter_map(|byte| marks.next(*byte)).collect()
    }

    fn mark(line: &[Byte]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for byte in line {
            match *byte {
                Good(0xFF) => bytes.extend([0xFF, 0xFF]),
                Good(byte) => bytes.push(byte),
                Damaged(byte) => bytes.extend([0xFF, 0, byte]),
            }
        }
        bytes
    }

    #[test]
    fn a_parity_error_does_not_become_data() {
        assert_eq!(read(b"A\xff\x00BC"), [Good(b'A'), Damaged(b'B'), Good(b'C')]);
        assert_eq!(read(b"\xff\x00\x00\xff\xff\x00"), [Damaged(0), Good(0xFF), Good(0)]);
        assert_eq!(read(b"\xffA\r"), [Damaged(b'A'), Good(b'\r')]);
    }

    proptest! {
        #[test]
        fn what_the_kernel_marks_is_read_back(
            line in prop::collection::vec(prop_oneof![any::<u8>().prop_map(Good), any::<u8>().prop_map(Damaged)], 0..50)
        ) {
            prop_assert_eq!(read(&mark(&line)), line);
        }

        #[test]
        fn any_bytes_are_read(bytes: Vec<u8>) {
            prop_assert!(read(&bytes).len() <= bytes.len());
        }
    }
}
