//! Components into units.

use records::{Event, Joined, Kind};

use super::super::answer::{Answer, Code, Outcome};
use super::super::containers::{unit_key, unit_of_key};
use super::super::input::Reading;
use super::super::known::{Known, UnitState};
use super::super::turn::{Turn, device};
use super::Task;

impl Turn<'_> {
    pub(in super::super) fn assemble(&mut self, name: &str, reading: &Reading) -> Result<Answer, Answer> {
        match reading {
            Reading::Device { serial, scope, .. } => self.unit_for_components(name, scope, serial),
            Reading::Component { serial, kind, scope, attributes } => {
                self.component(name, (scope, serial), kind, attributes)
            }
            _ => Err(super::super::scan::not_here(name)),
        }
    }

    fn unit_for_components(&mut self, name: &str, scope: &str, serial: &str) -> Result<Answer, Answer> {
        if let Some(Task::Assemble { serial: current, .. }) = self.on(name).and_then(|lane| lane.task.clone()) {
            if current == serial {
                let text = format!("{serial} gets its components");
                return Ok(Answer::new(name, Outcome::Known, Code::Assembled, text));
            }
            // The next unit ends the one before, if that is complete.
            self.finish_assembly(name)?;
        }
        self.check_hold(name, serial)?;
        if self.facts.known.as_ref().is_some_and(|known| known.state == UnitState::Scrapped) {
            let text = format!("{serial} is scrap");
            return Err(Answer::refused(name, Code::Scrapped, text, "Set the unit aside."));
        }
        let task = Task::Assemble { serial: serial.to_owned(), scope: scope.to_owned(), kinds: Vec::new() };
        self.lane(name).task = Some(task);
        let mut answer = Answer::new(name, Outcome::Done, Code::Waiting, format!("{serial}: scan its components"));
        answer.serial = Some(serial.to_owned());
        Ok(answer)
    }

    fn component(
        &mut self,
        name: &str,
        (scope, serial): (&str, &str),
        kind: &str,
        attributes: &records::attributes::Attributes,
    ) -> Result<Answer, Answer> {
        let refuse = |code, text: String, help: &str| Err(Answer::refused(name, code, text, help));
        let Some(Task::Assemble { serial: unit, scope: unit_scope, mut kinds }) =
            self.on(name).and_then(|lane| lane.task.clone())
        else {
            return refuse(Code::Busy, "No unit waits for components".to_owned(), "Scan the unit first.");
        };
        self.check_hold(name, serial)?;
        let key = unit_key(&unit_scope, &unit);
        if let Some(known) = &self.facts.known {
            match (known.state, &known.package) {
                (UnitState::Scrapped, _) => {
                    return refuse(Code::Scrapped, format!("{serial} is scrap"), "Set the component aside.");
                }
                (UnitState::Packed, Some(there)) if *there == key => {
                    let text = format!("{serial} is in {unit} already");
                    return Ok(Answer::new(name, Outcome::Known, Code::AlreadyThere, text));
                }
                (UnitState::Packed, Some(there)) => {
                    let text = format!("{serial} is in {} already", unit_of_key(there).id);
                    let help = "Scan TAKE OUT and the component if it was taken out of that unit.";
                    return refuse(Code::InAnotherUnit, text, help);
                }
                _ => {}
            }
        }
        let mut draft = self.draft(name, Event::Assembled, device(scope, serial));
        draft.into = vec![Joined { kind: Kind::Device, id: unit.clone(), scope: unit_scope.clone(), level: None }];
        draft.attributes = attributes.clone();
        let seq = self.write(draft);
        let known = self.facts.known.clone().unwrap_or_default();
        let state = UnitState::Packed;
        self.set_known(scope, serial, Known { package: Some(key), state, seq, series: None, ..known });
        self.count(name, None, "assembled");
        kinds.push(kind.to_owned());
        let missing = self.missing_components(name, &kinds);
        let text = match missing.as_slice() {
            [] => format!("{kind} {serial} is in {unit}"),
            missing => format!("{kind} {serial} is in {unit}; still to scan: {}", missing.join(", ")),
        };
        let mut answer = Answer::new(name, Outcome::Accepted, Code::Assembled, text);
        answer.serial = Some(unit.clone());
        self.lane(name).task = Some(Task::Assemble { serial: unit, scope: unit_scope, kinds });
        Ok(answer)
    }

    /// The kinds that are missing still: one that is named twice is needed twice.
    fn missing_components(&self, name: &str, kinds: &[String]) -> Vec<String> {
        let mut missing = self.line.rules.lane(name).components;
        for kind in kinds {
            if let Some(at) = missing.iter().position(|wanted| wanted == kind) {
                missing.remove(at);
            }
        }
        missing
    }

    pub(in super::super) fn finish_assembly(&mut self, name: &str) -> Result<Answer, Answer> {
        let Some(Task::Assemble { serial, kinds, .. }) = self.on(name).and_then(|lane| lane.task.clone()) else {
            return Err(Answer::refused(name, Code::NothingWaits, "No unit waits for components", "Scan a unit."));
        };
        let missing = self.missing_components(name, &kinds);
        if !missing.is_empty() {
            let text = format!("{serial} lacks {}", missing.join(", "));
            let help = "Scan the missing components, or CANCEL if the unit is set aside.";
            return Err(Answer::refused(name, Code::Incomplete, text, help));
        }
        self.lane(name).task = None;
        let text = format!("{serial} is complete with {} components", kinds.len());
        let mut answer = Answer::new(name, Outcome::Done, Code::AssemblyComplete, text);
        answer.serial = Some(serial);
        Ok(answer)
    }
}
