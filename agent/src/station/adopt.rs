//! A spare goes on with what a dead station had open, and what a new configuration does not know any more is closed.

use records::attributes::Attributes;
use records::{Event, Subject};

use super::answer::{Answer, Code, Outcome};
use super::containers::{level_of, title};
use super::known::{ContainerState, KnownContainer};
use super::state::Open;
use super::turn::Turn;

/// How the contents of a container that is taken over are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The service has said them.
    Service,
    /// They were scanned again.
    Recount,
}

/// A container that another station opened.
#[derive(Debug, Clone, PartialEq)]
pub struct Adopted {
    /// Its id.
    pub id: String,
    /// The name of its level here.
    pub level: String,
    /// The station that opened it, where that is known.
    pub station_before: Option<String>,
    /// What is in it: scope and serial of units, for an innermost container.
    pub units: Vec<(String, String)>,
    /// Ids of the containers in it, for another one.
    pub containers: Vec<String>,
    /// What all its units have in common, where that is known.
    pub common: Attributes,
    /// Units in all, where that is known.
    pub unit_count: Option<u32>,
    /// How that is known.
    pub how: How,
}

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
        let Some(depth) = self.depth_of(&adopted.level).filter(|depth| range.contains(depth)) else {
            let text = format!("This lane does not fill {}s", adopted.level);
            return refuse(Code::WrongLevel, text, "Choose a lane that does.");
        };
        let count = if depth == 0 { adopted.units.len() } else { adopted.containers.len() };
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        if count > self.size(self.on(name), depth) {
            let text = format!("{id} would have {count} {} in it, more than it takes", self.inside(depth));
            return refuse(Code::ContainerFull, text, "Look whether everything scanned is from this one container.");
        }
        self.make_way(name, depth)?;
        self.check_around(name, depth)?;
        let level = &self.levels()[depth];
        let units = if depth == 0 { Some(count) } else { adopted.unit_count };
        let open =
            Open { count, units, common: adopted.common.clone(), ..Open::new(&level.name, level.kind, id.to_owned()) };
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
        for (scope, serial) in &adopted.units {
            self.set_known(
                scope,
                serial,
                super::known::Known { unchecked: true, ..super::known::Known::packed(0, id) },
            );
        }
        for inner in &adopted.containers {
            let below = depth.checked_sub(1).and_then(|below| self.levels().get(below));
            let Some(below) = below.filter(|_| self.container(inner).is_none()) else { continue };
            self.set_container(KnownContainer {
                id: inner.clone(),
                level: below.kind,
                name: below.name.clone(),
                state: ContainerState::Closed,
                count: 0,
                units: None,
                size: below.size,
                parent: Some(id.to_owned()),
                common: Attributes::new(),
                work_order: None,
                lane: String::new(),
                joined: Some((seq, None)),
            });
        }
        let text = format!("{} {id} goes on here with {count} {}", title(&level.name), self.inside(depth));
        let answer = self.filled(name, Answer::new(name, Outcome::Done, Code::Adopted, text));
        self.close_full(name, depth);
        Ok(answer)
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
