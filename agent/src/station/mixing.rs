//! A package has units of one work order, as far as the station knows: what its units share says which.

use records::attributes::Attributes;

use super::answer::{Answer, Code};
use super::containers::title;
use super::state::Open;
use super::turn::Turn;

/// The work order that all units in a container share, where that is known.
pub(super) fn order_of(common: &Attributes) -> Option<&str> {
    common.get("workOrder").and_then(|order| order.as_str())
}

impl Open {
    /// Is it of this work order?
    pub(super) fn is_of(&self, order: &str) -> bool {
        order_of(&self.common) == Some(order)
    }
}

impl Turn<'_> {
    /// The open package was begun under another work order than the lane's: it was opened again, or came from elsewhere.
    pub(super) fn check_order_of_package(&self, name: &str) -> Result<(), Answer> {
        let Some(lane) = self.on(name) else { return Ok(()) };
        let (open, order) = (self.at(lane, 0).filter(|open| open.count > 0), lane.work_order.as_ref());
        let Some((open, order)) = open.zip(order) else { return Ok(()) };
        match order_of(&open.common).filter(|there| *there != order.id) {
            None => Ok(()),
            Some(there) => {
                let text = format!("{} {} is open with units of work order {there}", title(&open.level), open.id);
                let help = format!("Scan CLOSE {}, then the unit again.", open.level.to_uppercase());
                Err(Answer::refused(name, Code::PackageOpen, text, help))
            }
        }
    }

    /// Something of one work order would go into a container of another one.
    pub(super) fn check_mixing(
        &self,
        name: &str,
        (what, order): (&str, Option<&str>),
        (into, common): (&str, &Attributes),
    ) -> Result<(), Answer> {
        match order.zip(order_of(common)).filter(|(order, there)| order != there) {
            None => Ok(()),
            Some((order, there)) => {
                let text = format!("{what} is of work order {order}, and {into} of {there}");
                let help = "A package has units of one work order: choose another one.";
                Err(Answer::refused(name, Code::OtherThanWorkOrder, text, help))
            }
        }
    }
}
