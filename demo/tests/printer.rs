//! The printer driver and the simulated printer, with labels as the station prints them.
#![allow(clippy::unwrap_used, reason = "a test fails so")]

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::{Duration, Instant};

use demo::sim::{ZplPrinter, ZplPrinterOptions};
use drivers::printer::{
    Printer, PrinterError, PrinterFactory, PrinterFault, PrinterSettings, PrinterStatus, SendError, TcpFactory,
};
use labels::{Canvas, Label, Language, Picture, Template, Zpl};

const SOON: Duration = Duration::from_secs(20);
/// Two bytes of dots.
const SMALL: &[u8] = b"^XA^PW8^LL2^FO0,0^GFA,2,2,1,F00F^FS^PQ1,0,1,Y^XZ\n";

fn printer(options: ZplPrinterOptions) -> (ZplPrinter, PrinterSettings) {
    let printer = ZplPrinter::start(options).unwrap();
    let settings = PrinterSettings {
        answer_timeout: Duration::from_millis(300),
        send_timeout: Duration::from_millis(500),
        ..PrinterSettings::tcp(printer.address().ip().to_string(), printer.address().port())
    };
    (printer, settings)
}

fn open(settings: &PrinterSettings) -> Box<dyn Printer> {
    TcpFactory.open("pallet", settings).unwrap()
}

fn idle(connection: &mut dyn Printer) -> PrinterStatus {
    let begin = Instant::now();
    loop {
        let status = connection.status().unwrap();
        if status.is_idle() {
            return status;
        }
        assert!(begin.elapsed() < SOON, "{status:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Every label that the templates of the configuration prove themselves with.
fn pictures() -> Vec<Picture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/labels");
    let mut pictures = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let template = Template::load(&file.unwrap().path()).unwrap();
        pictures.extend(template.tests().iter().map(|test| {
            let label = Label { template: &template, data: &test.data };
            label.draw().unwrap()
        }));
    }
    pictures
}

/// The dots of a picture file, 1 for black, without what is behind the last dot of a row.
fn dots(file: &Path) -> (u32, u32, Vec<u8>) {
    let mut reader = png::Decoder::new(BufReader::new(File::open(file).unwrap())).read_info().unwrap();
    let mut bits = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bits).unwrap();
    assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Grayscale, png::BitDepth::One));
    (info.width, info.height, bits.iter().map(|byte| !byte).collect())
}

fn assert_same(file: &Path, canvas: &Canvas) {
    let (width, height, bits) = dots(file);
    assert_eq!((width, height), (canvas.width(), canvas.height()));
    let behind = (8 - width % 8) % 8;
    for (row, expected) in bits.chunks(canvas.stride()).zip(canvas.bits().chunks(canvas.stride())) {
        let (last, row) = row.split_last().unwrap();
        let (expected_last, expected) = expected.split_last().unwrap();
        assert!(row == expected && last >> behind == expected_last >> behind);
    }
}

#[test]
fn labels_come_out_bit_by_bit() {
    let folder = tempfile::tempdir().unwrap();
    let (printer, settings) =
        printer(ZplPrinterOptions { folder: Some(folder.path().join("labels")), ..Default::default() });
    let pictures = pictures();
    assert!(pictures.len() >= 2);
    for picture in &pictures {
        let mut connection = open(&settings);
        assert!(connection.status().unwrap().is_ready());
        connection.send(&Zpl::default().encode(picture).unwrap()).unwrap();
        assert!(idle(&mut *connection).is_ready());
    }
    let printed = printer.printed();
    assert_eq!(printed.len(), pictures.len());
    for (printed, picture) in printed.iter().zip(&pictures) {
        assert_eq!((printed.digest, printed.damaged), (picture.digest(), false));
        assert_same(printed.file.as_ref().unwrap(), picture.canvas());
    }
    assert!(folder.path().join("labels/000001.png").exists());
    assert_eq!((printer.unknown_commands(), printer.damaged(), printer.lost()), (0, 0, 0));
}

