//! Commands that wait for the scans they need: what it is done with, where to, and why.

use records::Stamp;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, Code, Outcome};
use super::command::Command;
use super::containers::unit_of;
use super::facts::Commanded;
use super::input::Reading;
use super::permission::LastRefused;
use super::turn::Turn;

/// A command waits so long for the next scan, in milliseconds.
const WAITS_MS: u64 = 60_000;

/// What waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doing {
    /// A command.
    Command(Command),
    /// A supervisor allows what was refused.
    Allow {
        /// Who.
        by: String,
        /// What.
        last: Box<LastRefused>,
    },
}

/// A command that waits for a scan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    /// What is to be done.
    pub doing: Doing,
    /// With what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Reading>,
    /// Where to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub into: Option<String>,
    /// Why, where something else is still missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The boot in which the last scan for it came.
    pub boot: String,
    /// When that was, in milliseconds since boot.
    pub since: u64,
}

impl Pending {
    pub(super) fn new(doing: Doing, now: &Stamp) -> Self {
        Self { doing, subject: None, into: None, reason: None, boot: now.boot.clone(), since: now.since_boot }
    }

    /// Has nothing come for too long?
    pub(super) fn is_over(&self, now: &Stamp) -> bool {
        self.boot != now.boot || now.since_boot.saturating_sub(self.since) >= WAITS_MS
    }

    /// What waits, as people are told.
    #[must_use]
    pub fn word(&self) -> String {
        match &self.doing {
            Doing::Command(command) => command.to_string(),
            Doing::Allow { .. } => "allow".to_owned(),
        }
    }

    /// Is something to be sealed?
    pub(super) fn is_seal(&self) -> bool {
        matches!(self.doing, Doing::Command(Command::Seal))
    }

    fn is_allow(&self) -> bool {
        matches!(self.doing, Doing::Allow { .. })
    }
}

/// Which commands need something that is scanned.
fn needs_subject(command: Command) -> bool {
    use Command::{Adopt, AgainLabel, Correct, Hold, Move, Release, Reopen, Scrap, Seal, TakeOut};
    matches!(command, Move | Correct | TakeOut | Scrap | Hold | Release | Reopen | AgainLabel | Seal | Adopt)
}

fn needs_target(command: Command) -> bool {
    matches!(command, Command::Move | Command::Correct)
}

/// Which ask why, where the configuration has reasons.
fn needs_reason(command: Command) -> bool {
    use Command::{AgainLabel, Hold, Release, Reopen, Scrap, TakeOut};
    matches!(command, TakeOut | Scrap | Hold | Release | Reopen | AgainLabel)
}

fn what_is_scanned(command: Command) -> &'static str {
    match command {
        Command::Scrap | Command::Hold | Command::Release => "Scan the unit",
        Command::Reopen | Command::AgainLabel | Command::Adopt => "Scan the label of the container",
        Command::Seal => "Scan the work order, or the label of the container",
        _ => "Scan the unit, or the label of the container",
    }
}

