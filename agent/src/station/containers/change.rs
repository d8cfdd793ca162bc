//! Units and containers that are moved, taken out, scrapped or put on hold.

use records::{Event, Joined, Subject};

use super::super::answer::{Answer, Code, Outcome};
use super::super::input::Reading;
use super::super::known::{ContainerState, Known, KnownContainer, UnitState};
use super::super::turn::{Turn, device};
use super::{title, unit_of_key};

/// The scope of components begins with this.
const COMPONENT: &str = "component:";

/// A unit or container that something is done with.
#[derive(Debug, Clone)]
pub(in super::super) enum Thing {
    /// A unit or component.
    Unit {
        /// Its scope.
        scope: String,
        /// Its serial number.
        serial: String,
        /// What is known of it.
        known: Known,
    },
    /// A container.
    Container(KnownContainer),
}

impl Thing {
    fn subject(&self) -> Subject {
        match self {
            Self::Unit { scope, serial, .. } => device(scope, serial),
            Self::Container(container) => Subject::container(&container.id),
        }
    }

    /// As people call it.
    pub(in super::super) fn name(&self) -> &str {
        match self {
            Self::Unit { serial, .. } => serial,
            Self::Container(container) => &container.id,
        }
    }

    fn parent(&self) -> Option<&str> {
        match self {
            Self::Unit { known, .. } if known.state != UnitState::Packed => None,
            Self::Unit { known, .. } => known.package.as_deref(),
            Self::Container(container) => container.parent.as_deref(),
        }
    }

    fn is_component(&self) -> bool {
        matches!(self, Self::Unit { scope, .. } if scope.starts_with(COMPONENT))
    }

    /// Units in it, where that is known.
    fn units(&self) -> Option<i64> {
        match self {
            Self::Unit { .. } => Some(1),
            Self::Container(container) => container.units.map(i64::from),
        }
    }

    fn serial(&self) -> Option<String> {
        match self {
            Self::Unit { serial, .. } => Some(serial.clone()),
            Self::Container(_) => None,
        }
    }
}

