use std::sync::Arc;

use ::rxing::common::BitMatrix;
use ::rxing::{BarcodeFormat, EncodeHints, MultiFormatWriter, Writer};
use proptest::prelude::*;

use super::*;
use crate::Stop;
use crate::camera::fake::{FakeEngine, Step};

/// Far longer than anything takes, also on a busy computer.
const LONG: Duration = Duration::from_secs(60);
/// A time limit that a fake engine keeps, or never.
const SHORT: Duration = Duration::from_millis(100);

fn blank() -> Arc<Frame> {
    Arc::new(Frame::new(200, 100, vec![255; 20_000], Instant::now()).unwrap())
}

fn drawn(text: &str, format: BarcodeFormat, hints: &EncodeHints) -> BitMatrix {
    let (width, height) = if format == BarcodeFormat::CODE_128 { (0, 60) } else { (1, 1) };
    MultiFormatWriter.encode_with_hints(text, &format, width, height, hints).unwrap()
}

/// Codes side by side, `scale` pixels for a module, with a wide white edge.
fn frame(codes: &[BitMatrix], scale: usize) -> Arc<Frame> {
    let edge = 20 * scale;
    let width = codes.iter().map(|code| code.width() as usize * scale + edge).sum::<usize>() + edge;
    let height = codes.iter().map(|code| code.height() as usize).max().unwrap() * scale + 2 * edge;
    let mut luma = vec![255; width * height];
    let mut left = edge;
    for code in codes {
        for y in 0..code.height() as usize * scale {
            for x in 0..code.width() as usize * scale {
                if code.get((x / scale) as u32, (y / scale) as u32) {
                    luma[(y + edge) * width + x + left] = 0;
                }
            }
        }
        left += code.width() as usize * scale + edge;
    }
    Arc::new(Frame::new(width, height, luma, Instant::now()).unwrap())
}

fn read(frame: &Arc<Frame>) -> Vec<(Vec<u8>, String)> {
    let decoded = Decoder::new(&Symbology::USUAL, LONG).decode(frame);
    assert_eq!(decoded.troubles, []);
    let aim = |aim: Option<AimId>| aim.map(|aim| aim.to_string()).unwrap_or_default();
    decoded.found.into_iter().map(|found| (found.data, aim(found.aim))).collect()
}

fn one(text: &str, format: BarcodeFormat, hints: &EncodeHints) -> (Vec<u8>, String) {
    let mut found = read(&frame(&[drawn(text, format, hints)], 4));
    assert_eq!(found.len(), 1, "{text:?} {format}");
    found.remove(0)
}

#[test]
fn gs1_shows_in_the_aim_identifier_and_gs_in_the_data() {
    let plain = EncodeHints::default();
    let gs1 = EncodeHints { Gs1Format: Some(true), ..EncodeHints::default() };
    assert_eq!(one("ABC-123", BarcodeFormat::QR_CODE, &plain), (b"ABC-123".to_vec(), "]Q1".to_owned()));
    assert_eq!(one("ABC-123", BarcodeFormat::DATA_MATRIX, &plain), (b"ABC-123".to_vec(), "]d1".to_owned()));
    assert_eq!(one("ABC-123", BarcodeFormat::CODE_128, &plain), (b"ABC-123".to_vec(), "]C0".to_owned()));
    // The writer takes U+00F1 for FNC1.
    let code = "\u{f1}10LOT7\u{f1}21SN42";
    assert_eq!(one(code, BarcodeFormat::CODE_128, &plain), (b"10LOT7\x1d21SN42".to_vec(), "]C1".to_owned()));
    let code = "0109521234543213\u{1d}21SN42";
    let (data, aim) = one(code, BarcodeFormat::QR_CODE, &gs1);
    assert_eq!((data.as_slice(), aim.as_str()), (code.as_bytes(), "]Q3"));
}

#[test]
fn nul_and_bytes_that_are_not_utf8_are_data() {
    let hints = EncodeHints { CharacterSet: Some("ISO-8859-1".to_owned()), ..EncodeHints::default() };
    let (data, _) = one("a\0b\u{1d}\u{e9}", BarcodeFormat::QR_CODE, &hints);
    assert_eq!(data, b"a\0b\x1d\xe9");
    let (data, _) = one("caf\u{e9} 7", BarcodeFormat::DATA_MATRIX, &EncodeHints::default());
    assert_eq!(data, b"caf\xe9 7");
}

