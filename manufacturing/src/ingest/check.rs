//! What bytes on a records topic are. Pure.

use records::chain::{BEFORE_THE_FIRST, hash_line};
use records::segment::{Envelope, MAX_LINES, Segment, SegmentError};
use records::{Event, Hash};

use crate::projection::{Reading, previous};
use crate::store::{Checked, Unreadable};

/// What to do with a message.
#[derive(Debug)]
pub enum Verdict {
    /// Store it.
    Segment(Box<Checked>),
    /// Its station signed a line that nobody can read: name the hole and say so.
    Unreadable(Unreadable),
    /// It is not from whom it says, or makes no sense; nobody is told but the log. An answer would let anyone who can
    /// publish make a station set good records aside.
    Refused(String),
}

/// Checks a message that came on the records topic of `station`.
pub fn check(station: &str, bytes: &[u8]) -> Verdict {
    let segment = match Segment::parse(bytes) {
        Ok(segment) => segment,
        Err(error) => return unreadable(station, bytes, &error),
    };
    if let Err(reason) = place(station, &segment.envelope) {
        return Verdict::Refused(reason);
    }
    let readings: Vec<Reading> = segment.lines.iter().map(|line| Reading::of(&line.bytes)).collect();
    let checked = Checked { envelope: segment.envelope, lines: segment.lines, readings };
    match names_other_key(&checked) {
        true => Verdict::Refused("record 1 names another key than the one that signed it".to_owned()),
        false => Verdict::Segment(Box::new(checked)),
    }
}

fn place(station: &str, envelope: &Envelope) -> Result<(), String> {
    if envelope.station != station {
        return Err(format!("the records are of {}, the topic is that of {station}", envelope.station));
    }
    if i64::try_from(envelope.last).is_err() {
        return Err(format!("sequence {} is beyond all measure", envelope.last));
    }
    if envelope.first == 1 && envelope.prev != BEFORE_THE_FIRST {
        return Err("record 1 names a record before it".to_owned());
    }
    Ok(())
}

/// Record 1 of a series names the station's key. One that names another key was not written by whoever signed it.
fn names_other_key(checked: &Checked) -> bool {
    let first = checked.readings.first().filter(|_| checked.envelope.first == 1);
    let record = first.and_then(|reading| reading.record.as_ref());
    let named = record.filter(|record| record.event == Event::SeriesStarted).and_then(|r| r.attributes.get("key"));
    named.is_some_and(|named| named.as_str() != Some(checked.envelope.key.to_string().as_str()))
}

/// Why a segment cannot be stored: a line that its station signed and nobody can read becomes a named hole, anything
/// else is refused.
fn unreadable(station: &str, bytes: &[u8], error: &SegmentError) -> Verdict {
    let refused = || Verdict::Refused(error.to_string());
    let mut lines = bytes.strip_suffix(b"\n").unwrap_or(bytes).split(|&byte| byte == b'\n');
    let Ok(envelope) = serde_json::from_slice::<Envelope>(lines.next().unwrap_or_default()) else { return refused() };
    let lines: Vec<&[u8]> = lines.take(MAX_LINES + 1).collect();
    let Envelope { first, last, .. } = envelope;
    let counted = first > 0
        && last >= first
        && lines.len() <= MAX_LINES
        && (last - first) == (lines.len() as u64).wrapping_sub(1);
    if !counted || !envelope.is_authentic() || place(station, &envelope).is_err() {
        return refused();
    }
    let Some((seq, reason)) = signed_fault(&envelope, &lines) else { return refused() };
    let Envelope { station, series, key, .. } = envelope;
    Verdict::Unreadable(Unreadable { station, series, key, seq, reason })
}

/// The signature covers the hash of the last line, which carries the hash of the line before it, and so on: what hangs on
/// that chain was written by the station. The highest such line that breaks the rules of a line, with its fault.
fn signed_fault(envelope: &Envelope, lines: &[&[u8]]) -> Option<(u64, String)> {
    let mut expected = envelope.head;
    for (n, line) in lines.iter().enumerate().rev() {
        let seq = envelope.first + n as u64;
        if hash_line(line) != expected {
            return None; // Changed on the way; the station has better bytes.
        }
        let fault = line_fault(seq, line);
        if fault.is_some() {
            return Some((seq, fault?));
        }
        expected = previous(line)?;
    }
    // Every line is good by itself, and the first does not continue what the envelope says.
    (expected != envelope.prev).then(|| (envelope.first, "it does not continue the record before it".to_owned()))
}

