//! Closing: by themselves when full, or by command.

use records::{Event, Joined, Subject};

use super::super::answer::{Answer, Code, Outcome};
use super::super::known::ContainerState;
use super::super::state::Close;
use super::super::turn::Turn;
use super::{level_of, title};

impl Turn<'_> {
    /// Closes the open container of a level; it joins the one around it, unless it is in one already.
    pub(in super::super) fn close(&mut self, name: &str, depth: usize, reason: Option<&str>) {
        let Some(level) = self.levels().get(depth) else { return };
        let Some(at) = self.on(name).and_then(|lane| lane.open.iter().position(|open| open.level == level.name)) else {
            return;
        };
        let joins = self.on(name).and_then(|lane| lane.open.get(at)).is_some_and(|open| open.parent.is_none());
        if joins && self.range(name).contains(&(depth + 1)) {
            // What was full and is open again makes way. What it was opened in may be closed by now. Without an SSCC for
            // another one it stands alone.
            self.close_full(name, depth + 1);
            drop(self.open_from(name, depth + 1));
        }
        let Some(at) = self.on(name).and_then(|lane| lane.open.iter().position(|open| open.level == level.name)) else {
            return;
        };
        let mut open = self.lane(name).open.remove(at);
        let mut draft = self.draft(name, Event::Closed, Subject::container(&open.id));
        draft.attributes = level_of(level);
        draft.attributes.insert("count".to_owned(), open.count.into());
        draft.reason = reason.map(str::to_owned);
        let around = (open.parent.is_none() && self.range(name).contains(&(depth + 1))).then_some(depth + 1);
        let kind = around.and_then(|depth| self.levels().get(depth)).map(|level| level.kind);
        if let Some((kind, parent)) = kind.zip(around.and_then(|depth| self.at_mut(name, depth))) {
            parent.add_container(open.units, &open.common);
            let (id, beyond) = (parent.id.clone(), parent.parent.clone());
            draft.into = vec![Joined::container(&id, kind)];
            open.parent = Some(id);
            // What is open again is in something, which counts these units, too.
            if let Some(beyond) = beyond {
                self.adjust(&beyond, 0, open.units.map(i64::from));
            }
        }
        let joins = !draft.into.is_empty();
        let seq = self.write(draft);
        self.print(name, level.kind, &open.id, open.units, &open.common);
        self.remember(name, depth, &open, ContainerState::Closed);
        if joins && let Some(mut known) = self.container(&open.id) {
            known.joined = Some((seq, None));
            self.set_container(known);
        }
        let order = self.on(name).and_then(|lane| lane.work_order.as_ref()).map(|order| order.id.clone());
        self.count(name, order.as_deref(), level.name.clone());
        match level.kind {
            records::Level::Package => self.state.counters.packages += 1,
            records::Level::Pallet => self.state.counters.pallets += 1,
        }
        if level.scan_back {
            self.lane(name).scan_back.push(open.id);
        }
        if depth == 0 {
            self.apply_waiting(name);
        }
    }

    /// Closes what is full, from this level on outwards. Tells the names of the levels that were closed.
    pub(in super::super) fn close_full(&mut self, name: &str, from: usize) -> Vec<String> {
        let mut closed = Vec::new();
        for depth in from..self.levels().len() {
            let level = &self.levels()[depth];
            if level.close != Close::Auto || !self.is_full(name, depth) {
                break;
            }
            self.close(name, depth, None);
            closed.push(level.name.clone());
        }
        closed
    }

    /// Closes by command, full or not.
    pub(in super::super) fn close_by_command(
        &mut self,
        name: &str,
        depth: usize,
        reason: Option<&str>,
    ) -> Result<Answer, Answer> {
        let Some(level) = self.levels().get(depth) else {
            let help = "Look at the levels in the configuration.";
            return Err(Answer::refused(name, Code::NothingToClose, "There is no such level", help));
        };
        let lane = self.state.lane(name);
        for inner in 0..depth {
            if let Some(open) = self.at(&lane, inner).filter(|open| open.count > 0) {
                let inner_level = &self.levels()[inner];
                let (title, units) = (title(&inner_level.name), self.inside(inner));
                let text = format!("{title} {} is still open with {} {units}", open.id, open.count);
                let (close, again) = (inner_level.name.to_uppercase(), level.name.to_uppercase());
                let help = format!("Scan CLOSE {close}, then CLOSE {again} again.");
                return Err(Answer::refused(name, Code::PackageOpen, text, help));
            }
        }
        let Some(open) = self.at(&lane, depth).filter(|open| open.count > 0).cloned() else {
            let text = format!("No {} with {} is open", level.name, self.inside(depth));
            return Err(Answer::refused(name, Code::NothingToClose, text, "Go on scanning units."));
        };
        let text = format!("{} {} closed with {} {}", title(&level.name), open.id, open.count, self.inside(depth));
        let code = match level.kind {
            records::Level::Package => Code::PackageClosed,
            records::Level::Pallet => Code::PalletClosed,
        };
        let mut answer = self.filled(name, Answer::new(name, Outcome::Done, code, text));
        self.close(name, depth, reason);
        let after = self.filled(name, answer.clone());
        if depth + 1 < self.levels().len() {
            answer.pallet = after.pallet;
        }
        for level in self.close_full(name, depth + 1) {
            answer.text.push_str(&format!("; {level} full and closed"));
        }
        Ok(self.ask_back(name, answer))
    }

    /// Is a label to be scanned back before the next unit?
    pub(in super::super) fn ask_back(&self, name: &str, mut answer: Answer) -> Answer {
        if let Some(id) = self.on(name).and_then(|lane| lane.scan_back.first()) {
            answer.help = format!("Put the label on, then scan it: {id}.");
        }
        answer
    }
}
