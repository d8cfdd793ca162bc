//! What the service knows of a unit, held against what is about to be accepted here.

use records::Event;

use super::answer::{Answer, Code, Outcome};
use super::hold::Hold;
use super::known::{Known, UnitState};
use super::lanes::{Interlocked, LaneRules, Offline};
use super::service::{RemoteUnit, Service};
use super::turn::{Turn, device};

/// What follows from the answer, or from there being none.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Checked {
    /// Nothing speaks against it.
    Good,
    /// It is accepted, and asked again later.
    Unchecked,
    /// It is not packed, set aside and asked again later.
    Hold,
    /// It is refused.
    Refused(Code, String),
}

/// The policy of a lane for an answer of the service. Pure, and all of it. Tells whether the answer is to be looked at.
pub(super) fn policy(rules: &LaneRules, service: &Service) -> Result<bool, Checked> {
    let interlock = &rules.interlock;
    let limit = u64::try_from(interlock.answer_age.as_millis()).unwrap_or(u64::MAX);
    match (interlock.asked, service) {
        (Interlocked::Off, _) => Ok(false),
        // An old answer is better than none, where none would do.
        (Interlocked::Preferred, Service::Answer { .. }) => Ok(true),
        (Interlocked::Preferred, _) => Err(Checked::Unchecked),
        (Interlocked::Required, Service::Answer { age_ms, .. }) if *age_ms <= limit => Ok(true),
        (Interlocked::Required, _) => Err(match interlock.offline {
            Offline::Accept => Checked::Unchecked,
            Offline::Hold => Checked::Hold,
            Offline::Refuse => {
                Checked::Refused(Code::ServiceSilent, "The service gives no answer about this unit".to_owned())
            }
        }),
    }
}

/// What speaks against packing a unit, of what the service knows of it.
/// `known` is what this station knows of it.
pub(super) fn contradiction(
    station: &str,
    order: Option<&str>,
    known: Option<&Known>,
    remote: &RemoteUnit,
) -> Option<(Code, String)> {
    // Of what this station did itself it knows more than the service, unless it has lost its journal.
    let here = known.and_then(|known| known.package.as_ref()).is_some_and(|here| remote.places.contains(here));
    let elsewhere = remote.station.as_deref().is_some_and(|other| other != station);
    let other = remote.station.as_deref().unwrap_or_default();
    if remote.recalled {
        return Some((Code::Recall, "is under recall, says the service".to_owned()));
    }
    if remote.held {
        return Some((Code::OnHold, "is on hold at the service".to_owned()));
    }
    match remote.state {
        UnitState::Scrapped => Some((Code::Scrapped, "is scrap, says the service".to_owned())),
        UnitState::Packed if elsewhere && !here => {
            let package = remote.package_id.as_deref().unwrap_or("a package");
            let same = order.is_some() && remote.work_order.as_deref() == order;
            let code = if same { Code::DuplicateOrder } else { Code::DuplicateElsewhere };
            Some((code, format!("is packed already by station {other}, in {package}")))
        }
        UnitState::Packed if known.is_none() => {
            let package = remote.package_id.as_deref().unwrap_or("a package");
            Some((Code::Duplicate, format!("is packed already, in {package}, says the service")))
        }
        _ => remote.contradictions.first().map(|found| (code_of(&found.code), format!("is contested: {}", found.text))),
    }
}

/// The code with this word; a newer service may have others.
fn code_of(word: &str) -> Code {
    serde_json::from_value(word.into()).unwrap_or(Code::Contradicted)
}

