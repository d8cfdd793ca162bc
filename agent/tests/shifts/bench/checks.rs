//! What is held against a station after each decision.

use super::*;

impl Bench {
    /// What must hold of every decision.
    pub(super) fn check_decision(
        &self,
        before: &State,
        input: &Input,
        decision: &agent::station::Decision,
    ) -> Result<(), String> {
        if decision.next.last_seq != before.last_seq + decision.drafts.len() as u64 {
            return Err("sequences and records count otherwise".to_owned());
        }
        if *decision != decide(&self.line, before, input, &stamp(self.now)) {
            return Err("the same input is decided otherwise".to_owned());
        }
        let Some(answer) = &decision.answer else { return Ok(()) };
        if answer.text.is_empty() || (answer.outcome == Outcome::Refused && answer.help.is_empty()) {
            return Err(format!("{answer:?} does not say what is the matter, or what to do"));
        }
        let refused = decision.next.counters.refused - before.counters.refused;
        let told = [Code::TestFailed, Code::CountDiffers, Code::InAnotherPackage, Code::Contradicted];
        // What the service says later is no scan that was refused.
        let is_scan = !matches!(input, Input::Checked { .. });
        if is_scan && answer.outcome == Outcome::Refused && refused == 0 && !told.contains(&answer.code) {
            return Err(format!("{answer:?} is not counted as refused"));
        }
        // Refused whole: nothing of it happened.
        let happened = decision.drafts.iter().any(|draft| draft.event != Event::Refused);
        if refused > 0 && (happened || !decision.containers.is_empty() || !decision.orders.is_empty()) {
            return Err(format!("{answer:?}, and something happened: {:?}", decision.drafts));
        }
        Ok(())
    }

    /// Nothing is accepted that a rule forbids.
    pub(super) fn check_rules(&self, before: &State, draft: &Draft) -> Result<(), String> {
        let unit = (draft.subject.scope.clone(), draft.subject.id.clone());
        let is_held = |unit: &(String, String)| self.holds.contains(&unit.1) || self.truth.held.contains(unit);
        if matches!(draft.event, Event::Packed | Event::Moved | Event::Despatched)
            && draft.subject.kind == Kind::Container
            && let Some(held) = self.truth.units_inside(&draft.subject.id).into_iter().find(is_held)
        {
            return Err(format!("{held:?} in it is on hold: {draft:?}"));
        }
        if draft.event == Event::Moved && draft.subject.kind == Kind::Device && is_held(&unit) {
            return Err(format!("it is on hold: {draft:?}"));
        }
        if draft.event != Event::Packed || draft.subject.kind != Kind::Device {
            return Ok(());
        }
        let allowed = draft.allowed.as_ref().map_or("", |allowed| allowed.code.as_str());
        let is_allowed = |code: &str| allowed.split(',').any(|word| word == code);
        let fail = |what: &str| Err(format!("{what}: {draft:?}"));
        let lane = before.lane(draft.lane.as_deref().unwrap_or_default());
        if self.holds.contains(&unit.1) || self.truth.held.contains(&unit) {
            return fail("it is on hold");
        }
        let rules = &self.line.rules.lanes["main"];
        if rules.operator_required && draft.actor.is_none() {
            return fail("nobody was signed on");
        }
        if rules.requires_test
            && !self.truth.tested.get(&unit).is_some_and(|(passed, _)| *passed)
            && !is_allowed("not-tested")
        {
            return fail("it has not passed");
        }
        let Some(order) = lane.work_order else { return fail("there was no work order") };
        if order.id == "WO-1" && unit.1.len() != 2 && !is_allowed("wrong-pattern") {
            return fail("it does not match the pattern");
        }
        if order.id == "WO-0" && self.truth.packed_of("WO-0") >= 5 && !is_allowed("quantity-reached") {
            return fail("the order was full");
        }
        let into = &draft.into[0].id;
        let level = &self.line.packing.levels[0];
        let size = order.terms.package_size.unwrap_or(level.size) as usize;
        if self.truth.count(into) >= size {
            return fail("the package was full");
        }
        if allowed.is_empty() != draft.allowed.is_none() {
            return fail("a permission without a code");
        }
        let people = &self.line.rules.people;
        let may = |word: &str| people.allows.iter().any(|code| code.word() == word);
        if draft.allowed.as_ref().is_some_and(|by| !people.supervisors.contains(&by.by) || !allowed.split(',').all(may))
        {
            return fail("nobody may allow this");
        }
        Ok(())
    }

