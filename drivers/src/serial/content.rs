//! From a whole frame to an event: no-read strings, AIM identifier, forbidden bytes.

use std::time::Instant;

use super::SerialSettings;
use crate::{AimId, Event, NoiseKind, Scan};

/// EOT ends a message and FS, GS, RS, US separate its fields in ISO/IEC 15434; GS also stands for FNC1 in GS1 data.
const DATA_CONTROLS: [u8; 5] = [0x04, 0x1C, 0x1D, 0x1E, 0x1F];

/// What a frame says. `frame` is without prefix and suffix.
pub(super) fn event(source: &str, settings: &SerialSettings, frame: Vec<u8>, at: Instant) -> Event {
    let bytes = frame.len();
    let noise = |what| Event::Noise { what, bytes };
    let is_no_read = |data: &[u8]| settings.no_read.iter().any(|text| text == data);

    // Some scanners send the no-read string without the identifier that they put in front of data.
    if is_no_read(&frame) {
        return Event::NoRead;
    }
    let (symbology, data) = if settings.aim {
        match AimId::split(&frame) {
            Some((aim, data)) => (Some(aim), data.to_vec()),
            None => return noise(NoiseKind::NoAimId),
        }
    } else {
        (None, frame)
    };
    if is_no_read(&data) {
        return Event::NoRead;
    }
    if data.is_empty() {
        return noise(NoiseKind::Empty);
    }
    if let Some(byte) = data.iter().find(|byte| byte.is_ascii_control() && !DATA_CONTROLS.contains(byte)) {
        return noise(NoiseKind::ForbiddenByte(*byte));
    }
    Event::Scan(Scan { source: source.to_owned(), symbology, data, at })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(aim: bool, frame: &[u8]) -> Event {
        let settings = SerialSettings { aim, ..SerialSettings::new("/dev/ttyACM0") };
        event("gun", &settings, frame.to_vec(), Instant::now())
    }

    fn scan(aim: bool, frame: &[u8]) -> (Option<String>, Vec<u8>) {
        match read(aim, frame) {
            Event::Scan(scan) => (scan.symbology.map(|aim| aim.to_string()), scan.data),
            other => panic!("{other:?}"),
        }
    }

    fn noise(what: NoiseKind, bytes: usize) -> Event {
        Event::Noise { what, bytes }
    }

    #[test]
    fn the_aim_identifier_is_taken_off_only_where_configured() {
        assert_eq!(scan(true, b"]C1011234"), (Some("]C1".into()), b"011234".to_vec()));
        assert_eq!(scan(false, b"]C1011234"), (None, b"]C1011234".to_vec()));
        assert_eq!(scan(true, b"]Q3]C1"), (Some("]Q3".into()), b"]C1".to_vec()));
        assert_eq!(scan(false, b"]"), (None, b"]".to_vec()));
    }

    #[test]
    fn without_the_configured_identifier_it_is_noise() {
        for frame in [&b"SN-1"[..], b"]", b"]C", b"]1C", b"C1]"] {
            assert_eq!(read(true, frame), noise(NoiseKind::NoAimId, frame.len()));
        }
        assert_eq!(read(true, b"]C1"), noise(NoiseKind::Empty, 3));
    }

    #[test]
    fn no_read_strings_are_not_scans() {
        for frame in [&b"NR"[..], b"NOREAD", b"NO READ", b"NoRead", b"?", b"\x18"] {
            assert_eq!(read(false, frame), Event::NoRead);
            assert_eq!(read(true, frame), Event::NoRead);
            assert_eq!(read(true, &[b"]C0", frame].concat()), Event::NoRead);
        }
        assert_eq!(scan(false, b"NR1").1, b"NR1");
        assert_eq!(scan(false, b"]C0NR").1, b"]C0NR");
    }

    #[test]
    fn separators_are_data_and_other_controls_are_not() {
        let message = b"[)>\x1e06\x1dP123\x1dSABC\x1f\x1c\x1e\x04";
        assert_eq!(scan(false, message).1, message);
        for byte in [0, 1, 2, 3, 7, 8, 9, 10, 11, 13, 0x18, 0x1B, 0x7F] {
            assert_eq!(read(false, &[b'A', byte, b'B']), noise(NoiseKind::ForbiddenByte(byte), 3));
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_passed_on() {
        assert_eq!(scan(false, b"\xff\x80caf\xe9").1, b"\xff\x80caf\xe9");
    }

    proptest! {
        #[test]
        fn every_frame_gives_one_event_and_no_byte_is_invented(aim: bool, frame: Vec<u8>) {
            match read(aim, &frame) {
                Event::Scan(scan) => {
                    let front = scan.symbology.map(|aim| aim.bytes().to_vec()).unwrap_or_default();
                    prop_assert_eq!(scan.symbology.is_some(), aim);
                    prop_assert_eq!([front, scan.data].concat(), frame);
                }
                Event::NoRead => prop_assert!(frame.len() <= 10),
                Event::Noise { bytes, .. } => prop_assert_eq!(bytes, frame.len()),
                Event::NoScan(_) => prop_assert!(false, "of a camera"),
            }
        }
    }
}
