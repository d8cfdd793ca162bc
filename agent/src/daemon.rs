//! Puts the parts of the daemon together, and takes them apart again in order.

use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use drivers::Stop;
use drivers::printer::{PrinterFactory, TcpFactory};
use records::{SigningKey, enrolment};
use sha2::{Digest, Sha256};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, watch};

use crate::board::Board;
use crate::clock::SystemClock;
use crate::feedback::{self, StatusFacts};
use crate::first_word::FirstWord;
use crate::forward::Forwarder;
use crate::front::Front;
use crate::identity::{self, IdentityError};
use crate::journal::{Journal, JournalError, Opened, Why};
use crate::local::http::{Facts, Http, Token, TokenError};
use crate::local::{Asked, Said, Sentence, Server, ServerError, Unconfirmed};
use crate::lookup::{self, Recheck};
use crate::orders::{self, Lookup, Orders};
use crate::owner::{Handle, Owner, Request};
use crate::people::{PeopleError, PeopleKey};
use crate::printing::{self, Drawing};
use crate::rigs;
use crate::settings::{Confirm, Settings, SignalSettings, WorkOrders};
use crate::supervise;

/// What was answered last is shown for so long, and an answer over HTTP has that time to go out.
const LAST_LOOK: Duration = Duration::from_millis(200);

