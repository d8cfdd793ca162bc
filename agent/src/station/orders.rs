//! Work orders: which one a lane works on, what its terms let through, and what this station did of it.

use std::cell::RefCell;

use records::attributes::Attributes;
use records::wire::{UnderRun, WorkOrder, WorkOrderMessage, terms};
use records::{Event, Kind, Subject};
use regex::Regex;

use super::answer::{Answer, Code, Outcome};
use super::command::Command;
use super::containers::title;
use super::known::{KnownContainer, OrderCount};
use super::state::{Open, OrderChange, State};
use super::turn::Turn;

impl Turn<'_> {
    /// A scanned work order.
    pub(super) fn work_order(&mut self, name: &str, order: WorkOrder) -> Result<Answer, Answer> {
        let lane = self.state.lane(name);
        let id = order.id.clone();
        if lane.work_order.as_ref() == Some(&order) {
            let text = format!("Work order {id} is current already");
            return Ok(Answer::new(name, Outcome::Done, Code::WorkOrderUnchanged, text));
        }
        self.check_labels(name, &order)?;
        let mut closed = None;
        let is_own = |open: &Open| open.is_of(&id) && lane.work_order.as_ref().is_none_or(|now| now.id != id);
        if let Some(package) = self.at(&lane, 0).filter(|package| package.count > 0 && !is_own(package)) {
            match self.line.packing.order_change {
                OrderChange::Refuse => {
                    let text =
                        format!("Package {} is open with {} units of another work order", package.id, package.count);
                    let help = "Scan CLOSE PACKAGE, then the work order again.";
                    return Err(Answer::refused(name, Code::PackageOpen, text, help));
                }
                OrderChange::Close => {
                    closed = Some(format!("; package {} closed with {} units", package.id, package.count));
                    self.lane(name).waiting = None;
                    self.close(name, 0, Some("another work order"));
                    self.close_full(name, 1);
                }
            }
        }
        // What a person scans now wins over what waited.
        self.lane(name).waiting = None;
        let mut answer = self.begin_work_order(name, Some(order));
        answer.text.push_str(&closed.unwrap_or_default());
        Ok(self.ask_back(name, answer))
    }

    /// A work order that came over the topic.
    pub(super) fn work_order_message(&mut self, name: &str, message: &WorkOrderMessage) -> Option<Answer> {
        let lane = self.state.lane(name);
        let newest = lane.waiting.as_ref().map(|waiting| waiting.revision).max(lane.revision);
        if newest.is_some_and(|newest| message.revision <= newest) {
            return None;
        }
        if self.at(&lane, 0).is_none_or(|package| package.count == 0) {
            return Some(self.apply_message(name, message));
        }
        if self.line.packing.order_change == OrderChange::Close {
            self.lane(name).waiting = None;
            self.close(name, 0, Some("another work order"));
            self.close_full(name, 1);
            return Some(self.apply_message(name, message));
        }
        if let Some(id) = &message.work_order {
            self.keep_order(id);
        }
        self.lane(name).waiting = Some(message.clone());
        let order = message.work_order.as_deref().map(|id| format!("Work order {id}"));
        let what = order.unwrap_or_else(|| "The end of the work order".to_owned());
        let text = format!("{what} begins when the open package is closed");
        Some(Answer::new(name, Outcome::Done, Code::WorkOrderWaits, text))
    }

    /// A package was closed or emptied: the work order that waited for it begins.
    pub(super) fn apply_waiting(&mut self, name: &str) {
        if let Some(message) = self.on(name).and_then(|lane| lane.waiting.clone()) {
            self.apply_message(name, &message);
        }
    }

    fn apply_message(&mut self, name: &str, message: &WorkOrderMessage) -> Answer {
        let lane = self.lane(name);
        lane.revision = Some(message.revision);
        // What was refused, was so under the order before.
        (lane.waiting, lane.last_refused) = (None, None);
        let order = message.work_order.as_ref().map(|id| WorkOrder {
            id: id.clone(),
            attributes: message.attributes.clone(),
            terms: message.terms.clone(),
        });
        let missing = order.as_ref().and_then(|order| self.check_labels(name, order).err());
        let mut answer = self.begin_work_order(name, order);
        if let Some(missing) = missing {
            answer.help = format!("{}. {}", missing.text, missing.help);
        }
        answer
    }

    fn begin_work_order(&mut self, name: &str, order: Option<WorkOrder>) -> Answer {
        let before = self.on(name).and_then(|lane| lane.work_order.as_ref()).map(|order| order.id.clone());
        let (event, id, attributes) = match (&order, before) {
            (Some(order), _) => (Event::WorkOrderStarted, order.id.clone(), order.attributes.clone()),
            (None, Some(old)) => (Event::WorkOrderEnded, old, Attributes::new()),
            (None, None) => return Answer::new(name, Outcome::Done, Code::WorkOrderEnded, "There is no work order"),
        };
        let answer = match event {
            Event::WorkOrderStarted => {
                Answer::new(name, Outcome::Done, Code::WorkOrderStarted, format!("Work order {id} is current"))
            }
            _ => Answer::new(name, Outcome::Done, Code::WorkOrderEnded, format!("Work order {id} has ended")),
        };
        let mut draft = self.draft(name, event, Subject::new(Kind::WorkOrder, &id));
        draft.attributes = attributes;
        if let Some(order) = order.as_ref().filter(|order| !order.terms.is_empty()) {
            draft.attributes.insert("terms".to_owned(), serde_json::json!(order.terms));
        }
        self.write(draft);
        if let Some(order) = &order {
            self.keep_order(&id);
            let asks = order.terms.under_run == UnderRun::Reason;
            self.order(&id).wanted = order.terms.quantity.filter(|_| asks);
        }
        self.lane(name).work_order = order;
        answer
    }

    fn check_labels(&self, name: &str, order: &WorkOrder) -> Result<(), Answer> {
        let labels = [&order.terms.labels.package, &order.terms.labels.pallet];
        let has = |wanted: &String| self.line.labels.iter().any(|rule| rule.name.as_ref() == Some(wanted));
        let Some(missing) = labels.into_iter().flatten().find(|wanted| !has(wanted)) else { return Ok(()) };
        let text = format!("Work order {} asks for the label {missing}, which this station does not have", order.id);
        Err(Answer::refused(name, Code::UnknownLabel, text, "Tell a technician: add a [[label]] with this name."))
    }

    /// What the work order and the label together say of the unit.
    pub(super) fn attributes(&mut self, name: &str, label: &Attributes) -> Result<Attributes, Answer> {
        let Some(order) = self.on(name).and_then(|lane| lane.work_order.clone()) else {
            if self.line.packing.work_order_required {
                let help = "Scan the work order's barcode first.";
                return Err(Answer::refused(name, Code::NoWorkOrder, "There is no work order", help));
            }
            return Ok(label.clone());
        };
        let mut attributes = order.attributes.clone();
        attributes.insert("workOrder".to_owned(), order.id.clone().into());
        for (key, value) in label {
            if let Some(expected) = attributes.get(key).filter(|expected| *expected != value) {
                let text = format!(
                    "The label says {key} {}, the work order {}",
                    super::packing::plain(value),
                    super::packing::plain(expected)
                );
                let code = match key.as_str() {
                    "lotCode" => Code::WrongLot,
                    "partNumber" | "pcbPartNumber" | "deviceType" | "hardwareRevision" => Code::WrongProduct,
                    _ => Code::OtherThanWorkOrder,
                };
                let help = "Set the unit aside: it belongs to something else.";
                self.unless_allowed(Answer::refused(name, code, text, help))?;
            }
            // What stands on the unit is what it is.
            attributes.insert(key.clone(), value.clone());
        }
        Ok(attributes)
    }

    /// Do the terms of the work order let this unit through?
    pub(super) fn check_terms(&mut self, name: &str, serial: &str) -> Result<(), Answer> {
        let Some(order) = self.on(name).and_then(|lane| lane.work_order.clone()) else { return Ok(()) };
        let (id, terms) = (&order.id, &order.terms);
        if terms.serial_pattern.as_ref().is_some_and(|pattern| !matches(pattern, serial)) {
            let text = format!("{serial} does not look like a unit of work order {id}");
            let help = "Look whether this is the right label; if it is, set the unit aside.";
            self.unless_allowed(Answer::refused(name, Code::WrongPattern, text, help))?;
        }
        if !terms.has_in_range(serial) {
            let (first, last) = (terms.serial_first.clone().unwrap_or_default(), terms.serial_last.clone());
            let text = format!("{serial} is not from {first} to {}", last.unwrap_or_default());
            let help = "Set the unit aside: it belongs to another work order.";
            self.unless_allowed(Answer::refused(name, Code::NotInRange, text, help))?;
        }
        Ok(())
    }

    /// May another unit of the work order be packed?
    pub(super) fn check_quantity(&mut self, name: &str) -> Result<(), Answer> {
        let Some(order) = self.on(name).and_then(|lane| lane.work_order.clone()) else { return Ok(()) };
        let count = self.order(&order.id).clone();
        if count.sealed {
            let text = format!("The share of this station in work order {} is sealed", order.id);
            return Err(Answer::refused(name, Code::OrderSealed, text, "Scan another work order."));
        }
        if let Some(most) = order.terms.most().filter(|most| count.packed >= *most) {
            let over = if order.terms.over_run > 0 { ", over-run included" } else { "" };
            let text = format!("Work order {} has all its {most} units{over}", order.id);
            let help = "Set the unit aside, and scan the next work order.";
            self.unless_allowed(Answer::refused(name, Code::QuantityReached, text, help))?;
        }
        Ok(())
    }

    /// Does sealing this order ask for a reason?
    pub(super) fn is_under_run(&mut self, id: &str) -> bool {
        let lanes = self.state.lanes.values();
        let current = lanes.filter_map(|lane| lane.work_order.clone()).find(|order| order.id == id);
        let count = self.order(id).clone();
        let of_current = current.filter(|order| order.terms.under_run == UnderRun::Reason);
        // No lane may work on it any more.
        if count.sealed {
            return false;
        }
        let wanted = of_current.and_then(|order| order.terms.quantity).or(count.wanted);
        wanted.is_some_and(|wanted| count.packed < u64::from(wanted))
    }

    /// This station has done its share of a work order.
    pub(super) fn seal_order(&mut self, name: &str, id: &str, reason: Option<&str>) -> Result<Answer, Answer> {
        let refuse = |code, text: String, help: &str| Err(Answer::refused(name, code, text, help));
        let count = self.order(id).clone();
        if count.sealed {
            return refuse(Code::OrderSealed, format!("Work order {id} is sealed already"), "Nothing is to be done.");
        }
        let works = |order: &Option<WorkOrder>| order.as_ref().is_some_and(|order| order.id == id);
        let lanes: Vec<String> =
            self.state.lanes.iter().filter(|(_, lane)| works(&lane.work_order)).map(|(lane, _)| lane.clone()).collect();
        for lane in &lanes {
            let Some(open) = self.on(lane).and_then(|lane| self.at(lane, 0)).filter(|open| open.count > 0) else {
                continue;
            };
            let text = format!("Package {} on lane {lane} is still open with {} units", open.id, open.count);
            return refuse(Code::PackageOpen, text, "Scan CLOSE PACKAGE there, then seal again.");
        }
        if reason.is_none() && self.is_under_run(id) {
            return refuse(
                Code::ReasonMissing,
                format!("Work order {id} has {} units, fewer than it should have", count.packed),
                "Say why: scan a reason after the work order.",
            );
        }
        let mut draft = self.draft(name, Event::Sealed, Subject::new(Kind::WorkOrder, id));
        draft.attributes = share_of(&count);
        draft.reason = reason.map(str::to_owned);
        self.write(draft);
        self.order(id).sealed = true;
        self.seal_lots(name, id);
        for lane in lanes {
            self.lane(&lane).waiting.take_if(|waiting| waiting.work_order.as_deref() == Some(id));
            self.begin_work_order(&lane, None);
            self.apply_waiting(&lane);
        }
        let text = format!("Work order {id} is sealed with {} units of this station", count.packed);
        Ok(Answer::new(name, Outcome::Done, Code::Sealed, text))
    }

    /// This station's share of each lot that it has packed in a work order.
    fn seal_lots(&mut self, name: &str, id: &str) {
        for (lot, packed) in self.order(id).lots.clone().into_iter().filter(|(_, packed)| *packed > 0) {
            let mut draft = self.draft(name, Event::Sealed, Subject::new(Kind::Lot, lot));
            draft.attributes = [
                ("made".to_owned(), packed.into()),
                ("packed".to_owned(), packed.into()),
                ("workOrder".to_owned(), id.into()),
            ]
            .into();
            self.write(draft);
        }
    }

    /// This station has done its share of a container.
    pub(super) fn seal_container(
        &mut self,
        name: &str,
        container: &KnownContainer,
        reason: Option<&str>,
    ) -> Result<Answer, Answer> {
        if container.state == super::known::ContainerState::Open {
            let text = format!("{} {} is open", title(&container.name), container.id);
            return Err(Answer::refused(name, Code::ContainerOpen, text, "Close it, then seal it."));
        }
        let units = container.units.unwrap_or(container.count);
        let mut draft = self.draft(name, Event::Sealed, Subject::container(&container.id));
        draft.attributes = share_of(&OrderCount { packed: units.into(), ..OrderCount::default() });
        draft.reason = reason.map(str::to_owned);
        self.write(draft);
        let text = format!("{} {} is sealed with {units} units", title(&container.name), container.id);
        Ok(Answer::new(name, Outcome::Done, Code::Sealed, text))
    }

    /// Notes a command that ends nothing by itself.
    pub(super) fn command_word(command: Command) -> String {
        command.to_string().to_uppercase().replace('-', " ")
    }
}