fn line_fault(seq: u64, line: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Head {
        seq: u64,
        #[serde(rename = "prev")]
        _prev: Hash,
    }
    if line.len() > records::segment::MAX_LINE_BYTES {
        return Some(format!("it has {} bytes, at most {} are allowed", line.len(), records::segment::MAX_LINE_BYTES));
    }
    match serde_json::from_slice::<Head>(line) {
        Ok(head) if head.seq == seq => None,
        Ok(head) => Some(format!("it says that it is record {}", head.seq)),
        Err(error) => Some(format!("it cannot be read: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use records::{Draft, Event, Subject};

    use super::*;
    use crate::testkit::{Station, packed};

    fn station() -> Station {
        let mut station = Station::new("a", 1);
        let key = station.key.public().to_string();
        let started = Draft {
            attributes: [("key".to_owned(), key.into())].into(),
            ..Draft::new(Event::SeriesStarted, Subject::station("a"))
        };
        station.write(0, started);
        station.write(1, packed("S1", "P1", &[]));
        station.write(2, packed("S2", "P1", &[]));
        station
    }

    fn refused(station: &str, bytes: &[u8]) -> String {
        match check(station, bytes) {
            Verdict::Refused(reason) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_what_is_from_its_station_is_taken() {
        let a = station();
        assert!(matches!(check("a", &a.segment(1, 3)), Verdict::Segment(checked) if checked.readings.len() == 3));
        assert!(refused("b", &a.segment(1, 3)).contains("the topic is that of b"));
        assert!(refused("a", b"hello").contains("envelope"));
        let mut other_key = station();
        other_key.key = records::SigningKey::from_seed(records::FixedBytes([9; 32]));
        assert!(refused("a", &other_key.segment(1, 2)).contains("another key"));
        assert!(matches!(check("a", &other_key.segment(2, 3)), Verdict::Segment(_)), "known by its series, not here");
        let late = records::segment::seal(&a.key, "a", a.series, u64::MAX - 1, Hash::ZERO, &a.lines[..1]);
        assert!(matches!(check("a", &late), Verdict::Refused(_)));
    }

    /// An authentic envelope is public: with other lines under it, nobody may make the station set records aside.
    #[test]
    fn lines_that_were_changed_on_the_way_are_no_reason_to_tell_the_station() {
        let a = station();
        let text = String::from_utf8(a.segment(1, 3)).unwrap();
        for line in 1..4 {
            let mut lines: Vec<&str> = text.lines().collect();
            lines[line] = "{\"seq\":";
            let forged = lines.join("\n") + "\n";
            let verdict = check("a", forged.as_bytes());
            assert!(matches!(verdict, Verdict::Refused(_)), "line {line}: {verdict:?}");
        }
    }

    #[test]
    fn a_signed_line_that_breaks_the_rules_is_named() {
        for (line, says) in [
            (&b"rubbish"[..], "cannot be read"),
            (br#"{"seq":9,"prev":"0000000000000000000000000000000000000000000000000000000000000000"}"#, "record 9"),
        ] {
            let mut a = station();
            a.write_line(line.to_vec());
            match check("a", &a.segment(2, 4)) {
                Verdict::Unreadable(unreadable) => {
                    assert!(unreadable.seq == 4 && unreadable.reason.contains(says), "{unreadable:?}");
                }
                other => panic!("{other:?}"),
            }
        }
    }

    proptest! {
        #[test]
        fn a_flipped_bit_never_names_a_hole(at in any::<prop::sample::Index>(), bit in 0..8u8) {
            let mut a = station();
            a.write_line(b"rubbish".to_vec());
            for (first, last) in [(1, 3), (2, 4)] {
                let mut bytes = a.segment(first, last);
                let at = at.index(bytes.len() - 1);
                bytes[at] ^= 1 << bit;
                match check("a", &bytes) {
                    Verdict::Refused(_) => {}
                    // The unreadable line was not the one that was hit, and it alone is authentic.
                    Verdict::Unreadable(unreadable) => prop_assert!(last == 4 && unreadable.seq == 4),
                    Verdict::Segment(_) => prop_assert!(false, "taken with a flipped bit"),
                }
            }
        }

        #[test]
        fn bytes_from_outside_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(matches!(check("a", &bytes), Verdict::Refused(_)));
        }
    }
}