#[test]
fn two_codes_in_one_picture_are_both_read_in_order() {
    let draw = |text| drawn(text, BarcodeFormat::QR_CODE, &EncodeHints::default());
    let texts = |frame: &Arc<Frame>| read(frame).into_iter().map(|(data, _)| data).collect::<Vec<_>>();
    let picture = frame(&[draw("LEFT-1"), draw("RIGHT2")], 4);
    assert_eq!(texts(&picture), [b"LEFT-1".to_vec(), b"RIGHT2".to_vec()]);
    // Equal ones are one.
    assert_eq!(texts(&frame(&[draw("SAME-1"), draw("SAME-1")], 4)), [b"SAME-1".to_vec()]);
    let other = drawn("MATRIX", BarcodeFormat::DATA_MATRIX, &EncodeHints::default());
    let mut both = texts(&frame(&[draw("SQUARE"), other], 4));
    both.sort();
    assert_eq!(both, [b"MATRIX".to_vec(), b"SQUARE".to_vec()]);
}

#[test]
fn only_the_symbologies_that_are_asked_for_are_read() {
    let picture = frame(&[drawn("ABC-123", BarcodeFormat::CODE_128, &EncodeHints::default())], 3);
    let found = |symbologies: &[Symbology]| Decoder::new(symbologies, LONG).decode(&picture).found.len();
    assert_eq!((found(&[Symbology::Code128]), found(&[Symbology::Qr, Symbology::DataMatrix])), (1, 0));
}

#[test]
fn maxicode_and_aztec_cannot_be_asked_for() {
    for name in ["maxicode", "aztec", "MAXICODE", "pdf417"] {
        assert_eq!(name.parse::<Symbology>(), Err(NotASymbology));
    }
    for (name, symbology) in Symbology::ALL {
        assert_eq!(name.parse(), Ok(symbology));
    }
}

#[test]
fn rqrr_reads_inverted_and_turned_codes_by_itself() {
    let plain = frame(&[drawn("RQRR-7", BarcodeFormat::QR_CODE, &EncodeHints::default())], 5);
    let inverted: Vec<u8> = plain.luma().iter().map(|value| 255 - value).collect();
    let inverted = Frame::new(plain.width(), plain.height(), inverted, Instant::now()).unwrap();
    let rqrr = |frame: &Frame, until| {
        let mut found = Vec::new();
        Rqrr.decode(frame, until, &mut |one| found.push(one));
        found
    };
    for frame in [&*plain, &inverted] {
        let found = rqrr(frame, Instant::now() + LONG);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].data.as_slice(), found[0].aim.unwrap().to_string()), (&b"RQRR-7"[..], "]Q1".to_owned()));
    }
    assert_eq!(rqrr(&plain, Instant::now()), [], "nothing is begun after the time limit");
}

fn finds(text: &str) -> Step {
    Step::Finds(vec![text.as_bytes().to_vec()])
}

struct Bench {
    decoder: Decoder,
    first: Arc<FakeEngine>,
    release: Stop,
}

impl Bench {
    fn new(first: impl IntoIterator<Item = Step>, second: impl IntoIterator<Item = Step>, limit: Duration) -> Self {
        let first = Arc::new(FakeEngine::new("first", first));
        let engines: [Arc<dyn Engine>; 2] = [first.clone(), Arc::new(FakeEngine::new("second", second))];
        let release = first.release();
        Self { decoder: Decoder::with_engines(engines, limit), first, release }
    }

    fn decode(&mut self) -> (Vec<Vec<u8>>, Vec<Trouble>) {
        let decoded = self.decoder.decode(&blank());
        (decoded.found.into_iter().map(|found| found.data).collect(), decoded.troubles)
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.release.stop();
    }
}

#[test]
fn the_second_engine_is_asked_only_where_the_first_finds_nothing() {
    let mut bench = Bench::new([finds("A"), Step::Finds(vec![])], [finds("B")], LONG);
    assert_eq!(bench.decode(), (vec![b"A".to_vec()], vec![]));
    assert_eq!(bench.decode(), (vec![b"B".to_vec()], vec![]));
}

#[test]
fn a_panic_is_counted_and_costs_one_engine_one_picture() {
    let mut bench = Bench::new([Step::Panics, finds("A")], [finds("B")], LONG);
    let (found, troubles) = bench.decode();
    assert_eq!(found, [b"B".to_vec()]);
    assert_eq!(troubles, [Trouble::Panicked { engine: "first", message: "scripted".to_owned() }]);
    assert_eq!(bench.decode(), (vec![b"A".to_vec()], vec![]));
    assert_eq!((bench.decoder.panics(), bench.decoder.late()), (1, 0));
}

