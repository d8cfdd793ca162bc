//! The thread of the owner: takes requests, decides groups, answers, tidies up.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use base::sqlite;
use gs1::Allocator;
use records::Stamp;
use records::wire::WorkOrderMessage;
use tokio::sync::{broadcast, watch};

use super::item::{Decided, Item, no_label, waits};
use super::limits::Limits;
use super::red::{Red, not_durable};
use super::{Bell, Mark, Noted, Owner, Report, Request};
use crate::journal::{FORGET_AT_ONCE, Journal, JournalError, Marks};
use crate::station::{Answer, Code, Input, Line, Start, State, decide};

/// Most inputs in one group.
const GROUP: usize = 64;
/// What is written without haste is written after so long at the latest.
const IDLE: Duration = Duration::from_millis(200);
/// The longest wait for those who show answers to take them.
const PATIENCE: Duration = Duration::from_millis(5);
/// And before the end, when no scan waits any more.
const LAST_PATIENCE: Duration = Duration::from_secs(1);
/// How often receipted records are forgotten.
const FORGET_EVERY_MS: u64 = 60_000;
/// A tick that could not be written is tried again after so long.
const TICK_AGAIN_MS: u64 = 10_000;
/// On a full disk scans go on when forgotten records have left so many bytes free.
const ROOM: u64 = 256 << 10;

pub(super) struct Running {
    pub(super) owner: Owner,
    answers: broadcast::Sender<Answer>,
    mark: watch::Sender<Mark>,
    bell: Bell,
    /// The last sequence whose answer has surely been taken by whoever shows it.
    pub(super) answered: u64,
    /// The last sequence whose answer was handed over.
    pub(super) said: u64,
    /// When receipted records are forgotten next, in milliseconds since boot.
    forget_at: u64,
    /// Work orders that could not be put on record yet, the newest of each lane.
    unapplied: BTreeMap<String, WorkOrderMessage>,
    /// A new series is there and could not be begun yet: nothing is decided before its record 1.
    pub(super) unbegun: bool,
    /// When a tick is tried again that could not be written, in milliseconds since boot.
    tick_at: u64,
    pub(super) limits: Limits,
}

impl Running {
    pub(super) fn new(owner: Owner, answers: broadcast::Sender<Answer>, mark: watch::Sender<Mark>, bell: Bell) -> Self {
        Self {
            answered: owner.state.last_seq,
            said: owner.state.last_seq,
            owner,
            answers,
            mark,
            bell,
            forget_at: 0,
            unapplied: BTreeMap::new(),
            unbegun: false,
            tick_at: 0,
            limits: Limits::default(),
        }
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
        self.let_answers_out(LAST_PATIENCE);
        if let Err(error) = self.owner.journal.close(self.answered) {
            tracing::warn!(error = &error as &dyn std::error::Error, "the journal could not be closed in order");
        }
    }