#[test]
fn a_changed_byte_is_seen() {
    let (printer, settings) = printer(ZplPrinterOptions::default());
    let mut job = Zpl::default().encode(&pictures()[0]).unwrap();
    let at = job.windows(5).position(|bytes| bytes == b":Z64:").unwrap() + 100;
    job[at] = if job[at] == b'A' { b'B' } else { b'A' };
    open(&settings).send(&job).unwrap();
    assert!(printer.wait_printed(1, SOON));
    assert!(printer.printed()[0].damaged);
    assert_eq!(printer.damaged(), 1);
}

#[test]
fn what_waits_is_told() {
    let (printer, settings) =
        printer(ZplPrinterOptions { time_per_label: Duration::from_millis(300), ..Default::default() });
    let mut connection = open(&settings);
    for _ in 0..3 {
        connection.send(SMALL).unwrap();
    }
    let begin = Instant::now();
    while printer.waiting() < 3 && begin.elapsed() < SOON {
        std::thread::yield_now();
    }
    let status = connection.status().unwrap();
    assert!(status.is_ready() && !status.is_idle());
    assert!(status.formats_waiting.unwrap() >= 1, "{status:?}");
    connection.send(b"^XA^FO0,0").unwrap();
    let status = connection.status().unwrap();
    assert!(status.partial_format && !status.is_ready());
    connection.send(b"^XZ").unwrap();
    idle(&mut *connection);
    assert_eq!(printer.printed_count(), 3);
    assert!(begin.elapsed() > Duration::from_millis(800), "{:?}", begin.elapsed());
}

type Fault = (fn(&ZplPrinter, bool), PrinterFault);

#[test]
fn faults_keep_zebras_silent_and_are_asked_for_otherwise() {
    let faults: [Fault; 3] = [
        (ZplPrinter::set_media_out, PrinterFault::MediaOut),
        (ZplPrinter::set_ribbon_out, PrinterFault::RibbonOut),
        (ZplPrinter::set_head_open, PrinterFault::HeadOpen),
    ];
    for (set, fault) in faults {
        for answers_in_fault in [false, true] {
            let (printer, settings) = printer(ZplPrinterOptions { answers_in_fault, ..Default::default() });
            let mut connection = open(&settings);
            set(&printer, true);
            let status = connection.status().unwrap();
            assert_eq!(status.faults.as_slice(), std::slice::from_ref(&fault));
            assert_eq!(status.formats_waiting.is_some(), answers_in_fault);
            drop(connection);
            // A job that is sent nevertheless waits.
            open(&settings).send(SMALL).unwrap();
            assert!(!printer.wait_printed(1, Duration::from_millis(100)));
            set(&printer, false);
            assert!(printer.wait_printed(1, SOON));
            assert!(open(&settings).status().unwrap().is_ready());
        }
    }
}

#[test]
fn a_paused_printer_says_so() {
    let (printer, settings) = printer(ZplPrinterOptions::default());
    printer.pause(true);
    let mut connection = open(&settings);
    connection.send(SMALL).unwrap();
    let status = connection.status().unwrap();
    assert!(status.paused && !status.is_ready() && !status.is_idle(), "{status:?}");
    assert_eq!(printer.printed_count(), 0);
    printer.pause(false);
    assert!(idle(&mut *connection).is_ready());
    assert_eq!(printer.printed_count(), 1);
}

#[test]
fn an_interrupted_label_is_lost_or_printed_again_as_its_format_says() {
    for (again, printed, lost) in [("N", 1, 1), ("Y", 2, 0)] {
        let (printer, settings) = printer(ZplPrinterOptions::default());
        printer.run_out_in_next_label();
        let job = [format!("^XA^JZ{again}").as_bytes(), &SMALL[3..]].concat();
        let mut connection = open(&settings);
        connection.send(&job).unwrap();
        connection.send(&job).unwrap();
        drop(connection);
        let begin = Instant::now();
        while open(&settings).status().unwrap().faults != [PrinterFault::MediaOut] {
            assert!(begin.elapsed() < SOON);
        }
        assert_eq!(printer.printed_count(), 0);
        printer.set_media_out(false);
        assert!(printer.wait_printed(printed, SOON));
        idle(&mut *open(&settings));
        assert_eq!((printer.printed_count(), printer.lost()), (printed, lost));
    }
}

