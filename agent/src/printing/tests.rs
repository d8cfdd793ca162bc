use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use drivers::Stop;
use drivers::fake::{FakePrinters, PrinterStep};
use drivers::printer::{
    Printer, PrinterError, PrinterFactory, PrinterFault, PrinterSettings, PrinterStatus, SendError,
};

use super::{Drawing, spawn};
use crate::board::Board;
use crate::clock::ManualClock;
use crate::journal::{Journal, Marks, Opened};
use crate::owner::{Handle, Owner, Request, ScanRequest};
use crate::settings::Settings;
use crate::station::{Answer, Code, Job, JobState, Verdict};

const CONFIG: &str = r#"
station = "pack-1"
[packing]
package_size = 1
pallet_size = 100
work_order = "optional"
[sscc]
company_prefix = "9521234"
[[rule]]
name = "serial"
pattern = '(?<serialNumber>[A-Z][0-9]+)(;L=(?<lotCode>.+))?'
[[printer]]
name = "p"
kind = "tcp"
address = "192.0.2.1"
[[label]]
container = "package"
printer = "p"
template = "labels/package.toml"
"#;

/// A station with one printer.
struct Bench {
    handle: Handle,
    board: Board,
    stop: Stop,
    threads: Vec<std::thread::JoinHandle<()>>,
    folder: tempfile::TempDir,
}

impl Bench {
    fn new(factory: impl FnOnce(&Handle) -> Arc<dyn PrinterFactory>) -> Self {
        Self::in_folder(tempfile::tempdir().unwrap(), factory)
    }

