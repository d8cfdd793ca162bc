use std::time::Duration;

use proptest::prelude::*;

use super::*;

const SUFFIXES: [Suffix; 7] =
    [Suffix::Cr, Suffix::Lf, Suffix::CrLf, Suffix::CrOrLf, Suffix::StxEtx, Suffix::Tab, Suffix::Idle];

fn framing(suffix: Suffix) -> Framing {
    Framing { suffix, ..Framing::default() }
}

fn good(bytes: &[u8]) -> impl Iterator<Item = Byte> + '_ {
    bytes.iter().copied().map(Byte::Good)
}

/// A framer with a clock that only moves when told.
struct Bench {
    framer: Framer,
    now: Instant,
    out: Vec<Frame>,
}

impl Bench {
    fn new(framing: Framing) -> Self {
        Self { framer: Framer::new(framing), now: Instant::now(), out: Vec::new() }
    }

    fn push(&mut self, bytes: &[u8]) -> &mut Self {
        self.framer.push(good(bytes), self.now, &mut self.out);
        self
    }

    fn damaged(&mut self, byte: u8) -> &mut Self {
        self.framer.push([Byte::Damaged(byte)], self.now, &mut self.out);
        self
    }

    /// Time passes and nobody looks.
    fn held_up(&mut self, ms: u64) -> &mut Self {
        self.now += Duration::from_millis(ms);
        self
    }

    /// Time passes and nothing comes, which is seen every 50 ms.
    fn silence(&mut self, ms: u64) -> &mut Self {
        for _ in 0..ms / 50 {
            self.held_up(50);
            self.framer.idle(self.now, &mut self.out);
        }
        self
    }

    fn gone(&mut self) -> &mut Self {
        self.framer.gone(&mut self.out);
        self
    }

    /// Frames as text, noise as `(kind, bytes)`.
    fn read(&mut self) -> Vec<Result<String, (NoiseKind, usize)>> {
        let read = |frame| match frame {
            Frame::Whole { data, .. } => Ok(data.escape_ascii().to_string()),
            Frame::Noise { what, bytes } => Err((what, bytes)),
        };
        self.out.drain(..).map(read).collect()
    }
}

fn whole(texts: &[&str]) -> Vec<Result<String, (NoiseKind, usize)>> {
    texts.iter().map(|text| Ok((*text).to_owned())).collect()
}

fn read(framing: Framing, bytes: &[u8]) -> Vec<Result<String, (NoiseKind, usize)>> {
    Bench::new(framing).push(bytes).read()
}

#[test]
fn each_suffix_ends_a_frame() {
    for (suffix, stream) in [
        (Suffix::Cr, &b"AB\rC\r"[..]),
        (Suffix::Lf, b"AB\nC\n"),
        (Suffix::CrLf, b"AB\r\nC\r\n"),
        (Suffix::CrOrLf, b"AB\rC\n"),
        (Suffix::CrOrLf, b"AB\r\nC\r\n"),
        (Suffix::CrOrLf, b"AB\n\rC\n\r"),
        (Suffix::StxEtx, b"\x02AB\x03\x02C\x03"),
        (Suffix::Tab, b"AB\tC\t"),
    ] {
        assert_eq!(read(framing(suffix), stream), whole(&["AB", "C"]), "{suffix:?}");
    }
}

#[test]
fn gs_rs_eot_are_data() {
    for suffix in SUFFIXES {
        let mut bench = Bench::new(framing(suffix));
        let data = b"[)>\x1e06\x1d1PX\x1f\x1c\x1e\x04";
        let stream: &[&[u8]] = match suffix {
            Suffix::StxEtx => &[b"\x02", data, b"\x03"],
            Suffix::Tab => &[data, b"\t"],
            Suffix::Lf => &[data, b"\n"],
            Suffix::Cr => &[data, b"\r"],
            _ => &[data, b"\r\n"],
        };
        bench.push(&stream.concat()).silence(200);
        let end = if suffix == Suffix::Idle { "\\r\\n" } else { "" };
        assert_eq!(bench.read(), whole(&[&format!("{}{end}", data.escape_ascii())]), "{suffix:?}");
    }
}