    /// Decides what is to be decided as one group, then does the rest. Tells whether to stop.
    fn handle(&mut self, batch: Vec<Request>) -> bool {
        let (mut items, mut others, mut stop) = (Vec::new(), Vec::new(), false);
        for request in batch {
            match request {
                Request::Stop => stop = true,
                // Before the scans that came with it: what is on hold must not slip through.
                Request::Holds(holds) => self.limits.keep(&mut self.owner.journal, holds),
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

    /// Before the next group is begun, those who show answers take the last one's: a stop then leaves one group without a
    /// light, not several. Who hangs is waited for only a moment, and then counted as having seen all groups but the last.
    fn let_answers_out(&mut self, patience: Duration) {
        let until = Instant::now() + patience;
        while !self.answers.is_empty() && Instant::now() < until {
            std::thread::sleep(Duration::from_micros(50));
        }
        if self.answers.is_empty() {
            self.answered = self.said;
        }
    }

    pub(super) fn decide_group(&mut self, items: Vec<Item>) {
        self.let_answers_out(PATIENCE);
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
                Item::Scan(deciding) => {
                    if failed.is_some() {
                        self.limits.was_not_recorded(&deciding.lane, &now);
                    }
                    (deciding.lane, deciding.reply)
                }
                Item::WorkOrder(lane, message) => {
                    if failed.is_some() {
                        self.keep_for_later(&lane, message);
                    }
                    (lane, None)
                }
                Item::Verdict { reply, .. } => (String::new(), Some(reply)),
                Item::Adopt { lane, reply, .. } => (lane, Some(reply)),
                // Asked again at the next round, where the disk did not take it.
                Item::Rechecked { .. } | Item::RecheckedContainer { .. } | Item::Released { .. }
                    if failed.is_some() =>
                {
                    continue;
                }
                Item::Rechecked { .. } | Item::RecheckedContainer { .. } | Item::Released { .. } => {
                    (String::new(), None)
                }
                Item::Commanded { lane, reply, .. } => (lane, Some(reply)),
                Item::Result { lane, reply, .. } => (lane, reply),
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
        self.answered = self.said;
        self.said = self.owner.state.last_seq;
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
        !self.unbegun && self.room_on_disk()
    }

    fn room_on_disk(&self) -> bool {
        self.owner.ballast.is_held() || self.owner.journal.free_inside().is_ok_and(|free| free >= ROOM)
    }

    /// Decides and commits; the answers are to be given only if it returns `Ok`.
    fn commit_group(&mut self, items: &[Item], now: &Stamp) -> Result<Vec<Decided>, JournalError> {
        let Owner { journal, state, line, rules, digest, folder, .. } = &mut self.owner;
        let reserved = reserve_ssccs(
            journal,
            state,
            line,
            folder, // One scan can open a container of each level.
            items.len() as u64 * line.packing.levels.len() as u64,
        );
        let mut group = journal.group()?;
        let mut ahead = state.clone();
        let mut all = Vec::with_capacity(items.len());
        let mut waiting = false;
        if let Some(input) = reserved {
            ahead = decide(line, &ahead, &input, now).next;
        }
        self.limits.add_to(&mut group, line, &mut ahead, (*digest, now))?;
        for item in items {
            let mut decided = Decided::default();
            for input in item.inputs(&group, rules, (line, &ahead, now), self.limits.waiting.as_ref())? {
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
                decided.answer = decision.answer.map(|answer| item.with_aside(answer));
            }
            all.push(decided);
        }
        group.commit(&ahead, self.answered)?;
        *state = ahead;
        self.limits.committed();
        if waiting {
            self.bell.ring();
        }
        Ok(all)
    }

    fn serve(&mut self, request: Request) {
        let journal = &mut self.owner.journal;
        match request {
            Request::Receipt(receipt) => self.receipt(&receipt),
            Request::SsccMark { mark, reply } => drop(reply.send(self.enter_sscc_mark(mark))),
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
            | Request::Rechecked { .. }
            | Request::RecheckedContainer { .. }
            | Request::Adopt { .. }
            | Request::WorkOrder { .. }
            | Request::Commanded { .. }
            | Request::Result { .. }
            | Request::Printing { .. }
            | Request::Verdict { .. }
            | Request::Holds(_)
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
            orders: state.orders.clone(),
            labels: journal.labels(state.lanes.keys())?,
            alarms: self.owner.alarms.clone(),
            counters: state.counters,
            package_size: line.packing.package_size(),
            pallet_size: line.packing.pallet_size(),
            capacity: self.limits.capacity(&self.owner)?,
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
        self.let_answers_out(PATIENCE);
        if let Err(error) = self.owner.journal.save_settled(self.answered) {
            warn("the mark of receipts could not be written", &error);
        }
    }

    /// What is due now and then.
    fn maintain(&mut self) {
        let now = self.owner.clock.now();
        if self.unbegun {
            self.begin_series();
        }
        let room = self.owner.journal.has_room_for_refusals();
        if now.since_boot >= self.tick_at && self.owner.state.tick_is_due(&now, room) && self.has_room() {
            self.tick(&now, room);
        }
        if self.limits.look(&mut self.owner.journal, &now) && self.has_room() {
            self.release();
        }
        if self.has_room() && self.limits.is_due(&self.owner.journal, &now) {
            self.decide_group(Vec::new());
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
            if let Err(error) = self.owner.journal.forget_counts(now.wall.as_second()) {
                warn("old counts could not be forgotten", &error);
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
                self.said = self.owner.state.last_seq;
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

    fn tick(&mut self, now: &Stamp, room: bool) {
        let Owner { journal, state, line, digest, .. } = &mut self.owner;
        let decision = decide(line, state, &Input::Tick { room }, now);
        let written = journal.group().and_then(|mut group| {
            group.add(&decision, *digest, now)?;
            group.commit(&decision.next, self.answered)
        });
        match written {
            Ok(()) => {
                *state = decision.next;
                self.said = state.last_seq;
                if let Some(answer) = decision.answer {
                    drop(self.answers.send(answer));
                }
            }
            Err(error) => {
                self.tick_at = now.since_boot + TICK_AGAIN_MS;
                warn("counts of refusals could not be written", &error);
            }
        }
    }
}

/// Makes sure that every scan of a group finds its SSCCs. The mark is durable in the second file before it is used.
fn reserve_ssccs(journal: &Journal, state: &State, line: &Line, folder: &Path, need: u64) -> Option<Input> {
    if state.sscc_lost {
        return None;
    }
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
    let marks = Marks { series: Some(journal.series()), sscc_reserved: allocator.reserved(), entered: false };
    match marks.store(folder) {
        Ok(()) => Some(Input::SsccReserved { next: allocator.next(), mark: allocator.reserved() }),
        Err(error) => {
            warn("the mark of SSCCs could not be written", &error);
            None
        }
    }
}

pub(super) fn warn(what: &'static str, error: &JournalError) {
    let damaged = matches!(error, JournalError::Query { source, .. } if sqlite::is_damage(source));
    tracing::error!(error = error as &dyn std::error::Error, damaged, "{what}");
}
