//! A spare goes on with what a dead station had open, and what a new configuration does not know any more is closed.

use records::{Event, Subject};

use super::adopted::{Adopted, How};
use super::answer::{Answer, Code, Outcome};
use super::containers::{level_of, title};
use super::hold::lot_of;
use super::input::Reading;
use super::known::{ContainerState, Known, KnownContainer, UnitState};
use super::roles::Task;
use super::service::Service;
use super::state::Open;
use super::turn::Turn;

/// Most things that are scanned of one container.
const MOST: usize = 5_000;

impl Turn<'_> {
    /// This station goes on with a container that another one opened.
    pub(super) fn adopt(&mut self, name: &str, adopted: &Adopted) -> Result<Answer, Answer> {
        let id = adopted.id.as_str();
        let refuse = |code, text: String, help: &str| Err(Answer::refused(name, code, text, help));
        if let Some(known) = self.container(id) {
            let text = format!("{} {id} is known here already", title(&known.name));
            return refuse(Code::AlreadyThere, text, "Scan REOPEN and its label if it is closed; else go on with it.");
        }
        let range = self.range(name);
        let Some(depth) = self.depth_over(adopted).filter(|depth| range.contains(depth)) else {
            let text = format!("This lane does not fill {}s", adopted.level);
            return refuse(Code::WrongLevel, text, "Choose a lane that does.");
        };
        let count = if depth == 0 { adopted.units.len() } else { adopted.containers.len() };
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        if count > self.size(self.on(name), depth) {
            let text = format!("{id} would have {count} {} in it, more than it takes", self.inside(depth));
            return refuse(Code::ContainerFull, text, "Look whether everything scanned is from this one container.");
        }
        if depth == 0 && count > 0 {
            let current = self.on(name).and_then(|lane| lane.work_order.as_ref()).map(|order| order.id.clone());
            let what = ("What this lane packs", current.as_deref());
            self.check_mixing(name, what, (id, &adopted.common))?;
        }
        self.check_contents(name, adopted)?;
        if let Some(parent) = &adopted.parent {
            self.refuse_left(name, id, parent)?;
        }
        self.make_way(name, depth)?;
        self.check_inside(name, depth)?;
        if adopted.parent.is_none() {
            self.check_around(name, depth)?;
        }
        let level = &self.levels()[depth];
        let units = if depth == 0 { Some(count) } else { adopted.unit_count };
        let (common, parent) = (adopted.common.clone(), adopted.parent.clone());
        let open = Open { count, units, common, parent, ..Open::new(&level.name, level.kind, id.to_owned()) };
        self.remember(name, depth, &open, ContainerState::Open);
        self.lane(name).open.push(open);
        let mut draft = self.draft(name, Event::Adopted, Subject::container(id));
        draft.attributes = level_of(level);
        draft.attributes.insert("count".to_owned(), count.into());
        let how = if adopted.how == How::Service { "service" } else { "recount" };
        draft.attributes.insert("how".to_owned(), how.into());
        if let Some(before) = &adopted.station_before {
            draft.attributes.insert("stationBefore".to_owned(), before.clone().into());
        }
        let seq = self.write(draft);
        // A record of this station that puts each unit there does not exist: it cannot be named in a correction.
        for unit in &adopted.units {
            let known = self.facts.units.get(unit).cloned().unwrap_or_default();
            let (package, state) = (Some(id.to_owned()), UnitState::Packed);
            let lot = known.lot.clone().or_else(|| lot_of(&adopted.common));
            let known = Known { seq: 0, series: None, package, state, unchecked: true, work_order: None, lot, ..known };
            self.set_known(&unit.0, &unit.1, known);
        }
        for inner in &adopted.containers {
            let below = depth.checked_sub(1).and_then(|below| self.levels().get(below));
            let Some(below) = below else { continue };
            let known = self
                .container(inner)
                .unwrap_or_else(|| KnownContainer::closed(inner, below.kind, &below.name, below.size));
            self.set_container(KnownContainer { parent: Some(id.to_owned()), joined: Some((seq, None)), ..known });
        }
        let text = format!("{} {id} goes on here with {count} {}", title(&level.name), self.inside(depth));
        let answer = self.filled(name, Answer::new(name, Outcome::Done, Code::Adopted, text));
        self.close_full(name, depth);
        Ok(answer)
    }

    /// The level of what is taken over. A count does not say it; what was counted does, where it is known here.
    fn depth_over(&self, adopted: &Adopted) -> Option<usize> {
        let inner = adopted.containers.iter().find_map(|id| self.container(id)).filter(|_| adopted.how == How::Recount);
        match inner {
            Some(inner) => self.depth_of(&inner.name).map(|below| below + 1),
            None => self.depth_of(&adopted.level),
        }
    }

    /// Nothing of it is known here to be somewhere else, and what is known here to be in it is named: a unit is in one place.
    fn check_contents(&self, name: &str, adopted: &Adopted) -> Result<(), Answer> {
        let is_named =
            |id: &String| adopted.containers.contains(id) || adopted.units.iter().any(|(_, serial)| serial == id);
        if let Some(missing) = self.facts.contents.iter().find(|id| !is_named(id)) {
            let text = format!("{missing} is in {} here, and was not named", adopted.id);
            let help = "Scan it as well, then FINISH; or CANCEL, and take it out first.";
            return Err(Answer::refused(name, Code::Incomplete, text, help));
        }
        for (scope, serial) in &adopted.units {
            let known = self.facts.units.get(&(scope.clone(), serial.clone()));
            self.is_free(name, serial, known, &adopted.id)?;
        }
        for inner in &adopted.containers {
            self.stands_alone(name, inner, &adopted.id)?;
        }
        Ok(())
    }

    fn is_free(&self, name: &str, serial: &str, known: Option<&Known>, id: &str) -> Result<(), Answer> {
        let help = "Take it out of where it is, or look whether this is the right label.";
        let refuse = |code, text: String| Err(Answer::refused(name, code, text, help));
        match known.map(|known| (known.state, &known.package)) {
            Some((UnitState::Packed, Some(package))) if package != id => {
                refuse(Code::InAnotherPackage, format!("{serial} is in {package} here"))
            }
            Some((UnitState::Scrapped, _)) => refuse(Code::Scrapped, format!("{serial} is scrap")),
            _ => Ok(()),
        }
    }

    fn stands_alone(&self, name: &str, inner: &str, id: &str) -> Result<(), Answer> {
        self.refuse_left(name, inner, inner)?;
        let Some(known) = self.container(inner) else { return Ok(()) };
        let refuse = |code, text: String, help: &str| Err(Answer::refused(name, code, text, help));
        match known.parent {
            Some(parent) if parent != id => {
                let help = "Take it off there, or look whether this is the right label.";
                refuse(Code::OnAnotherPallet, format!("{inner} is on {parent} here"), help)
            }
            _ if known.state == ContainerState::Open => {
                refuse(Code::ContainerOpen, format!("{inner} is open here"), "Close it first.")
            }
            _ => Ok(()),
        }
    }

    /// The label of a container that another station opened was scanned, to go on with it on this lane.
    pub(super) fn take_over(&mut self, name: &str, id: &str) -> Result<Answer, Answer> {
        if self.on(name).is_some_and(|lane| lane.task.is_some()) {
            let help = "Scan FINISH, or CANCEL.";
            return Err(Answer::refused(name, Code::Busy, "Something is not finished on this lane", help));
        }
        let facts = self.facts;
        if let Service::Answer { container: Some(remote), .. } = &facts.service {
            let adopted = Adopted::told(id, remote, self.levels())
                .map_err(|(code, text)| Answer::refused(name, code, text, "Look whether this is the right label."))?;
            return self.adopt(name, &adopted);
        }
        if let Some(known) = self.container(id) {
            let text = format!("{} {id} is known here already", title(&known.name));
            let help = "Scan REOPEN and its label if it is closed; else go on with it.";
            return Err(Answer::refused(name, Code::AlreadyThere, text, help));
        }
        let task = Task::Adopt { container: id.to_owned(), units: Vec::new(), containers: Vec::new() };
        self.lane(name).task = Some(task);
        let text = format!("The service does not say what is in {id}");
        let mut answer = Answer::new(name, Outcome::Done, Code::Waiting, text);
        answer.help = "Scan everything in it, then FINISH.".to_owned();
        Ok(answer)
    }

    /// Something in a container that is taken over.
    pub(super) fn scan_over(&mut self, name: &str, reading: &Reading) -> Result<Answer, Answer> {
        let Some(Task::Adopt { container, mut units, mut containers }) =
            self.on(name).and_then(|lane| lane.task.clone())
        else {
            return Err(super::scan::not_here(name));
        };
        let (what, is_there) = match reading {
            Reading::Device { serial, scope, .. } => {
                let unit = (scope.clone(), serial.clone());
                self.is_free(name, serial, self.facts.known.as_ref(), &container)?;
                let is_there = units.contains(&unit);
                units.push(unit);
                (serial, is_there)
            }
            Reading::Container { id, .. } if *id != container => {
                self.stands_alone(name, id, &container)?;
                let is_there = containers.contains(id);
                containers.push(id.clone());
                (id, is_there)
            }
            _ => {
                let help = format!("Scan what is in {container}, then FINISH; or CANCEL.");
                let text = "What is in a container is scanned now";
                return Err(Answer::refused(name, Code::NotHere, text, help));
            }
        };
        let count = units.len() + containers.len();
        if is_there {
            return Ok(Answer::new(name, Outcome::Known, Code::Found, format!("{what} was counted already")));
        }
        if count > MOST {
            let text = format!("{MOST} were scanned: more cannot be taken over at once");
            return Err(Answer::refused(name, Code::Busy, text, "Scan FINISH, or CANCEL."));
        }
        Adopted::counted(&container, units.clone(), containers.clone(), self.levels())
            .map_err(|(code, text)| Answer::refused(name, code, text, "Scan FINISH, or CANCEL."))?;
        let mut answer =
            Answer::new(name, Outcome::Accepted, Code::Found, format!("{what} is in {container}: {count} so far"));
        answer.serial = matches!(reading, Reading::Device { .. }).then(|| what.clone());
        self.lane(name).task = Some(Task::Adopt { container, units, containers });
        Ok(answer)
    }

    pub(super) fn finish_adopting(&mut self, name: &str) -> Result<Answer, Answer> {
        let Some(Task::Adopt { container, units, containers }) = self.lane(name).task.take() else {
            return Err(super::scan::not_here(name));
        };
        let adopted = Adopted::counted(&container, units, containers, self.levels())
            .map_err(|(code, text)| Answer::refused(name, code, text, "Scan CANCEL, then begin again."))?;
        self.adopt(name, &adopted)
    }

    /// Containers of levels that the configuration does not have any more are closed as they are; empty ones are dropped.
    pub(super) fn close_unknown_levels(&mut self) {
        let names: Vec<String> = self.state.lanes.keys().cloned().collect();
        for name in names {
            let known = |open: &Open| self.line.packing.levels.iter().any(|level| level.name == open.level);
            let (keep, gone): (Vec<Open>, Vec<Open>) =
                std::mem::take(&mut self.lane(&name).open).into_iter().partition(known);
            let lane = self.lane(&name);
            lane.open = keep;
            for open in gone.into_iter().filter(|open| open.count > 0) {
                let mut draft = self.draft(&name, Event::Closed, Subject::container(&open.id));
                draft.attributes =
                    [("level".to_owned(), serde_json::json!(open.kind)), ("count".to_owned(), open.count.into())]
                        .into();
                draft.reason = Some("its level is not in the configuration any more".to_owned());
                self.write(draft);
                self.print(&name, open.kind, &open.id, open.units, &open.common);
                self.set_container(KnownContainer { state: ContainerState::Closed, ..open.known(&name) });
            }
        }
    }
}