#[test]
fn crlf_across_two_reads_is_one_end() {
    for suffix in [Suffix::Cr, Suffix::CrLf, Suffix::CrOrLf] {
        let mut bench = Bench::new(framing(suffix));
        bench.push(b"AB\r").push(b"\nC").push(b"D\r").push(b"\n");
        assert_eq!(bench.read(), whole(&["AB", "CD"]), "{suffix:?}");
    }
}

#[test]
fn filler_in_front_is_skipped() {
    assert_eq!(read(framing(Suffix::CrOrLf), b"\0\0\r\n\0AB\r\n\r\r\0C\r"), whole(&["AB", "C"]));
    assert_eq!(read(framing(Suffix::StxEtx), b"\0\r\n\x02AB\x03\r\n\x02\0C\x03\r\n"), whole(&["AB", "C"]));
    assert_eq!(read(framing(Suffix::Tab), b"\t\tAB\t\r\n\t"), whole(&["AB"]));
}

#[test]
fn nul_inside_is_left_for_the_check_of_the_content() {
    assert_eq!(read(framing(Suffix::Cr), b"A\0B\r"), whole(&["A\\x00B"]));
}

#[test]
fn several_scans_in_one_read_and_one_scan_in_many() {
    let mut bench = Bench::new(framing(Suffix::CrOrLf));
    assert_eq!(bench.push(b"A\rB\rC\rD").read(), whole(&["A", "B", "C"]));
    for byte in b"EF\r" {
        bench.push(&[*byte]);
    }
    assert_eq!(bench.read(), whole(&["DEF"]));
}

#[test]
fn cr_alone_does_not_end_crlf() {
    let mut bench = Bench::new(framing(Suffix::CrLf));
    assert_eq!(bench.push(b"AB\rC\r\n").read(), whole(&["AB\\rC"]));
    assert_eq!(bench.push(b"AB\r").silence(1000).read(), [Err((NoiseKind::Unfinished, 2))]);
    assert_eq!(bench.push(b"AB\r\r\nX\r\n").read(), whole(&["AB\\r", "X"]));
}

#[test]
fn the_prefix_is_taken_off_and_missed() {
    let framing = Framing { prefix: b"P:".to_vec(), ..framing(Suffix::CrOrLf) };
    assert_eq!(
        read(framing, b"P:A\r\nT-1\rP:\rP:P:B\r"),
        [Ok("A".into()), Err((NoiseKind::NoPrefix, 3)), Err((NoiseKind::Empty, 2)), Ok("P:B".into())]
    );
    let framing = Framing { prefix: b"P".to_vec(), suffix: Suffix::Tab, ..Framing::default() };
    assert_eq!(read(framing, b"PA\t\tPB\t"), whole(&["A", "B"]));
}

#[test]
fn bytes_outside_stx_etx_are_noise() {
    assert_eq!(
        read(framing(Suffix::StxEtx), b"EST\x03\x02A\x03junk\x02B\x03\x02\x03\x02HA\x02C\x03"),
        [
            Err((NoiseKind::OutsideFrame, 3)),
            Ok("A".into()),
            Err((NoiseKind::OutsideFrame, 4)),
            Ok("B".into()),
            Err((NoiseKind::Empty, 0)),
            Err((NoiseKind::Unfinished, 2)),
            Ok("C".into()),
        ]
    );
    assert_eq!(read(framing(Suffix::StxEtx), b"\x03\x02\x02A\x03\x03\x02B\x03"), whole(&["A", "B"]));
}

#[test]
fn too_long_is_reported_once_and_the_next_scan_is_whole() {
    for suffix in SUFFIXES {
        let mut bench = Bench::new(framing(suffix));
        let (start, end): (&[u8], &[u8]) = match suffix {
            Suffix::StxEtx => (b"\x02", b"\x03"),
            Suffix::Tab => (b"", b"\t"),
            Suffix::Lf => (b"", b"\n"),
            Suffix::Idle => (b"", b""),
            _ => (b"", b"\r\n"),
        };
        bench.push(start);
        for _ in 0..64 {
            bench.push(&[b'x'; 1024]);
            assert!(bench.framer.pending.capacity() <= 2 * 4096, "{suffix:?}");
        }
        assert_eq!(bench.read(), [], "{suffix:?}");
        bench.push(end).silence(100).push(&[start, b"SN-2", end].concat()).silence(100);
        assert_eq!(bench.read(), [Err((NoiseKind::TooLong, 65536)), Ok("SN-2".into())], "{suffix:?}");
    }
}

