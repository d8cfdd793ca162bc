//! Containers that are opened by a scan of their label: closed ones again, and empty ones whose label is on them already.

use records::{Event, Subject};

use super::super::answer::{Answer, Code, Outcome};
use super::super::known::{ContainerState, KnownContainer};
use super::super::lanes::IdFrom;
use super::super::state::Open;
use super::super::turn::Turn;
use super::title;

impl Turn<'_> {
    /// A closed container takes units again, on this lane.
    pub(in super::super) fn reopen(
        &mut self,
        name: &str,
        container: &KnownContainer,
        reason: Option<&str>,
    ) -> Result<Answer, Answer> {
        let id = container.id.as_str();
        let refuse = |code, text: String, help: &str| Err(Answer::refused(name, code, text, help));
        self.refuse_left(name, id, id)?;
        if container.state == ContainerState::Open {
            return refuse(Code::ContainerOpen, format!("{id} is open already"), "Go on with it.");
        }
        if container.is_unknown_inside() {
            let text = format!("What is in {id} is not known here");
            return refuse(Code::UnknownContainer, text, "Leave it closed, or open it at the station that filled it.");
        }
        let Some(depth) = self.depth_of(&container.name).filter(|depth| self.range(name).contains(depth)) else {
            let text = format!("This lane does not fill {}s", container.name);
            return refuse(
                Code::WrongLevel,
                text,
                "Open it again on a lane that does, or change the role of this one.",
            );
        };
        self.make_way(name, depth)?;
        self.check_inside(name, depth)?;
        if container.parent.is_none() {
            self.check_around(name, depth)?;
        }
        let mut draft = self.draft(name, Event::Reopened, Subject::container(id));
        draft.reason = reason.map(str::to_owned);
        self.write(draft);
        let open = Open::again(container);
        self.set_container(KnownContainer { state: ContainerState::Open, lane: name.to_owned(), ..container.clone() });
        let lane = self.lane(name);
        lane.open.push(open);
        lane.scan_back.retain(|waiting| waiting != id);
        let text = format!("{} {id} is open again with {}", title(&container.name), container.count);
        Ok(self.filled(name, Answer::new(name, Outcome::Done, Code::Reopened, text)))
    }

    /// What is open further inside was begun for another container of this level.
    pub(in super::super) fn check_inside(&self, name: &str, depth: usize) -> Result<(), Answer> {
        let Some(lane) = self.on(name) else { return Ok(()) };
        for inner in 0..depth {
            if let Some(open) = self.at(lane, inner).filter(|open| open.count > 0 && open.parent.is_none()) {
                let level = &self.levels()[inner].name;
                let text = format!("{} {} is open with {} {}", title(level), open.id, open.count, self.inside(inner));
                let help = format!("Scan CLOSE {}, then again.", level.to_uppercase());
                return Err(Answer::refused(name, Code::PackageOpen, text, help));
            }
        }
        Ok(())
    }

    /// Makes room for another open container of a level: an empty one waits for its turn.
    pub(in super::super) fn make_way(&mut self, name: &str, depth: usize) -> Result<(), Answer> {
        let Some(open) = self.on(name).and_then(|lane| self.at(lane, depth)) else { return Ok(()) };
        if open.count > 0 {
            let level = &self.levels()[depth].name;
            let text = format!("{} {} is open with {} {}", title(level), open.id, open.count, self.inside(depth));
            let help = format!("Scan CLOSE {}, then again.", level.to_uppercase());
            return Err(Answer::refused(name, Code::PackageOpen, text, help));
        }
        let id = open.id.clone();
        let lane = self.lane(name);
        if let Some(at) = lane.open.iter().position(|open| open.id == id) {
            let empty = lane.open.remove(at);
            lane.spare.push(empty);
        }
        Ok(())
    }

    /// A container that made way is filled before its turn: what is open makes way for it, where that is empty.
    pub(in super::super) fn take_turn(&mut self, name: &str, depth: usize, id: &str) -> Result<(), Answer> {
        if !self.on(name).is_some_and(|lane| lane.spare.iter().any(|spare| spare.id == id)) {
            return Ok(());
        }
        self.make_way(name, depth)?;
        let lane = self.lane(name);
        if let Some(at) = lane.spare.iter().position(|spare| spare.id == id) {
            let empty = lane.spare.remove(at);
            lane.open.push(empty);
        }
        Ok(())
    }

    /// The label of an empty container that is on it already: the level that waits for one, outermost first.
    pub(in super::super) fn waits_for_label(&self, name: &str) -> Option<usize> {
        let lane = self.on(name);
        self.range(name).rev().find(|&depth| {
            self.levels().get(depth).is_some_and(|level| level.id == IdFrom::Scanned)
                && lane.is_none_or(|lane| self.at(lane, depth).is_none())
        })
    }

    pub(in super::super) fn open_scanned(&mut self, name: &str, depth: usize, id: &str) -> Answer {
        self.open(name, depth, id.to_owned(), None);
        let text = format!("{} {id} is open", title(&self.levels()[depth].name));
        self.filled(name, Answer::new(name, Outcome::Done, Code::ContainerOpened, text))
    }
}
