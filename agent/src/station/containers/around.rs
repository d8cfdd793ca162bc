//! What is around containers: whether that has left, and what it counts.

use super::super::answer::{Answer, Code};
use super::super::known::ContainerState;
use super::super::turn::Turn;

/// Containers around containers are followed so far.
const DEEPEST: usize = 12;

impl Turn<'_> {
    /// Has this container, or one around it, left?
    pub(in super::super) fn has_left(&self, id: &str) -> bool {
        let mut next = Some(id.to_owned());
        for _ in 0..DEEPEST {
            let Some(container) = next.take().and_then(|id| self.container(&id)) else { return false };
            if container.state == ContainerState::Despatched {
                return true;
            }
            next = container.parent;
        }
        false
    }

    /// Is a container this one, or in it?
    pub(in super::super) fn is_in(&self, inner: &str, outer: &str) -> bool {
        let mut next = Some(inner.to_owned());
        for _ in 0..DEEPEST {
            let Some(id) = next.take() else { return false };
            if id == outer {
                return true;
            }
            next = self.container(&id).and_then(|container| container.parent);
        }
        false
    }

    pub(in super::super) fn refuse_left(&self, name: &str, what: &str, id: &str) -> Result<(), Answer> {
        if !self.has_left(id) {
            return Ok(());
        }
        let text = format!("{what} has left with {id}");
        Err(Answer::refused(name, Code::Despatched, text, "Set it aside: it should not be here. Tell the office."))
    }

    /// More or less in a container, and units in those around it: how many they have is not known any more where it is not
    /// known of what came or went.
    pub(in super::super) fn adjust(&mut self, id: &str, mut count: i64, units: Option<i64>) {
        let mut next = Some(id.to_owned());
        for _ in 0..DEEPEST {
            let Some(id) = next.take() else { return };
            if let Some(open) = self.state.open_container_mut(&id) {
                open.count = shift(open.count, count);
                open.units = open.units.zip(units).map(|(known, by)| shift(known, by));
                next.clone_from(&open.parent);
            } else if let Some(mut known) = self.container(&id) {
                known.count = shift(known.count, count);
                known.units = known.units.zip(units).map(|(now, by)| shift(now, by));
                next.clone_from(&known.parent);
                self.set_container(known);
            }
            count = 0;
        }
    }
}

fn shift(count: u32, by: i64) -> u32 {
    u32::try_from((i64::from(count) + by).max(0)).unwrap_or(u32::MAX)
}
