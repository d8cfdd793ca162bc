//! Labels: which are to be printed, and what is decided when a printer or a person says what became of one.
//!
//! ```text
//!   waiting --bytes go out--> sending --the printer says so--> printed
//!      ^                        |  \--nobody knows-----------> doubtful --a person saw it--> printed
//!      |--nothing went out------/                                 |
//!      \--a person decides: again (on record)---- printed, doubtful, failed
//! ```
//! A label that may have come out is never printed again by the station itself.

use std::collections::BTreeMap;

use records::attributes::Attributes;
use records::{Draft, Event, Level, Subject};
use serde::{Deserialize, Serialize};

use super::answer::{Answer, Code, Outcome};
use super::decide::Turn;

/// Which label is printed when a container is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelRule {
    /// For containers of this level.
    pub level: Level,
    /// Only on this lane; everywhere where it is not said.
    pub lane: Option<String>,
    /// The printer's name.
    pub printer: String,
    /// SHA-256 of the template's text, in hexadecimal.
    pub template: String,
    /// The fields that the template uses.
    pub fields: Vec<String>,
    /// How many labels with the same identity, from 1. GS1 wants two on a pallet, on adjacent sides.
    pub copies: u32,
}

/// A label that is to be printed. Its SSCC is durable with it, before a byte goes to a printer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobDraft {
    /// The container.
    pub sscc: String,
    /// Its level.
    pub level: Level,
    /// The lane.
    pub lane: String,
    /// The printer.
    pub printer: String,
    /// The template's SHA-256.
    pub template: String,
    /// What stands on it.
    pub data: BTreeMap<String, String>,
    /// How many.
    pub copies: u32,
}

/// How far a label is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobState {
    /// Nothing of it has gone to a printer.
    Waiting,
    /// Bytes may have gone out.
    Sending,
    /// It came out.
    Printed,
    /// Nobody knows whether it came out: a person looks.
    Doubtful,
    /// It cannot be drawn.
    Failed,
}

/// A label and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its number in this journal.
    pub id: u64,
    /// What is printed.
    pub draft: JobDraft,
    /// How far it is.
    pub state: JobState,
    /// SHA-256 of the picture, in hexadecimal, once it was drawn.
    pub picture: Option<String>,
    /// Why it is doubtful or failed, or why it is printed again.
    pub why: String,
    /// How often bytes went out.
    pub prints: u32,
    /// When the container was closed, in seconds since 1970.
    pub at: i64,
}

/// A change to the labels that the journal keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobChange {
    /// A new one.
    New(JobDraft),
    /// This one, as it is now.
    Set(Job),
}

/// What a printer's worker says of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Printing {
    /// From now on bytes go out.
    Begun {
        /// SHA-256 of the picture, in hexadecimal.
        picture: String,
    },
    /// Nothing went out after all.
    NotSent,
    /// The printer says that all of it came out.
    Printed,
    /// Nobody knows, and why.
    Doubtful(String),
    /// It cannot be drawn, and why.
    Failed(String),
}

/// What a person says of a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It came out.
    CameOut,
    /// It is to be printed again, and why.
    Again(String),
}