impl Turn<'_> {
    /// The unit or container of a scan, where it is known here.
    pub(in super::super) fn thing(&self, name: &str, reading: &Reading) -> Result<Thing, Answer> {
        match reading {
            Reading::Device { serial, scope, .. } | Reading::Component { serial, scope, .. } => {
                let Some(known) = self.facts.known.clone() else {
                    let help = "Look whether this is the right unit: this station has never had it.";
                    return Err(Answer::refused(name, Code::UnknownUnit, format!("{serial} is not known here"), help));
                };
                Ok(Thing::Unit { scope: scope.clone(), serial: serial.clone(), known })
            }
            Reading::Container { id, .. } => self.container(id).map(Thing::Container).ok_or_else(|| {
                let help = "Look whether this is the right label: this station has never had this container.";
                Answer::refused(name, Code::UnknownContainer, format!("{id} is not known here"), help)
            }),
            _ => Err(super::super::scan::not_here(name)),
        }
    }

    /// The thing leaves what it is in. Tells what that was.
    fn part_from(&mut self, name: &str, thing: &Thing) -> Result<Joined, Answer> {
        let Some(parent) = thing.parent().map(str::to_owned) else {
            let text = format!("{} is in nothing", thing.name());
            return Err(Answer::refused(name, Code::NotInside, text, "Look whether this is the right one."));
        };
        if thing.is_component() {
            return Ok(unit_of_key(&parent));
        }
        self.refuse_left(name, thing.name(), &parent)?;
        let joined = self.joined(&parent);
        self.adjust(&parent, -1, thing.units().map(std::ops::Neg::neg));
        if let Thing::Unit { scope, serial, .. } = thing {
            self.state.forget_recent(scope, serial);
        }
        Ok(joined)
    }

    /// A container that became empty does not hold up a work order.
    fn release_order(&mut self, id: &str) {
        let lane = self.state.open_container(id).filter(|(_, open)| open.count == 0).map(|(lane, _)| lane.to_owned());
        if let Some(lane) = lane {
            self.apply_waiting(&lane);
        }
    }

    fn order_of(thing: &Thing) -> Option<String> {
        match thing {
            Thing::Unit { known, scope, .. } if !scope.starts_with(COMPONENT) => known.work_order.clone(),
            _ => None,
        }
    }

    pub(in super::super) fn take_out(
        &mut self,
        name: &str,
        thing: Thing,
        reason: Option<&str>,
    ) -> Result<Answer, Answer> {
        // Alone, it would need another place when it is closed, and there may be none.
        if let Thing::Container(container) = &thing
            && container.state == ContainerState::Open
            && container.parent.is_some()
        {
            let text = format!("{} {} is open", title(&container.name), container.id);
            return Err(Answer::refused(name, Code::ContainerOpen, text, "Close it first."));
        }
        let from = self.part_from(name, &thing)?;
        let mut draft = self.draft(name, Event::TakenOut, thing.subject());
        draft.from = vec![from.clone()];
        draft.reason = reason.map(str::to_owned);
        let seq = self.write(draft);
        if let Some(order) = Self::order_of(&thing) {
            let order = self.order(&order);
            (order.packed, order.taken_out) = (order.packed.saturating_sub(1), order.taken_out + 1);
        }
        self.count(name, Self::order_of(&thing).as_deref(), "taken-out");
        let text = format!("{} taken out of {}: put it aside", thing.name(), from.id);
        let serial = thing.serial();
        self.put_down(thing, None, UnitState::Out, seq);
        self.release_order(&from.id);
        let mut answer = self.filled(name, Answer::new(name, Outcome::Done, Code::TakenOut, text));
        answer.serial = serial;
        Ok(answer)
    }

    /// Keeps where a thing is now.
    fn put_down(&mut self, thing: Thing, parent: Option<&str>, state: UnitState, seq: u64) {
        match thing {
            Thing::Unit { scope, serial, known } => {
                let package = parent.map(str::to_owned);
                self.set_known(&scope, &serial, Known { package, state, seq, series: None, ..known });
            }
            Thing::Container(container) => {
                if let Some(open) = self.state.open_container_mut(&container.id) {
                    open.parent = parent.map(str::to_owned);
                }
                let joined = parent.map(|_| (seq, None));
                let now = self.container(&container.id).unwrap_or(container);
                self.set_container(KnownContainer { parent: parent.map(str::to_owned), joined, ..now });
            }
        }
    }

    pub(in super::super) fn move_into(
        &mut self,
        name: &str,
        thing: Thing,
        into: &str,
        reason: Option<&str>,
        mistake: bool,
    ) -> Result<Answer, Answer> {
        let refuse = |code, text: String, help: &str| Err(Answer::refused(name, code, text, help));
        if thing.is_component() {
            return refuse(
                Code::WrongLevel,
                format!("{} is a component", thing.name()),
                "Take it out, then build it in.",
            );
        }
        let Some(target) = self.container(into) else {
            let help = "Look whether this is the right label: this station has never had this container.";
            return refuse(Code::UnknownContainer, format!("{into} is not known here"), help);
        };
        if thing.parent() == Some(into) {
            return refuse(
                Code::AlreadyThere,
                format!("{} is in {into} already", thing.name()),
                "Nothing is to be done.",
            );
        }
        self.refuse_left(name, into, into)?;
        let home = self.state.open_container(into).map(|(lane, open)| (lane.to_owned(), open.level.clone()));
        let Some((lane, level)) = home else {
            let text = format!("{} {into} is closed", title(&target.name));
            return refuse(Code::ContainerClosed, text, "Scan REOPEN and its label first.");
        };
        let depth = self.depth_of(&level);
        let fits = match &thing {
            Thing::Unit { .. } => depth == Some(0),
            Thing::Container(container) => {
                container.state == ContainerState::Closed
                    && self.depth_of(&container.name).map(|below| below + 1) == depth
            }
        };
        let Some(depth) = depth.filter(|_| fits) else {
            let text = format!("{} cannot go into {} {into}", thing.name(), target.name);
            return refuse(Code::WrongLevel, text, "Scan the label of a container that takes it.");
        };
        self.take_turn(&lane, depth, into)?;
        if self.takes_no_other(&lane, depth) {
            let text = format!("{} {into} is full with {} {}", title(&target.name), target.count, self.inside(depth));
            return refuse(Code::ContainerFull, text, "Take something out of it first, or choose another one.");
        }
        self.check_room(&lane, depth)?;
        match &thing {
            Thing::Unit { serial, .. } => {
                self.check_hold(name, serial)?;
                self.check_mixing(name, (serial, Self::order_of(&thing).as_deref()), (into, &target.common))?;
            }
            Thing::Container(container) => self.check_inside_hold(name, &container.id, false)?,
        }
        let corrects = match &thing {
            _ if !mistake => None,
            Thing::Unit { known, .. } => self.record_of(known.seq, known.series),
            Thing::Container(known) => known.joined.and_then(|(seq, series)| self.record_of(seq, series)),
        };
        let from = self.part_from(name, &thing)?;
        let mut draft = self.draft(name, Event::Moved, thing.subject());
        draft.from = vec![from.clone()];
        draft.into = vec![self.joined(into)];
        draft.reason = if mistake { Some("mistake".to_owned()) } else { reason.map(str::to_owned) };
        draft.corrects = corrects;
        let seq = self.write(draft);
        self.adjust(into, 1, thing.units());
        self.share(into, &thing);
        let order = Self::order_of(&thing);
        self.count(name, order.as_deref(), "moved");
        let text = format!("{} moved from {} to {into}", thing.name(), from.id);
        let serial = thing.serial();
        self.put_down(thing, Some(into), UnitState::Packed, seq);
        self.release_order(&from.id);
        let mut answer = self.filled(&lane, Answer::new(name, Outcome::Done, Code::Moved, text));
        answer.serial = serial;
        for level in self.close_full(&lane, depth) {
            answer.text.push_str(&format!("; {level} full and closed"));
        }
        Ok(answer)
    }

    /// What all units in the container have in common, now that this is in it, too.
    fn share(&mut self, into: &str, thing: &Thing) {
        let attributes = match thing {
            Thing::Container(container) => container.common.clone(),
            // Of the unit itself only its work order is kept.
            Thing::Unit { known, .. } => {
                known.work_order.iter().map(|id| ("workOrder".to_owned(), id.clone().into())).collect()
            }
        };
        if let Some(open) = self.state.open_container_mut(into) {
            match open.count {
                1 => open.common = attributes,
                _ => open.common.retain(|name, value| attributes.get(name) == Some(value)),
            }
        }
    }

    pub(in super::super) fn scrap(
        &mut self,
        name: &str,
        (scope, serial): (&str, &str),
        reason: Option<&str>,
    ) -> Result<Answer, Answer> {
        let known = self.facts.known.clone().unwrap_or(Known { state: UnitState::Seen, ..Known::default() });
        if known.state == UnitState::Scrapped {
            let text = format!("{serial} is scrap already");
            return Err(Answer::refused(name, Code::Scrapped, text, "Set it aside."));
        }
        let thing = Thing::Unit { scope: scope.to_owned(), serial: serial.to_owned(), known };
        let from = match thing.parent() {
            Some(_) => Some(self.part_from(name, &thing)?),
            None => None,
        };
        let mut draft = self.draft(name, Event::Scrapped, thing.subject());
        draft.from = from.iter().cloned().collect();
        draft.reason = reason.map(str::to_owned);
        // A failed test says nothing of the unit: its order and lot stand here, so that it counts where it counts here.
        if let Thing::Unit { known, .. } = &thing {
            let mut say = |name: &str, value: Option<&String>| {
                draft.attributes.extend(value.map(|value| (name.to_owned(), value.clone().into())));
            };
            say("workOrder", Self::order_of(&thing).as_ref());
            say("lotCode", known.lot.as_ref());
        }
        let seq = self.write(draft);
        if let (Some(id), Thing::Unit { known, .. }) = (Self::order_of(&thing), &thing) {
            let order = self.order(&id);
            order.scrapped += 1;
            match known.state {
                UnitState::Packed => order.packed = order.packed.saturating_sub(1),
                UnitState::Out => order.taken_out = order.taken_out.saturating_sub(1),
                UnitState::Seen | UnitState::Scrapped => {}
            }
        }
        self.count(name, Self::order_of(&thing).as_deref(), "scrapped");
        self.put_down(thing, None, UnitState::Scrapped, seq);
        if let Some(from) = &from {
            self.release_order(&from.id);
        }
        let out = from.map(|from| format!(", and out of {}", from.id)).unwrap_or_default();
        let text = format!("{serial} is scrap{out}");
        let mut answer = self.filled(name, Answer::new(name, Outcome::Done, Code::ScrapRecorded, text));
        (answer.serial, answer.help) = (Some(serial.to_owned()), "Put it to the scrap.".to_owned());
        Ok(answer)
    }

    /// Quality at the line: the unit is not packed and goes nowhere until somebody releases it.
    pub(in super::super) fn hold(&mut self, name: &str, scope: &str, serial: &str, reason: Option<&str>) -> Answer {
        let known = self.facts.known.clone().unwrap_or(Known { state: UnitState::Seen, ..Known::default() });
        let mut draft = self.draft(name, Event::Held, device(scope, serial));
        draft.reason = Some(reason.unwrap_or("at the line").to_owned());
        let seq = self.write(draft);
        let seq = if known.state == UnitState::Seen { seq } else { known.seq };
        self.set_known(scope, serial, Known { held: true, seq, ..known });
        self.count(name, None, "held");
        let mut answer = Answer::new(name, Outcome::Done, Code::HoldRecorded, format!("{serial} is on hold"));
        (answer.serial, answer.help) = (Some(serial.to_owned()), "Set the unit aside for quality.".to_owned());
        answer
    }
}

/// Is this the subject of a command about a unit?
pub(in super::super) fn unit_of(reading: &Reading) -> Option<(&str, &str)> {
    match reading {
        Reading::Device { serial, scope, .. } | Reading::Component { serial, scope, .. } => Some((scope, serial)),
        _ => None,
    }
}
