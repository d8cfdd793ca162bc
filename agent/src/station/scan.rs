//! A scan: what it is held against, in which order, and which role it belongs to.

use records::wire::WorkOrder;
use records::{Kind, Subject};

use super::answer::{Answer, Code, Outcome};
use super::command::Role;
use super::hold;
use super::input::{Raw, Reading, Unread};
use super::known::{Known, UnitState};
use super::refusals::Due;
use super::roles::Task;
use super::turn::{Turn, device};

impl Turn<'_> {
    pub(super) fn scanned(
        &mut self,
        (lane, scanner): (&str, &str),
        reading: &Result<Reading, Unread>,
        raw: &Raw,
    ) -> Answer {
        self.actor = self.on(lane).and_then(|lane| lane.person.clone());
        let result = match reading {
            Ok(reading) => self.reading(lane, reading),
            Err(unread) => Err(refuse_unread(lane, unread)),
        };
        let done = result.is_ok();
        let answer = result.unwrap_or_else(|refused| self.refuse((lane, scanner), reading.as_ref().ok(), raw, refused));
        // A supervisor's badge says itself what it is for.
        let decides = matches!(reading, Ok(Reading::Badge { supervisor: true, .. }));
        if !decides {
            self.forget_refused(lane, reading.as_ref().err(), done);
        }
        self.drop_label(lane, reading, &answer);
        answer
    }

    /// Refused whole: nothing of it stays but that it was refused.
    pub(super) fn refuse(
        &mut self,
        (lane, scanner): (&str, &str),
        reading: Option<&Reading>,
        raw: &Raw,
        mut refused: Answer,
    ) -> Answer {
        let permission = self.permission.take();
        // A supervisor's badge is about what was refused before.
        let about = permission.as_ref().map(|permission| &permission.reading).or(reading).cloned();
        let reading = about.as_ref();
        let asks_later = std::mem::take(&mut self.asks_later) && refused.code == Code::ServiceSilent;
        self.give_up();
        // The next work order is one to begin, not one to seal.
        if let Some(lane) = self.state.lanes.get_mut(lane) {
            lane.pending.take_if(|pending| pending.is_seal() && refused.code != Code::NotHere);
        }
        let subject = match reading {
            Some(reading) => self.subject_of(reading),
            None => self.station(),
        };
        if let Some(Reading::Device { serial, .. } | Reading::Component { serial, .. }) = reading {
            refused.serial = Some(serial.clone());
        }
        if let Some(reading) = reading {
            if permission.is_some() {
                self.lane(lane).pending = None;
            }
            self.note_refused(lane, reading, refused.code, permission);
        }
        self.state.counters.refused += 1;
        self.count(lane, None, format!("refused:{}", refused.code.word()));
        let due =
            self.state.refusals.note((lane, scanner), refused.code, raw, (&subject, self.actor.as_ref()), self.now);
        self.record_refusals(due, self.facts.room);
        if asks_later && subject.kind == Kind::Device {
            let known = self.facts.known.clone().unwrap_or(Known { state: UnitState::Seen, ..Known::default() });
            self.set_known(&subject.scope, &subject.id, Known { unchecked: true, ..known });
        }
        refused
    }

    fn subject_of(&self, reading: &Reading) -> Subject {
        match reading {
            Reading::Device { serial, scope, .. } | Reading::Component { serial, scope, .. } => device(scope, serial),
            Reading::WorkOrder { id, .. } => Subject::new(Kind::WorkOrder, id),
            _ => self.station(),
        }
    }

    fn reading(&mut self, name: &str, reading: &Reading) -> Result<Answer, Answer> {
        if let Reading::Badge { person, supervisor } = reading {
            let released = self.badge_to_release(name, person, *supervisor);
            return released.unwrap_or_else(|| self.badge(name, person, *supervisor));
        }
        self.check_operator(name)?;
        if let Reading::Command(command) = reading {
            return self.command(name, *command);
        }
        let now = self.now;
        let pending = self.on(name).and_then(|lane| lane.pending.clone()).filter(|pending| !pending.is_over(now));
        match pending {
            Some(pending) => self.scan_for(name, pending, reading),
            None => self.by_role(name, reading),
        }
    }

    /// What a scan means to a lane that waits for nothing.
    pub(super) fn by_role(&mut self, name: &str, reading: &Reading) -> Result<Answer, Answer> {
        if let Some(Task::Adopt { .. }) = self.on(name).and_then(|lane| lane.task.as_ref()) {
            return self.scan_over(name, reading);
        }
        if let Some(answer) = self.scan_back(name, reading)? {
            return Ok(answer);
        }
        if let Reading::Part { set, rule, attributes } = reading {
            return self.part(name, set, rule, attributes);
        }
        if let Reading::WorkOrder { id, attributes, terms } = reading {
            let order = WorkOrder { id: id.clone(), attributes: attributes.clone(), terms: terms.clone() };
            let held = &self.facts.held;
            return self.work_order(name, order).map(|answer| hold::warn(answer, held));
        }
        match self.role(name) {
            Role::Pack | Role::Palletise => self.pack(name, reading),
            Role::Test => self.test(name, reading),
            Role::Assemble => self.assemble(name, reading),
            Role::Despatch => self.despatch(name, reading),
            Role::Recount => self.recount(name, reading),
            Role::Check => self.look_up(name, reading),
        }
    }

    /// Where the label of a closed container is to be scanned back before anything else is packed.
    fn scan_back(&mut self, name: &str, reading: &Reading) -> Result<Option<Answer>, Answer> {
        let Some(expected) = self.on(name).and_then(|lane| lane.scan_back.first().cloned()) else { return Ok(None) };
        let wrong = |text: String| {
            let help = format!("Put the label of {expected} on and scan it; scan LABEL AGAIN if it is missing.");
            Err(Answer::refused(name, Code::ScanLabel, text, help))
        };
        match reading {
            Reading::Container { id, .. } if self.on(name).is_some_and(|lane| lane.scan_back.contains(id)) => {
                self.lane(name).scan_back.retain(|waiting| waiting != id);
                self.confirm_label(id);
                let answer =
                    Answer::new(name, Outcome::Done, Code::LabelChecked, format!("The label of {id} is right"));
                Ok(Some(self.ask_back(name, answer)))
            }
            Reading::Container { id, .. } => wrong(format!("This is the label of {id}, not of {expected}")),
            Reading::Device { .. } | Reading::Part { .. } | Reading::Component { .. } => {
                wrong(format!("The label of {expected} was not scanned yet"))
            }
            _ => Ok(None),
        }
    }

    /// A recount, an assembly or a despatch is complete.
    pub(super) fn finish(&mut self, name: &str) -> Result<Answer, Answer> {
        match self.role(name) {
            _ if matches!(self.on(name).and_then(|lane| lane.task.as_ref()), Some(Task::Adopt { .. })) => {
                self.finish_adopting(name)
            }
            Role::Recount => self.finish_recount(name),
            Role::Assemble => self.finish_assembly(name),
            Role::Despatch => self.finish_despatch(name),
            _ => Err(Answer::refused(name, Code::NothingWaits, "There is nothing to finish", "Go on scanning.")),
        }
    }

    /// Refusals go on record where there is room for them, after those that were only counted so far; else they are counted.
    pub(super) fn record_refusals(&mut self, due: Vec<Due>, room: bool) {
        if room {
            let station = self.station();
            let summaries = self.state.unrecorded.summaries(&station);
            self.drafts.extend(summaries);
            self.drafts.extend(due.into_iter().map(Due::draft));
        } else {
            due.into_iter().for_each(|due| self.state.unrecorded.add(due.tally(self.now)));
        }
    }
}

