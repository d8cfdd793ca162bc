//! The station, its disk, the way and the service, and what can happen to them.

use std::sync::OnceLock;
use std::time::Duration;

use agent::forward::sender::{Pace, Sender};
use agent::journal::{Journal, JournalError, Opened, Storage};
use agent::settings::Settings;
use agent::station::{
    Code, Facts, Input, KnownChange, Line, Outcome, Packing, Raw, Reading, SeriesStart, Start, State, decide,
};
use records::wire::Receipt;
use records::{FixedBytes, Hash, Stamp};

use crate::disk::Disk;
use crate::history::{History, Item};
use crate::service::{Sent, Service};
use crate::truth::{Kind, Packed, Told, Truth, Violation};
use crate::vfs::{self, Mounted};

/// A few large groups fill it.
const SMALL_QUOTA: u64 = 32 << 12;
const RULES: Hash = FixedBytes([5; 32]);
const RECEIPT_TIMEOUT: Duration = Duration::from_secs(30);

/// What the harness does wrong on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutation {
    /// What the broker has counts as received by the service.
    DeleteOnPuback,
    /// People are told before the commit returns.
    GreenBeforeCommit,
    /// The journal is not synced at each commit.
    SynchronousNormal,
    /// The service answers before it has committed.
    ReceiptBeforeCommit,
}

/// A running station.
pub struct Station {
    /// Its journal.
    pub journal: Journal,
    state: State,
    /// Its view of the queue.
    pub sender: Sender,
    /// Up to this record people were told.
    pub answered: u64,
    /// Segments that wait for their PUBACK.
    pub in_flight: Vec<(u64, u64)>,
}

/// Everything.
pub struct World {
    /// The station; `None` while it does not run.
    pub station: Option<Station>,
    /// What is certain.
    pub truth: Truth,
    /// The service.
    pub service: Service,
    /// The disk under the journal.
    pub mounted: Mounted,
    /// Segments on their way.
    pub up: Vec<Sent>,
    /// Receipts on their way.
    pub down: Vec<Receipt>,
    /// Hours since the beginning.
    pub hour: u64,
    /// Records are kept so many hours after their receipt.
    pub keep_hours: u64,
    /// The next time that nothing works any more it is the program that was killed, not the power that went.
    pub kill_pending: bool,
    /// What is done wrong on purpose.
    pub mutation: Option<Mutation>,
    folder: tempfile::TempDir,
    storage: Storage,
    packing: Packing,
    filled: u64,
}

fn packing() -> &'static Packing {
    static PACKING: OnceLock<Packing> = OnceLock::new();
    PACKING.get_or_init(|| {
        let config = "station = \"pack-1\"\n[sscc]\ncompany_prefix = \"9521234\"\n[packing]\nwork_order = \"optional\"\n\
            [[rule]]\nname = \"serial\"\npattern = '(?<serialNumber>[A-Z][0-9]+)'\n";
        Settings::parse("t.toml".as_ref(), config).unwrap().packing
    })
}

