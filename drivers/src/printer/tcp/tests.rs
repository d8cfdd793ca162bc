use std::net::TcpListener;
use std::thread::JoinHandle;

use super::*;
use crate::printer::PrinterFault;

const READY: &[u8] =
    b"\x02030,0,0,1184,000,0,0,0,000,0,0,0\x03\r\n\x02000,0,0,0,1,2,4,0,00000000,1,000\x03\r\n\x021234,0\x03\r\n";
const PAUSED: &[u8] =
    b"\x02030,0,1,1184,002,0,0,0,000,0,0,0\x03\r\n\x02000,0,0,0,1,2,4,0,00000001,1,000\x03\r\n\x021234,0\x03\r\n";
const MEDIA_OUT: &[u8] =
    b"\x02\r\nPRINTER STATUS\r\n ERRORS: 1 00000000 00000001\r\n WARNINGS: 0 00000000 00000000\r\n\x03";

/// The other end of one connection.
struct Peer(TcpStream);

impl Peer {
    fn say(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    fn expect(&mut self, bytes: &[u8]) {
        let mut got = vec![0; bytes.len()];
        self.0.read_exact(&mut got).unwrap();
        assert_eq!(got.escape_ascii().to_string(), bytes.escape_ascii().to_string());
    }

    fn rest(&mut self) -> Vec<u8> {
        let mut got = Vec::new();
        self.0.read_to_end(&mut got).unwrap();
        got
    }
}

/// A machine that takes one connection and does `script` with it.
fn machine<T: Send + 'static>(script: impl FnOnce(Peer) -> T + Send + 'static) -> (PrinterSettings, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let settings = PrinterSettings {
        answer_timeout: Duration::from_millis(150),
        send_timeout: Duration::from_millis(300),
        ..PrinterSettings::tcp("127.0.0.1", listener.local_addr().unwrap().port())
    };
    (settings, std::thread::spawn(move || script(Peer(listener.accept().unwrap().0))))
}

fn open(settings: &PrinterSettings) -> Box<dyn Printer> {
    TcpFactory.open("pallet", settings).unwrap()
}

/// What the machine said has arrived.
fn arrived() {
    std::thread::sleep(Duration::from_millis(50));
}