impl Turn<'_> {
    /// Holds the service's answer against a unit that is about to be packed. Tells whether it is to be asked again.
    pub(super) fn check_service(&mut self, name: &str, serial: &str) -> Result<bool, Answer> {
        let Some(rules) = self.line.rules.lanes.get(name) else { return Ok(false) };
        let facts = self.facts;
        let checked = match policy(rules, &facts.service) {
            Ok(false) => Checked::Good,
            Ok(true) => {
                let remote = match &facts.service {
                    Service::Answer { unit, .. } => unit.as_ref(),
                    _ => None,
                };
                let order = self.on(name).and_then(|lane| lane.work_order.as_ref()).map(|order| order.id.as_str());
                remote
                    .and_then(|remote| contradiction(&self.line.station, order, facts.known.as_ref(), remote))
                    .map_or(Checked::Good, |(code, text)| Checked::Refused(code, format!("{serial} {text}")))
            }
            Err(other) => other,
        };
        match checked {
            Checked::Good => Ok(false),
            Checked::Unchecked => Ok(true),
            Checked::Hold => {
                let text = format!("{serial} waits for the service: it gives no answer");
                let help = "Set the unit aside: you are told when the service has answered.";
                let refused = Answer::refused(name, Code::ServiceSilent, text, help);
                self.asks_later = true;
                self.unless_allowed(refused)?;
                Ok(true)
            }
            Checked::Refused(code, text) => {
                let help = "Set the unit aside, and tell the office.";
                self.unless_allowed(Answer::refused(name, code, text, help))?;
                Ok(code == Code::ServiceSilent)
            }
        }
    }

    /// The service has answered at last about a unit that was accepted without it.
    pub(super) fn checked(
        &mut self,
        name: &str,
        (scope, serial): (&str, &str),
        known: &Known,
        service: &Service,
    ) -> Option<Answer> {
        let Service::Answer { unit, .. } = service else { return None };
        if !known.unchecked {
            return None;
        }
        let order = known.work_order.as_deref();
        let found = unit.as_ref().and_then(|remote| contradiction(&self.line.station, order, Some(known), remote));
        // As long as the service has not got this station's own record, it can only say that something is wrong.
        let place = known.package.as_ref().filter(|_| known.state == UnitState::Packed);
        let has_it = place.is_none_or(|place| unit.as_ref().is_some_and(|unit| unit.places.contains(place)));
        if found.is_none() && !has_it {
            return None;
        }
        self.set_known(scope, serial, Known { unchecked: false, ..known.clone() });
        let mut answer = match (&found, known.state) {
            (None, UnitState::Packed) | (_, UnitState::Out | UnitState::Scrapped) => return None,
            (None, UnitState::Seen) => {
                let text = format!("The service has nothing against {serial}: it may be packed");
                Answer::new(name, Outcome::Done, Code::LookedUp, text)
            }
            (Some((code, text)), UnitState::Packed) => self.contradicted(name, (scope, serial), known, (*code, text)),
            (Some((code, text)), _) => {
                Answer::refused(name, *code, format!("{serial} {text}"), "Set the unit aside, and tell the office.")
            }
        };
        answer.serial = Some(serial.to_owned());
        Some(answer)
    }

    fn contradicted(
        &mut self,
        name: &str,
        (scope, serial): (&str, &str),
        known: &Known,
        (code, text): (Code, &str),
    ) -> Answer {
        let mut draft = self.draft(name, Event::Contradicted, device(scope, serial));
        let text = format!("{serial} {text}");
        draft.attributes = [("code".to_owned(), code.word().into()), ("text".to_owned(), text.clone().into())].into();
        self.write(draft);
        self.count(name, known.work_order.as_deref(), "contradicted");
        let place = super::packing::in_package(known);
        let text = format!("{text}, and it was accepted here without a network{place}");
        Answer::refused(name, Code::Contradicted, text, "Take the unit out, and tell the office.")
    }

    /// Is the unit, or its lot, on hold here?
    pub(super) fn check_hold(&mut self, name: &str, serial: &str) -> Result<(), Answer> {
        let facts = self.facts;
        let mut held = facts.held.clone();
        if facts.known.as_ref().is_some_and(|known| known.held) {
            held.push(Hold::Serial(serial.to_owned()));
        }
        if held.is_empty() {
            return Ok(());
        }
        self.unless_allowed(super::hold::refuse(name, serial, (&held, &facts.recalled), facts.known.as_ref()))
    }
}