#[test]
fn the_longest_frame_is_still_a_frame() {
    let framing = Framing { max_length: 4, prefix: b"P".to_vec(), ..Framing::default() };
    assert_eq!(read(framing, b"P123\rP1234\r"), [Ok("123".into()), Err((NoiseKind::TooLong, 5))]);
}

#[test]
fn a_half_scan_never_joins_the_next() {
    for suffix in [Suffix::Cr, Suffix::CrOrLf] {
        let mut bench = Bench::new(framing(suffix));
        bench.push(b"SN-1").silence(950).push(b"23\r");
        assert_eq!(bench.read(), whole(&["SN-123"]));
        bench.push(b"SN-1").silence(1000).push(b"SN-2\r");
        assert_eq!(bench.read(), [Err((NoiseKind::Unfinished, 4)), Ok("SN-2".into())]);
    }
    let mut bench = Bench::new(framing(Suffix::StxEtx));
    bench.push(b"\x02").silence(1000).push(b"SN-2\x03\x02SN-3\x03");
    let expected = [Err((NoiseKind::Unfinished, 0)), Err((NoiseKind::OutsideFrame, 4)), Ok("SN-3".into())];
    assert_eq!(bench.read(), expected);
}

#[test]
fn silence_that_nobody_saw_spoils_the_frame() {
    let mut bench = Bench::new(framing(Suffix::CrOrLf));
    bench.push(b"SN-1").held_up(1000).push(b"SN-2\rSN-3\r");
    assert_eq!(bench.read(), [Err((NoiseKind::ReaderLate, 8)), Ok("SN-3".into())]);
    bench.held_up(5000).push(b"SN-4\r");
    assert_eq!(bench.read(), whole(&["SN-4"]));
}

#[test]
fn silence_ends_a_frame_without_suffix() {
    let mut bench = Bench::new(framing(Suffix::Idle));
    let first = bench.now;
    bench.push(b"AB").silence(50).push(b"C").silence(100);
    assert_eq!(bench.out, [Frame::Whole { data: b"ABC".to_vec(), at: first + Duration::from_millis(50) }]);
    bench.out.clear();
    assert_eq!(bench.silence(500).push(b"\r\nD").silence(100).read(), whole(&["D"]));
    assert_eq!(bench.push(b"E").held_up(100).push(b"F").silence(100).read(), [Err((NoiseKind::ReaderLate, 2))]);
}

#[test]
fn a_device_that_goes_leaves_nothing_half() {
    for suffix in SUFFIXES {
        let mut bench = Bench::new(framing(suffix));
        bench.push(b"\x02SN-1").gone();
        let frames = bench.read();
        assert!(matches!(frames[..], [Err((NoiseKind::Unfinished, 4 | 5))]), "{suffix:?} {frames:?}");
        assert_eq!(bench.gone().read(), []);
    }
}

#[test]
fn a_damaged_byte_spoils_its_frame_only() {
    let mut bench = Bench::new(framing(Suffix::CrLf));
    bench.push(b"SN").damaged(b'7').push(b"1\r\nSN-2\r\n");
    assert_eq!(bench.read(), [Err((NoiseKind::LineError, 4)), Ok("SN-2".into())]);
    bench.damaged(b'S').push(b"N-3\r\nSN-4\r\n");
    assert_eq!(bench.read(), [Err((NoiseKind::LineError, 4)), Ok("SN-4".into())]);
    bench.push(b"SN\r").damaged(0).push(b"\nSN-5\r\n");
    assert_eq!(bench.read(), [Err((NoiseKind::LineError, 9))]);
}

#[test]
fn a_damaged_end_does_not_join_two_scans() {
    let mut bench = Bench::new(framing(Suffix::Cr));
    bench.push(b"SN-1").damaged(b'\r').push(b"SN-2\rSN-3\r");
    assert_eq!(bench.read(), [Err((NoiseKind::LineError, 9)), Ok("SN-3".into())]);
}

#[test]
fn a_break_between_scans_is_skipped() {
    let mut bench = Bench::new(framing(Suffix::Cr));
    assert_eq!(bench.damaged(0).push(b"SN-1\r").damaged(0).push(b"SN-2\r").read(), whole(&["SN-1", "SN-2"]));
    let mut bench = Bench::new(framing(Suffix::StxEtx));
    bench.push(b"\x02").damaged(0).push(b"A\x03").damaged(0).push(b"\x02B\x03");
    assert_eq!(bench.read(), [Err((NoiseKind::LineError, 2)), Ok("B".into())]);
}

