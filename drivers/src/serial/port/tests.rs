use std::error::Error;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use rustix::time::{ClockId, clock_gettime};

use super::*;
use crate::serial::{BadSettings, Framing, Parity, Suffix};
use crate::testing::{Pty, Running};

fn settings(path: impl Into<PathBuf>) -> SerialSettings {
    SerialSettings::new(path)
}

fn open_it(settings: SerialSettings) -> Result<Box<dyn Scanner>, OpenError> {
    SerialFactory.open("gun", &Settings::Serial(settings))
}

fn start(settings: SerialSettings) -> Running {
    Running::start(open_it(settings).unwrap())
}

fn noise(what: NoiseKind, bytes: usize) -> Event {
    Event::Noise { what, bytes }
}

fn error(path: impl Into<PathBuf>) -> OpenError {
    open_it(settings(path)).err().expect("not opened")
}

#[test]
fn scans_come_with_name_symbology_and_time() {
    let pty = Pty::new();
    let scanner = start(SerialSettings { aim: true, ..settings(&pty.path) });
    let before = Instant::now();
    pty.send(b"]C1010123\x1d21X\r\n");
    let Event::Scan(scan) = scanner.next() else { panic!() };
    assert_eq!((scan.source.as_str(), scan.data.as_slice()), ("gun", &b"010123\x1d21X"[..]));
    assert_eq!(scan.symbology, Some("]C1".parse().unwrap()));
    assert!(scan.at >= before && scan.at <= Instant::now());
}

