//! Units into packages, packages into what is around them.

use records::attributes::Attributes;
use records::{Event, Joined, Level};

use super::super::answer::{Answer, Code, Outcome};
use super::super::hold::lot_of;
use super::super::input::Reading;
use super::super::known::{Known, Tested, UnitState};
use super::super::packing::in_package;
use super::super::service::{RemoteUnit, Service};
use super::super::state::{LastPacked, Open, PackedUnit, WasOut};
use super::super::turn::{Turn, device};

impl Turn<'_> {
    /// A scan on a lane that fills containers.
    pub(in super::super) fn pack(&mut self, name: &str, reading: &Reading) -> Result<Answer, Answer> {
        match reading {
            Reading::Device { serial, scope, attributes } if self.range(name).start == 0 => {
                self.pack_unit(name, serial, scope, attributes)
            }
            Reading::Device { serial, .. } => {
                let text = format!("{serial} is a unit: this lane puts closed containers onto pallets");
                Err(Answer::refused(name, Code::WrongLevel, text, "Scan the label of a closed container."))
            }
            Reading::Container { id, .. } => self.container_scanned(name, id),
            _ => Err(super::super::scan::not_here(name)),
        }
    }

    fn pack_unit(&mut self, name: &str, serial: &str, scope: &str, label: &Attributes) -> Result<Answer, Answer> {
        self.check_hold(name, serial)?;
        let facts = self.facts;
        let known = facts.known.as_ref();
        if let Some(known) = known {
            if let Some(answer) = self.is_last(name, serial, scope, known) {
                return Ok(answer);
            }
            self.check_known(name, serial, known)?;
        }
        let unchecked = self.check_service(name, serial)?;
        self.check_test(name, serial)?;
        let attributes = self.attributes(name, label)?;
        self.check_terms(name, serial)?;
        self.check_quantity(name)?;
        self.check_order_of_package(name)?;
        self.check_room(name, 0)?;
        self.open_from(name, 0)?;

        let mut draft = self.draft(name, Event::Packed, device(scope, serial));
        let work_order = attributes.get("workOrder").and_then(|order| order.as_str()).map(str::to_owned);
        let seq = self.state.last_seq + self.drafts.len() as u64 + 1;
        let Some(package) = self.at_mut(name, 0) else { return Err(super::super::scan::not_here(name)) };
        package.add(&attributes);
        if package.recent.len() == Open::RECENT {
            package.recent.remove(0);
        }
        let was_out = known.filter(|known| known.state == UnitState::Out);
        let was_out = was_out.map(|known| WasOut { work_order: known.work_order.clone() });
        let (unit, of) = (serial.to_owned(), scope.to_owned());
        package.recent.push(PackedUnit { serial: unit, scope: of, seq, series: None, was_out: was_out.clone() });
        let (id, parent) = (package.id.clone(), package.parent.clone());
        let lot = lot_of(&attributes);
        draft.attributes = attributes;
        draft.into = vec![Joined::container(&id, Level::Package)];
        draft.allowed = self.allowed();
        let last = LastPacked { serial: serial.to_owned(), scope: scope.to_owned(), package: id.clone() };
        self.write(draft);
        if let Some(parent) = parent {
            self.adjust(&parent, 0, Some(1));
        }
        let test = known.and_then(|known| known.test);
        if let Some(before) = was_out.and_then(|was| was.work_order) {
            let order = self.order(&before);
            order.taken_out = order.taken_out.saturating_sub(1);
        }
        self.set_known(
            scope,
            serial,
            Known { work_order: work_order.clone(), lot, test, unchecked, ..Known::packed(seq, id) },
        );
        if let Some(order) = &work_order {
            self.order(order).packed += 1;
        }
        self.state.counters.accepted += 1;
        self.count(name, work_order.as_deref(), "packed");
        self.lane(name).last_packed = Some(last);

        let mut answer =
            self.filled(name, Answer::new(name, Outcome::Accepted, Code::Packed, format!("{serial} packed")));
        answer.serial = Some(serial.to_owned());
        let closed = self.close_full(name, 0);
        if !closed.is_empty() {
            answer.text = format!("{serial} packed, {} full and closed", listed(&closed));
            answer.pallet = self.filled(name, answer.clone()).pallet.or(answer.pallet);
        }
        Ok(self.ask_back(name, answer))
    }

    /// What this station knows of a unit that is scanned to be packed.
    fn check_known(&mut self, name: &str, serial: &str, known: &Known) -> Result<(), Answer> {
        match known.state {
            UnitState::Packed => {
                let text = format!("{serial} is packed already{}", in_package(known));
                let help = "Set the unit aside: two units may carry this serial.";
                Err(Answer::refused(name, Code::Duplicate, text, help))
            }
            UnitState::Scrapped => {
                let text = format!("{serial} is scrap");
                Err(Answer::refused(name, Code::Scrapped, text, "Set the unit aside: it is not to be packed."))
            }
            UnitState::Seen | UnitState::Out => Ok(()),
        }
    }

    /// Has the unit passed its last test, where this lane wants that?
    fn check_test(&mut self, name: &str, serial: &str) -> Result<(), Answer> {
        if !self.line.rules.lanes.get(name).is_some_and(|rules| rules.requires_test) {
            return Ok(());
        }
        let facts = self.facts;
        let here = facts.known.as_ref().and_then(|known| known.test);
        let there = match &facts.service {
            Service::Answer { unit, .. } => unit.as_ref(),
            _ => None,
        };
        let (code, text, help) = match last_test(here, there) {
            Some(true) => return Ok(()),
            Some(false) => (
                Code::FailedTest,
                format!("{serial} has failed its last test"),
                "Set the unit aside for repair, and test it again.",
            ),
            None => (Code::NotTested, format!("{serial} was not tested"), "Bring the unit to the test station."),
        };
        self.unless_allowed(Answer::refused(name, code, text, help))
    }

    /// The last unit of the lane, scanned again, also where its package is full with it and closed: it is there once, and there
    /// it stays. Nothing is written.
    fn is_last(&self, name: &str, serial: &str, scope: &str, known: &Known) -> Option<Answer> {
        let lane = self.on(name)?;
        let package = known.package.as_ref().filter(|package| !self.has_left(package))?;
        let of_lane = lane.last_packed.as_ref().filter(|last| last.package == *package);
        let of_lane = of_lane.is_some_and(|last| (last.serial.as_str(), last.scope.as_str()) == (serial, scope));
        let of_package = self.at(lane, 0).filter(|open| open.id == *package).and_then(|open| open.recent.last());
        let of_package = of_package.is_some_and(|last| (last.serial.as_str(), last.scope.as_str()) == (serial, scope));
        (of_lane || of_package).then_some(())?;
        let text = format!("{serial} is recorded already, as the last unit of package {package}");
        let mut answer = self.filled(name, Answer::new(name, Outcome::Known, Code::AlreadyRecorded, text));
        answer.help = "Go on with the next unit.".to_owned();
        answer.serial = Some(serial.to_owned());
        Some(answer)
    }

    /// Takes back the last unit of the open package.
    pub(in super::super) fn void_last(&mut self, name: &str) -> Result<Answer, Answer> {
        let package = self.on(name).and_then(|lane| self.at(lane, 0)).cloned();
        let Some(unit) = package.as_ref().and_then(|package| package.recent.last().cloned()) else {
            let (text, help) = match &package {
                Some(package) if package.count > 0 => (
                    format!("Only the last {} units of a package can be taken back by command", Open::RECENT),
                    "Set the package aside.",
                ),
                _ => (
                    "No unit is in an open package".to_owned(),
                    "A closed package cannot be changed by this command: set it aside.",
                ),
            };
            return Err(Answer::refused(name, Code::NothingToVoid, text, help));
        };
        let mut draft = self.draft(name, Event::Voided, device(&unit.scope, &unit.serial));
        draft.reason = Some("mistake".to_owned());
        draft.corrects = self.record_of(unit.seq, unit.series);
        let seq = self.write(draft);
        let id = package.map(|package| package.id.clone()).unwrap_or_default();
        if let Some(package) = self.at_mut(name, 0) {
            package.recent.pop();
        }
        self.lane(name).last_packed = None;
        self.adjust(&id, -1, Some(-1));
        let known = self.facts.known.clone();
        if let Some(order) = known.as_ref().and_then(|known| known.work_order.clone()) {
            let order = self.order(&order);
            order.packed = order.packed.saturating_sub(1);
        }
        self.state.counters.voided += 1;
        let order = known.as_ref().and_then(|known| known.work_order.clone());
        self.count(name, order.as_deref(), "voided");
        match (&unit.was_out, known) {
            // What was taken out before is so again.
            (Some(WasOut { work_order }), known) => {
                if let Some(order) = work_order {
                    self.order(order).taken_out += 1;
                }
                let (known, work_order) = (known.unwrap_or_default(), work_order.clone());
                let known = Known { package: None, state: UnitState::Out, work_order, seq, series: None, ..known };
                self.set_known(&unit.scope, &unit.serial, known);
            }
            // What it was tested under is its work order still.
            (None, Some(known)) if known.test.is_some() || known.held => {
                let work_order = known.work_order.clone().filter(|_| known.test.is_some());
                let known = Known { package: None, state: UnitState::Seen, work_order, ..known };
                self.set_known(&unit.scope, &unit.serial, known);
            }
            (None, _) => self.forget_known(&unit.scope, &unit.serial),
        }
        let text = format!("{} taken back: put it out of the package", unit.serial);
        let mut answer = self.filled(name, Answer::new(name, Outcome::Done, Code::Voided, text));
        answer.serial = Some(unit.serial);
        // An empty package does not hold up a work order.
        if self.on(name).and_then(|lane| self.at(lane, 0)).is_some_and(|package| package.count == 0) {
            self.apply_waiting(name);
        }
        Ok(answer)
    }
}

/// Did a unit pass the last of its tests, here or as the service knows of them? The later one counts; where that cannot be
/// told, one that failed.
fn last_test(here: Option<Tested>, there: Option<&RemoteUnit>) -> Option<bool> {
    let (Some(own), Some((remote, passed))) = (here, there.and_then(|remote| Some((remote, remote.passed?)))) else {
        return here.map(|own| own.passed).or(there.and_then(|remote| remote.passed));
    };
    let own_is_later = match (own.at, remote.tested_at) {
        (Some(own), Some(remote)) if own != remote => own > remote,
        // The service has not heard of all tests here yet.
        _ if remote.attempts < own.attempts => true,
        _ => return Some(own.passed && passed),
    };
    Some(if own_is_later { own.passed } else { passed })
}

/// `package`, `package and pallet`, `box, carton and pallet`.
fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
