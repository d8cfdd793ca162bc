use proptest::prelude::*;

use super::*;

const READY: &str =
    "\x02030,0,0,1184,000,0,0,0,000,0,0,0\x03\r\n\x02000,0,0,0,1,2,4,0,00000000,1,000\x03\r\n\x021234,0\x03\r\n";
const FAULTY: &str =
    "\x02030,1,1,1184,003,1,0,1,000,1,1,1\x03\r\n\x02000,0,1,1,1,1,4,1,00000012,1,000\x03\r\n\x021234,0\x03\r\n";

fn errors_of(groups: &str) -> Result<Answers, NotZpl> {
    let text = format!(
        "\x02\r\n\r\nPRINTER STATUS            \r\n   ERRORS:          {groups}  \r\n   WARNINGS:        1 00000000 00000100   \r\n\x03"
    );
    read(text.as_bytes())
}

#[test]
fn a_ready_printer() {
    let answers = read(READY.as_bytes()).unwrap();
    assert_eq!(answers, Answers { host: Some(PrinterStatus::ready()), errors: None });
}

#[test]
fn every_flag_of_host_status() {
    use PrinterFault::*;
    let expected = PrinterStatus {
        faults: vec![MediaOut, BufferFull, CorruptMemory, TooCold, TooHot, HeadOpen, RibbonOut],
        paused: true,
        formats_waiting: Some(3),
        labels_waiting: Some(12),
        partial_format: true,
        label_to_take: true,
    };
    assert_eq!(read(FAULTY.as_bytes()).unwrap().host, Some(expected));
}

#[test]
fn error_bits() {
    use PrinterFault::*;
    let faults = |groups: &str| errors_of(groups).unwrap().errors.unwrap().faults;
    assert_eq!(faults("1 00000000 0000000F"), [MediaOut, RibbonOut, HeadOpen, CutterFault]);
    assert_eq!(faults("1 00000000 00000020"), [TooHot]);
    assert_eq!(faults("1 00000000 00004240"), [BadHead, Jam]);
    assert_eq!(faults("0 00000000 00000000"), []);
    let none = errors_of("0 00000000 00000000").unwrap().errors.unwrap();
    assert!(none.is_ready() && !none.is_idle(), "what waits is not told");
    let paused = errors_of("1 00000000 00010004").unwrap().errors.unwrap();
    assert_eq!((paused.paused, paused.faults.as_slice()), (true, &[HeadOpen][..]));
    // What is not in the table is told as it came, never passed over.
    assert!(faults("1 00000000 80000000")[0].to_string().contains("00000000 80000000"));
    assert!(faults("1 00000001 00000000")[0].to_string().contains("00000001 00000000"));
    assert!(faults("1 00000000 00080000")[0].to_string().contains("no mark"));
    assert_eq!(faults("1 00000000 00000000").len(), 1);
}

#[test]
fn the_rest_of_an_earlier_answer_is_passed_over() {
    for cut in 1..FAULTY.len() {
        let bytes = [&FAULTY[cut..], READY].concat();
        assert_eq!(read(bytes.as_bytes()).unwrap().host, Some(PrinterStatus::ready()), "from byte {cut}");
    }
}

#[test]
fn both_kinds_may_come_in_any_order() {
    let errors = "\x02\r\nPRINTER STATUS\r\nERRORS: 1 00000000 00000001\r\nWARNINGS: 0 00000000 00000000\r\n\x03";
    for text in [[READY, errors].concat(), [errors, READY].concat()] {
        let answers = read(text.as_bytes()).unwrap();
        assert_eq!(answers.host, Some(PrinterStatus::ready()));
        assert_eq!(answers.errors.unwrap().faults, [PrinterFault::MediaOut]);
    }
}

#[test]
fn other_machines_are_no_zpl_printers() {
    for said in [
        "HTTP/1.1 400 Bad Request\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "\0",
        "\x02@@@@\x03\r\n",
        "\x02",
        "\x02030,0,0,1184,000,0,0,0,000,0,0,0\x03\r\nfoo",
        "\x02030,0,0,1184,-01,0,0,0,000,0,0,0\x03",
        "\x02030,0,2,1184,000,0,0,0,000,0,0,0\x03",
        "\x02030,0,0,1184,000,0,0\x03",
        "\x02PRINTER STATUS ERRORS: 0 0 0 WARNINGS: 0 00000000 00000000\x03",
        "\x02PRINTER STATUS ERRORS: 0 00000000 00000000 WARNINGS: 0 00000000\x03",
    ] {
        let expected = if said == "\x02" { Ok(Answers::default()) } else { Err(NotZpl) };
        assert_eq!(read(said.as_bytes()), expected, "{said:?}");
    }
    assert_eq!(read("1,".repeat(MOST).as_bytes()), Err(NotZpl), "an answer has an end");
}

/// Bytes that look like answers.
fn lifelike() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(READY.as_bytes().to_vec()),
        Just(FAULTY.as_bytes().to_vec()),
        Just(b"\x021234,0\x03\r\n".to_vec()),
        Just(b"\x02\r\nPRINTER STATUS ERRORS: 0 00000000 00000000 WARNINGS: 0 00000000 00000000\x03".to_vec()),
        prop::collection::vec(any::<u8>(), 0..20),
        "[\x02\x03\r\n,019A-]{0,40}".prop_map(String::into_bytes),
    ];
    prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

proptest! {
    /// Never panics, and wherever the stream is split: what was answered stays, and what was wrong stays wrong.
    #[test]
    fn more_bytes_never_change_an_answer(bytes in lifelike(), at in any::<prop::sample::Index>()) {
        let at = at.index(bytes.len() + 1);
        let (part, whole) = (read(&bytes[..at]), read(&bytes));
        match part {
            Err(NotZpl) => prop_assert_eq!(whole, Err(NotZpl)),
            Ok(part) => if let Ok(whole) = whole {
                prop_assert!(part.host.is_none() || part.host == whole.host);
                prop_assert!(part.errors.is_none() || part.errors == whole.errors);
            },
        }
    }

    #[test]
    fn figures_are_read_as_written(formats in 0..1000_u32, labels in 0..100_000_000_u32, paused: bool, open: bool) {
        let text = format!(
            "\x02030,0,{},1184,{formats:03},0,0,0,000,0,0,0\x03\r\n\x02000,0,{},0,1,2,4,0,{labels:08},1,000\x03\r\n\x021234,0\x03\r\n",
            u8::from(paused), u8::from(open),
        );
        let status = read(text.as_bytes()).unwrap().host.unwrap();
        prop_assert_eq!((status.formats_waiting, status.labels_waiting), (Some(formats), Some(labels)));
        prop_assert_eq!((status.paused, !status.faults.is_empty()), (paused, open));
    }
}
