//! The forwarder with a real journal, a scripted session, and a clock that the test moves.

mod first_word;
mod refused;
mod series;
mod silent;

use std::collections::BTreeMap;
use std::sync::Mutex;

use records::segment::Segment;
use records::wire::{Receipt, ServiceHello, Status, Topics, signed};
use records::{FixedBytes, Hash};

use super::*;
use crate::clock::ManualClock;
use crate::journal::{Journal, Opened};
use crate::owner::{Owner, Request, ScanRequest};
use crate::settings::Settings;

const CONFIG: &str = r#"
station = "pack-1"
[packing]
package_size = 1000
[sscc]
company_prefix = "9521234"
[[rule]]
name = "serial"
pattern = '(?<serialNumber>[A-Z][0-9]+)'
[[rule]]
name = "work order"
reads = "work-order"
pattern = 'WO:(?<workOrder>[0-9]+)'
"#;

/// What the other end holds of a series: hash and length of each line.
type Held = BTreeMap<u64, (Hash, usize)>;

/// One segment that came to the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Came {
    /// Seconds since the start.
    at: u64,
    first: u64,
    last: u64,
}

type Answers = Box<dyn FnMut(&Segment) -> Reply + Send>;

struct Rig {
    folder: tempfile::TempDir,
    handle: Handle,
    thread: Option<std::thread::JoinHandle<()>>,
    uplink: FakeUplink,
    board: Board,
    retry: Arc<Notify>,
    stop: watch::Sender<bool>,
    forwarding: tokio::task::JoinHandle<()>,
    key: SigningKey,
    /// What the broker does with records.
    broker: Arc<Mutex<Answers>>,
    /// Does the service answer?
    service: bool,
    held: BTreeMap<SeriesId, Held>,
    came: Vec<Came>,
    statuses: Vec<Status>,
    begin: Instant,
    /// While this is held, time moves only when the test says so.
    _still: std::sync::mpsc::Sender<()>,
}

fn topics() -> Topics {
    Topics::default()
}

fn is_records(message: &Message) -> Option<Segment> {
    matches!(topics().parse(&message.topic), Some(Topic::Records("pack-1")))
        .then(|| Segment::parse(&message.payload).unwrap())
}

impl Rig {
    /// A station with a work order and `units` units packed, not connected. `more` goes into [broker].
    async fn new(units: u64, more: &str) -> Self {
        Self::with(units, more, FirstWord::given()).await
    }

