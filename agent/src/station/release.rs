//! What was put on hold at this line is released: by the service, or by a supervisor at the line.

use records::{Allowed, Event};

use super::answer::{Answer, Code, Outcome};
use super::command::Command;
use super::containers::unit_of;
use super::known::Known;
use super::pending::{Doing, Pending};
use super::turn::{Turn, device};

impl Turn<'_> {
    /// Is the person who is signed on a supervisor?
    pub(super) fn has_supervisor(&self, name: &str) -> bool {
        let person = self.on(name).and_then(|lane| lane.person.as_ref());
        person.is_some_and(|person| self.line.rules.people.supervisors.contains(person))
    }

    /// A badge at a lane where RELEASE waits for one; `None` where none does.
    pub(super) fn badge_to_release(
        &mut self,
        name: &str,
        by: &str,
        supervisor: bool,
    ) -> Option<Result<Answer, Answer>> {
        let now = self.now;
        let pending = self.on(name)?.pending.clone().filter(|pending| pending.is_release() && !pending.is_over(now))?;
        let Pending { subject: Some(subject), reason, .. } = pending else { return None };
        let unit = unit_of(&subject)?;
        if !supervisor {
            let help = "Scan a supervisor's badge, or CANCEL.";
            return Some(Err(Answer::refused(name, Code::NoOperator, "This is no supervisor's badge", help)));
        }
        if reason.is_none() && !self.line.rules.reasons.is_empty() {
            let help = "Scan the reason, then the badge again.";
            return Some(Err(Answer::refused(name, Code::ReasonMissing, "A reason is missing", help)));
        }
        self.lane(name).pending = None;
        Some(self.release(name, unit, by, reason.as_deref()))
    }

    /// The reason is there, and a supervisor is not: waits for the badge.
    pub(super) fn wait_for_supervisor(
        &mut self,
        name: &str,
        pending: Pending,
        reason: Option<&str>,
    ) -> Result<Answer, Answer> {
        if self.line.rules.people.supervisors.is_empty() {
            let text = "Nobody can release anything here: the configuration names no supervisor";
            return Err(Answer::refused(name, Code::NoOperator, text, "Let quality release it at the service."));
        }
        let pending = Pending { reason: reason.map(str::to_owned).or(pending.reason.clone()), ..pending };
        Ok(self.wait(name, pending, "Scan a supervisor's badge"))
    }

    /// A supervisor releases what was put on hold at this line.
    pub(super) fn release(
        &mut self,
        name: &str,
        (scope, serial): (&str, &str),
        by: &str,
        reason: Option<&str>,
    ) -> Result<Answer, Answer> {
        let facts = self.facts;
        let Some(known) = facts.known.as_ref().filter(|known| known.held) else {
            let (text, help) = match facts.held.is_empty() {
                true => (format!("{serial} is not on hold here"), "Nothing is to be done."),
                false => (format!("{serial} is on hold at the service"), "Let quality release it there."),
            };
            return Err(Answer::refused(name, Code::NotHeld, text, help));
        };
        let reason = reason.unwrap_or("at the line");
        let mut draft = self.draft(name, Event::Released, device(scope, serial));
        draft.reason = Some(reason.to_owned());
        draft.allowed = Some(Allowed { code: Code::OnHold.word(), by: by.to_owned(), reason: reason.to_owned() });
        self.write(draft);
        self.set_known(scope, serial, Known { held: false, ..known.clone() });
        self.count(name, None, "released");
        let mut answer = Answer::new(name, Outcome::Done, Code::HoldReleased, format!("{serial} is released"));
        answer.serial = Some(serial.to_owned());
        // The service knows of the hold by its record, and tells it to this station, too.
        answer.help = "Let quality release it at the service as well.".to_owned();
        Ok(answer)
    }

    /// The service has released what was put on hold at this line. Its own record says so: none is written here.
    pub(super) fn released(&mut self, name: &str, (scope, serial): (&str, &str), known: &Known) -> Option<Answer> {
        if !known.held {
            return None;
        }
        self.set_known(scope, serial, Known { held: false, ..known.clone() });
        let text = format!("{serial} is released, says the service");
        let mut answer = Answer::new(name, Outcome::Done, Code::HoldReleased, text);
        answer.serial = Some(serial.to_owned());
        Some(answer)
    }
}

impl Pending {
    /// Does RELEASE wait?
    pub(super) fn is_release(&self) -> bool {
        matches!(self.doing, Doing::Command(Command::Release))
    }
}
