//! A history from its first step to the end, where the way is clear and everything must arrive.

use std::collections::BTreeMap;
use std::time::Duration;

use base::describe;
use records::FixedBytes;

use crate::history::{Fate, History, Item, Step};
use crate::truth::{Kind, Violation};
use crate::world::{Mutation, World};

/// With a clear way everything has arrived after so many rounds, or it never does.
const ROUNDS: u32 = 400;

/// What a history was good for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Figures {
    /// How often power went.
    pub cuts: u64,
    /// Units that were told green.
    pub green: u64,
    /// Records at the service in the end.
    pub stored: u64,
    /// Groups that were not committed.
    pub red: u64,
    /// Calls to the disk that can change it.
    pub calls: u64,
}

/// Runs a history.
///
/// # Errors
/// The first thing that is not as it must be.
pub fn run(history: &History, mutation: Option<Mutation>) -> Result<Figures, Violation> {
    let mut world = World::new(history, mutation);
    let mut figures = Figures::default();
    world.start(None)?;
    for step in &history.steps {
        world.step(step, &mut figures)?;
        if world.mounted.disk().is_dead() {
            let again = match step {
                Step::CutAfter(_, again) => *again,
                _ => None,
            };
            world.starts_again(again)?;
        }
    }
    world.mounted.disk().mend();
    world.clear_way()?;
    world.space_returns()?;
    let disk = world.mounted.disk();
    (figures.cuts, figures.calls) = (disk.cuts, disk.calls());
    figures.green = world.truth.told.iter().filter(|told| told.serial.is_some()).count() as u64;
    figures.stored = world.service.stored.len() as u64;
    Ok(figures)
}

fn pick<T>(from: &mut Vec<T>, which: u8) -> Option<T> {
    (!from.is_empty()).then(|| from.remove(usize::from(which) % from.len()))
}

impl World {
    fn step(&mut self, step: &Step, figures: &mut Figures) -> Result<(), Violation> {
        match step {
            // The known faults are to be found without these.
            Step::Reject(_) | Step::Restore(_) if self.mutation.is_some() => {}
            Step::Group(items) => {
                let done = self.group(items)?;
                self.red(done, figures)?;
            }
            Step::Fill(count) => {
                let done = self.fill(*count)?;
                self.red(done, figures)?;
            }
            Step::Spin(count) => {
                for _ in 0..*count {
                    if self.commit(&[])?.is_err() {
                        break;
                    }
                }
            }
            Step::Send => self.send(),
            Step::Segment(which, fate) => {
                let Some(sent) = pick(&mut self.up, *which) else { return Ok(()) };
                if *fate == Fate::Twice {
                    self.up.push(sent.clone());
                }
                if *fate != Fate::Lost {
                    self.service.receive(sent);
                }
                if self.mutation == Some(Mutation::ReceiptBeforeCommit) {
                    self.answer(true)?;
                }
            }
            Step::Puback(which) => self.puback(*which)?,
            Step::SessionLost => self.session_lost(),
            Step::Status => self.status(),
            Step::ServiceCommits => self.answer(false)?,
            Step::ServiceEnds => self.service_ends(),
            Step::Backup => self.service.backup(self.hour),
            Step::Restore(which) => self.restore(*which)?,
            Step::Reject(above) => {
                let seq = self.service.highest() + 1 + u64::from(*above);
                if self.service.ever.keys().all(|(_, stored)| *stored < seq) {
                    self.service.rejects.insert(seq);
                }
            }
            Step::Receipt(which, fate) => {
                let Some(mut receipt) = pick(&mut self.down, *which) else { return Ok(()) };
                match fate {
                    Fate::Once => {}
                    Fate::Twice => self.down.push(receipt.clone()),
                    Fate::Lost => return Ok(()),
                    // The signature, which keeps forged ones out, is not played here; the hash is the second lock.
                    Fate::Forged if !self.truth.damaged.is_empty() => return Ok(()),
                    Fate::Forged => {
                        receipt.hash = FixedBytes([9; 32]);
                        receipt.up_to += 1;
                        receipt.also.iter_mut().for_each(|run| run.hash = FixedBytes([9; 32]));
                        receipt.rejected.clear();
                    }
                    Fate::OtherSeries => receipt.series = FixedBytes([9; 16]),
                }
                self.receipt(&receipt)?;
                if self.mutation == Some(Mutation::ReceiptBeforeCommit) {
                    drop(self.save_settled());
                    self.forget(0)?;
                }
            }
            // What fails here is tried again at the next occasion.
            Step::SaveSettled => drop(self.save_settled()),
            Step::Forget => self.forget(self.keep_hours)?,
            Step::Hours(hours) => {
                // A restored service is assumed to have its records again before `keep` has passed.
                if self.service.missing.is_empty() {
                    self.hour += u64::from(*hours);
                }
            }
            Step::Restart => self.restart(None)?,
            Step::Damage(which, at) => self.restart(Some((*which, *at)))?,
            Step::Kill => {
                self.kill_pending = true;
                self.mounted.disk().cut();
            }
            Step::KillAfter(calls) => {
                self.kill_pending = true;
                self.mounted.disk().cut_after((*calls).into());
            }
            Step::Cut | Step::CutAfter(..) => {
                self.kill_pending = false;
                match step {
                    Step::CutAfter(calls, _) => self.mounted.disk().cut_after((*calls).into()),
                    _ => self.mounted.disk().cut(),
                }
            }
            Step::Full(after, calls) => self.mounted.disk().full_after((*after).into(), (*calls).into()),
            Step::SyncFails(after) => self.mounted.disk().sync_fails_after((*after).into()),
        }
        Ok(())
    }

