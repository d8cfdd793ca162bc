//! Closed containers onto what is around them, and labels that are on a container already.

use records::{Event, Subject};

use super::super::answer::{Answer, Code, Outcome};
use super::super::containers::title;
use super::super::known::{ContainerState, KnownContainer};
use super::super::service::RemoteContainer;
use super::super::turn::Turn;

impl Turn<'_> {
    /// The label of a container, on a lane that fills containers.
    pub(in super::super) fn container_scanned(&mut self, name: &str, id: &str) -> Result<Answer, Answer> {
        let range = self.range(name);
        match self.container(id) {
            Some(container) => self.known_scanned(name, container),
            None => match self.waits_for_label(name) {
                Some(depth) => Ok(self.open_scanned(name, depth, id)),
                // Only where nothing else can be meant: a container that another station has closed.
                None if range.start > 0 && !range.is_empty() => self.foreign_scanned(name, id, range.start - 1),
                None => {
                    let text = format!("This is the label of package or pallet {id}");
                    Err(Answer::refused(name, Code::ContainerLabel, text, "Scan the serial label of a unit."))
                }
            },
        }
    }

    fn known_scanned(&mut self, name: &str, container: KnownContainer) -> Result<Answer, Answer> {
        let id = container.id.clone();
        let refuse = |code, text: String, help: &str| Err(Answer::refused(name, code, text, help));
        self.refuse_left(name, &id, &id)?;
        if container.state == ContainerState::Open {
            let text = format!("{} {id} is open", title(&container.name));
            return refuse(Code::ContainerOpen, text, "Scan the serial label of a unit.");
        }
        let depth = self.depth_of(&container.name).map(|depth| depth + 1);
        match depth.filter(|depth| self.range(name).contains(depth)) {
            Some(depth) => self.stack(name, container, depth),
            None => {
                let text = format!("{} {id} is closed", title(&container.name));
                refuse(Code::ContainerClosed, text, "Scan REOPEN first if units are to go in again.")
            }
        }
    }

    /// A container that this station has not filled.
    fn foreign_scanned(&mut self, name: &str, id: &str, depth: usize) -> Result<Answer, Answer> {
        let Some(level) = self.levels().get(depth) else { return Err(super::super::scan::not_here(name)) };
        let remote = self.remote_container();
        if let Some(remote) = remote.filter(|it| it.state == ContainerState::Closed && it.level != level.kind) {
            let text = format!("{id} is a {}", remote.level.word());
            let help = "Scan the label of a container that goes on here.";
            return Err(Answer::refused(name, Code::WrongLevel, text, help));
        }
        let container = KnownContainer {
            count: remote.map_or(0, |remote| remote.count),
            units: remote.and_then(RemoteContainer::all_units),
            common: remote.map(|remote| remote.common.clone()).unwrap_or_default(),
            ..KnownContainer::closed(id, level.kind, &level.name, level.size)
        };
        self.stack(name, container, depth + 1)
    }

    /// Puts a closed container into the open one around it.
    fn stack(&mut self, name: &str, container: KnownContainer, depth: usize) -> Result<Answer, Answer> {
        let id = container.id.clone();
        if let Some(parent) = &container.parent {
            let current = self.on(name).and_then(|lane| self.at(lane, depth)).map(|open| &open.id);
            if current == Some(parent) {
                let text = format!("{id} is on {parent} already");
                let mut answer = self.filled(name, Answer::new(name, Outcome::Known, Code::AlreadyThere, text));
                answer.help = "Go on with the next one.".to_owned();
                return Ok(answer);
            }
            let text = format!("{id} is on {parent} already");
            let help = "Set it aside, or scan MOVE, its label, and the label of the one that it goes onto.";
            return Err(Answer::refused(name, Code::OnAnotherPallet, text, help));
        }
        let known = self.container(&id);
        let unchecked = self.check_container(name, &id, known.as_ref())?;
        self.check_inside_hold(name, &id, true)?;
        self.check_room(name, depth)?;
        self.open_from(name, depth)?;
        let Some(open) = self.at_mut(name, depth) else { return Err(super::super::scan::not_here(name)) };
        open.add_container(container.units, &container.common);
        let (parent, around) = (open.id.clone(), open.parent.clone());
        if let Some(around) = around {
            self.adjust(&around, 0, container.units.map(i64::from));
        }
        let mut draft = self.draft(name, Event::Packed, Subject::container(&id));
        draft.into = vec![self.joined(&parent)];
        draft.attributes =
            [("level".to_owned(), serde_json::json!(container.level)), ("count".to_owned(), container.count.into())]
                .into();
        draft.allowed = self.allowed();
        let seq = self.write(draft);
        self.count(name, container.work_order.as_deref(), "stacked");
        let (on, joined) = (Some(parent.clone()), Some((seq, None)));
        self.set_container(KnownContainer { parent: on, joined, unchecked, ..container });
        let mut answer =
            self.filled(name, Answer::new(name, Outcome::Accepted, Code::Stacked, format!("{id} is on {parent}")));
        for level in self.close_full(name, depth) {
            answer.text.push_str(&format!("; {level} full and closed"));
        }
        Ok(self.ask_back(name, answer))
    }
}
