//! Refusals are recorded once per lane, scanner, reason and scan within a window, with a count: a scanner that fires at a wrong
//! label all night must not fill the disk.

use records::{Draft, Event, Stamp, Subject};
use serde::{Deserialize, Serialize};

use super::answer::Code;
use super::input::Raw;
use super::unrecorded::Tally;

/// Repeats within this many milliseconds of the first one are counted, not recorded each.
const WINDOW_MS: u64 = 60_000;
/// How many different refusals are watched for repeats at once.
const WATCHED: usize = 16;

/// The refusals that may repeat.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Refusals(Vec<Watched>);

/// Refusals that have to be put on record.
pub(super) struct Due {
    of: Watched,
    count: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Watched {
    lane: String,
    /// Empty where it was refused before scanners were noted.
    #[serde(default)]
    scanner: String,
    /// Who was signed on, where somebody was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    code: Code,
    mark: String,
    bytes: usize,
    subject: Subject,
    boot: String,
    since: u64,
    repeats: u64,
}

impl Refusals {
    /// Takes note of a refusal and tells what has to be recorded because of it.
    pub(super) fn note(
        &mut self,
        (lane, scanner): (&str, &str),
        code: Code,
        raw: &Raw,
        (subject, actor): (&Subject, Option<&String>),
        now: &Stamp,
    ) -> Vec<Due> {
        let mut due = self.end_windows(now);
        let is_known = |w: &&mut Watched| {
            (w.lane.as_str(), w.scanner.as_str(), w.code, &w.mark) == (lane, scanner, code, &raw.mark)
                && w.actor.as_ref() == actor
        };
        if let Some(known) = self.0.iter_mut().find(is_known) {
            known.repeats += 1;
            return due;
        }
        if self.0.len() == WATCHED {
            let oldest = self.0.remove(0);
            due.extend(oldest.repeated());
        }
        let first = Watched {
            lane: lane.to_owned(),
            scanner: scanner.to_owned(),
            actor: actor.cloned(),
            code,
            mark: raw.mark.clone(),
            bytes: raw.bytes,
            subject: subject.clone(),
            boot: now.boot.clone(),
            since: now.since_boot,
            repeats: 0,
        };
        due.push(Due { of: first.clone(), count: 1 });
        self.0.push(first);
        due
    }

    /// Ends the windows that are over and tells the counts of what was repeated in them.
    pub(super) fn end_windows(&mut self, now: &Stamp) -> Vec<Due> {
        let mut due = Vec::new();
        self.0.retain(|watched| {
            let open = watched.boot == now.boot && now.since_boot.saturating_sub(watched.since) < WINDOW_MS;
            if !open {
                due.extend(watched.repeated());
            }
            open
        });
        due
    }

    /// Is there a window that [`Refusals::end_windows`] would end now?
    pub(super) fn is_due(&self, now: &Stamp) -> bool {
        self.0.iter().any(|w| w.boot != now.boot || now.since_boot.saturating_sub(w.since) >= WINDOW_MS)
    }
}

impl Watched {
    fn repeated(&self) -> Option<Due> {
        (self.repeats > 0).then(|| Due { of: self.clone(), count: self.repeats })
    }
}

impl Due {
    /// As a record.
    pub(super) fn draft(self) -> Draft {
        let Self { of, count } = self;
        let mut draft = Draft::new(Event::Refused, of.subject);
        draft.lane = Some(of.lane);
        draft.actor = of.actor;
        draft.attributes = [
            ("code".to_owned(), serde_json::json!(of.code)),
            ("count".to_owned(), serde_json::json!(count)),
            ("scanBytes".to_owned(), serde_json::json!(of.bytes)),
            ("scanMark".to_owned(), serde_json::json!(of.mark)),
        ]
        .into();
        if !of.scanner.is_empty() {
            draft.attributes.insert("scanner".to_owned(), serde_json::json!(of.scanner));
        }
        draft
    }

    /// As a count, where there is no room for a record.
    pub(super) fn tally(self, now: &Stamp) -> Tally {
        let Self { of, count } = self;
        let mut first = now.clone();
        if let Some(ago) = now.since_boot.checked_sub(of.since).filter(|_| of.boot == now.boot) {
            first.since_boot = of.since;
            first.wall = now.wall.checked_sub(std::time::Duration::from_millis(ago)).unwrap_or(now.wall);
        }
        Tally { lane: of.lane, code: of.code, count, first, last: now.clone() }
    }
}