impl Turn<'_> {
    /// Adds the labels of a container that is being closed.
    pub(super) fn print(&mut self, lane: &str, level: Level, sscc: &str, count: u32, common: &Attributes) {
        let line = self.line;
        for rule in &line.labels {
            if rule.level != level || rule.lane.as_deref().is_some_and(|only| only != lane) {
                continue;
            }
            let values = rule.fields.iter().filter_map(|field| {
                let value = match field.as_str() {
                    "sscc" => sscc.to_owned(),
                    "packageId" if level == Level::Package => sscc.to_owned(),
                    "palletId" if level == Level::Pallet => sscc.to_owned(),
                    "count" => count.to_string(),
                    "station" => line.station.clone(),
                    // A date from a clock that follows nothing would be a guess on paper.
                    "date" if self.now.synchronised => self.now.wall.strftime("%Y-%m-%d").to_string(),
                    other => super::packing::plain(common.get(other)?),
                };
                Some((field.clone(), value))
            });
            self.jobs.push(JobChange::New(JobDraft {
                sscc: sscc.to_owned(),
                level,
                lane: lane.to_owned(),
                printer: rule.printer.clone(),
                template: rule.template.clone(),
                data: values.collect(),
                copies: rule.copies,
            }));
        }
    }

    /// What a worker says counts only where it follows from what the journal holds: a worker of another time says nothing.
    pub(super) fn printing(&mut self, job: &Job, printing: &Printing) {
        let (state, why) = match (job.state, printing) {
            (JobState::Waiting, Printing::Begun { .. }) => (JobState::Sending, String::new()),
            (JobState::Waiting, Printing::Failed(why)) => (JobState::Failed, why.clone()),
            (JobState::Sending, Printing::NotSent) => (JobState::Waiting, job.why.clone()),
            (JobState::Sending, Printing::Printed) => (JobState::Printed, String::new()),
            (JobState::Sending, Printing::Doubtful(why)) => (JobState::Doubtful, why.clone()),
            _ => return,
        };
        let mut job = Job { state, why, ..job.clone() };
        match printing {
            Printing::Begun { picture } => {
                job.picture = Some(picture.clone());
                job.prints += 1;
            }
            Printing::NotSent => job.prints = job.prints.saturating_sub(1),
            Printing::Printed => self.label_printed(&job, "printer"),
            Printing::Doubtful(why) => self.label_doubtful(&job, why),
            Printing::Failed(_) => {}
        }
        self.jobs.push(JobChange::Set(job));
    }

    /// The station starts: of what was being sent nobody knows what became.
    pub(super) fn interrupted(&mut self, sending: &[Job]) {
        for job in sending {
            let why = "the station stopped while the label was being printed".to_owned();
            self.printing(job, &Printing::Doubtful(why));
        }
    }

    pub(super) fn verdict(&mut self, job: &Job, verdict: &Verdict) -> Answer {
        let (lane, sscc) = (job.draft.lane.as_str(), &job.draft.sscc);
        let done = |code, text| Answer::new(lane, Outcome::Done, code, text);
        match (job.state, verdict) {
            (JobState::Doubtful, Verdict::CameOut) => {
                let job = Job { state: JobState::Printed, why: String::new(), ..job.clone() };
                self.label_printed(&job, "person");
                self.jobs.push(JobChange::Set(job));
                done(Code::LabelConfirmed, format!("The label {sscc} came out"))
            }
            (JobState::Doubtful | JobState::Printed | JobState::Failed, Verdict::Again(reason)) => {
                let mut draft = self.label_record(Event::LabelAgain, job);
                draft.reason = Some(reason.clone());
                self.write(draft);
                self.jobs.push(JobChange::Set(Job { state: JobState::Waiting, why: reason.clone(), ..job.clone() }));
                let text = format!("The label {sscc} is printed again: destroy the old one, if there is one");
                done(Code::LabelAgain, text)
            }
            (_, Verdict::CameOut) => Answer::refused(
                lane,
                Code::LabelNotDoubtful,
                format!("Nobody doubts that the label {sscc} came out"),
                "Look at the labels again: somebody else may have answered.",
            ),
            (JobState::Waiting | JobState::Sending, Verdict::Again(_)) => Answer::refused(
                lane,
                Code::LabelOnItsWay,
                format!("The label {sscc} is on its way to the printer {}", job.draft.printer),
                "Wait for it; if none comes, look at the printer.",
            ),
        }
    }

    fn label_printed(&mut self, job: &Job, confirmed: &str) {
        let mut draft = self.label_record(Event::LabelPrinted, job);
        draft.attributes.insert("confirmed".to_owned(), confirmed.into());
        draft.attributes.insert("copies".to_owned(), job.draft.copies.into());
        self.write(draft);
        self.state.counters.labels += 1;
    }

    fn label_doubtful(&mut self, job: &Job, why: &str) {
        let mut draft = self.label_record(Event::LabelDoubtful, job);
        draft.reason = Some(why.to_owned());
        self.write(draft);
    }

    fn label_record(&self, event: Event, job: &Job) -> Draft {
        let mut draft = Draft::new(event, Subject::container(&job.draft.sscc));
        draft.lane = Some(job.draft.lane.clone());
        draft.attributes = [
            ("level".to_owned(), serde_json::json!(job.draft.level)),
            ("template".to_owned(), job.draft.template.clone().into()),
        ]
        .into();
        if let Some(picture) = &job.picture {
            draft.attributes.insert("picture".to_owned(), picture.clone().into());
        }
        draft
    }
}

#[cfg(test)]
mod tests;