    /// The same, where scans may wait for `first_word`.
    async fn with(units: u64, more: &str, first_word: FirstWord) -> Self {
        let (still, moves) = std::sync::mpsc::channel::<()>();
        // Tokio moves a paused clock by itself whenever it waits, also for the owner's thread, unless blocking work runs.
        tokio::task::spawn_blocking(move || moves.recv());
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::parse("t.toml".as_ref(), &format!("{CONFIG}\n[broker]\n{more}\n")).unwrap();
        folder.path().clone_into(&mut settings.data);
        let Opened { journal, state, .. } = Journal::open(folder.path(), "pack-1", 64 << 20, 0).unwrap();
        let clock = Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH, "boot"));
        let key = SigningKey::from_seed(FixedBytes([1; 32]));
        let mut owner = Owner::new(&settings, journal, state, clock);
        owner.begin(&settings, key.public(), None).unwrap();
        let (handle, thread) = owner.spawn().unwrap();
        let broker: Arc<Mutex<Answers>> = Arc::new(Mutex::new(Box::new(|_| Reply::Acknowledged)));
        let answers = broker.clone();
        let (uplink, events) = FakeUplink::new(move |message| match is_records(message) {
            Some(segment) => (answers.lock().unwrap())(&segment),
            None => Reply::Acknowledged,
        });
        let (stop, stops) = watch::channel(false);
        let (board, retry) = (Board::default(), Arc::<Notify>::default());
        let forwarder = Forwarder {
            first_word,
            station: "pack-1".to_owned(),
            key: Arc::new(key),
            lanes: vec!["main".to_owned()],
            broker: settings.broker,
            trusted: None,
            owner: handle.clone(),
            board: board.clone(),
            retry: retry.clone(),
        };
        let forwarding = tokio::spawn(forwarder.run_over(uplink.clone(), events, stops));
        let mut rig = Self {
            folder,
            handle,
            thread: Some(thread),
            uplink,
            board,
            retry,
            stop,
            forwarding,
            key: SigningKey::from_seed(FixedBytes([9; 32])),
            broker,
            service: true,
            held: BTreeMap::new(),
            came: Vec::new(),
            statuses: Vec::new(),
            begin: Instant::now(),
            _still: still,
        };
        rig.scan("WO:1".to_owned()).await;
        for unit in 0..units {
            rig.scan(format!("A{unit}")).await;
            if unit % 64 == 0 {
                rig.settle().await; // the owner's inbox is bounded, and the clock stands still
            }
        }
        rig.settle().await;
        rig
    }

    async fn scan(&mut self, text: String) {
        let scan = drivers::Scan {
            source: "hand".into(),
            symbology: None,
            data: text.into_bytes(),
            at: std::time::Instant::now(),
        };
        let request = ScanRequest::new("main", scan);
        self.handle.submit_async(Request::Scan(request)).await.unwrap();
    }

    fn broker(&self, answers: impl FnMut(&Segment) -> Reply + Send + 'static) {
        *self.broker.lock().unwrap() = Box::new(answers);
    }

    async fn connect(&mut self) {
        self.uplink.connect();
        if self.service {
            let hello = ServiceHello { versions: vec![records::WIRE_VERSION], instance: FixedBytes([3; 16]) };
            let payload = signed::seal(&self.key, &hello).unwrap();
            self.uplink.say(Message { topic: topics().name(Topic::Service), payload, retain: true });
        }
        self.settle().await;
    }

    fn say(&self, receipt: &Receipt) {
        let payload = signed::seal(&self.key, receipt).unwrap();
        self.uplink.say(Message { topic: topics().name(Topic::Receipts("pack-1")), payload, retain: false });
    }

    /// Lets everybody do what there is to do now: the forwarder, the owner's thread, the service.
    async fn settle(&mut self) {
        let mut quiet = 0;
        while quiet < 8 {
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
            // What was asked of the owner before this has been done.
            self.handle.ask(Request::Report).await.unwrap().unwrap();
            quiet = if self.serve() { 0 } else { quiet + 1 };
        }
    }

    /// What was published, and what the service says to it. Tells whether there was anything.
    fn serve(&mut self) -> bool {
        let published = self.uplink.take_published();
        let any = !published.is_empty();
        for message in published {
            if let Some(Topic::Status(_)) = topics().parse(&message.topic) {
                let status = signed::open::<Status>(&message.payload).unwrap().1;
                if status.asks && self.service {
                    self.say(&Receipt::stored("pack-1", status.series, 0, Hash::ZERO));
                }
                self.statuses.push(status);
            }
            let Some(segment) = is_records(&message) else { continue };
            let envelope = &segment.envelope;
            let at = self.begin.elapsed().as_secs();
            self.came.push(Came { at, first: envelope.first, last: envelope.last });
            if !self.service || (self.broker.lock().unwrap())(&segment) != Reply::Acknowledged {
                continue;
            }
            let series = envelope.series;
            let held = self.held.entry(series).or_default();
            held.extend(segment.lines.iter().map(|line| (line.seq, (line.hash, line.bytes.len()))));
            let up_to = (1..).take_while(|seq| held.contains_key(seq)).last().unwrap_or(0);
            let hash = held.get(&up_to).map_or(Hash::ZERO, |(hash, _)| *hash);
            self.say(&Receipt::stored("pack-1", series, up_to, hash));
        }
        any
    }

    /// Moves the clock by so many steps.
    async fn pass(&mut self, step: Duration, steps: u64) {
        for _ in 0..steps {
            tokio::time::advance(step).await;
            self.settle().await;
        }
    }

    fn mark(&self) -> Mark {
        *self.handle.mark().borrow()
    }

    fn trouble(&self) -> String {
        self.board.read().uplink.trouble
    }

    async fn look<T: Send + 'static>(&self, look: impl FnOnce(&mut Journal) -> T + Send + 'static) -> T {
        let ask = |reply: tokio::sync::oneshot::Sender<T>| {
            Request::Journal(Box::new(move |journal| drop(reply.send(look(journal)))))
        };
        self.handle.ask(ask).await.unwrap()
    }

    async fn end(mut self) {
        self.stop.send_replace(true);
        self.forwarding.await.unwrap();
        self.handle.submit(Request::Stop).unwrap();
        self.thread.take().unwrap().join().unwrap();
        drop(self.folder);
    }
}
