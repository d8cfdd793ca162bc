//! Units that a rig tests: the scan gives the unit to the rig, the rig's result comes back as an input.

use records::Event;
use records::attributes::Attributes;

use super::super::answer::{Answer, Code, Outcome};
use super::super::facts::{NoResult, RigResult};
use super::super::hold::lot_of;
use super::super::input::Reading;
use super::super::known::{Known, Tested, UnitState};
use super::super::state::LastResult;
use super::super::turn::{Turn, device};
use super::Testing;

/// Attributes of a `tested` record that are not the rig's to say.
const OWN: [&str; 4] = ["result", "attempt", "rig", "measurements"];

impl Turn<'_> {
    pub(in super::super) fn test(&mut self, name: &str, reading: &Reading) -> Result<Answer, Answer> {
        let Reading::Device { serial, scope, attributes } = reading else {
            return Err(super::super::scan::not_here(name));
        };
        let refuse = |code, text: String, help: &str| Err(Answer::refused(name, code, text, help));
        if let Some(dut) = self.on(name).and_then(|lane| lane.testing.as_ref()) {
            if (&dut.serial, &dut.scope) == (serial, scope) {
                let text = format!("{serial} is being tested already");
                let mut answer = Answer::new(name, Outcome::Known, Code::TestStarted, text);
                answer.serial = Some(serial.clone());
                return Ok(answer);
            }
            let text = format!("{} is being tested", dut.serial);
            return refuse(Code::Busy, text, "Wait for its result, or scan CANCEL.");
        }
        self.check_hold(name, serial)?;
        let facts = self.facts;
        let known = facts.known.as_ref();
        if known.is_some_and(|known| known.state == UnitState::Scrapped) {
            return refuse(Code::Scrapped, format!("{serial} is scrap"), "Set the unit aside.");
        }
        let attempts = known.and_then(|known| known.test).map_or(0, |test| test.attempts);
        let most = self.line.rules.lanes.get(name).and_then(|rules| rules.most_tests);
        if let Some(most) = most.filter(|most| attempts >= *most) {
            let text = format!("{serial} was tested {attempts} times, and may be tested {most} times");
            self.unless_allowed(Answer::refused(name, Code::RetestLimit, text, "Set the unit aside for repair."))?;
        }
        let attributes = self.attributes(name, attributes)?;
        self.check_terms(name, serial)?;
        self.state.tests += 1;
        let test = self.state.tests;
        self.lane(name).testing = Some(Testing {
            serial: serial.clone(),
            scope: scope.clone(),
            attributes,
            attempt: attempts.saturating_add(1),
            test,
        });
        let mut answer = Answer::new(name, Outcome::Done, Code::TestStarted, format!("{serial} is tested now"));
        answer.serial = Some(serial.clone());
        Ok(answer)
    }

    /// The rig says again what it has said of the test before: it did not hear the answer. One that does not name the test
    /// may mean the next one; nobody can tell, and nothing is recorded.
    fn said_before(&self, name: &str, result: &RigResult) -> Option<Answer> {
        let lane = self.on(name)?;
        let last = lane.last_result.as_ref().filter(|last| last.mark == result.mark())?;
        result.test.is_none_or(|test| test == last.test).then_some(())?;
        let serial = &result.serial;
        let text = format!("The result of {serial} is recorded already");
        let mut answer = Answer::new(name, Outcome::Known, Code::AlreadyRecorded, text);
        let waits = lane.testing.as_ref().is_some_and(|dut| (&dut.serial, &dut.scope) == (serial, &result.scope));
        if waits && result.test.is_none() {
            answer.help =
                "If it is the result of the next test, the rig has to say which: `test`, as it was told.".into();
        }
        answer.serial = Some(serial.clone());
        Some(answer)
    }

    /// What the rig says. A result that does not fit is refused by name, and nothing of it is recorded.
    pub(in super::super) fn result(
        &mut self,
        name: &str,
        result: &Result<RigResult, NoResult>,
    ) -> Result<Answer, Answer> {
        let result = match result {
            Ok(result) => result,
            Err(NoResult { why, test }) => {
                let is_it = |dut: &mut Testing| test.is_none_or(|test| test == dut.test);
                let Some(testing) = self.lane(name).testing.take_if(is_it) else {
                    let text = format!("No unit is being tested: {why}");
                    return Err(Answer::refused(name, Code::NoTest, text, "Scan a unit."));
                };
                // The unit may be scanned again: nothing is known of it.
                let text = format!("{} has no result: {why}", testing.serial);
                let help = "Look at the rig, then scan the unit again.";
                let mut answer = Answer::refused(name, Code::RigFailed, text, help);
                answer.serial = Some(testing.serial);
                return Ok(answer);
            }
        };
        if let Some(answer) = self.said_before(name, result) {
            return Ok(answer);
        }
        let refuse = |code, text: String, help: &str| Err(Answer::refused(name, code, text, help));
        let Some(dut) = self.on(name).and_then(|lane| lane.testing.clone()) else {
            let text = format!("No unit is being tested, and the rig says something of {}", result.serial);
            return refuse(Code::NoTest, text, "Scan a unit; a rig says its result once.");
        };
        if (&dut.serial, &dut.scope) != (&result.serial, &result.scope) {
            let text = format!("The rig says something of {}, and {} is being tested", result.serial, dut.serial);
            return refuse(Code::OtherUnit, text, "Look which unit is in the rig, then scan it.");
        }
        if result.test.is_some_and(|test| test != dut.test) {
            let text = format!("The rig's result is of another test of {} than the one that runs", dut.serial);
            return refuse(Code::LateResult, text, "Wait for the result of this test; or scan CANCEL, then the unit.");
        }
        let facts = self.facts;
        let known = facts.known.clone().unwrap_or(Known { state: UnitState::Seen, ..Known::default() });
        let attempts = known.test.map_or(0, |test| test.attempts).saturating_add(1);
        let mut attributes: Attributes = dut.attributes;
        attributes.extend(result.attributes.iter().map(|(name, value)| (name.clone(), value.clone())));
        attributes.retain(|name, _| !OWN.contains(&name.as_str()));
        let word = if result.passed { "pass" } else { "fail" };
        attributes.insert("result".to_owned(), word.into());
        attributes.insert("attempt".to_owned(), attempts.into());
        attributes.insert("rig".to_owned(), result.rig.clone().into());
        if !result.measurements.is_empty() {
            attributes.insert("measurements".to_owned(), result.measurements.clone().into());
        }
        let order = attributes.get("workOrder").and_then(|order| order.as_str()).map(str::to_owned);
        let lot = lot_of(&attributes).or_else(|| known.lot.clone());
        let said = attributes.clone();
        let mut draft = self.draft(name, Event::Tested, device(&dut.scope, &dut.serial));
        draft.attributes = attributes;
        let seq = self.write(draft);
        let at = self.now.synchronised.then(|| self.now.wall.as_millisecond());
        let test = Some(Tested { passed: result.passed, attempts, at });
        // What put a packed unit where it is stays the record to name.
        let known = match known.state {
            UnitState::Seen => {
                Known { seq, series: None, work_order: order.clone().or(known.work_order), lot, test, ..known }
            }
            _ => Known { test, ..known },
        };
        self.set_known(&dut.scope, &dut.serial, known);
        let lane = self.lane(name);
        (lane.testing, lane.last_result) = (None, Some(LastResult { test: dut.test, mark: result.mark() }));
        let serial = &dut.serial;
        let mut answer = match result.passed {
            true => {
                self.count(name, order.as_deref(), "passed");
                self.print_unit(name, (&dut.scope, serial), &said);
                Answer::new(name, Outcome::Accepted, Code::TestPassed, format!("{serial} has passed"))
            }
            false => {
                if let Some(order) = &order {
                    self.order(order).failed += 1;
                }
                self.count(name, order.as_deref(), "failed");
                let text = format!("{serial} has failed test {attempts}");
                Answer::refused(name, Code::TestFailed, text, "Set the unit aside for repair.")
            }
        };
        answer.serial = Some(dut.serial);
        Ok(answer)
    }
}
