//! Refusals are recorded once per lane, scanner, reason and scan within a window, with a count: a scanner that fires at a wrong
//! label all night must not fill the disk.

use records::{Draft, Event, Stamp, Subject};
use serde::{Deserialize, Serialize};

use super::answer::Code;
use super::input::Raw;

/// Repeats within this many milliseconds of the first one are counted, not recorded each.
const WINDOW_MS: u64 = 60_000;
/// How many different refusals are watched for repeats at once.
const WATCHED: usize = 16;

/// The refusals that may repeat.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Refusals(Vec<Watched>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Watched {
    lane: String,
    /// Empty where it was refused before scanners were noted.
    #[serde(default)]
    scanner: String,
    code: Code,
    mark: String,
    bytes: usize,
    subject: Subject,
    boot: String,
    since: u64,
    repeats: u64,
}

impl Refusals {
    /// Takes note of a refusal and pushes what has to be recorded because of it.
    pub(super) fn note(
        &mut self,
        (lane, scanner): (&str, &str),
        code: Code,
        raw: &Raw,
        subject: &Subject,
        now: &Stamp,
        drafts: &mut Vec<Draft>,
    ) {
        self.end_windows(now, drafts);
        let is_known = |w: &&mut Watched| {
            (w.lane.as_str(), w.scanner.as_str(), w.code, &w.mark) == (lane, scanner, code, &raw.mark)
        };
        if let Some(known) = self.0.iter_mut().find(is_known) {
            known.repeats += 1;
            return;
        }
        if self.0.len() == WATCHED {
            let oldest = self.0.remove(0);
            drafts.extend(oldest.repeated());
        }
        let first = Watched {
            lane: lane.to_owned(),
            scanner: scanner.to_owned(),
            code,
            mark: raw.mark.clone(),
            bytes: raw.bytes,
            subject: subject.clone(),
            boot: now.boot.clone(),
            since: now.since_boot,
            repeats: 0,
        };
        drafts.push(first.draft(1));
        self.0.push(first);
    }

    /// Ends the windows that are over and pushes the counts of what was repeated in them.
    pub(super) fn end_windows(&mut self, now: &Stamp, drafts: &mut Vec<Draft>) {
        self.0.retain(|watched| {
            let open = watched.boot == now.boot && now.since_boot.saturating_sub(watched.since) < WINDOW_MS;
            if !open {
                drafts.extend(watched.repeated());
            }
            open
        });
    }

    /// Is there a window that [`Refusals::end_windows`] would end now?
    pub(super) fn is_due(&self, now: &Stamp) -> bool {
        self.0.iter().any(|w| w.boot != now.boot || now.since_boot.saturating_sub(w.since) >= WINDOW_MS)
    }
}

impl Watched {
    fn repeated(&self) -> Option<Draft> {
        (self.repeats > 0).then(|| self.draft(self.repeats))
    }

    fn draft(&self, count: u64) -> Draft {
        let mut draft = Draft::new(Event::Refused, self.subject.clone());
        draft.lane = Some(self.lane.clone());
        draft.attributes = [
            ("code".to_owned(), serde_json::json!(self.code)),
            ("count".to_owned(), serde_json::json!(count)),
            ("scanBytes".to_owned(), serde_json::json!(self.bytes)),
            ("scanMark".to_owned(), serde_json::json!(self.mark)),
        ]
        .into();
        if !self.scanner.is_empty() {
            draft.attributes.insert("scanner".to_owned(), serde_json::json!(self.scanner));
        }
        draft
    }
}
