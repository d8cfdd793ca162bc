//! Containers that leave for a consignee.

use records::{Event, Subject};

use super::super::answer::{Answer, Code, Outcome};
use super::super::containers::title;
use super::super::input::Reading;
use super::super::known::{ContainerState, KnownContainer};
use super::super::turn::Turn;
use super::Despatch;

impl Turn<'_> {
    pub(in super::super) fn despatch(&mut self, name: &str, reading: &Reading) -> Result<Answer, Answer> {
        let noted = |text: String| Ok(Answer::new(name, Outcome::Done, Code::DespatchNoted, text));
        match reading {
            Reading::Consignee { id } => {
                self.lane(name).despatch.get_or_insert_default().consignee = Some(id.clone());
                noted(format!("For {id}"))
            }
            Reading::DespatchNote { id } => {
                self.lane(name).despatch.get_or_insert_default().note = Some(id.clone());
                noted(format!("Despatch note {id}"))
            }
            Reading::Container { id, .. } => self.leave(name, id),
            _ => Err(super::super::scan::not_here(name)),
        }
    }

    fn leave(&mut self, name: &str, id: &str) -> Result<Answer, Answer> {
        let refuse = |code, text: String, help: &str| Err(Answer::refused(name, code, text, help));
        let Despatch { consignee, note, last } =
            self.on(name).and_then(|lane| lane.despatch.clone()).unwrap_or_default();
        let (Some(consignee), Some(note)) = (consignee.clone(), note.clone()) else {
            let missing = if consignee.is_none() { "consignee" } else { "despatch note" };
            let help = format!("Scan the {missing}, then the container again.");
            return refuse(Code::DespatchMissing, format!("There is no {missing}"), &help);
        };
        let known = self.container(id);
        let container = match (&known, self.remote_container()) {
            (Some(known), _) => known.clone(),
            (None, Some(remote)) => KnownContainer {
                state: remote.state,
                count: remote.count,
                units: remote.all_units(),
                parent: remote.places().next().cloned(),
                ..KnownContainer::closed(id, remote.level, remote.level.word(), remote.count)
            },
            (None, None) => {
                self.check_silence(name, id)?;
                let help = "Look whether this is the right label: nobody here has packed this container.";
                return refuse(Code::UnknownContainer, format!("{id} is not known here"), help);
            }
        };
        if container.state == ContainerState::Despatched && last.as_deref() == Some(id) {
            let text = format!("{id} is recorded already, as the last that has left for {consignee}");
            let mut answer = Answer::new(name, Outcome::Known, Code::AlreadyRecorded, text);
            answer.help = "Go on with the next one.".to_owned();
            return Ok(answer);
        }
        self.refuse_left(name, id, id)?;
        match (&container.parent, container.state) {
            (_, ContainerState::Open) => {
                let text = format!("{} {id} is still open", title(&container.name));
                return refuse(Code::ContainerOpen, text, "Close it first.");
            }
            (_, ContainerState::Despatched) => {
                return refuse(Code::Despatched, format!("{id} has left already"), "Set it aside. Tell the office.");
            }
            (Some(parent), _) => {
                let text = format!("{id} is on {parent}");
                return refuse(Code::OnAnotherPallet, text, "Scan the label of the pallet; or take it out first.");
            }
            (None, ContainerState::Closed) => {}
        }
        if let Some(open) = self.open_inside(id) {
            let text = format!("{open} in {id} is open again");
            return refuse(Code::ContainerOpen, text, "Close it first.");
        }
        let unchecked = self.check_container(name, id, known.as_ref())?;
        self.check_inside_hold(name, id, true)?;
        let mut draft = self.draft(name, Event::Despatched, Subject::container(id));
        draft.allowed = self.allowed();
        draft.attributes =
            [("consignee".to_owned(), consignee.clone().into()), ("despatchNote".to_owned(), note.clone().into())]
                .into();
        self.write(draft);
        self.count(name, container.work_order.as_deref(), "despatched");
        let text = format!("{} {id} has left for {consignee}, despatch note {note}", title(&container.name));
        self.set_container(KnownContainer { state: ContainerState::Despatched, unchecked, ..container });
        self.lane(name).despatch.get_or_insert_default().last = Some(id.to_owned());
        Ok(Answer::new(name, Outcome::Accepted, Code::DespatchRecorded, text))
    }

    /// A container that is open again although it is in this one.
    fn open_inside(&self, id: &str) -> Option<String> {
        let open = self.state.lanes.values().flat_map(|lane| &lane.open);
        open.filter(|open| open.parent.as_deref().is_some_and(|parent| self.is_in(parent, id)))
            .map(|open| open.id.clone())
            .next()
    }

    pub(in super::super) fn finish_despatch(&mut self, name: &str) -> Result<Answer, Answer> {
        match self.lane(name).despatch.take() {
            Some(_) => Ok(Answer::new(name, Outcome::Done, Code::DespatchNoted, "The despatch is complete")),
            None => Err(Answer::refused(name, Code::NothingWaits, "No despatch was begun", "Scan the consignee.")),
        }
    }
}