/// The daemon cannot run.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The station's key.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The key of people's pseudonyms.
    #[error(transparent)]
    People(#[from] PeopleError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The command socket.
    #[error(transparent)]
    Socket(#[from] ServerError),
    /// The page's token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A folder.
    #[error(transparent)]
    Folder(#[from] base::files::Error),
    /// The file of work orders.
    #[error("the work orders have faults:\n{0}")]
    WorkOrders(#[from] base::config::Faults),
    /// The service cannot be asked.
    #[error("the service cannot be asked")]
    Service(#[from] base::http::Error),
    /// Threads, signals.
    #[error("the system gives no threads or signals")]
    System(#[from] std::io::Error),
    /// The task that forwards ended by itself.
    #[error("the station stopped forwarding: see the log for the cause, then start it again")]
    ForwarderEnded,
    /// The thread that decides ended by itself.
    #[error("the station stopped deciding: see the log for the cause, then start it again")]
    OwnerEnded,
}

/// Runs the daemon until SIGTERM or SIGINT.
///
/// # Errors
/// When it cannot start, or cannot go on.
pub fn run(settings: Settings) -> Result<(), DaemonError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(run_async(settings))
}

async fn run_async(settings: Settings) -> Result<(), DaemonError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let token = settings.page.token_file.as_deref().map(Token::load).transpose()?;
    if let Some(folder) = settings.socket.parent() {
        base::files::ensure_folder(folder, 0o755)?;
    }
    // The socket first: a second daemon must not touch the journal of a running one.
    let listener = Server::bind(&settings.socket)?;
    let own_socket = inode(&settings.socket);
    let (owner, key, not_confirmed) = open(&settings)?;
    let key = Arc::new(key);
    let (series, trusted) = (owner.line.series, owner.journal.service_key());
    // With the keys of people and of refused scans, which the configuration does not have.
    let rules = owner.rules.clone();
    let (handle, thread) = owner.spawn()?;

    tokio::spawn(not_confirmed.clone().follow(handle.answers()));
    let first_word = match (trusted, settings.broker.confirm) {
        (Some(_), Confirm::Receipt) => FirstWord::awaited(),
        // No service is known, or none answers.
        _ => FirstWord::given(),
    };
    let (board, stop, retry) = (Board::default(), Stop::new(), Arc::new(Notify::new()));
    let lookup = lookup::Lookup::new(&settings, board.clone())?;
    let runtime = tokio::runtime::Handle::current();
    let front = Front::new(rules.clone(), orders(&settings)?, lookup.clone(), runtime);
    let mut devices = Vec::new();
    for scanner in settings.scanners.clone() {
        let factory = supervise::factory(&scanner.device);
        devices.push(supervise::spawn(
            scanner,
            factory,
            handle.clone(),
            front.clone(),
            board.clone(),
            first_word.clone(),
            stop.clone(),
        )?);
    }
    let lanes = lanes(&settings);
    let drawing = Drawing::new(settings.printing.templates.clone());
    let factory: Arc<dyn PrinterFactory> = Arc::new(TcpFactory);
    for printer in settings.printing.printers.clone() {
        let (factory, drawing, owner) = (factory.clone(), drawing.clone(), handle.clone());
        devices.push(printing::spawn(printer, factory, drawing, owner, board.clone(), stop.clone())?);
    }
    let (station, quota) = (settings.station.clone(), settings.journal.quota);
    let server = Arc::new(Server {
        station: station.clone(),
        lanes: lanes.clone(),
        quota,
        not_confirmed,
        owner: handle.clone(),
        front,
        lookup: lookup.clone(),
        rules,
        levels: settings.packing.levels.clone(),
        first_word: first_word.clone(),
        drawing,
        board: board.clone(),
        retry: retry.clone(),
    });
    for (lane, program) in settings.rigs.clone() {
        tokio::spawn(rigs::run(handle.clone(), lane, program));
    }
    let serving = tokio::spawn(server.clone().serve(listener));
    let page = settings.page.listen.map(|listen| {
        let facts = Facts {
            commands: settings.rules.commands.clone(),
            package_size: settings.packing.package_size(),
            pallet_size: settings.packing.pallet_size(),
            roles: lanes.iter().map(|lane| (lane.clone(), settings.line_rules.lane(lane).roles)).collect(),
            reasons: settings.line_rules.reasons.clone(),
        };
        tokio::spawn(Http::new(server.clone(), facts, &settings.page, token).serve(listen))
    });
    let shown = Stop::new();
    let signals = signals(&settings, &server, &shown)?;
    let (stop_forwarding, forwarding_stops) = watch::channel(false);
    let (broker, owner) = (settings.broker, handle.clone());
    let forwarder = Forwarder { station, key, lanes, broker, trusted, owner, first_word, board, retry };
    let recheck = Recheck { lookup, owner: handle.clone(), station: settings.station.clone() };
    tokio::spawn(recheck.run(forwarding_stops.clone()));
    let mut forwarding = tokio::spawn(forwarder.run(forwarding_stops));
    tracing::info!(station = settings.station, %series, "running");

    let result = tokio::select! {
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
        () = ended(&handle) => Err(DaemonError::OwnerEnded),
        _ = &mut forwarding => Err(DaemonError::ForwarderEnded),
    };
    tracing::info!("stopping");
    stop.stop();
    handle.bell().ring();
    stop_forwarding.send_replace(true);
    if !matches!(result, Err(DaemonError::ForwarderEnded)) {
        drop(forwarding.await);
    }
    serving.abort();
    drop(tokio::task::spawn_blocking(move || end(devices, &handle, thread, &shown, signals)).await);
    page.inspect(tokio::task::JoinHandle::abort);
    // Another daemon may have begun meanwhile, with a socket of its own.
    if inode(&settings.socket) == own_socket {
        drop(std::fs::remove_file(&settings.socket));
    }
    result
}

/// Ends what may still bring something, then the owner, and only then those who show answers: a scan that was being looked up
/// is recorded, and its light is seen.
fn end(
    devices: Vec<JoinHandle<()>>,
    handle: &Handle,
    owner: JoinHandle<()>,
    shown: &Stop,
    signals: Vec<JoinHandle<()>>,
) {
    devices.into_iter().for_each(|device| drop(device.join()));
    drop(handle.submit(Request::Stop));
    drop(owner.join());
    std::thread::sleep(LAST_LOOK);
    shown.stop();
    signals.into_iter().for_each(|signal| drop(signal.join()));
}

/// Where scanned work orders are looked up.
fn orders(settings: &Settings) -> Result<Orders, DaemonError> {
    Ok(match (&settings.work_orders, &settings.service) {
        (WorkOrders::File(path), _) => Orders::File(orders::File::open(path)?),
        (WorkOrders::Service(keep), Some(service)) => {
            let clock = Arc::new(SystemClock::new());
            Orders::Service(Lookup::new(service, *keep, &settings.data, clock)?)
        }
        (WorkOrders::Barcode | WorkOrders::Service(_), _) => Orders::Barcode,
    })
}

fn inode(path: &std::path::Path) -> Option<u64> {
    std::fs::symlink_metadata(path).ok().map(|metadata| metadata.ino())
}

/// Starts the lamps and displays of each lane. What they show of the station is a second old at most.
fn signals(settings: &Settings, server: &Arc<Server>, stop: &Stop) -> Result<Vec<JoinHandle<()>>, DaemonError> {
    let mut threads = Vec::new();
    if settings.signals.is_empty() {
        return Ok(threads);
    }
    let (known, last) = watch::channel(None);
    let asking = server.clone();
    tokio::spawn(async move {
        while !known.is_closed() {
            if let Ok(Said::Status(status)) = asking.answer(Asked::Status).await {
                known.send_replace(Some(status));
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    for lane in &server.lanes {
        let (lamps, displays) = SignalSettings::of_lane(&settings.signals, lane);
        if lamps.is_empty() && displays.is_empty() {
            continue;
        }
        let (last, of_lane, board) = (last.clone(), lane.clone(), server.board.clone());
        let facts = move || last.borrow().as_ref().map(|status| StatusFacts::of(status, &of_lane));
        let report = move |name: &str, trouble: &str| board.signal(name, trouble);
        let (answers, stop) = (server.owner.answers(), stop.clone());
        threads.push(feedback::spawn(lane.clone(), lamps, displays, answers, facts, stop, report)?);
    }
    Ok(threads)
}

async fn ended(handle: &Handle) {
    let mut mark = handle.mark();
    while mark.changed().await.is_ok() {}
}

fn lanes(settings: &Settings) -> Vec<String> {
    let mut lanes: Vec<String> = settings.scanners.iter().map(|scanner| scanner.lane.clone()).collect();
    if lanes.is_empty() {
        lanes.push("main".to_owned());
    }
    lanes.sort();
    lanes.dedup();
    lanes
}

/// Opens the journal, says what was found in it, and puts the start on record.
fn open(settings: &Settings) -> Result<(Owner, SigningKey, Unconfirmed), DaemonError> {
    let mut key = identity::load_or_make(&settings.data)?;
    let Opened { mut journal, mut state, unanswered, alarms, damaged } =
        Journal::open(&settings.data, &settings.station, settings.journal.quota, settings.packing.sscc.first())?;
    if let Some((aside, found)) = &damaged {
        tracing::error!(aside = %aside.display(), found, "the journal was damaged; a new series begins. Read the old one with `lotline-station queue salvage`");
    }
    let not_confirmed: Vec<Sentence> = unanswered.iter().filter_map(|line| Sentence::of(line)).collect();
    for text in alarms.iter().chain(not_confirmed.iter().map(|sentence| &sentence.text)) {
        tracing::warn!("{text}");
    }
    let next = identity::next(&settings.data)?;
    let mut endorsed = None;
    if let Some(next) = &next {
        // Stopped at this point before, the series with the new key may have begun already.
        if journal.key() != Some(next.public()) {
            if journal.position().last > 0 {
                journal.renew(Why::KeyChanged, &mut state)?;
            }
            endorsed =
                Some((key.public(), enrolment::endorse(&key, &settings.station, journal.series(), &next.public())));
        }
    }
    let mut owner = Owner::new(settings, journal, state, Arc::new(SystemClock::new()));
    owner.alarms = alarms;
    let public = next.as_ref().map_or(key.public(), SigningKey::public);
    owner.begin(settings, public, endorsed)?;
    if let Some(next) = next {
        identity::adopt_next(&settings.data, &next)?;
        key = next;
    }
    let raw_key = Sha256::new().chain_update(b"lotline refused scans").chain_update(key.seed().0);
    owner.rules.raw_key = raw_key.finalize().into();
    owner.rules.people = PeopleKey::load_or_make(&settings.data)?;
    Ok((owner, key, Unconfirmed::new(not_confirmed)))
}

#[cfg(test)]
mod tests {
    use drivers::signal::Light;
    use drivers::signal::fake::FakeLamp;

    use super::*;
    use crate::clock::ManualClock;
    use crate::owner::ScanRequest;

    const CONFIG: &str = r#"
station = "pack-1"
[packing]
package_size = 2
[sscc]
company_prefix = "9521234"
[[rule]]
name = "serial"
pattern = '(?<serialNumber>[A-Z][0-9]+)'
"#;

    #[test]
    fn what_comes_while_the_station_ends_is_still_answered() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::parse("t.toml".as_ref(), CONFIG).unwrap();
        folder.path().clone_into(&mut settings.data);
        let Opened { journal, state, .. } = Journal::open(folder.path(), "pack-1", 8 << 20, 0).unwrap();
        let clock = Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH, "boot"));
        let mut owner = Owner::new(&settings, journal, state, clock);
        owner.begin(&settings, records::FixedBytes([1; 32]), None).unwrap();
        let (handle, thread) = owner.spawn().unwrap();
        let (lamp, shown) = (FakeLamp::new("lamp"), Stop::new());
        let (lamps, answers) = (vec![Box::new(lamp.clone()) as _], handle.answers());
        let signal =
            feedback::spawn("main".to_owned(), lamps, vec![], answers, || None, shown.clone(), |_, _| ()).unwrap();
        let scanning = handle.clone();
        let scanner = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100)); // the service takes its time
            let (source, data, at) = ("hand".to_owned(), b"no rule".to_vec(), std::time::Instant::now());
            let scan = drivers::Scan { source, symbology: None, data, at };
            scanning.submit(Request::Scan(ScanRequest::new("main", scan))).unwrap();
        });
        end(vec![scanner], &handle, thread, &shown, vec![signal]);
        assert!(lamp.shown().contains(&Light::Red), "{:?}", lamp.shown());
        assert!(Journal::open(folder.path(), "pack-1", 8 << 20, 0).unwrap().unanswered.is_empty());
    }
}
