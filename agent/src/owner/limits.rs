//! Where the station comes to a limit: what could not be written, holds that wait for room, and how near the quota is.

use records::wire::Holds;
use records::{Hash, Stamp};

use super::quota::Gauge;
use super::request::Capacity;
use super::{Owner, running};
use crate::journal::{Group, Journal, JournalError};
use crate::station::{Code, Input, Line, State, Tally, Unrecorded, decide};

/// How often the journal is measured, and how often what could not be written is tried again, in milliseconds.
const MEASURE_EVERY_MS: u64 = 1_000;
const AGAIN_AFTER_MS: u64 = 10_000;
/// Scans that were red because nothing could be written go on record by themselves when so many bytes of the quota are left.
const SPACE_IS_BACK: u64 = 64 << 10;

/// What the owner keeps in mind of its limits.
#[derive(Default)]
pub(super) struct Limits {
    /// Scans that were red because nothing could be written, by lane. They are in memory only.
    not_recorded: Unrecorded,
    /// How many there were since the start.
    not_durable: u64,
    /// Holds that the disk did not take yet. They count all the same.
    pub(super) waiting: Option<Holds>,
    gauge: Gauge,
    measure_at: u64,
    again_at: u64,
    receipts_ignored: u64,
}

impl Limits {
    /// A scan was answered red because nothing could be written.
    pub(super) fn was_not_recorded(&mut self, lane: &str, now: &Stamp) {
        self.not_durable += 1;
        let (first, last) = (now.clone(), now.clone());
        self.not_recorded.add(Tally { lane: lane.to_owned(), code: Code::NotDurable, count: 1, first, last });
    }

    /// Do such scans wait to go on record, is the time to try it, and is there space?
    pub(super) fn is_due(&mut self, journal: &Journal, now: &Stamp) -> bool {
        if self.not_recorded.is_empty() || now.since_boot < self.again_at {
            return false;
        }
        self.again_at = now.since_boot + AGAIN_AFTER_MS;
        journal.left().is_ok_and(|left| left >= SPACE_IS_BACK)
    }

    /// Puts those scans on record with this group, before anything else of it.
    pub(super) fn add_to(
        &self,
        group: &mut Group<'_>,
        line: &Line,
        ahead: &mut State,
        (rules, now): (Hash, &Stamp),
    ) -> Result<(), JournalError> {
        if self.not_recorded.is_empty() {
            return Ok(());
        }
        let room = group.has_room_for_refusals();
        let input = Input::NotRecorded { tallies: self.not_recorded.tallies().to_vec(), room };
        let decision = decide(line, ahead, &input, now);
        group.add(&decision, rules, now)?;
        *ahead = decision.next;
        Ok(())
    }

    /// The group that they were added to is durable.
    pub(super) fn committed(&mut self) {
        self.not_recorded = Unrecorded::default();
    }

    /// A receipt of the trusted service did not agree with the journal.
    pub(super) fn receipt_ignored(&mut self) {
        self.receipts_ignored += 1;
    }

    /// Keeps holds; where the disk does not take them they wait, and count all the same.
    pub(super) fn keep(&mut self, journal: &mut Journal, holds: Holds) {
        match journal.keep_holds(&holds) {
            Ok(true) => {
                let (revision, serials, lots) = (holds.revision, holds.serials.len(), holds.lots.len());
                tracing::info!(revision, serials, lots, "what is on hold has changed");
                self.waiting.take_if(|waiting| waiting.revision <= revision);
            }
            Ok(false) => tracing::debug!(revision = holds.revision, "holds that are not newer than the kept ones"),
            Err(error) => {
                if self.waiting.as_ref().is_none_or(|waiting| waiting.revision < holds.revision) {
                    running::warn("holds could not be kept yet; they count until the next start", &error);
                    self.waiting = Some(holds);
                }
            }
        }
    }

    /// Now and then looks how near the quota is, and tries to keep holds that wait. Tells whether it was the time for that.
    pub(super) fn look(&mut self, journal: &mut Journal, now: &Stamp) -> bool {
        if now.since_boot < self.measure_at {
            return false;
        }
        self.measure_at = now.since_boot + MEASURE_EVERY_MS;
        if let Some(holds) = self.waiting.take() {
            match journal.keep_holds(&holds) {
                Ok(_) => tracing::info!(revision = holds.revision, "the holds that waited are kept"),
                Err(_) => self.waiting = Some(holds),
            }
        }
        let Ok(used) = journal.used_until_receipts() else { return true };
        if self.gauge.note(used, journal.quota(), now.since_boot) {
            match self.gauge.notice() {
                Some(notice) => tracing::warn!(percent = notice.percent, "{} {}", notice.text, notice.help),
                None => tracing::info!("the journal is far from its quota again"),
            }
        }
        true
    }

    pub(super) fn capacity(&self, owner: &Owner) -> Result<Capacity, JournalError> {
        Ok(Capacity {
            quota_notice: self.gauge.notice(),
            ballast_held: owner.ballast.is_held(),
            not_recorded: self.not_recorded.tallies().to_vec(),
            not_durable: self.not_durable,
            refusals_unrecorded: owner.state.unrecorded.total(),
            holds: owner.journal.holds()?,
            receipts_ignored: self.receipts_ignored,
        })
    }
}
