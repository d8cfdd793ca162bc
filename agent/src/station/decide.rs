//! One input, one decision.

use records::{Draft, Event, Stamp, Subject};

use super::answer::Answer;
use super::facts::Facts;
use super::hold;
use super::input::{Input, Raw, SeriesStart, Start};
use super::job::JobChange;
use super::known::{Count, KnownChange, KnownContainer, OrderCount};
use super::state::{Line, State};
use super::turn::{NO_FACTS, Turn};
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
    let mut turn = Turn::new(line, state, facts_of(input), now);
    let answer = match input {
        Input::SeriesBegan(began) => {
            turn.series_began(began);
            None
        }
        Input::Started(start) => {
            turn.start(start);
            None
        }
        Input::Scanned { lane, scanner, reading, raw, .. } => Some(turn.scanned((lane, scanner), reading, raw)),
        Input::Commanded { lane, commanded, .. } => Some(turn.at_once(lane, |turn| {
            turn.check_operator(lane)?;
            turn.commanded(lane, commanded)
        })),
        Input::Result { lane, result, .. } => Some(turn.at_once(lane, |turn| turn.result(lane, result))),
        Input::Checked { lane, scope, serial, known, service } => turn.checked(lane, (scope, serial), known, service),
        Input::CheckedContainer { lane, id, .. } => turn.checked_container(lane, id),
        Input::Released { lane, scope, serial, known } => turn.released(lane, (scope, serial), known),
        Input::Adopt { lane, adopted, .. } => Some(turn.at_once(lane, |turn| turn.adopt(lane, adopted))),
        Input::WorkOrder { lane, message, facts } => {
            turn.work_order_message(lane, message).map(|answer| hold::warn(answer, &facts.held))
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
        Input::Verdict { job, verdict, seen } => {
            turn.actor = turn.on(&job.draft.lane).and_then(|lane| lane.person.clone());
            Some(turn.verdict(job, verdict, *seen))
        }
        Input::Tick { room } => {
            let due = turn.state.refusals.end_windows(now);
            turn.record_refusals(due, *room);
            turn.give_up_waiting()
        }
    };
    turn.decision(answer)
}

fn facts_of(input: &Input) -> &Facts {
    match input {
        Input::Scanned { facts, .. }
        | Input::Commanded { facts, .. }
        | Input::Result { facts, .. }
        | Input::Adopt { facts, .. }
        | Input::CheckedContainer { facts, .. }
        | Input::WorkOrder { facts, .. } => facts,
        _ => &NO_FACTS,
    }
}

impl State {
    /// Would a tick at `now` decide anything, where there is `room` for records of refusals or not?
    #[must_use]
    pub fn tick_is_due(&self, now: &Stamp, room: bool) -> bool {
        let waits = |lane: &super::state::Lane| lane.pending.as_ref().is_some_and(|pending| pending.is_over(now));
        self.refusals.is_due(now) || (room && !self.unrecorded.is_empty()) || self.lanes.values().any(waits)
    }
}

impl Turn<'_> {
    /// Something that did not come as a scan. Refused whole like one.
    fn at_once(&mut self, name: &str, decide: impl FnOnce(&mut Self) -> Result<Answer, Answer>) -> Answer {
        self.actor = self.on(name).and_then(|lane| lane.person.clone());
        let answer = decide(self).unwrap_or_else(|refused| {
            let raw = Raw { bytes: 0, mark: String::new() };
            self.refuse((name, ""), None, &raw, refused)
        });
        self.forget_refused(name, None, true);
        answer
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
        if self.state.rules != start.rules {
            let mut draft = Draft::new(Event::Configured, self.station());
            draft.attributes = [("configuration".to_owned(), start.configuration.clone())].into();
            self.write(draft);
            self.state.rules = start.rules;
            self.close_unknown_levels();
        }
        self.state.version = State::VERSION;
        self.interrupted(&start.unfinished);
    }

    /// What was answered red while nothing could be written.
    fn not_recorded(&mut self, tallies: &[Tally], room: bool) {
        for tally in tallies {
            self.state.counters.refused += tally.count;
            self.state.unrecorded.add(tally.clone());
        }
        self.record_refusals(Vec::new(), room);
    }
}