#[test]
fn a_mute_printer_prints_and_is_silent() {
    let (printer, settings) = printer(ZplPrinterOptions::default());
    printer.mute(true);
    open(&settings).send(SMALL).unwrap();
    assert!(printer.wait_printed(1, SOON));
    let error = open(&settings).status().unwrap_err();
    assert!(matches!(error, PrinterError::Silent { .. }), "{error:?}");
    printer.mute(false);
    assert!(open(&settings).status().unwrap().is_ready());
}

#[test]
fn another_machine_is_no_printer() {
    let (printer, settings) = printer(ZplPrinterOptions::default());
    printer.speak(Some("HTTP/1.1 400 Bad Request\r\n\r\n"));
    let error = open(&settings).status().unwrap_err();
    let PrinterError::NotAPrinter { found, .. } = error else { panic!("{error:?}") };
    assert_eq!(found, "HTTP/1.1 400 Bad Request\\r\\n\\r\\n");
    printer.speak(None);
    assert!(open(&settings).status().unwrap().is_ready());
}

#[test]
fn an_unplugged_printer_is_lost_and_comes_back() {
    let (printer, settings) = printer(ZplPrinterOptions::default());
    let mut connection = open(&settings);
    connection.send(&SMALL[..20]).unwrap();
    assert!(connection.status().unwrap().partial_format);
    printer.unplug();
    assert!(matches!(connection.status().unwrap_err(), PrinterError::Lost { .. }));
    let error = connection.send(SMALL).unwrap_err();
    assert!(error.nothing_sent(), "{error:?}");
    let error = TcpFactory.open("pallet", &settings).err().unwrap();
    assert!(matches!(error, PrinterError::Refused { .. }), "{error:?}");
    printer.plug().unwrap();
    let mut connection = open(&settings);
    assert_eq!(connection.status().unwrap(), PrinterStatus::ready(), "half a format is forgotten");
    connection.send(SMALL).unwrap();
    assert!(printer.wait_printed(1, SOON));
}

#[test]
fn a_connection_cut_within_a_job_prints_nothing() {
    let (printer, settings) = printer(ZplPrinterOptions::default());
    printer.cut_after_bytes(20);
    let mut connection = open(&settings);
    if let Err(error) = connection.send(SMALL) {
        assert!(matches!(error, SendError::Partly { source: PrinterError::Lost { .. }, .. }), "{error:?}");
    }
    assert!(matches!(connection.status().unwrap_err(), PrinterError::Lost { .. }));
    let mut connection = open(&settings);
    assert_eq!(connection.status().unwrap(), PrinterStatus::ready());
    assert_eq!(printer.printed_count(), 0);
    connection.send(SMALL).unwrap();
    idle(&mut *connection);
    assert_eq!(printer.printed_count(), 1);
}

#[test]
fn a_connection_cut_behind_a_job_leaves_it_open_whether_it_was_printed() {
    let (printer, settings) = printer(ZplPrinterOptions::default());
    printer.cut_after_job();
    let mut connection = open(&settings);
    connection.send(SMALL).unwrap();
    assert!(matches!(connection.status().unwrap_err(), PrinterError::Lost { .. }));
    assert!(printer.wait_printed(1, SOON));
    assert!(open(&settings).status().unwrap().is_ready());
}

#[test]
fn one_connection_at_a_time() {
    let (_printer, settings) = printer(ZplPrinterOptions::default());
    let mut first = open(&settings);
    assert!(first.status().unwrap().is_ready());
    let error = open(&settings).status().unwrap_err();
    assert!(matches!(error, PrinterError::Silent { .. }), "{error:?}");
    drop(first);
    assert!(open(&settings).status().unwrap().is_ready());
}

#[test]
fn a_full_buffer_stalls_the_sender() {
    let (printer, settings) = printer(ZplPrinterOptions { buffer: 4096, ..Default::default() });
    printer.pause(true);
    let one = format!("^XA^FO0,0^GFA,4000,4000,10,{}^FS^XZ", "5A".repeat(4000));
    let job = one.repeat((32 << 20) / one.len());
    let mut connection = open(&settings);
    let error = connection.send(job.as_bytes()).unwrap_err();
    assert!(matches!(error, SendError::Partly { source: PrinterError::Stalled { .. }, .. }), "{error:?}");
    assert!(printer.waiting() <= 3, "{}", printer.waiting());
}
