//! What is decided in a group, and who waits for it.

use records::Stamp;
use records::wire::{Holds, WorkOrderMessage};
use tokio::sync::oneshot::Sender;

use super::{Noted, Request, ScanRequest, facts};
use crate::interpret::Rules;
use crate::journal::{Group, JournalError};
use crate::lookup::Told;
use crate::station::{
    Adopted, Answer, Code, Commanded, Facts, Input, Job, JobChange, JobState, Line, NoResult, Outcome, Printing,
    Reading, RigResult, Service, State, Unread, Verdict, Wanted,
};

/// A scan whose meaning is known.
pub(super) struct Deciding {
    pub(super) lane: String,
    scanner: String,
    reading: Result<Reading, Unread>,
    data: Vec<u8>,
    service: Service,
    /// What the operator is told beside a good answer.
    pub(super) aside: Option<String>,
    pub(super) reply: Option<Sender<Answer>>,
}

#[expect(clippy::large_enum_variant, reason = "nearly all of them are scans")]
pub(super) enum Item {
    Scan(Deciding),
    WorkOrder(String, WorkOrderMessage),
    Commanded { lane: String, commanded: Box<Commanded>, service: Service, reply: Sender<Answer> },
    Result { lane: String, result: Result<RigResult, NoResult>, reply: Option<Sender<Answer>> },
    Printing(Vec<(u64, Printing)>, Sender<Vec<Noted>>),
    Rechecked { scope: String, serial: String, told: Box<Told> },
    RecheckedContainer { id: String, told: Box<Told> },
    Released { scope: String, serial: String },
    Adopt { lane: String, adopted: Box<Adopted>, reply: Sender<Answer> },
    Verdict { job: u64, verdict: Verdict, seen: Option<u32>, reply: Sender<Answer> },
}

/// What became of an item, told after the commit.
#[derive(Default)]
pub(super) struct Decided {
    pub(super) answer: Option<Answer>,
    pub(super) noted: Vec<Noted>,
}

impl Item {
    /// A request that is to be decided; others are given back.
    #[expect(clippy::result_large_err, reason = "it is given back as it came, once for each request")]
    pub(super) fn of(request: Request, rules: &Rules) -> Result<Self, Request> {
        Ok(match request {
            Request::Scan(ScanRequest { lane, scan, unread, read, aside, service, reply }) => {
                let reading = unread.map(Err).or(read).unwrap_or_else(|| rules.read(&scan));
                Self::Scan(Deciding { lane, scanner: scan.source, reading, data: scan.data, service, aside, reply })
            }
            Request::WorkOrder { lane, message } => Self::WorkOrder(lane, message),
            Request::Commanded { lane, commanded, service, reply } => {
                Self::Commanded { lane, commanded, service, reply }
            }
            Request::Result { lane, result, reply } => Self::Result { lane, result, reply },
            Request::Rechecked { scope, serial, told } => Self::Rechecked { scope, serial, told },
            Request::RecheckedContainer { id, told } => Self::RecheckedContainer { id, told },
            Request::Adopt { lane, adopted, reply } => Self::Adopt { lane, adopted, reply },
            Request::Printing { said, reply } => Self::Printing(said, reply),
            Request::Verdict { job, verdict, seen, reply } => Self::Verdict { job, verdict, seen, reply },
            other => return Err(other),
        })
    }