#[test]
fn a_job_between_two_questions() {
    let (settings, peer) = machine(|mut peer| {
        peer.expect(zpl::HOST_STATUS);
        peer.say(READY);
        peer.expect(b"^XA^XZ");
        peer.expect(zpl::HOST_STATUS);
        // In pieces, as over a slow line.
        for byte in PAUSED.chunks(7) {
            peer.say(byte);
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(peer.rest(), b"");
    });
    let mut printer = open(&settings);
    assert_eq!(printer.status().unwrap(), PrinterStatus::ready());
    printer.send(b"^XA^XZ").unwrap();
    let status = printer.status().unwrap();
    assert_eq!((status.paused, status.formats_waiting, status.labels_waiting), (true, Some(2), Some(1)));
    drop(printer);
    peer.join().unwrap();
}

#[test]
fn a_stale_answer_is_not_the_new_one() {
    for stale in [PAUSED, &PAUSED[20..], &PAUSED[PAUSED.len() - 9..], b"\r\n"] {
        let (settings, peer) = machine(move |mut peer| {
            peer.say(stale);
            peer.expect(zpl::HOST_STATUS);
            peer.say(READY);
        });
        let mut printer = open(&settings);
        arrived();
        assert_eq!(printer.status().unwrap(), PrinterStatus::ready());
        peer.join().unwrap();
    }
}

#[test]
fn silence_in_a_fault_is_asked_again_for_errors() {
    let (settings, peer) = machine(|mut peer| {
        peer.expect(zpl::HOST_STATUS);
        peer.expect(zpl::ERROR_STATUS);
        peer.say(MEDIA_OUT);
        assert_eq!(peer.rest(), b"", "no job while a question is open");
    });
    let mut printer = open(&settings);
    let status = printer.status().unwrap();
    assert_eq!(status.faults, [PrinterFault::MediaOut]);
    assert_eq!((status.formats_waiting, status.is_idle()), (None, false));
    let error = printer.send(b"^XA^XZ").unwrap_err();
    assert!(matches!(error, SendError::Nothing(PrinterError::Unanswered { .. })), "{error:?}");
    drop(printer);
    peer.join().unwrap();
}

#[test]
fn a_late_answer_to_the_first_question_counts() {
    let (settings, peer) = machine(|mut peer| {
        peer.expect(zpl::HOST_STATUS);
        peer.expect(zpl::ERROR_STATUS);
        peer.say(READY);
        peer.rest()
    });
    let mut printer = open(&settings);
    assert_eq!(printer.status().unwrap(), PrinterStatus::ready());
    assert!(printer.send(b"^XA^XZ").unwrap_err().nothing_sent(), "the second answer is still to come");
    drop(printer);
    assert_eq!(peer.join().unwrap(), b"");
}

#[test]
fn silence_to_both_questions() {
    let (settings, peer) = machine(|mut peer| peer.rest());
    let mut printer = open(&settings);
    let begin = Instant::now();
    let error = printer.status().unwrap_err();
    assert!((Duration::from_millis(300)..Duration::from_secs(3)).contains(&begin.elapsed()));
    assert!(matches!(error, PrinterError::Silent { .. }), "{error:?}");
    assert!(error.to_string().starts_with("printer `pallet` at 127.0.0.1:"), "{error}");
    drop(printer);
    assert_eq!(peer.join().unwrap(), b"~HS\r\n~HQES\r\n");
}

#[test]
fn another_machine_is_named_by_what_it_says() {
    for (unasked, answer, expected) in [
        ("", "HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP/1.1 400 Bad Request\\r\\n\\r\\n".to_owned()),
        ("SSH-2.0-OpenSSH_9.2\r\n", "", "SSH-2.0-OpenSSH_9.2\\r\\n".to_owned()),
        ("220 ready\r\n", "\x02\x1b", "\\x02\\x1b".to_owned()),
        ("", &"\0".repeat(5000), "\\x00".repeat(FOUND / 4)),
    ] {
        for closes in [true, false] {
            let answer = answer.to_owned();
            let (settings, peer) = machine(move |mut peer| {
                peer.say(unasked.as_bytes());
                peer.expect(zpl::HOST_STATUS);
                peer.say(answer.as_bytes());
                if !closes {
                    peer.rest();
                }
            });
            let mut printer = open(&settings);
            arrived();
            let error = printer.status().unwrap_err();
            let PrinterError::NotAPrinter { found, .. } = error else { panic!("{error:?}") };
            assert_eq!(found, expected, "closes: {closes}");
            drop(printer);
            peer.join().unwrap();
        }
    }
}

#[test]
fn a_closed_connection_is_lost_and_nothing_was_sent() {
    let (settings, peer) = machine(|mut peer| {
        peer.expect(zpl::HOST_STATUS);
        peer.say(READY);
    });
    let mut printer = open(&settings);
    printer.status().unwrap();
    peer.join().unwrap();
    arrived();
    let error = printer.send(b"^XA^XZ").unwrap_err();
    assert!(error.nothing_sent());
    assert!(matches!(error, SendError::Nothing(PrinterError::Lost { .. })), "{error:?}");
    assert!(matches!(printer.status().unwrap_err(), PrinterError::Lost { .. }));
}

#[test]
fn an_answer_that_breaks_off_is_a_lost_connection() {
    let (settings, peer) = machine(|mut peer| {
        peer.expect(zpl::HOST_STATUS);
        peer.say(&READY[..40]);
    });
    assert!(matches!(open(&settings).status().unwrap_err(), PrinterError::Lost { .. }));
    peer.join().unwrap();
}

#[test]
fn a_printer_that_takes_no_more_stalls_the_job() {
    let (settings, peer) = machine(|peer| {
        std::thread::sleep(Duration::from_millis(800));
        drop(peer);
    });
    let mut printer = open(&settings);
    let job = vec![b' '; 32 << 20];
    let begin = Instant::now();
    let error = printer.send(&job).unwrap_err();
    assert!(begin.elapsed() < Duration::from_millis(700), "{:?}", begin.elapsed());
    assert!(!error.nothing_sent());
    let SendError::Partly { most, length, source: PrinterError::Stalled { .. } } = error else { panic!("{error:?}") };
    assert!((1..job.len()).contains(&most) && length == job.len(), "{most}");
    peer.join().unwrap();
}

#[test]
fn unread_bytes_do_not_break_the_end_of_a_job() {
    let (settings, peer) = machine(|mut peer| {
        peer.say(READY);
        arrived();
        arrived();
        peer.rest()
    });
    let mut printer = open(&settings);
    printer.send(b"^XA^XZ").unwrap();
    arrived();
    drop(printer);
    assert_eq!(peer.join().unwrap(), b"^XA^XZ");
}

#[test]
fn every_address_of_a_host_is_tried() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let good = listener.local_addr().unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let until = Instant::now() + Duration::from_secs(5);
    assert_eq!(connect(&[closed, good], until).unwrap().peer_addr().unwrap(), good);
    assert_eq!(connect(&[closed], until).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert!(connect(&[], until).is_err());
}

#[test]
fn what_cannot_be_opened_says_why() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = |host: &str| {
        let settings = PrinterSettings::tcp(host, closed.port());
        TcpFactory.open("pallet", &settings).err().unwrap()
    };
    assert!(matches!(error("127.0.0.1"), PrinterError::Refused { .. }));
    assert!(matches!(error("printer.invalid"), PrinterError::UnknownHost { .. }));
    assert!(matches!(error(""), PrinterError::UnknownHost { .. }));
    let text = error("127.0.0.1").to_string();
    assert_eq!(
        text,
        format!(
            "printer `pallet` at 127.0.0.1:{} refuses the connection: correct the port (9100 for most), switch on its raw \
             port, or close the connection that another program has to it",
            closed.port()
        )
    );
}

#[test]
fn names_are_looked_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let settings = PrinterSettings::tcp("localhost", listener.local_addr().unwrap().port());
    TcpFactory.open("pallet", &settings).unwrap();
}
