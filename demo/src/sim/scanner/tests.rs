use std::fs::File;
use std::io::Read;
use std::sync::mpsc;

use drivers::serial::{SerialFactory, SerialSettings};
use drivers::{Event, Flow, Gone, ScannerFactory, Settings, Stop};

use super::*;

const SOON: Duration = Duration::from_secs(10);

fn scanner(format: Format) -> (tempfile::TempDir, PtyScanner) {
    let folder = tempfile::tempdir().unwrap();
    let scanner = PtyScanner::new(folder.path().join("usb-scanner-if00"), format).unwrap();
    (folder, scanner)
}

/// Reads like the station does, and tells what comes. The driver's thread ends with the device.
fn driven(link: &Path, aim: bool) -> (mpsc::Receiver<String>, std::thread::JoinHandle<Gone>) {
    let (tell, told) = mpsc::channel();
    let settings = Settings::Serial(SerialSettings { aim, ..SerialSettings::new(link) });
    let device = SerialFactory.open("hand", &settings).unwrap();
    let thread = std::thread::spawn(move || {
        let mut sink = |event| {
            let text = match event {
                Event::Scan(scan) => String::from_utf8(scan.data).unwrap(),
                other => format!("{other:?}"),
            };
            tell.send(text).unwrap();
            Flow::Continue
        };
        device.run(&mut sink, &Stop::new())
    });
    (told, thread)
}

#[test]
fn formats_put_their_bytes_around_the_data() {
    assert_eq!(Format::cr().bytes("]C0", b"A"), b"A\r");
    assert_eq!(Format::lf().bytes("]C0", b"A"), b"A\n");
    assert_eq!(Format::crlf().with_aim().bytes("]C1", b"A"), b"]C1A\r\n");
    assert_eq!(Format::stx_etx().with_aim().bytes("]d2", b"A"), b"\x02]d2A\x03");
}

#[test]
fn bytes_arrive_as_they_were_sent_however_busy_the_reader_is() {
    let (_folder, scanner) = scanner(Format::cr());
    let mut reader = File::open(scanner.link()).unwrap();
    assert!(scanner.wait_open(SOON));
    // Every byte value but the suffix, far more than a pty holds.
    let data: Vec<u8> = (0..=255).filter(|byte| *byte != b'\r').collect();
    let scans = 4000;
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| (0..scans).for_each(|_| scanner.scan(&data).unwrap()));
        std::thread::sleep(Duration::from_millis(100));
        assert!(!writer.is_finished(), "a pty holds less than a MiB");
        let mut got = vec![0; (data.len() + 1) * scans];
        reader.read_exact(&mut got).unwrap();
        let expected = [data.as_slice(), b"\r"].concat();
        assert!(got.chunks(expected.len()).all(|scan| scan == expected));
    });
}

#[test]
fn the_drivers_read_it_through_unplugging_and_plugging_in() {
    let (_folder, scanner) = scanner(Format::cr().with_aim());
    let mut nodes = Vec::new();
    for round in 0..3 {
        let (told, thread) = driven(scanner.link(), true);
        assert!(scanner.is_open());
        scanner.scan(format!("SN-{round}")).unwrap();
        assert_eq!(told.recv_timeout(SOON).unwrap(), format!("SN-{round}"));
        scanner.type_slowly("SLOW", Duration::from_millis(5)).unwrap();
        assert_eq!(told.recv_timeout(SOON).unwrap(), "SLOW");
        nodes.push(std::fs::read_link(scanner.link()).unwrap());
        // Somebody who does not let go of the old device keeps its number taken.
        let held = File::open(scanner.link()).unwrap();
        scanner.unplug().unwrap();
        assert!(matches!(thread.join().unwrap(), Gone::Unplugged));
        assert!(!scanner.link().exists() && !scanner.is_open());
        assert!(matches!(scanner.scan("x"), Err(ScannerError::Unplugged { .. })));
        scanner.plug().unwrap();
        assert_ne!(std::fs::read_link(scanner.link()).unwrap(), nodes[round]);
        drop(held);
    }
}

#[test]
fn a_scan_for_nobody_is_told() {
    let (_folder, scanner) = scanner(Format::cr());
    assert!(!scanner.is_open() && !scanner.wait_open(Duration::ZERO));
    assert!(matches!(scanner.scan("SN-1"), Err(ScannerError::NotOpen { .. })));
    let (_told, thread) = driven(scanner.link(), false);
    scanner.scan("SN-1").unwrap();
    scanner.unplug().unwrap();
    thread.join().unwrap();
}

#[test]
fn a_writer_that_waits_sees_that_the_reader_or_the_device_went() {
    for unplug in [true, false] {
        let (_folder, scanner) = scanner(Format::cr());
        let reader = File::open(scanner.link()).unwrap();
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                loop {
                    if let Err(error) = scanner.scan([b'x'; 1000]) {
                        return error;
                    }
                }
            });
            std::thread::sleep(Duration::from_millis(100));
            assert!(!writer.is_finished());
            if unplug {
                scanner.unplug().unwrap()
            } else {
                drop(reader)
            }
            let error = writer.join().unwrap();
            assert_eq!(matches!(error, ScannerError::Unplugged { .. }), unplug, "{error}");
        });
    }
}