#[test]
fn several_scans_in_one_write_and_one_scan_in_many() {
    let pty = Pty::new();
    let scanner = start(settings(&pty.path));
    pty.send(b"A\rB\nNOREAD\r\nC");
    assert_eq!((scanner.scan(), scanner.scan(), scanner.next()), (b"A".to_vec(), b"B".to_vec(), Event::NoRead));
    for byte in b"DE\x1dF\r\n" {
        pty.send(&[*byte]);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(scanner.scan(), b"CDE\x1dF");
}

#[test]
fn every_byte_gets_through_the_tty() {
    let pty = Pty::new();
    let scanner = start(settings(&pty.path));
    let data: Vec<u8> = (0x20..=0x7E).chain(0x80..=0xFF).chain([0xFF, 0x1D, 0x04]).collect();
    pty.send(&[&data[..], b"\r"].concat());
    assert_eq!(scanner.scan(), data);
    pty.send(b"A\xff\x00B\x11\x13\x03\r");
    assert_eq!(scanner.next(), noise(NoiseKind::ForbiddenByte(0), 7));
}

#[test]
fn parity_can_be_set() {
    let pty = Pty::new();
    let scanner = start(SerialSettings { parity: Parity::Even, ..settings(&pty.path) });
    pty.send(b"SN-1\r");
    assert_eq!(scanner.scan(), b"SN-1");
}

/// The shortest of several times from sending to reading.
fn latency(framing: Framing, sent: &[u8]) -> Duration {
    let pty = Pty::new();
    let scanner = start(SerialSettings { framing, ..settings(&pty.path) });
    let times = (0..20).map(|_| {
        let start = Instant::now();
        pty.send(sent);
        scanner.scan();
        start.elapsed()
    });
    times.min().unwrap()
}

#[test]
fn data_does_not_wait_and_silence_not_longer_than_configured() {
    assert!(latency(Framing::default(), b"SN-1\r") < Duration::from_millis(10));
    let gap = Duration::from_millis(10);
    let time = latency(Framing { suffix: Suffix::Idle, idle_gap: Some(gap), ..Framing::default() }, b"SN-1");
    assert!((gap..gap * 4).contains(&time), "{time:?}");
}

#[test]
fn silence_ends_a_scan_without_suffix() {
    let pty = Pty::new();
    let framing = Framing { suffix: Suffix::Idle, ..Framing::default() };
    let scanner = start(SerialSettings { framing, ..settings(&pty.path) });
    let sent = Instant::now();
    pty.send(b"SN-1");
    assert_eq!(scanner.scan(), b"SN-1");
    assert!(sent.elapsed() >= Duration::from_millis(100));
    pty.send(b"SN-2");
    assert_eq!(scanner.scan(), b"SN-2");
}

#[test]
fn a_half_scan_is_dropped_after_silence() {
    let pty = Pty::new();
    let framing = Framing { idle_gap: Some(Duration::from_millis(200)), ..Framing::default() };
    let scanner = start(SerialSettings { framing, ..settings(&pty.path) });
    pty.send(b"SN-");
    assert_eq!(scanner.next(), noise(NoiseKind::Unfinished, 3));
    pty.send(b"SN-2\r");
    assert_eq!(scanner.scan(), b"SN-2");
}

#[test]
fn after_64_kib_without_an_end_the_next_scan_is_whole() {
    let pty = Pty::new();
    let scanner = start(settings(&pty.path));
    pty.send(&[b'x'; 65536]);
    pty.send(b"\rSN-2\r");
    assert_eq!(scanner.next(), noise(NoiseKind::TooLong, 65536));
    assert_eq!(scanner.scan(), b"SN-2");
}

#[test]
fn what_was_sent_before_opening_is_dropped_and_reported() {
    let pty = Pty::new();
    pty.send(b"OLD-1\rOLD-");
    let scanner = start(settings(&pty.path));
    pty.send(b"SN-1\r");
    assert_eq!(scanner.next(), noise(NoiseKind::Stale, 10));
    assert_eq!(scanner.scan(), b"SN-1");
}

/// Opens the port while a scan is being sent; whether the rest of that scan was dropped as a whole.
fn opened_in_mid_scan() -> bool {
    let pty = Pty::new();
    let path = pty.path.clone();
    let sender = std::thread::spawn(move || {
        for byte in b"0123456789012345678901234567890123456789\r" {
            pty.send(&[*byte]);
            std::thread::sleep(Duration::from_millis(3));
        }
        pty
    });
    std::thread::sleep(Duration::from_millis(30));
    let scanner = start(settings(path));
    let pty = sender.join().unwrap();
    pty.send(b"SN-1\r");
    scanner.next() == noise(NoiseKind::Stale, 41) && scanner.scan() == b"SN-1"
}

#[test]
fn a_scan_in_which_the_port_was_opened_does_not_lose_its_front() {
    // On a busy computer the sender may pause for longer than a scanner does.
    assert!((0..10).any(|_| opened_in_mid_scan()));
}

#[test]
fn unplug_ends_the_reader_within_a_second_and_nothing_half_comes_out() {
    let pty = Pty::new();
    let scanner = start(settings(&pty.path));
    pty.send(b"SN-1\rSN-");
    assert_eq!(scanner.scan(), b"SN-1");
    let unplugged = Instant::now();
    drop(pty);
    let (gone, events) = scanner.end();
    assert!(unplugged.elapsed() < Duration::from_secs(1));
    assert!(matches!(gone, Gone::Unplugged), "{gone:?}");
    assert_eq!(events, [noise(NoiseKind::Unfinished, 3)]);
}

/// A line that answers each read from a script; the next read after the script fails the test.
struct Script(Vec<io::Result<&'static [u8]>>);

impl Line for Script {
    fn read(&mut self, buffer: &mut [u8], _wait: Duration) -> io::Result<usize> {
        let bytes = self.0.remove(0)?;
        buffer[..bytes.len()].copy_from_slice(bytes);
        Ok(bytes.len())
    }
}

fn play(script: Vec<io::Result<&'static [u8]>>) -> (Gone, Vec<Event>) {
    let (source, settings) = ("gun".to_owned(), settings("/dev/ttyX"));
    Running::start(Box::new(SerialScanner { source, settings, line: Script(script), stale: 0 })).end()
}

#[test]
fn a_read_of_0_ends_the_reader() {
    let (gone, events) = play(vec![Ok(b"SN-"), Ok(b"")]);
    assert!(matches!(gone, Gone::Unplugged), "{gone:?}");
    assert_eq!(events, [noise(NoiseKind::Unfinished, 3)]);
}

#[test]
fn every_error_but_timeout_and_signal_ends_the_reader() {
    let script = vec![
        Ok(&b"SN"[..]),
        Err(io::ErrorKind::Interrupted.into()),
        Ok(b"-1"),
        Err(io::ErrorKind::TimedOut.into()),
        Ok(b"\rSN-"),
        Err(Errno::IO.into()),
    ];
    let (gone, events) = play(script);
    let Gone::Failed(error) = gone else { panic!("{gone:?}") };
    assert!(error.to_string().contains("os error 5"), "{error}");
    assert!(matches!(&events[0], Event::Scan(scan) if scan.data == b"SN-1"));
    assert_eq!(events[1..], [noise(NoiseKind::Unfinished, 3)]);
}

#[test]
fn damaged_bytes_are_noise_also_when_their_mark_is_split() {
    let (_, events) = play(vec![Ok(b"SN\xff"), Ok(b"\x00"), Ok(b"7\rSN-2\r"), Ok(b"")]);
    assert_eq!(events[0], noise(NoiseKind::LineError, 3));
    assert!(matches!(&events[1], Event::Scan(scan) if scan.data == b"SN-2"));
}

#[test]
fn settling_ends_with_silence_with_the_line_or_after_a_while() {
    assert_eq!(settle(&mut Script(vec![Ok(b"OLD"), Err(io::ErrorKind::TimedOut.into())])).unwrap(), 3);
    assert_eq!(settle(&mut Script(vec![Ok(b"")])).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    assert_eq!(settle(&mut Script(vec![Err(Errno::IO.into())])).unwrap_err().raw_os_error(), Some(5));

    struct Babble;
    impl Line for Babble {
        fn read(&mut self, _buffer: &mut [u8], _wait: Duration) -> io::Result<usize> {
            std::thread::sleep(Duration::from_millis(10));
            Ok(1)
        }
    }
    assert!((1..=50).contains(&settle(&mut Babble).unwrap()));
}

#[test]
fn a_silent_scanner_costs_no_processor_time() {
    let pty = Pty::new();
    let scanner = open_it(settings(&pty.path)).unwrap();
    let stop = Stop::new();
    let flag = stop.clone();
    let cpu = || clock_gettime(ClockId::ThreadCPUTime);
    let thread = std::thread::spawn(move || {
        let before = cpu();
        let gone = scanner.run(&mut |_| Flow::Continue, &flag);
        (gone, cpu() - before)
    });
    std::thread::sleep(Duration::from_millis(600));
    stop.stop();
    let (gone, used) = thread.join().unwrap();
    assert!(matches!(gone, Gone::Stopped));
    assert!(used.tv_sec == 0 && used.tv_nsec < 60_000_000, "{used:?}");
}

#[test]
fn stop_ends_it_and_frees_the_port() {
    let pty = Pty::new();
    let scanner = start(settings(&pty.path));
    scanner.stop.stop();
    assert!(matches!(scanner.end().0, Gone::Stopped));
    assert!(open_it(settings(&pty.path)).is_ok());
}

#[test]
fn the_sink_can_stop_it() {
    let pty = Pty::new();
    let scanner = open_it(settings(&pty.path)).unwrap();
    pty.send(b"A\rB\r");
    let mut count = 0;
    let gone = scanner.run(
        &mut |_| {
            count += 1;
            Flow::Stop
        },
        &Stop::new(),
    );
    assert!(matches!(gone, Gone::Stopped));
    assert_eq!(count, 1);
}

#[test]
fn gone_and_back_behind_the_same_link() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("usb-Maker_Scanner_123-if00");
    let (first, second) = (Pty::new(), Pty::new());
    assert_ne!(first.path, second.path);

    symlink(&first.path, &link).unwrap();
    let scanner = start(settings(&link));
    first.send(b"SN-1\rHALF");
    assert_eq!(scanner.scan(), b"SN-1");
    drop(first);
    assert!(matches!(scanner.end().0, Gone::Unplugged));
    assert!(matches!(error(&link), OpenError::NotFound { .. }));

    std::fs::remove_file(&link).unwrap();
    symlink(&second.path, &link).unwrap();
    let scanner = start(settings(&link));
    second.send(b"SN-2\r");
    assert_eq!(scanner.scan(), b"SN-2");
    scanner.stop.stop();
    assert_eq!(scanner.end().1, []);
}

#[test]
fn a_port_in_use_is_busy_and_says_by_whom() {
    let pty = Pty::new();
    let scanner = open_it(settings(&pty.path)).unwrap();
    let message = error(&pty.path).to_string();
    assert!(message.contains(&format!("(process {})", std::process::id())), "{message}");
    assert!(matches!(access::check(&pty.path), crate::Access::NotUsable { .. }));
    // The refused attempt took nothing from the first.
    assert!(matches!(error(&pty.path), OpenError::Busy { .. }));
    drop(scanner);
    assert_eq!(access::check(&pty.path), crate::Access::Usable);
    assert!(open_it(settings(&pty.path)).is_ok());
}

#[test]
fn what_is_not_a_serial_port_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    for (path, what) in
        [(folder.path(), "a folder"), (&file, "a file"), (Path::new("/dev/null"), "another kind of device")]
    {
        let error = error(path);
        let OpenError::NotThisKind { kind, found, .. } = &error else { panic!("{error:?}") };
        assert_eq!((*kind, found.as_str()), ("serial", what));
    }
}

#[test]
fn a_device_that_is_not_there_is_not_found() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("link");
    symlink("/dev/no-such-scanner", &link).unwrap();
    for path in [Path::new("/dev/no-such-scanner"), &link, Path::new("/dev/null/scanner")] {
        let error = error(path);
        assert!(matches!(error, OpenError::NotFound { .. }), "{error:?}");
        assert!(error.to_string().contains(path.to_str().unwrap()));
    }
}

#[test]
fn system_errors_have_their_meaning() {
    let fault = |errno: Errno| fault("/dev/ttyX", Path::new("/dev/no-such-scanner"), "open", errno.into());
    assert!(matches!(fault(Errno::ACCESS), OpenError::PermissionDenied { .. }));
    assert!(fault(Errno::PERM).to_string().starts_with("no permission to open /dev/ttyX: add "));
    assert!(matches!(fault(Errno::BUSY), OpenError::Busy { .. }));
    assert!(matches!(fault(Errno::NXIO), OpenError::NotFound { .. }));
    let other = fault(Errno::IO);
    assert!(matches!(other, OpenError::Other { doing: "open", .. }));
    assert!(!other.to_string().contains(&other.source().unwrap().to_string()));
}

#[test]
fn settings_that_cannot_work_open_nothing() {
    let pty = Pty::new();
    let error = open_it(SerialSettings { baud: 0, ..settings(&pty.path) }).err().unwrap();
    let OpenError::BadSettings { source, .. } = error else { panic!("{error:?}") };
    assert_eq!(source.downcast_ref(), Some(&BadSettings::Baud));
}
