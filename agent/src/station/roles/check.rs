//! What is known of a code. Writes nothing.

use super::super::answer::{Answer, Code, Outcome};
use super::super::containers::{title, unit_of_key};
use super::super::input::Reading;
use super::super::known::{ContainerState, UnitState};
use super::super::service::Service;
use super::super::turn::Turn;

impl Turn<'_> {
    pub(in super::super) fn look_up(&mut self, name: &str, reading: &Reading) -> Result<Answer, Answer> {
        let (id, known) = match reading {
            Reading::Device { serial, .. } => (serial, self.unit_in_words(serial)),
            Reading::Component { serial, .. } => (serial, self.component_in_words(serial)),
            Reading::Container { id, .. } => (id, self.container_in_words(id)),
            _ => return Err(super::super::scan::not_here(name)),
        };
        let service = match (&self.facts.service, reading) {
            (Service::Off, _) => None,
            (Service::Unreachable, _) => Some("the service gives no answer".to_owned()),
            (Service::Answer { container: Some(remote), .. }, Reading::Container { .. }) => {
                let station = remote.station.as_deref().unwrap_or("?");
                Some(format!("the service: {} with {}, of station {station}", remote.level.word(), remote.count))
            }
            (Service::Answer { unit: Some(remote), .. }, _) => {
                let station = remote.station.as_deref().unwrap_or("?");
                let package = remote.package_id.as_deref().map(|id| format!(", in {id}")).unwrap_or_default();
                Some(format!("the service: {}{package}, station {station}", state_word(remote.state)))
            }
            (Service::Answer { .. }, _) => Some("the service does not know it".to_owned()),
        };
        let mut text = known.unwrap_or_else(|| format!("{id} is not known here"));
        if let Some(service) = service {
            text.push_str(&format!("; {service}"));
        }
        let mut answer = Answer::new(name, Outcome::Done, Code::LookedUp, text);
        if !matches!(reading, Reading::Container { .. }) {
            answer.serial = Some(id.clone());
        }
        Ok(answer)
    }

    fn unit_in_words(&self, serial: &str) -> Option<String> {
        let facts = self.facts;
        let known = facts.known.as_ref()?;
        let mut text = format!("{serial} is {}{}", state_word(known.state), super::super::packing::in_package(known));
        if let Some(order) = &known.work_order {
            text.push_str(&format!(", work order {order}"));
        }
        if let Some(test) = known.test {
            let result = if test.passed { "passed" } else { "failed" };
            text.push_str(&format!(", {result} test {}", test.attempts));
        }
        if known.held || !facts.held.is_empty() {
            text.push_str(", on hold");
        }
        Some(text)
    }

    fn component_in_words(&self, serial: &str) -> Option<String> {
        let known = self.facts.known.as_ref()?;
        Some(match &known.package {
            Some(unit) => format!("{serial} is in {}", unit_of_key(unit).id),
            None => format!("{serial} is {}", state_word(known.state)),
        })
    }

    fn container_in_words(&self, id: &str) -> Option<String> {
        let known = self.container(id)?;
        let state = match known.state {
            ContainerState::Open => "open",
            ContainerState::Closed => "closed",
            ContainerState::Despatched => "gone",
        };
        let on = known.parent.map(|parent| format!(", in {parent}")).unwrap_or_default();
        Some(format!("{} {id} is {state} with {}{on}", title(&known.name), known.count))
    }
}

fn state_word(state: UnitState) -> &'static str {
    match state {
        UnitState::Seen => "seen",
        UnitState::Packed => "packed",
        UnitState::Out => "taken out",
        UnitState::Scrapped => "scrap",
    }
}
