//! A container does not leave, and goes on nothing, while a unit in it is on hold or under recall.

use std::collections::BTreeSet;

use super::answer::{Answer, Code};
use super::hold::Hold;
use super::turn::Turn;

impl Turn<'_> {
    /// Is anything in the container on hold, as far as it is known here or the service says it? `asked`: is what the service
    /// says about this container?
    pub(super) fn check_inside_hold(&mut self, name: &str, id: &str, asked: bool) -> Result<(), Answer> {
        let facts = self.facts;
        let mut serials: BTreeSet<&str> = facts.inside.serials.iter().map(String::as_str).collect();
        let mut lots: BTreeSet<&str> = facts.inside.lots.iter().map(String::as_str).collect();
        // What the service says to be in it was held against the same holds.
        let mut recalled = facts.inside.recalled;
        if let Some(remote) = self.remote_container().filter(|_| asked) {
            serials.extend(facts.held.iter().filter_map(Hold::serial));
            lots.extend(facts.held.iter().filter_map(Hold::lot));
            serials.extend(remote.held.iter().map(String::as_str));
            recalled |= remote.recalled || !facts.recalled.is_empty();
        }
        if serials.is_empty() && lots.is_empty() {
            return Ok(());
        }
        let (code, state) = match recalled {
            true => (Code::Recall, "under recall"),
            false => (Code::OnHold, "on hold"),
        };
        let text = match (serials.len(), serials.first()) {
            (1, Some(first)) => format!("{first} in {id} is {state}"),
            (count, Some(first)) => format!("{count} units in {id} are {state}, the first is {first}"),
            _ => {
                let lots: Vec<&str> = lots.into_iter().collect();
                format!("{id} has units of lot {}, which is {state}", lots.join(" and "))
            }
        };
        let help = "Set it aside; take out what is on hold, or ask quality. It must not leave so.";
        self.unless_allowed(Answer::refused(name, code, text, help))
    }
}