    /// What the station believes is what the records say.
    pub(super) fn check_beliefs(&self) -> Result<(), String> {
        for (unit, known) in &self.known {
            let inside = self.truth.inside.get(unit);
            let believed = known.package.as_ref().map(|package| package.split('\u{1f}').next().unwrap_or_default());
            if inside.map(String::as_str) != believed {
                return Err(format!("{unit:?} is believed in {believed:?}, and is in {inside:?}"));
            }
            if (known.state == UnitState::Scrapped) != self.truth.scrapped.contains(unit) {
                return Err(format!("{unit:?} is believed {:?}", known.state));
            }
            let tested = known.test.map(|test| (test.passed, u64::from(test.attempts)));
            if tested != self.truth.tested.get(unit).copied() {
                return Err(format!(
                    "{unit:?} was tested {:?}, and it is believed {tested:?}",
                    self.truth.tested.get(unit)
                ));
            }
        }
        if let Some(unit) = self.truth.inside.keys().find(|unit| !self.known.contains_key(*unit)) {
            return Err(format!("{unit:?} is not known any more"));
        }
        let mut open = BTreeSet::new();
        for lane in self.state.lanes.values() {
            for level in &self.line.packing.levels {
                if lane.open.iter().filter(|open| open.level == level.name).count() > 1 {
                    return Err("two containers of a level are open on a lane".to_owned());
                }
            }
            for container in lane.open.iter().chain(&lane.spare) {
                let (count, units) = (self.truth.count(&container.id), self.truth.units(&container.id));
                if container.count as usize != count || container.units.is_some_and(|known| known as usize != units) {
                    return Err(format!("{container:?} has {count} in it, and {units} units"));
                }
                open.insert(container.id.clone());
            }
        }
        if open != self.truth.open {
            return Err(format!("open are {:?}, believed {open:?}", self.truth.open));
        }
        for (id, container) in &self.containers {
            if (container.state == ContainerState::Open) != open.contains(id) {
                return Err(format!("{container:?} is open: {}", open.contains(id)));
            }
            if container.parent.as_ref() != self.truth.parent.get(id) {
                return Err(format!("{container:?} is in {:?}", self.truth.parent.get(id)));
            }
            let (count, units) = (self.truth.count(id), self.truth.units(id));
            if container.state != ContainerState::Open
                && !container.is_unknown_inside()
                && (container.count as usize != count || container.units.is_some_and(|known| known as usize != units))
            {
                return Err(format!("{container:?} has {count} in it, and {units} units"));
            }
        }
        for container in self.containers.values() {
            // A work order of these shifts may ask for packages of two.
            let depth = self.line.packing.levels.iter().position(|level| level.name == container.name);
            let Some(level) = depth.and_then(|depth| self.line.packing.levels.get(depth)) else { continue };
            let most = if depth == Some(0) { level.size.max(2) } else { level.size } as usize;
            let count = self.truth.count(&container.id);
            if count > most {
                return Err(format!("{container:?} takes {most}, and {count} are in it"));
            }
        }
        for (id, count) in self.orders.iter().chain(&self.state.orders) {
            let current = self.state.orders.get(id).unwrap_or(count);
            if current.packed != self.truth.packed_of(id) {
                return Err(format!("{id} has {} units, believed {current:?}", self.truth.packed_of(id)));
            }
        }
        Ok(())
    }
}