    fn in_folder(folder: tempfile::TempDir, factory: impl FnOnce(&Handle) -> Arc<dyn PrinterFactory>) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/t.toml");
        let mut settings = Settings::parse(&file, CONFIG).unwrap_or_else(|faults| panic!("{faults}"));
        folder.path().clone_into(&mut settings.data);
        Marks::enter(folder.path(), 0).unwrap();
        let Opened { journal, state, .. } = Journal::open(folder.path(), "pack-1", 8 << 20, 0).unwrap();
        let clock = Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH, "boot"));
        let mut owner = Owner::new(&settings, journal, state, clock);
        owner.begin(&settings, records::FixedBytes([1; 32]), None).unwrap();
        let (handle, thread) = owner.spawn().unwrap();
        let (board, stop) = (Board::default(), Stop::new());
        // The templates come from the journal, as those of older labels do.
        let drawing = Drawing::new(Default::default());
        let printer = settings.printing.printers[0].clone();
        let worker = spawn(printer, factory(&handle), drawing, handle.clone(), board.clone(), stop.clone()).unwrap();
        Self { handle, board, stop, threads: vec![worker, thread], folder }
    }

    fn scan(&self, text: &str) -> Answer {
        let data = text.as_bytes().to_vec();
        let scan = drivers::Scan { source: "hand".into(), symbology: None, data, at: std::time::Instant::now() };
        let ask = |reply| Request::Scan(ScanRequest { reply: Some(reply), ..ScanRequest::new("main", scan) });
        self.handle.ask_blocking(ask).unwrap()
    }

    fn say(&self, job: u64, verdict: Verdict) -> Code {
        self.handle.ask_blocking(|reply| Request::Verdict { job, verdict, seen: None, reply }).unwrap().code
    }

    /// Waits until the label with this number is in this state.
    fn wait(&self, id: u64, state: JobState) -> Job {
        for _ in 0..1000 {
            if let Some(job) = label(&self.handle, id).filter(|job| job.state == state) {
                return job;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{:?} instead of {state:?}; {:?}", label(&self.handle, id), self.board.read().printers);
    }

    /// Waits until the printer has been asked for the first time, before any label.
    fn looked(&self) {
        while !self.board.read().printers["p"].ready {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn end(self) -> tempfile::TempDir {
        self.stop.stop();
        let mut threads = self.threads.into_iter();
        threads.next().unwrap().join().unwrap();
        self.handle.submit(Request::Stop).unwrap();
        threads.next().unwrap().join().unwrap();
        self.folder
    }
}

fn label(handle: &Handle, id: u64) -> Option<Job> {
    handle.look(move |journal| journal.label(id).unwrap()).unwrap()
}

fn scripted(script: impl IntoIterator<Item = Result<Vec<PrinterStep>, PrinterError>>) -> (Arc<FakePrinters>, Bench) {
    let printers = Arc::new(FakePrinters::new(script));
    let bench = Bench::new(|_| printers.clone());
    (printers, bench)
}

fn off() -> PrinterError {
    PrinterError::NotReached { printer: "p".into(), source: std::io::ErrorKind::HostUnreachable.into() }
}

#[test]
fn a_closed_package_has_its_label_printed_once() {
    let (printers, bench) = scripted([]);
    bench.scan("A1");
    let job = bench.wait(1, JobState::Printed);
    assert_eq!((job.prints, job.picture.map(|hash| hash.len())), (1, Some(64)));
    let bytes = printers.jobs().concat();
    assert!(bytes.starts_with(b"^XA") && bytes.windows(3).filter(|at| *at == b"^XZ").count() == 1);
    assert!(bench.board.read().printers["p"].ready);
    bench.end();
    assert_eq!(printers.jobs().len(), 1);
}

#[test]
fn a_printer_that_is_off_or_out_of_labels_is_named_and_waited_for() {
    let out = PrinterStatus { faults: vec![PrinterFault::MediaOut], ..PrinterStatus::ready() };
    let script = [Ok(vec![]), Err(off()), Err(off()), Ok(vec![PrinterStep::Status(Ok(out))]), Err(off())];
    let (printers, bench) = scripted(script);
    bench.looked();
    bench.scan("A1");
    bench.scan("A2");
    let mut seen = std::collections::BTreeSet::new();
    while label(&bench.handle, 2).unwrap().state != JobState::Printed {
        seen.insert(bench.board.read().printers["p"].why.clone());
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(seen.iter().any(|why| why.contains("cannot be reached")), "{seen:?}");
    assert!(seen.iter().any(|why| why.contains("labels are used up")), "{seen:?}");
    assert_eq!((printers.jobs().len(), printers.opens_left()), (2, 0));
    bench.end();
}

#[test]
fn labels_in_doubt_wait_for_a_person_and_after_two_in_a_row_so_do_the_others() {
    let lost = SendError::Partly { most: 10, length: 100, source: off() };
    let lost_after =
        vec![PrinterStep::Status(Ok(PrinterStatus::ready())), PrinterStep::Send(Ok(())), PrinterStep::Lost];
    let (printers, bench) = scripted([Ok(vec![]), Ok(vec![PrinterStep::Send(Err(lost))]), Ok(lost_after)]);
    bench.looked();
    bench.scan("A1");
    bench.wait(1, JobState::Doubtful);
    bench.scan("A2");
    bench.wait(2, JobState::Doubtful);
    bench.scan("A3");
    while !bench.board.read().printers["p"].why.contains("in doubt") {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!((label(&bench.handle, 3).unwrap().state, printers.jobs().len()), (JobState::Waiting, 1));
    assert_eq!(bench.say(2, Verdict::CameOut), Code::LabelConfirmed);
    assert_eq!(bench.say(1, Verdict::Again("nothing came".into())), Code::LabelAgain);
    bench.wait(3, JobState::Printed);
    let job = bench.wait(1, JobState::Printed);
    assert_eq!((job.prints, printers.jobs().len()), (2, 3), "the second one was taken the first time");
    assert_eq!(bench.say(1, Verdict::Again("torn".into())), Code::LabelAgain);
    for _ in 0..1000 {
        if label(&bench.handle, 1).unwrap().prints == 3 {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    bench.wait(1, JobState::Printed);
    let jobs = printers.jobs();
    assert_eq!(jobs[1], jobs[3], "the same picture");
    assert_eq!(bench.say(9, Verdict::CameOut), Code::NoLabel);
    bench.end();
}

#[test]
fn a_printer_that_takes_nothing_is_not_tried_without_a_pause() {
    let nothing = || SendError::Nothing(PrinterError::Stalled { printer: "p".into() });
    let (printers, bench) = scripted((0..1000).map(|_| Ok(vec![PrinterStep::Send(Err(nothing()))])));
    bench.looked();
    bench.scan("A1");
    std::thread::sleep(Duration::from_millis(1500));
    let tried = 1000 - printers.opens_left();
    assert!((2..20).contains(&tried), "{tried} times");
    bench.end();
}

#[test]
fn nothing_sent_is_sent_again_by_itself() {
    let nothing = || SendError::Nothing(PrinterError::Stalled { printer: "p".into() });
    let step = || Ok(vec![PrinterStep::Send(Err(nothing()))]);
    let (printers, bench) = scripted([Ok(vec![]), step(), step()]);
    bench.looked();
    bench.scan("A1");
    let job = bench.wait(1, JobState::Printed);
    assert_eq!((job.prints, printers.jobs().len()), (1, 1));
    bench.end();
}

#[test]
fn what_cannot_be_drawn_is_named_and_the_line_goes_on() {
    let (printers, bench) = scripted([]);
    assert_eq!(bench.scan(&format!("A1;L={}", "W".repeat(60))).code, Code::Packed);
    assert_eq!(bench.scan("A2;L=\u{1F4A9}").code, Code::Packed);
    assert_eq!(bench.scan("A3;L=L1").code, Code::Packed);
    bench.wait(3, JobState::Printed);
    for (id, says) in [(1, "wide"), (2, "1F4A9")] {
        let job = bench.wait(id, JobState::Failed);
        assert!(job.why.contains(says), "{}", job.why);
    }
    assert_eq!(printers.jobs().len(), 1);
    bench.end();
}

/// Looks into the journal while it is given a label.
struct Peeking {
    handle: Handle,
    seen: Arc<Mutex<Vec<JobState>>>,
}

impl PrinterFactory for Peeking {
    fn kind(&self) -> &'static str {
        "peeking"
    }

    fn open(&self, _: &str, _: &PrinterSettings) -> Result<Box<dyn Printer>, PrinterError> {
        Ok(Box::new(Peeking { handle: self.handle.clone(), seen: self.seen.clone() }))
    }
}

impl Printer for Peeking {
    fn status(&mut self) -> Result<PrinterStatus, PrinterError> {
        Ok(PrinterStatus::ready())
    }

    fn send(&mut self, _: &[u8]) -> Result<(), SendError> {
        self.seen.lock().unwrap().push(label(&self.handle, 1).unwrap().state);
        Ok(())
    }
}

#[test]
fn the_journal_knows_that_bytes_go_out_before_they_do() {
    let seen = Arc::<Mutex<Vec<_>>>::default();
    let bench = Bench::new(|handle| Arc::new(Peeking { handle: handle.clone(), seen: seen.clone() }));
    bench.scan("A1");
    bench.wait(1, JobState::Printed);
    assert_eq!(*seen.lock().unwrap(), [JobState::Sending]);
    bench.end();
}

#[test]
fn labels_wait_over_a_restart() {
    let printers = Arc::new(FakePrinters::new((0..1000).map(|_| Err(off()))));
    let bench = Bench::new(|_| printers.clone());
    let package = bench.scan("A1").package;
    let folder = bench.end();
    let printers = Arc::new(FakePrinters::default());
    let bench = Bench::in_folder(folder, |_| printers.clone());
    let job = bench.wait(1, JobState::Printed);
    assert!(package.is_none_or(|package| package.id == job.draft.sscc));
    assert_eq!(printers.jobs().len(), 1);
    bench.end();
}