    /// Nothing works any more: the program was killed, or power went.
    fn starts_again(&mut self, cut_after: Option<u8>) -> Result<(), Violation> {
        // A program that starts after a failed sync reads what is not on the disk, and builds on it. SQLite has no answer
        // to that; here the computer is started anew with it.
        if !std::mem::take(&mut self.kill_pending) || self.mounted.disk().is_unsure() {
            return self.power_up(cut_after);
        }
        self.station = None;
        self.mounted.disk().restart_program();
        self.start(cut_after)
    }

    /// A group that was not committed: is there a reason?
    fn red(&self, done: Result<(), agent::journal::JournalError>, figures: &mut Figures) -> Result<(), Violation> {
        let Err(error) = done else { return Ok(()) };
        figures.red += 1;
        if self.mounted.disk().is_troubled() || (self.has_small_quota() && error.is_full()) {
            return Ok(());
        }
        Err(Kind::Refused.says(describe(&error)))
    }

    fn puback(&mut self, which: u8) -> Result<(), Violation> {
        let now = self.now();
        let Some(station) = &mut self.station else { return Ok(()) };
        let Some((first, last)) = pick(&mut station.in_flight, which) else { return Ok(()) };
        station.sender.at_broker(first, now);
        let next = first <= station.journal.settled() + 1;
        if self.mutation == Some(Mutation::DeleteOnPuback)
            && next
            && let Some(receipt) = self.made_up_receipt(last)
        {
            self.receipt(&receipt)?;
            drop(self.save_settled());
            self.forget(0)?;
        }
        Ok(())
    }

    fn session_lost(&mut self) {
        let now = self.now();
        if let Some(station) = &mut self.station {
            station.in_flight.clear();
            station.sender.disconnected();
            station.sender.connected(now);
        }
    }

    fn status(&mut self) {
        if let Some(station) = &self.station {
            self.service.status(station.journal.position().last, station.journal.set_aside());
        }
    }

    /// The service commits and answers.
    fn answer(&mut self, hasty: bool) -> Result<(), Violation> {
        let Some(series) = self.truth.series else { return Ok(()) };
        let receipt = if hasty { self.service.hasty_receipt(series) } else { self.service.commit(series)? };
        self.down.push(receipt);
        Ok(())
    }

    /// The service starts again and says so: the station sends again what has no receipt.
    fn service_ends(&mut self) {
        let now = self.now();
        self.service.ends();
        if let Some(station) = &mut self.station {
            station.sender.start_again(now);
        }
    }

    /// After a restore everything that the service misses can be had from the station again.
    fn restore(&mut self, which: u8) -> Result<(), Violation> {
        let Some(series) = self.truth.series else { return Ok(()) };
        if !self.service.restore(which, self.hour, self.keep_hours, series, &self.truth.gone_early) {
            return Ok(());
        }
        self.service_ends();
        if let Some(lost) = self.truth.gone.iter().find(|seq| !self.service.stored.contains_key(&(series, **seq))) {
            return Err(
                Kind::Lost.at(*lost, "was forgotten, and a service restored from a copy within `keep` lacks it")
            );
        }
        Ok(())
    }

    fn forget(&mut self, keep_hours: u64) -> Result<(), Violation> {
        if !self.service.missing.is_empty() {
            return Ok(()); // see Step::Hours
        }
        let seconds = self.seconds();
        let Some(station) = &self.station else { return Ok(()) };
        let early = keep_hours < self.keep_hours || self.is_nearly_full(&station.journal);
        let Some(station) = &mut self.station else { return Ok(()) };
        self.truth.forgettable = self.truth.forgettable.max(self.truth.saved);
        drop(station.journal.forget(seconds, Duration::from_secs(keep_hours * 3600)));
        for seq in 1..=self.truth.forgettable {
            // Without power nothing can be read: the opening that follows looks again.
            if matches!(station.journal.line(seq), Ok(None)) && self.truth.gone.insert(seq) && early {
                self.truth.gone_early.insert(seq);
            }
        }
        if early {
            // Where power went meanwhile, it may show later what was forgotten.
            let all = 1..=self.truth.forgettable;
            self.truth
                .gone_early
                .extend(all.filter(|seq| self.mounted.disk().is_dead() && !self.truth.gone.contains(seq)));
        }
        Ok(())
    }

