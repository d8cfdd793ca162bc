//! One input, one decision.

use records::attributes::Attributes;
use records::wire::{Terms, WorkOrder, WorkOrderMessage};
use records::{Draft, Event, Kind, Stamp, Subject};

use super::answer::{Answer, Code, Outcome};
use super::command::Command;
use super::facts::Facts;
use super::hold;
use super::input::{Input, Raw, Reading, SeriesStart, Start, Unread};
use super::job::JobChange;
use super::known::{Count, KnownChange, KnownContainer, OrderCount};
use super::refusals::Due;
use super::state::{Lane, Line, State};
use super::unrecorded::Tally;

/// What follows from an input. It becomes true when the journal has committed it.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The state after it.
    pub next: State,
    /// The records to write, in order. Their sequences follow `last_seq` of the state before.
    pub drafts: Vec<Draft>,
    /// Changes to the known serials.
    pub known: Vec<KnownChange>,
    /// Containers, as they are now.
    pub containers: Vec<KnownContainer>,
    /// What was counted of work orders that no lane works on any more.
    pub orders: Vec<(String, OrderCount)>,
    /// What is to be counted for the shift.
    pub counts: Vec<Count>,
    /// Labels to be printed, and what became of others.
    pub jobs: Vec<JobChange>,
    /// What the operator is told; `None` where nobody asked.
    pub answer: Option<Answer>,
}

impl Decision {
    /// A decision that changes nothing but the state.
    #[must_use]
    pub fn of(next: State) -> Self {
        Self {
            next,
            drafts: Vec::new(),
            known: Vec::new(),
            containers: Vec::new(),
            orders: Vec::new(),
            counts: Vec::new(),
            jobs: Vec::new(),
            answer: None,
        }
    }
}

/// Decides. Pure: the same state, input and time give the same decision.
#[must_use]
pub fn decide(line: &Line, state: &State, input: &Input, now: &Stamp) -> Decision {
    let mut turn = Turn {
        line,
        before: state,
        now,
        state: state.clone(),
        drafts: Vec::new(),
        known: Vec::new(),
        jobs: Vec::new(),
    };
    let answer = match input {
        Input::SeriesBegan(began) => {
            turn.series_began(began);
            None
        }
        Input::Started(start) => {
            turn.start(start);
            None
        }
        Input::Scanned { lane, scanner, reading, raw, facts } => {
            Some(turn.scanned((lane, scanner), reading, raw, facts))
        }
        Input::Commanded { lane, .. } | Input::Result { lane, .. } => Some(not_here(lane)),
        Input::WorkOrder { lane, message, held } => {
            turn.work_order_message(lane, message).map(|answer| hold::warn(answer, held))
        }
        Input::NotRecorded { tallies, room } => {
            turn.not_recorded(tallies, *room);
            None
        }
        Input::SsccReserved { next, mark } => {
            (turn.state.sscc_next, turn.state.sscc_reserved) = (*next, *mark);
            None
        }
        Input::SsccMark { mark } => {
            // What this station has reserved itself may have been used by a copy of it.
            let mark = (*mark).max(turn.state.sscc_reserved);
            (turn.state.sscc_next, turn.state.sscc_reserved, turn.state.sscc_lost) = (mark, mark, false);
            None
        }
        Input::Printing { job, printing } => {
            turn.printing(job, printing);
            None
        }
        Input::Verdict { job, verdict, seen } => Some(turn.verdict(job, verdict, *seen)),
        Input::Tick { room } => {
            let due = turn.state.refusals.end_windows(now);
            turn.record_refusals(due, *room);
            None
        }
    };
    turn.decision(answer)
}

impl State {
    /// Would a tick at `now` decide anything, where there is `room` for records of refusals or not?
    #[must_use]
    pub fn tick_is_due(&self, now: &Stamp, room: bool) -> bool {
        self.refusals.is_due(now) || (room && !self.unrecorded.is_empty())
    }
}

