use proptest::prelude::*;

use super::*;
use crate::{Draft, Event, FixedBytes, Place, Record, Stamp, Subject};

const SERIES: SeriesId = FixedBytes([7; 16]);

fn key() -> SigningKey {
    SigningKey::from_seed(FixedBytes([1; 32]))
}

/// `count` lines from `first` on, chained to `prev`.
fn chain(first: u64, mut prev: Hash, count: u64) -> Vec<Vec<u8>> {
    (first..first + count)
        .map(|seq| {
            let at =
                Stamp { wall: jiff::Timestamp::UNIX_EPOCH, synchronised: false, boot: "b".into(), since_boot: seq };
            let draft = Draft::new(Event::Packed, Subject::device(format!("S{seq}")));
            let line = Record::new(draft, Place { seq, prev, rules: Hash::ZERO, at }).to_line().unwrap();
            prev = hash_line(&line);
            line
        })
        .collect()
}

fn sealed(first: u64, count: u64) -> Vec<u8> {
    seal(&key(), "pack-1", SERIES, first, Hash::ZERO, &chain(first, Hash::ZERO, count))
}

#[test]
fn a_sealed_segment_reads_back() {
    let segment = Segment::parse(&sealed(1, 3)).unwrap();
    assert_eq!((segment.envelope.first, segment.envelope.last), (1, 3));
    assert_eq!(segment.lines[2].hash, segment.envelope.head);
    assert_eq!(segment.lines.iter().map(|line| line.seq).collect::<Vec<_>>(), [1, 2, 3]);
}

/// The written form is a promise: a segment that was stored or exported must be readable for ever.
#[test]
fn the_written_form_stays() {
    insta::assert_snapshot!(String::from_utf8(sealed(1, 2)).unwrap());
}

#[test]
fn changed_removed_inserted_and_moved_lines_are_found() {
    let lines = chain(1, Hash::ZERO, 4);
    let envelope = sealed(1, 4).split(|&b| b == b'\n').next().unwrap().to_vec();
    let with = |lines: &[Vec<u8>]| {
        let mut bytes = envelope.clone();
        bytes.push(b'\n');
        bytes.extend(lines.iter().flat_map(|line| [line.as_slice(), b"\n"].concat()));
        Segment::parse(&bytes)
    };
    assert!(with(&lines).is_ok());

    let mut changed = lines.clone();
    changed[1] = String::from_utf8(changed[1].clone()).unwrap().replace("S2", "X2").into_bytes();
    assert_eq!(with(&changed), Err(SegmentError::Chain { seq: 3 }));
    let mut last_changed = lines.clone();
    last_changed[3] = String::from_utf8(last_changed[3].clone()).unwrap().replace("S4", "X4").into_bytes();
    assert_eq!(with(&last_changed), Err(SegmentError::Chain { seq: 4 }));
    assert!(matches!(with(&lines[..3]), Err(SegmentError::Count { found: 3, .. })));
    let mut moved = lines.clone();
    moved.swap(1, 2);
    assert_eq!(with(&moved), Err(SegmentError::Chain { seq: 2 }));
    let mut doubled = lines;
    doubled[3] = doubled[2].clone();
    assert_eq!(with(&doubled), Err(SegmentError::Chain { seq: 4 }));
}

#[test]
fn every_value_of_the_envelope_is_signed() {
    let text = String::from_utf8(sealed(1, 1)).unwrap();
    for (from, to) in [
        ("\"station\":\"pack-1\"", "\"station\":\"pack-2\""),
        (&*format!("\"series\":\"{SERIES}\""), &*format!("\"series\":\"{}\"", FixedBytes([8; 16]))),
        ("\"first\":1", "\"first\":2"),
        ("\"last\":1", "\"last\":2"),
        ("\"prev\":\"00", "\"prev\":\"01"),
    ] {
        let forged = text.replacen(from, to, 1);
        assert_ne!(forged, text, "{from}");
        assert!(matches!(Segment::parse(forged.as_bytes()), Err(SegmentError::Signature { .. })), "{from}");
    }
    let mut other_key = Segment::parse(text.as_bytes()).unwrap().envelope;
    other_key.key = SigningKey::from_seed(FixedBytes([2; 32])).public();
    assert!(!other_key.is_authentic());
}

#[test]
fn newer_and_oversized_segments_are_refused_by_name() {
    let newer = String::from_utf8(sealed(1, 1)).unwrap().replacen("\"v\":1", "\"v\":9", 1);
    assert_eq!(Segment::parse(newer.as_bytes()), Err(SegmentError::Version(9)));
    let long = vec![b' '; MAX_BYTES + 1];
    assert!(matches!(Segment::parse(&long), Err(SegmentError::TooLarge { .. })));
    assert!(matches!(Segment::parse(b""), Err(SegmentError::Envelope(_))));
}

#[test]
fn a_line_with_unknown_fields_is_authentic_all_the_same() {
    let line = format!(r#"{{"v":1,"seq":1,"prev":"{}","colour":"red"}}"#, Hash::ZERO);
    let bytes = seal(&key(), "pack-1", SERIES, 1, Hash::ZERO, &[line.as_bytes()]);
    assert_eq!(Segment::parse(&bytes).unwrap().lines[0].bytes, line.as_bytes());
    let rubbish = seal(&key(), "pack-1", SERIES, 1, Hash::ZERO, &[b"{\"seq\":"]);
    assert!(matches!(Segment::parse(&rubbish), Err(SegmentError::Unreadable { seq: 1, .. })));
}

proptest! {
    #[test]
    fn bytes_from_outside_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        drop(Segment::parse(&bytes));
    }

    #[test]
    fn any_flipped_bit_is_found(at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let mut bytes = sealed(5, 3);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(Segment::parse(&bytes).is_err());
    }
}
