use proptest::prelude::*;

use super::*;

const SETUP: Setup = Setup { size: Size { width: 16, height: 8 }, home: (0, 0), reprint: true };

/// What is found, and how many commands are unknown.
fn all(bytes: &[u8]) -> (Vec<Event>, u64) {
    let mut reader = Reader::new(SETUP);
    let events = bytes.iter().filter_map(|byte| reader.push(*byte)).collect();
    (events, reader.take_unknown())
}

fn formats(bytes: &str) -> Vec<Format> {
    let end = |event| if let Event::End(format) = event { Some(format) } else { None };
    all(bytes.as_bytes()).0.into_iter().filter_map(end).collect()
}

#[test]
fn a_format() {
    let (events, unknown) = all(
        b"^XA^JZN^PW24^LL10^LH1,2^LS0^PON^PMN^LRN\n^FO8,4^GFA,2,2,1,F00F^FS\n^FO0,0^GFA,1,1,1,FF^FS^PQ3,0,1,Y^XZ\n",
    );
    let setup = Setup { size: Size { width: 24, height: 10 }, home: (1, 2), reprint: false };
    let fields = vec![
        Field { x: 9, y: 6, stride: 1, bits: vec![0xF0, 0x0F] },
        Field { x: 1, y: 2, stride: 1, bits: vec![0xFF] },
    ];
    let format = Format { setup, fields, copies: 3, damaged: false, prints: true };
    assert_eq!(events, [Event::Begin, Event::End(format)]);
    assert_eq!(unknown, 0);
}

#[test]
fn questions_are_seen_at_once_everywhere() {
    let events = |text: &str| all(text.as_bytes()).0;
    assert_eq!(events("~HS"), [Event::HostStatus { partial: false }]);
    assert_eq!(events("~hs\r\n~HQES\r\n"), [Event::HostStatus { partial: false }, Event::ErrorStatus]);
    assert_eq!(events("^XA^FO0,0~HS")[1], Event::HostStatus { partial: true });
    assert_eq!(events("GET / HTTP/1.1\r\n\r\n"), []);
}

#[test]
fn setup_lasts_and_the_rest_does_not() {
    let two = formats("^XA^PW32^JZN^PQ7^FO1,1^GFA,1,1,1,FF^XZ^XA^GFA,1,1,1,FF^XZ");
    assert_eq!((two[0].copies, two[1].copies), (7, 1));
    assert_eq!(two[1].setup, two[0].setup);
    assert_eq!((two[1].setup.size.width, two[1].setup.reprint, two[1].fields[0].x), (32, false, 0));
}

#[test]
fn what_is_unknown_is_counted_and_what_is_wrong_marks_the_format() {
    let count = |text: &str| all(text.as_bytes()).1;
    assert_eq!(count("^XA^A0N,30,30^FO1,1^FDtext^FS^POI^XZ^"), 3);
    assert_eq!(count("~JA^XA^XZ"), 1);
    assert!(formats("^XA^GFA,2,2,1,zz^FS^XZ")[0].damaged);
    assert!(!formats("^XA^PW16^XZ")[0].prints);
    assert!(formats("^XA^FDtext^FS^XZ")[0].prints);
    // A format that begins anew is forgotten, an end without beginning is nothing.
    assert_eq!(formats("^XA^PQ3^XA^GFA,1,1,1,FF^XZ^XZ").len(), 1);
}

#[test]
fn everything_has_a_limit() {
    let long = format!("^XA^GFA,9,9,9,{}^FS^XZ", "0".repeat(MOST_COMMAND));
    let format = &formats(&long)[0];
    assert!(format.damaged && format.fields.is_empty());
    let digits = "00".repeat(99_999);
    let many = format!("^XA{}^XZ", format!("^GFA,99999,99999,100,{digits}^FS").repeat(MOST_FORMAT / 99_999 + 2));
    let format = &formats(&many)[0];
    assert!(format.damaged && format.fields.iter().map(|field| field.bits.len()).sum::<usize>() <= MOST_FORMAT);
    let huge = &formats("^XA^PW99999999999^LL0^PQ99999999^FO4294967295,9^GFA,1,1,1,FF^XZ")[0];
    assert_eq!((huge.setup.size, huge.copies), (Size { width: MOST_DOTS, height: 1 }, MOST_COPIES));
}

/// Bytes that look like ZPL.
fn lifelike() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "^XA",
            "^XZ",
            "~HS",
            "~HQES",
            "^PW",
            "^LL",
            "^LH",
            "^FO",
            "^GFA,",
            "^PQ",
            "^JZN",
            "^FS",
            "^FD",
            ",",
            "4294967296",
            "8",
            "1,1,1,",
            "FF",
            ":Z64:",
            "eJwDAAAAAAE=",
            ":0000",
            "^",
            "~",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..12),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn nothing_panics_and_every_format_can_be_drawn_or_refused(bytes in lifelike()) {
        for event in all(&bytes).0 {
            if let Event::End(format) = event {
                prop_assert!(format.copies <= MOST_COPIES && format.bytes() < 2 * MOST_FORMAT);
                if let Some(page) = super::super::page::Page::draw(format.setup.size, &format.fields) {
                    page.png().unwrap();
                }
            }
        }
    }
}
