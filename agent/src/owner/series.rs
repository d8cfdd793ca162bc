//! What changes the series or the mark of SSCCs while the station runs.

use records::wire::{Fork, Receipt};

use super::running::{Running, warn};
use crate::journal::{Applied, JournalError, Marks, Why, not_gone_on};
use crate::station::{Input, decide};

/// Most sentences that are kept for people.
const MOST_ALARMS: usize = 20;

impl Running {
    /// Does what a receipt of the trusted service says.
    pub(super) fn receipt(&mut self, receipt: &Receipt) {
        match self.owner.journal.apply(receipt) {
            Ok(Applied::Ignored(why)) => {
                tracing::warn!(%why, "a receipt has no effect");
                self.limits.receipt_ignored();
            }
            Ok(Applied::Settled(_) | Applied::Nothing) => {}
            Err(error) => warn("a receipt could not be applied", &error),
        }
        if receipt.series != self.owner.journal.series() {
            return;
        }
        if let Some(fork) = receipt.fork {
            self.forked(fork);
        } else if let Some(mark) = receipt.sscc_mark.filter(|_| self.owner.state.sscc_lost) {
            match self.set_sscc_mark(mark) {
                Ok(mark) => tracing::info!(mark, "the service says from where on SSCCs are free"),
                Err(error) => warn("the mark of SSCCs could not be written", &error),
            }
        }
    }

    /// The service holds another record under an identity of this journal, or one that was never written here: a copy has
    /// written, or this one is older than what the service has of it. One that is forgotten here had its receipt.
    fn forked(&mut self, fork: Fork) {
        let journal = &self.owner.journal;
        let is_here = journal.line(fork.seq).is_ok_and(|line| line.is_some());
        let differs = is_here && !journal.agrees(fork.seq, fork.held).unwrap_or(true);
        if !differs && fork.seq <= journal.position().last {
            tracing::debug!(seq = fork.seq, "a fork was told for a record that is the same here");
            return;
        }
        let before = self.owner.journal.series();
        let open = match self.owner.journal.renew(Why::Forked, &mut self.owner.state) {
            Ok(open) => open,
            Err(error) => {
                // The service says it again with each segment that comes.
                warn("a new series could not be begun after a fork", &error);
                return;
            }
        };
        let series = self.owner.journal.series();
        tracing::error!(%before, %series, seq = fork.seq, "another copy of this journal writes: a new series begins");
        self.alarm(format!(
            "Another copy of this journal has written record {} of series {before}. This station goes on in series {series}. {}\
             Find out where the other copy is, and stop it, or who restored this one",
            fork.seq,
            not_gone_on(&open)
        ));
        self.unbegun = true;
        self.begin_series();
    }

    /// Puts the beginning of a new series on record; tried again now and then where the disk does not take it.
    pub(super) fn begin_series(&mut self) {
        match self.owner.begin_series(None) {
            Ok(()) => {
                self.unbegun = false;
                (self.answered, self.said) = (self.owner.state.last_seq, self.owner.state.last_seq);
            }
            Err(error) => warn("a new series could not be begun", &error),
        }
    }

    fn alarm(&mut self, sentence: String) {
        let alarms = &mut self.owner.alarms;
        if alarms.len() == MOST_ALARMS {
            alarms.remove(0);
        }
        alarms.push(sentence);
    }

    /// A person says from where on SSCCs are free.
    pub(super) fn enter_sscc_mark(&mut self, mark: u64) -> Result<u64, String> {
        let reserved = self.owner.state.sscc_reserved;
        if mark < reserved {
            return Err(format!(
                "references up to {} are known to be reserved here: enter {reserved} or more",
                reserved - 1
            ));
        }
        self.set_sscc_mark(mark).map_err(|error| base::describe(&error))
    }

    /// First the second file, then the journal: a mark that is too high costs a few numbers, one too low a recall.
    fn set_sscc_mark(&mut self, mark: u64) -> Result<u64, JournalError> {
        let owner = &mut self.owner;
        let now = owner.clock.now();
        let decision = decide(&owner.line, &owner.state, &Input::SsccMark { mark }, &now);
        let mark = decision.next.sscc_reserved;
        Marks { series: Some(owner.journal.series()), sscc_reserved: mark, entered: false }.store(&owner.folder)?;
        owner.journal.group()?.commit(&decision.next, self.answered)?;
        owner.state = decision.next;
        Ok(mark)
    }
}