/// The second file of the journal is on a real file system, without waiting for a real disk where that can be had.
fn folder() -> tempfile::TempDir {
    let memory = std::path::Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

impl World {
    /// A new station with an empty disk.
    pub fn new(history: &History, mutation: Option<Mutation>) -> Self {
        let folder = folder();
        let mut disk = Disk::new(history.seed);
        disk.weak_sync = mutation == Some(Mutation::SynchronousNormal);
        let mounted = Mounted::new(folder.path().to_str().unwrap(), disk);
        let quota = if history.small_quota { SMALL_QUOTA } else { 64 << 20 };
        let mut packing = packing().clone();
        (packing.levels[0].size, packing.levels[1].size) = (history.package_size, 2);
        Self {
            station: None,
            truth: Truth::default(),
            service: Service::default(),
            mounted,
            up: Vec::new(),
            down: Vec::new(),
            hour: 0,
            kill_pending: false,
            // Without the time for which records are kept, a wrong receipt costs them.
            keep_hours: if mutation.is_some() { 0 } else { history.keep_hours },
            mutation,
            folder,
            storage: Storage { quota, vfs: Some(vfs::NAME.to_owned()) },
            packing,
            filled: 0,
        }
    }

    /// The time, as the sender sees it.
    pub fn now(&self) -> Duration {
        Duration::from_secs(self.hour * 3600)
    }

    /// The time, as the journal sees it.
    pub fn seconds(&self) -> i64 {
        1_700_000_000 + i64::try_from(self.hour * 3600).unwrap()
    }

    fn stamp(&self) -> Stamp {
        let wall = jiff::Timestamp::from_second(self.seconds()).unwrap();
        Stamp { wall, synchronised: true, boot: "b".to_owned(), since_boot: self.hour * 3_600_000 }
    }

    fn line(&self, journal: &Journal) -> Line {
        let (labels, printers) = (Vec::new(), Vec::new());
        Line {
            station: "pack-1".to_owned(),
            series: journal.series(),
            packing: self.packing.clone(),
            labels,
            printers,
            rules: Default::default(),
        }
    }

    /// The file of the journal on the disk.
    pub fn file(&self) -> String {
        Journal::file(self.folder.path()).to_str().unwrap().to_owned()
    }

    /// May the quota be what stops a large group?
    pub fn has_small_quota(&self) -> bool {
        self.storage.quota == SMALL_QUOTA
    }

    /// Is more than three quarters of the quota used?
    pub fn is_nearly_full(&self, journal: &Journal) -> bool {
        journal.used().is_ok_and(|used| used > self.storage.quota / 4 * 3)
    }

    /// Starts the station; where power goes meanwhile, it starts again.
    pub fn start(&mut self, mut cut_after: Option<u8>) -> Result<(), Violation> {
        let mut troubled = true;
        loop {
            if let Some(calls) = cut_after.take() {
                self.mounted.disk().cut_after(calls.into());
            }
            match Journal::open(self.folder.path(), "pack-1", self.storage.clone(), 0) {
                Ok(opened) => {
                    self.opened(opened)?;
                    let began = Input::SeriesBegan(SeriesStart {
                        key: FixedBytes([1; 32]),
                        before: None,
                        last_before: None,
                        why: None,
                        endorsed: None,
                    });
                    let start = Input::Started(Start {
                        rules: RULES,
                        configuration: serde_json::json!({}),
                        unfinished: Vec::new(),
                    });
                    let ssccs = Input::SsccMark { mark: 0 };
                    let reserved = Input::SsccReserved { next: 0, mark: 100_000 };
                    let inputs = if self.truth.lines.is_empty() { vec![began, start, ssccs, reserved] } else { vec![] };
                    if inputs.is_empty() || self.commit(&inputs)?.is_ok() {
                        return Ok(());
                    }
                    self.station = None;
                }
                Err(error) => {
                    let disk = self.mounted.disk();
                    if !disk.is_dead() && !troubled {
                        return Err(Kind::NoOpening.says(base::describe(&error)));
                    }
                }
            }
            let mut disk = self.mounted.disk();
            if disk.is_dead() {
                disk.power_up();
            } else {
                troubled = false;
                disk.mend();
            }
        }
    }

    /// Power is gone: the station and all that only it knew are gone, then it starts again.
    pub fn power_up(&mut self, cut_after: Option<u8>) -> Result<(), Violation> {
        self.station = None;
        self.mounted.disk().power_up();
        self.start(cut_after)
    }

    /// Holds what an opening found against what is certain.
    fn opened(&mut self, opened: Opened) -> Result<(), Violation> {
        let Opened { mut journal, state, unanswered, damaged, .. } = opened;
        let truth = &mut self.truth;
        if let Some((_, found)) = damaged {
            return Err(Kind::NoOpening.says(found));
        }
        // A series of which no record is certain may be another one after a power cut: nobody has seen it.
        if !truth.lines.is_empty() && truth.series.is_some_and(|series| series != journal.series()) {
            return Err(Kind::Lost.says("another series began"));
        }
        if state != truth.state && !(truth.lines.is_empty() && state == unborn()) {
            match truth.maybe.iter().rposition(|(maybe, _)| *maybe == state) {
                Some(at) => (truth.state, truth.packed) = truth.maybe.swap_remove(at),
                None if state.last_seq < truth.state.last_seq => {
                    return Err(Kind::Lost.at(state.last_seq + 1, format!("of {} is gone", truth.state.last_seq)));
                }
                None => return Err(Kind::Half.says(format!("the state {state:?} is that of no group"))),
            }
        }
        truth.maybe.clear();
        let last = journal.position().last;
        if last != state.last_seq {
            return Err(Kind::Half.says(format!("the chain ends at {last}, the state at {}", state.last_seq)));
        }
        let failed = |error: JournalError| Kind::NoOpening.says(base::describe(&error));
        for seq in 1..=last {
            match (journal.line(seq).map_err(failed)?, truth.lines.get(&seq)) {
                (None, _) if seq <= truth.forgettable => drop(truth.gone.insert(seq)),
                (None, _) => return Err(Kind::Lost.at(seq, "is not in the journal")),
                (Some(line), None) => drop(truth.lines.insert(seq, line)),
                (Some(line), Some(known)) if line != *known && !truth.damaged.contains(&seq) => {
                    return Err(Kind::Twice.at(seq, "has other bytes than before"));
                }
                _ => {}
            }
        }
        if !(truth.saved..=last).contains(&journal.settled()) {
            return Err(Kind::Early.says(format!("settled {}, saved {}", journal.settled(), truth.saved)));
        }
        for seq in truth.shown + 1..=last {
            let line = truth.lines.get(&seq);
            if !truth.damaged.contains(&seq) && !unanswered.iter().any(|shown| Some(shown) == line) {
                return Err(Kind::Unshown.at(seq, "is stored, nobody was told, and it is not shown"));
            }
        }
        (truth.shown, truth.saved) = (last, journal.settled());
        let group = journal.group().map_err(failed)?;
        for serial in (0..12).map(|number| format!("U{number}")) {
            if group.known("", &serial).map_err(failed)? != truth.packed.get(&serial).cloned() {
                return Err(Kind::Half.says(format!("{serial} is known otherwise than the state says")));
            }
        }
        drop(group);
        truth.greens_are_true()?;
        let pace = Pace { timeout: RECEIPT_TIMEOUT, live_first: true, ahead: 64 };
        let mut sender = Sender::new(last, journal.settled(), pace);
        sender.connected(self.now());
        self.station = Some(Station { journal, answered: state.last_seq, state, sender, in_flight: Vec::new() });
        Ok(())
    }

    /// A group of scans.
    pub fn group(&mut self, items: &[Item]) -> Result<Result<(), JournalError>, Violation> {
        let (lane, scanner) = ("main".to_owned(), "hand".to_owned());
        let raw = Raw { bytes: 2, mark: "m".to_owned() };
        let input = |reading| Input::Scanned {
            lane: lane.clone(),
            scanner: scanner.clone(),
            reading: Ok(reading),
            raw: raw.clone(),
            facts: Facts { room: true, ..Facts::default() },
        };
        let inputs: Vec<Input> = items
            .iter()
            .map(|item| match item {
                Item::Unit(number) => unit(format!("U{number}"), 0),
                Item::Close => Reading::Command(agent::station::Command::ClosePackage),
                Item::Void => Reading::Command(agent::station::Command::VoidLast),
            })
            .map(input)
            .collect();
        self.commit(&inputs)
    }

    /// A group of so many large records.
    pub fn fill(&mut self, count: u8) -> Result<Result<(), JournalError>, Violation> {
        let first = self.filled;
        self.filled += u64::from(count);
        let inputs: Vec<Input> = (first..self.filled)
            .map(|number| Input::Scanned {
                lane: "other".to_owned(),
                scanner: "hand".to_owned(),
                reading: Ok(unit(format!("F{number}"), 900)),
                raw: Raw { bytes: 2, mark: "m".to_owned() },
                facts: Facts { room: true, ..Facts::default() },
            })
            .collect();
        self.commit(&inputs)
    }

    /// Decides and commits a group as the owner of the journal does, and tells people after it.
    pub fn commit(&mut self, inputs: &[Input]) -> Result<Result<(), JournalError>, Violation> {
        let now = self.stamp();
        let Some(mut station) = self.station.take() else { return Ok(Ok(())) };
        let line = self.line(&station.journal);
        let (mut ahead, mut packed, mut told) = (station.state.clone(), self.truth.packed.clone(), Vec::new());
        let mut tried = false;
        let result = (|| {
            let mut group = station.journal.group()?;
            for input in inputs {
                let mut input = input.clone();
                if let Input::Scanned { reading: Ok(Reading::Device { serial, scope, .. }), facts, .. } = &mut input {
                    facts.known = group.known(scope, serial)?;
                }
                let decision = decide(&line, &ahead, &input, &now);
                group.add(&decision, RULES, &now)?;
                decision.known.iter().for_each(|change| remember(&mut packed, change));
                told.extend(decision.answer.and_then(|answer| {
                    let serial = answer.serial.filter(|_| answer.outcome == Outcome::Accepted);
                    debug_assert!(answer.code != Code::NoSscc, "there are enough SSCCs");
                    answer.records.map(|records| Told { records, serial })
                }));
                ahead = decision.next;
            }
            if self.mutation == Some(Mutation::GreenBeforeCommit) {
                self.truth.told.append(&mut told);
            }
            tried = true;
            group.commit(&ahead, station.answered)
        })();
        match &result {
            Ok(()) => {
                self.truth.series = Some(station.journal.series());
                self.truth.saved = station.journal.settled();
                for seq in station.state.last_seq + 1..=ahead.last_seq {
                    // What was committed is read from SQLite's memory; when power is gone it is read after the start.
                    if let Ok(Some(line)) = station.journal.line(seq) {
                        self.truth.lines.insert(seq, line);
                    }
                }
                self.truth.maybe.clear();
                (self.truth.state, self.truth.packed) = (ahead.clone(), packed);
                self.truth.told.append(&mut told);
                self.truth.shown = ahead.last_seq;
                station.answered = ahead.last_seq;
                station.state = ahead;
            }
            Err(error) => {
                if tried {
                    self.truth.maybe.push((ahead, packed));
                }
                if station.journal.position().last != station.state.last_seq {
                    return Err(Kind::Half.says(format!("a group failed and is there: {}", base::describe(error))));
                }
            }
        }
        self.station = Some(station);
        Ok(result)
    }
}

fn unit(serial: String, bytes: usize) -> Reading {
    let mut attributes = records::attributes::Attributes::new();
    if bytes > 0 {
        attributes.insert("note".to_owned(), "n".repeat(bytes).into());
    }
    Reading::Device { serial, scope: String::new(), attributes }
}

fn remember(packed: &mut Packed, change: &KnownChange) {
    match change {
        KnownChange::Set { serial, known, .. } => drop(packed.insert(serial.clone(), known.clone())),
        KnownChange::Remove { serial, .. } => drop(packed.remove(serial)),
    }
}

/// The state of a new journal: it has no mark of SSCCs yet.
fn unborn() -> State {
    State { sscc_lost: true, ..State::default() }
}
