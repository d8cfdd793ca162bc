//! What the service knows of a container, held against what is about to be done with it here.

use records::{Event, Subject};

use super::answer::{Answer, Code};
use super::interlock::{Checked, policy};
use super::known::{ContainerState, KnownContainer};
use super::lanes::{Interlocked, Offline};
use super::service::{RemoteContainer, Service};
use super::turn::Turn;

impl<'a> Turn<'a> {
    /// What the service says of the container of this scan.
    pub(super) fn remote_container(&self) -> Option<&'a RemoteContainer> {
        let facts = self.facts;
        match &facts.service {
            Service::Answer { container, .. } => container.as_ref(),
            _ => None,
        }
    }

    /// What speaks against it that the container is stacked or leaves here.
    fn contradiction(
        &self,
        id: &str,
        known: Option<&KnownContainer>,
        remote: &RemoteContainer,
    ) -> Option<(Code, String)> {
        let left_here = known.is_some_and(|known| known.state == ContainerState::Despatched);
        // Of what this station packed itself it knows more than the service, which may not have heard of it yet.
        let is_own = known.is_some_and(|known| !known.lane.is_empty());
        match remote.state {
            ContainerState::Despatched if !left_here => {
                return Some((Code::Despatched, format!("{id} has left already, says the service")));
            }
            ContainerState::Open if !is_own => {
                let station = remote.station.as_deref().unwrap_or("?");
                return Some((Code::ContainerOpen, format!("{id} is open at station {station}")));
            }
            _ => {}
        }
        // What it was taken off here the service may name still: only one that this station does not know is another's.
        let there = remote.places().find(|place| self.container(place).is_none());
        let there =
            there.map(|parent| (Code::OnAnotherPallet, format!("{id} is on {parent} already, says the service")));
        there.or_else(|| {
            let found = remote.contradictions.first()?;
            Some((Code::Contradicted, format!("{id} is contested: {}", found.text)))
        })
    }

    /// Holds the service's answer against a container that is about to be stacked or to leave. Tells whether it is to be asked
    /// again.
    pub(super) fn check_container(
        &mut self,
        name: &str,
        id: &str,
        known: Option<&KnownContainer>,
    ) -> Result<bool, Answer> {
        if let Some((code, text)) = self.remote_container().and_then(|remote| self.contradiction(id, known, remote)) {
            let help = match code {
                Code::ContainerOpen => "Close it there first.",
                _ => "Set it aside. Tell the office.",
            };
            return Err(Answer::refused(name, code, text, help));
        }
        let Some(rules) = self.line.rules.lanes.get(name) else { return Ok(false) };
        let help = "Set it aside, and scan it again when the service has answered.";
        match policy(rules, &self.facts.service) {
            Ok(true) if known.is_none() && self.remote_container().is_none() => {
                let interlock = rules.interlock;
                if interlock.asked == Interlocked::Required && interlock.offline != Offline::Accept {
                    let text =
                        format!("The service does not know {id}: its records have not come yet, or it is no container");
                    return Err(Answer::refused(name, Code::UnknownContainer, text, help));
                }
                Ok(true)
            }
            Ok(_) | Err(Checked::Good) => Ok(false),
            Err(Checked::Unchecked) => Ok(true),
            Err(Checked::Hold | Checked::Refused(..)) => {
                let text = format!("The service gives no answer about {id}");
                self.unless_allowed(Answer::refused(name, Code::ServiceSilent, text, help))?;
                Ok(true)
            }
        }
    }

    /// Nobody knows the container: because the service gives no answer, where the lane requires one?
    pub(super) fn check_silence(&mut self, name: &str, id: &str) -> Result<(), Answer> {
        let rules = self.line.rules.lanes.get(name);
        match rules.map(|rules| policy(rules, &self.facts.service)) {
            Some(Err(Checked::Hold | Checked::Refused(..))) => self.check_container(name, id, None).map(drop),
            _ => Ok(()),
        }
    }

    /// The service has answered at last about a container that was stacked or has left without it.
    pub(super) fn checked_container(&mut self, name: &str, id: &str) -> Option<Answer> {
        let known = self.container(id).filter(|known| known.unchecked)?;
        let Service::Answer { container, .. } = &self.facts.service else { return None };
        let left = known.state == ContainerState::Despatched;
        let found = container.as_ref().and_then(|remote| self.contradiction(id, Some(&known), remote));
        // As long as the service has not got this station's own record, it can only say that something is wrong.
        let has_it = match (left, &known.parent) {
            (true, _) => container.as_ref().is_some_and(|remote| remote.state == ContainerState::Despatched),
            (false, Some(parent)) => {
                container.as_ref().is_some_and(|remote| remote.places().any(|place| place == parent))
            }
            (false, None) => true,
        };
        if found.is_none() && !has_it {
            return None;
        }
        // Taken off again, it is nowhere that it should not be.
        let stands = left || known.parent.is_some();
        let order = known.work_order.clone();
        let place = known.parent.as_ref().map(|parent| format!(", onto {parent}")).unwrap_or_default();
        self.set_container(KnownContainer { unchecked: false, ..known });
        let (code, text) = found.filter(|_| stands)?;
        let mut draft = self.draft(name, Event::Contradicted, Subject::container(id));
        draft.attributes = [("code".to_owned(), code.word().into()), ("text".to_owned(), text.clone().into())].into();
        self.write(draft);
        self.count(name, order.as_deref(), "contradicted");
        let text = format!("{text}, and it was accepted here without a network{place}");
        Some(Answer::refused(name, Code::Contradicted, text, "Look for it, and tell the office."))
    }
}