impl Turn<'_> {
    /// Waits for the next scan.
    pub(super) fn wait(&mut self, name: &str, mut pending: Pending, what: &str) -> Answer {
        (pending.boot, pending.since) = (self.now.boot.clone(), self.now.since_boot);
        self.lane(name).pending = Some(pending);
        let mut answer = Answer::new(name, Outcome::Done, Code::Waiting, what);
        answer.help = "Scan CANCEL if you do not want it after all.".to_owned();
        answer
    }

    /// A command that a person scanned.
    pub(super) fn command(&mut self, name: &str, command: Command) -> Result<Answer, Answer> {
        if command == Command::Cancel {
            return self.cancel(name);
        }
        // Another command ends what waited.
        self.lane(name).pending = None;
        match needs_subject(command) || self.asks_reason(name, command) {
            true => {
                let pending = Pending::new(Doing::Command(command), self.now);
                self.advance(name, pending, None)
            }
            false => self.carry_out(name, command, None, None, None),
        }
    }

    /// A command with all that belongs to it.
    pub(super) fn commanded(&mut self, name: &str, commanded: &Commanded) -> Result<Answer, Answer> {
        let Commanded { command, subject, into, reason } = commanded;
        if *command == Command::Cancel {
            return self.cancel(name);
        }
        self.lane(name).pending = None;
        if !needs_subject(*command) {
            return self.carry_out(name, *command, None, None, reason.as_deref());
        }
        let mut pending = Pending::new(Doing::Command(*command), self.now);
        (pending.subject, pending.into) = (subject.clone(), into.clone());
        self.advance(name, pending, reason.as_deref())
    }

    /// A scan for the command that waits.
    pub(super) fn scan_for(&mut self, name: &str, mut pending: Pending, reading: &Reading) -> Result<Answer, Answer> {
        let command = match &pending.doing {
            Doing::Command(command) => *command,
            Doing::Allow { by, last } => {
                let Reading::Reason { text } = reading else {
                    let help = "Scan a reason, or CANCEL.";
                    return Err(Answer::refused(name, Code::ReasonMissing, "A reason is missing", help));
                };
                let (by, last) = (by.clone(), last.clone());
                return self.allowed_by(name, &by, *last, text.clone());
            }
        };
        match reading {
            Reading::Reason { text } => return self.advance(name, pending, Some(text)),
            reading if needs_subject(command) && pending.subject.is_none() => {
                self.check_subject(name, command, reading)?;
                pending.subject = Some(reading.clone());
            }
            Reading::Container { id, .. } if needs_target(command) && pending.into.is_none() => {
                pending.into = Some(id.clone());
            }
            _ => {
                let text = format!("{} waits for something else", Self::command_word(command));
                let help = format!("{}, or CANCEL.", missing(command, &pending));
                return Err(Answer::refused(name, Code::NotHere, text, help));
            }
        }
        self.advance(name, pending, None)
    }

    /// Carries out what is complete, and waits for the rest.
    fn advance(&mut self, name: &str, pending: Pending, reason: Option<&str>) -> Result<Answer, Answer> {
        let Doing::Command(command) = pending.doing else { return Err(super::scan::not_here(name)) };
        let lacks_subject = needs_subject(command) && pending.subject.is_none();
        let lacks_target = needs_target(command) && pending.into.is_none();
        if lacks_subject || lacks_target {
            if reason.is_some() {
                let help = format!("{}, then the reason.", missing(command, &pending));
                return Err(Answer::refused(name, Code::NotHere, "The reason comes last", help));
            }
            let what = missing(command, &pending).to_owned();
            return Ok(self.wait(name, pending, &what));
        }
        let under_run = match (&pending.subject, command) {
            (Some(Reading::WorkOrder { id, .. }), Command::Seal) => {
                let id = id.clone();
                self.is_under_run(&id)
            }
            _ => false,
        };
        if reason.is_none() && (self.asks_reason(name, command) || (under_run && !self.line.rules.reasons.is_empty())) {
            let mut answer = self.wait(name, pending, "Scan the reason");
            if under_run {
                answer.text = "The work order has fewer units than it should have: scan the reason".to_owned();
            }
            return Ok(answer);
        }
        if command == Command::Release && !self.has_supervisor(name) {
            return self.wait_for_supervisor(name, pending, reason);
        }
        self.lane(name).pending = None;
        self.carry_out(name, command, pending.subject.as_ref(), pending.into.as_deref(), reason)
    }

    /// Is a reason asked for?
    fn asks_reason(&self, name: &str, command: Command) -> bool {
        let part_filled = || {
            let depth = self.depth_to_close(command);
            let lane = self.on(name);
            let open = depth.and_then(|depth| Some((self.at(lane?, depth)?, depth)));
            self.line.packing.part_filled_reason
                && open.is_some_and(|(open, depth)| open.count > 0 && open.count < self.size(lane, depth))
        };
        !self.line.rules.reasons.is_empty() && (needs_reason(command) || part_filled())
    }

    fn depth_to_close(&self, command: Command) -> Option<usize> {
        match command {
            Command::ClosePackage => Some(0),
            Command::ClosePallet => self.levels().len().checked_sub(1),
            Command::CloseLevel(depth) => Some(depth.into()),
            _ => None,
        }
    }

    /// Wrong things are said at once, before anybody walks to the next label.
    fn check_subject(&mut self, name: &str, command: Command, reading: &Reading) -> Result<(), Answer> {
        let fits = match command {
            Command::Scrap | Command::Hold | Command::Release => unit_of(reading).is_some(),
            Command::Reopen | Command::AgainLabel | Command::Adopt => matches!(reading, Reading::Container { .. }),
            Command::Seal => matches!(reading, Reading::Container { .. } | Reading::WorkOrder { .. }),
            _ => unit_of(reading).is_some() || matches!(reading, Reading::Container { .. }),
        };
        if !fits {
            let text = format!("{} is not about this", Self::command_word(command));
            let help = format!("{}, or CANCEL.", what_is_scanned(command));
            return Err(Answer::refused(name, Code::NotHere, text, help));
        }
        if matches!(command, Command::Move | Command::Correct | Command::TakeOut) {
            self.thing(name, reading)?;
        }
        Ok(())
    }

    fn cancel(&mut self, name: &str) -> Result<Answer, Answer> {
        let lane = self.lane(name);
        let waited = lane.pending.take().is_some()
            | lane.collecting.take().is_some()
            | lane.task.take().is_some()
            | lane.testing.take().is_some();
        match waited {
            true => Ok(Answer::new(name, Outcome::Done, Code::Cancelled, "Cancelled")),
            false => {
                let help = "Go on scanning.";
                Err(Answer::refused(name, Code::NothingWaits, "There is nothing to cancel", help))
            }
        }
    }

    /// Gives up what has waited too long. Tells what that was.
    pub(super) fn give_up_waiting(&mut self) -> Option<Answer> {
        let now = self.now;
        let over: Vec<(String, Doing)> = self
            .state
            .lanes
            .iter_mut()
            .filter_map(|(name, lane)| {
                lane.last_refused.take_if(|last| last.is_over(now));
                let pending = lane.pending.take_if(|pending| pending.is_over(now))?;
                Some((name.clone(), pending.doing))
            })
            .collect();
        let (lane, doing) = over.into_iter().next()?;
        let what = match doing {
            Doing::Command(command) => Self::command_word(command),
            Doing::Allow { .. } => "The permission".to_owned(),
        };
        let text = format!("{what} was given up: nothing came");
        let mut answer = Answer::new(&lane, Outcome::Done, Code::Cancelled, text);
        answer.help = "Begin again if you still want it.".to_owned();
        Some(answer)
    }

    fn carry_out(
        &mut self,
        name: &str,
        command: Command,
        subject: Option<&Reading>,
        into: Option<&str>,
        reason: Option<&str>,
    ) -> Result<Answer, Answer> {
        if let Some(depth) = self.depth_to_close(command) {
            return self.close_by_command(name, depth, reason);
        }
        match (command, subject) {
            (Command::VoidLast, _) => self.void_last(name),
            (Command::SignOff, _) => self.sign_off(name),
            (Command::Finish, _) => self.finish(name),
            (Command::Role(role), _) => self.change_role(name, role),
            (Command::Move | Command::Correct, Some(reading)) => {
                let thing = self.thing(name, reading)?;
                let mistake = command == Command::Correct;
                self.move_into(name, thing, into.unwrap_or_default(), reason, mistake)
            }
            (Command::TakeOut, Some(reading)) => {
                let thing = self.thing(name, reading)?;
                self.take_out(name, thing, reason)
            }
            (Command::Scrap, Some(reading)) => match unit_of(reading) {
                Some(unit) => self.scrap(name, unit, reason),
                None => Err(super::scan::not_here(name)),
            },
            (Command::Hold, Some(reading)) => match unit_of(reading) {
                Some((scope, serial)) => Ok(self.hold(name, scope, serial, reason)),
                None => Err(super::scan::not_here(name)),
            },
            (Command::Release, Some(reading)) => match (unit_of(reading), self.actor.clone()) {
                (Some(unit), Some(by)) => self.release(name, unit, &by, reason),
                _ => Err(super::scan::not_here(name)),
            },
            (Command::Reopen, Some(Reading::Container { id, .. })) => match self.container(id) {
                Some(container) => self.reopen(name, &container, reason),
                None => Err(unknown_container(name, id)),
            },
            (Command::Seal, Some(Reading::WorkOrder { id, .. })) => self.seal_order(name, id, reason),
            (Command::Seal, Some(Reading::Container { id, .. })) => match self.container(id) {
                Some(container) => self.seal_container(name, &container, reason),
                None => Err(unknown_container(name, id)),
            },
            (Command::AgainLabel, Some(Reading::Container { id, .. })) => self.label_again(name, id, reason),
            (Command::Adopt, Some(Reading::Container { id, .. })) => self.take_over(name, id),
            _ => Err(super::scan::not_here(name)),
        }
    }
}

fn missing(command: Command, pending: &Pending) -> &'static str {
    match pending.subject {
        None if !pending.is_allow() => what_is_scanned(command),
        _ if needs_target(command) => "Scan the label of the container that it goes into",
        _ if pending.reason.is_some() => "Scan a supervisor's badge",
        _ => "Scan the reason",
    }
}

fn unknown_container(name: &str, id: &str) -> Answer {
    let help = "Look whether this is the right label: this station has never had this container.";
    Answer::refused(name, Code::UnknownContainer, format!("{id} is not known here"), help)
}