    fn restart(&mut self, damage: Option<(u8, u8)>) -> Result<(), Violation> {
        let Some(station) = self.station.take() else { return Ok(()) };
        let last = station.journal.position().last;
        drop(station.journal.close(last)); // also on a full disk it ends
        let disk = &self.mounted;
        if let Some((which, at)) = damage
            && !disk.disk().is_dead()
            && last > 1
        {
            let seq = 1 + u64::from(which) % (last - 1);
            let file = self.file();
            if let Some(line) = self.truth.lines.get(&seq)
                && !self.truth.gone.contains(&seq)
                && disk.disk().flip(&file, line, at.into())
            {
                self.truth.damaged.insert(seq);
            }
        }
        if disk.disk().is_dead() {
            return Ok(());
        }
        self.start(None)
    }

    /// Nothing fails any more: everything must arrive.
    fn clear_way(&mut self) -> Result<(), Violation> {
        for round in 0..ROUNDS {
            if round % 8 == 7 {
                self.hour += 1; // the wait for receipts is over
                self.session_lost();
            }
            self.status();
            self.send();
            for sent in std::mem::take(&mut self.up) {
                self.service.receive(sent);
            }
            while self.station.as_ref().is_some_and(|station| !station.in_flight.is_empty()) {
                self.puback(0)?;
            }
            self.answer(false)?;
            for receipt in std::mem::take(&mut self.down) {
                self.receipt(&receipt)?;
            }
            if self.everything_arrived() {
                return self.check_the_end();
            }
        }
        self.check_the_end()?;
        Err(Kind::Stuck.says("the queue does not become empty"))
    }

    fn everything_arrived(&self) -> bool {
        let Some(station) = &self.station else { return false };
        let aside = self.aside();
        let here = |seq: &u64| self.truth.series.is_some_and(|of| self.service.stored.contains_key(&(of, *seq)));
        station.journal.settled() == station.journal.position().last
            && self.truth.lines.keys().all(|seq| here(seq) || aside(*seq))
    }

    /// Each record is at the service once, with the bytes of the journal, or set aside for a reason.
    fn check_the_end(&mut self) -> Result<(), Violation> {
        self.truth.greens_are_true()?;
        let (Some(station), Some(series)) = (&self.station, self.truth.series) else { return Ok(()) };
        let aside = station.journal.quarantined().map_err(|error| Kind::Stuck.says(describe(&error)))?;
        let aside: BTreeMap<u64, String> = aside.into_iter().map(|aside| (aside.seq, aside.line)).collect();
        let mut packed: BTreeMap<String, i32> = BTreeMap::new();
        for (seq, line) in &self.truth.lines {
            match self.service.stored.get(&(series, *seq)) {
                Some(stored) if stored == line => {
                    let (event, unit) = event(line);
                    *packed.entry(unit).or_default() += match event.as_str() {
                        "packed" => 1,
                        "voided" => -1,
                        _ => 0,
                    };
                }
                Some(_) => return Err(Kind::Twice.at(*seq, "has other bytes at the service")),
                None if self.truth.damaged.contains(seq) => {}
                None => {
                    let kept = aside.get(seq).is_some_and(|kept| kept.as_bytes() == line.as_slice());
                    if !(kept && self.service.rejects.contains(seq)) {
                        return Err(Kind::Lost.at(*seq, "is neither at the service nor set aside"));
                    }
                }
            }
        }
        let whole = self.truth.damaged.is_empty() && self.service.rejects.is_empty();
        match packed
            .iter()
            .find(|(unit, count)| whole && (**count > 1 || **count < i32::from(self.truth.packed.contains_key(*unit))))
        {
            Some((unit, count)) => Err(Kind::Twice.says(format!("{unit} is packed {count} times"))),
            None => Ok(()),
        }
    }

    /// With an empty queue there is room again, and a last unit goes the whole way, over a restart.
    fn space_returns(&mut self) -> Result<(), Violation> {
        self.save_settled().map_err(|error| Kind::Stuck.says(describe(&error)))?;
        self.forget(0)?;
        let before = self.truth.lines.len();
        let done = self.group(&[Item::Close, Item::Unit(99)])?;
        done.map_err(|error| Kind::Stuck.says(describe(&error)))?;
        if self.truth.lines.len() == before {
            return Err(Kind::Stuck.says("a new unit is not recorded"));
        }
        self.restart(None)?;
        self.clear_way()
    }
}

fn event(line: &[u8]) -> (String, String) {
    let line: serde_json::Value = serde_json::from_slice(line).unwrap_or_default();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    (text(&line["event"]), text(&line["subject"]["id"]))
}
