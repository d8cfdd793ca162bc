//! The thread of the owner: takes requests, decides groups, answers, tidies up.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use base::sqlite;
use gs1::Allocator;
use records::Stamp;
use records::wire::WorkOrderMessage;
use tokio::sync::{broadcast, watch};

use super::item::{Decided, Item, no_label, waits};
use super::{Bell, Mark, Noted, Owner, Report, Request};
use crate::journal::{Applied, FORGET_AT_ONCE, Journal, JournalError, Marks};
use crate::station::{Answer, Code, Input, Line, Start, State, decide};

/// Most inputs in one group.
const GROUP: usize = 64;
/// What is written without haste is written after so long at the latest.
const IDLE: Duration = Duration::from_millis(200);
/// How often receipted records are forgotten.
const FORGET_EVERY_MS: u64 = 60_000;
/// On a full disk scans go on when forgotten records have left so many bytes free.
const ROOM: u64 = 256 << 10;
/// SSCCs that one scan can use: a pallet's and a package's.
const SSCCS_PER_SCAN: u64 = 2;

pub(super) struct Running {
    owner: Owner,
    answers: broadcast::Sender<Answer>,
    mark: watch::Sender<Mark>,
    bell: Bell,
    /// The last sequence whose answer has been given.
    answered: u64,
    /// When receipted records are forgotten next, in milliseconds since boot.
    forget_at: u64,
    /// Work orders that could not be put on record yet, the newest of each lane.
    unapplied: BTreeMap<String, WorkOrderMessage>,
}

impl Running {
    pub(super) fn new(owner: Owner, answers: broadcast::Sender<Answer>, mark: watch::Sender<Mark>, bell: Bell) -> Self {
        Self { answered: owner.state.last_seq, owner, answers, mark, bell, forget_at: 0, unapplied: BTreeMap::new() }
    }