/// A scan that means something, and not here.
pub(super) fn not_here(lane: &str) -> Answer {
    let help = "Scan what the lane is for: the serial label of a unit, a work order or a command.";
    Answer::refused(lane, Code::NotHere, "This code is not expected here", help)
}
fn refuse_unread(lane: &str, unread: &Unread) -> Answer {
    let refuse = |code, text: String, help: &str| Answer::refused(lane, code, text, help);
    match unread {
        Unread::NoRead => refuse(
            Code::NoRead,
            "The scanner could not read the code".into(),
            "Scan again; clean or replace a damaged label.",
        ),
        Unread::NotText => refuse(
            Code::NotText,
            "The scan is not text".into(),
            "Scan the serial label of the unit. If it was that, check the scanner's baud rate and parity.",
        ),
        Unread::NoRule => refuse(
            Code::NoRule,
            "No rule knows this code".into(),
            "Scan the serial label of the unit, not another code on it.",
        ),
        Unread::TwoRules(names) => refuse(
            Code::TwoRules,
            format!("The code fits the rules {}", names.join(" and ")),
            "Tell a technician: rules must not overlap.",
        ),
        Unread::BadValue(rule, why) => refuse(
            Code::BadValue,
            format!("Rule {rule}: {why}"),
            "Scan again; if it is refused again, set the unit aside.",
        ),
        Unread::Refused { code, text, help } => refuse(*code, text.clone(), help),
        Unread::CheckDigit(rule, name, digit) => refuse(
            Code::CheckDigit,
            format!("Rule {rule}: {name} does not end in its {digit} check digit"),
            "Scan again; if it is refused again, the label is misprinted: set the unit aside.",
        ),
        Unread::Gs1(why) => refuse(
            Code::Gs1,
            why.clone(),
            "Scan again; if it is refused again, check the label and the scanner's programming.",
        ),
        Unread::Noise(what) => refuse(
            Code::Noise,
            format!("The scanner sent something that is no scan: {what}"),
            "Scan again; check the cable and the scanner's programming.",
        ),
        Unread::NoCode { text, help } => refuse(Code::NoCode, text.clone(), help),
        Unread::Picture { text, help } => refuse(Code::Picture, text.clone(), help),
    }
}
