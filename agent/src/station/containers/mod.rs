//! Containers of any depth: opened, filled, closed.
//!
//! A lane fills the levels of its role, and has at most one open container of each level. A container joins the one around
//! it when it is closed. One that is opened again goes back to where it was.

mod around;
mod change;
mod closing;
mod reopen;

use gs1::{AllocError, Allocator};
use records::attributes::Attributes;
use records::{Event, Joined, Kind, Level, Subject};

use super::answer::{Answer, Code};
use super::command::Role;
use super::known::{ContainerState, KnownContainer};
use super::lanes::{IdFrom, LevelRules};
use super::state::{Close, Lane, Open};
use super::turn::Turn;

pub(super) use change::unit_of;

impl<'a> Turn<'a> {
    /// The levels of the configuration, innermost first.
    pub(super) fn levels(&self) -> &'a [LevelRules] {
        &self.line.packing.levels
    }

    /// The open container of a level.
    pub(super) fn at<'l>(&self, lane: &'l Lane, depth: usize) -> Option<&'l Open> {
        let level = self.levels().get(depth)?;
        lane.open.iter().find(|open| open.level == level.name)
    }

    pub(super) fn at_mut(&mut self, name: &str, depth: usize) -> Option<&mut Open> {
        let level = self.levels().get(depth)?;
        self.lane(name).open.iter_mut().find(|open| open.level == level.name)
    }

    pub(super) fn depth_of(&self, level: &str) -> Option<usize> {
        self.levels().iter().position(|known| known.name == level)
    }

    /// What the lane does now.
    pub(super) fn role(&self, name: &str) -> Role {
        let rules = self.line.rules.lane(name);
        let role = self.on(name).and_then(|lane| lane.role).filter(|role| rules.roles.contains(role));
        role.or(rules.roles.first().copied()).unwrap_or(Role::Pack)
    }

    /// The levels that the lane fills. Packing and palletising go together where the lane has both roles.
    pub(super) fn range(&self, name: &str) -> std::ops::Range<usize> {
        let (levels, rules) = (self.levels(), self.line.rules.lane(name));
        let pallets = levels.iter().position(|level| level.kind == Level::Pallet).unwrap_or(levels.len());
        let has = |role| rules.roles.contains(&role);
        match self.role(name) {
            Role::Pack | Role::Palletise if has(Role::Pack) && has(Role::Palletise) => 0..levels.len(),
            Role::Pack => 0..pallets,
            Role::Palletise => pallets..levels.len(),
            _ => 0..0,
        }
    }

    /// How many a container of this level takes on the lane.
    pub(super) fn size(&self, lane: Option<&Lane>, depth: usize) -> u32 {
        let levels = self.levels();
        let Some(level) = levels.get(depth) else { return 0 };
        let terms = lane.and_then(|lane| lane.work_order.as_ref()).map(|order| &order.terms);
        let pallet = levels.iter().position(|level| level.kind == Level::Pallet);
        let said = terms.and_then(|terms| match depth {
            0 if level.kind == Level::Package => terms.package_size,
            _ if Some(depth) == pallet => terms.pallet_size,
            _ => None,
        });
        said.unwrap_or(level.size)
    }

    pub(super) fn is_full(&self, name: &str, depth: usize) -> bool {
        let lane = self.on(name);
        lane.and_then(|lane| self.at(lane, depth)).is_some_and(|open| open.count >= self.size(lane, depth))
    }

    /// Is there room for one more at this level, and in the containers around it that it will need?
    pub(super) fn check_room(&self, name: &str, depth: usize) -> Result<(), Answer> {
        let Some(open) = self.on(name).and_then(|lane| self.at(lane, depth)) else {
            return self.check_around(name, depth);
        };
        if self.is_full(name, depth) {
            return Err(self.full(name, depth, open));
        }
        if self.is_kept(name, depth) {
            return Err(self.kept(name, depth, open));
        }
        match open.count > 0 || open.parent.is_some() {
            true => Ok(()),
            // The first one in it gives it a place in what is around it.
            false => self.check_around(name, depth),
        }
    }

    /// A container of this level gets its first content: is there room for it in those around it?
    pub(super) fn check_around(&self, name: &str, depth: usize) -> Result<(), Answer> {
        for around in depth + 1..self.range(name).end {
            let Some(open) = self.on(name).and_then(|lane| self.at(lane, around)) else { continue };
            if self.joins_later(name, around) {
                return Ok(());
            }
            if self.is_full(name, around) {
                return Err(self.full(name, around, open));
            }
            if open.count > 0 || open.parent.is_some() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Will something that is open further inside join the container of this level when it is closed?
    fn joins_later(&self, name: &str, depth: usize) -> bool {
        let Some(below) = depth.checked_sub(1).filter(|below| self.range(name).contains(below)) else { return false };
        match self.on(name).and_then(|lane| self.at(lane, below)) {
            Some(open) => open.parent.is_none() && (open.count > 0 || self.joins_later(name, below)),
            None => self.joins_later(name, below),
        }
    }

    /// Is the last place of a container kept for what is open in it? One that closes by itself makes way for another.
    fn is_kept(&self, name: &str, depth: usize) -> bool {
        let lane = self.on(name);
        let count = lane.and_then(|lane| self.at(lane, depth)).map_or(0, |open| open.count);
        self.levels().get(depth).is_some_and(|level| level.close == Close::Command)
            && count.saturating_add(1) >= self.size(lane, depth)
            && self.joins_later(name, depth)
    }

    /// Is there no place for something from elsewhere?
    pub(super) fn takes_no_other(&self, name: &str, depth: usize) -> bool {
        self.is_full(name, depth) || self.is_kept(name, depth)
    }

    fn full(&self, name: &str, depth: usize, open: &Open) -> Answer {
        let level = &self.levels()[depth];
        let (code, help) = match (depth, level.kind) {
            (0, _) => (Code::PackageFull, "Scan CLOSE PACKAGE, then the unit again.".to_owned()),
            (_, Level::Pallet) => (Code::PalletFull, "Scan CLOSE PALLET, then the unit again.".to_owned()),
            _ => (Code::ContainerFull, format!("Close the {}, then scan the unit again.", level.name)),
        };
        let text = format!("{} {} is full with {} {}", title(&level.name), open.id, open.count, self.inside(depth));
        Answer::refused(name, code, text, help)
    }

    fn kept(&self, name: &str, depth: usize, open: &Open) -> Answer {
        let level = &self.levels()[depth];
        let code = if level.kind == Level::Pallet { Code::PalletFull } else { Code::ContainerFull };
        let text = format!("The last place of {} {} is for what is open now", level.name, open.id);
        Answer::refused(name, code, text, "Close what is open, or choose another one.")
    }

    /// What a container of this level holds, as people say it.
    pub(super) fn inside(&self, depth: usize) -> String {
        match depth.checked_sub(1).and_then(|below| self.levels().get(below)) {
            None => "units".to_owned(),
            Some(below) => format!("{}s", below.name),
        }
    }

    /// Something needs an open container of this level, in open ones of all levels around it. Their ids are durable from here
    /// on, whatever becomes of the labels.
    pub(super) fn open_from(&mut self, name: &str, from: usize) -> Result<(), Answer> {
        for depth in (from..self.range(name).end).rev() {
            let Some(level) = self.levels().get(depth) else { continue };
            if self.on(name).is_some_and(|lane| self.at(lane, depth).is_some()) {
                continue;
            }
            let spare = self.lane(name).spare.iter().position(|spare| spare.level == level.name);
            if let Some(at) = spare {
                let open = self.lane(name).spare.remove(at);
                self.lane(name).open.push(open);
                continue;
            }
            match level.id {
                IdFrom::Sscc => {
                    let (id, reference) = self.allocate(name)?;
                    self.open(name, depth, id, Some(reference));
                }
                IdFrom::Scanned => {
                    let help = format!("Put an empty {0} there and scan the label on it.", level.name);
                    let text = format!("No {} is open", level.name);
                    return Err(Answer::refused(name, Code::ScanContainer, text, help));
                }
            }
        }
        Ok(())
    }

    /// Opens a container with this id.
    pub(super) fn open(&mut self, name: &str, depth: usize, id: String, reference: Option<u64>) {
        let Some(level) = self.levels().get(depth) else { return };
        let mut draft = self.draft(name, Event::Opened, Subject::container(id.as_str()));
        draft.attributes = level_of(level);
        // From here the service knows which ones are used, where the station's marks are lost.
        draft.attributes.extend(reference.map(|reference| ("serialReference".to_owned(), reference.into())));
        self.write(draft);
        let open = Open::new(&level.name, level.kind, id);
        self.remember(name, depth, &open, ContainerState::Open);
        self.lane(name).open.push(open);
    }

    fn allocate(&mut self, name: &str) -> Result<(String, u64), Answer> {
        if self.state.sscc_lost {
            let text = "No SSCC can be given out: this station does not know which ones it has used";
            let help = "Wait until the service has said so, or let a technician enter the first free serial reference: \
                        lotline-station sscc enter N.";
            return Err(Answer::refused(name, Code::NoSscc, text, help));
        }
        let mut allocator = Allocator::resume(self.state.sscc_next, self.state.sscc_reserved);
        let sscc = allocator.take(&self.line.packing.sscc).map_err(|error: AllocError| {
            let text = match error {
                AllocError::RangeExhausted { .. } => error.to_string(),
                AllocError::BlockUsedUp { .. } => {
                    "No SSCC can be given out: the next block could not be reserved on disk".to_owned()
                }
            };
            let help = "Tell a technician: the station can open no package until it has SSCCs again.";
            Answer::refused(name, Code::NoSscc, text, help)
        })?;
        self.state.sscc_next = allocator.next();
        Ok((sscc.as_str().to_owned(), allocator.next() - 1))
    }

    /// Keeps what is known of a container of a lane.
    pub(super) fn remember(&mut self, name: &str, depth: usize, open: &Open, state: ContainerState) {
        let size = self.size(self.on(name), depth);
        let work_order = self.on(name).and_then(|lane| lane.work_order.as_ref()).map(|order| order.id.clone());
        let joined = self.container(&open.id).and_then(|known| known.joined);
        self.set_container(KnownContainer {
            state,
            size,
            work_order,
            parent: open.parent.clone(),
            joined: joined.filter(|_| open.parent.is_some()),
            ..open.known(name)
        });
    }

    /// How to name a container that something joins or parts from.
    pub(super) fn joined(&self, id: &str) -> Joined {
        // One from before containers were kept is a package: only units are in those that are not known.
        Joined::container(id, self.container(id).map_or(Level::Package, |known| known.level))
    }
}

/// The attributes of a record about a container.
pub(super) fn level_of(level: &LevelRules) -> Attributes {
    let mut attributes = Attributes::from([("level".to_owned(), serde_json::json!(level.kind))]);
    if level.name != level.kind.word() {
        attributes.insert("levelName".to_owned(), level.name.clone().into());
    }
    attributes
}

/// A level's name at the beginning of a sentence.
pub(super) fn title(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// What a component is in: the serial of the unit, with its scope behind it where it has one.
const SCOPE_MARK: char = '\u{1f}';

/// How the unit that a component is in is kept.
pub(super) fn unit_key(scope: &str, serial: &str) -> String {
    if scope.is_empty() { serial.to_owned() } else { format!("{serial}{SCOPE_MARK}{scope}") }
}

/// The unit that a component is in.
pub(super) fn unit_of_key(key: &str) -> Joined {
    let (serial, scope) = key.split_once(SCOPE_MARK).unwrap_or((key, ""));
    Joined { kind: Kind::Device, id: serial.to_owned(), scope: scope.to_owned(), level: None }
}