/// A decision in the making.
pub(super) struct Turn<'a> {
    pub(super) line: &'a Line,
    before: &'a State,
    pub(super) now: &'a Stamp,
    pub(super) state: State,
    drafts: Vec<Draft>,
    pub(super) known: Vec<KnownChange>,
    pub(super) jobs: Vec<JobChange>,
}

impl Turn<'_> {
    fn decision(mut self, answer: Option<Answer>) -> Decision {
        let first = self.state.last_seq + 1;
        self.state.last_seq += self.drafts.len() as u64;
        let answer = answer.map(|mut answer| {
            answer.records = (!self.drafts.is_empty()).then_some((first, self.state.last_seq));
            answer
        });
        Decision { drafts: self.drafts, known: self.known, jobs: self.jobs, answer, ..Decision::of(self.state) }
    }

    /// Adds a record and tells the sequence that it will have.
    pub(super) fn write(&mut self, draft: Draft) -> u64 {
        self.drafts.push(draft);
        self.state.last_seq + self.drafts.len() as u64
    }

    /// Record 1 of a series.
    fn series_began(&mut self, start: &SeriesStart) {
        let mut draft = Draft::new(Event::SeriesStarted, Subject::station(&self.line.station));
        draft.attributes = [
            ("key".to_owned(), start.key.to_string().into()),
            ("station".to_owned(), self.line.station.clone().into()),
            ("series".to_owned(), self.line.series.to_string().into()),
        ]
        .into();
        let mut say = |name: &str, value: Option<serde_json::Value>| {
            draft.attributes.extend(value.map(|value| (name.to_owned(), value)));
        };
        say("seriesBefore", start.before.map(|before| before.to_string().into()));
        say("lastBefore", start.last_before.map(Into::into));
        say("why", start.why.map(Into::into));
        say("keyBefore", start.endorsed.map(|(key, _)| key.to_string().into()));
        say("endorsement", start.endorsed.map(|(_, word)| word.to_string().into()));
        self.write(draft);
    }

    fn start(&mut self, start: &Start) {
        let station = Subject::station(&self.line.station);
        if self.state.rules != start.rules {
            let mut draft = Draft::new(Event::Configured, station);
            draft.attributes = [("configuration".to_owned(), start.configuration.clone())].into();
            self.write(draft);
            self.state.rules = start.rules;
        }
        self.interrupted(&start.unfinished);
    }

    fn scanned(
        &mut self,
        (lane, scanner): (&str, &str),
        reading: &Result<Reading, Unread>,
        raw: &Raw,
        facts: &Facts,
    ) -> Answer {
        let (known, held, room) = (facts.known.as_ref(), facts.held.as_slice(), facts.room);
        let result = match reading {
            Ok(Reading::Device { serial, scope, attributes }) => {
                let decided = match held {
                    [] => self.device(lane, serial, scope, attributes, known),
                    held => Err(hold::refuse(lane, serial, held, known)),
                };
                decided.map_err(|mut refused| {
                    refused.serial = Some(serial.clone());
                    let subject = Subject { kind: Kind::Device, id: serial.clone(), scope: scope.clone() };
                    (refused, subject)
                })
            }
            Ok(Reading::WorkOrder { id, attributes, terms }) => self
                .work_order(lane, id, attributes, terms)
                .map(|answer| hold::warn(answer, held))
                .map_err(|refused| (refused, Subject::new(Kind::WorkOrder, id))),
            Ok(Reading::Command(command)) => self.command(lane, *command).map_err(|refused| (refused, self.station())),
            Ok(Reading::Container { id, .. }) => Err((
                Answer::refused(
                    lane,
                    Code::ContainerLabel,
                    format!("This is the label of package or pallet {id}"),
                    "Scan the serial label of a unit.",
                ),
                self.station(),
            )),
            Ok(Reading::Part { set, rule, attributes }) => {
                self.part(lane, set, rule, attributes).map_err(|refused| (refused, self.station()))
            }
            Ok(_) => Err((not_here(lane), self.station())),
            Err(unread) => Err((refuse_unread(lane, unread), self.station())),
        };
        let answer = match result {
            Ok(answer) => answer,
            Err((refused, subject)) => {
                // Refused whole: nothing that was begun stays.
                self.state = self.before.clone();
                self.drafts.clear();
                self.known.clear();
                self.jobs.clear();
                self.state.counters.refused += 1;
                let due = self.state.refusals.note((lane, scanner), refused.code, raw, &subject, self.now);
                self.record_refusals(due, room);
                refused
            }
        };
        self.drop_label(lane, reading, &answer);
        answer
    }

    /// Refusals go on record where there is room for them, after those that were only counted so far; else they are counted.
    fn record_refusals(&mut self, due: Vec<Due>, room: bool) {
        if room {
            let station = self.station();
            self.drafts.extend(self.state.unrecorded.summaries(&station));
            self.drafts.extend(due.into_iter().map(Due::draft));
        } else {
            due.into_iter().for_each(|due| self.state.unrecorded.add(due.tally(self.now)));
        }
    }

    /// What was answered red while nothing could be written.
    fn not_recorded(&mut self, tallies: &[Tally], room: bool) {
        for tally in tallies {
            self.state.counters.refused += tally.count;
            self.state.unrecorded.add(tally.clone());
        }
        self.record_refusals(Vec::new(), room);
    }

    fn station(&self) -> Subject {
        Subject::station(&self.line.station)
    }

    /// What is open on the lane, for the answer.
    pub(super) fn filled(&self, lane: &Lane, mut answer: Answer) -> Answer {
        let filling = |id: &str, count, size| super::Filling { id: id.to_owned(), count, size };
        answer.package = lane.package.as_ref().map(|p| filling(&p.id, p.count, self.line.packing.package_size));
        answer.pallet = lane.pallet.as_ref().map(|p| filling(&p.id, p.count, self.line.packing.pallet_size));
        answer
    }

    fn work_order(&mut self, name: &str, id: &str, attributes: &Attributes, terms: &Terms) -> Result<Answer, Answer> {
        let mut lane = self.state.lane(name);
        let order = WorkOrder { id: id.to_owned(), attributes: attributes.clone(), terms: terms.clone() };
        if lane.work_order.as_ref() == Some(&order) {
            let text = format!("Work order {id} is current already");
            return Ok(Answer::new(name, Outcome::Done, Code::WorkOrderUnchanged, text));
        }
        if let Some(package) = lane.package.as_ref().filter(|package| package.count > 0) {
            let text = format!("Package {} is open with {} units of another work order", package.id, package.count);
            return Err(Answer::refused(
                name,
                Code::PackageOpen,
                text,
                "Scan CLOSE PACKAGE, then the work order again.",
            ));
        }
        // What a person scans now wins over what waited.
        lane.waiting = None;
        let answer = self.begin_work_order(name, &mut lane, Some(order));
        self.state.lanes.insert(name.to_owned(), lane);
        Ok(answer)
    }

    fn work_order_message(&mut self, name: &str, message: &WorkOrderMessage) -> Option<Answer> {
        let mut lane = self.state.lane(name);
        let newest = lane.waiting.as_ref().map(|waiting| waiting.revision).max(lane.revision);
        if newest.is_some_and(|newest| message.revision <= newest) {
            return None;
        }
        let answer = if lane.package.as_ref().is_some_and(|package| package.count > 0) {
            lane.waiting = Some(message.clone());
            let what = message
                .work_order
                .as_deref()
                .map_or("The end of the work order".to_owned(), |id| format!("Work order {id}"));
            Answer::new(
                name,
                Outcome::Done,
                Code::WorkOrderWaits,
                format!("{what} begins when the open package is closed"),
            )
        } else {
            self.apply_message(name, &mut lane, message)
        };
        self.state.lanes.insert(name.to_owned(), lane);
        Some(answer)
    }

    /// A package was closed: the work order that waited for it begins.
    pub(super) fn apply_waiting(&mut self, name: &str, lane: &mut Lane) {
        if let Some(message) = lane.waiting.take() {
            self.apply_message(name, lane, &message);
        }
    }

    fn apply_message(&mut self, name: &str, lane: &mut Lane, message: &WorkOrderMessage) -> Answer {
        lane.revision = Some(message.revision);
        lane.waiting = None;
        let order = message.work_order.as_ref().map(|id| WorkOrder {
            id: id.clone(),
            attributes: message.attributes.clone(),
            terms: message.terms.clone(),
        });
        self.begin_work_order(name, lane, order)
    }

    fn begin_work_order(&mut self, name: &str, lane: &mut Lane, order: Option<WorkOrder>) -> Answer {
        let (event, id, attributes) = match (&order, &lane.work_order) {
            (Some(order), _) => (Event::WorkOrderStarted, order.id.clone(), order.attributes.clone()),
            (None, Some(old)) => (Event::WorkOrderEnded, old.id.clone(), Attributes::new()),
            (None, None) => return Answer::new(name, Outcome::Done, Code::WorkOrderEnded, "There is no work order"),
        };
        let answer = match event {
            Event::WorkOrderStarted => {
                Answer::new(name, Outcome::Done, Code::WorkOrderStarted, format!("Work order {id} is current"))
            }
            _ => Answer::new(name, Outcome::Done, Code::WorkOrderEnded, format!("Work order {id} has ended")),
        };
        let mut draft = Draft::new(event, Subject::new(Kind::WorkOrder, id));
        draft.attributes = attributes;
        draft.lane = Some(name.to_owned());
        self.write(draft);
        lane.work_order = order;
        answer
    }

    fn command(&mut self, lane: &str, command: Command) -> Result<Answer, Answer> {
        match command {
            Command::ClosePackage => self.close_package_by_command(lane),
            Command::ClosePallet => self.close_pallet_by_command(lane),
            Command::VoidLast => self.void_last(lane),
            _ => Err(not_here(lane)),
        }
    }
}