#[test]
fn a_deadline_is_there_only_while_a_frame_has_begun() {
    let mut bench = Bench::new(framing(Suffix::CrOrLf));
    assert_eq!(bench.framer.deadline(), None);
    bench.push(b"\r\n");
    assert_eq!(bench.framer.deadline(), None);
    bench.push(b"A");
    assert_eq!(bench.framer.deadline(), Some(bench.now + Duration::from_secs(1)));
    bench.push(b"\r");
    assert_eq!(bench.framer.deadline(), None);
}

/// Bytes as a scanner and a bad line send them: framing bytes are frequent.
fn stream() -> impl Strategy<Value = Vec<Byte>> {
    let byte = prop_oneof![
        4 => prop::sample::select(&b"\0\r\n\t\x02\x03\x1dP"[..]).prop_map(Byte::Good),
        4 => any::<u8>().prop_map(Byte::Good),
        1 => any::<u8>().prop_map(Byte::Damaged),
    ];
    prop::collection::vec(byte, 0..200)
}

fn any_framing() -> impl Strategy<Value = Framing> {
    (prop::sample::select(&SUFFIXES[..]), prop::sample::select(vec![&b""[..], b"P"]), 1_usize..20).prop_map(
        |(suffix, prefix, max_length)| Framing { suffix, prefix: prefix.to_vec(), max_length, ..Framing::default() },
    )
}

proptest! {
    #[test]
    fn any_split_gives_the_same_frames(framing in any_framing(), stream in stream(), cuts: Vec<prop::sample::Index>) {
        let now = Instant::now();
        let run = |chunks: Vec<&[Byte]>| {
            let (mut framer, mut out) = (Framer::new(framing.clone()), Vec::new());
            for chunk in chunks {
                framer.push(chunk.iter().copied(), now, &mut out);
            }
            framer.gone(&mut out);
            out
        };
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let chunks = cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]).collect();
        prop_assert_eq!(run(vec![&stream]), run(chunks));
    }

    #[test]
    fn frames_are_not_empty_not_long_and_without_suffix(framing in any_framing(), stream in stream()) {
        let (mut framer, mut out) = (Framer::new(framing.clone()), Vec::new());
        for byte in &stream {
            framer.push([*byte], Instant::now(), &mut out);
            prop_assert!(framer.pending.len() <= framing.max_length);
        }
        let mut bytes = 0;
        for frame in out {
            match frame {
                Frame::Noise { bytes: dropped, .. } => bytes += dropped,
                Frame::Whole { data, .. } => {
                    bytes += data.len();
                    prop_assert!(!data.is_empty() && data.len() <= framing.max_length);
                    let has = |byte: u8| data.contains(&byte);
                    let has_suffix = match framing.suffix {
                        Suffix::Cr => has(CR),
                        Suffix::Lf => has(LF),
                        Suffix::CrLf => data.windows(2).any(|pair| pair == b"\r\n"),
                        Suffix::CrOrLf => has(CR) || has(LF),
                        Suffix::StxEtx => has(STX) || has(ETX),
                        Suffix::Tab => has(TAB),
                        Suffix::Idle => false,
                    };
                    prop_assert!(!has_suffix);
                }
            }
        }
        prop_assert!(bytes <= stream.len());
    }

    /// Whatever the noise before, after silence a scan is read whole and alone.
    #[test]
    fn after_silence_the_next_scan_is_whole(framing in any_framing(), stream in stream()) {
        let scan: &[&[u8]] = match framing.suffix {
            Suffix::StxEtx => &[b"\x02", &framing.prefix, b"9", b"\x03"],
            Suffix::Tab => &[&framing.prefix, b"9\t"],
            Suffix::Lf => &[&framing.prefix, b"9\n"],
            Suffix::Idle => &[&framing.prefix, b"9"],
            _ => &[&framing.prefix, b"9\r\n"],
        };
        prop_assume!(framing.prefix.len() < framing.max_length);
        let mut bench = Bench::new(framing.clone());
        bench.framer.push(stream, bench.now, &mut bench.out);
        bench.silence(1000).out.clear();
        bench.push(&scan.concat()).silence(1000);
        prop_assert_eq!(bench.read(), whole(&["9"]));
    }
}