#[test]
fn an_engine_that_hangs_is_replaced_then_switched_off_and_comes_back() {
    let hangs = [Step::Hangs(vec![]), Step::Hangs(vec![]), finds("A"), Step::Hangs(vec![]), finds("X")];
    let mut bench = Bench::new(hangs, ["1", "2", "3", "4"].map(finds), SHORT);
    let late = || vec![Trouble::Late { engine: "first", limit: SHORT }];
    let start = Instant::now();
    assert_eq!(bench.decode(), (vec![b"1".to_vec()], late()));
    assert_eq!(bench.decode(), (vec![b"2".to_vec()], late()));
    assert_eq!(bench.decode(), (vec![b"A".to_vec()], vec![]));
    assert_eq!(bench.decode(), (vec![b"3".to_vec()], late()));
    assert!(start.elapsed() < LONG);
    // Three threads do not come back: the engine is not asked any more, and the result says so.
    let (found, troubles) = bench.decode();
    assert_eq!((found, troubles), (vec![b"4".to_vec()], vec![Trouble::Off { engine: "first", stuck: 3 }]));
    assert_eq!((bench.first.steps_left(), bench.decoder.late()), (1, 3));
    // They come back after all.
    bench.release.stop();
    let again = Instant::now();
    while bench.decode().0 != [b"X".to_vec()] {
        assert!(again.elapsed() < LONG);
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_was_found_before_the_time_was_over_counts() {
    let mut bench = Bench::new([Step::Hangs(vec![b"A".to_vec()])], [finds("B")], SHORT);
    let late = vec![Trouble::Late { engine: "first", limit: SHORT }];
    assert_eq!(bench.decode(), (vec![b"A".to_vec()], late));
}

#[test]
fn troubles_say_what_to_do() {
    let troubles = [
        Trouble::Panicked { engine: "x", message: "why".to_owned() },
        Trouble::Late { engine: "x", limit: SHORT },
        Trouble::Off { engine: "x", stuck: 3 },
        Trouble::NoThread { engine: "x" },
    ];
    for trouble in troubles {
        let text = trouble.to_string();
        assert!(text.contains("engine x") && text.contains(": "), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn what_is_drawn_is_read(text in "[ -~]{1,24}", format in formats()) {
        let found = read(&frame(&[drawn(&text, format, &EncodeHints::default())], 3));
        prop_assert!(!found.is_empty(), "{:?} {}", text, format);
        prop_assert!(found.iter().all(|(data, _)| data == text.as_bytes()), "{:?}", found);
    }

    /// Error correction and check characters: the wrong text never comes out, whatever lies on the code.
    #[test]
    fn a_damaged_code_is_read_right_or_not_at_all(
        text in "[0-9A-Z]{8,16}",
        format in formats(),
        spots in prop::collection::vec((0.0..1.0f64, 0.0..1.0f64, 1usize..16, any::<u8>()), 1..30),
    ) {
        let frame = frame(&[drawn(&text, format, &EncodeHints::default())], 3);
        let (width, height, mut luma) = (frame.width(), frame.height(), frame.luma().to_vec());
        for (x, y, side, value) in spots {
            let (left, top) = ((x * width as f64) as usize, (y * height as f64) as usize);
            for y in top..(top + side).min(height) {
                luma[y * width + left..y * width + (left + side).min(width)].fill(value);
            }
        }
        let frame = Arc::new(Frame::new(width, height, luma, Instant::now()).unwrap());
        let decoded = Decoder::new(&Symbology::USUAL, LONG).decode(&frame);
        prop_assert!(!is_late(&decoded));
        prop_assert!(decoded.found.iter().all(|found| found.data == text.as_bytes()), "{:?}", decoded.found);
    }

    #[test]
    fn any_pixels_end_in_time_and_say_nothing(
        (width, height) in (1usize..64, 1usize..64),
        pixels in prop::collection::vec(any::<u8>(), 64 * 64),
    ) {
        let frame = Frame::new(width, height, pixels[..width * height].to_vec(), Instant::now()).unwrap();
        let decoded = Decoder::new(&Symbology::USUAL, LONG).decode(&Arc::new(frame));
        prop_assert!(!is_late(&decoded));
        prop_assert_eq!(decoded.found, []);
    }
}

fn formats() -> impl Strategy<Value = BarcodeFormat> {
    prop::sample::select(vec![BarcodeFormat::QR_CODE, BarcodeFormat::DATA_MATRIX, BarcodeFormat::CODE_128])
}

fn is_late(decoded: &Decoded) -> bool {
    decoded.troubles.iter().any(|trouble| matches!(trouble, Trouble::Late { .. }))
}