fn share_of(count: &OrderCount) -> Attributes {
    let OrderCount { packed, taken_out, scrapped, failed, .. } = *count;
    [
        ("made".to_owned(), (packed + taken_out + scrapped).into()),
        ("packed".to_owned(), packed.into()),
        ("takenOut".to_owned(), taken_out.into()),
        ("scrapped".to_owned(), scrapped.into()),
        ("failed".to_owned(), failed.into()),
    ]
    .into()
}

/// Most patterns that are kept ready.
const READY: usize = 16;

thread_local! {
    /// Patterns of work orders, ready to match: making one takes longer than a decision may.
    static PATTERNS: RefCell<Vec<(String, Option<Regex>)>> = const { RefCell::new(Vec::new()) };
}

/// Does the whole serial match? What cannot be a pattern matches nothing: it was refused with its work order.
fn matches(pattern: &str, serial: &str) -> bool {
    PATTERNS.with_borrow_mut(|ready| {
        if !ready.iter().any(|(known, _)| known == pattern) {
            if ready.len() == READY {
                ready.remove(0);
            }
            ready.push((pattern.to_owned(), terms::compile(pattern).ok()));
        }
        let compiled = ready.iter().find(|(known, _)| known == pattern).and_then(|(_, compiled)| compiled.as_ref());
        compiled.is_some_and(|compiled| compiled.is_match(serial))
    })
}

impl State {
    /// Lets go of what was counted of orders that no lane works on: the journal keeps it.
    pub(super) fn retain_orders(&mut self, changed: &mut std::collections::BTreeMap<String, OrderCount>) {
        let (lanes, orders) = (&self.lanes, &mut self.orders);
        if orders.is_empty() {
            return;
        }
        orders.retain(|id, count| {
            let is_wanted = lanes.values().any(|lane| {
                let waits = lane.waiting.as_ref().and_then(|waiting| waiting.work_order.as_ref());
                lane.work_order.as_ref().is_some_and(|order| order.id == *id) || waits == Some(id)
            });
            if !is_wanted {
                changed.insert(id.clone(), count.clone());
            }
            is_wanted
        });
    }
}
