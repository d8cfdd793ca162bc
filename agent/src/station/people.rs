//! People at a lane: signing on and off, and what a lane does.

use records::Event;

use super::answer::{Answer, Code, Outcome};
use super::command::Role;
use super::turn::Turn;

impl Turn<'_> {
    /// A badge: a supervisor allows what was just refused, or a person signs on. Where somebody has to be signed on and nobody
    /// is, a supervisor signs on first: the next badge allows.
    pub(super) fn badge(&mut self, name: &str, person: &str, supervisor: bool) -> Result<Answer, Answer> {
        let now = self.now;
        let last = self.on(name).and_then(|lane| lane.last_refused.clone()).filter(|last| !last.is_over(now));
        if let Some(last) = last.filter(|_| supervisor && self.check_operator(name).is_ok()) {
            return self.allow(name, person, last);
        }
        let before = self.on(name).and_then(|lane| lane.person.clone());
        if before.as_deref() == Some(person) {
            return Ok(Answer::new(name, Outcome::Done, Code::SignedOn, "You are signed on already"));
        }
        if before.is_some() {
            self.sign_off(name)?;
        }
        self.actor = Some(person.to_owned());
        let draft = self.draft(name, Event::SignedOn, self.station());
        self.write(draft);
        self.lane(name).person = Some(person.to_owned());
        Ok(Answer::new(name, Outcome::Done, Code::SignedOn, "Signed on"))
    }

    pub(super) fn sign_off(&mut self, name: &str) -> Result<Answer, Answer> {
        let Some(person) = self.lane(name).person.take() else {
            return Err(Answer::refused(name, Code::NoOperator, "Nobody is signed on", "Go on, or scan your badge."));
        };
        self.actor = Some(person);
        let draft = self.draft(name, Event::SignedOff, self.station());
        self.write(draft);
        self.actor = None;
        Ok(Answer::new(name, Outcome::Done, Code::SignedOff, "Signed off"))
    }

    /// Where somebody has to sign on first.
    pub(super) fn check_operator(&self, name: &str) -> Result<(), Answer> {
        let required = self.line.rules.lanes.get(name).is_some_and(|rules| rules.operator_required);
        if !required || self.on(name).is_some_and(|lane| lane.person.is_some()) {
            return Ok(());
        }
        Err(Answer::refused(name, Code::NoOperator, "Nobody is signed on at this lane", "Scan your badge first."))
    }

    pub(super) fn change_role(&mut self, name: &str, role: Role) -> Result<Answer, Answer> {
        let rules = self.line.rules.lane(name);
        if !rules.roles.contains(&role) {
            let words = rules.roles.iter().map(|role| role.word()).collect::<Vec<_>>().join(", ");
            let text = format!("This lane cannot {}", role.word());
            return Err(Answer::refused(name, Code::NotARole, text, format!("It can: {words}.")));
        }
        let lane = self.lane(name);
        if lane.task.is_some() || lane.testing.is_some() || lane.collecting.is_some() {
            let help = "Scan FINISH, or CANCEL.";
            return Err(Answer::refused(name, Code::Busy, "Something is not finished on this lane", help));
        }
        lane.role = Some(role);
        Ok(Answer::new(name, Outcome::Done, Code::RoleChanged, format!("This lane now does: {}", role.word())))
    }
}