    /// What it gives to decide about, with the facts it needs; the number of a label where there is no such label.
    /// `ahead` is the state before it; holds in `waiting` count, too.
    pub(super) fn inputs(
        &self,
        group: &Group<'_>,
        rules: &Rules,
        (line, ahead, now): (&Line, &State, &Stamp),
        waiting: Option<&Holds>,
    ) -> Result<Vec<Result<Input, u64>>, JournalError> {
        let facts = |wanted: &Wanted| facts::read(group, wanted, waiting);
        let about_label = |id: u64, input: &dyn Fn(Job) -> Input| Ok(group.label(id)?.map(input).ok_or(id));
        Ok(vec![match self {
            Self::Scan(deciding) => {
                let (lane, scanner) = (deciding.lane.clone(), deciding.scanner.clone());
                let state = ahead.lanes.get(&lane);
                let reading = deciding.reading.clone().map(|reading| line.rules.whole_label(state, reading, now));
                let raw = rules.raw(&deciding.data);
                let mut facts = match &reading {
                    Ok(reading) => facts(&Wanted::of(ahead, &lane, reading).with(ahead, &lane, &deciding.service))?,
                    Err(_) => facts(&Wanted::default())?,
                };
                facts.service = deciding.service.clone();
                Ok(Input::Scanned { lane, scanner, reading, raw, facts })
            }
            Self::WorkOrder(lane, message) => {
                let facts = facts(&Wanted::of_order(ahead, message))?;
                Ok(Input::WorkOrder { lane: lane.clone(), message: message.clone(), facts })
            }
            Self::Commanded { lane, commanded, service, .. } => {
                let wanted = Wanted::of_command(ahead, lane, commanded).with(ahead, lane, service);
                let facts = Facts { service: service.clone(), ..facts(&wanted)? };
                Ok(Input::Commanded { lane: lane.clone(), commanded: (**commanded).clone(), facts })
            }
            Self::Result { lane, result, .. } => {
                let wanted = result.as_ref().map(|result| Wanted::of_result(ahead, lane, result));
                let facts = facts(&wanted.unwrap_or_default())?;
                Ok(Input::Result { lane: lane.clone(), result: result.clone(), facts })
            }
            Self::Rechecked { scope, serial, told } => {
                let unit = Some((scope.clone(), serial.clone()));
                let facts = facts(&Wanted { unit, ..Wanted::default() })?;
                let Some(known) = facts.known.filter(|known| known.unchecked) else { return Ok(Vec::new()) };
                // Where it was packed; nowhere of one that is in nothing.
                let container = known.package.as_ref().and_then(|package| facts.containers.get(package));
                let lane = container.map(|container| container.lane.clone()).unwrap_or_default();
                let service = Service::Answer { age_ms: 0, unit: told.unit.clone(), container: None };
                Ok(Input::Checked { lane, scope: scope.clone(), serial: serial.clone(), known, service })
            }
            Self::RecheckedContainer { id, told } => {
                let service = Service::Answer { age_ms: 0, unit: None, container: told.container.clone() };
                let mut containers = vec![id.clone()];
                containers
                    .extend(told.container.iter().flat_map(|remote| remote.places().cloned().collect::<Vec<_>>()));
                let mut facts = facts(&Wanted { containers, ..Wanted::default() })?;
                let Some(known) = facts.containers.get(id).filter(|known| known.unchecked) else {
                    return Ok(Vec::new());
                };
                // The lane that has stacked it; nowhere of one that is on nothing.
                let around = known.parent.as_ref().and_then(|parent| facts.containers.get(parent));
                let lane = around.map_or(known, |around| around).lane.clone();
                facts.service = service;
                Ok(Input::CheckedContainer { lane, id: id.clone(), facts })
            }
            Self::Released { scope, serial } => {
                let unit = Some((scope.clone(), serial.clone()));
                let facts = facts(&Wanted { unit, ..Wanted::default() })?;
                let Some(known) = facts.known else { return Ok(Vec::new()) };
                let container = known.package.as_ref().and_then(|package| facts.containers.get(package));
                let lane = container.map(|container| container.lane.clone()).unwrap_or_default();
                Ok(Input::Released { lane, scope: scope.clone(), serial: serial.clone(), known })
            }
            Self::Adopt { lane, adopted, .. } => {
                let facts = facts(&Wanted::of_adopted(ahead, adopted))?;
                Ok(Input::Adopt { lane: lane.clone(), adopted: (**adopted).clone(), facts })
            }
            Self::Verdict { job, verdict, seen, .. } => {
                about_label(*job, &|job| Input::Verdict { job, verdict: verdict.clone(), seen: *seen })?
            }
            Self::Printing(said, _) => {
                let input = |(id, printing): &(u64, Printing)| {
                    about_label(*id, &|job| Input::Printing { job, printing: printing.clone() })
                };
                return said.iter().map(input).collect();
            }
        }])
    }
}

impl Item {
    /// A good answer, with what the operator is told beside it.
    pub(super) fn with_aside(&self, mut answer: Answer) -> Answer {
        if let Self::Scan(Deciding { aside: Some(aside), .. }) = self
            && answer.outcome != Outcome::Refused
            && answer.help.is_empty()
        {
            answer.help.clone_from(aside);
        }
        answer
    }
}

/// Does a label wait for a printer after this?
pub(super) fn waits(change: &JobChange) -> bool {
    match change {
        JobChange::New(_) => true,
        JobChange::Set(job) => job.state == JobState::Waiting,
    }
}

pub(super) fn no_label(id: u64) -> Answer {
    let help = "Look at the labels again: printed ones are forgotten after a while.";
    Answer::refused("", Code::NoLabel, format!("There is no label {id}"), help)
}
