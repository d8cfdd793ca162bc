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

use super::answer::{Answer, Code, Outcome};
use super::job::{Job, JobChange, JobDraft, JobState, LabelRule, Printing, Verdict};
use super::turn::{Turn, device};

impl Turn<'_> {
    /// Adds the labels of a container that is being closed. `units` are counted, where that is known.
    pub(super) fn print(&mut self, lane: &str, level: Level, sscc: &str, units: Option<u32>, common: &Attributes) {
        let line = self.line;
        let named = self.label_name(level, lane);
        for rule in line.labels.iter().filter(|rule| rule.is_for(level, lane) && rule.name == named) {
            let mut data: BTreeMap<String, String> =
                common.iter().map(|(name, value)| (name.clone(), super::packing::plain(value))).collect();
            let own = if level == Level::Package { "packageId" } else { "palletId" };
            data.insert("sscc".to_owned(), sscc.to_owned());
            data.insert(own.to_owned(), sscc.to_owned());
            data.insert("station".to_owned(), line.station.clone());
            data.extend(units.map(|units| ("count".to_owned(), units.to_string())));
            // A date from a clock that follows nothing would be a guess on paper.
            if self.now.synchronised {
                data.insert("date".to_owned(), self.now.wall.strftime("%Y-%m-%d").to_string());
            }
            self.jobs.push(JobChange::New(JobDraft {
                sscc: sscc.to_owned(),
                level,
                lane: lane.to_owned(),
                printer: rule.printer.clone(),
                template: rule.template.clone(),
                data,
                copies: rule.copies,
            }));
        }
    }

    /// Adds the labels of a unit that has passed its test.
    pub(super) fn print_unit(&mut self, lane: &str, (scope, serial): (&str, &str), attributes: &Attributes) {
        let line = self.line;
        for rule in line.labels.iter().filter(|rule| rule.on_pass && rule.is_on(lane)) {
            let texts = attributes.iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
            let mut data: BTreeMap<String, String> = texts.collect();
            data.insert("serialNumber".to_owned(), serial.to_owned());
            data.insert("station".to_owned(), line.station.clone());
            if self.now.synchronised {
                data.insert("date".to_owned(), self.now.wall.strftime("%Y-%m-%d").to_string());
            }
            let draft = JobDraft {
                sscc: serial.to_owned(),
                level: rule.level,
                lane: lane.to_owned(),
                printer: rule.printer.clone(),
                template: rule.template.clone(),
                data,
                copies: rule.copies,
            };
            self.jobs.push(JobChange::New(draft.of_unit(scope)));
        }
    }

    /// The label that the work order asks for, where there is one of that name for such containers.
    fn label_name(&self, level: Level, lane: &str) -> Option<String> {
        let labels = &self.on(lane)?.work_order.as_ref()?.terms.labels;
        let wanted = if level == Level::Package { &labels.package } else { &labels.pallet };
        let has = |wanted: &&String| {
            self.line.labels.iter().any(|rule| rule.is_for(level, lane) && rule.name.as_ref() == Some(*wanted))
        };
        wanted.as_ref().filter(has).cloned()
    }

    /// A person wants the label of a container again, whose code was scanned.
    pub(super) fn label_again(&mut self, lane: &str, id: &str, reason: Option<&str>) -> Result<Answer, Answer> {
        let facts = self.facts;
        let Some(job) = &facts.label else {
            let text = format!("There is no label of {id}");
            let help = "Printed labels are forgotten after a while; look whether this lane has a printer.";
            return Err(Answer::refused(lane, Code::NoLabel, text, help));
        };
        let verdict = Verdict::Again(reason.unwrap_or("asked for at the lane").to_owned());
        let answer = self.verdict(job, &verdict, None);
        let answer = Answer { lane: lane.to_owned(), ..answer };
        if answer.outcome == Outcome::Refused { Err(answer) } else { Ok(answer) }
    }

    /// A label that was scanned back has come out, whatever its printer said.
    pub(super) fn confirm_label(&mut self, id: &str) {
        let facts = self.facts;
        let Some(job) = facts.label.as_ref().filter(|job| job.draft.sscc == id) else { return };
        if job.state == JobState::Doubtful {
            let job = Job { state: JobState::Printed, why: String::new(), ..job.clone() };
            self.label_printed(&job, "scan");
            self.jobs.push(JobChange::Set(job));
        }
    }

    /// What a worker says counts only where it follows from what the journal holds: a worker of another time says nothing.
    pub(super) fn printing(&mut self, job: &Job, printing: &Printing) {
        let (state, why) = match (job.state, printing) {
            (JobState::Waiting, Printing::Begun { .. }) => (JobState::Sending, String::new()),
            // A row that is damaged reads as failed, and is put down as such.
            (JobState::Waiting | JobState::Failed, Printing::Failed(why)) => (JobState::Failed, why.clone()),
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

    /// The station starts: of what was being sent nobody knows what became, and a printer may be gone.
    pub(super) fn interrupted(&mut self, unfinished: &[Job]) {
        for job in unfinished {
            if job.state != JobState::Waiting {
                let why = "the station stopped while the label was being printed".to_owned();
                let sending = Job { state: JobState::Sending, ..job.clone() };
                self.printing(&sending, &Printing::Doubtful(why));
            } else if !self.line.printers.contains(&job.draft.printer) {
                // Nothing of it has gone out: today's printer takes it.
                match self.printer_for(&job.draft) {
                    Some(printer) => {
                        let draft = JobDraft { printer, ..job.draft.clone() };
                        self.jobs.push(JobChange::Set(Job { draft, ..job.clone() }));
                    }
                    None => self.printing(job, &Printing::Failed(no_printer(&job.draft))),
                }
            }
        }
    }

    fn rule_for(&self, draft: &JobDraft) -> Option<&LabelRule> {
        self.line.labels.iter().find(|rule| match draft.unit() {
            Some(_) => rule.on_pass && rule.is_on(&draft.lane),
            None => rule.is_for(draft.level, &draft.lane),
        })
    }

    /// Its own printer, or where that is gone the one that today's configuration names.
    fn printer_for(&self, draft: &JobDraft) -> Option<String> {
        if self.line.printers.contains(&draft.printer) {
            return Some(draft.printer.clone());
        }
        self.rule_for(draft).map(|rule| rule.printer.clone())
    }

    /// A person says what became of a label. `seen` is how often it had gone out in what the person saw: who looks at an old
    /// picture of things decides nothing.
    pub(super) fn verdict(&mut self, job: &Job, verdict: &Verdict, seen: Option<u32>) -> Answer {
        let (lane, sscc) = (job.draft.lane.as_str(), &job.draft.sscc);
        let done = |code, text| Answer::new(lane, Outcome::Done, code, text);
        if seen.is_some_and(|seen| seen != job.prints) {
            let text = format!("The label {sscc} was printed again meanwhile");
            return Answer::refused(lane, Code::LabelChanged, text, "Look at the labels again, then decide.");
        }
        match (job.state, verdict) {
            (JobState::Doubtful, Verdict::CameOut) => {
                let job = Job { state: JobState::Printed, why: String::new(), ..job.clone() };
                self.label_printed(&job, "person");
                self.jobs.push(JobChange::Set(job));
                done(Code::LabelConfirmed, format!("The label {sscc} came out"))
            }
            (JobState::Doubtful | JobState::Printed | JobState::Failed, Verdict::Again(reason)) => {
                let Some(printer) = self.printer_for(&job.draft) else {
                    let help = "Tell a technician: add a [[label]] for it to the configuration.";
                    return Answer::refused(lane, Code::NoPrinter, no_printer(&job.draft), help);
                };
                let mut draft = JobDraft { printer, ..job.draft.clone() };
                let never_out = job.prints == 0;
                if never_out && let Some(rule) = self.rule_for(&job.draft) {
                    // No label has this look yet: a mended template counts.
                    (draft.template, draft.copies) = (rule.template.clone(), rule.copies);
                    draft.printer.clone_from(&rule.printer);
                }
                let job = Job { draft, state: JobState::Waiting, why: reason.clone(), ..job.clone() };
                let mut record = self.label_record(Event::LabelAgain, &job);
                record.reason = Some(reason.clone());
                self.write(record);
                self.jobs.push(JobChange::Set(job));
                let text = match never_out {
                    true => format!("The label {sscc} is tried again"),
                    false => format!("The label {sscc} is printed again: destroy the old one, if there is one"),
                };
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
        let subject = match job.draft.unit() {
            Some(scope) => device(scope, &job.draft.sscc),
            None => Subject::container(&job.draft.sscc),
        };
        let mut draft = Draft::new(event, subject);
        draft.lane = Some(job.draft.lane.clone());
        draft.actor.clone_from(&self.actor);
        draft.attributes = [("template".to_owned(), job.draft.template.clone().into())].into();
        if job.draft.unit().is_none() {
            draft.attributes.insert("level".to_owned(), serde_json::json!(job.draft.level));
        }
        if let Some(picture) = &job.picture {
            draft.attributes.insert("picture".to_owned(), picture.clone().into());
        }
        draft
    }
}

fn no_printer(draft: &JobDraft) -> String {
    let JobDraft { printer, lane, level, .. } = draft;
    let level = match (draft.unit(), level) {
        (Some(_), _) => "units",
        (None, Level::Package) => "packages",
        (None, Level::Pallet) => "pallets",
    };
    format!("there is no printer `{printer}` any more, and no label for {level} of lane {lane}")
}

#[cfg(test)]
mod tests;