    pub(super) fn run(mut self, inbox: &Receiver<Request>) {
        loop {
            let mut batch = match inbox.recv_timeout(IDLE) {
                Ok(request) => vec![request],
                Err(RecvTimeoutError::Timeout) => {
                    self.save_settled();
                    self.maintain();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            };
            batch.extend(inbox.try_iter().take(GROUP - 1));
            if self.handle(batch) {
                break;
            }
            self.maintain();
        }
        if let Err(error) = self.owner.journal.close() {
            tracing::warn!(error = &error as &dyn std::error::Error, "the journal could not be closed in order");
        }
    }

    /// Decides what is to be decided as one group, then does the rest. Tells whether to stop.
    fn handle(&mut self, batch: Vec<Request>) -> bool {
        let (mut items, mut others, mut stop) = (Vec::new(), Vec::new(), false);
        for request in batch {
            match request {
                Request::Stop => stop = true,
                request => match Item::of(request, &self.owner.rules) {
                    Ok(item) => items.push(item),
                    Err(other) => others.push(other),
                },
            }
        }
        if !items.is_empty() {
            self.decide_group(items);
        }
        for request in others {
            self.serve(request);
        }
        self.publish_mark();
        stop
    }

    fn decide_group(&mut self, items: Vec<Item>) {
        let now = self.owner.clock.now();
        let result = match self.has_room() {
            true => self.commit_group(&items, &now).map_err(Red::Failed),
            false => Err(Red::NoRoom),
        };
        if matches!(&result, Err(Red::Failed(error)) if error.is_full()) {
            self.forget_at = 0; // what has its receipt makes room at once
            self.owner.ballast.release_if_disk_is_full();
        }
        let failed = result.as_ref().err().map(not_durable);
        let mut decided = result.unwrap_or_default().into_iter();
        for item in items {
            // Green only from here on: the group is durable.
            let decided = decided.next();
            let (lane, reply) = match item {
                Item::Scan(deciding) => (deciding.lane, deciding.reply),
                Item::WorkOrder(lane, message) => {
                    if failed.is_some() {
                        self.keep_for_later(&lane, message);
                    }
                    (lane, None)
                }
                Item::Verdict { reply, .. } => (String::new(), Some(reply)),
                Item::Printing(said, reply) => {
                    let not_durable = || vec![Noted::NotDurable; said.len()];
                    drop(reply.send(decided.map_or_else(not_durable, |decided| decided.noted)));
                    continue;
                }
            };
            let failed = failed.as_ref().map(|(text, help)| Answer::refused(&lane, Code::NotDurable, text, *help));
            let Some(answer) = failed.or(decided.and_then(|decided| decided.answer)) else { continue };
            // Nobody may be watching, and who asked may have gone: the record stands all the same.
            drop(self.answers.send(answer.clone()));
            if let Some(reply) = reply {
                drop(reply.send(answer));
            }
        }
        self.answered = self.owner.state.last_seq;
    }

    /// The broker has been told that the work order arrived: it must not be lost because the disk is full.
    fn keep_for_later(&mut self, lane: &str, message: WorkOrderMessage) {
        let newest = self.unapplied.get(lane).is_none_or(|kept| kept.revision < message.revision);
        if newest {
            self.unapplied.insert(lane.to_owned(), message);
        }
    }

    /// May something new be written? On a full disk only into what forgotten records have left free.
    fn has_room(&self) -> bool {
        self.owner.ballast.is_held() || self.owner.journal.free_inside().is_ok_and(|free| free >= ROOM)
    }

    /// Decides and commits; the answers are to be given only if it returns `Ok`.
    fn commit_group(&mut self, items: &[Item], now: &Stamp) -> Result<Vec<Decided>, JournalError> {
        let Owner { journal, state, line, rules, digest, folder, .. } = &mut self.owner;
        let reserved = reserve_ssccs(journal, state, line, folder, items.len() as u64 * SSCCS_PER_SCAN);
        let mut group = journal.group()?;
        let mut ahead = state.clone();
        let mut all = Vec::with_capacity(items.len());
        let mut waiting = false;
        if let Some(input) = reserved {
            ahead = decide(line, &ahead, &input, now).next;
        }
        for item in items {
            let mut decided = Decided::default();
            for input in item.inputs(&group, rules)? {
                let decision = match input {
                    Ok(input) => decide(line, &ahead, &input, now),
                    Err(id) => {
                        decided.answer = Some(no_label(id));
                        decided.noted.push(Noted::Otherwise);
                        continue;
                    }
                };
                group.add(&decision, *digest, now)?;
                ahead = decision.next;
                waiting |= decision.jobs.iter().any(waits);
                decided.noted.push(if decision.jobs.is_empty() { Noted::Otherwise } else { Noted::Yes });
                decided.answer = decision.answer;
            }
            all.push(decided);
        }
        group.commit(&ahead, self.answered)?;
        *state = ahead;
        if waiting {
            self.bell.ring();
        }
        Ok(all)
    }

    fn serve(&mut self, request: Request) {
        let journal = &mut self.owner.journal;
        match request {
            Request::Receipt(receipt) => match journal.apply(&receipt) {
                Ok(Applied::Ignored(why)) => tracing::warn!(%why, "a receipt has no effect"),
                Ok(Applied::Settled(_) | Applied::Nothing) => {}
                Err(error) => warn("a receipt could not be applied", &error),
            },
            // Sequences of another series say nothing of this one.
            Request::AtBroker { series, up_to } if series == journal.series() => journal.settle(up_to),
            Request::AtBroker { .. } => {}
            Request::Queued { first, most, bytes, reply } => drop(reply.send(journal.queued(first, most, bytes))),
            Request::PinService { key, reply } => match journal.service_key() {
                Some(pinned) => drop(reply.send(pinned)),
                None => {
                    // On a full disk it is trusted until the next start: without receipts the disk would stay full.
                    if let Err(error) = journal.pin_service_key(key) {
                        warn("the service's key could not be kept", &error);
                    }
                    if reply.send(key).is_err() {
                        tracing::debug!("who showed the service's key has gone");
                    }
                }
            },
            Request::Report(reply) => drop(reply.send(self.report())),
            Request::Journal(ask) => ask(journal),
            Request::Scan(_)
            | Request::WorkOrder { .. }
            | Request::Printing { .. }
            | Request::Verdict { .. }
            | Request::Stop => {}
        }
    }

    fn report(&self) -> Result<Report, JournalError> {
        let Owner { journal, state, line, clock, .. } = &self.owner;
        Ok(Report {
            mark: self.owner.mark(),
            depth: journal.depth()?,
            set_aside: journal.set_aside(),
            used: journal.used()?,
            lanes: state.lanes.clone(),
            labels: journal.labels(state.lanes.keys())?,
            counters: state.counters,
            package_size: line.packing.package_size,
            pallet_size: line.packing.pallet_size,
            now: clock.now(),
        })
    }

    fn publish_mark(&self) {
        let mark = self.owner.mark();
        self.mark.send_if_modified(|known| {
            let changed = *known != mark;
            *known = mark;
            changed
        });
    }

    fn save_settled(&mut self) {
        if let Err(error) = self.owner.journal.save_settled(self.answered) {
            warn("the mark of receipts could not be written", &error);
        }
    }

    /// What is due now and then.
    fn maintain(&mut self) {
        let now = self.owner.clock.now();
        if self.owner.state.tick_is_due(&now) {
            self.tick(&now);
        }
        if !self.owner.ballast.is_held() {
            self.forget_at = 0;
            self.owner.ballast.rebuild();
        }
        if self.has_room()
            && let Some(start) = self.owner.late_start.take()
        {
            self.start_at_last(start);
        }
        if !self.unapplied.is_empty() && self.has_room() {
            let unapplied = std::mem::take(&mut self.unapplied);
            self.decide_group(unapplied.into_iter().map(|(lane, message)| Item::WorkOrder(lane, message)).collect());
        }
        if now.since_boot >= self.forget_at {
            self.save_settled(); // only what has its receipt on disk is forgotten
            // On a full disk nothing is kept beyond its receipt.
            let keep = if self.owner.ballast.is_held() { self.owner.keep } else { Duration::ZERO };
            if let Err(error) = self.owner.journal.forget_labels(now.wall.as_second(), keep) {
                warn("printed labels could not be forgotten", &error);
            }
            match self.owner.journal.forget(now.wall.as_second(), keep) {
                Ok(FORGET_AT_ONCE) => {} // there is more: go on at the next occasion
                Ok(_) => self.forget_at = now.since_boot + FORGET_EVERY_MS,
                Err(error) => warn("receipted records could not be forgotten", &error),
            }
        }
        self.publish_mark();
    }

    /// The journal was full when the station started: now its start goes on record.
    fn start_at_last(&mut self, start: Start) {
        match self.owner.commit_start(&Input::Started(start.clone())) {
            Ok(()) => {
                self.answered = self.owner.state.last_seq;
                self.bell.ring();
            }
            Err(error) => {
                // That the quota is still full has been said.
                if !error.is_full() {
                    warn("the start of the station could not be written", &error);
                }
                self.owner.late_start = Some(start);
            }
        }
    }

    fn tick(&mut self, now: &Stamp) {
        let Owner { journal, state, line, digest, .. } = &mut self.owner;
        let decision = decide(line, state, &Input::Tick, now);
        let written = journal.group().and_then(|mut group| {
            group.add(&decision, *digest, now)?;
            group.commit(&decision.next, self.answered)
        });
        match written {
            Ok(()) => {
                *state = decision.next;
                self.answered = state.last_seq;
            }
            Err(error) => warn("counts of refusals could not be written", &error),
        }
    }
}

/// Makes sure that every scan of a group finds its SSCCs. The mark is durable in the second file before it is used.
fn reserve_ssccs(journal: &Journal, state: &State, line: &Line, folder: &Path, need: u64) -> Option<Input> {
    let range = &line.packing.sscc;
    let mut allocator = Allocator::resume(state.sscc_next, state.sscc_reserved);
    while allocator.remaining(range) < need {
        if allocator.reserve(range).is_err() {
            break; // The range ends here: what is left of it is used, then scans are refused.
        }
    }
    if allocator.reserved() == state.sscc_reserved {
        return None;
    }
    let marks = Marks { series: journal.series(), sscc_reserved: allocator.reserved() };
    match marks.store(folder) {
        Ok(()) => Some(Input::SsccReserved { next: allocator.next(), mark: allocator.reserved() }),
        Err(error) => {
            warn("the mark of SSCCs could not be written", &error);
            None
        }
    }
}

/// Why a group is answered red.
enum Red {
    /// The disk is full, and what is left of it is for receipts.
    NoRoom,
    /// The journal did not take it.
    Failed(JournalError),
}

fn not_durable(red: &Red) -> (String, &'static str) {
    let full = (
        "Not recorded: the disk is full".to_owned(),
        "Put the unit aside and tell a technician: free disk space, or let the queue drain.",
    );
    match red {
        Red::NoRoom => full,
        Red::Failed(error) => {
            warn("a group was not committed", error);
            let broken = "Put the unit aside and tell a technician: see the log of lotline-station.";
            if error.is_full() { full } else { ("Not recorded: the disk does not take it".to_owned(), broken) }
        }
    }
}

fn warn(what: &'static str, error: &JournalError) {
    let damaged = matches!(error, JournalError::Query { source, .. } if sqlite::is_damage(source));
    tracing::error!(error = error as &dyn std::error::Error, damaged, "{what}");
}
