//! A container is scanned again, and what is missing or too much is named. Changes nothing.

use std::collections::BTreeSet;

use records::{Event, Subject};

use super::super::answer::{Answer, Code, Outcome};
use super::super::containers::title;
use super::super::input::Reading;
use super::super::service::RemoteContainer;
use super::super::turn::Turn;
use super::Task;

/// Most units of one recount.
const MOST: usize = 5_000;
/// Most serials in each list of a record; the counts are always right.
const LISTED: usize = 200;

impl Turn<'_> {
    pub(in super::super) fn recount(&mut self, name: &str, reading: &Reading) -> Result<Answer, Answer> {
        match (self.on(name).and_then(|lane| lane.task.clone()), reading) {
            (None, Reading::Container { id, .. }) => self.begin_recount(name, id),
            (None, _) => {
                let help = "Scan the label of the container that is to be counted.";
                Err(Answer::refused(name, Code::NothingWaits, "No container is being counted", help))
            }
            (Some(Task::Recount { container, found, expected }), Reading::Device { serial, .. }) => {
                self.found(name, container, (found, expected), serial)
            }
            (Some(Task::Recount { container, .. }), Reading::Container { id, .. }) if *id == container => {
                let text = format!("{id} is being counted");
                Ok(Answer::new(name, Outcome::Known, Code::Recounting, text))
            }
            (Some(Task::Recount { container, found, expected }), Reading::Container { id, .. }) => {
                self.found(name, container, (found, expected), id)
            }
            _ => Err(super::super::scan::not_here(name)),
        }
    }

    fn begin_recount(&mut self, name: &str, id: &str) -> Result<Answer, Answer> {
        let (known, remote) = (self.container(id), self.remote_container());
        if known.is_none() && remote.is_none() {
            let help = "Look whether this is the right label: nothing is known of what should be in it.";
            let text = format!("{id} is not known here");
            return Err(Answer::refused(name, Code::UnknownContainer, text, help));
        }
        // Of a container that came from elsewhere only the service knows what is in it; it is asked at this scan alone.
        let told_here = u32::try_from(self.facts.contents.len()).unwrap_or(u32::MAX);
        let is_own = known.as_ref().is_some_and(|known| {
            let has_units = self.depth_of(&known.name) == Some(0);
            !known.lane.is_empty() && known.count == told_here && (known.units.is_some() || !has_units)
        });
        let expected = if is_own { None } else { remote.and_then(RemoteContainer::contents) };
        if !is_own && expected.is_none() {
            let text = format!("Nobody can say here what should be in {id}");
            let help = "Count it at the station that packed it, or when the service answers.";
            return Err(Answer::refused(name, Code::UnknownContainer, text, help));
        }
        self.lane(name).task = Some(Task::Recount { container: id.to_owned(), found: BTreeSet::new(), expected });
        let what = known.map_or("Container".to_owned(), |known| title(&known.name));
        let mut answer = Answer::new(name, Outcome::Done, Code::Recounting, format!("{what} {id} is counted"));
        answer.help = "Scan everything in it, then FINISH.".to_owned();
        Ok(answer)
    }

    fn found(
        &mut self,
        name: &str,
        container: String,
        (mut found, told): (BTreeSet<String>, Option<BTreeSet<String>>),
        id: &str,
    ) -> Result<Answer, Answer> {
        if found.len() >= MOST {
            let text = format!("{MOST} were scanned: more cannot be counted at once");
            return Err(Answer::refused(name, Code::Busy, text, "Scan FINISH, or CANCEL."));
        }
        if found.contains(id) {
            let text = format!("{id} was counted already");
            return Ok(Answer::new(name, Outcome::Known, Code::Found, text));
        }
        let expected = self.contents(told.as_ref());
        let facts = self.facts;
        let elsewhere =
            facts.known.as_ref().and_then(|known| known.package.clone()).filter(|there| *there != container);
        found.insert(id.to_owned());
        let count = found.len();
        self.lane(name).task = Some(Task::Recount { container: container.clone(), found, expected: told });
        let mut answer = match (expected.contains(id), elsewhere) {
            (true, _) => {
                let text = format!("{id} is in {container}: {count} of {}", expected.len());
                Answer::new(name, Outcome::Accepted, Code::Found, text)
            }
            (false, Some(there)) => {
                let text = format!("{id} should be in {there}, not in {container}");
                let help = "Leave it, and scan MOVE later; or put it back where it belongs.";
                Answer::refused(name, Code::InAnotherPackage, text, help)
            }
            (false, None) => {
                let text = format!("{id} should not be in {container}");
                Answer::refused(name, Code::CountDiffers, text, "Go on: it is named at the end.")
            }
        };
        answer.serial = Some(id.to_owned());
        Ok(answer)
    }

    /// What should be in the container: as the service said, else by what is known here.
    fn contents(&self, told: Option<&BTreeSet<String>>) -> BTreeSet<String> {
        let here = || self.facts.contents.iter().cloned().collect();
        told.cloned().unwrap_or_else(here)
    }

    pub(in super::super) fn finish_recount(&mut self, name: &str) -> Result<Answer, Answer> {
        let Some(Task::Recount { container, found, expected: told }) = self.lane(name).task.take() else {
            let help = "Scan the label of the container that is to be counted.";
            return Err(Answer::refused(name, Code::NothingWaits, "No container is being counted", help));
        };
        let expected = self.contents(told.as_ref());
        let missing: Vec<String> = expected.difference(&found).cloned().collect();
        let extra: Vec<String> = found.difference(&expected).cloned().collect();
        let listed = |all: &[String]| serde_json::json!(all.iter().take(LISTED).collect::<Vec<_>>());
        let mut draft = self.draft(name, Event::Counted, Subject::container(&container));
        draft.attributes = [
            ("expected".to_owned(), expected.len().into()),
            ("found".to_owned(), found.len().into()),
            ("missing".to_owned(), listed(&missing)),
            ("missingCount".to_owned(), missing.len().into()),
            ("extra".to_owned(), listed(&extra)),
            ("extraCount".to_owned(), extra.len().into()),
        ]
        .into();
        self.write(draft);
        if missing.is_empty() && extra.is_empty() {
            self.count(name, None, "counted");
            let text = format!("{container} has all its {}", found.len());
            return Ok(Answer::new(name, Outcome::Accepted, Code::Counted, text));
        }
        self.count(name, None, "count-differs");
        let named = |what: &str, all: &[String]| match all {
            [] => None,
            all => {
                let more = if all.len() > 5 { " …" } else { "" };
                Some(format!("{} {what}: {}{more}", all.len(), all[..all.len().min(5)].join(", ")))
            }
        };
        let parts: Vec<String> =
            [named("missing", &missing), named("too much", &extra)].into_iter().flatten().collect();
        let text = format!("{container}: {}", parts.join("; "));
        Ok(Answer::refused(name, Code::CountDiffers, text, "Look for them; then TAKE OUT, MOVE or pack what is wrong."))
    }
}