/// A scan that means something, and not here.
fn not_here(lane: &str) -> Answer {
    let help = "Scan what the lane is for: the serial label of a unit, a work order or a command.";
    Answer::refused(lane, Code::NotHere, "This code is not expected here", help)
}

fn refuse_unread(lane: &str, unread: &Unread) -> Answer {
    let refuse = |code, text: String, help: &str| Answer::refused(lane, code, text, help);
    match unread {
        Unread::NoRead => refuse(
            Code::NoRead,
            "The scanner could not read the code".into(),
            "Scan again; clean or replace a damaged label.",
        ),
        Unread::NotText => refuse(
            Code::NotText,
            "The scan is not text".into(),
            "Scan the serial label of the unit. If it was that, check the scanner's baud rate and parity.",
        ),
        Unread::NoRule => refuse(
            Code::NoRule,
            "No rule knows this code".into(),
            "Scan the serial label of the unit, not another code on it.",
        ),
        Unread::TwoRules(names) => refuse(
            Code::TwoRules,
            format!("The code fits the rules {}", names.join(" and ")),
            "Tell a technician: rules must not overlap.",
        ),
        Unread::BadValue(rule, why) => refuse(
            Code::BadValue,
            format!("Rule {rule}: {why}"),
            "Scan again; if it is refused again, set the unit aside.",
        ),
        Unread::Refused { code, text, help } => refuse(*code, text.clone(), help),
        Unread::CheckDigit(rule, name, digit) => refuse(
            Code::CheckDigit,
            format!("Rule {rule}: {name} does not end in its {digit} check digit"),
            "Scan again; if it is refused again, the label is misprinted: set the unit aside.",
        ),
        Unread::Gs1(why) => refuse(
            Code::Gs1,
            why.clone(),
            "Scan again; if it is refused again, check the label and the scanner's programming.",
        ),
        Unread::Noise(what) => refuse(
            Code::Noise,
            format!("The scanner sent something that is no scan: {what}"),
            "Scan again; check the cable and the scanner's programming.",
        ),
        Unread::NoCode { text, help } => refuse(Code::NoCode, text.clone(), help),
        Unread::Picture { text, help } => refuse(Code::Picture, text.clone(), help),
    }
}
